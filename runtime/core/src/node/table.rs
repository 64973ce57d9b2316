//! The processes of a node by number.
//!
//! Numbers are dealt out in order, and whoever is young dies young: so the processes of one time stand together in a
//! [`Row`], whose place follows from the number, and a row goes when the last of it has gone. A spawn and an end then touch
//! memory that the one before has just touched, and a crowd is never moved because it grew. What one survivor can hold is
//! a row, which is less than what it takes itself.
//!
//! The rows are dealt out to shards, so that spawning on one core does not wait for another. The table is not on a
//! message's way: a stub holds its target.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use tokio::sync::Notify;

use super::{AnyCell, SignalTarget};
use crate::base::Exit;
use crate::observe::ProtocolMetrics;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The processes of a node by number.
pub(crate) struct Table {
    shards: [Mutex<Shard>; SHARDS as usize],
    /// Told of each process that leaves, while anybody waits for that.
    left: Notify,
    waiting: AtomicUsize,
}

#[derive(Default)]
struct Shard {
    rows: HashMap<u64, Box<Row>, BuildHasherDefault<Spread>>,
    /// An empty row for the next: so that one process after the other needs none each.
    spare: Option<Box<Row>>,
    watchers: HashMap<u64, Arc<dyn SignalTarget>, BuildHasherDefault<Spread>>,
    /// What those left behind that have ended, by protocol: of few, so a search is short.
    ended: Vec<(&'static str, ProtocolMetrics)>,
}

/// Those whose numbers differ by a multiple of [`SHARDS`] and are close to each other.
#[derive(Default)]
struct Row {
    cells: [Option<Arc<dyn AnyCell>>; ROW as usize],
    count: u32,
}

/// What a process leaves behind in the books.
pub(crate) struct FinalCounts<'a> {
    pub(crate) protocol: &'static str,
    pub(crate) reason: &'a Exit,
    pub(crate) received: u64,
    pub(crate) handled: u64,
    pub(crate) calls: u64,
    pub(crate) refused: u64,
    pub(crate) dropped: u64,
}

const SHARDS: u64 = 16;

/// How many processes have room in a row.
const ROW: u64 = 32;

/// How many rows' room an empty shard keeps.
const ROOMY: usize = 64;

/// Where a number stands: the shard, the row, the place in it.
fn place(number: u64) -> (usize, u64, usize) {
    let (shard, turn) = (number % SHARDS, number / SHARDS);
    (shard as usize, turn / ROW, (turn % ROW) as usize)
}

/// Rows are dealt out in order, so their numbers need no mixing but that which brings them into all bits of a hash.
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
        // The upper bits are the mixed ones.
        self.0.rotate_left(32)
    }
}

impl Table {
    pub(super) fn new() -> Table {
        Table { shards: Default::default(), left: Notify::new(), waiting: AtomicUsize::new(0) }
    }

