//! What a process has to see to before its next message, as bits of one number: while all are clear, which is nearly
//! always, one load tells it so, whatever the number of things that others may want of it.

use super::Cell;
use crate::base::Protocol;
use crate::sync::atomic::Ordering;

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

impl<M: Protocol> Cell<M> {
    pub(super) fn flags(&self) -> u16 {
        self.flags.load(Ordering::Acquire)
    }

    /// Sets a bit; whether it was clear.
    pub(super) fn set_flag(&self, bit: u16) -> bool {
        self.flags.fetch_or(bit, Ordering::Release) & bit == 0
    }

    /// Clears a bit; whether it was set.
    pub(super) fn clear_flag(&self, bit: u16) -> bool {
        self.flags.fetch_and(!bit, Ordering::AcqRel) & bit != 0
    }
}
