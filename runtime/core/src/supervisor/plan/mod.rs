//! What a supervisor does next: a state machine without a process and without a clock.
//!
//! It is told what happened ([`Plan::exited`], [`Plan::started`], [`Plan::failed`], …) and what is asked of it
//! ([`Plan::terminate`], [`Plan::restart`], …), and lays [`Action`]s out for the supervisor, which carries them
//! out one by one and says how each went before it asks for the next.
//!
//! A child is up, down (not running, its specification kept), or about to start again: *waiting* while its
//! backoff passes, *failed* when a restart did not succeed. Only the last counts again when it is retried.
//! Whatever is down because a sibling's restart stopped midway starts with that sibling's retry.
//!
//! Invariants: children are in start order, since a new one always comes last · a temporary child is up or not
//! here at all · between two messages nothing is laid out.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use super::{AutoShutdown, ChildError, ChildOptions, Restart, Strategy, SupervisorOptions};
use crate::base::{Exit, Sorted};

/// Which child, for as long as its specification is kept. Later ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key(u64);

/// The children of one supervisor and the restarts so far.
pub(super) struct Plan {
    flags: SupervisorOptions,
    /// All children are of one kind and many: who is not restarted is forgotten.
    dynamic: bool,
    children: Sorted<Key, Child>,
    ids: HashMap<Arc<str>, Key>,
    restarts: VecDeque<Instant>,
    actions: VecDeque<Action>,
    task: Task,
    keys: u64,
    tickets: u64,
}

struct Child {
    id: Option<Arc<str>>,
    options: ChildOptions,
    status: Status,
    /// Restarts in a row, for the backoff.
    attempts: u32,
    up_since: Option<Instant>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    Up,
    Down,
    /// Its restart is counted and will be tried when the backoff has passed.
    Waiting(Ticket),
    /// Its restart failed and will be tried again.
    Failed(Ticket),
}

/// Tells a retry that is due from one that something else has overtaken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket(u64);

/// A restart that is due.
pub struct Note {
    pub(super) child: Key,
    pub(super) ticket: Ticket,
}

/// What the actions in hand are for: it decides what a failed start means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Task {
    /// The first start of all.
    Begin,
    /// Restarts after a child's end.
    Restart,
    /// One child that was asked for, and is new.
    Add,
    /// One child that was asked for, and is known.
    Start,
    Terminate,
    End,
}

/// What the supervisor does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Starts a child; [`Plan::started`], [`Plan::ignored`] or [`Plan::failed`] answers.
    Start(Key),
    /// Stops a child as its options say; [`Plan::stopped`] answers.
    Stop(Key),
    /// Nobody is about to live there, and if it is `forgotten` nobody ever will.
    Close { child: Key, forgotten: bool },
    /// Calls [`Plan::retry`] when the messages that have come by now are handled, and the backoff for so many
    /// attempts has passed, if the child has one.
    Retry { child: Key, ticket: Ticket, attempt: u32 },
    /// Ends the supervisor, in good order: everything stops.
    End(Why),
}

/// Why a supervisor ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// More restarts than its intensity allows.
    TooManyRestarts,
    /// Its significant children have done their work.
    AutoShutdown,
}

/// How a child is just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Up,
    Down,
    Restarting,
}

impl Plan {
    pub(super) fn new(flags: SupervisorOptions, dynamic: bool) -> Plan {
        Plan {
            flags,
            dynamic,
            children: Sorted::new(),
            ids: HashMap::new(),
            restarts: VecDeque::new(),
            actions: VecDeque::new(),
            task: Task::Begin,
            keys: 0,
            tickets: 0,
        }
    }

