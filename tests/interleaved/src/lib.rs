//! The runtime, compiled a second time on locks whose threads a test schedules.
//!
//! Its modules are those of `runtime/core/src`, word for word, without `net`; only [`sync`] is another one: its locks and
//! atomics are shuttle's, which runs all threads of a scenario on one, lets another go on at each lock, and tries many
//! such orders. A scenario that hangs in one of them fails, and so does one whose assertion does not hold in each.
//!
//! The scenarios are functions, since some need what the runtime keeps to itself; `tests/suite/interleavings.rs` runs
//! them. Each says what must hold in whatever order its threads run.

// What is without use here has its use in the runtime, which is read by the lints as a whole.
#![allow(dead_code, unused_imports, unused_variables, unexpected_cfgs, unreachable_pub, missing_docs)]
#![allow(clippy::if_same_then_else)]

// The macros name `::greenroom`, and so do the scripts of the scripted.
extern crate self as greenroom;

#[path = "../../../runtime/core/src/actor/mod.rs"]
mod actor;
#[path = "../../../runtime/core/src/application/mod.rs"]
mod application;
#[path = "../../../runtime/core/src/base/mod.rs"]
mod base;
#[path = "../../../runtime/core/src/call/mod.rs"]
mod call;
#[path = "../../../runtime/core/src/entry.rs"]
mod entry;
#[path = "../../../runtime/core/src/log.rs"]
mod log;
#[path = "../../../runtime/core/src/mailbox/mod.rs"]
mod mailbox;
#[path = "../../../runtime/core/src/node/mod.rs"]
mod node;
#[path = "../../../runtime/core/src/observe/mod.rs"]
mod observe;
#[path = "../../../runtime/core/src/process/mod.rs"]
mod process;
#[path = "../../../runtime/core/src/sched/mod.rs"]
mod sched;
#[path = "../../../runtime/core/src/signal/mod.rs"]
mod signal;
#[path = "../../../runtime/core/src/supervisor/mod.rs"]
mod supervisor;
#[path = "../../../runtime/core/src/termination.rs"]
mod termination;
#[path = "../../../runtime/core/src/wire/mod.rs"]
mod wire;

#[path = "../../../runtime/core/src/prelude.rs"]
mod core_prelude;
mod prelude {
    pub use greenroom_macros::{actor, after, call, cast, protocol, receive, supervisor};

    pub use crate::core_prelude::*;
}

#[doc(hidden)]
#[path = "../../../runtime/core/src/__private.rs"]
pub mod __private;

pub use actor::{Actor, Context, Process, Ref, Spawn, Stub, Stubbed, Sys, SysError, spawn};
pub use base::{
    CallError, CastError, DecodeError, Down, EncodeError, Exit, ExitSignal, InvalidName, MonitorRef, NameError,
    NodeEvent, NodeId, NodeName, Pid, Protocol, Receives, Shutdown, StartError, Subject, Variant,
};
pub use call::{Call, Cast, Reply};
pub use greenroom_macros::{actor, after, call, cast, main, protocol, receive, supervisor, test};
pub use node::{EnterGuard, Node, Tracing};
pub use observe::{
    Alarm, AlarmEvent, Alarms, Counters, ExitCounts, Memory, Metrics, ProcessInfo, ProcessState, ProtocolMetrics,
    SourceLine, Trace, TraceEvent, TraceStep,
};
pub use process::{Mailbox, Receive, Timer};
pub use sched::{Clock, Spawner, Task};
pub use supervisor::{
    ChildInfo, Restart, StartTree, Strategy, Supervision, SupervisionRef, Supervisor, Tree, TreeStub,
};

pub type Result<T = (), E = Exit> = std::result::Result<T, E>;

// Not the runtime's: the locks, and what is played on them.
mod checker;
pub mod ends;
pub mod queues;
pub mod replies;
pub mod restarts;
pub mod rings;
#[path = "../../suite/scripted.rs"]
mod scripted;
mod sync;
