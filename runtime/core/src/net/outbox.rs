//! What waits to be sent over one connection, pushed from any thread.
//!
//! A frame is encoded when it is pushed, so that its sender learns at once if it cannot be; small ones straight into one
//! buffer, many to an allocation. The driver takes all that is there at a time.
//!
//! States: *open* → *closing* (nothing more is taken in, what waits is sent) → *ended* (the driver is gone, what waited is
//! lost). Invariants: the order of pushes is kept within a lane · `waiting` is what the driver has not turned into records
//! yet, here or in its session · it exceeds a bound by one frame at most.
//!
//! Two things are bounded. What senders feel is *weight*, in which a large frame counts for little: lanes take turns, so it
//! is in nobody's way. What memory feels is *bytes*: as many may wait as a peer may have to reassemble.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::{fmt, mem};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::session::{Backlog, Encoded, Limits};
use crate::wire::{Frame, WireError};

/// A frame of more bytes has a buffer of its own.
const SMALL: usize = 16 * 1024;
/// How many times the high-water mark may wait before messages are refused; answers and signals, which are owed
/// and not asked for, have as much room again.
const CAP: usize = 4;
/// The most memory that is set aside for the next batch on the ground of the last.
const AHEAD: usize = 256 * 1024;

/// Frames that wait for one connection's driver.
#[derive(Debug)]
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    room: Notify,
    high_water: usize,
    /// Bytes at which senders wait, whatever their weight.
    high_bytes: usize,
}

#[derive(Debug)]
struct Queue {
    batch: Batch,
    waiting: Backlog,
    /// The largest frame that the connection takes.
    frame: usize,
    refused: u64,
    closed: bool,
    driver: Option<Waker>,
}

/// Frames in the order of their pushes.
#[derive(Debug, Default)]
pub(super) struct Batch {
    small: Vec<u8>,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    lane: u64,
    body: Body,
}

#[derive(Debug)]
enum Body {
    /// So many bytes, after those of the entries before.
    Small(usize),
    Large(Encoded),
}

/// What the driver is to do.
pub(super) enum Work {
    Send(Batch),
    /// Nothing waits, nothing will come.
    Close,
}

/// Why a frame was not pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PushError {
    /// Too many bytes wait already. Counted.
    Full,
    /// The connection takes no frame this large.
    TooLarge { limit: usize },
    /// The frame has no bytes.
    Encode(WireError),
    /// The connection is over, or about to be.
    Closed,
}

impl Outbox {
    pub(crate) fn new(limits: &Limits) -> Outbox {
        let queue = Queue {
            batch: Batch::default(),
            waiting: Backlog::default(),
            frame: limits.frame.min(limits.reassembly),
            refused: 0,
            closed: false,
            driver: None,
        };
        Outbox {
            queue: Mutex::new(queue),
            room: Notify::new(),
            high_water: limits.high_water,
            high_bytes: limits.reassembly.max(limits.high_water),
        }
    }

    /// Queues a frame behind those of the same lane, which is the sending process's number. Never waits: a sender that
    /// may wait does so in [`ready`](Self::ready), before or after.
    pub(crate) fn push(&self, lane: u64, frame: &Frame) -> Result<(), PushError> {
        let room = match frame {
            Frame::Message { .. } => CAP,
            Frame::Answer { .. } | Frame::Signal { .. } => 2 * CAP,
        };
        if frame.size_hint() <= SMALL {
            return self.admit(room, |batch, limit| batch.push_small(lane, frame, limit));
        }
        let frame = Encoded::new(frame).map_err(PushError::Encode)?;
        self.admit(room, |batch, limit| batch.push_large(lane, frame, limit))
    }

    /// Resolves when less than the high-water mark waits, or when the connection is over.
    pub(crate) async fn ready(&self) {
        loop {
            let mut room = std::pin::pin!(self.room.notified());
            // From here on a notification is not missed.
            room.as_mut().enable();
            if self.is_ready() {
                return;
            }
            room.await;
        }
    }

    /// Whether [`ready`](Self::ready) would resolve at once.
    pub(crate) fn is_ready(&self) -> bool {
        let queue = self.lock();
        queue.closed || self.has_room(&queue, 1)
    }

