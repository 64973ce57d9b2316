use std::collections::VecDeque;
use std::mem;
use std::task::{Context, Poll, Waker};

use super::Mask;
use super::bounds::{Bounded, Bounds, Overflow, Standing};
use crate::base::Protocol;
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// A message and where it came from.
#[derive(Debug)]
pub(crate) struct Entry<M> {
    pub(crate) origin: Origin,
    pub(crate) message: M,
}

/// What made a message. Kept beside it so that `demonitor(flush)` finds a queued `Down` again, and so that a bound
/// counts only what others sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin(u64);

impl Origin {
    /// Somebody sent it.
    pub(crate) const SENT: Origin = Origin(0);
    /// The runtime made it, or the process's own timer.
    pub(crate) const OWN: Origin = Origin(u64::MAX);

    /// It is the `Down` of this monitor.
    pub(crate) const fn monitor(reference: u64) -> Origin {
        Origin(reference)
    }
}

/// For whom a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The process with this number, and none that comes after it.
    This(u64),
    /// Whoever owns the queue: a child that may have been restarted.
    Whoever,
}

impl Owner {
    /// The process with this number; zero is a place that is vacant just now, and so whoever will live there.
    pub(crate) fn of(number: u64) -> Owner {
        if number == 0 { Owner::Whoever } else { Owner::This(number) }
    }
}

/// What became of a message that was taken.
#[derive(Debug)]
pub(crate) enum Pushed<M> {
    /// It is in the queue.
    In,
    /// It stands in line, with this ticket.
    InLine(u64),
    /// It is in the queue, and the oldest had to go: for the caller to drop.
    InsteadOf(M),
}

/// A message that was not taken, handed back.
pub(crate) struct Refused<M> {
    pub(crate) message: M,
    pub(crate) why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// Nobody reads here, or no longer.
    Gone,
    /// The mailbox is full.
    Full,
    /// The mailbox is full, and drops silently what comes then.
    Dropped,
}

/// The shared end of a mailbox: many push, the owner takes everything at once.
pub(crate) struct Queue<M> {
    inner: Mutex<Inner<M>>,
}

struct Inner<M> {
    state: State,
    entries: VecDeque<Entry<M>>,
    /// Messages of `#[priority]` variants.
    urgent: VecDeque<Entry<M>>,
    /// The owner's waker while it waits for a message.
    waiting: Option<Waker>,
    /// How many messages wait for an owner that is still to come.
    held: usize,
    bounded: Option<Box<Bounded<M>>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// A process with this number reads it.
    Open(u64),
    /// Its process ended and another will come: messages wait, up to `held`.
    Vacant,
    /// Nobody will read it again.
    Closed,
}

/// How many messages wait for a child that is being restarted.
const HELD: usize = 1024;

/// How many messages' room an empty queue keeps.
const ROOMY: usize = 1024;

/// What an owner has taken over: urgent messages and others.
pub(super) struct Batch<M> {
    pub(super) urgent: VecDeque<Entry<M>>,
    pub(super) entries: VecDeque<Entry<M>>,
}

impl<M: Protocol> Queue<M> {
    pub(crate) fn new(bounds: Option<Bounds>) -> Queue<M> {
        let inner = Inner {
            state: State::Vacant,
            entries: VecDeque::new(),
            urgent: VecDeque::new(),
            waiting: None,
            held: HELD,
            bounded: bounds.map(|bounds| Box::new(Bounded::new(bounds))),
        };
        Queue { inner: Mutex::new(inner) }
    }

    // A panic under this lock can only come from a waker's clone; the queue is whole then.
    fn lock(&self) -> MutexGuard<'_, Inner<M>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether messages wait for an owner that is still to come, or are refused until it is there.
    pub(crate) fn hold(&self, hold: bool) {
        self.lock().held = if hold { HELD } else { 0 };
    }

    /// A process takes the queue over; messages that were held are its first.
    pub(crate) fn open(&self, number: u64) {
        let mut inner = self.lock();
        inner.state = State::Open(number);
        let held = inner.entries.len() + inner.urgent.len();
        if let Some(bounded) = &mut inner.bounded {
            bounded.load = held;
        }
    }

