//! The error of starting applications.

use std::error::Error;
use std::fmt;

use crate::base::StartError;

/// The reason why an application did not start.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum ApplicationError {
    /// A dependency is not up. As OTP's `{not_started, Dependency}`.
    NotStarted {
        /// The application's name.
        application: String,
        /// The dependency's name.
        dependency: String,
    },
    /// An application of this name has been started on the node. As OTP's `{already_started, Application}`.
    AlreadyStarted(String),
    /// Two applications of one [`Applications`](super::Applications) have this name.
    DuplicateName(String),
    /// The applications of one [`Applications`](super::Applications) depend on each other: each on the next, the last on
    /// the first.
    Cycle(Vec<String>),
    /// A child of the application's tree did not start. The children that had started are stopped again.
    Tree {
        /// The application's name.
        application: String,
        /// The child and its reason.
        error: StartError,
    },
    /// The list of nodes of an application with [`failover`](super::Application::failover) cannot be used.
    Nodes {
        /// The application's name.
        application: String,
        /// The reason.
        reason: String,
    },
    /// The node is stopping and starts no further application.
    Stopping(String),
}

impl fmt::Display for ApplicationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ApplicationError::NotStarted { application, dependency } => {
                write!(f, "application `{application}` depends on `{dependency}`, which is not running: start it first")
            }
            ApplicationError::AlreadyStarted(name) => write!(f, "application `{name}` is running already"),
            ApplicationError::DuplicateName(name) => write!(f, "two applications have the name `{name}`"),
            ApplicationError::Cycle(names) => {
                f.write_str("applications depend on each other in a cycle")?;
                let dependencies = names.iter().cycle().skip(1);
                for (at, (name, dependency)) in names.iter().zip(dependencies).enumerate() {
                    let separator = if at == 0 { ":" } else { "," };
                    write!(f, "{separator} `{name}` starts after `{dependency}`")?;
                }
                Ok(())
            }
            ApplicationError::Tree { application, .. } => write!(f, "application `{application}` did not start"),
            ApplicationError::Nodes { application, reason } => {
                write!(f, "the nodes of application `{application}` cannot be used: {reason}")
            }
            ApplicationError::Stopping(name) => write!(f, "application `{name}` cannot start: the node is stopping"),
        }
    }
}

impl Error for ApplicationError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            ApplicationError::Tree { error, .. } => Some(error),
            _ => None,
        }
    }
}
