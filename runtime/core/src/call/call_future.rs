use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::Cast;
use super::slot::{Found, Slot};
use crate::base::CallError;
use crate::log;
use crate::node::Current;
use crate::observe::{Awaited, Waiting};
use crate::sched::Timeout;

/// A question that is on its way, and its answer to come.
///
/// The message took its place when the method was called; `.await` only waits. It waits for 5 s from its
/// first poll unless told otherwise, and up to a tenth of a second more: such calls share their timers. Cancel-safe:
/// dropped, it waits no longer, and a late answer vanishes. After
/// [`gen_server:call/3`](https://www.erlang.org/doc/apps/stdlib/gen_server.html#call/3).
///
/// A call that has waited for one or two tenths of a second looks whether its callee, by way of others or not, waits for
/// its own process, so that no answer can come: [`CallError::Cycle`]. It looks again from time to time.
///
/// # Errors
/// Resolves to a [`CallError`], which tells why there is no answer.
#[must_use = "a call is answered to whoever awaits it; for a message without an answer use a cast"]
pub struct Call<T: 'static> {
    /// `None` once the outcome has been told.
    slot: Option<Arc<Slot<T>>>,
    /// The process that was called; zero if it is not known, or of another node.
    callee: u64,
    /// What may be said to whoever was called: one word, unlike the name itself.
    protocol: &'static &'static str,
    patience: Patience,
    wait: Wait,
    /// While the question stands in line before a full mailbox: dropped with the call, it is withdrawn.
    question: Option<Cast>,
}

#[derive(Clone, Copy)]
enum Patience {
    /// As long as any other, and with no timer of its own.
    Usual,
    Own(Duration),
    Forever,
}

/// How the time is kept. Nothing is before somebody has to wait.
enum Wait {
    Begun,
    /// The node's wheel tells when it ticks next: the time counts from there.
    Ticking,
    /// The node's wheel tells. In a box, as few calls come to that: a call is moved into whatever awaits it.
    Seated(Box<Seat>),
    /// What the wheel is too coarse for.
    Timed(Pin<Box<dyn Future<Output = ()> + Send>>),
}

/// A seat on the node's wheel.
#[derive(Clone, Copy)]
struct Seat {
    since: Instant,
    until: Option<Instant>,
    /// When the wheel tells next, or the moment itself that it begins.
    at: Instant,
    /// How long it is from then until the caller looks for a ring.
    pause: Duration,
    /// Whether the caller can be in one.
    looks: bool,
}

/// How long a call waits unless told otherwise, as in OTP.
const USUAL: Duration = Duration::from_secs(5);

/// How long a call waits before it looks whether it is in a ring. It looks again after twice as long, and so on.
const LOOK: Duration = Duration::from_millis(100);

