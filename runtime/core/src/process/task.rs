use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;

use super::end::{end, fail};
use super::flags::NEW;
use super::{Cell, catch};
use crate::base::{CallError, Exit, Protocol};
use crate::node::{Current, Resident};
use crate::observe::{DeadlockCheck, Probe};

pin_project! {
    /// The future around a process's own. As small as can be, since it is part of every process's task.
    pub(crate) struct ProcessTask<M: Protocol, F> {
        // A `Cell<M>`. Lent to the thread, as its current process, during each poll, and as the thread knows it: to find out
        // each time what it is would cost more than a word.
        cell: Option<Arc<dyn Resident>>,
        number: u64,
        #[pin]
        body: Option<F>,
        _protocol: PhantomData<fn() -> M>,
    }

    // Reached with a body only if the runtime goes down with the process in it.
    impl<M: Protocol, F> PinnedDrop for ProcessTask<M, F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if this.body.is_some() && let Some(cell) = this.cell.take() {
                end::<M, F>(typed(cell), *this.number, this.body, None, Exit::Killed);
            }
        }
    }
}

impl<M: Protocol, F: Future<Output = Exit> + Send + 'static> ProcessTask<M, F> {
    /// Lets the process that has moved into `cell` run.
    pub(crate) fn spawn(cell: &Arc<Cell<M>>, number: u64, body: F) {
        let life = ProcessTask::<M, F> { cell: Some(cell.clone()), number, body: Some(body), _protocol: PhantomData };
        cell.node().spawner().spawn_as(life, |life| Box::pin(Wandering { task: None, life }));
    }
}

impl<M: Protocol, F: Future<Output = Exit>> Future for ProcessTask<M, F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let size = size_of::<Self>();
        let mut this = self.project();
        let Some(body) = this.body.as_mut().as_pin_mut() else { return Poll::Ready(()) };
        let number = *this.number;
        let mut vote = None;
        if !Current::begin(this.cell, number, false) {
            let Some(cell) = this.cell.clone().map(typed::<M>) else { return Poll::Ready(()) };
            if cell.flags.get() & NEW != 0 {
                settle(&cell, cx.waker(), size);
            }
            if let Some(reason) = cell.doom() {
                *this.cell = None;
                end::<M, F>(cell, number, this.body, None, reason);
                return Poll::Ready(());
            }
            vote = Vote::new(&cell, cx.waker());
            Current::begin(this.cell, number, true);
        }
        let waker = vote.as_ref().map_or(cx.waker(), |vote| vote.probe.waker());
        // What is not there need not be moved: nearly every poll leaves the process waiting, and noted nothing.
        let (mut returned, mut notes) = (None, None);
        turn(body, waker, &mut returned);
        Current::end(this.cell, number, &mut notes);
        // Whoever was told to end meanwhile is awake, and ends in its next turn. But callers that it left hear why.
        let dropped = notes.map(|notes| {
            let (dropped, crash) = notes.into_parts();
            returned = returned.take().or(crash.map(Err));
            dropped
        });
        let Some(cell) = this.cell.take_if(|cell| returned.is_some() || (dropped.is_some() && cell.is_doomed())) else {
            if let Some(dropped) = dropped {
                fail(dropped, &CallError::Dropped);
            }
            if let Some(vote) = vote {
                vote.cast(number);
            }
            // What a process does puts back what it found, so it is its own.
            return if this.cell.is_some() { Poll::Pending } else { Poll::Ready(()) };
        };
        let cell = typed::<M>(cell);
        let reason = match returned {
            Some(Err(panic)) => panic,
            // What was decided before it returned counts; a panic is never hidden by it.
            Some(Ok(reason)) => cell.doom().unwrap_or(reason),
            None => cell.doom().unwrap_or(Exit::Killed),
        };
        end::<M, F>(cell, number, this.body, dropped, reason);
        Poll::Ready(())
    }
}

/// The cell of a life, with its protocol.
fn typed<M: Protocol>(cell: Arc<dyn Resident>) -> Arc<Cell<M>> {
    match cell.into_any().downcast() {
        Ok(cell) => cell,
        Err(_) => unreachable!("a life begins in a cell of its protocol"),
    }
}

/// One poll of a process's own future; a panic becomes a reason to end.
// Apart, since a panic looks for its place in a table of all that may unwind in a function, from the top: the smaller the
// function, the sooner it is through.
#[inline(never)]
fn turn<F: Future<Output = Exit>>(body: Pin<&mut F>, waker: &Waker, returned: &mut Option<Result<Exit, Exit>>) {
    let poll = || match body.poll(&mut Context::from_waker(waker)) {
        Poll::Ready(reason) => *returned = Some(Ok(reason)),
        Poll::Pending => {}
    };
    if let Err(panic) = catch(poll) {
        *returned = Some(Err(panic));
    }
}

/// A poll that tells what the process waits for, for those who ask.
struct Vote {
    inquiries: Vec<Arc<DeadlockCheck>>,
    probe: Probe,
}

impl Vote {
    /// If anybody asks.
    fn new<M: Protocol>(cell: &Cell<M>, waker: &Waker) -> Option<Box<Vote>> {
        let inquiries = cell.inquiries();
        let asked = !inquiries.is_empty();
        asked.then(|| Box::new(Vote { inquiries, probe: Probe::new(waker) }))
    }

    fn cast(&self, number: u64) {
        self.inquiries.iter().for_each(|inquiry| inquiry.vote(number, &self.probe));
    }
}

/// A process's first turn, or the first by this waker: by it, it is woken from now on.
#[cold]
fn settle<M: Protocol>(cell: &Cell<M>, waker: &Waker, size: usize) {
    if cell.set_task(waker, size) {
        cell.flags.clear(NEW);
    } else {
        // Somebody is just waking the task as it was: once more, then.
        waker.wake_by_ref();
    }
}

pin_project! {
    /// A life that may be polled with another waker each time.
    struct Wandering<M: Protocol, F> {
        task: Option<Waker>,
        #[pin]
        life: ProcessTask<M, F>,
    }
}

impl<M: Protocol, F: Future<Output = Exit>> Future for Wandering<M, F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if !this.task.as_ref().is_some_and(|task| task.will_wake(cx.waker())) {
            *this.task = Some(cx.waker().clone());
            if let Some(cell) = &this.life.cell {
                typed::<M>(cell.clone()).flags.set(NEW);
            }
        }
        this.life.poll(cx)
    }
}
