//! What a node's connections carried, in bytes, by peer.
//!
//! Each connection has a [`ConnectionMeter`]. Until the peer has shown who it is the meter counts for itself; from then on for the
//! peer, whose figures outlast the connection. A connection whose peer never shows is counted nowhere.
//!
//! Invariants: a figure never goes back · a peer chooses its name, so only the first [`MOST`] names have figures of
//! their own, and a name keeps its place.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::{Metrics, Traffic};
use crate::base::NodeName;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// All peers' figures.
#[derive(Default)]
pub(crate) struct PeerTraffic {
    peers: Mutex<BTreeMap<String, Arc<Carried>>>,
}

/// Counts what one connection carries.
#[derive(Default)]
pub(crate) struct ConnectionMeter {
    early: Carried,
    peer: OnceLock<Arc<Carried>>,
}

#[derive(Default)]
struct Carried {
    received: AtomicU64,
    sent: AtomicU64,
}

/// So many names are told apart.
const MOST: usize = 256;

impl PeerTraffic {
    fn peers(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Carried>>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(&self, peer: &str) -> Arc<Carried> {
        let mut peers = self.peers();
        let own = peers.contains_key(peer) || peers.len() < MOST;
        let name = if own { peer } else { Metrics::OTHER };
        Arc::clone(peers.entry(name.to_owned()).or_default())
    }

    pub(crate) fn figures(&self) -> BTreeMap<String, Traffic> {
        self.peers().iter().map(|(peer, carried)| (peer.clone(), carried.figures())).collect()
    }
}

impl ConnectionMeter {
    #[inline]
    pub(crate) fn received(&self, bytes: usize) {
        self.carried().received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn sent(&self, bytes: usize) {
        self.carried().sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// The peer has shown who it is: what was carried so far is its own, and so is what comes.
    pub(crate) fn identify(&self, peer: &NodeName, traffic: &PeerTraffic) {
        let carried = traffic.of(peer.as_str());
        let early = self.early.figures();
        if self.peer.set(Arc::clone(&carried)).is_ok() {
            carried.received.fetch_add(early.received, Ordering::Relaxed);
            carried.sent.fetch_add(early.sent, Ordering::Relaxed);
        }
    }

    #[inline]
    fn carried(&self) -> &Carried {
        self.peer.get().map_or(&self.early, |peer| peer)
    }
}

impl Carried {
    fn figures(&self) -> Traffic {
        Traffic::new(self.received.load(Ordering::Relaxed), self.sent.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(n: usize) -> NodeName {
        format!("n{n}@test").parse().unwrap()
    }

    #[test]
    fn what_a_peer_sent_before_it_was_known_is_its_own_too() {
        let traffic = PeerTraffic::default();
        for connection in 1..=2 {
            let meter = ConnectionMeter::default();
            meter.received(100);
            assert_eq!(traffic.figures().len(), connection - 1, "a stranger's is nobody's");
            meter.identify(&name(7), &traffic);
            meter.received(20);
            meter.sent(3);
            let expected = Traffic::new(120 * connection as u64, 3 * connection as u64);
            assert_eq!(traffic.figures(), [("n7@test".to_owned(), expected)].into());
        }
    }

    #[test]
    fn names_without_end_are_counted_together() {
        let traffic = PeerTraffic::default();
        for _ in 0..2 {
            for n in 0..1000 {
                let meter = ConnectionMeter::default();
                meter.identify(&name(n), &traffic);
                meter.sent(1);
            }
        }
        let figures = traffic.figures();
        assert_eq!((figures.len(), figures["n0@test"].sent), (MOST + 1, 2));
        assert_eq!(figures[Metrics::OTHER].sent, 2 * (1000 - MOST as u64));
    }
}
