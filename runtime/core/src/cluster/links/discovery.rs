//! The task that dials the addresses which a discovery returns.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::connector::Connector;
use super::seeds::{Seed, Tried};
use crate::base::SortedMap;
use crate::cluster::closing::ClosingPart;
use crate::cluster::membership::DynDiscovery;
use crate::log;

/// The time between two questions for the addresses.
const REFRESH: Duration = Duration::from_secs(5);

impl Connector {
    /// Dials the addresses that a discovery returns until the node stops. `tried` is dropped after the first attempts.
    pub(in crate::cluster) async fn discover(
        self,
        discovery: Arc<dyn DynDiscovery>,
        tried: Tried,
        closing: ClosingPart,
    ) {
        let (mut tried, mut has_failed) = (Some(tried), false);
        let mut seeds: SortedMap<String, Arc<AtomicBool>> = SortedMap::new();
        loop {
            let found = tokio::select! {
                biased;
                () = closing.begun() => return,
                found = discovery.find() => found,
            };
            match found {
                Ok(mut addresses) => {
                    has_failed = false;
                    addresses.truncate(self.cluster.limits.peers);
                    seeds.retain(|address, is_wanted| {
                        let stays = addresses.contains(address);
                        is_wanted.store(stays, Ordering::Relaxed);
                        stays
                    });
                    for address in addresses {
                        if seeds.contains_key(&address) {
                            continue;
                        }
                        let is_wanted = Arc::new(AtomicBool::new(true));
                        let seed = Seed { address: address.clone(), is_wanted: Arc::clone(&is_wanted) };
                        let connector = self.clone();
                        self.node.spawner().spawn(connector.seed(seed, tried.clone(), closing.clone()));
                        seeds.insert(address, is_wanted);
                    }
                }
                Err(error) if has_failed => {
                    log::debug!(target: "greenroom", error = %log::Escaped(&error), "cannot discover nodes");
                }
                Err(error) => {
                    has_failed = true;
                    log::warn!(target: "greenroom", error = %log::Escaped(&error), "cannot discover nodes: trying again");
                }
            }
            drop(tried.take());
            if self.pause(REFRESH, &closing).await.is_break() {
                return;
            }
        }
    }
}
