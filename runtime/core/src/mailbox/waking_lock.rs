//! The lock around a mailbox or a reply slot, and the waker of its owner.
//!
//! A [`WakingLock`] spins: its critical sections are a handful of moves, so waiting for one is shorter than putting a thread
//! to sleep. A thread that finds it held spins with growing pauses, and after some microseconds yields at each try. If
//! the operating system has suspended the holder, the others lose their time slices and nothing worse. The one long
//! critical section is the copy when a very long queue grows: some milliseconds for millions of messages, once per
//! doubling. A sleeping lock would make its waiters wait as long.
//!
//! The owner's waker is kept in the lock. The owner sets it once ([`set_waker`](Guard::set_waker)) and marks that it
//! waits ([`wait`](Guard::wait)). The next [`unlock_and_wake`](Guard::unlock_and_wake) wakes it by reference, after the
//! lock is open: cloning a waker for each wait would be a large part of a message's cost. An owner stores a clone for
//! one wait in two cases: it waits with another waker than its task's (inside a hand-written `select!`), or the wake-up
//! for an earlier message still runs.
//!
//! States: idle → the owner waits → a thread wakes it → idle.
//!
//! Invariants:
//! - Only the holder of the lock accesses the guarded data, with one exception: a thread that has set `waking` under
//!   the lock reads the task's waker without the lock, until it clears `waking`.
//! - While `waking` is set, no thread sets it again, since the owner does not wait by its task then.
//! - While `waking` is set, the task's waker is neither replaced nor dropped.
//! - `waking` is set under the lock, which orders that before the next holder's load. It is cleared by a `Release`
//!   store, which the loads of [`set_waker`](Guard::set_waker) and [`wait`](Guard::wait) acquire.

#![allow(unsafe_code)]

use std::mem;
use std::ops::{Deref, DerefMut};
use std::task::Waker;

use crate::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use crate::sync::{Exclusive, GuardedCell, spin_loop, yield_now};

/// A value that one thread at a time accesses, and whose owner can wait for the others.
// The fields that a sender touches come first and lie together: of a process that has not run for a while, each cache
// line is fetched from memory by itself.
#[repr(C)]
pub(crate) struct WakingLock<T> {
    locked: AtomicBool,
    /// Set while a thread wakes the owner by `task` without holding the lock.
    waking: AtomicBool,
    /// A [`WaitState`], read and written under the lock.
    wait_state: AtomicU8,
    /// A number that never changes, in space that alignment would waste.
    constant: u32,
    /// The waker of the owner's task.
    task: GuardedCell<Option<Waker>>,
    contents: GuardedCell<Contents<T>>,
}

#[repr(C)]
struct Contents<T> {
    value: T,
    /// The owner's waker, if it waits with another than its task's.
    other_waker: Option<Waker>,
}

/// A value that is known to be `Send` since it was wrapped: code that only passes it on needs no `Send` bound.
///
/// A message with a reply can move between threads whatever the type of the answer. An answer that is not `Send` is one
/// compile error, at the code that answers.
#[repr(transparent)]
pub(crate) struct CheckedSend<T>(T);

// SAFETY: a `CheckedSend<T>` only exists where `T: Send` holds: `new` requires that, and nothing else constructs one.
unsafe impl<T> Send for CheckedSend<T> {}

impl<T> CheckedSend<T> {
    #[inline(always)]
    pub(crate) fn new(value: T) -> CheckedSend<T>
    where
        T: Send,
    {
        CheckedSend(value)
    }

    #[inline(always)]
    pub(crate) fn into_inner(self) -> T {
        self.0
    }
}

/// The states of a waiting owner, by the waker that it waits with.
struct WaitState;

impl WaitState {
    const IDLE: u8 = 0;
    const BY_TASK: u8 = 1;
    const BY_OTHER: u8 = 2;
}

// SAFETY: the lock hands the value to one thread at a time, as a mutex does, so `T: Send` is enough. The wakers
// are used by several threads: `Waker` is `Send` and `Sync`.
unsafe impl<T: Send> Sync for WakingLock<T> {}

/// The number of spin rounds, each twice as long as the one before, before a thread yields.
const SPIN_ROUNDS: u32 = 7;

impl<T> WakingLock<T> {
    pub(crate) fn new(value: T) -> WakingLock<T> {
        WakingLock::with(0, value)
    }

    /// Creates a lock with a number beside the value, which can be read without locking.
    pub(super) fn with(constant: u32, value: T) -> WakingLock<T> {
        WakingLock {
            locked: AtomicBool::new(false),
            waking: AtomicBool::new(false),
            wait_state: AtomicU8::new(WaitState::IDLE),
            constant,
            task: GuardedCell::new(None),
            contents: GuardedCell::new(Contents { value, other_waker: None }),
        }
    }

    /// Returns the number that the lock was created with.
    #[inline]
    pub(super) fn constant(&self) -> u32 {
        self.constant
    }

