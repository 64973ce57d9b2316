//! The phases of a node: it runs, has stopped, or was replaced by its next incarnation.

use crate::base::NodeId;
use crate::node::Node;
use crate::sync::atomic::{AtomicU8, Ordering};

/// A phase of a node, for the text of stubs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NodePhase {
    Running,
    Stopped,
    /// Stopped, and started again as another incarnation in this program.
    Replaced,
}

/// The phase of one node.
#[derive(Default)]
pub(in crate::node) struct PhaseCell(AtomicU8);

impl Node {
    pub(crate) fn phase(&self) -> NodePhase {
        match self.inner.phase.0.load(Ordering::Relaxed) {
            0 => NodePhase::Running,
            1 => NodePhase::Stopped,
            _ => NodePhase::Replaced,
        }
    }

    pub(crate) fn enter_phase(&self, phase: NodePhase) {
        self.inner.phase.0.fetch_max(phase as u8, Ordering::Relaxed);
    }

    /// Returns whether this node or a connected one is another incarnation of the node with this identity.
    pub(crate) fn has_later_incarnation(&self, id: &NodeId) -> bool {
        let known = if id.name == *self.name() {
            Some(self.id().incarnation)
        } else {
            self.router().and_then(|router| router.incarnation(&id.name))
        };
        known.is_some_and(|known| known != id.incarnation)
    }
}
