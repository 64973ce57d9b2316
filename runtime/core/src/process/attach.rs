//! Streams and futures that are attached to a mailbox.

use std::fmt;
use std::future::{Future, IntoFuture, poll_fn};
use std::sync::Arc;
use std::task::Poll;

use futures_core::Stream;

use super::stream_source::StreamSource;
use super::{Cell, Mailbox};
use crate::base::{MessageContext, Protocol};
use crate::mailbox::{Addressee, Refused, WaiterId};
use crate::node::AdmissionQueue as _;

/// A handle to a stream or a future that feeds a mailbox; from [`attach`](Mailbox::attach) or [`pipe`](Mailbox::pipe).
///
/// Dropping the handle does not detach it.
#[derive(Clone)]
pub struct Attachment {
    source: Arc<StreamSource>,
}

impl<M: Protocol> Mailbox<M> {
    /// Sends each item of `stream` to this process's mailbox, as the message that `wrap` makes of it, until the stream or
    /// the process ends, or the stream is [detached](Attachment::detach). The counterpart in OTP is a
    /// [driver](https://www.erlang.org/doc/apps/erts/erl_driver.html), which sends what it reads to its owner.
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
        self.own(pump(Arc::clone(self.cell()), self.pid().number(), stream, wrap))
    }

    /// Runs `future` beside the process, and sends its output to this process's mailbox as the message that `wrap` makes of
    /// it, whatever the bound of the mailbox.
    ///
    /// A server that awaits a call in a handler handles nothing meanwhile. With `pipe` it goes on, and handles the outcome
    /// when that comes:
    ///
    /// ```
    /// # use greenroom::prelude::*;
    /// # #[actor]
    /// # #[derive(Default)]
    /// # struct Bank;
    /// # #[actor]
    /// # impl Bank {
    /// #     #[call]
    /// #     fn balance(&self) -> u64 { 7 }
    /// # }
    /// #[actor]
    /// struct Till {
    ///     bank: BankRef,
    /// }
    ///
    /// #[actor]
    /// impl Till {
    ///     #[call]
    ///     fn balance(&mut self, cx: &mut Context<Self>, reply: Reply<u64>) {
    ///         cx.pipe(self.bank.balance(), |outcome| TillMessage::Checked { outcome, slip: Slip(reply) });
    ///     }
    ///
    ///     #[cast]
    ///     #[private]
    ///     fn checked(&mut self, outcome: Result<u64, CallError>, slip: Slip) {
    ///         slip.0.send(outcome.unwrap_or(0));
    ///     }
    /// }
    ///
    /// struct Slip(Reply<u64>);
    ///
    /// # #[greenroom::main]
    /// # async fn main() -> greenroom::Result {
    /// let till = Till { bank: Bank.spawn() }.spawn();
    /// assert_eq!(till.balance().await?, 7);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The process owns the future: when the process ends, the future is dropped before the process's name is free and its
    /// links and watchers are notified. A panic of the future or of `wrap` ends the process. A call inside an `async` block
    /// is not a call of this process, so it may be a call to it. The models are gen_server's
    /// [`send_request/2`](https://www.erlang.org/doc/apps/stdlib/gen_server.html#send_request/2) and Akka's
    /// [`pipeToSelf`](https://doc.akka.io/libraries/akka-core/current/typed/interaction-patterns.html).
    pub fn pipe<F>(&self, future: F, wrap: impl FnOnce(F::Output) -> M + Send + 'static) -> Attachment
    where
        F: IntoFuture,
        F::IntoFuture: Send + 'static,
    {
        let (cell, number, future) = (Arc::clone(self.cell()), self.pid().number(), future.into_future());
        self.own(async move {
            let output = future.await;
            cell.send_own(number, wrap(output));
        })
    }

    /// Drives `pump` in a task, until it or the process ends.
    fn own(&self, pump: impl Future<Output = ()> + Send + 'static) -> Attachment {
        let (cell, number) = (Arc::clone(self.cell()), self.pid().number());
        let source = Arc::new(StreamSource::new(self.node().clone(), pump));
        let attachment = Attachment { source: Arc::clone(&source) };
        if !cell.add_stream(number, &source) {
            attachment.detach();
            return attachment;
        }
        self.node().spawner().spawn(async move {
            if let Err(panic) = poll_fn(|cx| source.poll(cx)).await {
                cell.fail_with_panic(number, &panic);
            }
            cell.remove_stream(number, &source);
        });
        attachment
    }
}

impl Attachment {
    /// Detaches and drops the stream or future; returns whether it was still attached.
    ///
    /// Messages that are queued already stay in the mailbox. A message in the wait queue of a full mailbox is withdrawn,
    /// and counted as dropped.
    pub fn detach(&self) -> bool {
        self.source.detach()
    }

    /// Returns whether the stream or future still feeds the mailbox.
    pub fn is_attached(&self) -> bool {
        !self.source.is_ended()
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_attached() { "Attachment" } else { "Attachment(detached)" })
    }
}

/// The number of messages after which a stream yields to other tasks, however many items are ready.
const BUDGET: u8 = 64;

/// Moves items from the stream into the mailbox until either ends.
async fn pump<M: Protocol, S: Stream>(cell: Arc<Cell<M>>, number: u64, stream: S, mut wrap: impl FnMut(S::Item) -> M) {
    let mut stream = std::pin::pin!(stream);
    let mut budget = BUDGET;
    while let Some(item) = poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
        match cell.send(Addressee::Process(number), MessageContext::NONE, wrap(item), true) {
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
