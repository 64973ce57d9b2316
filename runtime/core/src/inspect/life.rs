use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::base::{Exit, Pid};

/// What becomes of a node's processes, as far as it is news; from [`Node::lifecycle`](crate::Node::lifecycle).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum LifecycleEvent {
    /// A process has ended other than in order: it panicked, failed, was killed, or depended on one that is lost.
    Crashed {
        /// Who it was.
        pid: Pid,
        /// The name it was registered under.
        name: Option<String>,
        /// Its place in its supervision tree, as `/ChatTree/rooms`.
        place: Option<String>,
        /// What ran there: the actor's type, or the function's.
        kind: Cow<'static, str>,
        /// What could be said to it.
        protocol: Cow<'static, str>,
        /// Why it ended.
        reason: Exit,
        /// How long it had lived.
        age: Duration,
    },
    /// A supervisor has started a child again.
    Restarted {
        /// The supervisor's path, as `/ChatTree`.
        supervisor: String,
        /// The child's id there.
        child: String,
        /// Who lives there now.
        pid: Pid,
        /// How often it has been started in all.
        starts: u64,
    },
    /// A supervisor has started children again too often, and ends with all that it has.
    GaveUp {
        /// The supervisor's path.
        supervisor: String,
        /// The supervisor itself.
        pid: Pid,
    },
    /// Whoever listens was too slow: so many events are lost.
    Missed(u64),
}

impl fmt::Display for LifecycleEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LifecycleEvent::Crashed { pid, name, place, kind, reason, .. } => {
                match place.as_ref().or(name.as_ref()) {
                    Some(known) => write!(f, "{known} ({kind} {pid})")?,
                    None => write!(f, "{kind} {pid}")?,
                }
                write!(f, " ended: {reason}")
            }
            LifecycleEvent::Restarted { supervisor, child, pid, starts } => {
                write!(f, "{supervisor}/{child} is started again: {pid}, start {starts}")
            }
            LifecycleEvent::GaveUp { supervisor, .. } => write!(f, "{supervisor} gives up: too many restarts"),
            LifecycleEvent::Missed(count) => write!(f, "{count} events are lost"),
        }
    }
}
