//! One test on one seed.

use std::any::Any;
use std::cell::RefCell;
use std::fmt::{self, Write};
use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::time::Duration;

use crate::node::Node;
use crate::observe::{ProcessInfo, ProcessState};
use crate::sched::{BlockingMode, NodeEnv, Progress, RunLimits, Schedule, Stuck, TaskSpawner};
use crate::termination::Termination;

/// Says which seed runs, and no other.
const SEED: &str = "GREENROOM_TEST_SEED";

/// Why a test did not pass.
pub(super) enum Failure {
    Panic(Box<dyn Any + Send>),
    Error(String),
    /// With where everybody waits.
    Stuck(Stuck, String),
}

/// So many processes of a test that does not end are told one by one.
const MOST: usize = 40;

/// What bounds a test that waits for nothing: further than any sleeps on purpose, and near enough to be reached at once.
const LONG: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Runs a test's body on a fresh local node, on a paused clock.
#[track_caller]
pub(crate) fn paused<F: Future<Output: Termination>>(body: F) {
    let seed = number(SEED);
    let bounds = RunLimits { steps: u64::MAX, time: LONG };
    let alone = RefCell::new(Vec::new());
    let nodes = || alone.borrow().clone();
    let (failure, progress) =
        run(seed.unwrap_or(0), BlockingMode::Thread, bounds, nodes, async |schedule: Schedule| {
            let crew = schedule.new_node();
            let ground = NodeEnv { spawn: TaskSpawner::Test(crew), ..NodeEnv::seeded(schedule.next_seed()) };
            let node = Node::with_env(ground);
            alone.borrow_mut().push(node.clone());
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
        Some(stuck) => panic!("the test does not end: {stuck}"),
    }
}

/// Runs a test on a seed, and drops what is left of it. If it does not end, its `nodes` say who waits for what.
pub(super) fn run(
    seed: u64,
    desk: BlockingMode,
    bounds: RunLimits,
    nodes: impl Fn() -> Vec<Node>,
    test: impl AsyncFnOnce(Schedule) -> Option<String>,
) -> (Option<Failure>, Progress) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let runtime = runtime.expect("a test needs a runtime");
    let schedule = Schedule::new(seed, desk);
    let run = || {
        runtime.block_on(async {
            let mut test = std::pin::pin!(test(schedule.clone()));
            // Asked while the test is still there, and with it whoever it talks to.
            schedule.run(bounds, test.as_mut()).await.map_err(|stuck| Failure::Stuck(stuck, waits(&nodes())))
        })
    };
    let failure = match panic::catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(failure)) => failure.map(Failure::Error),
        Ok(Err(stuck)) => Some(stuck),
        Err(payload) => Some(Failure::Panic(payload)),
    };
    let progress = schedule.progress();
    let _entered = runtime.enter();
    schedule.end();
    (failure, progress)
}

/// What each process does, a line each.
fn waits(nodes: &[Node]) -> String {
    let all = nodes.iter().flat_map(|node| node.processes().into_iter().map(move |pid| (node, pid)));
    let infos = all.filter_map(|(node, pid)| Some((node, node.process_info(&pid)?)));
    let mut lines: Vec<String> = infos.map(|(node, info)| wait(node, &info)).collect();
    if lines.len() > MOST {
        let more = lines.len() - MOST;
        lines.truncate(MOST);
        lines.push(format!("and {more} more processes"));
    }
    lines.iter().map(|line| format!("\n    {line}")).collect()
}

fn wait(node: &Node, info: &ProcessInfo) -> String {
    let mut line = format!("{} ", info.pid);
    if let Some(name) = &info.name {
        let _ = write!(line, "{name} ");
    }
    let _ = write!(line, "({}): ", info.kind);
    let _ = match (node.waits_for(&info.pid), &info.state) {
        (Some(callee), _) => write!(line, "in a call to {callee}"),
        (None, ProcessState::Waiting { at: None }) => write!(line, "waiting for its next message"),
        // The clock jumps only when nobody can go on.
        (None, ProcessState::Busy) => write!(line, "waiting for something that is no message"),
        (None, state) => write!(line, "{state}"),
    };
    for (count, what) in [(info.mailbox, "not looked at"), (info.saved, "saved")] {
        if count > 0 {
            let _ = write!(line, ", messages {what}: {count}");
        }
    }
    line
}

/// A number from the environment.
#[track_caller]
pub(super) fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok().filter(|value| !value.is_empty())?;
    Some(value.parse().unwrap_or_else(|_| panic!("{variable} is a number, not `{value}`")))
}

/// The command that runs the test of this thread on this seed.
pub(super) fn replay(seed: u64) -> String {
    let mut command = format!("{SEED}={seed} cargo test");
    if !cfg!(debug_assertions) {
        command.push_str(" --release");
    }
    let package = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
    if !package.is_empty() {
        command.push_str(&format!(" -p {package}"));
    }
    // A test target is called as its file, with a hash behind it.
    let target = std::env::current_exe().ok().and_then(|path| Some(path.file_stem()?.to_str()?.to_owned()));
    if let Some((target, _)) = target.as_deref().and_then(|target| target.rsplit_once('-'))
        && target != package.replace('-', "_")
        && target != package
    {
        command.push_str(&format!(" --test {target}"));
    }
    // The test harness names its threads after the tests.
    if let Some(test) = std::thread::current().name().filter(|name| *name != "main") {
        command.push_str(&format!(" {test} -- --exact --nocapture"));
    }
    command
}

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
            Failure::Stuck(Stuck::Steps, waits) => write!(f, "it runs on and on without an end{waits}"),
            Failure::Stuck(Stuck::Time { since }, waits) => {
                write!(f, "it waits for what never comes: nothing has happened since {since:?} after its start{waits}")
            }
        }
    }
}
