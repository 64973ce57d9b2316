//! An application as its node holds it, and the task that waits for its end.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use tokio::sync::{oneshot, watch};

use super::spec::{ApplicationKind, ApplicationSpec};
use super::{ApplicationError, report};
use crate::actor::Stub;
use crate::base::{Exit, Shutdown, StartError};
use crate::node::{Current, Node, Service};
use crate::process::{InVain, ends_after_caller, watch_exit};
use crate::signal::Monitored;
#[cfg(feature = "registry")]
use crate::supervisor::StateTransfer;
#[cfg(feature = "net")]
use crate::supervisor::{ChildCells, SentCells};
use crate::supervisor::{PendingTree, SupervisionRef, TreeRoot, TreeStub};
use crate::sync::atomic::{AtomicBool, Ordering};

/// An application from its reservation to its end, as its node holds it.
pub(super) struct RunningApplication {
    node: Node,
    spec: ApplicationSpec,
    state: watch::Sender<State>,
    /// True if the application was stopped, so that its end has no consequence for the node.
    stopping: AtomicBool,
    tree: OnceLock<Tree>,
    /// The states of the tree, if it can continue on another node.
    #[cfg(feature = "registry")]
    transfer: OnceLock<Arc<StateTransfer>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// The name is taken. There is no process yet.
    Reserved,
    /// The root supervisor is starting its children.
    Starting,
    Up,
    Ended(Exit),
}

struct Tree {
    supervisor: SupervisionRef,
    /// A `TreeRoot::Ref`.
    stub: Box<dyn Any + Send + Sync>,
    #[cfg(feature = "net")]
    cells: Arc<ChildCells>,
}

impl RunningApplication {
    /// Returns all applications of a node, oldest first.
    pub(super) fn all(node: &Node) -> Vec<Arc<RunningApplication>> {
        node.services().all().into_iter().filter_map(RunningApplication::from_service).collect()
    }

    pub(super) fn find(node: &Node, name: &str) -> Option<Arc<RunningApplication>> {
        RunningApplication::all(node).into_iter().find(|application| application.name() == name)
    }

    /// Returns the application of this name among the services of a node.
    #[cfg(feature = "registry")]
    pub(super) fn find_in(services: &[Arc<dyn Service>], name: &str) -> Option<Arc<RunningApplication>> {
        let mut applications = services.iter().cloned().filter_map(RunningApplication::from_service);
        applications.find(|application| application.name() == name)
    }

    fn from_service(service: Arc<dyn Service>) -> Option<Arc<RunningApplication>> {
        service.into_any().downcast().ok()
    }

    /// Adds an application to the node, so that no other can take its name.
    ///
    /// # Errors
    /// The name is taken, a dependency is not up, or the node is stopping.
    pub(super) fn reserve(node: &Node, spec: ApplicationSpec) -> Result<Arc<RunningApplication>, ApplicationError> {
        let name = spec.name.clone();
        let admitted = node.services().admit(|services| {
            let others: Vec<_> =
                services.iter().filter_map(|service| RunningApplication::from_service(Arc::clone(service))).collect();
            if others.iter().any(|other| other.name() == spec.name) {
                return Err(ApplicationError::AlreadyStarted(spec.name));
            }
            let is_up = |name: &String| others.iter().any(|other| other.name() == name && other.is_up());
            if let Some(missing) = spec.after.iter().find(|name| !is_up(name)) {
                let dependency = missing.clone();
                return Err(ApplicationError::NotStarted { application: spec.name, dependency });
            }
            Ok(Arc::new(RunningApplication {
                node: node.clone(),
                spec,
                state: watch::Sender::new(State::Reserved),
                stopping: AtomicBool::new(false),
                tree: OnceLock::new(),
                #[cfg(feature = "registry")]
                transfer: OnceLock::new(),
            }))
        });
        admitted.unwrap_or(Err(ApplicationError::Stopping(name)))
    }

