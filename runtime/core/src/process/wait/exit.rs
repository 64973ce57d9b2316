//! Waiting for the exit of a process, from code that need not be a process.
//!
//! A process that waits for an end that can only come after its own would wait forever: for itself, for a supervisor above
//! it, or for a process that waits for it. The first two are found at the first poll. The last is found like a cycle of
//! calls: the wait is an edge of the graph that [`DeadlockCheck`](crate::observe::DeadlockCheck) searches.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use super::edge::WaitEdge;
use crate::base::{Exit, MonitorRef, NodeId, Pid, Protocol};
use crate::log;
use crate::node::{Current, Node, SignalTarget};
use crate::observe::{AwaitedCall, ReportKind};
use crate::process::Cell;
use crate::sched::Timeout;
#[cfg(all(feature = "upgrade", unix))]
use crate::signal::KeptRelation;
use crate::signal::{MonitorRoute, Monitored};
use crate::sync::{Mutex, MutexGuard, PoisonError};
use crate::wire::{Epoch, Signal};

/// The outcome of a process's wait that could only end after the process itself.
pub(crate) enum InVain {
    /// The wait resolves: with this reason if the process waits for itself or for a supervisor above it, else with
    /// [`Exit::Cycle`]. For a process that is being stopped.
    Resolve(Exit),
    /// The waiting process ends with [`Exit::Cycle`].
    End,
    /// The wait continues. For the runtime's own waits, which another process of the cycle gives up.
    Continue,
}

/// An entry in the process table that monitors a process on behalf of code that need not be a process.
struct ExitWatcher {
    node: Node,
    number: u64,
    reference: MonitorRef,
    target: Monitored,
    /// The connection on which the monitor was set.
    epoch: Epoch,
    can_break_cycle: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    outcome: Option<Outcome>,
    waker: Option<Waker>,
    /// The last time that the timer wheel reported.
    time: Option<Instant>,
}

enum Outcome {
    Exited(Exit),
    /// The wait is part of a cycle of these processes, the waiting one first.
    Cycle(Vec<Pid>),
}

/// Resolves with the exit reason of `target`. The monitor is set when this function returns. Cancel-safe.
pub(crate) fn ended(node: &Node, target: Pid) -> impl Future<Output = Exit> + Send + use<> {
    watch_exit(node, Monitored::process(target), InVain::Continue)
}

/// Resolves with the exit reason of the process with this number, which occupied `cell`, even if it ended before.
pub(crate) async fn ended_in_cell<M: Protocol>(cell: Arc<Cell<M>>, number: u64) -> Exit {
    match ended(cell.node(), cell.node().pid(number)).await {
        Exit::NoProc => cell.last_exit(number).unwrap_or(Exit::NoProc),
        reason => reason,
    }
}

/// Resolves with the exit reason of `target`; a name is resolved once, on its node. The monitor is set when this function
/// returns. Cancel-safe.
pub(crate) fn watch_exit(node: &Node, target: Monitored, in_vain: InVain) -> impl Future<Output = Exit> + Send + use<> {
    let number = node.next_number();
    let reference = node.next_reference();
    let epoch = node.epoch_to(target.node());
    // A stop concerns the incarnation that runs, if any.
    let waits = matches!(in_vain, InVain::End);
    let watcher = Arc::new(ExitWatcher {
        node: node.clone(),
        number,
        reference,
        target: target.clone(),
        epoch,
        can_break_cycle: !matches!(in_vain, InVain::Continue),
        state: Mutex::default(),
    });
    node.table().insert_watcher(number, Arc::clone(&watcher) as Arc<dyn SignalTarget>);
    let guard = UnwatchOnDrop { node: node.clone(), number, reference, target: target.clone(), epoch };
    let signal = Signal::Monitor { reference, waits };
    if let Err(reason) = node.signal_monitored(&node.pid(number), &target, epoch, signal) {
        watcher.resolve(Outcome::Exited(reason));
    }
    ExitWait { watcher, _guard: guard, in_vain, edge: WaitEdge::default() }
}

/// A wait for the exit of one process.
struct ExitWait {
    watcher: Arc<ExitWatcher>,
    _guard: UnwatchOnDrop,
    in_vain: InVain,
    edge: WaitEdge,
}

impl Future for ExitWait {
    type Output = Exit;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Exit> {
        let (outcome, time) = self.watcher.take_outcome(cx.waker());
        match outcome {
            Some(Outcome::Exited(reason)) => return Poll::Ready(reason),
            Some(Outcome::Cycle(pids)) => return self.give_up(pids, false),
            None => {}
        }
        Current::note_await(|| format!("the end of {}", self.watcher.target.subject));
        let this = &mut *self;
        let node = &this.watcher.node;
        let caller = Current::process_of(node);
        // Zero is a child in its restart gap, which waits for no process.
        let Some(target) = this.watcher.local_target().filter(|_| caller != 0) else { return Poll::Pending };
        if this.edge.is_new()
            && !matches!(this.in_vain, InVain::Continue)
            && let Some(pids) = waits_for_itself(node, caller, target)
        {
            return this.give_up(pids, true);
        }
        this.edge.poll(node, &this.watcher, target, time);
        Poll::Pending
    }
}

