//! Messages that wait between two nodes: at the sender for the connection, and at the receiver for a full mailbox.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use super::membership::Peer;
use crate::base::{CallErrorKind, CastError};
use crate::mailbox::WaiterId;
use crate::node::{AdmissionQueue, Node};
use crate::wire::{Frame, FrameTarget};

/// A message in the wait queue of the connection to `peer`.
pub(super) struct Unsent {
    pub(super) node: Node,
    pub(super) peer: Arc<Peer>,
    /// The ids of the calls in the message.
    pub(super) replies: Vec<u64>,
}

impl AdmissionQueue for Unsent {
    fn poll_admitted(&self, id: WaiterId, cx: &mut Context<'_>) -> Poll<Result<(), CastError>> {
        self.peer.outbox.poll_admitted(id, cx).map_err(|()| CastError::NoConnection)
    }

    fn is_searching(&self) -> bool {
        false
    }

    fn withdraw(&self, id: WaiterId) {
        if !self.peer.outbox.withdraw(id) {
            return;
        }
        self.node.report_lost_message(&self.peer.id.name, &CastError::Full);
        for id in &self.replies {
            self.node.pending_calls().answer(*id, None, Err(CallErrorKind::Full));
        }
    }
}

/// A message of `peer` in the wait queue of a mailbox of this node. Woken when it waits no more, and when the process
/// begins to search for another message.
struct Received {
    peer: Arc<Peer>,
    target: FrameTarget,
    bytes: usize,
    queue: Arc<dyn AdmissionQueue>,
    id: WaiterId,
}

/// Counts a message of `peer` that waits in front of a mailbox, until it waits no more.
pub(super) fn count_waiting(
    peer: &Arc<Peer>,
    target: &FrameTarget,
    bytes: usize,
    queue: Arc<dyn AdmissionQueue>,
    id: WaiterId,
) {
    let received = Arc::new(Received { peer: Arc::clone(peer), target: target.clone(), bytes, queue, id });
    // Before the first poll: the mailbox may wake it at once.
    peer.change_holds(|holds| holds.add(target, bytes).then(|| Frame::Hold { to: target.clone() }));
    received.check();
}

impl Received {
    /// Finds out whether the message still waits, and whether the process searches for another one.
    fn check(self: Arc<Self>) {
        let waker = Waker::from(Arc::clone(&self));
        let Received { peer, target, bytes, queue, id } = &*self;
        let resume = || Frame::Resume { to: target.clone() };
        if queue.poll_admitted(*id, &mut Context::from_waker(&waker)).is_ready() {
            peer.change_holds(|holds| holds.remove(target, *bytes).then(resume));
        } else if queue.is_searching() {
            // After the waker was set, so that a search that begins later wakes it.
            peer.change_holds(|holds| holds.search(target).then(resume));
        }
    }
}

impl Wake for Received {
    fn wake(self: Arc<Self>) {
        self.check();
    }
}
