//! The bound of a mailbox, and the decision about a message that may exceed it. Pure.

/// The bound of a mailbox and its overflow policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// The most messages that it holds, those in the save queue included.
    pub(crate) capacity: usize,
    pub(crate) overflow: Overflow,
}

/// The overflow policy: what happens to a message for a full mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// The message waits in front of the mailbox. A sender that awaits its cast waits with it.
    Wait,
    /// The message is refused and its sender gets an error.
    Reject,
    /// The message is dropped and counted.
    DropNewest,
    /// The oldest message that the owner has not taken over is dropped and counted.
    DropOldest,
}

/// The state of a bounded mailbox when a message arrives that counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pressure {
    /// Messages that count: in the queue, or taken over by the owner and not received.
    pub(super) load: usize,
    /// Messages in the wait queue.
    pub(super) waiters: usize,
    /// Those of them that no cast awaits.
    pub(super) unawaited: usize,
    /// True if the owner waits for a message of this variant.
    pub(super) wanted: bool,
    /// True if the sender can wait, or takes note of the wait. A node does not for a peer of which very many messages wait.
    pub(super) can_wait: bool,
}

/// The decision about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// Queue the message.
    Queue,
    /// Put the message into the wait queue, where the owner's receive finds it. Its sender need not wait.
    QueueInTurn,
    /// Put the message into the wait queue.
    Wait,
    /// Hand the message back as [`Refused::Full`](super::super::Refused::Full).
    Reject,
    /// Drop the message.
    DropNewest,
    /// Drop the oldest message that can be dropped and queue this one, or drop this one if all others stay.
    DropOldest,
}

impl Bounds {
    /// Decides what to do with a message that counts.
    ///
    /// A message that the owner waits for is let in beyond the capacity, up to twice the capacity: otherwise a mailbox
    /// full of messages that the owner does not want could never receive the message that it wants.
    pub(super) fn admit(self, pressure: Pressure) -> Admission {
        let Pressure { load, waiters, unawaited, wanted, can_wait } = pressure;
        // A message does not overtake those that wait.
        if load < self.capacity && waiters == 0 {
            return Admission::Queue;
        }
        let double = self.capacity.saturating_mul(2);
        match self.overflow {
            Overflow::Wait if wanted && unawaited < double => Admission::QueueInTurn,
            // A sender that cannot wait does not notice the queue: its messages are bounded, too.
            Overflow::Wait if !can_wait && unawaited >= self.capacity => Admission::Reject,
            Overflow::Wait => Admission::Wait,
            _ if wanted && load < double => Admission::Queue,
            Overflow::Reject => Admission::Reject,
            Overflow::DropNewest => Admission::DropNewest,
            Overflow::DropOldest => Admission::DropOldest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_mailbox_follows_its_policy() {
        use Admission::{DropNewest, DropOldest, Queue, QueueInTurn, Reject, Wait};
        const FULL: Pressure = Pressure { load: 2, waiters: 0, unawaited: 0, wanted: false, can_wait: true };
        // The columns: `Wait`, `Reject`, `DropNewest`, `DropOldest`.
        let check = |pressure: Pressure, expected: [Admission; 4]| {
            let policies = [Overflow::Wait, Overflow::Reject, Overflow::DropNewest, Overflow::DropOldest];
            let admissions = policies.map(|overflow| Bounds { capacity: 2, overflow }.admit(pressure));
            assert_eq!(admissions, expected, "{pressure:?}");
        };
        check(Pressure { load: 1, ..FULL }, [Queue; 4]);
        check(FULL, [Wait, Reject, DropNewest, DropOldest]);
        check(Pressure { load: 1, waiters: 1, ..FULL }, [Wait, Reject, DropNewest, DropOldest]);
        check(Pressure { wanted: true, ..FULL }, [QueueInTurn, Queue, Queue, Queue]);
        check(Pressure { load: 4, wanted: true, ..FULL }, [QueueInTurn, Reject, DropNewest, DropOldest]);
        check(Pressure { waiters: 4, unawaited: 4, wanted: true, ..FULL }, [Wait, Queue, Queue, Queue]);
        check(Pressure { can_wait: false, ..FULL }, [Wait, Reject, DropNewest, DropOldest]);
        check(Pressure { waiters: 2, unawaited: 2, can_wait: false, ..FULL }, [Reject, Reject, DropNewest, DropOldest]);
    }
}
