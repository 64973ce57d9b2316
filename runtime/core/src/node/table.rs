//! The processes of a node by number.
//!
//! Numbers are assigned in order, and most processes that end are young. So the processes of one time are stored together
//! in a [`Row`], whose position follows from the number, and a row is freed with its last process. A spawn and an exit
//! then access memory that the one before has just accessed, and nothing is moved when the table grows. The most memory
//! that one long-lived process can keep is a row, which is less than the process itself takes.
//!
//! Rows are assigned to shards in turn, so that spawns on different cores do not contend for one lock. The table is not
//! on the path of a message: a stub holds its target.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use tokio::sync::Notify;

use super::{AnyCell, SignalTarget};
use crate::base::Exit;
use crate::observe::ProtocolMetrics;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The processes and exit watchers of a node, by number.
pub(crate) struct ProcessTable {
    shards: [Mutex<Shard>; SHARDS as usize],
    /// Notified of each removed process, and when `notifying` falls, while `removal_waiters` is not zero.
    removed: Notify,
    removal_waiters: AtomicUsize,
    /// The number of ended processes whose links and watchers are being notified.
    notifying: AtomicUsize,
}

/// The time in which the links and watchers of an ended process are notified.
pub(crate) struct Notifying<'a>(&'a ProcessTable);

#[derive(Default)]
struct Shard {
    rows: HashMap<u64, Box<Row>, BuildHasherDefault<RowHasher>>,
    /// An empty row for reuse: processes that run one after another need no allocation each.
    spare: Option<Box<Row>>,
    watchers: HashMap<u64, Arc<dyn SignalTarget>, BuildHasherDefault<RowHasher>>,
    /// The counts of ended processes, by protocol. A list, since protocols are few.
    ended: Vec<(&'static str, ProtocolMetrics)>,
}

/// Processes whose numbers differ by multiples of [`SHARDS`] and are close to each other.
#[derive(Default)]
struct Row {
    cells: [Option<Arc<dyn AnyCell>>; ROW as usize],
    count: u32,
}

/// The counts of a process that has ended.
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

/// The number of processes in a row.
const ROW: u64 = 32;

/// The capacity that a map keeps when it is empty.
const MIN_CAPACITY: usize = 64;

/// The position of a process: shard, row, and index in the row.
struct Position {
    shard: usize,
    row: u64,
    index: usize,
}

impl Position {
    fn of(number: u64) -> Position {
        let (shard, in_shard) = (number % SHARDS, number / SHARDS);
        Position { shard: shard as usize, row: in_shard / ROW, index: (in_shard % ROW) as usize }
    }
}

/// A hasher for consecutive numbers, which only have to reach all bits of the hash.
#[derive(Default)]
struct RowHasher(u64);

impl Hasher for RowHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, number: u64) {
        // Fibonacci hashing: 2^64 divided by the golden ratio.
        self.0 = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        // The upper bits vary most.
        self.0.rotate_left(32)
    }
}

impl ProcessTable {
    pub(super) fn new() -> ProcessTable {
        ProcessTable {
            shards: Default::default(),
            removed: Notify::new(),
            removal_waiters: AtomicUsize::new(0),
            notifying: AtomicUsize::new(0),
        }
    }

    fn shard(&self, shard: usize) -> MutexGuard<'_, Shard> {
        self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn insert(&self, number: u64, cell: Arc<dyn AnyCell>) {
        let Position { shard, row, index } = Position::of(number);
        self.shard(shard).insert(row, index, cell);
    }

