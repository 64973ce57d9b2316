use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use crate::base::CastError;
use crate::node::{Current, Line};

/// A message that has taken its place.
///
/// Drop it, as Erlang's `!`, or `.await?` it to feel back-pressure: towards another node it resolves when the
/// connection's queue is below its high-water mark, before a full mailbox (`overflow = wait`) when the message is
/// in. Cancel-safe; but a message that still stands in line is withdrawn, and counted, if its cast is dropped.
pub struct Cast {
    // Nothing if it is in, which nearly all are at once: then there is nothing to make, to hand on or to drop.
    state: Option<Box<State>>,
}

enum State {
    Failed(CastError),
    /// It is in the queue of a connection that has more than it can send.
    Pressed(Pin<Box<dyn Future<Output = ()> + Send>>),
    Standing(Standing),
}

/// It stands in line before a full mailbox.
struct Standing {
    line: Arc<dyn Line>,
    ticket: u64,
}

impl Cast {
    /// It is in.
    #[inline]
    pub(super) fn sent() -> Cast {
        Cast { state: None }
    }

    pub(super) fn failed(error: CastError) -> Cast {
        Cast { state: Some(Box::new(State::Failed(error))) }
    }

    pub(super) fn pressed(pressure: Pin<Box<dyn Future<Output = ()> + Send>>) -> Cast {
        Cast { state: Some(Box::new(State::Pressed(pressure))) }
    }

    pub(super) fn standing(line: Arc<dyn Line>, ticket: u64) -> Cast {
        Cast { state: Some(Box::new(State::Standing(Standing { line, ticket }))) }
    }
}

impl Future for Cast {
    type Output = Result<(), CastError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if Current::is_doomed() {
            return Poll::Pending;
        }
        let outcome = match self.state.as_deref_mut() {
            None => Ok(()),
            Some(State::Failed(error)) => Err(error.clone()),
            Some(State::Pressed(pressure)) => {
                ready!(pressure.as_mut().poll(cx));
                Ok(())
            }
            Some(State::Standing(Standing { line, ticket })) => ready!(line.poll_admitted(*ticket, cx)),
        };
        self.state = None;
        Poll::Ready(outcome)
    }
}

impl Drop for Cast {
    // Part of whoever sends: nearly always there is nothing to do.
    #[inline]
    fn drop(&mut self) {
        if let Some(state) = self.state.take() {
            give_up(state);
        }
    }
}

#[cold]
fn give_up(state: Box<State>) {
    drop(state);
}

impl Drop for Standing {
    fn drop(&mut self) {
        self.line.withdraw(self.ticket);
    }
}

impl fmt::Debug for Cast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state.as_deref() {
            None => "Cast(sent)",
            Some(State::Failed(_)) => "Cast(failed)",
            Some(State::Pressed(_) | State::Standing(_)) => "Cast(waiting)",
        })
    }
}
