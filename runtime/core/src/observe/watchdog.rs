//! The watchdog: finds processes that occupy a thread for long, and keeps the node's connections alive meanwhile.
//!
//! Each thread that polls processes of a node has a slot there. While the thread polls a process, the slot contains the
//! process's number and the number of the poll. A poll therefore costs two stores before it and one after it, and reads
//! no clock. The watchdog is a thread outside of the runtime that reads the slots every few milliseconds. A slot with the
//! same poll for too long belongs to a process that has not released the thread. So a loop that never ends is found while
//! it runs.
//!
//! User code can occupy every thread, also outside of processes. The connections to other nodes then have no thread to run
//! on, so the watchdog drives those that are late: see the module `net`.
//!
//! While no thread polls, the watchdog sleeps. It wakes up a few times in each tick of a connection. A node without a watchdog (in a test, or on a custom spawner) has no slots.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// The watchdog of a node.
pub(crate) struct Watchdog {
    table: Option<Arc<SlotTable>>,
}

/// The slots of one node.
struct SlotTable {
    slots: Mutex<Vec<Arc<ThreadSlot>>>,
    /// The watchdog sleeps: the next poll has to wake it.
    sleeping: AtomicBool,
    closed: AtomicBool,
    thread: Mutex<Option<Thread>>,
}

/// The node, as the watchdog uses it.
pub(crate) trait Watched: Send + Sync + 'static {
    fn report(self: &Arc<Self>, finding: Finding);

    /// Drives the connections whose tasks do not run. `is_occupied` is `true` during a long poll. Returns the longest time
    /// until the next look at them.
    fn drive_late(self: &Arc<Self>, is_occupied: bool) -> Duration;
}

/// The slot of one thread on one node.
#[derive(Default)]
struct ThreadSlot {
    /// The process that the thread polls; zero for none.
    process: AtomicU64,
    /// The number of polls that the thread has begun.
    poll: AtomicU64,
}

/// The slots of one thread, by node.
pub(crate) struct ThreadSlots {
    /// The slot for the node for which the thread polled first. In a program with one node there is no other.
    first: OnceCell<OwnSlot>,
    others: RefCell<Vec<OwnSlot>>,
}

struct OwnSlot {
    table: Weak<SlotTable>,
    /// The address of the table, unique as long as `table` exists.
    id: TableId,
    slot: Arc<ThreadSlot>,
}

/// The node whose slot a thread has entered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct TableId(usize);

impl TableId {
    /// A node without a watchdog.
    pub(crate) const NONE: TableId = TableId(0);

    #[inline(always)]
    fn of(table: &Arc<SlotTable>) -> TableId {
        TableId(Arc::as_ptr(table).addr())
    }
}

impl ThreadSlots {
    pub(crate) const fn new() -> ThreadSlots {
        ThreadSlots { first: OnceCell::new(), others: RefCell::new(Vec::new()) }
    }

    #[inline(always)]
    fn enter(&self, table: &Arc<SlotTable>, process: u64) -> TableId {
        let id = TableId::of(table);
        match self.first.get() {
            Some(first) if first.id == id => first.slot.enter(process),
            _ => self.enter_other(table, process),
        }
        id
    }

    #[cold]
    fn enter_other(&self, table: &Arc<SlotTable>, process: u64) {
        let id = TableId::of(table);
        let has_slot = self.first.get_or_init(|| table.new_slot()).id == id
            || self.others.borrow().iter().any(|other| other.id == id);
        if !has_slot {
            let mut others = self.others.borrow_mut();
            others.retain(|other| other.table.strong_count() > 0);
            others.push(table.new_slot());
        }
        self.leave(id, process);
    }

    /// Notes that the thread continues the poll of the process `before`, or of none if that is zero.
    #[inline(always)]
    pub(crate) fn leave(&self, id: TableId, before: u64) {
        match self.first.get() {
            Some(first) if first.id == id => first.slot.leave(before),
            _ if id == TableId::NONE => {}
            _ => self.leave_other(id, before),
        }
    }

    #[cold]
    fn leave_other(&self, id: TableId, before: u64) {
        if let Some(other) = self.others.borrow().iter().find(|other| other.id == id) {
            other.slot.leave(before);
        }
    }
}

