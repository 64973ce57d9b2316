//! The end of a process.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use super::cell::NOTHING;
use super::control::RunState;
use super::stream_source::StreamSource;
use super::{Cell, SystemRequest, catch, discard, report};
use crate::base::{CallError, Exit, Pid, Protocol};
use crate::mailbox::Entry;
use crate::node::{Current, Resident, Unanswered};
use crate::signal::Farewell;
use crate::sync::atomic::Ordering;

/// What a process leaves behind that others wait for.
struct PendingWork {
    feeds: Vec<Arc<StreamSource>>,
    asides: Vec<SystemRequest>,
}

/// What is told of a process that crashed.
pub(super) struct CrashInfo {
    pub(super) kind: &'static str,
    pub(super) parent: u64,
    pub(super) name: Option<String>,
    pub(super) born: Instant,
    pub(super) last: Option<Cow<'static, str>>,
    pub(super) links: Vec<Pid>,
}

/// The end of a process, in the order that others may rely on. `dropped` are replies that it dropped in its last poll.
#[inline(never)]
pub(super) fn end<M: Protocol, F>(
    cell: Arc<Cell<M>>,
    number: u64,
    mut body: Pin<&mut Option<F>>,
    dropped: Option<Vec<Arc<dyn Unanswered>>>,
    reason: Exit,
) {
    let leftovers = cell.begin_end();
    let node = cell.node();

    // Its future, state, streams and mailbox. What panics while it is dropped is caught, the rest still happens.
    let (mut resident, mut notes) = (Some(Arc::clone(&cell) as Arc<dyn Resident>), None);
    Current::begin(&mut resident, number, true);
    if let Err(panic) = catch(|| body.set(None)) {
        report::destructor(&node.pid(number), &panic);
    }
    if let Some(leftovers) = leftovers {
        discard(node, number, leftovers.feeds.into_iter().map(|feed| feed.end()));
        discard(node, number, leftovers.asides);
    }
    discard(node, number, cell.empty());
    Current::end(&mut resident, number, &mut notes);
    let last = notes.map(|notes| notes.into_parts().0);
    for dropped in dropped.into_iter().chain(last) {
        fail(dropped, &CallError::Exit(reason.clone()));
    }

    report::crash(&cell, number, &reason);
    cell.finish(number, &reason);
}

/// Tells callers whose replies were dropped.
pub(super) fn fail(dropped: Vec<Arc<dyn Unanswered>>, error: &CallError) {
    for caller in dropped {
        caller.fail(error.clone());
    }
}

impl<M: Protocol> Cell<M> {
    /// The first step of an end: nobody takes it for alive any more. What nobody will answer, and the streams that feed
    /// the mailbox, for the caller to drop.
    fn begin_end(&self) -> Option<PendingWork> {
        let mut control = self.control();
        control.stage = RunState::Ending;
        let attached = control.owns_mut()?;
        let (feeds, asides) = (std::mem::take(&mut attached.feeds), std::mem::take(&mut attached.asides));
        Some(PendingWork { feeds, asides: asides.into_iter().map(|(system_request, _)| system_request).collect() })
    }

    /// The second: what is left in the mailbox, for the caller to drop.
    fn empty(&self) -> VecDeque<Entry<M>> {
        self.queue.leave(self.place.is_some())
    }

    /// The last two: the name is free, then links and watchers hear of it. While blocking code still runs, that waits for
    /// the last of it to return.
    pub(super) fn finish(&self, number: u64, reason: &Exit) {
        let mut control = self.control();
        if let Some(attached) = control.owns_mut()
            && attached.blocking > 0
        {
            attached.ended = Some(reason.clone());
            return;
        }
        let name = control.has_mut().and_then(|rest| rest.name.take());
        if let Some(name) = &name {
            // Names are given under their own lock, and this one's after it.
            drop(control);
            self.node.names().free(name, number);
            control = self.control();
        }
        let node_events = control.node_events;
        let rest = control.vacate(reason);
        drop(control);
        if node_events {
            self.node.watch_nodes(number, false);
        }
        self.node.table().leave(number, || Some(self.last_figures(reason)));
        self.look_away(number);
        if !reason.is_orderly() {
            self.node.lives().tell(|| self.crashed(number, name, reason));
        }
        let Some(rest) = rest else { return };
        if rest.relations.is_empty() {
            return;
        }
        let me = self.node.pid(number);
        let Farewell { signals, watching } = rest.relations.end(reason);
        for (reference, subject, target) in watching {
            self.tell_demonitor(&me, reference, subject, target);
        }
        for (peer, signal) in signals {
            self.node.signal(&me, &peer, signal);
        }
    }

    /// Why the process is ending, if it is.
    pub(super) fn ending(&self, number: u64) -> Option<Exit> {
        let control = self.control();
        let ended = || control.owns().and_then(|attached| attached.ended.clone());
        let decided = || if control.stage == RunState::Vacant || self.is_doomed() { control.reason() } else { None };
        (control.number == number).then(|| ended().or_else(decided)).flatten()
    }

    /// Why the process with this number ended, if it was the last to live here.
    pub(crate) fn last_exit(&self, number: u64) -> Option<Exit> {
        let control = self.control();
        let last = control.number == number && control.stage == RunState::Vacant;
        last.then(|| control.reason()).flatten()
    }

    /// Nobody will live here, unless a process moves in anew. What waited is lost; whoever called learns why the last
    /// start failed, or that there is nobody.
    pub(crate) fn close(&self) {
        let (number, held) = (self.control().number, self.queue.close());
        if held.is_empty() {
            return;
        }
        self.node.loss_counts().lose(held.len() as u64);
        let failure = self.place.as_ref().and_then(|place| place.failure().clone());
        let ((), callers) = Current::collect_dropped(&self.node, number, || discard(&self.node, number, held));
        fail(callers, &failure.map_or(CallError::NoProc, CallError::Exit));
    }

    /// Remembers the variant of the last message that the process took.
    pub(super) fn note_last(&self, number: u64, variant: Option<u16>) {
        let control = self.control();
        if control.number == number {
            self.last.store(variant.unwrap_or(NOTHING), Ordering::Relaxed);
        }
    }

    /// Remembers in words what the process has just taken.
    pub(super) fn note_text(&self, number: u64, text: Option<String>) {
        let before = self.acquire(number, |attached| std::mem::replace(&mut attached.text, text));
        drop(before);
    }

    /// What a crash report says of the process.
    pub(super) fn crash_info(&self) -> CrashInfo {
        let control = self.control();
        let variant = M::VARIANTS.get(usize::from(self.last.load(Ordering::Relaxed)));
        let text = control.owns().and_then(|attached| attached.text.clone());
        CrashInfo {
            kind: (control.kind.name)(),
            parent: control.parent,
            name: control.name().cloned(),
            born: self.node.moment(control.born),
            last: text.map(Cow::Owned).or_else(|| variant.map(|variant| variant.name.into())),
            links: control.has().map(|rest| rest.relations.links().cloned().collect()).unwrap_or_default(),
        }
    }
}
