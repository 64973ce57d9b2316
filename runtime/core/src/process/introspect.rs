//! A process as others may see it, and what is done for those who look: all off a message's way.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::panic::Location;

use super::control::RunState;
use super::flags::{ASKED, DOOMED, LONG, SUSPENDED, TRACED};
use super::{Cell, Mailbox};
use crate::base::{Exit, Pid, Protocol};
use crate::mailbox::{Arrival, MailboxStats, PushObserver};
use crate::node::{Current, FinalCounts, Node};
use crate::observe::{
    Alarm, LifecycleEvent, Memory, ProcessInfo, ProcessState, ProtocolMetrics, SourceLine, TraceStep, place,
};

/// The longest text of a traced message, in bytes.
const TEXT: usize = 1_000;

impl<M: Protocol> Cell<M> {
    /// The process with this number, all but its ancestors.
    pub(super) fn describe(&self, number: u64) -> Option<ProcessInfo> {
        let figures = self.queue.stats();
        let control = self.control();
        if !control.is_of(number) {
            return None;
        }
        let pid = self.node.pid(number);
        let state = if control.stage == RunState::Ending || self.flags.get() & DOOMED != 0 {
            ProcessState::Exiting
        } else if self.flags.get() & SUSPENDED != 0 {
            ProcessState::Suspended
        } else if figures.is_owner_waiting {
            ProcessState::Waiting { at: figures.location.map(place) }
        } else {
            self.flags.set(ASKED);
            match control.call() {
                Some((callee, since)) => {
                    let waited = self.node.clock().now().saturating_duration_since(since);
                    ProcessState::Calling { callee: self.node.pid(callee), waited }
                }
                None => ProcessState::Busy,
            }
        };
        let relations = control.has().map(|rest| &rest.relations);
        Some(ProcessInfo {
            pid,
            name: control.name().cloned(),
            place: self.path().map(ToString::to_string),
            kind: Cow::Borrowed((control.kind.name)()),
            protocol: Cow::Borrowed(M::NAME),
            state,
            mailbox: figures.waiting,
            saved: figures.saved,
            in_line: figures.waiters,
            capacity: self.queue.capacity(),
            received: figures.received,
            handled: figures.handled,
            overflowed: figures.refused + figures.dropped,
            links: relations.map(|relations| relations.links().cloned().collect()).unwrap_or_default(),
            monitors: relations.map(|relations| relations.watching().cloned().collect()).unwrap_or_default(),
            monitored_by: relations.map(|relations| relations.watchers().cloned().collect()).unwrap_or_default(),
            ancestors: Vec::new(),
            supervisor: control.kind.supervisor,
            trap_exit: control.trap_exit,
            age: self.node.clock().now().saturating_duration_since(self.node.moment(control.born)),
            memory: self.memory(&figures),
        })
    }

    fn memory(&self, figures: &MailboxStats) -> Memory {
        Memory::new(self.task_size(), size_of::<Cell<M>>() as u64, figures.bytes)
    }

    /// The living process in figures.
    pub(super) fn count(&self) -> ProtocolMetrics {
        let figures = self.queue.stats();
        ProtocolMetrics {
            processes: 1,
            waiting: figures.waiting,
            saved: figures.saved,
            longest: figures.waiting + figures.saved,
            memory: self.memory(&figures).total(),
            received: figures.received,
            handled: figures.handled,
            calls: figures.calls,
            refused: figures.refused,
            dropped: figures.dropped,
            ..ProtocolMetrics::default()
        }
    }

