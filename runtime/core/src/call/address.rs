//! Casts and calls through a typed target.

#[cfg(feature = "net")]
mod forward;
mod global;
#[cfg(feature = "registry")]
mod keyed;
mod signals;
mod system;
mod unowned;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::hint::cold_path;
use std::sync::Arc;

#[cfg(feature = "registry")]
pub(crate) use keyed::deliver_keyed;
pub use system::SysError;

use super::cast::Placement;
use super::noted_call::Callee;
use super::remote::send_remote;
use super::reply::slot::Slot;
use super::target::{FOLLOWING, Identity, ReceiverId, Resolved, Target};
use super::{Call, CallName, Cast, Reply};
use crate::base::{CallErrorKind, CastError, MessageContext, NodeName, Pid, Protocol};
use crate::mailbox::{Addressee, Refused};
use crate::node::{Addressable, AdmissionQueue, Current, Node};
use crate::process::Cell;

/// The receiver of a stub's messages, and the only field of every generated stub.
///
/// Two words, since stubs are parts of messages.
pub struct Address<M: Protocol>(pub(super) Target<Cell<M>>);

/// The error of a message that was not sent, with the message.
struct SendError<M> {
    error: CastError,
    message: M,
}

impl<M: Protocol> Address<M> {
    /// Creates the address of one process of this program.
    pub(crate) fn direct(cell: Arc<Cell<M>>, number: u64) -> Address<M> {
        const { assert!(size_of::<Target<Cell<M>>>() == 2 * size_of::<u64>(), "a stub is two words") };
        Address(Target::Cell { cell, number })
    }

    /// Creates the address of a supervised child, valid over all its restarts.
    pub(crate) fn following(cell: Arc<Cell<M>>) -> Address<M> {
        Address(Target::Cell { cell, number: FOLLOWING })
    }

    /// Creates the address of the process that is registered under a name on `at`, or on `node` itself.
    pub(crate) fn named(node: Node, name: &str, at: Option<NodeName>) -> Address<M> {
        let at = at.unwrap_or_else(|| node.name().clone());
        Address(Target::identity(node, ReceiverId::Name(name.into(), at)))
    }

    /// Returns the node on which the stub was made.
    pub(crate) fn node(&self) -> &Node {
        self.0.node()
    }

    pub(crate) fn pid(&self) -> Option<Pid> {
        self.0.pid()
    }

    /// Returns the id by which the node finds the supervised child that the stub follows.
    pub(crate) fn child_id(&self) -> Option<Pid> {
        match &self.0 {
            Target::Cell { cell, number: FOLLOWING } => Arc::clone(cell).list_child(),
            Target::Cell { .. } | Target::Identity(_) => None,
        }
    }

    /// Sends the message that `make` builds.
    #[inline]
    pub fn cast(&self, make: impl FnOnce() -> M) -> Cast {
        // The path of nearly all messages.
        match self.send_fast(make) {
            Ok(()) => Cast::sent(),
            Err(make) => self.cast_slow(make()),
        }
    }

    /// Sends to a process of this program if that takes no more than a push into its mailbox.
    #[inline(always)]
    fn send_fast<F: FnOnce() -> M>(&self, make: F) -> Result<(), F> {
        match &self.0 {
            Target::Cell { cell, number: FOLLOWING } => send_following(cell, make),
            Target::Cell { cell, number } => {
                cell.queue().push_fast(Addressee::Process(*number), cell.node().message_context(), make)
            }
            Target::Identity(_) => Err(make),
        }
    }

    #[cold]
    fn cast_slow(&self, message: M) -> Cast {
        match self.send(self.0.resolve(), self.node().message_context(), message) {
            Ok(placement) => Cast::from(placement),
            // A global name or a key is not a process. Its owner is found here, so that other targets pay nothing for it.
            Err(refused) => {
                self.send_to_present(refused, true).unwrap_or_else(|SendError { error, .. }| Cast::failed(error))
            }
        }
    }

