use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::{ChildOptions, SupervisionRef};
use crate::actor::{Actor, Process, Ref, Stub, launch, start_of};
use crate::base::{Exit, Pid};
use crate::call::Address;
use crate::node::Node;
use crate::process::{Cell, catch, ended};

/// The children of a tree while it is being planted: what `#[supervisor]` fills.
pub struct Children {
    node: Node,
    supervisor: SupervisionRef,
    slots: Vec<Slot>,
}

/// One child: its options, and the place it lives in across restarts.
pub(super) struct Slot {
    pub(super) options: ChildOptions,
    pub(super) home: Box<dyn Home>,
}

/// A child's place, whatever its type.
pub(super) trait Home: Send + Sync {
    /// Makes a new life of the child and has `link` link it before it runs; resolves when its `init` is through.
    fn start(&self, link: &dyn Fn(&Pid)) -> Starting;

    /// Nobody will live here, unless it is started again.
    fn close(&self);
}

pub(super) type Starting = Pin<Box<dyn Future<Output = Result<Pid, Exit>> + Send>>;

struct Place<A: Actor, F> {
    cell: Arc<Cell<A::Protocol>>,
    make: F,
}

impl Children {
    pub(super) fn new(node: Node, supervisor: SupervisionRef) -> Children {
        Children { node, supervisor, slots: Vec::new() }
    }

    pub(super) fn into_slots(self) -> Vec<Slot> {
        self.slots
    }

    /// The supervisor's own stub.
    pub fn supervisor(&self) -> SupervisionRef {
        self.supervisor.clone()
    }

    /// Adds a child; `make` is called for each of its lives. The stub follows it across restarts.
    pub fn child<A: Process>(&mut self, options: ChildOptions, make: impl Fn() -> A + Send + Sync + 'static) -> Ref<A> {
        let cell = Cell::new(self.node.clone(), true, A::OPTIONS.bounds());
        let stub = Ref::<A>::__new(Address::child(Arc::clone(&cell)));
        self.slots.push(Slot { options, home: Box::new(Place::<A, _> { cell, make }) });
        stub
    }
}

impl<A: Process, F: Fn() -> A + Send + Sync> Home for Place<A, F> {
    fn start(&self, link: &dyn Fn(&Pid)) -> Starting {
        let actor = match catch(&self.make) {
            Ok(actor) => actor,
            Err(panic) => return Box::pin(std::future::ready(Err(panic))),
        };
        let number = self.cell.occupy(start_of::<A>());
        let pid = self.cell.node().pid(number);
        link(&pid);
        let ended = ended(self.cell.node(), pid.clone());
        let (started, outcome) = oneshot::channel();
        launch(&self.cell, number, actor, Some(started));
        Box::pin(async move {
            match outcome.await {
                Ok(Ok(())) => Ok(pid),
                // Either way the child is gone, its name and port free, before anybody tries again.
                Ok(Err(_)) | Err(_) => Err(ended.await),
            }
        })
    }

    fn close(&self) {
        self.cell.close();
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.home.close();
    }
}
