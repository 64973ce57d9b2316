//! The supervised children that can be found by number, over all their restarts.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use super::names::shrink;
use super::{AnyCell, Node, WeakNode};
use crate::sync::{PoisonError, RwLock};

/// The cells of supervised children that are monitored, or of which a following stub has left the node, by the number of
/// the cell.
///
/// A cell's number is one that no process has. It is not used again, so a stub that outlives its child never reaches
/// another one.
#[derive(Default)]
pub(crate) struct Children {
    cells: RwLock<HashMap<u64, Weak<dyn AnyCell>>>,
}

/// The entry of one child. It is removed with the child's cell.
pub(crate) struct ChildEntry {
    node: WeakNode,
    number: u64,
}

impl Children {
    /// Returns the cell with this number.
    pub(crate) fn get(&self, number: u64) -> Option<Arc<dyn AnyCell>> {
        self.cells.read().unwrap_or_else(PoisonError::into_inner).get(&number)?.upgrade()
    }

    fn insert(&self, number: u64, cell: Weak<dyn AnyCell>) {
        self.cells.write().unwrap_or_else(PoisonError::into_inner).insert(number, cell);
    }

    fn remove(&self, number: u64) {
        let mut cells = self.cells.write().unwrap_or_else(PoisonError::into_inner);
        cells.remove(&number);
        shrink(&mut cells);
    }
}

impl ChildEntry {
    /// Enters a cell with this number.
    pub(crate) fn new(number: u64, cell: Weak<dyn AnyCell>, node: &Node) -> ChildEntry {
        node.children().insert(number, cell);
        ChildEntry { node: node.downgrade(), number }
    }
}

impl Drop for ChildEntry {
    fn drop(&mut self) {
        if let Some(node) = self.node.upgrade() {
            node.children().remove(self.number);
        }
    }
}
