use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use tokio::sync::{oneshot, watch};

use super::{ApplicationError, ApplicationKind, report};
use crate::actor::Stub;
use crate::base::{Exit, Shutdown, StartError};
use crate::node::{Node, Service};
use crate::supervisor::{PendingTree, SupervisionRef, TreeRoot, TreeStub};
use crate::sync::atomic::{AtomicBool, Ordering};

/// An application that has begun, as its node holds it.
pub(super) struct RunningApplication {
    node: Node,
    name: String,
    after: Vec<String>,
    kind: ApplicationKind,
    shutdown: Shutdown,
    phase: watch::Sender<Phase>,
    /// It was told to stop: its end is no surprise.
    stopping: AtomicBool,
    tree: OnceLock<Tree>,
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// It has its name, and no process yet.
    Reserved,
    /// Its children are on their way through `init`.
    Starting,
    Up,
    Ended(Exit),
}

struct Tree {
    supervisor: SupervisionRef,
    /// A `TreeRoot::Ref`.
    stub: Box<dyn Any + Send + Sync>,
}

/// What is said about an application before it begins.
pub(super) struct ApplicationSpec {
    pub(super) name: String,
    pub(super) after: Vec<String>,
    pub(super) kind: ApplicationKind,
    pub(super) shutdown: Shutdown,
}

impl RunningApplication {
    /// All of a node, oldest first.
    pub(super) fn all(node: &Node) -> Vec<Arc<RunningApplication>> {
        node.services().all().into_iter().filter_map(RunningApplication::from).collect()
    }

    fn from(unit: Arc<dyn Service>) -> Option<Arc<RunningApplication>> {
        unit.into_any().downcast().ok()
    }

    /// Gives an application its place among the others of the node.
    ///
    /// # Errors
    /// Its name is taken, one that it comes after is not up, or the node stops.
    pub(super) fn reserve(node: &Node, terms: ApplicationSpec) -> Result<Arc<RunningApplication>, ApplicationError> {
        let ApplicationSpec { name, after, kind, shutdown } = terms;
        let own = name.clone();
        let admitted = node.services().admit(|services| {
            let others: Vec<_> =
                services.iter().filter_map(|unit| RunningApplication::from(Arc::clone(unit))).collect();
            if others.iter().any(|other| other.name == name) {
                return Err(ApplicationError::AlreadyStarted(name));
            }
            let up = |name: &String| others.iter().any(|other| other.name == *name && other.is_up());
            if let Some(missing) = after.iter().find(|name| !up(name)) {
                return Err(ApplicationError::NotStarted { application: name, dependency: missing.clone() });
            }
            Ok(Arc::new(RunningApplication {
                node: node.clone(),
                name,
                after,
                kind,
                shutdown,
                phase: watch::Sender::new(Phase::Reserved),
                stopping: AtomicBool::new(false),
                tree: OnceLock::new(),
            }))
        });
        admitted.unwrap_or(Err(ApplicationError::Stopping(own)))
    }

    /// Plants its tree; resolves when that is up, with the stub.
    ///
    /// Dropped midway, it starts all the same.
    pub(super) fn begin<R: TreeRoot>(
        self: &Arc<Self>,
        root: R,
    ) -> impl Future<Output = Result<R::Ref, ApplicationError>> + Send + use<R> {
        let reservation = Reservation(Arc::clone(self));
        let sapling = root.prepare(&self.node, |_| {});
        let stub = sapling.stub.clone();
        let tree = Tree { supervisor: stub.supervisor().clone(), stub: Box::new(stub.clone()) };
        // It is set here only, and a reservation begins once.
        let _ = self.tree.set(tree);
        self.phase.send_replace(Phase::Starting);
        drop(reservation);
        let (told, outcome) = oneshot::channel();
        self.node.spawner().spawn(Arc::clone(self).live(sapling, told));
        let application = self.name.clone();
        async move {
            let outcome =
                outcome.await.unwrap_or_else(|_| Err(StartError { child: String::new(), reason: Exit::Killed }));
            outcome.map(|()| stub).map_err(|error| ApplicationError::Tree { application, error })
        }
    }

