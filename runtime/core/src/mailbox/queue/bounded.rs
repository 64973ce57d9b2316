//! The state that only a bounded mailbox has: its load, its wait queue and its losses.

use super::super::{Entry, Mask, Origin};
use super::overflow::{Admission, Bounds, Pressure};
use super::wait_queue::{WaitQueue, Waiter, WaiterId};
use crate::base::{Protocol, SortedMap};

/// The load, the wait queue and the losses of a bounded mailbox.
pub(super) struct Bounded<M> {
    pub(super) bounds: Bounds,
    /// Messages that count: in the queue, or taken over by the owner and not received.
    pub(super) load: usize,
    /// The variants that the owner's receive can take while it waits: these are let in even if the mailbox is full.
    pub(super) want: Mask,
    pub(super) wait_queue: WaitQueue<M>,
    /// Waiters that no cast awaits.
    pub(super) unawaited: usize,
    /// Waiters that a cast awaits and whose owner ended first.
    pub(super) lost: SortedMap<WaiterId, ()>,
    /// The newest waiter's id.
    last_id: Option<WaiterId>,
    /// Messages that were refused.
    pub(super) refused: u64,
    /// Messages that were dropped, or withdrawn from the wait queue.
    pub(super) dropped: u64,
    /// Queued messages that were dropped since the owner last took a batch. It never reads them.
    pub(super) dropped_unread: u64,
}

impl<M> Bounded<M> {
    pub(super) fn new(bounds: Bounds) -> Bounded<M> {
        Bounded {
            bounds,
            load: 0,
            want: Mask(0),
            wait_queue: WaitQueue::new(),
            unawaited: 0,
            lost: SortedMap::new(),
            last_id: None,
            refused: 0,
            dropped: 0,
            dropped_unread: 0,
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.load >= self.bounds.capacity
    }

    /// Decides about a message that counts and belongs to this lane.
    pub(super) fn admission(&self, lane: usize, can_wait: bool) -> Admission {
        self.bounds.admit(Pressure {
            load: self.load,
            waiters: self.wait_queue.len(),
            unawaited: self.unawaited,
            wanted: self.want.contains(lane),
            can_wait,
        })
    }

    /// Puts a message at the end of the wait queue. `awaited`: a cast will await its admission.
    pub(super) fn add_waiter(&mut self, entry: Entry<M>, awaited: bool) -> WaiterId {
        let id = WaiterId::after(self.last_id);
        self.last_id = Some(id);
        self.unawaited += usize::from(!awaited);
        self.wait_queue.insert(id, Waiter { entry: Some(entry), waker: None, awaited });
        id
    }

    /// Removes the first waiter if its message may be queued: if there is room, or if it does not count. Not while the
    /// owner tests it.
    pub(super) fn admit_first(&mut self) -> Option<Waiter<M>> {
        let (id, first) = self.wait_queue.first()?;
        let counts = first.entry.as_ref()?.origin.is_sent();
        if counts && self.is_full() { None } else { self.remove_waiter(id) }
    }

    /// Removes the waiter with this id.
    pub(super) fn remove_waiter(&mut self, id: WaiterId) -> Option<Waiter<M>> {
        let waiter = self.wait_queue.remove(id)?;
        self.unawaited -= usize::from(!waiter.awaited);
        Some(waiter)
    }

    /// Ends the owner's part: nothing counts as taken over any more. Removes all waiters, with `keep_held` all but
    /// those with held messages.
    pub(super) fn remove_waiters(&mut self, keep_held: bool) -> Vec<Waiter<M>> {
        (self.load, self.want, self.unawaited) = (0, Mask(0), 0);
        let mut removed = Vec::new();
        for (id, waiter) in self.wait_queue.take() {
            if keep_held && waiter.entry.as_ref().is_some_and(|entry| entry.origin == Origin::HELD) {
                self.unawaited += usize::from(!waiter.awaited);
                self.wait_queue.insert(id, waiter);
                continue;
            }
            if waiter.awaited {
                self.lost.insert(id, ());
            }
            removed.push(waiter);
        }
        removed
    }
}

impl<M: Protocol> Bounded<M> {
    /// Takes the message of the first waiter behind `tested` that is wanted, for the owner to test. The waiter stays.
    pub(super) fn take_wanted(&mut self, want: Mask, mut tested: Option<WaiterId>) -> Option<(WaiterId, Entry<M>)> {
        let wanted = |entry: &mut Entry<M>| want.contains(Mask::lane(entry.message.variant()));
        while let Some(id) = self.wait_queue.next(tested) {
            if let Some(entry) = self.wait_queue.get_mut(id)?.entry.take_if(wanted) {
                return Some((id, entry));
            }
            tested = Some(id);
        }
        None
    }
}
