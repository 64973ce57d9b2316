use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::hint::cold_path;
use std::sync::Arc;

use super::recipient::Whom;
use super::slot::Slot;
use super::{Call, Cast, Reply};
use crate::base::{
    CallError, CastError, EncodeError, Encoder, Exit, MonitorRef, NameError, NodeId, NodeName, Pid, Protocol, Subject,
};
use crate::mailbox::{Owner, Refused, Why};
use crate::node::{Current, Line, Named, Node, Outgoing, RemoteTarget, Resident};
use crate::process::{Cell, RequestError, SystemRequest, ended, ended_by_name};
use crate::wire::{Signal, fingerprint};

/// Where a stub's messages go: what every generated stub is made of. Two words, since stubs travel in messages.
pub struct Address<M: Protocol>(Way<M>);

enum Way<M: Protocol> {
    /// To a process of this program; if its number is zero, to a supervised child: whoever lives in the cell.
    Here {
        cell: Arc<Cell<M>>,
        number: u64,
    },
    Beyond(Arc<Beyond>),
}

enum Beyond {
    Remote { node: Node, pid: Pid },
    Named { node: Node, name: Arc<str>, at: NodeName },
}

/// Who is meant.
pub(super) enum Kind<'a, M: Protocol> {
    /// One process of this program.
    Direct { cell: &'a Arc<Cell<M>>, number: u64 },
    /// A supervised child: whoever lives in a cell that has a place in its tree.
    Child(&'a Arc<Cell<M>>),
    /// A process known by its pid only: on another node, or no more.
    Remote { node: &'a Node, pid: &'a Pid },
    /// Whoever has a name, looked up for each message.
    Named { node: &'a Node, name: &'a Arc<str>, at: &'a NodeName },
}

/// Where a message went.
enum Sent<'a> {
    /// Into the mailbox.
    In,
    /// Into the line before it.
    InLine(Arc<dyn Line>, u64),
    /// Into the queue of a connection.
    Out(&'a Node, &'a NodeName),
}

/// Why something cannot be asked of a process itself.
pub(crate) enum Unasked {
    Elsewhere,
    Gone,
    NotAllowed,
}

/// A message that was not sent, handed back.
struct Unsent<M>(CastError, M);

impl<M: Protocol> Address<M> {
    pub(crate) fn direct(cell: Arc<Cell<M>>, number: u64) -> Address<M> {
        const { assert!(size_of::<Way<M>>() == 2 * size_of::<u64>(), "a stub is two words") };
        Address(Way::Here { cell, number })
    }

    pub(super) fn remote(node: Node, pid: Pid) -> Address<M> {
        Address(Way::Beyond(Arc::new(Beyond::Remote { node, pid })))
    }

    pub(super) fn kind(&self) -> Kind<'_, M> {
        match &self.0 {
            Way::Here { cell, number: 0 } => Kind::Child(cell),
            Way::Here { cell, number } => Kind::Direct { cell, number: *number },
            Way::Beyond(beyond) => match &**beyond {
                Beyond::Remote { node, pid } => Kind::Remote { node, pid },
                Beyond::Named { node, name, at } => Kind::Named { node, name, at },
            },
        }
    }

    /// The same, for those who know nothing of the protocol.
    pub(crate) fn narrow<E>(&self) -> super::Recipient<E> {
        super::Recipient::new(match self.kind() {
            Kind::Direct { cell, number } => {
                Whom::Here { node: cell.node().clone(), resident: cell.clone(), number: Some(number) }
            }
            Kind::Child(cell) => Whom::Here { node: cell.node().clone(), resident: cell.clone(), number: None },
            Kind::Remote { node, pid } => Whom::Remote { node: node.clone(), pid: pid.clone() },
            Kind::Named { node, name, at } => {
                Whom::Named { node: node.clone(), name: Arc::clone(name), at: at.clone() }
            }
        })
    }

    pub(crate) fn child(cell: Arc<Cell<M>>) -> Address<M> {
        Address(Way::Here { cell, number: 0 })
    }

    pub(crate) fn named(node: Node, name: &str, at: Option<NodeName>) -> Address<M> {
        let at = at.unwrap_or_else(|| node.name().clone());
        Address(Way::Beyond(Arc::new(Beyond::Named { node, name: name.into(), at })))
    }

    /// Sends the message that `make` puts together.
    #[inline]
    pub fn cast(&self, make: impl FnOnce() -> M) -> Cast {
        // The way that nearly all messages take.
        match self.send_fast(make) {
            Ok(()) => Cast::sent(),
            Err(make) => self.cast_slow(make()),
        }
    }

    /// Sends to a process of this program, if that takes no more than a place in its mailbox.
    #[inline(always)]
    fn send_fast<F: FnOnce() -> M>(&self, make: F) -> Result<(), F> {
        match &self.0 {
            Way::Here { cell, number: 0 } => send_to_child(cell, make),
            Way::Here { cell, number } => cell.queue().push_fast(Owner::This(*number), make),
            Way::Beyond(_) => Err(make),
        }
    }

    #[cold]
    fn cast_slow(&self, message: M) -> Cast {
        match self.send(message) {
            Ok(Sent::In) => Cast::sent(),
            Ok(Sent::InLine(line, ticket)) => Cast::standing(line, ticket),
            Ok(Sent::Out(node, at)) => match node.router().and_then(|router| router.pressure(at)) {
                Some(pressure) => Cast::pressed(pressure),
                None => Cast::sent(),
            },
            Err(Unsent(error, _)) => Cast::failed(error),
        }
    }

    /// Sends a message that asks for an answer.
    pub fn call<T: 'static>(&self, make: impl FnOnce(Reply<T>) -> M) -> Call<T> {
        let (node, callee) = (self.node(), self.callee());
        let slot = Slot::take(node);
        // One call is made at the end, whatever happens: so its parts go to where it is awaited, with no stop on the way.
        let (callee, question) = if callee != 0 && Current::is(node, callee) {
            cold_path();
            slot.put(Err(CallError::Itself));
            (callee, None)
        } else {
            let reply = Reply::new(Arc::clone(&slot));
            match self.send_fast(move || make(reply)) {
                Ok(()) => (callee, None),
                Err(make) => self.call_slow(&slot, callee, make()),
            }
        };
        Call::new(slot, callee, &M::NAME, question)
    }

    /// The process that is called, and the question if it stands in line.
    #[cold]
    fn call_slow<T: 'static>(&self, slot: &Slot<T>, callee: u64, message: M) -> (u64, Option<Cast>) {
        if let Kind::Named { node, name, at } = self.kind()
            && at == node.name()
        {
            // Looked up once, so that it is certain whom the call waits for.
            let named = match find(node, name) {
                Ok((cell, 0)) => Address::child(cell),
                Ok((cell, number)) => Address::direct(cell, number),
                Err(error) => {
                    Address::refuse(slot, error, message);
                    return (callee, None);
                }
            };
            let callee = named.callee();
            if callee != 0 && Current::is(node, callee) {
                Address::refuse(slot, CallError::Itself, message);
                return (callee, None);
            }
            return named.call_slow(slot, callee, message);
        }
        match self.send(message) {
            Ok(Sent::InLine(line, ticket)) => (callee, Some(Cast::standing(line, ticket))),
            Ok(Sent::In | Sent::Out(..)) => (callee, None),
            Err(Unsent(error, message)) => {
                Address::refuse(slot, error, message);
                (callee, None)
            }
        }
    }

    fn refuse<T: 'static>(slot: &Slot<T>, error: impl Into<CallError>, message: M) {
        // Before the reply in the message is dropped and says less.
        slot.put(Err(error.into()));
        drop(message);
    }

    /// The process that is meant, as far as it is known without looking for it; else zero. Nobody can call a caller that
    /// is no process, so to that it does not matter.
    fn callee(&self) -> u64 {
        match &self.0 {
            Way::Here { cell, number: 0 } if Current::process() != 0 => cell.queue().owner().unwrap_or(0),
            Way::Here { number, .. } => *number,
            Way::Beyond(_) => 0,
        }
    }

    /// The node of whoever made this stub: the way there starts from it.
    pub(crate) fn node(&self) -> &Node {
        match &self.0 {
            Way::Here { cell, .. } => cell.node(),
            Way::Beyond(beyond) => match &**beyond {
                Beyond::Remote { node, .. } | Beyond::Named { node, .. } => node,
            },
        }
    }

    /// Puts a message where it belongs.
    fn send(&self, message: M) -> Result<Sent<'_>, Unsent<M>> {
        let (cell, owner) = match self.kind() {
            Kind::Direct { cell, number } => (Cow::Borrowed(cell), Owner::This(number)),
            Kind::Child(cell) => (Cow::Borrowed(cell), Owner::Whoever),
            Kind::Remote { node, pid } if pid.node() == node.name() => {
                return Err(Unsent(CastError::NoProc, message));
            }
            Kind::Remote { node, pid } => {
                send_out(node, RemoteTarget::Pid(pid), message)?;
                return Ok(Sent::Out(node, pid.node()));
            }
            Kind::Named { node, name, at } if at == node.name() => match find(node, name) {
                Ok((cell, number)) => (Cow::Owned(cell), Owner::of(number)),
                Err(error) => return Err(Unsent(error, message)),
            },
            Kind::Named { node, name, at } => {
                send_out(node, RemoteTarget::Name(name, at), message)?;
                return Ok(Sent::Out(node, at));
            }
        };
        match cell.send(owner, message, true) {
            Ok(None) => Ok(Sent::In),
            Ok(Some(ticket)) => Ok(Sent::InLine(cell.into_owned() as Arc<dyn Line>, ticket)),
            Err(Refused { message, why: Why::Gone }) => Err(Unsent(CastError::NoProc, message)),
            Err(Refused { message, .. }) => Err(Unsent(CastError::Full, message)),
        }
    }

    /// The process that is meant, if that can be told without asking another node.
    pub(crate) fn pid(&self) -> Option<Pid> {
        match self.kind() {
            Kind::Direct { cell, number } => Some(cell.node().pid(number)),
            Kind::Child(cell) => cell.queue().owner().map(|number| cell.node().pid(number)),
            Kind::Remote { pid, .. } => Some(pid.clone()),
            Kind::Named { node, name, at } if at == node.name() => {
                node.names().find(name).filter(|named| named.number != 0).map(|named| node.pid(named.number))
            }
            Kind::Named { .. } => None,
        }
    }

    pub(crate) fn is_alive(&self) -> bool {
        let node = self.node();
        self.pid().is_some_and(|pid| {
            *pid.node_id() == *node.id()
                && node.table().get(pid.number()).is_some_and(|resident| resident.is_alive(pid.number()))
        })
    }

    pub(crate) fn exit(&self, reason: Exit) {
        match self.kind() {
            Kind::Direct { cell, number } => cell.exit(number, Current::process_of(cell.node()), reason),
            _ => self.signal(Signal::Exit { reason, linked: false }),
        }
    }

    fn signal(&self, signal: Signal) {
        let node = self.node();
        let from = sender(node);
        match (self.pid(), self.kind()) {
            (Some(pid), _) => node.signal(&from, &pid, signal),
            (None, Kind::Named { name, at, .. }) => {
                // A signal to nobody is lost, as in Erlang.
                let _ = node.send_signal(from.number(), RemoteTarget::Name(name, at), signal);
            }
            (None, _) => {}
        }
    }

    /// Asks the process to stop in order.
    pub(crate) fn stop(&self, reason: Exit) {
        match self.kind() {
            Kind::Direct { cell, number } => cell.stop(number, reason),
            Kind::Child(cell) => {
                if let Some(number) = cell.queue().owner() {
                    cell.stop(number, reason);
                }
            }
            Kind::Named { node, name, at } if at == node.name() => match find::<M>(node, name) {
                Ok((cell, number)) => cell.stop(number, reason),
                Err(_) => self.signal(Signal::Stop { reason }),
            },
            Kind::Named { .. } | Kind::Remote { .. } => self.signal(Signal::Stop { reason }),
        }
    }

    /// Asks something of the process itself.
    pub(crate) fn ask(&self, aside: SystemRequest) -> Result<(), Unasked> {
        let (cell, number) = match self.kind() {
            Kind::Direct { cell, number } => (Arc::clone(cell), number),
            Kind::Child(cell) => (Arc::clone(cell), cell.queue().owner().unwrap_or(0)),
            Kind::Named { node, name, at } if at == node.name() => find(node, name).map_err(|_| Unasked::Gone)?,
            Kind::Remote { node, pid } if pid.node() == node.name() => return Err(Unasked::Gone),
            Kind::Named { .. } | Kind::Remote { .. } => return Err(Unasked::Elsewhere),
        };
        cell.request(number, aside).map_err(|refusal| match refusal {
            RequestError::Gone => Unasked::Gone,
            RequestError::NotAllowed => Unasked::NotAllowed,
        })
    }

    pub(crate) fn ended(&self) -> impl Future<Output = Exit> + Send + use<M> {
        let watch = self.pid().map(|pid| ended(self.node(), pid));
        let far = match self.kind() {
            Kind::Named { node, name, at } if at != node.name() => Some(ended_by_name(node, name, at)),
            _ => None,
        };
        // A process that ended before anybody asked has left its reason behind.
        let left = match self.kind() {
            Kind::Direct { cell, number } => Some((Arc::clone(cell), number)),
            _ => None,
        };
        async move {
            let reason = match (watch, far) {
                (Some(ended), _) => ended.await,
                (None, Some(ended)) => ended.await,
                (None, None) => Exit::NoProc,
            };
            match left {
                Some((cell, number)) if reason == Exit::NoProc => cell.last_exit(number).unwrap_or(reason),
                _ => reason,
            }
        }
    }

    /// Has `watcher` watch the process, or whoever has the name at this moment.
    pub(crate) fn monitor_by<W: Protocol>(&self, watcher: &Cell<W>, me: &Pid) -> MonitorRef {
        let pid = self.pid();
        let subject = match self.kind() {
            Kind::Named { name, at, .. } => Subject::Name(name.to_string(), at.clone()),
            _ => match &pid {
                Some(pid) => Subject::Pid(pid.clone()),
                // A child that is just being restarted: its next life has not begun.
                None => Subject::Pid(self.node().pid(0)),
            },
        };
        let here = self.node().name();
        match (&subject, &pid) {
            (Subject::Name(_, node), None) if node == here => {
                // Nobody has the name: the watch ends before it began.
                watcher.monitor(me, subject, Some(self.node().pid(0)))
            }
            _ => watcher.monitor(me, subject, pid),
        }
    }

    pub(crate) fn register(&self, name: &str) -> Result<(), NameError> {
        let node = self.node();
        let pid = self.pid().filter(|pid| *pid.node_id() == *node.id()).ok_or(NameError::NoProc)?;
        let resident = node.table().get(pid.number()).ok_or(NameError::NoProc)?;
        node.names().register(name, Named { number: pid.number(), resident })
    }
}

