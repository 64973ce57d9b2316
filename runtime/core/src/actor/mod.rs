//! Layer 7: the traits behind `#[actor]` and `#[protocol]`, and the start of processes.
//!
//! - An [`Actor`] is a type with a protocol; a [`Process`] is an actor with a body, [`Process::run`].
//! - A [`Constructor`] is a value from which a process is started: an actor, or the arguments of a function that makes it.
//! - A [`Stub`] is the typed handle through which others send to a process.
//! - A [`Context`] is a process's own handle: its mailbox, links, monitors and timers.
//! - A server, which `#[actor]` makes of an impl with methods, is a process whose body is [`serve`]. It takes one message
//!   after another and handles it, as the trait [`Handle`] defines, until it is stopped.
//! - The state of a [`Portable`] actor can be handed over to a process of another release, as a [`Handover`].
//! - [`Sys`] sends requests to a server that concern the server itself, such as to show its state.

mod definition;
mod handle;
mod hook_times;
mod operations;
mod outcome;
mod portable;
mod process;
mod serve;
mod start;
mod stub;
mod sys;
mod timed_hooks;

pub use definition::{Actor, Options, Ref};
pub use handle::Handle;
pub use outcome::{Failure, Outcome};
#[cfg(any(feature = "registry", feature = "upgrade"))]
pub(crate) use portable::Resumed;
#[cfg(feature = "registry")]
pub(crate) use portable::take_state;
pub use portable::{
    DeclaredPortable, NoUpgrade, OldState, Otherwise, Portability, Portable, StateType, Upgraded, generic_name,
};
#[cfg(feature = "net")]
pub use portable::{Handover, UpgradePoint};
pub use process::{Context, Process};
pub use serve::serve;
#[cfg(feature = "net")]
pub(crate) use start::Launch;
pub use start::{Construct, Constructed, Constructor, Init, Spawn, spawn};
pub(crate) use start::{NewProcess, launch, start_info};
pub use stub::{ProcessHandle, Stub, Stubbed};
pub use sys::{StateFn, Sys};

pub use crate::call::SysError;
