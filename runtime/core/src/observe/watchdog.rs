//! Who keeps a thread for long.
//!
//! Each thread that polls processes of a node has a seat there: while it polls one, the process's number and the turn's
//! stand in it. That is all a poll does: two stores before and one after, no clock. A watch outside of the runtime looks
//! at the seats every few milliseconds; the same process in the same turn for too long has not let the thread go. So a
//! loop that never ends is found while it runs, and not when it is over.
//!
//! The watch rests while nobody polls. Where no watch is wanted (a test's node, a spawner of one's own) there are no
//! seats either.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// A node's seats, if somebody watches them.
pub(crate) struct Watchdog {
    seats: Option<Arc<ThreadSlotTable>>,
}

struct ThreadSlotTable {
    all: Mutex<Vec<Arc<ThreadSlot>>>,
    /// Whether whoever sits down has to wake the watch.
    resting: AtomicBool,
    closed: AtomicBool,
    watchdog: Mutex<Option<Thread>>,
}

/// Takes what the watch has found: the node.
pub(crate) trait LongPollSink: Send + Sync + 'static {
    fn report(self: &Arc<Self>, finding: Finding);
}

/// One thread's.
#[derive(Default)]
struct ThreadSlot {
    /// The process that it polls; zero for none.
    process: AtomicU64,
    /// How many polls it has begun.
    turn: AtomicU64,
}

/// A thread's seats, by node.
pub(crate) struct ThreadSlots {
    /// That of the first node that it polled for: of the only one, but in tests.
    first: OnceCell<Place>,
    others: RefCell<Vec<Place>>,
}

struct Place {
    of: Weak<ThreadSlotTable>,
    /// Where those are, which tells them from others as long as this is here.
    at: Seated,
    seat: Arc<ThreadSlot>,
}

/// Where a thread has sat down: the address of a node's seats.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seated(usize);

impl Seated {
    /// Nobody watches.
    pub(crate) const NOWHERE: Seated = Seated(0);
}

impl ThreadSlots {
    pub(crate) const fn none() -> ThreadSlots {
        ThreadSlots { first: OnceCell::new(), others: RefCell::new(Vec::new()) }
    }

    /// The thread begins to poll this process.
    #[inline(always)]
    fn sit(&self, seats: &Arc<ThreadSlotTable>, process: u64) -> Seated {
        let at = Seated(Arc::as_ptr(seats).addr());
        match self.first.get() {
            Some(first) if first.at == at => first.seat.sit(process),
            _ => self.sit_elsewhere(seats, process),
        }
        at
    }

    #[cold]
    fn sit_elsewhere(&self, seats: &Arc<ThreadSlotTable>, process: u64) {
        let at = Seated(Arc::as_ptr(seats).addr());
        let known =
            self.first.get_or_init(|| seats.place()).at == at || self.others.borrow().iter().any(|it| it.at == at);
        if !known {
            let mut others = self.others.borrow_mut();
            others.retain(|other| other.of.strong_count() > 0);
            others.push(seats.place());
        }
        self.leave(at, process);
    }

    /// It is back at the process that it polled before, or at none if that is zero.
    #[inline(always)]
    pub(crate) fn leave(&self, seated: Seated, before: u64) {
        match self.first.get() {
            Some(first) if first.at == seated => first.seat.leave(before),
            _ if seated == Seated::NOWHERE => {}
            _ => self.leave_elsewhere(seated, before),
        }
    }

    #[cold]
    fn leave_elsewhere(&self, seated: Seated, before: u64) {
        if let Some(other) = self.others.borrow().iter().find(|other| other.at == seated) {
            other.seat.leave(before);
        }
    }
}

impl ThreadSlot {
    #[inline(always)]
    fn sit(&self, process: u64) {
        // Nobody else writes here.
        self.turn.store(self.turn.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        self.process.store(process, Ordering::Relaxed);
    }

    #[inline(always)]
    fn leave(&self, before: u64) {
        if before != 0 {
            self.sit(before);
        } else {
            self.process.store(0, Ordering::Relaxed);
        }
    }
}

/// A poll that takes longer is reported.
const LONG: Duration = Duration::from_millis(10);

/// How often the watch looks: a poll is found if it takes as much longer than [`LONG`].
const TICK: Duration = Duration::from_micros(2_500);

/// After so many looks without anybody in a seat the watch rests.
const PATIENCE: u32 = 20;

/// How long it rests at a time.
const REST: Duration = Duration::from_secs(1);

impl Watchdog {
    pub(crate) fn new(watched: bool) -> Watchdog {
        let seats = || ThreadSlotTable {
            all: Mutex::default(),
            resting: AtomicBool::new(true),
            closed: AtomicBool::new(false),
            watchdog: Mutex::default(),
        };
        Watchdog { seats: watched.then(|| Arc::new(seats())) }
    }

    /// Whether a thread polls this process just now, as far as somebody watches.
    pub(crate) fn is_running(&self, number: u64) -> bool {
        let Some(seats) = &self.seats else { return false };
        seats.all().iter().any(|seat| seat.process.load(Ordering::Relaxed) == number)
    }

