use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::Notify;

use crate::base::Exit;
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// What a node stops as a whole before all else: an application, of which only a floor above knows more.
pub(crate) trait Unit: Send + Sync {
    /// Begins at once to stop it; resolves when nothing of it is left.
    fn stop(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    /// The unit as what it is.
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

/// The units of a node, in the order in which they started.
#[derive(Default)]
pub(crate) struct Units {
    state: Mutex<State>,
    /// Told when the node has lost one that it cannot do without.
    lost: Notify,
}

#[derive(Default)]
struct State {
    units: Vec<Arc<dyn Unit>>,
    /// The node stops: nothing starts any more.
    closed: bool,
    loss: Option<Exit>,
    /// How many wait for a loss, and stop the node then.
    heirs: usize,
}

impl Units {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those there are, oldest first.
    pub(crate) fn all(&self) -> Vec<Arc<dyn Unit>> {
        self.lock().units.clone()
    }

    /// Adds the unit that `admit` makes when it has seen those there are; `None` if the node stops.
    pub(crate) fn admit<U: Unit + 'static, E>(
        &self,
        admit: impl FnOnce(&[Arc<dyn Unit>]) -> Result<Arc<U>, E>,
    ) -> Option<Result<Arc<U>, E>> {
        let mut state = self.lock();
        if state.closed {
            return None;
        }
        let admitted = admit(&state.units);
        if let Ok(unit) = &admitted {
            state.units.push(Arc::clone(unit) as Arc<dyn Unit>);
        }
        Some(admitted)
    }

    pub(crate) fn remove(&self, unit: &Arc<dyn Unit>) {
        self.lock().units.retain(|other| !Arc::ptr_eq(other, unit));
    }

    /// Lets nothing start any more, and hands out what is to be stopped, oldest first.
    pub(super) fn close(&self) -> Vec<Arc<dyn Unit>> {
        let mut state = self.lock();
        state.closed = true;
        state.units.clone()
    }

    /// The node cannot go on without what has ended, for this reason. The first one stays. Whether somebody sees to it
    /// that the node stops.
    pub(crate) fn lose(&self, reason: Exit) -> bool {
        let mut state = self.lock();
        state.loss.get_or_insert(reason);
        let heirs = state.heirs;
        drop(state);
        self.lost.notify_waiters();
        heirs > 0
    }

    /// Resolves when the node cannot go on, with the reason: the caller is to stop it then. Cancel-safe.
    pub(crate) async fn lost(&self) -> Exit {
        let _heir = Heir::new(self);
        loop {
            let lost = self.lost.notified();
            if let Some(reason) = self.lock().loss.clone() {
                return reason;
            }
            lost.await;
        }
    }
}

/// Somebody who waits for a loss.
struct Heir<'a>(&'a Units);

impl<'a> Heir<'a> {
    fn new(units: &'a Units) -> Heir<'a> {
        units.lock().heirs += 1;
        Heir(units)
    }
}

impl Drop for Heir<'_> {
    fn drop(&mut self) {
        self.0.lock().heirs -= 1;
    }
}
