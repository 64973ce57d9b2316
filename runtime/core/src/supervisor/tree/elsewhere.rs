//! Children on the nodes that the option `on` of their field names.

use std::sync::Arc;

use super::dynamic::{Elsewhere, Source, restartable_in};
use super::{Dynamic, OneShot, Restartable, Startable, StubSource, Tree};
use crate::actor::{Actor, Constructor, Process, Ref};
use crate::node::Node;
use crate::process::Cell;
use crate::remote::{Placed, RemoteConstructor, SpawnOn};
use crate::supervisor::child::{Children, UnboundSpec};
use crate::supervisor::spec::one_shot;
use crate::supervisor::{ChildError, ChildOptions};

/// The value of the option `on`: the name of a node.
#[diagnostic::on_unimplemented(
    message = "`on` expects the name of a node, found `{Self}`",
    label = "not a name",
    note = "a name is a text or a `NodeName`: `#[child(on = \"worker@gollum\")]`, `#[child(on = self.worker.clone())]`",
    note = "the expression is evaluated at each start, and cannot wait"
)]
pub trait ChildNode {
    /// Returns the name.
    fn into_text(self) -> String;
}

#[diagnostic::do_not_recommend]
impl<T: AsRef<str>> ChildNode for T {
    fn into_text(self) -> String {
        self.as_ref().to_owned()
    }
}

/// Returns the value of the option `on`.
pub fn child_node(node: impl ChildNode) -> String {
    node.into_text()
}

/// Returns the value from which a child is started on a node.
pub fn placed<C: RemoteConstructor>(node: String, constructor: C) -> Placed<C> {
    constructor.on(node)
}

impl Children {
    /// Sets the function that names the node of each dynamic child of the field with this id.
    pub fn place<T: Tree>(&mut self, id: &str, tree: &Arc<T>, node: fn(&T) -> String) {
        let tree = Arc::clone(tree);
        self.cells().supervisor_cell(id).children.set_node_of(Arc::new(move || node(&tree)));
    }
}

/// The place of the trait [`Places`]. As a bound of `C` itself, the message of [`Startable`] would be in place of its own.
pub struct Placing;

/// The start of a `C` on another node: there is one if `C` is a [`RemoteConstructor`].
#[diagnostic::on_unimplemented(
    message = "`{C}` cannot be started on another node",
    label = "cannot be sent to another node",
    note = "write `#[derive(Serialize, Deserialize)]` on the actor",
    note = "or start it from a constructor, a function with `#[init]` and without `self`, whose arguments have serde's traits",
    note = "or remove `on` from the field: its children then start on their supervisor's node"
)]
pub trait Places<C: Constructor> {
    /// Returns the value from which the child is started on a node.
    fn place(node: String, constructor: C) -> Placed<C>;
}

#[diagnostic::do_not_recommend]
impl<C: RemoteConstructor> Places<C> for Placing {
    fn place(node: String, constructor: C) -> Placed<C> {
        placed(node, constructor)
    }
}

impl<C: Constructor> Startable<Elsewhere<OneShot>> for C
where
    Placing: Places<C>,
{
    fn into_unbound(self, node: &Node, options: ChildOptions) -> (UnboundSpec, StubSource<C::Actor>) {
        let cell = Cell::new(node.clone(), None, C::Actor::OPTIONS.bounds());
        let child = Arc::clone(&cell);
        let unbound = UnboundSpec(Box::new(move |cells| {
            let node_of = cells.node_of();
            one_shot(child, cells.next_id(), options, move || Placing::place(node_of(), self))
        }));
        (unbound, StubSource(Source::Direct(cell)))
    }
}

impl<C: Constructor + Clone> Startable<Elsewhere<Restartable>> for C
where
    Placing: Places<C>,
{
    fn into_unbound(self, _: &Node, options: ChildOptions) -> (UnboundSpec, StubSource<C::Actor>) {
        restartable_elsewhere(options, move || self.clone())
    }
}

fn restartable_elsewhere<C: Constructor>(
    options: ChildOptions,
    mut make: impl FnMut() -> C + Send + 'static,
) -> (UnboundSpec, StubSource<C::Actor>)
where
    Placing: Places<C>,
{
    restartable_in(options, false, |cells| {
        let node_of = cells.node_of();
        move || Placing::place(node_of(), make())
    })
}

impl<A: Process> Dynamic<A, Elsewhere<Restartable>> {
    /// Starts a child that `make` makes for each start, as [`start_child`](Dynamic::start_child) does with a clone. Each
    /// start is on the node that the option `on` names then.
    ///
    /// Not cancel-safe: if the future is dropped after its first poll, the child starts all the same.
    ///
    /// # Errors
    /// - [`ChildError::Start`]: the child's `init` failed, or it could not be started on the node.
    /// - [`ChildError::NoProc`], [`ChildError::Call`]: the supervisor cannot be reached.
    pub async fn start_child_with<C: Constructor<Actor = A>>(
        &self,
        make: impl FnMut() -> C + Send + 'static,
    ) -> Result<Ref<A>, ChildError>
    where
        Placing: Places<C>,
    {
        let (unbound, source) = restartable_elsewhere(self.options, make);
        self.add(unbound, source).await
    }
}
