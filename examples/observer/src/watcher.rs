use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use greenroom::{AlarmEvent, LifecycleEvent, Metrics, prelude::*};
use tokio::time::{Instant, timeout};

use crate::MOST_CLIENTS;
use crate::client::ReaderRef;
use crate::news::Chronicle;
use crate::view::{Figures, Query, Row, Twig, View, millis, outline, rates, select};

/// Processes and trees are looked at anew after so long, whoever asks.
const FRESH: Duration = Duration::from_millis(900);
/// So many at a time, then others have their turn.
const AT_A_TIME: usize = 500;
/// A supervisor that has not described itself by then starts or stops a child: it is shown as it was.
const PATIENCE: Duration = Duration::from_millis(500);
/// So many are told of news: all clients of this node, and as many from others.
const MOST_READERS: usize = 2 * MOST_CLIENTS;

/// Looks around on its node. Its name is `observer`, so another node may ask it too.
#[actor(name = "observer")]
#[derive(Default)]
pub struct Watcher {
    seen: Option<Seen>,
    chronicle: Chronicle,
    /// By application: its tree, line by line.
    trees: Vec<(String, Vec<Twig>)>,
    /// When it looked at them, unless something has happened since.
    drawn: Option<Instant>,
    /// Those who are told when something happens.
    readers: BTreeMap<MonitorRef, ReaderRef>,
}

/// What was seen when somebody asked last.
struct Seen {
    at: Instant,
    rows: Vec<Row>,
    handled: HashMap<u64, u64>,
    metrics: Metrics,
    rate: u64,
}

#[actor]
impl Watcher {
    #[init]
    fn begin(&mut self, cx: &mut Context<Self>) {
        cx.attach(cx.node().alarms(), |event| WatcherMessage::Alarm { event });
        cx.attach(cx.node().lifecycle(), |event| WatcherMessage::Life { event });
    }

    /// The node as it is now, or was a moment ago.
    #[call]
    pub async fn look(&mut self, cx: &mut Context<Self>, query: Query) -> View {
        let node = cx.node().clone();
        self.look_at_trees(&node).await;
        self.look_at_processes(&node).await;
        let mut view = View {
            trees: self.trees.iter().flat_map(|(_, twigs)| twigs).cloned().collect(),
            alarms: node.raised_alarms().iter().map(|a| (a.name().to_owned(), a.to_string())).collect(),
            news: self.chronicle.all(),
            ..View::default()
        };
        if let Some(seen) = &self.seen {
            (view.rows, view.matching) = select(&seen.rows, &query);
            view.node = figures(&seen.metrics, seen.rate);
        }
        if let Some(number) = query.process {
            let pid = node.processes().into_iter().find(|pid| pid.number() == number);
            view.process = pid.and_then(|pid| node.process_info(&pid));
        }
        view
    }

    /// Tells `reader` from now on when something has happened: then a look is worth it. Whether there was room.
    #[call]
    pub fn follow(&mut self, cx: &mut Context<Self>, reader: ReaderRef) -> bool {
        let room = self.readers.len() < MOST_READERS;
        if room {
            self.readers.insert(cx.monitor(&reader), reader);
        }
        room
    }

    #[down]
    fn gone(&mut self, down: Down) {
        self.readers.remove(&down.monitor);
    }

    /// An alarm came or went.
    #[cast]
    pub fn alarm(&mut self, event: AlarmEvent) {
        self.chronicle.alarm(&event);
        self.tell();
    }

    /// A process crashed, or lives again.
    #[cast]
    pub fn life(&mut self, event: LifecycleEvent) {
        self.chronicle.life(&event);
        self.drawn = None;
        self.tell();
    }
}

impl Watcher {
    fn tell(&self) {
        for reader in self.readers.values() {
            reader.news();
        }
    }

    async fn look_at_trees(&mut self, node: &Node) {
        if self.drawn.is_some_and(|drawn| drawn.elapsed() < FRESH) {
            return;
        }
        self.drawn = Some(Instant::now());
        let mut trees = Vec::new();
        for application in node.applications() {
            let mut twigs = Vec::new();
            // Who starts or stops does not answer now: the observer's own, for one.
            if !application.up {
                continue;
            }
            match timeout(PATIENCE, TreeStub::describe(&application.supervisor)).await {
                Ok(Ok(description)) => outline(&description, &mut twigs),
                Ok(Err(_)) => {}
                Err(_) => {
                    let before = self.trees.iter().find(|(name, _)| *name == application.name);
                    twigs = before.map(|(_, twigs)| twigs.clone()).unwrap_or_default();
                }
            }
            trees.push((application.name, twigs));
        }
        self.trees = trees;
    }

    async fn look_at_processes(&mut self, node: &Node) {
        let now = Instant::now();
        if self.seen.as_ref().is_some_and(|seen| now - seen.at < FRESH) {
            return;
        }
        let mut infos = Vec::new();
        for pids in node.processes().chunks(AT_A_TIME) {
            infos.extend(pids.iter().filter_map(|pid| node.process_info(pid)).map(|info| Row::new(&info, 0)));
            tokio::task::yield_now().await;
        }
        let handled: HashMap<u64, u64> = infos.iter().map(|row| (row.number, row.handled)).collect();
        let metrics = node.metrics();
        let (mut rates_now, mut rate) = (HashMap::new(), 0);
        if let Some(before) = &self.seen {
            rates_now = rates(&handled, &before.handled, now - before.at);
            let more = total(&metrics).saturating_sub(total(&before.metrics));
            rate = (more as f64 / (now - before.at).as_secs_f64()).round() as u64;
        }
        // A root has no place of its own: it is where the tree begins.
        let twigs = self.trees.iter().flat_map(|(_, twigs)| twigs).filter(|twig| twig.supervisor);
        let roots: HashMap<u64, &str> = twigs.filter_map(|twig| Some((twig.number?, &*twig.path))).collect();
        for row in &mut infos {
            if let Some(root) = roots.get(&row.number).filter(|_| row.place.is_empty()) {
                row.place = (*root).to_owned();
            }
            row.rate = rates_now.get(&row.number).copied().unwrap_or(0);
        }
        self.seen = Some(Seen { at: now, rows: infos, handled, metrics, rate });
    }
}

/// All messages that were ever handled.
fn total(metrics: &Metrics) -> u64 {
    metrics.protocols.values().map(|figures| figures.handled).sum()
}

fn figures(metrics: &Metrics, rate: u64) -> Figures {
    let of = &metrics.protocols;
    Figures {
        name: metrics.node.clone(),
        uptime: millis(metrics.uptime),
        processes: of.values().map(|figures| figures.processes).sum(),
        rate,
        waiting: of.values().map(|figures| figures.waiting + figures.saved).sum(),
        memory: of.values().map(|figures| figures.memory).sum(),
        restarts: metrics.restarts.values().sum(),
        call_timeouts: metrics.call_timeouts(),
        lost_messages: metrics.lost_messages,
        peers: metrics.peers.clone(),
    }
}
