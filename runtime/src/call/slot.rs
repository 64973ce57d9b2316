use std::task::{Context, Poll, Waker};

use serde::de::DeserializeOwned;

use crate::base::{CallError, Decoder};
use crate::node::{Answerable, Late, Node, Unanswered};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// Where an answer lies until its caller takes it.
pub(super) struct Slot<T> {
    state: Mutex<State<T>>,
}

struct State<T> {
    answer: Answer<T>,
    /// Under which other nodes know the slot, once the reply has left this one.
    remote: Option<(Node, u64)>,
    /// Whether the node's word that it is late counts: not for one who has changed its mind about how long to wait.
    hears_late: bool,
}

enum Answer<T> {
    Awaited(Option<Waker>),
    Here(Result<T, CallError>),
    /// Taken, or nobody waits any more: what comes now vanishes.
    Over,
}

impl<T> Slot<T> {
    pub(super) fn new() -> Slot<T> {
        Slot { state: Mutex::new(State { answer: Answer::Awaited(None), remote: None, hears_late: true }) }
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

    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<Result<T, CallError>> {
        let mut state = self.lock();
        match std::mem::replace(&mut state.answer, Answer::Over) {
            Answer::Here(answer) => Poll::Ready(answer),
            Answer::Awaited(mut waker) => {
                match &mut waker {
                    Some(waker) => waker.clone_from(cx.waker()),
                    none => *none = Some(cx.waker().clone()),
                }
                state.answer = Answer::Awaited(waker);
                Poll::Pending
            }
            // As every future that is polled after it was ready, it has nothing more to say.
            Answer::Over => Poll::Pending,
        }
    }

    /// The caller keeps its own time from now on.
    pub(super) fn keep_own_time(&self) {
        self.lock().hears_late = false;
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

    pub(super) fn set_remote(&self, node: Node, id: u64) {
        self.lock().remote = Some((node, id));
    }
}

impl<T: Send> Unanswered for Slot<T> {
    fn fail(&self, error: CallError) {
        self.put(Err(error));
    }
}

impl<T: Send> Late for Slot<T> {
    fn late(&self) {
        let hears = self.lock().hears_late;
        if hears {
            self.put(Err(CallError::Timeout));
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
