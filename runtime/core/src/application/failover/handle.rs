//! The handle to an application with failover, and the list of those of a node.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::manager::Manager;
use crate::application::Running;
use crate::base::NodeName;
use crate::node::Node;
use crate::supervisor::TreeStub;

/// A handle to an application with failover, on a node that takes part. See [`Application::failover`](crate::Application::failover).
///
/// A clone is cheap. Dropping the handle does not stop the application.
pub struct Failover<R> {
    manager: Arc<Manager>,
    stub: PhantomData<fn() -> R>,
}

/// An application with failover, as returned by [`Node::failovers`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailoverInfo {
    /// The application's name.
    pub name: String,
    /// The nodes that can run it, the best one first.
    pub nodes: Vec<NodeName>,
    /// The node that runs it or starts it, by the last report of the registry.
    pub node: Option<NodeName>,
    /// True if it was stopped on purpose.
    pub stopped: bool,
    /// The fencing token, if this node runs the application or starts it. See [`Failover::token`].
    pub token: Option<u64>,
}

impl<R: TreeStub> Failover<R> {
    pub(super) fn new(manager: Arc<Manager>) -> Failover<R> {
        Failover { manager, stub: PhantomData }
    }

    /// Returns the application's name.
    pub fn name(&self) -> &str {
        self.manager.name()
    }

    /// Returns the node that runs the application or starts it, by the last report of the registry.
    pub fn node(&self) -> Option<NodeName> {
        self.manager.status().owner
    }

    /// Returns the application if it is up on this node.
    pub fn running(&self) -> Option<Running<R>> {
        self.manager.node().application(self.name())
    }

    /// Returns the fencing token, if this node runs the application or starts it: it is greater than those of all earlier
    /// runs. A system that remembers the greatest token can refuse the requests of a node that has lost its claim and does not
    /// know yet. See [`Registry`](crate::registry::Registry#fencing).
    ///
    /// Processes of the application find it in [`Node::failovers`].
    pub fn token(&self) -> Option<u64> {
        self.manager.status().token
    }

    /// Returns whether the application was stopped on purpose.
    pub fn is_stopped(&self) -> bool {
        self.manager.status().is_stopped
    }

    /// Stops the application on purpose, on the node that runs it. It stays stopped on all nodes, until
    /// [`start`](Failover::start). Resolves when no node runs it.
    ///
    /// Cancel-safe: the application stops also if the future is dropped. If the registry cannot be reached, other nodes
    /// are notified when it can be reached again.
    pub async fn stop(&self) {
        self.manager.intend(true);
        self.manager.wait_for(|status| status.has_left() || status.is_stopped && status.owner.is_none()).await;
    }

    /// Starts an application again that was stopped on purpose, or that has failed on this node. Resolves when a node runs it
    /// or starts it.
    ///
    /// Cancel-safe: the application starts also if the future is dropped.
    pub async fn start(&self) {
        self.manager.intend(false);
        self.manager.wait_for(|status| status.has_left() || !status.is_stopped && status.owner.is_some()).await;
    }
}

impl<R> Clone for Failover<R> {
    fn clone(&self) -> Failover<R> {
        Failover { manager: Arc::clone(&self.manager), stub: PhantomData }
    }
}

impl<R> fmt::Debug for Failover<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Failover").field(&self.manager.name()).finish()
    }
}

#[cfg(feature = "registry")]
impl Node {
    /// Lists the applications with failover that were started on this node, with the nodes that run them.
    ///
    /// Those that run on this node are listed by [`applications`](Node::applications), too.
    pub fn failovers(&self) -> Vec<FailoverInfo> {
        let info = |manager: Arc<Manager>| {
            let status = manager.status();
            let (name, nodes) = (manager.name().to_owned(), manager.nodes().to_vec());
            FailoverInfo { name, nodes, node: status.owner, stopped: status.is_stopped, token: status.token }
        };
        Manager::all(self).into_iter().map(info).collect()
    }
}
