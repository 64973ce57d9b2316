//! The bytes of incomplete frames on all connections of a node, and their bound.
//!
//! Each session has a [`Share`] of the node's [`ReassemblyBudget`]. If a piece makes all shares together exceed the
//! budget, the session with the largest share ends, whichever session received the piece. The other sessions go on. A
//! member that keeps many frames incomplete so loses its own connection before it can end that of another member.
//!
//! A session that is not reading is ended by its waker. It could also wait until there is room, but a member that never
//! completes its frames would then make all others wait for good.
//!
//! Invariants:
//! - `bytes` is the sum of `shares`, and at most the limit after each change.
//! - A share is in the table while it has bytes. It is not if its session has to end.
//! - A session that is dropped has no share.

use std::sync::Arc;
use std::task::Waker;

use super::SessionError;
use crate::base::SortedMap;
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The bound on the bytes of incomplete frames on all connections of a node. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct ReassemblyBudget {
    table: Arc<Mutex<Table>>,
    limit: usize,
}

#[derive(Debug, Default)]
struct Table {
    bytes: usize,
    shares: SortedMap<u64, Held>,
    last_id: u64,
}

#[derive(Debug, Default)]
struct Held {
    bytes: usize,
    /// The waker of the session's driver.
    waker: Option<Waker>,
}

/// The part of the budget that one session uses. It is returned when the share is dropped.
pub(super) struct Share {
    budget: ReassemblyBudget,
    id: u64,
    bytes: usize,
}

impl ReassemblyBudget {
    /// Returns an unused budget of so many bytes.
    pub(super) fn new(limit: usize) -> ReassemblyBudget {
        ReassemblyBudget { table: Arc::default(), limit }
    }

    /// Returns the bytes of all incomplete frames.
    #[cfg(test)]
    pub(crate) fn used(&self) -> usize {
        self.lock().bytes
    }

    /// Returns an empty share.
    pub(super) fn share(&self) -> Share {
        let mut table = self.lock();
        table.last_id += 1;
        Share { budget: self.clone(), id: table.last_id, bytes: 0 }
    }

    // A panic while the lock was held cannot have left a change half done.
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// Adds the bytes of a piece. Above the budget the session with the most bytes ends.
    ///
    /// # Errors
    /// This is that session.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), SessionError> {
        let mut table = self.budget.lock();
        if self.bytes > 0 && !table.shares.contains_key(&self.id) {
            return Err(self.error());
        }
        self.bytes += bytes;
        table.bytes += bytes;
        table.shares.get_or_insert_with(self.id, Held::default).bytes += bytes;
        let mut wakers = Vec::new();
        while table.bytes > self.budget.limit
            && let Some(largest) = table.shares.iter().max_by_key(|(_, held)| held.bytes).map(|(id, _)| *id)
        {
            wakers.extend(table.remove(largest));
        }
        let remains = table.shares.contains_key(&self.id);
        drop(table);
        wakers.into_iter().for_each(Waker::wake);
        if remains { Ok(()) } else { Err(self.error()) }
    }

    /// Subtracts the bytes of a complete frame.
    pub(super) fn shrink(&mut self, bytes: usize) {
        let mut table = self.budget.lock();
        self.bytes -= bytes;
        if let Some(held) = table.shares.get_mut(&self.id) {
            held.bytes -= bytes;
            table.bytes -= bytes;
            if self.bytes == 0 {
                table.remove(self.id);
            }
        }
    }

    /// Has `waker` woken if the session has to end.
    ///
    /// # Errors
    /// It has to end now.
    pub(super) fn check(&self, waker: &Waker) -> Result<(), SessionError> {
        if self.bytes == 0 {
            return Ok(());
        }
        match self.budget.lock().shares.get_mut(&self.id) {
            Some(Held { waker: Some(old), .. }) => old.clone_from(waker),
            Some(held) => held.waker = Some(waker.clone()),
            None => return Err(self.error()),
        }
        Ok(())
    }

    fn error(&self) -> SessionError {
        SessionError::TooManyNodeBytes { limit: self.budget.limit }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.lock().remove(self.id);
    }
}

impl Table {
    /// Removes a share, and returns the waker of its session.
    fn remove(&mut self, id: u64) -> Option<Waker> {
        let held = self.shares.remove(&id)?;
        self.bytes -= held.bytes;
        held.waker
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;
    use crate::session::Limits;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn the_largest_share_ends_and_the_others_go_on() {
        let budget = ReassemblyBudget::new(100);
        let [mut small, mut large, mut other] = [budget.share(), budget.share(), budget.share()];
        let (wakes, waker) = {
            let wakes = Arc::new(Wakes::default());
            (Arc::clone(&wakes), Waker::from(wakes))
        };
        for (share, bytes) in [(&mut small, 30), (&mut large, 50), (&mut other, 20)] {
            assert_eq!(share.grow(bytes), Ok(()));
            assert_eq!(share.check(&waker), Ok(()));
        }
        assert_eq!((budget.used(), wakes.0.load(Ordering::Relaxed)), (100, 0));
        assert_eq!(other.grow(1), Ok(()));
        assert_eq!((budget.used(), wakes.0.load(Ordering::Relaxed)), (51, 1));
        let error = Err(SessionError::TooManyNodeBytes { limit: 100 });
        assert_eq!(large.check(&waker), error);
        assert_eq!(large.grow(1), error);
        large.shrink(50);
        assert_eq!(small.check(&waker), Ok(()));
        drop(large);
        assert_eq!(small.grow(49), Ok(()));
        assert_eq!(small.grow(1), error, "its own is the largest now");
        assert_eq!(other.check(&waker), Ok(()));
        assert_eq!(budget.used(), 21);
        drop((small, other));
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn a_frame_that_is_complete_returns_its_bytes() {
        let budget = ReassemblyBudget::new(100);
        let mut share = budget.share();
        for _ in 0..100 {
            assert_eq!(share.grow(60), Ok(()));
            assert_eq!(share.grow(40), Ok(()));
            share.shrink(100);
            assert_eq!(budget.used(), 0);
        }
        assert!(budget.lock().shares.is_empty());
    }

    #[test]
    fn one_connection_alone_is_bounded_by_its_own_limit() {
        let budget = Limits { reassembly: 10, node_reassembly: 1, ..Limits::default() }.reassembly_budget();
        assert_eq!(budget.share().grow(10), Ok(()));
        assert_eq!(budget.share().grow(11), Err(SessionError::TooManyNodeBytes { limit: 10 }));
    }
}
