//! Requests to a server itself, beside its messages: format its state, change its state, suspend, resume.
//!
//! A request is not a message, but it keeps its order among messages, as a stop does: the server handles it after the
//! messages that were sent before it. As the
//! [`sys`](https://www.erlang.org/doc/apps/stdlib/sys.html) module of OTP.

use std::any::Any;
use std::collections::VecDeque;

use tokio::sync::oneshot;

use crate::base::Exit;
#[cfg(feature = "registry")]
use crate::node::Finish;
#[cfg(feature = "upgrade")]
use crate::node::HoldRequest;
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
    /// A step of an upgrade of the node. For each portable actor, and for supervisors.
    #[cfg(feature = "upgrade")]
    Hold(HoldRequest),
    /// Ends the server when its mailbox is empty.
    #[cfg(feature = "registry")]
    Finish(Finish),
}

/// The processes that answer a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    Servers,
    Portable,
    #[cfg(feature = "upgrade")]
    PortableAndSupervisors,
    /// Those with the option `sys`.
    WithOption,
}

impl SystemRequest {
    pub(super) fn audience(&self) -> Audience {
        match self {
            #[cfg(feature = "net")]
            SystemRequest::TakeState(_) => Audience::Portable,
            #[cfg(feature = "upgrade")]
            SystemRequest::Hold(_) => Audience::PortableAndSupervisors,
            #[cfg(feature = "registry")]
            SystemRequest::Finish(_) => Audience::Servers,
            _ => Audience::WithOption,
        }
    }

    /// Returns whether the request is handled when no message is left, however many come before.
    pub(super) fn is_for_the_end(&self) -> bool {
        match self {
            #[cfg(feature = "registry")]
            SystemRequest::Finish(request) => request.insists,
            _ => false,
        }
    }

    /// Returns whether the request is handled before all messages.
    pub(super) fn is_for_now(&self) -> bool {
        match self {
            #[cfg(feature = "upgrade")]
            SystemRequest::Hold(HoldRequest::Hold { at_once, .. }) => *at_once,
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
