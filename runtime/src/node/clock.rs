use std::future::Future;
use std::pin::Pin;
use std::time::Instant;

/// Where a node takes its time from, so that a test can hold it still.
pub trait Clock: Send + Sync + 'static {
    /// What time it is.
    fn now(&self) -> Instant;

    /// Resolves when it is `at`, or at once if that has passed.
    fn sleep_until(&self, at: Instant) -> Pin<Box<dyn Future<Output = ()> + Send>>;
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
