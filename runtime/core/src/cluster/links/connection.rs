//! One connection, from its stream to its end.
//!
//! The task that runs the connection owns it, and nothing else reports its loss. The loss takes effect when [`Owned`] is
//! dropped: also if the task panics or is dropped. The order is:
//!
//! - No frame is sent any more. The frames that were received are handled.
//! - Calls and relations of processes fail, and the event `Down` follows.
//! - The peer is no longer listed, and the next connection to it may come up.

use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use super::connector::{ConnectionEnd, Connector, Purpose};
use super::seeds::Tried;
use crate::base::{NodeEvent, NodeId, NodeName};
use crate::cluster::closing::ClosingPart;
use crate::cluster::membership::Peer;
#[cfg(all(feature = "upgrade", unix))]
use crate::cluster::pause::Loss as LossEffects;
use crate::cluster::{inbound, large_frames};
use crate::log;
use crate::net::{BoxedStream, Command, HandshakePermit, Outbox, drive};
use crate::node::Node;
use crate::observe::ConnectionMeter;
use crate::process::catch;
use crate::session::{Config, EphemeralKey, Event, Hello, Refusal, Session};
use crate::wire::{Epoch, Frame};

/// A connection and the things that depend on it.
struct Owned {
    connector: Connector,
    purpose: Purpose,
    epoch: Epoch,
    outbox: Arc<Outbox>,
    /// The peer's hello, once it has arrived.
    hello: Option<Box<Hello>>,
    /// The role in the peer's certificate.
    role: Option<String>,
    /// The peer, once the connection is up.
    peer: Option<Arc<Peer>>,
    /// The connection continues a paused one.
    is_continued: bool,
    has_goodbye: bool,
    record: Arc<Record>,
    closing: ClosingPart,
}

/// The rest of a connection that is over. It takes effect once, after the last frame that was received.
struct Loss {
    connector: Connector,
    epoch: Epoch,
    name: Option<NodeName>,
    peer: Option<Arc<Peer>>,
    /// The node's stop waits for it.
    _part: ClosingPart,
}

/// The facts about a connection that are reported after its end.
#[derive(Default)]
struct Record {
    peer: OnceLock<NodeName>,
    up_at: OnceLock<Instant>,
    /// Set if the end of the connection is not a loss, since it is suspended.
    suspended: OnceLock<()>,
}

impl Connector {
    /// Returns the effects of the loss of a connection that the predecessor has handed over.
    #[cfg(all(feature = "upgrade", unix))]
    pub(in crate::cluster) fn loss_of(&self, peer: &Arc<Peer>) -> LossEffects {
        let loss = Loss {
            connector: self.clone(),
            epoch: peer.epoch,
            name: Some(peer.id.name.clone()),
            peer: Some(Arc::clone(peer)),
            _part: self.cluster.closing.subscribe(),
        };
        Box::new(|| loss.take_effect())
    }

