//! The times at which the timed hooks of a server run.

use std::time::{Duration, Instant};

#[cfg(feature = "upgrade")]
use crate::node::HookTimes;

/// The times at which a server's hooks run.
pub(in crate::actor) struct TimedHooks {
    /// The next tick of each `#[every]`.
    ticks: Vec<Instant>,
    /// When `#[idle]` runs unless a message comes first.
    idle: Option<Instant>,
}

impl TimedHooks {
    pub(super) fn new(periods: &[Duration], idle: Option<Duration>, now: Instant) -> TimedHooks {
        TimedHooks { ticks: periods.iter().map(|period| now + *period).collect(), idle: idle.map(|idle| now + idle) }
    }

    /// Returns the time until each hook runs.
    #[cfg(feature = "upgrade")]
    pub(in crate::actor) fn left(&self, now: Instant) -> HookTimes {
        let left = |at: &Instant| at.saturating_duration_since(now);
        HookTimes { every: self.ticks.iter().map(left).collect(), idle: self.idle.as_ref().map(left) }
    }

    /// Continues the times of a process that was handed over. A release with other hooks starts those anew.
    #[cfg(feature = "upgrade")]
    pub(super) fn continue_at(&mut self, now: Instant, left: HookTimes) {
        for (tick, left) in self.ticks.iter_mut().zip(left.every) {
            *tick = (*tick).min(now + left);
        }
        if let (Some(idle), Some(left)) = (&mut self.idle, left.idle) {
            *idle = (*idle).min(now + left);
        }
    }

    /// The hook whose tick has been due for the longest time.
    pub(super) fn due(&self, now: Instant) -> Option<usize> {
        let index = (0..self.ticks.len()).min_by_key(|&index| self.ticks[index])?;
        (self.ticks[index] <= now).then_some(index)
    }

    /// Sets the hook's next tick: the first one of its grid after `now`.
    pub(super) fn skip_missed(&mut self, index: usize, now: Instant, periods: &[Duration]) {
        let (tick, period) = (self.ticks[index], periods[index]);
        let late = now.saturating_duration_since(tick).as_nanos().checked_rem(period.as_nanos()).unwrap_or(0);
        let late = Duration::from_nanos(u64::try_from(late).unwrap_or(0));
        self.ticks[index] = now.max(tick) + (period - late);
    }

    /// When a hook runs next.
    pub(super) fn next(&self) -> Option<Instant> {
        self.ticks.iter().copied().chain(self.idle).min()
    }

    /// Starts the time without messages anew.
    pub(super) fn restart_idle(&mut self, now: Instant, idle: Option<Duration>) {
        self.idle = idle.map(|idle| now + idle);
    }

    /// Returns whether `#[idle]` is due. It runs once until the next message.
    pub(super) fn take_idle(&mut self, now: Instant) -> bool {
        self.idle.take_if(|idle| *idle <= now).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_tick_is_on_the_grid_after_now() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        // A tick at 1 s of a hook with a period of 1 s that ended at the given time, and the next tick.
        for (ended, next) in
            [(1_000, 2_000), (1_001, 2_000), (1_999, 2_000), (2_000, 3_000), (2_500, 3_000), (9_900, 10_000)]
        {
            let mut hooks = TimedHooks { ticks: vec![at(1_000)], idle: None };
            hooks.skip_missed(0, at(ended), &[Duration::from_secs(1)]);
            assert_eq!(hooks.ticks, [at(next)], "ended at {ended}");
        }
    }

    #[test]
    fn the_tick_that_waits_longest_is_first() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let hooks = TimedHooks { ticks: vec![at(30), at(10), at(20)], idle: Some(at(5)) };
        assert_eq!((hooks.due(at(9)), hooks.due(at(10)), hooks.due(at(40))), (None, Some(1), Some(1)));
        assert_eq!(hooks.next(), Some(at(5)));
    }
}
