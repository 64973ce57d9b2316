//! An outbox whose connection is being opened: frames wait in it before there is a driver.

use std::mem;
use std::sync::Arc;

use super::batch::Body;
use super::{Outbox, Queue, UnlockAndWake};
use crate::session::{Backlog, Limits};

impl Outbox {
    /// Returns an outbox that accepts frames before there is a connection.
    pub(crate) fn opening(limits: &Limits) -> Outbox {
        let outbox = Outbox::new(limits);
        {
            let mut queue = outbox.lock();
            (queue.frame, queue.is_opening) = (Some(limits.frame), true);
        }
        outbox
    }

    /// Has the driver use another outbox, which accepts frames already. Commands and the request to close go to that one
    /// from now on. No frame was pushed to this one.
    pub(crate) fn replace_by(&self, other: &Arc<Outbox>) {
        let mut queue = self.lock();
        queue.replacement = Some(Arc::clone(other));
        let commands = mem::take(&mut queue.commands);
        let closed = queue.closed;
        queue.unlock_and_wake_driver();
        commands.into_iter().for_each(|command| other.command(command));
        if closed {
            other.close();
        }
    }

    /// Returns the number of frames that wait.
    pub(crate) fn waiting_frames(&self) -> usize {
        self.lock().waiting.frames
    }

    /// Accepts frames from now on, of at most `limit` bytes. Returns the number of waiting frames that are larger, and drops
    /// them.
    pub(in crate::net) fn open(&self, limit: usize) -> usize {
        let mut queue = self.lock();
        queue.is_opening = false;
        queue.frame = Some(limit);
        let Queue { batch, waiting, .. } = &mut *queue;
        let before = batch.entries.len();
        batch.entries.retain(|entry| match &entry.body {
            Body::Large(frame) if frame.len() > limit => {
                let mut gone = Backlog::default();
                gone.grow(frame.len());
                waiting.subtract(gone);
                false
            }
            // A small frame is smaller than every limit.
            _ => true,
        });
        let lost = before - batch.entries.len();
        drop(queue);
        self.room.notify_waiters();
        lost
    }
}
