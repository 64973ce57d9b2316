//! All processes of a test on one thread, in an order drawn from a seed.
//!
//! A [`Schedule`] holds the tasks of all nodes of one test, each node's in a [`NodeTasks`], and the test's own future, which
//! is task 0. One *step* polls one of the tasks that have been woken; the seed says which. When nobody is ready, the
//! thread is tokio's, whose paused clock then jumps to the next timer. So the same seed does the same steps, and
//! the trace, a hash over them, says whether it did.
//!
//! States of a task: idle → ready (woken: in the list, once) → running → idle, or over.
//!
//! Invariants: a task is polled by one step at a time · a wake-up while it runs makes it ready again · what a dead crew
//! has is dropped, and so is what it is given later.
//!
//! How it fails: a test that takes too many steps, or waits too long by its own clock, is [`Stuck`].
//!
//! Three seeds of four pick evenly among the ready. With every fourth, tasks have ranks and the first in rank runs,
//! which lets some wait for long; now and then a rank is drawn anew. Some mistakes show only in the one way, some in
//! the other ("A randomized scheduler with probabilistic guarantees of finding bugs", ASPLOS 2010, has the argument).

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tokio::task::coop::unconstrained;
use tokio::time::{Instant, sleep};

use super::rng::Rng;
use super::{Task, Work};

/// What runs a test; cheap to clone.
#[derive(Clone)]
pub(crate) struct Schedule {
    shared: Arc<Shared>,
}

/// The tasks of one node of a test: its spawner.
#[derive(Clone)]
pub(crate) struct NodeTasks {
    schedule: Schedule,
    number: usize,
}

/// Where a test's blocking code runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockingMode {
    /// On a thread of its own, while the clock stands still.
    Thread,
    /// On the test's own thread, when its turn comes: a step like any other.
    Inline,
}

/// How long a test may go on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunLimits {
    pub(crate) steps: u64,
    pub(crate) time: Duration,
}

/// A test that does not come to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stuck {
    /// It took as many steps as it may.
    Steps,
    /// It waits; this is when anybody last did something.
    Time { since: Duration },
}

/// How far a test has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) steps: u64,
    /// A hash over the steps: which task, among how many, at what time.
    pub(crate) trace: u64,
    /// When the last step was taken.
    pub(crate) time: Duration,
}

struct Shared {
    rng: Rng,
    ranked: bool,
    desk: BlockingMode,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tasks: BTreeMap<u64, Slot>,
    next: u64,
    ready: Vec<u64>,
    /// Wakes the thread that the schedule runs on.
    thread: Option<Waker>,
    /// By number, whether a crew is alive.
    crews: Vec<bool>,
    start: Option<Instant>,
    steps: u64,
    trace: u64,
    /// When the last step was taken.
    last: Duration,
}

struct Slot {
    crew: usize,
    rank: u64,
    alarm: Arc<Alarm>,
    /// Not here while it runs.
    task: Option<Task>,
}

/// Wakes one task.
struct Alarm {
    number: u64,
    /// Whether the task is in the list.
    ready: AtomicBool,
    shared: Weak<Shared>,
}

/// The test itself.
const ROOT: u64 = 0;

/// So many steps in one go before what runs on tokio beside the schedule has its turn.
const TURN: u32 = 64;

impl Schedule {
    /// A schedule for the thread of a current-thread runtime whose clock is paused.
    pub(crate) fn new(seed: u64, desk: BlockingMode) -> Schedule {
        let state = State { next: ROOT + 1, ..State::default() };
        let (rng, ranked) = (Rng::seeded(seed), seed % 4 == 3);
        Schedule { shared: Arc::new(Shared { rng, ranked, desk, state: Mutex::new(state) }) }
    }

    /// A number that belongs to the seed: what a node's own chance begins with.
    pub(crate) fn next_seed(&self) -> u64 {
        self.shared.rng.next()
    }

    /// A spawner for one more node.
    pub(crate) fn new_node(&self) -> NodeTasks {
        let mut state = self.shared.lock();
        state.crews.push(true);
        NodeTasks { schedule: self.clone(), number: state.crews.len() - 1 }
    }

    /// Ends all crews: what is left of the test is dropped, here and now.
    pub(crate) fn end(&self) {
        let crews = self.shared.lock().crews.len();
        (0..crews).for_each(|number| NodeTasks { schedule: self.clone(), number }.kill());
    }

    pub(crate) fn progress(&self) -> Progress {
        let state = self.shared.lock();
        Progress { steps: state.steps, trace: state.trace, time: state.last }
    }

