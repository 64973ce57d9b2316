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

/// A node in figures; from [`Node::metrics`](crate::Node::metrics).
///
/// Counters count from the node's start and never go back. [`to_prometheus`](Metrics::to_prometheus) writes them down
/// for [Prometheus](https://prometheus.io).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Metrics {
    /// The node's name.
    pub node: String,
    /// How long it has been up.
    pub uptime: Duration,
    /// How many names are registered.
    pub names: u64,
    /// The nodes that are connected.
    pub peers: Vec<String>,
    /// By protocol: its processes and their messages.
    pub protocols: BTreeMap<String, ProtocolMetrics>,
    /// By peer, connected or not: what connections with it carried. A peer says itself what it is called, so the first
    /// 256 names have figures of their own, and all others together those of [`Metrics::OTHER`].
    pub traffic: BTreeMap<String, Traffic>,
    /// By supervisor's path: how many times it has started a child again. Of the first 256 that did; all others are
    /// [`Metrics::OTHER`].
    pub restarts: BTreeMap<String, u64>,
    /// By name: how many alarms are raised just now.
    pub alarms: BTreeMap<String, u64>,
    /// Messages to or from other nodes that could not be delivered, and those that waited for a child which did not come
    /// back.
    pub lost_messages: u64,
    /// Connections that ended before the peer had shown that it is a member.
    pub refused_connections: u64,
}

/// The processes of one protocol in figures, those that have ended included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ProtocolMetrics {
    /// Processes that live.
    pub processes: u64,
    /// Processes that were started.
    pub started: u64,
    /// Processes that have ended, by reason.
    pub ended: ExitCounts,
    /// Messages that came into a mailbox.
    pub received: u64,
    /// Messages that a process took.
    pub handled: u64,
    /// Calls among those.
    pub calls: u64,
    /// Calls from this node to such a process, here or elsewhere, that were not answered in time.
    pub timeouts: u64,
    /// Messages that a full mailbox refused.
    pub refused: u64,
    /// Messages that a full mailbox dropped, or that were taken back while they stood in line.
    pub dropped: u64,
    /// Messages that nobody has looked at yet.
    pub waiting: u64,
    /// Messages in save queues.
    pub saved: u64,
    /// The longest mailbox, saved messages included.
    pub longest: u64,
    /// What living processes take in bytes, as [`Memory::total`](crate::Memory::total).
    pub memory: u64,
}

/// What connections with one peer carried, in bytes on the wire: handshakes, heartbeats and what encryption adds included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Traffic {
    /// Bytes that came from it.
    pub received: u64,
    /// Bytes that went to it.
    pub sent: u64,
}

/// How many processes ended for each reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ExitCounts {
    /// Their work was done.
    pub normal: u64,
    /// They were told to stop, or decided so, in good order.
    pub shutdown: u64,
    /// They were killed.
    pub killed: u64,
    /// They panicked.
    pub panic: u64,
    /// They returned an error.
    pub error: u64,
    /// Another process that they were linked to, or depended on, was not there or could not be reached.
    pub lost: u64,
}

impl Metrics {
    /// What stands where a name would for those that are too many to be told apart.
    pub const OTHER: &'static str = "other";

    /// Calls that were not answered in time, to whomever.
    pub fn call_timeouts(&self) -> u64 {
        self.protocols.values().map(|of| of.timeouts).sum()
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
            Exit::Error { .. } => &mut self.error,
            Exit::NoProc | Exit::NoConnection => &mut self.lost,
        };
        *count += 1;
    }

    /// Each reason's name and count.
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

    /// All of them.
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
