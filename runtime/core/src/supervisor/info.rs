//! The answers of a supervisor about itself and its children.

use std::fmt;

use super::plan::ChildState;
use super::{AutoShutdown, Restart, Strategy, SupervisionRef, SupervisorOptions};
use crate::base::{Exit, NodeName, Pid};

/// A reference to one child in a request to its supervisor: its id or its pid.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ChildId {
    /// The child's id: the name of a field, or the id that was given at run time.
    Id(String),
    /// The child's current process.
    Pid(Pid),
}

impl From<&str> for ChildId {
    fn from(id: &str) -> ChildId {
        ChildId::Id(id.to_owned())
    }
}

impl From<String> for ChildId {
    fn from(id: String) -> ChildId {
        ChildId::Id(id)
    }
}

impl From<Pid> for ChildId {
    fn from(pid: Pid) -> ChildId {
        ChildId::Pid(pid)
    }
}

/// One child of a supervisor, as returned by [`TreeStub::children`](super::TreeStub::children).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ChildInfo {
    /// The child's id: the name of a field, or the id that was given at run time. A dynamic child has a number.
    pub id: String,
    /// The child's process, if it is running. It can be on another node.
    pub pid: Option<Pid>,
    /// The child's current state.
    pub state: ChildState,
    /// When the child is restarted.
    pub restart: Restart,
    /// The number of successful starts so far.
    pub starts: u64,
    /// The child's own supervisor stub, if the child is a supervisor.
    pub supervisor: Option<SupervisionRef>,
}

impl ChildInfo {
    /// Returns the node on which the child runs, if it is running.
    pub fn node(&self) -> Option<&NodeName> {
        self.pid.as_ref().map(Pid::node)
    }
}

/// A start or an exit of a supervisor's child; from [`TreeStub::child_events`](super::TreeStub::child_events).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ChildEvent {
    /// The supervisor's path in the trees of its node, such as `/ChatTree/storage`.
    pub supervisor: String,
    /// The child's id.
    pub child: String,
    /// The change of the child's state.
    pub change: ChildChange,
}

/// The change of a child's state that a [`ChildEvent`] reports.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum ChildChange {
    /// The child has started: its `init` has succeeded.
    Started {
        /// The child's new process.
        pid: Pid,
        /// The number of the child's starts, this one included. From the second on it is a restart.
        starts: u64,
    },
    /// The child's `init` has failed.
    StartFailed {
        /// The reason with which `init` ended.
        reason: Exit,
    },
    /// The child's process has exited: it ended by itself, or the supervisor stopped it.
    Exited {
        /// The process.
        pid: Pid,
        /// The exit reason.
        reason: Exit,
    },
}

/// The number of children of a supervisor, by kind.
///
/// From OTP's [`count_children`](https://www.erlang.org/doc/apps/stdlib/supervisor.html#count_children/1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ChildCount {
    /// All children, running or not.
    pub specs: usize,
    /// The running children.
    pub active: usize,
    /// The children that are supervisors.
    pub supervisors: usize,
    /// The children that are not supervisors.
    pub workers: usize,
}

/// A supervisor and its children: one level of a tree.
///
/// Its `Display` shows the supervisor's options, without the children.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct SupervisorInfo {
    /// The supervisor's path in the trees of its node, such as `/ChatTree/storage`.
    pub path: String,
    /// The supervisor's process.
    pub pid: Pid,
    /// The supervisor's options.
    pub options: SupervisorOptions,
    /// True if the children are dynamic: any number of one kind.
    pub dynamic: bool,
    /// The children in start order.
    pub children: Vec<ChildInfo>,
}

impl fmt::Display for SupervisorInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let strategy = match self.options.strategy {
            _ if self.dynamic => "dynamic",
            Strategy::OneForOne => "one_for_one",
            Strategy::OneForAll => "one_for_all",
            Strategy::RestForOne => "rest_for_one",
        };
        let SupervisorOptions { intensity, period, auto_shutdown, .. } = self.options;
        let restarts = if intensity == 1 { "restart" } else { "restarts" };
        write!(f, "{strategy}, {intensity} {restarts} in {period:?}")?;
        f.write_str(match auto_shutdown {
            AutoShutdown::Never => "",
            AutoShutdown::Any => ", until any significant child ends",
            AutoShutdown::All => ", until all significant children end",
        })
    }
}
