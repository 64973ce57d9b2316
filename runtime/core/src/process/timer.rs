//! Timers that send a message.
//!
//! A timer is a task that sleeps. The process that set it owns it: the process's end takes the message out of the timer and
//! wakes its task, which then ends. So neither a task nor a message outlives the process.

#[cfg(feature = "upgrade")]
use std::any::Any;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::Instant;

use tokio::sync::Notify;

#[cfg(feature = "upgrade")]
use crate::base::Protocol;
#[cfg(feature = "serde")]
use crate::base::{Deserialize, Deserializer, Serialize, Serializer};
#[cfg(feature = "upgrade")]
use crate::node::{AnyHandle, Current};
use crate::sync::{Mutex, MutexGuard, PoisonError};

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
    send: Mutex<Option<Box<dyn Send>>>,
    cancelled: Notify,
    /// The key of the timer in its process.
    id: OnceLock<u64>,
    /// The time at which it fires; not set if that is beyond the range of the clock.
    due: OnceLock<Instant>,
}

/// The sending of a message by a timer.
pub(super) trait Send: std::marker::Send {
    fn send(self: Box<Self>);

    /// Returns the message, if it is for the timer's own process.
    #[cfg(feature = "upgrade")]
    fn message(&self) -> Option<&dyn Any> {
        None
    }
}

impl<F: FnOnce() + std::marker::Send> Send for F {
    fn send(self: Box<Self>) {
        self();
    }
}

impl Timer {
    /// Creates a timer that does not run, and sends nothing.
    pub(super) fn done() -> Timer {
        let state =
            State { send: Mutex::new(None), cancelled: Notify::new(), id: OnceLock::new(), due: OnceLock::new() };
        Timer { state: Arc::new(state) }
    }

    /// Sets the sending of the message, and the time for it. Only once.
    pub(super) fn set(&self, due: Option<Instant>, send: Box<dyn Send>) {
        if let Some(due) = due {
            // Not set before.
            let _ = self.state.due.set(due);
        }
        *self.lock() = Some(send);
    }

    /// Sets the key of the timer in its process. Only once.
    pub(super) fn set_id(&self, id: u64) {
        // Not set before.
        let _ = self.state.id.set(id);
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.state.due.get().copied()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Box<dyn Send>>> {
        self.state.send.lock().unwrap_or_else(PoisonError::into_inner)
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
    pub(super) fn finish(&self) -> Option<Box<dyn Send>> {
        self.lock().take()
    }

    fn is_done(&self) -> bool {
        self.lock().is_none()
    }
}

#[cfg(feature = "upgrade")]
impl Timer {
    pub(crate) fn id(&self) -> Option<u64> {
        self.state.id.get().copied()
    }

    /// Calls `f` with the message, if it is for the timer's own process and was not sent.
    pub(super) fn with_message<M: Protocol, R>(&self, f: impl FnOnce(&M) -> R) -> Option<R> {
        let send = self.lock();
        send.as_ref()?.message()?.downcast_ref().map(f)
    }

    /// Creates the timer with this key of a process that was handed over. It sends nothing yet.
    pub(crate) fn again(id: u64) -> Timer {
        let timer = Timer::done();
        timer.set_id(id);
        timer
    }

    /// Returns the timer as a handle of its process.
    pub(crate) fn to_handle(&self) -> AnyHandle {
        Arc::clone(&self.state) as AnyHandle
    }
}

/// The key of the timer in its process. It means the same timer only in the state of a process which continues in the
/// successor of its node. Anywhere else, the bytes are those of a timer that has fired.
#[cfg(feature = "serde")]
impl Serialize for Timer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.state.id.get().serialize(serializer)
    }
}

#[cfg(feature = "serde")]
impl<'de> Deserialize<'de> for Timer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Timer, D::Error> {
        let id = Option::<u64>::deserialize(deserializer)?;
        #[cfg(feature = "upgrade")]
        if let Some(state) = id.and_then(Current::handle).and_then(|handle| handle.downcast().ok()) {
            return Ok(Timer { state });
        }
        let _ = id;
        Ok(Timer::done())
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_done() { "Timer(done)" } else { "Timer(running)" })
    }
}
