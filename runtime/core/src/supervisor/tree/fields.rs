//! The requirements on the types of a tree's fields, and the storage of the fields' stubs.
//!
//! A field of a wrong type is one mistake and should be one compiler message. So generated code uses the field's type in
//! few places, all as `<Type as Child>::function`, which fail with one message. A [`StoredStub`] is the same type for
//! every field, so it cannot fail.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::Tree;
use crate::actor::{Constructor, Process, Ref};
use crate::supervisor::child::{ChildCells, Children};
#[cfg(feature = "upgrade")]
use crate::supervisor::spec::adopted;
use crate::supervisor::spec::{supervisor, worker};
use crate::supervisor::{ChildOptions, SupervisorOptions};

/// The function that makes a child of a tree. The cells have the stubs of the child's siblings.
type Make<T, C> = fn(&T, &ChildCells) -> C;

/// A [`Process`] as the type of a `#[child]` field.
///
/// Its message is that of `Process`, word by word, so the compiler prints it once.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a process",
    label = "needs `#[actor]`, and an impl that runs it",
    note = "write `#[actor]` on `{Self}` and on an impl with `#[cast]` and `#[call]` methods",
    note = "or `#[actor(protocol = ..)]` on it, and `impl Process for {Self}`",
    note = "a supervision tree is started by `.start().await`; as a child of another tree it is a field with `#[child(supervisor)]`",
    note = "a generic actor needs more bounds: `Send + 'static`, serde's traits unless it is `local`, and those of its impl"
)]
pub trait Child: Sized {
    /// The child's stub.
    type Stub: Clone + fmt::Debug + Send + Sync + 'static;

    /// Returns the stub of the child with this id.
    fn stored_stub(cells: &ChildCells, id: &str) -> StoredStub;

    /// Adds the child. `make` makes it from the tree for each start.
    fn add<T: Tree>(children: &mut Children, id: &str, options: ChildOptions, tree: &Arc<T>, make: Make<T, Self>);

    /// Adds the child. `make` makes it, or the arguments of its constructor, from the tree for each start.
    fn add_constructed<T: Tree, C: Constructor<Actor = Self>>(
        children: &mut Children,
        id: &str,
        options: ChildOptions,
        tree: &Arc<T>,
        make: Make<T, C>,
    );

    /// Adds a supervisor for dynamic children of this type.
    fn add_dynamic(children: &mut Children, id: &str, options: SupervisorOptions);
}

#[diagnostic::do_not_recommend]
impl<A: Process> Child for A {
    type Stub = Ref<A>;

    fn stored_stub(cells: &ChildCells, id: &str) -> StoredStub {
        StoredStub::new(cells.stub::<A>(id))
    }

    fn add<T: Tree>(children: &mut Children, id: &str, options: ChildOptions, tree: &Arc<T>, make: Make<T, A>) {
        A::add_constructed(children, id, options, tree, make);
    }

    fn add_constructed<T: Tree, C: Constructor<Actor = A>>(
        children: &mut Children,
        id: &str,
        options: ChildOptions,
        tree: &Arc<T>,
        make: Make<T, C>,
    ) {
        let (tree, cells) = (Arc::clone(tree), Arc::clone(children.cells()));
        let cell = children.cells().declared().cell::<A>(id);
        let spec = worker(cell, id, options, move || make(&tree, &cells));
        children.push_declared(spec);
    }

    fn add_dynamic(children: &mut Children, id: &str, options: SupervisorOptions) {
        let cell = children.cells().supervisor_cell(id);
        let add_children = move |children: &mut Children| {
            #[cfg(feature = "upgrade")]
            children.set_adopt_added(adopted::<A>);
            #[cfg(not(feature = "upgrade"))]
            let _ = children;
            options
        };
        let spec = supervisor(cell, id, ChildOptions::SUPERVISOR, true, add_children);
        children.push_declared(spec);
    }
}

/// A [`Tree`] as the type of a `#[child(supervisor)]` field, with the same message as `Tree`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a supervision tree",
    label = "needs `#[supervisor]` on the struct",
    note = "`#[child(supervisor)]` is for a struct with `#[supervisor]`; for an actor write `#[child]`"
)]
pub trait Subtree: Sized {
    /// The tree's stub.
    type Stub: Clone + fmt::Debug + Send + Sync + 'static;

    /// Returns the stub of the tree with this id.
    fn stored_stub(cells: &ChildCells, id: &str) -> StoredStub;

    /// Adds the tree. `make` makes it from its parent tree for each start.
    fn add<P: Tree>(children: &mut Children, id: &str, options: ChildOptions, parent: &Arc<P>, make: Make<P, Self>);
}

#[diagnostic::do_not_recommend]
impl<T: Tree> Subtree for T {
    type Stub = T::Ref;

    fn stored_stub(cells: &ChildCells, id: &str) -> StoredStub {
        StoredStub::new(T::stubs(&cells.supervisor_cell(id).children))
    }

    fn add<P: Tree>(children: &mut Children, id: &str, options: ChildOptions, parent: &Arc<P>, make: Make<P, T>) {
        let (parent, cells) = (Arc::clone(parent), Arc::clone(children.cells()));
        let add_children = move |children: &mut Children| {
            T::add_children(&Arc::new(make(&parent, &cells)), children);
            T::OPTIONS
        };
        let cell = children.cells().supervisor_cell(id);
        let spec = supervisor(cell, id, options, false, add_children);
        children.push_declared(spec);
    }
}

/// The stub of a `#[child]` field.
pub type ChildStub<A> = <A as Child>::Stub;

/// The stub of a `#[child(supervisor)]` field.
pub type SubtreeStub<T> = <T as Subtree>::Stub;

/// A stub without its type, as a tree's stub stores it for each field.
#[derive(Clone)]
pub struct StoredStub(Arc<dyn AnyStub>);

trait AnyStub: Any + fmt::Debug + Send + Sync {}

impl<S: Any + fmt::Debug + Send + Sync> AnyStub for S {}

impl StoredStub {
    fn new<S: Any + fmt::Debug + Send + Sync>(stub: S) -> StoredStub {
        StoredStub(Arc::new(stub))
    }

    /// Returns the stub.
    ///
    /// # Panics
    /// If the stub has another type. Generated code stores and reads each field with one type.
    #[must_use]
    pub fn get<S: Any + Clone>(&self) -> S {
        let stub: &dyn Any = &*self.0;
        stub.downcast_ref::<S>().expect("a stored stub has the type of its field").clone()
    }
}

impl fmt::Debug for StoredStub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
