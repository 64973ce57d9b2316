//! The executor of a test: all processes on one thread, in an order drawn from a seed.
//!
//! A [`Schedule`] holds the tasks of all nodes of one test, those of each node in a [`TestSpawner`], and the test's own
//! future, which is task 0. One *step* polls one of the tasks that have been woken, chosen by the seed. When no task is
//! ready, the thread returns to tokio, whose paused clock then advances to the next timer. The same seed therefore takes
//! the same steps; the trace, a hash over them, verifies that.
//!
//! States of a task: idle → ready (woken; once in the list) → running → idle or finished.
//!
//! Invariants:
//! - A task is polled by one step at a time; a wake-up while it runs makes it ready again.
//! - The tasks of a node that was killed are dropped, and so are those that it spawns later.
//!
//! A test that takes too many steps, or waits too long by its own clock, fails with [`LimitExceeded`].
//!
//! Three seeds of four choose evenly among the ready tasks. With every fourth seed tasks have ranks and the first in rank
//! runs, so that some tasks wait for long; now and then a task gets a new rank. Some bugs show in only one of the two
//! modes. The argument is in "A randomized scheduler with probabilistic guarantees of finding bugs", ASPLOS 2010.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tokio::task::coop::unconstrained;
use tokio::time::{Instant, sleep};

use super::rng::Rng;
use super::task::{Task, Work};

/// The executor of one test. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Schedule {
    shared: Arc<Shared>,
}

/// The spawner of one node of a test. It holds the tasks of that node.
#[derive(Clone)]
pub(crate) struct TestSpawner {
    schedule: Schedule,
    node: usize,
}

/// Where a test's blocking code runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockingMode {
    /// On a thread of its own, while the clock is paused.
    Thread,
    /// On the test's thread, as a step like any other.
    Inline,
}

/// The limits of a test.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunLimits {
    pub(crate) steps: u64,
    pub(crate) time: Duration,
    /// Set if a test also counts as stuck when its own future has not run for [`SILENCE`].
    pub(crate) ends_silence: bool,
}

/// A test that exceeded its limits.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LimitExceeded {
    /// The test took too many steps.
    Steps,
    /// The test waits: its own future has not run since this time after its start. `others_run` is set if processes have.
    Time { since: Duration, others_run: bool },
}

/// The progress of a test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) steps: u64,
    /// A hash over the steps: the task, the number of ready tasks, and the time of each.
    pub(crate) trace: u64,
    /// The time of the last step, counted from the start.
    pub(crate) time: Duration,
}

struct Shared {
    rng: Rng,
    ranked: bool,
    blocking: BlockingMode,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tasks: BTreeMap<u64, Slot>,
    next_number: u64,
    ready: Vec<u64>,
    /// Wakes the thread that runs the schedule.
    thread: Option<Waker>,
    /// By node: false once it was killed. The first entry is [`TIMERS`].
    running: Vec<bool>,
    start: Option<Instant>,
    steps: u64,
    trace: u64,
    /// The time of the last step.
    last_step: Duration,
    /// The progress at the last step of the test's own future.
    root_progress: Progress,
    /// The real time of that step.
    root_polled: Option<std::time::Instant>,
}

struct Slot {
    node: usize,
    rank: u64,
    waker: Arc<TaskWaker>,
    /// `None` while the task is polled.
    task: Option<Task>,
}

/// Wakes one task.
struct TaskWaker {
    number: u64,
    /// True while the task is in the list of ready tasks.
    ready: AtomicBool,
    shared: Weak<Shared>,
}

/// The number of the test's own future.
const ROOT: u64 = 0;

/// The node in whose name the timer wheels of all nodes run. It is not killed: the time limit of a call that a test makes
/// through a node passes although the node has crashed.
const TIMERS: usize = 0;

/// The number of steps after which other tasks of the tokio runtime are polled.
const STEPS_PER_POLL: u32 = 64;

/// The time after which a test counts as stuck if meanwhile only processes have run, as for the ticks of a cluster, and
/// not the test's own future. All three must have passed: on the test's clock, on the real clock, and in steps, so that
/// a machine that is busy with other programs makes no difference.
const SILENCE: Silence =
    Silence { time: Duration::from_secs(60 * 60), real_time: Duration::from_millis(1_200), steps: 10_000 };

struct Silence {
    time: Duration,
    real_time: Duration,
    steps: u64,
}

