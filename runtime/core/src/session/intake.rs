//! The frames that a session accepts of its peer while the owner of the connection has little room.
//!
//! A peer's large frames can arrive faster than they are decoded. The pieces of further ones are then not acknowledged,
//! so the peer stops them after a window, and goes on with small frames. A peer that fills the memory in spite of that is
//! not read.

use std::time::Instant;

use super::{PROBE, Session, State};

/// The frames that a session accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Intake {
    #[default]
    All,
    /// Pieces of large frames are not acknowledged.
    Small,
    /// The driver does not read.
    Nothing,
}

impl Session {
    /// Sets what is accepted from now on.
    pub(crate) fn set_intake(&mut self, now: Instant, intake: Intake) {
        self.extend_deadlines(now);
        self.intake = intake;
    }

    /// Returns `true` if the driver should read.
    pub(crate) fn is_read(&self) -> bool {
        self.intake != Intake::Nothing
    }

    /// Gives the peer more time if its bytes are not read: its signs of life are among them.
    pub(super) fn extend_deadlines(&mut self, now: Instant) {
        if self.is_read() || !matches!(self.state, State::Up(_)) {
            return;
        }
        self.silent_at = now + self.tick;
        if let Some(end) = &mut self.probe_end {
            *end = now + PROBE;
        }
    }
}
