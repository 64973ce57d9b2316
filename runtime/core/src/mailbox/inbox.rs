//! The owner's end of a mailbox, and the scan behind `receive!`.

use std::collections::VecDeque;
use std::mem;
use std::panic::Location;
use std::task::{Context, Poll};

use super::batch::Batch;
use super::queue::{ReaderStats, TakeOutcome, TakeRequest};
use super::remove::remove_origin;
use super::save_queue::SaveQueue;
use super::{Entry, Mask, Origin, Queue, WaiterId};
use crate::base::{MessageContext, Protocol};

/// The owner's end of a mailbox: the batch that it took over, the save queue and the running scan.
pub(crate) struct Inbox<M> {
    batch: Batch<M>,
    saved: Option<Box<SaveQueue<M>>>,
    want: Mask,
    /// The lanes of the save queue that the running scan has not finished. After them it looks at new messages.
    pending: u64,
    /// The last waiter that the running scan has tested.
    last_waiter: Option<WaiterId>,
    /// Messages that have come out of the queue.
    read: u64,
    /// The value of `read` when the owner last waited.
    read_at_wait: u64,
    /// Calls among the messages that matched.
    calls: u64,
    /// The source location of the running receive, if known.
    location: Option<&'static Location<'static>>,
    testing: Testing,
    /// The trace context of the message that is being tested, unless it is a saved one, or that was taken last.
    context: MessageContext,
}

/// The source of the message that is being tested.
#[derive(Clone, Copy)]
enum Testing {
    Nothing,
    /// This lane of the save queue, which keeps its place.
    Saved(usize),
    Arrived(Origin),
    /// The wait queue, which keeps its place.
    Waiter(WaiterId, Origin),
}

/// The next step of a scan.
pub(crate) enum Next<M> {
    /// A message that an arm may want: [`accept`](Inbox::accept) or [`skip`](Inbox::skip) it.
    Test(M),
    /// There is no further message; the queue will wake the caller.
    Empty,
}

/// An owner that has read this many messages since it last waited polls once more before it waits: its senders are
/// active, and a wake-up for each of their messages would cost both sides more.
const REPOLL_AFTER: u64 = 2;

impl<M: Protocol> Inbox<M> {
    pub(crate) fn new() -> Inbox<M> {
        Inbox {
            batch: Batch::new(),
            saved: None,
            want: Mask::ALL,
            pending: 0,
            last_waiter: None,
            read: 0,
            read_at_wait: 0,
            calls: 0,
            location: None,
            testing: Testing::Nothing,
            context: MessageContext::NONE,
        }
    }

    /// Begins a receive that can take `want`, at this source location.
    #[inline(always)]
    pub(crate) fn begin(&mut self, queue: &Queue<M>, want: Mask, location: Option<&'static Location<'static>>) {
        self.want = want;
        self.location = location;
        self.pending = 0;
        self.last_waiter = None;
        self.context = MessageContext::NONE;
        if const { Mask::priority::<M>().0 != 0 } {
            // A `#[priority]` message goes before the saved ones, even if it has just arrived.
            queue.take_priority(&mut self.batch);
            while let Some(entry) = self.batch.priority.pop_front() {
                self.read += 1;
                self.save(entry);
            }
        }
        if !matches!(self.testing, Testing::Nothing) {
            // A guard has panicked and the body caught that. The message is dropped and does not count any more.
            let counted = match self.testing {
                Testing::Arrived(origin) => {
                    self.testing = Testing::Nothing;
                    origin.is_sent()
                }
                _ => self.accept_stored(queue),
            };
            if counted {
                queue.release();
            }
        }
        if let Some(saved) = &mut self.saved {
            self.pending = saved.begin(want);
        }
    }

    /// Returns the next message of the batch and its variant, for an owner that takes every message of a
    /// [batch-only](Self::is_batch_only) inbox: the path of nearly all of a server's messages.
    #[inline(always)]
    pub(crate) fn next_in_batch(&mut self) -> Option<(usize, M)> {
        // Read in place, so that the message moves only once, to its receiver.
        let message = &self.batch.entries.front()?.message;
        let variant = message.variant();
        message.mark_taken();
        self.location = None;
        self.read += 1;
        self.count_call(variant);
        self.batch.entries.pop_front().map(|entry| {
            self.context = entry.context;
            (variant, entry.message)
        })
    }

    /// Returns whether the owner has no messages but its batch, in the order of arrival.
    #[inline(always)]
    pub(crate) fn is_batch_only(&self) -> bool {
        let priority = const { Mask::priority::<M>().0 != 0 };
        !priority
            && self.saved.as_ref().is_none_or(|saved| saved.len() == 0)
            && matches!(self.testing, Testing::Nothing)
    }

