//! The tasks around a paused connection: the limit of a pause, and the wait for the connection that continues it.

use std::future::poll_fn;
use std::sync::Arc;

use super::HOLD;
use crate::cluster::closing::{ClosingPart, wait_until};
use crate::cluster::links::Connector;
use crate::cluster::membership::Peer;
use crate::log;
use crate::net::Command;
use crate::session::PauseStatus;

/// A suspended peer. If the task that waits for it ends early, with its node, the connection is lost.
struct Waiting {
    connector: Connector,
    peer: Arc<Peer>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.connector.cluster.lose_suspended(&self.peer);
    }
}

impl Connector {
    /// Notes that the pause of a connection has changed.
    pub(in crate::cluster) fn pause_changed(&self, peer: &Arc<Peer>, status: PauseStatus, closing: &ClosingPart) {
        peer.outbox.keep(status.is_quiet);
        self.cluster.links.set_quiet(&peer.id.name, status.is_quiet);
        if peer.pause.set_status(status, self.node.clock().now() + HOLD) {
            log::info!(target: "greenroom", node = %self.node.name(), peer = %peer.id.name, "connection paused: the peer is being upgraded");
            self.node.spawner().spawn(self.clone().limit_pause(Arc::clone(peer), closing.clone()));
        }
        self.cluster.changed.notify_waiters();
    }

    /// Ends the connection to a peer whose pause takes too long.
    async fn limit_pause(self, peer: Arc<Peer>, closing: ClosingPart) {
        let Some(limit) = peer.pause.limit() else { return };
        tokio::select! {
            biased;
            () = closing.begun() => {}
            () = wait_until(&self.cluster.changed, || peer.pause.limit() != Some(limit)) => {}
            () = self.node.clock().sleep_until(limit) => {
                log::warn!(
                    target: "greenroom", node = %self.node.name(), peer = %peer.id.name, limit = ?HOLD,
                    "the peer has paused the connection for too long"
                );
                peer.pause.expire();
                peer.outbox.keep(false);
                peer.outbox.command(Command::Abort);
            }
        }
    }

    /// Waits for the connection that continues that of a suspended peer, and dials the peer.
    pub(in crate::cluster) fn await_successor(&self, peer: Arc<Peer>, closing: &ClosingPart) {
        if let Some(address) = peer.advertise() {
            self.node.spawner().spawn(self.clone().redial(Arc::clone(&peer), address.to_owned(), closing.clone()));
        }
        let waiting = Waiting { connector: self.clone(), peer };
        let closing = closing.clone();
        self.node.spawner().spawn(async move {
            let Waiting { connector: Connector { node, cluster, .. }, peer } = &waiting;
            tokio::select! {
                biased;
                () = closing.begun() => return,
                () = node.own_turn() => {}
            }
            let limit = peer.pause.limit_or(node.clock().now() + HOLD);
            tokio::select! {
                biased;
                () = closing.begun() => {}
                () = wait_until(&cluster.changed, || !peer.pause.is_suspended()) => {}
                () = poll_fn(|cx| peer.outbox.poll_closed(cx)) => {}
                () = node.clock().sleep_until(limit) => log::warn!(
                    target: "greenroom", node = %node.name(), peer = %peer.id.name, limit = ?HOLD,
                    "node down: the peer has not continued the paused connection"
                ),
            }
        });
    }
}
