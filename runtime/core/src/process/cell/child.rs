//! A supervised child over its restarts: the part of its cell that its incarnations share.
//!
//! The *restart gap* lasts from the end of one incarnation to the success of the next start; starts that fail are part of
//! it. A signal to the child concerns its running or starting process. In the gap a monitor waits: it is attached to the
//! next incarnation, or receives `NoProc` when no start is planned any more.

use std::sync::{Arc, OnceLock};

use super::Cell;
use super::control_block::{ControlBlock, RunState};
use crate::base::{Exit, MonitorRef, Pid, Protocol};
use crate::node::{Addressable, ChildEntry};
#[cfg(all(feature = "upgrade", unix))]
use crate::signal::KeptRelation;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, MutexGuard, PoisonError};
use crate::wire::{Epoch, Signal};

/// The properties of a supervised child that its incarnations share.
pub(super) struct ChildSlot {
    /// The child's path in the supervision tree.
    pub(super) path: Arc<str>,
    /// The number that identifies the child over its restarts. Assigned on first use, from the numbers of processes.
    pub(super) number: OnceLock<u64>,
    /// Set if the child can be found by its number.
    pub(super) entry: OnceLock<ChildEntry>,
    /// A following stub has left this node, so other nodes may reach the child.
    pub(super) is_exported: AtomicBool,
    /// The start of the process in the cell has succeeded. Changed under the lock of the control block.
    is_started: AtomicBool,
    /// The process in the cell has no supervisor any more. Changed under the lock of the control block.
    is_orphaned: AtomicBool,
    restart: Mutex<RestartState>,
}

#[derive(Default)]
struct RestartState {
    /// The reason for which the last start failed; `None` if it succeeded.
    start_failure: Option<Exit>,
    /// The monitors that wait for the next incarnation.
    waiting_watchers: Vec<(Pid, MonitorRef, Epoch)>,
}

impl ChildSlot {
    pub(super) fn new(path: Arc<str>) -> ChildSlot {
        ChildSlot {
            path,
            number: OnceLock::new(),
            entry: OnceLock::new(),
            is_exported: AtomicBool::new(false),
            is_started: AtomicBool::new(false),
            is_orphaned: AtomicBool::new(false),
            restart: Mutex::default(),
        }
    }

