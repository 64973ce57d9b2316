//! Supervisors with dynamic children, which are started at run time.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use super::TreeStub;
use super::stub::add_error;
use crate::actor::{Actor, Constructor, Process, Ref, Stub};
use crate::call::Address;
use crate::node::Node;
use crate::process::Cell;
use crate::supervisor::child::{ChildCells, UnboundSpec, following};
use crate::supervisor::protocol::LocalOnly;
use crate::supervisor::spec::{bind_worker, one_shot};
use crate::supervisor::{ChildError, ChildOptions, SupervisionRef};

/// The stub of a supervisor for any number of children of one kind, which are started at run time.
///
/// A tree with a field `#[child(dynamic)]` has a method that returns it. `R` is [`OneShot`] for temporary children and
/// [`Restartable`] for others. The methods of [`TreeStub`] count, list and terminate the children.
///
/// From OTP's
/// [`simple_one_for_one`](https://www.erlang.org/doc/system/sup_princ.html#simplified-one_for_one-supervisors).
pub struct Dynamic<A, R> {
    supervisor: SupervisionRef,
    pub(super) options: ChildOptions,
    _kind: PhantomData<fn() -> (A, R)>,
}

/// The kind of dynamic children that are temporary: each starts once.
pub struct OneShot;

/// The kind of dynamic children that are restarted. Each start needs a new value of the actor.
pub struct Restartable;

/// The kind of dynamic children of a field with the option `on`: each is of the kind `R`, and starts on the node that the
/// option names then. The actor, or the arguments of its constructor, are sent to that node.
pub struct Elsewhere<R>(PhantomData<R>);

/// An actor, or the arguments of its constructor, that can be a dynamic child of the kind `R`.
///
/// Each can be [`OneShot`]. A [`Restartable`] one has to be `Clone`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not `Clone`, so it cannot be restarted",
    label = "a dynamic child that is restarted needs `Clone`",
    note = "derive it: `#[derive(Clone)]`",
    note = "or pass a function that makes the actor: `start_child_with(|| ..)`",
    note = "or make these children temporary: `#[child(dynamic, restart = temporary)]`"
)]
pub trait Startable<R>: Constructor {
    #[doc(hidden)]
    fn into_unbound(self, node: &Node, options: ChildOptions) -> (UnboundSpec, StubSource<Self::Actor>);
}

/// The source of a child's stub after the child's start.
#[doc(hidden)]
pub struct StubSource<A: Actor>(pub(super) Source<A>);

pub(super) enum Source<A: Actor> {
    /// The cell of a child that starts once. The stub is direct.
    Direct(Arc<Cell<A::Protocol>>),
    /// The stub of a child that is restarted, sent when the child is added. It follows the child.
    Following(oneshot::Receiver<Ref<A>>),
}

#[diagnostic::do_not_recommend]
impl<C: Constructor> Startable<OneShot> for C {
    fn into_unbound(self, node: &Node, options: ChildOptions) -> (UnboundSpec, StubSource<C::Actor>) {
        let cell = Cell::new(node.clone(), None, C::Actor::OPTIONS.bounds());
        let child = Arc::clone(&cell);
        let unbound = UnboundSpec(Box::new(move |cells| one_shot(child, cells.next_id(), options, || self)));
        (unbound, StubSource(Source::Direct(cell)))
    }
}

#[diagnostic::do_not_recommend]
impl<C: Constructor + Clone> Startable<Restartable> for C {
    fn into_unbound(self, _: &Node, options: ChildOptions) -> (UnboundSpec, StubSource<C::Actor>) {
        restartable_in(options, true, |_| move || self.clone())
    }
}

fn restartable<C: Constructor>(
    options: ChildOptions,
    make: impl FnMut() -> C + Send + 'static,
) -> (UnboundSpec, StubSource<C::Actor>) {
    restartable_in(options, false, |_| make)
}

/// Binds a child for which `maker` returns the function that makes it. `makes_clones`: that only clones a value.
pub(super) fn restartable_in<C: Constructor, F: FnMut() -> C + Send + 'static>(
    options: ChildOptions,
    makes_clones: bool,
    maker: impl FnOnce(&ChildCells) -> F + Send + 'static,
) -> (UnboundSpec, StubSource<C::Actor>) {
    let (sender, receiver) = oneshot::channel();
    let unbound = UnboundSpec(Box::new(move |cells| {
        let id = cells.next_id();
        let cell = cells.added().cell::<C::Actor>(&id);
        // Fails if the caller no longer waits.
        let _ = sender.send(following::<C::Actor>(&cell));
        bind_worker(cell, &id, options, maker(cells), makes_clones)
    }));
    (unbound, StubSource(Source::Following(receiver)))
}

