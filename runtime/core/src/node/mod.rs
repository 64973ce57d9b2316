//! A node: the registry of its processes, and their way to other nodes.
//!
//! A [`Node`] holds the process table, registered names, the calls that other nodes have not answered yet, and the
//! services behind [`sched`](crate::sched) and [`observe`](crate::observe). It refers to a process only as an [`AnyCell`],
//! and to other nodes only through a [`Router`], so the layers above decide what either is.
//!
//! There is no global state: two nodes in one program are independent of each other. The one thread-local holds the
//! process that runs on the thread, and its node.

mod any_cell;
mod children;
mod claims;
mod current;
mod introspect;
mod names;
mod node_events;
mod pending_calls;
mod reports;
mod router;
mod services;
mod shutdown;
mod succession;
mod table;
#[cfg(feature = "test")]
mod test_run;
mod trace_context;

use std::fmt;
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

#[cfg(feature = "registry")]
pub(crate) use any_cell::Finish;
#[cfg(feature = "inspect")]
pub(crate) use any_cell::ServerRequest;
#[cfg(feature = "net")]
pub(crate) use any_cell::TakeState;
pub(crate) use any_cell::{
    Addressable, AdmissionQueue, Ancestry, AnyCell, EncodedMessage, Inspect, MessageTarget, Pollable, RequestError,
    SignalTarget,
};
pub(crate) use children::ChildEntry;
use children::Children;
#[cfg(feature = "net")]
pub(crate) use claims::ClaimExchange;
#[cfg(feature = "registry")]
pub(crate) use claims::{ActorKey, KeptMessage, KeyPlace, KeyedActors, ShardedActors};
pub(crate) use claims::{AwaitsOwner, GlobalNames, NodeClaims, Owner};
#[cfg(feature = "upgrade")]
pub(crate) use current::AnyHandle;
#[cfg(feature = "trace-context")]
pub(crate) use current::ContextGuard;
pub use current::EnterGuard;
#[cfg(feature = "test")]
pub(crate) use current::PendingAwait;
pub(crate) use current::{Current, ReceivedReplies, SpareBuffer, WaitingCaller};
pub use introspect::Tracing;
pub(crate) use names::LocalProcess;
pub(crate) use pending_calls::{AnswerOutcome, AnswerSlot, PendingCalls, ReceivedAnswer};
#[cfg(feature = "inspect")]
pub(crate) use router::Describe;
#[cfg(feature = "upgrade")]
pub(crate) use router::KeptCall;
#[cfg(all(feature = "upgrade", unix))]
pub(crate) use router::PausedPeer;
#[cfg(feature = "net")]
pub use router::{AddExport, Export, Serve};
pub(crate) use router::{
    BackPressure, CallId, CallNote, CallerNode, EncodedAnswer, OutgoingAnswer, OutgoingMessage, OutstandingCall,
    OutstandingCalls, RemoteTarget, Room, Router, SentMessage,
};
#[cfg(feature = "net")]
pub(crate) use router::{Exports, GroupService, LocalMembers, RunningCall, RunningCalls, WaitingMessage};
pub(crate) use services::{Service, Services};
#[cfg(all(feature = "systemd", unix))]
use shutdown::Announced;
pub(crate) use shutdown::NodePhase;
pub use shutdown::StopTimeout;
use shutdown::{NestedRuns, PhaseCell};
#[cfg(all(feature = "upgrade", unix))]
pub use succession::RestartedProcess;
#[cfg(feature = "upgrade")]
pub(crate) use succession::{
    DefinitionRecord, HandedOver, HoldRequest, HookTimes, MessageContent, MessageRecord, OwnPart, ProcessRecord,
    RecordedProcess, TakenProcess, TimerRecord,
};
#[cfg(all(feature = "upgrade", unix))]
pub(crate) use succession::{ListeningSocket, Restarts, SocketName, Succession, Upgrades};
pub(crate) use table::FinalCounts;
#[cfg(feature = "test")]
pub(crate) use test_run::TestRun;
#[cfg(feature = "trace-context")]
pub use trace_context::{Propagator, PropagatorIsSet};