impl ExitWait {
    /// Ends a wait that could only end after the waiting process.
    fn give_up(&mut self, pids: Vec<Pid>, is_own_end: bool) -> Poll<Exit> {
        self.watcher.node.loss_counts().count_broken_cycle();
        let exit = Exit::Cycle { pids };
        match std::mem::replace(&mut self.in_vain, InVain::Continue) {
            // An ordinary way to stop oneself.
            InVain::Resolve(reason) if is_own_end => Poll::Ready(reason),
            InVain::Resolve(_) => {
                self.watcher.node.report(ReportKind::Cycle, || {
                    log::warn!(target: "greenroom", exit = %log::Escaped(&exit), "a cycle of processes that stop each other was broken");
                });
                Poll::Ready(exit)
            }
            InVain::End => {
                Current::set_panic(exit);
                Poll::Pending
            }
            InVain::Continue => Poll::Pending,
        }
    }
}

impl Drop for ExitWait {
    fn drop(&mut self) {
        self.edge.clear(&self.watcher);
    }
}

/// Returns whether the process with this number can only end after the current process, if that is one of the node.
pub(crate) fn ends_after_caller(node: &Node, target: u64) -> bool {
    let caller = Current::process_of(node);
    caller != 0 && waits_for_itself(node, caller, target).is_some()
}

/// Returns the processes of the cycle if the end of `target` can only come after that of `caller`: if it is the caller, or
/// a supervisor above it, which first stops its children.
fn waits_for_itself(node: &Node, caller: u64, target: u64) -> Option<Vec<Pid>> {
    if target == caller {
        return Some(vec![node.pid(caller)]);
    }
    let mut child = caller;
    loop {
        let parent = node.table().get(child)?.ancestry().parent;
        if !node.table().get(parent)?.ancestry().supervisor {
            return None;
        }
        if parent == target {
            return Some(vec![node.pid(caller), node.pid(target)]);
        }
        child = parent;
    }
}

/// Removes the watcher and its monitor when the future is dropped.
struct UnwatchOnDrop {
    node: Node,
    number: u64,
    reference: MonitorRef,
    target: Monitored,
    epoch: Epoch,
}

impl Drop for UnwatchOnDrop {
    fn drop(&mut self) {
        if self.node.table().remove_watcher(self.number) {
            let signal = Signal::Demonitor { reference: self.reference };
            // Fails if the connection is lost, which has already ended the monitor.
            let _ = self.node.signal_monitored(&self.node.pid(self.number), &self.target, self.epoch, signal);
        }
    }
}

impl ExitWatcher {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the outcome, or else has `waker` woken when there is one or when the timer wheel reports the time. Returns the
    /// last time that it reported.
    fn take_outcome(&self, waker: &Waker) -> (Option<Outcome>, Option<Instant>) {
        let mut state = self.state();
        let outcome = state.outcome.take();
        let before = match &state.waker {
            Some(kept) if outcome.is_none() && kept.will_wake(waker) => None,
            _ => std::mem::replace(&mut state.waker, outcome.is_none().then(|| waker.clone())),
        };
        let time = state.time;
        drop(state);
        drop(before);
        (outcome, time)
    }

    /// Returns the number of the target if it is a process or a child of this node; zero for a child without a process.
    fn local_target(&self) -> Option<u64> {
        match &self.target.route {
            MonitorRoute::Process(pid) if pid.belongs_to(self.node.id()) => Some(pid.number()),
            MonitorRoute::Child(id) if id.belongs_to(self.node.id()) => {
                let cell = self.node.children().get(id.number());
                Some(cell.and_then(|cell| cell.mailbox_owner()).unwrap_or(0))
            }
            MonitorRoute::Process(_) | MonitorRoute::Child(_) | MonitorRoute::Name => None,
        }
    }

    fn resolve(&self, outcome: Outcome) {
        if matches!(outcome, Outcome::Exited(_)) {
            self.node.table().remove_watcher(self.number);
        }
        let mut state = self.state();
        state.outcome.get_or_insert(outcome);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl SignalTarget for ExitWatcher {
    fn signal(&self, _: u64, from: &Pid, epoch: Epoch, signal: Signal) {
        if let Signal::Down { reference, reason } = signal
            && reference == self.reference
            && epoch == self.epoch
            && self.target.accepts_down_from(from)
        {
            self.resolve(Outcome::Exited(reason));
        }
    }

    fn disconnect(&self, _: u64, _: &NodeId, epoch: Epoch) {
        if epoch == self.epoch {
            self.resolve(Outcome::Exited(Exit::NoConnection));
        }
    }

    // While it is in the process table.
    fn is_related_over(&self, _: u64, epoch: Epoch) -> bool {
        epoch == self.epoch
    }

    // Its only relation is a monitor of its own.
    fn relations_over(&self, _: u64, _: Epoch) -> usize {
        0
    }

    #[cfg(all(feature = "upgrade", unix))]
    fn kept_relations(&self, _: u64, epoch: Epoch) -> Vec<KeptRelation> {
        let kept = KeptRelation::monitor(self.number, &self.target, self.reference);
        if epoch == self.epoch { vec![kept] } else { Vec::new() }
    }
}

impl AwaitedCall for ExitWatcher {
    fn only_callee_can_answer(&self) -> bool {
        self.state().outcome.is_none()
    }

    fn wakes(&self, other: &Waker) -> bool {
        self.state().waker.as_ref().is_some_and(|waker| waker.will_wake(other))
    }

    fn can_break_cycle(&self) -> bool {
        self.can_break_cycle
    }

    fn break_cycle(&self, pids: Vec<Pid>) {
        self.resolve(Outcome::Cycle(pids));
    }
}

impl Timeout for ExitWatcher {
    fn elapsed(&self, now: Instant) {
        let mut state = self.state();
        state.time = Some(now);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
