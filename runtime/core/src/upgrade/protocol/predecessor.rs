//! The predecessor's side of an upgrade as a state machine: events in, actions out, time as an argument.

use std::time::{Duration, Instant};

use super::message::{ToPredecessor, VERSION};
use crate::node::Restarts;
use crate::upgrade::error::{UpgradeError, UpgradePhase};

/// The predecessor's side of one attempt.
pub(crate) struct Predecessor {
    goal: Goal,
    deadlines: Deadlines,
    /// The end of the time for the whole attempt.
    end: Instant,
    state: State,
    due: Instant,
}

/// The purpose of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// The successor takes over.
    Upgrade,
    /// The successor is ended when it is ready.
    Check,
}

/// The time that each phase may take, and that of all together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadlines {
    /// From the launch to the acceptance of the plan.
    pub(crate) plan: Duration,
    pub(crate) pause: Duration,
    /// From the first record until the successor is ready.
    pub(crate) hand_over: Duration,
    pub(crate) all: Duration,
}

impl Default for Deadlines {
    fn default() -> Deadlines {
        let seconds = Duration::from_secs;
        Deadlines { plan: seconds(30), pause: seconds(10), hand_over: seconds(60), all: seconds(100) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The successor was started.
    Launched,
    /// The plan was sent.
    Planned,
    Pausing,
    HandingOver,
    /// The commit is being written.
    Committing,
    /// The commit was written. This side never serves again.
    Committed,
    /// The attempt is over, and this side serves.
    Ended,
}

/// An input of the state machine.
#[derive(Debug)]
pub(crate) enum Event {
    Received(ToPredecessor),
    /// The node has paused.
    Paused,
    /// The commit is written in full: the successor reads it even if this side ends now.
    CommitWritten,
    /// The successor or the connection to it is lost, something failed on this side, or the node stops.
    Failed(UpgradeError),
}

/// An output of the state machine. Actions are executed in their order.
#[derive(Debug)]
pub(crate) enum Action {
    SendPlan,
    /// Ends with [`Event::Paused`].
    Pause,
    /// Sends all records.
    HandOver,
    /// Keeps the processes that the successor starts anew, for the report.
    Note(Restarts),
    /// Writes the commit at once or not at all; ends with [`Event::CommitWritten`] or [`Event::Failed`].
    Commit,
    /// Kills the successor.
    Kill,
    /// Ends the pause.
    Resume,
    /// The attempt is over, and this side serves.
    Finish(Result<(), UpgradeError>),
    /// The successor serves, and this side ends.
    Retire,
}

impl Predecessor {
    /// Begins an attempt whose successor was started.
    pub(crate) fn new(goal: Goal, deadlines: Deadlines, now: Instant) -> Predecessor {
        let end = now + deadlines.all;
        Predecessor { goal, deadlines, end, state: State::Launched, due: end.min(now + deadlines.plan) }
    }

    /// Returns the time at which [`expire`](Self::expire) has an effect; `None` once the attempt is over.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.phase().map(|_| self.due)
    }

    /// Returns the current phase; `None` once the attempt is over.
    fn phase(&self) -> Option<UpgradePhase> {
        match self.state {
            State::Launched | State::Planned => Some(UpgradePhase::Plan),
            State::Pausing => Some(UpgradePhase::Pause),
            State::HandingOver | State::Committing => Some(UpgradePhase::HandOver),
            State::Committed | State::Ended => None,
        }
    }

    pub(crate) fn expire(&mut self, now: Instant) -> Vec<Action> {
        match self.phase().filter(|_| self.due <= now) {
            Some(phase) => self.abandon(UpgradeError::TimedOut(phase)),
            None => Vec::new(),
        }
    }

    pub(crate) fn handle(&mut self, event: Event, now: Instant) -> Vec<Action> {
        use ToPredecessor::{Accept, Hello, Ready, Refuse};
        let Some(phase) = self.phase() else { return Vec::new() };
        match (self.state, event) {
            (_, Event::Failed(error)) => self.abandon(error),
            (_, Event::Received(Refuse(reason))) => self.abandon(UpgradeError::Refused(reason)),
            (State::Launched, Event::Received(Hello { version })) if version != VERSION => {
                self.abandon(UpgradeError::Version(version))
            }
            (State::Launched, Event::Received(Hello { .. })) => self.enter(State::Planned, None, Action::SendPlan),
            (State::Planned, Event::Received(Accept)) => {
                self.enter(State::Pausing, Some(now + self.deadlines.pause), Action::Pause)
            }
            (State::Pausing, Event::Paused) => {
                self.enter(State::HandingOver, Some(now + self.deadlines.hand_over), Action::HandOver)
            }
            (State::HandingOver, Event::Received(Ready(anew))) => {
                let next = match self.goal {
                    Goal::Upgrade => self.enter(State::Committing, None, Action::Commit),
                    Goal::Check => self.end(Ok(())),
                };
                [Action::Note(anew)].into_iter().chain(next).collect()
            }
            (State::Committing, Event::CommitWritten) => self.enter(State::Committed, None, Action::Retire),
            (_, Event::Received(_) | Event::Paused | Event::CommitWritten) => {
                self.abandon(UpgradeError::Unexpected(phase))
            }
        }
    }

    fn enter(&mut self, state: State, due: Option<Instant>, action: Action) -> Vec<Action> {
        self.state = state;
        self.due = self.end.min(due.unwrap_or(self.due));
        vec![action]
    }

    fn abandon(&mut self, error: UpgradeError) -> Vec<Action> {
        self.end(Err(error))
    }

    /// Ends the attempt: everything stays on this side.
    fn end(&mut self, outcome: Result<(), UpgradeError>) -> Vec<Action> {
        let is_paused = matches!(self.state, State::Pausing | State::HandingOver | State::Committing);
        self.state = State::Ended;
        let resume = is_paused.then_some(Action::Resume);
        // A successor without the commit serves nothing, so this side can serve while it ends.
        [Action::Kill].into_iter().chain(resume).chain([Action::Finish(outcome)]).collect()
    }
}
