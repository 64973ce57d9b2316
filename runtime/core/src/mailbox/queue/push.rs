//! Pushing a message: [`Queue::push_fast`] or [`Queue::push`] → [`Queue::push_slow`] → [`Inner::place`].

use std::collections::VecDeque;
use std::hint::cold_path;

use super::super::Mask;
use super::super::entry::{Addressee, Entry, Origin, Refused};
use super::super::remove::remove_at;
use super::super::waking_lock::Guard;
use super::occupancy::Acceptance;
use super::overflow::Admission;
use super::{Inner, Queue, WaiterId};
use crate::base::{MessageContext, Protocol};

/// The most messages that wait for a child until a start of it has succeeded.
const MAX_HELD: u64 = 1024;

/// The effects of a push on more than the mailbox. The process's cell implements it.
pub(crate) trait PushObserver<M> {
    /// A message is about to be pushed to the process with this number, which is traced or whose mailbox is long.
    /// Returns whether a trace follows the message.
    fn arriving(&self, number: u64, message: &M) -> bool;

    /// The push that [`arriving`](Self::arriving) announced is done.
    fn arrived(&self, arrival: Arrival);

    /// The mailbox has dropped this message for its overflow policy.
    fn dropped(&self, message: M);

    /// The mailbox was full and has refused a message.
    fn refused(&self);
}

/// A push of which its [`PushObserver`] was notified.
pub(crate) struct Arrival {
    /// The number of the process.
    pub(crate) number: u64,
    /// The message's variant.
    pub(crate) variant: usize,
    /// True if a trace follows the message.
    pub(crate) traced: bool,
    /// True if the message is in the mailbox or waits in front of it.
    pub(crate) accepted: bool,
}

/// The outcome of a push, for the sender to finish outside of the lock.
enum Placed<M> {
    Queued,
    /// The message is in the wait queue.
    Waiting(WaiterId),
    /// The message is queued, and this older one has been removed for it.
    Replaced(M),
    /// The message is to be dropped.
    Dropped(M),
    Refused(Refused<M>),
}

impl<M: Protocol> Queue<M> {
    /// Pushes a message and wakes the owner: the path of nearly all messages, small enough to be inlined into the
    /// sender. `make` builds the message in its place in the queue. If the message needs more than that, `make` comes
    /// back unused, and its message is to be [`push`](Self::push)ed.
    #[inline(always)]
    pub(crate) fn push_fast<F: FnOnce() -> M>(&self, to: Addressee, context: MessageContext, make: F) -> Result<(), F> {
        let mut inner = self.lock();
        // A queue that has to grow is left to `push`, too: without growth nothing here can panic, so the message needs
        // no place of its own on the stack.
        if !inner.accepts_fast(to) || inner.entries.len() == inner.entries.capacity() {
            // Marked, since the compiler takes the code behind a chain of conditions for the rare case.
            cold_path();
            drop(inner);
            return Err(make);
        }
        inner.pushed += 1;
        inner.entries.push_back(Entry { origin: Origin::SENT, context, message: make() });
        inner.unlock_and_wake();
        Ok(())
    }

    /// Pushes a message and wakes the owner. `can_wait`: the sender can await the message's admission to a full
    /// mailbox. Then a message that has to wait has a waiter id.
    #[inline]
    pub(crate) fn push<O: PushObserver<M>>(
        &self,
        observer: &O,
        to: Addressee,
        entry: Entry<M>,
        can_wait: bool,
    ) -> Result<Option<WaiterId>, Refused<M>> {
        let mut inner = self.lock();
        if !inner.accepts_fast(to) {
            return self.push_slow(inner, observer, to, entry, can_wait);
        }
        inner.pushed += 1;
        inner.entries.push_back(entry);
        inner.unlock_and_wake();
        Ok(None)
    }

