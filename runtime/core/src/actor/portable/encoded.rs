//! A state as bytes, with the shape of its type.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Portable;
use crate::base::{Decoder, DeserializeOwned, Exit, Source};
use crate::node::{Current, Node};
use crate::process::type_definition;
use crate::shape::{Resolver, Shape};

/// A state, and the name and the shape of its type.
#[derive(Serialize, Deserialize)]
pub(super) struct EncodedState {
    name: String,
    shape: Bytes,
    state: Bytes,
}

/// Bytes that serde handles as such, and not as a sequence of numbers.
#[derive(Default)]
struct Bytes(Vec<u8>);

/// The state of an earlier release, or of another one, for a function with `#[upgrade]`.
pub struct OldState<'a> {
    node: &'a Node,
    encoded: &'a EncodedState,
    shape: &'a Shape,
    /// Only a type with the same shape is made of it.
    is_exact: bool,
}

/// The type of a state, or of an earlier one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not implement serde's traits",
    label = "a state that is handed over needs them",
    note = "write `#[derive(Serialize, Deserialize)]` on the type `{Self}`"
)]
pub trait StateType: Sized + Send + 'static {
    /// Returns the shape of the type, and the bytes of the state.
    ///
    /// # Errors
    /// The reason why the state has no shape, or cannot be written.
    #[doc(hidden)]
    fn __encode(&self) -> Result<[Vec<u8>; 2], String>;

    /// Makes a state of an old one. `None` if the old one must have the same shape, and has another one.
    ///
    /// # Errors
    /// The state cannot be read.
    #[doc(hidden)]
    fn __decode(old: &OldState<'_>) -> Option<Result<Self, String>>;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + 'static> StateType for T {
    fn __encode(&self) -> Result<[Vec<u8>; 2], String> {
        let own = type_definition::<T>(&current_node()?);
        let shape = own.get().map_err(ToString::to_string)?.shape.to_vec();
        if shape.is_empty() {
            return Err(format!("its shape has more than {} bytes, or its recording panicked", Shape::MAX_ENCODED));
        }
        let state = postcard::to_allocvec(self).map_err(|error| error.to_string())?;
        Ok([shape, state])
    }

    fn __decode(old: &OldState<'_>) -> Option<Result<T, String>> {
        let own = type_definition::<T>(old.node);
        let is_equal = own.get().is_ok_and(|own| *own.shape == *old.encoded.shape.0);
        if is_equal {
            let state = Source::from(old.encoded.state.0.clone());
            let mut decoder = Decoder::new(&state);
            let value = decoder.field().and_then(|value| decoder.finish().map(|()| value));
            return Some(value.map_err(|error| error.to_string()));
        }
        if old.is_exact {
            return None;
        }
        let mut resolver = Resolver::new(old.shape, own.aliases(), &old.encoded.state.0);
        let value = resolver.read(0).and_then(|value| resolver.finish().map(|()| value));
        Some(value.map_err(|error| error.to_string()))
    }
}

impl EncodedState {
    /// Encodes a state.
    ///
    /// # Errors
    /// The reason why the state has no shape, or cannot be written.
    pub(super) fn of<A: Portable>(state: &A) -> Result<EncodedState, String> {
        let name = A::__name();
        let [shape, state] = state.__encode().map_err(|reason| format!("the state of `{name}`: {reason}"))?;
        Ok(EncodedState { name, shape: Bytes(shape), state: Bytes(state) })
    }

    /// Makes a state of the bytes.
    ///
    /// # Errors
    /// The state cannot be read, or a function with `#[upgrade]` fails.
    pub(super) fn read<A: Portable>(&self) -> Result<A, Exit> {
        let node = current_node()?;
        let unreadable =
            |reason: &str| Exit::error(format_args!("the state of `{}` cannot be read: {reason}", self.name));
        let shape = Shape::decode(&self.shape.0).map_err(unreadable)?;
        let [exact, any] =
            [true, false].map(|is_exact| OldState { node: &node, encoded: self, shape: &shape, is_exact });
        let (name, has_name) = (A::__name(), self.name == A::__name());
        if let Some(state) = A::__decode(&exact).filter(|_| has_name) {
            return state.map_err(|error| unreadable(&error));
        }
        if let Some(upgraded) = A::__upgrade(&exact) {
            return upgraded;
        }
        let error = match A::__decode(&any).filter(|_| has_name) {
            Some(Ok(state)) => return Ok(state),
            Some(Err(error)) => unreadable(&error),
            None => Exit::error(format_args!("the state is of `{}`, and not of `{name}`", self.name)),
        };
        A::__upgrade(&any).unwrap_or(Err(error))
    }
}

impl OldState<'_> {
    /// Returns the old state as a `T`, if one can be made of it.
    pub fn read<T: StateType>(&self) -> Option<T> {
        T::__decode(self)?.ok()
    }
}

fn current_node() -> Result<Node, String> {
    Current::node().ok_or_else(|| "a state is handed over only inside a process, or after `node.enter()`".to_owned())
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        struct Visitor;

        impl serde::de::Visitor<'_> for Visitor {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }

            fn visit_byte_buf<E: serde::de::Error>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
                Ok(Bytes(bytes))
            }
        }

        deserializer.deserialize_byte_buf(Visitor)
    }
}
