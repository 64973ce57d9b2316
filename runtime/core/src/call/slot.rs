use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Instant;

use super::remote_caller::RemoteCaller;
use crate::base::{CallError, Decoder, DeserializeOwned, Pid};
use crate::mailbox::{CheckedSend, Guard, Lock};
use crate::node::{Answerable, Current, Node, Unanswered, WeakNode};
use crate::observe::Awaited;
use crate::sched::Timeout;
use crate::sync::atomic::{AtomicU8, Ordering, fence};

/// Where an answer lies until its caller takes it.
///
/// A thread keeps the slots of calls that are over, for those that come: a call in good order needs no memory of its own,
/// and no seat on the node's wheel, where its slot still sits from the one before.
pub(super) struct Slot<T> {
    node: WeakNode,
    state: Lock<State<T>>,
    /// Where the reply is: one of the five below.
    reply: AtomicU8,
    /// The caller, if it is on another node. Then no call waits for this slot, which only identifies the caller for a reply.
    pub(super) remote_caller: Option<Box<RemoteCaller<T>>>,
}

/// In a message that the callee has not taken.
const UNREAD: u8 = 0;
/// Taken by the callee just now.
const TAKEN: u8 = 1;
/// With the callee's generated code, that answers by what a method returns.
const HELD: u8 = 2;
/// Anywhere.
const LOOSE: u8 = 3;
/// On its way to another node, encoded: the duty to answer went with it.
const PASSED_ON: u8 = 4;

/// What a caller finds. Of answers and errors each by itself: an answer moves as what it is, in registers if it fits there.
pub(super) enum Found<T> {
    /// The answer; whether the slot is as good as new, since nobody else has it any more; and whether it was
    /// [noted](Slot::note).
    Answer { value: T, alone: bool, noted: bool },
    /// That there is none.
    Failure { error: CallError, noted: bool },
    /// Nothing; and up to when the node has told that time has passed.
    Nothing(Option<Instant>),
    /// Nothing, and the node is to be asked to tell at its next tick.
    Tick,
}

struct State<T> {
    answer: Answer<T>,
    /// Under which other nodes know the slot, once the reply has left this one.
    remote: Option<(Node, u64)>,
    /// What time it is at least, as the node told the caller.
    told: Option<Instant>,
    /// Whether the node tells at its next tick.
    seated: bool,
    /// Whether the caller's cell knows that it waits for this.
    noted: bool,
}

enum Answer<T> {
    Awaited(Option<Waker>),
    Here(Result<CheckedSend<T>, CallError>),
    /// Taken, or nobody waits any more: what comes now vanishes.
    Over,
}

impl<T: 'static> Slot<T> {
    /// A slot for a call by way of `node`.
    pub(super) fn take(node: &Node) -> Arc<Slot<T>> {
        Current::spare(|slot: &Slot<T>| slot.node.is(node)).unwrap_or_else(|| Slot::new(node, None))
    }

    /// The answer; without one the caller is woken when it is there, or when the node tells the time. One that `begins` to
    /// wait does not count what the node has told before.
    #[inline(always)]
    pub(super) fn poll(self: &Arc<Self>, begins: bool, cx: &mut Context<'_>) -> Found<T> {
        let mut state = self.lock();
        match &mut state.answer {
            Answer::Here(Ok(_)) => {}
            Answer::Awaited(waker) => {
                match waker {
                    Some(waker) => waker.clone_from(cx.waker()),
                    none => *none = Some(cx.waker().clone()),
                }
                if begins {
                    state.told = None;
                    if !std::mem::replace(&mut state.seated, true) {
                        return Found::Tick;
                    }
                }
                return Found::Nothing(state.told);
            }
            Answer::Here(Err(_)) | Answer::Over => return self.poll_failed(state),
        }
        let alone = Arc::strong_count(self) == 1;
        if alone {
            // All that the others did with it comes before what the next does.
            fence(Ordering::Acquire);
            self.reply.store(UNREAD, Ordering::Relaxed);
        }
        let noted = std::mem::take(&mut state.noted);
        let next = if alone { Answer::Awaited(None) } else { Answer::Over };
        match std::mem::replace(&mut state.answer, next) {
            Answer::Here(Ok(value)) => Found::Answer { value: value.into_inner(), alone, noted },
            _ => Found::Nothing(None),
        }
    }

    #[cold]
    fn poll_failed(&self, mut state: Guard<'_, State<T>>) -> Found<T> {
        let noted = std::mem::take(&mut state.noted);
        match std::mem::replace(&mut state.answer, Answer::Over) {
            Answer::Here(Err(error)) => Found::Failure { error, noted },
            // As every future that is polled after it was ready, it has nothing more to say.
            _ => Found::Nothing(None),
        }
    }
}

