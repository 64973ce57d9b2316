//! The shutdown of a node: its triggers, and the order in which applications, supervision trees, processes and
//! connections stop.

mod os_signals;
mod phase;
mod run;
mod stop;

pub(crate) use phase::NodePhase;
pub(in crate::node) use phase::PhaseCell;
pub use stop::StopTimeout;
