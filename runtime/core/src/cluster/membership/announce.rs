//! The announcements between nodes, and the effects of changes among the members.
//!
//! When a connection comes up, the node with the smaller name sends the digest of its members. If the other node has
//! another digest, the two exchange their members. Each node does that with one peer from time to time, so all nodes have
//! the same members in the end. A new member dials the others by itself. Peers that it does not dial, since they have no
//! address or connect on demand, receive an announcement at once.

use std::sync::Arc;

use super::members::{Effect, Members};
use super::{Cluster, Peer, Request};
use crate::base::{Member, NodeEvent, NodeId, NodeName};
use crate::log;
use crate::node::Node;
use crate::observe::ReportKind;
use crate::session::Hello;
use crate::sync::{MutexGuard, PoisonError};
use crate::wire::{Announcement, Frame, MemberRecord, MeshKind};

impl Cluster {
    /// Notes that the connection to a peer is up. `is_seed` is `true` if the task of a seed has opened it.
    pub(in crate::cluster) fn member_joined(&self, node: &Node, hello: &Hello, is_seed: bool) {
        self.change_members(node, &hello.node.name, |members| members.up(hello, is_seed));
        self.changed.notify_waiters();
    }

    /// Compares the members with those of a new peer. The node with the smaller name begins.
    pub(in crate::cluster) fn compare_at_start(&self, node: &Node, peer: &Peer) {
        if *node.name() < peer.id.name {
            self.compare_members(peer, true);
        }
    }

    /// Notes that the connection to a peer is lost.
    pub(in crate::cluster) fn member_down(&self, node: &Node, peer: &NodeId) {
        let now = node.clock().now();
        self.change_members(node, &peer.name, |members| members.down(peer, now));
    }

    /// Acts on an announcement of a peer.
    pub(in crate::cluster) fn handle_announcement(&self, node: &Node, peer: &Peer, announcement: Announcement) {
        match announcement {
            Announcement::Members(records) if self.is_announcing_to(peer) => {
                let (from, now) = (&peer.id.name, node.clock().now());
                self.change_members(node, from, |members| members.learn(from, records, now));
            }
            Announcement::Digest { value, is_question } if self.is_announcing_to(peer) => {
                // A peer that repeats its question without reading does not fill the outbox.
                if peer.outbox.is_ready() && self.members().digest(&self.own_record) != value {
                    let mut records = self.members().records();
                    records.push(self.own_record.clone());
                    for announcement in Announcement::of_members(records) {
                        self.announce(peer, announcement);
                    }
                    if is_question {
                        self.compare_members(peer, false);
                    }
                }
            }
            Announcement::Parted => self.members().part(&peer.id.name),
            // About the connection itself, whose task handles them.
            Announcement::Idle | Announcement::IdleHere | Announcement::InUse => {}
            Announcement::Members(_) | Announcement::Digest { .. } | Announcement::Unknown => {}
        }
    }

    /// Sends the digest of the members.
    pub(in crate::cluster) fn compare_members(&self, peer: &Peer, is_question: bool) {
        if self.is_announcing_to(peer) {
            let value = self.members().digest(&self.own_record);
            self.announce(peer, Announcement::Digest { value, is_question });
        }
    }

    /// Notifies all peers that this node leaves the cluster, and dials no more.
    pub(in crate::cluster) fn announce_leave(&self) {
        self.members().leave();
        let own = MemberRecord { has_left: true, ..self.own_record.clone() };
        for peer in self.connected() {
            if self.is_announcing_to(&peer) {
                self.announce(&peer, Announcement::Members(vec![own.clone()]));
            }
        }
    }

    /// Closes the connection to a peer on purpose. Returns `false` without a connection.
    pub(in crate::cluster) fn part(&self, name: &NodeName) -> bool {
        let Some(peer) = self.connected_peer(name) else { return false };
        self.members().part(name);
        self.announce(&peer, Announcement::Parted);
        peer.outbox.close();
        true
    }

    /// Changes the members, and executes the effects. All processes receive the events of a node in one order.
    pub(in crate::cluster) fn change_members(
        &self,
        node: &Node,
        from: &NodeName,
        change: impl FnOnce(&mut Members) -> Vec<Effect>,
    ) {
        let _turn = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        // Without the lock on the members: the `Drop` code of a message may send another one, which looks for a member.
        let effects = change(&mut self.members());
        for effect in effects {
            match effect {
                Effect::Joined(member) => {
                    // A member can invent others, and have them leave.
                    node.report(ReportKind::Members, || {
                        let peer = member.name();
                        log::info!(target: "greenroom", node = %node.name(), %peer, "node joined");
                    });
                    node.publish_node_event(&NodeEvent::Joined(member));
                }
                Effect::Left(member) => {
                    node.report(ReportKind::Members, || {
                        let peer = member.name();
                        log::info!(target: "greenroom", node = %node.name(), %peer, "node left");
                    });
                    let resting = self.peer(member.name()).filter(|peer| *peer.id == member.id);
                    resting.map(|peer| self.end_rest(&peer));
                    node.publish_node_event(&NodeEvent::Left(member));
                }
                // Fails if the node stops.
                Effect::Keep(name, pause) => drop(self.requests.send(Request::Keep(name, pause))),
                Effect::Announce(record) => self.announce_to_others(from, &record),
            }
        }
    }

    pub(in crate::cluster) fn list_members(&self) -> Vec<Member> {
        self.members().list()
    }

    /// Announces a member to the peers that it does not dial.
    fn announce_to_others(&self, from: &NodeName, record: &MemberRecord) {
        let is_sparse = self.own_mesh == MeshKind::OnDemand;
        for peer in self.connected() {
            let needs_it = is_sparse || peer.mesh() == MeshKind::OnDemand || peer.advertise().is_none();
            if needs_it && self.is_announcing_to(&peer) && peer.id.name != *from && peer.id.name != record.id.name {
                self.announce(&peer, Announcement::Members(vec![record.clone()]));
            }
        }
    }

    /// Returns whether a peer connects with all members; `None` unless both nodes are members.
    pub(in crate::cluster) fn is_full_member(&self, peer: &Peer) -> Option<bool> {
        self.is_announcing_to(peer).then(|| peer.mesh() == MeshKind::Full)
    }

    /// Returns `true` if both nodes are members.
    fn is_announcing_to(&self, peer: &Peer) -> bool {
        self.own_mesh != MeshKind::Hidden && peer.mesh() != MeshKind::Hidden
    }

    pub(super) fn announce(&self, peer: &Peer, announcement: Announcement) {
        // Fails if the connection is over, or if the peer takes nothing. The next comparison repairs that.
        let _ = peer.outbox.push(0, &Frame::Membership(announcement));
    }

    // A panic while the lock was held cannot have left a change half done.
    pub(in crate::cluster) fn members(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::cluster) fn connected(&self) -> Vec<Arc<Peer>> {
        let peers = self.peers.read().unwrap_or_else(PoisonError::into_inner);
        peers.values().filter(|peer| peer.is_up()).cloned().collect()
    }
}