    /// Sends a message that carries a [`Reply`]. `name` is for errors.
    pub fn call<T: 'static>(&self, name: &'static CallName, make: impl FnOnce(Reply<T>) -> M) -> Call<T> {
        let (node, callee) = (self.node(), self.callee());
        let slot = Slot::for_call(node);
        // One `Call::new` at the end of every path, so that its parts are built where the caller awaits it.
        let (callee, identity, queued) = if callee != 0 && Current::is(node, callee) {
            cold_path();
            slot.fill_and_wake(Err(CallErrorKind::Itself));
            (callee, None, Cast::sent())
        } else if let Some(error) = self.supervision_cycle() {
            slot.fill_and_wake(Err(error));
            (callee, None, Cast::sent())
        } else {
            let reply = Reply::new(Arc::clone(&slot));
            match self.send_fast(move || make(reply)) {
                Ok(()) => (callee, None, Cast::sent()),
                Err(make) => self.call_slow(&slot, callee, make()),
            }
        };
        Call::new(slot, Callee { number: callee, identity }, name, queued)
    }

    /// Returns the error of a request to a supervisor that waits, directly or through supervisors below it, for the
    /// caller's `init` or exit. It answers such a request only after the wait, which lasts until the request is answered.
    ///
    /// Only for the protocol of supervisors: other calls pay nothing.
    #[inline(always)]
    fn supervision_cycle(&self) -> Option<CallErrorKind> {
        if const { M::IS_SUPERVISION } { self.find_supervision_cycle() } else { None }
    }

    #[cold]
    fn find_supervision_cycle(&self) -> Option<CallErrorKind> {
        let node = self.node();
        let caller = Current::process_of(node);
        let Resolved::Local(process) = self.0.resolve() else { return None };
        let supervisor = process.number().filter(|_| caller != 0)?;
        let awaits = |parent: u64, child| node.table().get(parent).is_some_and(|cell| cell.awaits_child(parent, child));
        // From the caller upwards: each step goes to the supervisor that waits for the process below it. That is its
        // parent, unless the supervisor has restarted and still waits for a child of its previous incarnation.
        let (mut waiting, mut number) = (Vec::new(), caller);
        while number != supervisor {
            let parent = if awaits(supervisor, number) {
                supervisor
            } else {
                let parent = node.table().get(number)?.ancestry().parent;
                Some(parent).filter(|parent| awaits(*parent, number))?
            };
            waiting.push(node.pid(parent));
            number = parent;
        }
        let pids = std::iter::once(node.pid(caller)).chain(waiting.into_iter().rev()).collect();
        Some(CallErrorKind::Cycle { pids })
    }

    /// Returns the number of the process that is called, its identity unless the stub has its cell, and the message's cast.
    #[cold]
    fn call_slow<T: 'static>(&self, slot: &Slot<T>, callee: u64, message: M) -> (u64, Option<Arc<Identity>>, Cast) {
        let identity = match &self.0 {
            Target::Identity(identity) => Some(Arc::clone(identity)),
            Target::Cell { .. } => None,
        };
        // Resolved once, so that the call waits for the process that has the message.
        let resolved = self.0.resolve();
        let callee = match &resolved {
            Resolved::Local(process) => process.number().unwrap_or(0),
            Resolved::Missing(None) => self
                .0
                .owner_pid()
                .filter(|owner| owner.belongs_to(self.node().id()))
                .map_or(callee, |owner| owner.number()),
            Resolved::Remote(_) | Resolved::Missing(Some(_)) => callee,
        };
        let sent = if callee != 0 && Current::is(self.node(), callee) {
            Err((CallErrorKind::Itself, message))
        } else {
            let sent = self.send(resolved, self.node().message_context(), message).map(|placement| match placement {
                Placement::WaitQueue(queue, id) => Cast::waiting(queue, id),
                Placement::Queue | Placement::FullConnection(..) => Cast::sent(),
            });
            let sent = sent.or_else(|refused| self.send_to_present(refused, false));
            sent.map_err(|SendError { error, message }| (CallErrorKind::from(error), message))
        };
        match sent {
            Ok(queued) => (callee, identity, queued),
            Err((error, message)) => {
                #[cfg(feature = "test")]
                if error == CallErrorKind::NoProc {
                    self.node().mark_crash_seen(&self.node().pid(callee));
                }
                // Before the reply in the message is dropped, which reports less.
                slot.fill_and_wake(Err(error));
                drop(message);
                (callee, identity, Cast::sent())
            }
        }
    }

    /// Sends a message that was refused to the owner of the global name or the key, if the address is one. With
    /// `is_kept`, the message to a key waits for an owner also if its sender does not.
    fn send_to_present(&self, refused: SendError<M>, is_kept: bool) -> Result<Cast, SendError<M>> {
        let Target::Identity(identity) = &self.0 else { return Err(refused) };
        match &identity.receiver {
            ReceiverId::Global(name) => Address::send_global(&identity.node, name, refused.message),
            #[cfg(feature = "registry")]
            ReceiverId::Key(key) => Address::send_keyed(&identity.node, key, refused.message, is_kept),
            ReceiverId::Pid(_) | ReceiverId::Child { .. } | ReceiverId::Name(..) => Err(refused),
        }
    }

    /// Returns the number of the process that is called if it is known without a lookup, else zero.
    ///
    /// A caller that is not a process gets zero for a supervised child: no process can wait for such a caller, so a
    /// deadlock is not possible.
    fn callee(&self) -> u64 {
        match &self.0 {
            Target::Cell { cell, number: FOLLOWING } if Current::process() != 0 => cell.queue().owner().unwrap_or(0),
            Target::Cell { number, .. } => *number,
            Target::Identity(_) => 0,
        }
    }

    /// Puts the message into the queue that it belongs into.
    fn send<'a>(
        &'a self,
        to: Resolved<'a, Cell<M>>,
        context: MessageContext,
        message: M,
    ) -> Result<Placement<'a>, SendError<M>> {
        match to {
            Resolved::Local(process) => match process.cell() {
                Ok((cell, number)) => match cell.send(Addressee::of(number), context, message, true) {
                    Ok(None) => Ok(Placement::Queue),
                    Ok(Some(id)) => Ok(Placement::WaitQueue(cell.into_owned() as Arc<dyn AdmissionQueue>, id)),
                    Err(Refused::Gone(message)) => Err(SendError { error: CastError::NoProc, message }),
                    Err(Refused::Full(message)) => Err(SendError { error: CastError::Full, message }),
                },
                Err(error) => Err(SendError { error, message }),
            },
            Resolved::Remote(to) => {
                send_remote(self.node(), to, context, &message).map_err(|error| SendError { error, message })
            }
            Resolved::Missing(_) => Err(SendError { error: CastError::NoProc, message }),
        }
    }
}

// Out of line: halves the length of a stub's functions.
#[inline(never)]
fn send_following<M: Protocol, F: FnOnce() -> M>(cell: &Cell<M>, make: F) -> Result<(), F> {
    cell.queue().push_fast(Addressee::AnyOwner, cell.node().message_context(), make)
}

// By hand, since a derive would require the same of `M`.
impl<M: Protocol> Clone for Address<M> {
    fn clone(&self) -> Self {
        Address(self.0.clone())
    }
}

impl<M: Protocol> PartialEq for Address<M> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<M: Protocol> Eq for Address<M> {}

impl<M: Protocol> Hash for Address<M> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<M: Protocol> fmt::Debug for Address<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
