//! Floor 8: applications.
//!
//! An [`Application`] is a supervision tree with a name: started after those that it needs, stopped as one, and with
//! a say in what becomes of the node when it ends. Its life: *reserved*, while its tree is planted; *starting*; *up*;
//! *ended*. A [`RunningApplication`] is one that has begun; the node holds it as a `Service`, and drops it when it has ended. After
//! OTP's [`application`](https://www.erlang.org/doc/apps/kernel/application.html).
//!
//! Invariants: no two of a node have one name · when one is up, those that it comes after were up before it, so the
//! reverse of the order in which they stand is right for stopping · its end is seen by one task, which decides once
//! what it means · a start that fails leaves no process and no name behind.
//!
//! How it fails: a start by [`ApplicationError`]; an application that the node cannot do without by the node's own
//! end, whose reason [`Node::run`](crate::Node::run) returns.

mod builder;
mod error;
mod order;
mod report;
mod running;
mod running_application;
mod set;

pub use builder::{Application, ApplicationKind};
pub use error::ApplicationError;
pub use running::{ApplicationInfo, Running};
use running_application::RunningApplication;
pub use set::Applications;

#[cfg(any(test, not(feature = "serde")))]
crate::base::travel! {
    [] ApplicationKind,
}
