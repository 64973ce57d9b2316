//! The values that `main`, a test and a test's scenario may return.

use std::fmt::Display;

/// A value that `main` or a test may return: `()`, or a `Result<(), E>` whose error implements `Display`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned from `main` or a test",
    label = "expected `()` or `greenroom::Result`"
)]
pub trait Termination {
    /// Returns the error's text, or `None` after success.
    fn failure(self) -> Option<String>;
}

#[diagnostic::do_not_recommend]
impl Termination for () {
    fn failure(self) -> Option<String> {
        None
    }
}

#[diagnostic::do_not_recommend]
impl<E: Display> Termination for Result<(), E> {
    fn failure(self) -> Option<String> {
        self.err().map(|error| error.to_string())
    }
}
