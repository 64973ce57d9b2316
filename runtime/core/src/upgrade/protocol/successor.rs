//! The successor's side of an upgrade as a state machine: events in, actions out.
//!
//! This side has no deadlines. Those of the predecessor suffice: it kills a successor that is late, and when it ends
//! itself, the connection does.

use super::message::{Record, ToPredecessor, ToSuccessor, VERSION};
use crate::node::Restarts;

/// The successor's side.
pub(crate) struct Successor {
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The hello was sent.
    Greeting,
    /// The plan was accepted, and the records arrive.
    Receiving,
    /// All records have arrived. The program starts.
    Adopting,
    /// The program is ready, and waits for the commit.
    Ready,
    /// The commit was read.
    Serving,
    /// The program exits.
    Ended,
}

/// An input of the state machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Received(ToSuccessor),
    /// A message cannot be read.
    Unreadable(String),
    /// The program has started everything that was handed over, some processes anew.
    Started(Restarts),
    /// The predecessor has ended the connection, or itself.
    Closed,
}

/// An output of the state machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Send(ToPredecessor),
    /// Keeps a record for the program's start.
    Keep(Record),
    /// Lets the program start: all records are there.
    Start,
    /// Lets the program serve.
    Serve,
    /// Exits, since the predecessor serves on.
    Exit(String),
}

impl Successor {
    /// Begins this side. The first action is the hello.
    pub(crate) fn new() -> (Successor, Action) {
        (Successor { state: State::Greeting }, Action::Send(ToPredecessor::Hello { version: VERSION }))
    }

    pub(crate) fn handle(&mut self, event: Event) -> Vec<Action> {
        match (self.state, event) {
            // After the commit the predecessor ends, and its end is of no concern.
            (State::Serving | State::Ended, _) => Vec::new(),
            (_, Event::Closed) => self.exit("the predecessor has ended the upgrade".to_owned()),
            (State::Greeting, Event::Received(ToSuccessor::Plan(_))) => {
                self.enter(State::Receiving, Action::Send(ToPredecessor::Accept))
            }
            (State::Receiving, Event::Received(ToSuccessor::Record(record))) => vec![Action::Keep(record)],
            (State::Receiving, Event::Received(ToSuccessor::Complete)) => self.enter(State::Adopting, Action::Start),
            (State::Adopting, Event::Started(anew)) => {
                self.enter(State::Ready, Action::Send(ToPredecessor::Ready(anew)))
            }
            (State::Ready, Event::Received(ToSuccessor::Commit)) => self.enter(State::Serving, Action::Serve),
            (_, Event::Unreadable(reason)) => self.refuse(reason),
            (state, Event::Received(_) | Event::Started(_)) => {
                self.refuse(format!("unexpected message while {state:?}"))
            }
        }
    }

    fn enter(&mut self, state: State, action: Action) -> Vec<Action> {
        self.state = state;
        vec![action]
    }

    fn refuse(&mut self, reason: String) -> Vec<Action> {
        let refusal = Action::Send(ToPredecessor::Refuse(reason.clone()));
        [vec![refusal], self.exit(reason)].concat()
    }

    fn exit(&mut self, reason: String) -> Vec<Action> {
        self.enter(State::Ended, Action::Exit(reason))
    }
}
