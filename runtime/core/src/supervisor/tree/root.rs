//! The start of the root supervisor of a tree.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};

use crate::actor::NewProcess;
use crate::base::StartError;
use crate::node::Node;
use crate::supervisor::child::{ChildCells, Children, path_segment};
use crate::supervisor::process::{SharedFailure, SupervisorProcess};
use crate::supervisor::{SupervisionRef, SupervisorOptions};

/// A tree whose root supervisor is starting.
pub struct PendingTree<R> {
    pub(crate) stub: R,
    #[cfg(feature = "net")]
    pub(crate) cells: Arc<ChildCells>,
    starting: Pin<Box<dyn Future<Output = Result<SupervisionRef, StartError>> + Send>>,
    failure: SharedFailure,
}

impl<R> PendingTree<R> {
    /// Waits until all children have finished their `init`, and returns the tree's stub.
    pub(super) async fn started(self) -> Result<R, StartError> {
        self.starting.await.map(|_| self.stub)
    }

    /// Splits the tree into its start and a function that returns the reason why the root gave up.
    ///
    /// Called after the root's exit, the function returns the child whose restart was one too many, or `None` if the root
    /// did not give up.
    pub(crate) fn into_parts(
        self,
    ) -> (impl Future<Output = Result<SupervisionRef, StartError>> + Send, impl FnOnce() -> Option<StartError> + Send)
    {
        (self.starting, move || take(&self.failure))
    }
}

fn take(failure: &SharedFailure) -> Option<StartError> {
    failure.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Starts the root supervisor of a tree. `add_children` adds its children and returns the tree's stub.
pub(super) fn start_root<R>(
    node: Node,
    name: impl AsRef<str>,
    link: impl FnOnce(&SupervisionRef),
    add_children: impl FnOnce(&mut Children) -> (R, SupervisorOptions),
) -> PendingTree<R> {
    let path = format!("/{}", path_segment(name.as_ref()));
    #[cfg(feature = "upgrade")]
    let handed_over = node.handed_over().and_then(|handed_over| handed_over.take_root(&path));
    #[cfg(feature = "upgrade")]
    let (path, new_process) = match &handed_over {
        Some(process) => {
            (process.path.clone().unwrap_or(path), NewProcess::<SupervisorProcess>::again(node.clone(), process))
        }
        None => (path, NewProcess::<SupervisorProcess>::new(node.clone())),
    };
    #[cfg(not(feature = "upgrade"))]
    let new_process = NewProcess::<SupervisorProcess>::new(node.clone());
    let path = node.names().claim_root_path(&path, new_process.number());
    #[cfg(feature = "upgrade")]
    let (number, node) = (new_process.number(), node.clone());
    let mut children = Children::new(ChildCells::new(node.clone(), path, new_process.stub()));
    let (stub, options) = add_children(&mut children);
    #[cfg(feature = "net")]
    let cells = Arc::clone(children.cells());
    link(&new_process.stub());
    let failure = SharedFailure::default();
    let root = SupervisorProcess::new(options, false, children, true, Arc::clone(&failure));
    #[cfg(feature = "upgrade")]
    let root = match handed_over {
        Some(process) => root.continued_from_or_anew(&process),
        None => root,
    };
    let starting = new_process.start(root);
    let start_failure = Arc::clone(&failure);
    let starting = Box::pin(async move {
        let started = starting.await.map_err(|error| take(&start_failure).unwrap_or(error));
        #[cfg(feature = "upgrade")]
        if let Some(handed_over) = node.handed_over() {
            handed_over.root_started(number);
        }
        started
    });
    PendingTree {
        stub,
        #[cfg(feature = "net")]
        cells,
        starting,
        failure,
    }
}
