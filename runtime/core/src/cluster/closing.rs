//! The stop of a node's connections, which all their tasks await. It is complete when all of them have ended.
//!
//! The tasks wake in the order in which they began to wait, so that a seed repeats the steps of a stop. The receivers of
//! tokio's `watch` wake in a random order.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The request to all tasks to stop. A drop is one, too.
pub(super) struct Closing(Arc<Shared>);

/// The part of one task, which holds it until its end.
pub(super) struct ClosingPart(Arc<Shared>);

#[derive(Default)]
struct Shared {
    is_closing: AtomicBool,
    begun: Notify,
    tasks: AtomicUsize,
    ended: Notify,
}

impl Closing {
    pub(super) fn new() -> Closing {
        Closing(Arc::default())
    }

    /// Returns the part of one more task.
    pub(super) fn subscribe(&self) -> ClosingPart {
        ClosingPart::of(&self.0)
    }

    /// Requests that all tasks stop.
    pub(super) fn begin(&self) {
        self.0.is_closing.store(true, Ordering::SeqCst);
        self.0.begun.notify_waiters();
    }

    /// Waits until no task has a part.
    pub(super) async fn complete(&self) {
        wait_until(&self.0.ended, || self.0.tasks.load(Ordering::SeqCst) == 0).await;
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        self.begin();
    }
}

impl ClosingPart {
    fn of(shared: &Arc<Shared>) -> ClosingPart {
        shared.tasks.fetch_add(1, Ordering::SeqCst);
        ClosingPart(Arc::clone(shared))
    }

    /// Returns `true` once the tasks are to stop.
    pub(super) fn has_begun(&self) -> bool {
        self.0.is_closing.load(Ordering::SeqCst)
    }

    /// Resolves when the tasks are to stop.
    pub(super) async fn begun(&self) {
        wait_until(&self.0.begun, || self.has_begun()).await;
    }
}

impl Clone for ClosingPart {
    fn clone(&self) -> ClosingPart {
        ClosingPart::of(&self.0)
    }
}

impl Drop for ClosingPart {
    fn drop(&mut self) {
        if self.0.tasks.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.ended.notify_waiters();
        }
    }
}

/// Waits until the condition holds, which `notify` signals.
pub(super) async fn wait_until(notify: &Notify, condition: impl Fn() -> bool) {
    loop {
        let mut notified = std::pin::pin!(notify.notified());
        // From here on a notification is not missed.
        notified.as_mut().enable();
        if condition() {
            return;
        }
        notified.await;
    }
}

#[cfg(test)]
mod tests {
    use crate::sync::Mutex;

    use super::*;

    #[tokio::test]
    async fn tasks_stop_in_the_order_of_their_waits_and_the_stop_completes_with_the_last() {
        let (closing, order) = (Closing::new(), Arc::new(Mutex::new(Vec::new())));
        for number in 0..50 {
            let (part, order) = (closing.subscribe(), Arc::clone(&order));
            tokio::spawn(async move {
                part.clone().begun().await;
                order.lock().unwrap().push(number);
                tokio::task::yield_now().await;
                assert!(part.has_begun());
            });
        }
        tokio::task::yield_now().await;
        assert!(order.lock().unwrap().is_empty());
        closing.begin();
        closing.complete().await;
        assert!(order.lock().unwrap().iter().copied().eq(0..50));
        // A task that begins late, and one whose node is gone.
        let late = closing.subscribe();
        late.begun().await;
        drop(closing);
        late.begun().await;
    }
}
