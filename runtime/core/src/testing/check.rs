//! Scenarios that run on a cluster, once for each seed.

use std::cell::RefCell;
use std::fmt::Write;
use std::future::Future;
use std::time::Duration;

use super::Cluster;
use super::cluster::ClusterBuilder;
use super::run::{self, Failure, replay, run};
use crate::node::{Export, Node};
use crate::sched::{BlockingMode, Progress, RunLimits, Schedule};
use crate::termination::{Body, Termination, body};

/// The environment variable with the number of seeds to run, from zero on, in place of those in the source.
const SEEDS: &str = "GREENROOM_TEST_SEEDS";

/// The configuration of a scenario, for a [`check`](crate::check) with another cluster or other limits than the
/// default.
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
/// // In a `#[test]`, which starts no runtime.
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
#[must_use = "a check does nothing until `run`"]
pub struct Check {
    pub(super) cluster: ClusterBuilder,
    limits: RunLimits,
}

/// More than a scenario needs that does come to its end.
const LIMITS: RunLimits = RunLimits { steps: 1_000_000, time: Duration::from_secs(24 * 60 * 60), ends_silence: true };

/// Runs a scenario on three nodes in memory, once for each seed, and panics with the smallest seed that fails.
///
/// For each seed, the clock is a paused one, and all processes of all nodes run on this thread. The seed determines the
/// order in which they run and the behaviour of the links, so the same seed repeats the same steps. Blocking code runs
/// on this thread too, as a step. The scenario runs with node 0 as its current node. After it all nodes are stopped in
/// order.
///
/// A scenario fails if
/// - it panics or returns an error,
/// - it waits for more than a day of its own clock ([`Check::time_limit`]),
/// - or it takes more than a million steps.
///
/// In the last two cases the report lists what each process waits for. A crash of a process is not a failure of the
/// scenario, which can observe it by a monitor or a [`Probe`](super::Probe).
///
/// The report of a failure has the command that repeats the seed: `GREENROOM_TEST_SEED=17` runs only seed 17.
/// `GREENROOM_TEST_SEEDS=1000` runs the first thousand seeds in place of `seeds`.
///
/// [`Check`] runs a scenario on another number of nodes, or with other limits.
///
/// ```
/// use greenroom::prelude::*;
///
/// #[protocol]
/// enum Order {
///     Item { number: u8 },
/// }
///
/// // In a `#[test]`, which starts no runtime.
/// greenroom::check(0..20, async |cluster| {
///     let orders = greenroom::spawn(|mut mailbox: Mailbox<Order>| async move {
///         for expected in 0..3 {
///             receive!(match mailbox { Order::Item { number } => assert_eq!(number, expected) });
///         }
///     });
///     for number in 0..3 {
///         orders.item(number);
///     }
///     assert_eq!(orders.ended().await, Exit::Normal);
///     assert_eq!(cluster.size(), 3);
/// });
/// ```
///
/// # Panics
/// The scenario fails on a seed; or there is no seed; or it is called within a tokio runtime, since it starts one for
/// each seed.
#[track_caller]
pub fn check<R: Termination>(seeds: impl IntoIterator<Item = u64>, scenario: impl AsyncFn(Cluster) -> R) {
    Check::nodes(3).run(seeds, scenario);
}

/// A scenario of one seed.
pub(super) type Scenario<'a> = Box<dyn FnOnce(Cluster) -> Body<'a> + 'a>;

impl Check {
    /// Configures a scenario on `count` nodes, which are connected with each other.
    pub fn nodes(count: usize) -> Check {
        Check::cluster(ClusterBuilder::of(count))
    }

    /// Runs scenarios on a cluster of this configuration, which starts anew for each seed.
    pub fn cluster(cluster: ClusterBuilder) -> Check {
        Check { cluster, limits: LIMITS }
    }

    /// Sets the time after which a silent peer counts as lost; 4 s by default. See
    /// [`NodeBuilder::tick`](crate::NodeBuilder::tick).
    pub fn tick(mut self, tick: Duration) -> Check {
        self.cluster = self.cluster.tick(tick);
        self
    }

