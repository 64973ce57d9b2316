use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};

use crate::actor::NewProcess;
use crate::base::StartError;
use crate::node::{Node, Resident};
use crate::supervisor::child::{Children, Places, segment};
use crate::supervisor::process::{Failure, SupervisorProcess};
use crate::supervisor::{SupervisionRef, SupervisorOptions};

/// A supervisor that has none above it, on its way through its start.
pub struct PendingTree<R> {
    pub(crate) stub: R,
    starting: Pin<Box<dyn Future<Output = Result<SupervisionRef, StartError>> + Send>>,
    failure: Failure,
}

impl<R> PendingTree<R> {
    /// Its stub, when all children are through their `init`.
    pub(super) async fn grown(self) -> Result<R, StartError> {
        self.starting.await.map(|_| self.stub)
    }

    /// The same in two parts: its start, and why it gave up, if it has when it has ended: the child whose restart was
    /// one too many.
    pub(crate) fn watch(
        self,
    ) -> (impl Future<Output = Result<SupervisionRef, StartError>> + Send, impl FnOnce() -> Option<StartError> + Send)
    {
        (self.starting, move || take(&self.failure))
    }
}

fn take(failure: &Failure) -> Option<StartError> {
    failure.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Starts a supervisor that has none above it; `grow` plants its children.
pub(super) fn root<R>(
    node: Node,
    name: impl AsRef<str>,
    link: impl FnOnce(&SupervisionRef),
    grow: impl FnOnce(&mut Children) -> (R, SupervisorOptions),
) -> PendingTree<R> {
    let new_process = NewProcess::<SupervisorProcess>::new(node.clone());
    let cell = Arc::clone(new_process.cell()) as Arc<dyn Resident>;
    let path = node.names().claim(&format!("/{}", segment(name.as_ref())), new_process.number(), cell);
    let mut children = Children::new(Places::new(node, path, new_process.stub()));
    let (stub, flags) = grow(&mut children);
    link(&new_process.stub());
    let failure = Failure::default();
    let starting = new_process.begin(SupervisorProcess::new(flags, false, children, true, Arc::clone(&failure)));
    let why = Arc::clone(&failure);
    let starting = Box::pin(async move { starting.await.map_err(|error| take(&why).unwrap_or(error)) });
    PendingTree { stub, starting, failure }
}