impl ThreadSlot {
    #[inline(always)]
    fn enter(&self, process: u64) {
        // Only the slot's own thread writes to it.
        self.poll.store(self.poll.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        self.process.store(process, Ordering::Relaxed);
    }

    #[inline(always)]
    fn leave(&self, before: u64) {
        if before != 0 {
            self.enter(before);
        } else {
            self.process.store(0, Ordering::Relaxed);
        }
    }
}

/// A poll that takes longer is reported.
const LONG_POLL: Duration = Duration::from_millis(10);

/// The interval of the watchdog's readings: a long poll is found up to this much later.
const INTERVAL: Duration = Duration::from_micros(2_500);

/// The number of readings without a poll after which the watchdog sleeps.
const IDLE_READINGS: u32 = 20;

/// The longest time that the watchdog sleeps.
const SLEEP: Duration = Duration::from_secs(1);

impl Watchdog {
    pub(crate) fn new(enabled: bool) -> Watchdog {
        let table = || SlotTable {
            slots: Mutex::default(),
            sleeping: AtomicBool::new(true),
            closed: AtomicBool::new(false),
            thread: Mutex::default(),
        };
        Watchdog { table: enabled.then(|| Arc::new(table())) }
    }

    /// Starts the watchdog's thread, if it does not run yet.
    pub(crate) fn start(&self, node: &Arc<impl Watched>) {
        if let Some(table) = &self.table {
            table.wake(node);
        }
    }

    /// Returns true if a thread polls this process now. Without a watchdog, returns false.
    pub(crate) fn is_running(&self, process: u64) -> bool {
        let Some(table) = &self.table else { return false };
        table.slots().iter().any(|slot| slot.process.load(Ordering::Relaxed) == process)
    }

    /// Notes that this thread, whose slots are given, begins to poll a process.
    #[inline(always)]
    pub(crate) fn enter(&self, slots: &ThreadSlots, process: u64, node: &Arc<impl Watched>) -> TableId {
        let Some(table) = &self.table else { return TableId::NONE };
        if table.sleeping.load(Ordering::Relaxed) {
            table.wake(node);
        }
        slots.enter(table, process)
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        if let Some(table) = &self.table {
            table.closed.store(true, Ordering::Relaxed);
            if let Some(thread) = &*table.thread() {
                thread.unpark();
            }
        }
    }
}

impl SlotTable {
    fn slots(&self) -> MutexGuard<'_, Vec<Arc<ThreadSlot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn thread(&self) -> MutexGuard<'_, Option<Thread>> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn new_slot(self: &Arc<Self>) -> OwnSlot {
        let slot = Arc::new(ThreadSlot::default());
        self.slots().push(Arc::clone(&slot));
        OwnSlot { table: Arc::downgrade(self), id: TableId::of(self), slot }
    }

    /// Wakes the watchdog's thread, or starts it. If the operating system cannot create a thread, there is no watchdog.
    #[cold]
    fn wake(self: &Arc<Self>, node: &Arc<impl Watched>) {
        if !self.sleeping.swap(false, Ordering::Relaxed) {
            return;
        }
        let mut thread = self.thread();
        match &*thread {
            Some(thread) => thread.unpark(),
            None => {
                let (table, node) = (Arc::clone(self), Arc::downgrade(node));
                let builder = std::thread::Builder::new().name("greenroom-watch".to_owned());
                let started = builder.spawn(move || table.watch(&node));
                *thread = started.map(|started| started.thread().clone()).ok();
            }
        }
    }

    /// The watchdog's thread.
    fn watch(&self, node: &Weak<impl Watched>) {
        let (mut observed, mut idle) = (ObservedPolls::default(), IdleReadings::default());
        let (mut pause, mut look_at) = (Duration::ZERO, Instant::now());
        while !self.closed.load(Ordering::Relaxed) {
            if idle.count < IDLE_READINGS {
                std::thread::sleep(INTERVAL);
            } else {
                self.sleeping.store(true, Ordering::Relaxed);
                std::thread::park_timeout(pause);
                self.sleeping.store(false, Ordering::Relaxed);
            }
            let (readings, now) = (self.read(), Instant::now());
            idle.update(&readings);
            let findings = observed.update(&readings, now);
            let is_occupied = observed.has_long();
            if findings.is_empty() && !is_occupied && now < look_at {
                continue;
            }
            let Some(node) = node.upgrade() else { return };
            findings.into_iter().for_each(|finding| node.report(finding));
            pause = node.drive_late(is_occupied).min(SLEEP);
            look_at = now + pause;
        }
    }

