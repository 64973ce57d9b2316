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

/// A message that only the runtime makes, on its way into a typed mailbox.
///
/// [`Protocol::from_system`](super::Protocol::from_system) offers it to each `#[from]` variant in turn;
/// the one whose field has that very type takes it.
pub struct System(Option<Content>);

enum Content {
    Down(Down),
    Exit(ExitSignal),
    Node(NodeEvent),
}

impl System {
    /// The message, if it is a `T` and nobody has taken it yet.
    pub fn take<T: 'static>(&mut self) -> Option<T> {
        fn cast<A: 'static, T: 'static>(message: A) -> Option<T> {
            let mut slot = Some(message);
            (&mut slot as &mut dyn Any).downcast_mut::<Option<T>>()?.take()
        }
        let matches = match self.0.as_ref()? {
            Content::Down(message) => (message as &dyn Any).is::<T>(),
            Content::Exit(message) => (message as &dyn Any).is::<T>(),
            Content::Node(message) => (message as &dyn Any).is::<T>(),
        };
        if !matches {
            return None;
        }
        match self.0.take()? {
            Content::Down(message) => cast(message),
            Content::Exit(message) => cast(message),
            Content::Node(message) => cast(message),
        }
    }
}

impl From<Down> for System {
    fn from(message: Down) -> System {
        System(Some(Content::Down(message)))
    }
}

impl From<ExitSignal> for System {
    fn from(message: ExitSignal) -> System {
        System(Some(Content::Exit(message)))
    }
}

impl From<NodeEvent> for System {
    fn from(message: NodeEvent) -> System {
        System(Some(Content::Node(message)))
    }
}
