//! The wait queue: messages in front of a full mailbox, by waiter id.

use std::mem;
use std::num::NonZeroU64;
use std::task::Waker;

use super::super::Entry;
use crate::base::SortedMap;

/// Identifies a message in the wait queue of a mailbox or a connection. Ids ascend in the order of arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WaiterId(NonZeroU64);

impl WaiterId {
    /// Returns the id behind `last`, or the first.
    pub(crate) fn after(last: Option<WaiterId>) -> WaiterId {
        WaiterId(last.map_or(NonZeroU64::MIN, |last| last.0.saturating_add(1)))
    }
}

/// Waiters by id.
///
/// Ids and messages are apart: the map from ids to slots is compiled once, and not for each type of message.
pub(super) struct WaitQueue<M> {
    /// The slot of each waiter.
    order: SortedMap<WaiterId, usize>,
    slots: Vec<Option<Waiter<M>>>,
    free: Vec<usize>,
}

/// A message in front of a full mailbox.
pub(super) struct Waiter<M> {
    /// `None` while the owner tests it.
    pub(super) entry: Option<Entry<M>>,
    pub(super) waker: Option<Waker>,
    /// True if a cast awaits the message's admission. Otherwise the sender takes it for queued: the message is from
    /// another node, or the owner waited for it.
    pub(super) awaited: bool,
}

impl<M> WaitQueue<M> {
    pub(super) fn new() -> WaitQueue<M> {
        WaitQueue { order: SortedMap::new(), slots: Vec::new(), free: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Takes the wakers of all waiters, in any order.
    pub(super) fn take_wakers(&mut self) -> Vec<Waker> {
        self.slots.iter_mut().flatten().filter_map(|waiter| waiter.waker.take()).collect()
    }

    /// Takes the messages of all waiters, in order. Their places stay.
    #[cfg(feature = "upgrade")]
    pub(super) fn take_entries(&mut self) -> Vec<(WaiterId, Entry<M>)> {
        let slots = self.order.iter().map(|(id, slot)| (*id, *slot));
        slots.filter_map(|(id, slot)| Some((id, self.slots.get_mut(slot)?.as_mut()?.entry.take()?))).collect()
    }

    /// Inserts a waiter in the order of ids.
    pub(super) fn insert(&mut self, id: WaiterId, waiter: Waiter<M>) {
        let slot = self.free.pop().unwrap_or(self.slots.len());
        if slot == self.slots.len() {
            self.slots.push(None);
        }
        self.slots[slot] = Some(waiter);
        self.order.insert(id, slot);
    }

    pub(super) fn first(&self) -> Option<(WaiterId, &Waiter<M>)> {
        let (id, slot) = *self.order.first()?;
        Some((id, self.slots[slot].as_ref()?))
    }

    pub(super) fn get_mut(&mut self, id: WaiterId) -> Option<&mut Waiter<M>> {
        let slot = *self.order.get(&id)?;
        self.slots[slot].as_mut()
    }

    /// Returns the id behind `id`, or the first.
    pub(super) fn next(&self, id: Option<WaiterId>) -> Option<WaiterId> {
        id.map_or_else(|| self.order.first(), |id| self.order.next_after(&id)).map(|(id, _)| *id)
    }

    pub(super) fn remove(&mut self, id: WaiterId) -> Option<Waiter<M>> {
        let slot = self.order.remove(&id)?;
        let waiter = self.slots[slot].take();
        if self.order.is_empty() {
            // Gives the memory of a long queue back.
            (self.slots, self.free) = (Vec::new(), Vec::new());
        } else {
            self.free.push(slot);
        }
        waiter
    }

    /// Removes all waiters, in order.
    pub(super) fn take(&mut self) -> Vec<(WaiterId, Waiter<M>)> {
        let WaitQueue { order, mut slots, .. } = mem::replace(self, WaitQueue::new());
        let mut all = Vec::new();
        for (id, slot) in order {
            if let Some(waiter) = slots[slot].take() {
                all.push((id, waiter));
            }
        }
        all
    }
}
