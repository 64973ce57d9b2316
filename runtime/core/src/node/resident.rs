use std::any::Any;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::Node;
use crate::base::{CallError, CastError, NodeEvent, NodeId, Pid};
use crate::mailbox::WaiterId;
use crate::observe::{DeadlockCheck, ProcessInfo, ProtocolMetrics, SourceLine, Waiting};
use crate::wire::Signal;

/// What a node needs of a process. Each call names the process by number, since a supervised child's
/// successor lives in the same place.
pub(crate) trait Resident: Send + Sync {
    /// Where it lives.
    fn node(&self) -> &Node;

    /// A signal from another process.
    fn signal(&self, number: u64, from: &Pid, signal: Signal);

    /// A message from another node.
    ///
    /// # Errors
    /// Why it cannot become one of this process's messages.
    fn deliver(&self, number: u64, delivery: Delivery<'_>) -> Result<(), CallError>;

    /// An event of a type that the process takes by a `#[from]` variant: an `Option` of it, taken if it is. For
    /// whoever lives there if there is no number. As with any message, a ticket if it stands in line.
    ///
    /// # Errors
    /// Why it did not arrive.
    fn event(&self, number: Option<u64>, event: &mut dyn Any) -> Result<Option<WaiterId>, CastError>;

    /// The number of who lives there just now.
    fn owner(&self) -> Option<u64>;

    /// Its stub leaves this node.
    fn export(&self);

    /// The same for the place that one process after another lives in: its path, if it has one that fits.
    fn export_place(&self) -> Option<String>;

    /// The path of a supervised child.
    fn path(&self) -> Option<&Arc<str>> {
        None
    }

    /// The line before its mailbox.
    fn line(self: Arc<Self>) -> Arc<dyn Line>;

    /// Whether the process lives, and nothing has been decided to the contrary.
    fn is_alive(&self, number: u64) -> bool;

    /// Whether it has been decided that whoever runs there ends.
    fn is_doomed(&self) -> bool;

    /// Whether its stub has left this node, so that others may reach it by number.
    fn is_exported(&self) -> bool;

    /// Gives the process its name, if it lives and has none; `Err` with the name it has.
    fn take_name(&self, number: u64, name: &str) -> Result<(), Option<String>>;

    /// The process's name is free again.
    fn drop_name(&self, number: u64);

    /// Another node came or went.
    fn node_event(&self, number: u64, event: NodeEvent);

    /// The connection to a node is lost.
    fn disconnect(&self, number: u64, node: &NodeId);

    /// The number of the process that lives here; zero between two lives.
    fn occupant(&self) -> u64 {
        0
    }

    /// Whether the place's stub has left this node, so that others may reach whoever lives here.
    fn is_place_exported(&self) -> bool {
        false
    }

    /// The process waits for this, or for nothing any more that is known of: a call's address tells which it was.
    fn wait(&self, number: u64, waiting: Result<Waiting, *const ()>) {
        let _ = (number, waiting);
    }

    /// What the process waits for, if it is a call that has taken a while.
    fn waiting(&self, number: u64) -> Option<Waiting> {
        let _ = number;
        None
    }

    /// What each poll asks first: where it lives; and whether it is pressed, so that this poll is not to be like any other,
    /// as it is the first, or the last, or somebody asks what the process waits for.
    fn glance(&self) -> (&Node, bool) {
        (self.node(), self.is_doomed())
    }

    /// Has the process vote on whether its calls can be answered.
    fn inquire(&self, number: u64, inquiry: Arc<DeadlockCheck>) {
        let _ = (number, inquiry);
    }

    /// Where the process comes from; `None` for what only listens for one.
    fn ancestry(&self) -> Option<Ancestry>;

    /// The process as others may see it, all but its ancestors.
    fn info(&self, number: u64) -> Option<ProcessInfo> {
        let _ = number;
        None
    }

    /// The process in figures.
    fn figures(&self) -> Option<ProtocolMetrics> {
        None
    }

    /// What runs there, and the receive that it was last seen in.
    fn glimpse(&self) -> Option<(&'static str, Option<SourceLine>)> {
        None
    }

    /// Whether somebody traces the process from now on.
    fn trace(&self, number: u64, traced: bool) {
        let _ = (number, traced);
    }

    /// What it is called in the error that tells protocols apart.
    fn protocol(&self) -> &'static str;

    /// The process as what it is.
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

/// Where a process comes from.
#[derive(Clone, Copy)]
pub(crate) struct Ancestry {
    /// The number of the process that started it; zero outside of any.
    pub(crate) parent: u64,
    /// Whether it looks after others.
    pub(crate) supervisor: bool,
}

/// The line before a full mailbox, for those who stand in it.
pub(crate) trait Line: Send + Sync {
    /// Resolves when the message with this waiter id is in, or will never be.
    fn poll_admitted(&self, id: WaiterId, cx: &mut Context<'_>) -> Poll<Result<(), CastError>>;

    /// Takes the message with this waiter id out again, if it still stands there.
    fn withdraw(&self, id: WaiterId);
}

/// A message from another node, not decoded yet.
pub(crate) struct Delivery<'a> {
    pub(crate) protocol: u64,
    pub(crate) variant: u32,
    pub(crate) payload: &'a [u8],
}

impl Delivery<'_> {
    /// In place of a variant: the payload is an event, and `protocol` its type's number.
    pub(crate) const EVENT: u32 = u32::MAX;
}
