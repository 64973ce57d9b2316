//! The runtime of greenroom: everything except the macros.
//!
//! Programs depend on the crate `greenroom`, which re-exports this crate and `greenroom-macros`. Neither of the two
//! needs the other, so Cargo compiles them at the same time.
//!
//! The modules are arranged in layers, and a module imports only modules of lower layers. The page *Layers* of the book
//! describes each of them.
//!
//! # Features
//! The features of greenroom with the same names switch these on. None is a default here.
//!
//! - `net`: connections to other nodes, over TCP with Noise encryption. Switches on `serde` and `tracing`.
//! - `tls`: certificates in place of a cookie, and TLS in place of Noise. Switches on `net`.
//! - `inspect`: inspection of other nodes, and by other nodes. Switches on `net`.
//! - `registry`: groups, global names, actors by key, and failover of applications. Switches on `net` and `supervision`.
//! - `upgrade`: the live upgrade of a node by a successor process. Switches on `net`, `signal` and `systemd`.
//! - `systemd`: messages to systemd, that the program is ready, stops, or makes progress.
//! - `signal`: SIGTERM and ctrl-c stop the node in order.
//! - `supervision`: supervisors, supervision trees and applications.
//! - `serde`: types with serde's traits in messages, and serde's traits for greenroom's own types.
//! - `tracing`: log events of the crate `tracing`.
//! - `trace-context`: messages carry the trace context of the span in which they are sent. Switches on `tracing`.
//! - `tokio-console`: names of processes in tokio-console, with `--cfg tokio_unstable`.
//! - `port`: programs of the operating system as linked processes.
//! - `config`: a program's settings from several sources. Switches on `serde`.
//! - `test`: tests on a paused clock, and clusters in memory.

// The features of an item are shown beside it. docs.rs has the compiler that this needs.
#![cfg_attr(docsrs, feature(doc_cfg))]
// The lints judge the crate with all its features. With a feature off, some items have no use. Without `net` the trait
// for other nodes has no implementation. Without `inspect`, `registry` and `upgrade` some functions have no caller, and without
// `supervision` none ends a node. Without `tracing` no event is logged.
#![cfg_attr(
    not(all(
        feature = "inspect",
        feature = "registry",
        feature = "supervision",
        feature = "trace-context",
        feature = "tracing",
        feature = "upgrade"
    )),
    allow(dead_code, unused_variables, unused_imports, clippy::if_same_then_else)
)]

// Generated code names `::greenroom`, also within this crate.
extern crate self as greenroom;

mod actor;
#[cfg(feature = "supervision")]
mod application;
mod base;
mod call;
#[cfg(feature = "net")]
mod cluster;
mod entry;
#[cfg(feature = "inspect")]
mod inspect;
mod log;
mod mailbox;
#[cfg(feature = "net")]
mod net;
mod node;
mod observe;
#[cfg(feature = "port")]
mod port;
pub mod prelude;
mod process;
#[cfg(feature = "registry")]
pub mod registry;
#[cfg(feature = "net")]
mod remote;
mod sched;
#[cfg(feature = "net")]
mod session;
#[cfg(feature = "config")]
mod settings;
mod shape;
mod signal;
#[cfg(feature = "supervision")]
mod supervisor;
mod sync;
mod termination;
#[cfg(all(feature = "upgrade", unix))]
mod upgrade;
mod wire;

#[cfg(test)]
#[allow(dead_code, unreachable_pub)] // Written for another package.
#[path = "../../../tests/src/counting.rs"]
mod counting;

#[cfg(all(test, feature = "tls"))]
#[allow(dead_code)] // Written for another package.
#[path = "../../../tests/suite/authority.rs"]
mod authority;

/// Counts the memory that hostile input occupies.
#[cfg(test)]
#[global_allocator]
static ALLOCATOR: counting::CountingAllocator = counting::CountingAllocator;

#[doc(hidden)]
pub mod __private;
#[cfg(feature = "test")]
pub mod testing;

