use std::fmt;

use crate::base::StartError;

/// Why an application did not start.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApplicationError {
    /// One that it comes after is not up. As OTP's `{not_started, Dependency}`.
    NotStarted {
        /// The application.
        application: String,
        /// The one that it comes after.
        dependency: String,
    },
    /// One of this name is on the node, or on its way there. As OTP's `{already_started, Application}`.
    AlreadyStarted(String),
    /// Two that were to start together have this name.
    Twice(String),
    /// These were to start together, and each comes after the next, the last one after the first.
    Cycle(Vec<String>),
    /// Its tree did not start; what had started of it is stopped again.
    Tree {
        /// The application.
        application: String,
        /// The child, and its reason.
        error: StartError,
    },
    /// The node stops, and starts no application any more.
    Stopping(String),
}

impl fmt::Display for ApplicationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ApplicationError::NotStarted { application, dependency } => {
                write!(f, "application `{application}` comes after `{dependency}`, which is not running")
            }
            ApplicationError::AlreadyStarted(name) => write!(f, "application `{name}` is started already"),
            ApplicationError::Twice(name) => write!(f, "two applications are called `{name}`"),
            ApplicationError::Cycle(names) => {
                f.write_str("applications come after each other: ")?;
                for name in names {
                    write!(f, "`{name}` after ")?;
                }
                write!(f, "`{}`", names.first().map_or("", String::as_str))
            }
            ApplicationError::Tree { application, error } => write!(f, "application `{application}`: {error}"),
            ApplicationError::Stopping(name) => write!(f, "application `{name}` cannot start: the node is stopping"),
        }
    }
}

impl std::error::Error for ApplicationError {}
