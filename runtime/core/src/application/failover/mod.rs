//! Applications that run on one node of several: *failover* to another node when it is lost, and *takeover* by a better one
//! that returns. After OTP's [distributed
//! applications](https://www.erlang.org/doc/system/distributed_applications.html).
//!
//! [`Plan`](plan::Plan) decides, and the task of a [`Manager`](manager::Manager) executes: it makes claims, starts and ends
//! the application, and passes on what has happened.

mod announce;
mod handle;
mod manager;
mod plan;
#[cfg(test)]
mod plan_tests;
#[cfg(test)]
mod state_tests;
mod states;
mod task;
#[cfg(test)]
mod tests;

use std::future::Future;

pub use handle::{Failover, FailoverInfo};
pub(crate) use states::Transferable;

use super::{Application, ApplicationError};
use crate::base::NodeName;
use crate::node::Node;
use crate::supervisor::Tree;

/// An application that runs on one node of several. See [`Application::failover`].
#[must_use = "an application runs only once it is started"]
pub struct FailoverApplication<T> {
    application: Application<T>,
    nodes: Vec<String>,
    takeover: Takeover,
}

/// The state of an application that moves to another node in order. See [`FailoverApplication::takeover`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Takeover {
    /// The application starts anew. This is the default.
    #[default]
    Anew,
    /// Portable children continue with their states.
    State,
}

impl<T: Tree> Application<T> {
    /// Runs the application on one node of this list: the first one that is there.
    ///
    /// Each of the nodes starts the application, with the same list. One of them runs it. When that node is lost, another
    /// one starts it, with a new state. When a better node returns, one that is earlier in the list, the application stops
    /// in order where it runs, and starts there. On a node that is not in the list, the application can be watched and
    /// stopped.
    ///
    /// ```
    /// use greenroom::Application;
    /// use greenroom::prelude::*;
    ///
    /// #[supervisor]
    /// struct BillingTree {}
    ///
    /// # async fn start() -> greenroom::Result {
    /// let billing = Application::new("billing", BillingTree {}).failover(["a@one", "b@two"]).start().await?;
    /// println!("billing runs on {:?}", billing.node());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # One owner
    /// The node that runs the application has a claim on its name in the [registry](crate::NodeBuilder::registry). It starts
    /// the application after the claim is granted, and ends the claim after the application has stopped. When it may have
    /// lost the claim, it kills the application at once. With a registry such as that of the crate `greenroom-etcd`, that
    /// is before the lease ends: the application runs at most once, as far as its code does not block threads. With
    /// the [local view](crate::registry::LocalView), the default, both parts of a split cluster run it until they connect
    /// again.
    ///
    /// With a lease of time T, a lost application runs again within 2 × T. The nodes wait up to 5 s, or T, for each other
    /// when they start, so that nodes that start together start the application once, on the first of them.
    ///
    /// # The end of the application
    /// - [`Failover::stop`] stops it on purpose. It stays stopped on all nodes until [`Failover::start`], or until none of the
    ///   nodes runs that has seen the stop. [`Running::stop`](crate::Running::stop) and an orderly end of a temporary or
    ///   transient application have the same effect.
    /// - If the tree does not start on a node, or gives up, another node starts it. The node on which it failed runs it again
    ///   after [`Failover::start`] on it, or after its restart. A permanent or transient application stops its node then, as
    ///   without failover.
    /// - A node that stops in order stops the application first. Another node starts it then.
    pub fn failover<N: Into<String>>(self, nodes: impl IntoIterator<Item = N>) -> FailoverApplication<T> {
        let nodes = nodes.into_iter().map(Into::into).collect();
        FailoverApplication { application: self, nodes, takeover: Takeover::default() }
    }
}

