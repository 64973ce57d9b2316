//! Child specs, and the starters that make a child from one.

#[cfg(feature = "upgrade")]
mod adopted;
mod starters;

use std::time::Duration;

use super::child::{BoundSpec, CellSource, following};
use super::{Backoff, ChildOptions, Restart, WhileDown};
use crate::actor::{Actor, Constructor, Stubbed};
use crate::base::Shutdown;
#[cfg(feature = "upgrade")]
pub(super) use adopted::adopted;
pub(super) use starters::{bind_worker, one_shot, supervisor, worker};

/// The spec of a child that is known only at run time: its options, and a function that makes it. `R` is the type of its
/// stub.
///
/// For [`Supervisor::child`](super::Supervisor::child) and [`TreeStub::start_child`](super::TreeStub::start_child). From
/// OTP's child specification.
#[must_use = "a child starts only when its spec is given to a supervisor"]
pub struct ChildSpec<R> {
    options: ChildOptions,
    bind: Bind<R>,
}

/// Binds a spec to a cell of the supervisor.
type Bind<R> = Box<dyn FnOnce(CellSource<'_>, &str, ChildOptions) -> (R, BoundSpec) + Send>;

impl<R: 'static> ChildSpec<R> {
    /// Creates the spec of a child that `make` makes for each start. The child is permanent and gets 5 s to stop.
    ///
    /// `make` returns an actor, the arguments of a constructor, or with the feature `net` one of these on another node:
    /// `|| Render::new(7).on(least_loaded())`.
    pub fn new<C: Constructor>(make: impl FnMut() -> C + Send + 'static) -> ChildSpec<R>
    where
        <C::Actor as Actor>::Protocol: Stubbed<Ref = R>,
    {
        ChildSpec::with(ChildOptions::DEFAULT, |cells, id, options| {
            let cell = cells.cell::<C::Actor>(id);
            (following::<C::Actor>(&cell), worker(cell, id, options, make))
        })
    }

    /// Creates the spec of a child that starts once. The child is temporary and gets 5 s to stop.
    pub fn once<C: Constructor>(actor: C) -> ChildSpec<R>
    where
        <C::Actor as Actor>::Protocol: Stubbed<Ref = R>,
    {
        let options = ChildOptions { restart: Restart::Temporary, ..ChildOptions::DEFAULT };
        ChildSpec::with(options, |cells, id, options| {
            let options = ChildOptions { restart: Restart::Temporary, ..options };
            let cell = cells.cell::<C::Actor>(id);
            (following::<C::Actor>(&cell), one_shot(cell, id.into(), options, || actor))
        })
    }

    pub(super) fn with(
        options: ChildOptions,
        bind: impl FnOnce(CellSource<'_>, &str, ChildOptions) -> (R, BoundSpec) + Send + 'static,
    ) -> ChildSpec<R> {
        ChildSpec { options, bind: Box::new(bind) }
    }

    /// Sets when the child is restarted. Without effect on a child that starts [`once`](ChildSpec::once), which stays
    /// temporary.
    pub fn restart(mut self, restart: Restart) -> ChildSpec<R> {
        self.options.restart = restart;
        self
    }

    /// Sets the time that the child gets to stop.
    pub fn shutdown(mut self, shutdown: Shutdown) -> ChildSpec<R> {
        self.options.shutdown = shutdown;
        self
    }

    /// Makes the child significant: its exit counts for the supervisor's automatic shutdown.
    pub fn significant(mut self) -> ChildSpec<R> {
        self.options.significant = true;
        self
    }

    /// Sets a pause before each restart of the child, between `min` and `max`. See [`Backoff`].
    pub fn backoff(mut self, min: Duration, max: Duration) -> ChildSpec<R> {
        self.options.backoff = Some(Backoff { min, max });
        self
    }

    /// Sets the treatment of messages that are sent to the child while it restarts.
    pub fn while_down(mut self, while_down: WhileDown) -> ChildSpec<R> {
        self.options.while_down = while_down;
        self
    }

    /// Returns the child's stub and its spec, bound to a cell for this id.
    pub(super) fn bind(self, cells: CellSource<'_>, id: &str) -> (R, BoundSpec) {
        (self.bind)(cells, id, self.options)
    }
}
