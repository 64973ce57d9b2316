use std::cell::RefCell;
use std::fmt::Write;
use std::future::Future;
use std::time::Duration;

use super::Cluster;
use super::cluster::ClusterBuilder;
use super::run::{self, Failure, replay, run};
use crate::node::Node;
use crate::sched::{BlockingMode, Progress, RunLimits, Schedule};
use crate::termination::Termination;

/// How many seeds are run, from zero on, in place of those in the source.
const SEEDS: &str = "GREENROOM_TEST_SEEDS";

/// A scenario's surroundings, for [`check`](crate::check) with other ones than the usual.
///
/// ```
/// use greenroom::prelude::*;
/// use greenroom::testing::Check;
///
/// #[actor(name = "counter")]
/// #[derive(Default)]
/// struct Counter {
///     count: u64,
/// }
///
/// #[actor]
/// impl Counter {
///     #[call]
///     fn next(&mut self) -> u64 {
///         self.count += 1;
///         self.count
///     }
/// }
///
/// // In a `#[test]` of one's own.
/// Check::nodes(2).boot(async |node| node.start(Counter::default()).await.map(drop)).run(0..20, async |cluster| {
///     let counter: CounterRef = cluster.node(1).named_at("counter", "n0@test");
///     assert_eq!(counter.next().await?, 1);
///     cluster.crash(0);
///     cluster.restart(0).await;
///     cluster.connected().await;
///     assert_eq!(counter.next().await?, 1);
///     Ok::<(), CallError>(())
/// });
/// ```
#[must_use = "a check is run with `run`"]
pub struct Check {
    founding: ClusterBuilder,
    bounds: RunLimits,
}

/// More than any scenario needs that comes to its end.
const BOUNDS: RunLimits = RunLimits { steps: 1_000_000, time: Duration::from_secs(24 * 60 * 60) };

/// Runs a scenario on three nodes in memory, once a seed, and panics with the smallest seed that fails.
///
/// For each seed the clock is a paused one, and all processes of all nodes run on this thread in an order that the seed
/// decides, as it decides what the links do: the same seed does the same steps. Blocking code runs on this thread
/// too, when its turn comes. The scenario itself runs with node 0 as the current one. When it is over, all nodes are
/// stopped in order.
///
/// It fails when it panics, returns an error, waits for what never comes, or runs without an end (a million
/// steps, or a day by its clock); of the last two the report says what each process waits for. That a process of its crashes is no failure: processes may, and a
/// [`Probe`](super::Probe) or a monitor sees it.
///
/// `GREENROOM_TEST_SEED=17` runs that seed alone; the report of a failure has the command. `GREENROOM_TEST_SEEDS=1000`
/// runs the first thousand in place of `seeds`.
///
/// [`Check`] runs a scenario on fewer nodes or more, or with other bounds.
///
/// ```
/// use greenroom::prelude::*;
///
/// #[protocol]
/// enum Note {
///     Say { word: u8 },
/// }
///
/// // In a `#[test]` of one's own.
/// greenroom::check(0..20, async |cluster| {
///     let list = greenroom::spawn(|mut mailbox: Mailbox<Note>| async move {
///         for expected in 0..3 {
///             receive!(match mailbox { Note::Say { word } => assert_eq!(word, expected) });
///         }
///     });
///     for word in 0..3 {
///         list.say(word);
///     }
///     assert_eq!(list.ended().await, Exit::Normal);
///     assert_eq!(cluster.size(), 3);
/// });
/// ```
///
/// # Panics
/// When the scenario fails on a seed; in an async function, since it brings a runtime of its own.
#[track_caller]
pub fn check<R: Termination>(seeds: impl IntoIterator<Item = u64>, scenario: impl AsyncFn(Cluster) -> R) {
    Check::nodes(3).run(seeds, scenario);
}

