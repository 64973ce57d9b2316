//! The decisions of the local view: events go in, and effects come out. The time is an argument.
//!
//! Each node owns its claims, and every connected node has a copy of them. A claim ends with the connection to its node, on
//! the side that lost it.
//!
//! # A new claim
//! Each key has a *home* among the connected nodes, by rendezvous hashing. A node requests the key there, and the home
//! reserves it for one node. That node makes the claim, and sends it to all. If the home is lost, the request goes to the next
//! one. So two nodes with the same connections never get a key at the same time. A node that sees an owner requests the key
//! from that one first: the home may not be connected with it.
//!
//! # Conflicts
//! After a split, or while nodes have different connections, a key can have two claims. The one with the smaller token is the
//! older one and stays. Its node notifies the other one, which gives its claim up. A node does not give up by itself: the older
//! claim may have ended already, and the notice of that is under way.
//!
//! A token is a hybrid logical time (Kulkarni and others, *Logical Physical Clocks*, 2014): the microseconds of the wall
//! clock, but always more than any token that the node has seen. So a claim is never older than one that its node has seen,
//! whatever the clocks show. The clocks decide only between claims of two sides without a connection.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::majority::{Side, SplitPolicy};
use super::part::Part;
use super::{Keep, Resolve};
use crate::base::{NodeId, NodeName};
use crate::registry::rendezvous::home_of;
use crate::registry::service::{MAX_KEY, MAX_VALUE};
use crate::registry::{Change, Claim, Claimed, RegistryError};
use crate::wire::Epoch;

/// The time at which an event occurs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) at: Instant,
    /// The microseconds of the wall clock.
    pub(super) wall: u64,
}

/// Something to do for the local view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// To be sent over the connection, in the order of the effects.
    Send(Epoch, Vec<Part>),
    /// The outcome of a request.
    Answer(u64, Result<Claimed, RegistryError>),
    /// The claims have changed.
    Changed(Change),
    /// A peer has sent something that is ignored.
    Ignored(NodeName, Ignored),
}

/// The reason why parts of a peer are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ignored {
    /// The peer does not have the right to claim.
    NotAllowed,
    /// A key or a value has a size that no node makes.
    Size,
    TooManyClaims,
    TooManyRequests,
}

/// The most claims of one peer, and the most of its requests that wait.
const MAX_CLAIMS: usize = 65_536;
const MAX_REQUESTS: usize = 1_024;
/// The time that a new peer has to send its claims, until the home decides without them.
const SYNC_TIME: Duration = Duration::from_secs(1);
/// The most microseconds by which a token moves this node's tokens ahead of its clock: a day.
const MAX_AHEAD: u64 = 24 * 60 * 60 * 1_000_000;

/// The claims of all connected nodes, as one of them sees them.
pub(super) struct View {
    pub(super) id: NodeId,
    policy: SplitPolicy,
    resolve: Option<Resolve>,
    pub(super) side: Side,
    pub(super) peers: BTreeMap<Epoch, Peer>,
    /// The claims on each key, with the connection that they came over. [`Epoch::LOCAL`] is this node.
    pub(super) claims: BTreeMap<String, BTreeMap<Epoch, Claim>>,
    /// The keys that this node, as their home, has reserved.
    reserved: BTreeMap<String, Reservation>,
    /// The requests of other nodes that wait until all peers have sent their claims.
    deferred: Vec<(Epoch, u64, String, Vec<u8>)>,
    /// The requests of this node that wait for an answer.
    requests: BTreeMap<u64, Pending>,
    pub(super) latest: u64,
    effects: Vec<Effect>,
}

pub(super) struct Peer {
    pub(super) id: NodeId,
    pub(super) is_full: bool,
    /// The time until which its claims are waited for. `None` once it has sent them.
    pub(super) syncs_until: Option<Instant>,
    pub(super) keys: BTreeSet<String>,
    /// The keys of an earlier process of the peer, until this one has sent its own.
    pub(super) unconfirmed: BTreeSet<String>,
}

/// A key that a node is about to claim. It ends when the claim arrives, when the node gives the key up, or with its connection.
struct Reservation {
    at: Epoch,
    claim: Claim,
}

struct Pending {
    key: String,
    value: Vec<u8>,
    home: Epoch,
}

