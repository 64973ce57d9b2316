//! The state of one process, for observers.

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::time::Duration;

use crate::base::{Pid, Subject};

/// The current state of one process; from [`Node::process_info`](crate::Node::process_info).
///
/// A request does not interrupt the process. The numbers of its messages are exact while the process waits. While it
/// runs, they are those of the last time it took messages over from the senders; the request makes it update them at its
/// next message. The counterpart in Erlang is
/// [`erlang:process_info/1`](https://www.erlang.org/doc/apps/erts/erlang.html#process_info/1).
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ProcessInfo {
    /// The process.
    pub pid: Pid,
    /// The name under which the process is registered.
    pub name: Option<String>,
    /// The process's path in its supervision tree, for example `/ShopTree/orders`.
    pub path: Option<String>,
    /// The type of the actor, or the function, that runs.
    pub kind: Cow<'static, str>,
    /// The process's protocol.
    pub protocol: Cow<'static, str>,
    /// The activity of the process.
    pub state: ProcessState,
    /// The number of messages that no `receive!` has looked at.
    pub mailbox: u64,
    /// The number of messages that a `receive!` skipped: the save queue.
    pub saved: u64,
    /// The number of messages that wait in front of a full mailbox: the wait queue.
    pub wait_queue: u64,
    /// The capacity of a bounded mailbox.
    pub capacity: Option<u64>,
    /// The number of messages that have arrived since the process started.
    pub received: u64,
    /// The number of messages that the process has taken since it started.
    pub handled: u64,
    /// The number of messages that the full mailbox refused or dropped.
    pub overflowed: u64,
    /// The processes that are linked to this one.
    pub links: Vec<Pid>,
    /// The processes and names that this process monitors.
    pub monitors: Vec<Subject>,
    /// The processes that monitor this one.
    pub monitored_by: Vec<Pid>,
    /// The process that started this one, the process that started that one, and so on. The last has already ended, or
    /// was not started by a process.
    pub ancestors: Vec<Pid>,
    /// True for a supervisor.
    pub supervisor: bool,
    /// True if exit signals arrive as messages.
    pub trap_exit: bool,
    /// The time since the process started.
    pub age: Duration,
    /// The memory that the process occupies.
    pub memory: Memory,
}

/// The activity of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ProcessState {
    /// A thread polls the process.
    Running,
    /// The process waits for a message, in a `receive!` or as a server.
    Waiting {
        /// The `receive!`; `None` for a server.
        at: Option<SourceLine>,
    },
    /// The process has waited for the answer of another process of this node for at least a tenth of a second.
    Calling {
        /// The process that was called.
        callee: Pid,
        /// The time since the call.
        waited: Duration,
    },
    /// The process waits for something other than a message (a timer, a socket, blocking code, another node), or for a
    /// thread.
    Busy,
    /// The process takes no messages until it is [resumed](crate::Sys::resume).
    Suspended,
    /// The exit of the process has been decided.
    Exiting,
}

/// A line of a source file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SourceLine {
    /// The file's path, as the compiler received it.
    pub file: Cow<'static, str>,
    /// The line, counted from 1.
    pub line: u32,
}

/// The memory of a process, in bytes. It does not include the heap memory of its state and its messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Memory {
    /// The task: the process's state, and the variables that it keeps across its `.await`s.
    pub state: u64,
    /// The cell, by which other processes refer to this one.
    pub cell: u64,
    /// The capacity of the queues for messages.
    pub mailbox: u64,
}

pub(crate) fn source_line(location: &'static Location<'static>) -> SourceLine {
    SourceLine { file: Cow::Borrowed(location.file()), line: location.line() }
}

impl Memory {
    pub(crate) fn new(state: u64, cell: u64, mailbox: u64) -> Memory {
        Memory { state, cell, mailbox }
    }

    /// Returns the sum of all parts.
    pub fn total(&self) -> u64 {
        self.state + self.cell + self.mailbox
    }
}

impl fmt::Display for SourceLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

impl fmt::Display for ProcessState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProcessState::Running => f.write_str("running"),
            ProcessState::Waiting { at: Some(at) } => write!(f, "waiting at {at}"),
            ProcessState::Waiting { at: None } => f.write_str("waiting"),
            ProcessState::Calling { callee, waited } => write!(f, "calling {callee} for {waited:?}"),
            ProcessState::Busy => f.write_str("busy"),
            ProcessState::Suspended => f.write_str("suspended"),
            ProcessState::Exiting => f.write_str("exiting"),
        }
    }
}
