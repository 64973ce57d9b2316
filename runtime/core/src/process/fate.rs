//! What has been decided about the process that lives in a cell, and what it is beside its messages.
//!
//! Each process pays for this as long as it lives, so it is packed: what all of a kind have in common is written down
//! once ([`Kind`]), a plain reason to end is one byte, and what most processes never have is apart, made when first needed
//! ([`Rest`]).

use std::sync::Arc;
use std::time::Instant;

use super::aside::Asides;
use super::feed::Feed;
use crate::base::Exit;
use crate::node::{Inquiry, Waiting};
use crate::signal::Relations;

/// What is known of a life: of the one that a cell is home to, or of the last.
pub(super) struct Fate {
    pub(super) number: u64,
    /// The number of the process that started it; zero outside of any.
    pub(super) parent: u64,
    pub(super) kind: &'static Kind,
    /// When it began, on its node's clock: nanoseconds since the node did.
    pub(super) born: u64,
    rest: Option<Box<Rest>>,
    /// How many messages had come before the stop that a server has still to see: the lower half of that number.
    before: u32,
    verdict: Verdict,
    pub(super) stage: Stage,
    pub(super) trap_exit: bool,
    pub(super) node_events: bool,
}

/// What all processes of one kind have in common.
#[derive(Debug)]
pub(crate) struct Kind {
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

impl Kind {
    /// A process that is nothing in particular.
    pub(crate) const fn plain(name: fn() -> &'static str) -> Kind {
        Kind { name, trap_exit: false, server: false, supervisor: false, node_events: false, sys: false }
    }

    const NOTHING: &'static Kind = &Kind::plain(|| "");
}

/// How a process begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    /// The number of the process that started it; zero outside of any.
    pub(crate) parent: u64,
    pub(crate) kind: &'static Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Vacant,
    Alive,
    Ending,
}

/// Why a process shall end, or has ended.
#[derive(Clone, Copy)]
enum Verdict {
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
pub(super) struct Rest {
    reason: Option<Exit>,
    pub(super) name: Option<String>,
    pub(super) relations: Relations,
    belongings: Option<Box<Belongings>>,
}

/// What few processes have beside their future.
#[derive(Default)]
pub(super) struct Belongings {
    /// How many pieces of blocking code have not returned.
    pub(super) blocking: u32,
    /// Why it ended, while only blocking code keeps it from being dead.
    pub(super) ended: Option<Exit>,
    /// The streams that feed its mailbox.
    pub(super) feeds: Vec<Arc<Feed>>,
    /// The call that it waits for, if that takes a while.
    pub(super) waiting: Option<Waiting>,
    /// Its last message in words, if its protocol is reported so.
    pub(super) text: Option<String>,
    /// Who asks what it waits for.
    pub(super) inquiries: Vec<Arc<Inquiry>>,
    /// What is asked of it beside its messages.
    pub(super) asides: Asides,
}

impl Fate {
    /// Nobody has lived here yet.
    pub(super) fn vacant() -> Fate {
        Fate { stage: Stage::Vacant, ..Fate::new(0, Start { parent: 0, kind: Kind::NOTHING }, 0) }
    }

    /// A process begins.
    pub(super) fn new(number: u64, start: Start, born: u64) -> Fate {
        let Start { parent, kind } = start;
        Fate {
            number,
            parent,
            kind,
            born,
            rest: None,
            before: 0,
            verdict: Verdict::None,
            stage: Stage::Alive,
            trap_exit: kind.trap_exit,
            node_events: kind.node_events,
        }
    }

    /// Whether the process with this number lives here.
    pub(super) fn is_home_to(&self, number: u64) -> bool {
        self.number == number && self.stage == Stage::Alive
    }

    /// The same, also while it clears up.
    pub(super) fn is_of(&self, number: u64) -> bool {
        self.number == number && self.stage != Stage::Vacant
    }

    /// Why it shall end, or has ended.
    pub(super) fn reason(&self) -> Option<Exit> {
        Some(match self.verdict {
            Verdict::None => return None,
            Verdict::Normal => Exit::Normal,
            Verdict::Shutdown => Exit::shutdown(),
            Verdict::Kill => Exit::Kill,
            Verdict::Killed => Exit::Killed,
            Verdict::NoProc => Exit::NoProc,
            Verdict::NoConnection => Exit::NoConnection,
            Verdict::Told => return self.rest.as_ref()?.reason.clone(),
        })
    }

    /// It shall end for this reason, or has ended.
    pub(super) fn decide(&mut self, reason: Exit) {
        self.verdict = match reason {
            Exit::Normal => Verdict::Normal,
            Exit::Shutdown(None) => Verdict::Shutdown,
            Exit::Kill => Verdict::Kill,
            Exit::Killed => Verdict::Killed,
            Exit::NoProc => Verdict::NoProc,
            Exit::NoConnection => Verdict::NoConnection,
            told @ (Exit::Shutdown(Some(_)) | Exit::Panic { .. } | Exit::Error { .. }) => {
                self.rest.get_or_insert_default().reason = Some(told);
                Verdict::Told
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
            self.verdict = Verdict::None;
        }
        reason
    }

    pub(super) fn rest(&mut self) -> &mut Rest {
        self.rest.get_or_insert_default()
    }

    /// What it has of the rest, if it has any.
    pub(super) fn has(&self) -> Option<&Rest> {
        self.rest.as_deref()
    }

    /// The same, to be changed.
    pub(super) fn has_mut(&mut self) -> Option<&mut Rest> {
        self.rest.as_deref_mut()
    }

    pub(super) fn name(&self) -> Option<&String> {
        self.has()?.name.as_ref()
    }

    pub(super) fn belongings(&mut self) -> &mut Belongings {
        self.rest().belongings.get_or_insert_default()
    }

    /// What it has beside its future, if it has anything.
    pub(super) fn owns(&self) -> Option<&Belongings> {
        self.has()?.belongings.as_deref()
    }

    /// The same, to be changed.
    pub(super) fn owns_mut(&mut self) -> Option<&mut Belongings> {
        self.has_mut()?.belongings.as_deref_mut()
    }

    /// The call that it waits for, if that takes a while: whom it called, and since when it waits.
    pub(super) fn call(&self) -> Option<(u64, Instant)> {
        let waiting = self.owns()?.waiting.as_ref()?;
        Some((waiting.callee, waiting.since))
    }

    /// Nobody lives here any more; what the dead had, for the caller to see to.
    pub(super) fn vacate(&mut self, reason: &Exit) -> Option<Box<Rest>> {
        self.stage = Stage::Vacant;
        let rest = self.rest.take();
        self.decide(reason.clone());
        rest
    }
}
