//! The process model of Erlang/OTP for Rust, on tokio.
//!
//! A program consists of *processes*. A process is a tokio task with a state of its own and a *mailbox*, the queue of
//! the messages that were sent to it. No other code can access either. Processes interact in four ways:
//!
//! - They send each other **messages**. The messages that a process accepts are the variants of one enum, its
//!   *protocol*, so a message of the wrong type does not compile.
//! - They **monitor** each other: when a process exits, its watchers receive a message with the reason.
//! - They are **linked**: when one of two linked processes fails, the other exits too, or receives a message.
//! - They are **supervised**: a *supervisor* starts processes, and restarts those that fail.
//!
//! A process is addressed by a typed handle, its *stub*. A stub works in the same way for a process in this program, for
//! one on another machine, and for one that its supervisor has just restarted.
//!
//! # The macros
//! - [`#[protocol]`](macro@protocol) declares the messages that a process accepts.
//! - [`#[actor]`](macro@actor) declares the type that runs as a process, and its methods that handle messages.
//! - [`receive!`] takes one kind of message and leaves all others in the mailbox.
//! - [`#[supervisor]`](macro@supervisor) declares which processes are started and restarted together.
//! - [`#[greenroom::main]`](macro@main) and [`#[greenroom::test]`](macro@test) run a program and a test.
//!
//! # Example
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
//! - `net`: connections to other nodes, over TCP with Noise encryption. A node listens only if an address is configured.
//!   Switches on `serde` and `tracing`.
//! - `tls`: [certificates](struct.Certificates.html) in place of a cookie, and TLS in place of Noise. Switches on `net`.
//! - `inspect`: [`Node::inspect`], the processes, trees, metrics and traces of other nodes. A node answers such questions
//!   only if it has the feature, too. Switches on `net`.
//! - `registry`: groups, global names, actors by key, and failover of applications.
//!   Switches on `net` and `supervision`.
//! - `upgrade`: the [live upgrade](struct.Node.html#method.upgrade) of a node by a successor process, and listening
//!   sockets that it takes over. Only on Unix. Switches on `net`, `signal` and `systemd`.
//! - `systemd`: [`Node::announce_ready`](struct.Node.html#method.announce_ready), by which systemd receives that the
//!   program is ready, stops, or makes progress. Without effect on other systems than Unix.
//! - `signal` (default): SIGTERM and ctrl-c stop the program in order. Without it they end the program at once.
//! - `supervision` (default): supervisors, supervision trees and applications. Without it, code that starts a process
//!   handles its exit itself, by a link or a monitor.
//! - `tracing` (default): log events of the crate `tracing`. Without it, and without a subscriber, crashes are written
//!   to standard error, and other losses are only counted.
//! - `serde`: types with serde's traits in messages, and serde's traits for greenroom's own types (pids, stubs, exit
//!   reasons, errors, reports). Without it, messages that other nodes may send consist of types of the standard library
//!   and of greenroom; their bytes are the same in both cases.
//! - `trace-context`: messages carry the W3C trace context of the span in which they are sent, to processes of this node
//!   and of others: see [`Node::set_propagator`]. Switches on `tracing`.
//! - `tokio-console`: names of processes in tokio-console. Has an effect only with `--cfg tokio_unstable`.
//! - `port`: [ports](struct.Port.html), programs of the operating system as linked processes.
//! - `config`: [`Settings`](struct.Settings.html), a program's settings from several sources. Switches on `serde`.
//! - `test`: [`#[greenroom::test]`](macro@test) on a paused clock, and the module `testing` with clusters in memory.

// The features of an item are shown beside it. docs.rs has the compiler that this needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

// Everything except the macros is in a crate of its own, so that Cargo compiles both at the same time.
#[doc(inline)]
pub use greenroom_core::*;
// Also named one by one: a compiler error for a missing name then points at the feature that it needs.
#[cfg(all(feature = "net", feature = "test"))]
#[doc(inline)]
pub use greenroom_core::check;
#[cfg(feature = "test")]
#[doc(inline)]
pub use greenroom_core::testing;
#[cfg(feature = "inspect")]
#[doc(inline)]
pub use greenroom_core::{
    Callable, CallableError, FlowSender, Inspection, Load, MessageFlow, NodeOverview, ObservedEvent, RemoteEvents,
    RemoteTracing, TraceError, Value, ValueError,
};

#[cfg(feature = "registry")]
#[doc(inline)]
pub use greenroom_core::{Failover, FailoverApplication, FailoverInfo, Takeover, registry};

/// Tests of processes on a paused clock, clusters in memory, and faults by seed: the items of the feature `test`.
///
/// This documentation was built without that feature, as is usual: a program has it among its `dev-dependencies` only.
/// `cargo doc --features greenroom/test` shows the items.
#[cfg(all(doc, not(feature = "test")))]
pub mod testing {}
#[cfg(feature = "supervision")]
#[doc(inline)]
pub use greenroom_core::{
    Application, ApplicationError, ApplicationInfo, ApplicationKind, Applications, AutoShutdown, Backoff, ChildChange,
    ChildCount, ChildError, ChildEvent, ChildId, ChildInfo, ChildSpec, ChildState, Description, Dynamic,
    InvalidOptions, OneShot, Restart, Restartable, Running, StartChild, StartTree, Startable, Strategy, Supervision,
    SupervisionRef, Supervisor, SupervisorInfo, SupervisorOptions, Tree, TreeRoot, TreeStub, WhileDown,
};
#[cfg(feature = "tls")]
#[doc(inline)]
pub use greenroom_core::{CertificateError, CertificateFault, Certificates};
#[cfg(feature = "net")]
#[doc(inline)]
pub use greenroom_core::{
    Cookie, CookieError, Discovery, Export, Handover, Mesh, NodeBuilder, NodeError, Placed, Policy, Portable,
    RemoteCall, RemoteConstructor, RemoteFunction, SpawnError, SpawnOn, Starting, UpgradePoint, multicall,
};
#[cfg(feature = "port")]
#[doc(inline)]
pub use greenroom_core::{FrameLength, Port, PortError, PortMessage, PortOutput, PortRef, PortStream};
#[cfg(all(feature = "upgrade", unix))]
#[doc(inline)]
pub use greenroom_core::{
    Listener, ListenerError, RestartedProcess, Upgrade, UpgradeError, UpgradePhase, UpgradeReport, listener,
};
#[cfg(feature = "trace-context")]
#[doc(inline)]
pub use greenroom_core::{Propagator, PropagatorIsSet, TraceContext, TraceContextError};
#[cfg(all(feature = "net", feature = "supervision"))]
#[doc(inline)]
pub use greenroom_core::{RemoteTree, StartOnError, StartTreeOn};
#[cfg(feature = "config")]
#[doc(inline)]
pub use greenroom_core::{SettingOrigin, Settings, SettingsError};
pub use greenroom_macros::{actor, after, main, protocol, receive, remote, supervisor, test};
pub use greenroom_macros::{
    call, cast, continue_with, down, every, exit, idle, init, node_event, resumed, terminate, upgrade,
};

pub mod prelude;
