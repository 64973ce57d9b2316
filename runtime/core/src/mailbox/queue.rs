use std::collections::VecDeque;
use std::hint::cold_path;
use std::mem;
use std::panic::Location;
use std::task::{Context, Poll, Waker};

use super::Mask;
use super::batch::{Batch, is_flooded};
use super::bounds::{Bounded, Bounds, Overflow};
use super::entry::{Entry, Origin, Owner, Pushed, Refused, Why};
use super::lock::{Guard, Lock};
use super::remove::{cut, part, remove};
use super::wait_queue::Waiter;
use crate::base::Protocol;
use crate::sync::yield_now;

/// The shared end of a mailbox: many push, the owner takes everything at once.
pub(crate) struct Queue<M> {
    // The lock's constant: how many messages make a long mailbox.
    inner: Lock<Inner<M>>,
}

// What a sender touches first, as in the lock around it.
#[repr(C)]
struct Inner<M> {
    /// The number of the process that reads it, with [`STARTING`] at first if it has a place, or [`VACANT`], or
    /// [`CLOSED`].
    owner: u64,
    entries: VecDeque<Entry<M>>,
    /// How many messages have come in since the owner took over.
    pushed: u64,
    /// What most queues never have.
    rest: Option<Box<Rest<M>>>,
    /// From this number of messages on, what comes in is noticed: zero while somebody traces the owner, else what makes
    /// a long mailbox, or [`KNOWN`]. One comparison for all, so that a push costs the same whether anybody looks or not.
    notice: u64,
    told: ReaderStats,
}

/// What the owner says of itself whenever it takes messages over or goes to wait.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ReaderStats {
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

/// The process ended and another will come: messages wait for it, up to [`HELD`].
const VACANT: u64 = 0;

/// Added to the owner's number while its start may still fail. No number is as large.
const STARTING: u64 = 1 << 63;

/// Nobody will read it again. No process has this number.
const CLOSED: u64 = u64::MAX;

/// In place of a number of messages: the mailbox is long, and that is known. What comes in is not noticed until the owner
/// has seen that it is short again.
const KNOWN: u64 = u64::MAX;

/// Who reads the queue, in words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    Vacant,
    Starting(u64),
    Up(u64),
    Closed,
}

struct Rest<M> {
    /// Messages of `#[priority]` variants.
    urgent: VecDeque<Entry<M>>,
    bounded: Option<Bounded<M>>,
    /// Whether messages wait for an owner that is still to come.
    hold: bool,
}

/// How many messages wait for a child until a start of it has succeeded.
const HELD: usize = 1024;

/// What an owner has taken over.
pub(super) enum TakeOutcome<M> {
    /// What was in the queue: it is in the batch.
    Batch,
    /// A message that stands in line, to be tested there: with its ticket.
    InLine(u64, Entry<M>),
    /// Nothing; the owner will be woken.
    Nothing,
}

/// How an owner takes over.
pub(super) struct TakeRequest {
    /// What its receive can take.
    pub(super) want: Mask,
    /// The last ticket in line that this receive has tested.
    pub(super) tested: u64,
    /// Whether it comes again by itself before it waits.
    pub(super) linger: bool,
    pub(super) told: ReaderStats,
}

impl<M: Protocol> Queue<M> {
    /// Without an owner, and never long.
    #[cfg(any(test, not(feature = "net")))]
    pub(crate) fn new(bounds: Option<Bounds>) -> Queue<M> {
        Queue::owned(bounds, u32::MAX, VACANT)
    }

    /// The mailbox of the process with this number, or without an owner if that is zero, long from so many messages on.
    pub(crate) fn owned(bounds: Option<Bounds>, long: u32, owner: u64) -> Queue<M> {
        let rest = bounds.map(|bounds| Box::new(Rest { bounded: Some(Bounded::new(bounds)), ..Rest::new() }));
        let inner = Inner {
            owner,
            entries: VecDeque::new(),
            pushed: 0,
            rest,
            notice: u64::from(long),
            told: ReaderStats::default(),
        };
        Queue { inner: Lock::with(long, inner) }
    }

