//! The decisions of one node on an application with failover: events go in, and actions come out.
//!
//! Each node announces by claims of its own that it is *ready* to run the application, and its *intent*: whether the
//! application was stopped on purpose. The node that *owns* the application, by a claim on its name, runs it. So all that
//! nodes have to agree on is in the registry, and a node that is lost leaves it with its lease.
//!
//! - The first node of the list that is ready claims the application, as soon as it has no owner, and then starts it. A node
//!   that has just started waits for the others first.
//! - An owner that sees a better node stops the application, and then ends its claim. So it does after a stop on purpose,
//!   but not before its intent is in the registry: another node would start the application.
//! - An owner whose claim is lost kills the application at once.
//! - An owner that has stopped the application for its successor, and has its states, announces them before it ends its
//!   claim. The successor collects them before it starts the application. They are kept for a limited time.
//! - A node on which the application cannot start, or fails, is not ready any more.
//!
//! A stop has a version that is greater than that of all earlier stops and starts. Each node announces the greatest intent
//! that it has seen. So a stop is known for as long as one of the nodes that have seen it runs.

use serde::{Deserialize, Serialize};

/// The decisions of one node.
#[derive(Debug)]
pub(super) struct Plan {
    /// The place of this node in the list. A node that is not in it only watches.
    place: Option<usize>,
    /// The length of the list.
    places: usize,
    /// The application takes its state along when it moves.
    keeps_state: bool,
    intent: Intent,
    /// The application can run on this node, as far as that is known.
    is_fit: bool,
    /// The node has waited for the others, which may have started at the same time: until all are there, one of them runs
    /// the application, or some time has passed.
    has_waited: bool,
    is_leaving: bool,
    /// `None` until the registry has reported its claims.
    view: Option<View>,
    /// The intent of this node that is in the registry.
    announced: Option<Intent>,
    here: Here,
    states: States,
}

/// The states of the application that this node keeps for the successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum States {
    None,
    Kept,
    /// The registry shows that the node has them.
    Announced,
}

/// A stop or a start on purpose. The greater one counts: of two with one version it is the stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Intent {
    pub(super) version: u64,
    pub(super) is_stopped: bool,
}

/// The claims, as the registry has reported them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct View {
    pub(super) is_owned: bool,
    /// The places in the list of the other nodes that are ready.
    pub(super) ready: Vec<usize>,
    /// The greatest intent of the other nodes.
    pub(super) intent: Intent,
}

/// The application on this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Here {
    /// The application does not run, and the node does not claim it.
    Idle,
    /// The claim was not granted. The next change of the registry, or some time, leads to another attempt.
    Refused,
    Claiming,
    /// The claim is granted. The states of the previous owner are collected.
    Collecting,
    Starting,
    Up,
    /// The application ends, and then the claim.
    Stopping,
    /// The application has ended. The claim ends when the node has announced its intent, and the states that it keeps.
    Ended,
    /// The application ends, and its claim is lost.
    Killing,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The registry reports other claims than before.
    View(View),
    /// The predecessor of this process has the claim on the application, which this process continues. With the claims that
    /// the registry has.
    #[cfg(feature = "upgrade")]
    Continued(View),
    /// The registry has this intent of the node, or none.
    Announced(Option<Intent>),
    /// The time to wait for the other nodes is over.
    Waited,
    /// The time after a refused claim is over.
    Retry,
    Granted,
    Refused,
    /// The states of the previous owner have arrived, if it has left any.
    Collected {
        has_states: bool,
    },
    /// The registry shows that this node has states.
    StatesAnnounced,
    /// The successor has the states, or the time to keep them is over.
    StatesGone,
    /// The claim on the application is lost.
    Lost,
    Started,
    /// The application did not start. `has_states`: it has left states for the successor.
    NotStarted {
        has_states: bool,
    },
    /// `has_states`: it has left states for the successor.
    Ended {
        end: End,
        has_states: bool,
    },
    /// The application is to run, or to be stopped, on all nodes.
    Intend {
        stop: bool,
    },
    /// The node stops.
    Leave,
}

