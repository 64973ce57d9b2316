use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;

use crate::actor::Stub;
use crate::base::{CallError, Exit, Pid};
use crate::call::{Address, Call};
use crate::process::Cell;
use crate::supervisor::child::ChildFactory;
use crate::supervisor::protocol::LocalOnly;
use crate::supervisor::{ChildCount, ChildError, ChildId, ChildInfo, ChildSpec, Description, SupervisionRef};

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
                _ => Address::following(cell),
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
