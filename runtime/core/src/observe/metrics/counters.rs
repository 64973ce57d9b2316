//! Counts of lost messages, refused connections, timeouts and restarts.

use std::collections::BTreeMap;

use super::Metrics;
#[cfg(feature = "net")]
use crate::base::NodeEvent;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, PoisonError};

/// Counts of failures since the node started, as they are updated.
#[derive(Debug, Default)]
pub(crate) struct LossCounts {
    lost_messages: AtomicU64,
    refused_connections: AtomicU64,
    refused_relations: AtomicU64,
    refused_by_policy: AtomicU64,
    rejected_certificates: AtomicU64,
    node_ups: AtomicU64,
    node_downs: AtomicU64,
    overflowed_messages: AtomicU64,
    broken_cycles: AtomicU64,
    claims_lost: AtomicU64,
    claims_refused: AtomicU64,
    lost_states: AtomicU64,
    lost_trace_contexts: AtomicU64,
    /// By the callee's protocol.
    call_timeouts: Mutex<BTreeMap<String, u64>>,
    /// By the supervisor's path, for a limited number of supervisors; the others are counted together.
    restarts: Mutex<BTreeMap<String, u64>>,
}

/// The number of supervisors with a count of their own. It needs a limit, since dynamic children make ever new paths.
const MAX_SUPERVISORS: usize = 256;

/// Counts of failures since the node started; from [`Node::counters`](crate::Node::counters).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Messages to or from other nodes that could not be delivered: the process does not exist, has another protocol, or
    /// the bytes are not one of its messages. Also messages that waited for a child whose restart failed.
    pub lost_messages: u64,
    /// Connections that ended before both nodes had accepted them: other programs, other cookies, names in use. Second
    /// connections to a connected node are not counted.
    pub refused_connections: u64,
    /// Links and monitors of other nodes that were ended at once, since their node has too many of them. Also updates of
    /// other nodes with members of groups that were ignored for that reason.
    pub refused_relations: u64,
    /// Messages, signals and requests of other nodes that the [`Policy`](crate::Policy) of this one did not allow.
    pub refused_by_policy: u64,
    /// Certificates of this node on disk that could not be loaded in place of the previous ones. Each error is counted
    /// once.
    pub rejected_certificates: u64,
    /// Connections to other nodes that came up: the number of [`NodeEvent::Up`](crate::NodeEvent::Up).
    pub node_ups: u64,
    /// Those that ended, for any reason: the number of [`NodeEvent::Down`](crate::NodeEvent::Down).
    pub node_downs: u64,
    /// Messages that a full mailbox dropped or refused, or whose sender did not wait for free capacity.
    pub overflowed_messages: u64,
    /// Cycles of calls that could never be answered; each was ended with a
    /// [`CallErrorKind::Cycle`](crate::CallErrorKind::Cycle).
    pub broken_cycles: u64,
    /// Claims of this node that were lost: to another node, or since the registry could not be reached. Their owners were
    /// ended.
    pub claims_lost: u64,
    /// Requests of this node for claims that were not granted: the key was taken, or the registry could not be reached.
    pub claims_refused: u64,
    /// States of children that were to continue on another node, and start anew instead.
    pub lost_states: u64,
    /// Trace contexts of messages from other nodes that could not be read. The messages went on without them.
    pub lost_trace_contexts: u64,
}

impl LossCounts {
    pub(crate) fn count_overflow(&self) {
        self.overflowed_messages.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_lost_messages(&self, count: u64) {
        self.lost_messages.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn count_broken_cycle(&self) {
        self.broken_cycles.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts claims that were lost, and requests for claims that were not granted.
    pub(crate) fn count_claims(&self, lost: usize, refused: usize) {
        self.claims_lost.fetch_add(lost as u64, Ordering::Relaxed);
        self.claims_refused.fetch_add(refused as u64, Ordering::Relaxed);
    }

    pub(crate) fn count_lost_states(&self, count: u64) {
        self.lost_states.fetch_add(count, Ordering::Relaxed);
    }

    /// Counts a call that a process of this protocol did not answer in time.
    pub(crate) fn count_timeout(&self, protocol: &str) {
        let mut timeouts = self.call_timeouts.lock().unwrap_or_else(PoisonError::into_inner);
        match timeouts.get_mut(protocol) {
            Some(count) => *count += 1,
            None => drop(timeouts.insert(protocol.to_owned(), 1)),
        }
    }

    pub(crate) fn timeouts(&self) -> BTreeMap<String, u64> {
        self.call_timeouts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts a restart of a child by the supervisor with this path.
    pub(crate) fn count_restart(&self, supervisor: &str) {
        let mut restarts = self.restarts.lock().unwrap_or_else(PoisonError::into_inner);
        let full = restarts.len() >= MAX_SUPERVISORS;
        match restarts.get_mut(supervisor) {
            Some(count) => *count += 1,
            None if full => *restarts.entry(Metrics::OTHER.to_owned()).or_default() += 1,
            None => drop(restarts.insert(supervisor.to_owned(), 1)),
        }
    }

    pub(crate) fn restarts(&self) -> BTreeMap<String, u64> {
        self.restarts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn counters(&self) -> Counters {
        Counters {
            lost_messages: self.lost_messages.load(Ordering::Relaxed),
            refused_connections: self.refused_connections.load(Ordering::Relaxed),
            refused_relations: self.refused_relations.load(Ordering::Relaxed),
            refused_by_policy: self.refused_by_policy.load(Ordering::Relaxed),
            rejected_certificates: self.rejected_certificates.load(Ordering::Relaxed),
            node_ups: self.node_ups.load(Ordering::Relaxed),
            node_downs: self.node_downs.load(Ordering::Relaxed),
            overflowed_messages: self.overflowed_messages.load(Ordering::Relaxed),
            broken_cycles: self.broken_cycles.load(Ordering::Relaxed),
            claims_lost: self.claims_lost.load(Ordering::Relaxed),
            claims_refused: self.claims_refused.load(Ordering::Relaxed),
            lost_states: self.lost_states.load(Ordering::Relaxed),
            lost_trace_contexts: self.lost_trace_contexts.load(Ordering::Relaxed),
        }
    }
}

#[cfg(feature = "net")]
impl LossCounts {
    pub(crate) fn count_refused_connection(&self) {
        self.refused_connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_refused_relation(&self) {
        self.refused_relations.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_refused_by_policy(&self) {
        self.refused_by_policy.fetch_add(1, Ordering::Relaxed);
    }

    #[cfg(feature = "trace-context")]
    pub(crate) fn count_lost_trace_context(&self) {
        self.lost_trace_contexts.fetch_add(1, Ordering::Relaxed);
    }

    #[cfg(feature = "tls")]
    pub(crate) fn count_rejected_certificates(&self) {
        self.rejected_certificates.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_node_event(&self, event: &NodeEvent) {
        let count = match event {
            NodeEvent::Up(_) => &self.node_ups,
            NodeEvent::Down(_) => &self.node_downs,
            NodeEvent::Joined(_) | NodeEvent::Left(_) => return,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn supervisors_above_the_limit_are_counted_together() {
        let loss_counts = LossCounts::default();
        for n in 0..1000 {
            loss_counts.count_restart(&format!("/Shop/{n}"));
            loss_counts.count_restart("/Shop/0");
        }
        let restarts = loss_counts.restarts();
        assert_eq!((restarts.len(), restarts["/Shop/0"]), (MAX_SUPERVISORS + 1, 1001));
        assert_eq!(restarts[Metrics::OTHER], 1000 - MAX_SUPERVISORS as u64);
    }
}