    /// Runs one connection to its end. `tried` is dropped once the connection is up or over.
    pub(super) async fn run(
        &self,
        stream: BoxedStream,
        purpose: Purpose,
        mut permit: Option<HandshakePermit>,
        closing: ClosingPart,
        mut tried: Option<Tried>,
    ) -> ConnectionEnd {
        let config = Config {
            local: self.hello.clone(),
            security: self.access.security(&self.node),
            cluster: self.cluster_name.clone(),
            role: purpose.role(),
            limits: self.cluster.limits,
            reassembly: self.cluster.reassembly.clone(),
            tick: self.tick,
            ephemeral: EphemeralKey::Random,
        };
        let session = Session::new(config, self.node.clock().now());
        let outbox = Arc::new(Outbox::new(&self.cluster.limits));
        let meter: Arc<ConnectionMeter> = permit.as_ref().map(HandshakePermit::meter).unwrap_or_default();
        let record = Arc::new(Record::default());
        let mut owned = Owned {
            connector: self.clone(),
            purpose,
            epoch: self.cluster.links.next_epoch(),
            outbox: Arc::clone(&outbox),
            hello: None,
            role: None,
            peer: None,
            is_continued: false,
            has_goodbye: false,
            record: Arc::clone(&record),
            closing: closing.clone(),
        };
        let identified = Arc::clone(&meter);
        let sink = move |event| {
            match event {
                Event::Hello { peer, role, decides } => {
                    // The peer has the cookie, or a certificate.
                    drop(permit.take());
                    owned.role = role;
                    owned.greeted(peer);
                    if decides {
                        owned.consider(false);
                    }
                }
                Event::Offered => owned.consider(true),
                Event::Continued => owned.is_continued = true,
                Event::Up(hello) => {
                    identified.identify(&hello.node.name, owned.connector.node.peer_traffic());
                    if !owned.up(&hello) {
                        return ControlFlow::Break(None);
                    }
                    drop(tried.take());
                }
                Event::Frame { lane, frame } => {
                    let Connector { node, cluster, .. } = &owned.connector;
                    match (&owned.peer, frame) {
                        (Some(peer), Frame::Membership(announcement)) => {
                            if let Some(rest) = cluster.settle_idle(node, peer, &announcement) {
                                owned.separate(&rest);
                                return ControlFlow::Break(Some(rest));
                            }
                            cluster.handle_announcement(node, peer, announcement);
                        }
                        (Some(peer), frame) => {
                            peer.count_received();
                            large_frames::accept(node, peer, lane, frame);
                        }
                        (None, _) => {}
                    }
                }
                Event::Definition(definition) => {
                    if let Some(peer) = &owned.peer {
                        peer.define(definition);
                    }
                }
                Event::Probed { alive } => owned.probed(alive),
                Event::Pause(status) => {
                    if let Some(peer) = &owned.peer {
                        owned.connector.pause_changed(peer, status, &owned.closing);
                    }
                }
                // A peer that leaves on purpose has no successor.
                Event::Goodbye => owned.has_goodbye = true,
            }
            ControlFlow::Continue(())
        };
        let clock = Arc::clone(self.node.clock());
        let mut driver = drive(stream, session, Arc::clone(&outbox), sink, clock, meter);
        self.cluster.links.late_drivers().add(driver.late());
        let closed = tokio::select! {
            biased;
            closed = &mut driver => closed,
            () = closing.begun() => {
                // A connection in its handshake is not in the list of peers that the stopping node closes.
                outbox.close();
                driver.await
            }
        };
        let up_for = record.up_at.get().map(|at| self.node.clock().now().saturating_duration_since(*at));
        let is_suspended = record.suspended.get().is_some();
        ConnectionEnd { closed, peer: record.peer.get().cloned(), up_for, is_suspended }
    }
}

impl Owned {
    fn greeted(&mut self, hello: Box<Hello>) {
        // A session gives one hello.
        let _ = self.record.peer.set(hello.node.name.clone());
        self.hello = Some(hello);
    }

    fn name(&self) -> Option<&NodeName> {
        self.hello.as_ref().map(|hello| &hello.node.name)
    }

    /// Adds the connection to the candidates. The decision is a command in its outbox, now or later.
    fn consider(&self, offered: bool) {
        if let Some(hello) = &self.hello {
            let is_another = matches!(&self.purpose, Purpose::Member(name) if *name != hello.node.name);
            let cluster = &self.connector.cluster;
            if is_another || cluster.members().is_leaving() || cluster.is_pausing() {
                if is_another {
                    let (node, peer) = (self.connector.node.name(), &hello.node.name);
                    log::debug!(target: "greenroom", %node, %peer, "the address of another member leads to this node");
                }
                let refusal = if is_another { Refusal::NotAllowed } else { Refusal::Stopping };
                return self.outbox.command(Command::Refuse(refusal));
            }
            cluster.links.add(self.epoch, hello, offered, &self.outbox);
        }
    }

    /// Makes the connection the one to its peer. Returns `false` if that was not decided.
    fn up(&mut self, hello: &Hello) -> bool {
        let Connector { node, cluster, .. } = &self.connector;
        let name = &hello.node.name;
        if !cluster.links.up(name, self.epoch) {
            return false;
        }
        if let Some(suspended) = cluster.suspended_peer(name) {
            if self.is_continued && *suspended.id == hello.node {
                return self.continue_peer(hello, &suspended);
            }
            // All effects of its loss come first.
            cluster.lose_suspended(&suspended);
        }
        if self.is_continued {
            // It is lost since the two nodes have agreed on it.
            return false;
        }
        let peer = loop {
            match cluster.insert(hello, self.role.as_deref(), self.epoch, &self.outbox) {
                Ok(peer) => break peer,
                // All effects of an earlier incarnation come first.
                Err(earlier) => self.connector.fail_opening(&earlier),
            }
        };
        self.peer = Some(Arc::clone(&peer));
        let _ = self.record.up_at.set(node.clock().now());
        log::info!(target: "greenroom", node = %node.name(), peer = %name, "node up");
        cluster.member_joined(node, hello, matches!(self.purpose, Purpose::Seed));
        if let Some(exchange) = node.claim_exchange()
            && let Some(is_full) = cluster.is_full_member(&peer)
        {
            exchange.peer_up(&peer.id, peer.epoch, is_full);
        }
        node.publish_node_event(&NodeEvent::Up(NodeId::clone(&peer.id)));
        cluster.compare_at_start(node, &peer);
        if let Some(groups) = node.group_service() {
            groups.peer_up(node, peer.epoch);
        }
        cluster.links.after_up(name);
        true
    }

