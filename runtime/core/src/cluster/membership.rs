//! The peers of a node: those that it is connected to, and members to which a connection is being opened for a message.
//!
//! [`members`] is the table of all members, [`announce`] what nodes send each other about them.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc};

mod announce;
mod continued;
mod discovery;
mod idle;
mod members;
mod mesh;
mod policy;

pub use discovery::Discovery;
pub(super) use discovery::{Dns, DynDiscovery};
use idle::Activity;
use members::Members;
pub use mesh::Mesh;
pub use policy::Policy;
pub(super) use policy::{PolicyError, ResolvedPolicy, Rights};

use super::closing::Closing;
use super::holds::Holds;
use super::large_frames::LargeFrames;
use super::links::Links;
use super::pause::PeerPause;
use super::tracked::Tracked;
use crate::base::{Definition, NodeId, NodeName, ReceivedDefinition, Right, SortedMap};
use crate::net::Outbox;
use crate::node::OutstandingCalls;
use crate::session::{Hello, Limits, ReassemblyBudget};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, PoisonError, RwLock};
use crate::wire::{Epoch, Frame, FrameTarget, MemberRecord, MeshKind};

/// A node's connections.
pub(crate) struct Cluster {
    pub(super) limits: Limits,
    pub(super) reassembly: ReassemblyBudget,
    pub(super) links: Links,
    /// Those that are connected, and those whose connection is being opened for a message.
    pub(super) peers: RwLock<SortedMap<NodeName, Arc<Peer>>>,
    /// Lock order: `changes`, this, `peers`.
    members: Mutex<Members>,
    /// Held while a change of the members takes effect.
    changes: Mutex<()>,
    pub(super) own_record: MemberRecord,
    own_mesh: MeshKind,
    /// Requests to the task that dials members.
    requests: mpsc::UnboundedSender<Request>,
    pub(super) address: OnceLock<String>,
    /// Notified when a peer is added or removed.
    pub(super) changed: Notify,
    /// Begins when the node stops; each task around the cluster has a part in it until it has ended.
    pub(super) closing: Closing,
    pub(super) policy: ResolvedPolicy,
    /// This node pauses its connections, or has. It opens and continues none then.
    pub(super) is_pausing: AtomicBool,
}

/// A request to dial a member.
pub(super) enum Request {
    /// Until it is connected, after a pause.
    Keep(NodeName, Duration),
    /// Once, at this address, since messages wait for the connection.
    Dial(Arc<Peer>, String),
    /// When a message waits, since the connection was idle and is closed.
    Rest(Arc<Peer>),
}

/// The part of a peer's description that only its own hello and certificate prove.
struct Connected {
    /// The address at which it may be dialled.
    advertise: Option<String>,
    mesh: MeshKind,
    reads_contexts: bool,
    rights: Rights,
}

/// The fingerprint of a definition, a variant of it, and a target.
type UnreadVariant = (u64, u32, Option<FrameTarget>);

/// A node at the other end of a connection that is up, or that is being opened for a message.
pub(super) struct Peer {
    pub(super) id: Arc<NodeId>,
    pub(super) outbox: Arc<Outbox>,
    /// Set when the connection is up.
    connected: OnceLock<Connected>,
    /// The connection, by which its calls and relations are distinguished from those of others.
    pub(super) epoch: Epoch,
    pub(super) tracked: Arc<Tracked>,
    /// The calls of the peer that this node has not answered yet.
    pub(super) calls: OutstandingCalls,
    max_calls: usize,
    pub(super) large_frames: Arc<LargeFrames>,
    /// Lock order: this, then the outbox.
    holds: Arc<Mutex<Holds>>,
    /// The definitions that the peer has sent, by their fingerprints. The session bounds their number and size.
    definitions: Mutex<SortedMap<u64, Arc<ReceivedDefinition>>>,
    /// The messages that could not be read, by definition and variant. Those that can never be read are also here with
    /// their target.
    unread: Mutex<SortedMap<UnreadVariant, ()>>,
    activity: Activity,
    pub(super) pause: Arc<PeerPause>,
}

