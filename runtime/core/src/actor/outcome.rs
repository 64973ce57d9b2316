//! The types that handlers, hooks and process functions can return.

use crate::base::Exit;

/// A return type of a handler that has no answer: `()`, or a `Result` whose error ends the process.
#[diagnostic::on_unimplemented(
    message = "a `#[cast]` or hook cannot return `{Self}`",
    label = "expected `()`, or a `Result<(), E>` where `E` is an error",
    note = "a cast has no answer: make the method a `#[call]` to return a value"
)]
pub trait Outcome {
    /// Returns the exit reason, if there is one.
    ///
    /// # Errors
    /// The handler's error.
    fn into_outcome(self) -> Result<(), Exit>;
}

#[diagnostic::do_not_recommend]
impl Outcome for () {
    fn into_outcome(self) -> Result<(), Exit> {
        Ok(())
    }
}

/// The outcome of a function that never returns.
#[diagnostic::do_not_recommend]
impl Outcome for Never {
    fn into_outcome(self) -> Result<(), Exit> {
        self
    }
}

/// The type `!`, which stable Rust does not accept as an implementor.
type Never = <fn() -> ! as Returns>::Value;

/// A function type, for its return type.
pub trait Returns {
    /// The return type.
    type Value;
}

impl<T> Returns for fn() -> T {
    type Value = T;
}

impl<E: Failure> Outcome for Result<(), E> {
    fn into_outcome(self) -> Result<(), Exit> {
        self.map_err(Failure::into_exit)
    }
}

/// An error that converts into an exit reason: each that `?` converts into an [`Exit`], and `Exit` itself.
///
/// [`Reason`](crate::Reason) lists the types that convert.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the reason of an exit",
    label = "the error of this `Result` does not convert into an `Exit`",
    note = "return `Result<(), Exit>`, and make the reason with `Exit::error(..)`, which takes any text",
    note = "or return an error of your own that implements `std::error::Error`"
)]
pub trait Failure {
    /// Converts the error into an exit reason.
    fn into_exit(self) -> Exit;
}

#[diagnostic::do_not_recommend]
impl<E: Into<Exit>> Failure for E {
    fn into_exit(self) -> Exit {
        self.into()
    }
}
