//! The stubs of a tree in an answer to another node.
//!
//! The receiver makes [`ChildCells`] of them, of which a tree takes its stubs as of those of a tree of its own node.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{ChildCells, SupervisorCell};
use crate::call::Recipient;
use crate::node::Node;
use crate::process::Cell;
use crate::supervisor::SupervisionRef;

/// The stubs of a tree: each supervisor after the one above it, the root first.
///
/// A list, since a tree can be deeper than the stack.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct SentCells(Vec<SentSupervisor>);

#[derive(Serialize, Deserialize)]
struct SentSupervisor {
    /// The position of the supervisor above it.
    parent: u32,
    id: String,
    stub: SupervisionRef,
    workers: Vec<(String, Recipient<()>)>,
}

impl SentCells {
    /// Returns the stubs of the declared children of a tree.
    pub(crate) fn of(root: &Arc<ChildCells>) -> SentCells {
        let mut sent = Vec::new();
        let mut pending = vec![(0, String::new(), Arc::clone(root))];
        while let Some((parent, id, cells)) = pending.pop() {
            let at = sent.len() as u32;
            let mut workers = Vec::new();
            for (id, cell) in cells.lock().iter() {
                match cell.cells_below() {
                    Some(below) => pending.push((at, id.to_string(), Arc::clone(below))),
                    None => workers.push((id.to_string(), Arc::clone(cell).recipient())),
                }
            }
            sent.push(SentSupervisor { parent, id, stub: cells.supervisor(), workers });
        }
        SentCells(sent)
    }

    /// Returns the cells from which the tree takes its stubs; `None` if a supervisor comes before the one above it.
    pub(crate) fn into_cells(self, node: &Node) -> Option<Arc<ChildCells>> {
        let mut all: Vec<Arc<ChildCells>> = Vec::new();
        for SentSupervisor { parent, id, stub, workers } in self.0 {
            let workers: HashMap<_, _> = workers.into_iter().map(|(id, stub)| (Arc::from(id), stub)).collect();
            let children = ChildCells::elsewhere(node.clone(), stub, workers);
            if !all.is_empty() {
                // The cell itself is not used: the stub of the supervisor is in `children`.
                let cell = Cell::new(node.clone(), None, None);
                let cell = Arc::new(SupervisorCell { cell, children: Arc::clone(&children) });
                all.get(parent as usize)?.lock().insert(id.into(), cell);
            }
            all.push(children);
        }
        all.into_iter().next()
    }
}