    // What panics under this lock is at most a waker's clone or an allocation; the queue is whole then.
    #[inline]
    fn lock(&self) -> Guard<'_, Inner<M>> {
        self.inner.lock()
    }

    /// Whether messages wait for an owner that is still to come, or are refused until it is there.
    pub(crate) fn hold(&self, hold: bool) {
        let mut inner = self.lock();
        if !hold || inner.rest.is_some() {
            inner.rest().hold = hold;
        }
    }

    /// A process takes the queue over; messages that were held are its first.
    pub(crate) fn open(&self, number: u64) {
        self.take_over(number);
    }

    /// The same for one whose start may fail: what is sent to whoever lives here is held on until it has
    /// [started](Queue::started).
    pub(crate) fn open_for_start(&self, number: u64) {
        self.take_over(number | STARTING);
    }

    /// The start of the owner with this number has succeeded: what is here, and what comes, is its own.
    pub(crate) fn started(&self, number: u64) {
        let mut inner = self.lock();
        if inner.reader() == Reader::Starting(number) {
            inner.owner = number;
        }
    }

    /// Whether the start of the owner may still fail.
    pub(crate) fn is_starting(&self) -> bool {
        matches!(self.lock().reader(), Reader::Starting(_))
    }

    fn take_over(&self, owner: u64) {
        let mut inner = self.lock();
        inner.owner = owner;
        let held = inner.waiting();
        inner.pushed = held as u64;
        inner.told = ReaderStats::default();
        inner.notice = u64::from(self.inner.constant());
        if let Some(bounded) = inner.bounded() {
            bounded.load = held;
        }
    }

    /// Has `task` woken when something concerns the owner; whether that could be noted just now: not while somebody is
    /// waking the task that it was before.
    pub(crate) fn set_waker(&self, task: &Waker) -> bool {
        let task = task.clone();
        let hung = self.lock().set_waker(Some(task));
        if hung.is_err() {
            yield_now();
        }
        hung.is_ok()
    }

    /// Wakes the owner for something that is no message.
    pub(crate) fn wake(&self) {
        let task = self.lock().task();
        if let Some(task) = task {
            task.wake();
        }
    }

    /// Puts what somebody sent at the end and wakes the owner: the way of nearly all messages, and short enough to be part
    /// of whatever sends. The message is `make`'s, which only puts it together: it is made where it will lie. One that needs
    /// more care is not made; it is to be [`push`](Self::push)ed.
    #[inline(always)]
    pub(crate) fn push_fast<F: FnOnce() -> M>(&self, owner: Owner, make: F) -> Result<(), F> {
        let mut inner = self.lock();
        // To grow is a matter of care too. Where it cannot happen nothing can panic that has a message in its hands, which
        // then needs no place of its own.
        if !inner.takes_plainly(owner) || inner.entries.len() == inner.entries.capacity() {
            // Said so, since this is a row of conditions: the compiler would take what comes after them for the rare case.
            cold_path();
            drop(inner);
            return Err(make);
        }
        inner.pushed += 1;
        inner.entries.push_back(Entry { origin: Origin::SENT, message: make() });
        inner.unlock_and_wake();
        Ok(())
    }

    /// Puts a message at the end and wakes the owner. `held` says whether somebody will hold a ticket for the line.
    #[inline]
    pub(crate) fn push(&self, owner: Owner, entry: Entry<M>, held: bool) -> Result<Pushed<M>, Refused<M>> {
        let mut inner = self.lock();
        if !inner.takes_plainly(owner) {
            return Queue::push_slow(inner, true, owner, entry, held);
        }
        inner.pushed += 1;
        inner.entries.push_back(entry);
        inner.unlock_and_wake();
        Ok(Pushed::In)
    }

    /// The same for a message that has been [noticed](Why::Noticed).
    pub(crate) fn push_seen(&self, owner: Owner, entry: Entry<M>, held: bool) -> Result<Pushed<M>, Refused<M>> {
        Queue::push_slow(self.lock(), false, owner, entry, held)
    }

    #[cold]
    fn push_slow(
        mut inner: Guard<'_, Inner<M>>,
        notices: bool,
        owner: Owner,
        mut entry: Entry<M>,
        held: bool,
    ) -> Result<Pushed<M>, Refused<M>> {
        let reader = inner.reader();
        let holds = owner == Owner::Whoever && inner.rest.as_ref().is_none_or(|rest| rest.hold);
        let refuse = match (reader, owner) {
            (Reader::Vacant | Reader::Starting(_), _) if holds => (inner.length() >= HELD as u64).then_some(Why::Full),
            (Reader::Vacant | Reader::Closed, _) => Some(Why::Gone),
            (Reader::Starting(number) | Reader::Up(number), Owner::This(to)) => (number != to).then_some(Why::Gone),
            (_, Owner::Whoever) => None,
        };
        if let Some(why) = refuse {
            return Err(Refused { message: entry.message, why });
        }
        if inner.pushed + 1 >= inner.notice && notices {
            return Err(Refused { message: entry.message, why: Why::Noticed });
        }
        if holds && matches!(reader, Reader::Vacant | Reader::Starting(_)) && entry.origin.is_sent() {
            entry.origin = Origin::HELD;
        }
        let mut pushed = Pushed::In;
        let lane = Mask::lane(entry.message.variant());
        if entry.origin.is_sent()
            && let Some(bounded) = inner.bounded()
            && (bounded.is_full() || !bounded.wait_queue.is_empty())
        {
            let wanted = bounded.want.has(lane);
            let capacity = bounded.bounds.capacity;
            match bounded.bounds.overflow {
                // What the owner waits for is let in, though it keeps its place behind the line: its sender need not wait.
                Overflow::Wait if wanted && bounded.unheld < capacity.saturating_mul(2) => {
                    bounded.stand(entry, false);
                    inner.unlock_and_wake();
                    return Ok(Pushed::In);
                }
                // What another node sends holds no ticket, so that it cannot feel the line: there are as many of those as
                // the mailbox holds at most.
                Overflow::Wait if !held && bounded.unheld >= capacity => {
                    bounded.refused += 1;
                    return Err(Refused { message: entry.message, why: Why::Full });
                }
                Overflow::Wait => return Ok(Pushed::InLine(bounded.stand(entry, held))),
                _ if wanted && bounded.load < capacity.saturating_mul(2) => {}
                Overflow::Reject => {
                    bounded.refused += 1;
                    return Err(Refused { message: entry.message, why: Why::Full });
                }
                Overflow::DropNewest => {
                    bounded.dropped += 1;
                    return Err(Refused { message: entry.message, why: Why::Dropped });
                }
                Overflow::DropOldest => match inner.oldest(Mask::urgent::<M>().has(lane)) {
                    Some(oldest) => pushed = Pushed::InsteadOf(oldest),
                    // All that counts is with the owner already, or goes before it.
                    None => {
                        inner.count_dropped();
                        return Err(Refused { message: entry.message, why: Why::Dropped });
                    }
                },
            }
        }
        if let Some(bounded) = inner.bounded()
            && bounded.unheld > 0
        {
            // The runtime's own stands behind what its sender takes to be in. It needs no room.
            bounded.stand(entry, false);
        } else {
            inner.put(entry);
        }
        inner.unlock_and_wake();
        Ok(pushed)
    }

    /// Moves everything that waits into the empty `batch`, or hands out the next in line that is wanted, or has `cx` woken
    /// when there is something.
    #[inline]
    pub(super) fn poll_take(&self, batch: &mut Batch<M>, taking: &TakeRequest, cx: &mut Context<'_>) -> TakeOutcome<M> {
        batch.recover();
        let mut inner = self.lock();
        let long = self.inner.constant();
        inner.hear(taking.told, long);
        if !inner.is_empty() {
            inner.hand_over(batch);
            return TakeOutcome::Batch;
        }
        if let Some(bounded) = inner.bounded() {
            bounded.want = taking.want;
            if let Some((ticket, entry)) = bounded.test(taking.want, taking.tested) {
                return TakeOutcome::InLine(ticket, entry);
            }
        }
        if taking.linger {
            drop(inner);
            cx.waker().wake_by_ref();
        } else {
            inner.wait(cx.waker());
            let flooded = inner.take_flooded();
            drop(inner);
            drop(flooded);
            batch.rest();
        }
        TakeOutcome::Nothing
    }

    /// The same for an owner whose mailbox is not bounded and knows nothing urgent.
    #[inline(always)]
    pub(super) fn poll_refill(
        &self,
        batch: &mut Batch<M>,
        (handled, calls): (u64, u64),
        linger: bool,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        batch.recover();
        let mut inner = self.lock();
        let (waiting, long) = (u32::try_from(inner.entries.len()).unwrap_or(u32::MAX), self.inner.constant());
        inner.hear_of(ReaderStats { handled, calls, place: None, saved: 0, batch: waiting }, long);
        if waiting != 0 {
            mem::swap(&mut inner.entries, &mut batch.entries);
            drop(inner);
            batch.taken = batch.entries.len();
            return Poll::Ready(());
        }
        if linger {
            drop(inner);
            cx.waker().wake_by_ref();
        } else {
            inner.wait(cx.waker());
            let flooded = inner.take_flooded();
            drop(inner);
            drop(flooded);
            batch.rest();
        }
        Poll::Pending
    }

    /// Has `cx` woken when something comes; `false` if something is here.
    #[inline]
    pub(crate) fn wait(&self, cx: &mut Context<'_>) -> bool {
        let mut inner = self.lock();
        let empty = inner.is_empty();
        if empty {
            inner.wait(cx.waker());
        }
        empty
    }

    /// Moves everything that waits into the empty `batch`.
    pub(super) fn take(&self, batch: &mut Batch<M>, told: ReaderStats) {
        batch.recover();
        let mut inner = self.lock();
        let long = self.inner.constant();
        inner.hear(told, long);
        inner.hand_over(batch);
    }

    /// The owner with this number says how far it is, and hears how long the mailbox is.
    pub(super) fn tell(&self, number: u64, told: ReaderStats) -> u64 {
        let mut inner = self.lock();
        if inner.owner & !STARTING == number {
            inner.told = told;
        }
        inner.length()
    }

    /// From now on a message is noticed if it makes the mailbox long, unless it `is_known` to be that, and also before if
    /// somebody `traces` it.
    pub(crate) fn notice(&self, traces: bool, is_known: bool) {
        let mut inner = self.lock();
        let room = u64::from(self.inner.constant()).saturating_sub(inner.length());
        inner.notice = match (traces, room) {
            (true, _) => 0,
            (false, 0) if is_known => KNOWN,
            (false, room) => inner.pushed + room,
        };
    }

    /// How many saved messages leave a mailbox short again that was long.
    #[inline]
    pub(crate) fn short(&self) -> u32 {
        self.inner.constant() / 2
    }

    /// How many messages wait here, in any way, and how many make a long mailbox.
    pub(crate) fn length(&self) -> (u64, u64) {
        let inner = self.lock();
        (inner.length(), u64::from(self.inner.constant()))
    }

    pub(crate) fn figures(&self) -> Figures {
        let inner = self.lock();
        Figures { is_waiting: inner.is_awaited(), ..inner.figures() }
    }

    /// The last figures of an owner that has ended; from here on there are none until the next one opens.
    pub(crate) fn settle(&self) -> Figures {
        let mut inner = self.lock();
        let figures = Figures { is_waiting: inner.is_awaited(), ..inner.figures() };
        (inner.pushed, inner.told) = (0, ReaderStats::default());
        if let Some(bounded) = inner.bounded() {
            (bounded.refused, bounded.dropped) = (0, 0);
        }
        figures
    }

    /// Moves what is urgent behind what is urgent in `batch`.
    pub(super) fn take_urgent(&self, batch: &mut Batch<M>) {
        if let Some(rest) = &mut self.lock().rest {
            batch.urgent.append(&mut rest.urgent);
        }
    }

    /// The message in line that was tested is the owner's: its sender hears that it is in.
    pub(super) fn admit(&self, ticket: u64) {
        let mut inner = self.lock();
        let standing = inner.bounded().and_then(|bounded| bounded.leave(ticket));
        let mut wakers = inner.advance();
        drop(inner);
        wakers.extend(standing.and_then(|standing| standing.waker));
        wakers.into_iter().for_each(Waker::wake);
    }

    /// The message in line that was tested stands there again; handed back if its sender has withdrawn it.
    pub(super) fn put_back(&self, ticket: u64, entry: Entry<M>) -> Option<M> {
        let mut inner = self.lock();
        match inner.bounded().and_then(|bounded| bounded.wait_queue.get_mut(ticket)) {
            Some(standing) => {
                standing.entry = Some(entry);
                None
            }
            None => {
                inner.count_dropped();
                Some(entry.message)
            }
        }
    }

    /// The owner is through with a message that counted: whoever stands in line may come in.
    pub(crate) fn release(&self) {
        let mut inner = self.lock();
        let Some(bounded) = inner.bounded() else { return };
        bounded.load = bounded.load.saturating_sub(1);
        let wakers = inner.advance();
        drop(inner);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Whether the mailbox is full while its owner waits for something else, and has not been found so before.
    pub(crate) fn is_stuck(&self) -> bool {
        let mut inner = self.lock();
        inner.is_awaited() && inner.bounded().is_some_and(|bounded| bounded.is_full())
    }

    /// How many messages have come in since the owner took over.
    pub(crate) fn pushed(&self) -> u64 {
        self.lock().pushed
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    pub(crate) fn capacity(&self) -> Option<u64> {
        self.lock().bounded().map(|bounded| bounded.bounds.capacity as u64)
    }

    /// Whether the message with this ticket is in; `Err` if the owner ended before.
    pub(crate) fn poll_admitted(&self, ticket: u64, cx: &mut Context<'_>) -> Poll<Result<(), ()>> {
        let mut inner = self.lock();
        let Some(bounded) = inner.bounded() else { return Poll::Ready(Ok(())) };
        if bounded.lost.remove(&ticket).is_some() {
            return Poll::Ready(Err(()));
        }
        match bounded.wait_queue.get_mut(ticket) {
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

    /// Takes a message out of the line again; `None` if it is in, or lost, or just being tested: then it is gone if the test
    /// says no.
    pub(crate) fn withdraw(&self, ticket: u64) -> Option<M> {
        let mut inner = self.lock();
        let bounded = inner.bounded()?;
        bounded.lost.remove(&ticket);
        let standing = bounded.leave(ticket)?;
        bounded.dropped += u64::from(standing.entry.is_some());
        let wakers = inner.advance();
        inner.unlock_and_wake();
        wakers.into_iter().for_each(Waker::wake);
        standing.entry.map(|entry| entry.message)
    }

    /// Takes out the first message with this origin.
    pub(crate) fn remove(&self, origin: Origin) -> Option<M> {
        let mut inner = self.lock();
        let inner = &mut *inner;
        let found = remove(&mut inner.entries, origin);
        found.or_else(|| inner.rest.as_mut().and_then(|rest| remove(&mut rest.urgent, origin)))
    }

    /// What an owner whose start failed had taken over and not received stands here again, before what has come since.
    pub(super) fn put_all_back(&self, mut urgent: VecDeque<Entry<M>>, mut entries: VecDeque<Entry<M>>) {
        let mut inner = self.lock();
        entries.append(&mut inner.entries);
        inner.entries = entries;
        if !urgent.is_empty() {
            let rest = inner.rest();
            urgent.append(&mut rest.urgent);
            rest.urgent = urgent;
        }
    }

    /// The owner has ended: what waits comes out, for the caller to drop. `vacant` if another owner will come: to that
    /// goes what was held for this one, if its start had not succeeded.
    pub(crate) fn leave(&self, vacant: bool) -> VecDeque<Entry<M>> {
        self.end(if vacant { VACANT } else { CLOSED })
    }

    /// Nobody will come any more.
    pub(crate) fn close(&self) -> VecDeque<Entry<M>> {
        self.end(CLOSED)
    }

    fn end(&self, owner: u64) -> VecDeque<Entry<M>> {
        let mut inner = self.lock();
        let hold_on = owner == VACANT && matches!(inner.reader(), Reader::Starting(_));
        if inner.owner != CLOSED {
            inner.owner = owner;
        }
        inner.cancel_wait();
        (inner.told.batch, inner.told.saved) = (0, 0);
        let task = inner.set_waker(None);
        let mut entries = part(&mut inner.entries, hold_on);
        let (mut left, mut wait_queue) = (VecDeque::new(), Vec::new());
        if let Some(rest) = &mut inner.rest {
            left = part(&mut rest.urgent, hold_on);
            if let Some(bounded) = &mut rest.bounded {
                wait_queue = bounded.part(hold_on);
            }
        }
        let mut wakers = Vec::new();
        if hold_on {
            let kept = inner.waiting();
            // It has not received what the next one will.
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
        for Waiter { entry, waker, .. } in wait_queue {
            if let Some(entry) = entry {
                left.push_back(entry);
            }
            wakers.extend(waker);
        }
        wakers.into_iter().for_each(Waker::wake);
        left
    }

    /// The number of the process that owns it.
    pub(crate) fn owner(&self) -> Option<u64> {
        match self.lock().reader() {
            Reader::Starting(number) | Reader::Up(number) => Some(number),
            Reader::Vacant | Reader::Closed => None,
        }
    }
}

impl<M> Rest<M> {
    fn new() -> Rest<M> {
        Rest { urgent: VecDeque::new(), bounded: None, hold: true }
    }
}

impl<M: Protocol> Inner<M> {
    /// Whether the owner is there, and all that a message for it needs is its place at the end.
    #[inline(always)]
    fn takes_plainly(&self, owner: Owner) -> bool {
        let there = match owner {
            Owner::This(number) => self.owner == number,
            Owner::Whoever => (VACANT + 1..STARTING).contains(&self.owner),
        };
        there && const { Mask::urgent::<M>().0 == 0 } && self.rest.is_none() && self.pushed + 1 < self.notice
    }

    fn reader(&self) -> Reader {
        match self.owner {
            VACANT => Reader::Vacant,
            CLOSED => Reader::Closed,
            owner if owner & STARTING != 0 => Reader::Starting(owner & !STARTING),
            owner => Reader::Up(owner),
        }
    }

    fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.rest.as_ref().is_none_or(|rest| rest.urgent.is_empty())
    }

    /// How many messages nobody has taken over.
    fn waiting(&self) -> usize {
        self.entries.len() + self.rest.as_ref().map_or(0, |rest| rest.urgent.len())
    }

    fn count_dropped(&mut self) {
        if let Some(bounded) = self.bounded() {
            bounded.dropped += 1;
        }
    }

    /// What the owner says of itself, before it takes over what is here; so many messages make a long mailbox.
    fn hear(&mut self, told: ReaderStats, long: u32) {
        self.hear_of(ReaderStats { batch: u32::try_from(self.waiting()).unwrap_or(u32::MAX), ..told }, long);
    }

    /// The same where it is known what is here.
    #[inline(always)]
    fn hear_of(&mut self, told: ReaderStats, long: u32) {
        self.told = told;
        // Neither zero nor KNOWN, in one comparison.
        if self.notice.wrapping_sub(1) < KNOWN - 1 {
            let taken = self.told.batch.saturating_add(self.told.saved);
            self.notice = self.pushed + u64::from(long.saturating_sub(taken));
        }
    }

    fn length(&self) -> u64 {
        let ReaderStats { saved, batch, .. } = self.told;
        self.waiting() as u64 + u64::from(saved) + u64::from(batch)
    }

    /// All but whether the owner waits, which the lock knows.
    fn figures(&self) -> Figures {
        let ReaderStats { handled, calls, place, saved, batch } = self.told;
        let rest = self.rest.as_ref();
        let bounded = rest.and_then(|rest| rest.bounded.as_ref());
        let urgent = rest.map_or(0, |rest| rest.urgent.capacity());
        let held = self.entries.capacity() + urgent + saved as usize + batch as usize;
        Figures {
            waiting: self.waiting() as u64 + u64::from(batch),
            saved: u64::from(saved),
            in_line: bounded.map_or(0, |bounded| bounded.wait_queue.len() as u64),
            received: self.pushed,
            handled,
            calls,
            refused: bounded.map_or(0, |bounded| bounded.refused),
            dropped: bounded.map_or(0, |bounded| bounded.dropped),
            bytes: (held * size_of::<Entry<M>>()) as u64,
            place,
            is_waiting: false,
        }
    }

    fn rest(&mut self) -> &mut Rest<M> {
        self.rest.get_or_insert_with(|| Box::new(Rest::new()))
    }

    fn bounded(&mut self) -> Option<&mut Bounded<M>> {
        self.rest.as_mut()?.bounded.as_mut()
    }

    fn put(&mut self, entry: Entry<M>) {
        // Whoever opens the queue counts what waits in it.
        self.pushed += u64::from(self.owner != VACANT);
        if entry.origin.is_sent()
            && let Some(bounded) = self.bounded()
        {
            bounded.load += 1;
        }
        if Mask::urgent::<M>().has(Mask::lane(entry.message.variant())) {
            self.rest().urgent.push_back(entry);
        } else {
            self.entries.push_back(entry);
        }
    }

    /// Lets those in who stand first, as far as there is room; their senders' wakers.
    fn advance(&mut self) -> Vec<Waker> {
        let mut wakers = Vec::new();
        while let Some(standing) = self.bounded().and_then(Bounded::admit) {
            wakers.extend(standing.waker);
            if let Some(entry) = standing.entry {
                self.put(entry);
            }
        }
        wakers
    }

    fn hand_over(&mut self, batch: &mut Batch<M>) {
        mem::swap(&mut self.entries, &mut batch.entries);
        if let Some(rest) = &mut self.rest {
            batch.urgent.append(&mut rest.urgent);
            if let Some(bounded) = &mut rest.bounded {
                bounded.want = Mask(0);
            }
        }
        batch.taken = batch.entries.len();
    }

    /// The memory of a flood, if that is what the empty queue has: for the caller to drop, outside of the lock.
    #[inline(always)]
    fn take_flooded(&mut self) -> Option<VecDeque<Entry<M>>> {
        is_flooded(&self.entries).then(|| mem::take(&mut self.entries))
    }

    /// The oldest message that counts and is not with the owner yet. One that is urgent gives way only to another.
    fn oldest(&mut self, urgent: bool) -> Option<M> {
        let first = |entries: &mut VecDeque<Entry<M>>| {
            let at = entries.iter().position(|entry| entry.origin.is_sent())?;
            cut(entries, at)
        };
        let oldest = match first(&mut self.entries) {
            None if urgent => first(&mut self.rest.as_mut()?.urgent),
            oldest => oldest,
        }?;
        if let Some(bounded) = self.bounded() {
            bounded.load -= 1;
            bounded.dropped += 1;
        }
        Some(oldest.message)
    }
}
