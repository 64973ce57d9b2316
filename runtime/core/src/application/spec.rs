//! The options of an application.

use std::fmt;

use crate::base::{Exit, Shutdown};

/// The consequence for the node when an application ends without being stopped.
///
/// From OTP's
/// [`restart_type`](https://www.erlang.org/doc/apps/kernel/application.html#t:restart_type/0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ApplicationKind {
    /// The node stops, whatever the reason.
    Permanent,
    /// The node stops after a failure: any reason but a normal exit or a shutdown.
    ///
    /// A root supervisor that gave up is a failure too. In OTP it is a shutdown.
    Transient,
    /// The end is logged.
    Temporary,
}

impl ApplicationKind {
    /// Returns whether the node stops when an application of this kind ends for this reason.
    pub(super) fn is_fatal(self, reason: &Exit) -> bool {
        match self {
            ApplicationKind::Permanent => true,
            ApplicationKind::Transient => !reason.is_orderly(),
            ApplicationKind::Temporary => false,
        }
    }
}

impl fmt::Display for ApplicationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ApplicationKind::Permanent => "permanent",
            ApplicationKind::Transient => "transient",
            ApplicationKind::Temporary => "temporary",
        })
    }
}

/// The options of an application.
#[derive(Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct ApplicationSpec {
    pub(super) name: String,
    /// The names of the applications that this one depends on.
    pub(super) after: Vec<String>,
    pub(super) kind: ApplicationKind,
    pub(super) shutdown: Shutdown,
}
