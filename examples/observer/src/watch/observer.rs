//! The observer: the process that has a watcher for each node, and the events of all of them.

use std::collections::BTreeMap;
use std::time::Duration;

use greenroom::{NodeEvent, prelude::*};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::event_log::{EventLog, EventRecord};
use super::flows::Flow;
use super::summary::Summary;
use super::watcher::{Report, Watcher, WatcherRef};
use crate::attach::Addresses;

/// The maximum number of nodes that are watched.
pub const MAX_NODES: usize = 64;
/// The time for which a lost node is still shown.
const LOST_FOR: Duration = Duration::from_secs(600);
/// The maximum number of processes that are notified of events.
pub const MAX_SUBSCRIBERS: usize = 64;
/// The most flows of an overview.
const MAX_FLOWS: usize = 200;

/// The messages to a subscriber of the observer.
#[protocol]
pub enum Subscriber {
    /// An event occurred.
    Event,
}

/// All nodes at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    /// The nodes, by name.
    pub nodes: Vec<Summary>,
    /// The latest events, in order.
    pub events: Vec<EventRecord>,
    /// The strongest flows of messages, the strongest one first.
    pub flows: Vec<Flow>,
}

/// Watches nodes that its own node is connected to. Its registered name is `observer`.
#[actor(name = "observer")]
pub struct Observer {
    /// True if the own node is watched, too.
    with_own: bool,
    actions: bool,
    addresses: Addresses,
    watched: BTreeMap<String, Watched>,
    event_log: EventLog,
    /// The processes that are notified of events.
    subscribers: BTreeMap<MonitorRef, SubscriberRef>,
}

/// A node that is watched.
struct Watched {
    watcher: WatcherRef,
    monitor: MonitorRef,
    summary: Summary,
    flows: Vec<Flow>,
    /// The addresses of other members.
    addresses: Vec<String>,
    connected_at: Instant,
}

impl Observer {
    /// Creates an observer of its own node, and of the members of its cluster that are connected to it. It only looks.
    pub fn of_own_node() -> Observer {
        Observer::new(true, false, Addresses::default())
    }

    /// Creates an observer of the nodes that its own node is connected to. It adds the addresses of others to
    /// `addresses`. With `actions` it suspends, resumes and ends processes on request.
    pub fn of_cluster(addresses: Addresses, actions: bool) -> Observer {
        Observer::new(false, actions, addresses)
    }

    fn new(with_own: bool, actions: bool, addresses: Addresses) -> Observer {
        let (watched, event_log, subscribers) = Default::default();
        Observer { with_own, actions, addresses, watched, event_log, subscribers }
    }
}

#[actor(local)]
impl Observer {
    #[init]
    fn start(&mut self, cx: &mut Context<Self>) {
        cx.watch_nodes(true);
        self.watch_all(cx);
    }

    /// Returns the last summaries, and lets the watchers refresh them for the next time.
    #[call]
    pub fn overview(&mut self, cx: &mut Context<Self>, with_flows: bool) -> Overview {
        self.watch_all(cx);
        for watched in self.watched.values() {
            watched.watcher.look(with_flows);
        }
        let mut flows: Vec<_> = self.watched.values().flat_map(|watched| watched.flows.iter().cloned()).collect();
        flows.sort_by(|a, b| b.rate.total_cmp(&a.rate));
        flows.truncate(MAX_FLOWS);
        let nodes = self.watched.values().map(|watched| watched.summary.clone()).collect();
        Overview { nodes, events: self.event_log.records(), flows }
    }

    /// Returns the watcher of a node, or that of the first one for an empty name.
    #[call]
    pub fn watcher(&mut self, cx: &mut Context<Self>, node: String) -> Option<WatcherRef> {
        self.watch_all(cx);
        let first = || self.watched.values().next().filter(|_| node.is_empty());
        self.watched.get(&node).or_else(first).map(|watched| watched.watcher.clone())
    }

    /// Subscribes a process to events. Returns false if there are too many subscribers.
    #[call]
    pub fn subscribe(&mut self, cx: &mut Context<Self>, subscriber: SubscriberRef) -> bool {
        let has_room = self.subscribers.len() < MAX_SUBSCRIBERS;
        if has_room {
            self.subscribers.insert(cx.monitor(&subscriber), subscriber);
        }
        has_room
    }

    /// A watcher or a subscriber has ended.
    #[down]
    fn ended(&mut self, down: Down) {
        self.subscribers.remove(&down.monitor);
        self.watched.retain(|_, watched| watched.monitor != down.monitor);
    }

    #[node_event]
    fn node_event(&mut self, cx: &mut Context<Self>, event: NodeEvent) {
        self.watch_all(cx);
        if let NodeEvent::Up(id) | NodeEvent::Down(id) = &event
            && self.watched.contains_key(id.name.as_str())
        {
            self.event_log.node(&event);
            self.notify();
        }
    }

    /// A report of a watcher.
    #[from]
    fn report(&mut self, report: Report) {
        match report {
            Report::Summary { summary, flows, addresses } => {
                if let Some(watched) = self.watched.get_mut(&summary.node) {
                    (watched.summary, watched.flows, watched.addresses) = (summary, flows, addresses);
                }
                self.addresses.set(self.watched.values().flat_map(|watched| watched.addresses.iter().cloned()));
            }
            Report::Event { node, event } => {
                self.event_log.observed(&node, &event);
                self.notify();
            }
        }
    }
}

impl Observer {
    fn notify(&self) {
        for subscriber in self.subscribers.values() {
            subscriber.event();
        }
    }

    /// Starts watchers for new nodes, and ends those of nodes that were lost long ago.
    fn watch_all(&mut self, cx: &mut Context<Self>) {
        let own = self.with_own.then(|| cx.node().name().to_string());
        // Hidden nodes, such as other observers, are not members, and cannot be inspected.
        let members: Option<Vec<_>> =
            self.with_own.then(|| cx.node().members().into_iter().map(|member| member.id.name).collect());
        let peers = cx.node().peers().into_iter();
        let peers = peers.filter(|peer| members.as_ref().is_none_or(|members| members.contains(peer)));
        let names: Vec<_> = own.into_iter().chain(peers.map(|peer| peer.to_string())).collect();
        for name in names {
            if let Some(watched) = self.watched.get_mut(&name) {
                watched.connected_at = Instant::now();
            } else if self.watched.len() < MAX_NODES {
                let watched = self.watch(cx, name.clone());
                self.watched.insert(name, watched);
            }
        }
        self.watched.retain(|_, watched| {
            let is_kept = watched.connected_at.elapsed() < LOST_FOR;
            if !is_kept {
                watched.watcher.exit(Exit::shutdown());
            }
            is_kept
        });
    }

    fn watch(&self, cx: &mut Context<Self>, name: String) -> Watched {
        let summary = Summary { node: name.clone(), ..Summary::default() };
        let (watcher, monitor) = Watcher::new(name, cx.me().recipient(), self.actions).spawn_monitor(cx);
        watcher.look(false);
        Watched { watcher, monitor, summary, flows: Vec::new(), addresses: Vec::new(), connected_at: Instant::now() }
    }
}
