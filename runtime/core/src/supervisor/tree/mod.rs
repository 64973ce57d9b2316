//! Supervision trees and their stubs.

mod builder;
mod dynamic;
mod fields;
mod root;
mod stub;

use std::future::Future;
use std::sync::Arc;

use super::child::{Children, Places};
use super::spec::nested;
use super::{ChildOptions, ChildSpec, SupervisionRef, SupervisorOptions};
use crate::actor::{Context, Process};
use crate::base::StartError;
use crate::node::Node;
pub use builder::Supervisor;
pub use dynamic::{Dynamic, OneShot, Restartable, StartChild, Startable};
pub use fields::{Anew, AnewChild, AnewNothing, AnewSubtree, Child, ChildStub, Fresh, Held, Subtree, SubtreeStub};
pub(crate) use root::PendingTree;
use root::root;
pub use stub::TreeStub;

/// A struct whose fields are children. Derived by [`#[supervisor]`](attr.supervisor.html).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a supervision tree",
    label = "needs `#[supervisor]` on the struct",
    note = "`#[child(supervisor)]` is for a struct with `#[supervisor]`; for an actor write `#[child]`"
)]
pub trait Tree: Sized + Send + Sync + 'static {
    /// The stub: one method a child.
    type Ref: TreeStub;

    /// What the tree is called: the struct's name.
    const NAME: &'static str;

    /// What stands in `#[supervisor(..)]`.
    const FLAGS: SupervisorOptions;

    #[doc(hidden)]
    fn stubs(places: &Places) -> Self::Ref;

    #[doc(hidden)]
    fn plant(this: &Arc<Self>, children: &mut Children);
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
    fn start_link<A: Process>(self, cx: &Context<A>) -> impl Future<Output = Result<Self::Ref, StartError>> + Send {
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

/// What may stand at the top: a tree, or a supervisor that was put together at run time.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no supervision tree",
    note = "write `#[supervisor]` on a struct whose fields are its children"
)]
pub trait TreeRoot: Send + 'static {
    /// The stub of the whole.
    type Ref: TreeStub;

    #[doc(hidden)]
    fn prepare(self, node: &Node, link: impl FnOnce(&SupervisionRef)) -> PendingTree<Self::Ref>;
}

#[diagnostic::do_not_recommend]
impl<T: Tree> TreeRoot for T {
    type Ref = T::Ref;

    fn prepare(self, node: &Node, link: impl FnOnce(&SupervisionRef)) -> PendingTree<T::Ref> {
        root(node.clone(), T::NAME, link, |children| {
            T::plant(&Arc::new(self), children);
            (T::stubs(children.places()), T::FLAGS)
        })
    }
}

fn plant<T: Tree>(
    node: Node,
    tree: T,
    link: impl FnOnce(&SupervisionRef),
) -> impl Future<Output = Result<T::Ref, StartError>> + Send {
    tree.prepare(&node, link).grown()
}

impl<R: 'static> ChildSpec<R> {
    /// A nested tree, made anew for each of its lives. Permanent, as long to stop as it takes.
    pub fn tree<T: Tree<Ref = R>>(mut make: impl FnMut() -> T + Send + 'static) -> ChildSpec<R> {
        let plant = move |places: &Places, id: &str, options| {
            let grow = move |children: &mut Children| {
                T::plant(&Arc::new(make()), children);
                T::FLAGS
            };
            (T::stubs(&places.nested(id).places), nested(places, id, options, false, grow))
        };
        ChildSpec { options: ChildOptions::SUPERVISOR, plant: Box::new(plant) }
    }
}
