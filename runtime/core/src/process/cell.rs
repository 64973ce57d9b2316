use std::sync::Arc;
use std::task::Waker;

use super::control::{Attached, ControlBlock, RunState, StartInfo};
use super::flags::{self, Flags};
use crate::base::{Exit, Protocol};
use crate::mailbox::{Bounds, Mask, Queue};
use crate::node::{Node, Resident};
use crate::observe::DeadlockCheck;
use crate::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use crate::sync::{Mutex, MutexGuard, PoisonError};
use crate::wire::FrameTarget;

/// Where a process lives, and its successors if it is supervised.
// In this order, so that what a poll asks first, and what a sender touches, lies together. Of a process that has not run for
// a while, each line of the cache that is wanted is to be fetched from memory by itself.
#[repr(C)]
pub(crate) struct Cell<M: Protocol> {
    /// What the process has to see to before its next message: bits of [`flags`](super::flags).
    pub(super) flags: Flags,
    /// The variant of the last message that was taken, once the mailbox is gone.
    pub(super) last: AtomicU16,
    /// How much room its task takes, in units of eight bytes; a larger one than can be said is as large as can be said.
    size: AtomicU16,
    /// Whether its mailbox is.
    bounded: bool,
    exported: AtomicBool,
    pub(super) node: Node,
    /// Set if another process will move in when this one ends.
    pub(super) place: Option<Box<ChildSlot>>,
    pub(super) queue: Queue<M>,
    control: Mutex<ControlBlock>,
}

/// No message was taken.
pub(super) const NOTHING: u16 = u16::MAX;

/// What a supervised child's cell is called, in all its lives.
pub(super) struct ChildSlot {
    path: Arc<str>,
    exported: AtomicBool,
    /// Why the last start failed, if it did.
    failure: Mutex<Option<Exit>>,
}

impl ChildSlot {
    fn new(path: Arc<str>) -> ChildSlot {
        ChildSlot { path, exported: AtomicBool::new(false), failure: Mutex::new(None) }
    }

    pub(super) fn failure(&self) -> MutexGuard<'_, Option<Exit>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M: Protocol> Cell<M> {
    /// A vacant cell; with a `path`, one process after another will live in it.
    pub(crate) fn new(node: Node, path: Option<Arc<str>>, bounds: Option<Bounds>) -> Arc<Cell<M>> {
        let place = path.map(|path| Box::new(ChildSlot::new(path)));
        Arc::new(Cell::with(node, place, bounds, ControlBlock::vacant()))
    }

    fn with(node: Node, place: Option<Box<ChildSlot>>, bounds: Option<Bounds>, control: ControlBlock) -> Cell<M> {
        let long = node.thresholds().long_mailbox;
        Cell {
            node,
            bounded: bounds.is_some(),
            queue: Queue::owned(bounds, long, control.number),
            control: Mutex::new(control),
            place,
            flags: Flags::new(flags::NEW),
            last: AtomicU16::new(NOTHING),
            size: AtomicU16::new(0),
            exported: AtomicBool::new(false),
        }
    }

    /// A cell for one process, which has moved in: it has a number and can be reached from here on, though it does not
    /// run yet.
    pub(crate) fn new_occupied(node: Node, bounds: Option<Bounds>, start: StartInfo) -> (Arc<Cell<M>>, u64) {
        let (number, born) = (node.next_number(), node.age());
        let cell = Arc::new(Cell::with(node, None, bounds, ControlBlock::new(number, start, born)));
        cell.enroll(number, start);
        (cell, number)
    }

    /// The next process moves in.
    pub(crate) fn occupy(self: &Arc<Self>, start: StartInfo) -> u64 {
        let (number, born) = (self.node.next_number(), self.node.age());
        let mut control = self.control();
        let before = std::mem::replace(&mut *control, ControlBlock::new(number, start, born));
        self.flags.reset(flags::NEW);
        self.last.store(NOTHING, Ordering::Relaxed);
        self.exported.store(false, Ordering::Relaxed);
        drop(control);
        drop(before);
        match self.place {
            Some(_) => self.queue.open_for_start(number),
            None => self.queue.open(number),
        }
        self.enroll(number, start);
        number
    }

    /// Only when all else is ready it can be found.
    fn enroll(self: &Arc<Self>, number: u64, start: StartInfo) {
        self.node.table().insert(number, Arc::clone(self) as Arc<dyn Resident>);
        if start.kind.node_events {
            self.node.watch_nodes(number, true);
        }
    }

