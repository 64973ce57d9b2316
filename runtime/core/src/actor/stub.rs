//! Stubs: the typed handles through which others send to a process, observe it and end it.

use std::fmt::Debug;
use std::future::Future;
use std::hash::Hash;

use super::Sys;
use crate::base::{DeserializeOwned, Exit, NameError, NodeName, Pid, Protocol, Receives, Serialize};
use crate::call::{Address, Recipient};
use crate::log;
use crate::node::Node;
use crate::observe::ReportKind;

/// A protocol that has a stub. `#[protocol]` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a protocol",
    label = "the enum needs `#[protocol]`",
    note = "write `#[protocol]` on the enum `{Self}`"
)]
pub trait Stubbed: Protocol {
    /// The stub that `#[protocol]` generates.
    type Ref: Stub<Protocol = Self>;
}

/// The operations of every stub, beside the messages of its protocol.
///
/// A stub is direct (one process), following (a supervised child over its restarts) or named (the process that has a
/// registered name at the time of each message). A global stub is for the process that has a global name in the cluster.
/// Stubs are cheap to clone, compare by receiver, and can be sent to other nodes.
///
/// A message of the protocol hides an operation of the same name; `Stub::exit(&stub, ..)` still calls the operation.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the stub of a process",
    label = "expected a stub, such as `spawn` returns",
    note = "a stub comes from `spawn` or `start`, from `cx.me()`, by name (`MailRef::named(..)`), or inside a message"
)]
pub trait Stub: Clone + Eq + Hash + Debug + Send + Sync + Serialize + DeserializeOwned + 'static {
    /// The protocol of the receiver.
    type Protocol: Stubbed<Ref = Self>;

    #[doc(hidden)]
    fn __new(address: Address<Self::Protocol>) -> Self;

    #[doc(hidden)]
    fn __address(&self) -> &Address<Self::Protocol>;

    /// Returns the process's pid.
    ///
    /// `None` for a name or a supervised child on another node, and for a name that is not registered. A supervised child
    /// that is being restarted has a pid when its start has succeeded.
    fn pid(&self) -> Option<Pid> {
        self.__address().pid()
    }

    /// Returns `true` if the process is on this node and its exit has not been decided.
    ///
    /// `false` for every process of another node: Erlang's `is_process_alive/1` is local, too. Also `false` for a supervised
    /// child that is being restarted, until its start has succeeded.
    fn is_alive(&self) -> bool {
        self.__address().is_alive()
    }

    /// Sends an exit signal, which ends the process with `reason` unless it traps exits.
    ///
    /// [`Exit::Kill`] cannot be trapped, and ends the process with [`Exit::Killed`]. A process that does not trap exits
    /// ignores [`Exit::Normal`] from others. The signal is dropped if the process is a supervised child that is being
    /// restarted and has not begun to start. The model is
    /// [`exit/2`](https://www.erlang.org/doc/apps/erts/erlang.html#exit/2).
    fn exit(&self, reason: Exit) {
        self.__address().exit(reason);
    }

    /// Stops the process, and resolves with its exit reason when it has exited.
    ///
    /// A server first handles the messages that were sent before, and runs its `#[terminate]`. Any other process ends at
    /// its next `.await` that has to wait. The model is
    /// [`gen_server:stop/3`](https://www.erlang.org/doc/apps/stdlib/gen_server.html#stop/3).
    ///
    /// A process that stops itself, or a tree that it is part of, cannot wait for that: the future resolves at once, and the
    /// process stops after the current handler or at its next `.await`. If processes that wait for each other form a cycle,
    /// the future of one of them resolves with [`Exit::Cycle`].
    ///
    /// A supervised child that is being restarted stops if it has begun to start. Otherwise the future resolves at once,
    /// with the reason of the child's last exit. The supervisor restarts the child in both cases.
    ///
    /// Cancel-safe: the request is sent before this returns, so the process stops even if the future is dropped. The
    /// future does not borrow the stub and can be spawned.
    fn stop(&self, reason: Exit) -> impl Future<Output = Exit> + Send + use<Self> {
        self.__address().stop_and_wait(reason)
    }

    /// Resolves with the exit reason when the process has exited; with [`Exit::NoProc`] if there is no process.
    ///
    /// For a supervised child that is being restarted, the future waits for the exit of the next incarnation. It resolves
    /// with [`Exit::NoProc`] if no restart is planned any more. The process is monitored before this returns. A direct stub on the process's own node resolves with the reason
    /// even if the process exited earlier. Cancel-safe. The future does not borrow the stub and can be spawned:
    /// `tokio::spawn(stub.ended())`.
    fn ended(&self) -> impl Future<Output = Exit> + Send + use<Self> {
        self.__address().ended()
    }

    /// Returns a handle for system requests to a server: to show its state, change it, or suspend the server.
    fn sys(&self) -> Sys<Self> {
        Sys::new(self.clone())
    }

    /// Returns a [`Recipient`]: this stub reduced to events of type `E`.
    fn recipient<E>(&self) -> Recipient<E>
    where
        Self::Protocol: Receives<E>,
    {
        Recipient::of(self.__address())
    }

    /// Registers a process of this node under a name. The name is free again when the process exits.
    ///
    /// # Errors
    /// - The name is taken.
    /// - The name is invalid: a name has 1 to 255 bytes and does not begin with `/`.
    /// - The process has a name, has exited, or is on another node.
    fn register(name: &str, stub: &Self) -> Result<(), NameError> {
        stub.__address().register(name)
    }

    /// Removes a name from the registry of the current node.
    ///
    /// # Errors
    /// The name is not registered.
    ///
    /// # Panics
    /// Outside of any node, like [`Node::current`].
    #[track_caller]
    fn unregister(name: &str) -> Result<(), NameError> {
        Node::current().names().unregister(name)
    }

    /// Returns a named stub for a name on the current node. The name is looked up for each message.
    ///
    /// # Panics
    /// Outside of any node, like [`Node::current`]. Use [`Node::named`] there.
    #[track_caller]
    fn named(name: &str) -> Self {
        Node::current().named(name)
    }

    /// Returns a named stub for a name on another node. The name is looked up there for each message.
    ///
    /// If `node` is not a valid node name, the stub reaches no process.
    ///
    /// # Panics
    /// Outside of any node, like [`Node::current`]. Use [`Node::named_at`] there.
    #[track_caller]
    fn at(name: &str, node: impl AsRef<str>) -> Self {
        Node::current().named_at(name, node)
    }

    /// Returns a stub that follows the owner of a global name, on the current node's view of the cluster.
    ///
    /// Each message is sent to the process that has the name at that moment:
    ///
    /// - A message waits while the name has no owner: a call until its time limit, and a cast as long as it is awaited. The
    ///   next owner receives the messages in their order. A cast that is dropped meanwhile is withdrawn, and counts as lost.
    /// - A call that was sent fails if its owner is lost: with the owner's exit reason, or with
    ///   [`CallErrorKind::NoConnection`](crate::CallErrorKind::NoConnection). It is not repeated, since the owner may have
    ///   handled it.
    /// - Without an owner, [`pid`](Stub::pid) is `None`, exit signals and requests to stop are dropped, and monitors, links
    ///   and [`ended`](Stub::ended) report [`Exit::NoProc`]. With one, they are for that process, also when the name has
    ///   another owner later. An event of a [`Recipient`] does not wait, and fails with
    ///   [`CastError::NoProc`](crate::CastError::NoProc).
    ///
    /// In a message to another node the stub follows the owner there.
    ///
    /// # Panics
    /// Outside of any node, like [`Node::current`]. Use [`Node::global`] there.
    #[cfg(feature = "registry")]
    #[track_caller]
    fn global(name: &str) -> Self {
        Node::current().global(name)
    }
}

