//! The outbox of a paused connection: its frames are kept beyond the end of the connection, and sent on the one that
//! continues it.
//!
//! The frames have the numbers of names of the old connection. So all names are defined once more on the next one, before
//! the frames, with the same numbers.

use std::task::{Context, Poll, Waker};

use super::batch::{Batch, Body};
use super::{Outbox, Queue};
use crate::base::SortedMap;
use crate::session::Encoded;
use crate::wire::Frame;

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

    /// Takes the frames that wait, before a pause.
    pub(in crate::net) fn take_batch(&self) -> Option<Batch> {
        self.lock().next_batch()
    }
}

impl Queue {
    fn waiting_calls(&self) -> Vec<u64> {
        let names = self.names.as_received();
        let mut calls = Vec::new();
        let mut read = |frame: &Encoded| match Frame::decode(&frame.to_bytes(), &names) {
            Ok(Some(Frame::Message { replies, .. } | Frame::Answer { replies, .. })) => calls.extend(replies),
            // Others have no calls.
            _ => {}
        };
        let mut at = 0;
        for entry in &self.batch.entries {
            match &entry.body {
                Body::Large(frame) => read(frame),
                Body::Small(size) => {
                    read(&bytes::Bytes::copy_from_slice(&self.batch.small[at..at + size]).into());
                    at += size;
                }
            }
        }
        self.messages.frames().for_each(read);
        calls
    }
}
