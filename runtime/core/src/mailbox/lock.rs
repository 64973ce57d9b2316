//! The lock around a mailbox, or around an answer, and the bell by which whoever fills it wakes its owner.
//!
//! A [`Lock`] spins: what is done under it is a handful of moves, so a wait is shorter than going to sleep would be. Who
//! finds it held waits a little, then longer each time, and after some microseconds gives its turn to other threads at
//! each look: so a holder that the system has put aside costs the others their turns and nothing worse. The one
//! thing under it that can take long is the copying when a flooded queue grows: some milliseconds for millions of
//! messages, once for each doubling; a lock that sleeps would make its waiters wait as long.
//!
//! The bell is the owner's task. The owner hangs it up once ([`set_waker`](Guard::set_waker)); before it waits it says so
//! ([`wait`](Guard::wait)), and the next one who leaves by [`unlock_and_wake`](Guard::unlock_and_wake) wakes it, outside of the lock and
//! by reference: to clone a waker for each wait is much of what a message costs. An owner that waits by another waker than
//! its task's (inside a `select!` of somebody's own making), or while it is still being woken for what came before, has a
//! clone kept, and taken.
//!
//! States of the bell: silent → awaited (the owner waits) → ringing (somebody wakes it) → silent.
//!
//! Invariants: all that is guarded is touched by the lock's holder only, but for one thing: whoever has set `ringing`,
//! under the lock, reads the task's waker outside of it until it clears `ringing` again. While `ringing` is set nobody sets
//! it anew, since the owner does not wait by its task then; and the task's waker is neither replaced nor dropped.

#![allow(unsafe_code)]

use std::ops::{Deref, DerefMut};
use std::task::Waker;

use crate::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use crate::sync::{Guarded, Visit, spin_loop, yield_now};

/// A value that one thread at a time reaches, and whose owner can wait for others.
// In this order, so that all that a sender touches lies together: of a process that has not run for a while, each part that
// lies apart is to be fetched from memory by itself.
#[repr(C)]
pub(crate) struct Lock<T> {
    held: AtomicBool,
    /// Somebody wakes the owner by `task`, without holding the lock.
    ringing: AtomicBool,
    /// Whether the owner waits: a [`Waits`], read and written under the lock.
    waits: AtomicU8,
    /// A number that never changes, for which there is room here.
    constant: u32,
    task: Guarded<Option<Waker>>,
    inside: Guarded<Inside<T>>,
}

#[repr(C)]
struct Inside<T> {
    value: T,
    /// The owner's waker, if it waits by another than its task's.
    other: Option<Waker>,
}

/// A value that may change threads, which was asked where it was put in: whatever only hands it on need not ask again.
///
/// So a message that carries a reply may move between threads whatever the answer is, and an answer that may not is told
/// once: where somebody answers with it.
#[repr(transparent)]
pub(crate) struct Carried<T>(T);

// SAFETY: there is one only where `T: Send` was known, since `new` asks for that and nothing else makes one.
unsafe impl<T> Send for Carried<T> {}

impl<T> Carried<T> {
    #[inline(always)]
    pub(crate) fn new(value: T) -> Carried<T>
    where
        T: Send,
    {
        Carried(value)
    }

    #[inline(always)]
    pub(crate) fn into_inner(self) -> T {
        self.0
    }
}

/// How the owner is woken.
struct Waits;

impl Waits {
    const NOT: u8 = 0;
    const BY_TASK: u8 = 1;
    const BY_OTHER: u8 = 2;
}

// SAFETY: the value is handed out to one thread at a time, as by a mutex; the waker is `Sync`.
unsafe impl<T: Send> Sync for Lock<T> {}

/// After this many rounds of looking, each twice as long as the one before, others have their turn.
const PATIENCE: u32 = 7;

impl<T> Lock<T> {
    pub(crate) fn new(value: T) -> Lock<T> {
        Lock::with(0, value)
    }

    /// The same with a number beside the value, which everybody may read.
    pub(super) fn with(constant: u32, value: T) -> Lock<T> {
        Lock {
            held: AtomicBool::new(false),
            ringing: AtomicBool::new(false),
            waits: AtomicU8::new(Waits::NOT),
            constant,
            task: Guarded::new(None),
            inside: Guarded::new(Inside { value, other: None }),
        }
    }

    /// The number that it was made with.
    #[inline]
    pub(super) fn constant(&self) -> u32 {
        self.constant
    }

