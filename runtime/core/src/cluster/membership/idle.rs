//! Idle connections between nodes that connect on demand: both nodes agree, then the connection is closed. Nothing is lost.
//!
//! | step | proposing node | other node |
//! |---|---|---|
//! | 1 | nothing was sent or received for [`IDLE`], and nothing depends on the connection: it parks its outbox and announces that | |
//! | 2 | | the same holds for [`AGREED`]: it parks its outbox, announces that, and separates it from the connection |
//! | 3 | separates its outbox, and the connection ends | |
//!
//! In step 2 the other node can also answer that the connection is in use. Then the proposing node sends what has waited
//! meanwhile on the connection. If both nodes propose at the same time, each takes the proposal for an agreement. The
//! proposing node takes the loss of the connection for an agreement, too, unless the peer has sent something since: the peer
//! may have agreed and dialled again already.
//!
//! After its last announcement, a node sends nothing on the connection, and it has received all that the peer has sent
//! before the peer's. A frame that a process sends later waits in the separated outbox for the next connection. That one
//! has the same epoch, so for calls and relations that begin in between nothing was lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Cluster, Peer, Request};
use crate::base::{NodeEvent, NodeId};
use crate::cluster::inbound::services_down;
use crate::log;
use crate::net::{Command, Outbox};
use crate::node::Node;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, PoisonError};
use crate::wire::{Announcement, Frame, MeshKind};

/// The time without a frame after which a node would close a connection.
const IDLE: Duration = Duration::from_secs(60);
/// The time without a frame after which a node agrees. It compares as seldom as the peer, which has begun to wait earlier.
const AGREED: Duration = Duration::from_secs(30);

/// The frames of a connection, and the time since which there were no more.
#[derive(Default)]
pub(super) struct Activity {
    received: AtomicU64,
    /// The number of received frames when the outbox was parked.
    received_at_park: AtomicU64,
    seen: Mutex<Option<Seen>>,
}

#[derive(Clone, Copy)]
struct Seen {
    received: u64,
    pushed: u64,
    since: Instant,
}

