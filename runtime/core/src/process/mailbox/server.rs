//! The loop of a server: its next message, system request or stop.

use std::future::{Future, poll_fn};
use std::hint::cold_path;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use super::{BUDGET, Mailbox, RECEIVE_COST};
use crate::base::{Exit, Protocol};
use crate::mailbox::{Mask, Next};
#[cfg(feature = "registry")]
use crate::node::Finish;
use crate::process::cell::flags::{LONG, SUSPENDED, SYSTEM_REQUEST};
use crate::process::cell::message_text;
use crate::process::{SuspendedEvent, SystemRequest};

/// The next event that a server handles.
pub(crate) enum Step<M> {
    Message(M),
    SystemRequest(SystemRequest),
    Stop(Exit),
}

impl<M: Protocol> Mailbox<M> {
    /// The fast path of [`step`](Self::step) for a server: returns the next message as long as no flag is set and no
    /// message is saved. `None` means that the caller has to use `step`. Cancel-safe.
    #[inline(always)]
    pub(crate) fn poll_fast(&mut self, cx: &mut Context<'_>) -> Poll<Option<M>> {
        let Some(state) = self.read_state.as_mut() else { return Poll::Ready(None) };
        let flags = self.cell.flags.get();
        if state.reports_takes || flags & !LONG != 0 || !state.inbox.is_batch_only() {
            cold_path();
            return Poll::Ready(None);
        }
        if state.budget < RECEIVE_COST {
            cold_path();
            state.budget = BUDGET;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if state.inbox.is_read() {
            // A long mailbox is examined once per batch.
            if flags != 0 {
                cold_path();
                return Poll::Ready(None);
            }
            if state.inbox.poll_refill(self.cell.queue(), cx).is_pending() {
                state.budget = BUDGET;
                return Poll::Pending;
            }
        }
        let Some((variant, message)) = state.inbox.next_in_batch() else { return Poll::Ready(None) };
        state.budget -= RECEIVE_COST;
        state.last_variant = Some(variant as u16);
        if const { M::REPORTED } {
            self.cell.set_last_text(self.pid.number(), message_text(&message));
        }
        Poll::Ready(Some(message))
    }

    /// Waits for the next event of a server. Cancel-safe.
    #[inline]
    pub(crate) fn step(&mut self) -> impl Future<Output = Step<M>> + Send {
        if self.read_state.is_some() {
            self.begin(Mask::ALL, None, None);
        }
        poll_fn(|cx| self.poll_step(cx))
    }

    /// Waits for the next event of a server, until `deadline`. Cancel-safe.
    pub(crate) async fn step_until(&mut self, deadline: Option<Instant>) -> Option<Step<M>> {
        let Some(deadline) = deadline else { return Some(self.step().await) };
        self.begin(Mask::ALL, None, None);
        let mut timer = self.node().clock().sleep_until(deadline);
        poll_fn(|cx| match self.poll_step(cx) {
            Poll::Ready(step) => Poll::Ready(Some(step)),
            Poll::Pending if self.cell.is_exiting() => Poll::Pending,
            Poll::Pending => timer.as_mut().poll(cx).map(|()| None),
        })
        .await
    }

    /// Waits for `future`, or for a message of one of the variants in `want`. Other messages are saved. Cancel-safe.
    ///
    /// For the deadlock check, the process waits for `future` only: a message of these variants never ends the wait.
    pub(crate) async fn receive_while<T>(
        &mut self,
        want: Mask,
        mut future: Pin<&mut (impl Future<Output = T> + Send)>,
    ) -> Result<T, M> {
        self.begin(want, None, None);
        poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Ok(output));
            }
            // A message wakes the task. The mailbox holds no clone of the waker that a deadlock check examines.
            let task = self.cell.queue().task_waker();
            let received = self.poll_next(&mut Context::from_waker(task.as_ref().unwrap_or(cx.waker())));
            if let Poll::Ready(Some(message)) = received {
                self.take(&message);
                return Poll::Ready(Err(message));
            }
            if !self.read_state().inbox.is_read() || !self.cell.queue().is_empty() {
                // The poll has ended early, so it does not show that the process waits.
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        })
        .await
    }

    /// Returns the number of messages that were received and saved.
    pub(crate) fn saved(&self) -> u32 {
        self.read_state.as_ref().map_or(0, |state| state.inbox.saved())
    }

    /// Takes the oldest saved message, even if a stop is pending.
    pub(crate) fn take_saved(&mut self) -> Option<M> {
        if self.saved() == 0 {
            return None;
        }
        self.begin(Mask::ALL, None, None);
        let state = self.read_state.as_mut()?;
        let Next::Test(message) = state.inbox.next(self.cell.queue(), None) else { return None };
        state.tested_variant = message.variant() as u16;
        self.take(&message);
        Some(message)
    }

    /// The number of messages that have arrived so far, to be compared with [`has_read`](Self::has_read) later.
    pub(crate) fn arrived(&self) -> u64 {
        self.cell.queue().pushed()
    }

    /// Returns whether the messages that had [`arrived`](Self::arrived) at some time were read, or dropped by a full
    /// mailbox.
    pub(crate) fn has_read(&self, arrived: u64) -> bool {
        self.read_state.as_ref().map_or(0, |state| state.inbox.passed()) >= arrived
    }

    #[inline(always)]
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step<M>> {
        if self.cell.flags.get() != 0 {
            return self.poll_step_slow(cx);
        }
        if self.read_state.is_none() && !self.cell.is_bounded() && self.cell.queue().wait(cx) {
            return Poll::Pending;
        }
        if let Poll::Ready(Some(message)) = self.poll_next(cx) {
            self.take(&message);
            return Poll::Ready(Step::Message(message));
        }
        // A flag may have been set since the first look.
        if self.cell.flags.get() != 0 { self.poll_step_slow(cx) } else { Poll::Pending }
    }

    /// Polls for the next event while a flag is set. A system request and a stop come after the messages that were sent
    /// before them.
    #[cold]
    fn poll_step_slow(&mut self, cx: &mut Context<'_>) -> Poll<Step<M>> {
        let read = self.read_state.as_ref().map_or(0, |state| state.inbox.passed());
        if let Some(request) = self.take_request(read) {
            return Poll::Ready(Step::SystemRequest(request));
        }
        if self.cell.is_stopping()
            && let Some(reason) = self.cell.take_stop(read)
        {
            return Poll::Ready(Step::Stop(reason));
        }
        if let Poll::Ready(Some(message)) = self.poll_next(cx) {
            self.take(&message);
            return Poll::Ready(Step::Message(message));
        }
        // A message that was sent before may have been withdrawn; then the count of read messages stays too low.
        let nothing_left = self.read_state().inbox.is_read() && self.cell.queue().is_empty();
        if nothing_left && let Some(request) = self.take_request(u64::MAX) {
            return Poll::Ready(Step::SystemRequest(request));
        }
        if self.cell.is_stopping()
            && nothing_left
            && let Some(reason) = self.cell.take_stop(u64::MAX)
        {
            return Poll::Ready(Step::Stop(reason));
        }
        Poll::Pending
    }

    /// Has the server finish after the messages that have come meanwhile.
    #[cfg(feature = "registry")]
    pub(crate) fn request_finish(&self, request: Finish) {
        // Refused only by a process that is ending.
        let _ = self.cell.request(self.pid.number(), SystemRequest::Finish(request));
    }

    /// Takes the next request, once all messages that were sent before it have been read.
    pub(super) fn take_request(&mut self, read: u64) -> Option<SystemRequest> {
        let pending = self.cell.flags.get() & SYSTEM_REQUEST != 0;
        if pending { self.cell.take_request(self.pid().number(), read) } else { None }
    }

    /// Closes the mailbox if nothing is in it. Returns whether it is closed. Later messages are refused then.
    #[cfg(feature = "registry")]
    pub(crate) fn close_if_empty(&mut self) -> bool {
        let has_read = self.read_state.as_ref().is_none_or(|state| state.inbox.is_read() && state.inbox.saved() == 0);
        has_read && self.cell.queue().close_if_empty()
    }

    /// Takes the next request of a process that is not a server, once all messages that were sent before it have been
    /// received or saved.
    #[cfg(feature = "net")]
    pub(crate) fn take_due_request(&mut self) -> Option<SystemRequest> {
        let inbox = &self.read_state().inbox;
        let (read, is_read) = (inbox.passed(), inbox.is_read());
        // A message that was withdrawn is never read.
        let read = if is_read && self.cell.queue().is_empty() { u64::MAX } else { read };
        self.take_request(read)
    }

    /// Has the server stop before its next message.
    pub(crate) fn stop_now(&mut self, reason: Exit) {
        let read = self.read_state.as_ref().map_or(0, |state| state.inbox.passed());
        self.cell.stop_after(read, reason);
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
