//! The decisions on a node's claims: events go in, and actions come out. The time is an argument.
//!
//! Each key has at most one owner on the node, and at most one request in flight. A claim that no owner has is *stale*: the
//! owner has exited, or has given up before an answer came. Stale claims are released, by their token.
//!
//! # The lease
//! The machine must not rely on a lease that the registry has ended. It counts the lease from the earliest time at which the
//! registry can have begun to count:
//!
//! - from the beginning of the first request for a claim, while there was no lease;
//! - from the beginning of the last renewal that succeeded.
//!
//! An earlier request, which was given up, can have begun a lease before that first one. So only a claim that is requested
//! after a renewal has succeeded has an effect. The first one of a node is requested, renewed, and requested again.
//!
//! After seven eighths of the lease all claims are given up. Then the machine is *unsure*: the registry may still count the
//! old lease. Before the next claim a renewal finds out.
//!
//! All claims end together, and with them a *round*. A request of an earlier round may have been granted under a lease that
//! has ended. Such a grant has no effect, and the request is repeated.
//!
//! # Reports of the registry
//! Reports may lag behind the answers. A claim counts as lost if a report shows a greater token, or another state after a
//! report has shown the claim itself. Any other report that contradicts a claim makes it *doubtful*: a lookup decides.

#[cfg(feature = "upgrade")]
mod hand_over;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::super::claims::{Change, Claim, Claimed, RegistryError};
use super::action::{Action, Answer, HoldId, Request};
use super::error::{HoldError, Loss};
use super::key::{InFlight, Key, Owner, OwnerState, Stale};
use super::lease::{Lease, Renewed};
use crate::base::NodeId;

/// The longest key, and the longest value, in bytes.
pub(crate) const MAX_KEY: usize = 255;
pub(crate) const MAX_VALUE: usize = 1024;

/// The longest time that one request takes.
const REQUEST_TIME: Duration = Duration::from_secs(2);

/// The claims of a node.
pub(super) struct Machine {
    id: NodeId,
    lease: Lease,
    keys: BTreeMap<String, Key>,
    /// All claims: as last reported, and those of this node that were granted since.
    view: BTreeMap<String, Claim>,
    next_request: u64,
    /// No request but renewals is sent.
    is_paused: bool,
    /// The keys with something to do at a time. An entry may be outdated.
    timers: BTreeSet<(Instant, String)>,
    actions: Vec<Action>,
}

impl Machine {
    pub(super) fn new(id: NodeId, lease: Duration) -> Machine {
        Machine {
            id,
            lease: Lease::new(lease),
            keys: BTreeMap::new(),
            view: BTreeMap::new(),
            next_request: 0,
            is_paused: false,
            timers: BTreeSet::new(),
            actions: Vec::new(),
        }
    }

    /// Returns the longest time that a request may take.
    pub(super) fn request_time(&self) -> Duration {
        self.lease.interval().min(REQUEST_TIME)
    }

    /// Returns the claim on the key in the local copy.
    pub(super) fn get(&self, key: &str) -> Option<&Claim> {
        self.view.get(key)
    }

    /// Returns all claims in the local copy, in the order of their keys.
    pub(super) fn view(&self) -> impl Iterator<Item = &Claim> {
        self.view.values()
    }

    /// Returns the number of owners that hold a claim.
    pub(super) fn held(&self) -> usize {
        self.keys.values().filter(|key| key.held().is_some()).count()
    }

    /// Returns `true` if the owner holds its claim at this time.
    #[cfg(test)]
    pub(super) fn is_held(&self, key: &str, hold: HoldId, now: Instant) -> bool {
        let owner = self.keys.get(key).and_then(|key| key.owner.as_ref());
        let holds = owner.is_some_and(|owner| owner.hold == hold && matches!(owner.state, OwnerState::Holding { .. }));
        holds && self.lease.is_valid(now)
    }

    /// Returns `true` if the registry, or the last report of it, may have a claim of this node on the key that no owner has.
    pub(super) fn is_pending(&self, key: &str) -> bool {
        match self.keys.get(key) {
            Some(entry) => entry.owner.is_none(),
            None => self.view.get(key).is_some_and(|claim| claim.node == self.id),
        }
    }

    /// Returns the keys that no owner has, and for which the registry may have a claim of this node.
    pub(super) fn all_pending(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().filter(|(_, entry)| entry.owner.is_none()).map(|(key, _)| key.as_str())
    }

