//! The decisions of a supervisor as a state machine, without a process and without a clock.
//!
//! The supervisor's process reports events ([`Plan::child_exited`], [`Plan::child_started`], [`Plan::start_failed`], …)
//! and requests ([`Plan::terminate`], [`Plan::restart`], …). The plan queues [`Action`]s in response. The process
//! executes them one by one, and reports the result of each before it takes the next. After OTP's
//! [`supervisor.erl`](https://github.com/erlang/otp/blob/master/lib/stdlib/src/supervisor.erl).
//!
//! A child is up, down (not running, its spec kept), or about to start again. In the last case it *waits* for its backoff
//! to pass, or its restart has *failed* and is retried, or it is *blocked*: its previous process could not be killed. Only
//! the retry of a failed restart counts for the intensity again. Restarts are counted for all children together, and for
//! each child of a supervisor of dynamic children by itself. The siblings that are down because a restart stopped midway
//! start with the retry.
//!
//! Invariants:
//! - Children are in start order, since a new child always comes last.
//! - A temporary child is up or not in the plan.
//! - The action queue is empty between two messages to the supervisor.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use super::{AutoShutdown, ChildError, ChildOptions, Restart, Strategy, SupervisorOptions};
use crate::base::{Exit, SortedMap};

#[cfg(feature = "upgrade")]
mod restart_times;
#[cfg(test)]
mod tests;

#[cfg(feature = "upgrade")]
pub(super) use restart_times::RestartTimes;

/// The identity of a child for as long as its spec is kept. Keys are in start order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ChildKey(u64);

/// The children of one supervisor, their states and the recent restarts.
pub(super) struct Plan {
    options: SupervisorOptions,
    /// True for a supervisor of dynamic children. It removes a child that exits and is not restarted.
    dynamic: bool,
    children: SortedMap<ChildKey, Child>,
    ids: HashMap<Arc<str>, ChildKey>,
    /// The restarts within the period, of all children that are not dynamic.
    restarts: VecDeque<Instant>,
    actions: VecDeque<Action>,
    operation: Operation,
    last_key: u64,
    last_retry: u64,
}

struct Child {
    id: Option<Arc<str>>,
    options: ChildOptions,
    status: Status,
    /// The restarts in a row, for the backoff.
    attempts: u32,
    up_since: Option<Instant>,
    /// The restarts within the period, of a dynamic child.
    restarts: VecDeque<Instant>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    Up,
    Down,
    /// The restart is counted, and starts when the backoff has passed.
    Waiting(RetryId),
    /// The restart failed and will be retried.
    Failed(RetryId),
    /// The previous process could not be killed. The child starts when that process has exited.
    Blocked,
}

/// The identity of one retry. A retry that something else has overtaken has an old id and is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RetryId(u64);

/// A retry that is due, as the supervisor sends it to itself.
pub struct PendingRetry {
    pub(super) child: ChildKey,
    pub(super) id: RetryId,
}

/// The purpose of the queued actions. It decides the consequence of a failed start.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    /// The first start of all children.
    StartAll,
    /// Restarts after a child's exit.
    Restart,
    /// The requested start of a new child.
    Add,
    /// The requested start of a child that is down.
    Start,
    Terminate,
    StopAll,
}

/// The next step of the supervisor.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Start the child, then report [`Plan::child_started`], [`Plan::child_ignored`], [`Plan::start_failed`] or
    /// [`Plan::start_blocked`].
    Start(ChildKey),
    /// Stop the child as its options say, then report [`Plan::child_stopped`].
    Stop(ChildKey),
    /// Close the child's mailbox: no start is planned. With `removed` there will never be one.
    Close { child: ChildKey, removed: bool },
    /// Call [`Plan::retry`] after the messages that are queued now, and after the backoff for `attempt` if the child has
    /// one.
    Retry { child: ChildKey, id: RetryId, attempt: u32 },
    /// Stop all children, then end the supervisor with the reason `shutdown`.
    ShutDown(ShutdownCause),
}

/// The reason why a supervisor shuts down by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ShutdownCause {
    /// More restarts than the intensity allows.
    TooManyRestarts,
    /// The significant children have exited.
    AutoShutdown,
}

