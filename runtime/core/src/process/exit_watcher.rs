//! Waiting for the exit of a process, from code that need not be a process.

use std::any::Any;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use super::Cell;
use crate::base::{CallError, CastError, Exit, MonitorRef, NodeEvent, NodeId, Pid, Protocol, Subject};
use crate::mailbox::WaiterId;
use crate::node::{Ancestry, Delivery, Line, Node, RemoteTarget, Resident};
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
    node.table().insert(number, Arc::clone(&watcher) as Arc<dyn Resident>);
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
        if self.node.table().get(self.number).is_some() {
            self.node.table().remove(self.number);
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
        self.node.table().remove(self.number);
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(sender) = sender {
            // Fails if the future has been dropped meanwhile.
            let _ = sender.send(reason);
        }
    }
}

impl Resident for ExitWatcher {
    fn node(&self) -> &Node {
        &self.node
    }

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

    fn deliver(&self, _: u64, _: Delivery<'_>) -> Result<(), CallError> {
        Err(CallError::NoProc)
    }

    fn event(&self, _: Option<u64>, _: &mut dyn Any) -> Result<Option<WaiterId>, CastError> {
        Err(CastError::NoProc)
    }

    fn owner(&self) -> Option<u64> {
        None
    }

    fn export(&self) {}

    fn export_place(&self) -> Option<String> {
        None
    }

    fn line(self: Arc<Self>) -> Arc<dyn Line> {
        self
    }

    fn is_alive(&self, _: u64) -> bool {
        false
    }

    fn is_doomed(&self) -> bool {
        false
    }

    fn is_exported(&self) -> bool {
        false
    }

    fn take_name(&self, _: u64, _: &str) -> Result<(), Option<String>> {
        Err(None)
    }

    fn drop_name(&self, _: u64) {}

    fn node_event(&self, _: u64, _: NodeEvent) {}

    fn disconnect(&self, _: u64, node: &NodeId) {
        let lost = match &self.target {
            Subject::Pid(pid) => **pid.node_id() == *node,
            Subject::Name(_, at) => *at == node.name,
        };
        if lost {
            self.resolve(Exit::NoConnection);
        }
    }

    fn ancestry(&self) -> Option<Ancestry> {
        None
    }

    fn protocol(&self) -> &'static str {
        ""
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

/// Nobody stands in line before something that takes no messages.
impl Line for ExitWatcher {
    fn poll_admitted(&self, _: WaiterId, _: &mut Context<'_>) -> Poll<Result<(), CastError>> {
        Poll::Ready(Err(CastError::NoProc))
    }

    fn withdraw(&self, _: WaiterId) {}
}
