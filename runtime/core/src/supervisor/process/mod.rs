//! The process that runs a supervisor: it translates messages and exit signals to events of its plan.

mod actions;
#[cfg(feature = "upgrade")]
mod continued;
mod report;
mod shutdown_wait;
#[cfg(feature = "registry")]
mod states;

use std::sync::{Arc, Mutex, PoisonError};

#[cfg(feature = "upgrade")]
use super::child::AdoptAdded;
use super::child::{BoundSpec, ChildCells, Children, UnboundSpec, segment_id};
use super::events::ChildEventSubscribers;
use super::plan::{ChildKey, ChildState, IdTaken, PendingRetry, Plan};
use super::protocol::LocalOnly;
use super::{
    ChildChange, ChildCount, ChildError, ChildEvent, ChildId, ChildInfo, Supervision, SupervisorInfo, SupervisorOptions,
};
use crate::actor::{Actor, Context, Options, Process};
use crate::base::{Exit, ExitSignal, Pid, SortedMap, StartError};
use crate::process::Step;
#[cfg(feature = "upgrade")]
use crate::process::SystemRequest;
use report::{CrashCount, RestartsLeft};

/// The process of one supervisor.
pub(crate) struct SupervisorProcess {
    options: SupervisorOptions,
    dynamic: bool,
    /// True for the root of a tree. The root removes the tree's cells when it exits.
    is_root: bool,
    cells: Arc<ChildCells>,
    plan: Plan,
    children: SortedMap<ChildKey, Child>,
    running: SortedMap<u64, ChildKey>,
    /// The processes of children that were killed and have not exited, as far as is known.
    abandoned: SortedMap<u64, ChildKey>,
    failure: SharedFailure,
    init_done: bool,
    /// The last child that exited or failed to start, with the reason.
    last_failed: Option<StartError>,
    subscribers: ChildEventSubscribers,
    /// The child that is being started.
    starting: Option<ChildKey>,
    /// The result of the last start.
    last_start: Result<Option<Pid>, ChildError>,
    /// The function that binds a dynamic child which was handed over.
    #[cfg(feature = "upgrade")]
    adopt_added: Option<AdoptAdded>,
    /// The children that a predecessor has handed over.
    #[cfg(feature = "upgrade")]
    continued: continued::Continued,
    /// The number of starts of the child that was continued last.
    #[cfg(feature = "upgrade")]
    continued_starts: Option<u64>,
}

impl Actor for SupervisorProcess {
    type Protocol = Supervision;
    const OPTIONS: Options = Options { kind: "Supervisor", ..Options::DEFAULT };
}

/// The failure that ended a supervisor, readable by its starter.
///
/// During the supervisor's start this is the child that did not start. Later it is the child whose restart was one too
/// many.
pub(in crate::supervisor) type SharedFailure = Arc<Mutex<Option<StartError>>>;

struct Child {
    spec: BoundSpec,
    /// The process in the child's cell.
    pid: Option<Pid>,
    /// The process on another node for which that one is the proxy.
    proxied: Option<Pid>,
    /// The process that was killed and has not exited.
    abandoned: Option<Pid>,
    starts: u64,
    crashes: CrashCount,
}

impl Child {
    /// Returns the child's process, on whichever node it runs.
    fn process(&self) -> Option<&Pid> {
        self.proxied.as_ref().or(self.pid.as_ref())
    }
}

