//! How a child is specified and made.

mod starters;

use std::time::Duration;

use super::child::{Places, Slot};
use super::{Backoff, ChildOptions, Restart, WhileDown};
use crate::actor::Process;
use crate::base::Shutdown;
pub(super) use starters::{nested, once, worker};

/// How a child that is known only at run time is made and treated. `R` is its stub.
#[must_use = "a child is started by the supervisor that it is given to"]
pub struct ChildSpec<R> {
    pub(super) options: ChildOptions,
    pub(super) plant: Plant<R>,
}

pub(super) type Plant<R> = Box<dyn FnOnce(&Places, &str, ChildOptions) -> (R, Slot) + Send>;

impl<R: 'static> ChildSpec<R> {
    /// A child that `make` makes anew for each of its lives. Permanent, 5 s to stop.
    pub fn new<A: Process>(make: impl FnMut() -> A + Send + 'static) -> ChildSpec<R>
    where
        A::Protocol: crate::actor::Stubbed<Ref = R>,
    {
        let plant = |places: &Places, id: &str, options| (places.stub::<A>(id), worker(places, id, options, make));
        ChildSpec { options: ChildOptions::DEFAULT, plant: Box::new(plant) }
    }

    /// A child that lives once: temporary. 5 s to stop.
    pub fn once<A: Process>(actor: A) -> ChildSpec<R>
    where
        A::Protocol: crate::actor::Stubbed<Ref = R>,
    {
        let plant = |places: &Places, id: &str, options| {
            let options = ChildOptions { restart: Restart::Temporary, ..options };
            let slot = once(places.cell::<A>(id), id.into(), options, actor);
            (places.stub::<A>(id), slot)
        };
        let options = ChildOptions { restart: Restart::Temporary, ..ChildOptions::DEFAULT };
        ChildSpec { options, plant: Box::new(plant) }
    }

    /// When it is restarted. One that lives [`once`](ChildSpec::once) is temporary, whatever is said.
    pub fn restart(mut self, restart: Restart) -> ChildSpec<R> {
        self.options.restart = restart;
        self
    }

    /// How long it may take to stop.
    pub fn shutdown(mut self, shutdown: Shutdown) -> ChildSpec<R> {
        self.options.shutdown = shutdown;
        self
    }

    /// Its end counts for the supervisor's automatic shutdown.
    pub fn significant(mut self) -> ChildSpec<R> {
        self.options.significant = true;
        self
    }

    /// Its restarts wait, between `min` and `max`, longer each time in a row.
    pub fn backoff(mut self, min: Duration, max: Duration) -> ChildSpec<R> {
        self.options.backoff = Some(Backoff { min, max });
        self
    }

    /// What becomes of messages while it is being restarted.
    pub fn while_down(mut self, while_down: WhileDown) -> ChildSpec<R> {
        self.options.while_down = while_down;
        self
    }

    pub(super) fn plant(self, places: &Places, id: &str) -> (R, Slot) {
        (self.plant)(places, id, self.options)
    }
}
