//! The state of an outbox, for tests, and messages that a test takes out.

use std::mem;
use std::task::{Context, Poll, Waker};

use super::{Outbox, PushError, Pushed, Work};
use crate::base::{Definition, Payload};
use crate::mailbox::WaiterId;
use crate::session::{Backlog, Limits};
use crate::wire::{Frame, ReceivedNames};

impl Outbox {
    /// Returns an outbox whose connection is up.
    pub(crate) fn opened(limits: &Limits) -> Outbox {
        let outbox = Outbox::new(limits);
        outbox.open(limits.frame);
        outbox
    }

    /// Takes all frames that are to be sent, and counts them as sent.
    pub(crate) fn take_frames(&self, names: &mut ReceivedNames) -> Vec<Frame> {
        let Poll::Ready(Work::Send(mut batch)) = self.poll_work(&mut Context::from_waker(Waker::noop()), true, false)
        else {
            return Vec::new();
        };
        batch.take_definitions().iter().for_each(|definition| names.define(definition).unwrap());
        let mut frames = Vec::new();
        for (_, frame) in batch.into_frames() {
            let mut bytes = Vec::new();
            frame.copy(0, frame.len(), &mut bytes);
            frames.extend(Frame::decode(&bytes.into(), names).unwrap());
            let mut sent = Backlog::default();
            sent.grow(frame.len());
            self.transmitted(sent);
        }
        frames
    }

    /// Returns the amount that waits.
    pub(crate) fn waiting(&self) -> Backlog {
        self.lock().waiting
    }

    /// Returns `true` if messages wait for room, or for their target.
    pub(crate) fn has_waiters(&self) -> bool {
        !self.lock().messages.is_empty()
    }

    /// Returns the numbers of messages that wait, of targets that are held, and of messages that were lost.
    pub(crate) fn waiters(&self) -> (usize, usize, usize) {
        self.lock().messages.counts()
    }

    /// Queues a message with its payload, of a protocol with this name if there is one. Returns its id if it waits.
    pub(crate) fn push_whole(&self, lane: u64, frame: &Frame, protocol: &str) -> Result<Option<WaiterId>, PushError> {
        let mut head = frame.clone();
        let (mut fields, mut definition) = (Payload::default(), None);
        if let Frame::Message { payload, protocol: fingerprint, .. } = &mut head {
            fields = Payload::from(&mem::take(payload));
            definition =
                Some(protocol).filter(|name| !name.is_empty()).map(|name| Definition::sample(*fingerprint, name));
        }
        self.push_message(lane, &head, &mut fields, definition.as_ref()).map(|pushed| match pushed {
            Pushed::Queued(_) => None,
            Pushed::Waits(id) => Some(id),
        })
    }
}
