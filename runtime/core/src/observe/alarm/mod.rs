mod active;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

pub(crate) use active::ActiveAlarms;
pub use active::Alarms;

use super::SourceLine;
use crate::base::Pid;

/// Something is wrong, and stays so until the alarm is cleared.
///
/// After OTP's [`alarm_handler`](https://www.erlang.org/doc/apps/sasl/alarm_handler.html) and the limits of
/// [`erlang:system_monitor/2`](https://www.erlang.org/doc/apps/erts/erlang.html#system_monitor/2).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Alarm {
    /// More messages wait for a process than the node's limit. Cleared when half of that are left, or it ends.
    LongMailbox {
        /// Whose mailbox.
        pid: Pid,
        /// What may be said to it.
        protocol: Cow<'static, str>,
        /// How many messages waited when it was raised.
        length: u64,
    },
    /// A process waits in front of a full mailbox for a message that is not in it. Cleared when it takes one.
    StuckMailbox {
        /// Who waits.
        pid: Pid,
        /// What may be said to it.
        protocol: Cow<'static, str>,
        /// The `receive!` in which it waits.
        at: Option<SourceLine>,
    },
    /// A process has kept a thread for more than 10 ms without an `.await` that waits. Cleared when it lets it go,
    /// with how long that took; a loop that never awaits is never cleared.
    LongSchedule {
        /// Who runs.
        pid: Pid,
        /// What runs there.
        kind: Cow<'static, str>,
        /// How long so far, or in all.
        took: Duration,
        /// The last `receive!` that it was seen in.
        after: Option<SourceLine>,
    },
    /// A child has crashed five times or more, each time within a minute of the last. Cleared when it has not for a
    /// minute, or two at most.
    RestartStorm {
        /// The supervisor's path, as `/ChatTree`.
        supervisor: String,
        /// The child's id there.
        child: String,
        /// How many times it crashed, each within a minute of the one before.
        restarts: u64,
    },
}

/// An alarm comes or goes; from [`Node::alarms`](crate::Node::alarms).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum AlarmEvent {
    /// It is raised.
    Raised(Alarm),
    /// It is over.
    Cleared(Alarm),
    /// Whoever listens was too slow: so many events are lost. What is raised can be asked anew.
    Missed(u64),
}

/// What makes two alarms the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum AlarmKey {
    Process(&'static str, Pid),
    Child(String, String),
}

impl Alarm {
    /// What it is called in metrics and logs, as `long_mailbox`.
    pub fn name(&self) -> &'static str {
        match self {
            Alarm::LongMailbox { .. } => "long_mailbox",
            Alarm::StuckMailbox { .. } => "stuck_mailbox",
            Alarm::LongSchedule { .. } => "long_schedule",
            Alarm::RestartStorm { .. } => "restart_storm",
        }
    }

    /// All names that there are.
    pub const NAMES: &'static [&'static str] = &["long_mailbox", "stuck_mailbox", "long_schedule", "restart_storm"];

    /// The process that it is about, if it is about one.
    pub fn pid(&self) -> Option<&Pid> {
        match self {
            Alarm::LongMailbox { pid, .. } | Alarm::StuckMailbox { pid, .. } | Alarm::LongSchedule { pid, .. } => {
                Some(pid)
            }
            Alarm::RestartStorm { .. } => None,
        }
    }

    pub(crate) fn key(&self) -> AlarmKey {
        match self {
            Alarm::RestartStorm { supervisor, child, .. } => AlarmKey::Child(supervisor.clone(), child.clone()),
            Alarm::LongMailbox { pid, .. } | Alarm::StuckMailbox { pid, .. } | Alarm::LongSchedule { pid, .. } => {
                AlarmKey::Process(self.name(), pid.clone())
            }
        }
    }
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Alarm::LongMailbox { pid, protocol, length } => write!(f, "{length} messages of {protocol} wait for {pid}"),
            Alarm::StuckMailbox { pid, protocol, at } => {
                write!(f, "{pid} waits in front of a mailbox full of {protocol}")?;
                at.as_ref().map_or(Ok(()), |at| write!(f, ", at {at}"))
            }
            Alarm::LongSchedule { pid, kind, took, after } => {
                write!(f, "{kind} {pid} keeps a thread without an await: {took:.1?}")?;
                after.as_ref().map_or(Ok(()), |after| write!(f, ", after {after}"))
            }
            Alarm::RestartStorm { supervisor, child, restarts } => {
                write!(f, "{supervisor}/{child} crashed {restarts} times in a row")
            }
        }
    }
}
