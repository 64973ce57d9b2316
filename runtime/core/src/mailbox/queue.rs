//! The queue that senders and the owner share: its state, and everything but pushing and taking.
//!
//! Every method locks the queue. Wakers are called and messages are dropped after the lock is open, since both run
//! foreign code.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use super::Mask;
use super::entry::{Entry, Origin};
use super::remove::{remove_all, remove_origin};
use super::waking_lock::{Guard, WakingLock};
use crate::base::Protocol;
use crate::sync::yield_now;

mod bounded;
mod occupancy;
mod overflow;
mod push;
mod stats;
mod take;
#[cfg(feature = "upgrade")]
mod visit;
mod wait_queue;

use bounded::Bounded;
use occupancy::{Occupancy, State};
pub(crate) use overflow::Bounds;
pub use overflow::Overflow;
pub(crate) use push::{Arrival, PushObserver};
pub(crate) use stats::MailboxStats;
pub(super) use stats::ReaderStats;
use stats::ReportThreshold;
pub(super) use take::{TakeOutcome, TakeRequest};
use wait_queue::Waiter;
pub(crate) use wait_queue::WaiterId;

/// The shared end of a mailbox: many senders push, the owner takes all messages at once.
pub(crate) struct Queue<M> {
    // The lock's constant is the number of messages that make a long mailbox.
    inner: WakingLock<Inner<M>>,
}

// The fields that a sender touches come first, as in the lock.
#[repr(C)]
struct Inner<M> {
    occupancy: Occupancy,
    entries: VecDeque<Entry<M>>,
    /// Messages pushed since the owner took over.
    pushed: u64,
    /// `None` for most mailboxes.
    extras: Option<Box<Extras<M>>>,
    report: ReportThreshold,
    reader: ReaderStats,
}

/// The parts of a queue that few mailboxes need.
struct Extras<M> {
    /// Messages of `#[priority]` variants.
    priority: VecDeque<Entry<M>>,
    bounded: Option<Bounded<M>>,
    /// True if messages are held for the next owner, false if they are refused.
    holds_messages: bool,
}

impl<M: Protocol> Queue<M> {
    /// A vacant queue that is never long.
    #[cfg(test)]
    pub(crate) fn new(bounds: Option<Bounds>) -> Queue<M> {
        Queue::owned(bounds, u32::MAX, 0)
    }

    /// The mailbox of the process with this number, or a vacant one if the number is zero. `long`: the number of
    /// messages that make it long.
    pub(crate) fn owned(bounds: Option<Bounds>, long: u32, owner: u64) -> Queue<M> {
        let extras = bounds.map(|bounds| Box::new(Extras { bounded: Some(Bounded::new(bounds)), ..Extras::new() }));
        let inner = Inner {
            occupancy: Occupancy::running(owner),
            entries: VecDeque::new(),
            pushed: 0,
            extras,
            report: ReportThreshold::new(long),
            reader: ReaderStats::default(),
        };
        Queue { inner: WakingLock::with(long, inner) }
    }

