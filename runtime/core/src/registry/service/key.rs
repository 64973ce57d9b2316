//! One key of a node: its owner, its stale claim, and the request that is in flight.

use std::time::{Duration, Instant};

use super::action::{Action, HoldId};
use super::error::{HoldError, Loss};
use crate::base::NodeId;
use crate::registry::Claim;

/// The pause after a request that failed. It doubles up to the longest pause.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// One key that this node is concerned with.
pub(super) struct Key {
    pub(super) owner: Option<Owner>,
    pub(super) stale: Stale,
    pub(super) in_flight: Option<InFlight>,
    /// No request is sent before this time.
    pub(super) not_before: Instant,
    pub(super) pause: Duration,
}

pub(super) struct Owner {
    pub(super) hold: HoldId,
    pub(super) value: Vec<u8>,
    pub(super) state: OwnerState,
}

pub(super) enum OwnerState {
    /// The owner waits for its claim.
    Waiting {
        deadline: Instant,
        /// The error of the last request.
        error: Option<HoldError>,
        /// A request may have been granted without an answer.
        is_unclear: bool,
    },
    Holding {
        claim: Claim,
        /// A report has shown the claim.
        is_shown: bool,
        is_doubtful: bool,
    },
}

/// A claim of this node that no owner has.
pub(super) enum Stale {
    None,
    /// There may be one.
    Unclear,
    /// A claim that is to be released.
    Claim(Claim),
    /// A claim of the predecessor of this process. An owner can have it until the predecessor has left.
    #[cfg_attr(not(feature = "upgrade"), expect(dead_code))]
    Continued(Claim),
}

pub(super) struct InFlight {
    pub(super) id: u64,
    pub(super) round: u64,
    /// The owner for which a claim was requested.
    pub(super) hold: Option<HoldId>,
    /// The token of the claim that is released.
    pub(super) released: Option<u64>,
    /// The lease was confirmed when the request was sent.
    pub(super) is_safe: bool,
    /// A change of the key was reported meanwhile.
    pub(super) is_reported: bool,
}

impl Key {
    pub(super) fn new(now: Instant) -> Key {
        Key { owner: None, stale: Stale::None, in_flight: None, not_before: now, pause: FIRST_PAUSE }
    }

    pub(super) fn held(&self) -> Option<&Claim> {
        match &self.owner.as_ref()?.state {
            OwnerState::Holding { claim, .. } => Some(claim),
            OwnerState::Waiting { .. } => None,
        }
    }

    pub(super) fn set_shown(&mut self, doubtful: bool) {
        if let Some(Owner { state: OwnerState::Holding { is_doubtful, .. }, .. }) = &mut self.owner {
            *is_doubtful = doubtful;
        }
    }

    /// Removes the owner. The claim that it has, or may have, is stale.
    pub(super) fn give_up(&mut self) {
        match self.owner.take().map(|owner| owner.state) {
            Some(OwnerState::Holding { claim, .. }) => self.stale = Stale::Claim(claim),
            Some(OwnerState::Waiting { is_unclear: true, .. }) => self.stale = Stale::Unclear,
            Some(OwnerState::Waiting { is_unclear: false, .. }) | None => {}
        }
    }

    pub(super) fn release_continued(&mut self) {
        if let Stale::Continued(claim) = &self.stale {
            self.stale = Stale::Claim(claim.clone());
        }
    }

    pub(super) fn lose(&mut self, loss: Loss, stale: Stale, actions: &mut Vec<Action>) {
        if let Some(owner) = self.owner.take() {
            actions.push(Action::Lost(owner.hold, loss));
            self.stale = stale;
        }
    }

    /// Notes that a request for a claim failed. It is repeated until the owner's deadline, unless the error is final.
    pub(super) fn fail(
        &mut self,
        request: &InFlight,
        failed: HoldError,
        is_final: bool,
        may_exist: bool,
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
        self.back_off(now);
        match &mut self.owner {
            Some(Owner { hold, state: OwnerState::Waiting { error, is_unclear, .. }, .. })
                if request.hold == Some(*hold) =>
            {
                *is_unclear |= may_exist;
                if is_final {
                    actions.push(Action::Answer(*hold, Err(failed)));
                    self.give_up();
                } else {
                    *error = Some(failed);
                }
            }
            // The owner has given up.
            _ if may_exist => self.stale = Stale::Unclear,
            _ => {}
        }
    }

    /// Ends the wait of the owner if its deadline has come.
    pub(super) fn end_wait(&mut self, now: Instant, actions: &mut Vec<Action>) {
        if let Some(Owner { hold, state: OwnerState::Waiting { deadline, error, .. }, .. }) = &mut self.owner
            && *deadline <= now
        {
            actions.push(Action::Answer(*hold, Err(error.take().unwrap_or(HoldError::Timeout))));
            self.give_up();
        }
    }

    pub(super) fn reset_pause(&mut self) {
        self.pause = FIRST_PAUSE;
    }

    pub(super) fn back_off(&mut self, now: Instant) {
        self.not_before = now + self.pause;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }
}

impl Owner {
    /// Returns the claim that the owner has, or requests.
    pub(super) fn as_claim(&self, key: &str, node: &NodeId) -> Claim {
        match &self.state {
            OwnerState::Holding { claim, .. } => claim.clone(),
            OwnerState::Waiting { .. } => {
                Claim { key: key.to_owned(), node: node.clone(), token: 0, value: self.value.clone() }
            }
        }
    }
}
