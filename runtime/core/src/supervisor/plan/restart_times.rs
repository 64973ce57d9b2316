//! The restarts of a supervisor and its children as data, for the successor of their node.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::{ChildKey, Plan};

/// The restarts of one child as data.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(in crate::supervisor) struct RestartTimes {
    /// The restarts in a row, for the backoff.
    attempts: u32,
    /// The time since the last start.
    up_for: Option<Duration>,
    /// The times since the restarts within the period, of a dynamic child.
    restarts: Vec<Duration>,
}

impl Plan {
    /// Returns the times since the restarts within the period.
    pub(in crate::supervisor) fn all_restart_times(&self, now: Instant) -> Vec<Duration> {
        ages(&self.restarts, now)
    }

    /// Returns the restarts of one child.
    pub(in crate::supervisor) fn restart_times(&self, key: ChildKey, now: Instant) -> RestartTimes {
        let Some(child) = self.children.get(&key) else { return RestartTimes::default() };
        let up_for = child.up_since.map(|since| now.saturating_duration_since(since));
        RestartTimes { attempts: child.attempts, up_for, restarts: ages(&child.restarts, now) }
    }

    /// Continues the restarts of a supervisor that was handed over.
    pub(in crate::supervisor) fn continue_restarts(&mut self, restarts: &[Duration], now: Instant) {
        self.restarts = times(restarts, now);
    }

    /// Continues the restarts of a child that was handed over.
    pub(in crate::supervisor) fn continue_restart_times(
        &mut self,
        key: ChildKey,
        restarts: &RestartTimes,
        now: Instant,
    ) {
        if let Some(child) = self.children.get_mut(&key) {
            child.attempts = restarts.attempts;
            child.up_since = restarts.up_for.and_then(|time| now.checked_sub(time));
            child.restarts = times(&restarts.restarts, now);
        }
    }
}

fn ages(times: &VecDeque<Instant>, now: Instant) -> Vec<Duration> {
    times.iter().map(|time| now.saturating_duration_since(*time)).collect()
}

/// A time before the start of the clock is left out: it is long ago.
fn times(ages: &[Duration], now: Instant) -> VecDeque<Instant> {
    ages.iter().filter_map(|age| now.checked_sub(*age)).collect()
}
