use std::sync::Arc;

use super::chance::Chance;
use super::{Clock, Spawn, TokioClock};

/// What a node stands on: where its processes run, what time it is, and how the dice fall.
#[derive(Clone)]
pub(crate) struct Ground {
    pub(crate) spawn: Spawn,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chance: Arc<Chance>,
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

    /// The same with dice that fall as this seed says.
    #[cfg(any(test, feature = "test"))]
    #[track_caller]
    pub(crate) fn seeded(seed: u64) -> Ground {
        Ground { chance: Arc::new(Chance::seeded(seed)), ..Ground::tokio() }
    }

    pub(crate) fn new(spawn: Spawn, clock: Arc<dyn Clock>, chance: Chance) -> Ground {
        Ground { spawn, clock, chance: Arc::new(chance) }
    }
}