impl View {
    pub(super) fn new(id: NodeId, policy: SplitPolicy, resolve: Option<Resolve>, now: Now) -> View {
        let mut view = View {
            id,
            policy,
            resolve,
            side: Side::default(),
            peers: BTreeMap::new(),
            claims: BTreeMap::new(),
            reserved: BTreeMap::new(),
            deferred: Vec::new(),
            requests: BTreeMap::new(),
            latest: 0,
            effects: Vec::new(),
        };
        view.side.set(view.has_majority(), now.at);
        view
    }

    pub(super) fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Returns the claim on a key.
    pub(super) fn get(&self, key: &str) -> Option<&Claim> {
        self.winner(key).map(|(_, claim)| claim)
    }

    /// Returns the claims on all keys.
    pub(super) fn all(&self) -> Vec<Claim> {
        self.claims.keys().filter_map(|key| self.get(key).cloned()).collect()
    }

    /// Returns the next time at which [`tick`](View::tick) has something to do.
    pub(super) fn wakes_at(&self) -> Option<Instant> {
        let synced =
            self.peers.values().filter_map(|peer| peer.syncs_until).min().filter(|_| !self.deferred.is_empty());
        synced.into_iter().chain(self.side.gives_up_at(&self.policy)).min()
    }

    pub(super) fn tick(&mut self, now: Now) {
        if self.side.gives_up(&self.policy, now.at) {
            let own: Vec<_> = self.own().map(|claim| claim.key.clone()).collect();
            own.iter().for_each(|key| self.end_own(key));
        }
        self.serve_deferred(now);
    }

    /// A connection to another member is up.
    pub(super) fn peer_up(&mut self, at: Epoch, id: NodeId, is_full: bool, now: Now) {
        let parts = self.own().map(Part::claimed).chain([Part::Synced]).collect();
        self.effects.push(Effect::Send(at, parts));
        let syncs_until = now.at.checked_add(SYNC_TIME);
        self.peers.insert(at, Peer { id, is_full, syncs_until, keys: BTreeSet::new(), unconfirmed: BTreeSet::new() });
        self.side.set(self.has_majority(), now.at);
    }

    /// Another process of a peer continues its connection. The claims of the peer stay until it has sent all of its own.
    pub(super) fn peer_continued(&mut self, at: Epoch, id: NodeId, is_full: bool, now: Now) {
        let before = self.peers.remove(&at);
        self.peer_up(at, id, is_full, now);
        if let (Some(before), Some(peer)) = (before, self.peers.get_mut(&at)) {
            (peer.unconfirmed, peer.keys) = (before.keys.clone(), before.keys);
        }
        self.forget_requests(at, now);
    }

    /// A connection is lost, and with it the claims of its node.
    pub(super) fn peer_down(&mut self, at: Epoch, now: Now) {
        let Some(peer) = self.peers.remove(&at) else { return };
        for key in &peer.keys {
            self.change(key, |claims| drop(claims.remove(&at)));
        }
        self.side.set(self.has_majority(), now.at);
        self.forget_requests(at, now);
    }

    /// Forgets the requests of a peer, and repeats those of this node to it.
    fn forget_requests(&mut self, at: Epoch, now: Now) {
        self.reserved.retain(|_, reservation| reservation.at != at);
        self.deferred.retain(|(from, ..)| *from != at);
        let lost: Vec<_> = self.requests.iter().filter(|(_, pending)| pending.home == at).map(|(id, _)| *id).collect();
        for request in lost {
            if let Some(Pending { key, value, .. }) = self.requests.remove(&request) {
                self.claim(request, key, value, now);
            }
        }
        self.serve_deferred(now);
    }

