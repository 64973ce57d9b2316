//! The supervised children that other nodes can reach, over all their restarts.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use super::{AnyCell, WeakNode};
use crate::sync::{PoisonError, RwLock};

/// The cells of supervised children of which a following stub has left the node, by the number of the cell.
///
/// A cell's number is one that no process has. It is not used again, so a stub that outlives its child never reaches
/// another one.
#[derive(Default)]
pub(crate) struct ExportedChildren {
    cells: RwLock<HashMap<u64, Weak<dyn AnyCell>>>,
}

/// The entry of one child. It is removed with the child's cell.
pub(crate) struct ExportedChild {
    node: WeakNode,
    number: u64,
}

impl ExportedChildren {
    /// Returns the cell with this number.
    pub(crate) fn get(&self, number: u64) -> Option<Arc<dyn AnyCell>> {
        self.cells.read().unwrap_or_else(PoisonError::into_inner).get(&number)?.upgrade()
    }

    fn remove(&self, number: u64) {
        let mut cells = self.cells.write().unwrap_or_else(PoisonError::into_inner);
        cells.remove(&number);
        super::names::shrink(&mut cells);
    }
}

impl ExportedChild {
    /// Enters a cell with this number.
    pub(crate) fn new(number: u64, cell: Weak<dyn AnyCell>, node: &super::Node) -> ExportedChild {
        node.exported_children().cells.write().unwrap_or_else(PoisonError::into_inner).insert(number, cell);
        ExportedChild { node: node.downgrade(), number }
    }
}

impl Drop for ExportedChild {
    fn drop(&mut self) {
        if let Some(node) = self.node.upgrade() {
            node.exported_children().remove(self.number);
        }
    }
}