    /// Removes a process and adds its counts to those of ended processes in one step, so that
    /// [`metrics`](Self::metrics) counts it once.
    pub(crate) fn remove<'a>(&self, number: u64, final_counts: impl FnOnce() -> FinalCounts<'a>) {
        let Position { shard, row, index } = Position::of(number);
        let mut shard = self.shard(shard);
        let removed = shard.remove(row, index);
        shard.count_ended(&final_counts());
        // The cell is dropped without the lock.
        drop(shard);
        drop(removed);
        // A waiter is counted before it looks for the process, under the same lock.
        if self.removal_waiters.load(Ordering::Relaxed) != 0 {
            self.removed.notify_waiters();
        }
    }

    /// Resolves when the process with this number is removed.
    pub(crate) async fn wait_removed(&self, number: u64) {
        let _waiter = RemovalWaiter::new(&self.removal_waiters);
        loop {
            let removed = self.removed.notified();
            if self.get(number).is_none() {
                return;
            }
            removed.await;
        }
    }

    /// Begins to notify the links and watchers of a process that is about to be removed.
    pub(crate) fn begin_notices(&self) -> Notifying<'_> {
        self.notifying.fetch_add(1, Ordering::SeqCst);
        Notifying(self)
    }

    /// Resolves when the links and watchers of the removed processes are notified.
    pub(super) async fn wait_notified(&self) {
        let _waiter = RemovalWaiter::new(&self.removal_waiters);
        loop {
            let notified = self.removed.notified();
            if self.notifying.load(Ordering::SeqCst) == 0 {
                return;
            }
            notified.await;
        }
    }

    pub(crate) fn get(&self, number: u64) -> Option<Arc<dyn AnyCell>> {
        let Position { shard, row, index } = Position::of(number);
        self.shard(shard).get(row, index).cloned()
    }

    pub(crate) fn insert_watcher(&self, number: u64, watcher: Arc<dyn SignalTarget>) {
        self.shard(Position::of(number).shard).watchers.insert(number, watcher);
    }

    /// Removes an exit watcher; returns true if it was there.
    pub(crate) fn remove_watcher(&self, number: u64) -> bool {
        let mut shard = self.shard(Position::of(number).shard);
        let removed = shard.watchers.remove(&number);
        shrink(&mut shard.watchers);
        // The watcher is dropped without the lock.
        drop(shard);
        removed.is_some()
    }

    /// Returns the process or exit watcher with this number.
    pub(crate) fn signal_target(&self, number: u64) -> Option<Arc<dyn SignalTarget>> {
        let Position { shard, row, index } = Position::of(number);
        let shard = self.shard(shard);
        match shard.get(row, index) {
            Some(cell) => Some(Arc::clone(cell) as Arc<dyn SignalTarget>),
            None => shard.watchers.get(&number).cloned(),
        }
    }

    /// Returns the number of processes.
    pub(crate) fn count(&self) -> usize {
        let count = |shard| self.shard(shard).rows.values().map(|row| row.count as usize).sum::<usize>();
        (0..SHARDS as usize).map(count).sum()
    }

    /// Returns all processes with their numbers, oldest first.
    pub(crate) fn all(&self) -> Vec<(u64, Arc<dyn AnyCell>)> {
        let mut all = Vec::new();
        for offset in 0..SHARDS {
            let shard = self.shard(offset as usize);
            for (row, cells) in &shard.rows {
                let numbered = (row * ROW..).map(|in_shard| in_shard * SHARDS + offset).zip(&cells.cells);
                all.extend(numbered.filter_map(|(number, cell)| Some((number, Arc::clone(cell.as_ref()?)))));
            }
        }
        all.sort_unstable_by_key(|(number, _)| *number);
        all
    }

    /// Returns the lowest numbers of processes above `after`, at most `count` of them, in order.
    #[cfg(feature = "net")]
    pub(crate) fn following(&self, after: u64, count: usize) -> Vec<u64> {
        let mut following = Vec::new();
        for offset in 0..SHARDS {
            for (row, cells) in &self.shard(offset as usize).rows {
                let numbered = (row * ROW..).map(|in_shard| in_shard * SHARDS + offset).zip(&cells.cells);
                let occupied = numbered.filter_map(|(number, cell)| cell.is_some().then_some(number));
                following.extend(occupied.filter(|number| *number > after));
            }
        }
        if following.len() > count {
            following.select_nth_unstable(count);
            following.truncate(count);
        }
        following.sort_unstable();
        following
    }

    /// Returns the metrics of all processes, those that have ended included, by protocol. A protocol can occur more than
    /// once.
    pub(super) fn metrics(&self) -> Vec<(&'static str, ProtocolMetrics)> {
        let mut all = Vec::new();
        for shard in 0..SHARDS {
            let shard = self.shard(shard as usize);
            all.extend(shard.ended.iter().cloned());
            let running = shard.rows.values().flat_map(|row| row.cells.iter().flatten());
            all.extend(running.map(|cell| (cell.protocol(), cell.metrics())));
        }
        all
    }
}

impl Drop for Notifying<'_> {
    fn drop(&mut self) {
        self.0.notifying.fetch_sub(1, Ordering::SeqCst);
        if self.0.removal_waiters.load(Ordering::SeqCst) != 0 {
            self.0.removed.notify_waiters();
        }
    }
}

/// Counts a task that waits for a removal.
struct RemovalWaiter<'a>(&'a AtomicUsize);

impl<'a> RemovalWaiter<'a> {
    fn new(count: &'a AtomicUsize) -> RemovalWaiter<'a> {
        // Before it reads `notifying`, which falls before its own number is read.
        count.fetch_add(1, Ordering::SeqCst);
        RemovalWaiter(count)
    }
}

impl Drop for RemovalWaiter<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Shard {
    fn get(&self, row: u64, index: usize) -> Option<&Arc<dyn AnyCell>> {
        self.rows.get(&row)?.cells[index].as_ref()
    }

    fn insert(&mut self, row: u64, index: usize, cell: Arc<dyn AnyCell>) {
        let row = self.rows.entry(row).or_insert_with(|| self.spare.take().unwrap_or_default());
        row.cells[index] = Some(cell);
        row.count += 1;
    }

    /// Removes a cell, for the caller to drop without the lock.
    fn remove(&mut self, row: u64, index: usize) -> Option<Arc<dyn AnyCell>> {
        let found = self.rows.get_mut(&row)?;
        let cell = found.cells[index].take()?;
        found.count -= 1;
        if found.count > 0 {
            return Some(cell);
        }
        self.spare = self.rows.remove(&row);
        shrink(&mut self.rows);
        Some(cell)
    }

    fn count_ended(&mut self, counts: &FinalCounts<'_>) {
        // Nearly always one and the same text: then no characters are compared.
        let is_same = |protocol: &str| std::ptr::eq(protocol, counts.protocol) || protocol == counts.protocol;
        let index = self.ended.iter().position(|(protocol, _)| is_same(protocol));
        let index = index.unwrap_or_else(|| {
            self.ended.push((counts.protocol, ProtocolMetrics::default()));
            self.ended.len() - 1
        });
        let metrics = &mut self.ended[index].1;
        metrics.ended.count(counts.reason);
        metrics.received += counts.received;
        metrics.handled += counts.handled;
        metrics.calls += counts.calls;
        metrics.refused += counts.refused;
        metrics.dropped += counts.dropped;
    }
}

/// Halves the capacity of a map that has become much too large, so that memory is returned in steps.
fn shrink<V>(map: &mut HashMap<u64, V, BuildHasherDefault<RowHasher>>) {
    if map.capacity() > MIN_CAPACITY && map.len() < map.capacity() / 8 {
        map.shrink_to(map.capacity() / 2);
    }
}
