//! The reply slot, which a call and its reply share: it takes one outcome and keeps it until the caller polls.
//!
//! A slot is reused. The thread on which a call finishes keeps its slot for the next call made there, so that a call
//! which goes well allocates nothing. It also needs no registration with the timer wheel, which still has the slot from
//! the call before.
//!
//! The slot also records where the reply is. The deadlock check needs to know whether only the callee can answer.

use std::any::type_name;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Instant;

use super::remote_caller::RemoteCaller;
use crate::base::{CallErrorKind, DecodeError, Decoder, DeserializeOwned, Exit, NodeName, Pid, Serialize, Source};
use crate::call::noted_call::NotedCall;
use crate::mailbox::{CheckedSend, Guard, WakingLock};
use crate::node::{AnswerSlot, Current, Node, ReceivedAnswer, WaitingCaller, WeakNode};
use crate::observe::{AwaitedAnswer, AwaitedCall};
use crate::process::{catch, report_message_panic};
use crate::sched::Timeout;
use crate::sync::atomic::{AtomicU8, Ordering, fence};

/// The place of one call's outcome.
pub(in crate::call) struct Slot<T> {
    /// The node of the stub that the call was made with.
    node: WeakNode,
    state: WakingLock<State<T>>,
    /// Where the reply is: one of the five constants below. Only the reply's holder writes it.
    reply: AtomicU8,
    /// The caller, if it is on another node. Then no call waits for this slot, which only leads the reply to its caller.
    pub(in crate::call) remote_caller: Option<Box<RemoteCaller<T>>>,
}

/// The reply is in a message that the callee has not taken.
const UNREAD: u8 = 0;
/// The callee has just taken the reply.
const TAKEN: u8 = 1;
/// The callee's generated code holds the reply, and answers with the return value of a method.
const HELD: u8 = 2;
/// The reply can be anywhere.
const ANYWHERE: u8 = 3;
/// The reply was encoded for another node, where its copy is the one to be answered.
const PASSED_ON: u8 = 4;

/// The result of a poll.
// An answer and an error are variants of their own: an answer is then moved as itself, in registers if it fits there.
pub(in crate::call) enum SlotPoll<T> {
    Answer {
        value: T,
        /// Set if nothing else refers to the slot, so that the next call can use it.
        reusable: bool,
        /// The call, if its wait was [noted](Slot::set_noted).
        noted: Option<Box<NotedCall>>,
    },
    Error {
        error: CallErrorKind,
        noted: Option<Box<NotedCall>>,
    },
    /// Neither; with the last time that the timer wheel reported.
    Pending(Option<Instant>),
    /// Neither, and the slot has to be registered for the timer wheel's next tick.
    PendingUnregistered,
}

struct State<T> {
    outcome: Outcome<T>,
    /// The id under which another node answers, once the reply has left this one.
    remote_id: Option<(Node, u64)>,
    /// The last time that the timer wheel reported.
    time: Option<Instant>,
    /// Set while the slot is registered for the timer wheel's next tick.
    registered: bool,
    /// The call, once it has waited for a while. The caller's cell then refers to this slot, for the deadlock check.
    noted: Option<Box<NotedCall>>,
}

enum Outcome<T> {
    Pending(Option<Waker>),
    Ready(Result<CheckedSend<T>, CallErrorKind>),
    /// The outcome was taken, or the caller does not wait any more: a later outcome is dropped.
    Closed,
}

impl<T: 'static> Slot<T> {
    /// Returns a slot for a call with a stub of `node`: one that this thread has kept, or a new one.
    pub(in crate::call) fn for_call(node: &Node) -> Arc<Slot<T>> {
        Current::take_spare(|slot: &Slot<T>| slot.node.is_same(node)).unwrap_or_else(|| Slot::new(node, None))
    }

    /// Takes the outcome, or has the caller woken by it and by the timer wheel. With `starts` the wait starts here, and a
    /// time that the wheel reported before does not count.
    #[inline(always)]
    pub(in crate::call) fn poll(self: &Arc<Self>, starts: bool, cx: &mut Context<'_>) -> SlotPoll<T> {
        let mut state = self.lock();
        match &mut state.outcome {
            Outcome::Ready(Ok(_)) => {}
            Outcome::Pending(waker) => {
                match waker {
                    Some(waker) => waker.clone_from(cx.waker()),
                    none => *none = Some(cx.waker().clone()),
                }
                if starts {
                    state.time = None;
                    if !std::mem::replace(&mut state.registered, true) {
                        return SlotPoll::PendingUnregistered;
                    }
                }
                return SlotPoll::Pending(state.time);
            }
            Outcome::Ready(Err(_)) | Outcome::Closed => return self.poll_cold(state),
        }
        let reusable = Arc::strong_count(self) == 1;
        if reusable {
            // Pairs with the release when the other references were dropped: their writes precede those of the next call.
            fence(Ordering::Acquire);
            self.reply.store(UNREAD, Ordering::Relaxed);
        }
        let noted = state.noted.take();
        let next = if reusable { Outcome::Pending(None) } else { Outcome::Closed };
        match std::mem::replace(&mut state.outcome, next) {
            Outcome::Ready(Ok(value)) => SlotPoll::Answer { value: value.into_inner(), reusable, noted },
            _ => SlotPoll::Pending(None),
        }
    }

    #[cold]
    fn poll_cold(&self, mut state: Guard<'_, State<T>>) -> SlotPoll<T> {
        let noted = state.noted.take();
        match std::mem::replace(&mut state.outcome, Outcome::Closed) {
            Outcome::Ready(Err(error)) => SlotPoll::Error { error, noted },
            // The outcome was taken before.
            _ => SlotPoll::Pending(None),
        }
    }
}

