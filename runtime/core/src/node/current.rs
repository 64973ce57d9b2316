mod scope;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::sync::Arc;

pub use scope::EnterGuard;

use super::{AnyCell, Node};
use crate::base::{CallError, Exit, Pid};
use crate::observe::{TableId, ThreadSlots, WaitingCall};

/// Who is running on this thread right now: set around each poll of a process. Each lies upon the one before; whoever is
/// forgotten ends with the one below.
pub(crate) enum Current {}

/// What few polls need.
#[derive(Default)]
pub(crate) struct Notes {
    /// Replies that the process dropped during this poll: whether it ended decides what the callers hear.
    dropped: Vec<Arc<dyn WaitingCaller>>,
    /// While a message is being encoded for another node: the ids of the replies in it.
    replies: Option<Vec<u64>>,
    /// The panic that it ended with, if that was caught on the way: the poll says that it waits.
    crash: Option<Exit>,
}

impl Notes {
    /// The replies that were dropped, and the panic.
    pub(crate) fn into_parts(self) -> (Vec<Arc<dyn WaitingCaller>>, Option<Exit>) {
        (self.dropped, self.crash)
    }
}

/// A caller whose reply was dropped.
pub(crate) trait WaitingCaller: Send + Sync {
    fn fail(&self, error: CallError);
}

/// What belongs to a thread: one thing, so that a poll looks for it once. In parts, since each is moved in and out by
/// itself, in registers.
struct Here {
    /// How many run, each on behalf of the one before. If nobody does, the next five say nothing.
    depth: Cell<usize>,
    /// The number of the process that runs; zero outside of any.
    process: Cell<u64>,
    /// The process itself, to see whether it is to end.
    cell: RefCell<Option<Arc<dyn AnyCell>>>,
    /// The node, if it is no process that runs.
    outside: RefCell<Option<Node>>,
    notes: RefCell<Option<Box<Notes>>>,
    /// Where the watch sees it.
    seated: Cell<TableId>,
    /// Who does not run while that one does: the innermost last. Nobody, as a rule.
    below: RefCell<Vec<Covered>>,
    places: ThreadSlots,
    /// What a call has done with, and the next can use again.
    spare: Cell<Option<Spare>>,
    /// What earlier ones have, the latest last.
    spares: RefCell<Vec<Spare>>,
}

/// Who waits for somebody that runs on the same thread.
struct Covered {
    process: u64,
    cell: Option<Arc<dyn AnyCell>>,
    outside: Option<Node>,
    notes: Option<Box<Notes>>,
    seated: TableId,
}

/// Something that one has done with, and another can use.
type Spare = Arc<dyn Any + Send + Sync>;

/// How many spares a thread keeps beside the last one.
const SPARES: usize = 7;

crate::sync::thread_local! {
    static HERE: Here = const {
        Here {
            depth: Cell::new(0),
            process: Cell::new(0),
            cell: RefCell::new(None),
            outside: RefCell::new(None),
            notes: RefCell::new(None),
            seated: Cell::new(TableId::NONE),
            below: RefCell::new(Vec::new()),
            places: ThreadSlots::new(),
            spare: Cell::new(None),
            spares: RefCell::new(Vec::new()),
        }
    };
}

impl Current {
    /// From now on the process with this number, which is taken out of `cell`, runs here, until its
    /// [end](Self::end). Not if it is [pressed](Pollable::prepare_poll), unless that is allowed for: then it stays where it is.
    #[inline]
    pub(crate) fn begin(cell: &mut Option<Arc<dyn AnyCell>>, process: u64, allowed: bool) -> bool {
        HERE.with(|here| {
            let Some(it) = cell else { return false };
            let (node, pressed) = it.prepare_poll();
            if pressed && !allowed {
                return false;
            }
            here.begin(process);
            here.seated.set(node.sit(&here.places, process));
            if let Some(before) = here.cell.replace(cell.take()) {
                discard(before);
            }
            true
        })
    }

    /// The process has run, and goes back to `cell`; nothing does if it has been ended already, by somebody who began
    /// before it. What it noted meanwhile goes to `notes`.
    #[inline]
    pub(crate) fn end(cell: &mut Option<Arc<dyn AnyCell>>, process: u64, notes: &mut Option<Box<Notes>>) {
        HERE.with(|here| {
            if here.depth.get() != 1 || here.process.get() != process {
                return here.end_nested(cell, process, notes);
            }
            here.depth.set(0);
            here.places.leave(here.seated.get(), 0);
            if here.notes.borrow().is_some() {
                *notes = here.notes.take();
            }
            if let Some(before) = std::mem::replace(cell, here.cell.take()) {
                discard(before);
            }
        });
    }

    /// `None` if nobody runs here.
    fn with<R>(f: impl FnOnce(&Here) -> R) -> Option<R> {
        // While a thread is torn down there is no current node any more.
        HERE.try_with(|here| (here.depth.get() > 0).then(|| f(here))).ok().flatten()
    }