    /// Puts a message at the end and wakes the owner. `held` says whether somebody will hold a ticket for the line.
    pub(crate) fn push(&self, owner: Owner, entry: Entry<M>, held: bool) -> Result<Pushed<M>, Refused<M>> {
        let mut inner = self.lock();
        let refuse = match (inner.state, owner) {
            (State::Open(number), Owner::This(to)) => (number != to).then_some(Why::Gone),
            (State::Open(_), Owner::Whoever) => None,
            (State::Vacant, Owner::Whoever) if inner.held == 0 => Some(Why::Gone),
            (State::Vacant, Owner::Whoever) => (inner.entries.len() >= inner.held).then_some(Why::Full),
            (State::Vacant, Owner::This(_)) | (State::Closed, _) => Some(Why::Gone),
        };
        if let Some(why) = refuse {
            return Err(Refused { message: entry.message, why });
        }
        let mut pushed = Pushed::In;
        if entry.origin == Origin::SENT
            && let Some(bounded) = &mut inner.bounded
        {
            let room = !bounded.is_full() && bounded.line.is_empty();
            if !room && !bounded.is_wanted(Mask::lane(entry.message.variant())) {
                match bounded.bounds.overflow {
                    // What another node sends holds no ticket, so that it cannot feel the line: it is as long as the
                    // mailbox at most.
                    Overflow::Wait if !held && bounded.line.len() >= bounded.bounds.capacity => {
                        return Err(Refused { message: entry.message, why: Why::Full });
                    }
                    Overflow::Wait => return Ok(Pushed::InLine(bounded.stand(entry, held))),
                    Overflow::Reject => return Err(Refused { message: entry.message, why: Why::Full }),
                    Overflow::DropNewest => return Err(Refused { message: entry.message, why: Why::Dropped }),
                    Overflow::DropOldest => match inner.oldest() {
                        Some(oldest) => pushed = Pushed::InsteadOf(oldest),
                        // All that is here is with the owner already.
                        None => return Err(Refused { message: entry.message, why: Why::Dropped }),
                    },
                }
            }
        }
        inner.put(entry);
        let waiting = inner.waiting.take();
        drop(inner);
        if let Some(waker) = waiting {
            waker.wake();
        }
        Ok(pushed)
    }

