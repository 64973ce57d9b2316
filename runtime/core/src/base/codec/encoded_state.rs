//! The state of an actor as bytes.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ByteString;

/// The state of an actor as bytes, with the name and the shape of its type. Any release of the program can read it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EncodedState(ByteString);

impl EncodedState {
    pub(crate) fn new(bytes: Vec<u8>) -> EncodedState {
        EncodedState(ByteString(bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0.0
    }
}

/// The length alone: a state can be long, and confidential.
impl fmt::Debug for EncodedState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncodedState({} bytes)", self.bytes().len())
    }
}
