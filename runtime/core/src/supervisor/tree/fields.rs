//! What a tree asks of its fields' types, and how it keeps their stubs.
//!
//! A type that can be no child is one mistake in one field, so the compiler is asked at few places, which sound all
//! the same: each is a function of the field's type, called on it by name. What a tree keeps has no type in it that
//! could fail.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::Tree;
use crate::actor::{Process, Ref};
use crate::supervisor::child::{Children, Places};
use crate::supervisor::spec::{nested, worker};
use crate::supervisor::{ChildOptions, SupervisorOptions};

/// A [`Process`], as `#[child]` needs it. What the compiler says of one is what it says of the other, word by word, and
/// so said once.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a process, so nobody can start it",
    label = "needs `#[actor]`, and a way to run",
    note = "write `#[actor]` on `{Self}` and on an impl with `#[cast]` and `#[call]` methods",
    note = "or `#[actor(protocol = ..)]` on it, and `impl Process for {Self}`",
    note = "a tree is started by `.start().await`, and is `#[child(supervisor)]` of another; a plain field of one has no attribute",
    note = "what is generic asks more of its parameters: `Send + 'static`, serde's traits unless it is `local`, and what its impl says"
)]
pub trait Child: Sized {
    /// Its stub.
    type Stub: Clone + fmt::Debug + Send + Sync + 'static;

    /// Its stub, to be kept.
    fn held(places: &Places, id: &str) -> Held;

    /// Adds the child; `make` is called for each of its lives, with the tree.
    fn plant<T: Tree>(children: &mut Children, id: &str, options: ChildOptions, tree: &Arc<T>, make: fn(&T) -> Self);

    /// Adds a supervisor without children yet, for many of this kind.
    fn plant_dynamic(children: &mut Children, id: &str, flags: SupervisorOptions);
}

#[diagnostic::do_not_recommend]
impl<A: Process> Child for A {
    type Stub = Ref<A>;

    fn held(places: &Places, id: &str) -> Held {
        Held::new(places.stub::<A>(id))
    }

    fn plant<T: Tree>(children: &mut Children, id: &str, options: ChildOptions, tree: &Arc<T>, make: fn(&T) -> A) {
        let tree = Arc::clone(tree);
        let slot = worker(children.places(), id, options, move || make(&tree));
        children.push_fixed(slot);
    }

    fn plant_dynamic(children: &mut Children, id: &str, flags: SupervisorOptions) {
        let slot = nested(children.places(), id, ChildOptions::SUPERVISOR, true, move |_| flags);
        children.push_fixed(slot);
    }
}

/// A [`Tree`], as `#[child(supervisor)]` needs it, in the same words again.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a supervision tree",
    label = "needs `#[supervisor]` on the struct",
    note = "`#[child(supervisor)]` is for a struct with `#[supervisor]`; for an actor write `#[child]`"
)]
pub trait Subtree: Sized {
    /// Its stub.
    type Stub: Clone + fmt::Debug + Send + Sync + 'static;

    /// Its stub, to be kept.
    fn held(places: &Places, id: &str) -> Held;

    /// Adds the tree; `make` is called for each of its lives, with the tree that it is in.
    fn plant<P: Tree>(children: &mut Children, id: &str, options: ChildOptions, parent: &Arc<P>, make: fn(&P) -> Self);
}

#[diagnostic::do_not_recommend]
impl<T: Tree> Subtree for T {
    type Stub = T::Ref;

    fn held(places: &Places, id: &str) -> Held {
        Held::new(T::stubs(&places.nested(id).places))
    }

    fn plant<P: Tree>(children: &mut Children, id: &str, options: ChildOptions, parent: &Arc<P>, make: fn(&P) -> T) {
        let parent = Arc::clone(parent);
        let grow = move |children: &mut Children| {
            <T as Tree>::plant(&Arc::new(make(&parent)), children);
            T::FLAGS
        };
        let slot = nested(children.places(), id, options, false, grow);
        children.push_fixed(slot);
    }
}

/// The stub of a child.
pub type ChildStub<A> = <A as Child>::Stub;

/// The stub of a nested tree.
pub type SubtreeStub<T> = <T as Subtree>::Stub;

/// What a `#[child]` without `start = ..` is made from.
#[diagnostic::on_unimplemented(
    message = "a supervisor does not know how to make a `{Self}`",
    label = "needs `start = ..`, or `Default`",
    note = "say how: `#[child(start = {Self}::new(..))]`, where `self` is the tree",
    note = "or derive it: `#[derive(Default)]`"
)]
pub trait Fresh {
    /// A value for a new life.
    fn fresh() -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Default> Fresh for T {
    fn fresh() -> T {
        T::default()
    }
}

/// A `#[child]` without `start = ..`, to be made. Method syntax finds the first way that there is: by `Default`; or,
/// for what could be started if only it were made, by complaining of [`Fresh`]; or, for what could not be started
/// anyway and has been told so, none.
pub struct Anew<A>(PhantomData<fn() -> A>);

impl<A> Anew<A> {
    /// The one to be made.
    pub const CHILD: Anew<A> = Anew(PhantomData);
}

impl<A: Default> Anew<A> {
    /// A value for a new life.
    pub fn __made(&self) -> A {
        A::default()
    }
}

/// Of a process that has no `Default`.
pub trait AnewChild<A> {
    /// Nothing: it does not compile.
    fn __made(&self) -> A
    where
        A: Fresh,
    {
        A::fresh()
    }
}

impl<A: Child> AnewChild<A> for Anew<A> {}

/// Of a tree that has no `Default`.
pub trait AnewSubtree<A> {
    /// Nothing: it does not compile.
    fn __made(&self) -> A
    where
        A: Fresh,
    {
        A::fresh()
    }
}

impl<T: Subtree> AnewSubtree<T> for Anew<T> {}

/// Of what is neither.
pub trait AnewNothing<A> {
    /// Nothing: it does not compile, for another reason.
    fn __made(&self) -> A {
        unreachable!("what is no child is not planted")
    }
}

impl<A> AnewNothing<A> for &Anew<A> {}

/// A stub of any type, as a tree keeps it.
#[derive(Clone)]
pub struct Held(Arc<dyn Kept>);

trait Kept: Any + fmt::Debug + Send + Sync {}

impl<S: Any + fmt::Debug + Send + Sync> Kept for S {}

impl Held {
    fn new<S: Any + fmt::Debug + Send + Sync>(stub: S) -> Held {
        Held(Arc::new(stub))
    }

    /// The stub.
    ///
    /// # Panics
    /// It is of another type. Generated code puts in and takes out under one name.
    #[must_use]
    pub fn get<S: Any + Clone>(&self) -> S {
        let kept: &dyn Any = &*self.0;
        kept.downcast_ref::<S>().expect("what a tree keeps has the type of its field").clone()
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