    /// This node requests a claim.
    pub(super) fn claim(&mut self, request: u64, key: String, value: Vec<u8>, now: Now) {
        if let Some(own) = self.claims.get(&key).and_then(|claims| claims.get(&Epoch::LOCAL)) {
            let mut own = own.clone();
            if own.value != value {
                // Of an owner that does not exist any more: the predecessor of this process had it.
                self.latest = now.wall.max(self.latest.saturating_add(1));
                own = Claim { token: self.latest, value, ..own };
                self.set_own(own.clone());
            }
            return self.effects.push(Effect::Answer(request, Ok(Claimed::Granted(own))));
        }
        if let Some((at, other)) = self.winner(&key) {
            // It may have ended, and the notice of that be under way. The notice arrives before the answer.
            let part = Part::Confirm { request, key: key.clone(), token: other.token };
            self.requests.insert(request, Pending { key, value, home: at });
            return self.effects.push(Effect::Send(at, vec![part]));
        }
        let full = self.peers.iter().filter(|(_, peer)| peer.is_full).map(|(at, peer)| (*at, &peer.id.name));
        let home = home_of(&key, full.chain([(Epoch::LOCAL, &self.id.name)])).unwrap_or(Epoch::LOCAL);
        self.requests.insert(request, Pending { key: key.clone(), value: value.clone(), home });
        if home == Epoch::LOCAL {
            self.reserve(Epoch::LOCAL, request, key, value, now);
        } else {
            self.effects.push(Effect::Send(home, vec![Part::Reserve { request, key, value }]));
        }
    }

    /// This node does not wait for the answer to a request any more.
    pub(super) fn cancel(&mut self, request: u64) {
        self.requests.remove(&request);
        self.deferred.retain(|(at, id, ..)| (*at, *id) != (Epoch::LOCAL, request));
    }

    /// This node ends a claim of its own.
    pub(super) fn release(&mut self, key: &str, token: u64) {
        if self.own_on(key).is_some_and(|own| own.token == token) {
            self.end_own(key);
        }
    }

    /// A peer has sent a part. `may_claim` states whether it has the right to claim.
    pub(super) fn receive(&mut self, from: Epoch, part: Part, may_claim: bool, now: Now) {
        let Some(peer) = self.peers.get_mut(&from) else { return };
        let node = peer.id.clone();
        match part {
            Part::Synced => {
                peer.syncs_until = None;
                let ended = std::mem::take(&mut peer.unconfirmed);
                peer.keys.retain(|key| !ended.contains(key));
                for key in ended {
                    self.change(&key, |claims| drop(claims.remove(&from)));
                }
                self.serve_deferred(now);
            }
            Part::Claimed { .. } | Part::Kept { .. } | Part::Reserve { .. } if !may_claim => {
                self.effects.push(Effect::Ignored(node.name, Ignored::NotAllowed));
                if let Part::Reserve { request, .. } = part {
                    let reason = "the home of the key does not give this node the right `claim`".to_owned();
                    self.effects.push(Effect::Send(from, vec![Part::Unable { request, reason }]));
                }
            }
            Part::Claimed { key, value, .. } | Part::Reserve { key, value, .. }
                if key.is_empty() || key.len() > MAX_KEY || value.len() > MAX_VALUE =>
            {
                self.effects.push(Effect::Ignored(node.name, Ignored::Size));
            }
            Part::Claimed { key, token, value } => {
                if peer.keys.len() >= MAX_CLAIMS && !peer.keys.contains(&key) {
                    return self.effects.push(Effect::Ignored(node.name, Ignored::TooManyClaims));
                }
                peer.keys.insert(key.clone());
                peer.unconfirmed.remove(&key);
                self.see(token, now);
                self.end_reservation(&key, from, None);
                let claim = Claim { key: key.clone(), node, token, value };
                self.change(&key, |claims| drop(claims.insert(from, claim)));
                self.keep(&key);
            }
            Part::Kept { key, token } => self.release(&key, token),
            Part::Ended { key, token } => {
                self.end_reservation(&key, from, Some(token));
                let is_same = |claims: &BTreeMap<Epoch, Claim>| claims.get(&from).is_some_and(|c| c.token == token);
                if self.claims.get(&key).is_some_and(is_same) {
                    self.change(&key, |claims| drop(claims.remove(&from)));
                    if let Some(peer) = self.peers.get_mut(&from) {
                        peer.keys.remove(&key);
                    }
                }
            }
            Part::Reserve { request, key, value } => {
                let deferred = self.deferred.iter().filter(|(at, ..)| *at == from).count();
                if deferred + self.reserved.values().filter(|reserved| reserved.at == from).count() >= MAX_REQUESTS {
                    self.effects.push(Effect::Ignored(node.name, Ignored::TooManyRequests));
                    let reason = "the home of the key has too many requests of this node".to_owned();
                    return self.effects.push(Effect::Send(from, vec![Part::Unable { request, reason }]));
                }
                self.reserve(from, request, key, value, now);
            }
            Part::Confirm { request, key, token } => {
                let part = match self.own_on(&key).filter(|own| own.token == token) {
                    Some(own) => Part::Taken { request, node: own.node.clone(), token, value: own.value.clone() },
                    None => Part::Gone { request },
                };
                self.effects.push(Effect::Send(from, vec![part]));
            }
            Part::Gone { request } => {
                if let Some(Pending { key, value, .. }) = self.take_request(from, request) {
                    self.claim(request, key, value, now);
                }
            }
            answer @ (Part::Reserved { .. } | Part::Taken { .. } | Part::Unable { .. }) => {
                self.receive_answer(from, answer, now);
            }
        }
    }