    /// Runs `root`, and all tasks beside it, until it is over. What is left then stays where it is.
    pub(crate) async fn run<F: Future>(&self, bounds: RunLimits, root: F) -> Result<F::Output, Stuck> {
        let mut root = std::pin::pin!(root);
        let alarm = Arc::new(Alarm::new(ROOT, &self.shared));
        let waker = Waker::from(Arc::clone(&alarm));
        {
            let mut state = self.shared.lock();
            state.start.get_or_insert_with(Instant::now);
            state.ready.push(ROOT);
        }
        let mut late = std::pin::pin!(sleep(bounds.time));
        // What a test does may not depend on how much of tokio's budget others have used.
        unconstrained(poll_fn(|cx| {
            for _ in 0..TURN {
                let Some(step) = self.shared.begin(cx) else {
                    return late.as_mut().poll(cx).map(|()| Err(Stuck::Time { since: self.shared.lock().last }));
                };
                match step {
                    Step::TreeRoot => {
                        alarm.ready.store(false, Ordering::Release);
                        if let Poll::Ready(output) = root.as_mut().poll(&mut Context::from_waker(&waker)) {
                            return Poll::Ready(Ok(output));
                        }
                    }
                    Step::Task(number, task, alarm) => self.shared.poll(number, task, alarm),
                }
                if self.shared.lock().steps >= bounds.steps {
                    return Poll::Ready(Err(Stuck::Steps));
                }
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        }))
        .await
    }
}

/// What is polled next.
enum Step {
    TreeRoot,
    Task(u64, Task, Arc<Alarm>),
}

impl Shared {
    /// A panic elsewhere while the lock was held left nothing half done.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Picks who runs next; remembers the thread if nobody is ready.
    fn begin(&self, cx: &Context<'_>) -> Option<Step> {
        let mut state = self.lock();
        loop {
            if state.ready.is_empty() {
                state.thread = Some(cx.waker().clone());
                return None;
            }
            let crowd = state.ready.len() as u64;
            let at = if self.ranked { state.first() } else { usize::try_from(self.rng.below(crowd)).unwrap_or(0) };
            let number = state.ready.swap_remove(at);
            let step = if number == ROOT {
                Step::TreeRoot
            } else {
                // One that is over may have been woken before.
                let Some(slot) = state.tasks.get_mut(&number) else { continue };
                if self.ranked && self.rng.below(32) == 0 {
                    slot.rank = self.rng.next();
                }
                let Some(task) = slot.task.take() else { continue };
                Step::Task(number, task, Arc::clone(&slot.alarm))
            };
            state.note(number, crowd);
            return Some(step);
        }
    }

    fn poll(&self, number: u64, mut task: Task, alarm: Arc<Alarm>) {
        alarm.ready.store(false, Ordering::Release);
        let waker = Waker::from(alarm);
        let over = task.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
        let mut state = self.lock();
        let alive = state.tasks.get(&number).is_some_and(|slot| state.crews[slot.crew]);
        if over || !alive {
            let gone = state.tasks.remove(&number);
            drop(state);
            drop((gone, task));
        } else if let Some(slot) = state.tasks.get_mut(&number) {
            slot.task = Some(task);
        }
    }
}

impl State {
    fn elapsed(&self) -> Duration {
        self.start.map(|start| start.elapsed()).unwrap_or_default()
    }

    /// Where the first in rank stands among the ready; the test itself is in the middle.
    fn first(&self) -> usize {
        let rank = |number: &u64| self.tasks.get(number).map_or(u64::MAX / 2, |slot| slot.rank);
        let ranks = self.ready.iter().enumerate().map(|(at, number)| (rank(number), *number, at));
        ranks.min().map_or(0, |(_, _, at)| at)
    }

    fn note(&mut self, number: u64, crowd: u64) {
        self.last = self.elapsed();
        self.steps += 1;
        let time = u64::try_from(self.last.as_nanos()).unwrap_or(u64::MAX);
        for part in [number, crowd, time] {
            self.trace = (self.trace ^ part).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
        }
    }
}

impl NodeTasks {
    pub(crate) fn spawn(&self, task: Task) {
        let shared = &self.schedule.shared;
        let mut state = shared.lock();
        if !state.crews[self.number] {
            drop(state);
            return drop(task);
        }
        let number = state.next;
        state.next += 1;
        let rank = if shared.ranked { shared.rng.next() } else { 0 };
        let alarm = Arc::new(Alarm::new(number, shared));
        state.tasks.insert(number, Slot { crew: self.number, rank, alarm, task: Some(task) });
        state.wake(number);
    }

    pub(crate) fn run_blocking(&self, work: Work) {
        match self.schedule.shared.desk {
            BlockingMode::Inline => self.spawn(Box::pin(async { work() })),
            BlockingMode::Thread => drop(tokio::runtime::Handle::current().spawn_blocking(work)),
        }
    }

    /// Drops all tasks at once, as they are, and those that come later.
    pub(crate) fn kill(&self) {
        let mut state = self.schedule.shared.lock();
        state.crews[self.number] = false;
        // One that runs just now is dropped when its step is over.
        let doomed = state.tasks.extract_if(.., |_, slot| slot.crew == self.number && slot.task.is_some());
        let doomed: Vec<_> = doomed.collect();
        drop(state);
        // The oldest first: whoever a task leaves behind is older or younger always in the same way.
        doomed.into_iter().for_each(drop);
    }

    pub(crate) fn schedule(&self) -> &Schedule {
        &self.schedule
    }
}

impl State {
    /// Puts a task into the list, and wakes the thread if it sleeps.
    fn wake(&mut self, number: u64) {
        self.ready.push(number);
        if let Some(thread) = self.thread.take() {
            thread.wake();
        }
    }
}

impl Alarm {
    /// Of a task that is ready from its beginning.
    fn new(number: u64, shared: &Arc<Shared>) -> Alarm {
        Alarm { number, ready: AtomicBool::new(true), shared: Arc::downgrade(shared) }
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.ready.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Some(shared) = self.shared.upgrade() {
            shared.lock().wake(self.number);
        }
    }
}

#[cfg(test)]
mod tests;
