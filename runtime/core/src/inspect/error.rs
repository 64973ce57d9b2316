//! The error of a trace on another node, and of a subscription.

use std::error::Error;
use std::fmt;

use crate::base::CallError;

/// The reason why a trace of another node, or a subscription to its events, did not begin; from
/// [`Inspection::trace`](crate::Inspection::trace) and [`Inspection::events`](crate::Inspection::events).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TraceError {
    /// The process has ended, or is not on the node.
    NoProc,
    /// The node has 16 traces and subscriptions for other nodes already.
    TooMany,
    /// The question failed.
    Failed(CallError),
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TraceError::NoProc => f.write_str("the process to be traced does not exist on the node"),
            TraceError::TooMany => {
                f.write_str("the node has as many traces and subscriptions for other nodes as it may; end one of them")
            }
            TraceError::Failed(error) => error.fmt(f),
        }
    }
}

impl Error for TraceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // The text is that of the inner error, and so is its cause.
            TraceError::Failed(error) => error.source(),
            TraceError::NoProc | TraceError::TooMany => None,
        }
    }
}
