use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::time::Duration;

use crate::base::{Pid, Subject};

/// One process, as it is just now; from [`Node::process_info`](crate::Node::process_info).
///
/// Looking never stops the process. The figures of its mailbox are exact while it waits; while it runs they are as of
/// when it last took messages over, and asking makes it bring them up to date at its next message. The model is
/// [`erlang:process_info/1`](https://www.erlang.org/doc/apps/erts/erlang.html#process_info/1).
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ProcessInfo {
    /// Who it is.
    pub pid: Pid,
    /// The name it is registered under.
    pub name: Option<String>,
    /// Its place in its supervision tree, as `/ChatTree/rooms`.
    pub place: Option<String>,
    /// What runs there: the actor's type, or the function's.
    pub kind: Cow<'static, str>,
    /// What may be said to it.
    pub protocol: Cow<'static, str>,
    /// What it is doing.
    pub state: ProcessState,
    /// Messages that it has not looked at.
    pub mailbox: u64,
    /// Messages that no receive has taken yet: the save queue.
    pub saved: u64,
    /// Messages that stand in line before a full mailbox.
    pub in_line: u64,
    /// How many messages the mailbox holds, if it is bounded.
    pub capacity: Option<u64>,
    /// Messages that have come in since it started.
    pub received: u64,
    /// Messages that it has taken since it started.
    pub handled: u64,
    /// Messages that its full mailbox refused or dropped.
    pub overflowed: u64,
    /// With whom it shares its fate.
    pub links: Vec<Pid>,
    /// Whom it watches.
    pub monitors: Vec<Subject>,
    /// Who watches it.
    pub monitored_by: Vec<Pid>,
    /// Who started it, who started that one, and so on, as far as they still live and one further.
    pub ancestors: Vec<Pid>,
    /// Whether it looks after others.
    pub supervisor: bool,
    /// Whether exit signals are messages to it.
    pub trap_exit: bool,
    /// How long it has lived.
    pub age: Duration,
    /// What it takes.
    pub memory: Memory,
}

/// What a process is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ProcessState {
    /// A thread is at it just now.
    Running,
    /// It waits for a message: in this `receive!`, or, as a server, for the next one.
    Waiting {
        /// Where the `receive!` stands.
        at: Option<SourceLine>,
    },
    /// It waits for the answer to a call of another process of this node, for a tenth of a second or longer already.
    Calling {
        /// Whom it called.
        callee: Pid,
        /// For how long it has waited.
        waited: Duration,
    },
    /// It waits for something that is no message (a timer, a socket, blocking code, another node), or for its turn on a
    /// thread.
    Busy,
    /// It takes no messages until it is [resumed](crate::Sys::resume).
    Suspended,
    /// Its end has been decided; it is clearing up, or about to.
    Exiting,
}

/// A line of a source file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SourceLine {
    /// The file, as the compiler was told of it.
    pub file: Cow<'static, str>,
    /// The line, from 1.
    pub line: u32,
}

/// What a process takes, in bytes. What its state and its messages hold on the heap is not known, and not in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Memory {
    /// The task: the process's state, and what it keeps across its `.await`s.
    pub state: u64,
    /// The cell that others know it by.
    pub cell: u64,
    /// Room for messages, waiting and saved.
    pub mailbox: u64,
}

pub(crate) fn source_line(location: &'static Location<'static>) -> SourceLine {
    SourceLine { file: Cow::Borrowed(location.file()), line: location.line() }
}

impl Memory {
    pub(crate) fn new(state: u64, cell: u64, mailbox: u64) -> Memory {
        Memory { state, cell, mailbox }
    }

    /// All of it.
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
