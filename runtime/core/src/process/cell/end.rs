//! The end of a process, in the order on which other processes rely.
//!
//! 1. The process's future with its state, its streams, its timers, its pending system requests and its mailbox are dropped.
//! 2. Callers whose replies were dropped receive the exit reason.
//! 3. The crash report is logged.
//! 4. Once the process's blocking code has returned, the process's name is free, and it has left its groups.
//! 5. Links receive exit signals and watchers receive `Down`.
//!
//! So a restarted child finds its predecessor's port, file and name free. A panic in a destructor is caught and reported;
//! the remaining steps still happen.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;

#[cfg(feature = "net")]
use super::IN_GROUPS;
use super::control_block::RunState;
use super::{Cell, report};
use crate::base::{CallErrorKind, Exit, Protocol, SortedMap};
use crate::mailbox::Entry;
use crate::node::{AnyCell, Current, WaitingCaller};
use crate::observe::Alarm;
use crate::process::stream_source::StreamSource;
use crate::process::{SystemRequest, Timer, catch, drop_each, fail_callers, report_destructor_panic};
use crate::signal::ExitNotices;
#[cfg(feature = "net")]
use crate::sync::atomic::Ordering;

/// Work that a process leaves behind unfinished.
struct PendingWork {
    streams: Vec<Arc<StreamSource>>,
    timers: SortedMap<u64, Timer>,
    requests: Vec<SystemRequest>,
}

/// Ends the process in `cell`. `dropped` are the callers whose replies it dropped in its last poll.
#[inline(never)]
pub(in crate::process) fn end<M: Protocol, F>(
    cell: Arc<Cell<M>>,
    number: u64,
    mut future: Pin<&mut Option<F>>,
    dropped: Option<Vec<Arc<dyn WaitingCaller>>>,
    reason: Exit,
) {
    let pending_work = cell.begin_end();
    let node = cell.node();

    let (mut current, mut notes) = (Some(Arc::clone(&cell) as Arc<dyn AnyCell>), None);
    Current::begin(&mut current, number, true);
    if let Err(panic) = catch(|| future.set(None)) {
        report_destructor_panic(node, number, &panic);
    }
    if let Some(work) = pending_work {
        drop_each(node, number, work.streams.into_iter().map(|stream| stream.end()));
        drop_each(node, number, work.timers.into_iter().map(|(_, timer)| timer.take()));
        drop_each(node, number, work.requests);
    }
    drop_each(node, number, cell.drain_mailbox());
    Current::end(&mut current, number, &mut notes);
    let dropped_now = notes.map(|notes| notes.into_parts().0);
    let mut has_callers = false;
    for dropped in dropped.into_iter().chain(dropped_now) {
        has_callers |= !dropped.is_empty();
        fail_callers(dropped, &CallErrorKind::Exit(reason.clone()));
    }

    report::crash(&cell, number, &reason, has_callers);
    cell.complete_end(number, &reason);
}

impl<M: Protocol> Cell<M> {
    /// Begins the end: the process no longer counts as alive. Returns its unfinished work, which the caller drops.
    fn begin_end(&self) -> Option<PendingWork> {
        let mut control = self.control();
        control.state = RunState::Ending;
        let attached = control.attached_mut()?;
        let streams = std::mem::take(&mut attached.streams);
        let timers = std::mem::take(&mut attached.timers);
        let requests = std::mem::take(&mut attached.requests);
        Some(PendingWork { streams, timers, requests: requests.into_iter().map(|(request, _)| request).collect() })
    }

    /// Takes the unread messages out of the mailbox, for the caller to drop.
    fn drain_mailbox(&self) -> VecDeque<Entry<M>> {
        self.queue.end_owner(!self.is_last_incarnation())
    }

