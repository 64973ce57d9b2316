//! The decisions on claims in a live upgrade, in the predecessor and in its successor.

use std::time::Instant;

use super::super::action::Action;
use super::super::key::{Key, Stale};
use super::super::lease::Lease;
use super::Machine;
use crate::registry::Claim;

impl Machine {
    /// No request but renewals is sent from now on: the claims stay as they are.
    pub(in crate::registry::service) fn pause(&mut self) {
        self.is_paused = true;
    }

    /// Ends a pause. Claims of the predecessor that have no owner yet are released.
    pub(in crate::registry::service) fn resume(&mut self, now: Instant) {
        self.is_paused = false;
        // An owner receives its claim when the lease is certain.
        for entry in self.keys.values_mut().filter(|entry| entry.owner.is_none()) {
            entry.release_continued();
        }
        self.advance_all(now);
        self.renew_if_due(now);
    }

    /// Returns the claims that owners on this node hold, and those of other nodes in the local copy.
    pub(in crate::registry::service) fn record(&self) -> Vec<Claim> {
        let held = self.keys.values().filter_map(Key::held);
        held.chain(self.view.values().filter(|claim| claim.node != self.id)).cloned().collect()
    }

    /// Continues with these claims of the predecessor of this process, and of other nodes.
    pub(in crate::registry::service) fn continue_with(&mut self, claims: Vec<Claim>, now: Instant) {
        for claim in claims {
            let key = claim.key.clone();
            if claim.node == self.id {
                let stale = Stale::Continued(claim.clone());
                self.keys.insert(key.clone(), Key { stale, ..Key::new(now) });
            }
            self.view.insert(key.clone(), claim);
            self.actions.push(Action::Changed(key));
        }
        if !self.keys.is_empty() {
            self.lease.continue_unsure(now);
        }
        self.renew_if_due(now);
    }

    /// Returns the claim of the predecessor on a key, if no owner has it yet.
    pub(in crate::registry::service) fn continued(&self, key: &str) -> Option<&Claim> {
        match &self.keys.get(key)?.stale {
            Stale::Continued(claim) => Some(claim),
            _ => None,
        }
    }

    /// Returns all claims of the predecessor that no owner has yet.
    pub(in crate::registry::service) fn all_continued(&self) -> impl Iterator<Item = &Claim> {
        self.keys.keys().filter_map(|key| self.continued(key))
    }

    /// A successor has the claims: the owners on this node lose them, and nothing is released.
    pub(in crate::registry::service) fn leave(&mut self, now: Instant) {
        self.stop(now);
        self.keys.clear();
        self.lease = Lease::new(self.lease.time());
    }
}
