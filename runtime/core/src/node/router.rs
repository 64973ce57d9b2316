use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::{AnyCell, Node};
use crate::base::{CallError, CastError, Causes, Exit, NodeId, NodeName, Pid};
use crate::log;
use crate::wire::Signal;

/// Where something on another node shall go.
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

/// The way to other nodes, which the cluster knows.
pub(crate) trait Router: Send + Sync {
    /// Puts a message into the queue of its node's connection.
    fn send_message(&self, from: u64, to: RemoteTarget<'_>, message: OutgoingMessage) -> Result<(), CastError>;

    /// Sends an answer. A lost connection loses it: the caller has heard of the loss.
    fn send_answer(&self, from: u64, node: &NodeId, id: u64, result: Result<Vec<u8>, CallError>);

    /// Sends a signal, or says what its sender should hear: `NoProc` or `NoConnection`. The loss of a connection
    /// that carried a link or a monitor concerns the sender.
    fn send_signal(&self, from: u64, to: RemoteTarget<'_>, signal: Signal) -> Result<(), Exit>;

    /// What to wait for if the connection's queue is above its high-water mark.
    fn backpressure(&self, node: &NodeName) -> Option<Pin<Box<dyn Future<Output = ()> + Send>>>;

    /// The largest message that a connection carries, in bytes.
    fn max_message_size(&self) -> usize;

    /// Ends all connections in order.
    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// Where this node listens, if it does.
    fn listen_address(&self) -> Option<String>;

    /// The nodes that are connected.
    fn peers(&self) -> Vec<NodeName>;
}

/// A message in bytes.
pub(crate) struct OutgoingMessage {
    pub(crate) protocol: u64,
    pub(crate) variant: u32,
    pub(crate) replies: Vec<u64>,
    pub(crate) payload: Vec<u8>,
}

impl Node {
    /// Brings a signal to a process, here or elsewhere. Whoever is not there answers as the dead do.
    pub(crate) fn signal(&self, from: &Pid, to: &Pid, signal: Signal) {
        if to.belongs_to(self.id()) {
            match self.table().signal_target(to.number()) {
                Some(target) => target.signal(to.number(), from, signal),
                None => self.refuse_signal(from, to, signal, Exit::NoProc),
            }
        } else if *to.node() == *self.name() {
            // An earlier life of this node.
            self.refuse_signal(from, to, signal, Exit::NoProc);
        } else {
            let sent = self.send_signal(from.number(), RemoteTarget::Pid(to), signal.clone());
            if let Err(reason) = sent {
                self.refuse_signal(from, to, signal, reason);
            }
        }
    }

    /// Counts a message that does not leave this node; its sender may have let the cast go.
    pub(crate) fn report_lost_message(&self, to: &NodeName, error: &CastError) {
        #[cfg(feature = "net")]
        self.loss_counts().count_lost_messages(1);
        // Nobody there is everyday, and silent in Erlang; anything else is somebody's mistake.
        if matches!(error, CastError::NoProc | CastError::NoConnection) {
            log::debug!(target: "greenroom", node = %self.name(), %to, error = %Causes(error), "a message cannot be sent");
        } else {
            log::warn!(target: "greenroom", node = %self.name(), %to, error = %Causes(error), "a message cannot be sent");
        }
    }

    /// The process with this number, if others may know it.
    pub(crate) fn exported_process(&self, number: u64) -> Option<Arc<dyn AnyCell>> {
        self.table().get(number).filter(|cell| cell.is_pid_exported())
    }

    /// Brings a signal to another node, whose loss concerns the sender from now on.
    pub(crate) fn send_signal(&self, from: u64, to: RemoteTarget<'_>, signal: Signal) -> Result<(), Exit> {
        self.router().ok_or(Exit::NoConnection)?.send_signal(from, to, signal)
    }

    /// Answers for a process that cannot: a link and a monitor learn it, everything else is lost on the dead.
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
}
