//! The table of a node's connections that are being opened, up or ending, each with its epoch.

use std::sync::Arc;

use super::admission::{Action, Admissions, Identity};
use super::late::LateDrivers;
use crate::base::{NodeName, SortedMap};
use crate::net::{Command, Outbox};
use crate::session::Hello;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, MutexGuard, PoisonError};
use crate::wire::Epoch;

/// The connections of a node whose peer's hello has arrived. Executes the decisions of [`Admissions`].
pub(in crate::cluster) struct Links {
    last_epoch: AtomicU64,
    state: Mutex<State>,
    late_drivers: LateDrivers,
}

struct State {
    admissions: Admissions,
    outboxes: SortedMap<Epoch, Arc<Outbox>>,
}

impl Links {
    /// Returns an empty table of a node that may have so many `peers`.
    pub(in crate::cluster) fn new(peers: usize) -> Links {
        let state = State { admissions: Admissions::new(peers), outboxes: SortedMap::new() };
        Links { last_epoch: AtomicU64::new(0), state: Mutex::new(state), late_drivers: LateDrivers::default() }
    }

    /// Returns the number of a new connection.
    pub(in crate::cluster) fn next_epoch(&self) -> Epoch {
        Epoch(self.last_epoch.fetch_add(1, Ordering::Relaxed) + 1)
    }

    pub(in crate::cluster) fn late_drivers(&self) -> &LateDrivers {
        &self.late_drivers
    }

    /// Adds a connection on which this node decides, or which the peer has `offered`.
    pub(in crate::cluster) fn add(&self, epoch: Epoch, hello: &Hello, offered: bool, outbox: &Arc<Outbox>) {
        let identity = Identity { incarnation: hello.node.incarnation, instance: hello.instance };
        let mut state = self.lock();
        state.outboxes.insert(epoch, Arc::clone(outbox));
        let actions = state.admissions.add(&hello.node.name, epoch, identity, offered);
        state.execute(actions);
    }

    /// Notes that a connection is up. Returns `false` if it must not be.
    pub(in crate::cluster) fn up(&self, name: &NodeName, epoch: Epoch) -> bool {
        self.lock().admissions.up(name, epoch)
    }

    /// Considers the next candidates, after the effects of [`up`](Links::up).
    pub(in crate::cluster) fn after_up(&self, name: &NodeName) {
        let mut state = self.lock();
        let actions = state.admissions.after_up(name);
        state.execute(actions);
    }

    /// Takes the result of a probe.
    pub(in crate::cluster) fn probed(&self, name: &NodeName, epoch: Epoch, alive: bool) {
        let mut state = self.lock();
        let actions = state.admissions.probed(name, epoch, alive);
        state.execute(actions);
    }

    /// Removes a connection whose loss has taken effect, so that another one to the same name may come up.
    pub(in crate::cluster) fn closed(&self, name: &NodeName, epoch: Epoch) {
        let mut state = self.lock();
        state.outboxes.remove(&epoch);
        let actions = state.admissions.closed(name, epoch);
        state.execute(actions);
    }

    // A panic while the lock was held cannot have left a change half done.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn execute(&self, actions: Vec<Action>) {
        for action in actions {
            let (epoch, command) = match action {
                Action::Admit(epoch) => (epoch, Command::Admit),
                Action::Refuse(epoch, refusal) => (epoch, Command::Refuse(refusal)),
                Action::Probe(epoch) => (epoch, Command::Probe),
                Action::Abort(epoch) => (epoch, Command::Abort),
            };
            // The outbox of a connection that is over ignores it, and `closed` follows.
            if let Some(outbox) = self.outboxes.get(&epoch) {
                outbox.command(command);
            }
        }
    }
}
