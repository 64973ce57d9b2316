//! The methods that the stubs of all trees share.

use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::actor::Stub;
use crate::base::{CallError, CallErrorKind, Exit, Pid};
use crate::call::{Address, Call, Recipient};
use crate::process::Cell;
use crate::supervisor::child::UnboundSpec;
use crate::supervisor::protocol::LocalOnly;
use crate::supervisor::{
    ChildCount, ChildError, ChildEvent, ChildId, ChildInfo, ChildSpec, Description, SupervisionRef,
};

/// The methods that every stub of a tree has, beside those for its children. Also implemented for the stub of a
/// supervisor, [`SupervisionRef`].
///
/// From OTP's [`supervisor`](https://www.erlang.org/doc/apps/stdlib/supervisor.html).
pub trait TreeStub: Clone + Debug + Send + Sync + 'static {
    /// Returns the stub of the supervisor's process, with which it can be linked and monitored.
    fn supervisor(&self) -> &SupervisionRef;

    /// Lists the children in start order. From OTP's
    /// [`which_children`](https://www.erlang.org/doc/apps/stdlib/supervisor.html#which_children/1).
    fn children(&self) -> Call<Vec<ChildInfo>> {
        SupervisionRef::children(self.supervisor())
    }

    /// Counts the children. From OTP's
    /// [`count_children`](https://www.erlang.org/doc/apps/stdlib/supervisor.html#count_children/1).
    fn count_children(&self) -> Call<ChildCount> {
        SupervisionRef::count(self.supervisor())
    }

    /// Sends an event to `subscriber` for each start and exit of a child from now on.
    ///
    /// The subscriber's protocol has a variant `#[from] ChildEvent`, or a method with `#[from]`. An event is a cast that is
    /// not awaited: a full mailbox of the subscriber refuses it. The children of nested supervisors are not included.
    /// Another call for the same subscriber changes nothing. The subscription ends with the subscriber's process, so a
    /// supervised subscriber calls this at each start: in its `init`, or for its own supervisor, which waits for the `init`,
    /// in `#[continue_with]`. Cancel-safe: the subscription is made also if the future is dropped.
    ///
    /// ```
    /// # use greenroom::prelude::*;
    /// use greenroom::{ChildChange, ChildEvent};
    ///
    /// # #[actor]
    /// # #[derive(Default)]
    /// # struct Till;
    /// # #[actor]
    /// # impl Till {
    /// #     #[cast]
    /// #     pub fn jam(&mut self) -> Result<(), Exit> { Err(Exit::error("a jam")) }
    /// # }
    /// #[protocol]
    /// enum Mail {
    ///     #[from]
    ///     Child(ChildEvent),
    /// }
    ///
    /// #[supervisor]
    /// struct Shop {
    ///     #[child]
    ///     till: Till,
    /// }
    ///
    /// # #[greenroom::main]
    /// # async fn main() -> greenroom::Result {
    /// let shop = Shop {}.start().await?;
    /// let (tree, till) = (shop.clone(), shop.till().clone());
    /// let guard = greenroom::spawn(|mut mailbox: Mailbox<Mail>| async move {
    ///     tree.child_events(mailbox.me().recipient()).await?;
    ///     till.jam();
    ///     receive!(match mailbox {
    ///         Mail::Child(ChildEvent { change: ChildChange::Started { starts: 2, .. }, .. }) => {}
    ///     });
    ///     Ok::<_, Exit>(())
    /// });
    /// assert_eq!(guard.ended().await, Exit::Normal);
    /// # shop.stop().await;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// - [`ChildError::TooManySubscribers`]: the supervisor has 1,024 of them.
    /// - [`ChildError::NoProc`], [`ChildError::Call`]: the supervisor cannot be reached.
    fn child_events(&self, subscriber: Recipient<ChildEvent>) -> impl Future<Output = Result<(), ChildError>> + Send {
        let call = self.supervisor().subscribe(subscriber).forever();
        async move { call.await? }
    }

    /// Describes the whole tree as data, whose `Display` draws it. Cancel-safe.
    ///
    /// # Errors
    /// The supervisor cannot be reached. A nested supervisor that exits in the meantime is left out.
    fn describe(&self) -> impl Future<Output = Result<Description, CallError>> + Send {
        Description::of(self.supervisor().clone())
    }

    /// Returns the stub of a child, by its id or pid. The stub follows the child across restarts. Cancel-safe.
    ///
    /// # Errors
    /// - [`ChildError::NotFound`]: the supervisor has no such child.
    /// - [`ChildError::Incompatible`]: the child has another protocol than `S`.
    /// - [`ChildError::NoProc`], [`ChildError::Call`]: the supervisor cannot be reached, or is on another node.
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

    /// Adds a child after all others, starts it, and returns its stub after its `init`.
    ///
    /// Not cancel-safe: the child starts also if the future is dropped. From OTP's
    /// [`start_child`](https://www.erlang.org/doc/apps/stdlib/supervisor.html#start_child/2).
    ///
    /// # Errors
    /// - [`ChildError::AlreadyStarted`], [`ChildError::AlreadyPresent`]: another child has the id.
    /// - [`ChildError::Options`]: the spec's options contradict each other.
    /// - [`ChildError::Start`]: the child's `init` failed. The child is removed.
    /// - [`ChildError::RemoteSupervisor`]: the supervisor is on another node. A spec contains code and cannot be sent.
    /// - [`ChildError::NoProc`], [`ChildError::Call`]: the supervisor cannot be reached.
    fn start_child<R: Send + 'static>(
        &self,
        id: &str,
        spec: ChildSpec<R>,
    ) -> impl Future<Output = Result<R, ChildError>> + Send {
        let (sender, receiver) = oneshot::channel();
        let id = id.to_owned();
        let unbound = UnboundSpec(Box::new(move |cells| {
            let (stub, spec) = spec.bind(cells.added(), &id);
            // Fails if the caller no longer waits.
            let _ = sender.send(stub);
            spec
        }));
        let call = self.supervisor().add(LocalOnly(unbound)).forever();
        async move {
            call.await.map_err(add_error)??;
            receiver.await.map_err(|_| ChildError::NoProc)
        }
    }

    /// Stops a child and waits until it is gone. Its spec is kept, unless the child is temporary.
    ///
    /// Cancel-safe: the child stops also if the future is dropped. From OTP's
    /// [`terminate_child`](https://www.erlang.org/doc/apps/stdlib/supervisor.html#terminate_child/2).
    ///
    /// # Errors
    /// - [`ChildError::NotFound`]: the supervisor has no such child.
    /// - [`ChildError::NoProc`], [`ChildError::Call`]: the supervisor cannot be reached.
    fn terminate_child(&self, child: impl Into<ChildId>) -> impl Future<Output = Result<(), ChildError>> + Send {
        let call = self.supervisor().terminate(child.into()).forever();
        async move { call.await? }
    }

    /// Starts a child that is down: one that was terminated, or that exited in good order. Returns its process, or `None`
    /// if the child ended normally in its `init`.
    ///
    /// Cancel-safe: the child starts also if the future is dropped. From OTP's
    /// [`restart_child`](https://www.erlang.org/doc/apps/stdlib/supervisor.html#restart_child/2).
    ///
    /// # Errors
    /// - [`ChildError::NotFound`]: the supervisor has no such child.
    /// - [`ChildError::Running`], [`ChildError::Restarting`]: the child is not down.
    /// - [`ChildError::Start`]: the child's `init` failed. The child stays down.
    /// - [`ChildError::NoProc`], [`ChildError::Call`]: the supervisor cannot be reached.
    fn restart_child(&self, child: impl Into<ChildId>) -> impl Future<Output = Result<Option<Pid>, ChildError>> + Send {
        let call = self.supervisor().restart(child.into()).forever();
        async move { call.await? }
    }

    /// Removes a child that is down, with its spec.
    ///
    /// Cancel-safe: the child is removed also if the future is dropped. From OTP's
    /// [`delete_child`](https://www.erlang.org/doc/apps/stdlib/supervisor.html#delete_child/2).
    ///
    /// # Errors
    /// - [`ChildError::NotFound`]: the supervisor has no such child.
    /// - [`ChildError::Running`], [`ChildError::Restarting`]: the child is not down. Terminate it first.
    /// - [`ChildError::NoProc`], [`ChildError::Call`]: the supervisor cannot be reached.
    fn delete_child(&self, child: impl Into<ChildId>) -> impl Future<Output = Result<(), ChildError>> + Send {
        let call = self.supervisor().delete(child.into()).forever();
        async move { call.await? }
    }

    /// Stops the children in reverse order, then the supervisor. Resolves with the supervisor's exit reason when all are
    /// gone.
    ///
    /// Cancel-safe: the tree stops also if the future is dropped.
    fn stop(&self) -> impl Future<Output = Exit> + Send + use<Self> {
        Stub::stop(self.supervisor(), Exit::shutdown())
    }

    /// Waits for the exit of the supervisor and returns its reason, as [`Stub::ended`]. Cancel-safe.
    ///
    /// The supervisor exits after a [`stop`](TreeStub::stop), when it gives up, and by its automatic shutdown.
    fn ended(&self) -> impl Future<Output = Exit> + Send + use<Self> {
        Stub::ended(self.supervisor())
    }
}

/// Returns the error of a request to add a child, which contains code and so cannot leave its node.
pub(super) fn add_error(error: CallError) -> ChildError {
    match error.kind {
        CallErrorKind::Encode(_) => ChildError::RemoteSupervisor,
        _ => ChildError::from(error),
    }
}

// A supervisor's stub has both traits, whose `stop` and `ended` would be ambiguous.
impl SupervisionRef {
    /// Stops the children in reverse order, then the supervisor, as [`TreeStub::stop`].
    ///
    /// To stop it with another reason than `shutdown`, call [`Stub::stop(&supervisor, reason)`](Stub::stop). Cancel-safe:
    /// the tree stops also if the future is dropped.
    pub fn stop(&self) -> impl Future<Output = Exit> + Send + use<> {
        Stub::stop(self, Exit::shutdown())
    }

    /// Waits for the exit of the supervisor and returns its reason, as [`TreeStub::ended`]. Cancel-safe.
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
