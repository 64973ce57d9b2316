//! A process that is held while its node is upgraded.

use tokio::sync::mpsc;

use super::Mailbox;
use crate::base::{Exit, Protocol};
use crate::node::{HoldRequest, MessageRecord, OwnPart, TimerRecord};
use crate::process::cell::record::message_content;
use crate::process::{SuspendedEvent, SystemRequest};

/// The end of a hold.
pub(crate) enum HoldEnd {
    Released,
    /// A server has to stop.
    Stopped(Exit),
}

impl<M: Protocol> Mailbox<M> {
    /// Takes no message until the process is released or stopped. Requests that are not of an upgrade wait. `own_part` writes
    /// the part of the process that its own code has.
    pub(crate) async fn hold(
        &mut self,
        held: mpsc::UnboundedSender<u64>,
        mut own_part: impl FnMut(&Mailbox<M>) -> Result<OwnPart, String> + Send,
    ) -> HoldEnd {
        let number = self.pid().number();
        if let Some(state) = &self.read_state {
            // The number of unread messages is looked at.
            state.inbox.publish(self.cell().queue(), number);
        }
        // A send fails if the upgrade was abandoned meanwhile, which also releases the process.
        let _ = held.send(number);
        let mut postponed = Vec::new();
        let end = loop {
            // A release that has come already is before a stop: the process is not a held one any more.
            let event = match self.take_request(u64::MAX) {
                Some(request) => SuspendedEvent::SystemRequest(request),
                None => self.next_while_suspended().await,
            };
            match event {
                SuspendedEvent::Stop(reason) => break HoldEnd::Stopped(reason),
                SuspendedEvent::SystemRequest(SystemRequest::Hold(request)) => match request {
                    HoldRequest::Hold { held, .. } => drop(held.send(number)),
                    HoldRequest::Record(answer) => {
                        let recorded = own_part(self).and_then(|own| self.cell().record(number, own));
                        let _ = answer.send((number, recorded));
                    }
                    HoldRequest::Release => break HoldEnd::Released,
                },
                SuspendedEvent::SystemRequest(request) => postponed.push(request),
            }
        };
        for request in postponed {
            // Refused only by a process that is ending.
            let _ = self.cell().request(number, request);
        }
        end
    }

    /// Writes the timers of the process.
    ///
    /// # Errors
    /// The message of one cannot be encoded.
    pub(crate) fn record_timers(&self) -> Result<Vec<TimerRecord>, String> {
        self.cell().record_timers(self.pid().number())
    }

    /// Writes the messages that the process has not received, in order.
    ///
    /// # Errors
    /// A message cannot be encoded.
    pub(crate) fn record_messages(&self) -> Result<Vec<MessageRecord>, String> {
        let mut messages = Ok(Vec::new());
        let mut record = |origin, message: &M| {
            if let Ok(records) = &mut messages {
                match message_content(self.node(), message) {
                    Ok(content) => records.push(MessageRecord { origin, content }),
                    Err(error) => messages = Err(error),
                }
            }
        };
        if let Some(state) = &self.read_state {
            state.inbox.visit(&mut record);
        }
        self.cell().queue().visit(record);
        messages
    }
}
