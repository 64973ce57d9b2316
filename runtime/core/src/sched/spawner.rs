//! The spawner of a node, which runs its tasks.

use std::future::Future;
use std::sync::Arc;

#[cfg(feature = "test")]
use super::schedule::{Schedule, TestSpawner};
use super::task::{Task, Work};

/// An executor for a node's processes, replaceable so that a test can choose the order in which they run.
pub trait Spawner: Send + Sync + 'static {
    /// Runs the task to completion, concurrently with all other tasks.
    fn spawn(&self, task: Task);

    /// Runs code that may block where it delays no task: by default on a new thread.
    ///
    /// # Panics
    /// As [`std::thread::spawn`] if the operating system cannot create a thread.
    fn run_blocking(&self, work: Work) {
        drop(std::thread::spawn(work));
    }
}

/// The spawner of a node.
#[derive(Clone)]
pub(crate) enum TaskSpawner {
    /// A tokio runtime, which needs no box for each process.
    Tokio(tokio::runtime::Handle),
    /// The schedule of a test.
    #[cfg(feature = "test")]
    Test(TestSpawner),
    /// The program's own spawner.
    Custom(Arc<dyn Spawner>),
}

impl TaskSpawner {
    /// Runs a task that is not a process. It is boxed, so that tokio's code for tasks is compiled once for all of them.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.spawn_boxed(Box::pin(task));
    }

    fn spawn_boxed(&self, task: Task) {
        self.spawn_process(|| "greenroom", task, |task| task);
    }

    /// Runs the task of a timer wheel.
    pub(crate) fn spawn_timer(&self, task: impl Future<Output = ()> + Send + 'static) {
        match self {
            #[cfg(feature = "test")]
            TaskSpawner::Test(tasks) => tasks.spawn_timer(Box::pin(task)),
            TaskSpawner::Tokio(_) | TaskSpawner::Custom(_) => self.spawn(task),
        }
    }

    /// Runs a process's task. On tokio it is not boxed, and relies on being polled with one and the same waker. Other
    /// spawners may poll with different ones: for those, `make_movable` makes a task that does not rely on it.
    ///
    /// `name` returns the name that tokio-console shows.
    pub(crate) fn spawn_process<F>(
        &self,
        name: impl FnOnce() -> &'static str,
        task: F,
        make_movable: impl FnOnce(F) -> Task,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        match self {
            TaskSpawner::Tokio(handle) => spawn_named(handle, name, task),
            #[cfg(feature = "test")]
            TaskSpawner::Test(tasks) => tasks.spawn(make_movable(task)),
            TaskSpawner::Custom(spawner) => spawner.spawn(make_movable(task)),
        }
    }

    /// Makes the runtime the current one of this thread, if the node runs on tokio's own threads.
    pub(crate) fn enter(&self) -> Option<tokio::runtime::EnterGuard<'_>> {
        match self {
            TaskSpawner::Tokio(handle) => Some(handle.enter()),
            #[cfg(feature = "test")]
            TaskSpawner::Test(_) => None,
            TaskSpawner::Custom(_) => None,
        }
    }

    /// Returns the schedule of the test that runs the node.
    #[cfg(feature = "test")]
    pub(crate) fn schedule(&self) -> Option<&Schedule> {
        match self {
            TaskSpawner::Test(tasks) => Some(tasks.schedule()),
            TaskSpawner::Tokio(_) | TaskSpawner::Custom(_) => None,
        }
    }

    pub(crate) fn run_blocking(&self, work: Work) {
        match self {
            TaskSpawner::Tokio(handle) => drop(handle.spawn_blocking(work)),
            #[cfg(feature = "test")]
            TaskSpawner::Test(tasks) => tasks.run_blocking(work),
            TaskSpawner::Custom(spawner) => spawner.run_blocking(work),
        }
    }
}

/// Spawns a task on tokio under a name.
#[cfg(all(tokio_unstable, feature = "tokio-console"))]
fn spawn_named(
    handle: &tokio::runtime::Handle,
    name: impl FnOnce() -> &'static str,
    task: impl Future<Output = ()> + Send + 'static,
) {
    // Never fails on a handle.
    let _ = tokio::task::Builder::new().name(name()).spawn_on(task, handle);
}

/// Spawns a task on tokio. Its stable version has no names of tasks.
#[cfg(not(all(tokio_unstable, feature = "tokio-console")))]
#[inline(always)]
fn spawn_named(
    handle: &tokio::runtime::Handle,
    _: impl FnOnce() -> &'static str,
    task: impl Future<Output = ()> + Send + 'static,
) {
    drop(handle.spawn(task));
}