    /// Moves everything that waits into the empty `batch`, or has `cx` woken when something comes. `want` is what the
    /// receive that waits can take.
    pub(super) fn poll_take(&self, batch: &mut Batch<M>, want: Mask, cx: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.lock();
        let admitted = inner.admit_wanted(want);
        if inner.is_empty() {
            match &mut inner.waiting {
                Some(waker) => waker.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
            return Poll::Pending;
        }
        inner.hand_over(batch);
        drop(inner);
        admitted.into_iter().flatten().for_each(Waker::wake);
        Poll::Ready(())
    }

    /// Moves everything that waits into the empty `batch`.
    pub(super) fn take(&self, batch: &mut Batch<M>) {
        self.lock().hand_over(batch);
    }

    /// Moves what is urgent behind what is urgent in `batch`.
    pub(super) fn take_urgent(&self, batch: &mut Batch<M>) {
        batch.urgent.append(&mut self.lock().urgent);
    }

    /// The owner is through with a message that counted: whoever stands in line may come in.
    pub(crate) fn release(&self) {
        let mut inner = self.lock();
        let Some(bounded) = &mut inner.bounded else { return };
        bounded.load = bounded.load.saturating_sub(1);
        let mut wakers = Vec::new();
        while let Some(bounded) = &mut inner.bounded
            && !bounded.is_full()
            && let Some((_, Standing { entry, waker, .. })) = bounded.line.pop_first()
        {
            wakers.extend(waker);
            inner.put(entry);
        }
        drop(inner);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Whether the mailbox is full while its owner waits for something else, and has not been found so before.
    pub(crate) fn is_stuck(&self) -> bool {
        let inner = self.lock();
        inner.waiting.is_some() && inner.bounded.as_ref().is_some_and(|bounded| bounded.is_full())
    }

    pub(crate) fn is_bounded(&self) -> bool {
        self.lock().bounded.is_some()
    }

    /// Whether the message with this ticket is in; `Err` if the owner ended before.
    pub(crate) fn poll_admitted(&self, ticket: u64, cx: &mut Context<'_>) -> Poll<Result<(), ()>> {
        let mut inner = self.lock();
        let Some(bounded) = &mut inner.bounded else { return Poll::Ready(Ok(())) };
        if bounded.lost.remove(&ticket) {
            return Poll::Ready(Err(()));
        }
        match bounded.line.get_mut(&ticket) {
            None => Poll::Ready(Ok(())),
            Some(standing) => {
                match &mut standing.waker {
                    Some(waker) => waker.clone_from(cx.waker()),
                    none => *none = Some(cx.waker().clone()),
                }
                Poll::Pending
            }
        }
    }

    /// Takes a message out of the line again; `None` if it is in, or lost.
    pub(crate) fn withdraw(&self, ticket: u64) -> Option<M> {
        let mut inner = self.lock();
        let bounded = inner.bounded.as_mut()?;
        bounded.lost.remove(&ticket);
        bounded.line.remove(&ticket).map(|standing| standing.entry.message)
    }

    /// Takes out the first message with this origin.
    pub(crate) fn remove(&self, origin: Origin) -> Option<M> {
        let mut inner = self.lock();
        let inner = &mut *inner;
        remove(&mut inner.entries, origin).or_else(|| remove(&mut inner.urgent, origin))
    }

    /// The owner has ended: what waits comes out, for the caller to drop. `vacant` if another owner will come.
    pub(crate) fn leave(&self, vacant: bool) -> Vec<Entry<M>> {
        self.end(if vacant { State::Vacant } else { State::Closed })
    }

    /// Nobody will come any more.
    pub(crate) fn close(&self) -> Vec<Entry<M>> {
        self.end(State::Closed)
    }

    fn end(&self, state: State) -> Vec<Entry<M>> {
        let mut inner = self.lock();
        if inner.state != State::Closed {
            inner.state = state;
        }
        inner.waiting = None;
        let mut left: Vec<_> = mem::take(&mut inner.urgent).into_iter().collect();
        left.extend(mem::take(&mut inner.entries));
        let mut wakers = Vec::new();
        if let Some(bounded) = &mut inner.bounded {
            bounded.load = 0;
            bounded.want = Mask(0);
            for (ticket, Standing { entry, waker, held }) in mem::take(&mut bounded.line) {
                if held {
                    bounded.lost.insert(ticket);
                }
                wakers.extend(waker);
                left.push(entry);
            }
        }
        drop(inner);
        wakers.into_iter().for_each(Waker::wake);
        left
    }

    /// The number of the process that owns it.
    pub(crate) fn owner(&self) -> Option<u64> {
        match self.lock().state {
            State::Open(number) => Some(number),
            State::Vacant | State::Closed => None,
        }
    }
}

impl<M: Protocol> Inner<M> {
    fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.urgent.is_empty()
    }

    fn put(&mut self, entry: Entry<M>) {
        if entry.origin == Origin::SENT
            && let Some(bounded) = &mut self.bounded
        {
            bounded.load += 1;
        }
        if Mask::urgent::<M>().has(Mask::lane(entry.message.variant())) {
            self.urgent.push_back(entry);
        } else {
            self.entries.push_back(entry);
        }
    }

    fn hand_over(&mut self, batch: &mut Batch<M>) {
        // The memory of a flood is given back, rather than walked through message by message for ever after.
        if batch.entries.capacity() > ROOMY {
            batch.entries = VecDeque::new();
        }
        mem::swap(&mut self.entries, &mut batch.entries);
        batch.urgent.append(&mut self.urgent);
        if let Some(bounded) = &mut self.bounded {
            bounded.want = Mask(0);
        }
    }

    /// The oldest message that counts and is not with the owner yet.
    fn oldest(&mut self) -> Option<M> {
        let at = self.entries.iter().position(|entry| entry.origin == Origin::SENT)?;
        if let Some(bounded) = &mut self.bounded {
            bounded.load -= 1;
        }
        self.entries.remove(at).map(|entry| entry.message)
    }

    /// Lets the first in line in that the owner waits for; its sender's waker.
    fn admit_wanted(&mut self, want: Mask) -> Option<Option<Waker>> {
        let bounded = self.bounded.as_mut()?;
        bounded.want = want;
        let wanted = |(ticket, standing): (&u64, &Standing<M>)| {
            want.has(Mask::lane(standing.entry.message.variant())).then_some(*ticket)
        };
        let ticket = bounded.line.iter().find_map(wanted)?;
        let Standing { entry, waker, .. } = bounded.line.remove(&ticket)?;
        self.put(entry);
        Some(waker)
    }
}

pub(super) fn remove<M>(entries: &mut VecDeque<Entry<M>>, origin: Origin) -> Option<M> {
    let at = entries.iter().position(|entry| entry.origin == origin)?;
    entries.remove(at).map(|entry| entry.message)
}
