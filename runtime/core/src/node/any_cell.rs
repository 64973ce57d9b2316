//! The node's view of a process's cell: one trait for each use.
//!
//! A cell is generic over the protocol of its process. A node's tables hold cells of all protocols, as [`AnyCell`].
//!
//! A supervised child keeps its cell over its restarts, and each of its processes has a number of its own. Methods take
//! that number, so that a request for an earlier process has no effect on a later one.

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

#[cfg(feature = "net")]
use tokio::sync::oneshot;

#[cfg(feature = "upgrade")]
use super::HoldRequest;
use super::Node;
#[cfg(feature = "inspect")]
use crate::base::Definition;
use crate::base::{CastError, MessageContext, NodeEvent, NodeId, Pid, ReceivedDefinition, Source, UnreadMessage};
#[cfg(feature = "net")]
use crate::base::{EncodedState, Exit};
use crate::mailbox::WaiterId;
use crate::observe::{Alarm, DeadlockCheck, ProcessInfo, ProtocolMetrics, SourceLine, WaitingCall};
#[cfg(all(feature = "upgrade", unix))]
use crate::signal::KeptRelation;
use crate::wire::{Epoch, Signal};

/// A cell of any protocol.
pub(crate) trait AnyCell: SignalTarget + MessageTarget + Addressable + Pollable + Inspect {
    /// Has a server end when its mailbox is empty.
    #[cfg(feature = "registry")]
    fn finish(&self, number: u64, request: Finish);

    /// Returns how many messages were sent to the process, if it has handled them all and waits for another one.
    #[cfg(feature = "registry")]
    fn handled_all(&self) -> Option<u64>;
}

/// A receiver of signals: a process's cell, or an exit watcher.
pub(crate) trait SignalTarget: Send + Sync {
    /// Handles a signal from another process, which came over the connection of this epoch. The number zero is the
    /// supervised child of the cell, whichever process it is.
    fn signal(&self, number: u64, from: &Pid, epoch: Epoch, signal: Signal);

    /// Handles the loss of the connection of this epoch to a node. The number zero is the supervised child.
    fn disconnect(&self, number: u64, node: &NodeId, epoch: Epoch);

    /// Returns whether the process has a link or monitor over the connection of this epoch, in either direction.
    fn is_related_over(&self, number: u64, epoch: Epoch) -> bool;

    /// Returns the number of links, and of monitors on the process, over the connection of this epoch.
    fn relations_over(&self, number: u64, epoch: Epoch) -> usize;

    /// Returns the relations over the connection of this epoch, in either direction.
    #[cfg(all(feature = "upgrade", unix))]
    fn kept_relations(&self, number: u64, epoch: Epoch) -> Vec<KeptRelation>;
}

/// A receiver of messages that arrive without their type: from another node, or as events.
pub(crate) trait MessageTarget: Send + Sync {
    /// Decodes a message from another node and puts it into the mailbox. Returns the id of a message that waits in front
    /// of a full mailbox, which needs `can_wait`.
    ///
    /// # Errors
    /// The process is gone, its mailbox is full, or the bytes are not one of its messages.
    fn deliver(
        &self,
        number: u64,
        message: EncodedMessage<'_>,
        can_wait: bool,
    ) -> Result<Option<WaiterId>, UnreadMessage>;

    /// Puts an event into the mailbox of the process with this number, or else of the cell's current process. The event
    /// is an `Option<E>`, for a variant `#[from] E`. Returns the id of a message that waits in front of a full mailbox.
    ///
    /// # Errors
    /// The process is gone, its mailbox is full, or its protocol has no variant for the event.
    fn deliver_event(&self, number: Option<u64>, event: &mut dyn Any) -> Result<Option<WaiterId>, CastError>;

    /// Puts the event that another node has connected or disconnected into the mailbox.
    fn deliver_node_event(&self, number: u64, event: NodeEvent);

    /// Returns the number of the running or starting process, which owns the mailbox.
    fn mailbox_owner(&self) -> Option<u64>;

    /// Returns the cell as the queue of messages that wait in front of its mailbox.
    fn into_admission_queue(self: Arc<Self>) -> Arc<dyn AdmissionQueue>;

    /// Returns the protocol's name, for errors.
    fn protocol(&self) -> &'static str;

    /// Returns the cell for a downcast to its type.
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

/// A process that is found by name, by path in a supervision tree, or by a pid from another node.
pub(crate) trait Addressable: Send + Sync {
    /// Returns true if the process runs and its exit has not been decided.
    fn is_alive(&self, number: u64) -> bool;

    /// Returns the number of the process that runs; zero between two processes, and until the start of a supervised child
    /// has succeeded.
    fn running_number(&self) -> u64;

