//! The shutdown of a node: its triggers, and the order in which applications, supervision trees, processes and
//! connections stop.

mod os_signals;
mod run;
mod stop;

pub use stop::StopTimeout;