    /// The home of a key, or its owner, has answered a request.
    fn receive_answer(&mut self, from: Epoch, answer: Part, now: Now) {
        let (request, result) = match answer {
            Part::Reserved { request, key, token } => return self.make(from, request, &key, token, now),
            Part::Taken { request, node, token, value } => {
                let claim = |key| Claim { key, node, token, value };
                let Some(pending) = self.take_request(from, request) else { return };
                (request, Ok(Claimed::Taken(claim(pending.key))))
            }
            Part::Unable { request, reason } if self.take_request(from, request).is_some() => {
                (request, Err(RegistryError::Unreachable(reason)))
            }
            _ => return,
        };
        self.effects.push(Effect::Answer(request, result));
    }

    /// Decides on a request as the home of the key.
    fn reserve(&mut self, from: Epoch, request: u64, key: String, value: Vec<u8>, now: Now) {
        if self.peers.values().any(|peer| peer.syncs_until.is_some_and(|until| now.at < until)) {
            return self.deferred.push((from, request, key, value));
        }
        let node = self.peers.get(&from).map_or(&self.id, |peer| &peer.id).clone();
        let part = if !self.has_majority() {
            let reason = "this side of the cluster does not have the majority of the configured nodes".to_owned();
            Part::Unable { request, reason }
        } else if let Some(other) = self.taken_by(&key, from) {
            Part::Taken { request, node: other.node.clone(), token: other.token, value: other.value.clone() }
        } else {
            self.latest = now.wall.max(self.latest.saturating_add(1));
            let token = self.latest;
            let claim = Claim { key: key.clone(), node, token, value };
            self.reserved.insert(key.clone(), Reservation { at: from, claim });
            Part::Reserved { request, key, token }
        };
        if from == Epoch::LOCAL {
            self.receive_answer(from, part, now);
        } else {
            self.effects.push(Effect::Send(from, vec![part]));
        }
    }

    /// Returns the claim, or the reserved one, that another node than `from` has on the key.
    fn taken_by(&self, key: &str, from: Epoch) -> Option<&Claim> {
        if let Some((_, claim)) = self.winner(key).filter(|(at, _)| *at != from) {
            return Some(claim);
        }
        self.reserved.get(key).filter(|reserved| reserved.at != from).map(|reserved| &reserved.claim)
    }

    /// Makes the claim for which a key was reserved.
    fn make(&mut self, home: Epoch, request: u64, key: &str, token: u64, now: Now) {
        self.see(token, now);
        self.end_reservation(key, Epoch::LOCAL, Some(token));
        let Some(Pending { key, value, .. }) = self.take_request(home, request) else {
            // Given up.
            if home != Epoch::LOCAL {
                self.effects.push(Effect::Send(home, vec![Part::Ended { key: key.to_owned(), token }]));
            }
            return;
        };
        let claim = Claim { key: key.clone(), node: self.id.clone(), token, value };
        self.set_own(claim.clone());
        self.effects.push(Effect::Answer(request, Ok(Claimed::Granted(claim))));
        self.keep(&key);
    }

    fn set_own(&mut self, claim: Claim) {
        self.send_to_all(&Part::claimed(&claim));
        self.change(&claim.key.clone(), |claims| drop(claims.insert(Epoch::LOCAL, claim)));
    }

    fn take_request(&mut self, home: Epoch, request: u64) -> Option<Pending> {
        match self.requests.entry(request) {
            Entry::Occupied(pending) if pending.get().home == home => Some(pending.remove()),
            Entry::Occupied(_) | Entry::Vacant(_) => None,
        }
    }

