//! The metrics of a node: counters and gauges.

mod counters;
mod prometheus;
#[cfg(feature = "net")]
mod traffic;

use std::collections::BTreeMap;
use std::time::Duration;

pub use counters::Counters;
pub(crate) use counters::LossCounts;
#[cfg(feature = "net")]
pub(crate) use traffic::{ConnectionMeter, PeerTraffic};

use crate::base::Exit;

/// The metrics of a node; from [`Node::metrics`](crate::Node::metrics).
///
/// Counters count from the node's start and never decrease. [`to_prometheus`](Metrics::to_prometheus) writes all metrics
/// in the text format of [Prometheus](https://prometheus.io).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Metrics {
    /// The node's name.
    pub node: String,
    /// The time since the node started.
    pub uptime: Duration,
    /// The number of registered names.
    pub names: u64,
    /// The connected nodes.
    pub peers: Vec<String>,
    /// The metrics of processes and their messages, by protocol.
    pub protocols: BTreeMap<String, ProtocolMetrics>,
    /// The bytes that connections carried, by peer, connected or not. A peer chooses its name, so the first 256 names have
    /// counts of their own, and all others share that of [`Metrics::OTHER`].
    pub traffic: BTreeMap<String, Traffic>,
    /// The number of restarts of children, by the supervisor's path. The first 256 supervisors have counts of their own,
    /// and all others share that of [`Metrics::OTHER`].
    pub restarts: BTreeMap<String, u64>,
    /// The number of raised alarms, by the alarm's name.
    pub alarms: BTreeMap<String, u64>,
    /// The number of messages to or from other nodes that could not be delivered, and of those that waited for a child
    /// whose restart failed.
    pub lost_messages: u64,
    /// The number of connections that ended before both nodes had accepted them.
    pub refused_connections: u64,
    /// The number of links and monitors of other nodes that were ended at once, since their node has too many of them.
    pub refused_relations: u64,
    /// See [`Counters::refused_by_policy`](crate::Counters::refused_by_policy).
    pub refused_by_policy: u64,
    /// See [`Counters::rejected_certificates`](crate::Counters::rejected_certificates).
    pub rejected_certificates: u64,
    /// The number of connections to other nodes that came up.
    pub node_ups: u64,
    /// The number of those that ended, for any reason.
    pub node_downs: u64,
    /// The number of claims that the node holds, such as its global names.
    pub claims: u64,
    /// See [`Counters::claims_lost`](crate::Counters::claims_lost).
    pub claims_lost: u64,
    /// See [`Counters::claims_refused`](crate::Counters::claims_refused).
    pub claims_refused: u64,
    /// See [`Counters::lost_states`](crate::Counters::lost_states).
    pub lost_states: u64,
    /// See [`Counters::lost_trace_contexts`](crate::Counters::lost_trace_contexts).
    pub lost_trace_contexts: u64,
}

/// The metrics of one protocol's processes, including those that have ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ProtocolMetrics {
    /// The number of processes that run.
    pub processes: u64,
    /// The number of processes that were started.
    pub started: u64,
    /// The number of processes that have ended, by reason.
    pub ended: ExitCounts,
    /// The number of messages that arrived in a mailbox.
    pub received: u64,
    /// The number of messages that a process took.
    pub handled: u64,
    /// The number of calls among the handled messages.
    pub calls: u64,
    /// The number of calls from this node to processes of this protocol, on any node, that were not answered in time.
    pub timeouts: u64,
    /// The number of messages that a full mailbox refused.
    pub refused: u64,
    /// The number of messages that a full mailbox dropped, or that were taken back from its wait queue.
    pub dropped: u64,
    /// The number of messages in mailboxes that no `receive!` has looked at.
    pub waiting: u64,
    /// The number of messages in save queues.
    pub saved: u64,
    /// The number of messages in the longest mailbox, saved ones included.
    pub longest: u64,
    /// The memory of running processes in bytes, as [`Memory::total`](crate::Memory::total).
    pub memory: u64,
}

/// The bytes that connections with one peer carried, on the wire: with handshakes, heartbeats and encryption.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Traffic {
    /// Bytes from the peer.
    pub received: u64,
    /// Bytes to the peer.
    pub sent: u64,
}

/// The number of processes that ended for each reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ExitCounts {
    /// Processes that returned without an error.
    pub normal: u64,
    /// Processes that were stopped, or stopped on their own, in order.
    pub shutdown: u64,
    /// Processes that were killed.
    pub killed: u64,
    /// Processes that panicked.
    pub panic: u64,
    /// Processes that returned an error.
    pub error: u64,
    /// Processes whose link or other dependency was to a process that did not exist or could not be reached.
    pub lost: u64,
}

impl Metrics {
    /// The name under which everything above a limit is counted together.
    pub const OTHER: &'static str = "other";

    /// Returns the number of calls that were not answered in time, over all protocols.
    pub fn call_timeouts(&self) -> u64 {
        self.protocols.values().map(|protocol| protocol.timeouts).sum()
    }
}

impl Traffic {
    #[cfg(feature = "net")]
    pub(crate) fn new(received: u64, sent: u64) -> Traffic {
        Traffic { received, sent }
    }
}

impl ExitCounts {
    pub(crate) fn count(&mut self, reason: &Exit) {
        let count = match reason {
            Exit::Normal => &mut self.normal,
            Exit::Shutdown(_) => &mut self.shutdown,
            Exit::Kill | Exit::Killed => &mut self.killed,
            Exit::Panic { .. } => &mut self.panic,
            Exit::Error { .. } | Exit::Cycle { .. } | Exit::ClaimLost { .. } | Exit::Other(_) => &mut self.error,
            Exit::NoProc | Exit::NoConnection => &mut self.lost,
        };
        *count += 1;
    }

    /// Returns the name and count of each reason.
    pub fn by_reason(&self) -> [(&'static str, u64); 6] {
        let ExitCounts { normal, shutdown, killed, panic, error, lost } = *self;
        [
            ("normal", normal),
            ("shutdown", shutdown),
            ("killed", killed),
            ("panic", panic),
            ("error", error),
            ("lost", lost),
        ]
    }

    /// Returns the sum over all reasons.
    pub fn total(&self) -> u64 {
        self.by_reason().iter().map(|(_, count)| count).sum()
    }
}

impl ProtocolMetrics {
    pub(crate) fn add(&mut self, other: &ProtocolMetrics) {
        let ProtocolMetrics {
            processes,
            started,
            ended: ExitCounts { normal, shutdown, killed, panic, error, lost },
            received,
            handled,
            calls,
            timeouts,
            refused,
            dropped,
            waiting,
            saved,
            longest,
            memory,
        } = other;
        self.processes += processes;
        self.started += started;
        self.ended.normal += normal;
        self.ended.shutdown += shutdown;
        self.ended.killed += killed;
        self.ended.panic += panic;
        self.ended.error += error;
        self.ended.lost += lost;
        self.received += received;
        self.handled += handled;
        self.calls += calls;
        self.timeouts += timeouts;
        self.refused += refused;
        self.dropped += dropped;
        self.waiting += waiting;
        self.saved += saved;
        self.longest = self.longest.max(*longest);
        self.memory += memory;
    }
}
