//! The way to processes of other nodes, and signals to processes anywhere.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{AdmissionQueue, LocalProcess, Node, SignalTarget};
use crate::base::{
    CallErrorKind, CastError, Causes, Definition, Exit, Member, MessageContext, NodeId, NodeName, Payload, Pid, Subject,
};
use crate::log;
use crate::mailbox::WaiterId;
use crate::observe::ReportKind;
use crate::signal::{MonitorRoute, Monitored};
#[cfg(feature = "net")]
use crate::wire::GroupUpdate;
#[cfg(feature = "inspect")]
use crate::wire::MemberRecord;
use crate::wire::{Epoch, Signal};

mod call_id;
#[cfg(feature = "net")]
mod exports;
#[cfg(feature = "net")]
mod groups;
mod outstanding_calls;
#[cfg(all(feature = "upgrade", unix))]
mod paused_peer;

pub(crate) use call_id::CallId;
#[cfg(feature = "upgrade")]
pub(crate) use call_id::KeptCall;
#[cfg(feature = "inspect")]
pub(crate) use exports::Describe;
#[cfg(feature = "net")]
pub use exports::{AddExport, Export, Serve};
#[cfg(feature = "net")]
pub(crate) use exports::{Exports, RunningCall, RunningCalls};
#[cfg(feature = "net")]
pub(crate) use groups::{GroupService, LocalMembers};
pub(crate) use outstanding_calls::{OutstandingCall, OutstandingCalls};
#[cfg(all(feature = "upgrade", unix))]
pub(crate) use paused_peer::PausedPeer;

/// A process on another node.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RemoteTarget<'a> {
    Pid(&'a Pid),
    Name(&'a Arc<str>, &'a NodeName),
    /// The node itself, which serves a request.
    Node(&'a NodeName),
    /// The members of a group on a node.
    Group(&'a Arc<str>, &'a NodeName),
}

impl<'a> RemoteTarget<'a> {
    pub(crate) fn node(&self) -> &'a NodeName {
        match self {
            RemoteTarget::Pid(pid) => pid.node(),
            RemoteTarget::Name(_, node) | RemoteTarget::Node(node) | RemoteTarget::Group(_, node) => node,
        }
    }
}

/// The connections to other nodes. Implemented by the cluster.
pub(crate) trait Router: Send + Sync {
    /// Returns the epoch of the connection to a node, if it is up.
    fn epoch(&self, node: &NodeName) -> Option<Epoch>;

    /// Returns the epoch of the connection to a node. A missing connection to a member is
    /// opened.
    fn open_epoch(&self, node: &Node, to: &NodeName) -> Option<Epoch>;

    /// Puts a message of `node` into the queue of the connection to its node; with an epoch, only of that connection. If the
    /// message has to wait, the sender awaits its admission or withdraws it.
    fn send_message(
        &self,
        node: &Node,
        from: u64,
        to: RemoteTarget<'_>,
        message: OutgoingMessage<'_>,
        epoch: Option<Epoch>,
    ) -> Result<SentMessage, CastError>;

    /// Sends an answer over the connection on which the call came. If that is lost the answer is too: the caller receives
    /// an error for the loss. `from` is the process that answers, zero for a task, and `None` for the node itself: what it
    /// passes on or refuses has no order with anything else.
    ///
    /// # Errors
    /// The error for the calls whose replies are in the answer, which was not sent. Its own caller receives it, too.
    fn send_answer(
        &self,
        from: Option<u64>,
        caller: &CallerNode,
        id: u64,
        answer: OutgoingAnswer,
    ) -> Result<Room, CallErrorKind>;

    /// Notes that the holder of the reply to this call of a peer was handed over by the predecessor of this node. Returns the
    /// caller's node; `None` if its connection is not continued.
    #[cfg(feature = "upgrade")]
    fn keep_call(&self, call: CallId) -> Option<CallerNode>;

    /// Sends a note on a call over the connection of this epoch, if that is still up.
    fn send_call_note(&self, epoch: Epoch, note: CallNote);

