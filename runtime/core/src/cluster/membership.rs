//! The members that a node is connected to: the name, the address and the incarnation of each, and its connection.

use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;

mod policy;

pub use policy::Policy;
pub(super) use policy::{PolicyError, ResolvedPolicy, Rights};

use super::closing::Closing;
use super::holds::Holds;
use super::large_frames::LargeFrames;
use super::links::Links;
use super::tracked::Tracked;
use crate::base::{Definition, NodeId, NodeName, ReceivedDefinition, Right, SortedMap};
use crate::net::Outbox;
use crate::node::OutstandingCalls;
use crate::session::{Hello, Limits, ReassemblyBudget};
use crate::sync::{Mutex, PoisonError, RwLock};
use crate::wire::{Epoch, Frame, FrameTarget};

/// A node's connections.
pub(crate) struct Cluster {
    pub(super) limits: Limits,
    pub(super) reassembly: ReassemblyBudget,
    pub(super) links: Links,
    pub(super) peers: RwLock<SortedMap<NodeName, Arc<Peer>>>,
    pub(super) address: OnceLock<String>,
    /// Notified when a peer is added or removed.
    pub(super) changed: Notify,
    /// Begins when the node stops; each task around the cluster has a part in it until it has ended.
    pub(super) closing: Closing,
    pub(super) policy: ResolvedPolicy,
}

/// The fingerprint of a definition, a variant of it, and a target.
type UnreadVariant = (u64, u32, Option<FrameTarget>);

/// A node at the other end of a connection that is up.
pub(super) struct Peer {
    pub(super) id: Arc<NodeId>,
    pub(super) outbox: Arc<Outbox>,
    /// The address of its hello, at which it may be dialled.
    advertise: Option<String>,
    /// The connection, by which its calls and relations are distinguished from those of others.
    pub(super) epoch: Epoch,
    pub(super) tracked: Tracked,
    rights: Rights,
    /// The calls of the peer that this node has not answered yet.
    pub(super) calls: OutstandingCalls,
    max_calls: usize,
    pub(super) large_frames: LargeFrames,
    /// Lock order: this, then the outbox.
    holds: Mutex<Holds>,
    /// The definitions that the peer has sent, by their fingerprints. The session bounds their number and size.
    definitions: Mutex<SortedMap<u64, Arc<ReceivedDefinition>>>,
    /// The messages that could not be read, by definition and variant. Those that can never be read are also here with
    /// their target.
    unread: Mutex<SortedMap<UnreadVariant, ()>>,
}

impl Cluster {
    pub(super) fn new(limits: Limits, policy: ResolvedPolicy) -> Cluster {
        Cluster {
            limits,
            reassembly: limits.reassembly_budget(),
            links: Links::new(limits.peers),
            peers: RwLock::default(),
            address: OnceLock::new(),
            changed: Notify::new(),
            closing: Closing::new(),
            policy,
        }
    }

    pub(super) fn peer(&self, name: &NodeName) -> Option<Arc<Peer>> {
        self.peers.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Returns `true` if a connected peer advertises this address: it has dialled this node first.
    pub(super) fn is_reached_at(&self, address: &str) -> bool {
        let peers = self.peers.read().unwrap_or_else(PoisonError::into_inner);
        peers.values().any(|peer| peer.advertise.as_deref() == Some(address))
    }

    pub(super) fn names(&self) -> Vec<NodeName> {
        self.peers.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// Adds the peer of a connection that is up. No other connection to its name is.
    pub(super) fn insert(&self, peer: &Arc<Peer>) {
        let mut peers = self.peers.write().unwrap_or_else(PoisonError::into_inner);
        peers.insert(peer.id.name.clone(), Arc::clone(peer));
        drop(peers);
        self.changed.notify_waiters();
    }

    /// Forgets a peer whose connection is over.
    pub(super) fn remove(&self, peer: &Arc<Peer>) {
        let mut peers = self.peers.write().unwrap_or_else(PoisonError::into_inner);
        if peers.get(&peer.id.name).is_some_and(|current| current.epoch == peer.epoch) {
            peers.remove(&peer.id.name);
        }
        drop(peers);
        self.changed.notify_waiters();
    }
}

impl Peer {
    /// Returns the peer with this hello. Its certificate may give it a `role`.
    pub(super) fn new(
        hello: &Hello,
        role: Option<&str>,
        epoch: Epoch,
        outbox: &Arc<Outbox>,
        cluster: &Cluster,
    ) -> Peer {
        let limits = &cluster.limits;
        Peer {
            id: Arc::new(hello.node.clone()),
            outbox: Arc::clone(outbox),
            advertise: hello.advertise.clone(),
            epoch,
            tracked: Tracked::new(limits.relations),
            rights: cluster.policy.rights_of(&hello.node.name, role),
            calls: OutstandingCalls::default(),
            max_calls: limits.calls,
            large_frames: LargeFrames::new(limits),
            holds: Mutex::default(),
            definitions: Mutex::default(),
            unread: Mutex::default(),
        }
    }

    pub(super) fn may(&self, right: Right) -> bool {
        self.rights.has(right)
    }

    /// Returns whether a message of the peer with so many calls may be accepted.
    pub(super) fn may_call(&self, count: usize) -> bool {
        self.calls.count().saturating_add(count) <= self.max_calls
    }

    /// Returns whether one more message of the peer may wait in front of a full mailbox.
    pub(super) fn may_wait(&self) -> bool {
        self.holds.lock().unwrap_or_else(PoisonError::into_inner).has_room()
    }

    /// Changes the counts of waiting messages, and sends the frame that the change requires. The peer receives these frames
    /// in the order of the changes.
    pub(super) fn change_holds(&self, change: impl FnOnce(&mut Holds) -> Option<Frame>) {
        let mut holds = self.holds.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(frame) = change(&mut holds) {
            // Fails if the connection is over, or if the peer takes nothing.
            if self.outbox.push(0, &frame).is_err() {
                self.outbox.close();
            }
        }
    }

    /// Returns the number of messages of the peer that wait in front of full mailboxes.
    #[cfg(test)]
    pub(super) fn waiting_messages(&self) -> usize {
        self.holds.lock().unwrap().messages()
    }

    pub(super) fn define(&self, definition: Arc<Definition>) {
        let mut definitions = self.definitions.lock().unwrap_or_else(PoisonError::into_inner);
        definitions.insert(definition.fingerprint, Arc::new(ReceivedDefinition::new(definition)));
    }

    /// Returns the peer's definition with this fingerprint.
    pub(super) fn definition(&self, fingerprint: u64) -> Option<Arc<ReceivedDefinition>> {
        self.definitions.lock().unwrap_or_else(PoisonError::into_inner).get(&fingerprint).cloned()
    }

    /// Notes that a message could not be read, or with a target, that it never can be. Returns `true` for the first one.
    pub(super) fn note_unread(&self, definition: u64, variant: u32, to: Option<&FrameTarget>) -> bool {
        /// A peer can invent any number of variants.
        const MAX: usize = 4096;
        let mut unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
        unread.len() < MAX && unread.insert((definition, variant, to.cloned()), ()).is_none()
    }
}
