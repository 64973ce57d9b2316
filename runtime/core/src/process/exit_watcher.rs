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

/// Something that watches one process without being one, for whoever waits outside.
struct ExitWatcher {
    node: Node,
    number: u64,
    reference: MonitorRef,
    target: Subject,
    tell: Mutex<Option<oneshot::Sender<Exit>>>,
}

/// Resolves with the reason for which `target` ended. It is being watched when this returns.
pub(crate) fn ended(node: &Node, target: Pid) -> impl Future<Output = Exit> + Send + use<> {
    watch_exit(node, Subject::Pid(target))
}

/// Resolves when the process with this number, which has moved into `cell`, has ended: with the reason, even if that was
/// long before.
pub(crate) async fn ended_in_cell<M: Protocol>(cell: Arc<Cell<M>>, number: u64) -> Exit {
    match ended(cell.node(), cell.node().pid(number)).await {
        Exit::NoProc => cell.last_exit(number).unwrap_or(Exit::NoProc),
        reason => reason,
    }
}

/// Resolves with the reason for which `target` ended; a name is looked up once, on its node. The process is monitored
/// when this returns.
pub(crate) fn watch_exit(node: &Node, target: Subject) -> impl Future<Output = Exit> + Send + use<> {
    let (tell, told) = oneshot::channel();
    let number = node.next_number();
    let reference = node.next_reference();
    let ear =
        ExitWatcher { node: node.clone(), number, reference, target: target.clone(), tell: Mutex::new(Some(tell)) };
    let ear = Arc::new(ear);
    node.table().insert(number, Arc::clone(&ear) as Arc<dyn Resident>);
    let guard = UnwatchOnDrop { node: node.clone(), number, reference, target: target.clone() };
    let signal = Signal::Monitor { reference };
    match &target {
        Subject::Pid(pid) => node.signal(&node.pid(number), pid, signal),
        Subject::Name(name, at) => {
            if let Err(reason) = node.send_signal(number, RemoteTarget::Name(name, at), signal) {
                ear.hear(reason);
            }
        }
    }
    async move {
        let reason = told.await;
        drop(guard);
        // Only a node that is torn down drops the ear unheard.
        reason.unwrap_or(Exit::NoConnection)
    }
}

/// Takes the ear away when nobody listens any more.
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
                    // A lost connection has ended the watch by itself.
                    let _ = self.node.send_signal(self.number, RemoteTarget::Name(name, at), signal);
                }
            }
        }
    }
}

impl ExitWatcher {
    fn hear(&self, reason: Exit) {
        self.node.table().remove(self.number);
        let tell = self.tell.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(tell) = tell {
            // Whoever asked may have gone.
            let _ = tell.send(reason);
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
            self.hear(reason);
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
            self.hear(Exit::NoConnection);
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
