use std::collections::VecDeque;
use std::mem;
use std::panic::Location;
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
    /// Somebody looks at what comes in: [`push_seen`](Queue::push_seen) it when that is done.
    Noticed,
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
    /// How many messages have come in since the owner took over.
    pushed: u64,
    /// The owner's waker while it waits for a message.
    waiting: Option<Waker>,
    /// How many messages wait for an owner that is still to come.
    held: usize,
    bounded: Option<Box<Bounded<M>>>,
    /// From this number of messages on, what comes in is noticed: zero while somebody traces the owner, else what makes
    /// a long mailbox. One comparison for both, so that a push costs the same whether anybody looks or not.
    notice: u64,
    told: Told,
    /// How many messages make a long mailbox.
    long: u32,
}

/// What the owner says of itself whenever it takes messages over or goes to wait.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Told {
    /// Messages that it took.
    pub(super) handled: u64,
    /// Calls among those that it took.
    pub(super) calls: u64,
    /// Where its receive stands, if that is known.
    pub(super) place: Option<&'static Location<'static>>,
    /// Messages that no receive has taken.
    pub(super) saved: u32,
    /// Messages that it has taken over and not looked at.
    pub(super) batch: u32,
}

/// A mailbox in figures. Those of an owner that runs are as of when it last took messages, or was last asked.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    /// Messages that nobody has looked at.
    pub(crate) waiting: u64,
    pub(crate) saved: u64,
    /// Messages in line before the mailbox.
    pub(crate) in_line: u64,
    pub(crate) received: u64,
    pub(crate) handled: u64,
    pub(crate) calls: u64,
    pub(crate) refused: u64,
    pub(crate) dropped: u64,
    /// What the mailbox takes in bytes, without what its messages hold on the heap.
    pub(crate) bytes: u64,
    pub(crate) place: Option<&'static Location<'static>>,
    /// Whether the owner waits for a message.
    pub(crate) is_waiting: bool,
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
            pushed: 0,
            waiting: None,
            held: HELD,
            bounded: bounds.map(|bounds| Box::new(Bounded::new(bounds))),
            notice: u64::MAX,
            told: Told::default(),
            long: u32::MAX,
        };
        Queue { inner: Mutex::new(inner) }
    }

    /// The same, for a mailbox that is long from so many messages on.
    pub(crate) fn long_from(mut self, length: u32) -> Queue<M> {
        let inner = self.inner.get_mut().unwrap_or_else(PoisonError::into_inner);
        inner.long = length;
        inner.notice = u64::from(length);
        self
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
        inner.pushed = held as u64;
        inner.told = Told::default();
        inner.notice = u64::from(inner.long);
        if let Some(bounded) = &mut inner.bounded {
            bounded.load = held;
        }
    }

    /// Puts a message at the end and wakes the owner. `held` says whether somebody will hold a ticket for the line.
    pub(crate) fn push(&self, owner: Owner, entry: Entry<M>, held: bool) -> Result<Pushed<M>, Refused<M>> {
        self.push_unless(true, owner, entry, held)
    }

    /// The same for a message that has been [noticed](Why::Noticed).
    pub(crate) fn push_seen(&self, owner: Owner, entry: Entry<M>, held: bool) -> Result<Pushed<M>, Refused<M>> {
        self.push_unless(false, owner, entry, held)
    }

    fn push_unless(&self, noticed: bool, owner: Owner, entry: Entry<M>, held: bool) -> Result<Pushed<M>, Refused<M>> {
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
        if inner.pushed + 1 >= inner.notice && noticed {
            return Err(Refused { message: entry.message, why: Why::Noticed });
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
                        bounded.refused += 1;
                        return Err(Refused { message: entry.message, why: Why::Full });
                    }
                    Overflow::Wait => return Ok(Pushed::InLine(bounded.stand(entry, held))),
                    Overflow::Reject => {
                        bounded.refused += 1;
                        return Err(Refused { message: entry.message, why: Why::Full });
                    }
                    Overflow::DropNewest => {
                        bounded.dropped += 1;
                        return Err(Refused { message: entry.message, why: Why::Dropped });
                    }
                    Overflow::DropOldest => match inner.oldest() {
                        Some(oldest) => pushed = Pushed::InsteadOf(oldest),
                        // All that is here is with the owner already.
                        None => {
                            inner.count_dropped();
                            return Err(Refused { message: entry.message, why: Why::Dropped });
                        }
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
    pub(super) fn poll_take(&self, batch: &mut Batch<M>, want: Mask, told: Told, cx: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.lock();
        let admitted = inner.admit_wanted(want);
        inner.hear(told);
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
    pub(super) fn take(&self, batch: &mut Batch<M>, told: Told) {
        let mut inner = self.lock();
        inner.hear(told);
        inner.hand_over(batch);
    }

    /// The owner with this number says how far it is, and hears [how long](Queue::length) the mailbox is.
    pub(super) fn tell(&self, number: u64, told: Told) -> (u64, u64) {
        let mut inner = self.lock();
        if inner.state == State::Open(number) {
            inner.told = told;
        }
        (inner.length(), u64::from(inner.long))
    }

    /// From now on a message is noticed if it makes the mailbox long, and also before if somebody `traces` it.
    pub(crate) fn notice(&self, traces: bool) {
        let mut inner = self.lock();
        let room = u64::from(inner.long).saturating_sub(inner.length());
        inner.notice = match (traces, room) {
            (true, _) => 0,
            // It is known to be long: that is looked at again when the owner has taken what is here.
            (false, 0) => u64::MAX,
            (false, room) => inner.pushed + room,
        };
    }

    /// How many messages wait here, in any way, and how many make a long mailbox.
    pub(crate) fn length(&self) -> (u64, u64) {
        let inner = self.lock();
        (inner.length(), u64::from(inner.long))
    }

    pub(crate) fn figures(&self) -> Figures {
        self.lock().figures()
    }

    /// The last figures of an owner that has ended; from here on there are none until the next one opens.
    pub(crate) fn settle(&self) -> Figures {
        let mut inner = self.lock();
        let figures = inner.figures();
        (inner.pushed, inner.told) = (0, Told::default());
        if let Some(bounded) = &mut inner.bounded {
            (bounded.refused, bounded.dropped) = (0, 0);
        }
        figures
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

    /// How many messages have come in since the owner took over.
    pub(crate) fn pushed(&self) -> u64 {
        self.lock().pushed
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    pub(crate) fn capacity(&self) -> Option<u64> {
        self.lock().bounded.as_ref().map(|bounded| bounded.bounds.capacity as u64)
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
        let standing = bounded.line.remove(&ticket)?;
        bounded.dropped += 1;
        Some(standing.entry.message)
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
        inner.told.batch = 0;
        inner.told.saved = 0;
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

    fn count_dropped(&mut self) {
        if let Some(bounded) = &mut self.bounded {
            bounded.dropped += 1;
        }
    }

    /// What the owner says of itself, before it takes over what is here.
    fn hear(&mut self, told: Told) {
        self.told = Told { batch: u32::try_from(self.entries.len() + self.urgent.len()).unwrap_or(u32::MAX), ..told };
        if self.notice != 0 {
            let taken = self.told.batch.saturating_add(self.told.saved);
            self.notice = self.pushed + u64::from(self.long.saturating_sub(taken));
        }
    }

    fn length(&self) -> u64 {
        let Told { saved, batch, .. } = self.told;
        (self.entries.len() + self.urgent.len()) as u64 + u64::from(saved) + u64::from(batch)
    }

    fn figures(&self) -> Figures {
        let Told { handled, calls, place, saved, batch } = self.told;
        let bounded = self.bounded.as_ref();
        let held = self.entries.capacity() + self.urgent.capacity() + saved as usize + batch as usize;
        Figures {
            waiting: (self.entries.len() + self.urgent.len()) as u64 + u64::from(batch),
            saved: u64::from(saved),
            in_line: bounded.map_or(0, |bounded| bounded.line.len() as u64),
            received: self.pushed,
            handled,
            calls,
            refused: bounded.map_or(0, |bounded| bounded.refused),
            dropped: bounded.map_or(0, |bounded| bounded.dropped),
            bytes: (held * size_of::<Entry<M>>()) as u64,
            place,
            is_waiting: self.waiting.is_some(),
        }
    }

    fn put(&mut self, entry: Entry<M>) {
        self.pushed += 1;
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
            bounded.dropped += 1;
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
