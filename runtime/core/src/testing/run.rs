//! Runs one test on one seed, and describes how it failed.

use std::any::Any;
use std::cell::RefCell;
use std::fmt::{self, Write};
use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::time::Duration;

use crate::node::Node;
use crate::observe::{ProcessInfo, ProcessState};
use crate::sched::{BlockingMode, LimitExceeded, NodeEnv, Progress, RunLimits, Schedule, TaskSpawner};
use crate::termination::Termination;

/// The environment variable with the only seed to run.
const SEED: &str = "GREENROOM_TEST_SEED";

/// The reason why a test failed.
pub(super) enum Failure {
    Panic(Box<dyn Any + Send>),
    Error(String),
    /// With a line for each process and what it waits for.
    LimitExceeded(LimitExceeded, String),
}

/// The most processes that the report of a stuck test lists.
const LISTED: usize = 40;

/// The time by its clock after which a test counts as stuck. It is longer than a test sleeps on purpose, and the paused
/// clock reaches it at once.
const TIME_LIMIT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Runs a test's body on a fresh local node, on a paused clock.
///
/// # Panics
/// The body panics, returns an error, or is stuck.
#[track_caller]
pub(crate) fn paused<F: Future<Output: Termination>>(body: F) {
    let seed = number(SEED);
    let limits = RunLimits { steps: u64::MAX, time: TIME_LIMIT };
    let started = RefCell::new(Vec::new());
    let nodes = || started.borrow().clone();
    let (failure, progress) =
        run(seed.unwrap_or(0), BlockingMode::Thread, limits, nodes, async |schedule: Schedule| {
            let tasks = schedule.new_node();
            let node =
                Node::with_env(NodeEnv { spawn: TaskSpawner::Test(tasks), ..NodeEnv::seeded(schedule.next_seed()) });
            started.borrow_mut().push(node.clone());
            let failure = node.scope(body).await.failure();
            node.stop().await;
            failure
        });
    match failure {
        None => {}
        Some(Failure::Panic(payload)) => {
            if let Some(seed) = seed {
                eprintln!("greenroom: on seed {seed}, at step {}", progress.steps);
            }
            panic::resume_unwind(payload)
        }
        Some(Failure::Error(error)) => panic!("the test returned an error: {error}"),
        Some(exceeded) => panic!("the test does not end: {exceeded}"),
    }
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
            // The list is made before the test's future is dropped, while the processes that it started still wait.
            schedule
                .run(limits, test.as_mut())
                .await
                .map_err(|exceeded| Failure::LimitExceeded(exceeded, list(&nodes())))
        })
    };
    let failure = match panic::catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(failure)) => failure.map(Failure::Error),
        Ok(Err(exceeded)) => Some(exceeded),
        Err(payload) => Some(Failure::Panic(payload)),
    };
    let progress = schedule.progress();
    let _entered = runtime.enter();
    schedule.end();
    (failure, progress)
}

/// Lists the processes of these nodes and what each waits for, a line each.
fn list(nodes: &[Node]) -> String {
    let all = nodes.iter().flat_map(|node| node.processes().into_iter().map(move |pid| (node, pid)));
    let infos = all.filter_map(|(node, pid)| Some((node, node.process_info(&pid)?)));
    let mut lines: Vec<String> = infos.map(|(node, info)| describe(node, &info)).collect();
    if lines.len() > LISTED {
        let more = lines.len() - LISTED;
        lines.truncate(LISTED);
        lines.push(format!("and {more} more processes"));
    }
    lines.iter().map(|line| format!("\n    {line}")).collect()
}

fn describe(node: &Node, info: &ProcessInfo) -> String {
    let mut line = format!("{} ", info.pid);
    if let Some(name) = &info.name {
        let _ = write!(line, "{name} ");
    }
    let _ = write!(line, "({}): ", info.kind);
    let _ = match (node.waits_for(&info.pid), &info.state) {
        (Some(callee), _) => write!(line, "in a call to {callee}"),
        (None, ProcessState::Waiting { at: None }) => write!(line, "waiting for its next message"),
        // No process can run when a test is stuck, so this one waits in a future of its own.
        (None, ProcessState::Busy) => write!(line, "waiting for something other than a message"),
        (None, state) => write!(line, "{state}"),
    };
    for (count, state) in [(info.mailbox, "not yet read"), (info.saved, "saved")] {
        if count > 0 {
            let _ = write!(line, ", messages {state}: {count}");
        }
    }
    line
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
            Failure::LimitExceeded(LimitExceeded::Time { since }, waits) => {
                write!(f, "it waits forever: no process has run since {since:?} after its start{waits}")
            }
        }
    }
}
