//! The other side of the runtime's `sync`: the same words, on a checker's threads.

pub(crate) use shuttle::sync::{Mutex, MutexGuard, PoisonError, RwLock, atomic};

/// A thread-local of the checker's threads, which are all on one of the system's.
pub(crate) struct Local<T: 'static>(pub(crate) &'static shuttle::thread::LocalKey<T>);

impl<T> Local<T> {
    pub(crate) fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        self.0.with(f)
    }

    /// `Err` where no thread of the checker's runs: the panic hook looks here even then.
    pub(crate) fn try_with<R>(&'static self, f: impl FnOnce(&T) -> R) -> Result<R, Outside> {
        match shuttle::current::try_get_current_task() {
            Some(_) => Ok(self.0.with(f)),
            None => Err(Outside),
        }
    }
}

/// No thread of the checker's runs.
pub(crate) struct Outside;

macro_rules! local {
    ($(#[$attribute:meta])* static $name:ident: $type:ty = const { $init:expr };) => {
        $(#[$attribute])*
        static $name: $crate::sync::Local<$type> = {
            shuttle::thread_local! { static KEY: $type = const { $init }; }
            $crate::sync::Local(&KEY)
        };
    };
}
pub(crate) use local as thread_local;
