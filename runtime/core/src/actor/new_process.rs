//! The start of a process: its cell exists and can be linked and monitored before its body runs.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use super::{Actor, Context, Process, Ref, Stub};
use crate::base::{Exit, StartError};
use crate::call::Address;
use crate::node::{Current, Node};
use crate::process::{
    Cell, Mailbox, ProcessKind, ProcessTask, StartInfo, StartSender, catch_unwind, ended_in_cell, start_wait,
};

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

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn stub(&self) -> Ref<A> {
        Ref::<A>::__new(Address::direct(Arc::clone(&self.cell), self.number))
    }

    /// Starts to run the process.
    pub(super) fn run(self, actor: A, started: Option<StartSender>) -> Ref<A> {
        launch(&self.cell, self.number, actor, started);
        Ref::<A>::__new(Address::direct(self.cell, self.number))
    }

    /// Starts to run the process, and returns a future that resolves after its `init`.
    pub(crate) fn start(self, actor: A) -> impl Future<Output = Result<Ref<A>, StartError>> + Send + use<A> {
        let (cell, number) = (Arc::clone(&self.cell), self.number);
        let (started, result) = start_wait(cell.node(), number);
        let stub = self.run(actor, Some(started));
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
    };
}

/// Runs the process with this number, to which `cell` belongs.
pub(crate) fn launch<A: Process>(cell: &Arc<Cell<A::Protocol>>, number: u64, actor: A, started: Option<StartSender>) {
    let cx = Context::new(Mailbox::new(Arc::clone(cell), number));
    ProcessTask::spawn(cell, number, run_process(actor, cx, started));
}

// The futures below are part of each process's task. Blocks keep their arguments once, an `async fn` twice, and a result
// is kept no longer than it is needed.
#[expect(clippy::manual_async_fn, reason = "a block keeps its arguments once")]
fn run_process<A: Process>(
    mut actor: A,
    mut cx: Context<A>,
    started: Option<StartSender>,
) -> impl Future<Output = Exit> + Send {
    async move {
        // A block of its own, so that the result is not kept while the process runs.
        {
            let result = initialize(&mut actor, &mut cx).await;
            if result.is_ok() {
                // Before the starter continues.
                cx.cell().start_succeeded(cx.pid().number());
            }
            if let Err(reason) = send_start_result(started, result) {
                return reason;
            }
        }
        let reason = if A::TERMINATE_AFTER_PANIC {
            exit_reason(catch_unwind(actor.run(&mut cx)).await.and_then(|result| result))
        } else {
            exit_reason(actor.run(&mut cx).await)
        };
        actor.terminate(&mut cx, &reason).await;
        reason
    }
}

/// Registers the process under its name and runs its `init`.
#[expect(clippy::manual_async_fn, reason = "a block keeps its arguments once")]
fn initialize<A: Process>(actor: &mut A, cx: &mut Context<A>) -> impl Future<Output = Result<(), Exit>> + Send {
    async move {
        register_name::<A>(cx)?;
        actor.init(cx).await
    }
}

fn register_name<A: Process>(cx: &Context<A>) -> Result<(), Exit> {
    match A::OPTIONS.name {
        Some(name) => Ref::<A>::register(name, &cx.me()).map_err(Exit::from),
        None => Ok(()),
    }
}

fn send_start_result(started: Option<StartSender>, result: Result<(), Exit>) -> Result<(), Exit> {
    if let Some(started) = started {
        started.send(result.clone());
    }
    result
}

fn exit_reason(result: Result<(), Exit>) -> Exit {
    result.err().unwrap_or(Exit::Normal)
}
