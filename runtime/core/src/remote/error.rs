//! The error of a start on another node.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::base::{CallError, CallErrorKind, InvalidName, StartError};

/// The reason why a process was not started on another node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpawnError {
    /// There is no connection to the node, or it was lost during the start. A process that had been made there has exited
    /// or will, without having been started for this caller.
    NoConnection,
    /// The node's name is not valid.
    Name(InvalidName),
    /// The node does not export the actor or the tree with this name: see [`NodeBuilder::export`](crate::NodeBuilder::export).
    NotExported(Arc<str>),
    /// The node exports the actor, and does not have the constructor with this name: it runs another release.
    UnknownConstructor(Arc<str>),
    /// The arguments have another type on the node, and cannot be converted. The text has the difference.
    Incompatible(Arc<str>),
    /// The [`Policy`](crate::Policy) of the node does not give this one the right to start processes.
    NotAllowed,
    /// The process was made, and its constructor or its `init` failed.
    Start(StartError),
    /// The request could not be sent or read, or its answer could not.
    Failed(CallErrorKind),
}

impl From<CallError> for SpawnError {
    fn from(error: CallError) -> SpawnError {
        match error.kind {
            CallErrorKind::NoConnection => SpawnError::NoConnection,
            CallErrorKind::NotExported(name) => SpawnError::NotExported(name),
            CallErrorKind::UnknownConstructor(name) => SpawnError::UnknownConstructor(name),
            CallErrorKind::Incompatible(difference) => SpawnError::Incompatible(difference),
            CallErrorKind::NotAllowed(_) => SpawnError::NotAllowed,
            CallErrorKind::Exit(reason) => SpawnError::Start(StartError { child: String::new(), reason }),
            other => SpawnError::Failed(other),
        }
    }
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SpawnError::NoConnection => f.write_str("no connection to the node on which the process is to be started"),
            SpawnError::Name(error) => error.fmt(f),
            SpawnError::NotExported(name) => write!(f, "the node does not export `{name}`"),
            SpawnError::UnknownConstructor(name) => write!(f, "the node does not have the constructor `{name}`"),
            SpawnError::Incompatible(difference) => {
                write!(f, "the node has another type for the arguments: {difference}")
            }
            SpawnError::NotAllowed => f.write_str("the node does not give this one the right to start processes"),
            SpawnError::Start(error) => error.fmt(f),
            SpawnError::Failed(kind) => kind.fmt(f),
        }
    }
}

impl Error for SpawnError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // The text is that of the inner error, and so is its cause.
            SpawnError::Name(error) => error.source(),
            SpawnError::Failed(kind) => kind.source(),
            _ => None,
        }
    }
}
