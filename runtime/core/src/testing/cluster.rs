use std::fmt;
use std::future::{Future, IntoFuture};
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::Mutex;

use crate::cluster::Cookie;
use crate::net::Network;
use crate::node::Node;
use crate::sched::{NodeEnv, NodeTasks, Rng, Schedule, TaskSpawner};
use crate::termination::Termination;

/// Several nodes in one program, connected by links in memory: no socket, no waiting for a real clock. All that stands
/// above the socket is the real thing: handshake, encryption, heartbeat, frames.
///
/// Nodes are named `n0@test`, `n1@test`, and so on. What can be done to them:
///
/// ```
/// # use greenroom::prelude::*;
/// # use greenroom::testing::Cluster;
/// # #[greenroom::test]
/// # async fn a_scenario() {
/// let cluster = Cluster::in_memory(3).await;
/// cluster.partition([0], [1, 2]);          // broken at once, in both directions
/// cluster.heal([0], [1, 2]);
/// cluster.drop_between(0, 1);              // what 0 sends to 1 does not arrive
/// cluster.delay(1, 2, Duration::from_millis(5)..=Duration::from_millis(50));
/// cluster.crash(2);                        // dead, without a goodbye
/// cluster.heal_all();
/// cluster.restart(2).await;                // the same name, a new incarnation
/// cluster.connected().await;
/// # cluster.stop().await;
/// # }
/// ```
///
/// Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
}

/// A [`Cluster`] in the making: `.await` it.
#[derive(Clone)]
#[must_use = "a cluster is there once it is awaited"]
pub struct ClusterBuilder {
    count: usize,
    tick: Duration,
    boot: Option<Boot>,
    schedule: Option<Schedule>,
}

/// One node or several, by index: what a partition lies between.
pub trait NodeSet {
    /// The indices.
    fn indices(self) -> Vec<usize>;
}

struct Inner {
    network: Network,
    schedule: Option<Schedule>,
    rng: Rng,
    cookie: Cookie,
    tick: Duration,
    boot: Option<Boot>,
    members: Vec<Member>,
    /// How many lives there have been, of all nodes: what a new one is told apart by.
    lives: AtomicU64,
}

/// One of the nodes, in all its lives.
struct Member {
    first: Life,
    /// Crashed, and not started again.
    down: AtomicBool,
    /// Held while it is being started again.
    starting: Mutex<()>,
}

/// One life of a node. Those before stay, so that a reference to them is good for as long as the cluster.
struct Life {
    node: Node,
    crew: Option<NodeTasks>,
    next: OnceLock<Box<Life>>,
}

type Boot = Arc<dyn Fn(Node) -> Booting + Send + Sync>;
type Booting = Pin<Box<dyn Future<Output = Option<String>> + Send>>;

/// Silence that counts as loss: short, since the clock of a test costs nothing.
const TICK: Duration = Duration::from_secs(4);

/// How long [`Cluster::connected`] waits: several times what a seed that was away is left alone for.
const LONG: Duration = Duration::from_secs(120);

impl Cluster {
    /// Starts `count` nodes, each connected with all before it, when it is awaited.
    ///
    /// In [`#[greenroom::test]`](../attr.test.html) their processes run in the order of the test's seed; elsewhere as
    /// tokio likes, and then nodes cannot crash.
    ///
    /// # Panics
    /// If the nodes do not connect, which is a failed test.
    pub fn in_memory(count: usize) -> ClusterBuilder {
        ClusterBuilder::of(count)
    }

