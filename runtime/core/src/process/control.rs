//! What has been decided about the process that lives in a cell, and what it is beside its messages.
//!
//! Each process pays for this as long as it lives, so it is packed: what all of a kind have in common is written down
//! once ([`ProcessKind`]), a plain reason to end is one byte, and what most processes never have is apart, made when first needed
//! ([`ColdState`]).

use std::sync::Arc;
use std::time::Instant;

use super::stream_source::StreamSource;
use super::system_request::SystemRequests;
use crate::base::Exit;
use crate::node::Node;
use crate::observe::{DeadlockCheck, Waiting};
use crate::signal::{Relations, RelationsSlot};

/// What is known of a life: of the one that a cell is home to, or of the last.
pub(super) struct ControlBlock {
    pub(super) number: u64,
    /// The number of the process that started it; zero outside of any.
    pub(super) parent: u64,
    pub(super) kind: &'static ProcessKind,
    /// When it began, on its node's clock: nanoseconds since the node did.
    pub(super) born: u64,
    rest: Option<Box<ColdState>>,
    /// How many messages had come before the stop that a server has still to see: the lower half of that number.
    before: u32,
    verdict: ExitIntent,
    pub(super) stage: RunState,
    pub(super) trap_exit: bool,
    pub(super) node_events: bool,
}

/// What all processes of one kind have in common.
#[derive(Debug)]
pub(crate) struct ProcessKind {
    /// What it is called in a crash report: its type.
    pub(crate) name: fn() -> &'static str,
    pub(crate) trap_exit: bool,
    /// It stops between two messages when told to, and when its parent ends: `gen_server`'s way.
    pub(crate) server: bool,
    pub(crate) supervisor: bool,
    /// It hears of other nodes' coming and going.
    pub(crate) node_events: bool,
    /// It answers for itself, beside its messages.
    pub(crate) sys: bool,
}

impl ProcessKind {
    /// A process that is nothing in particular.
    pub(crate) const fn plain(name: fn() -> &'static str) -> ProcessKind {
        ProcessKind { name, trap_exit: false, server: false, supervisor: false, node_events: false, sys: false }
    }

    const NOTHING: &'static ProcessKind = &ProcessKind::plain(|| "");
}

/// How a process begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StartInfo {
    /// The number of the process that started it; zero outside of any.
    pub(crate) parent: u64,
    pub(crate) kind: &'static ProcessKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RunState {
    Vacant,
    Alive,
    Ending,
}

/// Why a process shall end, or has ended.
#[derive(Clone, Copy)]
enum ExitIntent {
    None,
    Normal,
    Shutdown,
    Kill,
    Killed,
    NoProc,
    NoConnection,
    /// In so many words, which are with the rest.
    Told,
}

/// What most processes never have.
#[derive(Default)]
pub(super) struct ColdState {
    reason: Option<Exit>,
    pub(super) name: Option<String>,
    pub(super) relations: Relations,
    attached: Option<Box<Attached>>,
}

/// What few processes have beside their future.
#[derive(Default)]
pub(super) struct Attached {
    /// How many pieces of blocking code have not returned.
    pub(super) blocking: u32,
    /// Why it ended, while only blocking code keeps it from being dead.
    pub(super) ended: Option<Exit>,
    /// The streams that feed its mailbox.
    pub(super) feeds: Vec<Arc<StreamSource>>,
    /// The call that it waits for, if that takes a while.
    pub(super) waiting: Option<Waiting>,
    /// Its last message in words, if its protocol is reported so.
    pub(super) text: Option<String>,
    /// Who asks what it waits for.
    pub(super) inquiries: Vec<Arc<DeadlockCheck>>,
    /// What is asked of it beside its messages.
    pub(super) asides: SystemRequests,
}

impl ControlBlock {
    /// Nobody has lived here yet.
    pub(super) fn vacant() -> ControlBlock {
        ControlBlock {
            stage: RunState::Vacant,
            ..ControlBlock::new(0, StartInfo { parent: 0, kind: ProcessKind::NOTHING }, 0)
        }
    }

    /// A process begins.
    pub(super) fn new(number: u64, start: StartInfo, born: u64) -> ControlBlock {
        let StartInfo { parent, kind } = start;
        ControlBlock {
            number,
            parent,
            kind,
            born,
            rest: None,
            before: 0,
            verdict: ExitIntent::None,
            stage: RunState::Alive,
            trap_exit: kind.trap_exit,
            node_events: kind.node_events,
        }
    }