#[cfg(feature = "net")]
use crate::base::NodeEvent;
use crate::base::{MonitorRef, NodeId, NodeName, Pid, TypeDefinitions};
#[cfg(feature = "net")]
use crate::observe::PeerTraffic;
use crate::observe::{
    ActiveAlarms, LifecycleSubscribers, LossCounts, ReportLimiter, TableId, ThreadSlots, Traces, Watchdog,
};
use crate::sched::{Clock, NodeEnv, Rng, Spawner, TaskSpawner, Thresholds, Timeout, TimerWheel};
use crate::sync::atomic::{AtomicU64, Ordering};
use names::Names;
use node_events::NodeWatchers;
use table::ProcessTable;

/// A node: processes, their names, and connections to other nodes. Cheap to clone.
///
/// `#[greenroom::main]` and `#[greenroom::test]` create a node; [`Node::builder`] creates one that other nodes can
/// connect to. Inside a process the node is known. Code outside of any process, for example a web handler, uses the
/// functions with an explicit node: [`spawn`](Node::spawn), [`named`](Node::named), [`enter`](Node::enter).
#[derive(Clone)]
pub struct Node {
    inner: Arc<Inner>,
}

/// A reference that does not keep the node alive.
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
    started_at: Instant,
    table: ProcessTable,
    names: Names,
    global_names: GlobalNames,
    #[cfg(feature = "registry")]
    sharded_actors: ShardedActors,
    claims: OnceLock<Arc<dyn NodeClaims>>,
    #[cfg(feature = "net")]
    claim_exchange: OnceLock<Arc<dyn ClaimExchange>>,
    children: Children,
    pending_calls: PendingCalls,
    type_definitions: TypeDefinitions,
    node_watchers: NodeWatchers,
    services: Services,
    router: OnceLock<Arc<dyn Router>>,
    #[cfg(feature = "net")]
    exports: OnceLock<Exports>,
    #[cfg(feature = "net")]
    groups: OnceLock<Arc<dyn GroupService>>,
    #[cfg(feature = "net")]
    running_calls: RunningCalls,
    #[cfg(feature = "trace-context")]
    propagator: OnceLock<Box<dyn Propagator>>,
    timer_wheel: TimerWheel,
    loss_counts: LossCounts,
    #[cfg(feature = "net")]
    peer_traffic: PeerTraffic,
    report_limiter: ReportLimiter,
    alarms: ActiveAlarms,
    lifecycle_subscribers: LifecycleSubscribers,
    traces: Traces,
    watchdog: Watchdog,
    /// The test that the node runs in.
    #[cfg(feature = "test")]
    test_run: OnceLock<Arc<TestRun>>,
    /// The number of the next process. Zero means code outside of any process.
    next_number: AtomicU64,
    next_reference: AtomicU64,
    phase: PhaseCell,
    nested_runs: NestedRuns,
    #[cfg(all(feature = "systemd", unix))]
    announced: Announced,
    #[cfg(all(feature = "upgrade", unix))]
    succession: Succession,
    #[cfg(feature = "upgrade")]
    handed_over: OnceLock<HandedOver>,
}

impl Node {
    /// The process number of the node itself, as a sender of signals.
    pub(crate) const SYSTEM: u64 = u64::MAX;

    /// Returns a node without connections to other nodes.
    ///
    /// # Panics
    /// Outside of a tokio runtime, on whose threads the processes run.
    #[track_caller]
    pub fn local() -> Node {
        Node::with_env(NodeEnv::tokio())
    }

    /// Returns a node without connections to other nodes, on a custom spawner and clock: a test can run its processes in
    /// any order.
    pub fn local_on(spawner: impl Spawner, clock: impl Clock) -> Node {
        let env = NodeEnv::new(TaskSpawner::Custom(Arc::new(spawner)), Arc::new(clock), Rng::unseeded());
        Node::with_env(NodeEnv { thresholds: Thresholds::without_watchdog(), ..env })
    }

    pub(crate) fn with_env(env: NodeEnv) -> Node {
        Node::new(NodeId::local(env.rng.next()), env)
    }

