//! The frames of one connection that wait for its worker.

use std::collections::VecDeque;
use std::mem;

use crate::base::SortedMap;
use crate::session::{Intake, Limits};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, MutexGuard, PoisonError};
use crate::wire::Frame;

/// The waiting bytes above which large frames are not acknowledged. They are again at half of them.
const HIGH: usize = 4 * 1024 * 1024;
/// The waiting bytes, beside one frame of the largest size, above which the peer is not read.
const MOST: usize = 64 * 1024 * 1024;
/// The bytes that a frame counts for beside its own.
const OVERHEAD: usize = 256;

/// The queue of one connection. The functions of its type that take `set_intake` call it under the lock, so that the
/// changes have an order.
pub(in crate::cluster) struct LargeFrames {
    /// A frame of more bytes is large.
    large: usize,
    /// Set while there is a worker, and after one that has failed. Only the connection's task sets it.
    is_in_use: AtomicBool,
    queue: Mutex<Queue>,
}

struct Queue {
    frames: VecDeque<(u64, Frame)>,
    /// The number of frames of each lane that are not handled yet.
    lanes: SortedMap<u64, usize>,
    bytes: usize,
    most: usize,
    intake: Intake,
    worker: WorkerState,
    loss: Option<Loss>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum WorkerState {
    None,
    Running,
    /// The worker's frames are lost, and with them the connection.
    Failed,
}

/// The rest of a connection that is over.
type Loss = Box<dyn FnOnce() + Send>;

/// The place of a frame that has arrived.
pub(super) enum Arrival {
    /// The frame is to be handled now.
    Now(Frame),
    Queued,
    /// The frame is the first one in the queue, which needs a worker.
    First,
    /// The frame comes after others that were lost.
    Dropped,
}

impl LargeFrames {
    /// Returns the empty queue of a connection.
    pub(in crate::cluster) fn new(limits: &Limits) -> LargeFrames {
        let queue = Mutex::new(Queue::new(limits.frame));
        LargeFrames { large: limits.large, is_in_use: AtomicBool::new(false), queue }
    }

    /// Takes a frame that has arrived, if it is large or follows another one of its lane. It counts for `cost` bytes beside its
    /// own. Called by the connection's task alone.
    pub(super) fn arrive(&self, lane: u64, frame: Frame, cost: usize, set_intake: impl FnOnce(Intake)) -> Arrival {
        let is_large = frame.size_hint().saturating_add(cost) > self.large;
        // Usually there is no worker. If the last one has just ended, its frames have been handled.
        if !is_large && !self.is_in_use.load(Ordering::Acquire) {
            return Arrival::Now(frame);
        }
        let mut queue = self.lock();
        if queue.worker == WorkerState::Failed {
            return Arrival::Dropped;
        }
        if !is_large && !queue.lanes.contains_key(&lane) {
            return Arrival::Now(frame);
        }
        queue.push(lane, frame).map(set_intake);
        self.is_in_use.store(true, Ordering::Release);
        match mem::replace(&mut queue.worker, WorkerState::Running) {
            WorkerState::None => Arrival::First,
            WorkerState::Running | WorkerState::Failed => Arrival::Queued,
        }
    }

    /// Returns the next frame with its lane, after one of the lane `handled`. Without a next one the worker is at its end,
    /// and the loss takes effect if the connection is over.
    pub(super) fn next(&self, handled: Option<u64>, set_intake: impl FnOnce(Intake)) -> Option<(u64, Frame)> {
        let mut queue = self.lock();
        if let Some(lane) = handled {
            queue.finish(lane);
        }
        if let Some((lane, frame, intake)) = queue.pop() {
            intake.map(set_intake);
            return Some((lane, frame));
        }
        queue.worker = WorkerState::None;
        self.is_in_use.store(false, Ordering::Release);
        let loss = queue.loss.take();
        drop(queue);
        if let Some(loss) = loss {
            loss();
        }
        None
    }

    /// The worker has failed: all frames are dropped, also those that arrive later. If the connection is over, its loss
    /// takes effect.
    pub(super) fn fail(&self) {
        let mut queue = self.lock();
        queue.worker = WorkerState::Failed;
        queue.lanes.clear();
        let (frames, loss) = (mem::take(&mut queue.frames), queue.loss.take());
        drop(queue);
        drop(frames);
        if let Some(loss) = loss {
            loss();
        }
    }

    /// Calls `loss` after the last frame that has arrived.
    pub(in crate::cluster) fn finish(&self, loss: impl FnOnce() + Send + 'static) {
        let mut queue = self.lock();
        if queue.worker == WorkerState::Running {
            queue.loss = Some(Box::new(loss));
        } else {
            drop(queue);
            loss();
        }
    }

    /// Returns `true` if frames were lost.
    pub(in crate::cluster) fn has_failed(&self) -> bool {
        self.lock().worker == WorkerState::Failed
    }