impl<T: Tree> FailoverApplication<T> {
    /// Sets the treatment of the application's state when a better node returns, and when the node that runs it stops.
    ///
    /// With [`Takeover::State`] each [portable](crate::Portable) child, whose struct has `#[actor(upgrade)]`, continues on the
    /// next node. There the tree starts as usual, in order, but such a child is made of its state: `start` and `#[init]` do
    /// not run, `#[resumed]` does. Other children, and those that were added at run time, start anew. All nodes of the
    /// application need the same setting.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// use greenroom::{Application, Takeover};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[actor(upgrade)]
    /// #[derive(Default, Serialize, Deserialize)]
    /// struct Ledger {
    ///     total: u64,
    /// }
    ///
    /// #[actor]
    /// impl Ledger {
    ///     #[cast]
    ///     fn book(&mut self, amount: u64) {
    ///         self.total += amount;
    ///     }
    /// }
    ///
    /// #[supervisor]
    /// struct BillingTree {
    ///     #[child]
    ///     ledger: Ledger,
    /// }
    ///
    /// # async fn start() -> greenroom::Result {
    /// let billing = Application::new("billing", BillingTree {}).failover(["a@one", "b@two"]).takeover(Takeover::State);
    /// let billing = billing.start().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # The way of a state
    /// - The children stop in reverse order. Each hands its state over after the messages that were sent before, and ends
    ///   without its `#[terminate]`. It has the time of its `shutdown` for that; with `forever` it has 5 s. Then it is
    ///   stopped as usual.
    /// - Messages that arrive later are lost, as those to a stopped process: calls fail with the exit reason, `shutdown`.
    /// - The node keeps the states for the next owner for up to 10 s. A node that stops waits for that. All states of an
    ///   application together can have 16 MiB.
    ///
    /// # Losses
    /// A state is used once, by the run that directly follows its own. After a crash of the node, a failure of the tree or a
    /// stop on purpose the application starts anew. A state that cannot be encoded, sent or read is lost: its child starts
    /// anew, a warning is logged, and [`Counters::lost_states`](crate::Counters::lost_states) counts it.
    pub fn takeover(mut self, takeover: Takeover) -> FailoverApplication<T> {
        self.takeover = takeover;
        self
    }

    /// Starts the application, on the current node or another one. Resolves when it runs on one of them, or was stopped on
    /// purpose.
    ///
    /// Not cancel-safe: if the future is dropped, the application continues to start and to run.
    ///
    /// # Errors
    /// - [`ApplicationError::Nodes`]: a name is not that of a node or too long, or is in the list twice.
    /// - The application did not start on this node, as with [`Application::start`]. Then this node takes no part.
    ///
    /// # Panics
    /// If there is no current node, as [`Node::current`]. Use [`Node::start_failover`] there.
    #[track_caller]
    pub fn start(self) -> impl Future<Output = Result<Failover<T::Ref>, ApplicationError>> + Send {
        self.start_at(&Node::current())
    }

    fn start_at(self, node: &Node) -> impl Future<Output = Result<Failover<T::Ref>, ApplicationError>> + Send + use<T> {
        let Application { spec, root } = self.application;
        let nodes = parse(&spec.name, &self.nodes);
        let manager = nodes.and_then(|nodes| task::start(node, spec, nodes, self.takeover, root));
        async move {
            let manager = manager?;
            manager.decided().await?;
            Ok(Failover::new(manager))
        }
    }
}

#[cfg(feature = "registry")]
impl Node {
    /// Starts an application with failover on this node, as [`FailoverApplication::start`].
    ///
    /// # Errors
    /// As with [`FailoverApplication::start`].
    pub async fn start_failover<T: Tree>(
        &self,
        application: FailoverApplication<T>,
    ) -> Result<Failover<T::Ref>, ApplicationError> {
        application.start_at(self).await
    }
}

/// Parses the nodes of an application.
fn parse(application: &str, nodes: &[String]) -> Result<Vec<NodeName>, ApplicationError> {
    let error = |reason: String| ApplicationError::Nodes { application: application.to_owned(), reason };
    let mut parsed = Vec::new();
    for text in nodes {
        let node = NodeName::new(text).map_err(|invalid| error(invalid.to_string()))?;
        if parsed.contains(&node) {
            return Err(error(format!("`{node}` is in the list twice")));
        }
        parsed.push(node);
    }
    if parsed.is_empty() { Err(error("the list is empty".to_owned())) } else { Ok(parsed) }
}
