use crate::base::{Exit, MonitorRef};

/// What one process tells another beside messages.
///
/// The same within a node and between two. A signal is never a message: the receiver's own
/// [`Relations`](crate::signal::Relations) decide whether one becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// The two share their fate from now on.
    Link,
    /// No longer, says the sender, and waits for the acknowledgement with the same id.
    Unlink { id: u64 },
    /// The answer to `Unlink`; precedes any later signal to that process.
    UnlinkAck { id: u64 },
    /// The sender ended (`linked`), or wants the receiver to.
    Exit { reason: Exit, linked: bool },
    /// The sender wants the receiver to stop in good order: a server behind what was sent to it before.
    Stop { reason: Exit },
    /// The sender watches the receiver.
    Monitor { reference: MonitorRef },
    /// No longer.
    Demonitor { reference: MonitorRef },
    /// The sender, who was watched, ended.
    Down { reference: MonitorRef, reason: Exit },
}
