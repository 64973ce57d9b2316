//! Requests to a server itself, beside its messages: format its state, change its state, suspend, resume.
//!
//! A request is not a message, but it keeps its order among messages, as a stop does: the server handles it after the
//! messages that were sent before it. As the
//! [`sys`](https://www.erlang.org/doc/apps/stdlib/sys.html) module of OTP.

use std::any::Any;
use std::collections::VecDeque;

use tokio::sync::oneshot;

use crate::base::Exit;
#[cfg(feature = "net")]
use crate::node::TakeState;

/// One request to a server.
pub(crate) enum SystemRequest {
    /// Returns the state as text.
    FormatState(oneshot::Sender<String>),
    /// Calls a function with the state, which checks the state's type.
    WithState(StateFn),
    Suspend(oneshot::Sender<()>),
    Resume(oneshot::Sender<()>),
    /// Hands the state over, and ends the process. For each portable actor, also one that is not a server.
    #[cfg(feature = "net")]
    TakeState(TakeState),
}

impl SystemRequest {
    /// Returns whether portable processes answer the request. The others are for processes with the option `sys`.
    pub(super) fn takes_state(&self) -> bool {
        match self {
            #[cfg(feature = "net")]
            SystemRequest::TakeState(_) => true,
            _ => false,
        }
    }

    /// Returns whether nothing waits for the state any more.
    pub(super) fn is_withdrawn(&self) -> bool {
        match self {
            #[cfg(feature = "net")]
            SystemRequest::TakeState(request) => request.answer.is_closed(),
            _ => false,
        }
    }
}

type StateFn = Box<dyn FnOnce(&mut dyn Any) + Send>;

/// The pending requests of one process, each with the number of messages that were sent before it.
pub(super) type SystemRequests = VecDeque<(SystemRequest, u64)>;

/// The events that a suspended server handles.
pub(crate) enum SuspendedEvent {
    SystemRequest(SystemRequest),
    Stop(Exit),
}