    pub(crate) fn node() -> Option<Node> {
        Current::with(|here| here.home(Node::clone))?
    }

    /// The running process's number; zero outside of any.
    pub(crate) fn process() -> u64 {
        Current::with(|here| here.process.get()).unwrap_or(0)
    }

    pub(crate) fn pid() -> Option<Pid> {
        Current::with(|here| here.home(|node| node.pid(here.process.get())))?
    }

    /// Whether the process with this number of this node is running.
    pub(crate) fn is(node: &Node, process: u64) -> bool {
        Current::with(|here| here.process.get() == process && here.is_at(node)).unwrap_or(false)
    }

    /// The number of the process of this node that is running; zero if none is.
    pub(crate) fn process_of(node: &Node) -> u64 {
        Current::with(|here| if here.is_at(node) { here.process.get() } else { 0 }).unwrap_or(0)
    }

    /// Whether a process of this node is running.
    pub(crate) fn is_process_of(node: &Node) -> bool {
        Current::process_of(node) != 0
    }

    /// Whether the running process is to end at its next `.await` that waits: greenroom's own operations wait then.
    pub(crate) fn is_exiting() -> bool {
        Current::with(|here| here.cell.borrow().as_ref().is_some_and(|cell| cell.is_exiting())).unwrap_or(false)
    }

    /// Notes what the running process waits for; `false` outside of a process of `node`.
    pub(crate) fn set_waiting(node: &Node, waiting: WaitingCall) -> bool {
        let noted = Current::with(|here| {
            let cell = here.cell.borrow();
            let Some(cell) = cell.as_ref().filter(|cell| cell.node().is_same(node)) else { return false };
            cell.set_waiting(here.process.get(), waiting);
            true
        });
        noted.unwrap_or(false)
    }

    /// The running process does not wait for this call any more.
    pub(crate) fn clear_waiting(call: *const ()) {
        Current::with(|here| {
            if let Some(cell) = &*here.cell.borrow() {
                cell.clear_waiting(here.process.get(), call);
            }
        });
    }

    /// Something of this type that somebody has left here and that `fits`.
    #[inline]
    pub(crate) fn take_spare<T: Any + Send + Sync>(fits: impl Fn(&T) -> bool) -> Option<Arc<T>> {
        let spare = HERE.try_with(|here| {
            // It is the last one, as a rule.
            let last = match here.spare.take() {
                None => None,
                Some(last) => match last.downcast() {
                    Ok(last) if fits(&last) => return Some(last),
                    Ok(last) => Some(last as Spare),
                    Err(last) => Some(last),
                },
            };
            here.spare_before(last, &|spare| (**spare).downcast_ref().is_some_and(&fits))?.downcast().ok()
        });
        spare.ok()?
    }

    /// Leaves something here for the next who can use it.
    #[inline]
    pub(crate) fn put_spare(spare: Spare) {
        let _ = HERE.try_with(|here| {
            if let Some(before) = here.spare.replace(Some(spare)) {
                here.put_by(before);
            }
        });
    }

    /// Keeps a dropped reply until the poll is over; hands it back outside of a process.
    pub(crate) fn defer_dropped_reply(caller: Arc<dyn WaitingCaller>) -> Option<Arc<dyn WaitingCaller>> {
        let mut caller = Some(caller);
        Current::with(|here| {
            if here.process.get() != 0 {
                here.note(|notes| notes.dropped.extend(caller.take()));
            }
        });
        caller
    }

    /// The running process has panicked, and says nothing more: it ends with this poll.
    #[cold]
    pub(crate) fn set_panic(panic: Exit) {
        Current::with(|here| here.note(|notes| notes.crash = Some(panic)));
    }

    /// Collects the ids of the replies that `encode` meets.
    pub(crate) fn collect_replies<R>(node: &Node, encode: impl FnOnce() -> R) -> (R, Vec<u64>) {
        // The encoding node, not the running one: a stub of another node in this program may be used here.
        let restore = Restore::begin(node.clone(), Current::process());
        Current::with(|here| here.note(|notes| notes.replies = Some(Vec::new())));
        let result = encode();
        let replies = Current::with(|here| here.note(|notes| notes.replies.take())).flatten().unwrap_or_default();
        drop(restore);
        (result, replies)
    }

    /// Runs `f` as the process with this number and returns what replies it dropped.
    pub(crate) fn collect_dropped<R>(
        node: &Node,
        process: u64,
        f: impl FnOnce() -> R,
    ) -> (R, Vec<Arc<dyn WaitingCaller>>) {
        let restore = Restore::begin(node.clone(), process);
        let result = f();
        let dropped = Current::with(|here| here.note(|notes| std::mem::take(&mut notes.dropped))).unwrap_or_default();
        drop(restore);
        (result, dropped)
    }

