//! The children of a tree that continues on another node: their states are taken in place of a stop, and their successors
//! are made of them.

use std::sync::Arc;
use std::time::Duration;

use super::{SupervisorProcess, report};
use crate::actor::{Context, take_state};
use crate::base::{Exit, Pid, Shutdown};
use crate::supervisor::StateTransfer;
use crate::supervisor::plan::ChildKey;

/// The time in which a child without a limit of its own hands its state over.
const LIMIT: Duration = Duration::from_secs(5);

impl SupervisorProcess {
    /// Makes a child of the state that its place was given. Returns `None` if it is to be started anew.
    pub(super) async fn resume_in_cell(
        &mut self,
        cx: &mut Context<Self>,
        key: ChildKey,
    ) -> Option<Result<Option<Pid>, Exit>> {
        let (transfer, path) = self.place_of(key)?;
        let state = transfer.state_for(&path)?;
        let resumed = match self.launch_in_cell(cx, key, |starter, link| starter.resume(&state, link)) {
            Ok(starting) => self.await_start(cx, key, starting).await,
            Err(reason) => Err(reason),
        };
        // A process that has failed and still runs keeps its cell.
        let is_vacant = self.children.get(&key).is_some_and(|child| child.spec.cell.pid().is_none());
        match resumed {
            Err(reason) if is_vacant && !cx.mailbox().cell().is_stopping() => {
                report::state_lost(cx.node(), &path, &reason);
                None
            }
            outcome => Some(outcome),
        }
    }

    /// Takes the state of a child that is about to be stopped, if the tree is stopped for its successor. The child gets the
    /// time of its `shutdown` for it. Afterwards it has ended, or it is stopped as usual.
    pub(super) async fn take_state(&mut self, cx: &mut Context<Self>, key: ChildKey) {
        let Some((transfer, path)) = self.place_of(key) else { return };
        if !transfer.is_taking() {
            return;
        }
        transfer.forget(&path);
        let Some(child) = self.children.get(&key).filter(|child| child.spec.starter.is_portable()) else { return };
        let limit = match child.spec.options.shutdown {
            Shutdown::Kill => return,
            Shutdown::After(limit) => limit,
            Shutdown::Forever => LIMIT,
        };
        let Some(pid) = child.pid.clone() else { return };
        let (number, node) = (pid.number(), cx.node().clone());
        let taken = take_state(&node, pid, Exit::shutdown(), limit);
        let lost = match self.await_children(cx, vec![number], taken).await.map(|state| transfer.add(&path, state)) {
            Ok(true) => return,
            Ok(false) => Exit::error("the states of the tree are too large"),
            Err(error) => Exit::error(error),
        };
        report::state_lost(&node, &path, &lost);
    }

    /// Returns the states of the tree, and the path of a child that is declared by the tree.
    fn place_of(&self, key: ChildKey) -> Option<(Arc<StateTransfer>, String)> {
        let transfer = self.cells.transfer()?;
        let spec = &self.children.get(&key)?.spec;
        spec.declared.then(|| (Arc::clone(transfer), self.cells.path_of(&spec.id)))
    }
}
