//! The Erlang/OTP process model for Rust.
//!
//! Annotate a struct as an actor, write down what may be said to it, receive selectively, watch, link and
//! supervise; a stub works the same for a process in this program, on another machine, or restarted a second
//! ago. Four words carry it: [`#[protocol]`](macro@protocol), [`#[actor]`](macro@actor), [`receive!`] and
//! [`#[supervisor]`](macro@supervisor).
//!
//! ```
//! use greenroom::prelude::*;
//!
//! #[actor]
//! #[derive(Default)]
//! struct Counter {
//!     count: u64,
//! }
//!
//! #[actor]
//! impl Counter {
//!     /// Adds `n`.
//!     #[cast]
//!     fn add(&mut self, n: u64) {
//!         self.count += n;
//!     }
//!
//!     /// The count so far.
//!     #[call]
//!     fn count(&self) -> u64 {
//!         self.count
//!     }
//! }
//!
//! #[greenroom::main]
//! async fn main() -> greenroom::Result {
//!     let counter = Counter::default().spawn();
//!     counter.add(2);
//!     assert_eq!(counter.count().await?, 2);
//!     Ok(())
//! }
//! ```
//!
//! # Features
//! - `net` (default): other nodes, over TCP with Noise encryption. A node listens nowhere unless told to.
//! - `signal` (default): SIGTERM and ctrl-c stop the program in order.
//! - `serde` (part of `net`): serde's traits for the reasons, errors and reports that greenroom hands out, such as [`Exit`]
//!   and [`ProcessInfo`], so that they can be in a message that travels, or in JSON. Pids and stubs have them anyway.
//! - `config`: `Settings`, a program's settings in layers.
//! - `test`: [`#[greenroom::test]`](macro@test) on a paused clock, in-memory clusters.
//!
//! How it is built: a house of few floors, each importing only those below it; see the book's page *The floors*.

// Without `net` the way to other nodes is a trait that nobody implements.
#![cfg_attr(not(feature = "net"), allow(dead_code))]

// The macros name `::greenroom`, also from within.
extern crate self as greenroom;

mod actor;
mod application;
mod base;
mod call;
#[cfg(feature = "net")]
mod cluster;
mod entry;
mod inspect;
mod mailbox;
#[cfg(feature = "net")]
mod net;
mod node;
pub mod prelude;
mod process;
#[cfg(feature = "net")]
mod session;
#[cfg(feature = "config")]
mod settings;
mod signal;
mod supervisor;
mod sync;
mod wire;

#[doc(hidden)]
pub mod __private;
#[cfg(feature = "test")]
pub mod testing;

pub use actor::{Actor, Context, Process, Ref, Spawn, Stub, Stubbed, Sys, SysError, spawn};
pub use application::{Application, ApplicationError, ApplicationInfo, ApplicationKind, Applications, Running};
pub use base::{
    CallError, CastError, DecodeError, Down, EncodeError, Exit, ExitSignal, InvalidName, MonitorRef, NameError,
    NodeEvent, NodeId, NodeName, Pid, Protocol, Reason, Receives, StartError, Subject, Variant,
};
pub use call::{Call, Cast, Recipient, Reply};
#[cfg(feature = "net")]
pub use cluster::{Cookie, CookieError, NodeBuilder, NodeError};
pub use greenroom_macros::{actor, after, main, protocol, receive, supervisor, test};
pub use greenroom_macros::{call, cast, continue_with, down, every, exit, idle, init, node_event, terminate};
pub use inspect::{
    Alarm, AlarmEvent, EndCounts, LifeEvent, Memory, Metrics, ProcessInfo, ProcessState, ProtocolMetrics, SourceLine,
    Trace, TraceEvent, TraceStep, Traffic,
};
pub use node::{Alarms, Clock, Counters, Entered, Lifecycle, Node, Overdue, Spawner, Task, Tracing, Work};
pub use process::{Attachment, Blocking, Mailbox, Receive, Timer};
#[cfg(feature = "config")]
pub use settings::{Place, Settings, SettingsError};
pub use supervisor::{
    Again, AutoShutdown, Backoff, ChildCount, ChildError, ChildId, ChildInfo, ChildSpec, ChildState, Description,
    Dynamic, Flags, Mismatch, Once, Outline, Restart, Root, Shutdown, StartTree, Startable, Starting, Strategy,
    Supervision, SupervisionRef, Supervisor, Tree, TreeStub, WhileDown,
};

#[cfg(all(feature = "net", feature = "test"))]
pub use testing::check;

/// What `main` and fallible code around processes return: any error becomes an [`Exit`] by `?`.
pub type Result<T = (), E = Exit> = std::result::Result<T, E>;
