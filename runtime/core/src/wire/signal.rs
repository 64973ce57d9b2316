//! Signals between processes.

use crate::base::{Exit, MonitorRef};

/// A signal from one process to another, on one node or between two.
///
/// A signal is not a message. The receiver's [`Relations`](crate::signal::Relations) decide whether it becomes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Links the two processes.
    Link,
    /// Removes the link. The sender waits for the acknowledgement with the same id.
    Unlink { id: u64 },
    /// Acknowledges an `Unlink`. It comes before any later signal to that process.
    UnlinkAck { id: u64 },
    /// The sender ended (`linked`), or requests that the receiver ends.
    Exit { reason: Exit, linked: bool },
    /// Requests that the receiver stops in good order. A server first handles the messages that came before.
    Stop { reason: Exit },
    /// The sender monitors the receiver. If that is a supervised child which is being restarted, the monitor `waits` for its
    /// next incarnation, or is answered with the reason of the last exit.
    Monitor { reference: MonitorRef, waits: bool },
    /// The sender does not monitor the receiver any more.
    Demonitor { reference: MonitorRef },
    /// The sender, which the receiver monitored, has ended.
    Down { reference: MonitorRef, reason: Exit },
}

impl Signal {
    /// Returns the signal with a reason whose texts have at most `max` bytes.
    #[cfg(feature = "net")]
    pub(crate) fn shortened(self, max: usize) -> Signal {
        match self {
            Signal::Exit { reason, linked } => Signal::Exit { reason: reason.shortened(max), linked },
            Signal::Stop { reason } => Signal::Stop { reason: reason.shortened(max) },
            Signal::Down { reference, reason } => Signal::Down { reference, reason: reason.shortened(max) },
            other => other,
        }
    }
}
