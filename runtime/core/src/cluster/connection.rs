//! The tasks of a cluster: listen, dial, run a connection.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::backoff::Backoff;
use super::links::ConnectionEnd;
use super::{Cluster, refusal};
use crate::base::NodeName;
use crate::log;
use crate::net::{BoxedListener, Closed, Handshakes, Transport};
use crate::node::Node;
use crate::observe::ReportKind;
use crate::session::{CookieKeys, Hello, Role};

/// Opens and runs the connections of a node. Each of its tasks has a clone.
#[derive(Clone)]
pub(super) struct Connector {
    pub(super) node: Node,
    pub(super) cluster: Arc<Cluster>,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) keys: CookieKeys,
    pub(super) cluster_name: String,
    pub(super) hello: Hello,
    pub(super) tick: Duration,
}

/// The pause after an error of the operating system in place of a new connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

impl Connector {
    /// Accepts connections until the node stops.
    pub(super) async fn listen(self, mut listener: BoxedListener, mut closing: watch::Receiver<bool>) {
        let handshakes = Handshakes::new(self.cluster.limits.handshakes, Arc::clone(self.node.clock()));
        loop {
            let accepted = tokio::select! {
                biased;
                accepted = listener.accept() => accepted,
                () = stopping(&mut closing) => return,
            };
            match accepted {
                Ok((stream, from)) => {
                    let (permit, dropped) = handshakes.acquire(&from);
                    let links = self.clone();
                    let closing = closing.clone();
                    self.node.spawner().spawn(async move {
                        tokio::select! {
                            // A connection that came up in this poll is not dropped.
                            biased;
                            () = dropped => {
                                refusal::stranger(&links.node, &from, &"too many handshakes at once");
                            }
                            ended = links.run(stream, Role::Listener, Some(permit), closing, None) => {
                                links.report(Role::Listener, &from, &ended);
                            }
                        }
                    });
                }
                Err(error) => {
                    // The program has too many open files, most likely. The peer dials again, and so does this loop.
                    self.node.report(ReportKind::AcceptFailed, || {
                        log::warn!(target: "greenroom", %error, "cannot accept a connection");
                    });
                    let pause = self.node.clock().sleep_until(self.node.clock().now() + ACCEPT_PAUSE);
                    pause.await;
                }
            }
        }
    }

    /// Keeps a connection to a seed until the node stops. `tried` is dropped after the first attempt.
    pub(super) async fn seed(self, address: String, tried: oneshot::Sender<()>, mut closing: watch::Receiver<bool>) {
        let (mut tried, mut backoff, mut name) = (Some(tried), Backoff::new(), None);
        while !*closing.borrow() {
            // A seed may have dialled this node instead.
            if self.is_reached(&address, name.as_ref()) {
                drop(tried.take());
                tokio::select! {
                    biased;
                    () = self.disconnected(&address, name.as_ref()) => {}
                    () = stopping(&mut closing) => return,
                }
            }
            let mut up_for = Duration::ZERO;
            let connected = tokio::select! {
                biased;
                connected = self.transport.connect(&address) => connected,
                () = stopping(&mut closing) => return,
            };
            match connected {
                Ok(stream) => {
                    let ended = self.run(stream, Role::Dialler, None, closing.clone(), tried.take()).await;
                    self.report(Role::Dialler, &address, &ended);
                    up_for = ended.up_for.unwrap_or_default();
                    name = ended.peer.or(name);
                }
                Err(error) => {
                    // The first failure may be a mistyped address. Later ones are logged for debugging only.
                    if tried.take().is_some() {
                        log::warn!(target: "greenroom", seed = address, %error, "cannot reach a seed: dialling again");
                    } else {
                        log::debug!(target: "greenroom", seed = address, %error, "cannot reach a seed");
                    }
                }
            }
            let until = self.node.clock().now() + backoff.next_pause(up_for, self.node.rng());
            tokio::select! {
                biased;
                () = self.node.clock().sleep_until(until) => {}
                () = stopping(&mut closing) => return,
            }
        }
    }

    /// Returns `true` if there is a connection to the seed with this address, or with this name if it is known.
    fn is_reached(&self, address: &str, name: Option<&NodeName>) -> bool {
        self.cluster.is_reached_at(address) || name.is_some_and(|name| self.cluster.peer(name).is_some())
    }

    /// Waits until there is no connection to the seed.
    async fn disconnected(&self, address: &str, name: Option<&NodeName>) {
        loop {
            let changed = self.cluster.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if !self.is_reached(address, name) {
                return;
            }
            changed.await;
        }
    }

    fn report(&self, role: Role, address: &str, ended: &ConnectionEnd) {
        let node = self.node.name();
        match (&ended.peer, &ended.closed) {
            (Some(peer), Closed::ByThisNode | Closed::ByPeer) if ended.up_for.is_some() => {
                log::info!(target: "greenroom", %node, %peer, "connection closed");
            }
            (Some(peer), closed) if ended.up_for.is_some() => {
                log::warn!(target: "greenroom", %node, %peer, reason = %closed, "node down");
            }
            (_, closed) => refusal::refused(&self.node, role, address, closed),
        }
    }
}

/// Resolves when the node stops.
pub(super) async fn stopping(closing: &mut watch::Receiver<bool>) {
    // An error means that the cluster is gone altogether.
    let _ = closing.wait_for(|closing| *closing).await;
}
