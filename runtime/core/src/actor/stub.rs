use std::fmt::Debug;
use std::future::Future;
use std::hash::Hash;

use super::Sys;
use crate::base::{DeserializeOwned, Exit, NameError, NodeName, Pid, Protocol, Receives, Serialize};
use crate::call::{Address, Recipient};
use crate::log;
use crate::node::Node;

/// A protocol with its stub.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no protocol",
    label = "the enum needs `#[protocol]`",
    note = "write `#[protocol]` on the enum `{Self}`"
)]
pub trait Stubbed: Protocol {
    /// The stub that `#[protocol]` made.
    type Ref: Stub<Protocol = Self>;
}

/// What every stub can do beside its protocol's own messages.
///
/// These are a trait's functions, so that a message called `Exit` or `Named` never clashes: the message wins,
/// the trait's function stays reachable as `Stub::exit(&mail, ..)`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the stub of a process",
    label = "expected a stub, as `spawn` gives it",
    note = "a stub comes from `spawn` or `start`, from `cx.me()`, by name (`MailRef::named(..)`), or inside a message"
)]
pub trait Stub: Clone + Eq + Hash + Debug + Send + Sync + Serialize + DeserializeOwned + 'static {
    /// What may be said through it.
    type Protocol: Stubbed<Ref = Self>;

    #[doc(hidden)]
    fn __new(address: Address<Self::Protocol>) -> Self;

    #[doc(hidden)]
    fn __address(&self) -> &Address<Self::Protocol>;

    /// The process's identity; `None` for a name on another node, for a name that nobody has, and for a child
    /// that is just being restarted.
    fn pid(&self) -> Option<Pid> {
        self.__address().pid()
    }

    /// Whether the process lives on this node and nothing has been decided to the contrary. As with Erlang's
    /// `is_process_alive/1`, a process on another node counts as not alive.
    fn is_alive(&self) -> bool {
        self.__address().is_alive()
    }

    /// Sends an exit signal: the process ends for `reason` unless it traps exits; [`Exit::Kill`] cannot be
    /// trapped, [`Exit::Normal`] does nothing to others. As
    /// [`exit/2`](https://www.erlang.org/doc/apps/erts/erlang.html#exit/2).
    fn exit(&self, reason: Exit) {
        self.__address().exit(reason);
    }

    /// Asks the process to stop and waits until it has: a server handles what was sent before and runs its
    /// `#[terminate]`, any other process ends at its next `.await`. The reason it ended for is returned. As
    /// [`gen_server:stop/3`](https://www.erlang.org/doc/apps/stdlib/gen_server.html#stop/3).
    ///
    /// Cancel-safe: the process stops all the same. The future does not borrow the stub, so it can be spawned.
    fn stop(&self, reason: Exit) -> impl Future<Output = Exit> + Send + use<Self> {
        let ended = self.__address().ended();
        self.__address().stop(reason);
        ended
    }

    /// Resolves when the process has ended, with the reason: [`Exit::NoProc`] if there was none. The stub that
    /// `spawn` gave knows the reason even if the process ended before this was called. It is being watched when this
    /// returns, and the future can be spawned: `tokio::spawn(stub.ended())`. Cancel-safe.
    fn ended(&self) -> impl Future<Output = Exit> + Send + use<Self> {
        self.__address().ended()
    }

    /// The server itself, rather than what it understands: to look at its state, change it, let it rest.
    fn sys(&self) -> Sys<Self> {
        Sys::new(self.clone())
    }

    /// The stub narrowed to events of one type, for those who need not know the rest of the protocol.
    fn recipient<E>(&self) -> Recipient<E>
    where
        Self::Protocol: Receives<E>,
    {
        Recipient::of(self.__address())
    }

    /// Gives a process of this node a name. It is free again when the process ends.
    ///
    /// # Errors
    /// The name is taken or is none (it has 1 to 255 bytes, and does not begin with `/`), the process has one
    /// already, or it has ended or lives elsewhere.
    fn register(name: &str, stub: &Self) -> Result<(), NameError> {
        stub.__address().register(name)
    }

    /// Takes a name away from whoever has it on the current node.
    ///
    /// # Errors
    /// Nobody has it.
    ///
    /// # Panics
    /// Outside of any node, as [`Node::current`].
    #[track_caller]
    fn unregister(name: &str) -> Result<(), NameError> {
        Node::current().names().unregister(name)
    }

    /// Whoever has this name on the current node, looked up for each message.
    ///
    /// # Panics
    /// Outside of any node, as [`Node::current`]; there use [`Node::named`].
    #[track_caller]
    fn named(name: &str) -> Self {
        Node::current().named(name)
    }

    /// Whoever has this name on another node, looked up there for each message.
    ///
    /// A text that is no node name gives a stub that reaches nobody.
    ///
    /// # Panics
    /// Outside of any node, as [`Node::current`]; there use [`Node::named_at`].
    #[track_caller]
    fn at(name: &str, node: impl AsRef<str>) -> Self {
        Node::current().named_at(name, node)
    }
}

impl Node {
    /// Whoever has this name here, looked up for each message.
    pub fn named<S: Stub>(&self, name: &str) -> S {
        S::__new(Address::named(self.clone(), name, None))
    }

    /// Whoever has this name on `node`, looked up there for each message.
    ///
    /// A text that is no node name gives a stub that reaches nobody.
    pub fn named_at<S: Stub>(&self, name: &str, node: impl AsRef<str>) -> S {
        let at = NodeName::new(node.as_ref()).unwrap_or_else(|error| {
            log::warn!(target: "greenroom", %error, "a stub that reaches nobody");
            NodeName::nobody()
        });
        S::__new(Address::named(self.clone(), name, Some(at)))
    }
}
