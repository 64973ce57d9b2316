//! Supervision trees: structs with `#[supervisor]`, supervisors that are built at run time, and the stubs of both.

mod builder;
mod defaults;
mod dynamic;
#[cfg(feature = "net")]
mod elsewhere;
mod fields;
#[cfg(feature = "net")]
mod remote;
mod root;
mod stub;

use std::future::Future;
use std::sync::Arc;

#[cfg(feature = "registry")]
use super::StateTransfer;
use super::child::{ChildCells, Children};
use super::spec::supervisor;
use super::{ChildOptions, ChildSpec, SupervisionRef, SupervisorOptions};
use crate::actor::{Context, Process};
use crate::base::StartError;
use crate::node::Node;
#[cfg(feature = "net")]
use crate::remote::Starting;
pub use builder::Supervisor;
pub use defaults::{DefaultProbe, DefaultProbeChild, DefaultProbeOther, DefaultProbeSubtree, MakeDefault};
use dynamic::StubSource;
pub use dynamic::{Dynamic, Elsewhere, OneShot, Restartable, StartChild, Startable};
#[cfg(feature = "net")]
pub use elsewhere::{ChildNode, Places, Placing, child_node, placed};
pub use fields::{Child, ChildStub, StoredStub, Subtree, SubtreeStub};
#[cfg(feature = "net")]
pub use remote::RemoteTree;
#[cfg(feature = "net")]
pub(crate) use remote::{TreeRequest, export_tree, request_tree};
pub(crate) use root::PendingTree;
use root::start_root;
pub use stub::TreeStub;

/// A struct whose fields are the children of a supervisor. Implemented by [`#[supervisor]`](attr.supervisor.html).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a supervision tree",
    label = "needs `#[supervisor]` on the struct",
    note = "`#[child(supervisor)]` is for a struct with `#[supervisor]`; for an actor write `#[child]`"
)]
pub trait Tree: Sized + Send + Sync + 'static {
    /// The tree's stub, with a method for each child.
    type Ref: TreeStub;

    /// The tree's name: the struct's name.
    const NAME: &'static str;

    /// The options of `#[supervisor(..)]`.
    const OPTIONS: SupervisorOptions;

    #[doc(hidden)]
    fn stubs(cells: &ChildCells) -> Self::Ref;

    #[doc(hidden)]
    fn add_children(this: &Arc<Self>, children: &mut Children);
}

/// The methods that start a tree. Implemented for every [`Tree`].
pub trait StartTree: Tree {
    /// Starts the tree on the current node.
    ///
    /// The children start in the order in which they are declared, each after the `init` of the one before it. Resolves
    /// with the tree's stub after the last `init`.
    ///
    /// Not cancel-safe: if the future is dropped, the tree continues to start and to run. From OTP's
    /// [`supervisor:start_link/2`](https://www.erlang.org/doc/apps/stdlib/supervisor.html#start_link/2), without the
    /// link.
    ///
    /// # Errors
    /// A child's `init` failed. The error names the child and its reason. The children that had started are stopped
    /// again, in reverse order.
    ///
    /// # Panics
    /// If there is no current node, as [`Node::current`]. Use [`Node::start_tree`] there.
    #[track_caller]
    fn start(self) -> impl Future<Output = Result<Self::Ref, StartError>> + Send {
        start_on(Node::current(), self, |_| {})
    }

    /// Starts the tree on the caller's node, as [`start`](StartTree::start), and links its supervisor to the caller.
    ///
    /// Not cancel-safe: if the future is dropped, the tree continues to start and to run. From OTP's
    /// [`supervisor:start_link/2`](https://www.erlang.org/doc/apps/stdlib/supervisor.html#start_link/2).
    ///
    /// # Errors
    /// A child's `init` failed, as with [`start`](StartTree::start).
    fn start_link<A: Process>(self, cx: &Context<A>) -> impl Future<Output = Result<Self::Ref, StartError>> + Send {
        start_on(cx.node().clone(), self, |supervisor| cx.link(supervisor))
    }
}

impl<T: Tree> StartTree for T {}

