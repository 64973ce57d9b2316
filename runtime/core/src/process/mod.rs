//! Layer 5: processes.
//!
//! A [`Cell`] is the shared record of a process: mailbox, links, name and exit state. A supervised child keeps its cell
//! over its restarts. A [`ProcessTask`] is the future around the process's own future: it sets the current process for
//! each poll, catches panics, acts on exit signals and carries out the process's end. A [`Mailbox`] is the process's
//! own end of its mailbox.
//!
//! States of a cell: vacant → running → running with an exit reason (the process ends with its next poll) → ending → vacant
//! or closed. The control block holds the state. A poll reads the flags, which reflect it, in one load.
//!
//! A supervised child's cell holds the messages of following stubs until the `init` of an incarnation has succeeded. If
//! the `init` fails, they wait for the next incarnation.

mod attach;
mod blocking;
mod cell;
mod definition;
#[cfg(feature = "net")]
mod encoded_value;
mod mailbox;
mod panic;
mod stream_source;
mod system_request;
mod task;
mod timer;
mod wait;

use std::sync::Arc;

pub use attach::Attachment;
pub use blocking::Blocking;
#[cfg(feature = "port")]
pub(crate) use blocking::RunningGuard;
#[cfg(feature = "net")]
pub(crate) use cell::fan_out;
pub(crate) use cell::{Cell, ExitObserver, ProcessKind, StartInfo};
#[cfg(all(feature = "net", feature = "test"))]
pub(crate) use definition::resolve_message;
pub(crate) use definition::{protocol_definition, type_definition};
#[cfg(feature = "net")]
pub(crate) use encoded_value::EncodedValue;
#[cfg(feature = "upgrade")]
pub(crate) use mailbox::HoldEnd;
pub use mailbox::{AfterTime, Mailbox, Receive, Receiver};
pub(crate) use mailbox::{Handling, Step};
pub(crate) use panic::{catch, catch_nested, catch_unwind, drop_each, drop_message, report_message_panic};
use panic::{report_destructor_panic, report_late_panic, resume_panic};
pub(crate) use system_request::{SuspendedEvent, SystemRequest};
pub(crate) use task::ProcessTask;
pub use timer::Timer;
pub(crate) use wait::{InVain, StartSender, ended, ended_in_cell, ends_after_caller, start_wait, watch_exit};

use crate::base::CallErrorKind;
use crate::node::WaitingCaller;

/// Fails the calls whose replies were dropped.
pub(crate) fn fail_callers(dropped: Vec<Arc<dyn WaitingCaller>>, error: &CallErrorKind) {
    for caller in dropped {
        caller.fail(error.clone());
    }
}
