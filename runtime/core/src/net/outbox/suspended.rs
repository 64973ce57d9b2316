//! The outbox of a paused connection: its frames are kept beyond the end of the connection, and sent on the next one.
//!
//! The frames have the numbers of names of the old connection. So all names are defined once more on the next one, before
//! the frames, with the same numbers.

use std::task::{Context, Poll, Waker};

#[cfg(all(feature = "upgrade", unix))]
use bytes::Bytes;

#[cfg(all(feature = "upgrade", unix))]
use super::batch::{Body, Entry};
use super::{Outbox, Queue};
use crate::base::SortedMap;
use crate::session::Encoded;
use crate::wire::Frame;
#[cfg(all(feature = "upgrade", unix))]
use crate::wire::varint::{self, Reader};
#[cfg(all(feature = "upgrade", unix))]
use crate::wire::{SentNames, WireError};

impl Outbox {
    /// Keeps the frames if the connection ends, or no longer.
    pub(crate) fn keep(&self, keeps: bool) {
        self.lock().is_kept = keeps;
    }

    /// Lets the kept frames wait for the next connection, which is to another process of the peer. Returns `false` if
    /// the outbox is closed, or its frames were not kept.
    pub(crate) fn suspend(&self) -> bool {
        let mut queue = self.lock();
        if queue.closed || !queue.is_kept {
            return false;
        }
        queue.unpark();
        queue.names.define_again();
        // The other process can have other definitions, and does not know of the targets that are held.
        queue.refused = SortedMap::default();
        queue.messages.resume_all();
        queue.waiting = queue.batch.backlog();
        (queue.is_opening, queue.is_kept) = (true, false);
        queue.commands.clear();
        queue.driver = None;
        // Nothing else may come that admits the messages which waited for their targets.
        let wakers = self.admit(&mut queue);
        drop(queue);
        wakers.into_iter().for_each(Waker::wake);
        true
    }

    /// Returns the ids of the calls in the frames that wait.
    pub(crate) fn waiting_calls(&self) -> Vec<u64> {
        self.lock().waiting_calls()
    }

    /// Resolves when the outbox of a suspended connection is closed.
    pub(crate) fn poll_closed(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut queue = self.lock();
        if queue.closed {
            return Poll::Ready(());
        }
        queue.driver = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// The frames that wait in an outbox, as data.
#[cfg(all(feature = "upgrade", unix))]
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct KeptFrames {
    /// The definitions of names, in the order of their numbers.
    pub(crate) definitions: Vec<Vec<u8>>,
    /// Each frame: its lane and its length as numbers of the wire, and its bytes.
    pub(crate) frames: Vec<u8>,
}

#[cfg(all(feature = "upgrade", unix))]
impl Outbox {
    /// Returns a copy of the frames that wait for the driver. Messages that wait in front of the outbox are not among them:
    /// their senders wait.
    pub(crate) fn copy_frames(&self) -> KeptFrames {
        let queue = self.lock();
        let mut kept = KeptFrames::default();
        queue.batch.for_each(|lane, frame| {
            varint::put(&mut kept.frames, lane);
            varint::put(&mut kept.frames, frame.len() as u64);
            frame.copy(0, frame.len(), &mut kept.frames);
        });
        if !kept.frames.is_empty() {
            kept.definitions = queue.names.encode();
        }
        kept
    }

    /// Adds the frames that the predecessor has kept to an outbox without a connection. Returns the ids of the calls that they
    /// answer.
    ///
    /// # Errors
    /// The bytes are not those of frames.
    pub(crate) fn adopt_frames(&self, kept: KeptFrames) -> Result<Vec<u64>, WireError> {
        let mut queue = self.lock();
        queue.names = SentNames::decode(&kept.definitions)?;
        let names = queue.names.as_received();
        let frames = Bytes::from(kept.frames);
        let mut reader = Reader::new(&frames);
        let mut answered = Vec::new();
        while !reader.is_empty() {
            let lane = reader.varint()?;
            let length = usize::try_from(reader.varint()?).map_err(|_| WireError::Truncated)?;
            let frame = frames.slice_ref(reader.bytes(length)?);
            if let Some(Frame::Answer { id, .. }) = Frame::decode(&frame, &names)? {
                answered.push(id);
            }
            queue.waiting.grow(frame.len());
            queue.batch.entries.push(Entry { lane, body: Body::Large(frame.into()) });
        }
        Ok(answered)
    }
}

impl Queue {
    fn waiting_calls(&self) -> Vec<u64> {
        let names = self.names.as_received();
        let mut calls = Vec::new();
        let mut read = |frame: &Encoded| {
            // Other frames have no calls.
            if let Ok(Some(Frame::Message { replies, .. } | Frame::Answer { replies, .. })) =
                Frame::decode(&frame.to_bytes(), &names)
            {
                calls.extend(replies);
            }
        };
        self.batch.for_each(|_, frame| read(frame));
        self.messages.frames().for_each(read);
        calls
    }
}