    /// Refills the empty batch of a [batch-only](Self::is_batch_only) inbox, or has `cx` woken when that is possible.
    #[inline(always)]
    pub(crate) fn poll_refill(&mut self, queue: &Queue<M>, cx: &mut Context<'_>) -> Poll<()> {
        let repoll = self.read - self.read_at_wait >= REPOLL_AFTER;
        let refilled = queue.poll_refill(&mut self.batch, (self.read, self.calls), repoll, cx);
        if refilled.is_pending() {
            self.read_at_wait = self.read;
        }
        refilled
    }

    #[inline(always)]
    fn count_call(&mut self, variant: usize) {
        self.calls += u64::from(Mask::calls::<M>().contains(Mask::lane(variant)));
    }

    /// Returns the next saved message to test if that is quick, as it is in most scans. Otherwise [`next`](Self::next)
    /// returns it.
    #[inline(always)]
    pub(crate) fn next_saved(&mut self) -> Option<M> {
        if self.pending == 0 {
            return None;
        }
        let (lane, message) = self.saved.as_mut()?.next_in_lane(self.pending)?;
        self.testing = Testing::Saved(lane);
        Some(message)
    }

    /// Returns the next message to test. Without a `cx`, only messages count that have arrived.
    #[inline(always)]
    pub(crate) fn next(&mut self, queue: &Queue<M>, mut cx: Option<&mut Context<'_>>) -> Next<M> {
        if self.pending != 0
            && let Some(saved) = &mut self.saved
            && let Some((lane, message)) = saved.next(&mut self.pending)
        {
            self.testing = Testing::Saved(lane);
            return Next::Test(message);
        }
        loop {
            while let Some(entry) = self.pop() {
                self.read += 1;
                if self.want.contains(Mask::lane(entry.message.variant())) {
                    self.testing = Testing::Arrived(entry.origin);
                    self.context = entry.context;
                    return Next::Test(entry.message);
                }
                self.save(entry);
            }
            match cx.as_deref_mut() {
                Some(cx) => {
                    let repoll = self.read - self.read_at_wait >= REPOLL_AFTER;
                    let request =
                        TakeRequest { want: self.want, tested: self.last_waiter, repoll, reader: self.stats() };
                    match queue.poll_take(&mut self.batch, &request, cx) {
                        TakeOutcome::Batch => {}
                        TakeOutcome::Waiter(id, entry) => {
                            self.last_waiter = Some(id);
                            self.testing = Testing::Waiter(id, entry.origin);
                            self.context = entry.context;
                            return Next::Test(entry.message);
                        }
                        TakeOutcome::Nothing => {
                            self.read_at_wait = self.read;
                            return Next::Empty;
                        }
                    }
                }
                None => {
                    let stats = self.stats();
                    queue.take(&mut self.batch, stats);
                    if self.is_read() {
                        return Next::Empty;
                    }
                }
            }
        }
    }

    #[inline]
    fn pop(&mut self) -> Option<Entry<M>> {
        if const { Mask::priority::<M>().0 != 0 }
            && let Some(entry) = self.batch.priority.pop_front()
        {
            return Some(entry);
        }
        self.batch.entries.pop_front()
    }

    #[inline(never)]
    fn save(&mut self, entry: Entry<M>) {
        let lane = Mask::lane(entry.message.variant());
        self.saved.get_or_insert_with(|| Box::new(SaveQueue::new(Mask::priority::<M>()))).push(lane, entry);
    }

    fn stats(&self) -> ReaderStats {
        let saved = self.saved();
        ReaderStats {
            handled: self.read.saturating_sub(u64::from(saved)),
            calls: self.calls,
            location: self.location,
            saved,
            batch: u32::try_from(self.batch.priority.len() + self.batch.entries.len()).unwrap_or(u32::MAX),
        }
    }

    pub(crate) fn location(&self) -> Option<&'static Location<'static>> {
        self.location
    }

    /// Publishes the counts of the process with this number, which owns the inbox. Returns how many messages the
    /// mailbox holds.
    pub(crate) fn publish(&self, queue: &Queue<M>, number: u64) -> u64 {
        queue.publish(number, self.stats())
    }

    /// Returns how many messages are behind the process since it started: it has tested or saved them, or the queue has
    /// dropped them before. A position in the order of [`Queue::pushed`].
    pub(crate) fn passed(&self) -> u64 {
        self.read + self.batch.dropped
    }

    /// Returns the length of the save queue.
    pub(crate) fn saved(&self) -> u32 {
        self.saved.as_ref().map_or(0, |saved| saved.len())
    }

    /// Returns whether the batch is empty.
    pub(crate) fn is_read(&self) -> bool {
        self.batch.priority.is_empty() && self.batch.entries.is_empty()
    }

