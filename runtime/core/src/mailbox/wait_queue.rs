//! The line in front of a full mailbox.

use std::mem;
use std::task::Waker;

use super::Entry;
use crate::base::Sorted;

/// Who stands in line, by ticket.
///
/// What finds a ticket is the same for all messages, and so is compiled once: only the places know what lies there.
pub(super) struct WaitQueue<M> {
    /// In which place each lies.
    order: Sorted<u64, usize>,
    places: Vec<Option<Waiter<M>>>,
    free: Vec<usize>,
}

/// A message in line.
pub(super) struct Waiter<M> {
    /// `None` while the owner tests it.
    pub(super) entry: Option<Entry<M>>,
    pub(super) waker: Option<Waker>,
    /// Whether a cast holds the ticket. Otherwise its sender takes it to be in: it comes from another node, or was waited for.
    pub(super) held: bool,
}

impl<M> WaitQueue<M> {
    pub(super) fn new() -> WaitQueue<M> {
        WaitQueue { order: Sorted::new(), places: Vec::new(), free: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Puts one at its ticket's place, which is the end if it is the newest.
    pub(super) fn insert(&mut self, ticket: u64, standing: Waiter<M>) {
        let place = self.free.pop().unwrap_or(self.places.len());
        if place == self.places.len() {
            self.places.push(None);
        }
        self.places[place] = Some(standing);
        self.order.insert(ticket, place);
    }

    pub(super) fn first(&self) -> Option<(u64, &Waiter<M>)> {
        let (ticket, place) = *self.order.first()?;
        Some((ticket, self.places[place].as_ref()?))
    }

    pub(super) fn get_mut(&mut self, ticket: u64) -> Option<&mut Waiter<M>> {
        let place = *self.order.get(&ticket)?;
        self.places[place].as_mut()
    }

    /// The ticket of the next behind this one.
    pub(super) fn next(&self, ticket: u64) -> Option<u64> {
        self.order.behind(&ticket).map(|(ticket, _)| *ticket)
    }

    pub(super) fn remove(&mut self, ticket: u64) -> Option<Waiter<M>> {
        let place = self.order.remove(&ticket)?;
        let standing = self.places[place].take();
        if self.order.is_empty() {
            // A long line leaves no room behind.
            (self.places, self.free) = (Vec::new(), Vec::new());
        } else {
            self.free.push(place);
        }
        standing
    }

    /// Takes everybody out, in order.
    pub(super) fn take(&mut self) -> Vec<(u64, Waiter<M>)> {
        let WaitQueue { order, mut places, .. } = mem::replace(self, WaitQueue::new());
        let mut all = Vec::new();
        for (ticket, place) in order {
            if let Some(standing) = places[place].take() {
                all.push((ticket, standing));
            }
        }
        all
    }
}
