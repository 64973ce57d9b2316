//! The tasks that dial members: until they are connected in a full mesh, and once for a message.

use std::future::poll_fn;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::backoff::Backoff;
use super::connector::{Connector, Purpose};
use crate::base::NodeName;
use crate::cluster::closing::{ClosingPart, wait_until};
use crate::cluster::inbound;
use crate::cluster::membership::{Peer, Request};
use crate::log;
use crate::net::Closed;
use crate::observe::ReportKind;
use crate::session::{Refusal, Role, SessionError};

/// The time between two comparisons of the members with those of another node.
const COMPARE: Duration = Duration::from_secs(15);
/// The time that another connection between the two nodes may take to come up: that of a handshake.
const CROSSED: Duration = Duration::from_secs(5);
/// The time between two attempts meanwhile.
const AGAIN: Duration = Duration::from_millis(250);
/// The time for which the outbox of an idle connection that was closed is kept. No process that has found it before is
/// still about to push a frame then.
const REST: Duration = Duration::from_secs(10);

impl Connector {
    /// Executes the requests to dial members, compares the members with those of other nodes, and forgets the members that
    /// are gone, until the node stops.
    pub(in crate::cluster) async fn keep_members(
        self,
        mut requests: mpsc::UnboundedReceiver<Request>,
        closing: ClosingPart,
    ) {
        let clock = Arc::clone(self.node.clock());
        let mut compare_at = clock.now() + COMPARE;
        loop {
            tokio::select! {
                biased;
                () = closing.begun() => return,
                request = requests.recv() => {
                    let (connector, closing) = (self.clone(), closing.clone());
                    match request {
                        Some(Request::Keep(name, pause)) => {
                            self.node.spawner().spawn(connector.keep(name, pause, closing));
                        }
                        Some(Request::Dial(peer, address)) => {
                            self.node.spawner().spawn(connector.dial(peer, address, closing));
                        }
                        Some(Request::Rest(peer)) => {
                            self.node.spawner().spawn(connector.rest(peer, closing));
                        }
                        None => return,
                    }
                }
                () = self.compare_due(compare_at) => {
                    compare_at = clock.now() + COMPARE;
                    self.compare_with_one();
                    self.cluster.propose_idle(&self.node);
                    let (node, now) = (&self.node, clock.now());
                    self.cluster.change_members(node, node.name(), |members| members.forget(now));
                }
            }
        }
    }

    /// Waits until the members are to be compared. A node without members waits for the first one.
    async fn compare_due(&self, at: Instant) {
        wait_until(&self.cluster.changed, || !self.cluster.members().is_empty()).await;
        self.node.clock().sleep_until(at).await;
    }

    /// Compares the members with those of one peer, drawn at random.
    fn compare_with_one(&self) {
        let names = self.cluster.names();
        let Some(count) = u64::try_from(names.len()).ok().filter(|count| *count > 0) else { return };
        let chosen = &names[usize::try_from(self.node.rng().below(count)).unwrap_or(0)];
        if let Some(peer) = self.cluster.connected_peer(chosen) {
            self.cluster.compare_members(&peer, true);
        }
    }

    /// Dials a member until it is connected, is gone, or parts.
    async fn keep(self, name: NodeName, mut pause: Duration, closing: ClosingPart) {
        let (mut backoff, mut has_failed) = (Backoff::new(), false);
        loop {
            if self.pause(pause, &closing).await.is_break() {
                return;
            }
            let Some(address) = self.cluster.members().next_address(&name) else { return };
            let (ControlFlow::Continue(up_for), _) = self.attempt(&name, &address, &closing).await else { return };
            pause = backoff.next_pause(up_for, self.node.rng());
            if up_for.is_zero() && !std::mem::replace(&mut has_failed, true) {
                log::warn!(target: "greenroom", node = %self.node.name(), peer = %name, address, ?pause, "cannot reach a member: dialling again");
            }
        }
    }

    /// Dials a member once. If that fails, the messages that wait for the connection are lost.
    async fn dial(self, peer: Arc<Peer>, address: String, closing: ClosingPart) {
        let clock = Arc::clone(self.node.clock());
        let deadline = clock.now() + CROSSED;
        while let (_, Some(Closed::Session(error))) = self.attempt(&peer.id.name, &address, &closing).await
            && matches!(
                error,
                SessionError::Refused(Refusal::Duplicate) | SessionError::RefusedHere(Refusal::Duplicate)
            )
        {
            // The two nodes have dialled each other, and the other connection comes up. Or the peer has not closed
            // an idle connection yet.
            let next = (clock.now() + AGAIN).min(deadline);
            tokio::select! {
                biased;
                () = wait_until(&self.cluster.changed, || peer.is_up()) => return,
                () = clock.sleep_until(next) => {}
                () = closing.begun() => break,
            }
            if next == deadline {
                break;
            }
        }
        self.fail_opening(&peer);
    }

