//! The starters of the three kinds of children: a worker, a worker that starts once, and a supervisor.

use std::sync::{Arc, Mutex, PoisonError};

#[cfg(feature = "registry")]
use crate::actor::Resumed;
use crate::actor::{Actor, Constructor, launch, start_info};
#[cfg(feature = "registry")]
use crate::base::EncodedState;
use crate::base::{Exit, Pid};
use crate::process::{Cell, StartInfo, catch, ended_in_cell, start_wait};
use crate::supervisor::child::{BoundSpec, ChildStarter, Children, KILL_LIMIT, StartFuture, SupervisorCell};
use crate::supervisor::process::SupervisorProcess;
use crate::supervisor::{ChildOptions, SupervisorOptions, WhileDown};

/// Binds a worker that `make` makes for each start.
pub(in crate::supervisor) fn worker<C: Constructor>(
    cell: Arc<ActorCell<C>>,
    id: &str,
    options: ChildOptions,
    make: impl FnMut() -> C + Send + 'static,
) -> BoundSpec {
    cell.queue().set_holds_messages(options.while_down == WhileDown::Hold);
    let starter = Box::new(Worker { cell: Arc::clone(&cell), make });
    BoundSpec { id: id.into(), options, starter, cell, supervisor: None, declared: false }
}

/// Binds a worker that `make` makes for its only start.
pub(in crate::supervisor) fn one_shot<C: Constructor>(
    cell: Arc<ActorCell<C>>,
    id: Arc<str>,
    options: ChildOptions,
    make: impl FnOnce() -> C + Send + 'static,
) -> BoundSpec {
    let starter = Box::new(OneShot { cell: Arc::clone(&cell), make: Some(make) });
    BoundSpec { id, options, starter, cell, supervisor: None, declared: false }
}

/// Binds a supervisor, to which `add_children` adds the children for each start.
pub(in crate::supervisor) fn supervisor(
    cell: Arc<SupervisorCell>,
    id: &str,
    options: ChildOptions,
    dynamic: bool,
    add_children: impl FnMut(&mut Children) -> SupervisorOptions + Send + 'static,
) -> BoundSpec {
    cell.cell.queue().set_holds_messages(options.while_down == WhileDown::Hold);
    let supervisor = Some(cell.children.supervisor());
    let starter = Box::new(Supervisor { cell: Arc::clone(&cell), dynamic, add_children });
    BoundSpec { id: id.into(), options, starter, cell, supervisor, declared: false }
}

/// The cell of the processes that `C` starts.
type ActorCell<C> = Cell<<<C as Constructor>::Actor as Actor>::Protocol>;

struct Worker<C: Constructor, F> {
    cell: Arc<ActorCell<C>>,
    make: F,
}

impl<C: Constructor, F: FnMut() -> C + Send> ChildStarter for Worker<C, F> {
    fn start(&mut self, link: &dyn Fn(&Pid)) -> StartFuture {
        match catch(&mut self.make) {
            Ok(actor) => start_process(&self.cell, start_info::<C::Actor>(), actor, link),
            Err(panic) => Box::pin(std::future::ready(Err(panic))),
        }
    }

    #[cfg(feature = "registry")]
    fn is_portable(&self) -> bool {
        is_portable::<C>()
    }

    #[cfg(feature = "registry")]
    fn resume(&mut self, state: &EncodedState, link: &dyn Fn(&Pid)) -> Result<StartFuture, Exit> {
        resume_process::<C>(&self.cell, state, link)
    }
}

struct OneShot<C: Constructor, F> {
    cell: Arc<ActorCell<C>>,
    make: Option<F>,
}

impl<C: Constructor, F: FnOnce() -> C + Send> ChildStarter for OneShot<C, F> {
    fn start(&mut self, link: &dyn Fn(&Pid)) -> StartFuture {
        let again = || Exit::error("a one-shot child cannot be started again");
        match self.make.take().ok_or_else(again).and_then(catch) {
            Ok(actor) => start_process(&self.cell, start_info::<C::Actor>(), actor, link),
            Err(reason) => Box::pin(std::future::ready(Err(reason))),
        }
    }

    #[cfg(feature = "registry")]
    fn is_portable(&self) -> bool {
        is_portable::<C>()
    }

    #[cfg(feature = "registry")]
    fn resume(&mut self, state: &EncodedState, link: &dyn Fn(&Pid)) -> Result<StartFuture, Exit> {
        resume_process::<C>(&self.cell, state, link).inspect(|_| self.make = None)
    }
}

struct Supervisor<F> {
    cell: Arc<SupervisorCell>,
    dynamic: bool,
    add_children: F,
}

impl<F: FnMut(&mut Children) -> SupervisorOptions + Send> ChildStarter for Supervisor<F> {
    fn start(&mut self, link: &dyn Fn(&Pid)) -> StartFuture {
        let mut children = Children::new(Arc::clone(&self.cell.children));
        let options = match catch(|| (self.add_children)(&mut children)) {
            Ok(options) => options,
            Err(panic) => return Box::pin(std::future::ready(Err(panic))),
        };
        let failure = Arc::new(Mutex::new(None));
        let process = SupervisorProcess::new(options, self.dynamic, children, false, Arc::clone(&failure));
        let starting = start_process(&self.cell.cell, start_info::<SupervisorProcess>(), process, link);
        Box::pin(async move {
            // The failed grandchild and its reason say more than the supervisor's own reason, `shutdown`.
            starting.await.map_err(|reason| {
                let failure = failure.lock().unwrap_or_else(PoisonError::into_inner).take();
                failure.map_or(reason, Exit::from)
            })
        })
    }
}

/// Returns whether the actor that `C` makes is portable, and runs on the node of its supervisor.
#[cfg(feature = "registry")]
const fn is_portable<C: Constructor>() -> bool {
    <C::Actor as Actor>::OPTIONS.portability.is_some() && !C::__NAMES_NODE
}

/// Starts a process that continues a state, in a vacant cell.
#[cfg(feature = "registry")]
fn resume_process<C: Constructor>(
    cell: &Arc<ActorCell<C>>,
    state: &EncodedState,
    link: &dyn Fn(&Pid),
) -> Result<StartFuture, Exit> {
    // Constant, so that nothing is compiled for other actors.
    if const { !is_portable::<C>() } {
        return Err(Exit::error("the child is not portable"));
    }
    let actor = Resumed::<C::Actor>::read(cell.node(), state)?;
    Ok(start_process(cell, start_info::<C::Actor>(), actor, link))
}

/// Starts a process in a vacant cell.
fn start_process<C: Constructor>(
    cell: &Arc<ActorCell<C>>,
    start: StartInfo,
    actor: C,
    link: &dyn Fn(&Pid),
) -> StartFuture {
    let number = cell.occupy(start);
    let pid = cell.node().pid(number);
    link(&pid);
    let cell = Arc::clone(cell);
    let (started, outcome) = start_wait(cell.node(), number);
    launch(&cell, number, actor, Some(started));
    Box::pin(async move {
        let failure = match outcome.await {
            Some(Ok(())) => return Ok(Some(pid)),
            Some(Err(reason)) => Some(reason),
            None => None,
        };
        // The process must be gone before the next start, so that its name and port are free.
        let ended = ended_in_cell(Arc::clone(&cell), number);
        let ended = cell.node().clock().within(Some(KILL_LIMIT), ended).await;
        if failure == Some(Exit::Normal) { Ok(None) } else { Err(ended.or(failure).unwrap_or(Exit::Killed)) }
    })
}
