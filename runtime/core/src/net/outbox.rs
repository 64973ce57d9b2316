//! The frames that wait to be sent over one connection. Any thread may push one.
//!
//! A frame is encoded when it is pushed, so an encoding error is returned to its sender. Small frames share one buffer,
//! so many of them need one allocation. The driver takes all waiting frames at a time.
//!
//! States: *connecting* (no frame is accepted) → *open* → *closing* (no frame is accepted, waiting frames are sent) →
//! *ended* (the driver is gone, waiting frames are lost). Frames can also wait [before](opening) there is a connection, and
//! [between](parked) two connections; those of a paused connection are [kept](suspended) beyond its end.
//!
//! Invariants:
//! - The order of pushes is kept within a lane.
//! - The driver takes the definition of a name before, or together with, the first frame that uses its number.
//! - `waiting` counts the frames that are not in a record yet, here or in the driver's session.
//! - A message is put behind the frames that are sent only while less than the bound waits.
//!
//! A message above the bound waits in a [queue](wait_queue), and so does one whose target the peer holds. Its sender
//! awaits that it is sent, or takes it back. Answers and signals never wait, since their senders cannot: they are
//! bounded by the calls and the relations of the peer, and answers also by a budget.
//!
//! Two amounts are bounded. *Weight* bounds the delay: a large frame counts for little in it, since lanes take turns
//! and its rest does not delay other lanes. *Bytes* bound the memory of large frames: as many may wait as a peer may have
//! to reassemble. Small messages do not wait for memory.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;

use crate::base::{Definition, Payload, SortedMap};
use crate::mailbox::WaiterId;
use crate::node::Room;
use crate::session::{Backlog, Encoded, Intake, Limits, Refusal, Token, Tokens};
use crate::sync::{Mutex, MutexGuard, PoisonError};
use crate::wire::{Frame, FrameTarget, Numbers, SentNames};

mod batch;
mod error;
#[cfg(test)]
mod inspect;
mod opening;
mod parked;
mod suspended;
mod wait_queue;

use batch::{Batch, Body, Entry};
pub(crate) use error::PushError;
use parked::Parked;
#[cfg(all(feature = "upgrade", unix))]
pub(crate) use suspended::KeptFrames;
use wait_queue::{Admitted, WaitQueue};

/// A frame of more bytes has a buffer of its own.
const SMALL: usize = 16 * 1024;
/// Messages wait in the queue when this many times the high-water mark waits.
const CAP: usize = 4;
/// The memory that a waiting frame counts for in the budget, beside its bytes.
const OVERHEAD: usize = 64;
/// The most variants that are refused because their targets cannot read them. Messages of further ones fail at the peer.
const MAX_REFUSED: usize = 4096;
/// The most memory that is allocated for the next batch, which is as large as the last one up to this.
const PREALLOCATED: usize = 256 * 1024;

/// Frames that wait for one connection's driver.
#[derive(Debug)]
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    room: Notify,
    high_water: usize,
    /// Waiting bytes from which on senders wait, at any weight.
    high_bytes: usize,
    budget: usize,
}

#[derive(Debug)]
struct Queue {
    batch: Batch,
    names: SentNames,
    /// The messages that a target cannot read, by their definition and variant, with the reason.
    refused: SortedMap<(FrameTarget, u64, u32), Arc<str>>,
    waiting: Backlog,
    /// The largest frame that the connection takes, once it is up.
    frame: Option<usize>,
    /// Frames are accepted, but there is no connection yet.
    is_opening: bool,
    messages: WaitQueue,
    closed: bool,
    commands: VecDeque<Command>,
    driver: Option<Waker>,
    /// The outbox that the driver uses in place of this one.
    replacement: Option<Arc<Outbox>>,
    /// Set while the frames wait for a decision about the connection.
    parked: Option<Box<Parked>>,
    /// The frames are kept when the connection ends.
    is_kept: bool,
    /// The number of frames that were pushed, without announcements about members.
    pushes: u64,
}

