//! The other side of the runtime's `sync`: the same words, on a checker's threads.

pub(crate) use shuttle::hint::spin_loop;
pub(crate) use shuttle::sync::{Mutex, MutexGuard, PoisonError, RwLock, atomic};
pub(crate) use shuttle::thread::yield_now;

use std::cell::UnsafeCell;

use shuttle::sync::atomic::{AtomicI32, Ordering};

/// What only the holder of a lock may reach. Others have their turn while somebody is inside, and one that comes in as
/// well, other than to look among those who look, fails the scenario.
pub(crate) struct Guarded<T> {
    value: UnsafeCell<T>,
    /// How many look; below zero, somebody is alone inside.
    inside: AtomicI32,
}

/// Alone with what is [`Guarded`], for as long as this lives.
pub(crate) struct Visit<'a, T>(&'a Guarded<T>);

/// The same among others who only look.
pub(crate) struct Look<'a, T>(&'a Guarded<T>);

impl<T> Guarded<T> {
    pub(crate) fn new(value: T) -> Guarded<T> {
        Guarded { value: UnsafeCell::new(value), inside: AtomicI32::new(0) }
    }

    pub(crate) fn visit(&self) -> Visit<'_, T> {
        assert_eq!(self.inside.fetch_sub(1, Ordering::SeqCst), 0, "somebody else is inside");
        Visit(self)
    }

    pub(crate) fn look(&self) -> Look<'_, T> {
        assert!(self.inside.fetch_add(1, Ordering::SeqCst) >= 0, "somebody writes what is looked at");
        Look(self)
    }
}

impl<T> Visit<'_, T> {
    pub(crate) fn place(&self) -> *mut T {
        self.0.value.get()
    }
}

impl<T> Look<'_, T> {
    pub(crate) fn place(&self) -> *const T {
        self.0.value.get()
    }
}

impl<T> Drop for Visit<'_, T> {
    fn drop(&mut self) {
        self.0.inside.fetch_add(1, Ordering::SeqCst);
    }
}

impl<T> Drop for Look<'_, T> {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::SeqCst);
    }
}

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
