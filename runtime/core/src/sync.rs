//! The locks, atomics and thread functions of the runtime, in one place.
//!
//! `tests/interleaved` compiles the runtime a second time with another `sync`, whose threads a test schedules.

pub(crate) use std::hint::spin_loop;
pub(crate) use std::sync::atomic;
pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
pub(crate) use std::thread::yield_now;
pub(crate) use std::thread_local;

use std::cell::UnsafeCell;

/// An `UnsafeCell` whose accesses are announced, so that the other `sync` can check them.
pub(crate) struct GuardedCell<T>(UnsafeCell<T>);

/// An exclusive access to a [`GuardedCell`], until it is dropped.
pub(crate) struct Exclusive<'a, T>(&'a UnsafeCell<T>);

/// A shared access to a [`GuardedCell`], until it is dropped.
pub(crate) struct Shared<'a, T>(&'a UnsafeCell<T>);

impl<T> GuardedCell<T> {
    #[inline]
    pub(crate) const fn new(value: T) -> GuardedCell<T> {
        GuardedCell(UnsafeCell::new(value))
    }

    #[inline]
    pub(crate) fn exclusive(&self) -> Exclusive<'_, T> {
        Exclusive(&self.0)
    }

    #[inline]
    pub(crate) fn shared(&self) -> Shared<'_, T> {
        Shared(&self.0)
    }
}

impl<T> Exclusive<'_, T> {
    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut T {
        self.0.get()
    }
}

impl<T> Shared<'_, T> {
    #[inline]
    pub(crate) fn as_ptr(&self) -> *const T {
        self.0.get()
    }
}
