//! Layer 10: applications.
//!
//! An [`Application`] is a supervision tree with a name. It starts after the applications that it depends on, stops as a
//! whole, and decides what happens to the node when it ends. After OTP's
//! [`application`](https://www.erlang.org/doc/apps/kernel/application.html).
//!
//! States: *reserved* (it has its name, its tree is being set up) → *starting* → *up* → *ended*. The node holds a
//! `RunningApplication` as a `Service` from *reserved* on, and drops it when it has ended.
//!
//! Invariants:
//! - No two applications of a node have one name.
//! - When an application is up, those that it depends on were up before it. So the reverse order of starting is a valid
//!   order of stopping.
//! - One task waits for the end of an application, and decides the consequence once.
//! - A start that fails leaves no process and no name behind.
//!
//! Failures: a start fails with an [`ApplicationError`]. When the node cannot continue without an application that ended,
//! the node ends, and [`Node::run`](crate::Node::run) returns the reason.

mod builder;
#[cfg(feature = "net")]
mod elsewhere;
mod error;
#[cfg(feature = "registry")]
mod failover;
mod order;
mod report;
mod running;
mod running_application;
mod set;
mod spec;

pub use builder::Application;
#[cfg(feature = "net")]
pub use elsewhere::{ExportedTree, StartOnError, export};
pub use error::ApplicationError;
#[cfg(feature = "registry")]
pub(crate) use failover::Transferable;
#[cfg(feature = "registry")]
pub use failover::{Failover, FailoverApplication, FailoverInfo, Takeover};
pub use running::{ApplicationInfo, Running};

pub use set::Applications;
pub use spec::ApplicationKind;

#[cfg(any(test, not(feature = "serde")))]
crate::base::serializable! {
    [] ApplicationKind, [] ApplicationError,
}
