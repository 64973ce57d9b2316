//! What is asked of a server itself rather than said to it: to show its state, to have it changed, to rest.
//!
//! It goes beside the mailbox and keeps its place there all the same, as a stop does: what was sent before it is handled
//! before it.

use std::any::Any;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::Poll;

use tokio::sync::oneshot;

use super::flags::{DOOMED, SUSPENDED, SYSTEM};
use super::{Cell, Mailbox};
use crate::base::{Exit, Protocol};

/// One thing that is asked.
pub(crate) enum SystemRequest {
    /// The state as text.
    FormatState(oneshot::Sender<String>),
    /// Whatever is to be done with the state, if it is of the type that is meant.
    WithState(Work),
    Suspend(oneshot::Sender<()>),
    Resume(oneshot::Sender<()>),
}

/// What is to be done with a state.
type Work = Box<dyn FnOnce(&mut dyn Any) + Send>;

/// What is asked of one process, each with how many messages came before it.
pub(super) type SystemRequests = VecDeque<(SystemRequest, u64)>;

/// Why something cannot be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestError {
    Gone,
    NotAllowed,
}

impl<M: Protocol> Cell<M> {
    /// Asks the process with this number for something.
    pub(crate) fn request(&self, number: u64, aside: SystemRequest) -> Result<(), RequestError> {
        {
            let control = self.control();
            if control.number == number && !control.kind.sys {
                return Err(RequestError::NotAllowed);
            }
        }
        let before = self.queue.pushed();
        self.acquire(number, |attached| attached.asides.push_back((aside, before))).ok_or(RequestError::Gone)?;
        self.flags.set(SYSTEM);
        self.wake();
        Ok(())
    }

    /// The next thing that is asked, if so many messages have been read since.
    fn next_aside(&self, number: u64, read: u64) -> Option<SystemRequest> {
        self.attached(number, |attached| {
            if attached.asides.front().is_none_or(|(_, before)| *before > read) {
                return None;
            }
            let aside = attached.asides.pop_front();
            if attached.asides.is_empty() {
                self.flags.clear(SYSTEM);
            }
            aside.map(|(aside, _)| aside)
        })?
    }
}

/// What a server that rests wakes up for.
pub(crate) enum SuspendedEvent {
    SystemRequest(SystemRequest),
    Stop(Exit),
}

impl<M: Protocol> Mailbox<M> {
    /// What is asked of the process, if its turn has come.
    pub(super) fn aside(&mut self, read: u64) -> Option<SystemRequest> {
        let asked = self.cell.flags.get() & SYSTEM != 0;
        if asked { self.cell.next_aside(self.pid().number(), read) } else { None }
    }

    /// The process rests from here on, or does no longer.
    pub(crate) fn set_suspended(&self, rests: bool) {
        if rests {
            self.cell.flags.set(SUSPENDED);
        } else {
            self.cell.flags.clear(SUSPENDED);
        }
    }

    /// The next thing that is asked of a process that rests; its messages stay where they are. Cancel-safe.
    pub(crate) async fn next_while_suspended(&mut self) -> SuspendedEvent {
        poll_fn(|_| {
            // Whoever asks, stops or kills wakes the task itself.
            if self.cell.flags.get() & DOOMED != 0 {
                return Poll::Pending;
            }
            if let Some(reason) = self.cell.take_stop(u64::MAX) {
                return Poll::Ready(SuspendedEvent::Stop(reason));
            }
            let asked = self.aside(u64::MAX);
            asked.map_or(Poll::Pending, |aside| Poll::Ready(SuspendedEvent::SystemRequest(aside)))
        })
        .await
    }
}
