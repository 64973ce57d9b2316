//! A stream that feeds a mailbox, without the process and its protocol.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::{catch, fail_callers};
use crate::base::{CallErrorKind, Exit};
use crate::node::{Current, Node};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// A stream that feeds a mailbox. A task drives it, and the process owns it; either may end it.
///
/// To end it, set `is_ended`, wake the task, and take the pump, unless the task is polling it at that moment: then the
/// task drops it.
pub(super) struct StreamSource {
    state: Mutex<SourceState>,
    pump: Mutex<Option<Pump>>,
    node: Node,
    number: u64,
}

#[derive(Default)]
struct SourceState {
    is_ended: bool,
    waker: Option<Waker>,
}

type Pump = Pin<Box<dyn Future<Output = ()> + Send>>;

impl StreamSource {
    fn state(&self) -> MutexGuard<'_, SourceState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pump(&self) -> MutexGuard<'_, Option<Pump>> {
        self.pump.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a source whose stream `pump` moves into the mailbox.
    pub(super) fn new(node: Node, pump: impl Future<Output = ()> + Send + 'static) -> StreamSource {
        StreamSource {
            state: Mutex::default(),
            pump: Mutex::new(Some(Box::pin(pump))),
            // A number of its own, so that a stream may call the process that it feeds.
            number: node.next_number(),
            node,
        }
    }

    /// Polls the pump; `Err` is its panic.
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<Result<(), Exit>> {
        let is_ended = {
            let mut state = self.state();
            state.waker = Some(cx.waker().clone());
            state.is_ended
        };
        let mut pump = self.pump();
        let (polled, dropped) = Current::collect_dropped(&self.node, self.number, || {
            let ended = catch(|| is_ended || pump.as_mut().is_none_or(|pump| pump.as_mut().poll(cx).is_ready()));
            match ended {
                Ok(false) => Poll::Pending,
                ended => {
                    self.state().is_ended = true;
                    Poll::Ready(catch(|| *pump = None).and(ended).map(drop))
                }
            }
        });
        fail_callers(dropped, &CallErrorKind::Dropped);
        polled
    }

    /// Marks the stream as ended and wakes its task; returns `false` if it had ended already.
    fn mark_ended(&self) -> bool {
        let mut state = self.state();
        let waker = state.waker.take();
        let was_attached = !std::mem::replace(&mut state.is_ended, true);
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        was_attached
    }

    /// Ends and drops the stream; returns whether it was still attached.
    pub(super) fn detach(&self) -> bool {
        let was_attached = self.mark_ended();
        // A locked pump is being polled, perhaps by the caller of this function; its task drops it then.
        let pump = self.pump.try_lock().ok().and_then(|mut pump| pump.take());
        drop(pump);
        was_attached
    }

    pub(super) fn is_ended(&self) -> bool {
        self.state().is_ended
    }

    /// Ends the stream and returns it, for the caller to drop. Blocks while the task polls it.
    pub(super) fn end(&self) -> impl Sized + use<> {
        self.mark_ended();
        self.pump().take()
    }
}
