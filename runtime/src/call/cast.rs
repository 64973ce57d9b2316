use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::base::CastError;
use crate::node::Current;

/// A message that has taken its place.
///
/// Drop it, as Erlang's `!`, or `.await?` it to feel back-pressure: towards another node it resolves when the
/// connection's queue is below its high-water mark. Cancel-safe: the message is on its way already.
pub struct Cast {
    outcome: Option<Result<(), CastError>>,
    pressure: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Cast {
    pub(super) fn failed(error: CastError) -> Cast {
        Cast { outcome: Some(Err(error)), pressure: None }
    }

    pub(super) fn sent(pressure: Option<Pin<Box<dyn Future<Output = ()> + Send>>>) -> Cast {
        Cast { outcome: Some(Ok(())), pressure }
    }
}

impl Future for Cast {
    type Output = Result<(), CastError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if Current::is_doomed() {
            return Poll::Pending;
        }
        if let Some(pressure) = &mut self.pressure {
            ready!(pressure.as_mut().poll(cx));
            self.pressure = None;
        }
        match self.outcome.take() {
            Some(outcome) => Poll::Ready(outcome),
            None => Poll::Pending,
        }
    }
}

impl fmt::Debug for Cast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cast").field("outcome", &self.outcome).finish_non_exhaustive()
    }
}