    // May be locked under the control block's lock, not the other way round.
    fn restart(&self) -> MutexGuard<'_, RestartState> {
        self.restart.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M: Protocol> Cell<M> {
    /// Returns the child's path in the supervision tree, if the cell is a supervised child's.
    pub(crate) fn path(&self) -> Option<&Arc<str>> {
        self.child_slot.as_ref().map(|slot| &slot.path)
    }

    /// Returns whether another process may occupy the cell when this one has ended.
    pub(super) fn is_reused(&self) -> bool {
        self.child_slot.is_some()
    }

    /// Records that a process whose start can fail occupies the cell. The caller holds the lock of the control block.
    pub(super) fn start_begins(&self) {
        if let Some(slot) = &self.child_slot {
            slot.is_started.store(false, Ordering::Relaxed);
            slot.is_orphaned.store(false, Ordering::Relaxed);
        }
    }

    /// If a process in the cell is alive, notes that no other follows it, and returns true.
    pub(super) fn close_at_end(&self) -> bool {
        // Under the lock, so that the process either ends later and finds the note, or is ending.
        let control = self.control();
        let Some(slot) = self.child_slot.as_ref().filter(|_| control.is_running(control.number)) else { return false };
        // An exiting process reads nothing more. It may block its thread, and would keep its callers waiting.
        let is_alive = !self.is_exiting();
        slot.is_orphaned.store(is_alive, Ordering::Relaxed);
        is_alive
    }

    /// Returns whether the process in the cell has no supervisor any more.
    pub(super) fn is_orphaned(&self) -> bool {
        self.child_slot.as_ref().is_some_and(|slot| slot.is_orphaned.load(Ordering::Relaxed))
    }

    /// Returns whether no other process follows the one in the cell.
    pub(super) fn is_last_incarnation(&self) -> bool {
        !self.is_reused() || self.is_orphaned() || self.queue.is_closed()
    }

    /// Records that the process's `init` has succeeded. Messages that following stubs sent are held for the next
    /// incarnation until then, and monitors wait; from now on they belong to this one.
    pub(crate) fn start_succeeded(&self, number: u64) {
        let Some(slot) = &self.child_slot else { return };
        let mut control = self.control();
        slot.is_started.store(true, Ordering::Relaxed);
        self.queue.started(number);
        let watchers = std::mem::take(&mut slot.restart().waiting_watchers);
        for (watcher, reference, epoch) in watchers {
            control.cold_or_default().relations.add_watcher(&watcher, reference, epoch);
        }
    }

    /// Notes the success of the process's `init` at its parent. If that is a supervisor, the process may call it from now on.
    pub(crate) fn note_start_at_parent(&self) {
        let (number, parent) = {
            let control = self.control();
            (control.number, control.parent)
        };
        if let Some(cell) = self.node().table().get(parent) {
            cell.note_child_started(parent, number);
        }
    }

    /// Returns whether the `init` of a supervised child has not succeeded yet.
    pub(in crate::process) fn is_starting(&self) -> bool {
        self.is_reused() && self.queue.is_starting()
    }

    /// Returns whether a supervised child is between two incarnations.
    pub(super) fn is_in_gap(&self, control: &ControlBlock) -> bool {
        let is_starting = |slot: &ChildSlot| !slot.is_started.load(Ordering::Relaxed);
        self.child_slot.as_ref().is_some_and(|slot| control.state == RunState::Vacant || is_starting(slot))
    }

    /// Records the outcome of a supervised child's last start; `None` is success.
    pub(crate) fn set_start_failure(&self, failure: Option<&Exit>) {
        if let Some(slot) = &self.child_slot {
            slot.restart().start_failure = failure.cloned();
        }
    }

    pub(super) fn start_failure(&self) -> Option<Exit> {
        self.child_slot.as_ref().and_then(|slot| slot.restart().start_failure.clone())
    }

    /// Handles a signal to the child, whichever its process is.
    pub(super) fn signal_child(&self, control: MutexGuard<'_, ControlBlock>, from: &Pid, epoch: Epoch, signal: Signal) {
        let is_occupied = control.state != RunState::Vacant;
        if let Some(slot) = &self.child_slot {
            match &signal {
                Signal::Monitor { reference, waits: true }
                    if self.is_in_gap(&control) && !self.is_last_incarnation() =>
                {
                    return slot.restart().waiting_watchers.push((from.clone(), *reference, epoch));
                }
                Signal::Demonitor { reference } => {
                    slot.restart().waiting_watchers.retain(|(watcher, other, _)| watcher != from || other != reference);
                }
                _ => {}
            }
        }
        if is_occupied {
            let number = control.number;
            return self.signal_process(control, number, from, epoch, signal);
        }
        let reason = match (&signal, control.exit_reason()) {
            (Signal::Monitor { waits: false, .. }, Some(last)) if !self.queue.is_closed() => last,
            _ => Exit::NoProc,
        };
        drop(control);
        let id = self.child_id().unwrap_or_else(|| self.node.pid(0));
        self.node.refuse_signal(from, &id, epoch, signal, reason);
    }

    /// Ends the waits of monitors: the queue is closed, so no next incarnation is planned. Returns the number of the last
    /// process.
    pub(super) fn refuse_waiting_watchers(&self) -> u64 {
        // Under the lock, so that a monitor either finds the queue closed or is refused here.
        let control = self.control();
        let (number, slot) = (control.number, self.child_slot.as_ref());
        let watchers = slot.map(|slot| std::mem::take(&mut slot.restart().waiting_watchers)).unwrap_or_default();
        drop(control);
        if let Some(id) = self.child_id().filter(|_| !watchers.is_empty()) {
            for (watcher, reference, epoch) in watchers {
                self.node.signal(&id, &watcher, epoch, Signal::Down { reference, reason: Exit::NoProc });
            }
        }
        number
    }

    /// Returns whether a monitor that came over this connection waits. The caller holds the lock of the control block.
    pub(super) fn has_waiting_watcher_over(&self, epoch: Epoch) -> bool {
        let slot = self.child_slot.as_ref();
        slot.is_some_and(|slot| slot.restart().waiting_watchers.iter().any(|(_, _, of)| *of == epoch))
    }

    /// Returns the number of waiting monitors that came over this connection. The caller holds the lock of the control
    /// block.
    pub(super) fn count_waiting_watchers_over(&self, epoch: Epoch) -> usize {
        let slot = self.child_slot.as_ref();
        slot.map_or(0, |slot| slot.restart().waiting_watchers.iter().filter(|(_, _, of)| *of == epoch).count())
    }

    /// Returns the waiting monitors that came over this connection, as relations of the child. The caller holds the lock of
    /// the control block.
    #[cfg(all(feature = "upgrade", unix))]
    pub(super) fn kept_waiting_watchers(&self, epoch: Epoch) -> Vec<KeptRelation> {
        let (Some(slot), Some(child)) = (self.child_slot.as_ref(), self.child_id()) else { return Vec::new() };
        let restart = slot.restart();
        let watchers = restart.waiting_watchers.iter().filter(|(_, _, of)| *of == epoch);
        watchers.map(|(pid, reference, _)| KeptRelation::watcher(child.number(), pid.number(), *reference)).collect()
    }

    /// Forgets the waiting monitors that came over a connection which is lost.
    pub(super) fn disconnect_waiting_watchers(&self, epoch: Epoch) {
        if let Some(slot) = &self.child_slot {
            slot.restart().waiting_watchers.retain(|(_, _, of)| *of != epoch);
        }
    }
}