    /// Whether the process with this number lives here.
    pub(super) fn is_home_to(&self, number: u64) -> bool {
        self.number == number && self.stage == RunState::Alive
    }

    /// The same, also while it clears up.
    pub(super) fn is_of(&self, number: u64) -> bool {
        self.number == number && self.stage != RunState::Vacant
    }

    /// Why it shall end, or has ended.
    pub(super) fn reason(&self) -> Option<Exit> {
        Some(match self.verdict {
            ExitIntent::None => return None,
            ExitIntent::Normal => Exit::Normal,
            ExitIntent::Shutdown => Exit::shutdown(),
            ExitIntent::Kill => Exit::Kill,
            ExitIntent::Killed => Exit::Killed,
            ExitIntent::NoProc => Exit::NoProc,
            ExitIntent::NoConnection => Exit::NoConnection,
            ExitIntent::Told => return self.rest.as_ref()?.reason.clone(),
        })
    }

    /// It shall end for this reason, or has ended.
    pub(super) fn decide(&mut self, reason: Exit) {
        self.verdict = match reason {
            Exit::Normal => ExitIntent::Normal,
            Exit::Shutdown(None) => ExitIntent::Shutdown,
            Exit::Kill => ExitIntent::Kill,
            Exit::Killed => ExitIntent::Killed,
            Exit::NoProc => ExitIntent::NoProc,
            Exit::NoConnection => ExitIntent::NoConnection,
            told @ (Exit::Shutdown(Some(_)) | Exit::Panic { .. } | Exit::Error { .. }) => {
                self.rest.get_or_insert_default().reason = Some(told);
                ExitIntent::Told
            }
        };
    }

    /// It shall stop for this reason when it is through with the messages that came before: so many of all.
    pub(super) fn decide_after(&mut self, before: u64, reason: Exit) {
        // What lies between two counts is less than half of what the lower half can tell apart.
        self.before = before as u32;
        self.decide(reason);
    }

    /// The reason to stop, taken back, if so many messages have been read that its turn has come; `u64::MAX` is all.
    pub(super) fn take_stop(&mut self, read: u64) -> Option<Exit> {
        let due = read == u64::MAX || (read as u32).wrapping_sub(self.before) as i32 >= 0;
        let reason = if due { self.reason() } else { None };
        if reason.is_some() {
            self.verdict = ExitIntent::None;
        }
        reason
    }

    pub(super) fn rest(&mut self) -> &mut ColdState {
        self.rest.get_or_insert_default()
    }

    /// What it has of the rest, if it has any.
    pub(super) fn has(&self) -> Option<&ColdState> {
        self.rest.as_deref()
    }

    /// The same, to be changed.
    pub(super) fn has_mut(&mut self) -> Option<&mut ColdState> {
        self.rest.as_deref_mut()
    }

    /// Whether the sender with this number, if it is one of this node, is the parent of this server, or the node itself,
    /// which stops everybody when `main` returns.
    pub(super) fn is_server_of(&self, sender: Option<u64>) -> bool {
        self.kind.server && sender.is_some_and(|sender| sender == self.parent || sender == Node::ITSELF)
    }

    pub(super) fn name(&self) -> Option<&String> {
        self.has()?.name.as_ref()
    }

    pub(super) fn attached(&mut self) -> &mut Attached {
        self.rest().attached.get_or_insert_default()
    }

    /// What it has beside its future, if it has anything.
    pub(super) fn owns(&self) -> Option<&Attached> {
        self.has()?.attached.as_deref()
    }

    /// The same, to be changed.
    pub(super) fn owns_mut(&mut self) -> Option<&mut Attached> {
        self.has_mut()?.attached.as_deref_mut()
    }

    /// The call that it waits for, if that takes a while: whom it called, and since when it waits.
    pub(super) fn call(&self) -> Option<(u64, Instant)> {
        let waiting = self.owns()?.waiting.as_ref()?;
        Some((waiting.callee, waiting.since))
    }

    /// Nobody lives here any more; what the dead had, for the caller to see to.
    pub(super) fn vacate(&mut self, reason: &Exit) -> Option<Box<ColdState>> {
        self.stage = RunState::Vacant;
        let rest = self.rest.take();
        self.decide(reason.clone());
        rest
    }
}

impl RelationsSlot for ControlBlock {
    fn relations(&mut self) -> Option<&mut Relations> {
        self.has_mut().map(|rest| &mut rest.relations)
    }

    fn relations_or_default(&mut self) -> &mut Relations {
        &mut self.rest().relations
    }
}
