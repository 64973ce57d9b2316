//! The process's end of its mailbox: receiving, by `receive!` and as a server.

mod handling;
#[cfg(feature = "upgrade")]
mod hold;
mod observe;
mod server;
mod timers;

use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::cell::flags::LONG;
use super::cell::message_text;
use super::{Cell, drop_each};
use crate::base::{MessageContext, MonitorRef, Pid, Protocol};
use crate::mailbox::{Inbox, Mask, Next, Origin, Want};
use crate::node::{Current, Node};
pub(crate) use handling::Handling;
#[cfg(feature = "upgrade")]
pub(crate) use hold::HoldEnd;
pub(crate) use server::Step;

/// The receiving end of a process's mailbox, which `receive!` reads.
///
/// A process that was spawned from a closure receives it as the closure's argument. An actor reaches it through its
/// [`Context`](crate::Context).
pub struct Mailbox<M: Protocol> {
    cell: Arc<Cell<M>>,
    pid: Pid,
    // Boxed, and allocated for the first message: a process that only waits has none, and a mailbox is cheap to move.
    read_state: Option<Box<ReadState<M>>>,
}

/// The state that a process needs to read its messages.
struct ReadState<M> {
    inbox: Inbox<M>,
    timeout: Timeout,
    /// The number of messages that the process may still test before it yields.
    budget: u16,
    /// Each message that is taken is reported: the mailbox is bounded, or its messages are traced.
    reports_takes: bool,
    /// An alarm is raised because the process waits in front of a full mailbox.
    is_stuck: bool,
    /// The variant of the message that is being tested.
    tested_variant: u16,
    /// The variant of the last message that was taken, for the crash report.
    last_variant: Option<u16>,
    /// The handling that has begun of a message whose handler waits.
    handling: Handling,
}

/// The timeout of the current receive.
enum Timeout {
    Never,
    /// The receive takes only a message that has already arrived.
    Immediate,
    At(Instant),
    /// A deadline whose timer is running.
    Sleeping(Pin<Box<dyn Future<Output = ()> + Send>>),
}

/// The number of messages that a process may test before it yields to other tasks.
const BUDGET: u16 = 4096;
/// The part of the budget that the start of a receive takes: a process yields after 128 receives.
const RECEIVE_COST: u16 = BUDGET / 128;

impl<M: Protocol> Mailbox<M> {
    pub(crate) fn new(cell: Arc<Cell<M>>, number: u64) -> Mailbox<M> {
        let pid = cell.node().pid(number);
        Mailbox { cell, pid, read_state: None }
    }

    #[inline]
    fn read_state(&mut self) -> &mut ReadState<M> {
        self.read_state.get_or_insert_with(|| ReadState::new(self.cell.is_bounded()))
    }

    /// Returns the process's pid.
    pub fn pid(&self) -> &Pid {
        &self.pid
    }

    /// Returns the node on which the process runs.
    pub fn node(&self) -> &Node {
        self.cell.node()
    }

    pub(crate) fn cell(&self) -> &Arc<Cell<M>> {
        &self.cell
    }

    /// Removes the `Down` of this monitor, if it is in the mailbox.
    pub(crate) fn flush(&mut self, reference: MonitorRef) {
        let origin = Origin::monitor(reference.0);
        let message = match &mut self.read_state {
            Some(state) => state.inbox.remove(self.cell.queue(), origin),
            None => self.cell.queue().remove(origin),
        };
        drop(message);
    }

    /// Returns the trace context of the message that was taken last.
    #[inline(always)]
    pub(crate) fn take_context(&mut self) -> MessageContext {
        self.read_state.as_mut().map_or(MessageContext::NONE, |state| state.inbox.take_context())
    }

    /// Keeps the handling of a message until its handler waits.
    #[inline(always)]
    pub(crate) fn keep_handling(&mut self, handling: Handling) {
        if handling.is_traced() {
            self.read_state().handling = handling;
        }
    }

    /// Returns the handling of a message whose handler waits, if the message was sent in a span.
    #[inline(always)]
    pub(crate) fn take_handling(&mut self) -> Option<Handling> {
        let handling = &mut self.read_state.as_mut()?.handling;
        handling.is_traced().then(|| std::mem::take(handling))
    }

    /// Starts a receive of the variants in `want`.
    #[inline(always)]
    fn begin(&mut self, want: Mask, after: Option<Duration>, place: Option<&'static Location<'static>>) {
        let timeout = match after {
            None => Timeout::Never,
            Some(Duration::ZERO) => Timeout::Immediate,
            // A deadline that the clock cannot represent never comes.
            Some(after) => self.node().clock().now().checked_add(after).map_or(Timeout::Never, Timeout::At),
        };
        let state = self.read_state.get_or_insert_with(|| ReadState::new(self.cell.is_bounded()));
        state.budget = state.budget.saturating_sub(RECEIVE_COST - 1);
        state.inbox.begin(self.cell.queue(), want, place);
        state.timeout = timeout;
    }

