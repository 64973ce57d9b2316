use std::fmt;

use super::{AutoShutdown, Restart, Strategy, SupervisionRef, SupervisorOptions};
use crate::base::Pid;

/// Which child is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ChildId {
    /// The one with this id: a field's name, or what was given at run time.
    Id(String),
    /// The one that is this process.
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

/// How a child is just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ChildState {
    /// It runs.
    Up,
    /// It does not run, and nobody is about to start it: it ended in good order, or was terminated.
    Down,
    /// Its restart failed and will be tried again, or waits.
    Restarting,
}

/// A child as [`TreeStub::children`](super::TreeStub::children) shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ChildInfo {
    /// Its id: the field's name, or what was given at run time; a dynamic child's is its number.
    pub id: String,
    /// The process, if it runs just now.
    pub pid: Option<Pid>,
    /// How it is.
    pub state: ChildState,
    /// When it is restarted.
    pub restart: Restart,
    /// How often it has been started so far.
    pub starts: u64,
    /// If it is a supervisor itself: its stub.
    pub supervisor: Option<SupervisionRef>,
}

/// How many children there are, as OTP's `count_children`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ChildCount {
    /// All children, running or not.
    pub specs: usize,
    /// Those that run.
    pub active: usize,
    /// Those that are supervisors.
    pub supervisors: usize,
    /// Those that are not.
    pub workers: usize,
}

/// A supervisor and its children, one level of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct SupervisorInfo {
    /// Where it stands among its node's trees, as `/ChatTree/storage`.
    pub path: String,
    /// The supervisor.
    pub pid: Pid,
    /// How it treats its children.
    pub flags: SupervisorOptions,
    /// Whether its children are of one kind and come and go.
    pub dynamic: bool,
    /// They, in start order.
    pub children: Vec<ChildInfo>,
}

/// What it is, without its children.
impl fmt::Display for SupervisorInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let strategy = match self.flags.strategy {
            _ if self.dynamic => "dynamic",
            Strategy::OneForOne => "one_for_one",
            Strategy::OneForAll => "one_for_all",
            Strategy::RestForOne => "rest_for_one",
        };
        let SupervisorOptions { intensity, period, auto_shutdown, .. } = self.flags;
        let restarts = if intensity == 1 { "restart" } else { "restarts" };
        write!(f, "{strategy}, {intensity} {restarts} in {period:?}")?;
        f.write_str(match auto_shutdown {
            AutoShutdown::Never => "",
            AutoShutdown::Any => ", until any significant child ends",
            AutoShutdown::All => ", until all significant children end",
        })
    }
}
