//! The table of a node's connections that are being opened, up or ending, each with its epoch.

use std::sync::Arc;

use super::admission::{Action, Admissions, Identity};
use super::late::LateDrivers;
use crate::base::{NodeId, NodeName, SortedMap};
use crate::net::{Command, Outbox};
use crate::session::{Hello, Tokens};
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
    outboxes: SortedMap<Epoch, (NodeId, Arc<Outbox>)>,
    /// The tokens of suspended connections, by which another one continues them.
    tokens: SortedMap<NodeName, (NodeId, Tokens)>,
}

impl Links {
    /// Returns an empty table of a node that may have so many `peers`.
    pub(in crate::cluster) fn new(peers: usize) -> Links {
        let state = State { admissions: Admissions::new(peers), outboxes: SortedMap::new(), tokens: SortedMap::new() };
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
        state.outboxes.insert(epoch, (hello.node.clone(), Arc::clone(outbox)));
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

    /// Sets the tokens of a suspended connection; `None` when it is continued or lost.
    pub(in crate::cluster) fn set_tokens(&self, id: &NodeId, tokens: Option<Tokens>) {
        let held = &mut self.lock().tokens;
        match tokens {
            Some(tokens) => _ = held.insert(id.name.clone(), (id.clone(), tokens)),
            None => _ = held.remove(&id.name),
        }
    }

    /// Returns the tokens of a suspended connection.
    #[cfg(all(feature = "upgrade", unix))]
    pub(in crate::cluster) fn tokens(&self, id: &NodeId) -> Option<Tokens> {
        let state = self.lock();
        state.tokens.get(&id.name).filter(|(of, _)| of == id).map(|(_, tokens)| *tokens)
    }

    /// Numbers the next connections behind this one of the predecessor.
    #[cfg(all(feature = "upgrade", unix))]
    pub(in crate::cluster) fn continue_epochs(&self, Epoch(last): Epoch) {
        self.last_epoch.fetch_max(last, Ordering::Relaxed);
    }

    /// Notes whether the connection to this name is quiet: a successor of the peer replaces it.
    pub(in crate::cluster) fn set_quiet(&self, name: &NodeName, is_quiet: bool) {
        let mut state = self.lock();
        let actions = state.admissions.set_quiet(name, is_quiet);
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
                Action::Admit(epoch) => (epoch, Command::Admit(self.tokens_for(epoch))),
                Action::Refuse(epoch, refusal) => (epoch, Command::Refuse(refusal)),
                Action::Probe(epoch) => (epoch, Command::Probe),
                Action::Abort(epoch) => (epoch, Command::Abort),
            };
            // The outbox of a connection that is over ignores it, and `closed` follows.
            if let Some((_, outbox)) = self.outboxes.get(&epoch) {
                outbox.command(command);
            }
        }
    }

    /// Returns the tokens of the suspended connection that this one can continue.
    fn tokens_for(&self, epoch: Epoch) -> Tokens {
        let tokens = self.outboxes.get(&epoch).and_then(|(id, _)| {
            let (of, tokens) = self.tokens.get(&id.name)?;
            (of == id).then_some(*tokens)
        });
        tokens.unwrap_or_default()
    }
}
