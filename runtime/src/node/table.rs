use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use tokio::sync::Notify;

use super::Resident;
use crate::base::Exit;
use crate::inspect::ProtocolMetrics;
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The processes of a node by number, in shards so that spawning on one core does not wait for another.
///
/// It is not on a message's way: a stub holds its target.
pub(crate) struct Table {
    shards: Vec<Mutex<Shard>>,
    /// Told of each process that leaves.
    left: Notify,
}

#[derive(Default)]
struct Shard {
    residents: HashMap<u64, Arc<dyn Resident>, BuildHasherDefault<Spread>>,
    /// What those left behind that have ended, by protocol: of few, so a search is short.
    ended: Vec<(&'static str, ProtocolMetrics)>,
}

/// What a process leaves behind in the books.
pub(crate) struct Last<'a> {
    pub(crate) protocol: &'static str,
    pub(crate) reason: &'a Exit,
    pub(crate) figures: ProtocolMetrics,
}

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
        self.shard(number).residents.insert(number, resident);
    }

    pub(crate) fn remove(&self, number: u64) {
        self.leave(number, || None);
    }

    /// Strikes a process off, and adds to the books what it leaves behind in the same moment: whoever adds up all
    /// figures finds it once.
    pub(crate) fn leave<'a>(&self, number: u64, last: impl FnOnce() -> Option<Last<'a>>) {
        let mut shard = self.shard(number);
        let resident = shard.residents.remove(&number);
        if let Some(last) = last() {
            shard.enter(&last);
        }
        // What a crowd needed is given back bit by bit as it leaves.
        let residents = &mut shard.residents;
        if residents.capacity() > ROOMY && residents.len() < residents.capacity() / 8 {
            let half = residents.capacity() / 2;
            residents.shrink_to(half);
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
        self.shard(number).residents.get(&number).cloned()
    }

    /// Everyone, oldest first.
    pub(crate) fn all(&self) -> Vec<(u64, Arc<dyn Resident>)> {
        let mut all: Vec<_> = (0..SHARDS)
            .flat_map(|shard| {
                let shard = self.shard(shard);
                shard.residents.iter().map(|(number, resident)| (*number, Arc::clone(resident))).collect::<Vec<_>>()
            })
            .collect();
        all.sort_by_key(|(number, _)| *number);
        all
    }

    /// The figures of all, those that have ended included, by protocol; one may come more than once.
    pub(super) fn figures(&self) -> Vec<(&'static str, ProtocolMetrics)> {
        let mut all = Vec::new();
        for shard in 0..SHARDS {
            let shard = self.shard(shard);
            all.extend(shard.ended.iter().cloned());
            let living = shard.residents.values();
            all.extend(living.filter_map(|resident| Some((resident.protocol(), resident.figures()?))));
        }
        all
    }
}

impl Shard {
    fn enter(&mut self, last: &Last<'_>) {
        let at = self.ended.iter().position(|(protocol, _)| *protocol == last.protocol);
        let at = at.unwrap_or_else(|| {
            self.ended.push((last.protocol, ProtocolMetrics::default()));
            self.ended.len() - 1
        });
        let book = &mut self.ended[at].1;
        book.ended.count(last.reason);
        book.add(&last.figures);
    }
}
