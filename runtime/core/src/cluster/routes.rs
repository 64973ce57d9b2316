//! The routes to other nodes: frames of this node's processes go into the outbox of the connection to their node.

use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::Cluster;
use super::membership::Peer;
use super::waiting::Unsent;
use crate::base::{CallErrorKind, CastError, EncodeError, Exit, Member, NodeName, Payload, Right};
use crate::log;
use crate::net::{PushError, Pushed};
#[cfg(all(feature = "upgrade", unix))]
use crate::node::PausedPeer;
use crate::node::{
    AdmissionQueue, BackPressure, CallId, CallNote, CallerNode, EncodedAnswer, Node, OutgoingAnswer, OutgoingMessage,
    RemoteTarget, Room, Router, SentMessage,
};
use crate::sync::PoisonError;
#[cfg(feature = "inspect")]
use crate::wire::MemberRecord;
use crate::wire::{Epoch, Frame, FrameTarget, GroupUpdate, MeshKind, Signal};

impl Router for Cluster {
    fn epoch(&self, node: &NodeName) -> Option<Epoch> {
        self.connected_peer(node).map(|peer| peer.epoch)
    }

    fn open_epoch(&self, node: &Node, to: &NodeName) -> Option<Epoch> {
        self.route(node, to, None).map(|peer| peer.epoch)
    }

    fn send_message(
        &self,
        node: &Node,
        from: u64,
        to: RemoteTarget<'_>,
        message: OutgoingMessage<'_>,
        epoch: Option<Epoch>,
    ) -> Result<SentMessage, CastError> {
        let OutgoingMessage { definition, variant, replies, context, payload } = message;
        let peer = self.route(node, to.node(), epoch).ok_or(CastError::NoConnection)?;
        let to = frame_target(&peer, to)?;
        let protocol = definition.map_or(0, |definition| definition.fingerprint);
        let context = if peer.reads_contexts() { context.encode() } else { None };
        let head = Frame::Message { from, to, protocol, variant, replies, context, payload: Bytes::new() };
        match peer.outbox.push_message(lane(from), &head, payload, definition).map_err(cast_error)? {
            Pushed::Queued(room) => Ok(SentMessage::Queued(room)),
            Pushed::Waits(id) => {
                let Frame::Message { replies, .. } = head else { unreachable!("built above") };
                let unsent = Arc::new(Unsent { node: node.clone(), peer, replies });
                Ok(SentMessage::Waits((unsent as Arc<dyn AdmissionQueue>, id)))
            }
        }
    }

    fn send_answer(
        &self,
        from: Option<u64>,
        caller: &CallerNode,
        id: u64,
        answer: OutgoingAnswer,
    ) -> Result<Room, CallErrorKind> {
        // The connection is gone, and with it the call.
        let peer = self.peer_of(&caller.id.name, caller.epoch).ok_or(CallErrorKind::NoConnection)?;
        let (replies, result, mut payload, definition) = match answer {
            Ok(EncodedAnswer { replies, payload, definition }) => (replies, Ok(Bytes::new()), payload, definition),
            Err(error) => (Vec::new(), Err(error), Payload::default(), None),
        };
        let lane = from.map_or_else(|| lane_of(&id), lane);
        let from = from.unwrap_or(0);
        let fingerprint = definition.as_ref().map(|definition| definition.fingerprint);
        let head = Frame::Answer { from, id, replies, definition: fingerprint, result };
        match peer.outbox.push_answer(lane, &head, &mut payload, definition.as_ref()) {
            Ok(room) => Ok(room),
            Err(PushError::Closed) => Err(CallErrorKind::NoConnection),
            // The caller receives the error instead.
            Err(error) => {
                let error = CallErrorKind::from(cast_error(error));
                let result = Err(error.clone());
                let failed = Frame::Answer { from, id, replies: Vec::new(), definition: None, result };
                let pushed = peer.outbox.push(lane, &failed);
                if pushed.is_err() {
                    self.close_connection(&peer);
                }
                Err(error)
            }
        }
    }

    #[cfg(feature = "upgrade")]
    fn keep_call(&self, CallId { epoch, id }: CallId) -> Option<CallerNode> {
        let peers = self.peers.read().unwrap_or_else(PoisonError::into_inner);
        let peer = peers.values().find(|peer| peer.epoch == epoch)?;
        peer.pause.keep_call(id);
        Some(peer.caller_node())
    }

    fn send_call_note(&self, epoch: Epoch, note: CallNote) {
        let peers = self.peers.read().unwrap_or_else(PoisonError::into_inner);
        let Some(peer) = peers.values().find(|peer| peer.epoch == epoch).cloned() else { return };
        drop(peers);
        let frame = match note {
            CallNote::PassedOn(id) => Frame::PassedOn { from: 0, id },
            CallNote::GivenUp(id) => Frame::GivenUp { from: 0, id },
        };
        match peer.outbox.push(0, &frame) {
            Ok(_) | Err(PushError::Closed) => {}
            Err(_) => self.close_connection(&peer),
        }
    }

