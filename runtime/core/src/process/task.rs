//! The task of a process: the future around the process's own future.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;

use super::cell::end;
use super::cell::flags::NO_WAKER;
use super::{Cell, catch, fail_callers};
use crate::base::{CallErrorKind, Exit, Protocol};
use crate::node::{AnyCell, Current, Inspect};
use crate::observe::{DeadlockCheck, WakerProbe};

pin_project! {
    /// The future around a process's own future. For each poll it sets the current process and catches panics; it acts
    /// on exit signals and, at the end, runs [`end`].
    ///
    /// It is part of every process's memory, so it is kept small.
    pub(crate) struct ProcessTask<M: Protocol, F> {
        // A `Cell<M>`. During each poll the thread holds it as its current process, with this type. To look up the vtable
        // anew for each poll would cost more than this word.
        cell: Option<Arc<dyn AnyCell>>,
        number: u64,
        #[pin]
        future: Option<F>,
        _protocol: PhantomData<fn() -> M>,
    }

    // The future is still there only if the runtime shuts down before the process has ended.
    impl<M: Protocol, F> PinnedDrop for ProcessTask<M, F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if this.future.is_some() && let Some(cell) = this.cell.take() {
                end::<M, F>(downcast(cell), *this.number, this.future, None, Exit::Killed);
            }
        }
    }
}

impl<M: Protocol, F: Future<Output = Exit> + Send + 'static> ProcessTask<M, F> {
    /// Spawns the task of the process with this number, which occupies `cell`.
    pub(crate) fn spawn(cell: &Arc<Cell<M>>, number: u64, future: F) {
        let task =
            ProcessTask::<M, F> { cell: Some(cell.clone()), number, future: Some(future), _protocol: PhantomData };
        let name = || cell.type_and_line().0;
        cell.node().spawner().spawn_process(name, task, |task| Box::pin(MovableTask { waker: None, task }));
    }
}

impl<M: Protocol, F: Future<Output = Exit>> Future for ProcessTask<M, F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let size = size_of::<Self>();
        let mut this = self.project();
        let Some(future) = this.future.as_mut().as_pin_mut() else { return Poll::Ready(()) };
        let number = *this.number;
        let mut confirmation = None;
        if !Current::begin(this.cell, number, false) {
            let Some(cell) = this.cell.clone().map(downcast::<M>) else { return Poll::Ready(()) };
            if cell.flags.get() & NO_WAKER != 0 {
                set_waker(&cell, cx.waker(), size);
            }
            if let Some(reason) = cell.exit_reason() {
                *this.cell = None;
                end::<M, F>(cell, number, this.future, None, reason);
                return Poll::Ready(());
            }
            confirmation = Confirmation::new(&cell, cx.waker());
            Current::begin(this.cell, number, true);
        }
        let waker = confirmation.as_ref().map_or(cx.waker(), |confirmation| confirmation.probe.waker());
        // Out parameters: nearly every poll leaves the process waiting and without notes, so there is nothing to move.
        let (mut returned, mut notes) = (None, None);
        poll_future(future, waker, &mut returned);
        Current::end(this.cell, number, &mut notes);
        // An exit reason that was set during the poll has woken the task, which ends with its next poll. Only if callers
        // lost their replies in this poll does it end now, so that they receive the reason.
        let dropped = notes.map(|notes| {
            let (dropped, crash) = notes.into_parts();
            returned = returned.take().or(crash.map(Err));
            dropped
        });
        let ends = |cell: &mut Arc<dyn AnyCell>| returned.is_some() || (dropped.is_some() && cell.is_exiting());
        let Some(cell) = this.cell.take_if(ends) else {
            if let Some(dropped) = dropped {
                fail_callers(dropped, &CallErrorKind::Dropped);
            }
            if let Some(confirmation) = confirmation {
                confirmation.confirm(number);
            }
            // Code within the poll restores the thread's current process, so the cell is back by now.
            return if this.cell.is_some() { Poll::Pending } else { Poll::Ready(()) };
        };
        let cell = downcast::<M>(cell);
        let reason = match returned {
            // A panic is reported even if an exit reason was set before.
            Some(Err(panic)) => panic,
            Some(Ok(reason)) => cell.exit_reason().unwrap_or(reason),
            None => cell.exit_reason().unwrap_or(Exit::Killed),
        };
        end::<M, F>(cell, number, this.future, dropped, reason);
        Poll::Ready(())
    }
}

/// Returns the cell of a task with its protocol.
fn downcast<M: Protocol>(cell: Arc<dyn AnyCell>) -> Arc<Cell<M>> {
    match cell.into_any().downcast() {
        Ok(cell) => cell,
        Err(_) => unreachable!("a task is spawned with a cell of its protocol"),
    }
}

/// Polls a process's own future once; a panic becomes an exit reason.
// Out of line: unwinding searches the function's table of landing pads from the top, so a small function makes a panic
// cheaper.
#[inline(never)]
fn poll_future<F: Future<Output = Exit>>(
    future: Pin<&mut F>,
    waker: &Waker,
    returned: &mut Option<Result<Exit, Exit>>,
) {
    let poll = || match future.poll(&mut Context::from_waker(waker)) {
        Poll::Ready(reason) => *returned = Some(Ok(reason)),
        Poll::Pending => {}
    };
    if let Err(panic) = catch(poll) {
        *returned = Some(Err(panic));
    }
}

/// A poll that finds out, for pending deadlock checks, what the process waits for.
struct Confirmation {
    checks: Vec<Arc<DeadlockCheck>>,
    probe: WakerProbe,
}

impl Confirmation {
    /// Takes the pending checks; `None` if there are no pending checks.
    fn new<M: Protocol>(cell: &Cell<M>, waker: &Waker) -> Option<Box<Confirmation>> {
        let checks = cell.take_deadlock_checks();
        let pending = !checks.is_empty();
        pending.then(|| Box::new(Confirmation { checks, probe: WakerProbe::new(waker) }))
    }

    fn confirm(&self, number: u64) {
        self.checks.iter().for_each(|check| check.confirm(number, &self.probe));
    }
}

/// Sets the waker that wakes the process from now on.
#[cold]
fn set_waker<M: Protocol>(cell: &Cell<M>, waker: &Waker, size: usize) {
    if cell.set_task(waker, size) {
        cell.flags.clear(NO_WAKER);
    } else {
        // Another thread is calling the previous waker: try again in another poll.
        waker.wake_by_ref();
    }
}

pin_project! {
    /// A task that may be polled with another waker each time, as by a spawner that is not tokio's.
    struct MovableTask<M: Protocol, F> {
        waker: Option<Waker>,
        #[pin]
        task: ProcessTask<M, F>,
    }
}

impl<M: Protocol, F: Future<Output = Exit>> Future for MovableTask<M, F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if !this.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *this.waker = Some(cx.waker().clone());
            if let Some(cell) = &this.task.cell {
                downcast::<M>(cell.clone()).flags.set(NO_WAKER);
            }
        }
        this.task.poll(cx)
    }
}
