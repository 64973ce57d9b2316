//! The shutdown of a node: its triggers, and the order in which applications, supervision trees, processes and
//! connections stop. With the feature `systemd`, also the messages to the service manager.

mod nested;
mod os_signals;
mod phase;
mod run;
#[cfg(all(feature = "systemd", unix))]
mod service_manager;
mod stop;

pub(in crate::node) use nested::NestedRuns;
pub(crate) use phase::NodePhase;
pub(in crate::node) use phase::PhaseCell;
#[cfg(all(feature = "systemd", unix))]
pub(in crate::node) use service_manager::Announced;
pub use stop::StopTimeout;

#[cfg(all(feature = "systemd", not(unix)))]
impl crate::node::Node {
    /// Announces that this program is ready to the service manager of a Unix system. Has no effect on this system.
    pub fn announce_ready(&self) {}
}