    fn send_signal(
        &self,
        node: &Node,
        from: u64,
        to: RemoteTarget<'_>,
        signal: Signal,
        epoch: Option<Epoch>,
    ) -> Result<(), Exit> {
        let peer = self.route(node, to.node(), epoch).ok_or(Exit::NoConnection)?;
        match (&signal, to) {
            // Before the signal is sent, and on the connection that sends it: from then on its loss must be reported.
            (Signal::Link | Signal::Monitor { .. }, _) => peer.tracked.add(node, peer.epoch, from),
            (Signal::Down { reference, .. }, RemoteTarget::Pid(watcher)) => {
                peer.tracked.take_resolved(watcher.number(), *reference);
            }
            _ => {}
        }
        let to = frame_target(&peer, to).map_err(|_| Exit::NoProc)?;
        let pushed = match peer.outbox.push(from, &Frame::Signal { from, to: to.clone(), signal: signal.clone() }) {
            // The text of the reason is the only part of a signal that can be long.
            Err(PushError::TooLarge { limit }) => {
                peer.outbox.push(from, &Frame::Signal { from, to, signal: signal.shortened(limit / 4) })
            }
            pushed => pushed,
        };
        match pushed {
            Ok(_) => Ok(()),
            Err(PushError::Closed) => Err(Exit::NoConnection),
            Err(_) => {
                self.close_connection(&peer);
                Err(Exit::NoConnection)
            }
        }
    }

    fn send_claims(&self, epoch: Epoch, parts: Vec<u8>) {
        let peers = self.peers.read().unwrap_or_else(PoisonError::into_inner);
        let Some(peer) = peers.values().find(|peer| peer.epoch == epoch).cloned() else { return };
        drop(peers);
        match peer.outbox.push(0, &Frame::Claims(parts.into())) {
            Ok(_) | Err(PushError::Closed) => {}
            Err(_) => self.close_connection(&peer),
        }
    }

    fn is_on_demand(&self) -> bool {
        self.own_mesh() == MeshKind::OnDemand
    }

    fn backpressure(&self, node: &NodeName) -> Option<BackPressure> {
        let peer = self.peer(node)?;
        if peer.outbox.is_ready() {
            return None;
        }
        Some(Box::pin(async move {
            peer.outbox.ready().await;
            if peer.is_up() { Ok(()) } else { Err(CastError::NoConnection) }
        }))
    }

    fn max_message_size(&self) -> usize {
        self.limits.frame
    }

    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.closing.begin();
        self.close_peers();
        Box::pin(self.closing.complete())
    }

    fn drive_late(&self, now: Instant, is_occupied: bool) -> Duration {
        self.links.late_drivers().drive(now, is_occupied)
    }

    #[cfg(all(feature = "upgrade", unix))]
    fn pause_peers<'a>(&'a self, node: &'a Node, limit: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(self.pause_all(node, limit))
    }

    #[cfg(all(feature = "upgrade", unix))]
    fn paused_peers(&self, node: &Node) -> Vec<PausedPeer> {
        self.records(node)
    }

    #[cfg(all(feature = "upgrade", unix))]
    fn resume_peers(&self) {
        self.resume_all();
    }

    #[cfg(all(feature = "upgrade", unix))]
    fn leave_peers(&self) {
        self.leave_all();
    }

    fn listen_address(&self) -> Option<String> {
        self.address.get().cloned()
    }

    fn epochs(&self) -> Vec<Epoch> {
        let peers = self.peers.read().unwrap_or_else(PoisonError::into_inner);
        peers.values().filter(|peer| peer.is_up()).map(|peer| peer.epoch).collect()
    }

    fn send_group_update(&self, epoch: Epoch, update: GroupUpdate) -> Option<Room> {
        let peers = self.peers.read().unwrap_or_else(PoisonError::into_inner);
        let peer = peers.values().find(|peer| peer.epoch == epoch && peer.may(Right::Groups)).cloned()?;
        drop(peers);
        match peer.outbox.push(0, &Frame::Groups(update)) {
            Ok(room) => Some(room),
            Err(PushError::Closed) => None,
            // The peer would list other members than there are.
            Err(_) => {
                self.close_connection(&peer);
                None
            }
        }
    }

    fn incarnation(&self, node: &NodeName) -> Option<u64> {
        Some(self.peer(node)?.id.incarnation)
    }

    fn peers(&self) -> Vec<NodeName> {
        self.names()
    }

    fn members(&self) -> Vec<Member> {
        self.list_members()
    }

    #[cfg(feature = "inspect")]
    fn own_record(&self) -> MemberRecord {
        self.own_record.clone()
    }

    fn leave(&self) {
        self.announce_leave();
    }

    fn part(&self, node: &NodeName) -> bool {
        Cluster::part(self, node)
    }

    #[cfg(test)]
    fn tracked(&self) -> (usize, usize) {
        let peers = self.peers.read().unwrap_or_else(PoisonError::into_inner);
        peers.values().map(|peer| peer.tracked.counts()).fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1))
    }

    #[cfg(test)]
    fn remembered(&self, node: &Node) -> std::collections::BTreeMap<&'static str, usize> {
        let mut sums = std::collections::BTreeMap::new();
        for peer in self.peers.read().unwrap_or_else(PoisonError::into_inner).values() {
            let (related, resolved) = peer.tracked.related(node, peer.epoch);
            let (waiters, held, lost) = peer.outbox.waiters();
            for (kind, count) in [
                ("processes with relations", related),
                ("monitors of names", resolved),
                ("messages in front of mailboxes", peer.waiting_messages()),
                ("large frames", peer.large_frames.count()),
                ("frames in the outbox", peer.outbox.waiting().frames),
                ("messages in front of the outbox", waiters),
                ("held targets", held),
                ("lost messages", lost),
            ] {
                *sums.entry(kind).or_default() += count;
            }
        }
        sums
    }
}

