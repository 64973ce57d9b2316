//! The record of a process, and how processes occupy it.

mod addressing;
mod attached;
mod child;
mod control_block;
mod end;
#[cfg(feature = "net")]
mod fan_out;
pub(super) mod flags;
mod introspect;
pub(super) mod messages;
mod proxy;
#[cfg(feature = "upgrade")]
pub(super) mod record;
mod report;
mod signals;

use std::sync::Arc;
use std::task::Waker;

use child::ChildSlot;
use control_block::{ControlBlock, RunState};
pub(crate) use control_block::{ExitObserver, ProcessKind, StartInfo};
pub(super) use end::end;
#[cfg(feature = "net")]
pub(crate) use fan_out::fan_out;
use flags::Flags;
pub(super) use introspect::message_text;

use crate::base::{Exit, Protocol, Variant};
use crate::mailbox::{Bounds, Mask, Queue};
use crate::node::{AnyCell, Node};
use crate::sync::atomic::{AtomicU8, AtomicU16, Ordering};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The shared record of a process: its mailbox, its flags and its control block.
///
/// A supervised child keeps its cell over its restarts; each of its incarnations has a number of its own.
// The fields that a poll reads first, and those that a sender touches, lie together: each cache line of a process that has
// not run for a while is a fetch from memory.
#[repr(C)]
pub(crate) struct Cell<M: Protocol> {
    /// The events that the process handles before its next message.
    pub(super) flags: Flags,
    /// The variant of the last message that the process took; set when its `Mailbox` is dropped.
    last_variant: AtomicU16,
    /// The size of the process's task in units of eight bytes, saturating.
    task_size: AtomicU16,
    is_bounded: bool,
    /// [`EXPORTED`] and [`IN_GROUPS`].
    marks: AtomicU8,
    node: Node,
    /// Set for a supervised child, whose cell is reused.
    child_slot: Option<Box<ChildSlot>>,
    queue: Queue<M>,
    control: Mutex<ControlBlock>,
}

/// A direct stub has left this node, so other nodes may reach the process by pid.
const EXPORTED: u8 = 1;
/// The process is a member of groups, or was.
const IN_GROUPS: u8 = 2;

/// The value of `last_variant` before any message was taken.
const NO_VARIANT: u16 = u16::MAX;

/// Occupancy.
impl<M: Protocol> Cell<M> {
    /// Makes a vacant cell. A cell with a `path` is reused: each incarnation of a supervised child occupies it.
    pub(crate) fn new(node: Node, path: Option<Arc<str>>, bounds: Option<Bounds>) -> Arc<Cell<M>> {
        let child_slot = path.map(|path| Box::new(ChildSlot::new(path)));
        Arc::new(Cell::with_control(node, child_slot, bounds, ControlBlock::vacant()))
    }

    /// Makes a cell for one process, and occupies it. The process can be reached from now on, but does not run yet.
    pub(crate) fn new_occupied(node: Node, bounds: Option<Bounds>, start: StartInfo) -> (Arc<Cell<M>>, u64) {
        let number = node.next_number();
        (Cell::new_occupied_as(node, bounds, start, number), number)
    }

    /// Makes a cell for the process with this number, as [`new_occupied`](Self::new_occupied).
    pub(crate) fn new_occupied_as(node: Node, bounds: Option<Bounds>, start: StartInfo, number: u64) -> Arc<Cell<M>> {
        let started_at = node.uptime_nanos();
        let cell = Arc::new(Cell::with_control(node, None, bounds, ControlBlock::new(number, start, started_at)));
        cell.register(number, start);
        cell
    }

    fn with_control(
        node: Node,
        child_slot: Option<Box<ChildSlot>>,
        bounds: Option<Bounds>,
        control: ControlBlock,
    ) -> Cell<M> {
        let long = node.thresholds().long_mailbox;
        Cell {
            node,
            is_bounded: bounds.is_some(),
            queue: Queue::owned(bounds, long, control.number),
            control: Mutex::new(control),
            child_slot,
            flags: Flags::new(flags::NO_WAKER),
            last_variant: AtomicU16::new(NO_VARIANT),
            task_size: AtomicU16::new(0),
            marks: AtomicU8::new(0),
        }
    }

