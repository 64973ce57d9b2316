//! The way to processes of other nodes, and signals to processes anywhere.

use std::future::Future;
use std::pin::Pin;

use super::{LocalProcess, Node};
use crate::base::{CallError, CastError, Causes, Exit, NodeId, NodeName, Pid, Subject};
use crate::log;
use crate::observe::ReportKind;
use crate::signal::{MonitorRoute, Monitored};
use crate::wire::Signal;

/// A process on another node.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RemoteTarget<'a> {
    Pid(&'a Pid),
    Name(&'a str, &'a NodeName),
}

impl<'a> RemoteTarget<'a> {
    pub(crate) fn node(&self) -> &'a NodeName {
        match self {
            RemoteTarget::Pid(pid) => pid.node(),
            RemoteTarget::Name(_, node) => node,
        }
    }
}

/// The connections to other nodes. Implemented by the cluster.
pub(crate) trait Router: Send + Sync {
    /// Puts a message into the queue of the connection to its node.
    fn send_message(&self, from: u64, to: RemoteTarget<'_>, message: OutgoingMessage) -> Result<(), CastError>;

    /// Sends an answer. If the connection is lost the answer is too: the caller receives an error for the loss.
    fn send_answer(&self, from: u64, node: &NodeId, id: u64, result: Result<Vec<u8>, CallError>);

    /// Sends a signal. After a link or a monitor, the sender is notified of the connection's loss.
    ///
    /// # Errors
    /// The reason for the sender: `NoProc` or `NoConnection`.
    fn send_signal(&self, from: u64, to: RemoteTarget<'_>, signal: Signal) -> Result<(), Exit>;

    /// Returns a future that resolves when the connection's queue has drained; `None` if it is below its limit.
    fn backpressure(&self, node: &NodeName) -> Option<Pin<Box<dyn Future<Output = ()> + Send>>>;

    /// Returns the size in bytes of the largest message that a connection carries.
    fn max_message_size(&self) -> usize;

    /// Closes all connections in order.
    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// Returns the address at which this node accepts connections.
    fn listen_address(&self) -> Option<String>;

    /// Returns the connected nodes.
    fn peers(&self) -> Vec<NodeName>;
}

/// An encoded message to another node.
pub(crate) struct OutgoingMessage {
    pub(crate) protocol: u64,
    pub(crate) variant: u32,
    /// The ids of the calls in the message.
    pub(crate) replies: Vec<u64>,
    pub(crate) payload: Vec<u8>,
}

impl Node {
    /// Sends a signal to a process of any node. If the process does not exist, the sender receives the answer that OTP
    /// defines for that.
    pub(crate) fn signal(&self, from: &Pid, to: &Pid, signal: Signal) {
        if to.belongs_to(self.id()) {
            match self.table().signal_target(to.number()) {
                Some(target) => target.signal(to.number(), from, signal),
                None => self.refuse_signal(from, to, signal, Exit::NoProc),
            }
        } else if *to.node() == *self.name() {
            // A process of an earlier incarnation of this node.
            self.refuse_signal(from, to, signal, Exit::NoProc);
        } else {
            let sent = self.send_signal(from.number(), RemoteTarget::Pid(to), signal.clone());
            if let Err(reason) = sent {
                self.refuse_signal(from, to, signal, reason);
            }
        }
    }

    /// Sends a signal to a process of another node.
    pub(crate) fn send_signal(&self, from: u64, to: RemoteTarget<'_>, signal: Signal) -> Result<(), Exit> {
        self.router().ok_or(Exit::NoConnection)?.send_signal(from, to, signal)
    }

    /// Sends a signal of a monitor to its target.
    ///
    /// # Errors
    /// The target is a name on another node, and there is no connection to it.
    pub(crate) fn signal_monitored(&self, from: &Pid, to: &Monitored, signal: Signal) -> Result<(), Exit> {
        match (&to.route, &to.subject) {
            (MonitorRoute::Name, Subject::Name(name, at)) => {
                self.send_signal(from.number(), RemoteTarget::Name(name, at), signal)
            }
            (MonitorRoute::Process(pid) | MonitorRoute::Child(pid), _) | (MonitorRoute::Name, Subject::Pid(pid)) => {
                self.signal(from, pid, signal);
                Ok(())
            }
        }
    }

    /// Answers a signal in place of the process that cannot handle it: a link and a monitor receive `reason`, and other
    /// signals are dropped.
    pub(crate) fn refuse_signal(&self, from: &Pid, to: &Pid, signal: Signal, reason: Exit) {
        let answer = match signal {
            Signal::Link => Signal::Exit { reason, linked: true },
            Signal::Monitor { reference } => Signal::Down { reference, reason },
            Signal::Unlink { id } => Signal::UnlinkAck { id },
            Signal::UnlinkAck { .. }
            | Signal::Exit { .. }
            | Signal::Stop { .. }
            | Signal::Demonitor { .. }
            | Signal::Down { .. } => return,
        };
        self.signal(to, from, answer);
    }

    /// Counts and logs a message that cannot be sent to another node, since the sender may have dropped its `Cast`.
    pub(crate) fn report_lost_message(&self, to: &NodeName, error: &CastError) {
        #[cfg(feature = "net")]
        self.loss_counts().count_lost_messages(1);
        // A missing process or connection is part of normal operation; other errors are mistakes in a program.
        if matches!(error, CastError::NoProc | CastError::NoConnection) {
            log::debug!(target: "greenroom", node = %self.name(), %to, error = %Causes(error), "message cannot be sent");
        } else {
            self.report(ReportKind::Unsent, || {
                log::warn!(target: "greenroom", node = %self.name(), %to, error = %Causes(error), "message cannot be sent");
            });
        }
    }

    /// Returns the process or the supervised child with this number, if other nodes may reach it. The number of a child is
    /// returned as zero.
    pub(crate) fn exported(&self, number: u64) -> Option<LocalProcess> {
        match self.table().get(number) {
            Some(cell) => cell.is_pid_exported().then_some(LocalProcess { number, cell }),
            None => self.exported_children().get(number).map(|cell| LocalProcess { number: 0, cell }),
        }
    }
}