impl<T> Slot<T> {
    /// A slot for a call of this node, or for one of another that has come here.
    pub(super) fn new(node: &Node, remote_caller: Option<Box<RemoteCaller<T>>>) -> Arc<Slot<T>> {
        let state = State { answer: Answer::Awaited(None), remote: None, told: None, seated: false, noted: false };
        Arc::new(Slot { node: node.downgrade(), state: Lock::new(state), reply: AtomicU8::new(UNREAD), remote_caller })
    }

    fn lock(&self) -> Guard<'_, State<T>> {
        self.state.lock()
    }

    /// The node of whoever made the call, unless it is gone.
    pub(super) fn node(&self) -> Option<Node> {
        self.node.upgrade()
    }

    /// Puts the answer in, if it is the first and somebody still waits, and says whom to wake. It is put together where it
    /// will lie.
    #[inline(always)]
    pub(super) fn fill(&self, answer: impl FnOnce() -> Result<CheckedSend<T>, CallError>) -> Option<Waker> {
        let mut state = self.lock();
        let Answer::Awaited(waker) = &mut state.answer else { return None };
        let waker = waker.take();
        state.answer = Answer::Here(answer());
        waker
    }

    /// The same, and wakes the caller.
    pub(super) fn put(&self, answer: Result<CheckedSend<T>, CallError>) {
        if let Some(waker) = self.fill(|| answer) {
            waker.wake();
        }
    }

    /// The reply has come out of a mailbox: the callee's, or that of somebody whom it was passed on to. Only one who has
    /// it moves it, so nobody else writes here.
    pub(super) fn mark_taken(&self) {
        let fresh = self.reply.load(Ordering::Relaxed) == UNREAD;
        self.reply.store(if fresh { TAKEN } else { LOOSE }, Ordering::Relaxed);
    }

    /// It is being encoded for another node.
    pub(super) fn pass_on(&self) {
        self.reply.store(PASSED_ON, Ordering::Relaxed);
    }

    pub(super) fn is_passed_on(&self) -> bool {
        self.reply.load(Ordering::Relaxed) == PASSED_ON
    }

    /// Nobody else will get it from the callee that has just taken it.
    pub(super) fn mark_held(&self) {
        let fresh = self.reply.load(Ordering::Relaxed) == TAKEN;
        self.reply.store(if fresh { HELD } else { LOOSE }, Ordering::Relaxed);
    }

    /// The caller's cell knows from here on that it waits for this.
    pub(super) fn note(&self) {
        self.lock().noted = true;
    }

    /// Nobody waits any more; whether that it did was [noted](Self::note).
    pub(super) fn leave(&self) -> bool {
        let mut state = self.lock();
        let noted = std::mem::take(&mut state.noted);
        let answer = std::mem::replace(&mut state.answer, Answer::Over);
        let remote = state.remote.take();
        drop(state);
        drop(answer);
        if let Some((node, id)) = remote {
            node.pending().remove(id);
        }
        noted
    }

    /// Whether somebody still waits.
    pub(super) fn is_awaited(&self) -> bool {
        matches!(self.lock().answer, Answer::Awaited(_))
    }

    /// Another node may answer under this id; `false` if nobody waits any more.
    pub(super) fn set_remote(&self, node: Node, id: u64) -> bool {
        let mut state = self.lock();
        let awaited = matches!(state.answer, Answer::Awaited(_));
        if awaited {
            state.remote = Some((node, id));
        }
        awaited
    }
}

impl<T> Unanswered for Slot<T> {
    fn fail(&self, error: CallError) {
        self.put(Err(error));
    }
}

impl<T> Awaited for Slot<T> {
    fn is_up_to_callee(&self) -> bool {
        matches!(self.reply.load(Ordering::Relaxed), UNREAD | HELD) && self.is_awaited()
    }

    fn wakes(&self, other: &Waker) -> bool {
        matches!(&self.lock().answer, Answer::Awaited(Some(waker)) if waker.will_wake(other))
    }

    fn break_cycle(&self, pids: Vec<Pid>) {
        self.put(Err(CallError::Cycle { pids }));
    }
}

impl<T> Timeout for Slot<T> {
    fn late(&self, at: Instant) {
        let mut state = self.lock();
        if state.told.is_none_or(|told| told < at) {
            state.told = Some(at);
        }
        state.seated = false;
        let waker = match &mut state.answer {
            Answer::Awaited(waker) => waker.take(),
            Answer::Here(_) | Answer::Over => None,
        };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T: DeserializeOwned + Send> Answerable for Slot<T> {
    fn answer(&self, result: Result<&[u8], CallError>) {
        self.lock().remote = None;
        self.put(result.and_then(|bytes| {
            let mut decoder = Decoder::new(bytes);
            let value = decoder.field().map_err(CallError::Decode)?;
            decoder.finish().map_err(CallError::Decode)?;
            Ok(CheckedSend::new(value))
        }));
    }
}
