use std::collections::{BTreeMap, BTreeSet};
use std::task::Waker;

use super::{Entry, Mask};

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
    /// What the owner's receive can take while it waits for a message: that is let in even if all is full, so that
    /// a mailbox full of what nobody wants now cannot lock itself.
    pub(super) want: Mask,
    /// Those who stand in line, by ticket.
    pub(super) line: BTreeMap<u64, Standing<M>>,
    /// Tickets of those whom the owner's end overtook in line.
    pub(super) lost: BTreeSet<u64>,
    pub(super) tickets: u64,
    /// Messages that were refused.
    pub(super) refused: u64,
    /// Messages that were dropped, or withdrawn from the line.
    pub(super) dropped: u64,
}

/// A message in line.
pub(super) struct Standing<M> {
    pub(super) entry: Entry<M>,
    pub(super) waker: Option<Waker>,
    /// Whether a cast holds the ticket; one from another node has none.
    pub(super) held: bool,
}

impl<M> Bounded<M> {
    pub(super) fn new(bounds: Bounds) -> Bounded<M> {
        Bounded {
            bounds,
            load: 0,
            want: Mask(0),
            line: BTreeMap::new(),
            lost: BTreeSet::new(),
            tickets: 0,
            refused: 0,
            dropped: 0,
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.load >= self.bounds.capacity
    }

    /// Whether the owner waits for a message of this lane, and there is room for those.
    pub(super) fn is_wanted(&self, lane: usize) -> bool {
        self.want.has(lane) && self.load < self.bounds.capacity.saturating_mul(2)
    }

    /// Puts a message at the end of the line.
    pub(super) fn stand(&mut self, entry: Entry<M>, held: bool) -> u64 {
        self.tickets += 1;
        self.line.insert(self.tickets, Standing { entry, waker: None, held });
        self.tickets
    }
}
