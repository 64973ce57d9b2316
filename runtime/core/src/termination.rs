//! The values that `main`, a test and a test's scenario may return.

use std::error::Error;
use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;

use crate::base::Causes;

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
        // The alternate form of an `anyhow::Error` includes its causes.
        self.err().map(|error| format!("{error:#}"))
    }
}

/// The body of a program or a test; it returns the text of its error. It is boxed, so that the code that runs it is
/// compiled once, and not for each program and test.
pub(crate) type Body<'a> = Pin<Box<dyn Future<Output = Option<String>> + 'a>>;

/// Boxes a body.
pub(crate) fn body<'a>(future: impl Future<Output: Termination> + 'a) -> Body<'a> {
    Box::pin(async { future.await.failure() })
}

/// The outcome of `main`, on which the generated code calls `with_causes`.
///
/// An error has causes if it implements [`Error`] or is a boxed one, which [`Termination`] does not require. The three
/// traits below select the implementation by the number of references in front: `(&&&MainOutcome(..)).with_causes()` is the
/// first one that exists for the type.
pub struct MainOutcome<'a, T>(pub &'a T);

/// Describes an outcome whose error implements [`Error`].
pub trait OutcomeOfError {
    /// Returns the texts of the error and its causes, or `None` after success.
    fn with_causes(&self) -> Option<String>;
}

impl<E: Error> OutcomeOfError for &&MainOutcome<'_, Result<(), E>> {
    fn with_causes(&self) -> Option<String> {
        self.0.as_ref().err().map(|error| Causes(error).to_string())
    }
}

/// Describes an outcome whose error is a boxed [`Error`], which does not itself implement [`Error`].
pub trait OutcomeOfBoxedError {
    /// Returns the texts of the error and its causes, or `None` after success.
    fn with_causes(&self) -> Option<String>;
}

impl OutcomeOfBoxedError for &MainOutcome<'_, Result<(), Box<dyn Error>>> {
    fn with_causes(&self) -> Option<String> {
        self.0.as_ref().err().map(|error| Causes(&**error).to_string())
    }
}

impl OutcomeOfBoxedError for &MainOutcome<'_, Result<(), Box<dyn Error + Send + Sync>>> {
    fn with_causes(&self) -> Option<String> {
        self.0.as_ref().err().map(|error| Causes(&**error).to_string())
    }
}

/// Describes no outcome: its error has no causes.
pub trait OtherOutcome {
    /// Returns `None`: [`Termination::failure`] has the text.
    fn with_causes(&self) -> Option<String>;
}

impl<T> OtherOutcome for MainOutcome<'_, T> {
    fn with_causes(&self) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    #[derive(Debug)]
    struct Failed(&'static str, Option<Box<Failed>>);

    impl Display for Failed {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Failed {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|source| source as _)
        }
    }

    #[test]
    // As the generated code writes it: the references select the trait.
    #[expect(clippy::needless_borrow)]
    fn an_error_that_can_have_causes_is_described_with_them() {
        let failed = || Failed("no orders", Some(Box::new(Failed("no file", Some(Box::new(Failed("no disk", None)))))));
        let expected = Some("no orders: no file: no disk".to_owned());
        assert_eq!((&&&MainOutcome(&Err::<(), _>(failed()))).with_causes(), expected);
        let boxed: Result<(), Box<dyn Error>> = Err(failed().into());
        assert_eq!((&&&MainOutcome(&boxed)).with_causes(), expected);
        let sync: Result<(), Box<dyn Error + Send + Sync>> = Err("no disk".into());
        assert_eq!((&&&MainOutcome(&sync)).with_causes(), Some("no disk".to_owned()));
        assert_eq!((&&&MainOutcome(&Ok::<(), Failed>(()))).with_causes(), None);
        // A text, an exit reason and `()` have no causes.
        assert_eq!((&&&MainOutcome(&Err::<(), _>("no disk"))).with_causes(), None);
        assert_eq!((&&&MainOutcome(&Err::<(), _>(crate::Exit::error("no disk")))).with_causes(), None);
        assert_eq!((&&&MainOutcome(&())).with_causes(), None);
    }
}
