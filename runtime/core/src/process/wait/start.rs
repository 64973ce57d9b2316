//! The wait of a starter for the `init` of a new process.
//!
//! The wait is an edge of the graph that the [`DeadlockCheck`](crate::observe::DeadlockCheck) searches. It is never
//! given up: every cycle of which it is a part has a call, or a wait for an exit, that can be.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use super::edge::WaitEdge;
use crate::base::{Exit, Pid};
use crate::node::{Current, Node};
use crate::observe::AwaitedCall;
use crate::sched::Timeout;
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The sender of a start's result; dropped if the process exits before its `init` has returned.
// One word: each process's task has room for it.
pub(crate) struct StartSender(Arc<StartSlot>);

/// A future for the result of a start; from [`start_wait`]. `None` if the process exited before its `init` has returned.
pub(crate) struct StartWait {
    node: Node,
    /// The number of the process that starts.
    number: u64,
    slot: Arc<StartSlot>,
    edge: WaitEdge,
}

#[derive(Default)]
struct StartSlot(Mutex<State>);

#[derive(Default)]
struct State {
    outcome: Outcome,
    waker: Option<Waker>,
    /// The last time that the timer wheel reported.
    time: Option<Instant>,
}

#[derive(Default)]
enum Outcome {
    #[default]
    Pending,
    Returned(Result<(), Exit>),
    Lost,
}

/// Returns both ends of the wait for the start of the process with this number.
pub(crate) fn start_wait(node: &Node, number: u64) -> (StartSender, StartWait) {
    let slot = Arc::<StartSlot>::default();
    let sender = StartSender(Arc::clone(&slot));
    (sender, StartWait { node: node.clone(), number, slot, edge: WaitEdge::default() })
}

impl StartSender {
    /// Sends the result of the `init`.
    pub(crate) fn send(self, result: Result<(), Exit>) {
        self.0.resolve(Outcome::Returned(result));
    }
}

impl Drop for StartSender {
    fn drop(&mut self) {
        self.0.resolve(Outcome::Lost);
    }
}

impl Future for StartWait {
    type Output = Option<Result<(), Exit>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let mut state = this.slot.state();
        match std::mem::take(&mut state.outcome) {
            Outcome::Pending => {}
            Outcome::Returned(result) => return Poll::Ready(Some(result)),
            Outcome::Lost => return Poll::Ready(None),
        }
        let before = match &state.waker {
            Some(kept) if kept.will_wake(cx.waker()) => None,
            _ => state.waker.replace(cx.waker().clone()),
        };
        let time = state.time;
        drop(state);
        drop(before);
        if Current::is_process_of(&this.node) {
            this.edge.poll(&this.node, &this.slot, this.number, time);
        }
        Poll::Pending
    }
}

impl Drop for StartWait {
    fn drop(&mut self) {
        self.edge.clear(&self.slot);
    }
}

impl StartSlot {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the outcome unless there is one, and wakes the starter.
    fn resolve(&self, outcome: Outcome) {
        let mut state = self.state();
        if !matches!(state.outcome, Outcome::Pending) {
            return;
        }
        state.outcome = outcome;
        wake(state);
    }
}

/// Wakes the starter outside of the lock.
fn wake(mut state: MutexGuard<'_, State>) {
    let waker = state.waker.take();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl AwaitedCall for StartSlot {
    fn only_callee_can_answer(&self) -> bool {
        matches!(self.state().outcome, Outcome::Pending)
    }

    fn wakes(&self, other: &Waker) -> bool {
        self.state().waker.as_ref().is_some_and(|waker| waker.will_wake(other))
    }

    fn can_break_cycle(&self) -> bool {
        false
    }

    fn break_cycle(&self, _: Vec<Pid>) {}
}

impl Timeout for StartSlot {
    fn elapsed(&self, now: Instant) {
        let mut state = self.state();
        state.time = Some(now);
        wake(state);
    }
}
