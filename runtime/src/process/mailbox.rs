use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::{Cell, discard};
use crate::base::{Exit, MonitorRef, Pid, Protocol};
use crate::mailbox::{Inbox, Mask, Next, Origin, Want};
use crate::node::{Node, Resident as _};

/// A process's own end of its mailbox: what `receive!` reads.
///
/// A process made from a closure is handed one; an actor has it in its [`Context`](crate::Context).
pub struct Mailbox<M: Protocol> {
    cell: Arc<Cell<M>>,
    pid: Pid,
    // Apart, and made for the first message: a process that only waits has none, and a mailbox is small to move.
    desk: Option<Box<Desk<M>>>,
}

/// What a process needs to read its messages.
struct Desk<M> {
    inbox: Inbox<M>,
    after: After,
    budget: u16,
    warned: bool,
    /// The variants of the message that is being tested and of the last that was taken, for the crash report.
    testing: u16,
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
    fn desk(&mut self) -> &mut Desk<M> {
        self.desk.get_or_insert_with(Desk::new)
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
    fn begin(&mut self, want: Mask, after: Option<Duration>) {
        let after = match after {
            None => After::Forever,
            Some(Duration::ZERO) => After::Now,
            // A deadline beyond what a clock can say is none.
            Some(after) => self.node().clock().now().checked_add(after).map_or(After::Forever, After::Until),
        };
        let desk = self.desk.get_or_insert_with(Desk::new);
        desk.budget = desk.budget.saturating_sub(RECEIVE - 1);
        desk.inbox.begin(self.cell.queue(), want);
        desk.after = after;
    }

    /// The tested message is the process's now.
    #[inline(always)]
    fn keep(&mut self) {
        let Some(desk) = &mut self.desk else { return };
        desk.last = Some(desk.testing);
        if desk.inbox.keep(self.cell.queue()) && self.cell.is_bounded() {
            self.cell.queue().release();
        }
    }

    /// Tells, once, of a process that waits for one thing in front of a mailbox full of another.
    fn warn_if_stuck(&mut self) {
        if !self.desk().warned && self.cell.queue().is_stuck() {
            self.desk().warned = true;
            tracing::warn!(
                target: "greenroom", pid = %self.pid, process = self.cell.start().kind,
                "waits for a message in front of a full mailbox"
            );
        }
    }

    #[inline(always)]
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<M>> {
        if self.cell.is_doomed() {
            // The wrapper around the process ends it as soon as this poll is over.
            return Poll::Pending;
        }
        let desk = self.desk.get_or_insert_with(Desk::new);
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
    pub async fn receive(&mut self) -> M {
        self.begin(Mask::ALL, None);
        loop {
            if let Some(message) = poll_fn(|cx| self.poll_next(cx)).await {
                self.keep();
                return message;
            }
        }
    }

    /// The next message, or the word to stop. Cancel-safe.
    #[inline]
    pub(crate) fn step(&mut self) -> impl Future<Output = Step<M>> + Send {
        if self.desk.is_some() {
            self.begin(Mask::ALL, None);
        }
        poll_fn(|cx| self.poll_step(cx))
    }

    /// The same, until it is `deadline`. Cancel-safe.
    pub(crate) async fn step_until(&mut self, deadline: Option<Instant>) -> Option<Step<M>> {
        let Some(deadline) = deadline else { return Some(self.step().await) };
        self.begin(Mask::ALL, None);
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
        if self.cell.is_stopping() {
            return self.poll_stop(cx);
        }
        if self.desk.is_none() && !self.cell.is_bounded() && !self.cell.is_doomed() && self.cell.queue().wait(cx) {
            return Poll::Pending;
        }
        if let Poll::Ready(Some(message)) = self.poll_next(cx) {
            self.keep();
            return Poll::Ready(Step::Message(message));
        }
        // It may have been told to stop just now, without being woken: it was not waiting yet.
        if self.cell.is_stopping() { self.poll_stop(cx) } else { Poll::Pending }
    }

    /// The same when it has been told to stop: after what came before that.
    #[cold]
    fn poll_stop(&mut self, cx: &mut Context<'_>) -> Poll<Step<M>> {
        let read = self.desk().inbox.read();
        if let Some(reason) = self.cell.take_stop(read) {
            return Poll::Ready(Step::Stop(reason));
        }
        if let Poll::Ready(Some(message)) = self.poll_next(cx) {
            self.keep();
            return Poll::Ready(Step::Message(message));
        }
        // A message that came before the stop may have been taken out again: then the count never gets there.
        let nothing_left = self.desk().inbox.is_read() && self.cell.queue().is_empty();
        if nothing_left && let Some(reason) = self.cell.take_stop(u64::MAX) {
            return Poll::Ready(Step::Stop(reason));
        }
        Poll::Pending
    }
}

impl<M: Protocol> Desk<M> {
    fn new() -> Box<Desk<M>> {
        let inbox = Inbox::new();
        Box::new(Desk { inbox, after: After::Forever, budget: BUDGET, warned: false, testing: 0, last: None })
    }
}

impl<M: Protocol> Drop for Mailbox<M> {
    fn drop(&mut self) {
        if let Some(mut desk) = self.desk.take() {
            self.cell.note_last(self.pid.number(), desk.last);
            discard(&self.pid, desk.inbox.drain());
        }
    }
}

/// What `receive!` reads from: a [`Context`](crate::Context) or a [`Mailbox`]. Its functions are `receive!`'s.
pub trait Receive {
    /// The messages that come.
    type Message: Protocol;

    #[doc(hidden)]
    fn __scan<W: Want>(&mut self, after: Option<Duration>);

    #[doc(hidden)]
    fn __next(&mut self) -> impl Future<Output = Option<Self::Message>> + Send;

    #[doc(hidden)]
    fn __take(&mut self);

    #[doc(hidden)]
    fn __skip(&mut self, message: Self::Message);
}

impl<M: Protocol> Receive for Mailbox<M> {
    type Message = M;

    fn __scan<W: Want>(&mut self, after: Option<Duration>) {
        self.begin(const { Cell::<M>::mask_of(W::NAMES) }, after);
    }

    fn __next(&mut self) -> impl Future<Output = Option<M>> + Send {
        poll_fn(|cx| self.poll_next(cx))
    }

    fn __take(&mut self) {
        self.keep();
        // A timer that is not needed any more must not wake anybody.
        self.desk().after = After::Forever;
    }

    fn __skip(&mut self, message: M) {
        let desk = self.desk.get_or_insert_with(Desk::new);
        if let Some(withdrawn) = desk.inbox.skip(self.cell.queue(), message) {
            self.cell.overflow(withdrawn);
        }
    }
}
