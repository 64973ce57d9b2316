//! The upgrade of a node, as a program requests it.

use std::future::IntoFuture;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::oneshot;

use super::error::UpgradeError;
use super::executor;
use super::protocol::predecessor::{Deadlines, Goal};
use super::report::UpgradeReport;
use crate::node::Node;

/// An upgrade, which begins when it is awaited; from [`Node::upgrade`] or [`Node::check_upgrade`].
#[must_use = "an upgrade begins when it is awaited"]
#[derive(Debug)]
pub struct Upgrade {
    node: Node,
    program: PathBuf,
    goal: Goal,
    deadlines: Deadlines,
}

#[cfg(all(feature = "upgrade", unix))]
impl Node {
    /// Upgrades the node: a successor, which is another process of the operating system, takes over from this one.
    ///
    /// 1. Plan: the program is started, with the arguments and the environment of this one. Its `main` starts the node, by
    ///    [`#[greenroom::main]`](attr.main.html) or [`Node::builder`], and the two agree on what is handed over.
    /// 2. Pause: supervised processes with `#[actor(upgrade)]` finish their current message. Then the connections to other
    ///    nodes pause. The other nodes hold their messages, and see no [`NodeEvent`](crate::NodeEvent).
    /// 3. Hand-over: the successor takes over these processes, the node's name and incarnation, the numbers of its next
    ///    processes, the listening sockets and the connections. It is ready when the supervision trees have started, and when
    ///    it waits in [`Listener::accept`](crate::Listener::accept) at each of the sockets.
    /// 4. Commit: this node and its listeners accept no more connections, and the successor does. The future resolves, and
    ///    this node stops in order.
    ///
    /// If anything fails before the commit, the successor is killed and this node serves on. After it, a failure of the
    /// successor is an ordinary crash. SIGUSR2 begins an upgrade to the program's own file, as it is on disk then.
    ///
    /// Other processes start anew in the successor; the [report](UpgradeReport) lists the supervised ones. This process ends as described in the book, on the page *Upgrading a running
    /// node*. For that, the node runs in [`Node::run`] or `#[greenroom::main]`.
    ///
    /// The plan may take 30 s, and the hand-over 60 s: see [`Upgrade::within`]. Cancel-safe: the upgrade goes on if the future is
    /// dropped.
    ///
    /// After the `init:restart` of Erlang and the release handler's
    /// [`install_release`](https://www.erlang.org/doc/apps/sasl/release_handler.html), and Cloudflare's tableflip.
    ///
    /// # Errors
    /// The node was not upgraded and serves on: see [`UpgradeError`].
    pub fn upgrade(&self, program: impl Into<PathBuf>) -> Upgrade {
        self.attempt(program.into(), Goal::Upgrade)
    }

    /// Does everything of an [upgrade](Node::upgrade) except the commit, then ends the successor. The node serves meanwhile:
    /// its processes are held only until they are written down, and connections to other nodes do not pause. The report
    /// lists the supervised processes that would start anew, each with the reason.
    ///
    /// # Errors
    /// The node cannot be upgraded to this program: see [`UpgradeError`].
    pub fn check_upgrade(&self, program: impl Into<PathBuf>) -> Upgrade {
        self.attempt(program.into(), Goal::Check)
    }

    fn attempt(&self, program: PathBuf, goal: Goal) -> Upgrade {
        Upgrade { node: self.clone(), program, goal, deadlines: Deadlines::default() }
    }
}

impl Upgrade {
    /// Sets the time for the whole attempt, in place of those of its phases.
    pub fn within(mut self, limit: Duration) -> Upgrade {
        self.deadlines = Deadlines { plan: limit, pause: limit, hand_over: limit, all: limit };
        self
    }
}

impl IntoFuture for Upgrade {
    type Output = Result<UpgradeReport, UpgradeError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let (sender, receiver) = oneshot::channel();
        let node = self.node.clone();
        node.spawner().spawn(async move {
            // Fails if nothing waits for the outcome.
            let _ = sender.send(executor::run(&self.node, self.program, self.goal, self.deadlines).await);
        });
        Box::pin(async move { receiver.await.unwrap_or(Err(UpgradeError::Stopping)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_upgrade_that_cannot_begin_changes_nothing() {
        let node = Node::local();
        let error = node.upgrade("/nowhere/shop").await.unwrap_err();
        assert_eq!(error.to_string(), "cannot start the successor /nowhere/shop");
        assert!(matches!(error, UpgradeError::Start(..)) && node.is_own_turn());
        node.succession().pause();
        assert!(matches!(node.upgrade("/nowhere/shop").await, Err(UpgradeError::Running)));
        node.succession().resume();
        node.stop().await;
        assert!(matches!(node.upgrade("/nowhere/shop").await, Err(UpgradeError::Stopping)));
    }
}
