//! The environment of a node: spawner, clock, random numbers and alarm thresholds.

use std::sync::Arc;

use super::rng::Rng;
use super::{Clock, TaskSpawner, TokioClock};

/// Everything that a node takes from outside, for a test to replace.
#[derive(Clone)]
pub(crate) struct NodeEnv {
    pub(crate) spawn: TaskSpawner,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<Rng>,
    pub(crate) thresholds: Thresholds,
}

impl NodeEnv {
    /// Returns an environment on tokio's threads and clock.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[track_caller]
    pub(crate) fn tokio() -> NodeEnv {
        NodeEnv::new(TaskSpawner::Tokio(tokio::runtime::Handle::current()), Arc::new(TokioClock), Rng::unseeded())
    }

    /// Returns an environment on tokio's threads and clock, with random numbers of this seed. It has no watchdog: on a
    /// paused clock no poll takes any time.
    #[cfg(any(test, feature = "test"))]
    #[track_caller]
    pub(crate) fn seeded(seed: u64) -> NodeEnv {
        NodeEnv { rng: Arc::new(Rng::seeded(seed)), thresholds: Thresholds::without_watchdog(), ..NodeEnv::tokio() }
    }

    pub(crate) fn new(spawn: TaskSpawner, clock: Arc<dyn Clock>, rng: Rng) -> NodeEnv {
        NodeEnv { spawn, clock, rng: Arc::new(rng), thresholds: Thresholds::default() }
    }
}

/// The limits at which a node raises alarms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thresholds {
    /// The number of messages from which on a mailbox is long.
    pub(crate) long_mailbox: u32,
    /// Enables the watchdog, which finds processes that occupy a thread.
    pub(crate) watchdog: bool,
}

impl Default for Thresholds {
    fn default() -> Thresholds {
        Thresholds { long_mailbox: 10_000, watchdog: true }
    }
}

impl Thresholds {
    /// Returns the defaults for a node whose clock is not the real one.
    pub(crate) fn without_watchdog() -> Thresholds {
        Thresholds { watchdog: false, ..Thresholds::default() }
    }
}
