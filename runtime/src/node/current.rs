use std::any::Any;
use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::sync::Arc;

use super::watch::Places;
use super::{Node, Resident, Waiting};
use crate::base::{CallError, Pid};

/// Who is running on this thread right now: set around each poll of a process. Small, since it is moved in and out then.
/// Each lies upon the one before; whoever is forgotten ends with the one below.
pub(crate) struct Current {
    who: Who,
    /// The process's number; zero outside of any.
    process: u64,
    /// What few polls need.
    notes: Option<Box<Notes>>,
}

enum Who {
    /// The process itself, to see whether it is to end.
    Process(Arc<dyn Resident>),
    Outside(Node),
}

#[derive(Default)]
struct Notes {
    /// Replies that the process dropped during this poll: whether it ended decides what the callers hear.
    dropped: Vec<Arc<dyn Unanswered>>,
    /// While a message is being encoded for another node: the ids of the replies in it.
    replies: Option<Vec<u64>>,
}

/// What a process leaves behind that has run.
pub(crate) struct Ran {
    /// The process.
    pub(crate) resident: Arc<dyn Resident>,
    notes: Option<Box<Notes>>,
}

impl Ran {
    /// The replies that it dropped.
    #[inline]
    pub(crate) fn dropped(&mut self) -> Option<Vec<Arc<dyn Unanswered>>> {
        self.notes.take().map(|notes| notes.dropped)
    }
}

/// A caller whose reply was dropped.
pub(crate) trait Unanswered: Send + Sync {
    fn fail(&self, error: CallError);
}

/// What belongs to a thread: one thing, so that a poll looks for it once.
struct Here {
    /// Who runs.
    top: RefCell<Option<Current>>,
    /// Who does not while that one does: the innermost last. Nobody, as a rule.
    below: RefCell<Vec<Current>>,
    /// How many they are, all together.
    depth: Cell<usize>,
    places: Places,
    /// What calls have done with, and the next can use again: the latest last.
    spares: RefCell<Vec<Arc<dyn Any + Send + Sync>>>,
}

/// How many spares a thread keeps.
const SPARES: usize = 8;

crate::sync::thread_local! {
    static HERE: Here = const {
        Here {
            top: RefCell::new(None),
            below: RefCell::new(Vec::new()),
            depth: Cell::new(0),
            places: Places::none(),
            spares: RefCell::new(Vec::new()),
        }
    };
}

impl Current {
    pub(crate) fn new(node: Node, process: u64) -> Current {
        Current { who: Who::Outside(node), process, notes: None }
    }

    fn home(&self) -> &Node {
        match &self.who {
            Who::Process(resident) => resident.node(),
            Who::Outside(node) => node,
        }
    }

    fn notes(&mut self) -> &mut Notes {
        self.notes.get_or_insert_default()
    }

    /// Runs `f`, which must not panic, as the process with this number in `resident`; what it leaves behind.
    #[inline]
    pub(crate) fn run(resident: Arc<dyn Resident>, process: u64, f: impl FnOnce()) -> Option<Ran> {
        HERE.with(|here| {
            let seat = resident.node().seat(&here.places);
            let before = seat.as_ref().map_or(0, |seat| seat.sit(process));
            let depth = here.begin(Current { who: Who::Process(resident), process, notes: None });
            f();
            if let Some(seat) = seat {
                seat.leave(before);
            }
            here.end(depth).and_then(Current::into_process)
        })
    }

    fn with<R>(f: impl FnOnce(&mut Current) -> R) -> Option<R> {
        // While a thread is torn down there is no current node any more.
        HERE.try_with(|here| here.top.borrow_mut().as_mut().map(f)).ok().flatten()
    }

    pub(crate) fn node() -> Option<Node> {
        Current::with(|current| current.home().clone())
    }

    /// The running process's number; zero outside of any.
    pub(crate) fn process() -> u64 {
        Current::with(|current| current.process).unwrap_or(0)
    }

    pub(crate) fn pid() -> Option<Pid> {
        Current::with(|current| current.home().pid(current.process))
    }

    /// Whether the process with this number of this node is running.
    pub(crate) fn is(node: &Node, process: u64) -> bool {
        Current::with(|current| current.process == process && current.home().same(node)).unwrap_or(false)
    }

