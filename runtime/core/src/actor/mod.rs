//! Floor 6: the traits behind `#[actor]` and `#[protocol]`.
//!
//! An [`Actor`] is a struct with a protocol; a [`Process`] is an actor that runs; a [`Stub`] is how others talk
//! to it. A server made from methods is a process whose [`Process::run`] is [`serve`]: take a message,
//! [`Handle`] it, until told to stop.

mod context;
mod kind;
mod serve;
mod spawn;
mod stub;
mod sys;

pub use context::Context;
pub(crate) use kind::Runs;
pub use kind::{Actor, Options, Process, Ref};
pub use serve::{Failure, Handle, Outcome, serve};
pub(crate) use spawn::{Newborn, launch, start_of};
pub use spawn::{Spawn, spawn};
pub use stub::{Stub, Stubbed};
pub use sys::{StateFn, Sys};

pub use crate::call::SysError;