/// The end of the application on this node, by itself or as requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The application was stopped, or has finished.
    Orderly,
    Failed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Claim,
    /// Ends the claim, or the request for it.
    Release,
    /// Collects the states of the previous owner.
    Collect,
    /// Starts the application, with the states that were collected.
    Start,
    /// Stops the application in order. `for_successor`: another node continues it.
    Stop {
        for_successor: bool,
    },
    /// Discards the states.
    Discard,
    /// Ends it at once.
    Kill,
    /// Begins the time after which a refused claim is requested again.
    Pause,
}

impl Plan {
    pub(super) fn new(place: Option<usize>, places: usize, keeps_state: bool) -> Plan {
        Plan {
            place,
            places,
            keeps_state,
            intent: Intent::default(),
            is_fit: true,
            has_waited: false,
            is_leaving: false,
            view: None,
            announced: None,
            here: Here::Idle,
            states: States::None,
        }
    }

    /// Begins with the intent that the predecessor of this process has announced.
    #[cfg(feature = "upgrade")]
    pub(super) fn with_intent(self, intent: Intent) -> Plan {
        Plan { intent, ..self }
    }

    /// Returns whether this node announces that it is ready.
    pub(super) fn is_ready(&self) -> bool {
        self.is_fit && self.place.is_some() && !self.is_leaving
    }

    /// Returns the intent that this node announces: none before the first stop.
    pub(super) fn intent(&self) -> Option<Intent> {
        (self.intent.version > 0 && !self.is_leaving).then_some(self.intent)
    }

    /// Returns whether the node leaves, and has nothing of the application.
    pub(super) fn has_left(&self) -> bool {
        self.is_leaving && self.is_idle() && self.states == States::None
    }

    /// Returns whether this node announces that it has the states of the application.
    pub(super) fn has_states(&self) -> bool {
        self.states != States::None
    }

    /// Returns whether another node can continue the application.
    pub(super) fn has_successor(&self) -> bool {
        !self.intent.is_stopped && self.view.as_ref().is_some_and(|view| !view.ready.is_empty())
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.intent.is_stopped
    }

    /// Returns whether the application is up on this node.
    pub(super) fn is_up(&self) -> bool {
        self.here == Here::Up
    }

    pub(super) fn is_starting(&self) -> bool {
        self.here == Here::Starting
    }

    /// Returns whether this node is not in the list, and has the claims.
    pub(super) fn only_watches(&self) -> bool {
        self.place.is_none() && self.view.is_some()
    }

