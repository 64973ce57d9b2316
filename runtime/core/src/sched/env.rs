use std::sync::Arc;

use super::rng::Rng;
use super::{Clock, TaskSpawner, TokioClock};

/// What a node stands on: where its processes run, what time it is, how the dice fall, and from when on it raises
/// alarms.
#[derive(Clone)]
pub(crate) struct NodeEnv {
    pub(crate) spawn: TaskSpawner,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<Rng>,
    pub(crate) thresholds: Thresholds,
}

impl NodeEnv {
    /// tokio's threads and its clock.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[track_caller]
    pub(crate) fn tokio() -> NodeEnv {
        NodeEnv::new(TaskSpawner::Tokio(tokio::runtime::Handle::current()), Arc::new(TokioClock), Rng::unseeded())
    }

    /// The same with dice that fall as this seed says, for a test: by its clock no poll takes any time.
    #[cfg(any(test, feature = "test"))]
    #[track_caller]
    pub(crate) fn seeded(seed: u64) -> NodeEnv {
        NodeEnv { rng: Arc::new(Rng::seeded(seed)), thresholds: Thresholds::without_watchdog(), ..NodeEnv::tokio() }
    }

    pub(crate) fn new(spawn: TaskSpawner, clock: Arc<dyn Clock>, rng: Rng) -> NodeEnv {
        NodeEnv { spawn, clock, rng: Arc::new(rng), thresholds: Thresholds::default() }
    }
}

/// From when on a node raises alarms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thresholds {
    /// How many messages make a long mailbox.
    pub(crate) long_mailbox: u32,
    /// Whether somebody watches for processes that keep a thread.
    pub(crate) watched: bool,
}

impl Default for Thresholds {
    fn default() -> Thresholds {
        Thresholds { long_mailbox: 10_000, watched: true }
    }
}

impl Thresholds {
    /// For a clock of one's own, by which no poll takes any time.
    pub(crate) fn without_watchdog() -> Thresholds {
        Thresholds { watched: false, ..Thresholds::default() }
    }
}
