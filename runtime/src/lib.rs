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
//! - `supervision` (default): supervisors, their trees, and applications. Without it whoever starts a process sees to its
//!   end, by a link or a monitor.
//! - `tracing` (default, and part of `net`): events for whoever logs. Without it, as without a subscriber, crashes are told
//!   on standard error and the rest is only counted.
//! - `serde` (part of `net`): your own types with serde's traits may be in messages, and what greenroom hands out has these
//!   traits: pids, stubs, reasons, errors, reports. Without it a protocol that is not `local` is made of the standard
//!   library's types and greenroom's; it is the same protocol with it.
//! - `config`: `Settings`, a program's settings in layers.
//! - `test`: [`#[greenroom::test]`](macro@test) on a paused clock, in-memory clusters.
//!
//! How it is built: a house of few floors, each importing only those below it; see the book's page *The floors*.

// All of it but the macros is in a crate of its own, so that both are compiled at one time.
#[doc(inline)]
pub use greenroom_core::*;
// Named beside the star, so that the compiler knows of each the feature that it is behind.
#[cfg(all(feature = "net", feature = "test"))]
#[doc(inline)]
pub use greenroom_core::check;
#[cfg(feature = "test")]
#[doc(inline)]
pub use greenroom_core::testing;
#[cfg(feature = "supervision")]
#[doc(inline)]
pub use greenroom_core::{
    Application, ApplicationError, ApplicationInfo, ApplicationKind, Applications, AutoShutdown, Backoff, ChildCount,
    ChildError, ChildId, ChildInfo, ChildSpec, ChildState, Description, Dynamic, InvalidOptions, OneShot, Restart,
    Restartable, Running, StartChild, StartTree, Startable, Strategy, Supervision, SupervisionRef, Supervisor,
    SupervisorInfo, SupervisorOptions, Tree, TreeRoot, TreeStub, WhileDown,
};
#[cfg(feature = "net")]
#[doc(inline)]
pub use greenroom_core::{Cookie, CookieError, NodeBuilder, NodeError};
#[cfg(feature = "config")]
#[doc(inline)]
pub use greenroom_core::{SettingOrigin, Settings, SettingsError};
pub use greenroom_macros::{actor, after, main, protocol, receive, supervisor, test};
pub use greenroom_macros::{call, cast, continue_with, down, every, exit, idle, init, node_event, terminate};

pub mod prelude;
