use std::any::Any;
use std::fmt;

use super::{Exit, MonitorRef, NodeId, NodeName, Pid};

/// A process that was watched has ended, or was never there.
///
/// Comes into a mailbox by a variant `#[from] Down(Down)`; made by the local node, never read off the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Down {
    /// Which act of watching this ends.
    pub monitor: MonitorRef,
    /// Who was watched, as it was named then.
    pub target: Subject,
    /// Why it ended.
    pub reason: Exit,
}

/// Who was watched: a process, or whoever had a name at that moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Subject {
    /// A process.
    Pid(Pid),
    /// A name on a node, resolved once.
    Name(String, NodeName),
}

/// An exit signal that reached a process which traps them.
///
/// Comes into a mailbox by a variant `#[from] Exit(ExitSignal)`; made by the local node, never read off the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExitSignal {
    /// Who ended, or who sent the signal.
    pub from: Pid,
    /// Why.
    pub reason: Exit,
}

/// Another node came or went.
///
/// Comes into a mailbox by a variant `#[from] Node(NodeEvent)`; made by the local node, never read off the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeEvent {
    /// A connection to the node is up. Precedes every signal of that connection.
    Up(NodeId),
    /// The connection is lost. Follows every signal of that connection.
    Down(NodeId),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Pid(pid) => fmt::Display::fmt(pid, f),
            Subject::Name(name, node) => write!(f, "{name} on {node}"),
        }
    }
}

/// A value on its way into a typed mailbox: a message of the runtime's, or an event for a
/// [`Recipient`](crate::Recipient).
///
/// [`Protocol::from_system`](super::Protocol::from_system) offers it to each `#[from]` variant in turn; the one whose
/// field has that very type takes it.
pub struct System<'a>(&'a mut dyn Any);

impl<'a> System<'a> {
    /// Offers the value; it stays where it is if nobody takes it.
    pub(crate) fn offer<T: 'static>(value: &'a mut Option<T>) -> System<'a> {
        System(value)
    }

    /// The same for a value whose type is not known here: an `Option` of it.
    pub(crate) fn offer_any(value: &'a mut dyn Any) -> System<'a> {
        System(value)
    }

    /// The value, if it is a `T` and nobody has taken it yet.
    pub fn take<T: 'static>(&mut self) -> Option<T> {
        self.0.downcast_mut::<Option<T>>()?.take()
    }
}

/// The number by which two nodes know a type of event: FNV-1a over its full path.
pub fn event<T: 'static>() -> u64 {
    let path = std::any::type_name::<T>();
    path.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
