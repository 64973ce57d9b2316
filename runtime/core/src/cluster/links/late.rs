//! The drivers of a node's connections whose tasks may be late.
//!
//! A task is polled at least once in a quarter of a tick, since a tick is due then. One that was not polled for twice
//! that time is late. While a process occupies a thread for long, a task counts as late much earlier: it may be bound to
//! that thread.

use std::sync::Weak;
use std::time::{Duration, Instant};

use crate::net::LateDriver;
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The time without a poll after which a task counts as late while a process occupies a thread.
const WHILE_OCCUPIED: Duration = Duration::from_millis(10);

/// The most turns that a late connection takes at a time: some megabytes.
const TURNS: usize = 8;

/// The connections of a node, from their first byte on.
#[derive(Default)]
pub(in crate::cluster) struct LateDrivers {
    observed: Mutex<Vec<Observed>>,
}

struct Observed {
    driver: Weak<dyn LateDriver>,
    /// The number of polls at the last look.
    polls: u64,
    /// The time of the first look at that number; `None` before the first look.
    since: Option<Instant>,
}

impl LateDrivers {
    /// Observes a driver until it is dropped.
    pub(super) fn add(&self, driver: Weak<dyn LateDriver>) {
        let mut observed = self.lock();
        // A node without a watchdog takes no looks.
        observed.retain(|observed| observed.driver.strong_count() > 0);
        observed.push(Observed { driver, polls: 0, since: None });
    }

    /// Drives the connections whose tasks are late. `is_occupied` is `true` while a process occupies a thread for long.
    /// Returns the longest time until the next look.
    pub(in crate::cluster) fn drive(&self, now: Instant, is_occupied: bool) -> Duration {
        let mut late = Vec::new();
        let mut pause = Duration::MAX;
        self.lock().retain_mut(|observed| {
            let Some(driver) = observed.driver.upgrade() else { return false };
            let tick = driver.tick();
            pause = pause.min(tick / 4);
            let patience = if is_occupied { WHILE_OCCUPIED.min(tick / 2) } else { tick / 2 };
            let polls = driver.polls();
            let since = observed.since.filter(|_| polls == observed.polls).unwrap_or(now);
            let is_late = now.saturating_duration_since(since) >= patience;
            observed.polls = polls;
            observed.since = Some(if is_late { now } else { since });
            late.extend(is_late.then_some(driver));
            true
        });
        // Without the lock: what a frame does may open a connection.
        for driver in late {
            for _ in 0..TURNS {
                if !driver.drive_late() {
                    break;
                }
            }
        }
        pause
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Observed>> {
        self.observed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