    pub(crate) fn new(id: NodeId, env: NodeEnv) -> Node {
        let inner = Inner {
            id: Arc::new(id),
            started_at: env.clock.now(),
            table: ProcessTable::new(),
            names: Names::default(),
            global_names: GlobalNames::default(),
            #[cfg(feature = "registry")]
            sharded_actors: ShardedActors::default(),
            claims: OnceLock::new(),
            #[cfg(feature = "net")]
            claim_exchange: OnceLock::new(),
            children: Children::default(),
            pending_calls: PendingCalls::new(Arc::clone(&env.rng)),
            type_definitions: TypeDefinitions::default(),
            node_watchers: NodeWatchers::default(),
            services: Services::default(),
            router: OnceLock::new(),
            #[cfg(feature = "net")]
            exports: OnceLock::new(),
            #[cfg(feature = "net")]
            groups: OnceLock::new(),
            #[cfg(feature = "net")]
            running_calls: RunningCalls::default(),
            #[cfg(feature = "trace-context")]
            propagator: OnceLock::new(),
            timer_wheel: TimerWheel::new(env.clock.now(), env.rng.is_seeded()),
            loss_counts: LossCounts::default(),
            #[cfg(feature = "net")]
            peer_traffic: PeerTraffic::default(),
            report_limiter: ReportLimiter::default(),
            alarms: ActiveAlarms::default(),
            lifecycle_subscribers: LifecycleSubscribers::default(),
            traces: Traces::default(),
            watchdog: Watchdog::new(env.thresholds.watchdog),
            #[cfg(feature = "test")]
            test_run: OnceLock::new(),
            next_number: AtomicU64::new(1),
            next_reference: AtomicU64::new(1),
            phase: PhaseCell::default(),
            nested_runs: NestedRuns::default(),
            #[cfg(all(feature = "systemd", unix))]
            announced: Announced::default(),
            #[cfg(all(feature = "upgrade", unix))]
            succession: Succession::default(),
            #[cfg(feature = "upgrade")]
            handed_over: OnceLock::new(),
            env,
        };
        let node = Node { inner: Arc::new(inner) };
        #[cfg(feature = "test")]
        node.join_test_run();
        node
    }

    /// Returns the node's name.
    pub fn name(&self) -> &NodeName {
        &self.inner.id.name
    }

    /// Returns the node's name and incarnation.
    pub fn id(&self) -> &Arc<NodeId> {
        &self.inner.id
    }

    /// Returns the number of the node's processes.
    pub fn process_count(&self) -> usize {
        self.inner.table.count()
    }

    /// Returns the registered names of this node, sorted.
    ///
    /// From [`registered/0`](https://www.erlang.org/doc/apps/erts/erlang.html#registered/0).
    pub fn registered_names(&self) -> Vec<String> {
        self.names().all()
    }

    pub(crate) fn pid(&self, number: u64) -> Pid {
        Pid::new(Arc::clone(&self.inner.id), number)
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.env.clock
    }

    pub(crate) fn spawner(&self) -> &TaskSpawner {
        &self.inner.env.spawn
    }

    pub(crate) fn rng(&self) -> &Rng {
        &self.inner.env.rng
    }

    pub(crate) fn thresholds(&self) -> &Thresholds {
        &self.inner.env.thresholds
    }

    pub(crate) fn table(&self) -> &ProcessTable {
        &self.inner.table
    }

    pub(crate) fn names(&self) -> &Names {
        &self.inner.names
    }

    pub(crate) fn global_names(&self) -> &GlobalNames {
        &self.inner.global_names
    }

    #[cfg(feature = "registry")]
    pub(crate) fn sharded_actors(&self) -> &ShardedActors {
        &self.inner.sharded_actors
    }

    pub(crate) fn children(&self) -> &Children {
        &self.inner.children
    }

    pub(crate) fn pending_calls(&self) -> &PendingCalls {
        &self.inner.pending_calls
    }

    pub(crate) fn type_definitions(&self) -> &TypeDefinitions {
        &self.inner.type_definitions
    }

    pub(crate) fn services(&self) -> &Services {
        &self.inner.services
    }

    fn nested_runs(&self) -> &NestedRuns {
        &self.inner.nested_runs
    }

    pub(crate) fn loss_counts(&self) -> &LossCounts {
        &self.inner.loss_counts
    }

