use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::Cast;
use super::slot::Slot;
use crate::base::CallError;
use crate::node::{Current, Late, Line, Node};

/// A question that is on its way, and its answer to come.
///
/// The message took its place when the method was called; `.await` only waits. It waits for 5 s from its
/// first poll unless told otherwise, and up to a tenth of a second more: such calls share their timers. Cancel-safe:
/// dropped, it waits no longer, and a late answer vanishes. After
/// [`gen_server:call/3`](https://www.erlang.org/doc/apps/stdlib/gen_server.html#call/3).
///
/// # Errors
/// Resolves to a [`CallError`], which tells why there is no answer.
#[must_use = "a call is answered to whoever awaits it; for a message without an answer use a cast"]
pub struct Call<T: Send + 'static> {
    slot: Arc<Slot<T>>,
    node: Node,
    patience: Patience,
    /// While the question stands in line before a full mailbox: dropped with the call, it is withdrawn.
    question: Option<Cast>,
}

enum Patience {
    /// As long as any other, and with no timer of its own.
    Usual,
    /// The same, and the node knows of it.
    Noted,
    For(Duration),
    Until(Pin<Box<dyn Future<Output = ()> + Send>>),
    Forever,
}

/// How long a call waits unless told otherwise, as in OTP.
const USUAL: Duration = Duration::from_secs(5);

impl<T: Send + 'static> Call<T> {
    pub(super) fn new(slot: Arc<Slot<T>>, node: Node) -> Call<T> {
        Call { slot, node, patience: Patience::Usual, question: None }
    }

    pub(super) fn standing(mut self, line: Arc<dyn Line>, ticket: u64) -> Call<T> {
        self.question = Some(Cast::standing(line, ticket));
        self
    }

    /// Waits for at most `patience`, counted from the next poll.
    pub fn within(mut self, patience: Duration) -> Call<T> {
        self.set_patience(Patience::For(patience));
        self
    }

    /// Waits as long as it takes: for an answer, or for the news that there will be none.
    pub fn forever(mut self) -> Call<T> {
        self.set_patience(Patience::Forever);
        self
    }

    fn set_patience(&mut self, patience: Patience) {
        if let Patience::Noted = std::mem::replace(&mut self.patience, patience) {
            self.slot.keep_own_time();
        }
    }
}

impl<T: Send + 'static> Future for Call<T> {
    type Output = Result<T, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if Current::is_doomed() {
            return Poll::Pending;
        }
        if let Poll::Ready(answer) = self.slot.poll(cx) {
            self.question = None;
            if let Err(CallError::Timeout) = answer {
                self.node.tally().timeout();
            }
            return Poll::Ready(answer);
        }
        // Only a call that has to wait needs to know how long.
        if let Patience::Usual = self.patience {
            self.patience = Patience::Noted;
            let slot: Arc<dyn Late> = Arc::clone(&self.slot) as _;
            self.node.wait(USUAL, Arc::downgrade(&slot));
        }
        if let Patience::For(patience) = self.patience {
            let clock = self.node.clock();
            self.patience = match clock.now().checked_add(patience) {
                Some(at) => Patience::Until(clock.sleep_until(at)),
                None => Patience::Forever,
            };
        }
        if let Patience::Until(timer) = &mut self.patience
            && timer.as_mut().poll(cx).is_ready()
        {
            self.slot.leave();
            self.question = None;
            self.node.tally().timeout();
            return Poll::Ready(Err(CallError::Timeout));
        }
        Poll::Pending
    }
}

impl<T: Send + 'static> Drop for Call<T> {
    fn drop(&mut self) {
        self.slot.leave();
    }
}

impl<T: Send + 'static> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Call")
    }
}