impl Check {
    /// So many nodes; with one there is nobody to be connected with.
    pub fn nodes(count: usize) -> Check {
        Check { founding: ClusterBuilder::of(count), bounds: BOUNDS }
    }

    /// As [`ClusterBuilder::tick`].
    pub fn tick(mut self, tick: Duration) -> Check {
        self.founding = self.founding.tick(tick);
        self
    }

    /// As [`ClusterBuilder::boot`]: what each node does when it has started, and when it has started again.
    pub fn boot<F>(mut self, boot: impl Fn(Node) -> F + Send + Sync + 'static) -> Check
    where
        F: Future<Output: Termination> + Send + 'static,
    {
        self.founding = self.founding.boot(boot);
        self
    }

    /// How long a scenario may go on by its own clock; a day unless said otherwise.
    pub fn at_most(mut self, time: Duration) -> Check {
        self.bounds.time = time;
        self
    }

    /// Runs the scenario once a seed, smallest first, as [`check`](crate::check) does.
    ///
    /// # Panics
    /// As [`check`](crate::check).
    #[track_caller]
    pub fn run<R: Termination>(&self, seeds: impl IntoIterator<Item = u64>, scenario: impl AsyncFn(Cluster) -> R) {
        assert!(
            tokio::runtime::Handle::try_current().is_err(),
            "`check` brings a runtime of its own: call it in a `#[test]` that is no `async fn`"
        );
        let alone = run::seed();
        let seeds: Vec<u64> = match (alone, run::number(SEEDS)) {
            (Some(seed), _) => vec![seed],
            (None, Some(count)) => (0..count).collect(),
            (None, None) => {
                let mut seeds: Vec<u64> = seeds.into_iter().collect();
                seeds.sort_unstable();
                seeds
            }
        };
        assert!(!seeds.is_empty(), "no seed to run");
        for (before, seed) in seeds.into_iter().enumerate() {
            let (failure, progress) = self.once(seed, &scenario);
            let Some(failure) = failure else { continue };
            let mut report = report(seed, &failure, progress);
            if alone.is_none() {
                // Worth a warning before somebody looks for a step that will not come again.
                let (_, again) = self.once(seed, &scenario);
                if again != progress {
                    let _ = write!(report, "\n{}", Elsewhere(progress, again));
                }
                let _ = write!(report, "\n{before} smaller seeds passed.");
            }
            panic!("{report}");
        }
    }

    fn once<R: Termination>(&self, seed: u64, scenario: &impl AsyncFn(Cluster) -> R) -> (Option<Failure>, Progress) {
        let cluster = RefCell::new(None);
        let nodes = || cluster.borrow().as_ref().map(Cluster::alive).unwrap_or_default();
        run(seed, BlockingMode::Inline, self.bounds, nodes, async |schedule: Schedule| {
            let founded = self.founding.clone().on(&schedule).await;
            let cluster = cluster.borrow_mut().insert(founded).clone();
            let node = cluster.node(0).clone();
            let failure = node.scope(scenario(cluster.clone())).await.failure();
            if failure.is_none() {
                cluster.stop().await;
            }
            failure
        })
    }
}

fn report(seed: u64, failure: &Failure, progress: Progress) -> String {
    let Progress { steps, trace, time } = progress;
    format!(
        "seed {seed} fails, at step {steps}, {time:?} after its start: {failure}\n\
         Its steps again (their hash is {trace:016x}):\n    {}",
        replay(seed)
    )
}

/// Two runs on one seed that differ.
struct Elsewhere(Progress, Progress);

impl std::fmt::Display for Elsewhere {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Elsewhere(first, second) = self;
        write!(
            f,
            "A second run did not do the same: it ended at step {}, with the hash {:016x}, not at step {}. Some order \
             comes from elsewhere than the seed: a `HashMap`, `tokio::select!` without `biased;`, a thread, a global.",
            second.steps, second.trace, first.steps
        )
    }
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Check").field("founding", &self.founding).field("bounds", &self.bounds).finish()
    }
}
