//! The replacement of the runtime's `sync`: the same names, for threads that a checker schedules.

pub(crate) use shuttle::hint::spin_loop;
pub(crate) use shuttle::sync::{Mutex, MutexGuard, PoisonError, RwLock, atomic};
pub(crate) use shuttle::thread::yield_now;

use std::cell::UnsafeCell;

use shuttle::sync::atomic::{AtomicI32, Ordering};

/// An `UnsafeCell` that checks its accesses: one that overlaps with an exclusive access fails the scenario. Each access lets
/// other threads run while it lasts.
pub(crate) struct GuardedCell<T> {
    value: UnsafeCell<T>,
    /// The number of shared accesses, or -1 during an exclusive one.
    accesses: AtomicI32,
}

/// An exclusive access to a [`GuardedCell`], until it is dropped.
pub(crate) struct Exclusive<'a, T>(&'a GuardedCell<T>);

/// A shared access to a [`GuardedCell`], until it is dropped.
pub(crate) struct Shared<'a, T>(&'a GuardedCell<T>);

impl<T> GuardedCell<T> {
    pub(crate) fn new(value: T) -> GuardedCell<T> {
        GuardedCell { value: UnsafeCell::new(value), accesses: AtomicI32::new(0) }
    }

    pub(crate) fn exclusive(&self) -> Exclusive<'_, T> {
        assert_eq!(self.accesses.fetch_sub(1, Ordering::SeqCst), 0, "an exclusive access overlaps with another one");
        Exclusive(self)
    }

    pub(crate) fn shared(&self) -> Shared<'_, T> {
        assert!(self.accesses.fetch_add(1, Ordering::SeqCst) >= 0, "a shared access overlaps with an exclusive one");
        Shared(self)
    }
}

impl<T> Exclusive<'_, T> {
    pub(crate) fn as_ptr(&self) -> *mut T {
        self.0.value.get()
    }
}

impl<T> Shared<'_, T> {
    pub(crate) fn as_ptr(&self) -> *const T {
        self.0.value.get()
    }
}

impl<T> Drop for Exclusive<'_, T> {
    fn drop(&mut self) {
        self.0.accesses.fetch_add(1, Ordering::SeqCst);
    }
}

impl<T> Drop for Shared<'_, T> {
    fn drop(&mut self) {
        self.0.accesses.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A thread-local of the checker's threads, which all run on one thread of the system.
pub(crate) struct Local<T: 'static>(pub(crate) &'static shuttle::thread::LocalKey<T>);

impl<T> Local<T> {
    pub(crate) fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        self.0.with(f)
    }

    /// Calls `f` with the value, or fails outside of the checker's threads, where the panic hook runs as well.
    pub(crate) fn try_with<R>(&'static self, f: impl FnOnce(&T) -> R) -> Result<R, Outside> {
        match shuttle::current::try_get_current_task() {
            Some(_) => Ok(self.0.with(f)),
            None => Err(Outside),
        }
    }
}

/// The error of an access outside of the checker's threads.
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