    /// What waits.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> Backlog {
        self.lock().waiting
    }

    /// How many frames were refused because the outbox was full.
    #[cfg(test)]
    pub(crate) fn refused(&self) -> u64 {
        self.lock().refused
    }

    /// Takes no more; the driver sends what waits, says goodbye and ends.
    pub(crate) fn close(&self) {
        let mut queue = self.lock();
        queue.closed = true;
        let driver = queue.driver.take();
        drop(queue);
        self.room.notify_waiters();
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    /// All that waits, if `take`; registers the driver if there is nothing to do.
    pub(super) fn poll_work(&self, cx: &mut Context<'_>, take: bool) -> Poll<Work> {
        let mut queue = self.lock();
        if take && !queue.batch.entries.is_empty() {
            let ahead = queue.batch.small.len().min(AHEAD);
            let next = Batch { small: Vec::with_capacity(ahead), entries: Vec::new() };
            return Poll::Ready(Work::Send(mem::replace(&mut queue.batch, next)));
        }
        if queue.closed {
            return Poll::Ready(Work::Close);
        }
        if !queue.driver.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            queue.driver = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// So much waits no longer.
    pub(super) fn transmitted(&self, sent: Backlog) {
        let mut queue = self.lock();
        let full = !self.has_room(&queue, 1);
        queue.waiting.bytes = queue.waiting.bytes.saturating_sub(sent.bytes);
        queue.waiting.weight = queue.waiting.weight.saturating_sub(sent.weight);
        let room = full && self.has_room(&queue, 1);
        drop(queue);
        if room {
            self.room.notify_waiters();
        }
    }

    /// What the peer takes is known now.
    pub(super) fn set_frame_limit(&self, limit: usize) {
        self.lock().frame = limit;
    }

    /// The driver is gone.
    pub(super) fn end(&self) {
        let mut queue = self.lock();
        queue.closed = true;
        queue.batch = Batch::default();
        queue.waiting = Backlog::default();
        queue.driver = None;
        drop(queue);
        self.room.notify_waiters();
    }

    fn admit(
        &self,
        room: usize,
        push: impl FnOnce(&mut Batch, usize) -> Result<usize, PushError>,
    ) -> Result<(), PushError> {
        let mut queue = self.lock();
        if queue.closed {
            return Err(PushError::Closed);
        }
        if !self.has_room(&queue, room) {
            queue.refused += 1;
            return Err(PushError::Full);
        }
        let limit = queue.frame;
        let size = push(&mut queue.batch, limit)?;
        queue.waiting.grow(size);
        let driver = queue.driver.take();
        drop(queue);
        if let Some(driver) = driver {
            driver.wake();
        }
        Ok(())
    }

    /// Whether less than so many times the high-water mark waits, and twice the bytes at most.
    fn has_room(&self, queue: &Queue, times: usize) -> bool {
        queue.waiting.weight < self.high_water.saturating_mul(times)
            && queue.waiting.bytes <= self.high_bytes.saturating_mul(times.min(2))
    }

    /// A panic elsewhere while the lock was held left nothing half done.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Batch {
    fn push_small(&mut self, lane: u64, frame: &Frame, limit: usize) -> Result<usize, PushError> {
        let start = self.small.len();
        frame.encode(&mut self.small).map_err(PushError::Encode)?;
        let size = self.small.len() - start;
        // A reason's text may be long, and no hint counts it.
        if size > limit {
            self.small.truncate(start);
            return Err(PushError::TooLarge { limit });
        }
        self.entries.push(Entry { lane, body: Body::Small(size) });
        Ok(size)
    }

    fn push_large(&mut self, lane: u64, frame: Encoded, limit: usize) -> Result<usize, PushError> {
        let size = frame.len();
        if size > limit {
            return Err(PushError::TooLarge { limit });
        }
        self.entries.push(Entry { lane, body: Body::Large(frame) });
        Ok(size)
    }

    /// Each frame with its lane, in order.
    pub(super) fn into_frames(self) -> impl Iterator<Item = (u64, Encoded)> {
        let mut small = Bytes::from(self.small);
        self.entries.into_iter().map(move |entry| match entry.body {
            Body::Small(size) => (entry.lane, small.split_to(size).into()),
            Body::Large(frame) => (entry.lane, frame),
        })
    }
}

impl fmt::Display for PushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PushError::Full => f.write_str("too much waits for this connection"),
            PushError::TooLarge { limit } => write!(f, "the frame is larger than {limit} bytes"),
            PushError::Encode(error) => write!(f, "the frame has no bytes: {error}"),
            PushError::Closed => f.write_str("the connection is closed"),
        }
    }
}

impl std::error::Error for PushError {}
