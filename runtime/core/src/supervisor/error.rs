//! The error of a request to a supervisor.

use std::error::Error;
use std::fmt;

use super::InvalidOptions;
use crate::base::{CallError, CallErrorKind, Exit, Pid};

/// The reason why a request to a supervisor about a child failed.
///
/// The requests are the methods of [`TreeStub`](super::TreeStub) and [`Dynamic`](super::Dynamic).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum ChildError {
    /// The supervisor has no such child.
    NotFound,
    /// The child is running. Terminate it first.
    Running,
    /// The child is about to be restarted. Terminate it first.
    Restarting,
    /// A running child has this id already. The pid is that child's.
    AlreadyStarted(Pid),
    /// A child that is down has this id already. Restart or delete it.
    AlreadyPresent,
    /// The child's `init` failed with this reason.
    Start(Exit),
    /// The child's options contradict each other.
    Options(InvalidOptions),
    /// The child has another protocol than the requested stub.
    Incompatible,
    /// The supervisor is on another node. A child spec contains code, so it can only be used on its own node.
    RemoteSupervisor,
    /// The supervisor has as many subscribers to its [child events](crate::TreeStub::child_events) as it may have.
    TooManySubscribers,
    /// The supervisor does not exist, or has exited.
    NoProc,
    /// The call to the supervisor failed.
    Call(CallError),
}

impl fmt::Display for ChildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChildError::NotFound => f.write_str("the supervisor has no such child"),
            ChildError::Running => f.write_str("the child is running: terminate it first"),
            ChildError::Restarting => f.write_str("the child is being restarted: terminate it first"),
            ChildError::AlreadyStarted(pid) => write!(f, "a running child has this id already: {pid}"),
            ChildError::AlreadyPresent => {
                f.write_str("a child that is down has this id already: restart it or delete it")
            }
            ChildError::Start(reason) => write!(f, "the child did not start: {reason}"),
            ChildError::Options(_) => f.write_str("the child's options contradict each other"),
            ChildError::Incompatible => f.write_str("the child has another protocol than the requested stub"),
            ChildError::RemoteSupervisor => {
                f.write_str("the supervisor is on another node: start the child from a process on that node")
            }
            ChildError::TooManySubscribers => {
                f.write_str("the supervisor has too many subscribers to its child events")
            }
            ChildError::NoProc => f.write_str("the supervisor does not exist"),
            ChildError::Call(_) => f.write_str("the call to the supervisor failed"),
        }
    }
}

impl Error for ChildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            ChildError::Options(error) => Some(error),
            ChildError::Call(error) => Some(error),
            _ => None,
        }
    }
}

impl From<CallError> for ChildError {
    fn from(error: CallError) -> ChildError {
        match error.kind {
            CallErrorKind::NoProc => ChildError::NoProc,
            _ => ChildError::Call(error),
        }
    }
}
