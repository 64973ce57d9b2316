use std::sync::atomic::{AtomicU64, Ordering};

use super::Node;

/// What went wrong between this node and others, counted since it started.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    lost_messages: AtomicU64,
    refused_connections: AtomicU64,
}

/// What went wrong between a node and others, counted since it started; from [`Node::counters`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Messages to or from other nodes that could not be delivered: no such process, another protocol, bytes that
    /// are none of its messages.
    pub lost_messages: u64,
    /// Connections that ended before the peer had shown that it is a member.
    pub refused_connections: u64,
}

#[cfg(feature = "net")]
impl Tally {
    pub(crate) fn lose(&self) {
        self.lost_messages.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refuse(&self) {
        self.refused_connections.fetch_add(1, Ordering::Relaxed);
    }
}

impl Node {
    /// What went wrong between this node and others since it started.
    pub fn counters(&self) -> Counters {
        let tally = self.tally();
        Counters {
            lost_messages: tally.lost_messages.load(Ordering::Relaxed),
            refused_connections: tally.refused_connections.load(Ordering::Relaxed),
        }
    }
}