    // A panic under this lock can only come from a waker's clone or an allocation. The queue is consistent at these
    // points.
    #[inline]
    fn lock(&self) -> Guard<'_, Inner<M>> {
        self.inner.lock()
    }

    /// Sets whether messages are held for the next owner, or refused.
    pub(crate) fn set_holds_messages(&self, holds: bool) {
        let mut inner = self.lock();
        if !holds || inner.extras.is_some() {
            inner.extras().holds_messages = holds;
        }
    }

    /// Makes the process with this number the owner. Held messages are its first.
    pub(crate) fn open(&self, number: u64) {
        self.set_owner(Occupancy::running(number));
    }

    /// Makes the process with this number the owner, though its start may still fail: messages for any owner are held
    /// until it has [started](Queue::started).
    pub(crate) fn open_for_start(&self, number: u64) {
        self.set_owner(Occupancy::starting(number));
    }

    /// Notes that the start of the owner with this number has succeeded: all messages are its own.
    pub(crate) fn started(&self, number: u64) {
        let mut inner = self.lock();
        if inner.occupancy.state() == State::Starting(number) {
            inner.occupancy = Occupancy::running(number);
        }
    }

    /// Returns whether the start of the owner may still fail.
    pub(crate) fn is_starting(&self) -> bool {
        matches!(self.lock().occupancy.state(), State::Starting(_))
    }

    /// Returns whether no owner will come.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().occupancy == Occupancy::CLOSED
    }

    /// Returns the number of the owner.
    pub(crate) fn owner(&self) -> Option<u64> {
        self.lock().occupancy.process()
    }

    fn set_owner(&self, owner: Occupancy) {
        let mut inner = self.lock();
        inner.occupancy = owner;
        let held = inner.queued();
        inner.pushed = held as u64;
        inner.reader = ReaderStats::default();
        inner.report = ReportThreshold::new(self.inner.constant());
        if let Some(bounded) = inner.bounded() {
            bounded.load = held;
            bounded.dropped_unread = 0;
        }
    }

    /// Sets the waker of the owner's task. Returns `false` if that is not possible just now, since another thread is
    /// waking the task that it was before.
    pub(crate) fn set_waker(&self, task: &Waker) -> bool {
        let task = task.clone();
        let replaced = self.lock().set_waker(Some(task));
        if replaced.is_err() {
            yield_now();
        }
        replaced.is_ok()
    }

    /// Wakes the owner for an event that is not a message.
    pub(crate) fn wake(&self) {
        if let Some(task) = self.task_waker() {
            task.wake();
        }
    }

    /// Returns the waker of the owner's task.
    pub(crate) fn task_waker(&self) -> Option<Waker> {
        self.lock().task()
    }

    /// Publishes the counts of the owner with this number. Returns how many messages the mailbox holds.
    pub(super) fn publish(&self, number: u64, reader: ReaderStats) -> u64 {
        let mut inner = self.lock();
        if inner.occupancy.process() == Some(number) {
            inner.reader = reader;
        }
        inner.length()
    }

    /// Sets which pushes the observer is notified of: all if the owner is `traced`, otherwise the push that makes the
    /// mailbox long, unless it `is_long` already.
    pub(crate) fn set_reporting(&self, traced: bool, is_long: bool) {
        let mut inner = self.lock();
        let (pushed, room) = (inner.pushed, u64::from(self.inner.constant()).saturating_sub(inner.length()));
        inner.report.set(traced, is_long, pushed, room);
    }

    /// Returns how many saved messages make a long mailbox short again.
    #[inline]
    pub(crate) fn short(&self) -> u32 {
        self.inner.constant() / 2
    }

    /// Returns how many messages the mailbox holds, and how many make it long.
    pub(crate) fn length(&self) -> (u64, u64) {
        let inner = self.lock();
        (inner.length(), u64::from(self.inner.constant()))
    }

    pub(crate) fn stats(&self) -> MailboxStats {
        let inner = self.lock();
        MailboxStats { is_owner_waiting: inner.is_owner_waiting(), ..inner.stats() }
    }

    /// Takes the final counts of an owner that has ended; the next owner begins at zero.
    pub(crate) fn take_final_stats(&self) -> MailboxStats {
        let mut inner = self.lock();
        let stats = MailboxStats { is_owner_waiting: inner.is_owner_waiting(), ..inner.stats() };
        (inner.pushed, inner.reader) = (0, ReaderStats::default());
        if let Some(bounded) = inner.bounded() {
            (bounded.refused, bounded.dropped) = (0, 0);
        }
        stats
    }

    /// Lets in the waiter whose message was tested: the message is the owner's.
    pub(super) fn admit(&self, id: WaiterId) {
        let mut inner = self.lock();
        let waiter = inner.bounded().and_then(|bounded| bounded.remove_waiter(id));
        let mut wakers = inner.advance();
        drop(inner);
        wakers.extend(waiter.and_then(|waiter| waiter.waker));
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Puts a waiter's message back that was tested. Returns it if its sender has withdrawn it.
    pub(super) fn put_back(&self, id: WaiterId, entry: Entry<M>) -> Option<M> {
        let mut inner = self.lock();
        match inner.bounded().and_then(|bounded| bounded.wait_queue.get_mut(id)) {
            Some(waiter) => {
                waiter.entry = Some(entry);
                None
            }
            None => {
                inner.count_dropped();
                Some(entry.message)
            }
        }
    }

    /// Frees the place of a message that counted, for the next waiter.
    pub(crate) fn release(&self) {
        let mut inner = self.lock();
        let Some(bounded) = inner.bounded() else { return };
        bounded.load = bounded.load.saturating_sub(1);
        let wakers = inner.advance();
        drop(inner);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Returns whether the mailbox is full while its owner waits for another message.
    pub(crate) fn is_stuck(&self) -> bool {
        let mut inner = self.lock();
        inner.is_owner_waiting() && inner.bounded().is_some_and(|bounded| bounded.is_full())
    }

    /// Wakes all that wait for the admission of a message, and that poll again.
    pub(crate) fn wake_waiters(&self) {
        let mut inner = self.lock();
        let wakers = inner.bounded().map(|bounded| bounded.wait_queue.take_wakers()).unwrap_or_default();
        drop(inner);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Returns how many messages have been pushed since the owner took over.
    pub(crate) fn pushed(&self) -> u64 {
        self.lock().pushed
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    pub(crate) fn capacity(&self) -> Option<u64> {
        self.lock().bounded().map(|bounded| bounded.bounds.capacity as u64)
    }

    /// Resolves when the waiter with this id is let in, with `Err` if the owner ended first.
    pub(crate) fn poll_admitted(&self, id: WaiterId, cx: &mut Context<'_>) -> Poll<Result<(), ()>> {
        let mut inner = self.lock();
        let Some(bounded) = inner.bounded() else { return Poll::Ready(Ok(())) };
        if bounded.lost.remove(&id).is_some() {
            return Poll::Ready(Err(()));
        }
        match bounded.wait_queue.get_mut(id) {
            None => Poll::Ready(Ok(())),
            Some(waiter) => {
                match &mut waiter.waker {
                    Some(waker) => waker.clone_from(cx.waker()),
                    none => *none = Some(cx.waker().clone()),
                }
                Poll::Pending
            }
        }
    }

    /// Removes a message from the wait queue. Returns `None` if it was let in or lost, or if the owner is testing it:
    /// then the owner drops it unless it matches.
    pub(crate) fn withdraw(&self, id: WaiterId) -> Option<M> {
        let mut inner = self.lock();
        let bounded = inner.bounded()?;
        bounded.lost.remove(&id);
        let waiter = bounded.remove_waiter(id)?;
        bounded.dropped += u64::from(waiter.entry.is_some());
        let wakers = inner.advance();
        inner.unlock_and_wake();
        wakers.into_iter().for_each(Waker::wake);
        waiter.entry.map(|entry| entry.message)
    }

    /// Removes the first message with this origin.
    pub(crate) fn remove(&self, origin: Origin) -> Option<M> {
        let mut inner = self.lock();
        let inner = &mut *inner;
        let found = remove_origin(&mut inner.entries, origin);
        found.or_else(|| inner.extras.as_mut().and_then(|extras| remove_origin(&mut extras.priority, origin)))
    }

    /// Puts back in front what an owner whose start failed had taken over and not received.
    pub(super) fn put_all_back(&self, mut priority: VecDeque<Entry<M>>, mut entries: VecDeque<Entry<M>>) {
        let mut inner = self.lock();
        entries.append(&mut inner.entries);
        inner.entries = entries;
        if !priority.is_empty() {
            let extras = inner.extras();
            priority.append(&mut extras.priority);
            extras.priority = priority;
        }
    }

    /// Ends the owner. Returns the messages that end with it, for the caller to drop. With `vacant` another owner will
    /// come: if the start of this one had not succeeded, held messages stay for that one.
    pub(crate) fn end_owner(&self, vacant: bool) -> VecDeque<Entry<M>> {
        self.end(if vacant { Occupancy::VACANT } else { Occupancy::CLOSED }, true)
    }

    /// Closes the queue: no owner will come any more. Returns all messages, for the caller to drop. An owner that is still
    /// there reads nothing more.
    pub(crate) fn close(&self) -> VecDeque<Entry<M>> {
        self.end(Occupancy::CLOSED, false)
    }

    /// Closes the queue if it is empty and no message waits in front of it. Returns whether it is closed.
    #[cfg(feature = "registry")]
    pub(crate) fn close_if_empty(&self) -> bool {
        let mut inner = self.lock();
        if inner.is_empty() && inner.bounded().is_none_or(|bounded| bounded.wait_queue.len() == 0) {
            inner.occupancy = Occupancy::CLOSED;
        }
        inner.occupancy == Occupancy::CLOSED
    }

    fn end(&self, next: Occupancy, owner_ends: bool) -> VecDeque<Entry<M>> {
        let mut inner = self.lock();
        let keep_held = next == Occupancy::VACANT && matches!(inner.occupancy.state(), State::Starting(_));
        if inner.occupancy != Occupancy::CLOSED {
            inner.occupancy = next;
        }
        // Otherwise its task must still be woken for its end.
        let mut task = Ok(None);
        if owner_ends {
            inner.cancel_wait();
            task = inner.set_waker(None);
        }
        (inner.reader.batch, inner.reader.saved) = (0, 0);
        let mut entries = remove_all(&mut inner.entries, keep_held);
        let (mut left, mut waiters) = (VecDeque::new(), Vec::new());
        if let Some(extras) = &mut inner.extras {
            left = remove_all(&mut extras.priority, keep_held);
            if let Some(bounded) = &mut extras.bounded {
                waiters = bounded.remove_waiters(keep_held);
            }
        }
        let mut wakers = Vec::new();
        if keep_held {
            let kept = inner.queued();
            // This owner has not received them; the next one will.
            inner.pushed = inner.pushed.saturating_sub(kept as u64);
            if let Some(bounded) = inner.bounded() {
                bounded.load = kept;
            }
            wakers = inner.advance();
        }
        drop(inner);
        drop(task);
        if left.is_empty() {
            left = entries;
        } else {
            left.append(&mut entries);
        }
        for Waiter { entry, waker, .. } in waiters {
            if let Some(entry) = entry {
                left.push_back(entry);
            }
            wakers.extend(waker);
        }
        wakers.into_iter().for_each(Waker::wake);
        left
    }
}

impl<M> Extras<M> {
    fn new() -> Extras<M> {
        Extras { priority: VecDeque::new(), bounded: None, holds_messages: true }
    }
}

impl<M: Protocol> Inner<M> {
    fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.extras.as_ref().is_none_or(|extras| extras.priority.is_empty())
    }

    /// Returns how many messages the owner has not taken over.
    fn queued(&self) -> usize {
        self.entries.len() + self.extras.as_ref().map_or(0, |extras| extras.priority.len())
    }

    /// Returns how many messages the mailbox holds: queued, taken over or saved.
    fn length(&self) -> u64 {
        let ReaderStats { saved, batch, .. } = self.reader;
        self.queued() as u64 + u64::from(saved) + u64::from(batch)
    }

    fn count_dropped(&mut self) {
        if let Some(bounded) = self.bounded() {
            bounded.dropped += 1;
        }
    }

    /// Returns all counts; whether the owner waits is known to the lock.
    fn stats(&self) -> MailboxStats {
        let ReaderStats { handled, calls, location, saved, batch } = self.reader;
        let extras = self.extras.as_ref();
        let bounded = extras.and_then(|extras| extras.bounded.as_ref());
        let priority = extras.map_or(0, |extras| extras.priority.capacity());
        let slots = self.entries.capacity() + priority + saved as usize + batch as usize;
        MailboxStats {
            waiting: self.queued() as u64 + u64::from(batch),
            saved: u64::from(saved),
            waiters: bounded.map_or(0, |bounded| bounded.wait_queue.len() as u64),
            received: self.pushed,
            handled,
            calls,
            refused: bounded.map_or(0, |bounded| bounded.refused),
            dropped: bounded.map_or(0, |bounded| bounded.dropped),
            bytes: (slots * size_of::<Entry<M>>()) as u64,
            location,
            is_owner_waiting: false,
        }
    }

    fn extras(&mut self) -> &mut Extras<M> {
        self.extras.get_or_insert_with(|| Box::new(Extras::new()))
    }

    fn bounded(&mut self) -> Option<&mut Bounded<M>> {
        self.extras.as_mut()?.bounded.as_mut()
    }

    fn enqueue(&mut self, entry: Entry<M>) {
        // `set_owner` counts the messages that came while the queue was vacant.
        self.pushed += u64::from(self.occupancy != Occupancy::VACANT);
        if entry.origin.is_sent()
            && let Some(bounded) = self.bounded()
        {
            bounded.load += 1;
        }
        if Mask::priority::<M>().contains(Mask::lane(entry.message.variant())) {
            self.extras().priority.push_back(entry);
        } else {
            self.entries.push_back(entry);
        }
    }

    /// Lets in the first waiters as far as there is room. Returns the wakers of their casts.
    fn advance(&mut self) -> Vec<Waker> {
        let mut wakers = Vec::new();
        while let Some(waiter) = self.bounded().and_then(Bounded::admit_first) {
            wakers.extend(waiter.waker);
            if let Some(entry) = waiter.entry {
                self.enqueue(entry);
            }
        }
        wakers
    }
}