    /// Completes the end: frees the name, leaves the groups, then notifies links and watchers. While blocking code runs, the end is left to
    /// the last of it to return.
    pub(super) fn complete_end(&self, number: u64, reason: &Exit) {
        let mut control = self.control();
        if let Some(attached) = control.attached_mut()
            && attached.blocking > 0
        {
            attached.ended = Some(reason.clone());
            return;
        }
        let name = control.cold_mut().and_then(|cold| cold.name.take());
        if let Some(name) = &name {
            // Lock order: the table of names first, then the control block.
            drop(control);
            #[cfg(feature = "registry")]
            self.node.free_name(name, number);
            #[cfg(not(feature = "registry"))]
            self.node.names().free(name, number);
            control = self.control();
        }
        #[cfg(feature = "net")]
        if self.marks.load(Ordering::Relaxed) & IN_GROUPS != 0
            && let Some(groups) = self.node.group_service()
        {
            // Lock order: the groups first, then the control block.
            drop(control);
            groups.process_exited(&self.node, number);
            control = self.control();
        }
        let node_events = control.node_events;
        let cold = control.vacate(reason);
        drop(control);
        if node_events {
            self.node.watch_nodes(number, false);
        }
        // Until the end of this function: a stopping node closes its connections after that.
        let has_relations = cold.as_ref().is_some_and(|cold| !cold.relations.is_empty());
        let _notifying = (has_relations && self.node.router().is_some()).then(|| self.node.table().begin_notices());
        if self.is_orphaned() {
            // Monitors that waited for the success of its start.
            self.refuse_waiting_watchers();
        }
        self.node.table().remove(number, || self.final_counts(reason));
        self.end_observation(number);
        if !reason.is_orderly() {
            self.node.lifecycle_subscribers().send(|| self.crash_event(number, name, reason));
        }
        let Some(cold) = cold else { return };
        if cold.is_abandoned() {
            self.node.clear_alarm(&Alarm::abandoned_key(self.node.pid(number)), None);
        }
        #[cfg(feature = "test")]
        if cold.relations.links().next().is_some() || cold.relations.watchers().next().is_some() {
            self.node.mark_crash_seen(&self.node.pid(number));
        }
        if !has_relations {
            return;
        }
        let me = self.node.pid(number);
        let ExitNotices { signals, monitors } = cold.relations.into_notices(reason);
        for (reference, monitored, epoch) in monitors {
            self.send_demonitor(&me, reference, &monitored, epoch);
        }
        for (peer, signal, epoch) in signals {
            self.node.signal(&me, &peer, epoch, signal);
        }
    }

    /// Returns the exit reason of the process with this number if it is ending, or was the cell's last one.
    pub(in crate::process) fn exit_reason_of(&self, number: u64) -> Option<Exit> {
        let control = self.control();
        let ended = || control.attached().and_then(|attached| attached.ended.clone());
        let is_set = control.state == RunState::Vacant || self.is_exiting();
        let set = || if is_set { control.exit_reason() } else { None };
        (control.number == number).then(|| ended().or_else(set)).flatten()
    }

    /// Returns the exit reason of the process with this number if it has ended and was the cell's last one.
    pub(crate) fn last_exit(&self, number: u64) -> Option<Exit> {
        let control = self.control();
        let was_last = control.number == number && control.state == RunState::Vacant;
        was_last.then(|| control.exit_reason()).flatten()
    }

    /// Closes the cell: messages are refused until a process occupies it again. Held messages are lost; calls among them
    /// fail with the reason of the last failed start, or with [`CallErrorKind::NoProc`].
    ///
    /// A process that is still alive, since its supervisor was killed, reads its messages until its end. The cell is
    /// closed then.
    pub(crate) fn close(&self) {
        if self.close_at_end() {
            return;
        }
        let held = self.queue.close();
        let number = self.refuse_waiting_watchers();
        if held.is_empty() {
            return;
        }
        self.node.loss_counts().count_lost_messages(held.len() as u64);
        let failure = self.start_failure();
        let ((), callers) = Current::collect_dropped(&self.node, number, || drop_each(&self.node, number, held));
        fail_callers(callers, &failure.map_or(CallErrorKind::NoProc, CallErrorKind::Exit));
    }
}
