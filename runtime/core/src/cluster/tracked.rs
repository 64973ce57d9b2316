//! The processes of this node that have a relation with a process of one peer.
//!
//! They are notified when the connection to the peer is lost. A process is tracked from its first relation on. When the
//! number of tracked processes has doubled, those that have no relation with the peer any more are removed. So the memory
//! follows the number of processes with relations. The number of relations that the peer can begin is bounded by a
//! [`Quota`].
//!
//! Lock order: `processes` first, then the control block of a process.

#[cfg(all(feature = "upgrade", unix))]
use std::collections::BTreeSet;
use std::sync::Arc;

use super::quota::Quota;
use crate::base::{MonitorRef, SortedMap};
use crate::node::Node;
#[cfg(all(feature = "upgrade", unix))]
use crate::signal::KeptRelation;
use crate::sync::{Mutex, MutexGuard, PoisonError};
use crate::wire::Epoch;

/// The tracked processes of one connection.
pub(super) struct Tracked {
    processes: Mutex<Processes>,
    resolved: Mutex<SortedMap<(u64, MonitorRef), u64>>,
}

struct Processes {
    numbers: SortedMap<u64, ()>,
    /// The relations that the peer may begin.
    quota: Quota,
    #[cfg(all(feature = "upgrade", unix))]
    limit: usize,
    /// The number of processes that the last sweep has left.
    left: usize,
}

/// The number of processes up to which nothing is removed.
const MIN_SWEPT: usize = 64;

impl Tracked {
    /// Tracks the processes of a connection whose peer may have `limit` relations.
    pub(super) fn new(limit: usize) -> Tracked {
        let processes = Processes {
            numbers: SortedMap::new(),
            quota: Quota::new(limit),
            #[cfg(all(feature = "upgrade", unix))]
            limit,
            left: 0,
        };
        Tracked { processes: Mutex::new(processes), resolved: Mutex::default() }
    }

    /// Returns whether the peer may begin one more relation.
    pub(super) fn admit(&self, node: &Node, epoch: Epoch) -> bool {
        let mut processes = self.processes();
        let Processes { numbers, quota, .. } = &mut *processes;
        quota.take(node.clock().now(), || {
            // A supervised child can be tracked by the number of its process and by its own.
            let mut counts = SortedMap::new();
            for (number, target) in numbers.keys().filter_map(|number| node.signal_target(*number)) {
                let count: &mut usize = counts.get_or_insert_with(Arc::as_ptr(&target).addr(), || 0);
                *count = target.relations_over(number, epoch).max(*count);
            }
            counts.values().sum()
        })
    }

    /// Tracks a process, which has recorded its relation already.
    pub(super) fn add(&self, node: &Node, epoch: Epoch, number: u64) {
        let mut processes = self.processes();
        processes.numbers.insert(number, ());
        if processes.numbers.len() > MIN_SWEPT.max(processes.left.saturating_mul(2)) {
            // Under the lock: a process that records a relation meanwhile is added after the sweep.
            processes.numbers.retain(|number, ()| {
                node.signal_target(*number).is_some_and(|(number, target)| target.is_related_over(number, epoch))
            });
            processes.left = processes.numbers.len();
        }
    }

    /// Returns `true` if no process has a relation with the peer.
    pub(super) fn is_unused(&self, node: &Node, epoch: Epoch) -> bool {
        let is_related = |number: &u64| {
            node.signal_target(*number).is_some_and(|(number, target)| target.is_related_over(number, epoch))
        };
        !self.processes().numbers.keys().any(is_related) && self.resolved().is_empty()
    }

    /// Takes the processes to notify of the loss, in the order of their numbers.
    pub(super) fn take(&self) -> SortedMap<u64, ()> {
        std::mem::take(&mut self.processes().numbers)
    }

    /// Notes which process the peer's monitor was attached to, when its target was a name. Called
    /// before the process receives the monitor, so that its `Down` finds the note.
    pub(super) fn note_resolved(&self, watcher: u64, reference: MonitorRef, process: u64) {
        self.resolved().insert((watcher, reference), process);
    }

    /// Removes that note, since the monitor ends. Returns the process.
    pub(super) fn take_resolved(&self, watcher: u64, reference: MonitorRef) -> Option<u64> {
        self.resolved().remove(&(watcher, reference))
    }

    /// Returns the relations of all tracked processes with the peer.
    #[cfg(all(feature = "upgrade", unix))]
    pub(super) fn relations(&self, node: &Node, epoch: Epoch) -> Vec<KeptRelation> {
        let numbers: Vec<u64> = self.processes().numbers.keys().copied().collect();
        let targets = numbers.into_iter().filter_map(|number| node.signal_target(number));
        // A supervised child can be tracked by the number of its process and by its own.
        let kept: BTreeSet<_> = targets.flat_map(|(number, target)| target.kept_relations(number, epoch)).collect();
        kept.into_iter().collect()
    }

    /// Returns all notes: the watcher, the monitor and the process.
    #[cfg(all(feature = "upgrade", unix))]
    pub(super) fn all_resolved(&self) -> Vec<(u64, MonitorRef, u64)> {
        self.resolved().iter().map(|((watcher, reference), process)| (*watcher, *reference, *process)).collect()
    }

    /// Takes over the processes and the notes of the predecessor.
    #[cfg(all(feature = "upgrade", unix))]
    pub(super) fn adopt(&self, processes: impl Iterator<Item = u64>, resolved: Vec<(u64, MonitorRef, u64)>) {
        let mut tracked = self.processes();
        processes.for_each(|number| _ = tracked.numbers.insert(number, ()));
        tracked.quota = Quota::uncounted(tracked.limit);
        for (watcher, reference, process) in resolved {
            self.resolved().insert((watcher, reference), process);
        }
    }

    /// Returns the number of tracked processes and of notes.
    #[cfg(test)]
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.processes().numbers.len(), self.resolved().len())
    }

    /// Returns the number of tracked processes that have a relation with the peer, and of notes.
    #[cfg(test)]
    pub(super) fn related(&self, node: &Node, epoch: Epoch) -> (usize, usize) {
        let processes = self.processes();
        let related = processes.numbers.keys().filter(|number| {
            node.signal_target(**number).is_some_and(|(number, target)| target.is_related_over(number, epoch))
        });
        (related.count(), self.resolved().len())
    }

    fn processes(&self) -> MutexGuard<'_, Processes> {
        self.processes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn resolved(&self) -> MutexGuard<'_, SortedMap<(u64, MonitorRef), u64>> {
        self.resolved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
