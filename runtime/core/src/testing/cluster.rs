//! Several nodes in one program, connected in memory.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::Mutex;

use super::{NodeSet, join};
use crate::cluster::{Cookie, NodeBuilder};
use crate::net::Network;
use crate::node::{Export, Node, NodePhase};
use crate::sched::{NodeEnv, Rng, Schedule, TestSpawner};
#[cfg(test)]
use crate::session::Limits;
use crate::termination::Termination;

mod start;
#[cfg(all(test, feature = "upgrade", unix))]
mod succession;

/// Several nodes in one program that are connected in memory. A test needs no socket and does not wait for a real
/// clock.
///
/// Everything above the socket is the code that a real node runs: handshake, encryption, heartbeat and frames. The
/// nodes are named `n0@test`, `n1@test`, and so on. A test can do the following to them:
///
/// ```
/// # use greenroom::prelude::*;
/// # use greenroom::testing::Cluster;
/// # #[greenroom::test]
/// # async fn a_scenario() {
/// let cluster = Cluster::in_memory(3).await;
/// cluster.partition([0], [1, 2]);          // cuts the links at once, in both directions
/// cluster.heal([0], [1, 2]);
/// cluster.drop_between(0, 1);              // what 0 sends to 1 does not arrive
/// cluster.delay(1, 2, Duration::from_millis(5)..=Duration::from_millis(50));
/// cluster.throttle(2, 1, 10_000);          // bytes per second from 2 to 1
/// cluster.crash(2);                        // ends the node as a killed program ends
/// cluster.heal_all();
/// cluster.restart(2).await;                // the same name, a new incarnation
/// cluster.connected().await;
/// # cluster.stop().await;
/// # }
/// ```
///
/// A `Cluster` is a handle that is cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
}

/// The configuration of a [`Cluster`], from [`Cluster::in_memory`]. `.await` starts the cluster.
#[derive(Clone)]
#[must_use = "a cluster starts when it is awaited"]
pub struct ClusterBuilder {
    count: usize,
    tick: Duration,
    boot: Option<Boot>,
    configure: Option<Configure>,
    seeds: Option<usize>,
    schedule: Option<Schedule>,
    #[cfg(test)]
    limits: Limits,
}

struct Inner {
    network: Network,
    schedule: Option<Schedule>,
    rng: Rng,
    cookie: Cookie,
    tick: Duration,
    boot: Option<Boot>,
    configure: Option<Configure>,
    seeds: Option<usize>,
    #[cfg(test)]
    limits: Limits,
    members: Vec<Member>,
    /// The number of incarnations of all nodes so far, which numbers the next one.
    incarnations: AtomicU64,
}

/// One of the nodes, in all its incarnations.
struct Member {
    first: Incarnation,
    /// Set from a crash to the next restart.
    down: AtomicBool,
    /// Held while it is being restarted.
    restarting: Mutex<()>,
}

/// One incarnation of a node. Earlier ones are kept, so a `&Node` is valid as long as the cluster.
struct Incarnation {
    node: Node,
    tasks: Option<TestSpawner>,
    next: OnceLock<Box<Incarnation>>,
}

type Configure = Arc<dyn Fn(usize, NodeBuilder) -> NodeBuilder + Send + Sync>;
type Boot = Arc<dyn Fn(Node) -> Booting + Send + Sync>;
type Booting = Pin<Box<dyn Future<Output = Option<String>> + Send>>;

/// The default of [`ClusterBuilder::tick`]. It is short, since time on a paused clock costs nothing.
const TICK: Duration = Duration::from_secs(4);

/// The time that [`Cluster::connected`] waits: several times the longest pause between two attempts to reach a seed.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(120);

impl Cluster {
    /// Configures a cluster of `count` nodes. `.await` starts the nodes and connects each with all others.
    ///
    /// In [`#[greenroom::test]`](../attr.test.html) on the paused clock, the processes of the nodes run in the order of
    /// the test's seed. Elsewhere they run on tokio's own scheduler, and the nodes cannot crash.
    ///
    /// # Panics
    /// When it is awaited: the nodes do not connect within two minutes, or [`boot`](ClusterBuilder::boot) returns an
    /// error.
    pub fn in_memory(count: usize) -> ClusterBuilder {
        ClusterBuilder::of(count)
    }