impl SupervisorProcess {
    pub(super) fn new(
        options: SupervisorOptions,
        dynamic: bool,
        children: Children,
        is_root: bool,
        failure: SharedFailure,
    ) -> SupervisorProcess {
        let cells = Arc::clone(children.cells());
        #[cfg(feature = "upgrade")]
        let adopt_added = children.adopt_added();
        let mut supervisor = SupervisorProcess {
            options,
            dynamic,
            is_root,
            cells,
            plan: Plan::new(options, dynamic),
            children: SortedMap::new(),
            running: SortedMap::new(),
            abandoned: SortedMap::new(),
            failure,
            init_done: false,
            last_failed: None,
            subscribers: ChildEventSubscribers::default(),
            starting: None,
            last_start: Ok(None),
            #[cfg(feature = "upgrade")]
            adopt_added,
            #[cfg(feature = "upgrade")]
            continued: continued::Continued::default(),
            #[cfg(feature = "upgrade")]
            continued_starts: None,
        };
        for spec in children.into_specs() {
            let id = Arc::clone(&spec.id);
            if let Err(error) = supervisor.add_child(spec) {
                supervisor.set_failure(&id, Exit::from(error));
            }
        }
        supervisor
    }

    fn set_failure(&self, child: &str, reason: Exit) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(StartError { child: child.to_owned(), reason });
    }

    /// Adds a child without starting it.
    fn add_child(&mut self, spec: BoundSpec) -> Result<ChildKey, ChildError> {
        spec.options.check(&self.options).map_err(ChildError::Options)?;
        let key = self.plan.add(Some(Arc::clone(&spec.id)), spec.options).map_err(|taken| match taken {
            IdTaken::Running(other) => match self.children.get(&other).and_then(|child| child.process().cloned()) {
                Some(pid) => ChildError::AlreadyStarted(pid),
                None => ChildError::AlreadyPresent,
            },
            IdTaken::NotRunning => ChildError::AlreadyPresent,
        })?;
        let child =
            Child { spec, pid: None, proxied: None, abandoned: None, starts: 0, crashes: CrashCount::default() };
        self.children.insert(key, child);
        Ok(key)
    }

    fn find(&self, child: &ChildId) -> Option<ChildKey> {
        match child {
            ChildId::Id(id) => self.plan.find(id),
            ChildId::Pid(pid) if **pid.node_id() == **self.cells.node().id() => {
                self.running.get(&pid.number()).copied().or_else(|| self.find_by_cell(pid))
            }
            ChildId::Pid(pid) => {
                self.children.iter().find(|(_, child)| child.process() == Some(pid)).map(|(key, _)| *key)
            }
        }
    }

    /// Returns the child whose cell has this id, whether it runs or not.
    fn find_by_cell(&self, id: &Pid) -> Option<ChildKey> {
        let cell = self.cells.node().children().get(id.number())?;
        let segment = cell.path()?.strip_prefix(&**self.cells.path())?.strip_prefix('/')?;
        let key = self.plan.find(&segment_id(segment))?;
        (self.children.get(&key)?.spec.cell.child_id().as_ref() == Some(id)).then_some(key)
    }

    /// Answers a request that changes no child. Returns any other message.
    fn answer(&mut self, cx: &Context<Self>, message: Supervision) -> Option<Supervision> {
        match message {
            Supervision::Children { reply } => reply.send(self.child_infos()),
            Supervision::Count { reply } => reply.send(self.count()),
            Supervision::Info { reply } => reply.send(SupervisorInfo {
                path: self.cells.path().to_string(),
                pid: cx.pid().clone(),
                options: self.options,
                dynamic: self.dynamic,
                children: self.child_infos(),
            }),
            Supervision::Find { child, reply } => {
                let found = self.find(&child).and_then(|key| self.children.get(&key));
                let cell = found.map(|child| LocalOnly(Arc::clone(&child.spec.cell).into_cell()));
                reply.send(cell.ok_or(ChildError::NotFound));
            }
            Supervision::Subscribe { subscriber, reply } => {
                let to = subscriber.clone();
                let is_added = self.subscribers.add(subscriber, || cx.monitor(&to));
                reply.send(is_added.then_some(()).ok_or(ChildError::TooManySubscribers));
            }
            other => return Some(other),
        }
        None
    }

    /// Sends an event about a child to the subscribers.
    fn send_event(&self, key: ChildKey, change: impl Fn() -> ChildChange) {
        let Some(child) = self.children.get(&key) else { return };
        self.subscribers.send(|| ChildEvent {
            supervisor: self.cells.path().to_string(),
            child: child.spec.id.to_string(),
            change: change(),
        });
    }

    /// Handles a request or an exit. The replies of requests that take time are held until then, so that a cycle of calls
    /// and exits through this supervisor is found.
    async fn handle(&mut self, cx: &mut Context<Self>, message: Supervision) -> Result<(), Exit> {
        let Some(message) = self.answer(cx, message) else { return Ok(()) };
        match message {
            // Answered above.
            Supervision::Children { .. }
            | Supervision::Count { .. }
            | Supervision::Info { .. }
            | Supervision::Find { .. }
            | Supervision::Subscribe { .. } => {}
            Supervision::Terminate { child, reply } => {
                reply.mark_held();
                let planned = self.find(&child).ok_or(ChildError::NotFound).and_then(|key| self.plan.terminate(key));
                self.execute_actions(cx).await?;
                reply.send(planned);
            }
            Supervision::Restart { child, reply } => {
                reply.mark_held();
                let planned = self.find(&child).ok_or(ChildError::NotFound).and_then(|key| self.plan.restart(key));
                let started = self.execute_start(cx, planned).await?;
                reply.send(started);
            }
            Supervision::Delete { child, reply } => {
                reply.mark_held();
                let planned = self.find(&child).ok_or(ChildError::NotFound).and_then(|key| self.delete(key));
                self.execute_actions(cx).await?;
                reply.send(planned);
            }
            Supervision::Add { unbound, reply } => {
                reply.mark_held();
                let planned = self.add_and_plan_start(unbound.0);
                let started = self.execute_start(cx, planned).await?;
                reply.send(started);
            }
            Supervision::Retry { retry: LocalOnly(PendingRetry { child, id }) } => {
                self.plan.retry(child, id, cx.node().clock().now());
                self.execute_actions(cx).await?;
            }
            Supervision::Exit(signal) => self.handle_exit(cx, signal).await?,
            Supervision::Down(down) => self.subscribers.remove(down.monitor),
        }
        Ok(())
    }

    fn add_and_plan_start(&mut self, unbound: UnboundSpec) -> Result<(), ChildError> {
        let spec = (unbound.0)(&self.cells);
        let key = self.add_child(spec)?;
        self.plan.start_added(key);
        Ok(())
    }

    /// Removes a child that is down and whose last process has exited.
    fn delete(&mut self, key: ChildKey) -> Result<(), ChildError> {
        let still_runs = |child: &Child| child.abandoned.is_some() && child.spec.cell.pid() == child.abandoned;
        if self.plan.state(key) == Some(ChildState::Down) && self.children.get(&key).is_some_and(still_runs) {
            return Err(ChildError::Running);
        }
        self.plan.delete(key)
    }

    /// Waits for the next message or stop. A stop comes after the messages that were saved when it was noticed; `left` is
    /// their number then.
    async fn next_step(cx: &mut Context<Self>, left: &mut Option<u32>) -> Step<Supervision> {
        if cx.mailbox().cell().is_stopping() {
            let left = left.get_or_insert(cx.mailbox().saved());
            if *left > 0
                && let Some(message) = cx.mailbox().take_saved()
            {
                *left -= 1;
                return Step::Message(message);
            }
        }
        cx.mailbox().step().await
    }

    async fn handle_exit(&mut self, cx: &mut Context<Self>, signal: ExitSignal) -> Result<(), Exit> {
        if **signal.from.node_id() != **cx.node().id() {
            return Ok(());
        }
        let number = signal.from.number();
        if let Some(key) = self.abandoned.remove(&number) {
            if let Some(child) = self.children.get_mut(&key) {
                child.abandoned.take_if(|pid| pid.number() == number);
            }
            self.plan.abandoned_exited(key);
            return self.execute_actions(cx).await;
        }
        // The exits of other processes, and of children that the supervisor stopped, are ignored.
        let Some(key) = self.running.get(&number).copied() else { return Ok(()) };
        let now = cx.node().clock().now();
        let process = self.set_not_running(key).map_or(signal.from, |(_, process)| process);
        let signal = ExitSignal { from: process, reason: signal.reason };
        self.send_event(key, || ChildChange::Exited { pid: signal.from.clone(), reason: signal.reason.clone() });
        self.plan.child_exited(key, &signal.reason, now);
        if let Some(child) = self.children.get_mut(&key) {
            let left = RestartsLeft { count: self.plan.restarts_left(key), period: self.options.period };
            let (node, path) = (self.cells.node(), self.cells.path());
            report::child_exited(node, path, &child.spec, &signal, &mut child.crashes, now, left);
            self.last_failed = Some(StartError { child: child.spec.id.to_string(), reason: signal.reason.clone() });
            child.crashes.raise_alarm(cx.node(), self.cells.path(), &child.spec.id);
        }
        self.execute_actions(cx).await
    }

    fn child_infos(&self) -> Vec<ChildInfo> {
        let planned = self.plan.planned_starts();
        // While the supervisor waits, a child that has run before may be down until its turn to start.
        let is_restarting = |key, child: &Child| {
            child.starts > 0 && (self.starting == Some(key) || planned.contains(&key)) && child.pid.is_none()
        };
        let info = |(key, child): &(ChildKey, Child)| ChildInfo {
            id: child.spec.id.to_string(),
            pid: child.process().cloned(),
            state: match self.plan.state(*key) {
                None | Some(ChildState::Down) if is_restarting(*key, child) => ChildState::Restarting,
                state => state.unwrap_or(ChildState::Down),
            },
            restart: child.spec.options.restart,
            starts: child.starts,
            supervisor: child.spec.supervisor.clone(),
        };
        self.children.iter().map(info).collect()
    }

    fn count(&self) -> ChildCount {
        let supervisors = self.children.values().filter(|child| child.spec.supervisor.is_some()).count();
        let specs = self.children.len();
        ChildCount { specs, active: self.running.len(), supervisors, workers: specs - supervisors }
    }
}

