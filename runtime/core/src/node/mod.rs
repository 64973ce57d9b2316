//! Floor 3: a node, which is what processes have in common.
//!
//! A [`Node`] knows the processes that live on it, their names, the calls that other nodes have still to
//! answer, a clock and a spawner. It knows a process only as an [`AnyCell`] and other nodes only as a
//! [`Router`], so the floors above decide what either is. There is nothing global: two nodes in one program
//! know nothing of each other. The one thread-local says which node, and which process of it, is running.

mod any_cell;
mod current;
mod introspect;
mod names;
mod node_events;
mod pending;
mod router;
mod services;
mod shutdown;
mod table;

use std::fmt;
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

pub(crate) use any_cell::{
    Addressable, AdmissionQueue, Ancestry, AnyCell, Delivery, Inspect, MessageTarget, Pollable, SignalTarget,
};
pub use current::EnterGuard;
pub(crate) use current::{Current, WaitingCaller};
pub use introspect::Tracing;
pub(crate) use names::LocalProcess;
pub(crate) use pending::{AnswerSlot, PendingCalls};
pub(crate) use router::{OutgoingMessage, RemoteTarget, Router};
pub(crate) use services::{Service, Services};
pub use shutdown::StopTimeout;
pub(crate) use table::FinalCounts;

#[cfg(feature = "net")]
use crate::base::NodeEvent;
use crate::base::{MonitorRef, NodeId, NodeName, Pid};
#[cfg(feature = "net")]
use crate::observe::PeerTraffic;
use crate::observe::{
    ActiveAlarms, LifecycleSubscribers, LossCounts, ReportLimiter, TableId, ThreadSlots, Traces, Watchdog,
};
use crate::sched::{Clock, NodeEnv, Rng, Spawner, TaskSpawner, Thresholds, Timeout, TimerWheel};
use crate::sync::atomic::{AtomicU64, Ordering};
use names::Names;
use node_events::Watchers;
use table::Table;

/// A node: processes, their names, and the way to other nodes. Cheap to clone.
///
/// `#[greenroom::main]` and `#[greenroom::test]` make one; [`Node::builder`] makes one that others can reach.
/// Inside a process the node is known; code outside of any (a web handler, say) uses the twins with an
/// explicit node: [`spawn`](Node::spawn), [`named`](Node::named), [`enter`](Node::enter).
#[derive(Clone)]
pub struct Node {
    inner: Arc<Inner>,
}

/// A node, for one who does not keep it alive.
pub(crate) struct WeakNode {
    inner: Weak<Inner>,
}

impl WeakNode {
    pub(crate) fn is_same(&self, node: &Node) -> bool {
        std::ptr::eq(self.inner.as_ptr(), Arc::as_ptr(&node.inner))
    }

    pub(crate) fn upgrade(&self) -> Option<Node> {
        self.inner.upgrade().map(|inner| Node { inner })
    }
}

struct Inner {
    id: Arc<NodeId>,
    env: NodeEnv,
    table: Table,
    names: Names,
    pending: PendingCalls,
    loss_counts: LossCounts,
    #[cfg(feature = "net")]
    traffic: PeerTraffic,
    report_limiter: ReportLimiter,
    timer_wheel: TimerWheel,
    raised: ActiveAlarms,
    lives: LifecycleSubscribers,
    taps: Traces,
    watchdog: Watchdog,
    born: Instant,
    watchers: Watchers,
    services: Services,
    router: OnceLock<Arc<dyn Router>>,
    /// Numbers of processes; zero stands for whoever is outside of any.
    numbers: AtomicU64,
    references: AtomicU64,
}

impl Node {
    /// The number under which the node itself speaks to its processes; no process has it.
    pub(crate) const SYSTEM: u64 = u64::MAX;

    /// A node that nobody can reach and that reaches nobody.
    ///
    /// # Panics
    /// Outside of a tokio runtime, whose threads its processes run on.
    #[track_caller]
    pub fn local() -> Node {
        Node::with_env(NodeEnv::tokio())
    }

    /// The same on a spawner and a clock of one's own: a test may schedule its processes in any order it likes.
    pub fn local_on(spawner: impl Spawner, clock: impl Clock) -> Node {
        let env = NodeEnv::new(TaskSpawner::Custom(Arc::new(spawner)), Arc::new(clock), Rng::unseeded());
        Node::with_env(NodeEnv { thresholds: Thresholds::without_watchdog(), ..env })
    }

    /// A node that nobody can reach, on this ground.
    pub(crate) fn with_env(env: NodeEnv) -> Node {
        Node::new(NodeId::local(env.rng.next()), env)
    }

    pub(crate) fn new(id: NodeId, env: NodeEnv) -> Node {
        let inner = Inner {
            id: Arc::new(id),
            // One rim turns in an order that can be foretold.
            timer_wheel: TimerWheel::new(env.clock.now(), env.rng.is_seeded()),
            raised: ActiveAlarms::default(),
            lives: LifecycleSubscribers::default(),
            taps: Traces::default(),
            watchdog: Watchdog::new(env.thresholds.watchdog),
            born: env.clock.now(),
            env,
            table: Table::new(),
            names: Names::default(),
            pending: PendingCalls::default(),
            loss_counts: LossCounts::default(),
            #[cfg(feature = "net")]
            traffic: PeerTraffic::default(),
            report_limiter: ReportLimiter::default(),
            watchers: Watchers::default(),
            services: Services::default(),
            router: OnceLock::new(),
            numbers: AtomicU64::new(1),
            references: AtomicU64::new(1),
        };
        Node { inner: Arc::new(inner) }
    }

