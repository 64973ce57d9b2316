//! Operations on the process at an address that are not messages: signals, monitors and registered names.

use std::sync::Arc;

use super::Address;
use crate::base::{Exit, NameError, Pid, Protocol};
use crate::call::target::{FOLLOWING, Target};
use crate::node::{Current, Node};
use crate::process::{InVain, watch_exit};
use crate::wire::Signal;

impl<M: Protocol> Address<M> {
    /// Returns whether the process is on this node and will go on running.
    pub(crate) fn is_alive(&self) -> bool {
        self.0.is_alive()
    }

    /// Sends an exit signal.
    pub(crate) fn exit(&self, reason: Exit) {
        self.0.signal(&sender(self.node()), Signal::Exit { reason, linked: false });
    }

    /// Sends a request to stop, and resolves with the process's exit reason.
    pub(crate) fn stop_and_wait(&self, reason: Exit) -> impl Future<Output = Exit> + Send + use<M> {
        let exit = self.watch_exit(InVain::Resolve(reason.clone()));
        self.0.signal(&sender(self.node()), Signal::Stop { reason });
        exit
    }

    /// Sends a request to stop.
    #[cfg(feature = "net")]
    pub(crate) fn stop(&self, reason: Exit) {
        self.0.signal(&sender(self.node()), Signal::Stop { reason });
    }

    /// Resolves with the process's exit reason. The process is already monitored when this returns.
    pub(crate) fn ended(&self) -> impl Future<Output = Exit> + Send + use<M> {
        self.watch_exit(InVain::End)
    }

    fn watch_exit(&self, in_vain: InVain) -> impl Future<Output = Exit> + Send + use<M> {
        let watched = watch_exit(self.node(), self.0.monitored(), in_vain);
        // A cell keeps the reason of the last process in it, which may have ended before it was monitored.
        let held = match &self.0 {
            Target::Cell { number: FOLLOWING, .. } | Target::Identity(_) => None,
            Target::Cell { cell, number } => Some((Arc::clone(cell), *number)),
        };
        async move {
            let reason = watched.await;
            match held {
                Some((cell, number)) if reason == Exit::NoProc => cell.last_exit(number).unwrap_or(reason),
                _ => reason,
            }
        }
    }

    /// Registers the process under a name.
    pub(crate) fn register(&self, name: &str) -> Result<(), NameError> {
        let process = self.0.local_process().ok_or(NameError::NoProc)?;
        self.node().names().register(name, process)
    }
}

/// Returns the pid of the running process, or number zero of `node` outside of its processes.
fn sender(node: &Node) -> Pid {
    match Current::pid() {
        Some(pid) if pid.belongs_to(node.id()) => pid,
        _ => node.pid(0),
    }
}
