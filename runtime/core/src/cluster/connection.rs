//! The tasks of a cluster: listen, dial, run a connection.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::peers::{Admission, Peer};
use super::{Cluster, inbound};
use crate::base::{NodeEvent, NodeId, NodeName};
use crate::log;
use crate::net::{BoxedListener, BoxedStream, Closed, HandshakePermit, Handshakes, Outbox, Transport, drive};
use crate::node::Node;
use crate::observe::ConnectionMeter;
use crate::session::{Config, CookieKey, Event, Hello, Role, Session, SessionError};

/// Opens and runs the connections of a node. Each of its tasks has a clone.
#[derive(Clone)]
pub(super) struct Connector {
    pub(super) node: Node,
    pub(super) cluster: Arc<Cluster>,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) key: CookieKey,
    pub(super) cluster_name: String,
    pub(super) hello: Hello,
    pub(super) tick: Duration,
}

/// The end of a connection, with the peer's name if it was authenticated.
struct ConnectionEnd {
    closed: Closed,
    peer: Option<NodeName>,
}

/// The pause before the first new attempt to reach a seed, doubled up to [`LONGEST`] until a connection has lasted for
/// as long.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);

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
                                links.node.loss_counts().count_refused_connection();
                                log::debug!(target: "greenroom", from, "too many handshakes at once: dropped");
                            }
                            ended = links.run(stream, Role::Listener, Some(permit), closing, None) => {
                                links.report(&from, &ended);
                            }
                        }
                    });
                }
                Err(error) => {
                    // The program has too many open files, most likely. The peer dials again, and so does this loop.
                    log::warn!(target: "greenroom", %error, "cannot accept a connection");
                    let pause = self.node.clock().sleep_until(self.node.clock().now() + SHORTEST);
                    pause.await;
                }
            }
        }
    }

    /// Keeps a connection to a seed until the node stops. `tried` is dropped after the first attempt.
    pub(super) async fn seed(self, address: String, tried: oneshot::Sender<()>, mut closing: watch::Receiver<bool>) {
        let (mut tried, mut pause, mut name) = (Some(tried), SHORTEST, None);
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
            let connected = tokio::select! {
                biased;
                connected = self.transport.connect(&address) => connected,
                () = stopping(&mut closing) => return,
            };
            match connected {
                Ok(stream) => {
                    let began = self.node.clock().now();
                    let ended = self.run(stream, Role::Dialler, None, closing.clone(), tried.take()).await;
                    self.report(&address, &ended);
                    if matches!(ended.closed, Closed::Session(SessionError::Reflected | SessionError::SameName(_))) {
                        return;
                    }
                    // A node that is rejected after its hello must not dial again ten times a second.
                    if ended.peer.is_some() && self.node.clock().now() - began >= LONGEST {
                        pause = SHORTEST;
                    }
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
            let until = self.node.clock().now() + pause;
            pause = (pause * 2).min(LONGEST);
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

    /// Runs one connection to its end.
    async fn run(
        &self,
        stream: BoxedStream,
        role: Role,
        mut permit: Option<HandshakePermit>,
        mut closing: watch::Receiver<bool>,
        mut tried: Option<oneshot::Sender<()>>,
    ) -> ConnectionEnd {
        let mut entropy = [0; 32];
        if self.node.rng().fill_secret(&mut entropy).is_err() {
            let error = SessionError::Cipher("the operating system gives no random bytes".to_owned());
            return ConnectionEnd { closed: Closed::Session(error), peer: None };
        }
        let config = Config {
            local: self.hello.clone(),
            key: self.key.clone(),
            cluster: self.cluster_name.clone(),
            role,
            limits: self.cluster.limits,
            tick: self.tick,
            entropy,
        };
        let session = Session::new(config, self.node.clock().now());
        let outbox = Arc::new(Outbox::new(&self.cluster.limits));
        let mut peer_name = None;
        let meter: Arc<ConnectionMeter> = permit.as_ref().map(HandshakePermit::meter).unwrap_or_default();
        let mut up: Option<UpPeer<'_>> = None;
        let sink = |event| match event {
            Event::Up(hello) => {
                permit = None;
                peer_name = Some(hello.node.name.clone());
                meter.identify(&hello.node.name, self.node.peer_traffic());
                up = self.admit(&hello, role, &outbox).map(|peer| UpPeer { connector: self, peer });
                drop(tried.take());
                if up.is_some() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            }
            Event::Frame(frame) => match &up {
                Some(UpPeer { peer, .. }) if peer.is_live() => {
                    inbound::handle_frame(&self.node, peer, frame);
                    ControlFlow::Continue(())
                }
                _ => ControlFlow::Break(()),
            },
            Event::Refused { frame, limit } => {
                inbound::refused(&self.node, frame, limit);
                ControlFlow::Continue(())
            }
            Event::Goodbye => ControlFlow::Continue(()),
        };
        let clock = Arc::clone(self.node.clock());
        let mut driver = Box::pin(drive(stream, session, Arc::clone(&outbox), sink, &*clock, &meter));
        let closed = tokio::select! {
            biased;
            closed = &mut driver => closed,
            () = stopping(&mut closing) => {
                // A connection in its handshake is not in the list of peers that the stopping node closes.
                outbox.close();
                driver.as_mut().await
            }
        };
        drop(driver);
        drop(up);
        ConnectionEnd { closed, peer: peer_name }
    }

    fn admit(&self, hello: &Hello, role: Role, outbox: &Arc<Outbox>) -> Option<Arc<Peer>> {
        loop {
            match self.cluster.admit(hello, role, outbox) {
                Admission::Duplicate => return None,
                Admission::Outdated => {
                    self.node.loss_counts().count_refused_connection();
                    log::warn!(
                        target: "greenroom", node = %self.node.name(), peer = %hello.node,
                        "refused: a node of the same name that started later is connected"
                    );
                    return None;
                }
                Admission::AfterLoss(old) => self.end(&old),
                Admission::Up(peer) => {
                    log::info!(target: "greenroom", node = %self.node.name(), peer = %peer.id.name, "node up");
                    self.node.publish_node_event(&NodeEvent::Up(NodeId::clone(&peer.id)));
                    return Some(peer);
                }
            }
        }
    }

    /// Ends a connection, in this order: it accepts no frames, its loss takes effect, a new one may be admitted.
    fn end(&self, peer: &Arc<Peer>) {
        peer.outbox.close();
        inbound::disconnect(&self.node, peer);
        self.cluster.remove(peer);
    }

    fn report(&self, address: &str, ended: &ConnectionEnd) {
        let node = self.node.name();
        match (&ended.peer, &ended.closed) {
            (Some(peer), Closed::ByThisNode | Closed::ByPeer) => {
                log::info!(target: "greenroom", %node, %peer, "connection closed");
            }
            (Some(peer), closed) => {
                log::warn!(target: "greenroom", %node, %peer, reason = %closed, "node down");
            }
            (None, Closed::ByThisNode | Closed::ByPeer) => {}
            (None, closed) => {
                self.node.loss_counts().count_refused_connection();
                log::error!(target: "greenroom", %node, address, reason = %closed, "connection refused");
            }
        }
    }
}

/// A peer whose connection runs. Its drop ends the connection, also when the connection's task is dropped, as in a test
/// that crashes the node.
struct UpPeer<'a> {
    connector: &'a Connector,
    peer: Arc<Peer>,
}

impl Drop for UpPeer<'_> {
    fn drop(&mut self) {
        self.connector.end(&self.peer);
    }
}

/// Resolves when the node stops.
async fn stopping(closing: &mut watch::Receiver<bool>) {
    // An error means that the cluster is gone altogether.
    let _ = closing.wait_for(|closing| *closing).await;
}