    /// What goes into the books when it has ended.
    pub(super) fn last_figures<'a>(&self, reason: &'a Exit) -> FinalCounts<'a> {
        let MailboxStats { received, handled, calls, refused, dropped, .. } = self.queue.take_final_stats();
        FinalCounts { protocol: M::NAME, reason, received, handled, calls, refused, dropped }
    }

    /// What is told of a process that has ended other than in order, before anybody can live here anew.
    pub(super) fn crashed(&self, number: u64, name: Option<String>, reason: &Exit) -> LifecycleEvent {
        let control = self.control();
        let now = self.node.clock().now();
        LifecycleEvent::Crashed {
            pid: self.node.pid(number),
            name,
            place: self.path().map(ToString::to_string),
            kind: Cow::Borrowed((control.kind.name)()),
            protocol: Cow::Borrowed(M::NAME),
            reason: reason.clone(),
            age: now.saturating_duration_since(self.node.moment(control.born)),
        }
    }

    /// What runs here, and the receive that it was last seen in.
    pub(super) fn seen(&self) -> (&'static str, Option<SourceLine>) {
        let kind = (self.control().kind.name)();
        (kind, self.queue.stats().location.map(place))
    }

    /// Somebody traces the process with this number from now on, or does no longer.
    pub(super) fn set_traced(&self, number: u64, traced: bool) {
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

    /// Tells of a step of a message; `false` when that was the last.
    fn trace_step(&self, number: u64, step: TraceStep, variant: usize, message: Option<&M>) -> bool {
        let name = M::VARIANTS.get(variant).map_or("", |variant| variant.name);
        let from = if message.is_some() { sender(&self.node) } else { None };
        let text = message.and_then(text);
        let goes_on = self.node.taps().tell(number, self.node.clock().now(), step, name, from, text);
        if !goes_on {
            self.flags.clear(TRACED);
        }
        goes_on
    }

    /// The process with this number has ended: nobody looks at it any more.
    pub(super) fn look_away(&self, number: u64) {
        let flags = self.flags.get();
        if flags & LONG != 0 {
            self.clear_long(number);
        }
        if flags & TRACED != 0 {
            self.node.taps().end(number, None);
        }
    }

    fn clear_long(&self, number: u64) {
        let (pid, protocol) = (self.node.pid(number), Cow::Borrowed(M::NAME));
        let alarm = Alarm::LongMailbox { pid, protocol, length: 0 };
        self.node.clear(&alarm.key(), None);
    }
}

// May run under the lock of the control block.
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
            self.node.raise(Alarm::LongMailbox { pid, protocol, length });
        }
        self.queue.set_reporting(traced, self.flags.get() & LONG != 0);
    }

    fn dropped(&self, message: M) {
        self.overflow(message);
    }

    fn refused(&self) {
        self.node.loss_counts().overflow();
    }
}

/// The process of this node that runs just now.
fn sender(node: &Node) -> Option<Pid> {
    Current::pid().filter(|pid| pid.number() != 0 && pid.number() != u64::MAX && **pid.node_id() == **node.id())
}

/// A message as text, cut where it gets too long: a large one costs no more than what is shown of it.
pub(super) fn text<M: Protocol>(message: &M) -> Option<String> {
    struct Cut(String);

    impl Write for Cut {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            let end = text.floor_char_boundary(TEXT.saturating_sub(self.0.len()));
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

    let mut cut = Cut(String::new());
    // Whoever wrote the `Debug` may have made a mistake in it: that is not the sender's.
    let shown = super::catch(|| write!(cut, "{}", Shown(message)));
    match shown {
        Ok(Ok(())) => {}
        Ok(Err(fmt::Error)) => cut.0.push('…'),
        Err(_) => cut.0.push_str(" (its `Debug` panicked)"),
    }
    (!cut.0.is_empty()).then_some(cut.0)
}

impl<M: Protocol> Mailbox<M> {
    /// Sees to what others want of the process before its next message; `false` if it is to end.
    #[cold]
    pub(super) fn attend(&mut self, flags: u16) -> bool {
        if flags & DOOMED != 0 {
            return false;
        }
        let number = self.pid().number();
        if flags & ASKED != 0 {
            self.cell.flags.clear(ASKED);
        }
        if flags & (ASKED | LONG) != 0 {
            let cell = std::sync::Arc::clone(&self.cell);
            let length = self.desk().inbox.publish(cell.queue(), number);
            if flags & LONG != 0 && length <= u64::from(cell.queue().short()) && self.cell.flags.clear(LONG) {
                self.cell.clear_long(number);
                self.cell.queue().set_reporting(flags & TRACED != 0, false);
            }
        }
        self.desk().careful = self.cell.is_bounded() || flags & TRACED != 0;
        true
    }

    /// The process has taken a message of a bounded mailbox, or while it is traced.
    #[cold]
    pub(super) fn taken(&mut self, counts: bool) {
        if counts && self.cell.is_bounded() {
            self.cell.queue().release();
        }
        let (number, testing) = (self.pid().number(), self.desk().testing);
        if self.cell.flags.get() & TRACED != 0 {
            self.cell.trace_step(number, TraceStep::Taken, usize::from(testing), None);
        }
        if std::mem::take(&mut self.desk().warned) {
            self.node().clear(&self.stuck(None).key(), None);
        }
    }

    /// The alarm of one that waits in front of a full mailbox.
    pub(super) fn stuck(&self, at: Option<&'static Location<'static>>) -> Alarm {
        let (pid, protocol) = (self.pid().clone(), Cow::Borrowed(M::NAME));
        Alarm::StuckMailbox { pid, protocol, at: at.map(place) }
    }
}
