use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};

use super::places::segment;
use super::process::Failure;
use super::{
    ChildCount, ChildError, ChildFactory, ChildId, ChildInfo, ChildSpec, Children, Description, LocalOnly, Places,
    SupervisionRef, SupervisorOptions, SupervisorProcess,
};
use crate::actor::{Context, Newborn, Process, Stub};
use crate::base::{CallError, Exit, Pid, StartError};
use crate::call::{Address, Call};
use crate::node::{Node, Resident};
use crate::process::Cell;

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
    let newborn = Newborn::<SupervisorProcess>::new(node.clone());
    let cell = Arc::clone(newborn.cell()) as Arc<dyn Resident>;
    let path = node.names().claim(&format!("/{}", segment(name.as_ref())), newborn.number(), cell);
    let mut children = Children::new(Places::new(node, path, newborn.stub()));
    let (stub, flags) = grow(&mut children);
    link(&newborn.stub());
    let failure = Failure::default();
    let starting = newborn.begin(SupervisorProcess::new(flags, false, children, true, Arc::clone(&failure)));
    let why = Arc::clone(&failure);
    let starting = Box::pin(async move { starting.await.map_err(|error| take(&why).unwrap_or(error)) });
    PendingTree { stub, starting, failure }
}

/// What the stub of every tree can do beside its children. Also on the stub of a supervisor itself.
pub trait TreeStub: Clone + Debug + Send + Sync + 'static {
    /// The supervisor itself, to be linked, watched or stopped.
    fn supervisor(&self) -> &SupervisionRef;

    /// The children in start order, as OTP's `which_children`.
    fn children(&self) -> Call<Vec<ChildInfo>> {
        SupervisionRef::children(self.supervisor())
    }

    /// How many there are, as OTP's `count_children`.
    fn count_children(&self) -> Call<ChildCount> {
        SupervisionRef::count(self.supervisor())
    }

    /// The whole tree as data; printed, it is a drawing. Cancel-safe.
    ///
    /// # Errors
    /// The supervisor is not there. What ends below it meanwhile is left out.
    fn describe(&self) -> impl Future<Output = Result<Description, CallError>> + Send {
        Description::of(self.supervisor().clone())
    }

    /// The stub of a child that is known by its id, or by its pid, only. It follows the child across restarts.
    /// Cancel-safe.
    ///
    /// # Errors
    /// There is no such child, or it speaks another protocol, or the supervisor is on another node.
    fn find_child<S: Stub>(&self, child: impl Into<ChildId>) -> impl Future<Output = Result<S, ChildError>> + Send {
        let call = self.supervisor().find(child.into()).forever();
        async move {
            let LocalOnly(cell) = call.await??;
            let cell: Arc<Cell<S::Protocol>> = cell.downcast().map_err(|_| ChildError::Incompatible)?;
            Ok(S::__new(match cell.current_number() {
                Some(number) if cell.path().is_none() => Address::direct(cell, number),
                _ => Address::child(cell),
            }))
        }
    }

    /// Starts a further child, after all others, and waits for its `init`. Not cancel-safe: dropped midway, the
    /// child starts all the same.
    ///
    /// # Errors
    /// The id is taken, the child did not start (and is forgotten), or the supervisor is not there, or on another node
    /// ([`ChildError::Elsewhere`]): a specification does not travel.
    fn start_child<R: Send + 'static>(
        &self,
        id: &str,
        spec: ChildSpec<R>,
    ) -> impl Future<Output = Result<R, ChildError>> + Send {
        let (give, take) = tokio::sync::oneshot::channel();
        let id = id.to_owned();
        let seed = ChildFactory(Box::new(move |places| {
            let (stub, slot) = spec.plant(places, &id);
            // Whoever asked may have gone.
            let _ = give.send(stub);
            slot
        }));
        let call = self.supervisor().add(LocalOnly(seed)).forever();
        async move {
            call.await.map_err(|error| match error {
                CallError::Encode(_) => ChildError::Elsewhere,
                error => ChildError::from(error),
            })??;
            take.await.map_err(|_| ChildError::NoProc)
        }
    }

    /// Stops a child, by id or pid, and waits until it is gone. Its specification is kept, unless it is temporary.
    /// Cancel-safe: it stops all the same.
    ///
    /// # Errors
    /// There is no such child.
    fn terminate_child(&self, child: impl Into<ChildId>) -> impl Future<Output = Result<(), ChildError>> + Send {
        let call = self.supervisor().terminate(child.into()).forever();
        async move { call.await? }
    }

    /// Starts a child that is down: terminated before, or ended in good order. `None` if it decides not to run.
    /// Cancel-safe: it starts all the same.
    ///
    /// # Errors
    /// There is no such child, it runs or is being restarted already, or it did not start.
    fn restart_child(&self, child: impl Into<ChildId>) -> impl Future<Output = Result<Option<Pid>, ChildError>> + Send {
        let call = self.supervisor().restart(child.into()).forever();
        async move { call.await? }
    }

    /// Forgets a child that is down. Cancel-safe: it is forgotten all the same.
    ///
    /// # Errors
    /// There is no such child, or it runs or is being restarted: terminate it first.
    fn delete_child(&self, child: impl Into<ChildId>) -> impl Future<Output = Result<(), ChildError>> + Send {
        let call = self.supervisor().delete(child.into()).forever();
        async move { call.await? }
    }

    /// Stops the children in reverse order, then the supervisor; resolves when all are gone. Cancel-safe: the
    /// tree stops all the same.
    fn stop(&self) -> impl Future<Output = Exit> + Send + use<Self> {
        Stub::stop(self.supervisor(), Exit::shutdown())
    }

    /// Resolves when the tree has ended, with the reason: after a [`stop`](TreeStub::stop), or when its supervisor gave up
    /// or was done. As [`Stub::ended`]. Cancel-safe.
    fn ended(&self) -> impl Future<Output = Exit> + Send + use<Self> {
        Stub::ended(self.supervisor())
    }
}

impl SupervisionRef {
    /// As [`TreeStub::stop`]: the supervisor is a tree first, and a process second. With a reason of one's own it is
    /// stopped by [`Stub::stop(&supervisor, reason)`](Stub::stop).
    pub fn stop(&self) -> impl Future<Output = Exit> + Send + use<> {
        Stub::stop(self, Exit::shutdown())
    }

    /// As [`Stub::ended`], and [`TreeStub::ended`]: of the two that it has.
    pub fn ended(&self) -> impl Future<Output = Exit> + Send + use<> {
        Stub::ended(self)
    }
}

#[diagnostic::do_not_recommend]
impl TreeStub for SupervisionRef {
    fn supervisor(&self) -> &SupervisionRef {
        self
    }
}
