use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;

use super::{Cell, catch, discard, report};
use crate::base::{CallError, Exit, Protocol};
use crate::node::{Current, Inquiry, Probe, Resident, Unanswered};

pin_project! {
    /// The future around a process's own. As small as can be, since it is part of every process's task.
    pub(crate) struct Life<M: Protocol, F> {
        // A `Cell<M>`. Lent to the thread, as its current process, during each poll.
        cell: Option<Arc<dyn Resident>>,
        number: u64,
        // What wakes the process, as the cell knows it.
        task: Option<Waker>,
        #[pin]
        body: Option<F>,
        _protocol: PhantomData<fn() -> M>,
    }

    // Reached with a body only if the runtime goes down with the process in it.
    impl<M: Protocol, F> PinnedDrop for Life<M, F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if this.body.is_some() && let Some(cell) = this.cell.take() {
                end::<M, F>(cell, *this.number, this.body, Vec::new(), Exit::Killed);
            }
        }
    }
}

impl<M: Protocol, F: Future<Output = Exit>> Life<M, F> {
    pub(crate) fn new(cell: Arc<Cell<M>>, number: u64, body: F) -> Life<M, F> {
        Life { cell: Some(cell), number, task: None, body: Some(body), _protocol: PhantomData }
    }
}

impl<M: Protocol, F: Future<Output = Exit>> Future for Life<M, F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let size = size_of::<Self>();
        let mut this = self.project();
        let Some(body) = this.body.as_mut().as_pin_mut() else { return Poll::Ready(()) };
        let Some(cell) = this.cell.take() else { return Poll::Ready(()) };
        if !this.task.as_ref().is_some_and(|task| task.will_wake(cx.waker())) {
            *this.task = introduce::<M>(&cell, cx.waker(), size).or(this.task.take());
        }
        let mut asked = None;
        if cell.is_pressed() {
            if let Some(reason) = doom::<M>(&cell) {
                end::<M, F>(cell, *this.number, this.body, Vec::new(), reason);
                return Poll::Ready(());
            }
            asked = Asked::by_others::<M>(&cell, cx.waker());
        }
        let waker = asked.as_ref().map_or(cx.waker(), |asked| asked.probe.waker());
        // What is not there need not be moved: nearly every poll leaves the process waiting, and dropped no reply.
        let mut returned = None;
        let ran = Current::run(cell, *this.number, || {
            let poll = || match body.poll(&mut Context::from_waker(waker)) {
                Poll::Ready(reason) => returned = Some(Ok(reason)),
                Poll::Pending => {}
            };
            if let Err(panic) = catch(poll) {
                returned = Some(Err(panic));
            }
        });
        // What a process does puts back what it found, so it is its own.
        let Some(mut ran) = ran else { return Poll::Ready(()) };
        let mut dropped = ran.dropped();
        let cell = ran.resident;
        let reason = match returned {
            // What was decided before it returned counts; a panic is never hidden by it.
            Some(Ok(reason)) => doom::<M>(&cell).unwrap_or(reason),
            Some(Err(panic)) => panic,
            None => {
                if let Some(dropped) = dropped.take() {
                    fail(dropped, &CallError::Dropped);
                }
                let doom = if cell.is_doomed() { doom::<M>(&cell) } else { None };
                match doom {
                    Some(reason) => reason,
                    None => {
                        if let Some(asked) = asked {
                            asked.answer(*this.number);
                        }
                        *this.cell = Some(cell);
                        return Poll::Pending;
                    }
                }
            }
        };
        end::<M, F>(cell, *this.number, this.body, dropped.unwrap_or_default(), reason);
        Poll::Ready(())
    }
}

/// Tells the cell what wakes its process, and how large its task is. `None` if somebody is just waking the task that it was
/// before: then once more, at the next poll.
#[cold]
fn introduce<M: Protocol>(cell: &Arc<dyn Resident>, task: &Waker, size: usize) -> Option<Waker> {
    if typed::<M>(cell).set_task(task, size) {
        return Some(task.clone());
    }
    task.wake_by_ref();
    None
}

/// What others ask about the poll of a process.
struct Asked {
    inquiries: Vec<Arc<Inquiry>>,
    probe: Probe,
}

impl Asked {
    #[cold]
    fn by_others<M: Protocol>(cell: &Arc<dyn Resident>, task: &Waker) -> Option<Asked> {
        let inquiries = typed::<M>(cell).inquiries();
        (!inquiries.is_empty()).then(|| Asked { inquiries, probe: Probe::new(task) })
    }

    fn answer(&self, number: u64) {
        self.inquiries.iter().for_each(|inquiry| inquiry.vote(number, &self.probe));
    }
}

/// Why the process in this cell has to end, if it has.
fn doom<M: Protocol>(cell: &Arc<dyn Resident>) -> Option<Exit> {
    typed::<M>(cell).doom()
}

/// The cell of a life, with its protocol.
fn typed<M: Protocol>(cell: &Arc<dyn Resident>) -> Arc<Cell<M>> {
    match Resident::into_any(Arc::clone(cell)).downcast() {
        Ok(cell) => cell,
        Err(_) => unreachable!("a life begins in a cell of its protocol"),
    }
}

/// The end of a process, in the order that others may rely on. `dropped` are replies that it dropped in its last poll.
fn end<M: Protocol, F>(
    resident: Arc<dyn Resident>,
    number: u64,
    mut body: Pin<&mut Option<F>>,
    mut dropped: Vec<Arc<dyn Unanswered>>,
    reason: Exit,
) {
    let cell = typed::<M>(&resident);
    cell.begin_end();
    let pid = cell.node().pid(number);

    // Its future, state, streams and mailbox. What panics while it is dropped is caught, the rest still happens.
    let ran = Current::run(resident, number, || {
        if let Err(panic) = catch(|| body.set(None)) {
            report::destructor(&pid, &panic);
        }
        discard(&pid, cell.feeds().into_iter().map(|feed| feed.end()));
        discard(&pid, cell.unasked(number));
        discard(&pid, cell.empty());
    });
    dropped.extend(ran.and_then(|mut ran| ran.dropped()).into_iter().flatten());
    fail(dropped, &CallError::Exit(reason.clone()));

    report::crash(&cell, &pid, &reason);
    if !cell.is_kept(&reason) {
        cell.finish(number, &reason);
    }
}

/// Tells callers whose replies were dropped.
pub(super) fn fail(dropped: Vec<Arc<dyn Unanswered>>, error: &CallError) {
    for caller in dropped {
        caller.fail(error.clone());
    }
}
