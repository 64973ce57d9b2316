//! Observation of a node: process info, metrics, alarms, lifecycle events, message traces, the watchdog, and the deadlock
//! check.
//!
//! This module does not refer to nodes or cells: `node` and `process` fill in the data and pass in the time. The public
//! data types implement serde's traits, so that a web page, a terminal or another node can show them. Their texts are
//! `Cow`s: borrowed where the name of a type or file is known at compile time, owned after deserialization.

mod alarm;
mod call_chain;
mod deadlock;
mod event_channel;
mod lifecycle;
mod metrics;
mod process;
mod report_limiter;
mod trace;
#[cfg(feature = "test")]
mod unseen;
mod watchdog;

pub(crate) use alarm::{ActiveAlarms, AlarmKey};
pub use alarm::{Alarm, AlarmEvent, Alarms};
pub(crate) use call_chain::{AwaitedAnswer, CallChain, RemoteCallee};
pub(crate) use deadlock::{AwaitedCall, DeadlockCheck, WaitingCall, WakerProbe};
pub(crate) use event_channel::{EventReceiver, Received};
#[cfg(feature = "registry")]
pub(crate) use event_channel::{EventSender, event_channel};
pub(crate) use lifecycle::LifecycleSubscribers;
pub use lifecycle::{Lifecycle, LifecycleEvent};
pub(crate) use metrics::LossCounts;
#[cfg(feature = "net")]
pub(crate) use metrics::{ConnectionMeter, PeerTraffic};
pub use metrics::{Counters, ExitCounts, Metrics, ProtocolMetrics, Traffic};
pub(crate) use process::source_line;
pub use process::{Memory, ProcessInfo, ProcessState, SourceLine};
pub(crate) use report_limiter::{ReportDecision, ReportKind, ReportLimiter};
pub(crate) use trace::Traces;
pub use trace::{Trace, TraceEvent, TraceStep};
#[cfg(feature = "test")]
pub(crate) use unseen::UnseenCrashes;
pub(crate) use watchdog::{Finding, TableId, ThreadSlots, Watchdog, Watched};

#[cfg(any(test, not(feature = "serde")))]
crate::base::serializable! {
    [] Alarm, [] AlarmEvent, [] LifecycleEvent, [] Metrics, [] ProtocolMetrics, [] Traffic, [] ExitCounts, [] ProcessInfo, [] ProcessState, [] SourceLine, [] Memory, [] Trace, [] TraceEvent, [] TraceStep,
}
