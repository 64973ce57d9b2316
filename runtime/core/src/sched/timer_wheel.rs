//! Timeouts that share timers: those of one tick are notified together.
//!
//! A call that waits for its answer registers here. Most calls are answered long before their time is up, so registering
//! must cost little, and a timeout is not removed when it is no longer needed: the wheel holds it weakly, and drops the
//! remains when a slot has grown. The price is precision: a timeout is notified at the end of its tick.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::{Clock, NodeEnv};
use crate::base::SortedMap;

/// A receiver of the notification that time has passed.
pub(crate) trait Timeout: Send + Sync {
    /// Notes that it is `now` or later.
    fn elapsed(&self, now: Instant);
}

/// The timeouts of a node, by tick.
pub(crate) struct TimerWheel {
    start: Instant,
    /// Several, so that calls on different threads do not contend for one lock.
    shards: Vec<Arc<Shard>>,
}

/// A part of the wheel with a timer of its own.
#[derive(Default)]
struct Shard {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By tick, counted from the wheel's start.
    slots: SortedMap<u64, Slot>,
    /// The tick for which the shard's task sleeps; `None` if no task runs.
    sleeping_until: Option<u64>,
    /// Wakes the shard's task when an earlier timeout is added.
    waker: Option<Waker>,
}

/// The timeouts of one tick.
struct Slot {
    timeouts: Vec<Weak<dyn Timeout>>,
    /// The length at which those that no longer exist are removed.
    sweep_at: usize,
}

const SHARDS: usize = 4;

/// The precision: a timeout is notified up to this much too late.
const TICK: Duration = Duration::from_millis(100);

/// The length of the shortest slot that is swept.
const SWEEP: usize = 64;

impl TimerWheel {
    /// Returns an empty wheel; with `single`, it has one shard, so that timeouts are notified in a repeatable order.
    pub(crate) fn new(start: Instant, single: bool) -> TimerWheel {
        let count = if single { 1 } else { SHARDS };
        TimerWheel { start, shards: (0..count).map(|_| Arc::default()).collect() }
    }

    /// Notifies `timeout`, if it still exists then, at the first tick at or after `at`.
    pub(crate) fn add(&self, at: Instant, timeout: Weak<dyn Timeout>, env: &NodeEnv) {
        let delay = at.saturating_duration_since(self.start);
        self.add_at_tick(delay.as_nanos().div_ceil(TICK.as_nanos()), timeout, env);
    }

    /// Notifies `timeout`, if it still exists then, at the next tick.
    pub(crate) fn add_at_next_tick(&self, timeout: Weak<dyn Timeout>, env: &NodeEnv) {
        let elapsed = env.clock.now().saturating_duration_since(self.start);
        self.add_at_tick(elapsed.as_nanos() / TICK.as_nanos() + 1, timeout, env);
    }

    fn add_at_tick(&self, tick: u128, timeout: Weak<dyn Timeout>, env: &NodeEnv) {
        let tick = u64::try_from(tick).unwrap_or(u64::MAX);
        // A timeout is at least as large as a cache line, so the lower bits of its address do not vary.
        let shard = &self.shards[(Weak::as_ptr(&timeout).addr() >> 7) % self.shards.len()];
        if shard.add(tick, timeout) {
            env.spawn.spawn_timer(run(Arc::clone(shard), Arc::clone(&env.clock), self.start));
        }
    }

    /// Returns the time of the last tick at or before `at`.
    pub(crate) fn tick_before(&self, at: Instant) -> Instant {
        let past = at.saturating_duration_since(self.start).as_nanos() % TICK.as_nanos();
        at - Duration::from_nanos(u64::try_from(past).unwrap_or(0))
    }
}

impl Shard {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a timeout; returns true if the shard's task has to be started.
    fn add(&self, tick: u64, timeout: Weak<dyn Timeout>) -> bool {
        let mut state = self.state();
        let slot = state.slots.get_or_insert_with(tick, || Slot { timeouts: Vec::new(), sweep_at: SWEEP });
        if slot.timeouts.len() >= slot.sweep_at {
            slot.timeouts.retain(|timeout| timeout.strong_count() > 0);
            slot.sweep_at = SWEEP.max(2 * slot.timeouts.len());
        }
        slot.timeouts.push(timeout);
        match state.sleeping_until {
            None => {
                state.sleeping_until = Some(tick);
                true
            }
            Some(sleeping_until) => {
                let waker = if tick < sleeping_until { state.waker.take() } else { None };
                drop(state);
                if let Some(waker) = waker {
                    waker.wake();
                }
                false
            }
        }
    }

    /// Returns the next tick with a timeout; with `None` the shard's task ends.
    fn next_tick(&self) -> Option<u64> {
        let mut state = self.state();
        let next = state.slots.first().map(|(tick, _)| *tick);
        (state.sleeping_until, state.waker) = (next, None);
        next
    }

    /// Resolves when a timeout before this tick is added.
    fn poll_earlier(&self, tick: u64, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if state.slots.first().is_some_and(|(next, _)| *next < tick) {
            return Poll::Ready(());
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Notifies the timeouts of a tick.
    fn fire(&self, tick: u64, now: Instant) {
        let slot = self.state().slots.remove(&tick);
        for timeout in slot.into_iter().flat_map(|slot| slot.timeouts) {
            if let Some(timeout) = timeout.upgrade() {
                timeout.elapsed(now);
            }
        }
    }
}

/// Runs a shard until it is empty.
async fn run(shard: Arc<Shard>, clock: Arc<dyn Clock>, start: Instant) {
    while let Some(tick) = shard.next_tick() {
        let at = start + TICK.saturating_mul(u32::try_from(tick).unwrap_or(u32::MAX));
        let mut sleep = clock.sleep_until(at);
        let slept = poll_fn(|cx| match sleep.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(true),
            Poll::Pending => shard.poll_earlier(tick, cx).map(|()| false),
        });
        if slept.await {
            shard.fire(tick, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[derive(Default)]
    struct Counter(AtomicU32);

    impl Counter {
        fn get(&self) -> u32 {
            self.0.load(Ordering::Relaxed)
        }
    }

    impl Timeout for Counter {
        fn elapsed(&self, _: Instant) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn weak(counter: &Arc<Counter>) -> Weak<dyn Timeout> {
        Arc::downgrade(&(Arc::clone(counter) as Arc<dyn Timeout>))
    }

    #[test]
    fn the_timeouts_of_a_tick_are_notified_once() {
        let (shard, early, late) = (Shard::default(), Arc::new(Counter::default()), Arc::new(Counter::default()));
        assert!(shard.add(1, weak(&early)));
        assert!(!shard.add(2, weak(&late)));
        assert_eq!(shard.next_tick(), Some(1));
        shard.fire(1, Instant::now());
        assert_eq!((early.get(), late.get()), (1, 0));
        assert_eq!(shard.next_tick(), Some(2));
        shard.fire(2, Instant::now());
        assert_eq!((early.get(), late.get()), (1, 1));
        assert_eq!(shard.next_tick(), None);
        assert!(shard.add(3, weak(&early)), "the shard's task has to be started again");
    }

    #[test]
    fn timeouts_that_no_longer_exist_are_swept() {
        let (shard, waiting) = (Shard::default(), Arc::new(Counter::default()));
        for _ in 0..10_000 {
            shard.add(1, weak(&Arc::new(Counter::default())));
        }
        shard.add(1, weak(&waiting));
        assert!(shard.state().slots.get(&1).unwrap().timeouts.len() <= SWEEP + 1);
        shard.fire(1, Instant::now());
        assert_eq!(waiting.get(), 1);
    }
}