    /// Returns the node with this index, in its present incarnation.
    ///
    /// # Panics
    /// There is no such node.
    #[track_caller]
    pub fn node(&self, index: usize) -> &Node {
        &self.incarnation(index).node
    }

    /// Returns the number of nodes, including those that have crashed.
    pub fn size(&self) -> usize {
        self.inner.members.len()
    }

    /// Returns `true` if a node has crashed and has not been restarted.
    ///
    /// # Panics
    /// There is no such node.
    #[track_caller]
    pub fn is_down(&self, index: usize) -> bool {
        self.member(index).down.load(Ordering::Relaxed)
    }

    /// Cuts the links between each node of `a` and each node of `b` at once. New links are refused until
    /// [`heal`](Cluster::heal).
    pub fn partition(&self, a: impl NodeSet, b: impl NodeSet) {
        self.between(a, b, Network::cut);
    }

    /// Stops all data on the links between `a` and `b` in both directions, without closing the links. The nodes notice
    /// only by the silence.
    pub fn stall(&self, a: impl NodeSet, b: impl NodeSet) {
        self.between(a, b, Network::stall);
    }

    /// Stops all data that `from` sends to `to`, unnoticed by either. The other direction is not changed.
    ///
    /// A link is a stream of bytes, of which none is ever missing in the middle. The data is therefore held back: it
    /// arrives if the link is [healed](Cluster::heal) before `to` counts `from` as lost, and otherwise never. New links
    /// cannot be established meanwhile.
    pub fn drop_between(&self, from: impl NodeSet, to: impl NodeSet) {
        self.between(from, to, Network::hold);
    }

    /// Delays all data between `a` and `b`, in both directions. Each piece takes a time that is drawn from `delay`;
    /// order is kept.
    pub fn delay(&self, a: impl NodeSet, b: impl NodeSet, delay: RangeInclusive<Duration>) {
        self.between(a, b, |network, a, b| network.slow(a, b, delay.clone()));
    }

    /// Limits the data that `from` sends to `to` to `rate` bytes per second, as over a slow line, or to a node that reads
    /// slowly. The other direction is not changed.
    ///
    /// A link takes 64 KiB ahead. Further bytes wait at the sender.
    ///
    /// # Panics
    /// `rate` is zero.
    #[track_caller]
    pub fn throttle(&self, from: impl NodeSet, to: impl NodeSet, rate: u32) {
        let rate = NonZeroU32::new(rate).expect("`rate` must be at least 1 byte per second");
        self.between(from, to, |network, from, to| network.throttle(from, to, rate));
    }

    /// Undoes all changes to the links between `a` and `b`. The nodes connect again in the background:
    /// [`connected`](Cluster::connected) waits for that.
    pub fn heal(&self, a: impl NodeSet, b: impl NodeSet) {
        self.between(a, b, Network::heal);
    }

    /// Undoes all changes to all links. Nodes that have crashed stay down.
    pub fn heal_all(&self) {
        self.heal(0..self.size(), 0..self.size());
    }

    /// Ends a node as a killed program ends: its links break and its processes are gone, without an exit signal to
    /// other nodes. Does nothing if the node is down.
    ///
    /// The values that its processes own are dropped, and their `Drop` code runs, but nothing that it sends leaves the
    /// node. Waits of other code through the node resolve at once: calls to other nodes and `ended()` with `NoConnection`.
    ///
    /// # Panics
    /// There is no such node; or outside of [`#[greenroom::test]`](../attr.test.html) on the paused clock and of
    /// [`check`](crate::check), since tokio's own scheduler cannot drop all tasks of a node at once.
    #[track_caller]
    pub fn crash(&self, index: usize) {
        let tasks = self.incarnation(index).tasks.as_ref();
        let tasks = tasks.expect("a node crashes only in `#[greenroom::test]` on the paused clock, or in `check`");
        if !self.member(index).down.swap(true, Ordering::Relaxed) {
            self.inner.network.unplug(&host(index));
            tasks.kill();
            self.node(index).enter_phase(NodePhase::Stopped);
        }
    }

