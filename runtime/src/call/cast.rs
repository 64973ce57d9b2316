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
    state: State,
}

enum State {
    Over(Result<(), CastError>),
    /// It is in the queue of a connection that has more than it can send.
    Pressed(Pin<Box<dyn Future<Output = ()> + Send>>),
    /// It stands in line before a full mailbox.
    Standing(Arc<dyn Line>, u64),
    /// The outcome has been told.
    Told,
}

impl Cast {
    #[inline]
    pub(super) fn over(outcome: Result<(), CastError>) -> Cast {
        Cast { state: State::Over(outcome) }
    }

    pub(super) fn pressed(pressure: Pin<Box<dyn Future<Output = ()> + Send>>) -> Cast {
        Cast { state: State::Pressed(pressure) }
    }

    pub(super) fn standing(line: Arc<dyn Line>, ticket: u64) -> Cast {
        Cast { state: State::Standing(line, ticket) }
    }
}

impl Future for Cast {
    type Output = Result<(), CastError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if Current::is_doomed() {
            return Poll::Pending;
        }
        let outcome = match &mut self.state {
            State::Over(outcome) => outcome.clone(),
            State::Pressed(pressure) => {
                ready!(pressure.as_mut().poll(cx));
                Ok(())
            }
            State::Standing(line, ticket) => ready!(line.poll_admitted(*ticket, cx)),
            State::Told => return Poll::Pending,
        };
        self.state = State::Told;
        Poll::Ready(outcome)
    }
}

impl Drop for Cast {
    #[inline]
    fn drop(&mut self) {
        if let State::Standing(line, ticket) = &self.state {
            line.withdraw(*ticket);
        }
    }
}

impl fmt::Debug for Cast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::Over(Ok(())) | State::Told => "Cast(sent)",
            State::Over(Err(_)) => "Cast(failed)",
            State::Pressed(_) | State::Standing(..) => "Cast(waiting)",
        })
    }
}