    /// Takes the tested message: it belongs to the process now.
    #[inline(always)]
    fn take(&mut self, message: &M) {
        message.mark_taken();
        if const { M::REPORTED } {
            self.cell.set_last_text(self.pid.number(), message_text(message));
        }
        self.mark_taken();
    }

    /// Takes a tested message that has been handed out already.
    #[inline(always)]
    pub(crate) fn mark_taken(&mut self) {
        let Some(state) = &mut self.read_state else { return };
        state.last_variant = Some(state.tested_variant);
        let counts = state.inbox.accept(self.cell.queue(), usize::from(state.tested_variant));
        if state.reports_takes {
            self.report_take(counts);
        }
    }

    /// Returns whether the alarm for a long mailbox may be over. This is examined once per batch, not per message, and
    /// only while few enough messages are saved.
    #[cold]
    fn may_be_short(&mut self) -> bool {
        let short = self.cell.queue().short();
        let inbox = &self.read_state().inbox;
        inbox.is_read() && inbox.saved() <= short
    }

    #[inline(always)]
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<M>> {
        let flags = self.cell.flags.get();
        let is_flagged = flags != 0 && (flags != LONG || self.may_be_short());
        if is_flagged && !self.handle_flags(flags, cx) {
            // A process that is to end is ended by its task right after this poll.
            return Poll::Pending;
        }
        let state = self.read_state.get_or_insert_with(|| ReadState::new(self.cell.is_bounded()));
        if state.budget == 0 {
            state.budget = BUDGET;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        state.budget -= 1;
        let immediate = matches!(state.timeout, Timeout::Immediate);
        let waiting = if immediate { None } else { Some(&mut *cx) };
        if let Next::Test(message) = state.inbox.next(self.cell.queue(), waiting) {
            state.tested_variant = message.variant() as u16;
            return Poll::Ready(Some(message));
        }
        self.poll_timeout(cx)
    }

    /// Polls the timeout of a receive that has found no message.
    fn poll_timeout(&mut self, cx: &mut Context<'_>) -> Poll<Option<M>> {
        if let Timeout::At(at) = self.read_state().timeout {
            let timer = self.node().clock().sleep_until(at);
            self.read_state().timeout = Timeout::Sleeping(timer);
        }
        let timed_out = match &mut self.read_state().timeout {
            Timeout::Never | Timeout::At(_) => false,
            Timeout::Immediate => true,
            Timeout::Sleeping(timer) => timer.as_mut().poll(cx).is_ready(),
        };
        if timed_out {
            return Poll::Ready(None);
        }
        self.read_state().budget = BUDGET;
        if self.cell.is_bounded() {
            self.raise_if_stuck();
        }
        Current::note_await(|| format!("a message to {}", self.pid));
        Poll::Pending
    }

    /// Receives the oldest message, whatever its variant. Cancel-safe: a message is either returned or stays in the
    /// mailbox.
    #[track_caller]
    pub fn receive(&mut self) -> impl Future<Output = M> + Send {
        let place = Location::caller();
        async move {
            self.begin(Mask::ALL, None, Some(place));
            loop {
                if let Some(message) = poll_fn(|cx| self.poll_next(cx)).await {
                    self.take(&message);
                    return message;
                }
            }
        }
    }
}

impl<M: Protocol> ReadState<M> {
    fn new(is_bounded: bool) -> Box<ReadState<M>> {
        Box::new(ReadState {
            inbox: Inbox::new(),
            timeout: Timeout::Never,
            budget: BUDGET,
            reports_takes: is_bounded,
            is_stuck: false,
            tested_variant: 0,
            last_variant: None,
            handling: Handling::NONE,
        })
    }
}

impl<M: Protocol> Drop for Mailbox<M> {
    fn drop(&mut self) {
        let Some(mut state) = self.read_state.take() else { return };
        let number = self.pid.number();
        self.cell.set_last_variant(number, state.last_variant);
        state.inbox.publish(self.cell.queue(), number);
        if state.is_stuck {
            self.node().clear_alarm(&self.stuck_alarm(None).key(), None);
        }
        if self.cell.is_starting() {
            state.inbox.put_back(self.cell.queue());
        } else {
            drop_each(self.cell.node(), number, state.inbox.drain());
            while let Some(lane) = state.inbox.drain_saved() {
                drop_each(self.cell.node(), number, lane);
            }
        }
    }
}

/// The functions that `receive!` expands to.
#[doc(hidden)]
impl<M: Protocol> Mailbox<M> {
    #[track_caller]
    pub fn __scan<W: Want>(&mut self, after: Option<Duration>) {
        self.begin(const { Cell::<M>::mask_of(W::NAMES) }, after, Some(Location::caller()));
    }