    /// The node with this index, in its present life.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn node(&self, index: usize) -> &Node {
        &self.life(index).node
    }

    /// How many nodes there are, those that have crashed among them.
    pub fn size(&self) -> usize {
        self.inner.members.len()
    }

    /// Whether a node has crashed and has not been started again.
    #[track_caller]
    pub fn is_down(&self, index: usize) -> bool {
        self.member(index).down.load(Ordering::Relaxed)
    }

    /// Breaks the links between each node of `a` and each of `b` at once, and refuses new ones until
    /// [`heal`](Cluster::heal).
    pub fn partition(&self, a: impl NodeSet, b: impl NodeSet) {
        self.between(a, b, Network::cut);
    }

    /// Lets the links between two sides stand and carry nothing: the loss shows only by silence.
    pub fn stall(&self, a: impl NodeSet, b: impl NodeSet) {
        self.between(a, b, Network::stall);
    }

    /// Lets nothing through that `from` sends to `to`, without a word to either; the other direction is as it was.
    ///
    /// A link is a stream, of which nothing is ever missing in the middle. So what is sent stands at the end of the
    /// line; it arrives if this is [healed](Cluster::heal) before the silence counts as loss, and otherwise never. No
    /// new link comes about meanwhile.
    pub fn drop_between(&self, from: impl NodeSet, to: impl NodeSet) {
        self.between(from, to, Network::hold);
    }

    /// Lets each piece that the links between two sides carry take a time drawn from `delay`, in both directions; order
    /// is kept.
    pub fn delay(&self, a: impl NodeSet, b: impl NodeSet, delay: RangeInclusive<Duration>) {
        self.between(a, b, |network, a, b| network.slow(a, b, delay.clone()));
    }

    /// Undoes what was done to the links between two sides; the nodes find each other again.
    pub fn heal(&self, a: impl NodeSet, b: impl NodeSet) {
        self.between(a, b, Network::heal);
    }

    /// Undoes what was done to any link. Crashed nodes stay so.
    pub fn heal_all(&self) {
        self.heal(0..self.size(), 0..self.size());
    }

    /// Ends a node as a killed operating system process ends: its links break, its processes are gone, nobody says
    /// goodbye. What `Drop`s the processes' state has does run, but reaches nobody outside. Nothing if it is down.
    ///
    /// # Panics
    /// Outside of [`#[greenroom::test]`](../attr.test.html) on the paused clock and [`check`](crate::check): only there
    /// can a node be stopped dead.
    #[track_caller]
    pub fn crash(&self, index: usize) {
        let crew = self.life(index).crew.as_ref();
        let crew = crew.expect("a node crashes only in `#[greenroom::test]` on the paused clock, or in `check`");
        if !self.member(index).down.swap(true, Ordering::Relaxed) {
            self.inner.network.unplug(&host(index));
            crew.kill();
        }
    }

    /// Starts a node that has [crashed](Cluster::crash) again, under its name: it is a new incarnation, knows
    /// nothing of its former life, and does what [`boot`](ClusterBuilder::boot) says. It dials all others; those it does not
    /// reach now it dials again and again, as they do. A node that is up is stopped in order before.
    ///
    /// Asked for twice at one time, it is done twice, one after the other: each who asks gets a life of the node that
    /// began after asking. Not cancel-safe: dropped midway, the node may be half started.
    ///
    /// # Panics
    /// If there is no such node, or its `boot` returns an error.
    pub async fn restart(&self, index: usize) -> &Node {
        let _turn = self.member(index).starting.lock().await;
        if !self.is_down(index) {
            self.node(index).stop().await;
            self.inner.network.unplug(&host(index));
        }
        self.start(index).await
    }

    /// Starts a node again if it is down still when whoever else is starting it has done so.
    pub(super) async fn revive(&self, index: usize) {
        let _turn = self.member(index).starting.lock().await;
        if self.is_down(index) {
            self.start(index).await;
        }
    }

    /// A new life of a node that is down, for whoever has its turn.
    async fn start(&self, index: usize) -> &Node {
        let others = (0..self.size()).filter(|other| *other != index);
        let life = self.inner.begin(index, others.collect()).await;
        let last = self.life(index);
        assert!(last.next.set(Box::new(life)).is_ok(), "a node is started by one at a time");
        self.member(index).down.store(false, Ordering::Relaxed);
        self.inner.boot(self.node(index)).await;
        self.node(index)
    }

    /// Resolves when every node that is up is connected with every other.
    ///
    /// # Panics
    /// If they have not found each other after two minutes, which is several times what they need.
    pub async fn connected(&self) {
        let apart = || {
            let up = |index: &usize| !self.is_down(*index);
            let pairs = (0..self.size()).filter(up).flat_map(|a| (0..self.size()).filter(up).map(move |b| (a, b)));
            let apart = |&(a, b): &(usize, usize)| a != b && !self.node(a).peers().contains(self.node(b).name());
            pairs.filter(apart).collect::<Vec<_>>()
        };
        let late = tokio::time::Instant::now() + LONG;
        loop {
            let apart = apart();
            if apart.is_empty() {
                return;
            }
            assert!(tokio::time::Instant::now() < late, "after {LONG:?} there is no connection from and to {apart:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Stops all nodes in order.
    pub async fn stop(self) {
        for index in 0..self.size() {
            if !self.is_down(index) {
                self.node(index).stop().await;
            }
        }
    }

    /// The nodes that are up.
    pub(super) fn alive(&self) -> Vec<Node> {
        (0..self.size()).filter(|index| !self.is_down(*index)).map(|index| self.node(index).clone()).collect()
    }

    pub(super) fn rng(&self) -> &Rng {
        &self.inner.rng
    }

    fn between(&self, a: impl NodeSet, b: impl NodeSet, act: impl Fn(&Network, &str, &str)) {
        let (a, b) = (a.indices(), b.indices());
        for from in &a {
            for to in b.iter().filter(|to| *to != from) {
                act(&self.inner.network, &host(*from), &host(*to));
            }
        }
    }
}

impl Cluster {
    #[track_caller]
    fn member(&self, index: usize) -> &Member {
        let size = self.size();
        self.inner.members.get(index).unwrap_or_else(|| panic!("no node {index} among {size}"))
    }

    #[track_caller]
    fn life(&self, index: usize) -> &Life {
        let mut life = &self.member(index).first;
        while let Some(next) = life.next.get() {
            life = next;
        }
        life
    }
}

impl ClusterBuilder {
    pub(super) fn of(count: usize) -> ClusterBuilder {
        ClusterBuilder { count, tick: TICK, boot: None, schedule: None }
    }

    /// How long silence may last until it counts as loss; 4 s unless said otherwise. As
    /// [`NodeBuilder::tick`](crate::NodeBuilder::tick).
    pub fn tick(mut self, tick: Duration) -> ClusterBuilder {
        self.tick = tick;
        self
    }

    /// What each node does when it has started: once all are connected, and again after each
    /// [`restart`](Cluster::restart). It runs with the node as the current one.
    pub fn boot<F>(mut self, boot: impl Fn(Node) -> F + Send + Sync + 'static) -> ClusterBuilder
    where
        F: Future<Output: Termination> + Send + 'static,
    {
        self.boot = Some(Arc::new(move |node| {
            let booting = boot(node);
            Box::pin(async move { booting.await.failure() })
        }));
        self
    }

    pub(super) fn on(mut self, schedule: &Schedule) -> ClusterBuilder {
        self.schedule = Some(schedule.clone());
        self
    }

    async fn found(self) -> Cluster {
        let current = || Node::try_current().and_then(|node| node.spawner().schedule().cloned());
        let schedule = self.schedule.or_else(current);
        let rng = Rng::seeded(schedule.as_ref().map_or(0, Schedule::next_seed));
        let network = Network::new(&NodeEnv::seeded(rng.next()));
        let mut inner = Inner {
            network,
            schedule,
            rng,
            // Its bytes are in nobody's way.
            cookie: Cookie::random().expect("random bytes"),
            tick: self.tick,
            boot: self.boot,
            members: Vec::new(),
            lives: AtomicU64::new(0),
        };
        for index in 0..self.count {
            let first = inner.begin(index, (0..index).collect()).await;
            assert_eq!(first.node.peers().len(), index, "a node in memory reaches all others");
            inner.members.push(Member { first, down: AtomicBool::new(false), starting: Mutex::default() });
        }
        let cluster = Cluster { inner: Arc::new(inner) };
        // Who dialled knows of a connection a moment before who was dialled.
        cluster.connected().await;
        for index in 0..self.count {
            cluster.inner.boot(cluster.node(index)).await;
        }
        cluster
    }
}

impl IntoFuture for ClusterBuilder {
    type Output = Cluster;
    type IntoFuture = Pin<Box<dyn Future<Output = Cluster> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.found())
    }
}

impl Inner {
    /// Starts a node that dials these others.
    async fn begin(&self, index: usize, others: Vec<usize>) -> Life {
        let (ground, crew) = ground(self.schedule.as_ref(), self.rng.next());
        let name = host(index);
        let mut builder = Node::builder(format!("n{index}@test"))
            .cookie(self.cookie.clone())
            .listen(&name)
            .tick(self.tick)
            .transport(Arc::new(self.network.host(&name)))
            .ground(ground)
            .incarnation(self.lives.fetch_add(1, Ordering::Relaxed) + 1);
        for other in others {
            builder = builder.seed(host(other));
        }
        let node = builder.start().await.expect("a node in memory starts");
        Life { node, crew, next: OnceLock::new() }
    }

    async fn boot(&self, node: &Node) {
        if let Some(boot) = &self.boot
            && let Some(error) = node.scope(boot(node.clone())).await
        {
            panic!("{} does not boot: {error}", node.name());
        }
    }
}

/// What one more node stands on.
fn ground(schedule: Option<&Schedule>, seed: u64) -> (NodeEnv, Option<NodeTasks>) {
    let crew = schedule.map(Schedule::new_node);
    let mut ground = NodeEnv::seeded(seed);
    if let Some(crew) = &crew {
        ground.spawn = TaskSpawner::Test(crew.clone());
    }
    (ground, crew)
}

fn host(index: usize) -> String {
    format!("host{index}")
}

impl NodeSet for usize {
    fn indices(self) -> Vec<usize> {
        vec![self]
    }
}

impl NodeSet for std::ops::Range<usize> {
    fn indices(self) -> Vec<usize> {
        self.collect()
    }
}

impl NodeSet for Vec<usize> {
    fn indices(self) -> Vec<usize> {
        self
    }
}

impl NodeSet for &[usize] {
    fn indices(self) -> Vec<usize> {
        self.to_vec()
    }
}

impl<const N: usize> NodeSet for [usize; N] {
    fn indices(self) -> Vec<usize> {
        self.to_vec()
    }
}

impl<const N: usize> NodeSet for &[usize; N] {
    fn indices(self) -> Vec<usize> {
        self.to_vec()
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries((0..self.size()).map(|index| self.node(index))).finish()
    }
}

impl fmt::Debug for ClusterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Founding").field("count", &self.count).field("tick", &self.tick).finish_non_exhaustive()
    }
}
