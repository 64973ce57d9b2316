//! The runtime, compiled a second time with locks whose threads a checker schedules.
//!
//! The modules are the files of `runtime/core/src`. Only [`sync`] differs: its locks and atomics are those
//! of shuttle. Shuttle runs all threads of a scenario on one thread of the system, can switch to another one at each
//! lock, and tries many orders. A scenario fails if it hangs in one of the orders, or if an assertion does not hold.
//!
//! The scenarios are functions of this crate, because some need private items of the runtime.
//! `tests/suite/interleavings.rs` runs them. Each states a property that must hold in every order of its threads.

// Items without a use here have one in the runtime, where the lints check them.
#![allow(dead_code, unused_imports, unused_variables, unexpected_cfgs, unreachable_pub, missing_docs)]
#![allow(unfulfilled_lint_expectations)]
#![allow(clippy::if_same_then_else)]

// The generated code and `scripted` name `::greenroom`.
extern crate self as greenroom;

#[path = "../../../runtime/core/src/actor/mod.rs"]
mod actor;
#[path = "../../../runtime/core/src/application/mod.rs"]
mod application;
#[path = "../../../runtime/core/src/base/mod.rs"]
mod base;
#[path = "../../../runtime/core/src/call/mod.rs"]
mod call;
#[path = "../../../runtime/core/src/cluster/mod.rs"]
mod cluster;
#[path = "../../../runtime/core/src/entry.rs"]
mod entry;
#[path = "../../../runtime/core/src/inspect/mod.rs"]
mod inspect;
#[path = "../../../runtime/core/src/log.rs"]
mod log;
#[path = "../../../runtime/core/src/mailbox/mod.rs"]
mod mailbox;
#[path = "../../../runtime/core/src/net/mod.rs"]
mod net;
#[path = "../../../runtime/core/src/node/mod.rs"]
mod node;
#[path = "../../../runtime/core/src/observe/mod.rs"]
mod observe;
#[path = "../../../runtime/core/src/process/mod.rs"]
mod process;
#[path = "../../../runtime/core/src/registry/mod.rs"]
mod registry;
#[path = "../../../runtime/core/src/remote/mod.rs"]
mod remote;
#[path = "../../../runtime/core/src/sched/mod.rs"]
mod sched;
#[path = "../../../runtime/core/src/session/mod.rs"]
mod session;
#[path = "../../../runtime/core/src/shape/mod.rs"]
mod shape;
#[path = "../../../runtime/core/src/signal/mod.rs"]
mod signal;
#[path = "../../../runtime/core/src/supervisor/mod.rs"]
mod supervisor;
#[path = "../../../runtime/core/src/termination.rs"]
mod termination;
#[path = "../../../runtime/core/src/testing/mod.rs"]
mod testing;
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

// The modules that are not from the runtime: the locks, the checker and the scenarios.
pub mod call_cycles;
mod checker;
pub mod connections;
#[cfg(test)]
#[path = "../../src/counting.rs"]
mod counting;
pub mod ends;
pub mod queues;
pub mod replies;
pub mod restarts;
#[path = "../../suite/scripted.rs"]
mod scripted;
mod sync;
