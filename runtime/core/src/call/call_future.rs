//! The future of a call: it waits for the answer, keeps the time limit and checks for deadlocks.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::Cast;
#[cfg(feature = "net")]
use super::chain_question;
use super::noted_call::{CallName, Callee, NotedCall};
use super::reply::slot::{Slot, SlotPoll};
use crate::base::{CallError, CallErrorKind, CallWait, FailedCall};
use crate::log;
use crate::node::{Current, Node};
use crate::observe::{AwaitedCall, CallChain, ReportKind, WaitingCall};
use crate::sched::Timeout;

/// The future of a call: its message has been sent, and `.await` waits for the answer.
///
/// The message is in the callee's mailbox, or on its way there, when the stub's method returns.
///
/// The call waits for 5 s, counted from its first poll, unless [`within`](Call::within) or [`forever`](Call::forever)
/// change that. The default time limit is kept by a timer that calls share, and so can last up to 0.1 s longer.
///
/// A call that has waited for 0.1 s to 0.2 s starts to check whether it is deadlocked: whether its callee, directly or
/// through further calls, waits for the calling process. Such a call fails with [`CallErrorKind::Cycle`].
///
/// Cancel-safe: when the future is dropped, a message in the wait queue of a full mailbox is withdrawn; any other message
/// stays, and its answer is dropped.
///
/// The model is [`gen_server:call/3`](https://www.erlang.org/doc/apps/stdlib/gen_server.html#call/3). Unlike there, a
/// failed call does not end the caller.
///
/// # Errors
/// Resolves to a [`CallError`], which states why there is no answer.
#[must_use = "a call returns its answer when it is awaited; for a message without an answer use a cast"]
pub struct Call<T: 'static> {
    /// `None` once the outcome was returned.
    slot: Option<Arc<Slot<T>>>,
    callee: Callee,
    /// The names of the message. A reference to them is one word.
    name: &'static CallName,
    limit: TimeLimit,
    wait: Wait,
    /// The message while it is in the wait queue of a full mailbox; its drop withdraws it.
    queued: Cast,
}

#[derive(Clone, Copy)]
enum TimeLimit {
    /// [`DEFAULT_LIMIT`], kept by the timer wheel.
    Default,
    Custom(Duration),
    None,
}

/// The state of the wait for an outcome.
enum Wait {
    NotStarted,
    /// The call is registered for the timer wheel's next tick. The time limit counts from that tick.
    FirstTick,
    /// The call is registered for a later tick. In a box, since few calls wait so long and every call is moved into the
    /// future that awaits it.
    OnWheel(Box<WheelWait>),
    /// The call waits for a point in time that the wheel is too coarse for.
    Timer(Pin<Box<dyn Future<Output = ()> + Send>>),
}

/// A wait that the timer wheel keeps.
#[derive(Clone, Copy)]
struct WheelWait {
    since: Instant,
    deadline: Option<Instant>,
    /// The time of the tick that the call is registered for. Equal to `since` if it is not registered.
    next: Instant,
    /// The time from `next` to the following check.
    check_after: Duration,
    /// Set if the caller is a process, for which others may wait, or the callee is on another node.
    is_checked: bool,
}

/// The time limit of a call that sets none, as in OTP.
const DEFAULT_LIMIT: Duration = Duration::from_secs(5);

/// The time until a call is checked for the first time: whether it is part of a deadlock, and what its callee waits for.
/// Each further check takes twice as long to come.
const FIRST_CHECK: Duration = Duration::from_millis(100);