    /// Returns `true` if the registry has no claim of this node, as far as that is known.
    pub(super) fn is_idle(&self) -> bool {
        self.keys.is_empty()
    }

    /// Returns the next time at which [`tick`](Machine::tick) has something to do.
    pub(super) fn wakes_at(&self) -> Option<Instant> {
        let first = self.timers.first().map(|(at, _)| *at);
        let lease = self.lease.wakes_at().filter(|_| !self.keys.is_empty() || self.lease.is_known());
        first.into_iter().chain(lease).min()
    }

    /// Takes the actions of the last events.
    pub(super) fn take_actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    /// A process or another owner requests the claim on a key, at the latest for `deadline`.
    pub(super) fn hold(&mut self, hold: HoldId, key: &str, value: Vec<u8>, now: Instant, deadline: Instant) {
        let entry = self.keys.entry(key.to_owned()).or_insert_with(|| Key::new(now));
        if let Some(owner) = &entry.owner {
            let other = owner.as_claim(key, &self.id);
            return self.actions.push(Action::Answer(hold, Err(HoldError::Taken(other))));
        }
        let state = OwnerState::Waiting { deadline, error: None, is_unclear: false };
        entry.owner = Some(Owner { hold, value, state });
        entry.reset_pause();
        self.timers.insert((deadline, key.to_owned()));
        self.advance(key, now);
        self.renew_if_due(now);
    }

    /// An owner does not need its claim any more.
    pub(super) fn drop_hold(&mut self, hold: HoldId, key: &str, now: Instant) {
        if let Some(entry) = self.keys.get_mut(key)
            && entry.owner.as_ref().is_some_and(|owner| owner.hold == hold)
        {
            entry.give_up();
            self.advance(key, now);
        }
    }

    /// The node stops: no owner keeps its claim.
    pub(super) fn stop(&mut self, now: Instant) {
        for entry in self.keys.values_mut() {
            match &entry.owner {
                Some(Owner { hold, state: OwnerState::Waiting { .. }, .. }) => {
                    self.actions.push(Action::Answer(*hold, Err(HoldError::Stopped)));
                }
                Some(Owner { hold, state: OwnerState::Holding { .. }, .. }) => {
                    self.actions.push(Action::Lost(*hold, Loss::Stopped));
                }
                None => {}
            }
            entry.give_up();
        }
        self.advance_all(now);
    }

    /// The registry has answered a request, or was given up on.
    pub(super) fn answered(&mut self, key: &str, id: u64, answer: Answer, now: Instant) {
        let round = self.lease.round();
        self.lease.answered(now);
        let Some(entry) = self.keys.get_mut(key) else { return };
        let Some(request) = entry.in_flight.take_if(|request| request.id == id) else { return };
        match answer {
            Answer::Claim(Ok(Claimed::Granted(claim))) => {
                let owner = entry.owner.as_mut().filter(|owner| request.hold == Some(owner.hold));
                let seen = self.view.get(key);
                // The claim may have ended since: with its lease, or in the time that the answer took.
                let is_present =
                    request.is_safe && request.round == round && seen.is_none_or(|seen| seen.token <= claim.token);
                match owner {
                    Some(owner) if is_present => {
                        let hold = owner.hold;
                        let is_shown = seen == Some(&claim);
                        let is_doubtful = request.is_reported && !is_shown;
                        owner.state = OwnerState::Holding { claim: claim.clone(), is_shown, is_doubtful };
                        self.actions.push(Action::Answer(hold, Ok(claim)));
                    }
                    // It is requested again.
                    Some(Owner { state: OwnerState::Waiting { is_unclear, .. }, .. }) => *is_unclear = true,
                    Some(_) => {}
                    None => entry.stale = Stale::Claim(claim),
                }
            }
            Answer::Claim(Ok(Claimed::Taken(claim))) if claim.node == self.id => entry.stale = Stale::Claim(claim),
            Answer::Claim(Ok(Claimed::Taken(claim))) => {
                // The claim of an earlier incarnation of this node ends with its lease.
                let is_own = claim.node.name == self.id.name;
                entry.fail(&request, HoldError::Taken(claim), !is_own, false, now, &mut self.actions);
            }
            Answer::Claim(Err(error)) => {
                let is_final = matches!(error, RegistryError::Refused(_));
                let is_lost = error == RegistryError::LeaseLost;
                entry.fail(&request, HoldError::Registry(error), is_final, true, now, &mut self.actions);
                if is_lost && request.round == round {
                    self.lease.doubt(now);
                    self.give_up_all();
                    self.advance_all(now);
                }
            }
            Answer::Release(Ok(())) => {
                // A report may have shown another claim meanwhile.
                if matches!(&entry.stale, Stale::Claim(claim) if Some(claim.token) == request.released) {
                    entry.stale = Stale::None;
                }
            }
            Answer::Lookup(Ok(found)) => {
                let own = found.filter(|claim| claim.node == self.id);
                match entry.held() {
                    Some(held) if own.as_ref().is_some_and(|own| own.token == held.token) => entry.set_shown(false),
                    Some(_) => entry.lose(Loss::Taken, own.map_or(Stale::None, Stale::Claim), &mut self.actions),
                    None if matches!(entry.stale, Stale::Unclear) => {
                        entry.stale = own.map_or(Stale::None, Stale::Claim);
                    }
                    // A report has shown more.
                    None => {}
                }
            }
            Answer::Release(Err(_)) | Answer::Lookup(Err(_)) => entry.back_off(now),
        }
        let before = self.view.get(key).cloned();
        self.show_own(key, before.as_ref());
        self.advance(key, now);
        self.renew_if_due(now);
    }

