//! Messages on their way into a cell.

use super::{Cell, fail};
use crate::base::{CallError, Protocol, System};
use crate::mailbox::{Entry, Origin, Owner, Pushed, Refused, Why};
use crate::node::Current;

impl<M: Protocol> Cell<M> {
    /// Puts a message into the mailbox, or into the line before it: then with its ticket, for a sender that will
    /// hold it.
    #[inline]
    pub(crate) fn send(&self, owner: Owner, message: M, held: bool) -> Result<Option<u64>, Refused<M>> {
        match self.push(owner, Entry { origin: Origin::SENT, message }, held) {
            Ok(Pushed::In) => Ok(None),
            other => self.sent_slow(other),
        }
    }

    #[cold]
    fn sent_slow(&self, pushed: Result<Pushed<M>, Refused<M>>) -> Result<Option<u64>, Refused<M>> {
        match pushed {
            Ok(Pushed::In) => Ok(None),
            Ok(Pushed::InLine(ticket)) => Ok(Some(ticket)),
            Ok(Pushed::InsteadOf(oldest)) => {
                self.overflow(oldest);
                Ok(None)
            }
            Err(Refused { message, why: Why::Dropped }) => {
                self.overflow(message);
                Ok(None)
            }
            Err(refused) => {
                if refused.why == Why::Full {
                    self.node.loss_counts().overflow();
                }
                Err(refused)
            }
        }
    }

    #[inline]
    fn push(&self, owner: Owner, entry: Entry<M>, held: bool) -> Result<Pushed<M>, Refused<M>> {
        let origin = entry.origin;
        match self.queue.push(owner, entry, held) {
            Err(Refused { message, why: Why::Noticed }) => self.push_noticed(owner, Entry { origin, message }, held),
            other => other,
        }
    }

    /// Puts a message of the process's own into its mailbox, whatever its bound.
    pub(crate) fn send_own(&self, number: u64, message: M) {
        // A process that has ended meanwhile gets nothing, as in Erlang.
        let _ = self.push(Owner::This(number), Entry { origin: Origin::OWN, message }, false);
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
            let _ = self.push(Owner::This(number), Entry { origin, message }, false);
        }
    }
}