impl Peer {
    /// Returns the peer as the node of callers whose calls came on this connection.
    pub(super) fn caller_node(&self) -> CallerNode {
        CallerNode { id: Arc::clone(&self.id), epoch: self.epoch, calls: self.calls.clone() }
    }

    pub(super) fn call_id(&self, id: u64) -> CallId {
        CallId { epoch: self.epoch, id }
    }
}

impl Cluster {
    /// Returns the connection to a node; with an epoch, only that connection. Without one, a missing
    /// connection to a member is opened.
    fn route(&self, node: &Node, to: &NodeName, epoch: Option<Epoch>) -> Option<Arc<Peer>> {
        match epoch {
            Some(epoch) => self.peer_of(to, epoch),
            None => self.peer(to).or_else(|| self.open(to, node.clock().now())),
        }
    }

    /// Returns the connection of this epoch to a node.
    fn peer_of(&self, node: &NodeName, epoch: Epoch) -> Option<Arc<Peer>> {
        self.peer(node).filter(|peer| peer.epoch == epoch)
    }

    /// Closes a connection that does not take an answer or a signal: those must not be lost while it stays up.
    fn close_connection(&self, peer: &Peer) {
        log::error!(target: "greenroom", peer = %peer.id.name, "a signal cannot be sent: the connection is closed");
        peer.outbox.close();
    }
}

/// Returns the receiver of a frame; `NoProc` if it is of another incarnation, or cannot exist.
fn frame_target(peer: &Peer, to: RemoteTarget<'_>) -> Result<FrameTarget, CastError> {
    match to {
        RemoteTarget::Pid(pid) if pid.node_id().incarnation != peer.id.incarnation => Err(CastError::NoProc),
        RemoteTarget::Pid(pid) => Ok(FrameTarget::Process(pid.number())),
        RemoteTarget::Name(name, _) if name.is_empty() || name.len() > FrameTarget::MAX_NAME => Err(CastError::NoProc),
        RemoteTarget::Name(name, _) => Ok(FrameTarget::Name(Arc::clone(name))),
        RemoteTarget::Node(_) => Ok(FrameTarget::NODE),
        RemoteTarget::Group(name, _) => Ok(FrameTarget::Group(Arc::clone(name))),
    }
}

/// Returns the lane of a sender: a process has its own, and so has a task outside of any process.
fn lane(from: u64) -> u64 {
    match (from, tokio::task::try_id()) {
        (0, Some(task)) => lane_of(&task),
        _ => from,
    }
}

/// Returns the lane of a sender that is not a process.
fn lane_of(sender: &impl Hash) -> u64 {
    /// Above the numbers of processes.
    const OTHERS: u64 = 1 << 60;
    let mut hasher = DefaultHasher::new();
    sender.hash(&mut hasher);
    OTHERS | hasher.finish() >> 4
}

fn cast_error(error: PushError) -> CastError {
    match error {
        PushError::Full => CastError::Full,
        PushError::Closed => CastError::NoConnection,
        PushError::TooLarge { limit } => CastError::Encode(EncodeError::TooLarge { limit }),
        PushError::Refused(reason) => CastError::Incompatible(reason),
        PushError::Encode(error) => CastError::Encode(EncodeError::Field(error.to_string().into())),
    }
}