/// A handle of a process: every stub, and every [`Recipient`]. It can be linked and monitored.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the stub of a process",
    label = "expected a stub, such as `spawn` returns",
    note = "a stub comes from `spawn` or `start`, from `cx.me()`, by name (`MailRef::named(..)`), or inside a message"
)]
pub trait ProcessHandle {
    /// Returns the process without its protocol.
    #[doc(hidden)]
    fn __erased(&self) -> Recipient<()>;
}

#[diagnostic::do_not_recommend]
impl<S: Stub> ProcessHandle for S {
    fn __erased(&self) -> Recipient<()> {
        Recipient::of(self.__address())
    }
}

#[diagnostic::do_not_recommend]
impl<E> ProcessHandle for Recipient<E> {
    fn __erased(&self) -> Recipient<()> {
        self.for_event()
    }
}

impl Node {
    /// Returns a named stub for a name on this node. The name is looked up for each message.
    pub fn named<S: Stub>(&self, name: &str) -> S {
        S::__new(Address::named(self.clone(), name, None))
    }

    /// Returns a stub that follows the owner of a global name, as [`Stub::global`].
    #[cfg(feature = "registry")]
    pub fn global<S: Stub>(&self, name: &str) -> S {
        S::__new(Address::global(self.clone(), name))
    }

    /// Returns a named stub for a name on `node`. The name is looked up there for each message.
    ///
    /// If `node` is not a valid node name, the stub reaches no process.
    pub fn named_at<S: Stub>(&self, name: &str, node: impl AsRef<str>) -> S {
        let at = NodeName::new(node.as_ref()).unwrap_or_else(|error| {
            self.report(ReportKind::InvalidNodeName, || {
                log::warn!(target: "greenroom", error = %log::Escaped(&error), "a stub for an invalid node name reaches no process");
            });
            NodeName::none()
        });
        S::__new(Address::named(self.clone(), name, Some(at)))
    }
}