    /// What to do next; `None` when everything is done that was to be done.
    pub(super) fn next(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// A further child, not started yet.
    ///
    /// # Errors
    /// The id is taken, by a child that runs (its key is told) or by one that does not.
    pub(super) fn add(&mut self, id: Option<Arc<str>>, options: ChildOptions) -> Result<Key, Taken> {
        self.keys += 1;
        let key = Key(self.keys);
        if let Some(id) = &id {
            if let Some(&other) = self.ids.get(id) {
                return Err(if self.state(other) == Some(State::Up) { Taken::Running(other) } else { Taken::Present });
            }
            self.ids.insert(Arc::clone(id), key);
        }
        self.children.insert(key, Child { id, options, status: Status::Down, attempts: 0, up_since: None });
        Ok(key)
    }

    /// The first start, of all children in order.
    pub(super) fn begin(&mut self) {
        self.task = Task::Begin;
        self.actions.extend(self.children.keys().map(|&key| Action::Start(key)));
    }

    /// The start of a child that was just added.
    pub(super) fn begin_child(&mut self, child: Key) {
        self.task = Task::Add;
        self.actions.push_back(Action::Start(child));
    }

    pub(super) fn find(&self, id: &str) -> Option<Key> {
        self.ids.get(id).copied()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = Key> {
        self.children.keys().copied()
    }

    pub(super) fn state(&self, child: Key) -> Option<State> {
        self.children.get(&child).map(|child| match child.status {
            Status::Up => State::Up,
            Status::Down => State::Down,
            Status::Waiting(_) | Status::Failed(_) => State::Restarting,
        })
    }

    /// A child ended by itself.
    pub(super) fn exited(&mut self, key: Key, reason: &Exit, now: Instant) {
        let Some(child) = self.children.get_mut(&key).filter(|child| child.status == Status::Up) else { return };
        child.status = Status::Down;
        child.settle(now);
        let significant = child.options.significant;
        let again = match child.options.restart {
            Restart::Permanent => true,
            Restart::Transient => !reason.is_orderly(),
            Restart::Temporary => false,
        };
        if again {
            return self.again(key, now, true);
        }
        self.retire(key);
        let over = match self.flags.auto_shutdown {
            AutoShutdown::Never => false,
            AutoShutdown::Any => significant,
            AutoShutdown::All => {
                let active = |child: &Child| child.options.significant && child.status != Status::Down;
                significant && !self.children.values().any(active)
            }
        };
        if over {
            self.actions.push_back(Action::End(Why::AutoShutdown));
        }
    }

    /// The time of a retry has come.
    pub(super) fn retry(&mut self, key: Key, ticket: Ticket, now: Instant) {
        match self.children.get(&key).map(|child| child.status) {
            Some(Status::Waiting(due)) if due == ticket => self.revive(key),
            Some(Status::Failed(due)) if due == ticket => self.again(key, now, false),
            _ => {}
        }
    }

    /// Stops a child for good, as far as this supervisor is concerned; its specification is kept.
    pub(super) fn terminate(&mut self, key: Key) -> Result<(), ChildError> {
        let state = self.state(key).ok_or(ChildError::NotFound)?;
        self.task = Task::Terminate;
        if state == State::Up {
            self.actions.push_back(Action::Stop(key));
        } else {
            self.retire(key);
        }
        Ok(())
    }

    /// Starts a child that is down.
    pub(super) fn restart(&mut self, key: Key) -> Result<(), ChildError> {
        self.idle(key)?;
        self.task = Task::Start;
        self.actions.push_back(Action::Start(key));
        Ok(())
    }

    /// Forgets a child that is down.
    pub(super) fn delete(&mut self, key: Key) -> Result<(), ChildError> {
        self.idle(key)?;
        self.forget(key);
        Ok(())
    }

    fn idle(&self, key: Key) -> Result<(), ChildError> {
        match self.state(key).ok_or(ChildError::NotFound)? {
            State::Down => Ok(()),
            State::Up => Err(ChildError::Running),
            State::Restarting => Err(ChildError::Restarting),
        }
    }

    /// Stops all children, the last one first.
    pub(super) fn end(&mut self) {
        self.task = Task::End;
        self.actions.clear();
        let up = |(_, child): &&(Key, Child)| child.status == Status::Up;
        self.actions.extend(self.children.iter().rev().filter(up).map(|(key, _)| Action::Stop(*key)));
    }

    /// A start went well.
    pub(super) fn started(&mut self, key: Key, now: Instant) {
        if let Some(child) = self.children.get_mut(&key) {
            child.status = Status::Up;
            child.up_since = Some(now);
        }
    }

    /// A child decided not to start, and that is all right.
    pub(super) fn ignored(&mut self, key: Key) {
        self.retire(key);
    }

    /// A start failed.
    pub(super) fn failed(&mut self, key: Key) {
        match self.task {
            Task::Begin => self.end(),
            Task::Add => self.forget(key),
            Task::Restart => {
                // What comes after it in order starts with its retry.
                self.actions.retain(|action| !matches!(action, Action::Start(_)));
                self.wait(key, Status::Failed);
            }
            Task::Start | Task::Terminate | Task::End => self.retire(key),
        }
    }

    /// A child that was to be stopped is gone.
    pub(super) fn stopped(&mut self, key: Key) {
        let Some(child) = self.children.get_mut(&key) else { return };
        child.status = Status::Down;
        match (child.options.restart, self.task) {
            (_, Task::End) => {}
            // A temporary child that a sibling takes down is forgotten like one that ended by itself.
            (Restart::Temporary, _) | (_, Task::Terminate) => self.retire(key),
            _ => {}
        }
    }

    /// A restart is due: counts it, and begins it now or after the backoff.
    fn again(&mut self, key: Key, now: Instant, patient: bool) {
        if self.too_many(now) {
            if let Some(child) = self.children.get_mut(&key) {
                child.status = Status::Down;
            }
            self.actions.push_back(Action::End(Why::TooManyRestarts));
        } else if patient && self.children.get(&key).is_some_and(|child| child.options.backoff.is_some()) {
            self.task = Task::Restart;
            self.stop_affected(key);
            self.wait(key, Status::Waiting);
        } else {
            self.revive(key);
        }
    }

    /// Stops whom the strategy says, and starts them and `key`.
    fn revive(&mut self, key: Key) {
        self.task = Task::Restart;
        self.stop_affected(key);
        for other in self.affected(key) {
            if let Some(child) = self.children.get_mut(&other)
                && child.options.restart != Restart::Temporary
            {
                if child.status != Status::Up {
                    child.status = Status::Down;
                }
                self.actions.push_back(Action::Start(other));
            }
        }
    }

    fn stop_affected(&mut self, key: Key) {
        for other in self.affected(key).into_iter().rev() {
            if self.state(other) == Some(State::Up) {
                self.actions.push_back(Action::Stop(other));
            }
        }
    }

    fn affected(&self, key: Key) -> Vec<Key> {
        match self.flags.strategy {
            Strategy::OneForOne => vec![key],
            Strategy::OneForAll => self.keys().collect(),
            Strategy::RestForOne => self.keys().skip_while(|other| *other < key).collect(),
        }
    }

    fn wait(&mut self, key: Key, status: impl Fn(Ticket) -> Status) {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        if let Some(child) = self.children.get_mut(&key) {
            child.status = status(ticket);
            let attempt = child.attempts;
            child.attempts = attempt.saturating_add(1);
            self.actions.push_back(Action::Retry { child: key, ticket, attempt });
        }
    }

    /// A child is down and nobody is about to start it; a temporary one is forgotten.
    fn retire(&mut self, key: Key) {
        let Some(child) = self.children.get_mut(&key) else { return };
        child.status = Status::Down;
        if self.dynamic || child.options.restart == Restart::Temporary {
            self.forget(key);
        } else {
            self.actions.push_front(Action::Close { child: key, forgotten: false });
        }
    }

    fn forget(&mut self, key: Key) {
        if let Some(id) = self.children.remove(&key).and_then(|child| child.id) {
            self.ids.remove(&id);
        }
        self.actions.push_front(Action::Close { child: key, forgotten: true });
    }

    /// Counts a restart; whether that is one too many within the period.
    fn too_many(&mut self, now: Instant) -> bool {
        self.restarts.push_back(now);
        let period = self.flags.period;
        while self.restarts.front().is_some_and(|first| now.duration_since(*first) > period) {
            self.restarts.pop_front();
        }
        self.restarts.len() > self.flags.intensity as usize
    }
}

/// Whose id it is already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Running(Key),
    Present,
}

impl Child {
    /// Forgets earlier attempts if the child has lived for as long as its longest backoff.
    fn settle(&mut self, now: Instant) {
        let Some(backoff) = self.options.backoff else { return };
        if self.up_since.take().is_some_and(|since| now.duration_since(since) >= backoff.max) {
            self.attempts = 0;
        }
    }
}

#[cfg(test)]
mod tests;
