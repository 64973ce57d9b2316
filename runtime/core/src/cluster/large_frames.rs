//! The large frames of a peer, which a worker handles beside the connection's task.
//!
//! The decoding of a message of many megabytes takes many milliseconds, and so does a broadcast to thousands of members.
//! The connection's task would read nothing meanwhile, and the small messages of all other processes would wait. So a large frame goes into a queue, and the worker
//! handles one frame after the other on a thread for blocking code. The later frames of the same lane follow it into
//! the queue, so the order in each lane is kept. The frames of other lanes do not wait.
//!
//! When too much waits, the peer gets no acknowledgements of large frames, and in the end is not read. The worker waits
//! for nothing but the code of a message, so there is room again later.
//!
//! The loss of the connection takes effect after the last frame that was received.

mod queue;

use std::sync::Arc;

use super::inbound::handle_frame;
use super::membership::Peer;
use crate::net::Command;
use crate::node::Node;
use crate::session::Intake;
use crate::wire::{Frame, FrameTarget};

use queue::Arrival;
pub(super) use queue::LargeFrames;

/// The bytes whose decoding takes about as long as the delivery of a message to one member of a group.
const MEMBER: usize = 32;

/// Handles the frames in the queue of a connection. A worker that ends early, as its thread does, drops them and ends the
/// connection.
struct Worker {
    node: Node,
    peer: Arc<Peer>,
    is_done: bool,
}

/// Handles a frame of `peer` now, or puts it into the queue: called by the connection's task alone.
pub(super) fn accept(node: &Node, peer: &Arc<Peer>, lane: u64, frame: Frame) {
    let cost = cost_of_members(node, peer, &frame);
    match peer.large_frames.arrive(lane, frame, cost, |intake| set_intake(peer, intake)) {
        Arrival::Now(frame) => handle_frame(node, peer, frame),
        Arrival::Queued | Arrival::Dropped => {}
        Arrival::First => {
            let worker = Worker { node: node.clone(), peer: Arc::clone(peer), is_done: false };
            node.spawner().run_blocking(Box::new(move || worker.run()));
        }
    }
}

/// Returns the bytes that a frame counts for beside its own: a broadcast is decoded by each member of the group.
fn cost_of_members(node: &Node, peer: &Peer, frame: &Frame) -> usize {
    let Frame::Message { to: FrameTarget::Group(name), protocol, .. } = frame else { return 0 };
    let (Some(groups), Some(definition)) = (node.group_service(), peer.definition(*protocol)) else { return 0 };
    groups.local_members(name, &definition.get().name).map_or(0, |members| members.len() * MEMBER)
}

fn set_intake(peer: &Peer, intake: Intake) {
    peer.outbox.command(Command::Accept(intake));
}

impl Worker {
    fn run(mut self) {
        let mut handled = None;
        while let Some((lane, frame)) = self.peer.large_frames.next(handled, |intake| set_intake(&self.peer, intake)) {
            handle_frame(&self.node, &self.peer, frame);
            handled = Some(lane);
        }
        self.is_done = true;
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if !self.is_done {
            self.peer.outbox.command(Command::Abort);
            self.peer.large_frames.fail();
        }
    }
}
