//! The starters of the three kinds of children: a worker, a worker that starts once, and a supervisor.

#[cfg(feature = "upgrade")]
use std::any::Any;
use std::sync::{Arc, PoisonError};

#[cfg(feature = "upgrade")]
use crate::actor::Otherwise;
#[cfg(any(feature = "registry", feature = "upgrade"))]
use crate::actor::Resumed;
use crate::actor::{Actor, Constructor, launch, start_info};
#[cfg(any(feature = "registry", feature = "upgrade"))]
use crate::base::EncodedState;
use crate::base::{Exit, Pid};
#[cfg(feature = "upgrade")]
use crate::node::ProcessRecord;
#[cfg(feature = "upgrade")]
use crate::process::Timer;
use crate::process::{Cell, StartInfo, catch, ended_in_cell, start_wait};
use crate::supervisor::child::{BoundSpec, ChildStarter, Children, KILL_LIMIT, StartFuture, SupervisorCell};
use crate::supervisor::process::{SharedFailure, SupervisorProcess};
use crate::supervisor::{ChildOptions, SupervisorOptions, WhileDown};

/// Binds a worker that `make` makes for each start.
pub(in crate::supervisor) fn worker<C: Constructor>(
    cell: Arc<ActorCell<C>>,
    id: &str,
    options: ChildOptions,
    make: impl FnMut() -> C + Send + 'static,
) -> BoundSpec {
    bind_worker(cell, id, options, make, false)
}

/// Binds a worker, as [`worker`]. `makes_clones`: `make` only clones a value.
pub(in crate::supervisor) fn bind_worker<C: Constructor>(
    cell: Arc<ActorCell<C>>,
    id: &str,
    options: ChildOptions,
    make: impl FnMut() -> C + Send + 'static,
    makes_clones: bool,
) -> BoundSpec {
    cell.queue().set_holds_messages(options.while_down == WhileDown::Hold);
    #[cfg(not(feature = "upgrade"))]
    let _ = makes_clones;
    let starter = Box::new(Worker {
        cell: Arc::clone(&cell),
        make,
        #[cfg(feature = "upgrade")]
        makes_clones,
    });
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
    /// `make` only clones a value.
    #[cfg(feature = "upgrade")]
    makes_clones: bool,
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

    #[cfg(feature = "upgrade")]
    fn continue_process(&mut self, process: &ProcessRecord, link: &dyn Fn(&Pid)) -> Result<StartFuture, Exit> {
        continue_process::<C>(&self.cell, process, link)
    }

    #[cfg(feature = "upgrade")]
    fn refuses_restart(&self) -> bool {
        refuses_restart::<C::Actor>()
    }

    #[cfg(feature = "upgrade")]
    fn initial_state(&mut self) -> Option<EncodedState> {
        // Only a clone of an actor: other functions of the user are called for starts alone.
        let make = self.makes_clones.then_some(&mut self.make)?;
        let portability = (const { C::Actor::OPTIONS.portability })?;
        let actor = catch(make).ok()?;
        let actor = (&actor as &dyn Any).downcast_ref::<C::Actor>()?;
        portability.hand_over(self.cell.node(), actor).ok().map(|(state, _)| state)
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

    #[cfg(feature = "upgrade")]
    fn continue_process(&mut self, process: &ProcessRecord, link: &dyn Fn(&Pid)) -> Result<StartFuture, Exit> {
        continue_process::<C>(&self.cell, process, link).inspect(|_| self.make = None)
    }

    #[cfg(feature = "upgrade")]
    fn refuses_restart(&self) -> bool {
        refuses_restart::<C::Actor>()
    }
}

struct Supervisor<F> {
    cell: Arc<SupervisorCell>,
    dynamic: bool,
    add_children: F,
}

impl<F: FnMut(&mut Children) -> SupervisorOptions + Send> Supervisor<F> {
    fn make(&mut self, failure: &SharedFailure) -> Result<SupervisorProcess, Exit> {
        let mut children = Children::new(Arc::clone(&self.cell.children));
        let options = catch(|| (self.add_children)(&mut children))?;
        Ok(SupervisorProcess::new(options, self.dynamic, children, false, Arc::clone(failure)))
    }
}

/// Returns a start with the failed grandchild and its reason in place of the supervisor's own reason, `shutdown`.
fn with_cause(starting: StartFuture, failure: SharedFailure) -> StartFuture {
    Box::pin(async move {
        starting.await.map_err(|reason| {
            let failure = failure.lock().unwrap_or_else(PoisonError::into_inner).take();
            failure.map_or(reason, Exit::from)
        })
    })
}

impl<F: FnMut(&mut Children) -> SupervisorOptions + Send> ChildStarter for Supervisor<F> {
    fn start(&mut self, link: &dyn Fn(&Pid)) -> StartFuture {
        let failure = SharedFailure::default();
        let process = match self.make(&failure) {
            Ok(process) => process,
            Err(panic) => return Box::pin(std::future::ready(Err(panic))),
        };
        let starting = start_process(&self.cell.cell, start_info::<SupervisorProcess>(), process, link);
        with_cause(starting, failure)
    }

    #[cfg(feature = "upgrade")]
    fn continue_process(&mut self, process: &ProcessRecord, link: &dyn Fn(&Pid)) -> Result<StartFuture, Exit> {
        let failure = SharedFailure::default();
        let supervisor = self.make(&failure)?.continue_from(process)?;
        let (cell, timers) = (&self.cell.cell, []);
        let starting = continue_in_cell(cell, (process, &timers), start_info::<SupervisorProcess>(), supervisor, link);
        Ok(with_cause(starting, failure))
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

/// Returns whether an upgrade is refused if a process of this type cannot continue.
#[cfg(feature = "upgrade")]
pub(super) const fn refuses_restart<A: Actor>() -> bool {
    match A::OPTIONS.portability {
        Some(portability) => matches!(portability.otherwise, Otherwise::Refuse),
        None => false,
    }
}

/// Continues a process that was handed over, in a vacant cell.
#[cfg(feature = "upgrade")]
pub(super) fn continue_process<C: Constructor>(
    cell: &Arc<ActorCell<C>>,
    process: &ProcessRecord,
    link: &dyn Fn(&Pid),
) -> Result<StartFuture, Exit> {
    // Constant, so that nothing is compiled for other actors.
    if const { C::Actor::OPTIONS.portability.is_none() || C::__NAMES_NODE } {
        return Err(Exit::error("the child is not portable"));
    }
    let (actor, timers) = Resumed::<C::Actor>::take_over(cell.node(), process)?;
    Ok(continue_in_cell(cell, (process, &timers), start_info::<C::Actor>(), actor, link))
}

#[cfg(feature = "upgrade")]
fn continue_in_cell<C: Constructor>(
    cell: &Arc<ActorCell<C>>,
    (process, timers): (&ProcessRecord, &[Timer]),
    start: StartInfo,
    actor: C,
    link: &dyn Fn(&Pid),
) -> StartFuture {
    cell.occupy_again(start, process, timers);
    run_in_cell(cell, process.number, actor, link)
}

/// Starts a process in a vacant cell.
pub(super) fn start_process<C: Constructor>(
    cell: &Arc<ActorCell<C>>,
    start: StartInfo,
    actor: C,
    link: &dyn Fn(&Pid),
) -> StartFuture {
    let number = cell.occupy(start);
    run_in_cell(cell, number, actor, link)
}

/// Runs the process with this number, which occupies the cell.
fn run_in_cell<C: Constructor>(cell: &Arc<ActorCell<C>>, number: u64, actor: C, link: &dyn Fn(&Pid)) -> StartFuture {
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