impl Peer {
    /// Counts a frame that was received. Called by the connection's task alone.
    pub(in crate::cluster) fn count_received(&self) {
        let received = &self.activity.received;
        // Without a locked instruction, since there is one writer.
        received.store(received.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// Returns the time since which the counts of frames were seen as they are.
    fn idle_since(&self, now: Instant) -> Instant {
        let (received, pushed) = (self.activity.received.load(Ordering::Relaxed), self.outbox.pushes());
        let mut seen = self.activity.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match *seen {
            Some(seen) if (seen.received, seen.pushed) == (received, pushed) => seen.since,
            _ => {
                *seen = Some(Seen { received, pushed, since: now });
                now
            }
        }
    }

    /// Waits as long as before the first proposal.
    fn note_use(&self) {
        *self.activity.seen.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Returns `true` if no call, relation or message depends on the connection.
    fn is_unused(&self, node: &Node) -> bool {
        self.tracked.is_unused(node, self.epoch)
            && !node.pending_calls().depends_on(self.epoch)
            && self.calls.count() == 0
            && !node.group_service().is_some_and(|groups| groups.has_peer(self.epoch))
            && self.large_frames.count() == 0
            && self.holds.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Parks the outbox if nothing depends on the connection.
    fn park_if_unused(&self, node: &Node) -> bool {
        let received = self.activity.received.load(Ordering::Relaxed);
        if !self.outbox.park() {
            return false;
        }
        self.activity.received_at_park.store(received, Ordering::Relaxed);
        // After that: what begins from now on has its frames in the parked outbox.
        let is_unused = self.is_unused(node);
        if !is_unused {
            self.outbox.unpark();
        }
        is_unused
    }
}

impl Cluster {
    /// Proposes to close the connections that are idle.
    pub(in crate::cluster) fn propose_idle(&self, node: &Node) {
        let now = node.clock().now();
        for peer in self.connected() {
            if !self.is_closed_when_idle(&peer) || peer.pause.status().is_stopped() || peer.pause.is_suspended() {
                continue;
            }
            if peer.outbox.is_parked() {
                // Since the last time.
                log::warn!(
                    target: "greenroom", node = %node.name(), peer = %peer.id.name,
                    "the peer does not answer whether the connection is idle"
                );
                peer.outbox.command(Command::Abort);
            } else if now.saturating_duration_since(peer.idle_since(now)) >= IDLE && peer.park_if_unused(node) {
                peer.outbox.send_last(&Frame::Membership(Announcement::Idle));
            }
        }
    }

    /// Acts on an announcement of a peer about an idle connection. If the connection closes, returns the outbox that it has
    /// from now on.
    pub(in crate::cluster) fn settle_idle(
        &self,
        node: &Node,
        peer: &Arc<Peer>,
        announcement: &Announcement,
    ) -> Option<Arc<Outbox>> {
        match (announcement, peer.outbox.is_parked()) {
            (Announcement::IdleHere, true) => Some(self.separate(node, peer, None)),
            (Announcement::Idle, is_parked) => {
                if is_parked || self.agrees_to_close(node, peer) {
                    let agreed = Frame::Membership(Announcement::IdleHere);
                    return Some(self.separate(node, peer, Some(&agreed)));
                }
                self.announce(peer, Announcement::InUse);
                None
            }
            (Announcement::InUse, true) => {
                peer.note_use();
                peer.outbox.unpark();
                None
            }
            _ => None,
        }
    }

    /// Separates the outbox of a peer from its connection that is lost before the answer to a proposal. `None` if that loss
    /// has effects.
    pub(in crate::cluster) fn separate_lost(&self, node: &Node, peer: &Arc<Peer>) -> Option<Arc<Outbox>> {
        let Activity { received, received_at_park, .. } = &peer.activity;
        // The peer may have begun a relation or a call since.
        let is_as_before = received.load(Ordering::Relaxed) == received_at_park.load(Ordering::Relaxed);
        (peer.outbox.is_parked() && is_as_before).then(|| self.separate(node, peer, None))
    }

    fn agrees_to_close(&self, node: &Node, peer: &Peer) -> bool {
        let now = node.clock().now();
        self.is_closed_when_idle(peer)
            && !peer.pause.status().is_stopped()
            && now.saturating_duration_since(peer.idle_since(now)) >= AGREED
            && peer.park_if_unused(node)
    }

    /// Returns `true` if both nodes connect on demand, and each can dial the other.
    fn is_closed_when_idle(&self, peer: &Peer) -> bool {
        let is_on_demand = self.own_mesh == MeshKind::OnDemand && peer.mesh() == MeshKind::OnDemand;
        let is_dialled = self.own_record.address.is_some() && peer.advertise().is_some();
        is_on_demand && is_dialled && !self.members().is_seed(&peer.id.name)
    }

    /// Separates the parked outbox of a peer from its connection.
    fn separate(&self, node: &Node, peer: &Arc<Peer>, last: Option<&Frame>) -> Arc<Outbox> {
        let name = &peer.id.name;
        log::info!(target: "greenroom", node = %node.name(), peer = %name, "node down: the connection was idle");
        let resting = Arc::new(Peer {
            tracked: Arc::clone(&peer.tracked),
            ..Peer::new(&peer.id, peer.epoch, &peer.outbox, self)
        });
        let rest = peer.outbox.separate(&self.limits, last);
        self.peers.write().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), Arc::clone(&resting));
        services_down(node, peer.epoch);
        node.publish_node_event(&NodeEvent::Down(NodeId::clone(&peer.id)));
        self.members().part(name);
        self.member_down(node, &peer.id);
        self.changed.notify_waiters();
        // Fails if the node stops.
        let _ = self.requests.send(Request::Rest(resting));
        rest
    }

    /// Forgets a peer that is not connected and has no messages. Returns `false` if messages wait.
    pub(in crate::cluster) fn end_rest(&self, peer: &Arc<Peer>) -> bool {
        let mut peers = self.peers.write().unwrap_or_else(PoisonError::into_inner);
        let is_current = peers.get(&peer.id.name).is_some_and(|current| Arc::ptr_eq(current, peer));
        if !is_current || peer.is_up() {
            return true;
        }
        let is_over = peer.outbox.close_if_empty();
        if is_over {
            peers.remove(&peer.id.name);
        }
        is_over
    }
}
