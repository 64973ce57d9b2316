//! Runs inside the run of another node, as in a `main` with `#[greenroom::main]` whose body runs the node with the
//! connections.
//!
//! Only the outer run receives the signals of the operating system. When it has to end, it requests the end of the runs
//! inside, and drops its own body once they are over: a node whose run is dropped would not stop in order.

use tokio::sync::watch;

use crate::node::Node;

/// The runs of a node, and those of other nodes inside of them.
pub(in crate::node) struct NestedRuns {
    state: watch::Sender<State>,
}

#[derive(Clone, Default)]
struct State {
    /// The number of runs of the node itself.
    own: usize,
    /// The number of runs of other nodes inside of these.
    nested: usize,
    /// The nested runs have to end.
    is_ending: bool,
    /// The node of the latest nested run.
    inner: Option<Node>,
}

/// A run of a node, until it is dropped.
pub(super) struct OwnRun<'a>(&'a Node);

/// A run inside a run of the node, until it is dropped.
pub(super) struct NestedRun(Node);

impl Default for NestedRuns {
    fn default() -> NestedRuns {
        NestedRuns { state: watch::Sender::new(State::default()) }
    }
}

impl NestedRuns {
    /// Returns the node of the latest run inside.
    #[cfg(all(feature = "upgrade", unix))]
    pub(super) fn inner(&self) -> Option<Node> {
        self.state.borrow().inner.clone()
    }
}

impl<'a> OwnRun<'a> {
    pub(super) fn begin(node: &'a Node) -> OwnRun<'a> {
        node.nested_runs().state.send_modify(|state| state.own += 1);
        OwnRun(node)
    }

    /// Requests the end of the runs inside.
    pub(super) fn end_nested(&self) {
        self.0.nested_runs().state.send_modify(|state| state.is_ending = true);
    }

    pub(super) fn has_nested(&self) -> bool {
        self.0.nested_runs().state.borrow().nested > 0
    }

    /// Resolves when no run is inside.
    pub(super) async fn nested_ended(&self) {
        // An error means that the node is gone, which this run holds.
        let _ = self.0.nested_runs().state.subscribe().wait_for(|state| state.nested == 0).await;
    }
}

impl Drop for OwnRun<'_> {
    fn drop(&mut self) {
        self.0.nested_runs().state.send_modify(|state| state.own -= 1);
    }
}

impl NestedRun {
    /// Begins a run of `node` if the current node is another one with a run.
    pub(super) fn begin(node: &Node) -> Option<NestedRun> {
        let outer = Node::try_current().filter(|outer| !outer.is_same(node))?;
        let is_nested = outer.nested_runs().state.send_if_modified(|state| {
            if state.own > 0 {
                state.nested += 1;
                state.inner = Some(node.clone());
            }
            state.own > 0
        });
        is_nested.then(|| NestedRun(outer))
    }

    /// Resolves when the outer run has to end.
    pub(super) async fn has_to_end(&self) {
        let _ = self.0.nested_runs().state.subscribe().wait_for(|state| state.is_ending).await;
    }
}

impl Drop for NestedRun {
    fn drop(&mut self) {
        self.0.nested_runs().state.send_modify(|state| {
            state.nested -= 1;
            state.inner = None;
        });
    }
}