    /// Starts the tree of a reserved application. Resolves with the tree's stub when the application is up.
    ///
    /// If the future is dropped, the application continues to start.
    pub(super) fn start_tree<R: TreeRoot>(
        self: &Arc<Self>,
        root: R,
    ) -> impl Future<Output = Result<R::Ref, ApplicationError>> + Send + use<R> {
        let reservation = ReservationGuard(Arc::clone(self));
        let pending = root.prepare(&self.node, |_| {});
        let stub = pending.stub.clone();
        let tree = Tree {
            supervisor: stub.supervisor().clone(),
            stub: Box::new(stub.clone()),
            #[cfg(feature = "net")]
            cells: Arc::clone(&pending.cells),
        };
        // Not set before: an application is started once.
        let _ = self.tree.set(tree);
        self.state.send_replace(State::Starting);
        drop(reservation);
        let (sender, receiver) = oneshot::channel();
        self.node.spawner().spawn(Arc::clone(self).run(pending, sender));
        let application = self.name().to_owned();
        async move {
            let started =
                receiver.await.unwrap_or_else(|_| Err(StartError { child: String::new(), reason: Exit::Killed }));
            started.map(|()| stub).map_err(|error| ApplicationError::Tree { application, error })
        }
    }

    /// The task of the application: waits for the tree's start, reports it to `started`, then waits for the tree's end.
    async fn run<R>(self: Arc<Self>, pending: PendingTree<R>, started: oneshot::Sender<Result<(), StartError>>) {
        let (starting, failure) = pending.into_parts();
        let outcome = starting.await;
        if let Err(error) = &outcome {
            report::start_failed(self.name(), error);
            self.set_ended(error.reason.clone());
        } else {
            self.state.send_replace(State::Up);
            report::started(self.name(), self.kind());
        }
        let supervisor = outcome.as_ref().ok().cloned();
        // Fails if the caller no longer waits.
        let _ = started.send(outcome.map(drop));
        let Some(supervisor) = supervisor else { return };
        let reason = Stub::ended(&supervisor).await;
        let reason = match failure() {
            Some(StartError { child, reason }) => {
                Exit::error(format!("too many restarts, the last of `{child}`: {reason}"))
            }
            None => reason,
        };
        self.handle_end(reason).await;
    }

    async fn handle_end(self: Arc<Self>, reason: Exit) {
        if self.stopping.load(Ordering::Acquire) {
            report::stopped(self.name(), &reason);
            return self.set_ended(reason);
        }
        let fatal = self.kind().is_fatal(&reason);
        report::ended(self.name(), self.kind(), &reason, fatal);
        // Without a `Node::run` that waits for the loss, this task stops the node.
        let must_stop_node = fatal && {
            let loss = Exit::error(format!("application `{}` ended: {reason}", self.name()));
            !self.node.services().report_failure(loss)
        };
        let node = self.node.clone();
        self.set_ended(reason);
        if must_stop_node {
            node.stop().await;
        }
    }

    /// Frees the name and wakes those that wait for the end.
    fn set_ended(self: &Arc<Self>, reason: Exit) {
        self.node.services().remove(&(Arc::clone(self) as Arc<dyn Service>));
        self.state.send_replace(State::Ended(reason));
    }

    /// Stops the applications that depend on this one, last started first, then this one.
    pub(super) async fn stop_with_dependents(self: Arc<Self>) {
        for application in self.with_dependents().into_iter().rev() {
            application.stop().await;
        }
    }

    /// Returns this application and those that depend on it, last started last.
    fn with_dependents(self: &Arc<Self>) -> Vec<Arc<RunningApplication>> {
        let mut found = vec![Arc::clone(self)];
        // The oldest is first, so an application follows its dependencies.
        for other in RunningApplication::all(&self.node) {
            if other.after().iter().any(|name| found.iter().any(|application| application.name() == name)) {
                found.push(other);
            }
        }
        found
    }

    /// Returns whether the current process belongs to this application, or to one that depends on it.
    pub(super) fn is_caller_inside(self: &Arc<Self>) -> bool {
        let is_above = |application: &Arc<RunningApplication>| {
            let pid = application.supervisor().and_then(Stub::pid);
            pid.is_some_and(|pid| ends_after_caller(&self.node, pid.number()))
        };
        self.with_dependents().iter().any(is_above)
    }

    /// Waits for the end of the application's tree by a process of the node, then for that of the application. `in_vain`
    /// is the outcome if the former can only come after the end of the process. Returns the application's exit reason.
    pub(super) async fn ended_for_process(&self, in_vain: InVain) -> Exit {
        let supervisor = self.supervisor().filter(|_| Current::is_process_of(&self.node)).and_then(Stub::pid);
        if let Some(pid) = supervisor {
            let reason = watch_exit(&self.node, Monitored::process(pid.clone()), in_vain).await;
            if self.node.table().get(pid.number()).is_some() {
                return reason;
            }
        }
        self.ended().await
    }