    /// Accepts the tested message, of this variant: it belongs to the receiver. Returns whether it counts in a bounded
    /// mailbox.
    #[inline(always)]
    pub(crate) fn accept(&mut self, queue: &Queue<M>, variant: usize) -> bool {
        self.count_call(variant);
        if let Testing::Arrived(origin) = self.testing {
            self.testing = Testing::Nothing;
            return origin.is_sent();
        }
        self.accept_stored(queue)
    }

    /// Accepts a message from the save queue or the wait queue.
    fn accept_stored(&mut self, queue: &Queue<M>) -> bool {
        match mem::replace(&mut self.testing, Testing::Nothing) {
            Testing::Nothing | Testing::Arrived(_) => false,
            Testing::Saved(lane) => {
                let Some((origin, context)) = self.saved.as_mut().and_then(|saved| saved.remove_tested(lane)) else {
                    return false;
                };
                self.context = context;
                origin.is_sent()
            }
            // It has never counted.
            Testing::Waiter(id, _) => {
                queue.admit(id);
                false
            }
        }
    }

    /// Puts the tested message back for another receive. Returns it if its sender has withdrawn it from the wait queue
    /// meanwhile.
    // Inlined into each receive, where the message is in registers: a guard may refuse thousands.
    #[inline(always)]
    pub(crate) fn skip(&mut self, queue: &Queue<M>, message: M) -> Option<M> {
        if let Testing::Saved(lane) = self.testing
            && let Some(saved) = &mut self.saved
            && let Some(place) = saved.tested_place(lane)
        {
            self.testing = Testing::Nothing;
            *place = Some(message);
            return None;
        }
        // A new value, so that the one above need not be in memory for this call.
        self.skip_slow(queue, Some(message))
    }

    #[inline(never)]
    fn skip_slow(&mut self, queue: &Queue<M>, message: Option<M>) -> Option<M> {
        let message = message?;
        let context = mem::take(&mut self.context);
        match mem::replace(&mut self.testing, Testing::Nothing) {
            Testing::Arrived(origin) => self.save(Entry { origin, context, message }),
            Testing::Waiter(id, origin) => return queue.put_back(id, Entry { origin, context, message }),
            Testing::Nothing | Testing::Saved(_) => self.save(Entry { origin: Origin::SENT, context, message }),
        }
        None
    }

    /// Takes the trace context of the message that was taken last.
    #[inline(always)]
    pub(crate) fn take_context(&mut self) -> MessageContext {
        mem::take(&mut self.context)
    }

    /// Returns the trace context of the message that was taken last, for a span of it.
    #[cfg(feature = "trace-context")]
    pub(crate) fn context(&self) -> &MessageContext {
        &self.context
    }

    /// Takes the batch, for the caller to drop.
    pub(crate) fn drain(&mut self) -> VecDeque<Entry<M>> {
        let mut all = mem::take(&mut self.batch.priority);
        if all.is_empty() {
            return mem::take(&mut self.batch.entries);
        }
        all.append(&mut self.batch.entries);
        all
    }

    /// Takes a lane of the save queue, as long as there is one, for the caller to drop.
    pub(crate) fn drain_saved(&mut self) -> Option<VecDeque<Option<M>>> {
        self.saved.as_mut()?.pop_lane()
    }

    /// Puts all messages back into the queue in the order of arrival, since the owner's start has failed.
    pub(crate) fn put_back(&mut self, queue: &Queue<M>) {
        let mut saved = self.saved.take().map(|saved| saved.into_entries()).unwrap_or_default();
        let (mut priority, mut entries) = (VecDeque::new(), VecDeque::new());
        while let Some(entry) = saved.pop_front() {
            let is_priority = Mask::priority::<M>().contains(Mask::lane(entry.message.variant()));
            if is_priority { &mut priority } else { &mut entries }.push_back(entry);
        }
        priority.append(&mut self.batch.priority);
        entries.append(&mut self.batch.entries);
        queue.put_all_back(priority, entries);
    }

    /// Calls `f` with each message that the owner has taken over, in the order in which a new receive tests them.
    #[cfg(feature = "upgrade")]
    pub(crate) fn visit(&self, mut f: impl FnMut(Origin, &M)) {
        if let Some(saved) = &self.saved {
            saved.visit(&mut f);
        }
        self.batch.priority.iter().chain(&self.batch.entries).for_each(|entry| f(entry.origin, &entry.message));
    }

    /// Removes the message with this origin from the save queue, the batch or the queue.
    pub(crate) fn remove(&mut self, queue: &Queue<M>, origin: Origin) -> Option<M> {
        if let Some(saved) = &mut self.saved
            && let Some(message) = saved.remove(origin)
        {
            return Some(message);
        }
        remove_origin(&mut self.batch.entries, origin)
            .or_else(|| remove_origin(&mut self.batch.priority, origin))
            .or_else(|| queue.remove(origin))
    }
}

#[cfg(test)]
mod tests;