impl<T: 'static> Call<T> {
    #[inline]
    pub(super) fn new(slot: Arc<Slot<T>>, callee: Callee, name: &'static CallName, queued: Cast) -> Call<T> {
        Call { slot: Some(slot), callee, name, limit: TimeLimit::Default, wait: Wait::NotStarted, queued }
    }

    /// Sets the time limit to `limit`, counted from the next poll.
    ///
    /// The call then fails with [`CallErrorKind::Timeout`]. The callee may have handled the message all the same.
    pub fn within(self, limit: Duration) -> Call<T> {
        self.with_limit(TimeLimit::Custom(limit))
    }

    /// Removes the time limit: the call ends with an answer or with an error of another kind.
    pub fn forever(self) -> Call<T> {
        self.with_limit(TimeLimit::None)
    }

    fn with_limit(mut self, limit: TimeLimit) -> Call<T> {
        (self.limit, self.wait) = (limit, Wait::NotStarted);
        self
    }

    /// Returns whether the wait starts with this poll and has to be registered for the wheel's next tick.
    ///
    /// Most calls are answered before that tick. So a call with the default limit reads no clock when it starts to wait:
    /// it counts from the tick, and waits up to one tick longer.
    #[inline]
    fn starts_on_wheel(&self) -> bool {
        let needs_tick = match self.limit {
            TimeLimit::Default => true,
            TimeLimit::Custom(_) => false,
            // Only for the checks.
            TimeLimit::None => Current::process() != 0,
        };
        needs_tick && matches!(self.wait, Wait::NotStarted)
    }

    /// Starts to count the time limit from `since`.
    fn start_counting(&mut self, since: Instant, slot: &Arc<Slot<T>>) {
        let limit = match self.limit {
            TimeLimit::Default => Some(DEFAULT_LIMIT),
            TimeLimit::Custom(limit) => Some(limit),
            TimeLimit::None => None,
        };
        // A deadline that an `Instant` cannot express never comes.
        let deadline = limit.and_then(|limit| since.checked_add(limit));
        let is_checked = |node: Node| Current::is_process_of(&node) || self.callee.remote(&node).is_some();
        let is_checked = slot.node().is_some_and(is_checked);
        self.register(WheelWait { since, deadline, next: since, check_after: FIRST_CHECK, is_checked }, slot);
    }

    /// Registers for the next check or the deadline, whichever is first.
    fn register(&mut self, wait: WheelWait, slot: &Arc<Slot<T>>) {
        // Without its node the call has no callee any more, and has its outcome.
        let Some(node) = slot.node() else {
            self.wait = Wait::NotStarted;
            return;
        };
        let is_custom = matches!(self.limit, TimeLimit::Custom(_));
        let last = wait.deadline.map(|deadline| if is_custom { node.tick_before(deadline) } else { deadline });
        let check = if wait.is_checked { wait.next.checked_add(wait.check_after) } else { None };
        let next = check.into_iter().chain(last).min();
        self.wait = match (next, wait.deadline) {
            (Some(next), Some(deadline)) if next <= wait.next => Wait::Timer(node.clock().sleep_until(deadline)),
            (Some(next), _) => {
                node.notify_at(next, as_timeout(slot));
                Wait::OnWheel(Box::new(WheelWait { next, check_after: wait.check_after * 2, ..wait }))
            }
            // Neither a deadline nor a check.
            (None, _) => Wait::OnWheel(Box::new(wait)),
        };
    }

    /// Notes the wait in the cell of the running process, and checks whether the process waits for itself through the calls
    /// of other processes. Requests the chain of calls behind this one from other nodes.
    fn check(&self, wait: &WheelWait, slot: &Arc<Slot<T>>) {
        let Some(node) = slot.node() else { return };
        let call: Arc<dyn AwaitedCall> = Arc::clone(slot) as _;
        let waiting = WaitingCall { call: Arc::downgrade(&call), callee: self.callee.number, since: wait.since };
        let is_process = Current::set_waiting(&node, waiting);
        slot.set_noted(|| NotedCall {
            name: self.name,
            callee: self.callee.clone(),
            caller: is_process.then(|| node.pid(Current::process())),
            chain: CallChain::default(),
            #[cfg(feature = "net")]
            question: None,
        });
        if is_process && self.callee.number != 0 {
            node.find_deadlock(Current::process());
        }
        #[cfg(feature = "net")]
        self.ask_for_chain(&node, slot);
    }

    /// Requests the chain of calls behind this one from another node, if it leads there.
    #[cfg(feature = "net")]
    fn ask_for_chain(&self, node: &Node, slot: &Arc<Slot<T>>) {
        let mut chain = self.local_chain(node);
        let next = chain.next.take().or_else(|| self.callee.remote(node));
        let question = next.and_then(|next| chain_question::ask(node, &next, Arc::downgrade(slot), chain));
        let mut before = None;
        slot.change_noted(|noted| before = std::mem::replace(&mut noted.question, question));
    }

    /// Returns the part of the chain of calls that is on this node.
    fn local_chain(&self, node: &Node) -> CallChain {
        let mut chain = node.call_chain(self.callee.number);
        if Current::is_process_of(node) {
            chain.end_at(&node.pid(Current::process()));
        }
        chain
    }

    /// Resolves when the time limit has passed. `time` is the last time that the timer wheel reported.
    fn poll_limit(&mut self, slot: &Arc<Slot<T>>, time: Option<Instant>, cx: &mut Context<'_>) -> Poll<()> {
        if let Wait::NotStarted = self.wait {
            self.wait = Wait::FirstTick;
            match (self.limit, slot.node()) {
                (TimeLimit::Custom(_), Some(node)) => self.start_counting(node.clock().now(), slot),
                _ => return Poll::Pending,
            }
        }
        loop {
            match &mut self.wait {
                Wait::NotStarted => return Poll::Pending,
                Wait::FirstTick => {
                    let Some(since) = time else { return Poll::Pending };
                    self.start_counting(since, slot);
                }
                Wait::Timer(timer) => return timer.as_mut().poll(cx),
                Wait::OnWheel(wait) => {
                    let wait = **wait;
                    if time.is_none_or(|time| time < wait.next) || wait.next == wait.since {
                        return Poll::Pending;
                    }
                    if wait.deadline.is_some_and(|deadline| deadline <= wait.next) {
                        return Poll::Ready(());
                    }
                    if wait.is_checked {
                        self.check(&wait, slot);
                    }
                    self.register(wait, slot);
                }
            }
        }
    }

    /// Ends the wait. A `noted` one is removed from the caller's cell.
    #[inline]
    fn stop_waiting(&mut self, slot: &Arc<Slot<T>>, noted: Option<Box<NotedCall>>) {
        self.queued = Cast::sent();
        if noted.is_some() {
            Current::clear_waiting(Arc::as_ptr(slot).cast());
        }
    }

    #[cold]
    fn time_out(&mut self, slot: &Arc<Slot<T>>) -> Result<T, CallError> {
        let mut noted = slot.close();
        let mut chain = noted.as_mut().map(|noted| std::mem::take(&mut noted.chain)).unwrap_or_default();
        self.stop_waiting(slot, noted);
        if let Some(node) = slot.node() {
            node.loss_counts().count_timeout(self.name.protocol);
            let local = self.local_chain(&node);
            if local.waits.len() > chain.waits.len() {
                chain = local;
            }
        }
        let limit = match self.limit {
            TimeLimit::Custom(limit) => limit,
            TimeLimit::Default | TimeLimit::None => DEFAULT_LIMIT,
        };
        Err(self.error(slot, CallErrorKind::Timeout, Some(limit), chain.waits))
    }

    #[cold]
    fn fail(
        &mut self,
        slot: &Arc<Slot<T>>,
        kind: CallErrorKind,
        noted: Option<Box<NotedCall>>,
    ) -> Result<T, CallError> {
        self.stop_waiting(slot, noted);
        if let CallErrorKind::Cycle { pids } = &kind
            && let Some(node) = slot.node()
        {
            node.loss_counts().count_broken_cycle();
            node.report(ReportKind::Cycle, || {
                log::warn!(
                    target: "greenroom", ?pids, "a cycle of calls was broken: the call of the first process fails"
                );
            });
        }
        Err(self.error(slot, kind, None, Vec::new()))
    }

    /// Returns the error of this call. `limit` is the time that has passed, if the call fails for that.
    fn error(&self, slot: &Slot<T>, kind: CallErrorKind, limit: Option<Duration>, waits: Vec<CallWait>) -> CallError {
        let callee = slot.node().and_then(|node| self.callee.text(&node)).map(Into::into);
        CallError::new(kind, FailedCall { message: self.name.message.into(), callee, limit, waits })
    }

    /// Describes the event that the call waits for.
    #[cold]
    fn event(&self, slot: &Slot<T>) -> String {
        let protocol = self.name.protocol;
        match (slot.remote_node(), slot.node()) {
            (Some(node), _) => format!("the answer of a process on {node} to a call (`{protocol}`)"),
            (None, Some(node)) if self.callee.number != 0 => {
                format!("the answer of {} to a call (`{protocol}`)", node.pid(self.callee.number))
            }
            (None, _) => format!("the answer to a call (`{protocol}`)"),
        }
    }

    #[cold]
    fn register_for_tick(&mut self, slot: &Arc<Slot<T>>) {
        self.wait = Wait::FirstTick;
        if let Some(node) = slot.node() {
            node.notify_at_next_tick(as_timeout(slot));
        }
    }
}

