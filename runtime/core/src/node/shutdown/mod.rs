//! The shutdown of a node: its triggers, and the order in which applications, supervision trees, processes and
//! connections stop.

mod nested;
mod os_signals;
mod phase;
mod run;
mod stop;

pub(in crate::node) use nested::NestedRuns;
pub(crate) use phase::NodePhase;
pub(in crate::node) use phase::PhaseCell;
pub use stop::StopTimeout;