    #[cold]
    fn push_slow<'a, O: PushObserver<M>>(
        &'a self,
        mut inner: Guard<'a, Inner<M>>,
        observer: &O,
        to: Addressee,
        entry: Entry<M>,
        can_wait: bool,
    ) -> Result<Option<WaiterId>, Refused<M>> {
        let mut arrival = None;
        if inner.report.is_reached(inner.pushed)
            && matches!(inner.acceptance(to), Acceptance::Accept | Acceptance::Hold)
        {
            let (number, variant) = (inner.occupancy.process().unwrap_or(0), entry.message.variant());
            // The observer takes locks of its own.
            drop(inner);
            let traced = observer.arriving(number, &entry.message);
            arrival = Some(Arrival { number, variant, traced, accepted: false });
            inner = self.lock();
        }
        let placed = inner.place(to, entry, can_wait);
        if matches!(placed, Placed::Queued | Placed::Replaced(_)) {
            inner.unlock_and_wake();
        } else {
            drop(inner);
        }
        if let Some(arrival) = arrival {
            let accepted = !matches!(placed, Placed::Dropped(_) | Placed::Refused(_));
            observer.arrived(Arrival { accepted, ..arrival });
        }
        match placed {
            Placed::Queued => Ok(None),
            Placed::Waiting(id) => Ok(Some(id)),
            Placed::Replaced(message) | Placed::Dropped(message) => {
                observer.dropped(message);
                Ok(None)
            }
            Placed::Refused(refused) => {
                if let Refused::Full(_) = refused {
                    observer.refused();
                }
                Err(refused)
            }
        }
    }
}

impl<M: Protocol> Inner<M> {
    /// Returns whether the addressee runs and its message only has to be put at the end.
    #[inline(always)]
    fn accepts_fast(&self, to: Addressee) -> bool {
        self.occupancy.runs(to)
            && const { Mask::priority::<M>().0 == 0 }
            && self.extras.is_none()
            && !self.report.is_reached(self.pushed)
    }

    fn acceptance(&self, to: Addressee) -> Acceptance {
        let holds_messages = self.extras.as_ref().is_none_or(|extras| extras.holds_messages);
        match self.occupancy.acceptance(to, holds_messages) {
            Acceptance::Hold if self.length() >= MAX_HELD => Acceptance::Full,
            acceptance => acceptance,
        }
    }

    /// Puts a message where its addressee, the bound and the overflow policy say.
    fn place(&mut self, to: Addressee, mut entry: Entry<M>, can_wait: bool) -> Placed<M> {
        match self.acceptance(to) {
            Acceptance::Accept => {}
            Acceptance::Hold if entry.origin.is_sent() => entry.origin = Origin::HELD,
            Acceptance::Hold => {}
            Acceptance::Full => return Placed::Refused(Refused::Full(entry.message)),
            Acceptance::Gone => return Placed::Refused(Refused::Gone(entry.message)),
        }
        let mut placed = Placed::Queued;
        let lane = Mask::lane(entry.message.variant());
        if entry.origin.is_sent()
            && let Some(bounded) = self.bounded()
        {
            match bounded.admission(lane, can_wait) {
                Admission::Queue => {}
                Admission::QueueInTurn => {
                    bounded.add_waiter(entry, false);
                    return Placed::Queued;
                }
                Admission::Wait => return Placed::Waiting(bounded.add_waiter(entry, can_wait)),
                Admission::Reject => {
                    bounded.refused += 1;
                    return Placed::Refused(Refused::Full(entry.message));
                }
                Admission::DropNewest => {
                    bounded.dropped += 1;
                    return Placed::Dropped(entry.message);
                }
                Admission::DropOldest => match self.remove_oldest(Mask::priority::<M>().contains(lane)) {
                    Some(oldest) => placed = Placed::Replaced(oldest),
                    // All messages that count are with the owner, or go before this one.
                    None => {
                        self.count_dropped();
                        return Placed::Dropped(entry.message);
                    }
                },
            }
        }
        match self.bounded() {
            // A message of the runtime's does not count, but does not overtake messages whose senders take them for
            // queued.
            Some(bounded) if bounded.unawaited > 0 => {
                bounded.add_waiter(entry, false);
            }
            _ => self.enqueue(entry),
        }
        placed
    }

    /// Removes the oldest message that counts and that the owner has not taken over. One of a `#[priority]` variant
    /// only for another of these.
    fn remove_oldest(&mut self, priority: bool) -> Option<M> {
        let first = |entries: &mut VecDeque<Entry<M>>| {
            let at = entries.iter().position(|entry| entry.origin.is_sent())?;
            remove_at(entries, at)
        };
        let oldest = match first(&mut self.entries) {
            None if priority => first(&mut self.extras.as_mut()?.priority),
            oldest => oldest,
        }?;
        if let Some(bounded) = self.bounded() {
            bounded.load -= 1;
            bounded.dropped += 1;
            bounded.dropped_unread += 1;
        }
        Some(oldest.message)
    }
}