fn as_timeout<T: 'static>(slot: &Arc<Slot<T>>) -> Weak<dyn Timeout> {
    let slot: Arc<dyn Timeout> = Arc::clone(slot) as _;
    Arc::downgrade(&slot)
}

impl<T: 'static> Future for Call<T> {
    type Output = Result<T, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Polled again after it was ready: pending, like a future that is never woken.
        let Some(slot) = self.slot.take() else { return Poll::Pending };
        let starts = self.starts_on_wheel();
        // A process's exit flag is read at the start of each turn. A wait that starts within the turn reads it here, so
        // that a process which has to exit does not go on with an outcome that was there at once.
        let is_first = matches!(self.wait, Wait::NotStarted);
        match slot.poll(starts, cx) {
            SlotPoll::Answer { .. } | SlotPoll::Error { .. } if is_first && Current::is_exiting() => {
                return Poll::Pending;
            }
            SlotPoll::Answer { value, reusable, noted } => {
                let is_noted = noted.is_some();
                self.stop_waiting(&slot, noted);
                // The deadlock check identifies a slot by its address, so a noted one is not reused.
                if reusable && !is_noted {
                    Current::put_spare(slot);
                }
                return Poll::Ready(Ok(value));
            }
            SlotPoll::Error { error, noted } => return Poll::Ready(self.fail(&slot, error, noted)),
            SlotPoll::PendingUnregistered => self.register_for_tick(&slot),
            SlotPoll::Pending(_) if starts => self.wait = Wait::FirstTick,
            SlotPoll::Pending(time) => {
                if self.poll_limit(&slot, time, cx).is_ready() {
                    return Poll::Ready(self.time_out(&slot));
                }
            }
        }
        Current::note_await(|| self.event(&slot));
        self.slot = Some(slot);
        Poll::Pending
    }
}

impl<T: 'static> Drop for Call<T> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            let noted = slot.close();
            self.stop_waiting(&slot, noted);
        }
    }
}

impl<T: 'static> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Call")
    }
}
