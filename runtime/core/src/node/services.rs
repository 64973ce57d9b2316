use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::Notify;

use crate::base::Exit;
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// What a node stops as a whole before all else: an application, of which only a floor above knows more.
pub(crate) trait Service: Send + Sync {
    /// Begins at once to stop it; resolves when nothing of it is left.
    fn stop(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    /// The unit as what it is.
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

/// The units of a node, in the order in which they started.
#[derive(Default)]
pub(crate) struct Services {
    state: Mutex<State>,
    /// Told when the node has lost one that it cannot do without.
    lost: Notify,
}

#[derive(Default)]
struct State {
    services: Vec<Arc<dyn Service>>,
    /// The node stops: nothing starts any more.
    closed: bool,
    loss: Option<Exit>,
    /// How many wait for a loss, and stop the node then.
    heirs: usize,
}

impl Services {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those there are, oldest first.
    pub(crate) fn all(&self) -> Vec<Arc<dyn Service>> {
        self.lock().services.clone()
    }

    /// Adds the unit that `admit` makes when it has seen those there are; `None` if the node stops.
    pub(crate) fn admit<U: Service + 'static, E>(
        &self,
        admit: impl FnOnce(&[Arc<dyn Service>]) -> Result<Arc<U>, E>,
    ) -> Option<Result<Arc<U>, E>> {
        let mut state = self.lock();
        if state.closed {
            return None;
        }
        let admitted = admit(&state.services);
        if let Ok(unit) = &admitted {
            state.services.push(Arc::clone(unit) as Arc<dyn Service>);
        }
        Some(admitted)
    }

    pub(crate) fn remove(&self, unit: &Arc<dyn Service>) {
        self.lock().services.retain(|other| !Arc::ptr_eq(other, unit));
    }

    /// Lets nothing start any more, and hands out what is to be stopped, oldest first.
    pub(super) fn close(&self) -> Vec<Arc<dyn Service>> {
        let mut state = self.lock();
        state.closed = true;
        state.services.clone()
    }

    /// The node cannot go on without what has ended, for this reason. The first one stays. Whether somebody sees to it
    /// that the node stops.
    pub(crate) fn report_failure(&self, reason: Exit) -> bool {
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
struct Heir<'a>(&'a Services);

impl<'a> Heir<'a> {
    fn new(services: &'a Services) -> Heir<'a> {
        services.lock().heirs += 1;
        Heir(services)
    }
}

impl Drop for Heir<'_> {
    fn drop(&mut self) {
        self.0.lock().heirs -= 1;
    }
}
