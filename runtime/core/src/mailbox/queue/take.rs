//! Taking messages over: the owner swaps the queue with its empty batch.

use std::collections::VecDeque;
use std::mem;
use std::task::{Context, Poll};

use super::super::batch::{Batch, is_oversized};
use super::super::{Entry, Mask};
use super::{Inner, Queue, ReaderStats, WaiterId};
use crate::base::Protocol;

/// The outcome of a [`TakeRequest`].
pub(in crate::mailbox) enum TakeOutcome<M> {
    /// The queue's messages are in the batch.
    Batch,
    /// A message from the wait queue, to be tested.
    Waiter(WaiterId, Entry<M>),
    /// There is no message; the owner will be woken.
    Nothing,
}

/// A request of the owner for messages.
pub(in crate::mailbox) struct TakeRequest {
    /// The variants that its receive can take.
    pub(in crate::mailbox) want: Mask,
    /// The last waiter that this receive has tested.
    pub(in crate::mailbox) tested: Option<WaiterId>,
    /// True if the owner polls once more before it waits.
    pub(in crate::mailbox) repoll: bool,
    pub(in crate::mailbox) reader: ReaderStats,
}

impl<M: Protocol> Queue<M> {
    /// Moves all queued messages into the empty `batch`. If the queue is empty, takes a wanted message from the wait
    /// queue, and otherwise has `cx` woken when a message comes.
    #[inline]
    pub(in crate::mailbox) fn poll_take(
        &self,
        batch: &mut Batch<M>,
        request: &TakeRequest,
        cx: &mut Context<'_>,
    ) -> TakeOutcome<M> {
        batch.reset();
        let mut inner = self.lock();
        let long = self.inner.constant();
        inner.publish(request.reader, long);
        if !inner.is_empty() {
            inner.hand_over(batch);
            return TakeOutcome::Batch;
        }
        if let Some(bounded) = inner.bounded() {
            bounded.want = request.want;
            if let Some((id, entry)) = bounded.take_wanted(request.want, request.tested) {
                return TakeOutcome::Waiter(id, entry);
            }
        }
        if request.repoll {
            drop(inner);
            cx.waker().wake_by_ref();
        } else {
            inner.wait(cx.waker());
            let oversized = inner.take_oversized();
            drop(inner);
            drop(oversized);
            batch.free_oversized();
        }
        TakeOutcome::Nothing
    }

    /// Does what [`poll_take`](Self::poll_take) does for an owner whose mailbox is not bounded and whose protocol has
    /// no `#[priority]` variant.
    #[inline(always)]
    pub(in crate::mailbox) fn poll_refill(
        &self,
        batch: &mut Batch<M>,
        (handled, calls): (u64, u64),
        repoll: bool,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        batch.reset();
        let mut inner = self.lock();
        let (waiting, long) = (u32::try_from(inner.entries.len()).unwrap_or(u32::MAX), self.inner.constant());
        inner.publish_counted(ReaderStats { handled, calls, location: None, saved: 0, batch: waiting }, long);
        if waiting != 0 {
            mem::swap(&mut inner.entries, &mut batch.entries);
            drop(inner);
            batch.taken = batch.entries.len();
            return Poll::Ready(());
        }
        if repoll {
            drop(inner);
            cx.waker().wake_by_ref();
        } else {
            inner.wait(cx.waker());
            let oversized = inner.take_oversized();
            drop(inner);
            drop(oversized);
            batch.free_oversized();
        }
        Poll::Pending
    }

    /// Has `cx` woken when a message comes. Returns `false` if there is one.
    #[inline]
    pub(crate) fn wait(&self, cx: &mut Context<'_>) -> bool {
        let mut inner = self.lock();
        let empty = inner.is_empty();
        if empty {
            inner.wait(cx.waker());
        }
        empty
    }

    /// Moves all queued messages into the empty `batch`.
    pub(in crate::mailbox) fn take(&self, batch: &mut Batch<M>, reader: ReaderStats) {
        batch.reset();
        let mut inner = self.lock();
        let long = self.inner.constant();
        inner.publish(reader, long);
        inner.hand_over(batch);
    }

    /// Moves the queued messages of `#[priority]` variants behind those in `batch`.
    pub(in crate::mailbox) fn take_priority(&self, batch: &mut Batch<M>) {
        if let Some(extras) = &mut self.lock().extras {
            batch.priority.append(&mut extras.priority);
        }
    }
}

impl<M: Protocol> Inner<M> {
    /// Publishes the counts of an owner that takes over all queued messages. `long`: the number of messages that make a
    /// long mailbox.
    fn publish(&mut self, reader: ReaderStats, long: u32) {
        let batch = u32::try_from(self.queued()).unwrap_or(u32::MAX);
        self.publish_counted(ReaderStats { batch, ..reader }, long);
    }

    /// Publishes counts in which the queued messages are in the batch already.
    #[inline(always)]
    fn publish_counted(&mut self, reader: ReaderStats, long: u32) {
        self.reader = reader;
        self.report.update(self.pushed, long, reader.batch.saturating_add(reader.saved));
    }

    fn hand_over(&mut self, batch: &mut Batch<M>) {
        mem::swap(&mut self.entries, &mut batch.entries);
        if let Some(extras) = &mut self.extras {
            batch.priority.append(&mut extras.priority);
            if let Some(bounded) = &mut extras.bounded {
                bounded.want = Mask(0);
                batch.dropped += mem::take(&mut bounded.dropped_unread);
            }
        }
        batch.taken = batch.entries.len();
    }

    /// Takes the memory of the empty queue if that is large, for the caller to free outside of the lock.
    #[inline(always)]
    fn take_oversized(&mut self) -> Option<VecDeque<Entry<M>>> {
        is_oversized(&self.entries).then(|| mem::take(&mut self.entries))
    }
}
