use std::future::{Future, poll_fn};
use std::hint::cold_path;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::flags::LONG;
use super::introspect::text;
use super::{Cell, SystemRequest, discard};
use crate::base::{Exit, MonitorRef, Pid, Protocol};
use crate::mailbox::{Inbox, Mask, Next, Origin, Want};
use crate::node::{Node, Resident as _};

/// A process's own end of its mailbox: what `receive!` reads.
///
/// A process made from a closure is handed one; an actor has it in its [`Context`](crate::Context).
pub struct Mailbox<M: Protocol> {
    pub(super) cell: Arc<Cell<M>>,
    pid: Pid,
    // Apart, and made for the first message: a process that only waits has none, and a mailbox is small to move.
    desk: Option<Box<ReadState<M>>>,
}

/// What a process needs to read its messages.
pub(super) struct ReadState<M> {
    pub(super) inbox: Inbox<M>,
    after: After,
    budget: u16,
    /// Whether a message that is taken concerns anybody else: the mailbox is bounded, or the process traced.
    pub(super) careful: bool,
    pub(super) warned: bool,
    /// The variants of the message that is being tested and of the last that was taken, for the crash report.
    pub(super) testing: u16,
    last: Option<u16>,
}

/// How long the running receive waits.
enum After {
    Forever,
    /// Only for what is here already.
    Now,
    Until(Instant),
    /// The same, with the timer running.
    Sleeping(Pin<Box<dyn Future<Output = ()> + Send>>),
}

/// What a server does next.
pub(crate) enum Step<M> {
    Message(M),
    SystemRequest(SystemRequest),
    Stop(Exit),
}

/// What a process may do in one go before it lets others run, however many messages wait: so many looks at a message.
const BUDGET: u16 = 4096;
/// What beginning a receive counts: after 128 of them in one go others have their turn.
const RECEIVE: u16 = BUDGET / 128;

impl<M: Protocol> Mailbox<M> {
    pub(crate) fn new(cell: Arc<Cell<M>>, number: u64) -> Mailbox<M> {
        let pid = cell.node().pid(number);
        Mailbox { cell, pid, desk: None }
    }

    #[inline]
    pub(super) fn desk(&mut self) -> &mut ReadState<M> {
        self.desk.get_or_insert_with(|| ReadState::new(self.cell.is_bounded()))
    }

    /// The process's identity.
    pub fn pid(&self) -> &Pid {
        &self.pid
    }

    /// The node that the process lives on.
    pub fn node(&self) -> &Node {
        self.cell.node()
    }

    pub(crate) fn cell(&self) -> &Arc<Cell<M>> {
        &self.cell
    }

    /// Takes a queued message with this origin out again.
    pub(crate) fn flush(&mut self, reference: MonitorRef) {
        let origin = Origin::monitor(reference.0);
        let message = match &mut self.desk {
            Some(desk) => desk.inbox.remove(self.cell.queue(), origin),
            None => self.cell.queue().remove(origin),
        };
        drop(message);
    }

    #[inline(always)]
    fn begin(&mut self, want: Mask, after: Option<Duration>, place: Option<&'static Location<'static>>) {
        let after = match after {
            None => After::Forever,
            Some(Duration::ZERO) => After::Now,
            // A deadline beyond what a clock can say is none.
            Some(after) => self.node().clock().now().checked_add(after).map_or(After::Forever, After::Until),
        };
        let desk = self.desk.get_or_insert_with(|| ReadState::new(self.cell.is_bounded()));
        desk.budget = desk.budget.saturating_sub(RECEIVE - 1);
        desk.inbox.begin(self.cell.queue(), want, place);
        desk.after = after;
    }

    /// The tested message is the process's now.
    #[inline(always)]
    fn keep(&mut self, message: &M) {
        message.hand_out();
        if const { M::REPORTED } {
            self.cell.note_text(self.pid.number(), text(message));
        }
        self.mark_taken();
    }

    /// The same of a message that may go anywhere already.
    #[inline(always)]
    pub(crate) fn mark_taken(&mut self) {
        let Some(desk) = &mut self.desk else { return };
        desk.last = Some(desk.testing);
        let counts = desk.inbox.keep(self.cell.queue(), usize::from(desk.testing));
        if desk.careful {
            self.taken(counts);
        }
    }

    /// Tells, once, of a process that waits for one thing in front of a mailbox full of another.
    fn warn_if_stuck(&mut self) {
        if !self.desk().warned && self.cell.queue().is_stuck() {
            self.desk().warned = true;
            let place = self.desk().inbox.location();
            self.node().raise(self.stuck(place));
        }
    }

    /// A long mailbox is looked at when what was taken over is read, not at each message; and not where more is saved than
    /// leaves it short.
    #[cold]
    fn may_be_short(&mut self) -> bool {
        let short = self.cell.queue().short();
        let inbox = &self.desk().inbox;
        inbox.is_read() && inbox.saved() <= short
    }

