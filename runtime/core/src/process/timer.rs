//! Timers that send a message.
//!
//! A timer is a task that sleeps. The process that set it owns it: the process's end takes the message out of the timer and
//! wakes its task, which then ends. So neither a task nor a message outlives the process.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::sync::Notify;

use crate::sync::{Mutex, PoisonError};

/// A timer that sends a message; from [`send_after`](crate::Mailbox::send_after) or
/// [`send_after_to`](crate::Mailbox::send_after_to).
///
/// Dropping the handle does not cancel the timer. As in OTP's
/// [`erlang:send_after`](https://www.erlang.org/doc/apps/erts/erlang.html#send_after/3), a timer ends with its process.
#[derive(Clone)]
pub struct Timer {
    state: Arc<State>,
}

struct State {
    /// Sends the message. `None` once the timer has fired, was cancelled, or its process has ended.
    send: Mutex<Option<Send>>,
    cancelled: Notify,
}

pub(super) type Send = Box<dyn FnOnce() + std::marker::Send>;

impl Timer {
    pub(super) fn new(send: Send) -> Timer {
        Timer { state: Arc::new(State { send: Mutex::new(Some(send)), cancelled: Notify::new() }) }
    }

    /// Cancels the timer and drops its message. Returns `true` if the message will not be sent, `false` if it was sent, the
    /// timer was already cancelled, or its process has ended.
    ///
    /// A message that was sent may still wait in the mailbox.
    pub fn cancel(&self) -> bool {
        self.take().is_some()
    }

    /// Ends the timer and its task. Returns the message, for the caller to drop outside of locks.
    pub(super) fn take(&self) -> Option<impl Sized + use<>> {
        let send = self.finish();
        if send.is_some() {
            self.state.cancelled.notify_one();
        }
        send
    }

    /// Waits until `sleep` is over or the timer is cancelled.
    pub(super) async fn elapse(&self, sleep: impl Future<Output = ()>) {
        let (mut cancelled, mut sleep) = (pin!(self.state.cancelled.notified()), pin!(sleep));
        poll_fn(|cx| {
            if cancelled.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            sleep.as_mut().poll(cx)
        })
        .await;
    }

    /// Takes out the function that sends the message, if it is still there.
    pub(super) fn finish(&self) -> Option<Send> {
        self.state.send.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn is_done(&self) -> bool {
        self.state.send.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_done() { "Timer(done)" } else { "Timer(running)" })
    }
}
