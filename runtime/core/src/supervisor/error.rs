use std::fmt;

use super::InvalidOptions;
use crate::base::{CallError, Exit, Pid};

/// Why a supervisor did not do with a child what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum ChildError {
    /// It has no such child.
    NotFound,
    /// The child runs: terminate it first.
    Running,
    /// The child is about to be restarted: terminate it first.
    Restarting,
    /// There is a child of this id already, and it runs.
    AlreadyStarted(Pid),
    /// There is a child of this id already, and it does not run: restart or delete it.
    AlreadyPresent,
    /// The child did not start, for this reason.
    Start(Exit),
    /// The options do not go together.
    Options(InvalidOptions),
    /// The child speaks another protocol than the stub that was asked for.
    Incompatible,
    /// The supervisor is on another node, and what makes a child is code, which does not travel: start it there.
    Elsewhere,
    /// There is no such supervisor, or no longer.
    NoProc,
    /// The supervisor did not answer.
    Call(CallError),
}

impl fmt::Display for ChildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChildError::NotFound => f.write_str("no such child"),
            ChildError::Running => f.write_str("the child is running"),
            ChildError::Restarting => f.write_str("the child is being restarted"),
            ChildError::AlreadyStarted(pid) => write!(f, "a child of this id is running: {pid}"),
            ChildError::AlreadyPresent => f.write_str("a child of this id is there, not running"),
            ChildError::Start(reason) => write!(f, "the child did not start: {reason}"),
            ChildError::Options(mismatch) => write!(f, "{mismatch}"),
            ChildError::Incompatible => f.write_str("the child speaks another protocol"),
            ChildError::Elsewhere => {
                f.write_str("a child's specification stays on its node, and the supervisor is on another")
            }
            ChildError::NoProc => f.write_str("no such supervisor"),
            ChildError::Call(error) => write!(f, "the supervisor did not answer: {error}"),
        }
    }
}

impl std::error::Error for ChildError {}

impl From<CallError> for ChildError {
    fn from(error: CallError) -> ChildError {
        match error {
            CallError::NoProc => ChildError::NoProc,
            other => ChildError::Call(other),
        }
    }
}
