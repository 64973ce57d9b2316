//! Floor 0: what threads meet at. The one place that says which locks the runtime is made of, so that it can be
//! compiled a second time on locks whose threads a test schedules (`tests/interleaved`).

pub(crate) use std::hint::spin_loop;
pub(crate) use std::sync::atomic;
pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
pub(crate) use std::thread::yield_now;
pub(crate) use std::thread_local;

use std::cell::UnsafeCell;

/// What only the holder of a lock may reach. The other side of this page tells if somebody else does.
pub(crate) struct Guarded<T>(UnsafeCell<T>);

/// Alone with what is [`Guarded`], for as long as this lives.
pub(crate) struct Visit<'a, T>(&'a UnsafeCell<T>);

/// The same among others who only look.
pub(crate) struct Look<'a, T>(&'a UnsafeCell<T>);

impl<T> Guarded<T> {
    #[inline]
    pub(crate) const fn new(value: T) -> Guarded<T> {
        Guarded(UnsafeCell::new(value))
    }

    #[inline]
    pub(crate) fn visit(&self) -> Visit<'_, T> {
        Visit(&self.0)
    }

    #[inline]
    pub(crate) fn look(&self) -> Look<'_, T> {
        Look(&self.0)
    }
}

impl<T> Visit<'_, T> {
    #[inline]
    pub(crate) fn place(&self) -> *mut T {
        self.0.get()
    }
}

impl<T> Look<'_, T> {
    #[inline]
    pub(crate) fn place(&self) -> *const T {
        self.0.get()
    }
}
