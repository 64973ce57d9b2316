//! Floor 4: a process.
//!
//! A [`Cell`] is where a process lives: its queue, its relations, its name, what has been decided about it. It
//! outlives the process if a supervisor restarts it there. A [`ProcessTask`] is the future around a process's own: it
//! sets the current node for each poll, catches panics, acts on exit signals, and at the end clears up in the
//! order that others may rely on: future, state, attached streams and mailbox are dropped, blocking code returns, then
//! the name is free, then links and watchers hear of it. A [`Mailbox`] is a process's own end.
//!
//! States of a cell: vacant → alive (a number) → doomed (a reason; it ends at its next poll) → ending (clearing
//! up) → vacant or closed. In a cell with a place, where one process lives after the other, what is sent to whoever lives
//! there is a process's own only once its `init` has succeeded; before, it waits for the next one if that fails. Exit
//! signals are taken in by whoever sends them, under the cell's lock, so a signal has had its effect when the sender goes
//! on, and order from one process to another holds by itself.

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
use end::fail;
pub(crate) use exit_watcher::{ended, ended_in_cell, watch_exit};
pub use mailbox::Mailbox;
pub(crate) use mailbox::Step;
pub use mailbox::{Receive, Receiver};
use panic::raise;
pub(crate) use panic::{catch, catch_nested, catch_unwind, discard};
pub use stream_source::Attachment;
pub(crate) use system_request::{RequestError, SuspendedEvent, SystemRequest};
pub(crate) use task::ProcessTask;
pub use timer::Timer;