    /// Starts a node again under its name, as a new incarnation without any state of the earlier ones. A node that is
    /// up is stopped in order first.
    ///
    /// The node runs its [`boot`](ClusterBuilder::boot) code. It dials all other nodes, and dials those that it cannot
    /// reach again and again, as they dial it.
    ///
    /// Two calls at the same time restart the node twice, one after the other: each call returns an incarnation that
    /// started after the call began.
    ///
    /// Not cancel-safe: if the future is dropped, the node may be started without its `boot` code.
    ///
    /// # Panics
    /// There is no such node, or its `boot` code returns an error.
    pub async fn restart(&self, index: usize) -> &Node {
        let _turn = self.member(index).restarting.lock().await;
        if !self.is_down(index) {
            self.node(index).stop().await;
            self.inner.network.unplug(&host(index));
        }
        self.start(index).await
    }

    /// Starts a node again if it is down, after any restart that is under way.
    pub(super) async fn restart_if_down(&self, index: usize) {
        let _turn = self.member(index).restarting.lock().await;
        if self.is_down(index) {
            self.start(index).await;
        }
    }

    /// Starts a new incarnation of a node that is down. The caller holds the node's `restarting`.
    async fn start(&self, index: usize) -> &Node {
        let others = (0..self.size()).filter(|other| *other != index);
        let incarnation = self.inner.start(index, others.collect()).await;
        let last = self.incarnation(index);
        last.node.enter_phase(NodePhase::Replaced);
        assert!(last.next.set(Box::new(incarnation)).is_ok(), "one restart of a node at a time");
        self.member(index).down.store(false, Ordering::Relaxed);
        self.inner.boot(self.node(index)).await;
        self.node(index)
    }

