use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;

use super::{Cell, Mailbox, catch, fail_callers};
use crate::base::{CallError, Exit, Protocol};
use crate::mailbox::{Addressee, Refused, WaiterId};
use crate::node::{Current, Line as _, Node};

/// A handle to a stream that feeds a mailbox; from [`attach`](Mailbox::attach).
///
/// Dropping the handle does not detach the stream.
#[derive(Clone)]
pub struct Attachment {
    source: Arc<StreamSource>,
}

impl<M: Protocol> Mailbox<M> {
    /// Sends each item of `stream` to this process's mailbox, as the message that `wrap` makes of it, until the stream or
    /// the process ends, or the stream is [detached](Attachment::detach). The counterpart in OTP is a
    /// [port](https://www.erlang.org/doc/system/c_port.html), which sends what it reads to its owner.
    ///
    /// A full bounded mailbox with `overflow = wait` suspends the stream: one message waits in the wait queue, and no
    /// further item is taken. Under the other overflow policies, messages that do not fit are refused or dropped, and
    /// counted. An unbounded mailbox takes every item.
    ///
    /// The process owns the stream: when the process ends, the stream is dropped before the process's name is free and
    /// its links and watchers are notified. A panic of the stream or of `wrap` ends the process. To receive a message at
    /// the stream's end, chain an item to the stream.
    ///
    /// ```
    /// # use greenroom::prelude::*;
    /// # use std::{pin::Pin, task::Poll};
    /// # struct Lines(u8);
    /// # impl futures_core::Stream for Lines {
    /// #     type Item = String;
    /// #     fn poll_next(mut self: Pin<&mut Self>, _: &mut std::task::Context<'_>) -> Poll<Option<String>> {
    /// #         self.0 += 1;
    /// #         Poll::Ready((self.0 < 3).then(|| format!("line {}", self.0)))
    /// #     }
    /// # }
    /// # fn lines() -> Lines { Lines(0) }
    /// #[protocol]
    /// enum Mail {
    ///     Line(String),
    /// }
    ///
    /// # #[greenroom::main]
    /// # async fn main() -> greenroom::Result {
    /// let reader = greenroom::spawn(|mut mailbox: Mailbox<Mail>| async move {
    ///     mailbox.attach(lines(), Mail::Line);
    ///     receive!(match mailbox { Mail::Line(line) => assert_eq!(line, "line 1") });
    /// });
    /// assert_eq!(reader.ended().await, Exit::Normal);
    /// # Ok(())
    /// # }
    /// ```
    pub fn attach<S>(&self, stream: S, wrap: impl FnMut(S::Item) -> M + Send + 'static) -> Attachment
    where
        S: Stream + Send + 'static,
        S::Item: Send,
    {
        let (cell, number) = (Arc::clone(self.cell()), self.pid().number());
        let pump = pump(Arc::clone(&cell), number, stream, wrap);
        let node = self.node().clone();
        let source = Arc::new(StreamSource {
            state: Mutex::default(),
            pump: Mutex::new(Some(Box::pin(pump))),
            // A number of its own, so that a stream may call the process that it feeds.
            number: node.next_number(),
            node: node.clone(),
        });
        let attachment = Attachment { source: Arc::clone(&source) };
        let attached = cell.with_attached_if_running(number, |attached| attached.streams.push(Arc::clone(&source)));
        if attached.is_none() {
            attachment.detach();
            return attachment;
        }
        node.spawner().spawn(async move {
            if let Err(panic) = poll_fn(|cx| source.poll(cx)).await {
                cell.fail_with_panic(number, &panic);
            }
            cell.with_attached(number, |attached| attached.streams.retain(|other| !Arc::ptr_eq(other, &source)));
        });
        attachment
    }
}

impl Attachment {
    /// Detaches and drops the stream; returns whether it was still attached.
    ///
    /// Messages that are queued already stay in the mailbox. A message in the wait queue of a full mailbox is withdrawn,
    /// and counted as dropped.
    pub fn detach(&self) -> bool {
        self.source.detach()
    }

    /// Returns whether the stream still feeds the mailbox.
    pub fn is_attached(&self) -> bool {
        !self.source.state().is_ended
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_attached() { "Attachment" } else { "Attachment(detached)" })
    }
}

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

    /// Polls the pump; `Err` is its panic.
    fn poll(&self, cx: &mut Context<'_>) -> Poll<Result<(), Exit>> {
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
        fail_callers(dropped, &CallError::Dropped);
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

    fn detach(&self) -> bool {
        let was_attached = self.mark_ended();
        // A locked pump is being polled, perhaps by the caller of this function; its task drops it then.
        let pump = self.pump.try_lock().ok().and_then(|mut pump| pump.take());
        drop(pump);
        was_attached
    }

    /// Ends the stream and returns it, for the caller to drop. Blocks while the task polls it.
    pub(super) fn end(&self) -> impl Sized + use<> {
        self.mark_ended();
        self.pump().take()
    }
}

/// The number of messages after which a stream yields to other tasks, however many items are ready.
const BUDGET: u8 = 64;

/// Moves items from the stream into the mailbox until either ends.
async fn pump<M: Protocol, S: Stream>(cell: Arc<Cell<M>>, number: u64, stream: S, mut wrap: impl FnMut(S::Item) -> M) {
    let mut stream = std::pin::pin!(stream);
    let mut budget = BUDGET;
    while let Some(item) = poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
        match cell.send(Addressee::Process(number), wrap(item), true) {
            Ok(None) => {}
            Ok(Some(id)) => {
                let guard = WithdrawOnDrop { cell: &cell, id };
                let admitted = poll_fn(|cx| guard.cell.poll_admitted(id, cx)).await;
                drop(guard);
                if admitted.is_err() {
                    return;
                }
            }
            Err(Refused::Gone(_)) => return,
            // Refused or dropped by the mailbox's overflow policy, which has counted it.
            Err(Refused::Full(_)) => {}
        }
        budget -= 1;
        if budget == 0 {
            budget = BUDGET;
            yield_once().await;
        }
    }
}

/// A message in a wait queue, which is withdrawn when its stream is dropped.
struct WithdrawOnDrop<'a, M: Protocol> {
    cell: &'a Cell<M>,
    id: WaiterId,
}

impl<M: Protocol> Drop for WithdrawOnDrop<'_, M> {
    fn drop(&mut self) {
        self.cell.withdraw(self.id);
    }
}

/// Yields to other tasks once.
async fn yield_once() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
