//! The process that runs a supervisor.

mod actions;
mod report;
mod shutdown_wait;

use std::sync::{Arc, Mutex, PoisonError};

use super::child::{ChildFactory, Children, Places, Slot};
use super::plan::{Key, Note, Plan, State, Taken};
use super::protocol::LocalOnly;
use super::{ChildCount, ChildError, ChildId, ChildInfo, ChildState, Supervision, SupervisorInfo, SupervisorOptions};
use crate::actor::{Actor, Context, Options, Process};
use crate::base::{Exit, ExitSignal, Pid, Sorted, StartError};
use crate::process::Step;
use report::Crashes;

/// The process that looks after the children of a tree.
pub(crate) struct SupervisorProcess {
    flags: SupervisorOptions,
    dynamic: bool,
    /// Nobody above it: when it ends, its places go with it.
    root: bool,
    places: Arc<Places>,
    plan: Plan,
    children: Sorted<Key, Child>,
    running: Sorted<u64, Key>,
    /// Why a child that the tree cannot do without did not start; later, whose restart was one too many.
    failure: Failure,
    /// It is through its own start.
    begun: bool,
    /// The last child that had to be restarted.
    fallen: Option<StartError>,
    /// How the last start went.
    outcome: Result<Option<Pid>, Exit>,
}

impl Actor for SupervisorProcess {
    type Protocol = Supervision;
    const OPTIONS: Options = Options { kind: "Parent", ..Options::DEFAULT };
}

/// What a supervisor leaves behind for whoever started it.
pub(super) type Failure = Arc<Mutex<Option<StartError>>>;

struct Child {
    slot: Slot,
    pid: Option<Pid>,
    starts: u64,
    crashes: Crashes,
}

impl SupervisorProcess {
    pub(super) fn new(
        flags: SupervisorOptions,
        dynamic: bool,
        children: Children,
        root: bool,
        failure: Failure,
    ) -> SupervisorProcess {
        let places = Arc::clone(children.places());
        let mut parent = SupervisorProcess {
            flags,
            dynamic,
            root,
            places,
            plan: Plan::new(flags, dynamic),
            children: Sorted::new(),
            running: Sorted::new(),
            failure,
            begun: false,
            fallen: None,
            outcome: Ok(None),
        };
        for slot in children.into_slots() {
            let id = Arc::clone(&slot.id);
            if let Err(error) = parent.plant(slot) {
                parent.fail(&id, Exit::from(error));
            }
        }
        parent
    }