pub use actor::{
    Actor, Constructor, Context, Init, Process, ProcessHandle, Ref, Spawn, Stub, Stubbed, Sys, SysError, spawn,
};
#[cfg(feature = "net")]
pub use actor::{Handover, Portable, UpgradePoint};
#[cfg(all(feature = "net", feature = "supervision"))]
pub use application::StartOnError;
#[cfg(feature = "supervision")]
pub use application::{Application, ApplicationError, ApplicationInfo, ApplicationKind, Applications, Running};
#[cfg(feature = "registry")]
pub use application::{Failover, FailoverApplication, FailoverInfo, Takeover};
pub use base::{
    CallError, CallErrorKind, CallWait, CastError, DecodeError, Down, EncodeError, Exit, ExitSignal, InvalidName,
    Member, MonitorRef, NameError, NodeEvent, NodeId, NodeName, Pid, Protocol, Reason, Receives, Right, Shutdown,
    StartError, Subject, Variant,
};
#[cfg(feature = "trace-context")]
pub use base::{TraceContext, TraceContextError};
pub use call::{BoundedCast, Call, Cast, Recipient, Reply};
#[cfg(feature = "tls")]
pub use cluster::{CertificateError, Certificates};
#[cfg(feature = "net")]
pub use cluster::{Cookie, CookieError, Discovery, Mesh, NodeBuilder, NodeError, Policy};
#[cfg(feature = "inspect")]
pub use inspect::{
    Callable, CallableError, FlowSender, Inspection, Load, MessageFlow, NodeOverview, ObservedEvent, RemoteEvents,
    RemoteTracing, TraceError,
};
#[cfg(feature = "net")]
pub use node::Export;
#[cfg(all(feature = "upgrade", unix))]
pub use node::RestartedProcess;
pub use node::{EnterGuard, Node, StopTimeout, Tracing};
#[cfg(feature = "trace-context")]
pub use node::{Propagator, PropagatorIsSet};
pub use observe::{
    Alarm, AlarmEvent, Alarms, Counters, ExitCounts, Lifecycle, LifecycleEvent, Memory, Metrics, ProcessInfo,
    ProcessState, ProtocolMetrics, SourceLine, Trace, TraceEvent, TraceStep, Traffic,
};
#[cfg(feature = "port")]
pub use port::{FrameLength, Port, PortError, PortMessage, PortOutput, PortRef, PortStream};
pub use process::{Attachment, Blocking, Mailbox, Receive, Timer};
#[cfg(feature = "net")]
pub use remote::{Placed, RemoteCall, RemoteConstructor, RemoteFunction, SpawnError, SpawnOn, Starting, multicall};
pub use sched::{Clock, Spawner, Task, Work};
#[cfg(feature = "tls")]
pub use session::CertificateFault;
#[cfg(feature = "config")]
pub use settings::{SettingOrigin, Settings, SettingsError};
#[cfg(feature = "inspect")]
pub use shape::{Value, ValueError};
#[cfg(feature = "supervision")]
pub use supervisor::{
    AutoShutdown, Backoff, ChildChange, ChildCount, ChildError, ChildEvent, ChildId, ChildInfo, ChildSpec, ChildState,
    Description, Dynamic, InvalidOptions, OneShot, Restart, Restartable, StartChild, StartTree, Startable, Strategy,
    Supervision, SupervisionRef, Supervisor, SupervisorInfo, SupervisorOptions, Tree, TreeRoot, TreeStub, WhileDown,
};

#[cfg(all(feature = "net", feature = "supervision"))]
pub use supervisor::{RemoteTree, StartTreeOn};
#[cfg(all(feature = "net", feature = "test"))]
pub use testing::check;
#[cfg(all(feature = "upgrade", unix))]
pub use upgrade::{Listener, ListenerError, Upgrade, UpgradeError, UpgradePhase, UpgradeReport, listener};

/// The result of `main`, and of code in which `?` converts an error into an exit reason ([`Exit`]).
///
/// The error's type implements [`std::error::Error`], or is `Box<dyn Error>`, `anyhow::Error` or a text: see [`Reason`].
pub type Result<T = (), E = Exit> = std::result::Result<T, E>;