    /// Sends a signal of a process of `node`; with an epoch, only over that connection. After a link or a monitor, the
    /// sender is notified of the connection's loss.
    ///
    /// # Errors
    /// The reason for the sender: `NoProc` or `NoConnection`.
    fn send_signal(
        &self,
        node: &Node,
        from: u64,
        to: RemoteTarget<'_>,
        signal: Signal,
        epoch: Option<Epoch>,
    ) -> Result<(), Exit>;

    /// Sends parts of the exchange of claims over the connection of this epoch, if that is still up. A connection that takes
    /// no more is closed: none of them may be missing while it stays up.
    fn send_claims(&self, epoch: Epoch, parts: Vec<u8>);

    /// Returns `true` if this node connects with other members only on demand.
    fn is_on_demand(&self) -> bool;

    /// Returns the numbers of tracked processes and of resolved monitors of all connections.
    #[cfg(test)]
    fn tracked(&self) -> (usize, usize);

    /// Returns the numbers of things that wait or are remembered for the peers of `node`, by their kind.
    #[cfg(test)]
    fn remembered(&self, node: &Node) -> std::collections::BTreeMap<&'static str, usize>;

    /// Returns a future that resolves when the connection is up and its queue has drained; `None` if it is below its limit.
    fn backpressure(&self, node: &NodeName) -> Option<BackPressure>;

    /// Returns the size in bytes of the largest message that a connection carries.
    fn max_message_size(&self) -> usize;

    /// Closes all connections in order.
    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// Pauses all connections of `node`. Those that are not quiet within `limit` go on, and are not handed over. Until
    /// [`resume_peers`](Router::resume_peers), no connection is opened or continued, and frames wait. Not
    /// cancel-safe: if the future is dropped, `resume_peers` ends the pause.
    #[cfg(all(feature = "upgrade", unix))]
    fn pause_peers<'a>(&'a self, node: &'a Node, limit: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

    /// Returns the records of the paused connections of `node` for its successor. Later frames are lost with the upgrade, so
    /// processes that are handed over send nothing more.
    #[cfg(all(feature = "upgrade", unix))]
    fn paused_peers(&self, node: &Node) -> Vec<PausedPeer>;

    /// Lets all connections go on: the upgrade has failed.
    #[cfg(all(feature = "upgrade", unix))]
    fn resume_peers(&self);

    /// Ends the paused connections, which the successor continues.
    #[cfg(all(feature = "upgrade", unix))]
    fn leave_peers(&self);

    /// Drives the connections whose tasks do not run. `is_occupied` is `true` while a process occupies a thread for long.
    /// Returns the longest time until the next look at them.
    fn drive_late(&self, now: Instant, is_occupied: bool) -> Duration;

    /// Returns the address at which this node accepts connections.
    fn listen_address(&self) -> Option<String>;

    /// Returns the address at which other nodes dial this one, and its metadata.
    #[cfg(feature = "inspect")]
    fn own_record(&self) -> MemberRecord;

    /// Returns the epochs of the connections that are up.
    #[cfg(feature = "net")]
    fn epochs(&self) -> Vec<Epoch>;

    /// Sends an update of the groups over the connection of this epoch. `None` if that is over, or the policy does not let
    /// the peer take part in groups.
    #[cfg(feature = "net")]
    fn send_group_update(&self, epoch: Epoch, update: GroupUpdate) -> Option<Room>;

    /// Returns the incarnation of a connected node.
    fn incarnation(&self, node: &NodeName) -> Option<u64>;

    /// Returns the connected nodes.
    fn peers(&self) -> Vec<NodeName>;

    /// Returns the other members of the cluster.
    fn members(&self) -> Vec<Member>;

    /// Notifies the connected nodes that this one leaves the cluster.
    fn leave(&self);

    /// Closes the connection to a node on purpose. Returns `false` without a connection.
    fn part(&self, node: &NodeName) -> bool;
}

/// The state of a connection after a frame was put into its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// Less than the high-water mark waits.
    Left,
    /// More waits: the sender is to wait before it sends more.
    Full,
}

/// A wait for room in the queue of a connection, with an error if the connection could not be opened.
pub(crate) type BackPressure = Pin<Box<dyn Future<Output = Result<(), CastError>> + Send>>;

