//! Floor 6: the traits behind `#[actor]` and `#[protocol]`.
//!
//! An [`Actor`] is a struct with a protocol; a [`Process`] is an actor that runs; a [`Stub`] is how others talk
//! to it. A server made from methods is a process whose [`Process::run`] is [`serve`]: take a message,
//! [`Handle`] it, until told to stop.

mod context;
mod serve;
mod spawn;
mod stub;
mod sys;
mod timed_hooks;
mod traits;

pub use context::Context;
pub use serve::{Failure, Handle, Outcome, serve};
pub(crate) use spawn::{NewProcess, launch, start_info};
pub use spawn::{Spawn, spawn};
pub use stub::{Stub, Stubbed};
pub use sys::{StateFn, Sys};
pub(crate) use traits::HasContext;
pub use traits::{Actor, Options, Process, Ref};

pub use crate::call::SysError;
