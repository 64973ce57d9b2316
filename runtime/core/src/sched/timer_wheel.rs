use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::{Clock, NodeEnv};
use crate::base::Sorted;

/// Somebody who waits for a while, and is told when that has passed.
pub(crate) trait Timeout: Send + Sync {
    /// It is `at` or later.
    fn elapsed(&self, at: Instant);
}

/// Where those wait who need no time of their own: all of one tick share a timer.
///
/// Who has got what it waited for does not sign off; it is swept out when it is in the way.
pub(crate) struct TimerWheel {
    start: Instant,
    /// Several, so that callers on different threads do not wait for each other.
    rims: Vec<Arc<Shard>>,
}

#[derive(Default)]
struct Shard {
    turning: Mutex<Turning>,
}

#[derive(Default)]
struct Turning {
    /// By tick, counted from the wheel's start.
    spokes: Sorted<u64, Slot>,
    /// The tick that the task sleeps for that turns the rim; without one there is no such task.
    asleep: Option<u64>,
    /// Wakes it when somebody comes who will not wait for so long.
    driver: Option<Waker>,
}

/// Who waits for one tick.
struct Slot {
    waiting: Vec<Weak<dyn Timeout>>,
    /// At this length it is swept.
    sweep: usize,
}

const RIMS: usize = 4;

/// How much longer than asked somebody may wait.
const TICK: Duration = Duration::from_millis(100);

/// The shortest spoke that is swept.
const SWEEP: usize = 64;

impl TimerWheel {
    pub(crate) fn new(start: Instant, single: bool) -> TimerWheel {
        let count = if single { 1 } else { RIMS };
        TimerWheel { start, rims: (0..count).map(|_| Arc::default()).collect() }
    }

    /// Tells `waiter`, if it still exists then, when it is `at`: up to a tenth of a second later.
    pub(crate) fn add(&self, at: Instant, waiter: Weak<dyn Timeout>, env: &NodeEnv) {
        let late = at.saturating_duration_since(self.start);
        self.seat_at(late.as_nanos().div_ceil(TICK.as_nanos()), waiter, env);
    }

    /// Tells `waiter`, if it still exists then, at the next tick: within a tenth of a second, and not just now.
    pub(crate) fn add_at_next_tick(&self, waiter: Weak<dyn Timeout>, env: &NodeEnv) {
        let past = env.clock.now().saturating_duration_since(self.start);
        self.seat_at(past.as_nanos() / TICK.as_nanos() + 1, waiter, env);
    }

    fn seat_at(&self, tick: u128, waiter: Weak<dyn Timeout>, env: &NodeEnv) {
        let tick = u64::try_from(tick).unwrap_or(u64::MAX);
        // Slots are as large as a cache line or more; the bits below say nothing.
        let rim = &self.rims[(Weak::as_ptr(&waiter).addr() >> 7) % self.rims.len()];
        if rim.seat(tick, waiter) {
            env.spawn.spawn(drive(Arc::clone(rim), Arc::clone(&env.clock), self.start));
        }
    }

    /// The last moment before `at` that the wheel hits to the point.
    pub(crate) fn tick_before(&self, at: Instant) -> Instant {
        let past = at.saturating_duration_since(self.start).as_nanos() % TICK.as_nanos();
        at - Duration::from_nanos(u64::try_from(past).unwrap_or(0))
    }
}

impl Shard {
    fn turning(&self) -> MutexGuard<'_, Turning> {
        self.turning.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a waiter in; whether the rim has to be driven from now on.
    fn seat(&self, tick: u64, waiter: Weak<dyn Timeout>) -> bool {
        let mut turning = self.turning();
        let spoke = turning.spokes.get_or_insert_with(tick, || Slot { waiting: Vec::new(), sweep: SWEEP });
        if spoke.waiting.len() >= spoke.sweep {
            spoke.waiting.retain(|waiter| waiter.strong_count() > 0);
            spoke.sweep = SWEEP.max(2 * spoke.waiting.len());
        }
        spoke.waiting.push(waiter);
        match turning.asleep {
            None => {
                turning.asleep = Some(tick);
                true
            }
            Some(asleep) => {
                let driver = if tick < asleep { turning.driver.take() } else { None };
                drop(turning);
                if let Some(driver) = driver {
                    driver.wake();
                }
                false
            }
        }
    }

    /// The next tick that somebody waits for; with `None` the rim is driven no more.
    fn next(&self) -> Option<u64> {
        let mut turning = self.turning();
        let next = turning.spokes.first().map(|(tick, _)| *tick);
        (turning.asleep, turning.driver) = (next, None);
        next
    }

    /// Resolves when somebody waits for a tick before this one.
    fn poll_earlier(&self, tick: u64, cx: &mut Context<'_>) -> Poll<()> {
        let mut turning = self.turning();
        if turning.spokes.first().is_some_and(|(next, _)| *next < tick) {
            return Poll::Ready(());
        }
        turning.driver = Some(cx.waker().clone());
        Poll::Pending
    }

    fn turn(&self, tick: u64, at: Instant) {
        let spoke = self.turning().spokes.remove(&tick);
        for waiter in spoke.into_iter().flat_map(|spoke| spoke.waiting) {
            if let Some(waiter) = waiter.upgrade() {
                waiter.elapsed(at);
            }
        }
    }
}

/// Turns a rim as long as somebody sits on it.
async fn drive(rim: Arc<Shard>, clock: Arc<dyn Clock>, start: Instant) {
    while let Some(tick) = rim.next() {
        let at = start + TICK.saturating_mul(u32::try_from(tick).unwrap_or(u32::MAX));
        let mut sleep = clock.sleep_until(at);
        let slept = poll_fn(|cx| match sleep.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(true),
            Poll::Pending => rim.poll_earlier(tick, cx).map(|()| false),
        });
        if slept.await {
            rim.turn(tick, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[derive(Default)]
    struct Waiter(AtomicU32);

    impl Timeout for Waiter {
        fn elapsed(&self, _: Instant) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn weak(waiter: &Arc<Waiter>) -> Weak<dyn Timeout> {
        Arc::downgrade(&(Arc::clone(waiter) as Arc<dyn Timeout>))
    }

    #[test]
    fn a_turn_tells_those_of_its_tick_once() {
        let (rim, early, late) = (Shard::default(), Arc::new(Waiter::default()), Arc::new(Waiter::default()));
        assert!(rim.seat(1, weak(&early)));
        assert!(!rim.seat(2, weak(&late)));
        assert_eq!(rim.next(), Some(1));
        rim.turn(1, Instant::now());
        assert_eq!((early.0.load(Ordering::Relaxed), late.0.load(Ordering::Relaxed)), (1, 0));
        assert_eq!(rim.next(), Some(2));
        rim.turn(2, Instant::now());
        assert_eq!((early.0.load(Ordering::Relaxed), late.0.load(Ordering::Relaxed)), (1, 1));
        assert_eq!(rim.next(), None);
        assert!(rim.seat(3, weak(&early)), "to be driven anew");
    }

    #[test]
    fn those_who_are_served_take_no_room() {
        let (rim, waiting) = (Shard::default(), Arc::new(Waiter::default()));
        for _ in 0..10_000 {
            rim.seat(1, weak(&Arc::new(Waiter::default())));
        }
        rim.seat(1, weak(&waiting));
        assert!(rim.turning().spokes.get(&1).unwrap().waiting.len() <= SWEEP + 1);
        rim.turn(1, Instant::now());
        assert_eq!(waiting.0.load(Ordering::Relaxed), 1);
    }
}
