use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;

use super::{Cell, Mailbox, catch, fail};
use crate::base::{CallError, Exit, Protocol};
use crate::mailbox::{Addressee, Refused, WaiterId};
use crate::node::{Current, Line as _, Node};

/// A stream that feeds a mailbox; from [`attach`](Mailbox::attach).
///
/// Dropping it changes nothing: the stream stays attached.
#[derive(Clone)]
pub struct Attachment {
    feed: Arc<StreamSource>,
}

impl<M: Protocol> Mailbox<M> {
    /// Makes a message of each item of `stream` and puts it into this process's mailbox, until the stream or the
    /// process ends, or it is [detached](Attachment::detach). As a
    /// [port](https://www.erlang.org/doc/system/c_port.html) in Erlang sends what it reads to its owner.
    ///
    /// A bounded mailbox holds the stream back: while it is full (`overflow = wait`) nothing more is taken from the
    /// stream, and one message stands in line. Under the other policies what is too much is refused or dropped, and
    /// counted. An unbounded mailbox takes whatever comes.
    ///
    /// The stream belongs to the process: when that ends, the stream is dropped before the process's name is free and
    /// its links hear of it. A panic of the stream, or of `wrap`, is the process's own. For a message at the stream's
    /// end, chain an item to it.
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
        let feed = Arc::new(StreamSource {
            gate: Mutex::default(),
            pump: Mutex::new(Some(Box::pin(pump))),
            // Not the process itself: a stream that calls its process waits for it as anybody does.
            number: node.next_number(),
            node: node.clone(),
        });
        let attached = Attachment { feed: Arc::clone(&feed) };
        if cell.acquire(number, |attached| attached.feeds.push(Arc::clone(&feed))).is_none() {
            attached.detach();
            return attached;
        }
        node.spawner().spawn(async move {
            if let Err(panic) = poll_fn(|cx| feed.poll(cx)).await {
                cell.fail_with_panic(number, &panic);
            }
            cell.attached(number, |attached| attached.feeds.retain(|other| !Arc::ptr_eq(other, &feed)));
        });
        attached
    }
}

impl Attachment {
    /// Drops the stream: nothing more comes of it, though messages may be queued already. One that stands in line
    /// before a full mailbox is withdrawn, and counted. Whether the stream was still attached.
    pub fn detach(&self) -> bool {
        self.feed.detach()
    }

    /// Whether the stream still feeds the mailbox.
    pub fn is_attached(&self) -> bool {
        !self.feed.gate().over
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_attached() { "Attachment" } else { "Attachment(over)" })
    }
}

/// A stream on its way into a mailbox. A task drives it, the process owns it, and either may end it: whoever does
/// shuts the gate, which wakes the task, and takes the pump out unless it is at work just then.
pub(super) struct StreamSource {
    gate: Mutex<Gate>,
    pump: Mutex<Option<Pump>>,
    node: Node,
    number: u64,
}

#[derive(Default)]
struct Gate {
    over: bool,
    task: Option<Waker>,
}

type Pump = Pin<Box<dyn Future<Output = ()> + Send>>;

impl StreamSource {
    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pump(&self) -> MutexGuard<'_, Option<Pump>> {
        self.pump.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drives the stream; `Err` if it panicked.
    fn poll(&self, cx: &mut Context<'_>) -> Poll<Result<(), Exit>> {
        let over = {
            let mut gate = self.gate();
            gate.task = Some(cx.waker().clone());
            gate.over
        };
        let mut pump = self.pump();
        let (polled, dropped) = Current::collect_dropped(&self.node, self.number, || {
            let ended = catch(|| over || pump.as_mut().is_none_or(|pump| pump.as_mut().poll(cx).is_ready()));
            match ended {
                Ok(false) => Poll::Pending,
                ended => {
                    self.gate().over = true;
                    Poll::Ready(catch(|| *pump = None).and(ended).map(drop))
                }
            }
        });
        fail(dropped, &CallError::Dropped);
        polled
    }

    /// Shuts the gate; whether it was open.
    fn shut(&self) -> bool {
        let mut gate = self.gate();
        let task = gate.task.take();
        let open = !std::mem::replace(&mut gate.over, true);
        drop(gate);
        if let Some(task) = task {
            task.wake();
        }
        open
    }

    fn detach(&self) -> bool {
        let open = self.shut();
        // Taken, it is at work, perhaps for whoever calls this; the task drops it then.
        let pump = self.pump.try_lock().ok().and_then(|mut pump| pump.take());
        drop(pump);
        open
    }

    /// Ends it and hands the stream out, to be dropped; waits for what it is at.
    pub(super) fn end(&self) -> impl Sized + use<> {
        self.shut();
        self.pump().take()
    }
}

/// After so many messages in one go a stream lets others run, however many items are ready.
const BUDGET: u8 = 64;

/// Moves items from the stream into the mailbox until either ends.
async fn pump<M: Protocol, S: Stream>(cell: Arc<Cell<M>>, number: u64, stream: S, mut wrap: impl FnMut(S::Item) -> M) {
    let mut stream = std::pin::pin!(stream);
    let mut budget = BUDGET;
    while let Some(item) = poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
        match cell.send(Addressee::Process(number), wrap(item), true) {
            Ok(None) => {}
            Ok(Some(id)) => {
                let standing = Standing { cell: &cell, id };
                let admitted = poll_fn(|cx| standing.cell.poll_admitted(id, cx)).await;
                drop(standing);
                if admitted.is_err() {
                    return;
                }
            }
            Err(Refused::Gone(_)) => return,
            // The overflow policy says so, and has counted it.
            Err(Refused::Full(_)) => {}
        }
        budget -= 1;
        if budget == 0 {
            budget = BUDGET;
            pause().await;
        }
    }
}

/// A message in line, which does not outlive its stream there.
struct Standing<'a, M: Protocol> {
    cell: &'a Cell<M>,
    id: WaiterId,
}

impl<M: Protocol> Drop for Standing<'_, M> {
    fn drop(&mut self) {
        self.cell.withdraw(self.id);
    }
}

/// Lets others run once.
async fn pause() {
    let mut paused = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut paused, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
