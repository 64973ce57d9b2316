use std::sync::Arc;

use super::chance::Chance;
use super::{Clock, Spawn, TokioClock};

/// What a node stands on: where its processes run, what time it is, how the dice fall, and from when on it raises
/// alarms.
#[derive(Clone)]
pub(crate) struct Ground {
    pub(crate) spawn: Spawn,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chance: Arc<Chance>,
    pub(crate) thresholds: Thresholds,
}

impl Ground {
    /// tokio's threads and its clock.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[track_caller]
    pub(crate) fn tokio() -> Ground {
        Ground::new(Spawn::Tokio(tokio::runtime::Handle::current()), Arc::new(TokioClock), Chance::fresh())
    }

    /// The same with dice that fall as this seed says, for a test: by its clock no poll takes any time.
    #[cfg(any(test, feature = "test"))]
    #[track_caller]
    pub(crate) fn seeded(seed: u64) -> Ground {
        Ground { chance: Arc::new(Chance::seeded(seed)), thresholds: Thresholds::unwatched(), ..Ground::tokio() }
    }

    pub(crate) fn new(spawn: Spawn, clock: Arc<dyn Clock>, chance: Chance) -> Ground {
        Ground { spawn, clock, chance: Arc::new(chance), thresholds: Thresholds::default() }
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
    pub(crate) fn unwatched() -> Thresholds {
        Thresholds { watched: false, ..Thresholds::default() }
    }
}
