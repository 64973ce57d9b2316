use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// A process, as a spawner sees it.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where a node's processes run, so that a test can schedule them in an order of its own.
pub trait Spawner: Send + Sync + 'static {
    /// Runs the task to its end, beside all others.
    fn spawn(&self, task: Task);
}

/// tokio without a box for each process, or a spawner of one's own.
#[derive(Clone)]
pub(crate) enum Spawn {
    Tokio(tokio::runtime::Handle),
    Own(Arc<dyn Spawner>),
}

impl Spawn {
    pub(crate) fn spawn<F: Future<Output = ()> + Send + 'static>(&self, task: F) {
        match self {
            Spawn::Tokio(handle) => drop(handle.spawn(task)),
            Spawn::Own(spawner) => spawner.spawn(Box::pin(task)),
        }
    }
}
