//! The state of the pause of one connection.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::session::PauseStatus;
#[cfg(all(feature = "upgrade", unix))]
use crate::signal::KeptRelation;
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The pause of the connection to one peer, over all connections that continue it.
#[derive(Default)]
pub(in crate::cluster) struct PeerPause(Mutex<State>);

/// The effects of the loss of a suspended connection.
pub(in crate::cluster) type Loss = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct State {
    status: PauseStatus,
    /// The time by which a pause of the peer must end.
    limit: Option<Instant>,
    suspended: Option<Suspended>,
    /// The calls of the peer whose replies the predecessor has handed over. Only a successor has it.
    kept_calls: Option<BTreeSet<u64>>,
    /// The relations of the predecessor's processes. Only a successor has them.
    #[cfg(all(feature = "upgrade", unix))]
    relations: Vec<KeptRelation>,
    /// This node has handed the connection over, and ends it.
    #[cfg(all(feature = "upgrade", unix))]
    has_left: bool,
    /// This node has requested its own pause.
    #[cfg(all(feature = "upgrade", unix))]
    is_own_begun: bool,
}

struct Suspended {
    loss: Loss,
    /// The calls that were sent to the peer, or are about to be.
    calls: Vec<u64>,
}

impl PeerPause {
    pub(in crate::cluster) fn status(&self) -> PauseStatus {
        self.state().status
    }

    /// Sets the status. Returns `true` if a pause of the peer begins with it, which must end at `limit`.
    pub(in crate::cluster) fn set_status(&self, status: PauseStatus, limit: Instant) -> bool {
        let mut state = self.state();
        state.status = status;
        #[cfg(all(feature = "upgrade", unix))]
        {
            state.is_own_begun &= status.can_pause;
        }
        let begins = status.tokens.peer.is_some() && state.limit.is_none();
        match status.tokens.peer {
            Some(_) => _ = state.limit.get_or_insert(limit),
            None => state.limit = None,
        }
        begins
    }

    /// Returns the time by which the peer has to continue, or else a time that is set now.
    pub(super) fn limit_or(&self, limit: Instant) -> Instant {
        *self.state().limit.get_or_insert(limit)
    }

    /// Returns the time by which the pause of the peer must end, while the connection is up.
    pub(super) fn limit(&self) -> Option<Instant> {
        let state = self.state();
        state.limit.filter(|_| state.suspended.is_none())
    }

    /// The end of the connection is a loss from now on.
    pub(super) fn expire(&self) {
        self.state().status = PauseStatus::default();
    }

    /// Suspends the connection, which was quiet. `calls` are those that were sent, or are about to be.
    pub(in crate::cluster) fn suspend(&self, loss: Loss, calls: Vec<u64>) {
        self.state().suspended = Some(Suspended { loss, calls });
    }

    pub(in crate::cluster) fn is_suspended(&self) -> bool {
        self.state().suspended.is_some()
    }

    /// Ends the suspension by a loss, whose effects the caller executes.
    pub(in crate::cluster) fn take_loss(&self) -> Option<Loss> {
        let mut state = self.state();
        let suspended = state.suspended.take()?;
        (state.status, state.limit) = Default::default();
        Some(suspended.loss)
    }

    /// Ends the suspension by a connection that continues it. Returns the calls that were sent to the peer, or were about
    /// to be. `None` if the connection is lost.
    pub(in crate::cluster) fn end_suspension(&self) -> Option<Vec<u64>> {
        let mut state = self.state();
        let suspended = state.suspended.take()?;
        (state.status, state.limit) = Default::default();
        Some(suspended.calls)
    }

    /// Returns those of the peer's calls that were sent before the hand-over, and whose replies were not handed over. A
    /// process that is not a successor returns nothing. With `is_last`, all calls are known.
    pub(in crate::cluster) fn lost_calls(&self, mut ids: Vec<u64>, is_last: bool) -> Vec<u64> {
        let mut state = self.state();
        match &state.kept_calls {
            Some(kept) => ids.retain(|id| !kept.contains(id)),
            None => ids.clear(),
        }
        if is_last {
            state.kept_calls = None;
        }
        ids
    }

    // A panic while the lock was held cannot have left a change half done.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(feature = "upgrade", unix))]
impl PeerPause {
    /// Begins in place of the predecessor, whose processes had these relations.
    pub(super) fn adopt(&self, relations: Vec<KeptRelation>) {
        let mut state = self.state();
        (state.relations, state.kept_calls) = (relations, Some(BTreeSet::new()));
    }

    /// Takes the relations of the predecessor's processes.
    pub(super) fn take_relations(&self) -> Vec<KeptRelation> {
        std::mem::take(&mut self.state().relations)
    }

    /// Notes that the reply to a call of the peer was handed over.
    pub(in crate::cluster) fn keep_call(&self, id: u64) {
        if let Some(kept) = &mut self.state().kept_calls {
            kept.insert(id);
        }
    }

    /// Notes that this node has handed the connection over, and ends it.
    pub(super) fn set_left(&self) {
        self.state().has_left = true;
    }

    /// Returns `true` if this node has handed the connection over.
    pub(in crate::cluster) fn has_left(&self) -> bool {
        self.state().has_left
    }

    /// Notes that this node has requested its own pause.
    pub(super) fn begin_own(&self) {
        self.state().is_own_begun = true;
    }

    /// Returns `true` if this node has requested its own pause, and the peer can pause.
    pub(super) fn is_own_begun(&self) -> bool {
        self.state().is_own_begun
    }

    /// Returns `true` if this node need not wait for the pause any more.
    pub(super) fn is_settled(&self) -> bool {
        let state = self.state();
        !state.is_own_begun || state.status.is_agreed || state.suspended.is_some()
    }

    /// Ends the request of this node.
    pub(super) fn end_own(&self) {
        self.state().is_own_begun = false;
    }
}
