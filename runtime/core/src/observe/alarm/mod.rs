//! Alarms: lasting conditions of a node that need attention.

mod active;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

pub(crate) use active::ActiveAlarms;
pub use active::Alarms;

use super::SourceLine;
use crate::base::Pid;

/// A condition that needs attention, from the time it is raised until it is cleared.
///
/// The counterparts in OTP are [`alarm_handler`](https://www.erlang.org/doc/apps/sasl/alarm_handler.html) and the limits
/// of [`erlang:system_monitor/2`](https://www.erlang.org/doc/apps/erts/erlang.html#system_monitor/2).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Alarm {
    /// A mailbox holds more messages than the node's limit. Cleared when half of the limit are left, or the process ends.
    LongMailbox {
        /// The process.
        pid: Pid,
        /// The process's protocol.
        protocol: Cow<'static, str>,
        /// The number of messages when the alarm was raised.
        length: u64,
    },
    /// A process with a full mailbox waits for a message that the mailbox does not hold. Cleared when the process takes a
    /// message.
    StuckMailbox {
        /// The process.
        pid: Pid,
        /// The process's protocol.
        protocol: Cow<'static, str>,
        /// The `receive!` in which the process waits.
        at: Option<SourceLine>,
    },
    /// A process has occupied a thread for more than 10 ms without an `.await` that waits. Cleared when it releases the
    /// thread; the event then contains the whole time. For a loop that never awaits, the alarm is never cleared.
    LongSchedule {
        /// The process.
        pid: Pid,
        /// The type of the actor, or the function, that runs.
        kind: Cow<'static, str>,
        /// The time for which the thread has been occupied so far, or was in all.
        took: Duration,
        /// The last known `receive!` of the process.
        after: Option<SourceLine>,
    },
    /// A child has failed five times or more, each time within a minute of the last failure. A failure is an abnormal
    /// exit, or any exit of a permanent child. Cleared after one to two minutes without one.
    RestartStorm {
        /// The supervisor's path, for example `/ShopTree`.
        supervisor: String,
        /// The child's id in its supervisor.
        child: String,
        /// The number of failures, each within a minute of the one before.
        restarts: u64,
    },
    /// A child was killed by its supervisor and has not exited within 5 s: its code blocks, or computes without an
    /// `.await`. The supervisor continues without it. Cleared when the process has exited.
    AbandonedChild {
        /// The child's path, for example `/ShopTree/orders`.
        child: String,
        /// The child's process.
        pid: Pid,
        /// The type of the actor that runs.
        kind: Cow<'static, str>,
        /// The line where the process was last seen: its running [blocking code](crate::Mailbox::blocking), or else its
        /// last known `receive!`.
        at: Option<SourceLine>,
    },
    /// The node's certificate expires in a week or less, or has expired: other nodes do not accept it after that. Cleared
    /// when a later one is in the file.
    CertificateExpires {
        /// The path of the file.
        file: String,
        /// The time that was left at the last look, which is taken at least every hour.
        left: Duration,
    },
}

/// A change of a node's alarms; from [`Node::alarms`](crate::Node::alarms).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum AlarmEvent {
    /// An alarm was raised.
    Raised(Alarm),
    /// An alarm was cleared.
    Cleared(Alarm),
    /// The subscriber was too slow, and this many events are lost. [`Node::raised_alarms`](crate::Node::raised_alarms)
    /// returns the alarms that are raised now.
    Missed(u64),
}

/// The identity of an alarm: two with the same key are one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum AlarmKey {
    Process(&'static str, Pid),
    Child(String, String),
    /// An alarm of which a node has one.
    Node(&'static str),
}

impl Alarm {
    /// Returns the alarm's name in metrics and logs, for example `long_mailbox`.
    pub fn name(&self) -> &'static str {
        match self {
            Alarm::LongMailbox { .. } => "long_mailbox",
            Alarm::StuckMailbox { .. } => "stuck_mailbox",
            Alarm::LongSchedule { .. } => "long_schedule",
            Alarm::RestartStorm { .. } => "restart_storm",
            Alarm::AbandonedChild { .. } => "abandoned_child",
            Alarm::CertificateExpires { .. } => "certificate_expires",
        }
    }

    /// The names of all alarms.
    pub const NAMES: &'static [&'static str] =
        &["long_mailbox", "stuck_mailbox", "long_schedule", "restart_storm", "abandoned_child", "certificate_expires"];

    /// Returns the process that the alarm is about; `None` for an alarm about all incarnations of a child, or the node.
    pub fn pid(&self) -> Option<&Pid> {
        match self {
            Alarm::LongMailbox { pid, .. }
            | Alarm::StuckMailbox { pid, .. }
            | Alarm::LongSchedule { pid, .. }
            | Alarm::AbandonedChild { pid, .. } => Some(pid),
            Alarm::RestartStorm { .. } | Alarm::CertificateExpires { .. } => None,
        }
    }

    pub(crate) fn key(&self) -> AlarmKey {
        match self {
            Alarm::RestartStorm { supervisor, child, .. } => AlarmKey::Child(supervisor.clone(), child.clone()),
            Alarm::AbandonedChild { pid, .. } => Alarm::abandoned_key(pid.clone()),
            Alarm::CertificateExpires { .. } => AlarmKey::Node(self.name()),
            Alarm::LongMailbox { pid, .. } | Alarm::StuckMailbox { pid, .. } | Alarm::LongSchedule { pid, .. } => {
                AlarmKey::Process(self.name(), pid.clone())
            }
        }
    }

    /// Returns the number of the process if it is a child that cannot be killed.
    pub(crate) fn abandoned_number(&self) -> Option<u64> {
        if let Alarm::AbandonedChild { pid, .. } = self { Some(pid.number()) } else { None }
    }

    /// Returns the key of the alarm about a child that cannot be killed.
    pub(crate) fn abandoned_key(pid: Pid) -> AlarmKey {
        AlarmKey::Process("abandoned_child", pid)
    }
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Alarm::LongMailbox { pid, protocol, length } => {
                write!(f, "{length} messages of {protocol} in the mailbox of {pid}")
            }
            Alarm::StuckMailbox { pid, protocol, at } => {
                write!(f, "{pid} is stuck: its bounded mailbox (protocol {protocol}) is full, ")?;
                f.write_str("and none of the messages in it matches the receive!")?;
                at.as_ref().map_or(Ok(()), |at| write!(f, " at {at}"))
            }
            Alarm::LongSchedule { pid, kind, took, after } => {
                write!(f, "{pid} ")?;
                // The type of a process that has ended is not known.
                if !kind.is_empty() {
                    write!(f, "({kind}) ")?;
                }
                write!(f, "occupied its thread for {took:.1?} without an .await that waits")?;
                after.as_ref().map_or(Ok(()), |after| write!(f, "; its last known receive! is at {after}"))
            }
            Alarm::RestartStorm { supervisor, child, restarts } => {
                write!(f, "{supervisor}/{child} failed {restarts} times in a row")
            }
            Alarm::AbandonedChild { child, pid, kind, at } => {
                write!(f, "{child} {pid} ({kind}) was killed and still runs; its supervisor continues without it")?;
                at.as_ref().map_or(Ok(()), |at| write!(f, "; last seen at {at}"))
            }
            Alarm::CertificateExpires { file, left } if left.is_zero() => {
                write!(f, "the certificate in {file} has expired: other nodes do not accept it")
            }
            Alarm::CertificateExpires { file, left } => {
                let hours = left.as_secs() / 3600;
                write!(f, "the certificate in {file} expires in {} days and {} hours", hours / 24, hours % 24)
            }
        }
    }
}
