//! The starter of a dynamic child that a predecessor has handed over.

use std::sync::Arc;

use super::starters::{continue_process, refuses_restart, start_process};
use crate::actor::{Process, Resumed, start_info};
use crate::base::{EncodedState, Exit, Pid};
use crate::node::ProcessRecord;
use crate::process::Cell;
use crate::supervisor::child::{AddedChild, BoundSpec, ChildCells, ChildStarter, StartFuture};
use crate::supervisor::{ChildOptions, Restart, WhileDown};

struct Adopted<A: Process> {
    cell: Arc<Cell<A::Protocol>>,
    initial_state: Option<EncodedState>,
}

/// Binds a dynamic child that was handed over. `None` if it is not portable.
///
/// A child whose initial state is not known is temporary from now on.
pub(in crate::supervisor) fn adopted<A: Process>(cells: &ChildCells, child: AddedChild<'_>) -> Option<BoundSpec> {
    // Constant, so that nothing is compiled for other actors.
    if const { A::OPTIONS.portability.is_none() } {
        return None;
    }
    let AddedChild { id, mut options, is_followed, initial_state } = child;
    if initial_state.is_none() {
        options = ChildOptions { restart: Restart::Temporary, ..options };
    }
    let cell = match is_followed {
        true => cells.added().cell::<A>(id),
        false => Cell::new(cells.node().clone(), None, A::OPTIONS.bounds()),
    };
    cell.queue().set_holds_messages(options.while_down == WhileDown::Hold);
    let starter = Box::new(Adopted::<A> { cell: Arc::clone(&cell), initial_state });
    Some(BoundSpec { id: id.into(), options, starter, cell, supervisor: None, declared: false })
}

impl<A: Process> ChildStarter for Adopted<A> {
    fn start(&mut self, link: &dyn Fn(&Pid)) -> StartFuture {
        let unknown = || Exit::error("the arguments of the child's start were not handed over");
        let state = self.initial_state.as_ref().ok_or_else(unknown);
        match state.and_then(|state| Resumed::<A>::read(self.cell.node(), state)) {
            Ok(actor) => start_process(&self.cell, start_info::<A>(), actor.into_actor(), link),
            Err(reason) => Box::pin(std::future::ready(Err(reason))),
        }
    }

    fn continue_process(&mut self, process: &ProcessRecord, link: &dyn Fn(&Pid)) -> Result<StartFuture, Exit> {
        continue_process::<A>(&self.cell, process, link)
    }

    fn refuses_restart(&self) -> bool {
        refuses_restart::<A>()
    }

    fn initial_state(&mut self) -> Option<EncodedState> {
        self.initial_state.clone()
    }
}
