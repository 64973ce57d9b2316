//! Requests to a server itself, beside its messages: format its state, change its state, suspend, resume.
//!
//! A request is not a message, but it keeps its order among messages, as a stop does: the server handles it after the
//! messages that were sent before it. As the
//! [`sys`](https://www.erlang.org/doc/apps/stdlib/sys.html) module of OTP.

use std::any::Any;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::Poll;

use tokio::sync::oneshot;

use super::flags::{SUSPENDED, SYSTEM_REQUEST};
use super::{Cell, Mailbox};
use crate::base::{Exit, Protocol};

/// One request to a server.
pub(crate) enum SystemRequest {
    /// Returns the state as text.
    FormatState(oneshot::Sender<String>),
    /// Calls a function with the state, which checks the state's type.
    WithState(StateFn),
    Suspend(oneshot::Sender<()>),
    Resume(oneshot::Sender<()>),
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
}

impl<M: Protocol> Cell<M> {
    /// Sends a request to the process with this number.
    pub(crate) fn request(&self, number: u64, request: SystemRequest) -> Result<(), RequestError> {
        {
            let control = self.control();
            if control.number == number && !control.kind.sys {
                return Err(RequestError::NotAllowed);
            }
        }
        let sent_before = self.queue.pushed();
        self.with_attached_if_running(number, |attached| attached.requests.push_back((request, sent_before)))
            .ok_or(RequestError::Gone)?;
        self.flags.set(SYSTEM_REQUEST);
        self.queue.wake();
        Ok(())
    }

    /// Takes the next request of a process that has read `read` messages, if all that were sent before the request are
    /// among them.
    fn take_request(&self, number: u64, read: u64) -> Option<SystemRequest> {
        self.with_attached(number, |attached| {
            if attached.requests.front().is_none_or(|(_, sent_before)| *sent_before > read) {
                return None;
            }
            let request = attached.requests.pop_front();
            if attached.requests.is_empty() {
                self.flags.clear(SYSTEM_REQUEST);
            }
            request.map(|(request, _)| request)
        })?
    }
}

/// The events that a suspended server handles.
pub(crate) enum SuspendedEvent {
    SystemRequest(SystemRequest),
    Stop(Exit),
}

impl<M: Protocol> Mailbox<M> {
    /// Takes the next request, once all messages that were sent before it have been read.
    pub(super) fn take_request(&mut self, read: u64) -> Option<SystemRequest> {
        let pending = self.cell.flags.get() & SYSTEM_REQUEST != 0;
        if pending { self.cell.take_request(self.pid().number(), read) } else { None }
    }

    /// Marks the process as suspended or resumed, for its process info.
    pub(crate) fn set_suspended(&self, suspended: bool) {
        if suspended {
            self.cell.flags.set(SUSPENDED);
        } else {
            self.cell.flags.clear(SUSPENDED);
        }
    }

    /// Waits for the next event of a suspended process. Its messages stay in the mailbox. Cancel-safe.
    pub(crate) async fn next_while_suspended(&mut self) -> SuspendedEvent {
        // No waker to set: a request, a stop and an exit signal wake the process's task.
        poll_fn(|_| {
            if self.cell.is_exiting() {
                return Poll::Pending;
            }
            if let Some(reason) = self.cell.take_stop(u64::MAX) {
                return Poll::Ready(SuspendedEvent::Stop(reason));
            }
            match self.take_request(u64::MAX) {
                Some(request) => Poll::Ready(SuspendedEvent::SystemRequest(request)),
                None => Poll::Pending,
            }
        })
        .await
    }
}
