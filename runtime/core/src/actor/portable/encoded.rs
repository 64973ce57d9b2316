//! A state as bytes, with the name and the shape of its type.

use serde::{Deserialize, Serialize};

use super::Portable;
use crate::base::{DeserializeOwned, Exit};
use crate::node::{Current, Node};
use crate::process::EncodedValue;
use crate::shape::Shape;

/// A state, and the name and the shape of its type.
#[derive(Serialize, Deserialize)]
pub(super) struct NamedState {
    name: String,
    state: EncodedValue,
}

/// The state of an earlier release, or of another one, for a function with `#[upgrade]`.
pub struct OldState<'a> {
    node: &'a Node,
    encoded: &'a EncodedValue,
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
    /// Encodes the state.
    ///
    /// # Errors
    /// The reason why the state has no shape, or cannot be written.
    #[doc(hidden)]
    fn __encode(&self, encoded: &mut NewState) -> Result<(), String>;

    /// Makes a state of an old one. `None` if the old one must have the same shape, and has another one.
    ///
    /// # Errors
    /// The state cannot be read.
    #[doc(hidden)]
    fn __decode(old: &OldState<'_>) -> Option<Result<Self, String>>;
}

/// The place of a state that is encoded.
#[derive(Default)]
pub struct NewState(Option<EncodedValue>);

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + 'static> StateType for T {
    fn __encode(&self, encoded: &mut NewState) -> Result<(), String> {
        encoded.0 = Some(EncodedValue::of(&current_node()?, self)?);
        Ok(())
    }

    fn __decode(old: &OldState<'_>) -> Option<Result<T, String>> {
        let by_name = || (!old.is_exact).then(|| old.encoded.read_by_name(old.node, old.shape));
        old.encoded.read_equal(old.node).or_else(by_name)
    }
}

impl NamedState {
    /// Encodes a state.
    ///
    /// # Errors
    /// The reason why the state has no shape, or cannot be written.
    pub(super) fn of<A: Portable>(state: &A) -> Result<NamedState, String> {
        let (name, mut encoded) = (A::__name(), NewState::default());
        let result = state.__encode(&mut encoded);
        result.map_err(|reason| format!("the state of `{name}`: {reason}"))?;
        let state = encoded.0.ok_or("the state was not encoded")?;
        Ok(NamedState { name, state })
    }

    /// Makes a state of the bytes.
    ///
    /// # Errors
    /// The state cannot be read, or a function with `#[upgrade]` fails.
    pub(super) fn read<A: Portable>(&self) -> Result<A, Exit> {
        let node = current_node()?;
        let unreadable =
            |reason: &str| Exit::error(format_args!("the state of `{}` cannot be read: {reason}", self.name));
        let shape = self.state.shape().map_err(unreadable)?;
        let [exact, any] =
            [true, false].map(|is_exact| OldState { node: &node, encoded: &self.state, shape: &shape, is_exact });
        let name = A::__name();
        let has_name = self.name == name;
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
