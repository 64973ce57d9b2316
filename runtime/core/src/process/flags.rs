//! What a process has to see to before its next message, as bits of one number: while all are clear, which is nearly
//! always, one load tells it so, whatever the number of things that others may want of it.

use crate::sync::atomic::{AtomicU16, Ordering};

/// Its end has been decided.
pub(super) const DOOMED: u16 = 1;
/// It has been told to stop, as a server between two messages.
pub(super) const STOPPING: u16 = 1 << 1;
/// Somebody wants its mailbox's figures brought up to date.
pub(super) const ASKED: u16 = 1 << 2;
/// Its mailbox is known to be long.
pub(super) const LONG: u16 = 1 << 3;
/// Somebody traces its messages.
pub(super) const TRACED: u16 = 1 << 4;
/// Somebody asks whether it waits for a call and for nothing else.
pub(super) const INQUIRED: u16 = 1 << 5;
/// A server has been asked for something beside its messages.
pub(super) const SYSTEM: u16 = 1 << 6;
/// A server rests.
pub(super) const SUSPENDED: u16 = 1 << 7;
/// It has not had its first turn.
pub(super) const NEW: u16 = 1 << 8;

/// The flags of one process.
pub(super) struct Flags(AtomicU16);

impl Flags {
    pub(super) fn new(bits: u16) -> Flags {
        Flags(AtomicU16::new(bits))
    }

    #[inline]
    pub(super) fn get(&self) -> u16 {
        self.0.load(Ordering::Acquire)
    }

    /// Sets a bit; whether it was clear.
    #[inline]
    pub(super) fn set(&self, bit: u16) -> bool {
        self.0.fetch_or(bit, Ordering::Release) & bit == 0
    }

    /// Clears a bit; whether it was set.
    #[inline]
    pub(super) fn clear(&self, bit: u16) -> bool {
        self.0.fetch_and(!bit, Ordering::AcqRel) & bit != 0
    }

    /// The flags of the next process.
    pub(super) fn reset(&self, bits: u16) {
        self.0.store(bits, Ordering::Relaxed);
    }
}
