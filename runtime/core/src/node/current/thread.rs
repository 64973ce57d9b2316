//! The frames of one thread.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::{PollNotes, Spares, THREAD};
use crate::base::MessageContext;
use crate::node::{AnyCell, Node};
use crate::observe::{TableId, ThreadSlots};

/// The state of one thread. One thread-local, so that a poll looks it up once. The parts are cells of their own, since
/// each is moved in and out on its own, in registers.
pub(super) struct ThreadState {
    /// The number of frames. The next five fields are those of the innermost frame, and have no meaning without one.
    pub(super) depth: Cell<usize>,
    /// The number of the process; zero outside of any.
    pub(super) process: Cell<u64>,
    /// The process's cell; `None` for a frame that is not a poll.
    pub(super) cell: RefCell<Option<Arc<dyn AnyCell>>>,
    /// The node of a frame without a cell.
    node: RefCell<Option<Node>>,
    pub(super) notes: RefCell<Option<Box<PollNotes>>>,
    /// The trace context of the message that is handled.
    pub(super) context: Cell<MessageContext>,
    /// The node whose watchdog observes the poll.
    pub(super) table: Cell<TableId>,
    /// The other frames, the innermost last. Almost always empty.
    suspended: RefCell<Vec<Frame>>,
    pub(super) slots: ThreadSlots,
    pub(super) spares: Spares,
    pub(super) spare_buffer: Cell<Vec<u8>>,
}

/// A frame while another one runs.
struct Frame {
    process: u64,
    cell: Option<Arc<dyn AnyCell>>,
    node: Option<Node>,
    notes: Option<Box<PollNotes>>,
    context: MessageContext,
    table: TableId,
}

impl ThreadState {
    pub(super) const fn new() -> ThreadState {
        ThreadState {
            depth: Cell::new(0),
            process: Cell::new(0),
            cell: RefCell::new(None),
            node: RefCell::new(None),
            notes: RefCell::new(None),
            context: Cell::new(MessageContext::NONE),
            table: Cell::new(TableId::NONE),
            suspended: RefCell::new(Vec::new()),
            slots: ThreadSlots::new(),
            spares: Spares::new(),
            spare_buffer: Cell::new(Vec::new()),
        }
    }

    /// Runs `f` on the frame's node.
    pub(super) fn with_node<R>(&self, f: impl FnOnce(&Node) -> R) -> Option<R> {
        match &*self.cell.borrow() {
            Some(cell) => Some(f(cell.node())),
            None => self.node.borrow().as_ref().map(f),
        }
    }

    pub(super) fn is_on(&self, node: &Node) -> bool {
        self.with_node(|current| current.is_same(node)).unwrap_or(false)
    }

    pub(super) fn with_notes<R>(&self, f: impl FnOnce(&mut PollNotes) -> R) -> R {
        f(self.notes.borrow_mut().get_or_insert_default())
    }

    /// Begins a frame for the process with this number. Returns the number of frames below it.
    // Part of each poll.
    #[inline(always)]
    pub(super) fn begin_frame(&self, process: u64) -> Depth {
        let depth = self.depth.get();
        if depth > 0 {
            self.suspend();
        }
        self.depth.set(depth + 1);
        self.process.set(process);
        Depth(depth)
    }

    #[cold]
    fn suspend(&self) {
        let frame = self.take();
        self.suspended.borrow_mut().push(frame);
    }

    fn take(&self) -> Frame {
        Frame {
            process: self.process.get(),
            cell: self.cell.take(),
            node: self.node.take(),
            notes: self.notes.take(),
            context: self.context.take(),
            table: self.table.get(),
        }
    }

    /// Ends the frame of a process if there are others, below or above it.
    #[cold]
    pub(super) fn end_nested(
        &self,
        cell: &mut Option<Arc<dyn AnyCell>>,
        process: u64,
        notes: &mut Option<Box<PollNotes>>,
    ) {
        let is_its = |cell: &Option<_>, number| cell.is_some() && number == process;
        let depth = if is_its(&self.cell.borrow(), self.process.get()) {
            self.depth.get().checked_sub(1)
        } else {
            self.suspended.borrow().iter().rposition(|frame| is_its(&frame.cell, frame.process))
        };
        if let Some(ended) = depth.and_then(|depth| self.end_frames(Depth(depth))) {
            (*cell, *notes) = (ended.cell, ended.notes);
        }
    }

    /// Ends the frame at this depth and all above it, whose ends were skipped. Returns the frame at this depth, unless it
    /// has already ended.
    fn end_frames(&self, Depth(depth): Depth) -> Option<Frame> {
        let mut ended: Option<Frame> = None;
        while self.depth.get() > depth {
            // A panic of a skipped frame counts for the frame below.
            let panic = ended.as_mut().and_then(|skipped| skipped.notes.as_mut()?.panic.take());
            let mut top = self.take();
            if let Some(panic) = panic {
                top.notes.get_or_insert_default().panic = Some(panic);
            }
            let below = self.suspended.borrow_mut().pop();
            self.slots.leave(top.table, below.as_ref().map_or(0, |below| below.process));
            self.table.set(TableId::NONE);
            if let Some(Frame { process, cell, node, notes, context, table }) = below {
                self.table.set(table);
                self.process.set(process);
                *self.cell.borrow_mut() = cell;
                *self.node.borrow_mut() = node;
                *self.notes.borrow_mut() = notes;
                self.context.set(context);
            }
            self.depth.set(self.depth.get() - 1);
            // The parts of the last one are dropped while no part of `self` is borrowed.
            ended = Some(top);
        }
        ended
    }
}

/// Drops a cell that is almost never there, out of line of each poll.
#[cold]
#[inline(never)]
pub(super) fn discard(cell: Arc<dyn AnyCell>) {
    drop(cell);
}

/// The number of frames below a frame.
#[derive(Clone, Copy)]
pub(super) struct Depth(usize);

/// A frame that is not a poll; dropping the guard ends it.
pub(super) struct FrameGuard(Depth);

impl FrameGuard {
    /// Begins a frame on `node`, in the name of a process or of none.
    pub(super) fn begin(node: Node, process: u64) -> FrameGuard {
        THREAD.with(|thread| {
            let depth = thread.begin_frame(process);
            drop(thread.node.replace(Some(node)));
            FrameGuard(depth)
        })
    }
}

impl Drop for FrameGuard {
    fn drop(&mut self) {
        drop(THREAD.with(|thread| thread.end_frames(self.0)));
    }
}
