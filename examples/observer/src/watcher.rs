//! The watcher: the process that inspects its node and returns views of it.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use greenroom::{AlarmEvent, LifecycleEvent, Metrics, prelude::*};
use tokio::time::{Instant, timeout};

use crate::MAX_CLIENTS;
use crate::client::SubscriberRef;
use crate::event_log::EventLog;
use crate::view::{NodeStats, Query, Row, TreeLine, View, add_tree, millis, rates, select};

/// The age at which the state of processes and trees is refreshed, however many clients there are.
const REFRESH_PERIOD: Duration = Duration::from_millis(900);
/// The number of processes that are inspected before other tasks run.
const BATCH: usize = 500;
/// The time limit for a supervisor's description. A supervisor that starts or stops a child may exceed it, and is
/// shown as before.
const DESCRIBE_TIMEOUT: Duration = Duration::from_millis(500);
/// The maximum number of subscribers: all clients of this node, and as many of others.
const MAX_SUBSCRIBERS: usize = 2 * MAX_CLIENTS;

/// Inspects its node. Its registered name is `observer`, so another node can call it too.
#[actor(name = "observer")]
#[derive(Default)]
pub struct Watcher {
    inspected: Option<Inspected>,
    event_log: EventLog,
    /// The lines of each application's tree.
    trees: Vec<(String, Vec<TreeLine>)>,
    /// The time of the last inspection of the trees; `None` after a lifecycle event.
    trees_inspected_at: Option<Instant>,
    /// The processes that are notified of events.
    subscribers: BTreeMap<MonitorRef, SubscriberRef>,
}

/// The result of the last inspection of the processes.
struct Inspected {
    at: Instant,
    rows: Vec<Row>,
    handled: HashMap<u64, u64>,
    metrics: Metrics,
    rate: u64,
}

#[actor]
impl Watcher {
    #[init]
    fn start(&mut self, cx: &mut Context<Self>) {
        cx.attach(cx.node().alarms(), |event| WatcherMessage::Alarm { event });
        cx.attach(cx.node().lifecycle(), |event| WatcherMessage::Lifecycle { event });
    }

    /// Returns a view of the node, which may be up to a second old.
    #[call]
    pub async fn view(&mut self, cx: &mut Context<Self>, query: Query) -> View {
        let node = cx.node().clone();
        self.inspect_trees(&node).await;
        self.inspect_processes(&node).await;
        let mut result = View {
            trees: self.trees.iter().flat_map(|(_, lines)| lines).cloned().collect(),
            alarms: node.raised_alarms().iter().map(|a| (a.name().to_owned(), a.to_string())).collect(),
            events: self.event_log.records(),
            ..View::default()
        };
        if let Some(inspected) = &self.inspected {
            (result.rows, result.matching) = select(&inspected.rows, &query);
            result.node = node_stats(&inspected.metrics, inspected.rate);
        }
        if let Some(number) = query.process {
            let pid = node.processes().into_iter().find(|pid| pid.number() == number);
            result.process = pid.and_then(|pid| node.process_info(&pid));
        }
        result
    }

    /// Subscribes a process to events. Returns false if there are too many subscribers.
    #[call]
    pub fn subscribe(&mut self, cx: &mut Context<Self>, subscriber: SubscriberRef) -> bool {
        let room = self.subscribers.len() < MAX_SUBSCRIBERS;
        if room {
            self.subscribers.insert(cx.monitor(&subscriber), subscriber);
        }
        room
    }

    #[down]
    fn subscriber_ended(&mut self, down: Down) {
        self.subscribers.remove(&down.monitor);
    }

    /// An alarm was raised or cleared.
    #[cast]
    pub fn alarm(&mut self, event: AlarmEvent) {
        self.event_log.alarm(&event);
        self.notify();
    }

    /// A process crashed or was restarted.
    #[cast]
    pub fn lifecycle(&mut self, event: LifecycleEvent) {
        self.event_log.lifecycle(&event);
        self.trees_inspected_at = None;
        self.notify();
    }
}

impl Watcher {
    fn notify(&self) {
        for subscriber in self.subscribers.values() {
            subscriber.event();
        }
    }

    async fn inspect_trees(&mut self, node: &Node) {
        if self.trees_inspected_at.is_some_and(|at| at.elapsed() < REFRESH_PERIOD) {
            return;
        }
        self.trees_inspected_at = Some(Instant::now());
        let mut trees = Vec::new();
        for application in node.applications() {
            let mut lines = Vec::new();
            // A supervisor that is starting or stopping does not answer now, for example the observer's own.
            if !application.up {
                continue;
            }
            match timeout(DESCRIBE_TIMEOUT, TreeStub::describe(&application.supervisor)).await {
                Ok(Ok(description)) => add_tree(&description, &mut lines),
                Ok(Err(_)) => {}
                Err(_) => {
                    let before = self.trees.iter().find(|(name, _)| *name == application.name);
                    lines = before.map(|(_, lines)| lines.clone()).unwrap_or_default();
                }
            }
            trees.push((application.name, lines));
        }
        self.trees = trees;
    }

    async fn inspect_processes(&mut self, node: &Node) {
        let now = Instant::now();
        if self.inspected.as_ref().is_some_and(|inspected| now - inspected.at < REFRESH_PERIOD) {
            return;
        }
        let mut infos = Vec::new();
        for pids in node.processes().chunks(BATCH) {
            infos.extend(pids.iter().filter_map(|pid| node.process_info(pid)).map(|info| Row::new(&info, 0)));
            tokio::task::yield_now().await;
        }
        let handled: HashMap<u64, u64> = infos.iter().map(|row| (row.number, row.handled)).collect();
        let metrics = node.metrics();
        let (mut rates_now, mut rate) = (HashMap::new(), 0);
        if let Some(before) = &self.inspected {
            rates_now = rates(&handled, &before.handled, now - before.at);
            let more = total(&metrics).saturating_sub(total(&before.metrics));
            rate = (more as f64 / (now - before.at).as_secs_f64()).round() as u64;
        }
        // A root has a path in its description only.
        let lines = self.trees.iter().flat_map(|(_, lines)| lines).filter(|line| line.supervisor);
        let roots: HashMap<u64, &str> = lines.filter_map(|line| Some((line.number?, &*line.path))).collect();
        for row in &mut infos {
            if let Some(root) = roots.get(&row.number).filter(|_| row.path.is_empty()) {
                row.path = (*root).to_owned();
            }
            row.rate = rates_now.get(&row.number).copied().unwrap_or(0);
        }
        self.inspected = Some(Inspected { at: now, rows: infos, handled, metrics, rate });
    }
}

/// Returns the number of all handled messages.
fn total(metrics: &Metrics) -> u64 {
    metrics.protocols.values().map(|protocol| protocol.handled).sum()
}

fn node_stats(metrics: &Metrics, rate: u64) -> NodeStats {
    let protocols = &metrics.protocols;
    NodeStats {
        name: metrics.node.clone(),
        uptime: millis(metrics.uptime),
        processes: protocols.values().map(|protocol| protocol.processes).sum(),
        rate,
        waiting: protocols.values().map(|protocol| protocol.waiting + protocol.saved).sum(),
        memory: protocols.values().map(|protocol| protocol.memory).sum(),
        restarts: metrics.restarts.values().sum(),
        call_timeouts: metrics.call_timeouts(),
        lost_messages: metrics.lost_messages,
        peers: metrics.peers.clone(),
    }
}
