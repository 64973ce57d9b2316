use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use tokio::sync::Notify;

use super::Resident;
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The processes of a node by number, in shards so that spawning on one core does not wait for another.
///
/// It is not on a message's way: a stub holds its target.
pub(crate) struct Table {
    shards: Vec<Mutex<Shard>>,
    /// Told of each process that leaves.
    left: Notify,
}

type Shard = HashMap<u64, Arc<dyn Resident>, BuildHasherDefault<Spread>>;

const SHARDS: u64 = 32;

/// How many processes' room an empty shard keeps.
const ROOMY: usize = 64;

/// Numbers are dealt out in order, so they need no mixing but that which brings them into all bits of a hash.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, number: u64) {
        // Fibonacci hashing: 2^64 over the golden ratio.
        self.0 = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        // The upper bits are the mixed ones, and those of one shard agree in the lowest.
        self.0.rotate_left(32)
    }
}

impl Table {
    pub(super) fn new() -> Table {
        Table { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), left: Notify::new() }
    }

    fn shard(&self, number: u64) -> MutexGuard<'_, Shard> {
        self.shards[(number % SHARDS) as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn insert(&self, number: u64, resident: Arc<dyn Resident>) {
        self.shard(number).insert(number, resident);
    }

    pub(crate) fn remove(&self, number: u64) {
        let mut shard = self.shard(number);
        let resident = shard.remove(&number);
        // What a crowd needed is given back bit by bit as it leaves.
        if shard.capacity() > ROOMY && shard.len() < shard.capacity() / 8 {
            let half = shard.capacity() / 2;
            shard.shrink_to(half);
        }
        // The guard is gone before the resident is dropped.
        drop(shard);
        drop(resident);
        self.left.notify_waiters();
    }

    /// Resolves when no process has this number any more.
    pub(crate) async fn gone(&self, number: u64) {
        loop {
            let left = self.left.notified();
            if self.get(number).is_none() {
                return;
            }
            left.await;
        }
    }

    pub(crate) fn get(&self, number: u64) -> Option<Arc<dyn Resident>> {
        self.shard(number).get(&number).cloned()
    }

    /// Everyone, oldest first.
    pub(crate) fn all(&self) -> Vec<(u64, Arc<dyn Resident>)> {
        let mut all: Vec<_> = (0..SHARDS)
            .flat_map(|shard| {
                let shard = self.shard(shard);
                shard.iter().map(|(number, resident)| (*number, Arc::clone(resident))).collect::<Vec<_>>()
            })
            .collect();
        all.sort_by_key(|(number, _)| *number);
        all
    }
}
