//! Epochs of connections.

/// The connection to another node over which a signal or a call goes, as one number of a node's connections in their
/// order. A later connection to the same node has another epoch.
///
/// A relation between two processes belongs to the connection on which it began, and ends with it. Its signals are not
/// sent over a later connection, and the loss of an earlier one has no effect on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Epoch(pub(crate) u64);

impl Epoch {
    /// The epoch of signals within a node, where there is no connection to lose.
    pub(crate) const LOCAL: Epoch = Epoch(0);
}