/// The method that starts a tree on another node. Implemented for every [`Tree`].
#[cfg(feature = "net")]
pub trait StartTreeOn: Tree {
    /// Starts the tree on the node, and resolves with its stub after the last `init`.
    ///
    /// The node [exports](crate::NodeBuilder::export) the tree. The fields of the struct are sent there, so they have
    /// serde's traits. The tree belongs to that node: it continues when the connection is lost, and stops with the node. On
    /// the caller's own node the tree is started there, without a request.
    ///
    /// ```
    /// # use greenroom::prelude::*;
    /// # use serde::{Deserialize, Serialize};
    /// # #[actor]
    /// # #[derive(Default)]
    /// # struct Ledger {}
    /// # #[actor]
    /// # impl Ledger { #[call] fn total(&self) -> u64 { 0 } }
    /// #[supervisor]
    /// #[derive(Serialize, Deserialize)]
    /// struct BillingTree {
    ///     currency: String,
    ///     #[child]
    ///     ledger: Ledger,
    /// }
    ///
    /// # async fn use_it() -> greenroom::Result {
    /// let billing = BillingTree { currency: "EUR".into() }.start_on("accounts@gollum").await?;
    /// billing.ledger().total().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Not cancel-safe: if the future is dropped, the tree continues to start and to run.
    ///
    /// # Errors
    /// A [`SpawnError`](crate::SpawnError): [`Start`](crate::SpawnError::Start) names the child that did not start, and the
    /// others state why there is no tree. After [`NoConnection`](crate::SpawnError::NoConnection) the tree may run.
    ///
    /// # Panics
    /// Outside of any node, like [`Node::current`].
    #[track_caller]
    fn start_on(self, node: impl AsRef<str>) -> Starting<'static, Self::Ref>
    where
        Self: RemoteTree,
    {
        Starting::new(remote::start_tree_on(Node::current(), node.as_ref(), self))
    }
}

#[cfg(feature = "net")]
impl<T: Tree> StartTreeOn for T {}

#[cfg(feature = "supervision")]
impl Node {
    /// Starts a tree on this node, as [`StartTree::start`]. Not cancel-safe: if the future is dropped, the tree continues
    /// to start and to run.
    ///
    /// # Errors
    /// A child's `init` failed, as with [`StartTree::start`].
    pub async fn start_tree<T: Tree>(&self, tree: T) -> Result<T::Ref, StartError> {
        start_on(self.clone(), tree, |_| {}).await
    }
}

/// A supervisor that can be the root of a tree: a struct with `#[supervisor]`, or a [`Supervisor`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a supervision tree",
    note = "write `#[supervisor]` on a struct whose fields are its children"
)]
pub trait TreeRoot: Send + 'static {
    /// The stub of the tree.
    type Ref: TreeStub;

    #[doc(hidden)]
    fn prepare(self, node: &Node, link: impl FnOnce(&SupervisionRef)) -> PendingTree<Self::Ref>;
}

#[diagnostic::do_not_recommend]
impl<T: Tree> TreeRoot for T {
    type Ref = T::Ref;

    fn prepare(self, node: &Node, link: impl FnOnce(&SupervisionRef)) -> PendingTree<T::Ref> {
        prepare(&Arc::new(self), node, link)
    }
}

/// A tree that starts several times, one after another.
#[cfg(feature = "registry")]
pub(crate) struct SharedTree<T> {
    pub(crate) tree: Arc<T>,
    /// The states with which its children continue.
    pub(crate) transfer: Option<Arc<StateTransfer>>,
}

#[cfg(feature = "registry")]
impl<T: Tree> TreeRoot for SharedTree<T> {
    type Ref = T::Ref;

    fn prepare(self, node: &Node, link: impl FnOnce(&SupervisionRef)) -> PendingTree<T::Ref> {
        let SharedTree { tree, transfer } = self;
        start_root(node.clone(), T::NAME, link, |children| {
            if let Some(transfer) = transfer {
                children.cells().set_transfer(transfer);
            }
            T::add_children(&tree, children);
            (T::stubs(children.cells()), T::OPTIONS)
        })
    }
}

fn prepare<T: Tree>(tree: &Arc<T>, node: &Node, link: impl FnOnce(&SupervisionRef)) -> PendingTree<T::Ref> {
    start_root(node.clone(), T::NAME, link, |children| {
        T::add_children(tree, children);
        (T::stubs(children.cells()), T::OPTIONS)
    })
}

fn start_on<T: Tree>(
    node: Node,
    tree: T,
    link: impl FnOnce(&SupervisionRef),
) -> impl Future<Output = Result<T::Ref, StartError>> + Send {
    tree.prepare(&node, link).started()
}

impl<R: 'static> ChildSpec<R> {
    /// Creates the spec of a nested tree that `make` makes for each start. The tree is permanent and gets unlimited time
    /// to stop.
    pub fn tree<T: Tree<Ref = R>>(mut make: impl FnMut() -> T + Send + 'static) -> ChildSpec<R> {
        ChildSpec::with(ChildOptions::SUPERVISOR, move |cells, id, options| {
            let add_children = move |children: &mut Children| {
                T::add_children(&Arc::new(make()), children);
                T::OPTIONS
            };
            let cell = cells.supervisor_cell(id);
            (T::stubs(&cell.children), supervisor(cell, id, options, false, add_children))
        })
    }
}
