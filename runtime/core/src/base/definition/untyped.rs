//! Values of types that this program does not have.

use std::any::{Any, TypeId};

use serde::{Deserialize, Serialize};

use crate::base::Source;

/// A value as its bytes, with the encoded shape of its type. As the type of an answer it takes any answer whose definition
/// was sent with it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Untyped {
    pub(crate) shape: Vec<u8>,
    pub(crate) value: Vec<u8>,
}

impl Untyped {
    /// Returns a received value if `T` is this type.
    pub(super) fn received<T: 'static>(shape: &[u8], payload: &Source) -> Option<T> {
        if TypeId::of::<T>() != TypeId::of::<Untyped>() {
            return None;
        }
        let untyped = Untyped { shape: shape.to_vec(), value: payload.to_vec() };
        (&mut Some(untyped) as &mut dyn Any).downcast_mut::<Option<T>>()?.take()
    }
}