/// A message in the wait queue of a mailbox or a connection.
pub(crate) type WaitingMessage = (Arc<dyn AdmissionQueue>, WaiterId);

/// The node on which a call waits, and the connection on which the call came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallerNode {
    pub(crate) id: Arc<NodeId>,
    pub(crate) epoch: Epoch,
    /// The calls that came on the connection and have no answer yet.
    pub(crate) calls: OutstandingCalls,
}

/// A note on a call between two nodes, with the call's id on the caller's node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallNote {
    /// The callee's node has passed the reply on to another node.
    PassedOn(u64),
    /// The caller does not wait any more.
    GivenUp(u64),
}

/// An encoded answer to another node, or the error instead of it.
pub(crate) type OutgoingAnswer = Result<EncodedAnswer, CallErrorKind>;

/// An encoded answer.
pub(crate) struct EncodedAnswer {
    /// The ids of the calls whose replies are in the answer.
    pub(crate) replies: Vec<u64>,
    pub(crate) payload: Payload,
    /// The definition of the answer's type, if the caller may have another one.
    pub(crate) definition: Option<Arc<Definition>>,
}

/// An encoded message to another node.
pub(crate) struct OutgoingMessage<'a> {
    /// The definition of the protocol or of the event. A question of the node itself has none.
    pub(crate) definition: Option<&'a Arc<Definition>>,
    pub(crate) variant: u32,
    /// The ids of the calls in the message.
    pub(crate) replies: Vec<u64>,
    pub(crate) context: MessageContext,
    /// The fields. Their memory may be reused after the message was sent.
    pub(crate) payload: &'a mut Payload,
}

/// The place of a message that was sent.
pub(crate) enum SentMessage {
    /// The queue of the connection.
    Queued(Room),
    /// The wait queue in front of it.
    Waits(WaitingMessage),
}

impl Node {
    /// Returns the epoch for a new relation to a process: that of the connection to its node, or [`Epoch::LOCAL`] if it is
    /// on this node or there is no connection and none can be opened.
    pub(crate) fn epoch_to(&self, node: &NodeName) -> Epoch {
        if node == self.name() {
            return Epoch::LOCAL;
        }
        self.router().and_then(|router| router.open_epoch(self, node)).unwrap_or(Epoch::LOCAL)
    }

    /// Sends a signal to a process of any node. If the process does not exist, the sender receives the answer that OTP
    /// defines for that.
    ///
    /// A signal to another node goes over the connection of this epoch, and is lost with it.
    pub(crate) fn signal(&self, from: &Pid, to: &Pid, epoch: Epoch, signal: Signal) {
        if to.belongs_to(self.id()) {
            match self.signal_target(to.number()) {
                Some((number, target)) => target.signal(number, from, Epoch::LOCAL, signal),
                None => self.refuse_signal(from, to, Epoch::LOCAL, signal, Exit::NoProc),
            }
        } else if *to.node() == *self.name() {
            // A process of an earlier incarnation of this node.
            self.refuse_signal(from, to, epoch, signal, Exit::NoProc);
        } else {
            let sent = self.send_signal(from.number(), RemoteTarget::Pid(to), signal.clone(), Some(epoch));
            if let Err(reason) = sent {
                self.refuse_signal(from, to, epoch, signal, reason);
            }
        }
    }

    /// Sends a signal to a process of another node; with an epoch, only over that connection.
    pub(crate) fn send_signal(
        &self,
        from: u64,
        to: RemoteTarget<'_>,
        signal: Signal,
        epoch: Option<Epoch>,
    ) -> Result<(), Exit> {
        self.router().ok_or(Exit::NoConnection)?.send_signal(self, from, to, signal, epoch)
    }

    /// Sends a signal of a monitor to its target, over the connection of this epoch.
    ///
    /// # Errors
    /// The target is a name on another node, and there is no connection to it.
    pub(crate) fn signal_monitored(
        &self,
        from: &Pid,
        to: &Monitored,
        epoch: Epoch,
        signal: Signal,
    ) -> Result<(), Exit> {
        match (&to.route, &to.subject) {
            (MonitorRoute::Name, Subject::Name(name, at)) => {
                self.send_signal(from.number(), RemoteTarget::Name(&Arc::from(name.as_str()), at), signal, Some(epoch))
            }
            (MonitorRoute::Process(pid) | MonitorRoute::Child(pid), _) | (MonitorRoute::Name, Subject::Pid(pid)) => {
                self.signal(from, pid, epoch, signal);
                Ok(())
            }
        }
    }

