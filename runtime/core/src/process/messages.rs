//! Messages on their way into a cell.

use super::{Cell, fail};
use crate::base::{CallError, Protocol, System};
use crate::mailbox::{Addressee, Entry, Origin, Refused, WaiterId};
use crate::node::Current;

impl<M: Protocol> Cell<M> {
    /// Pushes a message into the mailbox. With `can_wait`, a message that has to wait in front of a full mailbox has a waiter
    /// id, for its sender to await.
    #[inline]
    pub(crate) fn send(&self, to: Addressee, message: M, can_wait: bool) -> Result<Option<WaiterId>, Refused<M>> {
        self.queue.push(self, to, Entry { origin: Origin::SENT, message }, can_wait)
    }

    /// Puts a message of the process's own into its mailbox, whatever its bound.
    pub(crate) fn send_own(&self, number: u64, message: M) {
        // A process that has ended meanwhile gets nothing, as in Erlang.
        let _ = self.queue.push(self, Addressee::Process(number), Entry { origin: Origin::OWN, message }, false);
    }

    /// Drops a message that an overflowing mailbox has no room for; a call in it hears so.
    pub(super) fn overflow(&self, message: M) {
        self.node.loss_counts().overflow();
        let ((), dropped) = Current::collect_dropped(&self.node, u64::MAX, || drop(message));
        fail(dropped, &CallError::Full);
    }

    // A process that does not take such messages never traps or watches: the types see to that.
    pub(super) fn push_system<T: 'static>(&self, number: u64, origin: Origin, message: T) {
        if let Some(message) = M::from_system(&mut System::offer(&mut Some(message))) {
            // Refused means that the process is clearing up and reads no more.
            let _ = self.queue.push(self, Addressee::Process(number), Entry { origin, message }, false);
        }
    }
}
