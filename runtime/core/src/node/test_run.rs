//! The record of the test that a node runs in: the nodes of the test, and the crashes that nothing has noticed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Current, Node, WeakNode};
use crate::base::Pid;
use crate::observe::UnseenCrashes;

/// One run of a test, which its nodes share: the first one, and those that start on behalf of others.
#[derive(Default)]
pub(crate) struct TestRun {
    crashes: UnseenCrashes,
    nodes: Mutex<Vec<WeakNode>>,
}

impl TestRun {
    fn lock_nodes(&self) -> MutexGuard<'_, Vec<WeakNode>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the nodes that still exist.
    pub(crate) fn nodes(&self) -> Vec<Node> {
        self.lock_nodes().iter().filter_map(WeakNode::upgrade).collect()
    }

    pub(crate) fn crashes(&self) -> &UnseenCrashes {
        &self.crashes
    }

    fn add(self: &Arc<TestRun>, node: &Node) {
        let mut nodes = self.lock_nodes();
        nodes.retain(|node| node.upgrade().is_some());
        nodes.push(node.downgrade());
        drop(nodes);
        // Called once, when the node is made.
        let _ = node.inner.test_run.set(Arc::clone(self));
    }
}

impl Node {
    /// Adds a new node to the test of the current node, if that belongs to one.
    pub(super) fn join_test_run(&self) {
        let test_run = Current::node().and_then(|node| node.inner.test_run.get().cloned());
        if let Some(test_run) = test_run {
            test_run.add(self);
        }
    }

    /// Begins a test whose first node this one is.
    pub(crate) fn begin_test_run(&self) -> Arc<TestRun> {
        let test_run = Arc::new(TestRun::default());
        test_run.add(self);
        test_run
    }

    /// Returns the unseen crashes, if the node belongs to a test.
    pub(crate) fn unseen_crashes(&self) -> Option<&UnseenCrashes> {
        self.inner.test_run.get().map(|test_run| test_run.crashes())
    }

    /// Notes that something has noticed the end of a process.
    pub(crate) fn mark_crash_seen(&self, pid: &Pid) {
        if let Some(crashes) = self.unseen_crashes() {
            crashes.mark_seen(pid);
        }
    }
}
