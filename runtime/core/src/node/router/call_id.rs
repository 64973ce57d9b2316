//! Calls that came on a connection.

use crate::wire::Epoch;

/// A call on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct CallId {
    pub(crate) epoch: Epoch,
    pub(crate) id: u64,
}

/// A call of another node that a reply answers.
#[cfg(feature = "upgrade")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct KeptCall {
    /// The connection, and the call's id on the caller's node.
    pub(crate) call: CallId,
    /// The caller may have another version of the answer's type, so the answer has a definition.
    pub(crate) is_typed: bool,
}
