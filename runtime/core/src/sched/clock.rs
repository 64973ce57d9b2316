use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::{Duration, Instant};

/// Where a node takes its time from, so that a test can hold it still.
pub trait Clock: Send + Sync + 'static {
    /// What time it is.
    fn now(&self) -> Instant;

    /// Resolves when it is `at`, or at once if that has passed.
    fn sleep_until(&self, at: Instant) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

impl dyn Clock {
    /// Awaits `future` for at most `patience`; `None` if that was not enough.
    pub(crate) async fn within<F: Future>(&self, patience: Option<Duration>, future: F) -> Option<F::Output> {
        // A deadline beyond what a clock can say is none.
        let deadline = patience.and_then(|patience| self.now().checked_add(patience));
        let mut late = deadline.map(|at| self.sleep_until(at));
        let mut future = pin!(future);
        poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
            match &mut late {
                Some(late) => late.as_mut().poll(cx).map(|()| None),
                None => Poll::Pending,
            }
        })
        .await
    }
}

/// tokio's clock: the real one, or the paused one of `#[greenroom::test]`.
pub(crate) struct TokioClock;

impl Clock for TokioClock {
    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn sleep_until(&self, at: Instant) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep_until(tokio::time::Instant::from_std(at)))
    }
}
