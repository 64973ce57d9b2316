//! The parts of an actor that `#[actor]` on a struct defines: its protocol and its options.

use super::{Portability, Stubbed};
use crate::mailbox::{Bounds, Overflow};

/// A type that has a protocol, and so can be a process. [`#[actor]`](attr.actor.html) implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an actor",
    label = "has no protocol",
    note = "write `#[actor(protocol = ..)]` on it, or `#[actor]` on it and on an impl with `#[cast]` and `#[call]` methods"
)]
pub trait Actor: Sized + 'static {
    /// The enum of the messages that the actor receives.
    type Protocol: Stubbed;

    /// The options in `#[actor(..)]`.
    const OPTIONS: Options = Options::DEFAULT;

    /// Returns the name of the type, with its type arguments: other nodes start the actor by it.
    #[doc(hidden)]
    fn __type_name() -> String {
        Self::OPTIONS.kind.to_owned()
    }

    /// Returns the registered name, if it is made from the actor.
    #[doc(hidden)]
    fn __name(&self) -> Option<String> {
        None
    }
}

/// The stub of an actor.
pub type Ref<A> = <<A as Actor>::Protocol as Stubbed>::Ref;

/// The options in `#[actor(..)]`.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The actor's type, as crash reports and metrics name it.
    pub kind: &'static str,
    /// The name under which each process of this type is registered before its `init`, if it is the same for all.
    pub name: Option<&'static str>,
    /// Makes exit signals messages instead of ending the process.
    pub trap_exit: bool,
    /// The number of messages that the mailbox holds; `None` for an unbounded mailbox.
    pub mailbox: Option<usize>,
    /// The effect of a message to a full mailbox.
    pub overflow: Overflow,
    /// Allows system requests: see [`Sys`](super::Sys).
    pub sys: bool,
    /// The functions for the state of the actor, if it is [`Portable`](super::Portable).
    pub portability: Option<Portability>,
}

impl Options {
    /// The defaults: no name, exit signals end the process, an unbounded mailbox, no system requests, not portable.
    pub const DEFAULT: Options = Options {
        kind: "process",
        name: None,
        trap_exit: false,
        mailbox: None,
        overflow: Overflow::Wait,
        sys: false,
        portability: None,
    };

    pub(crate) fn bounds(&self) -> Option<Bounds> {
        self.mailbox.map(|capacity| Bounds { capacity, overflow: self.overflow })
    }
}
