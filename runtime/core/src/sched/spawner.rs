use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// A process, as a spawner sees it.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Code that blocks its thread, as a spawner sees it.
pub type Work = Box<dyn FnOnce() + Send>;

/// Where a node's processes run, so that a test can schedule them in an order of its own.
pub trait Spawner: Send + Sync + 'static {
    /// Runs the task to its end, beside all others.
    fn spawn(&self, task: Task);

    /// Runs code that may block, where that holds up no task: on a thread of its own, unless this is written.
    ///
    /// # Panics
    /// As [`std::thread::spawn`], when the operating system has no thread left.
    fn run_blocking(&self, work: Work) {
        drop(std::thread::spawn(work));
    }
}

/// tokio without a box for each process, a test's schedule, or a spawner of one's own.
#[derive(Clone)]
pub(crate) enum TaskSpawner {
    Tokio(tokio::runtime::Handle),
    #[cfg(feature = "test")]
    Test(super::NodeTasks),
    Custom(Arc<dyn Spawner>),
}

impl TaskSpawner {
    /// Starts a task that is no process. In a box, so that what tokio does with it is compiled for all of them at once.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let task: Task = Box::pin(task);
        self.spawn_process(task, |task| task);
    }

    /// The same without a box, for a process: it counts on being polled with one and the same waker, as tokio does it; for
    /// any other spawner `steady` makes one of it that does not.
    pub(crate) fn spawn_process<F>(&self, task: F, steady: impl FnOnce(F) -> Task)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        match self {
            TaskSpawner::Tokio(handle) => drop(handle.spawn(task)),
            #[cfg(feature = "test")]
            TaskSpawner::Test(crew) => crew.spawn(steady(task)),
            TaskSpawner::Custom(spawner) => spawner.spawn(steady(task)),
        }
    }

    /// The test that decides the order, if there is one.
    #[cfg(feature = "test")]
    pub(crate) fn schedule(&self) -> Option<&super::Schedule> {
        match self {
            TaskSpawner::Test(crew) => Some(crew.schedule()),
            TaskSpawner::Tokio(_) | TaskSpawner::Custom(_) => None,
        }
    }

    pub(crate) fn run_blocking(&self, work: Work) {
        match self {
            TaskSpawner::Tokio(handle) => drop(handle.spawn_blocking(work)),
            #[cfg(feature = "test")]
            TaskSpawner::Test(crew) => crew.run_blocking(work),
            TaskSpawner::Custom(spawner) => spawner.run_blocking(work),
        }
    }
}