impl<T: 'static> Call<T> {
    #[inline]
    pub(super) fn new(
        slot: Arc<Slot<T>>,
        callee: u64,
        protocol: &'static &'static str,
        question: Option<Cast>,
    ) -> Call<T> {
        Call { slot: Some(slot), callee, protocol, patience: Patience::Usual, wait: Wait::Begun, question }
    }

    /// Waits for at most `patience`, counted from the next poll.
    pub fn within(self, patience: Duration) -> Call<T> {
        self.with(Patience::Own(patience))
    }

    /// Waits as long as it takes: for an answer, or for the news that there will be none.
    pub fn forever(self) -> Call<T> {
        self.with(Patience::Forever)
    }

    fn with(mut self, patience: Patience) -> Call<T> {
        (self.patience, self.wait) = (patience, Wait::Begun);
        self
    }

    /// Whether it begins to wait, and is to be told at the next tick that time has passed.
    ///
    /// Most calls are answered long before anybody has to know the time. So one that waits as usual only sees to it that
    /// it will be told, if it has to wait that long: it waits a tick longer at most, reads no clock, and needs no timer.
    #[inline]
    fn begins(&self) -> bool {
        let ticks = match self.patience {
            Patience::Usual => true,
            Patience::Own(_) => false,
            // Else nobody needs to tell the time, neither for an end nor to look for a ring.
            Patience::Forever => self.callee != 0 && Current::process() != 0,
        };
        ticks && matches!(self.wait, Wait::Begun)
    }

    /// Has waited since this moment.
    fn begin_at(&mut self, since: Instant, slot: &Arc<Slot<T>>) {
        let span = match self.patience {
            Patience::Usual => Some(USUAL),
            Patience::Own(span) => Some(span),
            Patience::Forever => None,
        };
        // A deadline beyond what a clock can say is none.
        let until = span.and_then(|span| since.checked_add(span));
        let looks = self.callee != 0 && slot.node().is_some_and(|node| Current::is_process_of(&node));
        self.sit(Seat { since, until, at: since, pause: LOOK, looks }, slot);
    }

    /// Waits for the next moment at which there is something to do.
    fn sit(&mut self, seat: Seat, slot: &Arc<Slot<T>>) {
        // With its node all that could answer is gone, and has said so.
        let Some(node) = slot.node() else {
            self.wait = Wait::Begun;
            return;
        };
        let own = matches!(self.patience, Patience::Own(_));
        let last = seat.until.map(|until| if own { node.tick_before(until) } else { until });
        let look = if seat.looks { seat.at.checked_add(seat.pause) } else { None };
        let next = look.into_iter().chain(last).min();
        self.wait = match (next, seat.until) {
            (Some(at), Some(until)) if at <= seat.at => Wait::Timed(node.clock().sleep_until(until)),
            (Some(at), _) => {
                node.wait(at, late(slot));
                Wait::Seated(Box::new(Seat { at, pause: seat.pause * 2, ..seat }))
            }
            // It waits for ever, and nobody needs to tell the time.
            (None, _) => Wait::Seated(Box::new(seat)),
        };
    }

    /// Looks whether the running process waits for itself, by way of others.
    fn look(&self, seat: &Seat, slot: &Arc<Slot<T>>) {
        let Some(node) = slot.node() else { return };
        let call: Arc<dyn Awaited> = Arc::clone(slot) as _;
        let waiting = Waiting { call: Arc::downgrade(&call), callee: self.callee, since: seat.since };
        if Current::wait(&node, waiting) {
            slot.note();
            node.look_for_ring(Current::process());
        }
    }

    /// Whether the time is up. Without an answer; and so far the node has `told` that time has passed.
    fn poll_time(&mut self, slot: &Arc<Slot<T>>, told: Option<Instant>, cx: &mut Context<'_>) -> Poll<()> {
        // Only a call that has to wait needs to know how long.
        if let Wait::Begun = self.wait {
            self.wait = Wait::Ticking;
            match (self.patience, slot.node()) {
                (Patience::Own(_), Some(node)) => self.begin_at(node.clock().now(), slot),
                _ => return Poll::Pending,
            }
        }
        loop {
            match &mut self.wait {
                Wait::Begun => return Poll::Pending,
                Wait::Ticking => {
                    let Some(since) = told else { return Poll::Pending };
                    self.begin_at(since, slot);
                }
                Wait::Timed(timer) => return timer.as_mut().poll(cx),
                Wait::Seated(seat) => {
                    let seat = **seat;
                    if told.is_none_or(|told| told < seat.at) || seat.at == seat.since {
                        return Poll::Pending;
                    }
                    if seat.until.is_some_and(|until| until <= seat.at) {
                        return Poll::Ready(());
                    }
                    if seat.looks {
                        self.look(&seat, slot);
                    }
                    self.sit(seat, slot);
                }
            }
        }
    }

    /// Nobody waits here any more, which those who look for rings may have `noted`.
    #[inline]
    fn leave(&mut self, slot: &Arc<Slot<T>>, noted: bool) {
        self.question = None;
        if noted {
            Current::go_on(Arc::as_ptr(slot).cast());
        }
    }

    #[cold]
    fn run_out(&mut self, slot: &Arc<Slot<T>>) -> Result<T, CallError> {
        let noted = slot.leave();
        self.leave(slot, noted);
        if let Some(node) = slot.node() {
            node.loss_counts().timeout(self.protocol);
        }
        Err(CallError::Timeout)
    }

    #[cold]
    fn fail(&mut self, slot: &Arc<Slot<T>>, error: CallError, noted: bool) -> Result<T, CallError> {
        self.leave(slot, noted);
        if let CallError::Cycle { pids } = &error {
            if let Some(node) = slot.node() {
                node.loss_counts().break_cycle();
            }
            log::warn!(target: "greenroom", ?pids, "calls in a ring: the first one's fails");
        }
        Err(error)
    }

    /// The node is to tell at its next tick: it was not to yet.
    #[cold]
    fn tick(&mut self, slot: &Arc<Slot<T>>) {
        self.wait = Wait::Ticking;
        if let Some(node) = slot.node() {
            node.wait_for_tick(late(slot));
        }
    }
}

/// A slot, for the wheel.
fn late<T: 'static>(slot: &Arc<Slot<T>>) -> Weak<dyn Timeout> {
    let slot: Arc<dyn Timeout> = Arc::clone(slot) as _;
    Arc::downgrade(&slot)
}

impl<T: 'static> Future for Call<T> {
    type Output = Result<T, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // As every future that is polled after it was ready, it has nothing more to say.
        let Some(slot) = self.slot.take() else { return Poll::Pending };
        let begins = self.begins();
        // A turn begins with a look whether the process is to end. So only what comes within it is looked at here: an outcome
        // for which nobody had to wait.
        let at_once = matches!(self.wait, Wait::Begun);
        match slot.poll(begins, cx) {
            Found::Answer { .. } | Found::Failure { .. } if at_once && Current::is_exiting() => return Poll::Pending,
            Found::Answer { value, alone, noted } => {
                self.leave(&slot, noted);
                // Those who look for rings know a slot by its address.
                if alone && !noted {
                    Current::keep(slot);
                }
                return Poll::Ready(Ok(value));
            }
            Found::Failure { error, noted } => return Poll::Ready(self.fail(&slot, error, noted)),
            Found::Tick => self.tick(&slot),
            Found::Nothing(_) if begins => self.wait = Wait::Ticking,
            Found::Nothing(told) => {
                if self.poll_time(&slot, told, cx).is_ready() {
                    return Poll::Ready(self.run_out(&slot));
                }
            }
        }
        self.slot = Some(slot);
        Poll::Pending
    }
}

impl<T: 'static> Drop for Call<T> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            let noted = slot.leave();
            self.leave(&slot, noted);
        }
    }
}

impl<T: 'static> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Call")
    }
}
