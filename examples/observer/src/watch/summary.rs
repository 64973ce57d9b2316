//! The summary of a node: its metrics at one moment, and the rates since the moment before.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use greenroom::{Metrics, NodeOverview};
use serde::{Deserialize, Serialize};

use super::view::millis;

/// The number of points of a history: two minutes.
pub const MAX_POINTS: usize = 120;
/// The most connections of a summary, those with the most traffic.
const MAX_CONNECTIONS: usize = 64;
/// The most metadata in a summary, in characters.
const MAX_METADATA: usize = 200;

/// A node at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The node's name.
    pub node: String,
    /// The reason why the node was not inspected, or an empty text.
    pub error: String,
    /// The version of greenroom.
    pub greenroom: String,
    /// The node's metadata, such as `version=2.1 zone=b`.
    pub metadata: String,
    /// The time since the node's start, in milliseconds.
    pub uptime: u64,
    /// The number of processes.
    pub processes: u64,
    /// The number of messages handled a second.
    pub rate: u64,
    /// The number of messages that wait in mailboxes.
    pub waiting: u64,
    /// The memory of the program in bytes, if it is known.
    pub memory: Option<u64>,
    /// The share of the time in which the threads worked, from 0 to 1, if it is known.
    pub load: Option<f64>,
    /// The number of tasks in the run queue, if it is known.
    pub queue: Option<u64>,
    /// The number of raised alarms.
    pub alarms: u64,
    /// The number of restarts by supervisors.
    pub restarts: u64,
    /// The number of calls that timed out.
    pub call_timeouts: u64,
    /// The calls a second that timed out, by the protocol of the callee.
    pub timeouts: BTreeMap<String, f64>,
    /// The number of messages between nodes that were lost.
    pub lost_messages: u64,
    /// The connections to other nodes.
    pub connections: Vec<Connection>,
    /// The last [`MAX_POINTS`] summaries, the latest one last.
    pub history: VecDeque<Point>,
}

/// A connection of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// The node at the other end.
    pub to: String,
    /// The bytes sent a second.
    pub sent: u64,
    /// The bytes received a second.
    pub received: u64,
}

/// The part of a summary that is drawn as a line over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The number of messages handled a second.
    pub rate: u64,
    /// The number of processes.
    pub processes: u64,
    /// The share of the time in which the threads worked; zero if it is not known.
    pub load: f64,
    /// The memory in bytes; zero if it is not known.
    pub memory: u64,
}

/// The answers of a node to two questions at one moment.
pub(super) struct Sample {
    pub(super) overview: NodeOverview,
    pub(super) metrics: Metrics,
}

impl Summary {
    /// Computes the summary of a node from two samples that were taken one after the other.
    pub(super) fn new(now: &Sample, before: Option<(&Sample, Duration)>, history: &VecDeque<Point>) -> Summary {
        let Sample { overview, metrics } = now;
        let protocols = metrics.protocols.values();
        let rate_of = |value: &dyn Fn(&Sample) -> u64| {
            let (before, passed) = before?;
            Some(value(now).saturating_sub(value(before)) as f64 / passed.as_secs_f64().max(0.001))
        };
        let rate = |value: &dyn Fn(&Sample) -> u64| rate_of(value).unwrap_or(0.0);
        let whole = |rate: f64| rate.round() as u64;
        let traffic = |sample: &Sample, peer: &str| sample.metrics.traffic.get(peer).copied().unwrap_or_default();
        let mut connections: Vec<_> = metrics
            .peers
            .iter()
            .map(|peer| Connection {
                to: peer.clone(),
                sent: whole(rate(&|sample| traffic(sample, peer).sent)),
                received: whole(rate(&|sample| traffic(sample, peer).received)),
            })
            .collect();
        connections.sort_by_key(|connection| std::cmp::Reverse(connection.sent + connection.received));
        connections.truncate(MAX_CONNECTIONS);
        let timed_out = |sample: &Sample, protocol: &str| {
            sample.metrics.protocols.get(protocol).map_or(0, |protocol| protocol.timeouts)
        };
        let timeouts = metrics.protocols.keys().map(|name| (name.clone(), rate(&|sample| timed_out(sample, name))));
        let load = overview.load.and_then(|load| {
            let busy = |sample: &Sample| sample.overview.load.map_or(0, |load| load.busy.as_micros() as u64);
            Some((rate_of(&busy)? / 1e6 / load.threads.max(1) as f64).min(1.0))
        });
        let metadata: Vec<_> = overview.metadata.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let mut summary = Summary {
            node: overview.node.clone(),
            greenroom: overview.greenroom.clone(),
            metadata: metadata.join(" ").chars().take(MAX_METADATA).collect(),
            uptime: millis(overview.uptime),
            processes: overview.processes,
            rate: whole(rate(&handled)),
            waiting: protocols.map(|protocol| protocol.waiting + protocol.saved).sum(),
            memory: overview.memory,
            load,
            queue: overview.load.map(|load| load.queue),
            alarms: metrics.alarms.values().sum(),
            restarts: metrics.restarts.values().sum(),
            call_timeouts: metrics.call_timeouts(),
            timeouts: timeouts.filter(|(_, rate)| *rate > 0.0).collect(),
            lost_messages: metrics.lost_messages,
            connections,
            history: history.clone(),
            ..Summary::default()
        };
        if summary.history.len() >= MAX_POINTS {
            summary.history.pop_front();
        }
        summary.history.push_back(Point {
            rate: summary.rate,
            processes: summary.processes,
            load: load.unwrap_or(0.0),
            memory: summary.memory.unwrap_or(0),
        });
        summary
    }
}

/// Returns the number of all handled messages.
fn handled(sample: &Sample) -> u64 {
    sample.metrics.protocols.values().map(|protocol| protocol.handled).sum()
}
