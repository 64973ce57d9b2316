use std::task::{Context, Waker};
use std::time::Instant;

use serde::de::DeserializeOwned;

use crate::base::{CallError, Decoder};
use crate::node::{Answerable, Awaited, Late, Node, Unanswered};
use crate::sync::atomic::{AtomicU8, Ordering};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// Where an answer lies until its caller takes it.
pub(super) struct Slot<T> {
    state: Mutex<State<T>>,
    /// Where the reply is: one of the four below.
    reply: AtomicU8,
}

/// In a message that the callee has not taken.
const UNREAD: u8 = 0;
/// Taken by the callee just now.
const TAKEN: u8 = 1;
/// With the callee's generated code, that answers by what a method returns.
const HELD: u8 = 2;
/// Anywhere.
const LOOSE: u8 = 3;

/// What a caller finds.
pub(super) enum Found<T> {
    Answer(Result<T, CallError>),
    /// Nothing; and up to when the node has told that time has passed.
    Nothing(Option<Instant>),
}

struct State<T> {
    answer: Answer<T>,
    /// Under which other nodes know the slot, once the reply has left this one.
    remote: Option<(Node, u64)>,
    /// What time it is at least, as the node told the caller.
    told: Option<Instant>,
}

enum Answer<T> {
    Awaited(Option<Waker>),
    Here(Result<T, CallError>),
    /// Taken, or nobody waits any more: what comes now vanishes.
    Over,
}

impl<T> Slot<T> {
    pub(super) fn new() -> Slot<T> {
        let state = State { answer: Answer::Awaited(None), remote: None, told: None };
        Slot { state: Mutex::new(state), reply: AtomicU8::new(UNREAD) }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the answer in, if it is the first and somebody still waits; whether that was so.
    pub(super) fn put(&self, answer: Result<T, CallError>) -> bool {
        let mut state = self.lock();
        let Answer::Awaited(waker) = &mut state.answer else { return false };
        let waker = waker.take();
        state.answer = Answer::Here(answer);
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    /// The answer; without one the caller is woken when it is there, or when the node tells the time.
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Found<T> {
        let mut state = self.lock();
        match std::mem::replace(&mut state.answer, Answer::Over) {
            Answer::Here(answer) => Found::Answer(answer),
            Answer::Awaited(mut waker) => {
                match &mut waker {
                    Some(waker) => waker.clone_from(cx.waker()),
                    none => *none = Some(cx.waker().clone()),
                }
                state.answer = Answer::Awaited(waker);
                Found::Nothing(state.told)
            }
            // As every future that is polled after it was ready, it has nothing more to say.
            Answer::Over => Found::Nothing(None),
        }
    }

    /// The reply has come out of a mailbox: the callee's, or that of somebody whom it was passed on to. Only one who has
    /// it moves it, so nobody else writes here.
    pub(super) fn hand_out(&self) {
        let fresh = self.reply.load(Ordering::Relaxed) == UNREAD;
        self.reply.store(if fresh { TAKEN } else { LOOSE }, Ordering::Relaxed);
    }

    /// Nobody else will get it from the callee that has just taken it.
    pub(super) fn hold(&self) {
        let fresh = self.reply.load(Ordering::Relaxed) == TAKEN;
        self.reply.store(if fresh { HELD } else { LOOSE }, Ordering::Relaxed);
    }

    /// Nobody waits any more.
    pub(super) fn leave(&self) {
        let mut state = self.lock();
        let answer = std::mem::replace(&mut state.answer, Answer::Over);
        let remote = state.remote.take();
        drop(state);
        drop(answer);
        if let Some((node, id)) = remote {
            node.pending().remove(id);
        }
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

impl<T: Send> Unanswered for Slot<T> {
    fn fail(&self, error: CallError) {
        self.put(Err(error));
    }
}

impl<T: Send> Awaited for Slot<T> {
    fn is_up_to_callee(&self) -> bool {
        matches!(self.reply.load(Ordering::Relaxed), UNREAD | HELD) && self.is_awaited()
    }

    fn wakes(&self, other: &Waker) -> bool {
        matches!(&self.lock().answer, Answer::Awaited(Some(waker)) if waker.will_wake(other))
    }
}

impl<T: Send> Late for Slot<T> {
    fn late(&self, at: Instant) {
        let mut state = self.lock();
        if state.told.is_none_or(|told| told < at) {
            state.told = Some(at);
        }
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
            Ok(value)
        }));
    }
}