    /// This thread is about to poll the process with this number.
    #[inline(always)]
    pub(crate) fn enter(&self, places: &ThreadSlots, process: u64, sink: &Arc<impl LongPollSink>) -> Seated {
        let Some(seats) = &self.seats else { return Seated::NOWHERE };
        if seats.resting.load(Ordering::Relaxed) {
            seats.wake(sink);
        }
        places.sit(seats, process)
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        if let Some(seats) = &self.seats {
            seats.closed.store(true, Ordering::Relaxed);
            if let Some(watchdog) = &*seats.watchdog() {
                watchdog.unpark();
            }
        }
    }
}

impl ThreadSlotTable {
    fn all(&self) -> MutexGuard<'_, Vec<Arc<ThreadSlot>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watchdog(&self) -> MutexGuard<'_, Option<Thread>> {
        self.watchdog.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(self: &Arc<Self>) -> Place {
        let seat = Arc::new(ThreadSlot::default());
        self.all().push(Arc::clone(&seat));
        Place { of: Arc::downgrade(self), at: Seated(Arc::as_ptr(self).addr()), seat }
    }

    #[cold]
    fn wake(self: &Arc<Self>, sink: &Arc<impl LongPollSink>) {
        if !self.resting.swap(false, Ordering::Relaxed) {
            return;
        }
        let mut watchdog = self.watchdog();
        match &*watchdog {
            Some(watchdog) => watchdog.unpark(),
            None => {
                let (seats, sink) = (Arc::clone(self), Arc::downgrade(sink));
                let watch = std::thread::Builder::new().name("greenroom-watch".to_owned());
                let watch = watch.spawn(move || seats.look(&sink));
                *watchdog = watch.map(|watch| watch.thread().clone()).ok();
            }
        }
    }

    /// The watch's life.
    fn look(&self, sink: &Weak<impl LongPollSink>) {
        let (mut seen, mut quiet) = (Seen::default(), 0);
        while !self.closed.load(Ordering::Relaxed) {
            if quiet < PATIENCE {
                std::thread::sleep(TICK);
            } else {
                self.resting.store(true, Ordering::Relaxed);
                std::thread::park_timeout(REST);
                self.resting.store(false, Ordering::Relaxed);
            }
            let turns = self.turns();
            quiet = if turns.iter().any(|turn| turn.process != 0) { 0 } else { quiet + 1 };
            let found = seen.look(&turns, Instant::now());
            if found.is_empty() {
                continue;
            }
            let Some(sink) = sink.upgrade() else { return };
            found.into_iter().for_each(|finding| sink.report(finding));
        }
    }

    fn turns(&self) -> Vec<Turn> {
        let mut all = self.all();
        // Of a thread that is no more only this half is left.
        all.retain(|seat| Arc::strong_count(seat) > 1);
        let turn = |seat: &Arc<ThreadSlot>| Turn {
            seat: Arc::as_ptr(seat).addr(),
            number: seat.turn.load(Ordering::Relaxed),
            process: seat.process.load(Ordering::Relaxed),
        };
        all.iter().map(turn).collect()
    }
}

/// What stands in a seat.
#[derive(Clone, Copy)]
struct Turn {
    seat: usize,
    number: u64,
    /// Zero if nobody sits there.
    process: u64,
}

/// What the watch saw the last time, by seat.
#[derive(Default)]
struct Seen {
    seats: HashMap<usize, Sitting>,
}

struct Sitting {
    turn: Turn,
    /// When it was first seen: it has sat there at least since then.
    since: Instant,
    reported: bool,
}

/// What the watch found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// The process has kept its thread for so long.
    Long(u64, Duration),
    /// It has let go, after so long at most.
    Over(u64, Duration),
}

impl Seen {
    fn look(&mut self, turns: &[Turn], now: Instant) -> Vec<Finding> {
        let mut found = Vec::new();
        let over = |sitting: &Sitting| {
            let took = now.saturating_duration_since(sitting.since);
            sitting.reported.then_some(Finding::Over(sitting.turn.process, took))
        };
        self.seats.retain(|seat, sitting| {
            let stays =
                turns.iter().any(|turn| turn.seat == *seat && turn.number == sitting.turn.number && turn.process != 0);
            if !stays {
                found.extend(over(sitting));
            }
            stays
        });
        for turn in turns.iter().filter(|turn| turn.process != 0) {
            let sitting = self.seats.entry(turn.seat);
            let sitting = sitting.or_insert(Sitting { turn: *turn, since: now, reported: false });
            let took = now.saturating_duration_since(sitting.since);
            if took >= LONG && !sitting.reported {
                sitting.reported = true;
                found.push(Finding::Long(turn.process, took));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(seat: usize, number: u64, process: u64) -> Turn {
        Turn { seat, number, process }
    }

    #[test]
    fn the_same_turn_for_too_long_is_reported_once_and_when_it_is_over() {
        let (mut seen, begin) = (Seen::default(), Instant::now());
        let at = |ms| begin + Duration::from_millis(ms);
        let ms = Duration::from_millis;
        assert_eq!(seen.look(&[turn(1, 1, 7), turn(2, 1, 8)], at(0)), []);
        // Process 8 has had turn after turn; process 7 the same one.
        assert_eq!(seen.look(&[turn(1, 1, 7), turn(2, 2, 8)], at(9)), []);
        assert_eq!(seen.look(&[turn(1, 1, 7), turn(2, 3, 8)], at(12)), [Finding::Long(7, ms(12))]);
        assert_eq!(seen.look(&[turn(1, 1, 7), turn(2, 3, 8)], at(20)), []);
        assert_eq!(
            seen.look(&[turn(1, 2, 7), turn(2, 3, 8)], at(25)),
            [Finding::Over(7, ms(25)), Finding::Long(8, ms(13))]
        );
        // An empty seat, and one whose thread has ended.
        assert_eq!(seen.look(&[turn(1, 2, 0)], at(30)), [Finding::Over(8, ms(18))]);
        assert_eq!(seen.look(&[turn(1, 2, 0)], at(90)), []);
    }
}
