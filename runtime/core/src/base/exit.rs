//! Exit reasons.

#[cfg(feature = "net")]
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::Pid;

/// The reason why a process exits: the reason of an exit signal, and of a [`Down`](crate::Down).
///
/// `?` converts errors into it, so a process that cannot handle an error exits with that error: see
/// [`Reason`](super::Reason) for the error types. For this conversion `Exit` itself does not implement
/// [`std::error::Error`], as `anyhow::Error` does not.
///
/// The model is Erlang's [exit reasons](https://www.erlang.org/doc/system/ref_man_processes.html). Cloning is cheap.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Exit {
    /// The process has done its work. Linked processes ignore this reason.
    Normal,
    /// The process was requested to stop, or decided to, in good order. The text has details, if any.
    Shutdown(Option<Arc<str>>),
    /// The reason of an exit signal that cannot be trapped: the process exits with [`Killed`](Exit::Killed). If a
    /// process exits by itself with this reason, it is an ordinary one.
    Kill,
    /// The process was killed.
    Killed,
    /// The process does not exist, or no longer.
    NoProc,
    /// The process's node cannot be reached.
    NoConnection,
    /// The process panicked.
    #[non_exhaustive]
    Panic {
        /// The panic message.
        message: Arc<str>,
        /// File, line and column, or empty if unknown.
        location: Arc<str>,
    },
    /// The process returned an error.
    #[non_exhaustive]
    Error {
        /// The error's text, with those of its sources.
        message: Arc<str>,
    },
    /// The process waited for an exit that could only come after its own: its own exit, or that of a process that waited
    /// for it.
    #[non_exhaustive]
    Cycle {
        /// The cycle: the process, the process that it waited for, and so on.
        pids: Vec<Pid>,
    },
    /// A reason that this version of greenroom does not know, from a node with a later version. The text describes it.
    Other(Arc<str>),
    /// The claim that the process owned is lost, so that the process must not go on as the owner. For example, its global
    /// name has another owner after two parts of a cluster have connected again.
    #[non_exhaustive]
    ClaimLost {
        /// The key of the claim, such as `global/mail`.
        key: Arc<str>,
    },
}

impl Exit {
    /// Returns the reason of a stop in good order, without details.
    pub fn shutdown() -> Exit {
        Exit::Shutdown(None)
    }

    /// Returns the reason of an exit signal that cannot be trapped.
    pub fn kill() -> Exit {
        Exit::Kill
    }

    /// Returns an [`Exit::Error`] with this text, for a failure without an error type.
    pub fn error(message: impl fmt::Display) -> Exit {
        Exit::Error { message: message.to_string().into() }
    }

    pub(crate) fn panic(message: &str, location: &str) -> Exit {
        Exit::Panic { message: message.into(), location: location.into() }
    }

    /// Returns the reason with texts of at most `max` bytes, which is not less than the length of the note on it. A list of
    /// processes becomes a text.
    #[cfg(feature = "net")]
    pub(crate) fn shortened(&self, max: usize) -> Exit {
        let short = |text: &str| Arc::from(shorten(text, max));
        match self {
            Exit::Shutdown(Some(details)) => Exit::Shutdown(Some(short(details))),
            Exit::Panic { message, location } => Exit::Panic { message: short(message), location: short(location) },
            Exit::Error { message } => Exit::Error { message: short(message) },
            Exit::Other(text) => Exit::Other(short(text)),
            Exit::ClaimLost { key } => Exit::ClaimLost { key: short(key) },
            Exit::Cycle { .. } => Exit::Other(short(&self.to_string())),
            other => other.clone(),
        }
    }

    /// Returns the reason of an owner whose claim on `key` is lost. The key of the global name `mail` is
    /// `global/mail`.
    #[must_use]
    pub fn claim_lost(key: impl AsRef<str>) -> Exit {
        Exit::ClaimLost { key: key.as_ref().into() }
    }

    /// Returns whether the process ended in good order: [`Normal`](Exit::Normal) or [`Shutdown`](Exit::Shutdown). A
    /// transient child is not restarted then.
    pub fn is_orderly(&self) -> bool {
        matches!(self, Exit::Normal | Exit::Shutdown(_))
    }
}

/// Returns the text, or its beginning and a note, in at most `max` bytes.
#[cfg(feature = "net")]
pub(crate) fn shorten(text: &str, max: usize) -> Cow<'_, str> {
    if text.len() <= max {
        return Cow::Borrowed(text);
    }
    let note = format!(" … (shortened from {} bytes)", text.len());
    let end = text.floor_char_boundary(max.saturating_sub(note.len()));
    Cow::Owned(format!("{}{note}", &text[..end]))
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
            Exit::NoConnection => f.write_str("no connection to the node"),
            Exit::Panic { message, location } if location.is_empty() => write!(f, "panicked: {message}"),
            Exit::Panic { message, location } => write!(f, "panicked at {location}: {message}"),
            Exit::Error { message } | Exit::Other(message) => f.write_str(message),
            Exit::ClaimLost { key } => write!(f, "the claim on `{}` is lost", key.escape_debug()),
            Exit::Cycle { pids } => {
                f.write_str("the process waited for an exit that could only come after its own: ")?;
                pids.iter().try_for_each(|pid| write!(f, "{pid} waits for "))?;
                pids.first().map_or(Ok(()), |pid| write!(f, "{pid}"))
            }
        }
    }
}
