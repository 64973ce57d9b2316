//! A check with a state that is made anew for each run.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::{Check, Cluster};
use crate::cluster::NodeBuilder;
use crate::node::Node;
use crate::termination::{Termination, body};

/// A [`Check`] with a state for each run; from [`Check::state`].
#[must_use = "a check does nothing until `run`"]
pub struct CheckWithState<S> {
    check: Check,
    make: Arc<dyn Fn(u64) -> S + Send + Sync>,
    boot: Option<Boot<S>>,
    configure: Option<Configure<S>>,
}

type Configure<S> = Arc<dyn Fn(usize, NodeBuilder, &S) -> NodeBuilder + Send + Sync>;
type Boot<S> = Arc<dyn Fn(Node, S) -> Pin<Box<dyn Future<Output = Option<String>> + Send>> + Send + Sync>;

impl Check {
    /// Sets the code that makes the state of a run: a value that the [`boot`](CheckWithState::boot) code of all nodes and
    /// the scenario share. It is made for each run anew, from the run's seed, so that no run finds what an earlier one has
    /// left.
    ///
    /// Each of them receives a clone. So the state usually is an `Arc`, or a struct of several.
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    ///
    /// use greenroom::prelude::*;
    /// use greenroom::testing::Check;
    ///
    /// #[actor(name = "orders")]
    /// struct Orders {
    ///     shipped: Arc<Mutex<Vec<u64>>>,
    /// }
    ///
    /// #[actor]
    /// impl Orders {
    ///     #[call]
    ///     fn ship(&mut self, number: u64) {
    ///         self.shipped.lock().unwrap().push(number);
    ///     }
    /// }
    ///
    /// // In a `#[test]`, which starts no runtime.
    /// Check::nodes(2)
    ///     .state(|_seed| Arc::<Mutex<Vec<u64>>>::default())
    ///     .boot(async |node, shipped| node.start(Orders { shipped }).await.map(drop))
    ///     .run(0..20, async |cluster, shipped| {
    ///         let orders: OrdersRef = cluster.node(1).named_at("orders", "n0@test");
    ///         orders.ship(7).await?;
    ///         assert_eq!(*shipped.lock().unwrap(), [7]);
    ///         Ok::<(), CallError>(())
    ///     });
    /// ```
    pub fn state<S>(self, make: impl Fn(u64) -> S + Send + Sync + 'static) -> CheckWithState<S>
    where
        S: Clone + Send + Sync + 'static,
    {
        CheckWithState { check: self, make: Arc::new(make), boot: None, configure: None }
    }
}

impl<S: Clone + Send + Sync + 'static> CheckWithState<S> {
    /// Sets the time after which a silent peer counts as lost, as [`Check::tick`].
    pub fn tick(mut self, tick: Duration) -> CheckWithState<S> {
        self.check = self.check.tick(tick);
        self
    }

    /// Sets the time that a scenario may take by its own clock, as [`Check::time_limit`].
    pub fn time_limit(mut self, time: Duration) -> CheckWithState<S> {
        self.check = self.check.time_limit(time);
        self
    }

    /// Sets the code that each node runs at its start and after each restart, as [`Check::boot`]. It receives the state of
    /// the run.
    pub fn boot<F>(mut self, boot: impl Fn(Node, S) -> F + Send + Sync + 'static) -> CheckWithState<S>
    where
        F: Future<Output: Termination> + Send + 'static,
    {
        self.boot = Some(Arc::new(move |node, state| {
            let booting = boot(node, state);
            Box::pin(async move { booting.await.failure() })
        }));
        self
    }

    /// Changes the configuration of each node before each start, by its index, as
    /// [`ClusterBuilder::configure`](super::ClusterBuilder::configure). It receives the state of the run.
    pub fn configure(
        mut self,
        configure: impl Fn(usize, NodeBuilder, &S) -> NodeBuilder + Send + Sync + 'static,
    ) -> CheckWithState<S> {
        self.configure = Some(Arc::new(configure));
        self
    }

    /// Runs the scenario once for each seed with a new state, as [`Check::run`].
    ///
    /// # Panics
    /// The scenario fails on a seed; or there is no seed; or it is called within a tokio runtime.
    #[track_caller]
    pub fn run<R: Termination>(&self, seeds: impl IntoIterator<Item = u64>, scenario: impl AsyncFn(Cluster, S) -> R) {
        let scenario = &scenario;
        self.check.run_each(&mut seeds.into_iter(), &|seed| {
            let state = (self.make)(seed);
            let mut cluster = self.check.cluster.clone();
            if let Some(configure) = &self.configure {
                let (configure, state) = (Arc::clone(configure), state.clone());
                cluster = cluster.configure(move |index, builder| configure(index, builder, &state));
            }
            if let Some(boot) = &self.boot {
                let (boot, state) = (Arc::clone(boot), state.clone());
                cluster = cluster.boot(move |node| {
                    let booting = boot(node, state.clone());
                    async move { booting.await.map_or(Ok(()), Err) }
                });
            }
            (cluster, Box::new(move |cluster| body(async move { scenario(cluster, state).await })))
        });
    }
}

impl<S> fmt::Debug for CheckWithState<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckWithState").field("check", &self.check).finish_non_exhaustive()
    }
}