    /// Returns a saved message to test, without waiting: a scan may test thousands. After `None`, `__next` continues.
    #[inline(always)]
    pub fn __saved(&mut self) -> Option<M> {
        let state = self.read_state.as_mut()?;
        if state.budget == 0 || self.cell.flags.get() & !LONG != 0 {
            return None;
        }
        let message = state.inbox.next_saved()?;
        state.budget -= 1;
        state.tested_variant = message.variant() as u16;
        Some(message)
    }

    pub fn __next(&mut self) -> impl Future<Output = Option<M>> + Send {
        poll_fn(|cx| self.poll_next(cx))
    }

    pub fn __take(&mut self, message: &M) {
        self.take(message);
        // Drops a running timer, which would wake the process for nothing.
        self.read_state().timeout = Timeout::Never;
    }

    #[inline(always)]
    pub fn __skip(&mut self, message: M) {
        let state = self.read_state.get_or_insert_with(|| ReadState::new(self.cell.is_bounded()));
        if let Some(withdrawn) = state.inbox.skip(self.cell.queue(), message) {
            self.cell.drop_overflow(withdrawn);
        }
    }
}

/// The time in an `after!`: a [`Duration`], or an [`Instant`] as a deadline.
#[diagnostic::on_unimplemented(
    message = "`after!` expects a `Duration` or an `Instant`, found `{Self}`",
    label = "not a time",
    note = "write `after!(Duration::from_secs(1))`"
)]
pub trait AfterTime {
    /// Returns the time from now on, zero if the deadline has passed.
    fn remaining(self, now: impl FnOnce() -> Instant) -> Duration;
}

#[diagnostic::do_not_recommend]
impl AfterTime for Duration {
    #[inline(always)]
    fn remaining(self, _: impl FnOnce() -> Instant) -> Duration {
        self
    }
}

#[diagnostic::do_not_recommend]
impl AfterTime for Instant {
    fn remaining(self, now: impl FnOnce() -> Instant) -> Duration {
        self.saturating_duration_since(now())
    }
}

#[diagnostic::do_not_recommend]
impl AfterTime for tokio::time::Instant {
    fn remaining(self, now: impl FnOnce() -> Instant) -> Duration {
        self.into_std().remaining(now)
    }
}

/// A source that `receive!` reads: a [`Mailbox`], or an actor's [`Context`](crate::Context).
#[diagnostic::on_unimplemented(
    message = "cannot receive from `{Self}`",
    label = "expected a process's `cx: &mut Context<Self>`, or a `mut mailbox: Mailbox<..>`",
    note = "only the process itself can receive from its mailbox: `receive!(match cx {{ .. }})`"
)]
pub trait Receive {
    /// The process's protocol.
    type Message: Protocol;

    /// The type itself. A type that does not implement `Receive` has no such type, which avoids follow-up errors.
    #[doc(hidden)]
    type Source: Receive<Message = Self::Message>;

    #[doc(hidden)]
    fn __source(&mut self) -> &mut Self::Source;

    #[doc(hidden)]
    fn __mailbox(&mut self) -> &mut Mailbox<Self::Message>;

    #[doc(hidden)]
    #[inline]
    #[track_caller]
    fn __scan<W: Want>(&mut self, after: Option<Duration>) {
        self.__mailbox().__scan::<W>(after);
    }

    #[doc(hidden)]
    fn __now(&mut self) -> Instant {
        self.__mailbox().node().clock().now()
    }

    #[doc(hidden)]
    #[inline(always)]
    fn __saved(&mut self) -> Option<Self::Message> {
        self.__mailbox().__saved()
    }

    #[doc(hidden)]
    #[inline]
    fn __next(&mut self) -> impl Future<Output = Option<Self::Message>> + Send {
        self.__mailbox().__next()
    }

    #[doc(hidden)]
    #[inline]
    fn __take(&mut self, message: &Self::Message) {
        self.__mailbox().__take(message);
    }

    #[doc(hidden)]
    #[inline(always)]
    fn __skip(&mut self, message: Self::Message) {
        self.__mailbox().__skip(message);
    }
}

impl<M: Protocol> Receive for Mailbox<M> {
    type Message = M;
    type Source = Mailbox<M>;

    fn __source(&mut self) -> &mut Mailbox<M> {
        self
    }

    fn __mailbox(&mut self) -> &mut Mailbox<M> {
        self
    }
}

/// Access of `receive!` to a [`Receive`]. Every type implements it, so that the compiler reports a missing [`Receive`] once.
///
/// Method syntax accepts a `&mut Context` as well as a `Mailbox` by value.
pub trait Receiver {
    #[doc(hidden)]
    fn __receiver(&mut self) -> &mut Self::Source
    where
        Self: Receive,
    {
        self.__source()
    }
}

impl<T: ?Sized> Receiver for T {}