    #[inline]
    pub(crate) fn lock(&self) -> Guard<'_, T> {
        if !self.try_hold() {
            self.spin();
        }
        Guard { inside: self.inside.visit(), held: Held(self) }
    }

    #[inline]
    fn try_hold(&self) -> bool {
        self.held.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    #[cold]
    fn spin(&self) {
        let mut round = 0;
        loop {
            if round < PATIENCE {
                (0..1 << round).for_each(|_| spin_loop());
                round += 1;
            } else {
                yield_now();
            }
            if !self.held.load(Ordering::Relaxed) && self.try_hold() {
                return;
            }
        }
    }

    /// Wakes the owner's task. Whoever calls it has set `ringing`.
    fn wake(&self) {
        let _ringing = Ringing(&self.ringing);
        let task = self.task.look();
        // SAFETY: while `ringing` is set, which is until the end of this function, nobody writes the waker.
        if let Some(task) = unsafe { &*task.place() } {
            task.wake_by_ref();
        }
    }
}

/// The bell rings, until this is dropped: also if the waker panics.
struct Ringing<'a>(&'a AtomicBool);

impl Drop for Ringing<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// The lock, held. Dropped, it is open again.
pub(crate) struct Guard<'a, T> {
    // Ends before the lock opens: fields are dropped in this order.
    inside: Visit<'a, Inside<T>>,
    held: Held<'a, T>,
}

struct Held<'a, T>(&'a Lock<T>);

impl<T> Drop for Held<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.0.held.store(false, Ordering::Release);
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the lock is held as long as this guard lives, and the borrow is no longer than the guard's.
        unsafe { &(*self.inside.place()).value }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above; the guard is borrowed mutably, so no other reference comes from it.
        unsafe { &mut (*self.inside.place()).value }
    }
}

impl<T> Guard<'_, T> {
    /// Makes `task` what wakes the owner. Hands back the waker that is out of use, to be dropped outside of the lock: the
    /// new one, with `Err`, if somebody is just ringing.
    pub(super) fn set_waker(&mut self, task: Option<Waker>) -> Result<Option<Waker>, Option<Waker>> {
        // It is set under the lock only, so nobody begins to ring meanwhile.
        if self.held.0.ringing.load(Ordering::Acquire) {
            return Err(task);
        }
        let place = self.held.0.task.visit();
        // SAFETY: the lock is held and nobody rings, so nobody else reaches the waker.
        Ok(std::mem::replace(unsafe { &mut *place.place() }, task))
    }

    /// What wakes the owner, whether it waits or not.
    pub(super) fn task(&self) -> Option<Waker> {
        let task = self.held.0.task.look();
        // SAFETY: it is written under the lock only, which is held here.
        unsafe { &*task.place() }.clone()
    }

    /// The owner waits, and has `waker` woken by the next who rings.
    #[inline(always)]
    pub(super) fn wait(&mut self, waker: &Waker) {
        let by_task = {
            let task = self.held.0.task.look();
            // SAFETY: it is written under the lock only, which is held here.
            unsafe { &*task.place() }.as_ref().is_some_and(|task| task.will_wake(waker))
        };
        let usual = self.held.0.waits.load(Ordering::Relaxed) != Waits::BY_OTHER;
        if by_task && usual && !self.held.0.ringing.load(Ordering::Acquire) {
            self.held.0.waits.store(Waits::BY_TASK, Ordering::Relaxed);
        } else {
            self.wait_by(waker);
        }
    }

    /// The same with a waker that is kept for this once.
    #[cold]
    fn wait_by(&mut self, waker: &Waker) {
        self.set_other(Some(waker.clone()));
        self.held.0.waits.store(Waits::BY_OTHER, Ordering::Relaxed);
    }

    /// The owner does not wait any more.
    pub(super) fn cancel_wait(&mut self) {
        self.held.0.waits.store(Waits::NOT, Ordering::Relaxed);
        self.set_other(None);
    }

    /// Whether the owner waits.
    pub(super) fn is_awaited(&self) -> bool {
        self.held.0.waits.load(Ordering::Relaxed) != Waits::NOT
    }

    fn set_other(&mut self, waker: Option<Waker>) -> Option<Waker> {
        // SAFETY: as in `deref_mut`.
        std::mem::replace(unsafe { &mut (*self.inside.place()).other }, waker)
    }

    /// Opens the lock, and wakes the owner if it waits.
    #[inline(always)]
    pub(super) fn unlock_and_wake(self) {
        let lock = self.held.0;
        match lock.waits.load(Ordering::Relaxed) {
            Waits::NOT => {}
            Waits::BY_TASK => {
                lock.waits.store(Waits::NOT, Ordering::Relaxed);
                lock.ringing.store(true, Ordering::Relaxed);
                drop(self);
                lock.wake();
            }
            _ => self.ring_other(),
        }
    }

    #[cold]
    fn ring_other(mut self) {
        self.held.0.waits.store(Waits::NOT, Ordering::Relaxed);
        let waker = self.set_other(None);
        drop(self);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