/// A request to the driver of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Admit the peer, with the tokens of the paused connection that this one can continue: see
    /// [`Session::admit`](crate::session::Session::admit).
    Admit(Tokens),
    /// Refuse the peer.
    Refuse(Refusal),
    /// Ask the peer for a sign of life.
    Probe,
    /// Accept these frames of the peer from now on.
    Accept(Intake),
    /// Pause the connection for this node.
    #[cfg_attr(not(all(feature = "upgrade", unix)), allow(dead_code))]
    Pause(Token),
    /// End the pause of this node.
    #[cfg_attr(not(all(feature = "upgrade", unix)), allow(dead_code))]
    Resume,
    /// End the connection at once, without a goodbye.
    Abort,
}

/// The next work of the driver.
pub(super) enum Work {
    Send(Batch),
    Execute(Command),
    /// No frame waits, and none will be accepted.
    Close,
    /// Take the frames of this outbox from now on.
    Replace(Arc<Outbox>),
}

/// The place of a message that was pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// Behind the frames that are sent.
    Queued(Room),
    /// In the wait queue.
    Waits(WaiterId),
}

impl Outbox {
    pub(crate) fn new(limits: &Limits) -> Outbox {
        let queue = Queue {
            batch: Batch::default(),
            names: SentNames::default(),
            refused: SortedMap::default(),
            waiting: Backlog::default(),
            frame: None,
            is_opening: false,
            messages: WaitQueue::default(),
            closed: false,
            commands: VecDeque::new(),
            driver: None,
            replacement: None,
            parked: None,
            is_kept: false,
            pushes: 0,
        };
        Outbox {
            queue: Mutex::new(queue),
            room: Notify::new(),
            high_water: limits.high_water,
            high_bytes: limits.reassembly.max(limits.high_water),
            budget: limits.budget,
        }
    }

    /// Queues a signal, or an error instead of an answer, behind the frames of the same lane, which is the sending
    /// process's number. Never waits.
    pub(crate) fn push(&self, lane: u64, frame: &Frame) -> Result<Room, PushError> {
        self.push_answer(lane, frame, &mut frame.payload().map(Payload::from).unwrap_or_default(), None)
    }

    /// Queues an answer like [`push`](Self::push): a frame without its payload, the payload, and the definition of its type
    /// if the frame has one.
    pub(crate) fn push_answer(
        &self,
        lane: u64,
        head: &Frame,
        payload: &mut Payload,
        definition: Option<&Arc<Definition>>,
    ) -> Result<Room, PushError> {
        let mut queue = self.lock();
        let limit = queue.limit()?;
        let budget = match head {
            Frame::Answer { result: Ok(_), .. } => self.budget,
            _ => self.budget.saturating_mul(2),
        };
        if queue.waiting.bytes.saturating_add(queue.waiting.frames.saturating_mul(OVERHEAD)) > budget {
            return Err(PushError::Full);
        }
        queue.pushes += u64::from(!matches!(head, Frame::Membership(_)));
        let numbers = queue.numbers(head, definition);
        let Queue { batch, waiting, .. } = &mut *queue;
        let size = if head.size_hint() + payload.len() <= SMALL {
            batch.push_small(lane, head, payload, numbers, limit)?
        } else {
            let frame = Encoded::with_payload(head, numbers, mem::take(payload)).map_err(PushError::Encode)?;
            batch.push_large(lane, frame, limit)?
        };
        waiting.grow(size);
        let room = self.room_behind(&queue, size);
        queue.unlock_and_wake_driver();
        Ok(room)
    }

