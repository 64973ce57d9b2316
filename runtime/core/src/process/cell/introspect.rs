//! Introspection: process info, metrics, traces and alarms, apart from the path of a message.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::sync::Arc;

use super::Cell;
use super::control_block::{Attached, RunState};
use super::flags::{DEADLOCK_CHECK, EXITING, LONG, STATS_REQUESTED, SUSPENDED, TRACED};
use crate::base::{Exit, Protocol};
use crate::mailbox::{Arrival, MailboxStats, PushObserver};
#[cfg(feature = "registry")]
use crate::node::Finish;
use crate::node::{Ancestry, AnyCell, Current, FinalCounts, Inspect};
use crate::observe::{
    Alarm, DeadlockCheck, LifecycleEvent, Memory, ProcessInfo, ProcessState, ProtocolMetrics, SourceLine, TraceStep,
    WaitingCall, source_line,
};
#[cfg(feature = "registry")]
use crate::process::SystemRequest;
use crate::process::catch;

/// The maximal length of a reported message text, in bytes.
const MAX_TEXT: usize = 1_000;

impl<M: Protocol> AnyCell for Cell<M> {
    #[cfg(feature = "registry")]
    fn finish(&self, number: u64, request: Finish) {
        // Refused if the process is ending.
        let _ = self.request(number, SystemRequest::Finish(request));
    }

    #[cfg(feature = "registry")]
    fn handled_all(&self) -> Option<u64> {
        let stats = self.queue.stats();
        (stats.is_owner_waiting && stats.waiting == 0).then(|| self.queue.pushed())
    }
}

/// The process as others see it.
impl<M: Protocol> Inspect for Cell<M> {
    fn ancestry(&self) -> Ancestry {
        let control = self.control();
        Ancestry { parent: control.parent, supervisor: control.kind.supervisor }
    }

    fn process_info(&self, number: u64) -> Option<ProcessInfo> {
        let stats = self.queue.stats();
        let control = self.control();
        if !control.is_occupied_by(number) {
            return None;
        }
        let pid = self.node.pid(number);
        let state = if control.state == RunState::Ending || self.flags.get() & EXITING != 0 {
            ProcessState::Exiting
        } else if self.flags.get() & SUSPENDED != 0 {
            ProcessState::Suspended
        } else if stats.is_owner_waiting && !(control.kind.supervisor && control.waiting_call().is_some()) {
            ProcessState::Waiting { at: stats.location.map(source_line) }
        } else {
            self.flags.set(STATS_REQUESTED);
            match control.waiting_call() {
                Some((callee, since)) => {
                    let waited = self.node.clock().now().saturating_duration_since(since);
                    ProcessState::Calling { callee: self.node.pid(callee), waited }
                }
                None => ProcessState::Busy,
            }
        };
        let relations = control.cold().map(|cold| &cold.relations);
        Some(ProcessInfo {
            pid,
            name: control.name().cloned(),
            path: self.path().map(ToString::to_string),
            kind: Cow::Borrowed((control.kind.name)()),
            protocol: Cow::Borrowed(M::NAME),
            state,
            mailbox: stats.waiting,
            saved: stats.saved,
            wait_queue: stats.waiters,
            capacity: self.queue.capacity(),
            received: stats.received,
            handled: stats.handled,
            overflowed: stats.refused + stats.dropped,
            links: relations.map(|relations| relations.links().cloned().collect()).unwrap_or_default(),
            monitors: relations.map(|relations| relations.monitored().cloned().collect()).unwrap_or_default(),
            monitored_by: relations.map(|relations| relations.watchers().cloned().collect()).unwrap_or_default(),
            ancestors: Vec::new(),
            supervisor: control.kind.supervisor,
            trap_exit: control.trap_exit,
            age: self.node.clock().now().saturating_duration_since(self.node.instant_at(control.started_at)),
            memory: self.memory(&stats),
        })
    }

    fn metrics(&self) -> ProtocolMetrics {
        let stats = self.queue.stats();
        ProtocolMetrics {
            processes: 1,
            waiting: stats.waiting,
            saved: stats.saved,
            longest: stats.waiting + stats.saved,
            memory: self.memory(&stats).total(),
            received: stats.received,
            handled: stats.handled,
            calls: stats.calls,
            refused: stats.refused,
            dropped: stats.dropped,
            ..ProtocolMetrics::default()
        }
    }

    fn type_and_line(&self) -> (&'static str, Option<SourceLine>) {
        let kind = (self.control().kind.name)();
        (kind, self.queue.stats().location.map(source_line))
    }

    fn last_seen(&self) -> (&'static str, Option<SourceLine>) {
        let (control, location) = (self.control(), self.queue.stats().location);
        let blocking_at = control.attached().and_then(Attached::blocking_at);
        ((control.kind.name)(), blocking_at.or(location).map(source_line))
    }

    fn abandon(&self, number: u64, child: String) -> Option<Alarm> {
        let (kind, at) = self.last_seen();
        let mut control = self.control();
        if !control.is_occupied_by(number) {
            return None;
        }
        if std::mem::replace(&mut control.attached_or_default().is_abandoned, true) {
            return None;
        }
        let alarm = Alarm::AbandonedChild { child, pid: self.node.pid(number), kind: kind.into(), at };
        // Under the lock, so that the end of the process comes later and clears it.
        self.node.raise_alarm(alarm.clone());
        Some(alarm)
    }

    fn set_traced(&self, number: u64, traced: bool) {
        if self.control().number != number {
            return;
        }
        if traced {
            self.flags.set(TRACED);
        } else {
            self.flags.clear(TRACED);
        }
        self.queue.set_reporting(traced, self.flags.get() & LONG != 0);
    }

