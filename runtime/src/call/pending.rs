use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use super::Cast;
use super::slot::{Found, Slot};
use crate::base::CallError;
use crate::node::{Awaited, Current, Late, Line, Node, Waiting};

/// A question that is on its way, and its answer to come.
///
/// The message took its place when the method was called; `.await` only waits. It waits for 5 s from its
/// first poll unless told otherwise, and up to a tenth of a second more: such calls share their timers. Cancel-safe:
/// dropped, it waits no longer, and a late answer vanishes. After
/// [`gen_server:call/3`](https://www.erlang.org/doc/apps/stdlib/gen_server.html#call/3).
///
/// A call that has waited for a tenth of a second looks whether its callee, by way of others or not, waits for its own
/// process, so that no answer can come: [`CallError::Cycle`]. It looks again from time to time.
///
/// # Errors
/// Resolves to a [`CallError`], which tells why there is no answer.
#[must_use = "a call is answered to whoever awaits it; for a message without an answer use a cast"]
pub struct Call<T: Send + 'static> {
    slot: Arc<Slot<T>>,
    node: Node,
    /// The process that was called; zero if it is not known, or of another node.
    callee: u64,
    /// What may be said to whoever was called: one word, unlike the name itself.
    protocol: &'static &'static str,
    patience: Patience,
    wait: Wait,
    /// Whether its process's cell knows that it waits for this.
    noted: bool,
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
    /// The node's wheel tells.
    Seated(Seat),
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

impl<T: Send + 'static> Call<T> {
    pub(super) fn new(slot: Arc<Slot<T>>, node: Node, callee: u64, protocol: &'static &'static str) -> Call<T> {
        Call {
            slot,
            node,
            callee,
            protocol,
            patience: Patience::Usual,
            wait: Wait::Begun,
            noted: false,
            question: None,
        }
    }

    pub(super) fn standing(mut self, line: Arc<dyn Line>, ticket: u64) -> Call<T> {
        self.question = Some(Cast::standing(line, ticket));
        self
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

    /// Begins to wait.
    fn begin(&mut self) {
        let since = self.node.clock().now();
        let span = match self.patience {
            Patience::Usual => Some(USUAL),
            Patience::Own(span) => Some(span),
            Patience::Forever => None,
        };
        // A deadline beyond what a clock can say is none.
        let until = span.and_then(|span| since.checked_add(span));
        let looks = self.callee != 0 && Current::is_process_of(&self.node);
        self.sit(Seat { since, until, at: since, pause: LOOK, looks });
    }

    /// Waits for the next moment at which there is something to do.
    fn sit(&mut self, seat: Seat) {
        let own = matches!(self.patience, Patience::Own(_));
        let last = seat.until.map(|until| if own { self.node.tick_before(until) } else { until });
        let look = if seat.looks { seat.at.checked_add(seat.pause) } else { None };
        let next = look.into_iter().chain(last).min();
        self.wait = match (next, seat.until) {
            (Some(at), Some(until)) if at <= seat.at => Wait::Timed(self.node.clock().sleep_until(until)),
            (Some(at), _) => {
                let slot: Arc<dyn Late> = Arc::clone(&self.slot) as _;
                self.node.wait(at, Arc::downgrade(&slot));
                Wait::Seated(Seat { at, pause: seat.pause * 2, ..seat })
            }
            // It waits for ever, and nobody needs to tell the time.
            (None, _) => Wait::Seated(seat),
        };
    }

    /// Looks whether the running process waits for itself, by way of others.
    fn look(&mut self, seat: &Seat) {
        let call: Arc<dyn Awaited> = Arc::clone(&self.slot) as _;
        let waiting = Waiting { call: Arc::downgrade(&call), callee: self.callee, since: seat.since };
        self.noted = Current::wait(&self.node, waiting);
        if self.noted {
            self.node.look_for_ring(Current::process());
        }
    }

    /// Nobody waits here any more.
    fn leave(&mut self) {
        self.question = None;
        if std::mem::take(&mut self.noted) {
            Current::go_on(Arc::as_ptr(&self.slot).cast());
        }
    }
}

impl<T: Send + 'static> Future for Call<T> {
    type Output = Result<T, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if Current::is_doomed() {
            return Poll::Pending;
        }
        let told = match self.slot.poll(cx) {
            Found::Answer(answer) => {
                self.leave();
                if let Err(CallError::Cycle { pids }) = &answer {
                    self.node.tally().break_cycle();
                    tracing::warn!(target: "greenroom", ?pids, "calls in a ring: the first one's fails");
                }
                return Poll::Ready(answer);
            }
            Found::Nothing(told) => told,
        };
        // Only a call that has to wait needs to know how long.
        if let Wait::Begun = self.wait {
            self.begin();
        }
        loop {
            let late = match &mut self.wait {
                Wait::Begun => return Poll::Pending,
                Wait::Timed(timer) => {
                    ready!(timer.as_mut().poll(cx));
                    true
                }
                Wait::Seated(seat) => {
                    let seat = *seat;
                    if told.is_none_or(|told| told < seat.at) || seat.at == seat.since {
                        return Poll::Pending;
                    }
                    let late = seat.until.is_some_and(|until| until <= seat.at);
                    if !late {
                        if seat.looks {
                            self.look(&seat);
                        }
                        self.sit(seat);
                    }
                    late
                }
            };
            if late {
                self.slot.leave();
                self.leave();
                self.node.tally().timeout(self.protocol);
                return Poll::Ready(Err(CallError::Timeout));
            }
        }
    }
}

impl<T: Send + 'static> Drop for Call<T> {
    fn drop(&mut self) {
        self.slot.leave();
        self.leave();
    }
}

impl<T: Send + 'static> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Call")
    }
}
