//! The bytes that a node's connections carried, by peer.
//!
//! Each connection has a [`ConnectionMeter`]. Until the peer is authenticated, the meter counts for itself; then its
//! counts are added to those of the peer, which outlast the connection. A connection whose peer is never authenticated
//! is not counted.
//!
//! Invariants: a count never decreases. A peer chooses its name, so only the first [`MAX_PEERS`] names have counts of
//! their own, and keep them.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::{Metrics, Traffic};
use crate::base::{NodeName, SortedMap};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The counts of all peers.
#[derive(Default)]
pub(crate) struct PeerTraffic {
    peers: Mutex<SortedMap<String, Arc<ByteCounts>>>,
}

/// The counts of one connection.
#[derive(Default)]
pub(crate) struct ConnectionMeter {
    unidentified: ByteCounts,
    peer: OnceLock<Arc<ByteCounts>>,
}

#[derive(Default)]
struct ByteCounts {
    received: AtomicU64,
    sent: AtomicU64,
}

/// The number of peers with counts of their own.
const MAX_PEERS: usize = 256;

impl PeerTraffic {
    fn peers(&self) -> MutexGuard<'_, SortedMap<String, Arc<ByteCounts>>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counts_of(&self, peer: &str) -> Arc<ByteCounts> {
        let mut peers = self.peers();
        let mut name = peer.to_owned();
        if !peers.contains_key(&name) && peers.len() >= MAX_PEERS {
            Metrics::OTHER.clone_into(&mut name);
        }
        Arc::clone(peers.get_or_insert_with(name, Arc::default))
    }

    pub(crate) fn by_peer(&self) -> BTreeMap<String, Traffic> {
        self.peers().iter().map(|(peer, counts)| (peer.clone(), counts.get())).collect()
    }
}

impl ConnectionMeter {
    #[inline]
    pub(crate) fn received(&self, bytes: usize) {
        self.counts().received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn sent(&self, bytes: usize) {
        self.counts().sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Returns whether the peer has sent anything before it was authenticated.
    pub(crate) fn has_received(&self) -> bool {
        self.unidentified.received.load(Ordering::Relaxed) > 0
    }

    /// Assigns the connection to its authenticated peer, with all that it carried before.
    pub(crate) fn identify(&self, peer: &NodeName, traffic: &PeerTraffic) {
        let counts = traffic.counts_of(peer.as_str());
        let before = self.unidentified.get();
        if self.peer.set(Arc::clone(&counts)).is_ok() {
            counts.received.fetch_add(before.received, Ordering::Relaxed);
            counts.sent.fetch_add(before.sent, Ordering::Relaxed);
        }
    }

    #[inline]
    fn counts(&self) -> &ByteCounts {
        self.peer.get().map_or(&self.unidentified, |peer| peer)
    }
}

impl ByteCounts {
    fn get(&self) -> Traffic {
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
    fn bytes_before_the_authentication_count_for_the_peer() {
        let traffic = PeerTraffic::default();
        for connection in 1..=2 {
            let meter = ConnectionMeter::default();
            meter.received(100);
            assert_eq!(traffic.by_peer().len(), connection - 1, "an unknown peer has no counts");
            meter.identify(&name(7), &traffic);
            meter.received(20);
            meter.sent(3);
            let expected = Traffic::new(120 * connection as u64, 3 * connection as u64);
            assert_eq!(traffic.by_peer(), [("n7@test".to_owned(), expected)].into());
        }
    }

    #[test]
    fn peers_above_the_limit_are_counted_together() {
        let traffic = PeerTraffic::default();
        for _ in 0..2 {
            for n in 0..1000 {
                let meter = ConnectionMeter::default();
                meter.identify(&name(n), &traffic);
                meter.sent(1);
            }
        }
        let by_peer = traffic.by_peer();
        assert_eq!((by_peer.len(), by_peer["n0@test"].sent), (MAX_PEERS + 1, 2));
        assert_eq!(by_peer[Metrics::OTHER].sent, 2 * (1000 - MAX_PEERS as u64));
    }
}