    /// Returns the number of frames that are not handled yet.
    pub(in crate::cluster) fn count(&self) -> usize {
        self.lock().lanes.values().sum()
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn new(frame: usize) -> Queue {
        Queue {
            frames: VecDeque::new(),
            lanes: SortedMap::new(),
            bytes: 0,
            most: frame.saturating_add(MOST),
            intake: Intake::All,
            worker: WorkerState::None,
            loss: None,
        }
    }

    /// Adds a frame. Returns what is accepted from now on, if that changes.
    fn push(&mut self, lane: u64, frame: Frame) -> Option<Intake> {
        self.bytes += OVERHEAD + frame.size_hint();
        *self.lanes.get_or_insert_with(lane, || 0) += 1;
        self.frames.push_back((lane, frame));
        self.change_intake()
    }

    /// Takes the next frame. Its lane still has it until [`finish`](Self::finish).
    fn pop(&mut self) -> Option<(u64, Frame, Option<Intake>)> {
        let (lane, frame) = self.frames.pop_front()?;
        self.bytes -= OVERHEAD + frame.size_hint();
        Some((lane, frame, self.change_intake()))
    }

    /// A frame of this lane was handled.
    fn finish(&mut self, lane: u64) {
        if let Some(count) = self.lanes.get_mut(&lane) {
            *count -= 1;
            if *count == 0 {
                self.lanes.remove(&lane);
            }
        }
    }

    fn change_intake(&mut self) -> Option<Intake> {
        let intake = match (self.bytes, self.intake) {
            (bytes, _) if bytes > self.most => Intake::Nothing,
            (bytes, Intake::Nothing) if bytes > self.most / 2 => Intake::Nothing,
            (bytes, _) if bytes > HIGH => Intake::Small,
            (bytes, Intake::Small | Intake::Nothing) if bytes > HIGH / 2 => Intake::Small,
            _ => Intake::All,
        };
        (mem::replace(&mut self.intake, intake) != intake).then_some(intake)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::wire::FrameTarget;

    fn frame(size: usize) -> Frame {
        let payload = Bytes::from(vec![0; size]);
        Frame::Message {
            from: 1,
            to: FrameTarget::Process(1),
            protocol: 1,
            variant: 0,
            replies: Vec::new(),
            context: None,
            payload,
        }
    }

    #[test]
    fn a_frame_for_many_processes_is_large() {
        let frames = LargeFrames::new(&Limits { large: 1 << 20, ..Limits::default() });
        assert!(matches!(frames.arrive(1, frame(0), 1 << 19, |_| {}), Arrival::Now(_)));
        assert!(matches!(frames.arrive(1, frame(0), 1 << 20, |_| {}), Arrival::First));
    }

    #[test]
    fn less_is_accepted_the_more_waits() {
        let frames = LargeFrames::new(&Limits { frame: 1 << 20, ..Limits::default() });
        let mut changes = Vec::new();
        for count in 1..=70 {
            frames.arrive(1, frame((1 << 20) - 1000), 0, |intake| changes.push((count, intake)));
        }
        assert_eq!(changes, [(5, Intake::Small), (66, Intake::Nothing)]);
        let (mut changes, mut handled) = (Vec::new(), None);
        for left in (0..70).rev() {
            handled = frames.next(handled, |intake| changes.push((left, intake))).map(|(lane, _)| lane);
            assert_eq!((handled, frames.count()), (Some(1), left + 1), "until the frame is handled");
        }
        assert_eq!(changes, [(32, Intake::Small), (2, Intake::All)]);
        assert!(frames.next(handled, |_| unreachable!()).is_none());
        assert_eq!((frames.count(), frames.lock().bytes), (0, 0));
        assert!(matches!(frames.arrive(1, frame(0), 0, |_| {}), Arrival::Now(_)));
    }

    #[test]
    fn small_frames_behind_a_large_one_are_counted_with_their_memory() {
        let mut queue = Queue::new(0);
        let count = (1..).find(|_| queue.push(1, frame(0)) == Some(Intake::Nothing)).unwrap();
        assert!(count < MOST / OVERHEAD, "{count}");
    }

    #[test]
    fn all_that_follows_a_failure_is_dropped_and_the_loss_takes_effect() {
        let frames = LargeFrames::new(&Limits::default());
        assert!(matches!(frames.arrive(1, frame(1 << 20), 0, |_| {}), Arrival::First));
        assert!(matches!(frames.arrive(1, frame(0), 0, |_| {}), Arrival::Queued));
        assert!(matches!(frames.arrive(2, frame(0), 0, |_| {}), Arrival::Now(_)));
        let (sender, losses) = std::sync::mpsc::channel();
        frames.finish(move || sender.send(()).unwrap());
        assert!(losses.try_recv().is_err());
        frames.fail();
        assert!(losses.try_recv().is_ok());
        for lane in 1..=2 {
            assert!(matches!(frames.arrive(lane, frame(0), 0, |_| {}), Arrival::Dropped));
        }
        assert_eq!(frames.count(), 0);
        let (sender, losses) = std::sync::mpsc::channel();
        frames.finish(move || sender.send(()).unwrap());
        assert!(losses.try_recv().is_ok());
    }
}
