//! Timers that send a message to their own process.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::sync::atomic::{AtomicBool, Ordering};

/// A timer that sends a message to its own process; from [`send_after`](crate::Mailbox::send_after).
///
/// Dropping the handle does not cancel the timer. As in OTP's
/// [`erlang:send_after`](https://www.erlang.org/doc/apps/erts/erlang.html#send_after/3).
#[derive(Clone, Debug)]
pub struct Timer {
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The timer has fired or was cancelled.
    is_done: AtomicBool,
    cancelled: Notify,
}

impl Timer {
    pub(crate) fn new() -> Timer {
        Timer { state: Arc::default() }
    }

    /// Cancels the timer. Returns `true` if the message will not be sent, `false` if it was sent or the timer was
    /// already cancelled.
    ///
    /// A message that was sent may still wait in the mailbox.
    pub fn cancel(&self) -> bool {
        let in_time = self.finish();
        if in_time {
            self.state.cancelled.notify_one();
        }
        in_time
    }

    /// Marks the timer as done; returns `false` if it was done already.
    pub(crate) fn finish(&self) -> bool {
        !self.state.is_done.swap(true, Ordering::AcqRel)
    }

    /// Resolves when the timer is cancelled. Cancel-safe.
    pub(crate) async fn cancelled(&self) {
        self.state.cancelled.notified().await;
    }
}