    /// Returns whether this node has nothing of the application.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.here, Here::Idle | Here::Refused)
    }

    pub(super) fn handle(&mut self, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::View(view) => {
                self.intent = self.intent.max(view.intent);
                let is_ready = |place| Some(place) == self.place || view.ready.contains(&place);
                self.has_waited |= view.is_owned || (0..self.places).all(is_ready);
                self.view = Some(view);
                self.retry();
            }
            #[cfg(feature = "upgrade")]
            Event::Continued(view) => {
                (self.intent, self.has_waited) = (self.intent.max(view.intent), true);
                self.view = Some(view);
                self.here = Here::Claiming;
                actions.push(Action::Claim);
            }
            Event::Announced(intent) => self.announced = intent,
            Event::Waited => self.has_waited = true,
            Event::Retry => self.retry(),
            Event::Granted if self.here == Here::Claiming && self.keeps_state => {
                self.here = Here::Collecting;
                actions.push(Action::Collect);
            }
            Event::Granted if self.here == Here::Claiming => self.start(&mut actions),
            Event::Collected { has_states } if self.here == Here::Collecting => {
                self.states = States::None;
                if self.should_run() {
                    self.start(&mut actions);
                } else {
                    self.end_with(has_states);
                }
            }
            Event::StatesAnnounced if self.states == States::Kept => self.states = States::Announced,
            Event::StatesGone => self.states = States::None,
            Event::Refused if self.here == Here::Claiming => {
                self.here = Here::Refused;
                actions.push(Action::Pause);
            }
            Event::Lost if matches!(self.here, Here::Starting | Here::Up | Here::Stopping) => {
                self.here = Here::Killing;
                actions.push(Action::Kill);
            }
            Event::Lost if matches!(self.here, Here::Collecting | Here::Ended) => self.here = Here::Idle,
            Event::Started if self.here == Here::Starting => self.here = Here::Up,
            Event::NotStarted { has_states } => self.end(End::Failed, has_states),
            Event::Ended { end, has_states } => self.end(end, has_states),
            Event::Intend { stop } => {
                if self.intent.is_stopped != stop {
                    self.intent = Intent { version: self.intent.version.saturating_add(1), is_stopped: stop };
                }
                self.is_fit |= !stop;
            }
            Event::Leave => self.is_leaving = true,
            // Overtaken by another event.
            Event::Granted
            | Event::Refused
            | Event::Collected { .. }
            | Event::StatesAnnounced
            | Event::Lost
            | Event::Started => {}
        }
        self.decide(&mut actions);
        actions
    }

    fn retry(&mut self) {
        if self.here == Here::Refused {
            self.here = Here::Idle;
        }
    }

    fn start(&mut self, actions: &mut Vec<Action>) {
        self.here = Here::Starting;
        actions.push(Action::Start);
    }

    /// The application has ended on this node.
    fn end(&mut self, end: End, has_states: bool) {
        match (self.here, end) {
            // As requested.
            (Here::Stopping | Here::Killing, _) => {}
            (Here::Starting | Here::Up, End::Failed) => self.is_fit = false,
            // Stopped by another part of the program, or it has finished.
            (Here::Starting | Here::Up, End::Orderly) => {
                self.intent = Intent { version: self.intent.version.saturating_add(1), is_stopped: true };
            }
            (Here::Idle | Here::Refused | Here::Claiming | Here::Collecting | Here::Ended, _) => return,
        }
        match self.here {
            Here::Killing => self.here = Here::Idle,
            _ => self.end_with(has_states),
        }
    }

    fn end_with(&mut self, has_states: bool) {
        self.here = Here::Ended;
        self.states = if has_states { States::Kept } else { States::None };
    }

    fn decide(&mut self, actions: &mut Vec<Action>) {
        let is_needed = !self.intent.is_stopped && (!self.is_leaving || self.has_successor());
        if self.states != States::None && !is_needed {
            self.states = States::None;
            actions.push(Action::Discard);
        }
        let is_announced = (self.is_leaving || self.announced == self.intent()) && self.states != States::Kept;
        if self.here == Here::Ended && is_announced {
            self.here = Here::Idle;
            actions.push(Action::Release);
        }
        let should_run = self.should_run();
        match self.here {
            Here::Idle if should_run && self.is_free() => {
                self.here = Here::Claiming;
                actions.push(Action::Claim);
            }
            Here::Claiming if !should_run => {
                self.here = Here::Idle;
                actions.push(Action::Release);
            }
            Here::Starting | Here::Up if !should_run => {
                self.here = Here::Stopping;
                actions.push(Action::Stop { for_successor: self.keeps_state && self.has_successor() });
            }
            _ => {}
        }
    }

    /// Returns whether this node is the one to run the application.
    fn should_run(&self) -> bool {
        let (Some(place), Some(view)) = (self.place, &self.view) else { return false };
        self.is_ready() && !self.intent.is_stopped && !view.ready.iter().any(|other| *other < place)
    }

    fn is_free(&self) -> bool {
        self.has_waited && self.view.as_ref().is_some_and(|view| !view.is_owned)
    }
}
