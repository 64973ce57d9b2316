/// A message and where it came from.
#[derive(Debug)]
pub(crate) struct Entry<M> {
    pub(crate) origin: Origin,
    pub(crate) message: M,
}

/// What made a message. Kept beside it so that `demonitor(flush)` finds a queued `Down` again, and so that a bound
/// counts only what others sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin(u64);

impl Origin {
    /// Somebody sent it.
    pub(crate) const SENT: Origin = Origin(0);
    /// Somebody sent it to whoever lives here, before a start had succeeded: it outlives those that fail.
    pub(crate) const HELD: Origin = Origin(u64::MAX);
    /// The runtime made it, or the process's own timer.
    pub(crate) const OWN: Origin = Origin(u64::MAX - 1);

    /// It is the `Down` of this monitor.
    pub(crate) const fn monitor(reference: u64) -> Origin {
        Origin(reference)
    }

    /// Whether it is one that a bound counts.
    #[inline]
    pub(super) const fn is_sent(self) -> bool {
        // Of both kinds in one comparison.
        self.0.wrapping_add(1) <= 1
    }
}

/// For whom a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The process with this number, and none that comes after it.
    This(u64),
    /// Whoever owns the queue: a child that may have been restarted.
    Whoever,
}

impl Owner {
    /// The process with this number; zero is a place that is vacant just now, and so whoever will live there.
    pub(crate) fn of(number: u64) -> Owner {
        if number == 0 { Owner::Whoever } else { Owner::This(number) }
    }
}

/// What became of a message that was taken.
#[derive(Debug)]
pub(crate) enum Pushed<M> {
    /// It is in the queue.
    In,
    /// It stands in line, with this ticket.
    InLine(u64),
    /// It is in the queue, and the oldest had to go: for the caller to drop.
    InsteadOf(M),
}

/// A message that was not taken, handed back.
pub(crate) struct Refused<M> {
    pub(crate) message: M,
    pub(crate) why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// Nobody reads here, or no longer.
    Gone,
    /// The mailbox is full.
    Full,
    /// The mailbox is full, and drops silently what comes then.
    Dropped,
    /// Somebody looks at what comes in: [`push_seen`](super::Queue::push_seen) it when that is done.
    Noticed,
}