    #[cfg(feature = "net")]
    pub(crate) fn peer_traffic(&self) -> &PeerTraffic {
        &self.inner.peer_traffic
    }

    pub(crate) fn report_limiter(&self) -> &ReportLimiter {
        &self.inner.report_limiter
    }

    pub(crate) fn lifecycle_subscribers(&self) -> &LifecycleSubscribers {
        &self.inner.lifecycle_subscribers
    }

    pub(crate) fn traces(&self) -> &Traces {
        &self.inner.traces
    }

    /// Notes that this thread, whose slots are given, begins to poll the process with this number.
    #[inline(always)]
    fn enter_thread_slot(&self, slots: &ThreadSlots, process: u64) -> TableId {
        self.inner.watchdog.enter(slots, process, &self.inner)
    }

    /// Returns the nanoseconds since the node started: a point in time in 8 bytes.
    pub(crate) fn uptime_nanos(&self) -> u64 {
        let uptime = self.clock().now().saturating_duration_since(self.inner.started_at);
        u64::try_from(uptime.as_nanos()).unwrap_or(u64::MAX)
    }

    /// Returns the time at which [`uptime_nanos`](Self::uptime_nanos) returned this number.
    pub(crate) fn instant_at(&self, uptime_nanos: u64) -> Instant {
        let started_at = self.inner.started_at;
        started_at.checked_add(Duration::from_nanos(uptime_nanos)).unwrap_or(started_at)
    }

    /// Notifies `timeout`, if it still exists then, at `at` or up to a tenth of a second later.
    pub(crate) fn notify_at(&self, at: Instant, timeout: Weak<dyn Timeout>) {
        self.inner.timer_wheel.add(at, timeout, &self.inner.env);
    }

    /// Notifies `timeout`, if it still exists then, within a tenth of a second.
    pub(crate) fn notify_at_next_tick(&self, timeout: Weak<dyn Timeout>) {
        self.inner.timer_wheel.add_at_next_tick(timeout, &self.inner.env);
    }

    /// Returns the last time at or before `at` at which [`notify_at`](Self::notify_at) notifies without a delay.
    pub(crate) fn tick_before(&self, at: Instant) -> Instant {
        self.inner.timer_wheel.tick_before(at)
    }

    /// Starts or ends the delivery of node events to the process with this number.
    pub(crate) fn watch_nodes(&self, number: u64, watch: bool) {
        self.inner.node_watchers.watch(number, watch);
    }

    /// Sends an event to all processes that watch nodes.
    #[cfg(feature = "net")]
    pub(crate) fn publish_node_event(&self, event: &NodeEvent) {
        self.loss_counts().count_node_event(event);
        self.inner.node_watchers.publish(event, &self.inner.table);
    }

    pub(crate) fn next_number(&self) -> u64 {
        self.inner.next_number.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns the number of the last process.
    #[cfg(feature = "upgrade")]
    pub(crate) fn last_number(&self) -> u64 {
        self.inner.next_number.load(Ordering::Relaxed) - 1
    }

    /// Numbers the next processes from `next` on, or higher.
    #[cfg(feature = "upgrade")]
    pub(crate) fn continue_numbers(&self, next: u64) {
        self.inner.next_number.fetch_max(next, Ordering::Relaxed);
    }

    pub(crate) fn next_reference(&self) -> MonitorRef {
        MonitorRef(self.inner.next_reference.fetch_add(1, Ordering::Relaxed))
    }

    /// Returns the number of the next monitor.
    #[cfg(feature = "upgrade")]
    pub(crate) fn last_reference(&self) -> u64 {
        self.inner.next_reference.load(Ordering::Relaxed)
    }

    /// Numbers the next monitors from `next` on, or higher.
    #[cfg(feature = "upgrade")]
    pub(crate) fn continue_references(&self, next: u64) {
        self.inner.next_reference.fetch_max(next, Ordering::Relaxed);
    }

    pub(crate) fn set_router(&self, router: Arc<dyn Router>) {
        // Called once, by the builder, before the node is shared.
        let _ = self.inner.router.set(router);
    }

    /// Starts the watchdog, which also attends to the connections.
    pub(crate) fn start_watchdog(&self) {
        self.inner.watchdog.start(&self.inner);
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
