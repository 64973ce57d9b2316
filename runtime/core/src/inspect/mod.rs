//! Floor 1: what a node tells of itself, as plain data: processes, crashes and restarts, alarms, traced
//! messages, metrics.
//!
//! Nothing here looks anywhere: `node` and `process` fill these in when somebody asks. All of it goes through serde,
//! so that a page, a terminal or another node can show it. What is not known here any more when it is read there
//! (a type's name, a file's) is owned then and borrowed before.

mod alarm;
mod life;
mod metrics;
mod process;
mod prometheus;
mod trace;

pub(crate) use alarm::Key;
pub use alarm::{Alarm, AlarmEvent};
pub use life::LifecycleEvent;
pub use metrics::{ExitCounts, Metrics, ProtocolMetrics, Traffic};
pub(crate) use process::place;
pub use process::{Memory, ProcessInfo, ProcessState, SourceLine};
pub use trace::{Trace, TraceEvent, TraceStep};

#[cfg(any(test, not(feature = "serde")))]
crate::base::travel! {
    [] Alarm, [] AlarmEvent, [] LifecycleEvent, [] Metrics, [] ProtocolMetrics, [] Traffic, [] ExitCounts, [] ProcessInfo, [] ProcessState, [] SourceLine, [] Memory, [] Trace, [] TraceEvent, [] TraceStep,
}