    /// Sets the code that each node runs at its start and after each restart, as [`ClusterBuilder::boot`].
    ///
    /// It is the same for all seeds. For a state that each run makes anew, see [`state`](Check::state).
    pub fn boot<F>(mut self, boot: impl Fn(Node) -> F + Send + Sync + 'static) -> Check
    where
        F: Future<Output: Termination> + Send + 'static,
    {
        self.cluster = self.cluster.boot(boot);
        self
    }

    /// Sets the bounds of each connection.
    #[cfg(test)]
    pub(crate) fn limits(mut self, limits: crate::session::Limits) -> Check {
        self.cluster = self.cluster.limits(limits);
        self
    }

    /// Lets the nodes start an actor or call a function on each other: see
    /// [`NodeBuilder::export`](crate::NodeBuilder::export).
    pub fn export<E: Export>(mut self) -> Check {
        self.cluster = self.cluster.export::<E>();
        self
    }

    /// Sets the time that a scenario may take by its own clock; a day by default. A scenario that takes longer fails.
    pub fn time_limit(mut self, time: Duration) -> Check {
        (self.limits.time, self.limits.ends_silence) = (time, false);
        self
    }

    /// Runs the scenario once for each seed, the smallest first, and panics with the first that fails.
    ///
    /// [`check`](crate::check) describes the runs.
    ///
    /// # Panics
    /// The scenario fails on a seed; or there is no seed; or it is called within a tokio runtime.
    #[track_caller]
    pub fn run<R: Termination>(&self, seeds: impl IntoIterator<Item = u64>, scenario: impl AsyncFn(Cluster) -> R) {
        let scenario = &scenario;
        self.run_each(&mut seeds.into_iter(), &|_| {
            (self.cluster.clone(), Box::new(move |cluster| body(async move { scenario(cluster).await })))
        });
    }

    /// Runs the cluster and the scenario that `make` returns for each seed.
    #[track_caller]
    pub(super) fn run_each<'a>(
        &self,
        seeds: &mut dyn Iterator<Item = u64>,
        make: &dyn Fn(u64) -> (ClusterBuilder, Scenario<'a>),
    ) {
        assert!(
            tokio::runtime::Handle::try_current().is_err(),
            "`check` starts a runtime for each seed: call it in a `#[test]` that is not an `async fn`"
        );
        let only = run::seed();
        let seeds: Vec<u64> = match (only, run::number(SEEDS)) {
            (Some(seed), _) => vec![seed],
            (None, Some(count)) => (0..count).collect(),
            (None, None) => {
                let mut seeds: Vec<u64> = seeds.collect();
                seeds.sort_unstable();
                seeds
            }
        };
        assert!(!seeds.is_empty(), "there is no seed to run");
        for (passed, seed) in seeds.into_iter().enumerate() {
            let (failure, progress) = self.run_seed(seed, make(seed));
            let Some(failure) = failure else { continue };
            let mut report = report(seed, &failure, progress);
            // A hang takes seconds, and has no steps at its end that could differ.
            if only.is_none() && !failure.is_hang() {
                // A step that does not come again cannot be debugged by its seed.
                let (_, again) = self.run_seed(seed, make(seed));
                if again != progress {
                    let _ = write!(report, "\n{}", Difference(progress, again));
                }
            }
            if only.is_none() {
                let _ = write!(report, "\n{passed} smaller seeds passed.");
            }
            panic!("{report}");
        }
    }

    fn run_seed(&self, seed: u64, (builder, scenario): (ClusterBuilder, Scenario<'_>)) -> (Option<Failure>, Progress) {
        let cluster = RefCell::new(None);
        let nodes = || cluster.borrow().as_ref().map(Cluster::running_nodes).unwrap_or_default();
        run(seed, BlockingMode::Inline, self.limits, nodes, async |schedule: Schedule| {
            let started = builder.on(&schedule).await;
            let cluster = cluster.borrow_mut().insert(started).clone();
            let node = cluster.node(0).clone();
            let failure = node.scope(scenario(cluster.clone())).await;
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
         To repeat its steps (their hash is {trace:016x}):\n    {}",
        replay(seed)
    )
}

/// The difference of two runs on one seed.
struct Difference(Progress, Progress);

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Difference(first, second) = self;
        write!(
            f,
            "A second run differs: it ended at step {} with the hash {:016x}, the first one at step {}. Some order does \
             not come from the seed: a `HashMap`, `tokio::select!` without `biased;`, a thread, a global.",
            second.steps, second.trace, first.steps
        )
    }
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Check").field("cluster", &self.cluster).field("limits", &self.limits).finish()
    }
}
