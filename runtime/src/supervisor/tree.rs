use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use super::{ChildInfo, Children, Flags, SupervisionRef, Supervisor};
use crate::actor::{Actor, Context, Newborn, Stub};
use crate::base::{Exit, StartError};
use crate::call::Call;
use crate::node::Node;

/// A struct whose fields are children. Derived by [`#[supervisor]`](macro@crate::supervisor).
pub trait Tree: Sized + Send + Sync + 'static {
    /// The stub: one method a child.
    type Ref: TreeStub;

    /// What stands in `#[supervisor(..)]`.
    const FLAGS: Flags;

    #[doc(hidden)]
    fn plant(this: &Arc<Self>, children: &mut Children) -> Self::Ref;
}

/// Starts a tree. On every [`Tree`].
pub trait StartTree: Tree {
    /// Starts the children in the order in which they are written, each when the one before it is through its
    /// `init`, on the current node.
    ///
    /// Not cancel-safe: dropped midway, the tree goes on.
    ///
    /// # Errors
    /// A child that did not start; those that had started are stopped again, in reverse.
    ///
    /// # Panics
    /// Outside of any node, as [`Node::current`]; there use [`Node::start_tree`].
    #[track_caller]
    fn start(self) -> impl Future<Output = Result<Self::Ref, StartError>> + Send {
        plant(Node::current(), self, |_| {})
    }

    /// As [`start`](StartTree::start), linked to the caller's process.
    ///
    /// # Errors
    /// As [`start`](StartTree::start).
    fn start_link<A: Actor>(self, cx: &Context<A>) -> impl Future<Output = Result<Self::Ref, StartError>> + Send {
        plant(cx.node().clone(), self, |supervisor| cx.link(supervisor))
    }
}

impl<T: Tree> StartTree for T {}

impl Node {
    /// Starts a tree on this node. Not cancel-safe, as [`StartTree::start`].
    ///
    /// # Errors
    /// As [`StartTree::start`].
    pub async fn start_tree<T: Tree>(&self, tree: T) -> Result<T::Ref, StartError> {
        plant(self.clone(), tree, |_| {}).await
    }
}

fn plant<T: Tree>(
    node: Node,
    tree: T,
    link: impl FnOnce(&SupervisionRef),
) -> impl Future<Output = Result<T::Ref, StartError>> + Send {
    let newborn = Newborn::<Supervisor>::new(&node);
    let mut children = Children::new(node, newborn.stub());
    let stub = T::plant(&Arc::new(tree), &mut children);
    link(&newborn.stub());
    let start_error = Arc::new(Mutex::new(None));
    let supervisor = Supervisor::new(T::FLAGS, children.into_slots(), Arc::clone(&start_error));
    let starting = newborn.begin(supervisor);
    async move {
        match starting.await {
            Ok(_) => Ok(stub),
            Err(error) => Err(start_error.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or(error)),
        }
    }
}

/// What the stub of every tree can do beside its children.
pub trait TreeStub: Clone + Send + Sync + 'static {
    /// The supervisor itself, to be linked, watched or stopped.
    fn supervisor(&self) -> &SupervisionRef;

    /// The children in start order, as OTP's `which_children`.
    fn children(&self) -> Call<Vec<ChildInfo>> {
        SupervisionRef::children(self.supervisor())
    }

    /// Stops the children in reverse order, then the supervisor; resolves when all are gone. Cancel-safe: the
    /// tree stops all the same.
    fn stop(&self) -> impl Future<Output = Exit> + Send {
        Stub::stop(self.supervisor(), Exit::shutdown())
    }
}
