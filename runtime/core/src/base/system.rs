//! Messages that the runtime makes.

use std::any::Any;
use std::fmt;

use super::{Exit, MonitorRef, NodeId, NodeName, Pid};

mod member;

pub use member::Member;

/// The message that a monitored process has ended or does not exist.
///
/// A protocol takes it by a variant `#[from] Down(Down)`. The local node makes it; it is never decoded from bytes of
/// another node. As Erlang's [`'DOWN'`](https://www.erlang.org/doc/apps/erts/erlang.html#monitor/2) message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Down {
    /// The monitor, which has ended with this message.
    pub monitor: MonitorRef,
    /// The monitored process, as `cx.monitor(..)` named it.
    pub target: Subject,
    /// The exit reason, or [`Exit::NoProc`] or [`Exit::NoConnection`] if there was no process to monitor.
    pub reason: Exit,
}

/// The target of a monitor: a pid, or a name that was resolved once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Subject {
    /// The process with this pid.
    Pid(Pid),
    /// The process that had this name on this node when it was monitored.
    Name(String, NodeName),
}

/// The message that a process which traps exits gets for an exit signal.
///
/// A protocol takes it by a variant `#[from] Exit(ExitSignal)`. The local node makes it; it is never decoded from bytes
/// of another node. As Erlang's [`{'EXIT', From, Reason}`](https://www.erlang.org/doc/system/ref_man_processes.html).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExitSignal {
    /// The process that ended or sent the signal.
    pub from: Pid,
    /// The exit reason.
    pub reason: Exit,
}

/// The message that a connection to another node is up or lost, or that a node has joined or left the cluster.
///
/// A member that this node is not connected to, or has lost, is still a member. It leaves by
/// [`Node::leave`](crate::Node::leave), or when no node has reached it for an hour.
///
/// A protocol takes it by a variant `#[from] Node(NodeEvent)`. The local node makes it; it is never decoded from bytes
/// of another node. As the messages of Erlang's
/// [`monitor_nodes`](https://www.erlang.org/doc/apps/kernel/net_kernel.html).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeEvent {
    /// The connection is up. Comes before every signal of that connection.
    Up(NodeId),
    /// The connection is lost. Comes after every signal of that connection.
    Down(NodeId),
    /// The node has joined the cluster, or was announced to this node. Comes before the first `Up` of that incarnation.
    Joined(Member),
    /// The node has left the cluster.
    Left(Member),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Pid(pid) => fmt::Display::fmt(pid, f),
            Subject::Name(name, node) => write!(f, "{name} on {node}"),
        }
    }
}

/// A value of unknown type for a mailbox: a message of the runtime, or an event for a [`Recipient`](crate::Recipient).
///
/// [`Protocol::from_system`](super::Protocol::from_system) offers it to each `#[from]` variant in turn. The variant
/// whose field has the value's type takes it.
pub struct System<'a>(&'a mut dyn Any);

impl<'a> System<'a> {
    /// Offers a value, which stays in its place if no variant takes it.
    pub(crate) fn offer<T: 'static>(value: &'a mut Option<T>) -> System<'a> {
        System(value)
    }

    /// Offers a value whose type the caller does not know: an `Option` of it.
    pub(crate) fn offer_any(value: &'a mut dyn Any) -> System<'a> {
        System(value)
    }

    /// Takes the value if it is a `T` and has not been taken.
    pub fn take<T: 'static>(&mut self) -> Option<T> {
        self.0.downcast_mut::<Option<T>>()?.take()
    }
}
