use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::Pid;

/// Who is restarted when a child ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// The child itself.
    OneForOne,
    /// All children: the others are stopped in reverse order, then all start in order.
    OneForAll,
    /// The child and those declared after it.
    RestForOne,
}

/// When a child is restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Restart {
    /// Always, even after a normal end.
    Permanent,
    /// Unless it ended normally or by a shutdown.
    Transient,
    /// Never; it is forgotten when it ends.
    Temporary,
}

/// How long a child may take to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// It is killed at once.
    Kill,
    /// It is told to shut down, and killed after this time.
    After(Duration),
    /// It is told to shut down and may take its time: right for supervisors.
    Forever,
}

/// What stands in `#[supervisor(..)]`.
#[derive(Clone, Copy, Debug)]
pub struct Flags {
    /// Who is restarted when a child ends.
    pub strategy: Strategy,
    /// More restarts than this within `period`, and the supervisor gives up.
    pub intensity: u32,
    /// The window in which restarts count.
    pub period: Duration,
}

impl Flags {
    /// OTP's: one for one, at most one restart in 5 s.
    pub const DEFAULT: Flags = Flags { strategy: Strategy::OneForOne, intensity: 1, period: Duration::from_secs(5) };
}

/// What stands in `#[child(..)]`.
#[derive(Clone, Copy, Debug)]
pub struct ChildOptions {
    /// The field's name.
    pub name: &'static str,
    /// When it is restarted.
    pub restart: Restart,
    /// How long it may take to stop.
    pub shutdown: Shutdown,
}

impl ChildOptions {
    /// OTP's for a worker: permanent, 5 s to stop.
    pub const DEFAULT: ChildOptions =
        ChildOptions { name: "", restart: Restart::Permanent, shutdown: Shutdown::After(Duration::from_secs(5)) };
}

/// A child as [`TreeStub::children`](super::TreeStub::children) shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChildInfo {
    /// The field's name.
    pub name: String,
    /// The process, if it runs just now.
    pub pid: Option<Pid>,
    /// When it is restarted.
    pub restart: Restart,
}