impl Cluster {
    /// Returns the cluster of the node with this hello, without connections, and the requests to the task that dials
    /// members.
    pub(super) fn new(
        limits: Limits,
        policy: ResolvedPolicy,
        hello: &Hello,
    ) -> (Cluster, mpsc::UnboundedReceiver<Request>) {
        let (requests, received) = mpsc::unbounded_channel();
        let cluster = Cluster {
            limits,
            reassembly: limits.reassembly_budget(),
            links: Links::new(limits.peers),
            peers: RwLock::default(),
            members: Mutex::new(Members::new(hello.node.name.clone(), hello.mesh, limits.peers)),
            changes: Mutex::default(),
            own_record: MemberRecord {
                id: hello.node.clone(),
                has_left: false,
                address: hello.advertise.clone(),
                metadata: hello.metadata.clone(),
            },
            own_mesh: hello.mesh,
            requests,
            address: OnceLock::new(),
            changed: Notify::new(),
            closing: Closing::new(),
            policy,
            is_pausing: AtomicBool::new(false),
        };
        (cluster, received)
    }

    /// Returns the peer with this name, whose connection may be about to be opened.
    pub(super) fn peer(&self, name: &NodeName) -> Option<Arc<Peer>> {
        self.peers.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Returns the connected peer with this name.
    pub(super) fn connected_peer(&self, name: &NodeName) -> Option<Arc<Peer>> {
        self.peer(name).filter(|peer| peer.is_up())
    }

    /// Returns `true` if a connected peer advertises this address: it has dialled this node first.
    pub(super) fn is_reached_at(&self, address: &str) -> bool {
        let peers = self.peers.read().unwrap_or_else(PoisonError::into_inner);
        peers.values().any(|peer| peer.advertise() == Some(address) && !peer.pause.is_suspended())
    }

    /// Returns `true` if there is a connection to the peer with this name.
    pub(super) fn is_reached(&self, name: &NodeName) -> bool {
        self.connected_peer(name).is_some_and(|peer| !peer.pause.is_suspended())
    }

    /// Returns `true` if this node opens and continues no connection, since it pauses.
    pub(super) fn is_pausing(&self) -> bool {
        self.is_pausing.load(Ordering::SeqCst)
    }

    /// Returns the names of the connected peers.
    pub(super) fn names(&self) -> Vec<NodeName> {
        let peers = self.peers.read().unwrap_or_else(PoisonError::into_inner);
        peers.iter().filter(|(_, peer)| peer.is_up()).map(|(name, _)| name.clone()).collect()
    }

    /// Returns the connections that this node opens.
    pub(super) fn own_mesh(&self) -> MeshKind {
        self.own_mesh
    }

    /// Closes all connections.
    pub(super) fn close_peers(&self) {
        self.peers.read().unwrap_or_else(PoisonError::into_inner).values().for_each(|peer| peer.outbox.close());
    }

    /// Returns the peer of a connection that is up. No other connection to its name is. The peer's certificate may give it a
    /// `role`.
    ///
    /// # Errors
    /// A connection to another incarnation is being opened for a message. The caller has to
    /// [end](Cluster::end_opening) that, and tries again.
    pub(super) fn insert(
        &self,
        hello: &Hello,
        role: Option<&str>,
        epoch: Epoch,
        outbox: &Arc<Outbox>,
    ) -> Result<Arc<Peer>, Arc<Peer>> {
        let mut peers = self.peers.write().unwrap_or_else(PoisonError::into_inner);
        let peer = match peers.get(&hello.node.name) {
            Some(opening) if !opening.is_up() && *opening.id != hello.node => return Err(Arc::clone(opening)),
            Some(opening) if !opening.is_up() => {
                // Messages wait in its outbox already.
                outbox.replace_by(&opening.outbox);
                Arc::clone(opening)
            }
            _ => {
                let peer = Arc::new(Peer::new(&hello.node, epoch, outbox, self));
                peers.insert(hello.node.name.clone(), Arc::clone(&peer));
                peer
            }
        };
        let (advertise, rights) = (hello.advertise.clone(), self.policy.rights_of(&hello.node.name, role));
        // Set once: the connection comes up once.
        let _ =
            peer.connected.set(Connected { advertise, mesh: hello.mesh, reads_contexts: hello.reads_contexts, rights });
        drop(peers);
        self.changed.notify_waiters();
        Ok(peer)
    }

    /// Returns the peer for a message to a member that is not connected: the connection is being opened, and the message
    /// waits in its outbox.
    pub(super) fn open(&self, name: &NodeName, now: Instant) -> Option<Arc<Peer>> {
        let (id, address) = self.members().dial_for_message(name, now)?;
        let mut peers = self.peers.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(peer) = peers.get(name) {
            return Some(Arc::clone(peer));
        }
        let outbox = Arc::new(Outbox::opening(&self.limits));
        let peer = Arc::new(Peer::new(&id, self.links.next_epoch(), &outbox, self));
        // Fails if the node stops.
        self.requests.send(Request::Dial(Arc::clone(&peer), address)).ok()?;
        peers.insert(name.clone(), Arc::clone(&peer));
        Some(peer)
    }

    /// Removes a peer whose connection was not opened. Returns `false` if it is connected, or was removed.
    pub(super) fn end_opening(&self, peer: &Arc<Peer>) -> bool {
        let mut peers = self.peers.write().unwrap_or_else(PoisonError::into_inner);
        let is_opening = peers.get(&peer.id.name).is_some_and(|current| Arc::ptr_eq(current, peer) && !peer.is_up());
        if is_opening {
            peers.remove(&peer.id.name);
        }
        is_opening
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
    /// Returns the peer of a connection that is not up yet.
    pub(super) fn new(id: &NodeId, epoch: Epoch, outbox: &Arc<Outbox>, cluster: &Cluster) -> Peer {
        let limits = &cluster.limits;
        Peer {
            id: Arc::new(id.clone()),
            outbox: Arc::clone(outbox),
            connected: OnceLock::new(),
            epoch,
            tracked: Arc::new(Tracked::new(limits.relations)),
            calls: OutstandingCalls::default(),
            max_calls: limits.calls,
            large_frames: Arc::new(LargeFrames::new(limits)),
            holds: Arc::default(),
            definitions: Mutex::default(),
            unread: Mutex::default(),
            activity: Activity::default(),
            pause: Arc::default(),
        }
    }

    /// Returns `true` if its connection is up, or was.
    pub(super) fn is_up(&self) -> bool {
        self.connected.get().is_some()
    }

    /// Returns the address at which the connected node may be dialled.
    pub(super) fn advertise(&self) -> Option<&str> {
        self.connected.get()?.advertise.as_deref()
    }

    /// Returns the connections that the connected node opens. One that is not connected counts as hidden.
    pub(super) fn mesh(&self) -> MeshKind {
        self.connected.get().map_or(MeshKind::Hidden, |connected| connected.mesh)
    }

    /// Returns `true` if the peer is connected and reads the trace contexts of messages.
    pub(super) fn reads_contexts(&self) -> bool {
        self.connected.get().is_some_and(|connected| connected.reads_contexts)
    }

    pub(super) fn may(&self, right: Right) -> bool {
        self.connected.get().is_some_and(|connected| connected.rights.has(right))
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

    /// Sends the holds once more, since another process of the peer does not know of them.
    pub(super) fn repeat_holds(&self) {
        let holds = self.holds.lock().unwrap_or_else(PoisonError::into_inner);
        for to in holds.held() {
            // Fails if the connection is over, or if the peer takes nothing.
            if self.outbox.push(0, &Frame::Hold { to: to.clone() }).is_err() {
                return self.outbox.close();
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
