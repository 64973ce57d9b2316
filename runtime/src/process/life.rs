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
            if typed::<M>(&cell).set_task(cx.waker(), size) {
                *this.task = Some(cx.waker().clone());
            } else {
                // Somebody is just waking the task as it was: once more, then.
                cx.waker().wake_by_ref();
            }
        }
        if let Some(reason) = doom::<M>(&cell) {
            end::<M, F>(cell, *this.number, this.body, Vec::new(), reason);
            return Poll::Ready(());
        }
        let asked = if cell.is_inquired() { asked::<M>(&cell, cx.waker()) } else { None };
        let waker = asked.as_ref().map_or(cx.waker(), |(_, probe)| probe.waker());
        let outer = Current::enter(cell, *this.number);
        let result = catch(|| body.poll(&mut Context::from_waker(waker)));
        let Some((cell, dropped)) = Current::leave(outer) else { return Poll::Ready(()) };
        let reason = match result {
            // What was decided before it returned counts; a panic is never hidden by it.
            Ok(Poll::Ready(reason)) => doom::<M>(&cell).unwrap_or(reason),
            Err(panic) => panic,
            Ok(Poll::Pending) => {
                if dropped.is_some() {
                    fail(dropped.callers(), &CallError::Dropped);
                }
                match doom::<M>(&cell) {
                    Some(reason) => {
                        end::<M, F>(cell, *this.number, this.body, Vec::new(), reason);
                        return Poll::Ready(());
                    }
                    None => {
                        if let Some((inquiries, probe)) = &asked {
                            inquiries.iter().for_each(|inquiry| inquiry.vote(*this.number, probe));
                        }
                        *this.cell = Some(cell);
                        return Poll::Pending;
                    }
                }
            }
        };
        end::<M, F>(cell, *this.number, this.body, dropped.callers(), reason);
        Poll::Ready(())
    }
}

/// Why the process in this cell has to end, if it has.
#[inline]
fn doom<M: Protocol>(cell: &Arc<dyn Resident>) -> Option<Exit> {
    if cell.is_doomed() { typed::<M>(cell).doom() } else { None }
}

/// Who asks what the process waits for, and how that is found out.
#[cold]
fn asked<M: Protocol>(cell: &Arc<dyn Resident>, task: &Waker) -> Option<(Vec<Arc<Inquiry>>, Probe)> {
    let inquiries = typed::<M>(cell).inquiries();
    (!inquiries.is_empty()).then(|| (inquiries, Probe::new(task)))
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
    let outer = Current::begin(Current::of(resident, number));
    if let Err(panic) = catch(|| body.set(None)) {
        report::destructor(&pid, &panic);
    }
    discard(&pid, cell.feeds().into_iter().map(|feed| feed.end()));
    discard(&pid, cell.unasked(number));
    discard(&pid, cell.empty());
    let inner = Current::end(outer).and_then(Current::into_process);
    dropped.extend(inner.into_iter().flat_map(|(_, dropped)| dropped.callers()));
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