// By itself, so that a stub's functions are half as long.
#[inline(never)]
fn send_to_child<M: Protocol, F: FnOnce() -> M>(cell: &Cell<M>, make: F) -> Result<(), F> {
    cell.queue().push_fast(Owner::Whoever, make)
}

/// Puts a message into the queue of its node's connection.
fn send_out<M: Protocol>(node: &Node, to: RemoteTarget<'_>, message: M) -> Result<(), Unsent<M>> {
    let (protocol, variant) = (fingerprint::<M>(), message.variant() as u32);
    let sent = route(node, to, M::NAME, protocol, variant, |encoder| message.encode(encoder));
    sent.map_err(|error| Unsent(error, message))
}

/// Puts what `encode` writes into the queue of a connection.
pub(super) fn route(
    node: &Node,
    to: RemoteTarget<'_>,
    name: &'static str,
    protocol: u64,
    variant: u32,
    encode: impl FnOnce(&mut Encoder<'_>) -> Result<(), EncodeError>,
) -> Result<(), CastError> {
    let router = node.router().ok_or(CastError::NoConnection)?;
    let mut payload = Vec::new();
    let (result, replies) = Current::collect_replies(node, || encode(&mut Encoder::new(&mut payload, router.limit())));
    // From here on the message stands for nothing but its bytes; a reply in it answers through them.
    node.pending().sent(&replies, to.node(), name);
    let fail = |error: CastError| {
        for id in &replies {
            node.pending().answer(*id, Err(error.clone().into()));
        }
        node.lose_message(to.node(), &error);
        error
    };
    result.map_err(|error| fail(CastError::Encode(error)))?;
    let outgoing = Outgoing { protocol, variant, replies: replies.clone(), payload };
    router.message(Current::process(), to, outgoing).map_err(fail)
}

/// Who sends a signal: the running process, or nobody in particular on `node`.
pub(crate) fn sender(node: &Node) -> Pid {
    match Current::pid() {
        Some(pid) if pid.is_of(node.id()) => pid,
        _ => node.pid(0),
    }
}

/// The process that has a name, if it speaks this protocol.
fn find<M: Protocol>(node: &Node, name: &str) -> Result<(Arc<Cell<M>>, u64), CastError> {
    let named = node.names().find(name).ok_or(CastError::NoProc)?;
    let protocol = named.resident.protocol();
    let cell = Resident::into_any(named.resident)
        .downcast::<Cell<M>>()
        .map_err(|_| CastError::Incompatible(format!("`{name}` speaks `{protocol}`, not `{}`", M::NAME).into()))?;
    Ok((cell, named.number))
}

/// What makes two addresses the same.
#[derive(PartialEq, Eq, Hash)]
enum Key<'a> {
    Pid(&'a NodeId, u64),
    Cell(usize),
    Name(&'a str, &'a NodeName),
}

impl<M: Protocol> Address<M> {
    fn key(&self) -> Key<'_> {
        match self.kind() {
            Kind::Direct { cell, number } => Key::Pid(cell.node().id(), number),
            // The place is a name, here as on every other node.
            Kind::Child(cell) => match cell.path() {
                Some(path) => Key::Name(path, cell.node().name()),
                None => Key::Cell(Arc::as_ptr(cell).addr()),
            },
            Kind::Remote { pid, .. } => Key::Pid(pid.node_id(), pid.number()),
            Kind::Named { name, at, .. } => Key::Name(name, at),
        }
    }
}

// By hand: a derive would ask the same of `M`.
impl<M: Protocol> Clone for Address<M> {
    fn clone(&self) -> Self {
        Address(match &self.0 {
            Way::Here { cell, number } => Way::Here { cell: Arc::clone(cell), number: *number },
            Way::Beyond(beyond) => Way::Beyond(Arc::clone(beyond)),
        })
    }
}

impl<M: Protocol> PartialEq for Address<M> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<M: Protocol> Eq for Address<M> {}

impl<M: Protocol> Hash for Address<M> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl<M: Protocol> fmt::Debug for Address<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind(), self.pid()) {
            (Kind::Named { name, at, .. }, _) => write!(f, "<{at} {name:?}>"),
            (Kind::Child(cell), Some(pid)) => match cell.path() {
                Some(path) => write!(f, "<{} {} {path}>", pid.node(), pid.number()),
                None => write!(f, "{pid}"),
            },
            (_, Some(pid)) => write!(f, "{pid}"),
            (_, None) => write!(f, "<{} restarting>", self.node().name()),
        }
    }
}