    fn serve_deferred(&mut self, now: Now) {
        for (from, request, key, value) in std::mem::take(&mut self.deferred) {
            self.reserve(from, request, key, value, now);
        }
    }

    /// Ends the reservation of a key for a node, with this token if there is one.
    fn end_reservation(&mut self, key: &str, at: Epoch, token: Option<u64>) {
        let is_same = |reserved: &Reservation| reserved.at == at && token.is_none_or(|t| t == reserved.claim.token);
        if self.reserved.get(key).is_some_and(is_same) {
            self.reserved.remove(key);
        }
    }

    /// Notifies the nodes whose claims on the key have to give way to that of this node.
    fn keep(&mut self, key: &str) {
        let Some(claims) = self.claims.get(key) else { return };
        let Some(own) = claims.get(&Epoch::LOCAL) else { return };
        let others = claims.iter().filter(|(at, other)| **at != Epoch::LOCAL && self.is_kept(own, other));
        let kept = |token| vec![Part::Kept { key: key.to_owned(), token }];
        let notices: Vec<_> = others.map(|(at, other)| Effect::Send(*at, kept(other.token))).collect();
        self.effects.extend(notices);
    }

    fn end_own(&mut self, key: &str) {
        let Some(token) = self.own_on(key).map(|own| own.token) else { return };
        self.send_to_all(&Part::Ended { key: key.to_owned(), token });
        self.change(key, |claims| drop(claims.remove(&Epoch::LOCAL)));
    }

    /// Changes the claims on a key, and reports the change if another one counts now.
    pub(super) fn change(&mut self, key: &str, change: impl FnOnce(&mut BTreeMap<Epoch, Claim>)) {
        let before = self.get(key).cloned();
        let claims = self.claims.entry(key.to_owned()).or_default();
        change(claims);
        if claims.is_empty() {
            self.claims.remove(key);
        }
        let after = self.get(key);
        if after != before.as_ref() {
            let change = after.map_or_else(|| Change::Ended(key.to_owned()), |claim| Change::Claimed(claim.clone()));
            self.effects.push(Effect::Changed(change));
        }
    }

    fn send_to_all(&mut self, part: &Part) {
        self.effects.extend(self.peers.keys().map(|at| Effect::Send(*at, vec![part.clone()])));
    }

    pub(super) fn own(&self) -> impl Iterator<Item = &Claim> {
        self.claims.values().filter_map(|claims| claims.get(&Epoch::LOCAL))
    }

    fn own_on(&self, key: &str) -> Option<&Claim> {
        self.claims.get(key)?.get(&Epoch::LOCAL)
    }

    /// Returns the claim on a key that counts, and the connection that it came over: the claim of this node, or else that
    /// which is kept.
    fn winner(&self, key: &str) -> Option<(Epoch, &Claim)> {
        let claims = self.claims.get(key)?;
        if let Some(own) = claims.get(&Epoch::LOCAL) {
            return Some((Epoch::LOCAL, own));
        }
        let mut claims: Vec<_> = claims.iter().collect();
        claims.sort_by_key(|(_, claim)| (claim.token, &claim.node));
        let mut claims = claims.into_iter().map(|(at, claim)| (*at, claim));
        let first = claims.next()?;
        Some(claims.fold(first, |kept, next| if self.is_kept(next.1, kept.1) { next } else { kept }))
    }

    /// Returns `true` if `claim` is kept, and not `other`.
    fn is_kept(&self, claim: &Claim, other: &Claim) -> bool {
        let is_older = (claim.token, &claim.node) < (other.token, &other.node);
        let (older, newer) = if is_older { (claim, other) } else { (other, claim) };
        let keep = self.resolve.as_ref().map_or(Keep::Older, |resolve| resolve(older, newer));
        is_older == (keep == Keep::Older)
    }

    pub(super) fn has_majority(&self) -> bool {
        self.policy.grants(self.peers.values().map(|peer| &peer.id.name).chain([&self.id.name]))
    }

    /// Notes a token, which later ones have to exceed.
    fn see(&mut self, token: u64, now: Now) {
        if token <= now.wall.saturating_add(MAX_AHEAD) {
            self.latest = self.latest.max(token);
        }
    }
}
