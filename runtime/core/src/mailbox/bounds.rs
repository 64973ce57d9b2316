use super::wait_queue::{WaitQueue, Waiter};
use super::{Entry, Mask, Origin};
use crate::base::{Protocol, Sorted};

/// How many messages a mailbox holds, and what becomes of one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Messages, those in the save queue included.
    pub(crate) capacity: usize,
    /// What becomes of one too many.
    pub(crate) overflow: Overflow,
}

/// What becomes of a message for a full mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// It stands in line; whoever awaits its cast feels that.
    Wait,
    /// Its sender hears of it.
    Reject,
    /// It is dropped, and counted.
    DropNewest,
    /// The oldest that still waits is dropped instead, and counted.
    DropOldest,
}

/// What a bounded queue knows beside its messages.
pub(super) struct Bounded<M> {
    pub(super) bounds: Bounds,
    /// Messages that count and are in the queue or with its owner.
    pub(super) load: usize,
    /// What the owner's receive can take while it waits for a message: that is looked at even if all is full, so that
    /// a mailbox full of what nobody wants now cannot lock itself.
    pub(super) want: Mask,
    /// Those who stand in line, by ticket.
    pub(super) wait_queue: WaitQueue<M>,
    /// How many of them nobody holds the ticket of.
    pub(super) unheld: usize,
    /// Tickets of those whom the owner's end overtook in line.
    pub(super) lost: Sorted<u64, ()>,
    pub(super) tickets: u64,
    /// Messages that were refused.
    pub(super) refused: u64,
    /// Messages that were dropped, or withdrawn from the line.
    pub(super) dropped: u64,
}

impl<M> Bounded<M> {
    pub(super) fn new(bounds: Bounds) -> Bounded<M> {
        Bounded {
            bounds,
            load: 0,
            want: Mask(0),
            wait_queue: WaitQueue::new(),
            unheld: 0,
            lost: Sorted::new(),
            tickets: 0,
            refused: 0,
            dropped: 0,
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.load >= self.bounds.capacity
    }

    /// Puts a message at the end of the line.
    pub(super) fn stand(&mut self, entry: Entry<M>, held: bool) -> u64 {
        self.tickets += 1;
        self.unheld += usize::from(!held);
        self.wait_queue.insert(self.tickets, Waiter { entry: Some(entry), waker: None, held });
        self.tickets
    }

    /// Takes the first out of the line if it may come in: if there is room, or it needs none. Not while it is tested.
    pub(super) fn admit(&mut self) -> Option<Waiter<M>> {
        let (ticket, first) = self.wait_queue.first()?;
        let counts = first.entry.as_ref()?.origin.is_sent();
        if counts && self.is_full() { None } else { self.leave(ticket) }
    }

    /// Takes the one with this ticket out of the line.
    pub(super) fn leave(&mut self, ticket: u64) -> Option<Waiter<M>> {
        let standing = self.wait_queue.remove(ticket)?;
        self.unheld -= usize::from(!standing.held);
        Some(standing)
    }

    /// The owner has ended, and nothing counts as with it any more. Takes out of the line who ends with it: everybody, but
    /// for those with what is held if that is to `hold_on`.
    pub(super) fn part(&mut self, hold_on: bool) -> Vec<Waiter<M>> {
        (self.load, self.want, self.unheld) = (0, Mask(0), 0);
        let mut left = Vec::new();
        for (ticket, standing) in self.wait_queue.take() {
            if hold_on && standing.entry.as_ref().is_some_and(|entry| entry.origin == Origin::HELD) {
                self.unheld += usize::from(!standing.held);
                self.wait_queue.insert(ticket, standing);
                continue;
            }
            if standing.held {
                self.lost.insert(ticket, ());
            }
            left.push(standing);
        }
        left
    }
}

impl<M: Protocol> Bounded<M> {
    /// The first in line behind `tested` that is wanted, for the owner to test. It keeps its place.
    pub(super) fn test(&mut self, want: Mask, mut tested: u64) -> Option<(u64, Entry<M>)> {
        let wanted = |entry: &mut Entry<M>| want.has(Mask::lane(entry.message.variant()));
        while let Some(ticket) = self.wait_queue.next(tested) {
            if let Some(entry) = self.wait_queue.get_mut(ticket)?.entry.take_if(wanted) {
                return Some((ticket, entry));
            }
            tested = ticket;
        }
        None
    }
}