/// The current state of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ChildState {
    /// The child is running.
    Up,
    /// The child is not running, and no restart is planned: it has not started yet, it exited in good order, or it was
    /// terminated.
    Down,
    /// The child's last start failed and will be retried, or its restart waits: for the backoff, for a sibling that stops
    /// or starts, or for the exit of its previous process, which could not be killed.
    Restarting,
}

/// The child that has an id already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IdTaken {
    Running(ChildKey),
    NotRunning,
}

impl Plan {
    pub(super) fn new(options: SupervisorOptions, dynamic: bool) -> Plan {
        Plan {
            options,
            dynamic,
            children: SortedMap::new(),
            ids: HashMap::new(),
            restarts: VecDeque::new(),
            actions: VecDeque::new(),
            operation: Operation::StartAll,
            last_key: 0,
            last_retry: 0,
        }
    }

    /// Takes the next action; `None` if all is done.
    pub(super) fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Adds a child without starting it.
    ///
    /// # Errors
    /// Another child has the id.
    pub(super) fn add(&mut self, id: Option<Arc<str>>, options: ChildOptions) -> Result<ChildKey, IdTaken> {
        self.last_key += 1;
        let key = ChildKey(self.last_key);
        if let Some(id) = &id {
            if let Some(&other) = self.ids.get(id) {
                let is_up = self.state(other) == Some(ChildState::Up);
                return Err(if is_up { IdTaken::Running(other) } else { IdTaken::NotRunning });
            }
            self.ids.insert(Arc::clone(id), key);
        }
        self.children.insert(key, Child::new(id, options));
        Ok(key)
    }

    /// Plans the first start of all children, in order, except those that run already.
    pub(super) fn start_all(&mut self) {
        self.operation = Operation::StartAll;
        let down = self.children.iter().filter(|(_, child)| child.status != Status::Up);
        self.actions.extend(down.map(|(key, _)| Action::Start(*key)));
    }

    /// Plans the start of a child that was just added.
    pub(super) fn start_added(&mut self, child: ChildKey) {
        self.operation = Operation::Add;
        self.actions.push_back(Action::Start(child));
    }

