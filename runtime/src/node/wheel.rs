use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::{Clock, Node};

/// Somebody who waits for a while, and learns that it is over.
pub(crate) trait Late: Send + Sync {
    fn late(&self);
}

/// Where those wait who need no time of their own: all of one tick share a timer.
///
/// Who has got what it waited for does not sign off; it is swept out when it is in the way.
pub(super) struct Wheel {
    start: Instant,
    /// Several, so that callers on different threads do not wait for each other.
    rims: Vec<Arc<Rim>>,
}

#[derive(Default)]
struct Rim {
    turning: Mutex<Turning>,
}

#[derive(Default)]
struct Turning {
    /// By tick, counted from the wheel's start.
    spokes: BTreeMap<u64, Spoke>,
    /// Whether a task turns the rim.
    driven: bool,
}

/// Who waits for one tick.
struct Spoke {
    waiting: Vec<Weak<dyn Late>>,
    /// At this length it is swept.
    sweep: usize,
}

const RIMS: usize = 4;

/// How much longer than asked somebody may wait.
const TICK: Duration = Duration::from_millis(100);

/// The shortest spoke that is swept.
const SWEEP: usize = 64;

impl Wheel {
    pub(super) fn new(start: Instant, single: bool) -> Wheel {
        let count = if single { 1 } else { RIMS };
        Wheel { start, rims: (0..count).map(|_| Arc::default()).collect() }
    }
}

impl Node {
    /// Tells `waiter`, if it still exists then, when `patience` is over: up to a tenth of a second later.
    ///
    /// Whoever waits must always wait for the same time: the ticks are reached in the order in which they are taken.
    pub(crate) fn wait(&self, patience: Duration, waiter: Weak<dyn Late>) {
        let wheel = self.wheel();
        let late = self.clock().now().saturating_duration_since(wheel.start) + patience;
        let tick = u64::try_from(late.as_nanos().div_ceil(TICK.as_nanos())).unwrap_or(u64::MAX);
        // Slots are as large as a cache line or more; the bits below say nothing.
        let rim = &wheel.rims[(Weak::as_ptr(&waiter).addr() >> 7) % wheel.rims.len()];
        if rim.seat(tick, waiter) {
            self.spawner().spawn(drive(Arc::clone(rim), Arc::clone(self.clock()), wheel.start));
        }
    }
}

impl Rim {
    fn turning(&self) -> MutexGuard<'_, Turning> {
        self.turning.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a waiter in; whether the rim has to be driven from now on.
    fn seat(&self, tick: u64, waiter: Weak<dyn Late>) -> bool {
        let mut turning = self.turning();
        let spoke = turning.spokes.entry(tick).or_insert_with(|| Spoke { waiting: Vec::new(), sweep: SWEEP });
        if spoke.waiting.len() >= spoke.sweep {
            spoke.waiting.retain(|waiter| waiter.strong_count() > 0);
            spoke.sweep = SWEEP.max(2 * spoke.waiting.len());
        }
        spoke.waiting.push(waiter);
        !std::mem::replace(&mut turning.driven, true)
    }

    /// The next tick that somebody waits for; with `None` the rim is driven no more.
    fn next(&self) -> Option<u64> {
        let mut turning = self.turning();
        let next = turning.spokes.keys().next().copied();
        turning.driven = next.is_some();
        next
    }

    fn turn(&self, tick: u64) {
        let spoke = self.turning().spokes.remove(&tick);
        for waiter in spoke.into_iter().flat_map(|spoke| spoke.waiting) {
            if let Some(waiter) = waiter.upgrade() {
                waiter.late();
            }
        }
    }
}

/// Turns a rim as long as somebody sits on it.
async fn drive(rim: Arc<Rim>, clock: Arc<dyn Clock>, start: Instant) {
    while let Some(tick) = rim.next() {
        clock.sleep_until(start + TICK.saturating_mul(u32::try_from(tick).unwrap_or(u32::MAX))).await;
        rim.turn(tick);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[derive(Default)]
    struct Waiter(AtomicU32);

    impl Late for Waiter {
        fn late(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn weak(waiter: &Arc<Waiter>) -> Weak<dyn Late> {
        Arc::downgrade(&(Arc::clone(waiter) as Arc<dyn Late>))
    }

    #[test]
    fn a_turn_tells_those_of_its_tick_once() {
        let (rim, early, late) = (Rim::default(), Arc::new(Waiter::default()), Arc::new(Waiter::default()));
        assert!(rim.seat(1, weak(&early)));
        assert!(!rim.seat(2, weak(&late)));
        assert_eq!(rim.next(), Some(1));
        rim.turn(1);
        assert_eq!((early.0.load(Ordering::Relaxed), late.0.load(Ordering::Relaxed)), (1, 0));
        assert_eq!(rim.next(), Some(2));
        rim.turn(2);
        assert_eq!((early.0.load(Ordering::Relaxed), late.0.load(Ordering::Relaxed)), (1, 1));
        assert_eq!(rim.next(), None);
        assert!(rim.seat(3, weak(&early)), "to be driven anew");
    }

    #[test]
    fn those_who_are_served_take_no_room() {
        let (rim, waiting) = (Rim::default(), Arc::new(Waiter::default()));
        for _ in 0..10_000 {
            rim.seat(1, weak(&Arc::new(Waiter::default())));
        }
        rim.seat(1, weak(&waiting));
        assert!(rim.turning().spokes[&1].waiting.len() <= SWEEP + 1);
        rim.turn(1);
        assert_eq!(waiting.0.load(Ordering::Relaxed), 1);
    }
}