impl<T> Slot<T> {
    /// Creates a slot for a call with a stub of `node`, or for the reply of a caller on another node.
    pub(in crate::call) fn new(node: &Node, remote_caller: Option<Box<RemoteCaller<T>>>) -> Arc<Slot<T>> {
        let state =
            State { outcome: Outcome::Pending(None), remote_id: None, time: None, registered: false, noted: None };
        Arc::new(Slot {
            node: node.downgrade(),
            state: WakingLock::new(state),
            reply: AtomicU8::new(UNREAD),
            remote_caller,
        })
    }

    fn lock(&self) -> Guard<'_, State<T>> {
        self.state.lock()
    }

    /// Returns the node of the stub that the call was made with, unless it no longer exists.
    pub(in crate::call) fn node(&self) -> Option<Node> {
        self.node.upgrade()
    }

    /// Sets the outcome, unless there is one or the caller no longer waits. Returns the caller's waker.
    // `outcome` is a closure so that the answer is built in place.
    #[inline(always)]
    pub(in crate::call) fn fill(
        &self,
        outcome: impl FnOnce() -> Result<CheckedSend<T>, CallErrorKind>,
    ) -> Option<Waker> {
        let mut state = self.lock();
        let Outcome::Pending(waker) = &mut state.outcome else { return None };
        let waker = waker.take();
        state.outcome = Outcome::Ready(outcome());
        waker
    }

    /// Sets the outcome, unless there is one or the caller no longer waits, and wakes the caller.
    pub(in crate::call) fn fill_and_wake(&self, outcome: Result<CheckedSend<T>, CallErrorKind>) {
        if let Some(waker) = self.fill(|| outcome) {
            waker.wake();
        }
    }

    /// Records that the reply left a mailbox: the callee's, or that of a process to which it was passed on.
    pub(in crate::call) fn mark_taken(&self) {
        let is_first = self.reply.load(Ordering::Relaxed) == UNREAD;
        self.reply.store(if is_first { TAKEN } else { ANYWHERE }, Ordering::Relaxed);
    }

    /// Records that the generated code of the callee keeps the reply until it answers.
    pub(in crate::call) fn mark_held(&self) {
        let is_callee = self.reply.load(Ordering::Relaxed) == TAKEN;
        self.reply.store(if is_callee { HELD } else { ANYWHERE }, Ordering::Relaxed);
    }

    /// Records that the reply was encoded for another node.
    pub(in crate::call) fn mark_passed_on(&self) {
        self.reply.store(PASSED_ON, Ordering::Relaxed);
    }

    pub(in crate::call) fn is_passed_on(&self) -> bool {
        self.reply.load(Ordering::Relaxed) == PASSED_ON
    }

    /// Notes the call, so that the deadlock check and the errors of other calls can name it.
    pub(in crate::call) fn set_noted(&self, call: impl FnOnce() -> NotedCall) {
        self.lock().noted.get_or_insert_with(|| Box::new(call()));
    }

    /// Changes the call that was [noted](Self::set_noted), if it is still awaited.
    #[cfg(feature = "net")]
    pub(in crate::call) fn change_noted(&self, change: impl FnOnce(&mut NotedCall)) {
        if let Some(noted) = &mut self.lock().noted {
            change(noted);
        }
    }

    /// Ends the wait: a later outcome is dropped. Returns the call if the wait was [noted](Self::set_noted).
    pub(in crate::call) fn close(&self) -> Option<Box<NotedCall>> {
        let mut state = self.lock();
        let noted = state.noted.take();
        let outcome = std::mem::replace(&mut state.outcome, Outcome::Closed);
        let remote_id = state.remote_id.take();
        drop(state);
        drop(outcome);
        if let Some((node, id)) = remote_id {
            node.give_up_call(id);
        }
        noted
    }

    /// Returns whether the call has no outcome and its caller still waits.
    pub(in crate::call) fn is_awaited(&self) -> bool {
        matches!(self.lock().outcome, Outcome::Pending(_))
    }

    /// Returns the node that can answer, if the reply has left this one.
    pub(in crate::call) fn remote_node(&self) -> Option<NodeName> {
        let (node, id) = self.lock().remote_id.clone()?;
        let epoch = node.pending_calls().epoch_of(id)?;
        let router = node.router()?;
        router.peers().into_iter().find(|peer| router.epoch(peer) == Some(epoch))
    }

    /// Sets the id under which another node can answer. Returns `false` if the caller no longer waits.
    pub(in crate::call) fn set_remote_id(&self, node: Node, id: u64) -> bool {
        let mut state = self.lock();
        let awaited = matches!(state.outcome, Outcome::Pending(_));
        if awaited {
            state.remote_id = Some((node, id));
        }
        awaited
    }
}