    /// Sees the application through its life.
    async fn live<R>(self: Arc<Self>, sapling: PendingTree<R>, told: oneshot::Sender<Result<(), StartError>>) {
        let (starting, surrender) = sapling.into_parts();
        let outcome = starting.await;
        if let Err(error) = &outcome {
            report::start_failed(&self, error);
            self.leave(error.reason.clone());
        } else {
            self.phase.send_replace(Phase::Up);
            report::started(&self);
        }
        let supervisor = outcome.as_ref().ok().cloned();
        // Whoever started it may have gone.
        let _ = told.send(outcome.map(drop));
        let Some(supervisor) = supervisor else { return };
        let reason = Stub::ended(&supervisor).await;
        let reason = match surrender() {
            Some(StartError { child, reason }) => {
                Exit::error(format!("too many restarts, the last of `{child}`: {reason}"))
            }
            None => reason,
        };
        self.end(reason).await;
    }

    async fn end(self: Arc<Self>, reason: Exit) {
        if self.stopping.load(Ordering::Acquire) {
            report::stopped(&self, &reason);
            return self.leave(reason);
        }
        let fatal = self.kind.is_fatal(&reason);
        report::ended(&self, &reason, fatal);
        let alone = fatal && {
            let loss = Exit::error(format!("application `{}` ended: {reason}", self.name));
            !self.node.services().lose(loss)
        };
        let node = self.node.clone();
        self.leave(reason);
        if alone {
            node.stop().await;
        }
    }

    /// It is gone: its name is free, and whoever waits for its end learns of it.
    fn leave(self: &Arc<Self>, reason: Exit) {
        self.node.services().remove(&(Arc::clone(self) as Arc<dyn Service>));
        self.phase.send_replace(Phase::Ended(reason));
    }

    /// Stops it, after those that come after it.
    pub(super) async fn stop_with_dependents(self: Arc<Self>) {
        let all = RunningApplication::all(&self.node);
        let mut falling = vec![Arc::clone(&self)];
        // Oldest first, so who comes after another stands behind it.
        for other in all {
            if other
                .after
                .iter()
                .any(|name| falling.iter().any(|running_application| running_application.name == *name))
            {
                falling.push(other);
            }
        }
        for running_application in falling.into_iter().rev() {
            running_application.stop().await;
        }
    }

    /// Resolves when it has ended.
    pub(super) async fn ended(&self) -> Exit {
        let mut phase = self.phase.subscribe();
        let ended = phase.wait_for(|phase| matches!(phase, Phase::Ended(_))).await;
        match ended.as_deref() {
            Ok(Phase::Ended(reason)) => reason.clone(),
            // The sender is in `self`.
            _ => Exit::NoProc,
        }
    }

    pub(super) fn is_up(&self) -> bool {
        *self.phase.borrow() == Phase::Up && !self.stopping.load(Ordering::Acquire)
    }

    pub(super) fn node(&self) -> &Node {
        &self.node
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn after(&self) -> &[String] {
        &self.after
    }

    pub(super) fn kind(&self) -> ApplicationKind {
        self.kind
    }

    pub(super) fn supervisor(&self) -> Option<&SupervisionRef> {
        self.tree.get().map(|tree| &tree.supervisor)
    }

    /// The tree's stub, if it is one of this type.
    pub(super) fn stub<R: TreeStub>(&self) -> Option<R> {
        self.tree.get().and_then(|tree| tree.stub.downcast_ref().cloned())
    }

    async fn halt(&self) {
        let mut phase = self.phase.subscribe();
        // The sender is in `self`.
        let _ = phase.wait_for(|phase| *phase != Phase::Reserved).await;
        if let Some(supervisor) = self.supervisor() {
            let stopping = |patience| {
                let stopping = Stub::stop(supervisor, Exit::shutdown());
                async move { self.node.clock().within(patience, stopping).await.is_some() }
            };
            let stopped = match self.shutdown {
                Shutdown::Kill => false,
                Shutdown::Forever => stopping(None).await,
                Shutdown::After(patience) => stopping(Some(patience)).await || report::late(self, patience),
            };
            if let Some(pid) = supervisor.pid().filter(|_| !stopped) {
                self.node.kill_below(pid.number()).await;
            }
        }
        self.ended().await;
    }
}

impl Service for RunningApplication {
    fn stop(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.stopping.store(true, Ordering::Release);
        Box::pin(async move { self.halt().await })
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

/// Takes an application's place back if its tree cannot even be planted: the caller's code panicked.
struct Reservation(Arc<RunningApplication>);

impl Drop for Reservation {
    fn drop(&mut self) {
        if *self.0.phase.borrow() == Phase::Reserved {
            self.0.leave(Exit::NoProc);
        }
    }
}