    fn shard(&self, shard: usize) -> MutexGuard<'_, Shard> {
        self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shard_of(&self, number: u64) -> MutexGuard<'_, Shard> {
        self.shard((number % SHARDS) as usize)
    }

    pub(crate) fn insert(&self, number: u64, cell: Arc<dyn AnyCell>) {
        let (shard, row, at) = place(number);
        self.shard(shard).insert(row, at, cell);
    }

    pub(crate) fn insert_watcher(&self, number: u64, watcher: Arc<dyn SignalTarget>) {
        self.shard_of(number).watchers.insert(number, watcher);
    }

    /// Returns true if the watcher was still there.
    pub(crate) fn remove_watcher(&self, number: u64) -> bool {
        let mut shard = self.shard_of(number);
        let removed = shard.watchers.remove(&number);
        if shard.watchers.capacity() > ROOMY && shard.watchers.len() < shard.watchers.capacity() / 8 {
            let half = shard.watchers.capacity() / 2;
            shard.watchers.shrink_to(half);
        }
        // The guard is gone before the watcher is dropped.
        drop(shard);
        removed.is_some()
    }

    /// Returns the process or the watcher with this number.
    pub(crate) fn signal_target(&self, number: u64) -> Option<Arc<dyn SignalTarget>> {
        let (shard, row, at) = place(number);
        let shard = self.shard(shard);
        match shard.get(row, at) {
            Some(cell) => Some(Arc::clone(cell) as Arc<dyn SignalTarget>),
            None => shard.watchers.get(&number).cloned(),
        }
    }

    /// Strikes a process off, and adds to the books what it leaves behind in the same moment: whoever adds up all
    /// figures finds it once.
    pub(crate) fn leave<'a>(&self, number: u64, last: impl FnOnce() -> FinalCounts<'a>) {
        let (shard, row, at) = place(number);
        let mut shard = self.shard(shard);
        let removed = shard.remove(row, at);
        shard.enter(&last());
        // The guard is gone before the cell is dropped.
        drop(shard);
        drop(removed);
        // Whoever waits said so before it looked, under the same lock, whether the process was still here.
        if self.waiting.load(Ordering::Relaxed) != 0 {
            self.left.notify_waiters();
        }
    }

    /// Resolves when no process has this number any more.
    pub(crate) async fn gone(&self, number: u64) {
        let _waiting = Waiting::new(&self.waiting);
        loop {
            let left = self.left.notified();
            if self.get(number).is_none() {
                return;
            }
            left.await;
        }
    }

    pub(crate) fn get(&self, number: u64) -> Option<Arc<dyn AnyCell>> {
        let (shard, row, at) = place(number);
        self.shard(shard).get(row, at).cloned()
    }

    /// Takes time in proportion to the number of processes.
    pub(crate) fn count(&self) -> usize {
        let count = |shard| self.shard(shard).rows.values().map(|row| row.count as usize).sum::<usize>();
        (0..SHARDS as usize).map(count).sum()
    }

    /// Everyone, oldest first.
    pub(crate) fn all(&self) -> Vec<(u64, Arc<dyn AnyCell>)> {
        let mut all = Vec::new();
        for number in 0..SHARDS {
            let shard = self.shard(number as usize);
            for (row, cells) in &shard.rows {
                let turns = (row * ROW..).zip(&cells.cells);
                all.extend(turns.filter_map(|(turn, cell)| Some((turn * SHARDS + number, Arc::clone(cell.as_ref()?)))));
            }
        }
        all.sort_unstable_by_key(|(number, _)| *number);
        all
    }

    /// The figures of all, those that have ended included, by protocol; one may come more than once.
    pub(super) fn figures(&self) -> Vec<(&'static str, ProtocolMetrics)> {
        let mut all = Vec::new();
        for shard in 0..SHARDS {
            let shard = self.shard(shard as usize);
            all.extend(shard.ended.iter().cloned());
            let living = shard.rows.values().flat_map(|row| row.cells.iter().flatten());
            all.extend(living.filter_map(|cell| Some((cell.protocol(), cell.metrics()))));
        }
        all
    }
}

/// Somebody who waits for a process to leave.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Waiting<'a> {
        count.fetch_add(1, Ordering::Relaxed);
        Waiting(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Shard {
    fn get(&self, row: u64, at: usize) -> Option<&Arc<dyn AnyCell>> {
        self.rows.get(&row)?.cells[at].as_ref()
    }

    fn insert(&mut self, row: u64, at: usize, cell: Arc<dyn AnyCell>) {
        let row = self.rows.entry(row).or_insert_with(|| self.spare.take().unwrap_or_default());
        row.cells[at] = Some(cell);
        row.count += 1;
    }

    /// Who stood there, for the caller to drop.
    fn remove(&mut self, row: u64, at: usize) -> Option<Arc<dyn AnyCell>> {
        let found = self.rows.get_mut(&row)?;
        let cell = found.cells[at].take()?;
        found.count -= 1;
        if found.count > 0 {
            return Some(cell);
        }
        self.spare = self.rows.remove(&row);
        // What a crowd needed is given back bit by bit as it leaves.
        if self.rows.capacity() > ROOMY && self.rows.len() < self.rows.capacity() / 8 {
            let half = self.rows.capacity() / 2;
            self.rows.shrink_to(half);
        }
        Some(cell)
    }

    fn enter(&mut self, last: &FinalCounts<'_>) {
        // One and the same text, nearly always: then no letter is compared.
        let same = |protocol: &str| std::ptr::eq(protocol, last.protocol) || protocol == last.protocol;
        let at = self.ended.iter().position(|(protocol, _)| same(protocol));
        let at = at.unwrap_or_else(|| {
            self.ended.push((last.protocol, ProtocolMetrics::default()));
            self.ended.len() - 1
        });
        let book = &mut self.ended[at].1;
        book.ended.count(last.reason);
        book.received += last.received;
        book.handled += last.handled;
        book.calls += last.calls;
        book.refused += last.refused;
        book.dropped += last.dropped;
    }
}
