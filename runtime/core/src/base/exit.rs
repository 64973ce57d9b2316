use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::CallError;

/// Why a process ended, or shall end. The reason of an exit signal and of a `Down`.
///
/// `?` turns any error into one, so "let it crash" is one character; for that reason `Exit` itself is no
/// [`std::error::Error`] (as `anyhow::Error` is none). The model is Erlang's
/// [exit reasons](https://www.erlang.org/doc/system/ref_man_processes.html). Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Exit {
    /// Its work is done. Links ignore it.
    Normal,
    /// It was told to stop, or decided so, in good order; the text says more where there is more to say.
    Shutdown(Option<Arc<str>>),
    /// As a signal sent by `exit`: cannot be trapped, the process ends with [`Killed`](Exit::Killed). As
    /// the reason of a process that ended itself: an ordinary reason.
    Kill,
    /// It was killed.
    Killed,
    /// There is no such process, or no longer.
    NoProc,
    /// The node it lives on cannot be reached.
    NoConnection,
    /// It panicked.
    #[non_exhaustive]
    Panic {
        /// What the panic said.
        message: Arc<str>,
        /// File, line and column, where known.
        location: Arc<str>,
    },
    /// It returned an error.
    #[non_exhaustive]
    Error {
        /// The error's text, with its sources.
        message: Arc<str>,
    },
}

impl Exit {
    /// A stop in good order, without further words.
    pub fn shutdown() -> Exit {
        Exit::Shutdown(None)
    }

    /// The signal that cannot be trapped.
    pub fn kill() -> Exit {
        Exit::Kill
    }

    /// An error in one's own words, for where there is no error type to `?`.
    pub fn error(message: impl fmt::Display) -> Exit {
        Exit::Error { message: message.to_string().into() }
    }

    pub(crate) fn panic(message: &str, location: &str) -> Exit {
        Exit::Panic { message: message.into(), location: location.into() }
    }

    /// Whether nothing went wrong: normal or a shutdown. A transient child is then not restarted.
    pub fn is_orderly(&self) -> bool {
        matches!(self, Exit::Normal | Exit::Shutdown(_))
    }
}

/// An error ends the process with its text and its sources'; a [`CallError`] keeps the callee's own reason.
/// What `?` makes an [`Exit`] of: any error.
///
/// A text is no error type; [`Exit::error`] makes a reason of it.
#[diagnostic::on_unimplemented(
    message = "a process cannot end for a `{Self}`",
    label = "no error type: write `.map_err(Exit::error)?`, which takes any text",
    note = "or use an error of your own that implements `std::error::Error`"
)]
pub trait Reason: std::error::Error + 'static {}

#[diagnostic::do_not_recommend]
impl<E: std::error::Error + 'static> Reason for E {}

impl<E: Reason> From<E> for Exit {
    fn from(error: E) -> Exit {
        if let Some(call) = (&error as &dyn Any).downcast_ref::<CallError>() {
            match call {
                CallError::Exit(reason) => return reason.clone(),
                CallError::NoProc => return Exit::NoProc,
                CallError::NoConnection => return Exit::NoConnection,
                _ => {}
            }
        }
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        Exit::error(text)
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Normal => f.write_str("normal"),
            Exit::Shutdown(None) => f.write_str("shutdown"),
            Exit::Shutdown(Some(detail)) => write!(f, "shutdown: {detail}"),
            Exit::Kill => f.write_str("kill"),
            Exit::Killed => f.write_str("killed"),
            Exit::NoProc => f.write_str("no such process"),
            Exit::NoConnection => f.write_str("no connection to its node"),
            Exit::Panic { message, location } if location.is_empty() => write!(f, "panicked: {message}"),
            Exit::Panic { message, location } => write!(f, "panicked at {location}: {message}"),
            Exit::Error { message } => f.write_str(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_becomes_a_reason_and_a_call_keeps_the_callees() {
        let missing = std::io::Error::other("no such file");
        assert_eq!(Exit::from(missing), Exit::error("no such file"));
        let reason = Exit::panic("boom", "a.rs:1:1");
        assert_eq!(Exit::from(CallError::Exit(reason.clone())), reason);
        assert_eq!(Exit::from(CallError::NoProc), Exit::NoProc);
        assert_eq!(Exit::from(CallError::NoConnection), Exit::NoConnection);
        assert_eq!(Exit::from(CallError::Timeout), Exit::error("no answer in time"));
    }
}
