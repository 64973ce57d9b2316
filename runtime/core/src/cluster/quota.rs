//! The number of relations that one peer may have with the processes of this node.
//!
//! A relation is a link, or a monitor of the peer. It ends in many ways, some of which this module does not see. So the
//! quota counts only those that begin, and from time to time the relations that there are. Counting takes time in
//! proportion to their number:
//!
//! - It is due after as many beginnings as there was room at the last count.
//! - If a count finds little room, the next one follows a second later at the earliest.
//!
//! Invariant: there are never more relations than the limit. Pure.

use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Quota {
    limit: usize,
    /// The number that may begin before the next count.
    left: usize,
    /// The time of the next count, if the last one found little room.
    next_count: Option<Instant>,
}

/// The time between two counts that find little room.
const PAUSE: Duration = Duration::from_secs(1);
/// The part of the limit that is little room.
const LITTLE: usize = 16;

impl Quota {
    pub(super) fn new(limit: usize) -> Quota {
        Quota { limit, left: limit, next_count: None }
    }

    /// Returns a quota of a peer that has relations already: they are counted before the next one begins.
    #[cfg(all(feature = "upgrade", unix))]
    pub(super) fn uncounted(limit: usize) -> Quota {
        Quota { left: 0, ..Quota::new(limit) }
    }

    /// Returns whether one more relation may begin. `count` returns the number of relations, and is called if that is due.
    pub(super) fn take(&mut self, now: Instant, count: impl FnOnce() -> usize) -> bool {
        if self.left == 0 && self.next_count.is_none_or(|at| at <= now) {
            self.left = self.limit.saturating_sub(count());
            self.next_count = (self.left < self.limit / LITTLE).then(|| now + PAUSE);
        }
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_relations_begin_as_the_limit_permits() {
        let (mut quota, start) = (Quota::new(100), Instant::now());
        let mut relations = 0;
        for _ in 0..1000 {
            if quota.take(start, || relations) {
                relations += 1;
            }
        }
        assert_eq!(relations, 100);
        // Some have ended, but they are counted only after a pause.
        relations = 97;
        assert!(!quota.take(start + PAUSE / 2, || unreachable!()));
        let taken = (0..100).filter(|_| quota.take(start + PAUSE, || relations)).count();
        assert_eq!(taken, 3);
        assert!(!quota.take(start + PAUSE * 3 / 2, || unreachable!()));
    }

    #[test]
    fn relations_that_begin_and_end_are_counted_seldom_and_never_refused() {
        let (mut quota, start) = (Quota::new(100), Instant::now());
        let mut counts = 0;
        for _ in 0..10_000 {
            assert!(quota.take(start, || {
                counts += 1;
                90
            }));
        }
        assert_eq!(counts, 990);
    }
}