    /// Queues a message with this definition: a frame without its payload, and the payload. Never waits. If there
    /// is no room, or the peer holds the target, the message is put into the wait queue: the sender awaits its admission,
    /// or withdraws it.
    ///
    /// A small payload is copied, so that the sender can reuse its memory.
    pub(crate) fn push_message(
        &self,
        lane: u64,
        head: &Frame,
        payload: &mut Payload,
        definition: Option<&Arc<Definition>>,
    ) -> Result<Pushed, PushError> {
        let Frame::Message { to, protocol, variant, .. } = head else {
            return self.push(lane, head).map(Pushed::Queued);
        };
        // A few bytes of a name do not matter in a large frame, which is encoded before the lock is taken.
        let large = match head.size_hint() + payload.len() {
            ..=SMALL => None,
            _ => Some(Encoded::with_payload(head, Numbers::default(), mem::take(payload)).map_err(PushError::Encode)?),
        };
        let mut queue = self.lock();
        let limit = queue.limit()?;
        if !queue.refused.is_empty()
            && let Some(reason) = queue.refused.get(&(to.clone(), *protocol, *variant))
        {
            return Err(PushError::Refused(Arc::clone(reason)));
        }
        queue.pushes += 1;
        let numbers = queue.numbers(head, definition);
        let is_small = large.is_none();
        let lacks_memory = !is_small && (queue.messages.needs_memory() || !self.has_memory(&queue, 2));
        let must_wait = lacks_memory || queue.messages.blocks(lane, to) || !self.has_room(&queue, CAP);
        let Queue { batch, waiting, messages, .. } = &mut *queue;
        if must_wait {
            let frame = match large {
                Some(frame) => frame,
                None => {
                    // A copy, which has no more memory than it needs.
                    Encoded::with_payload(head, numbers, payload.clone()).map_err(PushError::Encode)?
                }
            };
            if frame.len() > limit {
                return Err(PushError::TooLarge { limit });
            }
            return Ok(Pushed::Waits(messages.push(lane, to.clone(), frame, lacks_memory)));
        }
        let size = match large {
            Some(frame) => batch.push_large(lane, frame, limit)?,
            None => batch.push_small(lane, head, payload, numbers, limit)?,
        };
        waiting.grow(size);
        let room = self.room_behind(&queue, size);
        queue.unlock_and_wake_driver();
        Ok(Pushed::Queued(room))
    }

    /// Resolves when the message with this id was put behind the frames that are sent, with `Err` if the connection ended
    /// first.
    pub(crate) fn poll_admitted(&self, id: WaiterId, cx: &mut Context<'_>) -> Poll<Result<(), ()>> {
        self.lock().messages.poll(id, cx.waker())
    }

    /// Takes the message with this id back. Returns `false` if it does not wait any more.
    pub(crate) fn withdraw(&self, id: WaiterId) -> bool {
        self.lock().messages.withdraw(id)
    }

    /// Refuses messages of this variant of a definition: the target cannot read them.
    pub(crate) fn refuse(&self, to: FrameTarget, definition: u64, variant: u32, reason: Arc<str>) {
        let refused = &mut self.lock().refused;
        if refused.len() < MAX_REFUSED {
            refused.insert((to, definition, variant), reason);
        }
    }

    /// Keeps messages to this target in the wait queue, since the peer requests that.
    pub(crate) fn hold(&self, target: &FrameTarget) {
        self.lock().messages.hold(target);
    }