    /// Continues the connection of a suspended peer. Returns `false` if that is lost.
    fn continue_peer(&mut self, hello: &Hello, suspended: &Peer) -> bool {
        let Connector { node, cluster, .. } = &self.connector;
        let Some(calls) = suspended.pause.end_suspension() else { return false };
        let name = &hello.node.name;
        cluster.links.set_tokens(&hello.node, None);
        let peer = cluster.continue_peer(suspended, hello, self.role.as_deref(), &self.outbox);
        self.peer = Some(Arc::clone(&peer));
        let _ = self.record.up_at.set(node.clock().now());
        log::info!(target: "greenroom", node = %node.name(), peer = %name, "connection continued");
        cluster.member_joined(node, hello, matches!(self.purpose, Purpose::Seed));
        inbound::reconnect(node, &peer, calls);
        if let Some(exchange) = node.claim_exchange()
            && let Some(is_full) = cluster.is_full_member(&peer)
        {
            exchange.peer_continued(&peer.id, peer.epoch, is_full);
        }
        match node.group_service() {
            Some(groups) => groups.peer_continued(node, peer.epoch),
            None => inbound::clear_groups(node, &peer),
        }
        cluster.compare_at_start(node, &peer);
        cluster.links.after_up(name);
        true
    }

    /// Suspends the connection, which ends quiet in a pause: the next one can continue it.
    fn suspend(&mut self, peer: Arc<Peer>) {
        let Connector { node, cluster, .. } = &self.connector;
        let _ = self.record.suspended.set(());
        let loss = self.loss();
        cluster.links.set_tokens(&peer.id, Some(peer.pause.status().tokens));
        peer.pause.suspend(Box::new(|| loss.take_effect()), node.pending_calls().sent_on(peer.epoch));
        cluster.links.closed(&peer.id.name, self.epoch);
        self.connector.await_successor(peer, &self.closing);
        cluster.changed.notify_waiters();
    }

    fn loss(&self) -> Loss {
        Loss {
            connector: self.connector.clone(),
            epoch: self.epoch,
            name: self.name().cloned(),
            peer: self.peer.clone(),
            _part: self.closing.clone(),
        }
    }

    /// Leaves the peer to the next connection, since this one was idle. It has this outbox until its end, which is not a loss.
    fn separate(&mut self, rest: &Arc<Outbox>) {
        self.peer = None;
        self.outbox = Arc::clone(rest);
        if let Some(hello) = self.hello.take() {
            self.connector.cluster.links.closed(&hello.node.name, self.epoch);
        }
    }

    fn probed(&self, alive: bool) {
        if let Some(name) = self.name() {
            self.connector.cluster.links.probed(name, self.epoch, alive);
        }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        let Connector { node, cluster, .. } = &self.connector;
        let rest = self.peer.as_ref().and_then(|peer| cluster.separate_lost(node, peer));
        if let Some(rest) = rest {
            self.separate(&rest);
        }
        #[cfg(all(feature = "upgrade", unix))]
        if self.peer.as_ref().is_some_and(|peer| peer.pause.has_left()) {
            // For the log. The processes that are left on this node lose the connection.
            let _ = self.record.suspended.set(());
        }
        if let Some(peer) = self.peer.clone().filter(|peer| !self.has_goodbye && peer.suspend()) {
            return self.suspend(peer);
        }
        step(&self.connector.node, || self.outbox.close());
        let loss = self.loss();
        match &self.peer {
            Some(peer) => peer.large_frames.finish(|| loss.take_effect()),
            None => loss.take_effect(),
        }
    }
}

impl Loss {
    fn take_effect(self) {
        let Connector { node, cluster, .. } = &self.connector;
        if let Some(peer) = &self.peer {
            inbound::disconnect(node, peer, |action| step(node, action));
            step(node, || cluster.remove(peer));
            step(node, || cluster.member_down(node, &peer.id));
        }
        if let Some(name) = &self.name {
            step(node, || cluster.links.closed(name, self.epoch));
        }
    }
}

/// Takes one step of a loss. A panic in it, as of a waker of the program, is reported, and the next steps follow.
pub(super) fn step(node: &Node, action: impl FnOnce()) {
    if let Err(panic) = catch(action) {
        log::error!(
            target: "greenroom", node = %node.name(), panic = %log::Escaped(&panic),
            "a step of the loss of a connection panicked"
        );
    }
}
