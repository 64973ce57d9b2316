//! The hand-over of paused connections: from the node that pauses them to its successor, as data.
//!
//! | step | predecessor | successor |
//! |---|---|---|
//! | pause | [`pause_all`](Cluster::pause_all) | |
//! | hand-over | [`records`](Cluster::records) returns a record for each peer that is quiet, or was suspended | |
//! | start | | [`adopt`](Connector::adopt): the peers are suspended, and await the turn of this process |
//! | commit | [`leave_all`](Cluster::leave_all): the connections end | the peers are dialled, and dial |
//! | rollback | [`resume_all`](Cluster::resume_all): the same connections go on | exits |
//!
//! A peer that cannot pause, or does not within the time, is not handed over: its connection is lost with the predecessor, and
//! another one comes up with the successor.

use std::sync::Arc;
use std::time::Duration;

use crate::base::NodeId;
use crate::cluster::Cluster;
use crate::cluster::closing::wait_until;
use crate::cluster::links::Connector;
use crate::cluster::membership::Peer;
use crate::log;
use crate::net::{Command, KeptFrames, Outbox};
use crate::node::{Node, PausedPeer};
use crate::session::{Hello, Token};
use crate::sync::PoisonError;
use crate::sync::atomic::Ordering;
use crate::wire::{Frame, MeshKind};

/// The time between two looks at large frames that are being handled.
const LOOK: Duration = Duration::from_millis(5);

impl Cluster {
    /// Pauses all connections. Those that are not quiet within `limit` go on. Until [`resume_all`](Self::resume_all), this node
    /// opens and continues no connection. The frames of processes wait in the outboxes.
    pub(in crate::cluster) async fn pause_all(&self, node: &Node, limit: Duration) {
        self.is_pausing.store(true, Ordering::SeqCst);
        self.changed.notify_waiters();
        let flowing: Vec<_> = self.connected().into_iter().filter(|peer| !peer.pause.is_suspended()).collect();
        for peer in flowing {
            let mut token = [0; Token::SIZE];
            if node.rng().fill_secret(&mut token).is_ok() {
                peer.pause.begin_own();
                peer.outbox.command(Command::Pause(Token(token)));
            }
        }
        let clock = node.clock();
        let end = clock.now() + limit;
        let is_settled = || self.connected().iter().all(|peer| peer.pause.is_settled());
        clock.within(Some(limit), wait_until(&self.changed, is_settled)).await;
        while self.connected().iter().any(|peer| peer.large_frames.count() > 0) && clock.now() < end {
            clock.sleep_until(clock.now() + LOOK).await;
        }
        for peer in self.connected() {
            if !peer.is_paused() && peer.pause.is_own_begun() {
                log::warn!(
                    target: "greenroom", node = %node.name(), peer = %peer.id.name,
                    "the peer does not pause: its connection is lost with the upgrade"
                );
                peer.pause.end_own();
                peer.outbox.command(Command::Resume);
            }
        }
    }

    /// Returns the records of the peers that are paused: what their connections need, and the frames that wait for them.
    pub(in crate::cluster) fn records(&self, node: &Node) -> Vec<PausedPeer> {
        let paused = self.connected().into_iter().filter(|peer| peer.is_paused());
        paused.map(|peer| self.record(node, &peer)).collect()
    }

    /// Ends the pause of this node: the connections go on.
    pub(in crate::cluster) fn resume_all(&self) {
        self.is_pausing.store(false, Ordering::SeqCst);
        for peer in self.connected() {
            peer.pause.end_own();
            peer.outbox.command(Command::Resume);
        }
        self.changed.notify_waiters();
    }

    /// Ends the connections that were handed over, without a goodbye: the peers wait for the successor.
    pub(in crate::cluster) fn leave_all(&self) {
        for peer in self.connected().iter().filter(|peer| peer.is_paused()) {
            peer.pause.set_left();
            peer.outbox.command(Command::Abort);
        }
    }

    fn record(&self, node: &Node, peer: &Peer) -> PausedPeer {
        let KeptFrames { definitions, frames } = peer.outbox.copy_frames();
        let member = self.members().record(&peer.id.name);
        PausedPeer {
            id: NodeId::clone(&peer.id),
            epoch: peer.epoch,
            tokens: self.links.tokens(&peer.id).unwrap_or(peer.pause.status().tokens),
            address: peer.advertise().map(str::to_owned),
            metadata: member.map(|member| member.metadata).unwrap_or_default(),
            mesh: peer.mesh().code(),
            relations: peer.tracked.relations(node, peer.epoch),
            resolved: peer.tracked.all_resolved(),
            definitions,
            frames,
        }
    }
}

impl Connector {
    /// Takes over the peers of the predecessor. They are suspended, and are dialled from the turn of this process on.
    pub(in crate::cluster) fn adopt(&self, peers: Vec<PausedPeer>) {
        let Connector { node, cluster, .. } = self;
        for paused in peers {
            let PausedPeer { id, epoch, tokens, address, metadata, mesh, relations, resolved, .. } = paused;
            let kept = KeptFrames { definitions: paused.definitions, frames: paused.frames };
            cluster.links.continue_epochs(epoch);
            let mesh = MeshKind::of_code(mesh);
            // Its next hello shows whether it reads trace contexts.
            let hello = Hello { node: id, advertise: address, instance: 0, metadata, mesh, reads_contexts: false };
            let outbox = Arc::new(Outbox::opening(&cluster.limits));
            let peer = Arc::new(Peer::handed_over(&hello, epoch, &outbox, cluster));
            peer.tracked.adopt(relations.iter().map(|relation| relation.process), resolved);
            peer.pause.adopt(relations);
            match peer.outbox.adopt_frames(kept) {
                Ok(answered) => answered.into_iter().for_each(|id| peer.pause.keep_call(id)),
                Err(error) => log::error!(
                    target: "greenroom", node = %node.name(), peer = %peer.id.name, error = %log::Escaped(error),
                    "frames of the predecessor cannot be read: they are lost"
                ),
            }
            peer.pause.suspend(self.loss_of(&peer), Vec::new());
            cluster.links.set_tokens(&peer.id, Some(tokens));
            // Its processes do not receive that the peer has joined: they were there.
            drop(cluster.members().up(&hello, false));
            let mut peers = cluster.peers.write().unwrap_or_else(PoisonError::into_inner);
            peers.insert(peer.id.name.clone(), Arc::clone(&peer));
            drop(peers);
            log::debug!(target: "greenroom", node = %node.name(), peer = %peer.id.name, "paused connection taken over");
            self.await_successor(peer, &cluster.closing.subscribe());
        }
    }
}

impl Peer {
    /// Returns `true` if nothing is under way, and the successor of this node can continue the connection.
    fn is_paused(&self) -> bool {
        let is_quiet = self.pause.status().is_agreed || self.pause.is_suspended();
        is_quiet && self.large_frames.count() == 0 && !self.large_frames.has_failed()
    }
}

/// Ends the relations of the processes that were not handed over.
pub(in crate::cluster) fn end_lost_relations(node: &Node, peer: &Peer) {
    for relation in peer.pause.take_relations() {
        if node.signal_target(relation.process).is_some() {
            continue;
        }
        let (to, signal) = relation.end();
        // Fails if the peer takes nothing.
        if peer.outbox.push(relation.process, &Frame::Signal { from: relation.process, to, signal }).is_err() {
            return peer.outbox.close();
        }
    }
}
