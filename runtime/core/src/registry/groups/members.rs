//! The members of one group, as one node lists them.

use std::sync::Arc;

use crate::base::{NodeId, SortedMap};
use crate::wire::Epoch;

/// A group with its members. `V` is what the node keeps of a member of its own, and `S` is a subscriber.
pub(super) struct Group<V, S> {
    /// Shared with the broadcasts that are being delivered. A change meanwhile copies it, at most once for each broadcast.
    pub(super) local: Arc<SortedMap<u64, V>>,
    pub(super) remote: SortedMap<Epoch, Members>,
    pub(super) subscribers: Vec<S>,
    /// The member that was picked last in turn.
    pub(super) last_picked: (Epoch, u64),
}

/// The members on one peer.
pub(super) struct Members {
    pub(super) node: Arc<NodeId>,
    pub(super) numbers: SortedMap<u64, ()>,
}

impl<V, S> Group<V, S> {
    pub(super) fn new() -> Group<V, S> {
        Group {
            local: Arc::new(SortedMap::new()),
            remote: SortedMap::new(),
            subscribers: Vec::new(),
            last_picked: (Epoch::LOCAL, 0),
        }
    }

    /// Returns the number of members.
    pub(super) fn count(&self) -> usize {
        self.local.len() + self.remote.values().map(|members| members.numbers.len()).sum::<usize>()
    }
}