    /// Notes a reply that is being encoded; `None` if nothing is being encoded for another node.
    pub(crate) fn record_reply(make: impl FnOnce(&Node) -> u64) -> Option<u64> {
        let (node, mut replies) = Current::with(|here| {
            let replies = here.notes.borrow_mut().as_mut()?.replies.take()?;
            here.home(Node::clone).zip(Some(replies))
        })??;
        let id = make(&node);
        replies.push(id);
        Current::with(|here| here.note(|notes| notes.replies = Some(replies)));
        Some(id)
    }
}

impl Here {
    /// The node of whoever runs.
    fn home<R>(&self, f: impl FnOnce(&Node) -> R) -> Option<R> {
        match &*self.cell.borrow() {
            Some(cell) => Some(f(cell.node())),
            None => self.outside.borrow().as_ref().map(f),
        }
    }

    fn is_at(&self, node: &Node) -> bool {
        self.home(|home| home.is_same(node)).unwrap_or(false)
    }

    /// One of those that were left before the last one.
    #[cold]
    fn spare_before(&self, last: Option<Spare>, does_fit: &dyn Fn(&Spare) -> bool) -> Option<Spare> {
        let mut spares = self.spares.borrow_mut();
        let found = spares.iter().rposition(does_fit).map(|at| spares.remove(at));
        drop(spares);
        if let Some(last) = last {
            self.put_by(last);
        }
        found
    }

    /// There is a newer one.
    #[cold]
    fn put_by(&self, spare: Spare) {
        let mut spares = self.spares.borrow_mut();
        spares.push(spare);
        let oldest = (spares.len() > SPARES).then(|| spares.remove(0));
        // Not while they are borrowed.
        drop(spares);
        drop(oldest);
    }

    fn note<R>(&self, f: impl FnOnce(&mut Notes) -> R) -> R {
        f(self.notes.borrow_mut().get_or_insert_default())
    }

    /// From now on somebody runs in the name of the process with this number, until the [end](Self::uncover) of that.
    // Part of each poll, and so is what ends it.
    #[inline(always)]
    fn begin(&self, process: u64) -> Depth {
        let depth = self.depth.get();
        if depth > 0 {
            self.cover();
        }
        self.depth.set(depth + 1);
        self.process.set(process);
        Depth(depth)
    }

    #[cold]
    fn cover(&self) {
        let covered = self.take();
        self.below.borrow_mut().push(covered);
    }

    fn take(&self) -> Covered {
        Covered {
            process: self.process.get(),
            cell: self.cell.take(),
            outside: self.outside.take(),
            notes: self.notes.take(),
            seated: self.seated.get(),
        }
    }

    /// The end of a process that runs on behalf of somebody, or that somebody still runs on behalf of.
    #[cold]
    fn end_nested(&self, cell: &mut Option<Arc<dyn AnyCell>>, process: u64, notes: &mut Option<Box<Notes>>) {
        let is_it = |cell: &Option<_>, number| cell.is_some() && number == process;
        let depth = if is_it(&self.cell.borrow(), self.process.get()) {
            self.depth.get().checked_sub(1)
        } else {
            self.below.borrow().iter().rposition(|covered| is_it(&covered.cell, covered.process))
        };
        if let Some(ended) = depth.and_then(|depth| self.uncover(Depth(depth))) {
            (*cell, *notes) = (ended.cell, ended.notes);
        }
    }

    /// Whoever ran before goes on. The one that began at this depth, unless it has been ended already: those who began
    /// later and were forgotten end with it.
    fn uncover(&self, Depth(depth): Depth) -> Option<Covered> {
        let mut ended: Option<Covered> = None;
        while self.depth.get() > depth {
            // A panic where somebody was forgotten is that of the one below.
            let crash = ended.as_mut().and_then(|forgotten| forgotten.notes.as_mut()?.crash.take());
            let mut top = self.take();
            if let Some(crash) = crash {
                top.notes.get_or_insert_default().crash = Some(crash);
            }
            let before = self.below.borrow_mut().pop();
            self.places.leave(top.seated, before.as_ref().map_or(0, |before| before.process));
            self.seated.set(TableId::NONE);
            if let Some(Covered { process, cell, outside, notes, seated }) = before {
                self.seated.set(seated);
                self.process.set(process);
                *self.cell.borrow_mut() = cell;
                *self.outside.borrow_mut() = outside;
                *self.notes.borrow_mut() = notes;
            }
            self.depth.set(self.depth.get() - 1);
            // What the one before this is made of is dropped when nobody looks here.
            ended = Some(top);
        }
        ended
    }
}

/// Drops what is not there, as a rule: out of the way of each poll.
#[cold]
#[inline(never)]
fn discard(cell: Arc<dyn AnyCell>) {
    drop(cell);
}

/// How many were there before somebody.
#[derive(Clone, Copy)]
struct Depth(usize);

struct Restore(Depth);

impl Restore {
    /// Somebody who is no process runs, in the name of one or of none.
    fn begin(node: Node, process: u64) -> Restore {
        HERE.with(|here| {
            let depth = here.begin(process);
            drop(here.outside.replace(Some(node)));
            Restore(depth)
        })
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        drop(HERE.with(|here| here.uncover(self.0)));
    }
}