    /// Occupies a vacant cell with the next process and returns its number.
    pub(crate) fn occupy(self: &Arc<Self>, start: StartInfo) -> u64 {
        let number = self.node.next_number();
        self.occupy_as(start, number);
        number
    }

    /// Occupies a vacant cell with the process with this number.
    fn occupy_as(self: &Arc<Self>, start: StartInfo, number: u64) {
        let started_at = self.node.uptime_nanos();
        let mut control = self.control();
        let before = std::mem::replace(&mut *control, ControlBlock::new(number, start, started_at));
        self.start_begins();
        self.flags.reset(flags::NO_WAKER);
        self.last_variant.store(NO_VARIANT, Ordering::Relaxed);
        self.marks.store(0, Ordering::Relaxed);
        drop(control);
        drop(before);
        if self.is_reused() {
            self.queue.open_for_start(number);
        } else {
            self.queue.open(number);
        }
        self.register(number, start);
    }

    /// Enters the process into its node's table, once everything else is ready.
    fn register(self: &Arc<Self>, number: u64, start: StartInfo) {
        self.node.table().insert(number, Arc::clone(self) as Arc<dyn AnyCell>);
        if start.kind.node_events {
            self.node.watch_nodes(number, true);
        }
    }

    /// Returns the number of the process that occupies the cell, also while it is ending.
    pub(crate) fn current_number(&self) -> Option<u64> {
        let control = self.control();
        (control.state != RunState::Vacant).then_some(control.number)
    }
}

/// Access to the parts of the cell.
impl<M: Protocol> Cell<M> {
    pub(crate) fn node(&self) -> &Node {
        &self.node
    }

    #[inline]
    pub(crate) fn queue(&self) -> &Queue<M> {
        &self.queue
    }

    #[inline]
    pub(super) fn is_bounded(&self) -> bool {
        self.is_bounded
    }

    // Nothing but an allocation can panic under this lock, and the control block is consistent then.
    fn control(&self) -> MutexGuard<'_, ControlBlock> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the reason for which the process ends with its next poll.
    pub(super) fn exit_reason(&self) -> Option<Exit> {
        if self.is_exiting() { self.control().exit_reason() } else { None }
    }

    /// Sets the task's waker and size. Returns `false` if the waker could not be set because another thread is calling
    /// the previous one.
    pub(super) fn set_task(&self, waker: &Waker, size: usize) -> bool {
        self.task_size.store(u16::try_from(size.div_ceil(8)).unwrap_or(u16::MAX), Ordering::Relaxed);
        self.queue.set_waker(waker)
    }

    /// Returns the size of the process's task in bytes.
    fn task_size(&self) -> u64 {
        u64::from(self.task_size.load(Ordering::Relaxed)) * 8
    }

    /// Records the variant of the last message that the process took, for its crash report.
    pub(super) fn set_last_variant(&self, number: u64, variant: Option<u16>) {
        let control = self.control();
        if control.number == number {
            self.last_variant.store(variant.unwrap_or(NO_VARIANT), Ordering::Relaxed);
        }
    }

    fn last_variant(&self) -> Option<&'static Variant> {
        M::VARIANTS.get(usize::from(self.last_variant.load(Ordering::Relaxed)))
    }

    /// Starts or stops the delivery of node events to the process.
    pub(crate) fn watch_nodes(&self, watch: bool) {
        let number = {
            let mut control = self.control();
            control.node_events = watch;
            control.number
        };
        self.node.watch_nodes(number, watch);
    }

    pub(crate) const fn mask_of(names: Option<&[&str]>) -> Mask {
        Mask::of(names, M::VARIANTS)
    }
}