    fn fail(&self, child: &str, reason: Exit) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(StartError { child: child.to_owned(), reason });
    }

    /// A further child, not started yet.
    fn plant(&mut self, slot: Slot) -> Result<Key, ChildError> {
        slot.options.check(&self.flags).map_err(ChildError::Options)?;
        let key = self.plan.add(Some(Arc::clone(&slot.id)), slot.options).map_err(|taken| match taken {
            Taken::Running(other) => match self.children.get(&other).and_then(|child| child.pid.clone()) {
                Some(pid) => ChildError::AlreadyStarted(pid),
                None => ChildError::AlreadyPresent,
            },
            Taken::Present => ChildError::AlreadyPresent,
        })?;
        self.children.insert(key, Child { slot, pid: None, starts: 0, crashes: Crashes::default() });
        Ok(key)
    }

    fn find(&self, child: &ChildId) -> Option<Key> {
        match child {
            ChildId::Id(id) => self.plan.find(id),
            ChildId::Pid(pid) if **pid.node_id() == **self.places.node().id() => {
                self.running.get(&pid.number()).copied()
            }
            ChildId::Pid(_) => None,
        }
    }

    async fn handle(&mut self, cx: &mut Context<Self>, message: Supervision) -> Result<(), Exit> {
        match message {
            Supervision::Children { reply } => reply.send(self.list()),
            Supervision::Count { reply } => reply.send(self.count()),
            Supervision::SupervisorInfo { reply } => reply.send(SupervisorInfo {
                path: self.places.path().to_string(),
                pid: cx.pid().clone(),
                flags: self.flags,
                dynamic: self.dynamic,
                children: self.list(),
            }),
            Supervision::Terminate { child, reply } => {
                let asked = self.find(&child).ok_or(ChildError::NotFound).and_then(|key| self.plan.terminate(key));
                self.settle(cx).await?;
                reply.send(asked);
            }
            Supervision::Restart { child, reply } => {
                let asked = self.find(&child).ok_or(ChildError::NotFound).and_then(|key| self.plan.restart(key));
                let answer = self.asked(cx, asked).await?;
                reply.send(answer);
            }
            Supervision::Delete { child, reply } => {
                let asked = self.find(&child).ok_or(ChildError::NotFound).and_then(|key| self.plan.delete(key));
                self.settle(cx).await?;
                reply.send(asked);
            }
            Supervision::Find { child, reply } => {
                let found = self.find(&child).and_then(|key| self.children.get(&key));
                let cell = found.map(|child| LocalOnly(Arc::clone(&child.slot.place).cell()));
                reply.send(cell.ok_or(ChildError::NotFound));
            }
            Supervision::Add { seed, reply } => {
                let asked = self.add(seed.0);
                let answer = self.asked(cx, asked).await?;
                reply.send(answer);
            }
            Supervision::Retry { note: LocalOnly(Note { child, ticket }) } => {
                self.plan.retry(child, ticket, cx.node().clock().now());
                self.settle(cx).await?;
            }
            Supervision::Exit(signal) => self.exited(cx, signal).await?,
        }
        Ok(())
    }

    /// Carries out a start that was asked for, and says how it went.
    async fn asked(
        &mut self,
        cx: &mut Context<Self>,
        asked: Result<(), ChildError>,
    ) -> Result<Result<Option<Pid>, ChildError>, Exit> {
        if let Err(error) = asked {
            return Ok(Err(error));
        }
        self.settle(cx).await?;
        Ok(std::mem::replace(&mut self.outcome, Ok(None)).map_err(ChildError::Start))
    }

    fn add(&mut self, seed: ChildFactory) -> Result<(), ChildError> {
        let places = Arc::clone(&self.places);
        let slot = (seed.0)(&places);
        let key = self.plant(slot)?;
        self.plan.begin_child(key);
        Ok(())
    }

    async fn exited(&mut self, cx: &mut Context<Self>, signal: ExitSignal) -> Result<(), Exit> {
        let local_only = **signal.from.node_id() == **cx.node().id();
        let ended = if local_only { self.running.get(&signal.from.number()).copied() } else { None };
        // A stranger's exit, or that of a child which has been stopped, concerns nobody here.
        let Some(key) = ended else { return Ok(()) };
        let now = cx.node().clock().now();
        self.leave(key);
        if let Some(child) = self.children.get_mut(&key) {
            report::ended(self.places.path(), &child.slot, &signal, &mut child.crashes, now);
            self.fallen = Some(StartError { child: child.slot.id.to_string(), reason: signal.reason.clone() });
            child.crashes.alarm(cx.node(), self.places.path(), &child.slot.id);
        }
        self.plan.exited(key, &signal.reason, now);
        self.settle(cx).await
    }

    fn list(&self) -> Vec<ChildInfo> {
        let info = |(key, child): &(Key, Child)| ChildInfo {
            id: child.slot.id.to_string(),
            pid: child.pid.clone(),
            state: match self.plan.state(*key) {
                Some(State::Up) => ChildState::Up,
                Some(State::Restarting) => ChildState::Restarting,
                Some(State::Down) | None => ChildState::Down,
            },
            restart: child.slot.options.restart,
            starts: child.starts,
            supervisor: child.slot.supervisor.clone(),
        };
        self.children.iter().map(info).collect()
    }

    fn count(&self) -> ChildCount {
        let supervisors = self.children.values().filter(|child| child.slot.supervisor.is_some()).count();
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
        let refused = self.failure.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if !refused {
            self.plan.begin();
            self.settle(cx).await?;
        }
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        match &*failure {
            Some(error) => Err(Exit::Shutdown(Some(error.to_string().into()))),
            None => Ok(()),
        }
    }

    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        self.begun = true;
        let reason = loop {
            let done = match cx.mailbox().step().await {
                Step::Message(message) => self.handle(cx, message).await,
                Step::Stop(reason) => Err(reason),
                // It has not said that it allows that.
                Step::SystemRequest(_) => Ok(()),
            };
            if let Err(reason) = done {
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
            self.abandon(child.slot);
        }
        if self.root {
            self.places.uproot();
        }
    }
}
