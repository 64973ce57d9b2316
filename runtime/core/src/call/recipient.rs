//! Stubs without a protocol, for events of one type.

use std::any::type_name;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use super::cast::Placement;
use super::remote::route;
use super::target::{FOLLOWING, Resolved, Target};
use super::{Address, Cast};
use crate::base::{CastError, DeserializeOwned, MonitorRef, Pid, Protocol, Serialize};
use crate::node::{AnyCell, EncodedMessage, Node};
use crate::process::{Cell, type_definition};

/// A stub reduced to one type of event, for any process whose protocol has a variant `#[from] E`.
///
/// Subscriber lists and event managers hold recipients: they send an event without knowing the subscriber's protocol. A
/// recipient comes from [`Stub::recipient`](crate::Stub::recipient). The event becomes a message of the receiver's protocol
/// on the receiver's node. A recipient can be linked and monitored like a stub, so that the holder of a list drops those
/// that have exited. Two recipients are equal if the stubs that they were made of are equal, and a recipient can be
/// sent to another node as a stub can. Between nodes an event's type is identified by its full path, and can have
/// another version on the other node, as a message can.
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
///             Guard::Alarm(Alarm(cause)) => last = cause,
///             Guard::Last { reply } => reply.send(last.clone()),
///         });
///     }
/// });
/// let subscribers: Vec<Recipient<Alarm>> = vec![guard.recipient()];
/// for subscriber in &subscribers {
///     subscriber.send(Alarm("fire".into()));
/// }
/// assert_eq!(guard.last().await?, "fire");
/// # Ok(())
/// # }
/// ```
pub struct Recipient<E> {
    pub(super) target: Target<dyn AnyCell>,
    _event: PhantomData<fn(E)>,
}

impl<E> Recipient<E> {
    pub(super) fn new(target: Target<dyn AnyCell>) -> Recipient<E> {
        Recipient { target, _event: PhantomData }
    }

    /// Creates the recipient for the receiver of a stub.
    pub(crate) fn of<M: Protocol>(address: &Address<M>) -> Recipient<E> {
        Recipient::new(address.0.erase())
    }

    /// Returns the receiver's pid.
    ///
    /// `None` for a name or a supervised child on another node, for a name that is not registered, and for a supervised
    /// child that is being restarted.
    pub fn pid(&self) -> Option<Pid> {
        self.target.pid()
    }

    /// Returns `true` if the receiver is on this node and its exit has not been decided, as
    /// [`Stub::is_alive`](crate::Stub::is_alive) does.
    pub fn is_alive(&self) -> bool {
        self.target.is_alive()
    }

    /// Returns a recipient of the same receiver for other events.
    pub(crate) fn for_event<F>(&self) -> Recipient<F> {
        Recipient::new(self.target.clone())
    }

    /// Returns the node on which the recipient was made.
    pub(crate) fn node(&self) -> &Node {
        self.target.node()
    }

    /// Makes the process in the cell `watcher`, whose pid is `me`, monitor the process that is the receiver now.
    pub(crate) fn monitor_by<W: Protocol>(&self, watcher: &Cell<W>, me: &Pid) -> MonitorRef {
        watcher.monitor(me, self.target.monitored())
    }
}

impl<E: Serialize + DeserializeOwned + Send + 'static> Recipient<E> {
    /// Sends an event, as a cast.
    ///
    /// Drop the returned [`Cast`] to go on at once, or await it for back-pressure and errors.
    pub fn send(&self, event: E) -> Cast {
        match self.place(event) {
            Ok(placement) => Cast::from(placement),
            Err(Unplaced::Failed(error)) => Cast::failed(error),
            Err(Unplaced::Missing(event)) => match self.target.at_present() {
                Some(Ok(owner)) => Recipient::new(owner).send(event),
                Some(Err(error)) => Cast::failed(error),
                None => Cast::failed(CastError::NoProc),
            },
        }
    }

    fn place(&self, value: E) -> Result<Placement<'_>, Unplaced<E>> {
        match self.target.resolve() {
            Resolved::Local(process) => {
                let (cell, number) = process.cell()?;
                let waiting =
                    cell.deliver_event(Some(number).filter(|number| *number != FOLLOWING), &mut Some(value))?;
                Ok(waiting
                    .map_or(Placement::Queue, |id| Placement::WaitQueue(cell.into_owned().into_admission_queue(), id)))
            }
            Resolved::Remote(to) => {
                let node = self.target.node();
                let definition = type_definition::<E>(node);
                let named = (type_name::<E>(), Some(&*definition));
                let context = node.message_context();
                Ok(route(node, to, named, EncodedMessage::EVENT, context, |encoder| encoder.field(&value))?)
            }
            Resolved::Missing(_) => Err(Unplaced::Missing(value)),
        }
    }
}

/// An event that was not placed.
enum Unplaced<E> {
    Failed(CastError),
    /// The target is not a process; it may be a global name, which has one.
    Missing(E),
}

impl<E> From<CastError> for Unplaced<E> {
    fn from(error: CastError) -> Unplaced<E> {
        Unplaced::Failed(error)
    }
}

// By hand, since a derive would require the same of `E`.
impl<E> Clone for Recipient<E> {
    fn clone(&self) -> Self {
        Recipient::new(self.target.clone())
    }
}

impl<E> PartialEq for Recipient<E> {
    fn eq(&self, other: &Self) -> bool {
        self.target == other.target
    }
}

impl<E> Eq for Recipient<E> {}

impl<E> Hash for Recipient<E> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.target.hash(state);
    }
}

impl<E> fmt::Debug for Recipient<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({:?})", self.target)
    }
}
