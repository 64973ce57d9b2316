//! The state of a process as bytes, which another release of the program can read.
//!
//! The bytes have the name and the [shape](crate::shape) of the state's type before them. The reader has four ways to
//! make its own state of them, of which it takes the first that is possible:
//!
//! 1. The shapes are equal: the state is read by position.
//! 2. A function with `#[upgrade]` takes a type with exactly this shape: an earlier form of the state.
//! 3. The state is read by names, as serde's rules say.
//! 4. A function with `#[upgrade]` takes a type that can be read by names.

#[cfg(feature = "net")]
mod encoded;
#[cfg(feature = "net")]
mod handover;
#[cfg(feature = "upgrade")]
mod hold;
#[cfg(feature = "net")]
mod portability;
#[cfg(feature = "net")]
mod resumed;
#[cfg(feature = "net")]
mod take;
#[cfg(all(test, feature = "net"))]
mod tests;
#[cfg(not(feature = "net"))]
mod without_net;

#[cfg(feature = "net")]
pub use encoded::{OldState, StateType};
#[cfg(feature = "net")]
pub use handover::Handover;
#[cfg(feature = "upgrade")]
pub(super) use hold::hold;
#[cfg(feature = "net")]
pub use portability::Portability;
#[cfg(feature = "net")]
pub(crate) use resumed::Resumed;
#[cfg(feature = "net")]
pub use take::UpgradePoint;
#[cfg(feature = "net")]
pub(super) use take::hand_over;
#[cfg(feature = "net")]
pub(crate) use take::take_state;
#[cfg(not(feature = "net"))]
pub use without_net::{OldState, Portability, Portable, StateType};

use crate::actor::Failure;
use crate::base::Exit;

/// An actor whose state another process can continue, also one of another release of the program.
///
/// `#[actor(upgrade)]` implements it, for a struct or an enum with serde's traits. The state is handed over in a message, as
/// a [`Handover`], or by the runtime:
///
/// - A server hands its state over between two messages. Another process does so where it calls
///   [`Context::upgrade_point`](crate::Context::upgrade_point).
/// - The process ends then, without its `terminate`. Its links and monitors receive the exit reason. The messages that it has
///   not received are lost, as those of a process that has stopped. Its successor links and monitors anew.
///   In the [upgrade](crate::Node::upgrade) of a node they are kept: the same process continues.
/// - The successor is made of the state: its `start` expression and `#[init]` do not run, nor does `#[continue_with]`.
///   `#[resumed]` runs, or [`Process::resumed`](crate::Process::resumed).
/// - A process whose state cannot be encoded, since it contains a [`Reply`](crate::Reply) for instance, goes on. The option `otherwise` determines its further treatment.
#[diagnostic::on_unimplemented(
    message = "the state of `{Self}` cannot be handed over",
    label = "the struct has no `#[actor(upgrade)]`",
    note = "write `#[actor(upgrade)]` on the struct `{Self}`"
)]
#[cfg(feature = "net")]
pub trait Portable: StateType {
    /// Returns the name of the actor's type, which two releases compare.
    #[doc(hidden)]
    fn __name() -> String;

    /// Calls the first function with `#[upgrade]` whose parameter can be made of the old state.
    #[doc(hidden)]
    fn __upgrade(old: &OldState<'_>) -> Option<Result<Self, Exit>>;
}

/// The treatment of a process whose state is not handed over: the option `otherwise`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Otherwise {
    /// The process starts anew.
    #[default]
    Restart,
    /// The whole upgrade is refused.
    Refuse,
}

/// An actor whose struct has the option `upgrade`. Demanded by an impl with `#[upgrade]` or `#[resumed]`.
#[diagnostic::on_unimplemented(
    message = "`#[upgrade]` and `#[resumed]` need the option `upgrade` on the struct of `{Self}`",
    label = "the struct has no `#[actor(upgrade)]`",
    note = "write `#[actor(upgrade)]` on the struct `{Self}`"
)]
pub trait DeclaredPortable {}

#[cfg(feature = "net")]
#[diagnostic::do_not_recommend]
impl<A: Portable> DeclaredPortable for A {}

/// The return type of a function with `#[upgrade]`: the actor `A`, or a `Result` of it.
#[diagnostic::on_unimplemented(
    message = "an `#[upgrade]` function cannot return `{Self}`",
    label = "expected `Self`, or a `Result<Self, E>` where `E` is an error",
    note = "the function makes the actor `{A}` of an old state"
)]
pub trait Upgraded<A> {
    /// Returns the actor.
    ///
    /// # Errors
    /// The reason why the function made none.
    fn into_result(self) -> Result<A, Exit>;
}

#[diagnostic::do_not_recommend]
impl<A> Upgraded<A> for A {
    fn into_result(self) -> Result<A, Exit> {
        Ok(self)
    }
}

#[diagnostic::do_not_recommend]
impl<A, E: Failure> Upgraded<A> for Result<A, E> {
    fn into_result(self) -> Result<A, Exit> {
        self.map_err(Failure::into_exit)
    }
}

/// The upgrade of an actor that has no function with `#[upgrade]`.
///
/// An actor with such functions has a function of this name itself, and a function of a type has priority over one of a
/// trait.
pub trait NoUpgrade: Sized {
    /// Returns `None`.
    fn __upgrade_functions(_: &OldState<'_>) -> Option<Result<Self, Exit>> {
        None
    }
}

impl<A> NoUpgrade for A {}

/// Returns the name of an actor with type arguments.
#[must_use]
pub fn generic_name(name: &str, arguments: &[&str]) -> String {
    format!("{name}<{}>", arguments.join(", "))
}
