use std::sync::Arc;

use tokio::sync::Notify;

use crate::sync::atomic::{AtomicBool, Ordering};

/// A message that is still to come; from [`send_after`](crate::Mailbox::send_after).
///
/// Dropping it changes nothing: the message comes all the same.
#[derive(Clone, Debug)]
pub struct Timer {
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    over: AtomicBool,
    cancelled: Notify,
}

impl Timer {
    pub(crate) fn new() -> Timer {
        Timer { state: Arc::default() }
    }

    /// Takes the message back; whether that was in time.
    pub fn cancel(&self) -> bool {
        let in_time = self.finish();
        if in_time {
            self.state.cancelled.notify_one();
        }
        in_time
    }

    /// Ends the timer; `false` if it was over already.
    pub(crate) fn finish(&self) -> bool {
        !self.state.over.swap(true, Ordering::AcqRel)
    }

    pub(crate) async fn cancelled(&self) {
        self.state.cancelled.notified().await;
    }
}