    fn read(&self) -> Vec<Reading> {
        let mut slots = self.slots();
        // A slot without another reference belongs to a thread that has ended.
        slots.retain(|slot| Arc::strong_count(slot) > 1);
        let read = |slot: &Arc<ThreadSlot>| Reading {
            slot: Arc::as_ptr(slot).addr(),
            poll: slot.poll.load(Ordering::Relaxed),
            process: slot.process.load(Ordering::Relaxed),
        };
        slots.iter().map(read).collect()
    }
}

/// The content of a slot at one time.
#[derive(Clone, Copy)]
struct Reading {
    slot: usize,
    poll: u64,
    /// Zero if the thread polls no process.
    process: u64,
}

/// Counts the readings in a row without a poll.
///
/// Short polls are seldom under way at a reading, so the numbers of polls are compared too. Otherwise the watchdog would
/// sleep while there are many short polls, and each of them would wake it: two context switches a poll.
#[derive(Default)]
struct IdleReadings {
    count: u32,
    /// The number of polls at the last reading, by all threads together.
    polls: u64,
}

impl IdleReadings {
    fn update(&mut self, readings: &[Reading]) {
        let polls = readings.iter().fold(0, |polls: u64, reading| polls.wrapping_add(reading.poll));
        let is_idle = polls == self.polls && readings.iter().all(|reading| reading.process == 0);
        self.count = if is_idle { self.count.saturating_add(1) } else { 0 };
        self.polls = polls;
    }
}

/// The polls of the last reading, by slot.
#[derive(Default)]
struct ObservedPolls {
    by_slot: HashMap<usize, ObservedPoll>,
}

struct ObservedPoll {
    reading: Reading,
    /// The time of the first reading: the poll has taken at least this long.
    since: Instant,
    reported: bool,
}

/// A long poll.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// The process has occupied its thread for this time.
    Long(u64, Duration),
    /// The process has released the thread, after this time at most.
    Over(u64, Duration),
}

impl ObservedPolls {
    /// Returns true while a long poll is under way.
    fn has_long(&self) -> bool {
        self.by_slot.values().any(|observed| observed.reported)
    }

    fn update(&mut self, readings: &[Reading], now: Instant) -> Vec<Finding> {
        let mut findings = Vec::new();
        let over = |observed: &ObservedPoll| {
            let took = now.saturating_duration_since(observed.since);
            observed.reported.then_some(Finding::Over(observed.reading.process, took))
        };
        self.by_slot.retain(|slot, observed| {
            let is_same = |it: &Reading| it.slot == *slot && it.poll == observed.reading.poll && it.process != 0;
            let goes_on = readings.iter().any(is_same);
            if !goes_on {
                findings.extend(over(observed));
            }
            goes_on
        });
        for reading in readings.iter().filter(|reading| reading.process != 0) {
            let entry = self.by_slot.entry(reading.slot);
            let observed = entry.or_insert(ObservedPoll { reading: *reading, since: now, reported: false });
            let took = now.saturating_duration_since(observed.since);
            if took >= LONG_POLL && !observed.reported {
                observed.reported = true;
                findings.push(Finding::Long(reading.process, took));
            }
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(slot: usize, poll: u64, process: u64) -> Reading {
        Reading { slot, poll, process }
    }

    #[test]
    fn a_long_poll_is_reported_once_and_again_when_it_is_over() {
        let (mut observed, begin) = (ObservedPolls::default(), Instant::now());
        let at = |ms| begin + Duration::from_millis(ms);
        let ms = Duration::from_millis;
        assert_eq!(observed.update(&[reading(1, 1, 7), reading(2, 1, 8)], at(0)), []);
        // Process 8 is in its second poll, process 7 still in its first.
        assert_eq!(observed.update(&[reading(1, 1, 7), reading(2, 2, 8)], at(9)), []);
        assert_eq!(observed.update(&[reading(1, 1, 7), reading(2, 3, 8)], at(12)), [Finding::Long(7, ms(12))]);
        assert_eq!(observed.update(&[reading(1, 1, 7), reading(2, 3, 8)], at(20)), []);
        assert_eq!(
            observed.update(&[reading(1, 2, 7), reading(2, 3, 8)], at(25)),
            [Finding::Over(7, ms(25)), Finding::Long(8, ms(13))]
        );
        // Slot 1 is empty, and the thread of slot 2 has ended.
        assert_eq!(observed.update(&[reading(1, 2, 0)], at(30)), [Finding::Over(8, ms(18))]);
        assert_eq!(observed.update(&[reading(1, 2, 0)], at(90)), []);
    }
    #[test]
    fn readings_are_idle_only_if_no_poll_was_between_them() {
        let mut idle = IdleReadings::default();
        let mut count_after = |reading| {
            idle.update(&[reading]);
            idle.count
        };
        assert_eq!(count_after(reading(1, 1, 7)), 0);
        assert_eq!(count_after(reading(1, 1, 0)), 1);
        assert_eq!(count_after(reading(1, 1, 0)), 2);
        // A short poll has begun and ended.
        assert_eq!(count_after(reading(1, 2, 0)), 0);
        assert_eq!(count_after(reading(1, 2, 0)), 1);
        // A long poll is under way.
        assert_eq!(count_after(reading(1, 3, 7)), 0);
        assert_eq!(count_after(reading(1, 3, 7)), 0);
    }
}
