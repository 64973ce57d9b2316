//! The upgrade of a node in memory, for the tests of this crate: the connections are handed over, and no processes.

use std::sync::atomic::Ordering;
use std::sync::{Mutex, OnceLock};

use super::start::node_env;
use super::{Cluster, Incarnation, host};
use crate::cluster::Beginning;
use crate::node::{Node, NodePhase, PausedPeer};

/// A node in place of another one, before or after it serves.
pub(crate) struct Successor(Incarnation);

impl Cluster {
    /// Starts a successor of a node, with these paused peers. Its first process has the number `first`.
    pub(crate) async fn start_successor(&self, index: usize, peers: Vec<PausedPeer>, first: u64) -> Successor {
        self.start_successor_with(index, peers, move |node| node.continue_numbers(first)).await
    }

    /// Starts a successor of a node, with these paused peers, and what `take_over` gives it.
    pub(crate) async fn start_successor_with(
        &self,
        index: usize,
        peers: Vec<PausedPeer>,
        take_over: impl FnOnce(&Node) + Send + 'static,
    ) -> Successor {
        let inner = &self.inner;
        let (env, tasks) = node_env(inner.schedule.as_ref(), inner.rng.next());
        let incarnation = Some(self.node(index).id().incarnation);
        let listener = inner.network.inherited(&host(index));
        let begun = move |node: &Node| {
            take_over(node);
            node.succession().pause();
        };
        let beginning = Beginning { incarnation, listener, peers, begun: Box::new(begun), started: Box::new(|| {}) };
        let builder = inner.builder(index, (0..index).collect(), env);
        let beginning = Mutex::new(beginning);
        let builder = builder.begin_by(Box::new(|_| {
            let beginning = beginning.into_inner().expect("it was not locked");
            Box::pin(async { beginning })
        }));
        let node = builder.start().await.expect("a successor in memory starts");
        Successor(Incarnation { node, tasks, next: OnceLock::new() })
    }

    /// Lets a successor serve, and ends its predecessor.
    pub(crate) async fn commit(&self, index: usize, Successor(incarnation): Successor) {
        let last = self.incarnation(index);
        last.node.succession().begin_commit();
        let router = last.node.router().expect("a node in memory has connections");
        router.leave_peers();
        last.node.succession().hand_to_successor();
        incarnation.node.succession().resume();
        assert!(last.next.set(Box::new(incarnation)).is_ok(), "one upgrade of a node at a time");
        router.close().await;
        last.node.enter_phase(NodePhase::Replaced);
        if let Some(tasks) = &last.tasks {
            tasks.kill();
        }
        self.member(index).down.store(false, Ordering::Relaxed);
    }
}

impl Successor {
    pub(crate) fn node(&self) -> &Node {
        &self.0.node
    }

    /// Ends the successor, which has not served.
    pub(crate) fn kill(self) {
        if let Some(tasks) = &self.0.tasks {
            tasks.kill();
        }
        self.0.node.enter_phase(NodePhase::Stopped);
    }
}