    /// Sends the messages to this target again.
    pub(crate) fn resume(&self, target: &FrameTarget) {
        let mut queue = self.lock();
        queue.messages.resume(target);
        let wakers = self.admit(&mut queue);
        queue.unlock_and_wake_driver();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Waits until the connection is up and less than the high-water mark waits, or the connection is over.
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

    /// Returns `true` if [`ready`](Self::ready) would return at once.
    pub(crate) fn is_ready(&self) -> bool {
        let queue = self.lock();
        queue.closed || self.room_behind(&queue, usize::MAX) == Room::Left
    }

    /// Accepts no further frames. The driver sends the waiting ones and a goodbye, and ends.
    pub(crate) fn close(&self) {
        let mut queue = self.lock();
        if let Some(other) = queue.replacement.clone() {
            drop(queue);
            return other.close();
        }
        queue.closed = true;
        queue.unpark();
        let wakers = queue.messages.close();
        queue.unlock_and_wake_driver();
        self.room.notify_waiters();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Has the driver execute a command before it takes further frames. Has no effect once the driver is gone.
    pub(crate) fn command(&self, command: Command) {
        let mut queue = self.lock();
        if let Some(other) = queue.replacement.clone() {
            drop(queue);
            return other.command(command);
        }
        queue.commands.push_back(command);
        queue.unlock_and_wake_driver();
    }

    /// Returns the next command, else all waiting frames if `take` is set, else the request to close unless the driver is
    /// `closing` already. Registers the driver's waker if there is no work.
    pub(super) fn poll_work(&self, cx: &mut Context<'_>, take: bool, closing: bool) -> Poll<Work> {
        let mut queue = self.lock();
        if let Some(other) = queue.replacement.clone() {
            return Poll::Ready(Work::Replace(other));
        }
        if let Some(command) = queue.commands.pop_front() {
            return Poll::Ready(Work::Execute(command));
        }
        if take && let Some(batch) = queue.next_batch() {
            return Poll::Ready(Work::Send(batch));
        }
        if queue.closed && !closing {
            return Poll::Ready(Work::Close);
        }
        if !queue.driver.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            queue.driver = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Returns `true` if frames wait to be taken by the driver.
    pub(super) fn has_frames(&self) -> bool {
        !self.lock().batch.entries.is_empty()
    }

    /// Returns the number of frames that were pushed, without announcements about members.
    pub(crate) fn pushes(&self) -> u64 {
        self.lock().pushes
    }

    /// Subtracts the amount that was sent.
    pub(super) fn transmitted(&self, sent: Backlog) {
        let mut queue = self.lock();
        let was_full = self.room_behind(&queue, usize::MAX) == Room::Full;
        queue.waiting.subtract(sent);
        let room = was_full && self.room_behind(&queue, usize::MAX) == Room::Left;
        // The driver, which calls this, takes their frames next.
        let wakers = self.admit(&mut queue);
        drop(queue);
        if room {
            self.room.notify_waiters();
        }
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Drops all frames and accepts no further ones, at the end of the driver. Has no effect on frames that wait for the
    /// next connection, or may do so.
    pub(super) fn end(&self) {
        let mut queue = self.lock();
        if queue.is_opening || queue.is_kept || queue.parked.is_some() {
            return;
        }
        queue.closed = true;
        queue.batch = Batch::default();
        queue.names = SentNames::default();
        queue.waiting = Backlog::default();
        queue.commands.clear();
        queue.driver = None;
        let wakers = queue.messages.close();
        drop(queue);
        self.room.notify_waiters();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Puts messages of the wait queue behind the frames that are sent, as far as there is room. Returns the wakers of
    /// their senders.
    fn admit(&self, queue: &mut Queue) -> Vec<Waker> {
        let mut wakers = Vec::new();
        while self.has_room(queue, CAP)
            && let Some(Admitted { lane, frame, waker }) =
                queue.messages.admit(self.has_memory(queue, 2), |frame| frame.len() > SMALL)
        {
            queue.waiting.grow(frame.len());
            queue.batch.entries.push(Entry { lane, body: Body::Large(frame) });
            wakers.extend(waker);
        }
        wakers
    }

    /// Returns `true` if less than `times` the high-water mark waits.
    fn has_room(&self, queue: &Queue, times: usize) -> bool {
        queue.waiting.weight < self.high_water.saturating_mul(times)
    }

    /// Returns `true` if at most `times` the bound in bytes waits.
    fn has_memory(&self, queue: &Queue, times: usize) -> bool {
        queue.waiting.bytes <= self.high_bytes.saturating_mul(times)
    }

    /// Returns the room that a frame of `size` bytes has left.
    fn room_behind(&self, queue: &Queue, size: usize) -> Room {
        let is_left = !queue.is_opening && self.has_room(queue, 1) && (size <= SMALL || self.has_memory(queue, 1));
        if is_left { Room::Left } else { Room::Full }
    }

    // A panic while the lock was held cannot have left a change half done.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    /// Returns the largest frame that is accepted.
    fn limit(&self) -> Result<usize, PushError> {
        self.frame.filter(|_| !self.closed).ok_or(PushError::Closed)
    }
}

/// The end of a change that the driver has to see.
trait UnlockAndWake {
    fn unlock_and_wake_driver(self);
}

impl UnlockAndWake for MutexGuard<'_, Queue> {
    fn unlock_and_wake_driver(mut self) {
        let driver = self.driver.take();
        drop(self);
        if let Some(driver) = driver {
            driver.wake();
        }
    }
}
