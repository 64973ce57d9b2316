//! Messages on their way into a cell's mailbox.

use super::Cell;
use crate::base::{CallError, Protocol, System};
use crate::mailbox::{Addressee, Entry, Origin, Refused, WaiterId};
use crate::node::{Current, Node};
use crate::process::fail_callers;

impl<M: Protocol> Cell<M> {
    /// Pushes a message into the mailbox or, if that is full, into its wait queue.
    ///
    /// With `can_wait`, the id of a message in the wait queue is returned, for the sender to await or withdraw it.
    #[inline]
    pub(crate) fn send(&self, to: Addressee, message: M, can_wait: bool) -> Result<Option<WaiterId>, Refused<M>> {
        self.queue.push(self, to, Entry { origin: Origin::SENT, message }, can_wait)
    }

    /// Pushes a message that the process sends to itself; the mailbox's bound does not apply.
    pub(crate) fn send_own(&self, number: u64, message: M) {
        // As in Erlang, a message to a process that has ended is lost.
        let _ = self.queue.push(self, Addressee::Process(number), Entry { origin: Origin::OWN, message }, false);
    }

    /// Pushes a message that the runtime made, if the protocol has a variant for its type.
    // A process whose protocol lacks the variant never traps exits or monitors: the types ensure that.
    pub(super) fn push_system<T: 'static>(&self, number: u64, origin: Origin, message: T) {
        if let Some(message) = M::from_system(&mut System::offer(&mut Some(message))) {
            // Refused only while the process is ending and reads no more messages.
            let _ = self.queue.push(self, Addressee::Process(number), Entry { origin, message }, false);
        }
    }

    /// Drops a message that does not fit into the mailbox; a call in it fails with [`CallError::Full`].
    pub(in crate::process) fn drop_overflow(&self, message: M) {
        self.node.loss_counts().overflow();
        let ((), dropped) = Current::collect_dropped(&self.node, Node::ITSELF, || drop(message));
        fail_callers(dropped, &CallError::Full);
    }
}