    /// The start of the process has succeeded: what waits here is its own now. Until then it is held for whoever follows.
    pub(crate) fn start_succeeded(&self, number: u64) {
        if self.place.is_some() {
            self.queue.started(number);
        }
    }

    /// Whether what waits here is held for the next process, should the start of this one fail.
    pub(super) fn is_starting(&self) -> bool {
        self.place.is_some() && self.queue.is_starting()
    }

    /// Whoever starts processes here says how the last start went.
    pub(crate) fn set_start_failure(&self, failure: Option<&Exit>) {
        if let Some(place) = &self.place {
            *place.failure() = failure.cloned();
        }
    }

    // What panics under this lock is at most an allocation; the fate is whole then.
    pub(super) fn control(&self) -> MutexGuard<'_, ControlBlock> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn node(&self) -> &Node {
        &self.node
    }

    #[inline]
    pub(super) fn is_bounded(&self) -> bool {
        self.bounded
    }

    #[inline]
    pub(crate) fn queue(&self) -> &Queue<M> {
        &self.queue
    }

    pub(crate) fn export(&self) {
        self.exported.store(true, Ordering::Relaxed);
    }

    /// Whether the process's stub has left this node.
    pub(super) fn is_exported(&self) -> bool {
        self.exported.load(Ordering::Relaxed)
    }

    /// Whether the place's has.
    pub(super) fn is_place_exported(&self) -> bool {
        self.place.as_ref().is_some_and(|place| place.exported.load(Ordering::Relaxed))
    }

    /// The path of the place that this is, if one process after another lives here.
    pub(crate) fn path(&self) -> Option<&Arc<str>> {
        self.place.as_ref().map(|place| &place.path)
    }

    /// The number of the process that lives here, also while it clears up.
    pub(crate) fn current_number(&self) -> Option<u64> {
        let control = self.control();
        (control.stage != RunState::Vacant).then_some(control.number)
    }

    /// A stub that follows whoever lives here leaves this node: the path that it travels by.
    ///
    /// One whose path does not fit into a frame has none there.
    pub(crate) fn export_place(&self) -> Option<String> {
        let place = self.place.as_ref().filter(|place| place.path.len() <= FrameTarget::MAX_NAME)?;
        place.exported.store(true, Ordering::Relaxed);
        Some(place.path.to_string())
    }

    pub(crate) fn doom(&self) -> Option<Exit> {
        if self.is_doomed() { self.control().reason() } else { None }
    }

    /// Remembers how to wake the process, and how large its task is; whether that could be noted just now.
    pub(super) fn set_task(&self, waker: &Waker, size: usize) -> bool {
        self.size.store(u16::try_from(size.div_ceil(8)).unwrap_or(u16::MAX), Ordering::Relaxed);
        self.queue.set_waker(waker)
    }

    /// How many bytes its task takes.
    pub(super) fn task_size(&self) -> u64 {
        u64::from(self.size.load(Ordering::Relaxed)) * 8
    }

    /// Lets the process have a turn.
    pub(super) fn wake(&self) {
        self.queue.wake();
    }

    pub(crate) fn set_trap_exit(&self, trap: bool) -> bool {
        std::mem::replace(&mut self.control().trap_exit, trap)
    }

    pub(crate) fn watch_nodes(&self, watch: bool) {
        let number = {
            let mut control = self.control();
            control.node_events = watch;
            control.number
        };
        self.node.watch_nodes(number, watch);
    }

    /// Gives the process something beside its future; `None` if it is ending.
    pub(super) fn acquire<R>(&self, number: u64, f: impl FnOnce(&mut Attached) -> R) -> Option<R> {
        let mut control = self.control();
        control.is_home_to(number).then(|| f(control.attached()))
    }

    /// What the process has beside its future; `None` if it is no more.
    pub(super) fn attached<R>(&self, number: u64, f: impl FnOnce(&mut Attached) -> R) -> Option<R> {
        let mut control = self.control();
        control.is_of(number).then(|| f(control.attached()))
    }

    /// Who asks what the process waits for, to be told after the next poll.
    pub(super) fn inquiries(&self) -> Vec<Arc<DeadlockCheck>> {
        if !self.flags.clear(flags::INQUIRED) {
            return Vec::new();
        }
        let mut control = self.control();
        control.owns_mut().map(|attached| std::mem::take(&mut attached.inquiries)).unwrap_or_default()
    }

    pub(crate) const fn mask_of(names: Option<&[&str]>) -> Mask {
        Mask::of(names, M::VARIANTS)
    }
}
