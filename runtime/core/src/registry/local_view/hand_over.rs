//! The view over a live upgrade: the successor of a process continues with its claims, and with those of its peers.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::view::{Now, Peer, View};
use crate::base::NodeId;
use crate::registry::Claim;
use crate::wire::Epoch;

/// The claims of a node and of its peers as data.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ViewRecord {
    latest: u64,
    own: Vec<ClaimRecord>,
    peers: Vec<PeerRecord>,
}

#[derive(Debug, Serialize, Deserialize)]
struct PeerRecord {
    at: Epoch,
    id: NodeId,
    is_full: bool,
    claims: Vec<ClaimRecord>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ClaimRecord {
    key: String,
    token: u64,
    value: Vec<u8>,
}

impl View {
    /// Returns the claims of this node and of its peers, for the successor of this process.
    pub(super) fn record(&self) -> ViewRecord {
        let claim =
            |claim: &Claim| ClaimRecord { key: claim.key.clone(), token: claim.token, value: claim.value.clone() };
        let peer = |(at, peer): (&Epoch, &Peer)| {
            let claims = peer.keys.iter().filter_map(|key| self.claims.get(key)?.get(at)).map(claim).collect();
            PeerRecord { at: *at, id: peer.id.clone(), is_full: peer.is_full, claims }
        };
        let peers = self.peers.iter().map(peer).collect();
        ViewRecord { latest: self.latest, own: self.own().map(claim).collect(), peers }
    }

    /// Continues with the claims of the predecessor of this process and of its peers, whose connections continue.
    pub(super) fn continue_with(&mut self, record: ViewRecord, now: Now) {
        self.latest = self.latest.max(record.latest);
        let own = (Epoch::LOCAL, self.id.clone(), record.own);
        let peers = record.peers.into_iter().map(|PeerRecord { at, id, is_full, claims }| {
            let keys = claims.iter().map(|claim| claim.key.clone()).collect();
            let peer = Peer { id: id.clone(), is_full, syncs_until: None, keys, unconfirmed: BTreeSet::new() };
            self.peers.insert(at, peer);
            (at, id, claims)
        });
        for (at, node, claims) in peers.collect::<Vec<_>>().into_iter().chain([own]) {
            for ClaimRecord { key, token, value } in claims {
                let claim = Claim { key: key.clone(), node: node.clone(), token, value };
                self.change(&key, |claims| drop(claims.insert(at, claim)));
            }
        }
        self.side.set(self.has_majority(), now.at);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::super::majority::SplitPolicy;
    use super::super::part::Part;
    use super::super::view::Effect;
    use super::*;
    use crate::base::NodeName;
    use crate::registry::{Change, Claimed};

    fn id(name: &str) -> NodeId {
        NodeId { name: NodeName::new(name).unwrap(), incarnation: 1 }
    }

    fn view(name: &str, now: Now) -> View {
        View::new(id(name), SplitPolicy::KeepAll, None, now)
    }

    /// Exchanges the parts between two nodes, and returns the changes on the second one. Another node is not reached.
    fn exchange(one: &mut View, other: &mut View, at: Epoch, now: Now) -> Vec<Change> {
        let mut changes = Vec::new();
        loop {
            let (mut sent, mut effects) = (false, one.take_effects());
            for effect in effects.drain(..) {
                if let Effect::Send(to, parts) = effect
                    && to == at
                {
                    sent = true;
                    parts.into_iter().for_each(|part| other.receive(at, part, true, now));
                }
            }
            for effect in other.take_effects() {
                match effect {
                    Effect::Send(_, parts) => {
                        sent = true;
                        parts.into_iter().for_each(|part| one.receive(at, part, true, now));
                    }
                    Effect::Changed(change) => changes.push(change),
                    Effect::Answer(..) | Effect::Ignored(..) => {}
                }
            }
            if !sent {
                return changes;
            }
        }
    }

    /// Returns the views of the nodes `a@one` and `b@two`, and their connection.
    fn connected(now: Now) -> (View, View, Epoch) {
        let (mut a, mut b, at) = (view("a@one", now), view("b@two", now), Epoch(1));
        a.peer_up(at, id("b@two"), true, now);
        b.peer_up(at, id("a@one"), true, now);
        exchange(&mut a, &mut b, at, now);
        (a, b, at)
    }

    #[test]
    fn a_successor_continues_with_the_claims_of_all_nodes() {
        let now = Now { at: Instant::now(), wall: 1 };
        let (mut a, mut b, at) = connected(now);
        for (number, key) in ["kept", "ended", "changed"].into_iter().enumerate() {
            a.claim(number as u64, key.to_owned(), vec![1], now);
            exchange(&mut a, &mut b, at, now);
        }
        b.claim(1, "other".to_owned(), Vec::new(), now);
        exchange(&mut a, &mut b, at, now);
        assert_eq!((a.all().len(), a.all()), (4, b.all()));
        let before = a.all();

        let record = postcard::to_allocvec(&a.record()).unwrap();
        let mut successor = view("a@one", now);
        successor.continue_with(postcard::from_bytes(&record).unwrap(), now);
        assert_eq!(successor.all(), before);
        successor.take_effects();
        successor.release("ended", before.iter().find(|claim| claim.key == "ended").unwrap().token);
        successor.claim(1, "changed".to_owned(), vec![2], now);
        let effects = successor.take_effects();
        let granted = effects.iter().find_map(|effect| match effect {
            Effect::Answer(1, Ok(Claimed::Granted(claim))) => Some(claim.token),
            _ => None,
        });
        assert!(granted.unwrap() > before.iter().map(|claim| claim.token).max().unwrap());

        b.peer_continued(at, id("a@one"), true, now);
        successor.peer_continued(at, id("b@two"), true, now);
        let changes = exchange(&mut successor, &mut b, at, now);
        assert_eq!(changes.len(), 2, "{changes:?}");
        assert!(changes.contains(&Change::Ended("ended".to_owned())));
        assert_eq!((b.all().len(), b.all()), (3, successor.all()));
        // The loss of the connection ends what came over it, on both sides.
        successor.peer_down(at, now);
        b.peer_down(at, now);
        assert_eq!((successor.all().len(), b.all().len()), (2, 1));
    }

    #[test]
    fn a_key_of_another_node_is_requested_from_it_after_the_pause() {
        let now = Now { at: Instant::now(), wall: 1 };
        let (mut a, mut b, at) = connected(now);
        b.claim(1, "other".to_owned(), Vec::new(), now);
        exchange(&mut a, &mut b, at, now);
        let mut successor = view("a@one", now);
        successor.continue_with(a.record(), now);
        successor.take_effects();
        successor.claim(1, "other".to_owned(), Vec::new(), now);
        let effects = successor.take_effects();
        let is_request = |effect: &Effect| matches!(effect, Effect::Send(to, parts) if *to == at && matches!(parts[..], [Part::Confirm { .. }]));
        assert!(effects.len() == 1 && effects.iter().all(is_request), "{effects:?}");

        // A new key is requested from its home, as long as the connection can continue.
        (0..20).for_each(|n| successor.claim(2 + n, format!("new{n}"), Vec::new(), now));
        let effects = successor.take_effects();
        let is_granted = |effect: &&Effect| matches!(effect, Effect::Answer(_, Ok(Claimed::Granted(_))));
        let granted = effects.iter().filter(is_granted).count();
        assert!(0 < granted && granted < 20, "{granted}");
        successor.peer_down(at, now);
        // These, and the key of the lost node.
        assert_eq!(successor.take_effects().iter().filter(is_granted).count(), 20 - granted + 1);
    }
}
