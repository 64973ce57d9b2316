//! The connected peers of a node, and its router to them.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use bytes::Bytes;
use tokio::sync::{Notify, watch};

use super::links::{Epoch, Links};
use crate::base::{CallError, CastError, EncodeError, Exit, NodeId, NodeName};
use crate::log;
use crate::net::{Outbox, PushError};
use crate::node::{OutgoingMessage, RemoteTarget, Router};
use crate::session::{Hello, Limits};
use crate::wire::{Frame, FrameTarget, Signal};

/// A node's connections.
pub(crate) struct Cluster {
    pub(super) limits: Limits,
    pub(super) links: Links,
    peers: RwLock<BTreeMap<NodeName, Arc<Peer>>>,
    pub(super) address: OnceLock<String>,
    /// Notified when a peer is added or removed.
    pub(super) changed: Notify,
    /// Becomes `true` when the node stops; each task around the cluster holds a receiver until it has ended.
    pub(super) closing: watch::Sender<bool>,
}

/// A node at the other end of a connection that is up.
pub(super) struct Peer {
    pub(super) id: Arc<NodeId>,
    pub(super) outbox: Arc<Outbox>,
    /// The address of its hello, at which it may be dialled.
    advertise: Option<String>,
    /// The number of its connection.
    pub(super) epoch: Epoch,
    /// The local processes that are notified of its loss.
    affected: Mutex<BTreeSet<u64>>,
}

impl Cluster {
    pub(super) fn new(limits: Limits) -> Cluster {
        Cluster {
            limits,
            links: Links::default(),
            peers: RwLock::default(),
            address: OnceLock::new(),
            changed: Notify::new(),
            closing: watch::Sender::new(false),
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

    fn push(&self, from: u64, to: RemoteTarget<'_>, frame: impl FnOnce(FrameTarget) -> Frame) -> Result<(), CastError> {
        let peer = self.peer(to.node()).ok_or(CastError::NoConnection)?;
        push_to(&peer, from, to, frame)
    }
}

impl Peer {
    pub(super) fn new(hello: &Hello, epoch: Epoch, outbox: &Arc<Outbox>) -> Peer {
        Peer {
            id: Arc::new(hello.node.clone()),
            outbox: Arc::clone(outbox),
            advertise: hello.advertise.clone(),
            epoch,
            affected: Mutex::default(),
        }
    }

    pub(super) fn add_affected(&self, process: u64) {
        self.affected.lock().unwrap_or_else(PoisonError::into_inner).insert(process);
    }

    /// Returns the processes to notify of the loss.
    pub(super) fn take_affected(&self) -> BTreeSet<u64> {
        std::mem::take(&mut *self.affected.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Router for Cluster {
    fn send_message(&self, from: u64, to: RemoteTarget<'_>, message: OutgoingMessage) -> Result<(), CastError> {
        let OutgoingMessage { protocol, variant, replies, payload } = message;
        self.push(from, to, |to| Frame::Message { from, to, protocol, variant, replies, payload: Bytes::from(payload) })
    }

    fn send_answer(&self, from: u64, node: &NodeId, id: u64, result: Result<Vec<u8>, CallError>) {
        // The caller's node is gone, or is another incarnation: no call waits there.
        let Some(peer) = self.peer(&node.name).filter(|peer| peer.id.incarnation == node.incarnation) else { return };
        let pushed = peer.outbox.push(from, &Frame::Answer { from, id, result: result.map(Bytes::from) });
        match pushed {
            Ok(()) | Err(PushError::Closed) => {}
            Err(PushError::TooLarge { limit }) => {
                let error = CallError::Encode(EncodeError::TooLarge { limit });
                let pushed = peer.outbox.push(from, &Frame::Answer { from, id, result: Err(error) });
                if pushed.is_err() {
                    self.close_connection(&peer);
                }
            }
            Err(PushError::Full | PushError::Encode(_)) => self.close_connection(&peer),
        }
    }

    fn send_signal(&self, from: u64, to: RemoteTarget<'_>, signal: Signal) -> Result<(), Exit> {
        let peer = self.peer(to.node()).ok_or(Exit::NoConnection)?;
        if matches!(signal, Signal::Link | Signal::Monitor { .. }) {
            // Before the signal is sent, and on the connection that sends it: from then on its loss must be reported.
            peer.add_affected(from);
        }
        match push_to(&peer, from, to, |to| Frame::Signal { from, to, signal }) {
            Ok(()) => Ok(()),
            Err(CastError::NoProc) => Err(Exit::NoProc),
            Err(CastError::NoConnection) => Err(Exit::NoConnection),
            Err(_) => {
                self.close_connection(&peer);
                Err(Exit::NoConnection)
            }
        }
    }

    fn backpressure(&self, node: &NodeName) -> Option<Pin<Box<dyn Future<Output = ()> + Send>>> {
        let outbox = Arc::clone(&self.peer(node)?.outbox);
        if outbox.is_ready() {
            return None;
        }
        Some(Box::pin(async move { outbox.ready().await }))
    }

    fn max_message_size(&self) -> usize {
        self.limits.frame
    }

    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.closing.send_replace(true);
        for name in self.names() {
            if let Some(peer) = self.peer(&name) {
                peer.outbox.close();
            }
        }
        Box::pin(self.closing.closed())
    }

    fn listen_address(&self) -> Option<String> {
        self.address.get().cloned()
    }

    fn peers(&self) -> Vec<NodeName> {
        self.names()
    }
}

impl Cluster {
    /// Closes a connection that has no room for an answer or a signal: those must not be lost while it stays up.
    fn close_connection(&self, peer: &Peer) {
        log::error!(target: "greenroom", peer = %peer.id.name, "no room for a signal: the connection is closed");
        peer.outbox.close();
    }
}

/// Puts a frame into the outbox of one connection.
fn push_to(
    peer: &Peer,
    from: u64,
    to: RemoteTarget<'_>,
    frame: impl FnOnce(FrameTarget) -> Frame,
) -> Result<(), CastError> {
    let target = match to {
        RemoteTarget::Pid(pid) if pid.node_id().incarnation != peer.id.incarnation => return Err(CastError::NoProc),
        RemoteTarget::Pid(pid) => FrameTarget::Pid { incarnation: peer.id.incarnation, number: pid.number() },
        RemoteTarget::Name(name, _) if name.is_empty() || name.len() > FrameTarget::MAX_NAME => {
            return Err(CastError::NoProc);
        }
        RemoteTarget::Name(name, _) => FrameTarget::Name(name.to_owned()),
    };
    peer.outbox.push(from, &frame(target)).map_err(|error| match error {
        PushError::Full => CastError::Full,
        PushError::Closed => CastError::NoConnection,
        PushError::TooLarge { limit } => CastError::Encode(EncodeError::TooLarge { limit }),
        PushError::Encode(error) => CastError::Encode(EncodeError::Field(error.to_string().into())),
    })
}