impl<T> WaitingCaller for Slot<T> {
    fn fail(&self, error: CallErrorKind) {
        self.fill_and_wake(Err(error));
    }
}

impl<T> AwaitedCall for Slot<T> {
    fn only_callee_can_answer(&self) -> bool {
        matches!(self.reply.load(Ordering::Relaxed), UNREAD | HELD) && self.is_awaited()
    }

    fn describe(&self) -> Option<AwaitedAnswer> {
        let node = self.node()?;
        self.lock().noted.as_ref()?.describe(&node)
    }

    fn wakes(&self, other: &Waker) -> bool {
        matches!(&self.lock().outcome, Outcome::Pending(Some(waker)) if waker.will_wake(other))
    }

    fn break_cycle(&self, pids: Vec<Pid>) {
        self.fill_and_wake(Err(CallErrorKind::Cycle { pids }));
    }
}

impl<T> Timeout for Slot<T> {
    fn elapsed(&self, now: Instant) {
        let mut state = self.lock();
        if state.time.is_none_or(|time| time < now) {
            state.time = Some(now);
        }
        state.registered = false;
        let waker = match &mut state.outcome {
            Outcome::Pending(waker) => waker.take(),
            Outcome::Ready(_) | Outcome::Closed => None,
        };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T: Serialize + DeserializeOwned + Send + 'static> AnswerSlot for Slot<T> {
    fn answer(&self, result: Result<ReceivedAnswer<'_>, CallErrorKind>) {
        self.lock().remote_id = None;
        let outcome = result.and_then(|answer| {
            let decoded = catch(|| match answer.definition {
                Some(definition) => definition.read_value(answer.payload),
                None => decode(answer.payload).map_err(CallErrorKind::Decode),
            });
            let decoded = decoded.unwrap_or_else(|panic| {
                self.report_panic("decoding an answer", &panic);
                Err(CallErrorKind::Decode(DecodeError::Malformed(panic.to_string().into())))
            });
            decoded.map(CheckedSend::new)
        });
        // An answer that the caller no longer awaits is dropped here.
        if let Err(panic) = catch(|| self.fill_and_wake(outcome)) {
            self.report_panic("dropping an answer", &panic);
        }
    }
}

fn decode<T: DeserializeOwned + 'static>(bytes: &Source) -> Result<T, DecodeError> {
    let mut decoder = Decoder::new(bytes);
    let value = decoder.field()?;
    decoder.finish()?;
    Ok(value)
}

impl<T> Slot<T> {
    #[cold]
    fn report_panic(&self, action: &str, panic: &Exit) {
        if let Some(node) = self.node() {
            node.loss_counts().count_lost_messages(1);
            report_message_panic(&node, type_name::<T>(), action, panic);
        }
    }
}

#[cfg(all(test, feature = "net"))]
mod tests {
    use super::*;

    #[derive(serde::Serialize, serde::Deserialize)]
    struct Brittle;

    impl Drop for Brittle {
        fn drop(&mut self) {
            panic!("it breaks");
        }
    }

    #[tokio::test]
    async fn a_late_answer_may_panic_when_it_is_dropped() {
        let node = Node::local();
        let slot = Slot::<Brittle>::for_call(&node);
        slot.close();
        let ((), dropped) = Current::collect_dropped(&node, Node::SYSTEM, || {
            slot.answer(Ok(ReceivedAnswer { payload: &Source::new(), definition: None }));
        });
        assert!(dropped.is_empty());
        assert_eq!(node.counters().lost_messages, 1);
    }
}
