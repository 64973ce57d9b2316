//! The counts of a mailbox, and the length from which its pushes are reported.

use std::panic::Location;

/// The counts that the owner publishes when it takes messages over or begins to wait.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::mailbox) struct ReaderStats {
    /// Messages that a receive took.
    pub(in crate::mailbox) handled: u64,
    /// Calls among them.
    pub(in crate::mailbox) calls: u64,
    /// The source location of its receive, if known.
    pub(in crate::mailbox) location: Option<&'static Location<'static>>,
    /// Messages in its save queue.
    pub(in crate::mailbox) saved: u32,
    /// Messages that it has taken over and not looked at.
    pub(in crate::mailbox) batch: u32,
}

/// The counts of a mailbox. Those of a running owner are as old as its last take-over.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MailboxStats {
    /// Messages that no receive has looked at.
    pub(crate) waiting: u64,
    /// Messages in the save queue.
    pub(crate) saved: u64,
    /// Messages in the wait queue.
    pub(crate) waiters: u64,
    pub(crate) received: u64,
    pub(crate) handled: u64,
    pub(crate) calls: u64,
    pub(crate) refused: u64,
    pub(crate) dropped: u64,
    /// The mailbox's memory in bytes, without the heap memory of its messages.
    pub(crate) bytes: u64,
    /// The source location of the owner's receive, if known.
    pub(crate) location: Option<&'static Location<'static>>,
    /// True if the owner waits for a message.
    pub(crate) is_owner_waiting: bool,
}

/// The number of messages from which on a push is reported to the [observer](super::PushObserver).
///
/// Zero while the owner is traced; otherwise the push that makes the mailbox long, or [`NEVER`](Self::NEVER). One
/// number for all three, so that a push costs one comparison whether it is observed or not.
#[derive(Clone, Copy)]
pub(super) struct ReportThreshold(u64);

impl ReportThreshold {
    const ALWAYS: ReportThreshold = ReportThreshold(0);

    /// For a mailbox that is known to be long, until the owner finds that it is short again.
    const NEVER: ReportThreshold = ReportThreshold(u64::MAX);

    /// For an owner that has received nothing: reports the push that makes `long` messages.
    pub(super) fn new(long: u32) -> ReportThreshold {
        ReportThreshold(u64::from(long))
    }

    /// Returns whether the next push is reported, after so many.
    #[inline(always)]
    pub(super) fn is_reached(self, pushed: u64) -> bool {
        pushed + 1 >= self.0
    }

    /// Follows the owner, which has received all of `pushed` messages but `present`.
    #[inline(always)]
    pub(super) fn update(&mut self, pushed: u64, long: u32, present: u32) {
        // Neither ALWAYS nor NEVER, in one comparison.
        if self.0.wrapping_sub(1) < ReportThreshold::NEVER.0 - 1 {
            self.0 = pushed + u64::from(long.saturating_sub(present));
        }
    }

    /// Sets it anew: `traced` reports every push, otherwise the push that adds `room` messages to `pushed`. `is_long`:
    /// it has been reported that the mailbox is long.
    pub(super) fn set(&mut self, traced: bool, is_long: bool, pushed: u64, room: u64) {
        *self = match (traced, room) {
            (true, _) => ReportThreshold::ALWAYS,
            (false, 0) if is_long => ReportThreshold::NEVER,
            (false, room) => ReportThreshold(pushed + room),
        };
    }
}