    /// Waits until each node that is up is connected with all others that are up.
    ///
    /// Cancel-safe.
    ///
    /// # Panics
    /// They are not connected after two minutes, which is several times the longest pause between two attempts to
    /// connect.
    pub async fn connected(&self) {
        let unconnected = || {
            let up = |index: &usize| !self.is_down(*index);
            let pairs = (0..self.size()).filter(up).flat_map(|a| (0..self.size()).filter(up).map(move |b| (a, b)));
            let unconnected = |&(a, b): &(usize, usize)| a != b && !self.node(a).peers().contains(self.node(b).name());
            pairs.filter(unconnected).collect::<Vec<_>>()
        };
        let deadline = tokio::time::Instant::now() + CONNECT_TIMEOUT;
        loop {
            let unconnected = unconnected();
            if unconnected.is_empty() {
                return;
            }
            let late = tokio::time::Instant::now() >= deadline;
            assert!(!late, "after {CONNECT_TIMEOUT:?} there is no connection from and to {unconnected:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Stops all nodes in order, one after the other.
    ///
    /// Not cancel-safe: if the future is dropped, some of the nodes still run.
    pub async fn stop(self) {
        for index in 0..self.size() {
            if !self.is_down(index) {
                self.node(index).stop().await;
            }
        }
    }

    /// Returns the nodes that are up.
    pub(super) fn running_nodes(&self) -> Vec<Node> {
        (0..self.size()).filter(|index| !self.is_down(*index)).map(|index| self.node(index).clone()).collect()
    }

    pub(super) fn rng(&self) -> &Rng {
        &self.inner.rng
    }

    /// Changes the links between each node of `a` and each other node of `b`.
    fn between(&self, a: impl NodeSet, b: impl NodeSet, change: impl Fn(&Network, &str, &str)) {
        let (a, b) = (a.indices(), b.indices());
        for from in &a {
            for to in b.iter().filter(|to| *to != from) {
                change(&self.inner.network, &host(*from), &host(*to));
            }
        }
    }
}

impl Cluster {
    #[track_caller]
    fn member(&self, index: usize) -> &Member {
        let size = self.size();
        self.inner.members.get(index).unwrap_or_else(|| panic!("the cluster of {size} nodes has no node {index}"))
    }

    /// Returns the present incarnation of a node.
    #[track_caller]
    fn incarnation(&self, index: usize) -> &Incarnation {
        let mut incarnation = &self.member(index).first;
        while let Some(next) = incarnation.next.get() {
            incarnation = next;
        }
        incarnation
    }
}

impl ClusterBuilder {
    pub(super) fn of(count: usize) -> ClusterBuilder {
        ClusterBuilder {
            count,
            tick: TICK,
            boot: None,
            configure: None,
            seeds: None,
            schedule: None,
            #[cfg(test)]
            limits: Limits::default(),
        }
    }

    /// Sets the bounds of each connection.
    #[cfg(test)]
    pub(crate) fn limits(mut self, limits: Limits) -> ClusterBuilder {
        self.limits = limits;
        self
    }

    /// Sets the time after which a silent peer counts as lost; 4 s by default. See
    /// [`NodeBuilder::tick`](crate::NodeBuilder::tick).
    pub fn tick(mut self, tick: Duration) -> ClusterBuilder {
        self.tick = tick;
        self
    }

    /// Lets the nodes start an actor or call a function on each other: see
    /// [`NodeBuilder::export`](crate::NodeBuilder::export).
    pub fn export<E: Export>(self) -> ClusterBuilder {
        self.configure(|_, builder| builder.export::<E>())
    }

    /// Changes the configuration of each node before each start, by its index. Several changes follow one another.
    pub fn configure(
        mut self,
        configure: impl Fn(usize, NodeBuilder) -> NodeBuilder + Send + Sync + 'static,
    ) -> ClusterBuilder {
        let earlier = self.configure.take();
        self.configure = Some(Arc::new(move |index, builder| match &earlier {
            Some(earlier) => configure(index, earlier(index, builder)),
            None => configure(index, builder),
        }));
        self
    }

    /// Has each node dial only the first `seeds` nodes, which announce the others. Without this, each node dials
    /// all others.
    ///
    /// The nodes start at the same time. The start of the cluster does not wait until all are connected: see
    /// [`connected`](Cluster::connected).
    pub fn seeds(mut self, seeds: usize) -> ClusterBuilder {
        self.seeds = Some(seeds);
        self
    }

    /// Sets the code that each node runs once all nodes are connected, and again after each
    /// [`restart`](Cluster::restart). The node is the current one in it.
    ///
    /// If it returns an error, the start of the cluster or the restart panics.
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

    async fn start(self) -> Cluster {
        let current = || Node::try_current().and_then(|node| node.spawner().schedule().cloned());
        let schedule = self.schedule.or_else(current);
        let rng = Rng::seeded(schedule.as_ref().map_or(0, Schedule::next_seed));
        let network = Network::new(&NodeEnv::seeded(rng.next()));
        let mut inner = Inner {
            network,
            schedule,
            rng,
            cookie: Cookie::random().expect("random bytes"),
            tick: self.tick,
            boot: self.boot,
            configure: self.configure,
            seeds: self.seeds,
            #[cfg(test)]
            limits: self.limits,
            members: Vec::new(),
            incarnations: AtomicU64::new(0),
        };
        let member = |first| Member { first, down: AtomicBool::new(false), restarting: Mutex::default() };
        if self.seeds.is_some() {
            let others = |index| (0..self.count).filter(|other| *other != index).collect();
            let starts = (0..self.count).map(|index| inner.start(index, others(index)));
            inner.members = join::all(starts).await.into_iter().map(member).collect();
        } else {
            for index in 0..self.count {
                let first = inner.start(index, (0..index).collect()).await;
                assert_eq!(first.node.peers().len(), index, "a node in memory connects with all others");
                inner.members.push(member(first));
            }
        }
        let cluster = Cluster { inner: Arc::new(inner) };
        if self.seeds.is_none() {
            // The node that dials has the connection a moment before the other node.
            cluster.connected().await;
        }
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
        Box::pin(self.start())
    }
}

fn host(index: usize) -> String {
    format!("host{index}")
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries((0..self.size()).map(|index| self.node(index))).finish()
    }
}

impl fmt::Debug for ClusterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterBuilder").field("count", &self.count).field("tick", &self.tick).finish_non_exhaustive()
    }
}
