use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;

use super::{Cell, catch, discard, report};
use crate::base::{CallError, Exit, Protocol};
use crate::node::{Current, Node, Probe, Resident, Unanswered};

pin_project! {
    /// The future around a process's own.
    pub(crate) struct Life<M: Protocol, F> {
        cell: Arc<Cell<M>>,
        number: u64,
        // What wakes the process, as the cell knows it.
        task: Option<Waker>,
        // Set as the thread's current during each poll, kept here between two.
        current: Option<Current>,
        #[pin]
        body: Option<F>,
    }

    // Reached with a body only if the runtime goes down with the process in it.
    impl<M: Protocol, F> PinnedDrop for Life<M, F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if this.body.is_some() {
                end(this.cell, *this.number, this.current, this.body, Exit::Killed);
            }
        }
    }
}

impl<M: Protocol, F: Future<Output = Exit>> Life<M, F> {
    pub(crate) fn new(cell: Arc<Cell<M>>, number: u64, body: F) -> Life<M, F> {
        let resident = Arc::clone(&cell) as Arc<dyn Resident>;
        let current = Current::of(resident, Node::clone(cell.node()), number);
        Life { cell, number, task: None, current: Some(current), body: Some(body) }
    }
}

impl<M: Protocol, F: Future<Output = Exit>> Future for Life<M, F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let size = size_of::<Self>();
        let mut this = self.project();
        let Some(body) = this.body.as_mut().as_pin_mut() else { return Poll::Ready(()) };
        if !this.task.as_ref().is_some_and(|task| task.will_wake(cx.waker())) {
            this.cell.set_task(cx.waker(), size);
            *this.task = Some(cx.waker().clone());
        }
        let reason = match this.cell.doom() {
            Some(reason) => reason,
            None => {
                let inquiries = this.cell.inquiries();
                let probe = if inquiries.is_empty() { None } else { Some(Probe::new(cx.waker())) };
                let waker = probe.as_ref().map_or(cx.waker(), Probe::waker);
                let before = this.cell.node().sit(*this.number);
                let outer = Current::swap(this.current.take());
                let result = catch(|| body.poll(&mut Context::from_waker(waker)));
                *this.current = Current::swap(outer);
                this.cell.node().sit(before);
                match result {
                    // What was decided before it returned counts; a panic is never hidden by it.
                    Ok(Poll::Ready(reason)) => this.cell.doom().unwrap_or(reason),
                    Err(panic) => panic,
                    Ok(Poll::Pending) => {
                        let dropped = this.current.as_mut().map(Current::take_dropped);
                        fail(dropped.unwrap_or_default(), &CallError::Dropped);
                        match this.cell.doom() {
                            Some(reason) => reason,
                            None => {
                                if let Some(probe) = &probe {
                                    inquiries.iter().for_each(|inquiry| inquiry.vote(*this.number, probe));
                                }
                                return Poll::Pending;
                            }
                        }
                    }
                }
            }
        };
        end(this.cell, *this.number, this.current, this.body, reason);
        Poll::Ready(())
    }
}

/// The end of a process, in the order that others may rely on.
fn end<M: Protocol, F>(
    cell: &Arc<Cell<M>>,
    number: u64,
    current: &mut Option<Current>,
    mut body: Pin<&mut Option<F>>,
    reason: Exit,
) {
    cell.begin_end();
    let pid = cell.node().pid(number);

    // Its future, state, streams and mailbox. What panics while it is dropped is caught, the rest still happens.
    let outer = Current::swap(current.take());
    if let Err(panic) = catch(|| body.set(None)) {
        report::destructor(&pid, &panic);
    }
    discard(&pid, cell.feeds().into_iter().map(|feed| feed.end()));
    discard(&pid, cell.unasked(number));
    discard(&pid, cell.empty());
    let mut inner = Current::swap(outer);
    let dropped = inner.as_mut().map(Current::take_dropped);
    fail(dropped.unwrap_or_default(), &CallError::Exit(reason.clone()));

    report::crash(cell, &pid, &reason);
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