    /// A renewal was answered, or was given up on.
    pub(super) fn renewed(&mut self, result: Result<(), RegistryError>, now: Instant) {
        let may_begin =
            self.keys.values().any(|key| key.in_flight.as_ref().is_some_and(|request| request.hold.is_some()));
        match self.lease.renewed(result, now, may_begin) {
            Renewed::Kept => {}
            Renewed::Ended => self.give_up_all(),
        }
        self.advance_all(now);
        self.renew_if_due(now);
    }

    /// The registry reports a change.
    pub(super) fn reported(&mut self, change: Change, now: Instant) {
        match change {
            Change::All(claims) => {
                let valid = claims.into_iter().filter(is_valid);
                let view: BTreeMap<_, _> = valid.map(|claim| (claim.key.clone(), claim)).collect();
                let mut before = std::mem::replace(&mut self.view, view);
                let keys: BTreeSet<_> =
                    before.keys().chain(self.view.keys()).chain(self.keys.keys()).cloned().collect();
                for key in keys {
                    let before = before.remove(&key);
                    self.observe(&key, before, now);
                }
            }
            Change::Claimed(claim) if is_valid(&claim) => {
                let key = claim.key.clone();
                let before = self.view.insert(key.clone(), claim);
                self.observe(&key, before, now);
            }
            Change::Claimed(_) => {}
            Change::Ended(key) => {
                let before = self.view.remove(&key);
                self.observe(&key, before, now);
            }
        }
    }