impl Schedule {
    /// Returns a schedule for the thread of a current-thread runtime whose clock is paused.
    pub(crate) fn new(seed: u64, blocking: BlockingMode) -> Schedule {
        let state = State { next_number: ROOT + 1, running: vec![true], ..State::default() };
        let (rng, ranked) = (Rng::seeded(seed), seed % 4 == 3);
        Schedule { shared: Arc::new(Shared { rng, ranked, blocking, state: Mutex::new(state) }) }
    }

    /// Returns a seed for a node's own random numbers, determined by the schedule's.
    pub(crate) fn next_seed(&self) -> u64 {
        self.shared.rng.next()
    }

    /// Returns a spawner for one more node.
    pub(crate) fn new_node(&self) -> TestSpawner {
        let mut state = self.shared.lock();
        state.running.push(true);
        TestSpawner { schedule: self.clone(), node: state.running.len() - 1 }
    }

    /// Drops the tasks of all nodes, before this function returns.
    pub(crate) fn end(&self) {
        let nodes = self.shared.lock().running.len();
        (0..nodes).for_each(|node| TestSpawner { schedule: self.clone(), node }.kill());
    }

    pub(crate) fn progress(&self) -> Progress {
        self.shared.lock().progress()
    }

    /// Returns the progress at the last step of the test's own future. It does not depend on the time after which a stuck
    /// test was found.
    pub(crate) fn root_progress(&self) -> Progress {
        self.shared.lock().root_progress
    }

    /// Polls each waiting task once more, at most `limit` of them, so that it shows what it waits for.
    pub(crate) fn poll_all(&self, limit: usize) {
        let numbers: Vec<u64> = self.shared.lock().tasks.keys().copied().take(limit).collect();
        for number in numbers {
            let mut state = self.shared.lock();
            let Some(slot) = state.tasks.get_mut(&number) else { continue };
            let Some(task) = slot.task.take() else { continue };
            let waker = Arc::clone(&slot.waker);
            drop(state);
            self.shared.poll(number, task, waker);
        }
    }

    /// Runs all tasks until `root` completes. The other tasks stay as they are.
    pub(crate) async fn run<F: Future>(&self, limits: RunLimits, root: F) -> Result<F::Output, LimitExceeded> {
        let mut root = std::pin::pin!(root);
        let root_waker = Arc::new(TaskWaker::new(ROOT, &self.shared));
        let waker = Waker::from(Arc::clone(&root_waker));
        {
            let mut state = self.shared.lock();
            state.start.get_or_insert_with(Instant::now);
            state.ready.push(ROOT);
        }
        let mut timeout = std::pin::pin!(sleep(limits.time));
        // Without tokio's budget, since how much of it other tasks have used differs between runs.
        unconstrained(poll_fn(|cx| {
            for _ in 0..STEPS_PER_POLL {
                let Some(step) = self.shared.next_step(cx) else {
                    if timeout.as_mut().poll(cx).is_ready() || (limits.ends_silence && self.shared.is_silent()) {
                        return Poll::Ready(Err(self.shared.stuck()));
                    }
                    return Poll::Pending;
                };
                match step {
                    Step::Root => {
                        root_waker.ready.store(false, Ordering::Release);
                        if let Poll::Ready(output) = root.as_mut().poll(&mut Context::from_waker(&waker)) {
                            return Poll::Ready(Ok(output));
                        }
                    }
                    Step::Task(number, task, waker) => self.shared.poll(number, task, waker),
                }
                if self.shared.lock().steps >= limits.steps {
                    return Poll::Ready(Err(LimitExceeded::Steps));
                }
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        }))
        .await
    }
}

/// The future that is polled next.
enum Step {
    Root,
    Task(u64, Task, Arc<TaskWaker>),
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs between two changes that belong together.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Chooses the next task, or notes the thread's waker if no task is ready.
    fn next_step(&self, cx: &Context<'_>) -> Option<Step> {
        let mut state = self.lock();
        loop {
            if state.ready.is_empty() {
                state.thread = Some(cx.waker().clone());
                return None;
            }
            let ready = state.ready.len() as u64;
            let at =
                if self.ranked { state.first_in_rank() } else { usize::try_from(self.rng.below(ready)).unwrap_or(0) };
            let number = state.ready.swap_remove(at);
            let step = if number == ROOT {
                Step::Root
            } else {
                // A task can finish after it was woken.
                let Some(slot) = state.tasks.get_mut(&number) else { continue };
                if self.ranked && self.rng.below(32) == 0 {
                    slot.rank = self.rng.next();
                }
                let Some(task) = slot.task.take() else { continue };
                Step::Task(number, task, Arc::clone(&slot.waker))
            };
            state.record_step(number, ready);
            return Some(step);
        }
    }

