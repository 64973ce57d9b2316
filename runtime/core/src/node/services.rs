//! The services of a node: its applications, as the node stops them.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::Notify;

use crate::base::Exit;
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// A part of the program that the node stops as a whole, before all processes. Implemented by applications.
pub(crate) trait Service: Send + Sync {
    /// Begins at once to stop the service, and resolves when it has stopped.
    fn stop(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    /// Returns the service for a downcast to its type.
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

/// The services of a node, in the order in which they started.
#[derive(Default)]
pub(crate) struct Services {
    state: Mutex<State>,
    /// Notified of the first fatal failure.
    failed: Notify,
}

#[derive(Default)]
struct State {
    services: Vec<Arc<dyn Service>>,
    /// The node stops: no service starts any more.
    closed: bool,
    failure: Option<Exit>,
    /// The number of tasks in [`Services::failure`], each of which stops the node after a failure.
    failure_waiters: usize,
}

impl Services {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns all services, oldest first.
    pub(crate) fn all(&self) -> Vec<Arc<dyn Service>> {
        self.lock().services.clone()
    }

    /// Adds the service that `admit` makes from the present ones; returns `None` if the node stops.
    pub(crate) fn admit<S: Service + 'static, E>(
        &self,
        admit: impl FnOnce(&[Arc<dyn Service>]) -> Result<Arc<S>, E>,
    ) -> Option<Result<Arc<S>, E>> {
        let mut state = self.lock();
        if state.closed {
            return None;
        }
        let admitted = admit(&state.services);
        if let Ok(service) = &admitted {
            state.services.push(Arc::clone(service) as Arc<dyn Service>);
        }
        Some(admitted)
    }

    pub(crate) fn remove(&self, service: &Arc<dyn Service>) {
        self.lock().services.retain(|other| !Arc::ptr_eq(other, service));
    }

    /// Admits no more services, and returns the present ones, oldest first.
    pub(super) fn close(&self) -> Vec<Arc<dyn Service>> {
        let mut state = self.lock();
        state.closed = true;
        state.services.clone()
    }

    /// Returns whether the node stops.
    #[cfg(any(feature = "registry", feature = "upgrade"))]
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Reports the end of a service without which the node must not continue. The first reason is kept. Returns true if a
    /// task waits in [`failure`](Self::failure), and so will stop the node.
    pub(crate) fn report_failure(&self, reason: Exit) -> bool {
        let mut state = self.lock();
        state.failure.get_or_insert(reason);
        let waiters = state.failure_waiters;
        drop(state);
        self.failed.notify_waiters();
        waiters > 0
    }

    /// Resolves with the reason of a fatal failure. The caller has to stop the node then. Cancel-safe.
    pub(crate) async fn failure(&self) -> Exit {
        let _waiter = FailureWaiter::new(self);
        loop {
            let failed = self.failed.notified();
            if let Some(reason) = self.lock().failure.clone() {
                return reason;
            }
            failed.await;
        }
    }
}

/// Counts a task that waits for a failure.
struct FailureWaiter<'a>(&'a Services);

impl<'a> FailureWaiter<'a> {
    fn new(services: &'a Services) -> FailureWaiter<'a> {
        services.lock().failure_waiters += 1;
        FailureWaiter(services)
    }
}

impl Drop for FailureWaiter<'_> {
    fn drop(&mut self) {
        self.0.lock().failure_waiters -= 1;
    }
}
