//! Attachments of a process, which it owns beside its future: streams, timers, blocking code, system requests, deadlock
//! checks.
//!
//! Few processes have any, so they are in [`Attached`], which is allocated on first use.

use std::panic::Location;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use super::Cell;
use super::control_block::{Attached, ExitObserver};
use super::flags::{ANSWERS_WAIT, DEADLOCK_CHECK, SYSTEM_REQUEST};
use crate::base::{Exit, Protocol};
use crate::node::RequestError;
use crate::observe::DeadlockCheck;
use crate::process::stream_source::StreamSource;
use crate::process::system_request::Audience;
use crate::process::{SystemRequest, Timer};

impl<M: Protocol> Cell<M> {
    /// Sends a request to the process with this number. Requests that were withdrawn leave the queue.
    pub(crate) fn request(&self, number: u64, request: SystemRequest) -> Result<(), RequestError> {
        {
            let control = self.control();
            if control.number == number && control.is_proxy() {
                return Err(RequestError::Elsewhere);
            }
            let is_allowed = match request.audience() {
                Audience::Servers => control.kind.server,
                Audience::Portable => control.kind.portable,
                #[cfg(feature = "upgrade")]
                Audience::PortableAndSupervisors => control.kind.portable || control.kind.supervisor,
                Audience::WithOption => control.kind.sys,
            };
            if control.number == number && !is_allowed {
                return Err(RequestError::NotAllowed);
            }
        }
        let sent_before = if request.is_for_the_end() { u64::MAX } else { self.queue.pushed() };
        let push = |attached: &mut Attached| {
            attached.requests.retain(|(earlier, _)| !earlier.is_withdrawn());
            match request.is_for_now() {
                true => attached.requests.push_front((request, 0)),
                false => attached.requests.push_back((request, sent_before)),
            }
        };
        self.with_attached_if_running(number, push).ok_or(RequestError::Gone)?;
        self.flags.set(SYSTEM_REQUEST);
        self.queue.wake();
        Ok(())
    }

    /// Takes the next request of a process that has read `read` messages, if all that were sent before the request are
    /// among them.
    pub(in crate::process) fn take_request(&self, number: u64, read: u64) -> Option<SystemRequest> {
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

    #[cfg(test)]
    pub(crate) fn pending_requests(&self) -> usize {
        self.control().attached().map_or(0, |attached| attached.requests.len())
    }

    /// Notes that the state of the process was handed over to it.
    pub(crate) fn set_resumed(&self, number: u64) {
        self.with_attached_if_running(number, |attached| attached.is_resumed = true);
    }

    /// Returns whether the state of the process was handed over to it.
    pub(crate) fn is_resumed(&self) -> bool {
        self.control().attached().is_some_and(|attached| attached.is_resumed)
    }

    /// Adds a stream that feeds the mailbox; returns `false` if the process has begun to end.
    pub(in crate::process) fn add_stream(&self, number: u64, source: &Arc<StreamSource>) -> bool {
        self.with_attached_if_running(number, |attached| attached.streams.push(Arc::clone(source))).is_some()
    }

    pub(in crate::process) fn remove_stream(&self, number: u64, source: &Arc<StreamSource>) {
        self.with_attached(number, |attached| attached.streams.retain(|other| !Arc::ptr_eq(other, source)));
    }

    /// Adds a timer and returns its key, or `None` if the process has begun to end.
    pub(in crate::process) fn add_timer(&self, number: u64, timer: &Timer) -> Option<u64> {
        self.with_attached_if_running(number, |attached| {
            let id = attached.next_timer;
            attached.next_timer += 1;
            timer.set_id(id);
            attached.timers.insert(id, timer.clone());
            id
        })
    }

    /// Forgets a timer that has fired or was cancelled.
    pub(in crate::process) fn remove_timer(&self, number: u64, id: u64) {
        let removed = self.with_attached(number, |attached| attached.timers.remove(&id));
        drop(removed);
    }

    /// Counts one more piece of blocking code, called at this place; returns `false` if the process has begun to end.
    pub(in crate::process) fn begin_blocking(&self, number: u64, at: &'static Location<'static>) -> bool {
        let begin = |attached: &mut Attached| {
            attached.blocking += 1;
            attached.blocking_at = Some(at);
        };
        self.with_attached_if_running(number, begin).is_some()
    }

    /// Counts one piece of blocking code less. The last one completes the end of its process, if that has ended
    /// meanwhile.
    pub(in crate::process) fn end_blocking(&self, number: u64) {
        let ended: Option<Option<Exit>> = self.with_attached(number, |attached| {
            attached.blocking -= 1;
            if attached.blocking == 0 { attached.ended.take() } else { None }
        });
        if let Some(reason) = ended.flatten() {
            self.complete_end(number, &reason);
        }
    }

    /// Records the children for whose start or exit the supervisor with this number waits from now on.
    pub(crate) fn set_awaited_children(&self, number: u64, mut children: Vec<u64>) {
        children.sort_unstable();
        self.with_attached(number, |attached| attached.awaited_children = children);
    }

    /// Returns whether an exit reason is set, so that the process in the cell ends with its next poll. It may have none: it
    /// may compute without end. If none is set yet, `observer` is notified when it is.
    pub(crate) fn observe_exit(&self, observer: Weak<dyn ExitObserver>) -> bool {
        let mut control = self.control();
        if !self.is_exiting() {
            control.attached_or_default().exit_observer = Some(observer);
        }
        self.is_exiting()
    }

    /// Records the text of the message that the process has just taken, for its crash report.
    pub(in crate::process) fn set_last_text(&self, number: u64, text: Option<String>) {
        let before = self.with_attached_if_running(number, |attached| std::mem::replace(&mut attached.last_text, text));
        drop(before);
    }

    /// Calls `f` with the process's attachments unless the process has begun to end.
    pub(super) fn with_attached_if_running<R>(&self, number: u64, f: impl FnOnce(&mut Attached) -> R) -> Option<R> {
        let mut control = self.control();
        control.is_running(number).then(|| f(control.attached_or_default()))
    }

    /// Calls `f` with the process's attachments unless the process's end is complete.
    pub(super) fn with_attached<R>(&self, number: u64, f: impl FnOnce(&mut Attached) -> R) -> Option<R> {
        let mut control = self.control();
        control.is_occupied_by(number).then(|| f(control.attached_or_default()))
    }

    /// Polls whether the process's answers have been sent as far as necessary. Clears the flag then.
    pub(in crate::process) fn poll_answers_sent(&self, number: u64, cx: &mut Context<'_>) -> Poll<()> {
        // Polled without the lock: it takes the lock of a connection.
        let waiting = self.with_attached(number, |attached| attached.answers_sent.take()).flatten();
        if let Some(mut waiting) = waiting
            && waiting.as_mut().poll(cx).is_pending()
        {
            self.with_attached(number, |attached| attached.answers_sent = Some(waiting));
            return Poll::Pending;
        }
        self.flags.clear(ANSWERS_WAIT);
        Poll::Ready(())
    }

    /// Takes the pending deadlock checks, which the process's next poll answers.
    pub(in crate::process) fn take_deadlock_checks(&self) -> Vec<Arc<DeadlockCheck>> {
        if !self.flags.clear(DEADLOCK_CHECK) {
            return Vec::new();
        }
        let mut control = self.control();
        control.attached_mut().map(|attached| std::mem::take(&mut attached.deadlock_checks)).unwrap_or_default()
    }
}

impl<M: Protocol> ExitObserver for Cell<M> {
    fn exit_is_set(&self) {
        self.queue.wake();
    }
}