    /// Returns whether the test's own future has not run for [`SILENCE`].
    fn is_silent(&self) -> bool {
        let state = self.lock();
        let Silence { time, real_time, steps } = SILENCE;
        state.elapsed().saturating_sub(state.root_progress.time) >= time
            && state.steps - state.root_progress.steps >= steps
            && state.root_polled.is_some_and(|polled| polled.elapsed() >= real_time)
    }

    fn stuck(&self) -> LimitExceeded {
        let state = self.lock();
        let since = state.root_progress.time;
        LimitExceeded::Time { since, others_run: state.last_step > since }
    }

    fn poll(&self, number: u64, mut task: Task, waker: Arc<TaskWaker>) {
        waker.ready.store(false, Ordering::Release);
        let waker = Waker::from(waker);
        let finished = task.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
        let mut state = self.lock();
        let node_runs = state.tasks.get(&number).is_some_and(|slot| state.running[slot.node]);
        if finished || !node_runs {
            let removed = state.tasks.remove(&number);
            drop(state);
            drop((removed, task));
        } else if let Some(slot) = state.tasks.get_mut(&number) {
            slot.task = Some(task);
        }
    }
}

impl State {
    fn progress(&self) -> Progress {
        Progress { steps: self.steps, trace: self.trace, time: self.last_step }
    }

    fn elapsed(&self) -> Duration {
        self.start.map(|start| start.elapsed()).unwrap_or_default()
    }

    /// Returns the index of the first ready task in rank. The test's own future ranks in the middle.
    fn first_in_rank(&self) -> usize {
        let rank = |number: &u64| self.tasks.get(number).map_or(u64::MAX / 2, |slot| slot.rank);
        let ranks = self.ready.iter().enumerate().map(|(at, number)| (rank(number), *number, at));
        ranks.min().map_or(0, |(_, _, at)| at)
    }

    fn record_step(&mut self, number: u64, ready: u64) {
        self.last_step = self.elapsed();
        self.steps += 1;
        let time = u64::try_from(self.last_step.as_nanos()).unwrap_or(u64::MAX);
        for part in [number, ready, time] {
            self.trace = (self.trace ^ part).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
        }
        if number == ROOT {
            self.root_progress = self.progress();
            self.root_polled = Some(std::time::Instant::now());
        }
    }

    /// Adds a task to the ready ones, and wakes the thread if it sleeps.
    fn wake(&mut self, number: u64) {
        self.ready.push(number);
        if let Some(thread) = self.thread.take() {
            thread.wake();
        }
    }
}

impl TestSpawner {
    pub(crate) fn spawn(&self, task: Task) {
        self.spawn_on(self.node, task);
    }

    /// Spawns the task of a timer wheel, which goes on after the node was killed.
    pub(crate) fn spawn_timer(&self, task: Task) {
        self.spawn_on(TIMERS, task);
    }

    fn spawn_on(&self, node: usize, task: Task) {
        let shared = &self.schedule.shared;
        let mut state = shared.lock();
        if !state.running[node] {
            drop(state);
            return drop(task);
        }
        let number = state.next_number;
        state.next_number += 1;
        let rank = if shared.ranked { shared.rng.next() } else { 0 };
        let waker = Arc::new(TaskWaker::new(number, shared));
        state.tasks.insert(number, Slot { node, rank, waker, task: Some(task) });
        state.wake(number);
    }

    pub(crate) fn run_blocking(&self, work: Work) {
        match self.schedule.shared.blocking {
            BlockingMode::Inline => self.spawn(Box::pin(async { work() })),
            BlockingMode::Thread => drop(tokio::runtime::Handle::current().spawn_blocking(work)),
        }
    }

    /// Drops all tasks where they wait, and those that are spawned later.
    pub(crate) fn kill(&self) {
        let mut state = self.schedule.shared.lock();
        state.running[self.node] = false;
        // A task that is being polled is dropped after its step.
        let killed = state.tasks.extract_if(.., |_, slot| slot.node == self.node && slot.task.is_some());
        let killed: Vec<_> = killed.collect();
        drop(state);
        // Oldest first, so that the order is repeatable.
        killed.into_iter().for_each(drop);
    }

    pub(crate) fn schedule(&self) -> &Schedule {
        &self.schedule
    }
}

impl TaskWaker {
    /// Returns the waker of a task that is ready from the start.
    fn new(number: u64, shared: &Arc<Shared>) -> TaskWaker {
        TaskWaker { number, ready: AtomicBool::new(true), shared: Arc::downgrade(shared) }
    }
}

impl Wake for TaskWaker {
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
