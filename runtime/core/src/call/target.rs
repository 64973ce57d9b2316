//! The receiver of a stub or a [`Recipient`](super::Recipient): one type for all kinds, and the function that locates it.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::base::{CastError, NodeId, NodeName, Pid, Protocol};
#[cfg(feature = "registry")]
use crate::node::ActorKey;
use crate::node::{AnyCell, LocalProcess, Node, NodePhase, Owner, RemoteTarget};
use crate::process::Cell;
use crate::signal::Monitored;
use crate::wire::{Epoch, Signal};

/// The receiver of messages, signals and requests.
///
/// `C` is [`Cell<M>`] in a stub, with the receiver's protocol, and `dyn AnyCell` in a recipient, without it.
pub(super) enum Target<C: ?Sized> {
    /// A process of this program, or a supervised child, by its cell.
    Cell {
        cell: Arc<C>,
        /// The process's number, or [`FOLLOWING`].
        number: u64,
    },
    /// A process by its pid or its registered name, or a supervised child of another node.
    Identity(Arc<Identity>),
}

/// The number of a target that is a supervised child: the process that owns the cell at the time of the message.
pub(super) const FOLLOWING: u64 = 0;

/// An identity, seen from one node.
pub(super) struct Identity {
    pub(super) node: Node,
    pub(super) receiver: ReceiverId,
}

/// The identity of a receiver.
pub(super) enum ReceiverId {
    Pid(Pid),
    /// A supervised child over its restarts. It shares the form of a pid with processes, and no process has its number.
    Child {
        id: Pid,
        /// For logs and for the subject of a monitor.
        path: Box<str>,
    },
    /// The process that has a registered name on a node.
    Name(Arc<str>, NodeName),
    /// The process that has a global name, on any node.
    Global(Arc<str>),
    /// The process of a key, on any node.
    #[cfg(feature = "registry")]
    Key(ActorKey),
}

