//! Operations on the process at an address that are not messages: signals, monitors and registered names.

use std::sync::Arc;

use super::Address;
use crate::base::{Exit, MonitorRef, NameError, Pid, Protocol};
use crate::call::target::{FOLLOWING, Target};
use crate::node::{Current, LocalProcess, Node};
use crate::process::{Cell, InVain, watch_exit};
use crate::wire::Signal;

impl<M: Protocol> Address<M> {
    /// Returns whether the process is on this node and will go on running.
    pub(crate) fn is_alive(&self) -> bool {
        let is_alive = self.local_process().is_some_and(|process| process.cell.is_alive(process.number));
        #[cfg(feature = "test")]
        if !is_alive && let Some(pid) = self.pid() {
            self.node().mark_crash_seen(&pid);
        }
        is_alive
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

    /// Makes the process in the cell `watcher`, whose pid is `me`, monitor the process that is at this address now.
    pub(crate) fn monitor_by<W: Protocol>(&self, watcher: &Cell<W>, me: &Pid) -> MonitorRef {
        watcher.monitor(me, self.0.monitored())
    }

    /// Registers the process under a name.
    pub(crate) fn register(&self, name: &str) -> Result<(), NameError> {
        let process = self.local_process().ok_or(NameError::NoProc)?;
        self.node().names().register(name, process)
    }

    /// Returns the process if it is on this node.
    fn local_process(&self) -> Option<LocalProcess> {
        let node = self.node();
        let number = self.pid().filter(|pid| pid.belongs_to(node.id()))?.number();
        Some(LocalProcess { number, cell: node.table().get(number)? })
    }
}

/// Returns the pid of the running process, or number zero of `node` outside of its processes.
fn sender(node: &Node) -> Pid {
    match Current::pid() {
        Some(pid) if pid.belongs_to(node.id()) => pid,
        _ => node.pid(0),
    }
}
