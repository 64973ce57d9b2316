//! The watcher of one node: the process that inspects it, and returns views of it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use greenroom::{CallErrorKind, Inspection, ObservedEvent, ProcessInfo, RemoteEvents, TraceError, prelude::*};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout};

use super::action::Action;
use super::flows::{Flow, Flows, add_timeouts, sample};
use super::summary::{Sample, Summary};
use super::view::{Query, Row, TreeLine, View, add_tree, rates, select};

/// The age at which the state of a node is refreshed, however many clients there are.
const REFRESH_PERIOD: Duration = Duration::from_millis(900);
/// The time limit of a question.
const LIMIT: Duration = Duration::from_secs(2);
/// The most processes that are looked at.
const MAX_PROCESSES: usize = 10_000;

/// A report of a watcher to its observer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Report {
    /// The watcher has looked at its node.
    Summary {
        /// The node.
        summary: Summary,
        /// The strongest flows of messages to its processes.
        flows: Vec<Flow>,
        /// The addresses of other members of its cluster.
        addresses: Vec<String>,
    },
    /// An event of the watched node.
    Event {
        /// The node's name.
        node: String,
        /// The event.
        event: ObservedEvent,
    },
}

/// Inspects one node, only when a client looks.
#[actor]
pub struct Watcher {
    at: String,
    observer: Recipient<Report>,
    /// True if processes may be suspended and ended, unless the node refuses that.
    actions: bool,
    sampled: Option<(Instant, Sample)>,
    summary: Summary,
    inspected: Option<Inspected>,
    trees: Vec<TreeLine>,
    /// The time of the last inspection of the trees; `None` after a lifecycle event.
    trees_inspected_at: Option<Instant>,
    flows: Flows,
    is_sampling: bool,
    events: Subscription,
}

/// The subscription to the events of the node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Subscription {
    None,
    Requested,
    Active,
}

/// The result of the last inspection of the processes.
struct Inspected {
    at: Instant,
    pids: BTreeMap<u64, Pid>,
    rows: Vec<Row>,
    handled: HashMap<u64, u64>,
    is_partial: bool,
}

impl Watcher {
    /// Creates the watcher of the node with this name.
    pub(super) fn new(at: String, observer: Recipient<Report>, actions: bool) -> Watcher {
        Watcher {
            summary: Summary { node: at.clone(), ..Summary::default() },
            at,
            observer,
            actions,
            sampled: None,
            inspected: None,
            trees: Vec::new(),
            trees_inspected_at: None,
            flows: Flows::default(),
            is_sampling: false,
            events: Subscription::None,
        }
    }

    fn there(&self, cx: &Context<Watcher>) -> Inspection {
        cx.node().inspect(&self.at)
    }
}

#[actor(local)]
impl Watcher {
    #[init]
    fn start(&mut self, cx: &mut Context<Self>) {
        cx.monitor(&self.observer);
    }

    /// The observer has ended.
    #[down]
    fn observer_ended(&mut self, cx: &mut Context<Self>, down: Down) {
        drop(down);
        cx.stop(Exit::shutdown());
    }

    /// Refreshes the summary, with a sample of the messages if that is requested, and sends it to the observer.
    #[cast]
    pub async fn look(&mut self, cx: &mut Context<Self>, with_flows: bool) {
        if self.events == Subscription::None {
            self.events = Subscription::Requested;
            let there = self.there(cx);
            cx.pipe(async move { there.events().await }, |events| WatcherMessage::Subscribed { events });
        }
        if with_flows && !self.is_sampling {
            self.is_sampling = true;
            cx.pipe(sample(cx.node().clone(), self.at.clone()), |flows| WatcherMessage::Sampled { flows });
        }
        let is_old = self.sampled.as_ref().is_none_or(|(at, _)| at.elapsed() >= REFRESH_PERIOD);
        if is_old {
            let there = self.there(cx);
            match take_sample(&there).await {
                Ok(now) => self.summarize(now),
                Err(error) => {
                    self.sampled = None;
                    self.summary.error = error.to_string();
                }
            }
        }
        let members = self.sampled.iter().flat_map(|(_, sample)| &sample.overview.members);
        let addresses = members.filter_map(|member| member.address.clone()).collect();
        let mut flows = self.flows.strongest();
        add_timeouts(&mut flows, &self.at, &self.summary.timeouts);
        self.observer.send(Report::Summary { summary: self.summary.clone(), flows, addresses });
    }

    /// Returns a view of the node, which may be up to a second old.
    #[call]
    pub async fn view(&mut self, cx: &mut Context<Self>, query: Query) -> View {
        let there = self.there(cx);
        let mut error = self.inspect_trees(&there).await.err();
        error = self.inspect_processes(&there).await.err().or(error);
        let alarms = there.raised_alarms().within(LIMIT).await.unwrap_or_default();
        let mut view = View {
            node: self.at.clone(),
            error: error.map(|error| error.to_string()).unwrap_or_default(),
            trees: self.trees.clone(),
            alarms: alarms.iter().map(ToString::to_string).collect(),
            actions: self.actions,
            ..View::default()
        };
        if let Some(inspected) = &self.inspected {
            (view.rows, view.matching) = select(&inspected.rows, &query);
            view.partial = inspected.is_partial;
        }
        if let Some(pid) = query.process.and_then(|number| self.pid(number)) {
            view.process = there.process_info(&pid).within(LIMIT).await.ok().flatten();
        }
        view
    }

