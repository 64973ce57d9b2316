//! The start of a process: its cell exists and can be linked and monitored before its body runs.

use std::future::Future;
use std::marker::PhantomData;
#[cfg(feature = "port")]
use std::panic::Location;
use std::sync::Arc;

use super::constructor::Constructor;
use super::launch::Launch;
#[cfg(feature = "upgrade")]
use crate::actor::Otherwise;
use crate::actor::{Actor, Process, Ref, Stub};
#[cfg(feature = "net")]
use crate::base::Pid;
use crate::base::StartError;
use crate::call::Address;
#[cfg(feature = "upgrade")]
use crate::node::ProcessRecord;
#[cfg(feature = "registry")]
use crate::node::{AnyCell, LocalProcess};
use crate::node::{Current, Node};
#[cfg(feature = "port")]
use crate::process::RunningGuard;
use crate::process::{Cell, ProcessKind, StartInfo, StartSender, ended_in_cell, start_wait};
#[cfg(feature = "registry")]
use crate::process::{ProcessTask, catch};

/// A process that can be reached, linked and monitored, but does not run yet.
pub(crate) struct NewProcess<A: Actor> {
    cell: Arc<Cell<A::Protocol>>,
    number: u64,
}

impl<A: Process> NewProcess<A> {
    pub(crate) fn new(node: Node) -> NewProcess<A> {
        let (cell, number) = Cell::new_occupied(node, A::OPTIONS.bounds(), start_info::<A>());
        NewProcess { cell, number }
    }

    /// Makes a process that no process of this node has started. `parent` is a process of another node.
    #[cfg(feature = "net")]
    pub(crate) fn without_parent(node: Node, parent: Option<Pid>) -> NewProcess<A> {
        let start = StartInfo { parent: 0, ..start_info::<A>() };
        let (cell, number) = Cell::new_occupied(node, A::OPTIONS.bounds(), start);
        if let Some(parent) = parent {
            cell.set_remote_parent(number, parent);
        }
        NewProcess { cell, number }
    }

    /// Makes a process that a predecessor has handed over, but for its state.
    #[cfg(feature = "upgrade")]
    pub(crate) fn again(node: Node, process: &ProcessRecord) -> NewProcess<A> {
        let cell = Cell::new_occupied_as(node, A::OPTIONS.bounds(), start_info::<A>(), process.number);
        cell.restore(process, &[]);
        NewProcess { cell, number: process.number }
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn stub(&self) -> Ref<A> {
        Ref::<A>::__new(Address::direct(Arc::clone(&self.cell), self.number))
    }

    /// Returns the process as the tables of the node have it.
    #[cfg(feature = "registry")]
    pub(crate) fn local(&self) -> LocalProcess {
        LocalProcess { number: self.number, cell: Arc::clone(&self.cell) as Arc<dyn AnyCell> }
    }

    /// Starts to run the process from the value that `make` returns. If that panics, so does the process.
    #[cfg(feature = "registry")]
    pub(crate) fn run_made<C: Constructor<Actor = A>>(self, make: impl FnOnce() -> C) {
        match catch(make) {
            Ok(constructor) => drop(self.run(constructor, None)),
            Err(panic) => ProcessTask::spawn(&self.cell, self.number, async move { panic }),
        }
    }

    /// Makes the end of the process wait until the guard is dropped.
    #[cfg(feature = "port")]
    pub(crate) fn running_guard(&self, at: &'static Location<'static>) -> Option<RunningGuard<A::Protocol>> {
        RunningGuard::new(&self.cell, self.number, at)
    }

    /// Starts to run the process.
    pub(crate) fn run<C: Constructor<Actor = A>>(self, constructor: C, started: Option<StartSender>) -> Ref<A> {
        launch(&self.cell, self.number, constructor, started);
        Ref::<A>::__new(Address::direct(self.cell, self.number))
    }

    /// Starts to run the process, and returns a future that resolves after its `init`.
    pub(crate) fn start<C: Constructor<Actor = A>>(
        self,
        constructor: C,
    ) -> impl Future<Output = Result<Ref<A>, StartError>> + Send + use<A, C> {
        let (cell, number) = (Arc::clone(&self.cell), self.number);
        let (started, result) = start_wait(cell.node(), number);
        let stub = self.run(constructor, Some(started));
        async move {
            match Current::noting(result, || format!("the start of {}", cell.node().pid(number))).await {
                Some(Ok(())) => Ok(stub),
                Some(Err(reason)) => {
                    // When a failed start returns, the process has exited and its name is free.
                    ended_in_cell(cell, number).await;
                    Err(StartError { child: String::new(), reason })
                }
                None => Err(StartError { child: String::new(), reason: ended_in_cell(cell, number).await }),
            }
        }
    }
}

/// Returns the start information of an actor of this type, started by the running process.
pub(crate) fn start_info<A: Process>() -> StartInfo {
    StartInfo { parent: Current::process(), kind: KindOf::<A>::KIND }
}

/// The place of the constant that all processes of an actor type share.
struct KindOf<A>(PhantomData<A>);

impl<A: Process> KindOf<A> {
    const KIND: &'static ProcessKind = &ProcessKind {
        name: || A::OPTIONS.kind,
        trap_exit: A::OPTIONS.trap_exit || A::TRAP_EXIT,
        server: A::SERVER,
        supervisor: A::SUPERVISOR,
        node_events: A::NODE_EVENTS,
        sys: A::OPTIONS.sys,
        portable: A::OPTIONS.portability.is_some(),
        #[cfg(feature = "upgrade")]
        refuses_restart: match A::OPTIONS.portability {
            Some(portability) => matches!(portability.otherwise, Otherwise::Refuse),
            None => false,
        },
    };
}

/// Runs the process with this number, to which `cell` belongs.
pub(crate) fn launch<C: Constructor>(
    cell: &Arc<Cell<<C::Actor as Actor>::Protocol>>,
    number: u64,
    constructor: C,
    started: Option<StartSender>,
) {
    constructor.__launch(Launch::new(cell, number, started));
}
