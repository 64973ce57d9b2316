//! Requests to a server itself, beside its messages: format its state, change its state, suspend, resume.
//!
//! A request is not a message, but it keeps its order among messages, as a stop does: the server handles it after the
//! messages that were sent before it. As the
//! [`sys`](https://www.erlang.org/doc/apps/stdlib/sys.html) module of OTP.

use std::any::Any;
use std::collections::VecDeque;

use tokio::sync::oneshot;

use crate::base::Exit;

/// One request to a server.
pub(crate) enum SystemRequest {
    /// Returns the state as text.
    FormatState(oneshot::Sender<String>),
    /// Calls a function with the state, which checks the state's type.
    WithState(StateFn),
    Suspend(oneshot::Sender<()>),
    Resume(oneshot::Sender<()>),
    /// Not answered. Every server accepts it.
    #[cfg(feature = "registry")]
    Finish(Finish),
}

/// A request to end at a moment at which the mailbox is empty. Later messages are refused, so none is lost.
#[cfg(feature = "registry")]
#[derive(Clone)]
pub(crate) struct Finish {
    /// The exit reason.
    pub(crate) reason: Exit,
    /// Set if the server handles the messages that have come meanwhile, and ends then. Otherwise it goes on.
    pub(crate) insists: bool,
}

impl SystemRequest {
    /// Returns whether every server accepts the request, also without `#[actor(sys)]`.
    pub(super) fn is_for_all(&self) -> bool {
        match self {
            #[cfg(feature = "registry")]
            SystemRequest::Finish(_) => true,
            _ => false,
        }
    }
}

type StateFn = Box<dyn FnOnce(&mut dyn Any) + Send>;

/// The pending requests of one process, each with the number of messages that were sent before it.
pub(super) type SystemRequests = VecDeque<(SystemRequest, u64)>;

/// The error of a request that was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestError {
    /// The process has ended.
    Gone,
    /// The process's kind does not answer system requests.
    NotAllowed,
    /// The process is a proxy of one on another node.
    Elsewhere,
}

/// The events that a suspended server handles.
pub(crate) enum SuspendedEvent {
    SystemRequest(SystemRequest),
    Stop(Exit),
}