    /// Returns the pid of the process with this number, if it was there at the last inspection.
    #[call]
    pub fn find(&mut self, number: u64) -> Option<Pid> {
        self.pid(number)
    }

    /// Carries out an action on a process, and returns its result as a text.
    ///
    /// # Errors
    /// The reason why it was not carried out.
    #[call]
    pub async fn act(&mut self, cx: &mut Context<Self>, number: u64, action: Action) -> Result<String, String> {
        let Some(pid) = self.pid(number) else { return Err("no such process".to_owned()) };
        if !self.actions && !action.is_harmless() {
            return Err("this observer only looks".to_owned());
        }
        match action.carry_out(&self.there(cx), &pid).await {
            Ok(result) => result,
            Err(error) => {
                // The buttons are not shown again.
                self.actions &= !matches!(error.kind, CallErrorKind::NotAllowed(_));
                Err(error.to_string())
            }
        }
    }

    #[cast]
    #[private]
    fn subscribed(&mut self, cx: &mut Context<Self>, events: Result<RemoteEvents, TraceError>) {
        self.events = match events {
            Ok(events) => {
                cx.attach(events, |event| WatcherMessage::Event { event });
                Subscription::Active
            }
            // Requested again when a client looks.
            Err(_) => Subscription::None,
        };
    }

    /// An event of the node. After an error there are no others.
    #[cast]
    #[private]
    fn event(&mut self, event: Result<ObservedEvent, CallError>) {
        match event {
            Ok(event) => {
                if matches!(event, ObservedEvent::Lifecycle(_)) {
                    self.trees_inspected_at = None;
                }
                self.observer.send(Report::Event { node: self.at.clone(), event });
            }
            Err(_) => self.events = Subscription::None,
        }
    }

    #[cast]
    #[private]
    fn sampled(&mut self, flows: Result<Vec<Flow>, CallError>) {
        self.is_sampling = false;
        if let Ok(flows) = flows {
            self.flows.add(flows);
        }
    }
}

async fn take_sample(there: &Inspection) -> Result<Sample, CallError> {
    let (overview, metrics) = tokio::join!(there.overview().within(LIMIT), there.metrics().within(LIMIT));
    Ok(Sample { overview: overview?, metrics: metrics? })
}

impl Watcher {
    fn pid(&self, number: u64) -> Option<Pid> {
        self.inspected.as_ref()?.pids.get(&number).cloned()
    }

    fn summarize(&mut self, now: Sample) {
        let at = Instant::now();
        let before = self.sampled.as_ref().map(|(before, sample)| (sample, at - *before));
        // A node that has started anew counts from zero, and its history is another one.
        let before = before.filter(|(sample, _)| sample.overview.uptime <= now.overview.uptime);
        let none = VecDeque::new();
        let history = if before.is_some() { &self.summary.history } else { &none };
        self.summary = Summary::new(&now, before, history);
        self.sampled = Some((at, now));
    }

    async fn inspect_trees(&mut self, there: &Inspection) -> Result<(), CallError> {
        if self.trees_inspected_at.is_some_and(|at| at.elapsed() < REFRESH_PERIOD) {
            return Ok(());
        }
        self.trees_inspected_at = Some(Instant::now());
        // If the trees take too long, they are shown as before.
        let Ok(trees) = timeout(LIMIT, there.trees()).await else { return Ok(()) };
        let mut lines = Vec::new();
        for tree in trees? {
            add_tree(&tree, &mut lines);
        }
        self.trees = lines;
        Ok(())
    }

    async fn inspect_processes(&mut self, there: &Inspection) -> Result<(), CallError> {
        let now = Instant::now();
        if self.inspected.as_ref().is_some_and(|inspected| now - inspected.at < REFRESH_PERIOD) {
            return Ok(());
        }
        let (infos, is_partial) = processes(there).await?;
        let mut rows: Vec<_> = infos.iter().map(|info| Row::new(info, 0)).collect();
        let handled: HashMap<u64, u64> = rows.iter().map(|row| (row.number, row.handled)).collect();
        let rates = match &self.inspected {
            Some(before) => rates(&handled, &before.handled, now - before.at),
            None => HashMap::new(),
        };
        // A root has a path in its description only.
        let lines = self.trees.iter().filter(|line| line.supervisor);
        let roots: HashMap<u64, &str> = lines.filter_map(|line| Some((line.number?, &*line.path))).collect();
        for row in &mut rows {
            if let Some(root) = roots.get(&row.number).filter(|_| row.path.is_empty()) {
                row.path = (*root).to_owned();
            }
            row.rate = rates.get(&row.number).copied().unwrap_or(0);
        }
        let pids = infos.into_iter().map(|info| (info.pid.number(), info.pid)).collect();
        self.inspected = Some(Inspected { at: now, pids, rows, handled, is_partial });
        Ok(())
    }
}

/// Returns the oldest processes of a node, and whether there are others.
async fn processes(there: &Inspection) -> Result<(Vec<ProcessInfo>, bool), CallError> {
    let mut all: Vec<ProcessInfo> = Vec::new();
    while all.len() < MAX_PROCESSES {
        let more = there.processes(all.last().map(|process| &process.pid)).within(LIMIT).await?;
        if more.is_empty() {
            return Ok((all, false));
        }
        all.extend(more);
    }
    Ok((all, true))
}