/// The location of a target at one moment.
pub(super) enum Resolved<'a, C: ?Sized> {
    /// On this node.
    Local(Local<'a, C>),
    /// On another node.
    Remote(RemoteTarget<'a>),
    /// Belongs to this node, but is not a process that a message can be sent to. Either the name is not registered, or the
    /// child was removed. Or the pid is from an earlier incarnation, or was never sent to another node and so was guessed.
    Missing(Option<&'a Pid>),
}

/// A process of this node that a target was resolved to.
pub(super) enum Local<'a, C: ?Sized> {
    /// The target holds its cell.
    Held { cell: &'a Arc<C>, number: u64 },
    /// The target is a name, or a pid that was read before its process was there.
    Found { name: &'a dyn fmt::Display, process: LocalProcess },
}

/// A type of cell that a target can hold.
pub(super) trait TargetCell: AnyCell {
    /// Converts a process to its cell. `name` is the process's name in the error.
    ///
    /// # Errors
    /// The process has another protocol.
    fn of_process(process: Arc<dyn AnyCell>, name: &dyn fmt::Display) -> Result<Arc<Self>, CastError>;
}

impl<M: Protocol> TargetCell for Cell<M> {
    fn of_process(process: Arc<dyn AnyCell>, name: &dyn fmt::Display) -> Result<Arc<Cell<M>>, CastError> {
        let protocol = process.protocol();
        process.into_any().downcast().map_err(|_| {
            CastError::Incompatible(format!("`{name}` has the protocol `{protocol}`, not `{}`", M::NAME).into())
        })
    }
}

impl TargetCell for dyn AnyCell {
    fn of_process(process: Arc<dyn AnyCell>, _: &dyn fmt::Display) -> Result<Arc<dyn AnyCell>, CastError> {
        Ok(process)
    }
}

impl<M: Protocol> Target<Cell<M>> {
    /// Returns the same target without its protocol.
    pub(super) fn erase(&self) -> Target<dyn AnyCell> {
        match self {
            Target::Cell { cell, number } => Target::Cell { cell: Arc::clone(cell) as _, number: *number },
            Target::Identity(identity) => Target::Identity(Arc::clone(identity)),
        }
    }
}

impl Target<dyn AnyCell> {
    /// Returns the same target with its protocol; `None` if its process is of this node and has another one.
    #[cfg(feature = "net")]
    pub(super) fn typed<M: Protocol>(&self) -> Option<Target<Cell<M>>> {
        Some(match self {
            Target::Cell { cell, number } => {
                Target::Cell { cell: Cell::of_process(Arc::clone(cell), &"").ok()?, number: *number }
            }
            Target::Identity(identity) => Target::Identity(Arc::clone(identity)),
        })
    }
}

impl<C: TargetCell + ?Sized> Target<C> {
    /// Returns the target that is the owner of a global name or a key.
    ///
    /// # Errors
    /// The process is of this node, and has ended or has another protocol.
    pub(super) fn of_owner(node: &Node, name: &Arc<str>, owner: &Owner) -> Result<Target<C>, CastError> {
        let LocalProcess { number, cell } = match owner {
            #[cfg(feature = "registry")]
            Owner::Node(at) => {
                return Ok(Target::identity(node.clone(), ReceiverId::Name(Arc::clone(name), at.clone())));
            }
            #[cfg(feature = "registry")]
            Owner::Process(process) => process.clone(),
            Owner::Pid(pid) if !pid.belongs_to(node.id()) => {
                return Ok(Target::identity(node.clone(), ReceiverId::Pid(pid.clone())));
            }
            Owner::Pid(pid) => {
                let cell = node.table().get(pid.number()).ok_or(CastError::NoProc)?;
                LocalProcess { number: pid.number(), cell }
            }
        };
        Ok(Target::Cell { cell: C::of_process(cell, name)?, number })
    }

    /// Returns the target that has the global name or the key at present. `None` if the target is neither.
    pub(super) fn at_present(&self) -> Option<Result<Target<C>, CastError>> {
        let Target::Identity(identity) = self else { return None };
        let node = &identity.node;
        let (name, owner) = match &identity.receiver {
            ReceiverId::Global(name) => (name, node.global_names().find(name).map(Owner::Pid)),
            #[cfg(feature = "registry")]
            ReceiverId::Key(key) => (&key.name, key.route(node)),
            _ => return None,
        };
        Some(owner.ok_or(CastError::NoProc).and_then(|owner| Target::of_owner(node, name, &owner)))
    }
}

impl<C: ?Sized> Target<C> {
    pub(super) fn identity(node: Node, receiver: ReceiverId) -> Target<C> {
        Target::Identity(Arc::new(Identity { node, receiver }))
    }
}

impl<C: AnyCell + ?Sized> Target<C> {
    /// Returns the node on which the target was made, from whose view it is local or remote.
    pub(super) fn node(&self) -> &Node {
        match self {
            Target::Cell { cell, .. } => cell.node(),
            Target::Identity(identity) => &identity.node,
        }
    }

    /// Locates the target. A name on this node is looked up.
    pub(super) fn resolve(&self) -> Resolved<'_, C> {
        let identity = match self {
            Target::Cell { cell, number } => return Resolved::Local(Local::Held { cell, number: *number }),
            Target::Identity(identity) => identity,
        };
        let node = &identity.node;
        match &identity.receiver {
            ReceiverId::Pid(pid) | ReceiverId::Child { id: pid, .. } if pid.node() == node.name() => {
                match node.taken_over(pid) {
                    Some(process) => Resolved::Local(Local::Found { name: &"the process", process }),
                    None => Resolved::Missing(Some(pid)),
                }
            }
            ReceiverId::Pid(pid) | ReceiverId::Child { id: pid, .. } => Resolved::Remote(RemoteTarget::Pid(pid)),
            ReceiverId::Name(name, at) if at == node.name() => match node.names().find(name) {
                Some(process) => Resolved::Local(Local::Found { name, process }),
                None => Resolved::Missing(None),
            },
            ReceiverId::Name(name, at) => Resolved::Remote(RemoteTarget::Name(name, at)),
            // The owner is a target of its own: see `at_present`.
            ReceiverId::Global(_) => Resolved::Missing(None),
            #[cfg(feature = "registry")]
            ReceiverId::Key(_) => Resolved::Missing(None),
        }
    }

    /// Returns the owner of the global name or the key which is the target. Starts no process.
    fn owner(&self) -> Option<Owner> {
        let Target::Identity(identity) = self else { return None };
        match &identity.receiver {
            ReceiverId::Global(name) => identity.node.global_names().find(name).map(Owner::Pid),
            #[cfg(feature = "registry")]
            ReceiverId::Key(key) => key.find(&identity.node),
            _ => None,
        }
    }

    /// Returns the pid of the owner, if it is known.
    pub(super) fn owner_pid(&self) -> Option<Pid> {
        match self.owner()? {
            Owner::Pid(pid) => Some(pid),
            #[cfg(feature = "registry")]
            Owner::Process(process) => Some(self.node().pid(process.number)),
            #[cfg(feature = "registry")]
            Owner::Node(_) => None,
        }
    }

    /// Returns the process if it is on this node.
    pub(super) fn local_process(&self) -> Option<LocalProcess> {
        let node = self.node();
        let number = self.pid().filter(|pid| pid.belongs_to(node.id()))?.number();
        Some(LocalProcess { number, cell: node.table().get(number)? })
    }

    /// Returns whether the process is on this node and will go on running.
    pub(super) fn is_alive(&self) -> bool {
        let is_alive = self.local_process().is_some_and(|process| process.cell.is_alive(process.number));
        #[cfg(feature = "test")]
        if !is_alive && let Some(pid) = self.pid() {
            self.node().mark_crash_seen(&pid);
        }
        is_alive
    }

    /// Returns the target of a monitor that is set up now. A name on this node is resolved now, one on another node there.
    /// If the name is not registered, the target is a process that does not exist.
    pub(super) fn monitored(&self) -> Monitored {
        let existing = || self.pid().unwrap_or_else(|| self.node().pid(0));
        match self {
            Target::Cell { cell, number: FOLLOWING } => match (Arc::clone(cell).list_child(), cell.path()) {
                (Some(id), Some(path)) => Monitored::child(id, path, self.pid()),
                _ => Monitored::process(existing()),
            },
            Target::Cell { .. } => Monitored::process(existing()),
            Target::Identity(identity) => match &identity.receiver {
                ReceiverId::Pid(pid) => Monitored::process(pid.clone()),
                ReceiverId::Child { id, path } => Monitored::child(id.clone(), path, None),
                ReceiverId::Name(name, at) if at == identity.node.name() => {
                    Monitored::named_process(name.to_string(), at.clone(), existing())
                }
                ReceiverId::Name(name, at) => Monitored::name(name.to_string(), at.clone()),
                ReceiverId::Global(_) => Monitored::process(existing()),
                #[cfg(feature = "registry")]
                ReceiverId::Key(key) => match self.owner() {
                    Some(Owner::Node(at)) => Monitored::name(key.name.to_string(), at),
                    _ => Monitored::process(existing()),
                },
            },
        }
    }

    /// Returns the process's pid. `None` for a name or a child on another node, or if there is no process. A supervised
    /// child has one when its start has succeeded.
    pub(super) fn pid(&self) -> Option<Pid> {
        match self {
            Target::Cell { cell, number: FOLLOWING } => {
                let number = cell.running_number();
                return (number != 0).then(|| cell.node().pid(number));
            }
            Target::Identity(identity) if matches!(identity.receiver, ReceiverId::Child { .. }) => {
                return match self.resolve() {
                    Resolved::Local(process) => process.number().map(|number| self.node().pid(number)),
                    Resolved::Remote(_) | Resolved::Missing(_) => None,
                };
            }
            Target::Cell { .. } | Target::Identity(_) => {}
        }
        match self.resolve() {
            Resolved::Local(process) => process.number().map(|number| self.node().pid(number)),
            Resolved::Remote(RemoteTarget::Pid(pid)) | Resolved::Missing(Some(pid)) => Some(pid.clone()),
            Resolved::Remote(RemoteTarget::Name(..) | RemoteTarget::Node(_) | RemoteTarget::Group(..)) => None,
            Resolved::Missing(None) => {
                let node = self.node();
                let exists = |owner: &Pid| !owner.belongs_to(node.id()) || node.table().get(owner.number()).is_some();
                self.owner_pid().filter(exists)
            }
        }
    }

    /// Sends an exit signal or a request to stop. Either is lost if there is no process.
    pub(super) fn signal(&self, from: &Pid, signal: Signal) {
        match self.resolve() {
            Resolved::Local(process) => process.signal(from, signal),
            Resolved::Remote(to) => {
                let _ = self.node().send_signal(from.number(), to, signal, None);
            }
            Resolved::Missing(Some(pid)) => self.node().signal(from, pid, Epoch::LOCAL, signal),
            Resolved::Missing(None) => self.signal_owner(from, signal),
        }
    }
}

impl<C: AnyCell + ?Sized> Target<C> {
    /// Sends a signal to the owner of the global name or the key.
    fn signal_owner(&self, from: &Pid, signal: Signal) {
        let node = self.node();
        #[cfg(feature = "registry")]
        if let (Target::Identity(identity), Some(Owner::Node(at))) = (self, self.owner())
            && let ReceiverId::Key(key) = &identity.receiver
        {
            let _ = node.send_signal(from.number(), RemoteTarget::Name(&key.name, &at), signal, None);
            return;
        }
        if let Some(owner) = self.owner_pid() {
            node.signal(from, &owner, node.epoch_to(owner.node()), signal);
        }
    }
}

impl<'a, C: AnyCell + ?Sized> Local<'a, C> {
    /// Returns the process's number, or `None` while a supervised child is being restarted.
    pub(super) fn number(&self) -> Option<u64> {
        match self {
            Local::Held { cell, number: FOLLOWING } => cell.mailbox_owner(),
            Local::Held { number, .. } => Some(*number),
            Local::Found { process: LocalProcess { number: FOLLOWING, cell }, .. } => cell.mailbox_owner(),
            Local::Found { process, .. } => Some(process.number),
        }
    }

    fn signal(&self, from: &Pid, signal: Signal) {
        let Some(number) = self.number() else { return };
        match self {
            Local::Held { cell, .. } => cell.signal(number, from, Epoch::LOCAL, signal),
            Local::Found { process, .. } => process.cell.signal(number, from, Epoch::LOCAL, signal),
        }
    }
}

impl<'a, C: TargetCell + ?Sized> Local<'a, C> {
    /// Returns the process's cell, and its number or [`FOLLOWING`].
    ///
    /// # Errors
    /// The registered process has another protocol.
    pub(super) fn cell(self) -> Result<(Cow<'a, Arc<C>>, u64), CastError> {
        match self {
            Local::Held { cell, number } => Ok((Cow::Borrowed(cell), number)),
            Local::Found { name, process: LocalProcess { number, cell } } => {
                Ok((Cow::Owned(C::of_process(cell, name)?), number))
            }
        }
    }
}

/// The identity of a target, by which two are compared.
#[derive(PartialEq, Eq, Hash)]
enum Key<'a> {
    /// A process, or a supervised child: the two never have one number.
    Number(&'a NodeId, u64),
    Name(&'a str, &'a NodeName),
    Global(&'a str),
    #[cfg(feature = "registry")]
    Actor(&'a str),
    Cell(usize),
}

impl<C: AnyCell + ?Sized> Target<C> {
    fn key(&self) -> Key<'_> {
        match self {
            Target::Cell { cell, number: FOLLOWING } => match cell.child_id() {
                Some(id) => Key::Number(cell.node().id(), id.number()),
                None => Key::Cell(Arc::as_ptr(cell).addr()),
            },
            Target::Cell { cell, number } => Key::Number(cell.node().id(), *number),
            Target::Identity(identity) => match &identity.receiver {
                ReceiverId::Pid(pid) | ReceiverId::Child { id: pid, .. } => Key::Number(pid.node_id(), pid.number()),
                ReceiverId::Name(name, at) => Key::Name(name, at),
                ReceiverId::Global(name) => Key::Global(name),
                #[cfg(feature = "registry")]
                ReceiverId::Key(key) => Key::Actor(&key.name),
            },
        }
    }
}

// By hand, since a derive would require `C: Clone`.
impl<C: ?Sized> Clone for Target<C> {
    fn clone(&self) -> Self {
        match self {
            Target::Cell { cell, number } => Target::Cell { cell: Arc::clone(cell), number: *number },
            Target::Identity(identity) => Target::Identity(Arc::clone(identity)),
        }
    }
}

impl<C: AnyCell + ?Sized> PartialEq for Target<C> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<C: AnyCell + ?Sized> Eq for Target<C> {}

impl<C: AnyCell + ?Sized> Hash for Target<C> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl<C: AnyCell + ?Sized> fmt::Debug for Target<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = match self {
            Target::Cell { cell, number: FOLLOWING } => cell.path(),
            Target::Cell { .. } => None,
            Target::Identity(identity) => match &identity.receiver {
                ReceiverId::Pid(_) => None,
                // Escaped: it may come from another node.
                ReceiverId::Child { id, path } => {
                    return write!(f, "<{} {}{}>", id.node(), path.escape_debug(), self.earlier());
                }
                ReceiverId::Name(name, at) => return write!(f, "<{at} {name:?}{}>", self.earlier()),
                ReceiverId::Global(name) => return write!(f, "<global {name:?}{}>", self.earlier()),
                #[cfg(feature = "registry")]
                ReceiverId::Key(key) => return write!(f, "<key {key:?}{}>", self.earlier()),
            },
        };
        let earlier = self.earlier();
        match (self.pid(), path) {
            (Some(pid), Some(path)) => write!(f, "<{} {} {path}{earlier}>", pid.node(), pid.number()),
            (Some(pid), None) => write!(f, "<{} {}{earlier}>", pid.node(), pid.number()),
            (None, Some(path)) if earlier.is_empty() => write!(f, "<{} {path} restarting>", self.node().name()),
            (None, Some(path)) => write!(f, "<{} {path}{earlier}>", self.node().name()),
            (None, None) if earlier.is_empty() => write!(f, "<{} restarting>", self.node().name()),
            (None, None) => write!(f, "<{}{earlier}>", self.node().name()),
        }
    }
}

impl<C: AnyCell + ?Sized> Target<C> {
    /// Returns the reason why the target no longer exists, as a part of its text, if that is an end of a node.
    fn earlier(&self) -> &'static str {
        let node = self.node();
        match (self, node.phase()) {
            (Target::Cell { .. }, NodePhase::Replaced) => ", of an earlier incarnation of the node",
            (Target::Cell { .. }, NodePhase::Stopped) => ", of a stopped node",
            (Target::Identity(_), NodePhase::Replaced) => ", through an earlier incarnation of a node",
            (Target::Identity(_), NodePhase::Stopped) => ", through a stopped node",
            (Target::Cell { .. }, NodePhase::Running) => "",
            (Target::Identity(identity), NodePhase::Running) => match &identity.receiver {
                ReceiverId::Pid(pid) | ReceiverId::Child { id: pid, .. }
                    if node.has_later_incarnation(pid.node_id()) =>
                {
                    ", of an earlier incarnation of the node"
                }
                _ => "",
            },
        }
    }
}