#[diagnostic::do_not_recommend]
impl Process for SupervisorProcess {
    const TRAP_EXIT: bool = true;
    const SERVER: bool = true;
    const SUPERVISOR: bool = true;

    async fn init(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        let has_invalid_child = self.failure.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if !has_invalid_child {
            #[cfg(feature = "upgrade")]
            self.continue_added(cx).await;
            self.plan.start_all();
            self.execute_actions(cx).await?;
        }
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        match &*failure {
            Some(error) => Err(Exit::Shutdown(Some(error.to_string().into()))),
            None => Ok(()),
        }
    }

    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        self.init_done = true;
        let mut saved_before_stop = None;
        let reason = loop {
            let result = match SupervisorProcess::next_step(cx, &mut saved_before_stop).await {
                Step::Message(message) => self.handle(cx, message).await,
                Step::Stop(reason) => Err(reason),
                #[cfg(feature = "upgrade")]
                Step::SystemRequest(SystemRequest::Hold(request)) => self.hold(cx, request).await,
                // `Options` has no `sys`, so a supervisor does not serve the others.
                Step::SystemRequest(_) => Ok(()),
            };
            if let Err(reason) = result {
                break reason;
            }
        };
        self.stop_all(cx).await;
        if reason == Exit::Normal { Ok(()) } else { Err(reason) }
    }
}

impl Drop for SupervisorProcess {
    fn drop(&mut self) {
        for (_, child) in std::mem::take(&mut self.children) {
            self.remove_cell(child.spec);
        }
        if self.is_root {
            self.cells.remove_tree();
        }
    }
}