    /// The node's name.
    pub fn name(&self) -> &NodeName {
        &self.inner.id.name
    }

    /// The node's name and incarnation.
    pub fn id(&self) -> &Arc<NodeId> {
        &self.inner.id
    }

    /// How many processes live here. Takes time in proportion.
    pub fn process_count(&self) -> usize {
        self.inner.table.count()
    }

    #[inline]
    pub(crate) fn pid(&self, number: u64) -> Pid {
        Pid::new(Arc::clone(&self.inner.id), number)
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.env.clock
    }

    pub(crate) fn spawner(&self) -> &TaskSpawner {
        &self.inner.env.spawn
    }

    /// The coin that this node's processes toss.
    pub(crate) fn rng(&self) -> &Rng {
        &self.inner.env.rng
    }

    pub(crate) fn table(&self) -> &Table {
        &self.inner.table
    }

    pub(crate) fn names(&self) -> &Names {
        &self.inner.names
    }

    pub(crate) fn pending_calls(&self) -> &PendingCalls {
        &self.inner.pending
    }

    pub(crate) fn loss_counts(&self) -> &LossCounts {
        &self.inner.loss_counts
    }

    #[cfg(feature = "net")]
    pub(crate) fn peer_traffic(&self) -> &PeerTraffic {
        &self.inner.traffic
    }

    pub(crate) fn report_limiter(&self) -> &ReportLimiter {
        &self.inner.report_limiter
    }

    pub(crate) fn thresholds(&self) -> &Thresholds {
        &self.inner.env.thresholds
    }

    pub(crate) fn traces(&self) -> &Traces {
        &self.inner.taps
    }

    fn raised(&self) -> &ActiveAlarms {
        &self.inner.raised
    }

    pub(crate) fn lifecycle_subscribers(&self) -> &LifecycleSubscribers {
        &self.inner.lives
    }

    fn watchdog(&self) -> &Watchdog {
        &self.inner.watchdog
    }

    /// This thread is about to poll the process with this number.
    #[inline(always)]
    fn sit(&self, places: &ThreadSlots, process: u64) -> TableId {
        self.inner.watchdog.enter(places, process, &self.inner)
    }

    /// When it started.
    fn born(&self) -> Instant {
        self.inner.born
    }

    /// For how many nanoseconds it has lived.
    pub(crate) fn uptime_nanos(&self) -> u64 {
        let age = self.clock().now().saturating_duration_since(self.born());
        u64::try_from(age.as_nanos()).unwrap_or(u64::MAX)
    }

    /// When it had lived for so many nanoseconds.
    pub(crate) fn instant_at(&self, age: u64) -> Instant {
        let born = self.born();
        born.checked_add(Duration::from_nanos(age)).unwrap_or(born)
    }

    /// Tells `waiter`, if it still exists then, when it is `at`: up to a tenth of a second later.
    pub(crate) fn notify_at(&self, at: Instant, waiter: Weak<dyn Timeout>) {
        self.inner.timer_wheel.add(at, waiter, &self.inner.env);
    }

    /// Tells `waiter`, if it still exists then, at the next tick: within a tenth of a second, and not just now.
    pub(crate) fn notify_at_next_tick(&self, waiter: Weak<dyn Timeout>) {
        self.inner.timer_wheel.add_at_next_tick(waiter, &self.inner.env);
    }

    /// The last moment before `at` that the wheel hits to the point.
    pub(crate) fn tick_before(&self, at: Instant) -> Instant {
        self.inner.timer_wheel.tick_before(at)
    }

    pub(crate) fn watch_nodes(&self, number: u64, watch: bool) {
        self.inner.watchers.watch(number, watch);
    }

    /// Tells all that asked for it.
    #[cfg(feature = "net")]
    pub(crate) fn publish_node_event(&self, event: &NodeEvent) {
        self.inner.watchers.announce(event, &self.inner.table);
    }

    pub(crate) fn services(&self) -> &Services {
        &self.inner.services
    }

    pub(crate) fn next_number(&self) -> u64 {
        self.inner.numbers.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn next_reference(&self) -> MonitorRef {
        MonitorRef(self.inner.references.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn set_router(&self, router: Arc<dyn Router>) {
        // The builder connects a node once, before anybody else has it.
        let _ = self.inner.router.set(router);
    }

    pub(crate) fn router(&self) -> Option<&Arc<dyn Router>> {
        self.inner.router.get()
    }

    pub(crate) fn downgrade(&self) -> WeakNode {
        WeakNode { inner: Arc::downgrade(&self.inner) }
    }

    pub(crate) fn is_same(&self, other: &Node) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Node").field(self.name()).finish()
    }
}
