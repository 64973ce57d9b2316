//! Messages in a mailbox: their origin and their addressee.

use crate::base::MessageContext;

/// A message, its origin, and the trace context of its sender.
#[derive(Debug)]
pub(crate) struct Entry<M> {
    pub(crate) origin: Origin,
    pub(crate) context: MessageContext,
    pub(crate) message: M,
}

/// The origin of a message: `demonitor(flush)` finds a queued `Down` by it, and a bound counts only what others sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "upgrade", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Origin(u64);

impl Origin {
    /// A process or other code sent it.
    pub(crate) const SENT: Origin = Origin(0);
    /// Sent to any owner before a start had succeeded: held over failed starts.
    pub(crate) const HELD: Origin = Origin(u64::MAX);
    /// Made by the runtime, or by the process's own timer.
    pub(crate) const OWN: Origin = Origin(u64::MAX - 1);

    /// The `Down` of this monitor.
    pub(crate) const fn monitor(reference: u64) -> Origin {
        Origin(reference)
    }

    /// Returns whether a bound counts the message.
    #[inline]
    pub(super) const fn is_sent(self) -> bool {
        // SENT and HELD in one comparison.
        self.0.wrapping_add(1) <= 1
    }
}

/// The process that a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Addressee {
    /// The process with this number, and none that follows it in the same cell.
    Process(u64),
    /// The process that reads the mailbox, now or next: a child that may have been restarted.
    AnyOwner,
}

impl Addressee {
    /// The process with this number, or any owner if the number is zero, which stands for a vacant cell.
    pub(crate) fn of(number: u64) -> Addressee {
        if number == 0 { Addressee::AnyOwner } else { Addressee::Process(number) }
    }
}

/// A message that was not taken, handed back to its sender.
pub(crate) enum Refused<M> {
    /// The addressee does not exist, or no longer.
    Gone(M),
    /// The mailbox is full.
    Full(M),
}