    fn waiting(&self, number: u64) -> Option<WaitingCall> {
        let control = self.control();
        let alive = control.is_running(number) && !self.is_exiting();
        control.attached().filter(|_| alive)?.waiting.clone()
    }

    fn awaits_child(&self, number: u64, child: u64) -> bool {
        let control = self.control();
        let attached = control.attached().filter(|_| control.is_occupied_by(number));
        attached.is_some_and(|attached| attached.awaited_children.binary_search(&child).is_ok())
    }

    fn note_child_started(&self, number: u64, child: u64) {
        let mut control = self.control();
        if control.is_occupied_by(number)
            && let Some(attached) = control.attached_mut()
        {
            attached.awaited_children.retain(|awaited| *awaited != child);
        }
    }

    fn check_deadlock(&self, number: u64, check: Arc<DeadlockCheck>) {
        self.with_attached_if_running(number, |attached| attached.deadlock_checks.push(check));
        self.flags.set(DEADLOCK_CHECK);
        self.queue.wake();
    }
}

/// Memory, and the records of a process that has ended.
impl<M: Protocol> Cell<M> {
    fn memory(&self, stats: &MailboxStats) -> Memory {
        Memory::new(self.task_size(), size_of::<Cell<M>>() as u64, stats.bytes)
    }

    /// Returns the counts of a process that has ended, which the node adds to its totals.
    pub(super) fn final_counts<'a>(&self, reason: &'a Exit) -> FinalCounts<'a> {
        let MailboxStats { received, handled, calls, refused, dropped, .. } = self.queue.take_final_stats();
        FinalCounts { protocol: M::NAME, reason, received, handled, calls, refused, dropped }
    }

    /// Returns the event for the abnormal end of a process, as long as no other process occupies the cell.
    pub(super) fn crash_event(&self, number: u64, name: Option<String>, reason: &Exit) -> LifecycleEvent {
        let control = self.control();
        let now = self.node.clock().now();
        LifecycleEvent::Crashed {
            pid: self.node.pid(number),
            name,
            path: self.path().map(ToString::to_string),
            kind: Cow::Borrowed((control.kind.name)()),
            protocol: Cow::Borrowed(M::NAME),
            reason: reason.clone(),
            age: now.saturating_duration_since(self.node.instant_at(control.started_at)),
        }
    }
}

/// Traces and the alarm for a long mailbox.
impl<M: Protocol> Cell<M> {
    /// Reports a step of a message to the trace; returns `false` if the trace has ended.
    pub(in crate::process) fn trace_step(
        &self,
        number: u64,
        step: TraceStep,
        variant: usize,
        message: Option<&M>,
    ) -> bool {
        let name = M::VARIANTS.get(variant).map_or("", |variant| variant.name);
        let from = message.and_then(|_| Current::sender(&self.node));
        let text = message.filter(|_| self.node.traces().has_text(number)).and_then(message_text);
        let goes_on = self.node.traces().record(number, self.node.clock().now(), step, name, from, text);
        if !goes_on {
            self.flags.clear(TRACED);
        }
        goes_on
    }

    /// Ends the trace and the alarm of a process that has ended.
    pub(super) fn end_observation(&self, number: u64) {
        let flags = self.flags.get();
        if flags & LONG != 0 {
            self.clear_long(number);
        }
        if flags & TRACED != 0 {
            self.node.traces().end(number, None);
        }
    }

    pub(in crate::process) fn clear_long(&self, number: u64) {
        let (pid, protocol) = (self.node.pid(number), Cow::Borrowed(M::NAME));
        let alarm = Alarm::LongMailbox { pid, protocol, length: 0 };
        self.node.clear_alarm(&alarm.key(), None);
    }
}

// The caller may hold the lock of the control block.
impl<M: Protocol> PushObserver<M> for Cell<M> {
    #[cold]
    fn arriving(&self, number: u64, message: &M) -> bool {
        self.flags.get() & TRACED != 0 && self.trace_step(number, TraceStep::Arrived, message.variant(), Some(message))
    }

    #[cold]
    fn arrived(&self, arrival: Arrival) {
        let Arrival { number, variant, mut traced, accepted } = arrival;
        if traced && !accepted {
            traced = self.trace_step(number, TraceStep::Refused, variant, None);
        }
        let (length, long) = self.queue.length();
        if number != 0 && length >= long && self.flags.set(LONG) {
            let (pid, protocol) = (self.node.pid(number), Cow::Borrowed(M::NAME));
            self.node.raise_alarm(Alarm::LongMailbox { pid, protocol, length });
        }
        self.queue.set_reporting(traced, self.flags.get() & LONG != 0);
    }

    fn dropped(&self, message: M) {
        self.drop_overflow(message);
    }

    fn refused(&self) {
        self.node.loss_counts().count_overflow();
    }
}

/// Formats a message. The text is truncated while it is written, so that a large message costs no more than its
/// reported part.
pub(in crate::process) fn message_text<M: Protocol>(message: &M) -> Option<String> {
    struct Truncated(String);

    impl Write for Truncated {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            let end = text.floor_char_boundary(MAX_TEXT.saturating_sub(self.0.len()));
            self.0.push_str(&text[..end]);
            if end < text.len() { Err(fmt::Error) } else { Ok(()) }
        }
    }

    struct Shown<'a, M>(&'a M);

    impl<M: Protocol> fmt::Display for Shown<'_, M> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.show(f)
        }
    }

    let mut text = Truncated(String::new());
    // A panic in the message's `Debug` must not end the sender.
    let written = catch(|| write!(text, "{}", Shown(message)));
    match written {
        Ok(Ok(())) => {}
        Ok(Err(fmt::Error)) => text.0.push('…'),
        Err(_) => text.0.push_str(" (its `Debug` panicked)"),
    }
    (!text.0.is_empty()).then_some(text.0)
}
