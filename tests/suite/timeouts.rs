//! The default timeout of a call: five seconds, on a shared timer.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use greenroom::{Task, prelude::*};
use tokio::time::Instant;

use crate::scripted::{idle, settle};

/// tokio's clock. Counts the timers that are created.
struct Counting(Arc<AtomicU32>);

impl greenroom::Clock for Counting {
    fn now(&self) -> std::time::Instant {
        Instant::now().into_std()
    }

    fn sleep_until(&self, at: std::time::Instant) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(tokio::time::sleep_until(at.into()))
    }
}

struct Tokio;

impl greenroom::Spawner for Tokio {
    fn spawn(&self, task: Task) {
        tokio::spawn(task);
    }
}

#[greenroom::test]
async fn a_call_without_a_timeout_waits_for_5_s_and_a_tenth_more_at_most() {
    let callee = idle().spawn();
    for millisecond in (0..300).step_by(7) {
        tokio::time::sleep(Duration::from_millis(millisecond)).await;
        let begin = Instant::now();
        assert_eq!(callee.ask().await, Err(CallErrorKind::Timeout.into()));
        let waited = begin.elapsed().as_millis();
        assert!((5_000..=5_100).contains(&waited), "{waited} ms");
    }
}

#[greenroom::test]
async fn calls_with_the_default_timeout_share_their_timers() {
    let timers = Arc::new(AtomicU32::new(0));
    let node = Node::local_on(Tokio, Counting(Arc::clone(&timers)));
    let callee = node.spawn(idle());
    let begin = Instant::now();
    let calls: Vec<_> = (0..1_000).map(|_| tokio::spawn(callee.ask())).collect();
    settle().await;
    assert!(timers.load(Ordering::Relaxed) <= 8, "{timers:?}");
    for call in calls {
        assert_eq!(call.await.unwrap(), Err(CallErrorKind::Timeout.into()));
    }
    assert!((5_000..=5_100).contains(&begin.elapsed().as_millis()));
    assert!(timers.load(Ordering::Relaxed) <= 8, "{timers:?}");
}

#[greenroom::test]
async fn a_call_whose_timeout_is_changed_keeps_the_last_one() {
    let callee = idle().spawn();
    for (timeout, expected) in [(Duration::from_secs(2), 2_000), (Duration::from_secs(20), 20_000)] {
        let mut call = callee.ask();
        // The default timeout starts at the first poll.
        let early = std::future::poll_fn(|cx| std::task::Poll::Ready(Pin::new(&mut call).poll(cx).is_pending()));
        assert!(early.await);
        let begin = Instant::now();
        assert_eq!(call.within(timeout).await, Err(CallErrorKind::Timeout.into()));
        assert_eq!(begin.elapsed().as_millis(), expected);
    }
}
