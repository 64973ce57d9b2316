//! The flags of a process: the events that it handles before its next message.
//!
//! All flags are bits of one atomic number. While all are clear, which is nearly always, a poll finds out with one load,
//! however many kinds of event there are.

use crate::sync::atomic::{AtomicU16, Ordering};

/// An exit reason is set: the process ends with its next poll.
pub(in crate::process) const EXITING: u16 = 1;
/// A server has a pending stop, which it handles between two messages.
pub(in crate::process) const STOPPING: u16 = 1 << 1;
/// The statistics of the mailbox are to be brought up to date.
pub(in crate::process) const STATS_REQUESTED: u16 = 1 << 2;
/// The mailbox is known to be long: an alarm is raised.
pub(in crate::process) const LONG: u16 = 1 << 3;
/// The messages of the process are traced.
pub(in crate::process) const TRACED: u16 = 1 << 4;
/// A deadlock check waits for the confirmation that the process waits for a call and for nothing else.
pub(in crate::process) const DEADLOCK_CHECK: u16 = 1 << 5;
/// A server has pending system requests.
pub(in crate::process) const SYSTEM_REQUEST: u16 = 1 << 6;
/// A server is suspended.
pub(in crate::process) const SUSPENDED: u16 = 1 << 7;
/// The process has no waker yet: it has not been polled, or its task has a new waker.
pub(in crate::process) const NO_WAKER: u16 = 1 << 8;

/// The answers of the process wait to be sent: it takes no message until fewer of them do.
pub(in crate::process) const ANSWERS_WAIT: u16 = 1 << 9;

/// The flags of one process.
pub(in crate::process) struct Flags(AtomicU16);

impl Flags {
    pub(in crate::process) fn new(bits: u16) -> Flags {
        Flags(AtomicU16::new(bits))
    }

    #[inline]
    pub(in crate::process) fn get(&self) -> u16 {
        self.0.load(Ordering::Acquire)
    }

    /// Sets a flag; returns whether it was clear.
    #[inline]
    pub(in crate::process) fn set(&self, flag: u16) -> bool {
        self.0.fetch_or(flag, Ordering::Release) & flag == 0
    }

    /// Clears a flag; returns whether it was set.
    #[inline]
    pub(in crate::process) fn clear(&self, flag: u16) -> bool {
        self.0.fetch_and(!flag, Ordering::AcqRel) & flag != 0
    }

    /// Replaces all flags, for the cell's next incarnation.
    pub(in crate::process) fn reset(&self, bits: u16) {
        self.0.store(bits, Ordering::Relaxed);
    }
}