    #[inline]
    pub(crate) fn lock(&self) -> Guard<'_, T> {
        if !self.try_acquire() {
            self.spin();
        }
        Guard { contents: self.contents.exclusive(), held: Held(self) }
    }

    #[inline]
    fn try_acquire(&self) -> bool {
        self.locked.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    #[cold]
    fn spin(&self) {
        let mut round = 0;
        loop {
            if round < SPIN_ROUNDS {
                (0..1 << round).for_each(|_| spin_loop());
                round += 1;
            } else {
                yield_now();
            }
            if !self.locked.load(Ordering::Relaxed) && self.try_acquire() {
                return;
            }
        }
    }

    /// Wakes the owner's task. The caller has set `waking`.
    fn wake(&self) {
        let _waking = ClearWaking(&self.waking);
        let task = self.task.shared();
        // SAFETY: no thread writes the waker while `waking` is set, which is until `_waking` is dropped at the end of
        // this function. The reference ends before that.
        if let Some(task) = unsafe { &*task.as_ptr() } {
            task.wake_by_ref();
        }
    }
}

/// Clears `waking` when dropped, also if the waker panics.
struct ClearWaking<'a>(&'a AtomicBool);

impl Drop for ClearWaking<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// The held lock. Dropping it unlocks.
pub(crate) struct Guard<'a, T> {
    // Fields are dropped in order: the access ends before the lock opens.
    contents: Exclusive<'a, Contents<T>>,
    held: Held<'a, T>,
}

struct Held<'a, T>(&'a WakingLock<T>);

impl<T> Drop for Held<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.0.locked.store(false, Ordering::Release);
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the lock is held for the guard's lifetime, and the reference is bound to a borrow of the guard.
        unsafe { &(*self.contents.as_ptr()).value }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the lock is held for the guard's lifetime. The guard is mutably borrowed, so no other reference to
        // the value exists.
        unsafe { &mut (*self.contents.as_ptr()).value }
    }
}

impl<T> Guard<'_, T> {
    /// Sets the waker of the owner's task. Returns the waker that is not used any more, to be dropped outside of the
    /// lock: the former one, or the new one as `Err` while a thread wakes the task.
    pub(super) fn set_waker(&mut self, task: Option<Waker>) -> Result<Option<Waker>, Option<Waker>> {
        // `waking` is set under the lock only, so it stays clear from here on.
        if self.held.0.waking.load(Ordering::Acquire) {
            return Err(task);
        }
        let current = self.held.0.task.exclusive();
        // SAFETY: this thread holds the lock and `waking` is clear, so no other thread accesses the waker.
        Ok(mem::replace(unsafe { &mut *current.as_ptr() }, task))
    }

    /// Returns a clone of the task's waker, whether the owner waits or not.
    pub(super) fn task(&self) -> Option<Waker> {
        let task = self.held.0.task.shared();
        // SAFETY: the waker is written under the lock only, which this thread holds.
        unsafe { &*task.as_ptr() }.clone()
    }

    /// Marks that the owner waits: the next `unlock_and_wake` wakes `waker`.
    #[inline(always)]
    pub(super) fn wait(&mut self, waker: &Waker) {
        let by_task = {
            let task = self.held.0.task.shared();
            // SAFETY: the waker is written under the lock only, which this thread holds.
            unsafe { &*task.as_ptr() }.as_ref().is_some_and(|task| task.will_wake(waker))
        };
        let usual = self.held.0.wait_state.load(Ordering::Relaxed) != WaitState::BY_OTHER;
        if by_task && usual && !self.held.0.waking.load(Ordering::Acquire) {
            self.held.0.wait_state.store(WaitState::BY_TASK, Ordering::Relaxed);
        } else {
            self.wait_with_clone(waker);
        }
    }

    /// Marks that the owner waits with a waker that is stored for this one wait.
    #[cold]
    fn wait_with_clone(&mut self, waker: &Waker) {
        self.replace_other_waker(Some(waker.clone()));
        self.held.0.wait_state.store(WaitState::BY_OTHER, Ordering::Relaxed);
    }

    /// Marks that the owner does not wait any more.
    pub(super) fn cancel_wait(&mut self) {
        self.held.0.wait_state.store(WaitState::IDLE, Ordering::Relaxed);
        self.replace_other_waker(None);
    }

    /// Returns whether the owner waits.
    pub(super) fn is_owner_waiting(&self) -> bool {
        self.held.0.wait_state.load(Ordering::Relaxed) != WaitState::IDLE
    }

    fn replace_other_waker(&mut self, waker: Option<Waker>) -> Option<Waker> {
        // SAFETY: the lock is held for the guard's lifetime. The guard is mutably borrowed, so no other reference to
        // the contents exists.
        mem::replace(unsafe { &mut (*self.contents.as_ptr()).other_waker }, waker)
    }

    /// Unlocks, and wakes the owner if it waits.
    #[inline(always)]
    pub(super) fn unlock_and_wake(self) {
        let lock = self.held.0;
        match lock.wait_state.load(Ordering::Relaxed) {
            WaitState::IDLE => {}
            WaitState::BY_TASK => {
                lock.wait_state.store(WaitState::IDLE, Ordering::Relaxed);
                lock.waking.store(true, Ordering::Relaxed);
                drop(self);
                lock.wake();
            }
            _ => self.wake_other(),
        }
    }

    #[cold]
    fn wake_other(mut self) {
        self.held.0.wait_state.store(WaitState::IDLE, Ordering::Relaxed);
        let waker = self.replace_other_waker(None);
        drop(self);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
