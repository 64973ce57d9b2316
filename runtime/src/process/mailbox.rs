use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::attention::LONG;
use super::look::text;
use super::{Aside, Cell, discard};
use crate::base::{Exit, MonitorRef, Pid, Protocol};
use crate::mailbox::{Inbox, Mask, Next, Origin, Want};
use crate::node::{Node, Resident as _};

/// A process's own end of its mailbox: what `receive!` reads.
///
/// A process made from a closure is handed one; an actor has it in its [`Context`](crate::Context).
pub struct Mailbox<M: Protocol> {
    pub(super) cell: Arc<Cell<M>>,
    pid: Pid,
    pub(super) inbox: Inbox<M>,
    after: After,
    budget: u16,
    pub(super) bounded: bool,
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
    Aside(Aside),
    Stop(Exit),
}

/// What a process may do in one go before it lets others run, however many messages wait: so many looks at a message.
const BUDGET: u16 = 4096;
/// What beginning a receive counts: after 128 of them in one go others have their turn.
const RECEIVE: u16 = BUDGET / 128;

impl<M: Protocol> Mailbox<M> {
    pub(crate) fn new(cell: Arc<Cell<M>>, number: u64) -> Mailbox<M> {
        let pid = cell.node().pid(number);
        let bounded = cell.queue().is_bounded();
        Mailbox {
            cell,
            pid,
            inbox: Inbox::new(),
            after: After::Forever,
            budget: BUDGET,
            bounded,
            careful: bounded,
            warned: false,
            testing: 0,
            last: None,
        }
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
        let message = self.inbox.remove(self.cell.queue(), Origin::monitor(reference.0));
        drop(message);
    }

    fn begin(&mut self, want: Mask, after: Option<Duration>, place: Option<&'static Location<'static>>) {
        self.budget = self.budget.saturating_sub(RECEIVE - 1);
        self.inbox.begin(self.cell.queue(), want, place);
        self.after = match after {
            None => After::Forever,
            Some(Duration::ZERO) => After::Now,
            // A deadline beyond what a clock can say is none.
            Some(after) => self.node().clock().now().checked_add(after).map_or(After::Forever, After::Until),
        };
    }

    /// The tested message is the process's now.
    fn keep(&mut self, message: &M) {
        message.hand_out();
        if const { M::REPORTED } {
            self.cell.note_text(self.pid.number(), text(message));
        }
        self.kept();
    }

    /// The same of a message that may go anywhere already.
    pub(crate) fn kept(&mut self) {
        self.last = Some(self.testing);
        let counts = self.inbox.keep(usize::from(self.testing));
        if self.careful {
            self.taken(counts);
        }
    }

    /// Tells, once, of a process that waits for one thing in front of a mailbox full of another.
    fn warn_if_stuck(&mut self) {
        if self.bounded && !self.warned && self.cell.queue().is_stuck() {
            self.warned = true;
            self.node().raise(self.stuck(self.inbox.place()));
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<M>> {
        let attention = self.cell.attention();
        // A long mailbox is looked at when what was taken over is read, not at each message.
        let concerns = attention != 0 && (attention != LONG || self.inbox.is_read());
        if concerns && !self.attend(attention) {
            // The wrapper around the process ends it as soon as this poll is over.
            return Poll::Pending;
        }
        if self.budget == 0 {
            self.budget = BUDGET;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.budget -= 1;
        let now = matches!(self.after, After::Now);
        let waiting = if now { None } else { Some(&mut *cx) };
        if let Next::Test(message) = self.inbox.next(self.cell.queue(), waiting) {
            self.testing = message.variant() as u16;
            return Poll::Ready(Some(message));
        }
        if let After::Until(at) = self.after {
            self.after = After::Sleeping(self.node().clock().sleep_until(at));
        }
        let out_of_time = match &mut self.after {
            After::Forever | After::Until(_) => false,
            After::Now => true,
            After::Sleeping(timer) => timer.as_mut().poll(cx).is_ready(),
        };
        if out_of_time {
            return Poll::Ready(None);
        }
        self.budget = BUDGET;
        self.warn_if_stuck();
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

    /// The next message, or the word to stop. Cancel-safe.
    pub(crate) async fn step(&mut self) -> Step<M> {
        self.begin(Mask::ALL, None, None);
        poll_fn(|cx| self.poll_step(cx)).await
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

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step<M>> {
        if let Some(aside) = self.aside(self.inbox.read()) {
            return Poll::Ready(Step::Aside(aside));
        }
        if self.cell.is_stopping()
            && let Some(reason) = self.cell.take_stop(self.inbox.read())
        {
            return Poll::Ready(Step::Stop(reason));
        }
        if let Poll::Ready(Some(message)) = self.poll_next(cx) {
            self.keep(&message);
            return Poll::Ready(Step::Message(message));
        }
        // A message that came before the stop may have been taken out again: then the count never gets there.
        let nothing_left = self.inbox.is_read() && self.cell.queue().is_empty();
        if nothing_left && let Some(aside) = self.aside(u64::MAX) {
            return Poll::Ready(Step::Aside(aside));
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

impl<M: Protocol> Drop for Mailbox<M> {
    fn drop(&mut self) {
        let number = self.pid.number();
        self.cell.note_last(number, self.last);
        self.inbox.tell(self.cell.queue(), number);
        if self.warned {
            self.node().clear(&self.stuck(None).key(), None);
        }
        discard(&self.pid, self.inbox.drain());
    }
}

/// The functions of `receive!`.
#[doc(hidden)]
impl<M: Protocol> Mailbox<M> {
    #[track_caller]
    pub fn __scan<W: Want>(&mut self, after: Option<Duration>) {
        self.begin(const { Cell::<M>::mask_of(W::NAMES) }, after, Some(Location::caller()));
    }

    pub fn __next(&mut self) -> impl Future<Output = Option<M>> + Send {
        poll_fn(|cx| self.poll_next(cx))
    }

    pub fn __take(&mut self, message: &M) {
        self.keep(message);
        // A timer that is not needed any more must not wake anybody.
        self.after = After::Forever;
    }

    pub fn __skip(&mut self, message: M) {
        self.inbox.skip(message);
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

    #[doc(hidden)]
    fn __mailbox(&mut self) -> &mut Mailbox<Self::Message>;
}

#[diagnostic::do_not_recommend]
impl<M: Protocol> Receive for Mailbox<M> {
    type Message = M;

    fn __mailbox(&mut self) -> &mut Mailbox<M> {
        self
    }
}

/// The way of `receive!` to the mailbox. It is on everything, so that the compiler asks for [`Receive`] at one place
/// only, and says what is missing there. Method syntax takes a `&mut Context` as well as a `Mailbox` by value.
pub trait Receiver {
    #[doc(hidden)]
    fn __receiver(&mut self) -> &mut Mailbox<Self::Message>
    where
        Self: Receive,
    {
        self.__mailbox()
    }
}

impl<T: ?Sized> Receiver for T {}
