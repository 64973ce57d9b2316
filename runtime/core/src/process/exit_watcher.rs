//! Waiting for the exit of a process, from code that need not be a process.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::Cell;
use crate::base::{Exit, MonitorRef, NodeId, Pid, Protocol, Subject};
use crate::node::{Node, RemoteTarget, SignalTarget};
use crate::sync::{Mutex, PoisonError};
use crate::wire::Signal;

/// An entry in the process table that monitors a process on behalf of code that need not be a process.
struct ExitWatcher {
    node: Node,
    number: u64,
    reference: MonitorRef,
    target: Subject,
    sender: Mutex<Option<oneshot::Sender<Exit>>>,
}

/// Resolves with the exit reason of `target`. The monitor is set when this function returns. Cancel-safe.
pub(crate) fn ended(node: &Node, target: Pid) -> impl Future<Output = Exit> + Send + use<> {
    watch_exit(node, Subject::Pid(target))
}

/// Resolves with the exit reason of the process with this number, which occupied `cell`, even if it ended before.
pub(crate) async fn ended_in_cell<M: Protocol>(cell: Arc<Cell<M>>, number: u64) -> Exit {
    match ended(cell.node(), cell.node().pid(number)).await {
        Exit::NoProc => cell.last_exit(number).unwrap_or(Exit::NoProc),
        reason => reason,
    }
}

/// Resolves with the exit reason of `target`; a name is resolved once, on its node. The monitor is set when this function
/// returns. Cancel-safe.
pub(crate) fn watch_exit(node: &Node, target: Subject) -> impl Future<Output = Exit> + Send + use<> {
    let (sender, receiver) = oneshot::channel();
    let number = node.next_number();
    let reference = node.next_reference();
    let watcher = Arc::new(ExitWatcher {
        node: node.clone(),
        number,
        reference,
        target: target.clone(),
        sender: Mutex::new(Some(sender)),
    });
    node.table().insert_watcher(number, Arc::clone(&watcher) as Arc<dyn SignalTarget>);
    let guard = UnwatchOnDrop { node: node.clone(), number, reference, target: target.clone() };
    let signal = Signal::Monitor { reference };
    match &target {
        Subject::Pid(pid) => node.signal(&node.pid(number), pid, signal),
        Subject::Name(name, at) => {
            if let Err(reason) = node.send_signal(number, RemoteTarget::Name(name, at), signal) {
                watcher.resolve(reason);
            }
        }
    }
    async move {
        let reason = receiver.await;
        drop(guard);
        // The watcher is dropped without a reason only while its node shuts down.
        reason.unwrap_or(Exit::NoConnection)
    }
}

/// Removes the watcher and its monitor when the future is dropped.
struct UnwatchOnDrop {
    node: Node,
    number: u64,
    reference: MonitorRef,
    target: Subject,
}

impl Drop for UnwatchOnDrop {
    fn drop(&mut self) {
        if self.node.table().remove_watcher(self.number) {
            let signal = Signal::Demonitor { reference: self.reference };
            match &self.target {
                Subject::Pid(pid) => self.node.signal(&self.node.pid(self.number), pid, signal),
                Subject::Name(name, at) => {
                    // Fails if the connection is lost, which has already ended the monitor.
                    let _ = self.node.send_signal(self.number, RemoteTarget::Name(name, at), signal);
                }
            }
        }
    }
}

impl ExitWatcher {
    fn resolve(&self, reason: Exit) {
        self.node.table().remove_watcher(self.number);
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(sender) = sender {
            // Fails if the future has been dropped meanwhile.
            let _ = sender.send(reason);
        }
    }
}

impl SignalTarget for ExitWatcher {
    fn signal(&self, _: u64, from: &Pid, signal: Signal) {
        if let Signal::Down { reference, reason } = signal
            && reference == self.reference
            && match &self.target {
                Subject::Pid(pid) => pid == from,
                Subject::Name(_, at) => at == from.node(),
            }
        {
            self.resolve(reason);
        }
    }

    fn disconnect(&self, _: u64, node: &NodeId) {
        let lost = match &self.target {
            Subject::Pid(pid) => **pid.node_id() == *node,
            Subject::Name(_, at) => *at == node.name,
        };
        if lost {
            self.resolve(Exit::NoConnection);
        }
    }
}