impl<A: Process, R: 'static> Dynamic<A, R> {
    /// Starts a child and returns its stub after its `init`.
    ///
    /// Not cancel-safe: if the future is dropped after its first poll, the child starts all the same. From OTP's
    /// [`supervisor:start_child/2`](https://www.erlang.org/doc/apps/stdlib/supervisor.html#start_child/2).
    ///
    /// # Errors
    /// - [`ChildError::Start`]: the child's `init` failed.
    /// - [`ChildError::RemoteSupervisor`]: the supervisor is on another node. Children are started from a process there.
    /// - [`ChildError::NoProc`], [`ChildError::Call`]: the supervisor cannot be reached.
    pub fn start_child<C>(&self, actor: C) -> StartChild<Ref<A>>
    where
        C: Startable<R> + Constructor<Actor = A>,
    {
        let dynamic = self.clone();
        StartChild(Box::pin(async move {
            let (unbound, source) = actor.into_unbound(dynamic.supervisor.__address().node(), dynamic.options);
            dynamic.add(unbound, source).await
        }))
    }

    pub(super) async fn add(&self, unbound: UnboundSpec, source: StubSource<A>) -> Result<Ref<A>, ChildError> {
        let pid = self.supervisor.add(LocalOnly(unbound)).forever().await.map_err(add_error)??;
        match (source.0, pid) {
            #[cfg(feature = "net")]
            (Source::Direct(cell), Some(pid)) if !pid.belongs_to(cell.node().id()) => {
                Ok(Ref::<A>::__new(Address::of_pid(cell.node().clone(), pid)))
            }
            (Source::Direct(cell), Some(pid)) => Ok(Ref::<A>::__new(Address::direct(cell, pid.number()))),
            // The child ended normally in its `init`: a stub without a process.
            (Source::Direct(cell), None) => Ok(Ref::<A>::__new(Address::following(cell))),
            (Source::Following(stub), _) => stub.await.map_err(|_| ChildError::NoProc),
        }
    }

    /// Stops a child and waits until it is gone. Succeeds also if the child has exited already, as in OTP. A child that is
    /// being restarted is not started again.
    ///
    /// Cancel-safe: if the future is dropped after its first poll, the child stops all the same. From OTP's
    /// [`supervisor:terminate_child/2`](https://www.erlang.org/doc/apps/stdlib/supervisor.html#terminate_child/2).
    ///
    /// # Errors
    /// - [`ChildError::NotFound`]: the process is running, but it is not a child of this supervisor.
    /// - [`ChildError::NoProc`], [`ChildError::Call`]: the supervisor cannot be reached.
    pub async fn terminate_child(&self, child: &Ref<A>) -> Result<(), ChildError> {
        let address: &Address<A::Protocol> = child.__address();
        let Some(id) = child.pid().or_else(|| address.child_id()) else { return Ok(()) };
        match TreeStub::terminate_child(self, id).await {
            Err(ChildError::NotFound) if !child.is_alive() => Ok(()),
            other => other,
        }
    }
}

/// The start of a dynamic child as a future, from [`Dynamic::start_child`].
// A named type, so that the bound of `start_child` on the actor is checked, and reported, at one place only.
#[must_use = "the child starts only when this is awaited"]
pub struct StartChild<S>(Pin<Box<dyn Future<Output = Result<S, ChildError>> + Send>>);

impl<S> Future for StartChild<S> {
    type Output = Result<S, ChildError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl<S> fmt::Debug for StartChild<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartChild").finish_non_exhaustive()
    }
}

impl<A: Process> Dynamic<A, Restartable> {
    /// Starts a child that `make` makes for each start, as [`start_child`](Dynamic::start_child) does with a clone.
    ///
    /// Not cancel-safe: if the future is dropped after its first poll, the child starts all the same.
    ///
    /// # Errors
    /// - [`ChildError::Start`]: the child's `init` failed.
    /// - [`ChildError::NoProc`], [`ChildError::Call`]: the supervisor cannot be reached.
    pub async fn start_child_with<C: Constructor<Actor = A>>(
        &self,
        make: impl FnMut() -> C + Send + 'static,
    ) -> Result<Ref<A>, ChildError> {
        let (unbound, source) = restartable(self.options, make);
        self.add(unbound, source).await
    }
}

impl<A, R> Dynamic<A, R> {
    #[doc(hidden)]
    pub fn __new(cells: &ChildCells, id: &str, options: ChildOptions) -> Dynamic<A, R> {
        Dynamic { supervisor: cells.supervisor_cell(id).children.supervisor(), options, _kind: PhantomData }
    }
}

#[diagnostic::do_not_recommend]
impl<A: 'static, R: 'static> TreeStub for Dynamic<A, R> {
    fn supervisor(&self) -> &SupervisionRef {
        &self.supervisor
    }
}

// Not derived: that would require `Clone` and `Debug` of the type parameters.
impl<A, R> Clone for Dynamic<A, R> {
    fn clone(&self) -> Self {
        Dynamic { supervisor: self.supervisor.clone(), options: self.options, _kind: PhantomData }
    }
}

impl<A, R> fmt::Debug for Dynamic<A, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Dynamic").field(&self.supervisor).finish()
    }
}
