//! The reasons for which an upgrade is abandoned.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::{error, fmt, io};

use crate::log;

/// The reason why a node was not upgraded, or cannot be. The node serves on.
#[derive(Debug)]
#[non_exhaustive]
pub enum UpgradeError {
    /// The successor cannot be started: the file does not exist, is not executable, or is not a program.
    Start(PathBuf, io::Error),
    /// The successor has exited. Its standard error has the reason.
    Exited(ExitStatus),
    /// The connection to the successor has failed.
    Disconnected(io::Error),
    /// The successor uses another version of greenroom, which cannot take over from this one. The number is the version
    /// of the messages between the two.
    Version(u32),
    /// The successor cannot take over, for this reason.
    Refused(String),
    /// The successor has sent a message that does not belong to this phase.
    Unexpected(UpgradePhase),
    /// The successor or the node was not done with this phase in time.
    TimedOut(UpgradePhase),
    /// A supervisor, or a process with the option `otherwise = refuse`, did not become quiet in time. The text is its path,
    /// or its pid.
    NotQuiet(String),
    /// A supervisor, or a process with the option `otherwise = refuse`, cannot be handed over, for this reason.
    NotHandedOver(String, String),
    /// A process has ended after it was written down.
    Ended(String),
    /// A process cannot be written down, for this reason.
    Unwritten(String),
    /// A listening socket cannot be handed over.
    Socket(io::Error),
    /// The node is being upgraded already, or was.
    Running,
    /// The node stops.
    Stopping,
}

/// A phase of an upgrade, before the commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpgradePhase {
    /// The successor starts and accepts the plan.
    Plan,
    /// The node becomes quiet.
    Pause,
    /// The successor takes over and becomes ready.
    HandOver,
}

impl fmt::Display for UpgradePhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            UpgradePhase::Plan => "plan",
            UpgradePhase::Pause => "pause",
            UpgradePhase::HandOver => "hand-over",
        })
    }
}

impl fmt::Display for UpgradeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UpgradeError::Start(path, _) => write!(f, "cannot start the successor {}", log::Escaped(path.display())),
            UpgradeError::Exited(status) => {
                write!(f, "the successor has exited ({status}) before it was ready; its standard error has the reason")
            }
            UpgradeError::Disconnected(_) => f.write_str("the connection to the successor has failed"),
            UpgradeError::Version(version) => {
                write!(f, "the successor cannot take over from this release of greenroom: its version is {version}")
            }
            UpgradeError::Refused(reason) => write!(f, "the successor cannot take over: {}", log::Escaped(reason)),
            UpgradeError::Unexpected(phase) => write!(f, "the successor has sent an unexpected message in the {phase}"),
            UpgradeError::TimedOut(UpgradePhase::Plan) => {
                f.write_str("the successor has not started a node in time; its `main` starts one, with the same name")
            }
            UpgradeError::TimedOut(UpgradePhase::Pause) => f.write_str("the node did not become quiet in time"),
            UpgradeError::TimedOut(UpgradePhase::HandOver) => f.write_str(
                "the successor was not ready in time; it starts the node and accepts at each `greenroom::listener` of \
                 the predecessor, or drops it",
            ),
            UpgradeError::NotQuiet(process) => {
                write!(f, "{} did not become quiet in time: it still handles a message", log::Escaped(process))
            }
            UpgradeError::NotHandedOver(process, reason) => {
                write!(f, "{} cannot be handed over: {}", log::Escaped(process), log::Escaped(reason))
            }
            UpgradeError::Ended(process) => write!(f, "{} has ended during the upgrade", log::Escaped(process)),
            UpgradeError::Unwritten(reason) => write!(f, "a process cannot be written down: {}", log::Escaped(reason)),
            UpgradeError::Socket(_) => f.write_str("a listening socket cannot be handed over"),
            UpgradeError::Running => f.write_str("an upgrade of this node is running"),
            UpgradeError::Stopping => f.write_str("the node stops"),
        }
    }
}

impl error::Error for UpgradeError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            UpgradeError::Start(_, error) | UpgradeError::Disconnected(error) | UpgradeError::Socket(error) => {
                Some(error)
            }
            _ => None,
        }
    }
}

impl From<io::Error> for UpgradeError {
    fn from(error: io::Error) -> UpgradeError {
        UpgradeError::Disconnected(error)
    }
}
