use super::Node;
use crate::sync::atomic::{AtomicU64, Ordering};

/// What a node lost, counted since it started.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    lost_messages: AtomicU64,
    refused_connections: AtomicU64,
    overflowed_messages: AtomicU64,
    broken_cycles: AtomicU64,
}

/// What a node lost, counted since it started; from [`Node::counters`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Messages to or from other nodes that could not be delivered: no such process, another protocol, bytes that
    /// are none of its messages.
    pub lost_messages: u64,
    /// Connections that ended before the peer had shown that it is a member.
    pub refused_connections: u64,
    /// Messages that a full mailbox dropped or refused, or whose sender did not wait for a place in it.
    pub overflowed_messages: u64,
    /// Rings of calls that could never be answered, each ended by a [`CallError::Cycle`](crate::CallError::Cycle).
    pub broken_cycles: u64,
}

impl Tally {
    pub(crate) fn overflow(&self) {
        self.overflowed_messages.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn break_cycle(&self) {
        self.broken_cycles.fetch_add(1, Ordering::Relaxed);
    }
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
    /// What the node lost since it started.
    pub fn counters(&self) -> Counters {
        let tally = self.tally();
        Counters {
            lost_messages: tally.lost_messages.load(Ordering::Relaxed),
            refused_connections: tally.refused_connections.load(Ordering::Relaxed),
            overflowed_messages: tally.overflowed_messages.load(Ordering::Relaxed),
            broken_cycles: tally.broken_cycles.load(Ordering::Relaxed),
        }
    }
}