    /// Dials a member, whose connection was idle, when a message for it waits. Ends when there is a connection, or after a
    /// time without a message.
    async fn rest(self, peer: Arc<Peer>, closing: ClosingPart) {
        let clock = self.node.clock();
        tokio::select! {
            biased;
            () = closing.begun() => return,
            () = wait_until(&self.cluster.changed, || peer.is_up()) => return,
            () = poll_fn(|cx| peer.outbox.poll_frames(cx)) => {}
            () = clock.sleep_until(clock.now() + REST) => {}
        }
        if self.cluster.end_rest(&peer) {
            return;
        }
        let address = self.cluster.members().dial_for_message(&peer.id.name, clock.now());
        match address.filter(|(id, _)| *id == *peer.id) {
            Some((_, address)) => self.dial(peer, address, closing).await,
            None => self.fail_opening(&peer),
        }
    }

    /// Dials the peer of a suspended connection until the connection is continued or lost.
    pub(in crate::cluster) async fn redial(self, peer: Arc<Peer>, address: String, closing: ClosingPart) {
        let mut backoff = Backoff::new();
        let is_suspended = || peer.pause.is_suspended();
        loop {
            tokio::select! {
                biased;
                () = closing.begun() => return,
                () = async {
                    self.node.own_turn().await;
                    wait_until(&self.cluster.changed, || !self.cluster.is_pausing() || !is_suspended()).await;
                } => {}
            }
            if !is_suspended() {
                return;
            }
            let (ControlFlow::Continue(up_for), _) = self.attempt(&peer.id.name, &address, &closing).await else {
                return;
            };
            let pause = backoff.next_pause(up_for, self.node.rng());
            if self.pause(pause, &closing).await.is_break() {
                return;
            }
        }
    }

    /// Fails the messages, calls and relations that wait for a connection which was not opened.
    pub(super) fn fail_opening(&self, peer: &Arc<Peer>) {
        if !self.cluster.end_opening(peer) {
            return;
        }
        let lost = peer.outbox.waiting_frames();
        self.node.loss_counts().count_lost_messages(lost as u64);
        self.node.report(ReportKind::Unreached, || {
            log::warn!(
                target: "greenroom", node = %self.node.name(), peer = %peer.id.name, lost,
                "a member cannot be reached: messages and signals to it are lost"
            );
        });
        peer.outbox.close();
        inbound::disconnect(&self.node, peer, |action| super::connection::step(&self.node, action));
        self.cluster.changed.notify_waiters();
    }

    /// Dials a member, and runs the connection to its end. Returns the time that the connection was up, and the reason of
    /// the end of one that was opened. Breaks if the node stops.
    async fn attempt(
        &self,
        name: &NodeName,
        address: &str,
        closing: &ClosingPart,
    ) -> (ControlFlow<(), Duration>, Option<Closed>) {
        let connected = tokio::select! {
            biased;
            connected = self.transport.connect(address) => connected,
            () = closing.begun() => return (ControlFlow::Break(()), None),
        };
        let (up_for, closed) = match connected {
            Ok(stream) => {
                let ended = self.run(stream, Purpose::Member(name.clone()), None, closing.clone(), None).await;
                self.report(Role::Dialler, address, &ended);
                (ended.up_for, Some(ended.closed))
            }
            Err(error) => {
                log::debug!(target: "greenroom", member = %name, address, error = %log::Escaped(&error), "cannot reach a member");
                (None, None)
            }
        };
        if up_for.is_none() {
            self.cluster.members().failed(name, self.node.clock().now());
        }
        (ControlFlow::Continue(up_for.unwrap_or_default()), closed)
    }

    /// Pauses. Breaks if the node stops.
    pub(super) async fn pause(&self, pause: Duration, closing: &ClosingPart) -> ControlFlow<()> {
        if pause.is_zero() && !closing.has_begun() {
            return ControlFlow::Continue(());
        }
        tokio::select! {
            biased;
            () = closing.begun() => ControlFlow::Break(()),
            () = self.node.clock().sleep_until(self.node.clock().now() + pause) => ControlFlow::Continue(()),
        }
    }
}
