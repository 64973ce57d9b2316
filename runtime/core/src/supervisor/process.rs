use std::sync::{Arc, Mutex, PoisonError};

use super::children::{Children, Slot};
use super::plan::{Action, Key, Plan, State, Taken, Ticket, Why};
use super::report::{self, Crashes};
use super::shutdown_wait::{Ended, outlast, outwait, stop};
use super::{
    ChildCount, ChildError, ChildInfo, ChildState, LocalOnly, Places, Supervision, SupervisorInfo, SupervisorOptions,
};
use crate::actor::{Actor, Context, Options, Process};
use crate::base::{Exit, ExitSignal, Pid, Shutdown, Sorted, StartError};
use crate::mailbox::Owner;
use crate::process::{Step, ended};
use crate::wire::Signal;

/// Which child is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ChildId {
    /// The one with this id: a field's name, or what was given at run time.
    Id(String),
    /// The one that is this process.
    Pid(Pid),
}

impl From<&str> for ChildId {
    fn from(id: &str) -> ChildId {
        ChildId::Id(id.to_owned())
    }
}

impl From<String> for ChildId {
    fn from(id: String) -> ChildId {
        ChildId::Id(id)
    }
}

impl From<Pid> for ChildId {
    fn from(pid: Pid) -> ChildId {
        ChildId::Pid(pid)
    }
}

/// A child that is still to be planted.
pub struct ChildFactory(pub(super) Box<dyn FnOnce(&Places) -> Slot + Send>);

/// A restart that is due.
pub struct Note {
    child: Key,
    ticket: Ticket,
}

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

    /// Carries out what the plan has laid out. An error ends the supervisor.
    async fn settle(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        while let Some(action) = self.plan.next() {
            match action {
                Action::Start(key) => self.start(cx, key).await,
                Action::Stop(key) => {
                    self.stop(cx, key).await;
                    self.plan.stopped(key);
                }
                Action::Close { child, forgotten } => self.close(child, forgotten),
                Action::Retry { child, ticket, attempt } => self.note(cx, child, ticket, attempt),
                Action::End(why) => {
                    report::ends(cx.node(), self.places.path(), cx.pid(), why);
                    if let Some(fallen) = self.fallen.take().filter(|_| self.begun && why == Why::TooManyRestarts) {
                        self.fail(&fallen.child, fallen.reason);
                    }
                    return Err(Exit::shutdown());
                }
            }
        }
        Ok(())
    }

    async fn start(&mut self, cx: &mut Context<Self>, key: Key) {
        let Some(child) = self.children.get_mut(&key) else { return };
        let node = cx.node().clone();
        let me = cx.pid().clone();
        // Somebody may still live there if this supervisor's predecessor was killed.
        if let Some(orphan) = child.slot.place.resident() {
            stop(&node, &me, orphan, child.slot.options.shutdown).await;
        }
        let starting = {
            let cell = Arc::clone(cx.mailbox().cell());
            child.slot.home.start(&|pid| cell.link(&me, pid))
        };
        let outcome = outwait(cx, &*child.slot.place, child.slot.options.shutdown, starting).await;
        child.slot.place.note_start(outcome.as_ref().err());
        match &outcome {
            Ok(Some(pid)) => {
                child.pid = Some(pid.clone());
                child.starts += 1;
                if child.starts > 1 {
                    report::restarted(&node, self.places.path(), &child.slot, pid, child.starts);
                }
                self.running.insert(pid.number(), key);
                report::started(self.places.path(), &child.slot, pid, child.starts);
                self.plan.started(key, node.clock().now());
            }
            Ok(None) => self.plan.ignored(key),
            Err(reason) => {
                report::start_failed(self.places.path(), &child.slot, reason);
                let id = Arc::clone(&child.slot.id);
                if self.begun {
                    self.fallen = Some(StartError { child: id.to_string(), reason: reason.clone() });
                } else {
                    self.fail(&id, reason.clone());
                }
                self.plan.failed(key);
            }
        }
        self.outcome = outcome;
    }

    fn leave(&mut self, key: Key) -> Option<Pid> {
        let pid = self.children.get_mut(&key)?.pid.take()?;
        self.running.remove(&pid.number());
        Some(pid)
    }

    /// Stops a child as its options say and waits until it is gone, even if it has unlinked itself.
    async fn stop(&mut self, cx: &mut Context<Self>, key: Key) {
        let (Some(pid), Some(child)) = (self.leave(key), self.children.get(&key)) else { return };
        // It stays linked, so that it does not survive this supervisor if that is killed meanwhile.
        let (node, me) = (cx.node().clone(), cx.pid().clone());
        let shutdown = child.slot.options.shutdown;
        let stopped = stop(&node, &me, pid.clone(), shutdown).await;
        if let Some(child) = self.children.get(&key) {
            report::stopped(self.places.path(), &child.slot, &pid, &stopped);
        }
    }

    /// Stops all children: the last one first, those of a dynamic supervisor all at once.
    async fn stop_all(&mut self, cx: &mut Context<Self>) {
        self.plan.end();
        if !self.dynamic {
            // At its end a plan lays out nothing but stops.
            let _ = self.settle(cx).await;
            return;
        }
        let (node, me) = (cx.node().clone(), cx.pid().clone());
        let mut leaving: Vec<(Key, Pid, Shutdown, Ended)> = Vec::new();
        while let Some(action) = self.plan.next() {
            let Action::Stop(key) = action else { continue };
            let (Some(pid), Some(child)) = (self.leave(key), self.children.get(&key)) else { continue };
            let gone = Box::pin(ended(&node, pid.clone()));
            leaving.push((key, pid, child.slot.options.shutdown, gone));
        }
        for (_, pid, shutdown, _) in &leaving {
            let reason = if *shutdown == Shutdown::Kill { Exit::Kill } else { Exit::shutdown() };
            node.signal(&me, pid, Signal::Exit { reason, linked: false });
        }
        let begin = node.clock().now();
        for (key, pid, shutdown, gone) in leaving {
            let left = match shutdown {
                Shutdown::After(shutdown_wait) => {
                    Some(shutdown_wait.saturating_sub(node.clock().now().duration_since(begin)))
                }
                Shutdown::Kill | Shutdown::Forever => None,
            };
            let stopped = outlast(&node, &me, &pid, left, gone).await;
            if let Some(child) = self.children.get(&key) {
                report::stopped(self.places.path(), &child.slot, &pid, &stopped);
            }
            self.plan.stopped(key);
        }
    }

    fn close(&mut self, key: Key, forgotten: bool) {
        let Some(child) = self.children.get(&key) else { return };
        child.slot.place.close();
        if forgotten && let Some(child) = self.children.remove(&key) {
            self.abandon(child.slot);
        }
    }

    fn abandon(&self, slot: Slot) {
        if !slot.fixed {
            slot.place.abandon();
            self.places.remove(&slot.id);
        }
    }

    /// Comes back to a restart, by a message behind those that are here already.
    fn note(&mut self, cx: &mut Context<Self>, child: Key, ticket: Ticket, attempt: u32) {
        let note = Supervision::Retry { note: LocalOnly(Note { child, ticket }) };
        let backoff = self.children.get(&child).and_then(|child| child.slot.options.backoff);
        match backoff {
            Some(backoff) => {
                let delay = backoff.delay(attempt, cx.node().rng().next());
                drop(cx.send_after(delay, note));
            }
            None => {
                let number = cx.pid().number();
                // To itself: refused only if it is ending.
                let _ = cx.mailbox().cell().send(Owner::This(number), note, false);
            }
        }
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