    #[inline(always)]
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<M>> {
        let flags = self.cell.flags.get();
        let concerns = flags != 0 && (flags != LONG || self.may_be_short());
        if concerns && !self.attend(flags) {
            // The wrapper around the process ends it as soon as this poll is over.
            return Poll::Pending;
        }
        let desk = self.desk.get_or_insert_with(|| ReadState::new(self.cell.is_bounded()));
        if desk.budget == 0 {
            desk.budget = BUDGET;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        desk.budget -= 1;
        let now = matches!(desk.after, After::Now);
        let waiting = if now { None } else { Some(&mut *cx) };
        if let Next::Test(message) = desk.inbox.next(self.cell.queue(), waiting) {
            desk.testing = message.variant() as u16;
            return Poll::Ready(Some(message));
        }
        self.poll_time(cx)
    }

    /// There is no message: whether the time is up.
    fn poll_time(&mut self, cx: &mut Context<'_>) -> Poll<Option<M>> {
        if let After::Until(at) = self.desk().after {
            let timer = self.node().clock().sleep_until(at);
            self.desk().after = After::Sleeping(timer);
        }
        let out_of_time = match &mut self.desk().after {
            After::Forever | After::Until(_) => false,
            After::Now => true,
            After::Sleeping(timer) => timer.as_mut().poll(cx).is_ready(),
        };
        if out_of_time {
            return Poll::Ready(None);
        }
        self.desk().budget = BUDGET;
        if self.cell.is_bounded() {
            self.warn_if_stuck();
        }
        Poll::Pending
    }

    /// The next message, whatever it is, oldest first. Cancel-safe.
    #[track_caller]
    pub fn receive(&mut self) -> impl Future<Output = M> + Send {
        let place = Location::caller();
        async move {
            self.begin(Mask::ALL, None, Some(place));
            loop {
                if let Some(message) = poll_fn(|cx| self.poll_next(cx)).await {
                    self.keep(&message);
                    return message;
                }
            }
        }
    }

    /// The next message, for a server, as long as there is nothing but messages to see to: what [`step`](Self::step) gives,
    /// the short way. `None` tells nothing but that this is not it. Cancel-safe.
    #[inline(always)]
    pub(crate) fn poll_fast(&mut self, cx: &mut Context<'_>) -> Poll<Option<M>> {
        let Some(desk) = self.desk.as_mut() else { return Poll::Ready(None) };
        let flags = self.cell.flags.get();
        if desk.careful || flags & !LONG != 0 || !desk.inbox.is_plain() {
            cold_path();
            return Poll::Ready(None);
        }
        if desk.budget < RECEIVE {
            cold_path();
            desk.budget = BUDGET;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if desk.inbox.is_read() {
            // A long mailbox is looked at when what was taken over is read.
            if flags != 0 {
                cold_path();
                return Poll::Ready(None);
            }
            if desk.inbox.poll_refill(self.cell.queue(), cx).is_pending() {
                desk.budget = BUDGET;
                return Poll::Pending;
            }
        }
        let Some((variant, message)) = desk.inbox.at_hand() else { return Poll::Ready(None) };
        desk.budget -= RECEIVE;
        desk.last = Some(variant as u16);
        if const { M::REPORTED } {
            self.cell.note_text(self.pid.number(), text(&message));
        }
        Poll::Ready(Some(message))
    }

    /// The next message, or the word to stop. Cancel-safe.
    #[inline]
    pub(crate) fn step(&mut self) -> impl Future<Output = Step<M>> + Send {
        if self.desk.is_some() {
            self.begin(Mask::ALL, None, None);
        }
        poll_fn(|cx| self.poll_step(cx))
    }

    /// The same, until it is `deadline`. Cancel-safe.
    pub(crate) async fn step_until(&mut self, deadline: Option<Instant>) -> Option<Step<M>> {
        let Some(deadline) = deadline else { return Some(self.step().await) };
        self.begin(Mask::ALL, None, None);
        let mut late = self.node().clock().sleep_until(deadline);
        poll_fn(|cx| match self.poll_step(cx) {
            Poll::Ready(step) => Poll::Ready(Some(step)),
            Poll::Pending if self.cell.is_doomed() => Poll::Pending,
            Poll::Pending => late.as_mut().poll(cx).map(|()| None),
        })
        .await
    }

    #[inline(always)]
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step<M>> {
        if self.cell.flags.get() != 0 {
            return self.poll_with_attention(cx);
        }
        if self.desk.is_none() && !self.cell.is_bounded() && self.cell.queue().wait(cx) {
            return Poll::Pending;
        }
        if let Poll::Ready(Some(message)) = self.poll_next(cx) {
            self.keep(&message);
            return Poll::Ready(Step::Message(message));
        }
        // It may have been told something just now.
        if self.cell.flags.get() != 0 { self.poll_with_attention(cx) } else { Poll::Pending }
    }

    /// The same when others want something of the process: each after the messages that came before it.
    #[cold]
    fn poll_with_attention(&mut self, cx: &mut Context<'_>) -> Poll<Step<M>> {
        let read = self.desk.as_ref().map_or(0, |desk| desk.inbox.read());
        if let Some(aside) = self.aside(read) {
            return Poll::Ready(Step::SystemRequest(aside));
        }
        if self.cell.is_stopping()
            && let Some(reason) = self.cell.take_stop(read)
        {
            return Poll::Ready(Step::Stop(reason));
        }
        if let Poll::Ready(Some(message)) = self.poll_next(cx) {
            self.keep(&message);
            return Poll::Ready(Step::Message(message));
        }
        // A message that came before the stop may have been taken out again: then the count never gets there.
        let nothing_left = self.desk().inbox.is_read() && self.cell.queue().is_empty();
        if nothing_left && let Some(aside) = self.aside(u64::MAX) {
            return Poll::Ready(Step::SystemRequest(aside));
        }
        if self.cell.is_stopping()
            && nothing_left
            && let Some(reason) = self.cell.take_stop(u64::MAX)
        {
            return Poll::Ready(Step::Stop(reason));
        }
        Poll::Pending
    }
}

impl<M: Protocol> ReadState<M> {
    fn new(bounded: bool) -> Box<ReadState<M>> {
        let (inbox, after) = (Inbox::new(), After::Forever);
        Box::new(ReadState { inbox, after, budget: BUDGET, careful: bounded, warned: false, testing: 0, last: None })
    }
}

impl<M: Protocol> Drop for Mailbox<M> {
    fn drop(&mut self) {
        let Some(mut desk) = self.desk.take() else { return };
        let number = self.pid.number();
        self.cell.note_last(number, desk.last);
        desk.inbox.publish(self.cell.queue(), number);
        if desk.warned {
            self.node().clear(&self.stuck(None).key(), None);
        }
        if self.cell.is_starting() {
            desk.inbox.put_back(self.cell.queue());
        } else {
            discard(self.cell.node(), number, desk.inbox.drain());
            while let Some(lane) = desk.inbox.drain_saved() {
                discard(self.cell.node(), number, lane);
            }
        }
    }
}

/// The functions of `receive!`.
#[doc(hidden)]
impl<M: Protocol> Mailbox<M> {
    #[track_caller]
    pub fn __scan<W: Want>(&mut self, after: Option<Duration>) {
        self.begin(const { Cell::<M>::mask_of(W::NAMES) }, after, Some(Location::caller()));
    }

    /// A saved message to test, without waiting: a scan may look at thousands. `None` says nothing: `__next` does.
    #[inline(always)]
    pub fn __saved(&mut self) -> Option<M> {
        let desk = self.desk.as_mut()?;
        if desk.budget == 0 || self.cell.flags.get() & !LONG != 0 {
            return None;
        }
        let message = desk.inbox.next_saved()?;
        desk.budget -= 1;
        desk.testing = message.variant() as u16;
        Some(message)
    }

    pub fn __next(&mut self) -> impl Future<Output = Option<M>> + Send {
        poll_fn(|cx| self.poll_next(cx))
    }

    pub fn __take(&mut self, message: &M) {
        self.keep(message);
        // A timer that is not needed any more must not wake anybody.
        self.desk().after = After::Forever;
    }

    #[inline(always)]
    pub fn __skip(&mut self, message: M) {
        let desk = self.desk.get_or_insert_with(|| ReadState::new(self.cell.is_bounded()));
        if let Some(withdrawn) = desk.inbox.skip(self.cell.queue(), message) {
            self.cell.overflow(withdrawn);
        }
    }
}

/// What `receive!` reads from: a [`Mailbox`], or a [`Context`](crate::Context) around one.
#[diagnostic::on_unimplemented(
    message = "nothing can be received from `{Self}`",
    label = "expected a process's `cx: &mut Context<Self>`, or a `mut mailbox: Mailbox<..>`",
    note = "only the process itself reads its mailbox: `receive!(match cx {{ .. }})`; others talk to it through its stub"
)]
pub trait Receive {
    /// The messages that come.
    type Message: Protocol;

    /// What `receive!` reads from: itself. Where there is nothing to read, neither is there a type to complain of.
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

/// The way of `receive!` to the mailbox. It is on everything, so that the compiler asks for [`Receive`] at one place
/// only, and says what is missing there. Method syntax takes a `&mut Context` as well as a `Mailbox` by value.
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