    /// Sets the process's registered name.
    ///
    /// # Errors
    /// The name that it has already, or `None` if it does not run.
    fn set_name(&self, number: u64, name: &str) -> Result<(), Option<String>>;

    /// Clears the process's registered name.
    fn clear_name(&self, number: u64);

    /// Returns the path in the supervision tree; `None` for a process that is not a supervised child.
    fn path(&self) -> Option<&Arc<str>>;

    /// Lets other nodes reach the process by pid, since a stub of it leaves this node.
    fn export_pid(&self);

    /// Returns true if other nodes may reach the process by pid.
    fn is_pid_exported(&self) -> bool;

    /// Notes that the process is a member of groups, which are notified of its exit, and lets other nodes reach it by pid.
    /// Returns `false` if the process does not run.
    fn enter_groups(&self, number: u64) -> bool;

    /// Returns the identity of a supervised child over its restarts: its node, with a number of the cell's own. `None`
    /// for a process that is not a supervised child.
    fn child_id(&self) -> Option<Pid>;

    /// Lets a supervised child be found by its [id](Self::child_id), which is returned.
    fn list_child(self: Arc<Self>) -> Option<Pid>;

    /// Lets other nodes reach a [listed](Self::list_child) child over its restarts by its id.
    fn export_child(&self);

    /// Returns true if other nodes may reach the child by its id.
    fn is_child_exported(&self) -> bool;

    /// Requests the state of the process with this number.
    ///
    /// # Errors
    /// The process has ended, runs on another node, or is not portable.
    #[cfg(feature = "net")]
    fn take_state(&self, number: u64, request: TakeState) -> Result<(), RequestError>;

    /// Sends a request of an upgrade to the process with this number.
    ///
    /// # Errors
    /// The process has ended, runs on another node, or is neither portable nor a supervisor.
    #[cfg(feature = "upgrade")]
    fn hold(&self, number: u64, request: HoldRequest) -> Result<(), RequestError>;

    /// Returns whether the process is a server, which can be held between any two messages.
    #[cfg(feature = "upgrade")]
    fn is_server(&self) -> bool;

    /// Returns whether an upgrade is refused if the process cannot be handed over.
    #[cfg(feature = "upgrade")]
    fn refuses_restart(&self) -> bool;

    /// Returns the definition of the protocol; `None` if it is local or cannot be sent.
    #[cfg(feature = "inspect")]
    fn definition(&self) -> Option<Arc<Definition>>;

    /// Makes a request to the server with this number.
    ///
    /// # Errors
    /// The process has ended, runs on another node, or is not a server with the option `sys`.
    #[cfg(feature = "inspect")]
    fn request_server(&self, number: u64, request: ServerRequest) -> Result<(), RequestError>;
}

/// A request to a server that keeps its order among the messages to it. Each is answered when it has been handled.
#[cfg(feature = "inspect")]
pub(crate) enum ServerRequest {
    /// Formats the state.
    State(oneshot::Sender<String>),
    Suspend(oneshot::Sender<()>),
    Resume(oneshot::Sender<()>),
}

/// A request to a process to hand its state over, and to end. It keeps its order among the messages to the process.
#[cfg(feature = "net")]
pub(crate) struct TakeState {
    /// The exit reason of a process that has handed its state over.
    pub(crate) reason: Exit,
    /// Receives the state, or the reason why it cannot be encoded. The process goes on after an error, and if the
    /// receiver was dropped.
    pub(crate) answer: oneshot::Sender<Result<EncodedState, String>>,
}

/// A request to end at a moment at which the mailbox is empty. Later messages are refused, so none is lost.
#[cfg(feature = "registry")]
pub(crate) struct Finish {
    /// The exit reason.
    pub(crate) reason: Exit,
    /// Set if the server handles the messages that have come meanwhile, and ends then. Otherwise it goes on.
    pub(crate) insists: bool,
    /// Receives the state of a portable server, which then ends without its `terminate`. A server whose state cannot be
    /// encoded ends as without this.
    pub(crate) state: Option<oneshot::Sender<Result<EncodedState, String>>>,
}

/// The error of a request that was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestError {
    /// The process has ended.
    Gone,
    /// The process's kind does not answer such requests.
    NotAllowed,
    /// The process is a proxy of one on another node.
    Elsewhere,
}

/// A process as the thread that polls it needs it.
pub(crate) trait Pollable: Send + Sync {
    /// Returns the process's node.
    fn node(&self) -> &Node;

    /// Returns the process's node, and true if the next poll needs more than the usual steps: it is the first, the exit
    /// has been decided, or a deadlock check waits for an answer. One call, since every poll begins with it.
    fn prepare_poll(&self) -> (&Node, bool);

