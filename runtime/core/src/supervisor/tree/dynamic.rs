use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::TreeStub;
use crate::actor::{Actor, Process, Ref, Stub};
use crate::call::Address;
use crate::node::Node;
use crate::process::Cell;
use crate::supervisor::child::{ChildFactory, Places};
use crate::supervisor::protocol::LocalOnly;
use crate::supervisor::spec::{once, worker};
use crate::supervisor::{ChildError, ChildOptions, SupervisionRef};

/// Children of one kind that come and go, under a supervisor of their own: OTP's `simple_one_for_one`.
///
/// From a tree whose field is `#[child(dynamic)]`. `R` says whether they are restarted: [`OneShot`] or [`Restartable`].
/// As a [`TreeStub`] it counts, lists and terminates them.
pub struct Dynamic<A, R> {
    supervisor: SupervisionRef,
    options: ChildOptions,
    _kind: PhantomData<fn() -> (A, R)>,
}

/// Temporary children: each lives once.
pub struct OneShot;

/// Children that are restarted, and so made anew.
pub struct Restartable;

/// An actor that can be a dynamic child: one that lives once, or is `Clone` so that it can live again.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be started again",
    label = "a dynamic child that is restarted has to be `Clone`",
    note = "write `#[derive(Clone)]` on `{Self}`",
    note = "or make it anew for each of its lives: `start_child_with(|| ..)`",
    note = "or let it live once: `#[child(dynamic, restart = temporary)]`"
)]
pub trait Startable<R>: Process {
    #[doc(hidden)]
    fn seed(self, node: &Node, options: ChildOptions) -> (ChildFactory, StartedChild<Self>);
}

/// How the stub of a child is found once it has started.
#[doc(hidden)]
pub struct StartedChild<A: Actor>(Found<A>);

enum Found<A: Actor> {
    /// It lives once: a process like any other.
    Direct(Arc<Cell<A::Protocol>>),
    /// It lives in a place, named when it is planted.
    Place(tokio::sync::oneshot::Receiver<Ref<A>>),
}

#[diagnostic::do_not_recommend]
impl<A: Process> Startable<OneShot> for A {
    fn seed(self, node: &Node, options: ChildOptions) -> (ChildFactory, StartedChild<A>) {
        let cell = Cell::<A::Protocol>::new(node.clone(), None, A::OPTIONS.bounds());
        let home = Arc::clone(&cell);
        let seed = ChildFactory(Box::new(move |places| once(home, places.number(), options, self)));
        (seed, StartedChild(Found::Direct(cell)))
    }
}

#[diagnostic::do_not_recommend]
impl<A: Process + Clone> Startable<Restartable> for A {
    fn seed(self, _: &Node, options: ChildOptions) -> (ChildFactory, StartedChild<A>) {
        again(options, move || self.clone())
    }
}

fn again<A: Process>(
    options: ChildOptions,
    make: impl FnMut() -> A + Send + 'static,
) -> (ChildFactory, StartedChild<A>) {
    let (give, take) = tokio::sync::oneshot::channel();
    let seed = ChildFactory(Box::new(move |places| {
        let id = places.number();
        let slot = worker(places, &id, options, make);
        // Whoever asked may have gone.
        let _ = give.send(places.stub::<A>(&id));
        slot
    }));
    (seed, StartedChild(Found::Place(take)))
}

impl<A: Process, R: 'static> Dynamic<A, R> {
    /// Starts one more child, and waits for its `init`. Not cancel-safe: dropped midway, the child starts all
    /// the same.
    ///
    /// # Errors
    /// The child's own reason, or the supervisor is not there.
    pub fn start_child(&self, actor: A) -> StartChild<Ref<A>>
    where
        A: Startable<R>,
    {
        let dynamic = self.clone();
        StartChild(Box::pin(async move {
            let (seed, planted) = actor.seed(dynamic.supervisor.__address().node(), dynamic.options);
            dynamic.take_in(seed, planted).await
        }))
    }

    async fn take_in(&self, seed: ChildFactory, planted: StartedChild<A>) -> Result<Ref<A>, ChildError> {
        let pid = self.supervisor.add(LocalOnly(seed)).forever().await??;
        match (planted.0, pid) {
            (Found::Direct(cell), Some(pid)) => Ok(Ref::<A>::__new(Address::direct(cell, pid.number()))),
            // It decided not to run: a stub of nobody.
            (Found::Direct(cell), None) => Ok(Ref::<A>::__new(Address::following(cell))),
            (Found::Place(stub), _) => stub.await.map_err(|_| ChildError::NoProc),
        }
    }

    /// Stops one of the children and waits until it is gone. As in OTP, that succeeds if it has ended already.
    ///
    /// # Errors
    /// It lives, but not here.
    pub async fn terminate_child(&self, child: &Ref<A>) -> Result<(), ChildError> {
        let Some(pid) = child.pid() else { return Ok(()) };
        match TreeStub::terminate_child(self, pid).await {
            Err(ChildError::NotFound) if !child.is_alive() => Ok(()),
            other => other,
        }
    }
}

/// A child's way through its `init`, to be awaited. A type of its own, so that what [`start_child`] asks of an actor is
/// asked once, at that word.
///
/// [`start_child`]: Dynamic::start_child
#[must_use = "no child starts unless this is awaited"]
pub struct StartChild<S>(Pin<Box<dyn Future<Output = Result<S, ChildError>> + Send>>);

impl<S> Future for StartChild<S> {
    type Output = Result<S, ChildError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl<S> fmt::Debug for StartChild<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Starting").finish_non_exhaustive()
    }
}

impl<A: Process> Dynamic<A, Restartable> {
    /// As [`start_child`](Dynamic::start_child), for an actor that is made anew for each of its lives.
    ///
    /// # Errors
    /// As [`start_child`](Dynamic::start_child).
    pub async fn start_child_with(&self, make: impl FnMut() -> A + Send + 'static) -> Result<Ref<A>, ChildError> {
        let (seed, planted) = again(self.options, make);
        self.take_in(seed, planted).await
    }
}

impl<A, R> Dynamic<A, R> {
    /// The stub of a child of which there are many.
    #[doc(hidden)]
    pub fn __new(places: &Places, id: &str, options: ChildOptions) -> Dynamic<A, R> {
        Dynamic { supervisor: places.nested(id).places.supervisor(), options, _kind: PhantomData }
    }
}

#[diagnostic::do_not_recommend]
impl<A: 'static, R: 'static> TreeStub for Dynamic<A, R> {
    fn supervisor(&self) -> &SupervisionRef {
        &self.supervisor
    }
}

// By hand: a derive would ask the same of the parameters.
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
