use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::actor::{Actor, Process, launch, start_info};
use crate::base::{Exit, Pid};
use crate::process::{Cell, StartInfo, catch, ended_in_cell};
use crate::supervisor::child::{Children, Home, Nested, Place, Places, Slot, Starting};
use crate::supervisor::process::SupervisorProcess;
use crate::supervisor::{ChildOptions, SupervisorOptions, WhileDown};

pub(in crate::supervisor) fn worker<A: Process>(
    places: &Places,
    id: &str,
    options: ChildOptions,
    make: impl FnMut() -> A + Send + 'static,
) -> Slot {
    let cell = places.cell::<A>(id);
    cell.queue().set_accepts_early(options.while_down == WhileDown::Hold);
    let place = Arc::clone(&cell) as Arc<dyn Place>;
    Slot { id: id.into(), options, home: Box::new(Worker { cell, make }), place, supervisor: None, fixed: false }
}

/// A child that lives once.
pub(in crate::supervisor) fn once<A: Process>(
    cell: Arc<Cell<A::Protocol>>,
    id: Arc<str>,
    options: ChildOptions,
    actor: A,
) -> Slot {
    let place = Arc::clone(&cell) as Arc<dyn Place>;
    Slot { id, options, home: Box::new(OneShot { cell, actor: Some(actor) }), place, supervisor: None, fixed: false }
}

/// A supervisor as a child; `grow` plants its children for each of its lives.
pub(in crate::supervisor) fn nested(
    places: &Places,
    id: &str,
    options: ChildOptions,
    dynamic: bool,
    grow: impl FnMut(&mut Children) -> SupervisorOptions + Send + 'static,
) -> Slot {
    let place = places.nested(id);
    place.cell.queue().set_accepts_early(options.while_down == WhileDown::Hold);
    let supervisor = Some(place.places.supervisor());
    let home = Box::new(Nest { place: Arc::clone(&place), dynamic, grow });
    Slot { id: id.into(), options, home, place, supervisor, fixed: false }
}

struct Worker<A: Actor, F> {
    cell: Arc<Cell<A::Protocol>>,
    make: F,
}

impl<A: Process, F: FnMut() -> A + Send> Home for Worker<A, F> {
    fn start(&mut self, link: &dyn Fn(&Pid)) -> Starting {
        match catch(&mut self.make) {
            Ok(actor) => begin(&self.cell, start_info::<A>(), actor, link),
            Err(panic) => Box::pin(std::future::ready(Err(panic))),
        }
    }
}

struct OneShot<A: Actor> {
    cell: Arc<Cell<A::Protocol>>,
    actor: Option<A>,
}

impl<A: Process> Home for OneShot<A> {
    fn start(&mut self, link: &dyn Fn(&Pid)) -> Starting {
        match self.actor.take() {
            Some(actor) => begin(&self.cell, start_info::<A>(), actor, link),
            None => Box::pin(std::future::ready(Err(Exit::error("a child without a factory starts once")))),
        }
    }
}

struct Nest<F> {
    place: Arc<Nested>,
    dynamic: bool,
    grow: F,
}

impl<F: FnMut(&mut Children) -> SupervisorOptions + Send> Home for Nest<F> {
    fn start(&mut self, link: &dyn Fn(&Pid)) -> Starting {
        let mut children = Children::new(Arc::clone(&self.place.places));
        let flags = match catch(|| (self.grow)(&mut children)) {
            Ok(flags) => flags,
            Err(panic) => return Box::pin(std::future::ready(Err(panic))),
        };
        let failure = Arc::new(Mutex::new(None));
        let parent = SupervisorProcess::new(flags, self.dynamic, children, false, Arc::clone(&failure));
        let starting = begin(&self.place.cell, start_info::<SupervisorProcess>(), parent, link);
        Box::pin(async move {
            // Which grandchild it was tells more than that the supervisor was told to shut down.
            starting.await.map_err(|reason| {
                let failure = failure.lock().unwrap_or_else(PoisonError::into_inner).take();
                failure.map_or(reason, Exit::from)
            })
        })
    }
}

/// A process moves into `cell`.
fn begin<A: Process>(cell: &Arc<Cell<A::Protocol>>, start: StartInfo, actor: A, link: &dyn Fn(&Pid)) -> Starting {
    let number = cell.occupy(start);
    let pid = cell.node().pid(number);
    link(&pid);
    let cell = Arc::clone(cell);
    let (started, outcome) = oneshot::channel();
    launch(&cell, number, actor, Some(Box::new(started)));
    Box::pin(async move {
        match outcome.await {
            Ok(Ok(())) => Ok(Some(pid)),
            // Either way the child is gone, its name and port free, before anybody tries again.
            Ok(Err(Exit::Normal)) => {
                ended_in_cell(cell, number).await;
                Ok(None)
            }
            Ok(Err(_)) | Err(_) => Err(ended_in_cell(cell, number).await),
        }
    })
}