    /// Returns true if the process's exit has been decided: it ends at its next `.await` that waits.
    fn is_exiting(&self) -> bool;

    /// Lets the process take no further message until `sent` resolves, since its answers wait to be sent.
    fn wait_for_answers(&self, number: u64, sent: Pin<Box<dyn Future<Output = ()> + Send>>);

    /// Notes the call for whose answer the process waits.
    fn set_waiting(&self, number: u64, waiting: WaitingCall);

    /// Clears that note if it is of the call at this address.
    fn clear_waiting(&self, number: u64, call: *const ());
}

/// A process as others observe it.
pub(crate) trait Inspect: Send + Sync {
    /// Returns the parent, and whether the process is a supervisor.
    fn ancestry(&self) -> Ancestry;

    /// Returns the process's state, without its ancestors; `None` if it has ended.
    fn process_info(&self, number: u64) -> Option<ProcessInfo>;

    /// Returns the metrics of the cell's current process.
    fn metrics(&self) -> ProtocolMetrics;

    /// Returns the actor's or function's name, and the `receive!` that last polled the mailbox.
    fn type_and_line(&self) -> (&'static str, Option<SourceLine>);

    /// Returns the actor's or function's name, and the place where the process was last seen: the call of its running
    /// blocking code, or else the `receive!` that last polled the mailbox.
    fn last_seen(&self) -> (&'static str, Option<SourceLine>);

    /// Raises the alarm that the supervisor of this process no longer waits for its end; it is cleared at the end. `child` is
    /// the child's path. Returns the alarm, or `None` if it is raised already or the process has ended.
    fn abandon(&self, number: u64, child: String) -> Option<Alarm>;

    /// Starts or ends the trace of the process's messages.
    fn set_traced(&self, number: u64, traced: bool);

    /// Returns the call for whose answer the process has waited for a while.
    fn waiting(&self, number: u64) -> Option<WaitingCall>;

    /// Returns whether the process is a supervisor that waits for the start or the exit of this child.
    fn awaits_child(&self, number: u64, child: u64) -> bool;

    /// Notes that the `init` of this child has succeeded. The process, if it is a supervisor, waits for it no longer, although
    /// it may be polled later.
    fn note_child_started(&self, number: u64, child: u64);

    /// Lets the process confirm at its next poll that it waits for nothing but its call.
    fn check_deadlock(&self, number: u64, check: Arc<DeadlockCheck>);
}

/// A process's origin.
#[derive(Clone, Copy)]
pub(crate) struct Ancestry {
    /// The number of the process that started it; zero outside of any.
    pub(crate) parent: u64,
    pub(crate) supervisor: bool,
}

/// The queue of messages that wait in front of a full mailbox, or of a connection.
pub(crate) trait AdmissionQueue: Send + Sync {
    /// Resolves when the message with this id is in the mailbox, or behind the frames that are sent, or will never be.
    fn poll_admitted(&self, id: WaiterId, cx: &mut Context<'_>) -> Poll<Result<(), CastError>>;

    /// Returns whether the mailbox is full, and its owner waits for a message that is not in it. When that begins, the
    /// wakers of all waiting messages are woken.
    fn is_searching(&self) -> bool;

    /// Takes the message with this id back, if it still waits.
    fn withdraw(&self, id: WaiterId);
}

/// A message from another node, before it is decoded.
#[derive(Clone, Copy)]
pub(crate) struct EncodedMessage<'a> {
    /// The fingerprint of the protocol's definition, or of the event's.
    pub(crate) protocol: u64,
    pub(crate) variant: u32,
    pub(crate) context: &'a MessageContext,
    pub(crate) payload: &'a Source,
    /// The sender's node and number, zero for a task outside of any process. `None` for a message of this node.
    pub(crate) from: Option<(&'a Arc<NodeId>, u64)>,
    /// Returns the definition with this fingerprint, if the peer has sent it.
    pub(crate) definition: &'a dyn Fn(u64) -> Option<Arc<ReceivedDefinition>>,
}

impl EncodedMessage<'_> {
    /// The variant of an event.
    pub(crate) const EVENT: u32 = u32::MAX;

    /// The variant of a question for the [chain of calls](crate::observe::CallChain) of the process. The node answers it.
    #[cfg(feature = "net")]
    pub(crate) const CALL_CHAIN: u32 = u32::MAX - 1;

    /// The variant of a request to the node itself: to start a process, or to call a function.
    #[cfg(feature = "net")]
    pub(crate) const REQUEST: u32 = u32::MAX - 2;
}