    /// The number of the process of this node that is running; zero if none is.
    pub(crate) fn process_of(node: &Node) -> u64 {
        Current::with(|current| if current.home().same(node) { current.process } else { 0 }).unwrap_or(0)
    }

    /// Whether a process of this node is running.
    pub(crate) fn is_process_of(node: &Node) -> bool {
        Current::with(|current| current.process != 0 && current.home().same(node)).unwrap_or(false)
    }

    /// Whether the running process is to end at its next `.await` that waits: greenroom's own operations wait then.
    pub(crate) fn is_doomed() -> bool {
        Current::with(|current| matches!(&current.who, Who::Process(resident) if resident.is_doomed())).unwrap_or(false)
    }

    /// Notes what the running process waits for; `false` outside of a process of `node`.
    pub(crate) fn wait(node: &Node, waiting: Waiting) -> bool {
        let noted = Current::with(|current| {
            let Who::Process(resident) = &current.who else { return false };
            let here = resident.node().same(node);
            if here {
                resident.wait(current.process, Ok(waiting));
            }
            here
        });
        noted.unwrap_or(false)
    }

    /// The running process does not wait for this call any more.
    pub(crate) fn go_on(call: *const ()) {
        Current::with(|current| {
            if let Who::Process(resident) = &current.who {
                resident.wait(current.process, Err(call));
            }
        });
    }

    /// Something of this type that somebody has left here and that `fits`.
    pub(crate) fn spare<T: Any + Send + Sync>(fits: impl Fn(&T) -> bool) -> Option<Arc<T>> {
        let spare = HERE.try_with(|here| {
            let mut spares = here.spares.borrow_mut();
            let at = spares.iter().rposition(|spare| (**spare).downcast_ref().is_some_and(&fits))?;
            Some(spares.swap_remove(at))
        });
        spare.ok()??.downcast().ok()
    }

    /// Leaves something here for the next who can use it.
    pub(crate) fn keep(spare: Arc<dyn Any + Send + Sync>) {
        let old = HERE.try_with(|here| {
            let mut spares = here.spares.borrow_mut();
            let old = if spares.len() < SPARES { None } else { Some(spares.remove(0)) };
            spares.push(spare);
            old
        });
        // Not while they are borrowed.
        drop(old);
    }

    /// Keeps a dropped reply until the poll is over; hands it back outside of a process.
    pub(crate) fn drop_reply(caller: Arc<dyn Unanswered>) -> Option<Arc<dyn Unanswered>> {
        let mut caller = Some(caller);
        Current::with(|current| {
            if current.process != 0 {
                current.notes().dropped.extend(caller.take());
            }
        });
        caller
    }

    #[inline]
    fn into_process(self) -> Option<Ran> {
        match self.who {
            Who::Process(resident) => Some(Ran { resident, notes: self.notes }),
            Who::Outside(_) => None,
        }
    }

    fn take_dropped(&mut self) -> Vec<Arc<dyn Unanswered>> {
        self.notes.as_mut().map(|notes| std::mem::take(&mut notes.dropped)).unwrap_or_default()
    }

    /// Collects the ids of the replies that `encode` meets.
    pub(crate) fn collect_replies<R>(node: &Node, encode: impl FnOnce() -> R) -> (R, Vec<u64>) {
        // The encoding node, not the running one: a stub of another node in this program may be used here.
        let process = Current::process();
        let mut inner = Current::new(node.clone(), process);
        inner.notes().replies = Some(Vec::new());
        let restore = Restore::begin(inner);
        let result = encode();
        let replies = Current::with(|current| current.notes().replies.take()).flatten().unwrap_or_default();
        drop(restore);
        (result, replies)
    }

    /// Runs `f` as the process with this number and returns what replies it dropped.
    pub(crate) fn collect_dropped<R>(
        node: &Node,
        process: u64,
        f: impl FnOnce() -> R,
    ) -> (R, Vec<Arc<dyn Unanswered>>) {
        let restore = Restore::begin(Current::new(node.clone(), process));
        let result = f();
        let dropped = Current::with(Current::take_dropped).unwrap_or_default();
        drop(restore);
        (result, dropped)
    }