    /// Waits for the end of the application and returns its reason.
    pub(super) async fn ended(&self) -> Exit {
        let mut state = self.state.subscribe();
        let ended = state.wait_for(|state| matches!(state, State::Ended(_))).await;
        match ended.as_deref() {
            Ok(State::Ended(reason)) => reason.clone(),
            // Cannot happen: `self` owns the sender.
            _ => Exit::NoProc,
        }
    }

    pub(super) fn is_up(&self) -> bool {
        *self.state.borrow() == State::Up && !self.stopping.load(Ordering::Acquire)
    }

    /// Returns whether the application was stopped, or ended without a failure that its kind counts.
    #[cfg(feature = "registry")]
    pub(super) fn is_orderly_end(&self, reason: &Exit) -> bool {
        let was_stopped = self.stopping.load(Ordering::Acquire);
        was_stopped || (reason.is_orderly() && !self.kind().is_fatal(reason))
    }

    /// Kills the applications that depend on this one, then this one.
    #[cfg(feature = "registry")]
    pub(super) async fn kill_with_dependents(self: Arc<Self>) {
        for application in self.with_dependents().into_iter().rev() {
            application.stopping.store(true, Ordering::Release);
            if let Some(pid) = application.supervisor().and_then(Stub::pid) {
                application.node.kill_descendants(pid.number()).await;
            }
        }
    }

    /// Sets the states of the tree, which has not started yet.
    #[cfg(feature = "registry")]
    pub(super) fn set_transfer(&self, transfer: StateTransfer) -> Arc<StateTransfer> {
        Arc::clone(self.transfer.get_or_init(|| Arc::new(transfer)))
    }

    #[cfg(feature = "registry")]
    pub(super) fn transfer(&self) -> Option<&Arc<StateTransfer>> {
        self.transfer.get()
    }

    pub(super) fn node(&self) -> &Node {
        &self.node
    }

    pub(super) fn name(&self) -> &str {
        &self.spec.name
    }

    pub(super) fn after(&self) -> &[String] {
        &self.spec.after
    }

    pub(super) fn kind(&self) -> ApplicationKind {
        self.spec.kind
    }

    pub(super) fn supervisor(&self) -> Option<&SupervisionRef> {
        self.tree.get().map(|tree| &tree.supervisor)
    }

    /// Returns the tree's stub, if it is of this type.
    pub(super) fn stub<R: TreeStub>(&self) -> Option<R> {
        self.tree.get().and_then(|tree| tree.stub.downcast_ref().cloned())
    }

    /// Returns the stubs of the tree for another node.
    #[cfg(feature = "net")]
    pub(super) fn sent_cells(&self) -> SentCells {
        self.tree.get().map(|tree| SentCells::of(&tree.cells)).unwrap_or_default()
    }

    async fn stop_tree(&self) {
        let mut state = self.state.subscribe();
        // Cannot fail: `self` owns the sender.
        let _ = state.wait_for(|state| *state != State::Reserved).await;
        if let Some(supervisor) = self.supervisor() {
            let stop = |timeout| {
                let stopping = Stub::stop(supervisor, Exit::shutdown());
                async move { self.node.clock().within(timeout, stopping).await.is_some() }
            };
            let stopped = match self.spec.shutdown {
                Shutdown::Kill => false,
                Shutdown::Forever => stop(None).await,
                Shutdown::After(timeout) => {
                    let stopped = stop(Some(timeout)).await;
                    if !stopped {
                        report::stop_timed_out(self.name(), timeout);
                    }
                    stopped
                }
            };
            if let Some(pid) = supervisor.pid().filter(|_| !stopped) {
                self.node.kill_descendants(pid.number()).await;
            }
        }
        self.ended().await;
    }
}

impl Service for RunningApplication {
    fn stop(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.stopping.store(true, Ordering::Release);
        #[cfg(feature = "registry")]
        if let Some(transfer) = self.transfer().filter(|_| self.node.services().is_closed()) {
            // The node stops, and the application continues on another one.
            transfer.begin();
        }
        Box::pin(async move { self.stop_tree().await })
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

/// Ends an application that is still reserved when the guard is dropped: the user's code panicked while the tree was set
/// up.
struct ReservationGuard(Arc<RunningApplication>);

impl Drop for ReservationGuard {
    fn drop(&mut self) {
        if *self.0.state.borrow() == State::Reserved {
            self.0.set_ended(Exit::NoProc);
        }
    }
}
