//! Layer 4: processes.
//!
//! A [`Cell`] is the shared record of a process: mailbox, links, name and exit state. A supervised child keeps its cell
//! over its restarts. A [`ProcessTask`] is the future around the process's own future: it sets the current process for
//! each poll, catches panics, acts on exit signals and carries out the process's end. A [`Mailbox`] is the process's
//! own end of its mailbox.
//!
//! States of a cell: vacant → running → running with an exit reason (the process ends with its next poll) → ending → vacant
//! or closed. The control block holds the state; the flags tell a poll about it in one load.
//!
//! A supervised child's cell holds the messages of following stubs until the `init` of an incarnation has succeeded. If
//! the `init` fails, they wait for the next incarnation.
//!
//! `cell` is the record and its occupancy; `messages`, `signals`, `end`, `introspect` and `system_request` are what other
//! processes and the node do with it.

mod blocking;
mod cell;
mod control;
mod end;
mod exit_watcher;
mod flags;
mod introspect;
mod mailbox;
mod messages;
mod panic;
mod report;
mod resident;
mod signals;
mod stream_source;
mod system_request;
mod task;
mod timer;

pub use blocking::Blocking;
pub(crate) use cell::Cell;
pub(crate) use control::{ProcessKind, StartInfo};
use end::fail_callers;
pub(crate) use exit_watcher::{ended, ended_in_cell, watch_exit};
pub use mailbox::Mailbox;
pub(crate) use mailbox::Step;
pub use mailbox::{Receive, Receiver};
use panic::resume_panic;
pub(crate) use panic::{catch, catch_nested, catch_unwind, drop_each};
pub use stream_source::Attachment;
pub(crate) use system_request::{RequestError, SuspendedEvent, SystemRequest};
pub(crate) use task::ProcessTask;
pub use timer::Timer;