    /// Notes a reply that is being encoded; `false` if nothing is being encoded for another node.
    pub(crate) fn note_reply(make: impl FnOnce(&Node) -> u64) -> Option<u64> {
        let (node, mut replies) = Current::with(|current| {
            let replies = current.notes.as_mut()?.replies.take()?;
            Some((current.home().clone(), replies))
        })??;
        let id = make(&node);
        replies.push(id);
        Current::with(|current| current.notes().replies = Some(replies));
        Some(id)
    }
}

impl Here {
    /// From now on this one runs, until the [end](Self::end) of that.
    // Part of the poll: what would be handed over by memory is written to where it belongs.
    #[inline(always)]
    fn begin(&self, current: Current) -> Depth {
        let depth = self.depth.get();
        if depth > 0 {
            self.cover();
        }
        self.depth.set(depth + 1);
        *self.top.borrow_mut() = Some(current);
        Depth(depth)
    }

    #[cold]
    fn cover(&self) {
        let covered = self.top.take();
        self.below.borrow_mut().extend(covered);
    }

    /// Whoever ran before goes on. The one that began at this depth, unless it has been ended already.
    #[inline(always)]
    fn end(&self, Depth(depth): Depth) -> Option<Current> {
        if (self.depth.get(), depth) != (1, 0) {
            return self.uncover(depth);
        }
        self.depth.set(0);
        self.top.take()
    }

    /// The same where somebody is below, or above: who began later and was forgotten ends with it.
    #[cold]
    fn uncover(&self, depth: usize) -> Option<Current> {
        if depth >= self.depth.get() {
            return None;
        }
        let (top, mut rest) = (self.top.take(), self.below.borrow_mut().split_off(depth));
        rest.extend(top);
        let before = self.below.borrow_mut().pop();
        *self.top.borrow_mut() = before;
        self.depth.set(depth);
        // What the others are made of is dropped when nobody looks here.
        rest.into_iter().next()
    }
}

/// How many were there before somebody.
#[derive(Clone, Copy)]
struct Depth(usize);

struct Restore(Depth);

impl Restore {
    fn begin(current: Current) -> Restore {
        Restore(HERE.with(|here| here.begin(current)))
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        drop(HERE.with(|here| here.end(self.0)));
    }
}

/// Makes a node the current one until it is dropped; from [`Node::enter`].
#[must_use = "the node is current only while this lives"]
pub struct Entered {
    _restore: Restore,
    /// It belongs to the thread that it was made on.
    _thread: PhantomData<*const ()>,
}

impl Node {
    /// Makes this node the current one for this thread until the guard is dropped, so that
    /// `MailRef::named(..)` or `Counter::default().spawn()` work outside of any process.
    ///
    /// Do not hold the guard across an `.await`: a task may wake on another thread. Use [`Node::scope`] there.
    pub fn enter(&self) -> Entered {
        Entered { _restore: Restore::begin(Current::new(self.clone(), 0)), _thread: PhantomData }
    }

    /// Runs a future with this node as the current one, set around each poll. Cancel-safe if `future` is.
    ///
    /// What is returned borrows nothing, so it can be a task of its own:
    ///
    /// ```
    /// # #[greenroom::main]
    /// # async fn main() -> greenroom::Result {
    /// # use greenroom::prelude::*;
    /// let node = Node::current();
    /// let name = tokio::spawn(node.scope(async { Node::current().name().to_string() })).await?;
    /// assert_eq!(name, node.name().to_string());
    /// # Ok(())
    /// # }
    /// ```
    pub fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        let node = self.clone();
        async move {
            let mut future = std::pin::pin!(future);
            std::future::poll_fn(|cx| {
                let _entered = node.enter();
                future.as_mut().poll(cx)
            })
            .await
        }
    }

    /// The current node.
    ///
    /// # Panics
    /// Outside of any node, as `tokio::spawn` outside of a runtime: the caller is no process and has not
    /// entered a node.
    #[track_caller]
    pub fn current() -> Node {
        Node::try_current()
            .expect("no node here: call this inside a process or #[greenroom::main], or enter one with `node.enter()`")
    }

    /// The current node, or `None` outside of any.
    pub fn try_current() -> Option<Node> {
        Current::node()
    }
}
