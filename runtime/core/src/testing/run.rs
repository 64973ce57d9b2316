//! Runs one test on one seed, and describes how it failed.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::time::Duration;

use super::hang;
use crate::node::{Node, TestRun};
use crate::sched::{BlockingMode, LimitExceeded, NodeEnv, Progress, RunLimits, Schedule, TaskSpawner};
use crate::termination::Body;

/// The environment variable with the only seed to run.
const SEED: &str = "GREENROOM_TEST_SEED";

/// The reason why a test failed.
pub(super) enum Failure {
    Panic(Box<dyn Any + Send>),
    Error(String),
    /// With a line for the test itself and for each process, and what it waits for.
    LimitExceeded(LimitExceeded, String),
}

/// The time by its clock after which a test counts as stuck. It is longer than a test sleeps on purpose, and the paused
/// clock reaches it at once.
const TIME_LIMIT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Runs a test's body on a fresh local node, on a paused clock.
///
/// # Panics
/// The body panics, returns an error, or is stuck. Or a process has crashed unseen, unless that is expected.
#[track_caller]
pub(crate) fn run_paused(expect_crash: bool, time_limit: Option<Duration>, body: Body<'_>) {
    let seed = seed().unwrap_or(0);
    let time = time_limit.unwrap_or(TIME_LIMIT);
    let limits = RunLimits { steps: u64::MAX, time, ends_silence: time_limit.is_none() };
    let test_run = RefCell::new(None);
    let nodes = || test_run.borrow().as_ref().map(|test_run: &Arc<TestRun>| test_run.nodes()).unwrap_or_default();
    let (failure, progress) = run(seed, BlockingMode::Thread, limits, nodes, async |schedule: Schedule| {
        let tasks = schedule.new_node();
        let node = Node::with_env(NodeEnv { spawn: TaskSpawner::Test(tasks), ..NodeEnv::seeded(schedule.next_seed()) });
        test_run.replace(Some(node.begin_test_run()));
        let failure = node.scope(body).await;
        node.stop().await;
        failure
    });
    let unseen = || test_run.take()?.crashes().failure();
    let unseen = if expect_crash || failure.is_some() { None } else { unseen() };
    if failure.is_none() && unseen.is_none() {
        return;
    }
    eprintln!(
        "greenroom: the test failed on seed {seed}, at step {}; to repeat its steps:\n    {}",
        progress.steps,
        replay(seed)
    );
    match failure {
        None => panic!("{}", unseen.unwrap_or_default()),
        Some(Failure::Panic(payload)) => panic::resume_unwind(payload),
        Some(Failure::Error(error)) => panic!("the test returned an error: {error}"),
        Some(exceeded) => panic!("the test does not end: {exceeded}"),
    }
}

/// Runs a test's body as [`run_paused`] does.
#[cfg(test)]
#[track_caller]
pub(crate) fn paused(
    expect_crash: bool,
    time_limit: Option<Duration>,
    body: impl Future<Output: crate::termination::Termination>,
) {
    run_paused(expect_crash, time_limit, crate::termination::body(body));
}

/// Runs a test on a seed, and drops the tasks that are left at its end. If the test is stuck, the failure lists the
/// processes of `nodes`.
pub(super) fn run(
    seed: u64,
    blocking: BlockingMode,
    limits: RunLimits,
    nodes: impl Fn() -> Vec<Node>,
    test: impl AsyncFnOnce(Schedule) -> Option<String>,
) -> (Option<Failure>, Progress) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let runtime = runtime.expect("a tokio runtime");
    let schedule = Schedule::new(seed, blocking);
    let run = || {
        runtime.block_on(async {
            let mut test = std::pin::pin!(test(schedule.clone()));
            let ended = schedule.run(limits, test.as_mut()).await;
            let progress = match ended {
                Err(LimitExceeded::Time { .. }) => schedule.root_progress(),
                _ => schedule.progress(),
            };
            // The report is made before the test's future is dropped, while the processes that it started still wait.
            let failure = ended.map_err(|stuck| Failure::LimitExceeded(stuck, hang::report(&schedule, test, &nodes())));
            (failure, progress)
        })
    };
    let outcome = panic::catch_unwind(AssertUnwindSafe(run));
    let (failure, progress) = match outcome {
        Ok((Ok(failure), progress)) => (failure.map(Failure::Error), progress),
        Ok((Err(stuck), progress)) => (Some(stuck), progress),
        Err(payload) => (Some(Failure::Panic(payload)), schedule.progress()),
    };
    let _entered = runtime.enter();
    schedule.end();
    (failure, progress)
}

/// Returns the number in an environment variable, if it is set and not empty.
///
/// # Panics
/// The value is not a number.
#[track_caller]
pub(super) fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok().filter(|value| !value.is_empty())?;
    Some(value.parse().unwrap_or_else(|_| panic!("expected a number in {variable}, found `{value}`")))
}

/// Returns the command that runs the test of this thread on this seed.
pub(super) fn replay(seed: u64) -> String {
    let mut command = format!("{SEED}={seed} cargo test");
    if !cfg!(debug_assertions) {
        command.push_str(" --release");
    }
    let package = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
    if !package.is_empty() {
        command.push_str(&format!(" -p {package}"));
    }
    // The executable of a test target has the target's name, and a hash after it.
    let target = std::env::current_exe().ok().and_then(|path| Some(path.file_stem()?.to_str()?.to_owned()));
    if let Some((target, _)) = target.as_deref().and_then(|target| target.rsplit_once('-'))
        && target != package.replace('-', "_")
        && target != package
    {
        command.push_str(&format!(" --test {target}"));
    }
    // The test harness gives a thread the name of its test.
    if let Some(test) = std::thread::current().name().filter(|name| *name != "main") {
        command.push_str(&format!(" {test} -- --exact --nocapture"));
    }
    command
}

/// Returns the only seed to run, if the environment names one.
pub(super) fn seed() -> Option<u64> {
    number(SEED)
}

impl Failure {
    /// Returns whether the test waits for something that never happens.
    #[cfg(feature = "net")]
    pub(super) fn is_hang(&self) -> bool {
        matches!(self, Failure::LimitExceeded(LimitExceeded::Time { .. }, _))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Panic(payload) => {
                let text = payload.downcast_ref::<String>().map(String::as_str);
                f.write_str(
                    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("a panic without a message"),
                )
            }
            Failure::Error(error) => write!(f, "the scenario returned an error: {error}"),
            Failure::LimitExceeded(LimitExceeded::Steps, waits) => {
                write!(f, "the test was ended after too many steps: some processes never stop running{waits}")
            }
            Failure::LimitExceeded(LimitExceeded::Time { since, others_run }, waits) => {
                let silent = if *others_run { "the test itself has not run" } else { "no process has run" };
                write!(f, "it waits forever: {silent} since {since:?} after its start{waits}")
            }
        }
    }
}
