use std::any::type_name;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::sync::Arc;

use super::Cast;
use super::address::route;
use crate::base::{CastError, NodeId, NodeName, Pid, Serialize, event};
use crate::node::{Delivery, Node, RemoteTarget as Whither, Resident};

/// A stub narrowed to one type of event: any process whose protocol has a variant `#[from] E`.
///
/// What subscribers and event managers hold: they need not know who listens. From
/// [`Stub::recipient`](crate::Stub::recipient). The event becomes one of the listener's messages where the listener
/// lives. Compares and travels as the stub that it was made of; between nodes an event's type is known by its full path.
///
/// ```
/// use greenroom::prelude::*;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Alarm(String);
///
/// #[protocol]
/// enum Guard {
///     #[from]
///     Alarm(Alarm),
///     Last { reply: Reply<String> },
/// }
///
/// # #[greenroom::main]
/// # async fn main() -> greenroom::Result {
/// let guard = greenroom::spawn(|mut mailbox: Mailbox<Guard>| async move {
///     let mut last = String::new();
///     loop {
///         receive!(match mailbox {
///             Guard::Alarm(Alarm(what)) => last = what,
///             Guard::Last { reply } => reply.send(last.clone()),
///         });
///     }
/// });
/// let listeners: Vec<Recipient<Alarm>> = vec![guard.recipient()];
/// for listener in &listeners {
///     listener.send(Alarm("fire".into()));
/// }
/// assert_eq!(guard.last().await?, "fire");
/// # Ok(())
/// # }
/// ```
pub struct Recipient<E> {
    pub(super) whom: Whom,
    _event: PhantomData<fn(E)>,
}

/// Who listens.
#[derive(Clone)]
pub(super) enum Whom {
    /// A process of this program; whoever lives there if there is no number.
    Here { node: Node, resident: Arc<dyn Resident>, number: Option<u64> },
    /// A process known by its pid only.
    Remote { node: Node, pid: Pid },
    /// Whoever has a name.
    Named { node: Node, name: Arc<str>, at: NodeName },
}

impl<E> Recipient<E> {
    pub(super) fn new(whom: Whom) -> Recipient<E> {
        Recipient { whom, _event: PhantomData }
    }

    /// The process's identity, as [`Stub::pid`](crate::Stub::pid).
    pub fn pid(&self) -> Option<Pid> {
        match &self.whom {
            Whom::Here { node, resident, number } => number.or_else(|| resident.owner()).map(|number| node.pid(number)),
            Whom::Remote { pid, .. } => Some(pid.clone()),
            Whom::Named { node, name, at } if at == node.name() => {
                node.names().find(name).map(|named| node.pid(named.number))
            }
            Whom::Named { .. } => None,
        }
    }

    fn key(&self) -> Key<'_> {
        match &self.whom {
            Whom::Here { node, number: Some(number), .. } => Key::Pid(node.id(), *number),
            Whom::Here { resident, number: None, .. } => Key::Child(Arc::as_ptr(resident).addr()),
            Whom::Remote { pid, .. } => Key::Pid(pid.node_id(), pid.number()),
            Whom::Named { name, at, .. } => Key::Name(name, at),
        }
    }
}

impl<E: Serialize + Send + 'static> Recipient<E> {
    /// Sends an event. As with every cast, drop what it returns or await it to feel back-pressure.
    pub fn send(&self, event: E) -> Cast {
        match &self.whom {
            Whom::Here { resident, number, .. } => here(resident, *number, event),
            Whom::Remote { node, pid } if pid.node() == node.name() => Cast::failed(CastError::NoProc),
            Whom::Remote { node, pid } => away(node, Whither::Pid(pid), &event),
            Whom::Named { node, name, at } if at == node.name() => match node.names().find(name) {
                Some(named) => here(&named.resident, Some(named.number), event),
                None => Cast::failed(CastError::NoProc),
            },
            Whom::Named { node, name, at } => away(node, Whither::Name(name, at), &event),
        }
    }
}

fn here<E: Send + 'static>(resident: &Arc<dyn Resident>, number: Option<u64>, event: E) -> Cast {
    match resident.event(number, &mut Some(event)) {
        Ok(None) => Cast::sent(),
        Ok(Some(ticket)) => Cast::standing(Arc::clone(resident).line(), ticket),
        Err(error) => Cast::failed(error),
    }
}

fn away<E: Serialize + 'static>(node: &Node, to: Whither<'_>, value: &E) -> Cast {
    match route(node, to, type_name::<E>(), event::<E>(), Delivery::EVENT, |encoder| encoder.field(value)) {
        Ok(()) => match node.router().and_then(|router| router.pressure(to.node())) {
            Some(pressure) => Cast::pressed(pressure),
            None => Cast::sent(),
        },
        Err(error) => Cast::failed(error),
    }
}

/// What makes two recipients the same.
#[derive(PartialEq, Eq, Hash)]
enum Key<'a> {
    Pid(&'a NodeId, u64),
    Child(usize),
    Name(&'a str, &'a NodeName),
}

// By hand: a derive would ask the same of `E`.
impl<E> Clone for Recipient<E> {
    fn clone(&self) -> Self {
        Recipient::new(self.whom.clone())
    }
}

impl<E> PartialEq for Recipient<E> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<E> Eq for Recipient<E> {}

impl<E> Hash for Recipient<E> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl<E> fmt::Debug for Recipient<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.whom, self.pid()) {
            (Whom::Named { name, at, .. }, _) => write!(f, "Recipient(<{at} {name:?}>)"),
            (_, Some(pid)) => write!(f, "Recipient({pid})"),
            (_, None) => f.write_str("Recipient(restarting)"),
        }
    }
}