    /// Does what is due at this time.
    pub(super) fn tick(&mut self, now: Instant) {
        if self.lease.expire(now) {
            self.give_up_all();
            self.advance_all(now);
        }
        while self.timers.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, key)) = self.timers.pop_first() else { break };
            if let Some(entry) = self.keys.get_mut(&key) {
                entry.end_wait(now, &mut self.actions);
                self.advance(&key, now);
            }
        }
        self.renew_if_due(now);
    }

    /// Acts on a report on a key, which had the claim `before`.
    fn observe(&mut self, key: &str, before: Option<Claim>, now: Instant) {
        self.compare(key, now);
        self.show_own(key, before.as_ref());
        self.advance(key, now);
    }

    /// Compares the claim of an owner with the last report on its key.
    fn compare(&mut self, key: &str, now: Instant) {
        let seen = self.view.get(key);
        let own = seen.filter(|claim| claim.node == self.id);
        let entry = match self.keys.get_mut(key) {
            Some(entry) => entry,
            None if own.is_some() => self.keys.entry(key.to_owned()).or_insert_with(|| Key::new(now)),
            None => return,
        };
        if let Some(request) = &mut entry.in_flight {
            request.is_reported = true;
        }
        if let Stale::Continued(claim) = &entry.stale {
            if own.is_some_and(|own| own.token == claim.token) {
                return;
            }
            entry.stale = Stale::None;
        }
        match &mut entry.owner {
            Some(Owner { state: OwnerState::Holding { claim, is_shown, is_doubtful }, .. }) => {
                if own.is_some_and(|own| own.token == claim.token) {
                    (*is_shown, *is_doubtful) = (true, false);
                } else if *is_shown || seen.is_some_and(|seen| seen.token > claim.token) {
                    entry.lose(Loss::Taken, own.cloned().map_or(Stale::None, Stale::Claim), &mut self.actions);
                } else {
                    *is_doubtful = true;
                }
            }
            // The answer to its request is on the way, or the request is repeated.
            Some(owner) if own.is_some_and(|own| own.value == owner.value) => {}
            Some(_) | None => {
                if let Some(own) = own {
                    entry.stale = Stale::Claim(own.clone());
                }
            }
        }
    }

    /// Adds a claim of this node to the local copy that no report has shown yet, and notes a change of the copy.
    fn show_own(&mut self, key: &str, before: Option<&Claim>) {
        let held = self.keys.get(key).and_then(Key::held);
        if let Some(held) = held.filter(|held| self.view.get(key).is_none_or(|seen| seen.token < held.token)) {
            self.view.insert(key.to_owned(), held.clone());
        }
        if self.view.get(key) != before {
            self.actions.push(Action::Changed(key.to_owned()));
        }
    }

    /// Sends the next request on a key, if one is due.
    fn advance(&mut self, key: &str, now: Instant) {
        let Some(entry) = self.keys.get_mut(key) else { return };
        if entry.in_flight.is_some() {
            return;
        }
        if let (Stale::Continued(claim), Some(owner)) = (&entry.stale, &mut entry.owner) {
            if claim.value == owner.value {
                let claim = claim.clone();
                // Otherwise a renewal is under way.
                if self.lease.is_confirmed() {
                    entry.stale = Stale::None;
                    owner.state = OwnerState::Holding { claim: claim.clone(), is_shown: false, is_doubtful: false };
                    self.actions.push(Action::Answer(owner.hold, Ok(claim)));
                }
                return;
            }
            // The registry replaces it, or refuses: then it is released first.
            entry.stale = Stale::None;
        }
        if self.is_paused {
            return;
        }
        let (request, hold) = match (&entry.stale, &entry.owner) {
            // It waits for an owner, or for the end of the pause.
            (Stale::Continued(_), _) => return,
            (Stale::Claim(claim), _) => (Request::Release(claim.clone()), None),
            (Stale::Unclear, _) => (Request::Lookup, None),
            (Stale::None, Some(Owner { hold, value, state: OwnerState::Waiting { .. } })) => {
                if !self.lease.admits_claims() {
                    return;
                }
                (Request::Claim(value.clone()), Some(*hold))
            }
            (Stale::None, Some(Owner { state: OwnerState::Holding { is_doubtful, .. }, .. })) => {
                if !is_doubtful {
                    return;
                }
                (Request::Lookup, None)
            }
            (Stale::None, None) => {
                self.keys.remove(key);
                return;
            }
        };
        if now < entry.not_before {
            self.timers.insert((entry.not_before, key.to_owned()));
            return;
        }
        if hold.is_some() {
            self.lease.requested(now);
        }
        self.next_request += 1;
        let id = self.next_request;
        let released = if let Request::Release(claim) = &request { Some(claim.token) } else { None };
        let (round, is_safe) = (self.lease.round(), self.lease.is_confirmed());
        entry.in_flight = Some(InFlight { id, round, hold, released, is_safe, is_reported: false });
        self.actions.push(Action::Request { key: key.to_owned(), id, request });
    }

    fn advance_all(&mut self, now: Instant) {
        for key in self.keys.keys().cloned().collect::<Vec<_>>() {
            self.advance(&key, now);
        }
    }

    fn renew_if_due(&mut self, now: Instant) {
        if (!self.keys.is_empty() || self.lease.is_known()) && self.lease.begin_renewal(now) {
            self.actions.push(Action::Renew);
        }
    }

    /// Ends all claims: their lease has ended, or may have.
    fn give_up_all(&mut self) {
        for entry in self.keys.values_mut() {
            if let Some(claim) = entry.held().cloned() {
                entry.lose(Loss::Lease, Stale::Claim(claim), &mut self.actions);
            }
            entry.release_continued();
        }
    }
}

/// Returns whether a reported claim has a size that a node can make.
fn is_valid(claim: &Claim) -> bool {
    !claim.key.is_empty() && claim.key.len() <= MAX_KEY && claim.value.len() <= MAX_VALUE
}
