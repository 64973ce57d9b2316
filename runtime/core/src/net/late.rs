//! A driver that two threads may poll: the one of its task, and the watchdog's while the task is late.
//!
//! A task is late if its thread is occupied, or if user code occupies every thread of the runtime. A task that a process
//! has woken last also waits for that process: tokio keeps it in a slot of the process's thread, from which no other
//! thread takes it. Without the watchdog, the peer would receive neither frames nor ticks meanwhile, and would take this
//! node for dead.
//!
//! The watchdog runs the same turns as the task, under the same lock. It reads and writes the stream also while the
//! runtime's reactor does not run. A waker that it leaves in the stream or the outbox is that of the task.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::driver::{Driver, Reaction};
use super::{BoxedStream, Closed, Outbox};
use crate::observe::ConnectionMeter;
use crate::sched::Clock;
use crate::session::{Event, Session};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// Returns the future that runs `session` over `stream` until it is over, and passes each event to `sink`.
///
/// `meter` counts the bytes in both directions. The frames in `outbox` are sent once the session is up. The connection
/// is closed in order when the outbox is closed, or when `sink` breaks; after that `sink` is not called again. `sink` is
/// dropped when the connection is over, or the future is dropped.
pub(crate) fn drive<F: FnMut(Event) -> Reaction + Send + 'static>(
    stream: BoxedStream,
    session: Session,
    outbox: Arc<Outbox>,
    sink: F,
    clock: Arc<dyn Clock>,
    meter: Arc<ConnectionMeter>,
) -> Drive<F> {
    let driver = Driver::new(stream, session, outbox, sink, clock, meter);
    let tick_nanos = AtomicU64::new(nanos(driver.tick()));
    let state = State { driver: Some(driver), closed: None, task: None };
    Drive { shared: Arc::new(Shared { state: Mutex::new(state), polls: AtomicU64::new(0), tick_nanos }) }
}

fn nanos(tick: Duration) -> u64 {
    u64::try_from(tick.as_nanos()).unwrap_or(u64::MAX)
}

/// The future of one connection. It resolves with the reason of the connection's end.
pub(crate) struct Drive<F> {
    shared: Arc<Shared<F>>,
}

/// A driver whose task may be late.
pub(crate) trait LateDriver: Send + Sync {
    /// Returns the number of polls by the driver's task.
    fn polls(&self) -> u64;

    /// Returns the tick of the connection, on which the two nodes have agreed.
    fn tick(&self) -> Duration;

    /// Takes turns in place of the task, unless that does so now. Returns `true` if they have made
    /// progress.
    fn drive_late(&self) -> bool;
}

struct Shared<F> {
    state: Mutex<State<F>>,
    polls: AtomicU64,
    tick_nanos: AtomicU64,
}

struct State<F> {
    driver: Option<Driver<F>>,
    /// The reason of an end that the watchdog has found.
    closed: Option<Closed>,
    task: Option<Waker>,
}

impl<F: FnMut(Event) -> Reaction + Send + 'static> Drive<F> {
    /// Returns the driver, for the watchdog.
    pub(crate) fn late(&self) -> Weak<dyn LateDriver> {
        let shared: Arc<dyn LateDriver> = Arc::clone(&self.shared) as _;
        Arc::downgrade(&shared)
    }
}

impl<F: FnMut(Event) -> Reaction + Send> Future for Drive<F> {
    type Output = Closed;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Closed> {
        let mut state = self.shared.lock();
        // Only the task writes it.
        self.shared.polls.store(self.shared.polls.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        if !state.task.as_ref().is_some_and(|task| task.will_wake(cx.waker())) {
            state.task = Some(cx.waker().clone());
        }
        let closed = match (state.closed.take(), &mut state.driver) {
            (Some(closed), _) => closed,
            (None, Some(driver)) => match driver.poll(cx) {
                Poll::Ready(closed) => closed,
                Poll::Pending => {
                    self.shared.tick_nanos.store(nanos(driver.tick()), Ordering::Relaxed);
                    return Poll::Pending;
                }
            },
            (None, None) => return Poll::Pending,
        };
        let driver = state.driver.take();
        drop(state);
        drop(driver);
        Poll::Ready(closed)
    }
}

impl<F> Drop for Drive<F> {
    fn drop(&mut self) {
        // The watchdog may have a clone of `shared`.
        let driver = self.shared.lock().driver.take();
        drop(driver);
    }
}

impl<F: FnMut(Event) -> Reaction + Send> LateDriver for Shared<F> {
    fn polls(&self) -> u64 {
        self.polls.load(Ordering::Relaxed)
    }

    fn tick(&self) -> Duration {
        Duration::from_nanos(self.tick_nanos.load(Ordering::Relaxed))
    }

    fn drive_late(&self) -> bool {
        let Ok(mut state) = self.state.try_lock() else { return false };
        let State { driver: Some(driver), closed: closed @ None, task: Some(task) } = &mut *state else { return false };
        let task = task.clone();
        // A panic in a driver ends its connection, as it does in the connection's own task.
        match catch_unwind(AssertUnwindSafe(|| driver.poll_late(&mut Context::from_waker(&task)))) {
            Ok(Poll::Pending) => return driver.has_progressed(),
            Ok(Poll::Ready(reason)) => *closed = Some(reason),
            Err(_) => *closed = Some(Closed::Aborted),
        }
        drop(state);
        task.wake();
        true
    }
}

impl<F> Shared<F> {
    // A driver that has panicked is dropped and not polled again.
    fn lock(&self) -> MutexGuard<'_, State<F>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