    /// Answers a signal in place of the process that cannot handle it: a link and a monitor receive `reason`, and other
    /// signals are dropped.
    pub(crate) fn refuse_signal(&self, from: &Pid, to: &Pid, epoch: Epoch, signal: Signal, reason: Exit) {
        #[cfg(feature = "test")]
        if matches!(signal, Signal::Link | Signal::Monitor { .. }) {
            self.mark_crash_seen(to);
        }
        let answer = match signal {
            Signal::Link => Signal::Exit { reason, linked: true },
            Signal::Monitor { reference, .. } => Signal::Down { reference, reason },
            Signal::Unlink { id } => Signal::UnlinkAck { id },
            Signal::UnlinkAck { .. }
            | Signal::Exit { .. }
            | Signal::Stop { .. }
            | Signal::Demonitor { .. }
            | Signal::Down { .. } => return,
        };
        if from.belongs_to(self.id()) {
            // The epoch is that of the sender's relation, which may be with a process of another node.
            if let Some(sender) = self.table().signal_target(from.number()) {
                sender.signal(from.number(), to, epoch, answer);
            }
        } else {
            self.signal(to, from, epoch, answer);
        }
    }

    /// Removes a call to another node, whose caller no longer waits.
    pub(crate) fn give_up_call(&self, id: u64) {
        self.send_given_up(self.pending_calls().remove(id));
    }

    /// Removes the entries of a call that came from another node and was passed on, since its caller no longer waits.
    pub(crate) fn give_up_passed_on(&self, call: CallId) {
        self.send_given_up(self.pending_calls().remove_passed_on(call));
    }

    /// Ends the calls of a connection that is lost.
    pub(crate) fn disconnect_calls(&self, epoch: Epoch) {
        self.send_given_up(self.pending_calls().disconnect(epoch));
    }

    fn send_given_up(&self, calls: impl IntoIterator<Item = CallId>) {
        for CallId { epoch, id } in calls {
            if let Some(router) = self.router() {
                router.send_call_note(epoch, CallNote::GivenUp(id));
            }
        }
    }

    /// Counts and logs a message that cannot be sent to another node, since the sender may have dropped its `Cast`.
    pub(crate) fn report_lost_message(&self, to: &NodeName, error: &CastError) {
        #[cfg(feature = "net")]
        self.loss_counts().count_lost_messages(1);
        // A missing process or connection is part of normal operation; other errors are mistakes in a program.
        if matches!(error, CastError::NoProc | CastError::NoConnection) {
            log::debug!(target: "greenroom", node = %self.name(), %to, error = %log::Escaped(Causes(error)), "message cannot be sent");
        } else {
            self.report(ReportKind::Unsent, || {
                log::warn!(target: "greenroom", node = %self.name(), %to, error = %log::Escaped(Causes(error)), "message cannot be sent");
            });
        }
    }

    /// Returns the process or the supervised child with this number, if other nodes may reach it. The number of a child is
    /// returned as zero.
    pub(crate) fn exported(&self, number: u64) -> Option<LocalProcess> {
        match self.table().get(number) {
            Some(cell) => cell.is_pid_exported().then_some(LocalProcess { number, cell }),
            None => {
                let cell = self.children().get(number).filter(|cell| cell.is_child_exported())?;
                Some(LocalProcess { number: 0, cell })
            }
        }
    }

    /// Returns the process, exit watcher or supervised child with this number. The number of a child is returned as zero.
    pub(crate) fn signal_target(&self, number: u64) -> Option<(u64, Arc<dyn SignalTarget>)> {
        match self.table().signal_target(number) {
            Some(target) => Some((number, target)),
            None => self.children().get(number).map(|cell| (0, cell as Arc<dyn SignalTarget>)),
        }
    }
}