    pub(super) fn find(&self, id: &str) -> Option<ChildKey> {
        self.ids.get(id).copied()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = ChildKey> {
        self.children.keys().copied()
    }

    pub(super) fn state(&self, child: ChildKey) -> Option<ChildState> {
        self.children.get(&child).map(|child| match child.status {
            Status::Up => ChildState::Up,
            Status::Down => ChildState::Down,
            Status::Waiting(_) | Status::Failed(_) | Status::Blocked => ChildState::Restarting,
        })
    }

    /// Returns the children whose start is among the queued actions.
    pub(super) fn planned_starts(&self) -> HashSet<ChildKey> {
        let start = |action: &Action| if let Action::Start(key) = action { Some(*key) } else { None };
        self.actions.iter().filter_map(start).collect()
    }

    /// Handles the exit of a child that was not stopped by the supervisor.
    pub(super) fn child_exited(&mut self, key: ChildKey, reason: &Exit, now: Instant) {
        let Some(child) = self.children.get_mut(&key).filter(|child| child.status == Status::Up) else { return };
        child.status = Status::Down;
        child.reset_backoff_if_stable(now);
        let significant = child.options.significant;
        let restart = match child.options.restart {
            Restart::Permanent => true,
            Restart::Transient => !reason.is_orderly(),
            Restart::Temporary => false,
        };
        if restart {
            return self.count_and_restart(key, now, true);
        }
        self.set_down(key);
        let shut_down = match self.options.auto_shutdown {
            AutoShutdown::Never => false,
            AutoShutdown::Any => significant,
            AutoShutdown::All => {
                let active = |child: &Child| child.options.significant && child.status != Status::Down;
                significant && !self.children.values().any(active)
            }
        };
        if shut_down {
            self.actions.push_back(Action::ShutDown(ShutdownCause::AutoShutdown));
        }
    }

    /// Handles a retry whose time has come.
    pub(super) fn retry(&mut self, key: ChildKey, id: RetryId, now: Instant) {
        match self.children.get(&key).map(|child| child.status) {
            Some(Status::Waiting(due)) if due == id => self.restart_affected(key),
            Some(Status::Failed(due)) if due == id => self.count_and_restart(key, now, false),
            _ => {}
        }
    }

    /// Plans to stop a child. Its spec is kept.
    pub(super) fn terminate(&mut self, key: ChildKey) -> Result<(), ChildError> {
        let state = self.state(key).ok_or(ChildError::NotFound)?;
        self.operation = Operation::Terminate;
        if state == ChildState::Up {
            self.actions.push_back(Action::Stop(key));
        } else {
            self.set_down(key);
        }
        Ok(())
    }

    /// Plans to start a child that is down.
    pub(super) fn restart(&mut self, key: ChildKey) -> Result<(), ChildError> {
        self.require_down(key)?;
        self.operation = Operation::Start;
        self.actions.push_back(Action::Start(key));
        Ok(())
    }

    /// Removes a child that is down.
    pub(super) fn delete(&mut self, key: ChildKey) -> Result<(), ChildError> {
        self.require_down(key)?;
        self.remove(key);
        Ok(())
    }

    fn require_down(&self, key: ChildKey) -> Result<(), ChildError> {
        match self.state(key).ok_or(ChildError::NotFound)? {
            ChildState::Down => Ok(()),
            ChildState::Up => Err(ChildError::Running),
            ChildState::Restarting => Err(ChildError::Restarting),
        }
    }

    /// Plans to stop all children, the last one first.
    pub(super) fn stop_all(&mut self) {
        self.operation = Operation::StopAll;
        self.actions.clear();
        let up = |(_, child): &&(ChildKey, Child)| child.status == Status::Up;
        self.actions.extend(self.children.iter().rev().filter(up).map(|(key, _)| Action::Stop(*key)));
    }

    /// Handles a successful start.
    pub(super) fn child_started(&mut self, key: ChildKey, now: Instant) {
        if let Some(child) = self.children.get_mut(&key) {
            child.status = Status::Up;
            child.up_since = Some(now);
        }
    }

    /// Handles a start after which the child does not run and did not fail: OTP's `ignore`.
    pub(super) fn child_ignored(&mut self, key: ChildKey) {
        self.set_down(key);
    }

    /// Handles a start that is not possible yet, because the child's previous process could not be killed. The other
    /// children start without it.
    pub(super) fn start_blocked(&mut self, key: ChildKey) {
        if let Some(child) = self.children.get_mut(&key) {
            child.status = Status::Blocked;
        }
    }

    /// Handles the late exit of a child's process that could not be killed.
    pub(super) fn abandoned_exited(&mut self, key: ChildKey) {
        if self.children.get(&key).is_some_and(|child| child.status == Status::Blocked) {
            self.operation = Operation::Restart;
            self.actions.push_back(Action::Start(key));
        }
    }

    /// Handles a failed start.
    pub(super) fn start_failed(&mut self, key: ChildKey) {
        match self.operation {
            Operation::StartAll => self.stop_all(),
            Operation::Add => self.remove(key),
            Operation::Restart => {
                // The retry starts the siblings after this child too.
                self.actions.retain(|action| !matches!(action, Action::Start(_)));
                self.schedule_retry(key, Status::Failed);
            }
            Operation::Start | Operation::Terminate | Operation::StopAll => self.set_down(key),
        }
    }

    /// Handles the exit of a child that the supervisor stopped.
    pub(super) fn child_stopped(&mut self, key: ChildKey) {
        let Some(child) = self.children.get_mut(&key) else { return };
        child.status = Status::Down;
        match (child.options.restart, self.operation) {
            (_, Operation::StopAll) => {}
            // A temporary child that is stopped because of a sibling is removed, like one that exited by itself.
            (Restart::Temporary, _) | (_, Operation::Terminate) => self.set_down(key),
            _ => {}
        }
    }

    /// Counts a restart, and plans it for now or, with `use_backoff`, for after the backoff.
    fn count_and_restart(&mut self, key: ChildKey, now: Instant, use_backoff: bool) {
        if self.exceeds_intensity(key, now) {
            if let Some(child) = self.children.get_mut(&key) {
                child.status = Status::Down;
            }
            self.actions.push_back(Action::ShutDown(ShutdownCause::TooManyRestarts));
        } else if use_backoff && self.children.get(&key).is_some_and(|child| child.options.backoff.is_some()) {
            self.operation = Operation::Restart;
            self.stop_affected(key);
            self.schedule_retry(key, Status::Waiting);
        } else {
            self.restart_affected(key);
        }
    }

    /// Plans to stop the children that the strategy names, and to start them with `key`.
    fn restart_affected(&mut self, key: ChildKey) {
        self.operation = Operation::Restart;
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

    fn stop_affected(&mut self, key: ChildKey) {
        for other in self.affected(key).into_iter().rev() {
            if self.state(other) == Some(ChildState::Up) {
                self.actions.push_back(Action::Stop(other));
            }
        }
    }

    fn affected(&self, key: ChildKey) -> Vec<ChildKey> {
        match self.options.strategy {
            Strategy::OneForOne => vec![key],
            Strategy::OneForAll => self.keys().collect(),
            Strategy::RestForOne => self.keys().skip_while(|other| *other < key).collect(),
        }
    }

    fn schedule_retry(&mut self, key: ChildKey, status: impl Fn(RetryId) -> Status) {
        self.last_retry += 1;
        let id = RetryId(self.last_retry);
        if let Some(child) = self.children.get_mut(&key) {
            child.status = status(id);
            let attempt = child.attempts;
            child.attempts = attempt.saturating_add(1);
            self.actions.push_back(Action::Retry { child: key, id, attempt });
        }
    }

    /// Marks a child as down without a planned restart. A temporary or dynamic child is removed.
    fn set_down(&mut self, key: ChildKey) {
        let Some(child) = self.children.get_mut(&key) else { return };
        child.status = Status::Down;
        if self.dynamic || child.options.restart == Restart::Temporary {
            self.remove(key);
        } else {
            self.actions.push_front(Action::Close { child: key, removed: false });
        }
    }

    fn remove(&mut self, key: ChildKey) {
        if let Some(id) = self.children.remove(&key).and_then(|child| child.id) {
            self.ids.remove(&id);
        }
        self.actions.push_front(Action::Close { child: key, removed: true });
    }

    /// Counts a restart. Returns whether there are now more within the period than the intensity allows.
    ///
    /// Dynamic children crash independently of each other, so the restarts of each are counted by themselves.
    fn exceeds_intensity(&mut self, key: ChildKey, now: Instant) -> bool {
        let SupervisorOptions { period, intensity, .. } = self.options;
        let child = if self.dynamic { self.children.get_mut(&key) } else { None };
        let restarts = child.map_or(&mut self.restarts, |child| &mut child.restarts);
        restarts.push_back(now);
        while restarts.front().is_some_and(|first| now.duration_since(*first) > period) {
            restarts.pop_front();
        }
        restarts.len() > intensity as usize
    }

    /// Returns the number of restarts that the intensity still allows within the period: of this child if it is dynamic,
    /// else of all children together.
    pub(super) fn restarts_left(&self, key: ChildKey) -> usize {
        let child = if self.dynamic { self.children.get(&key) } else { None };
        let restarts = child.map_or(&self.restarts, |child| &child.restarts);
        (self.options.intensity as usize).saturating_sub(restarts.len())
    }
}

impl Child {
    fn new(id: Option<Arc<str>>, options: ChildOptions) -> Child {
        Child { id, options, status: Status::Down, attempts: 0, up_since: None, restarts: VecDeque::new() }
    }

    /// Resets the backoff if the child has run for as long as its longest pause.
    fn reset_backoff_if_stable(&mut self, now: Instant) {
        let Some(backoff) = self.options.backoff else { return };
        if self.up_since.take().is_some_and(|since| now.duration_since(since) >= backoff.max) {
            self.attempts = 0;
        }
    }
}
