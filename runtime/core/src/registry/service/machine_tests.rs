//! Single decisions of the machine, in the order of the events.

use std::time::{Duration, Instant};

use super::action::{Action, Answer, Request};
use super::machine::Machine;
use super::{HoldError, Loss};
use crate::base::{NodeId, NodeName};
use crate::registry::{Change, Claim, Claimed, RegistryError};

const LEASE: Duration = Duration::from_secs(8);

/// A machine, the requests in flight, and the other actions since they were last taken.
struct Case {
    machine: Machine,
    now: Instant,
    requests: Vec<(u64, Request)>,
    actions: Vec<Action>,
}

fn node(name: &str) -> NodeId {
    NodeId { name: NodeName::new(name).unwrap(), incarnation: 1 }
}

fn claim(node_name: &str, token: u64, value: u8) -> Claim {
    Claim { key: "a".to_owned(), node: node(node_name), token, value: vec![value] }
}

impl Case {
    fn new() -> Case {
        let machine = Machine::new(node("n0@test"), LEASE);
        Case { machine, now: Instant::now(), requests: Vec::new(), actions: Vec::new() }
    }

    fn apply(&mut self, event: impl FnOnce(&mut Machine, Instant)) {
        event(&mut self.machine, self.now);
        for action in self.machine.take_actions() {
            match action {
                Action::Request { id, request, .. } => self.requests.push((id, request)),
                Action::Changed(_) => {}
                other => self.actions.push(other),
            }
        }
    }

    fn pass(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
        self.apply(Machine::tick);
    }

    fn hold(&mut self, hold: u64) {
        let deadline = self.now + Duration::from_secs(60);
        self.apply(|machine, now| machine.hold(hold, "a", vec![hold as u8], now, deadline));
    }

    /// Answers the only request that is in flight.
    fn answer(&mut self, answer: Answer) {
        assert_eq!(self.requests.len(), 1, "{:?}", self.requests);
        let (id, _) = self.requests.remove(0);
        self.apply(|machine, now| machine.answered("a", id, answer, now));
    }

    fn grant(&mut self, token: u64, value: u8) {
        self.answer(Answer::Claim(Ok(Claimed::Granted(claim("n0@test", token, value)))));
    }

    fn renewed(&mut self, result: Result<(), RegistryError>) {
        self.apply(|machine, now| machine.renewed(result, now));
    }

    fn report(&mut self, change: Change) {
        self.apply(|machine, now| machine.reported(change, now));
    }

    fn requests(&self) -> Vec<&Request> {
        self.requests.iter().map(|(_, request)| request).collect()
    }

    fn take(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    /// Gives the owner 1 the claim with token 1.
    fn held() -> Case {
        let mut case = Case::new();
        case.hold(1);
        case.grant(1, 1);
        assert_eq!(case.take(), [Action::Renew]);
        case.renewed(Ok(()));
        case.grant(1, 1);
        assert_eq!(case.take(), [Action::Answer(1, Ok(claim("n0@test", 1, 1)))]);
        assert!(case.machine.is_held("a", 1, case.now));
        case
    }
}

#[test]
fn a_claim_counts_only_after_a_renewal() {
    let mut case = Case::new();
    case.hold(1);
    assert_eq!(case.requests(), [&Request::Claim(vec![1])]);
    case.grant(1, 1);
    assert_eq!((case.take(), case.requests().len()), (vec![Action::Renew], 0));
    assert!(!case.machine.is_held("a", 1, case.now));
    case.renewed(Ok(()));
    assert_eq!(case.requests(), [&Request::Claim(vec![1])]);
}

#[test]
fn a_grant_of_an_earlier_lease_has_no_effect() {
    let mut case = Case::new();
    case.hold(1);
    case.grant(1, 1);
    case.renewed(Ok(()));
    case.take();
    // The second request is answered after seven eighths of the lease.
    case.pass(7_000);
    case.grant(1, 1);
    case.take();
    case.renewed(Ok(()));
    assert_eq!(case.take(), []);
    assert!(!case.machine.is_held("a", 1, case.now));
    assert_eq!(case.requests(), [&Request::Claim(vec![1])], "it is requested again");
}

#[test]
fn a_claim_is_given_up_before_its_lease_ends_counted_from_the_beginning_of_the_renewal() {
    let mut case = Case::held();
    let third = LEASE.as_millis() as u64 / 3 + 1;
    case.pass(third);
    assert_eq!(case.take(), [Action::Renew]);
    case.pass(1_000);
    case.renewed(Ok(()));
    case.pass(5_900);
    assert!(case.machine.is_held("a", 1, case.now));
    case.take();
    case.pass(99);
    assert!(case.machine.is_held("a", 1, case.now));
    case.pass(1);
    assert!(!case.machine.is_held("a", 1, case.now));
    assert!(case.take().contains(&Action::Lost(1, Loss::Lease)));
    assert_eq!(case.requests(), [&Request::Release(claim("n0@test", 1, 1))], "the registry may have it still");
}

#[test]
fn reports_end_a_claim_or_make_it_doubtful() {
    let lost = vec![Action::Lost(1, Loss::Taken)];
    // Not shown yet: an earlier claim has ended.
    let mut case = Case::held();
    case.report(Change::Ended("a".to_owned()));
    assert_eq!((case.take(), case.requests()), (vec![], vec![&Request::Lookup]));
    case.answer(Answer::Lookup(Ok(Some(claim("n0@test", 1, 1)))));
    assert_eq!(case.take(), []);
    // Shown, and then ended.
    case.report(Change::Claimed(claim("n0@test", 1, 1)));
    case.report(Change::Ended("a".to_owned()));
    assert_eq!((case.take(), case.requests().len()), (lost.clone(), 0));
    assert_eq!(case.machine.get("a"), None);
    // A greater token.
    let mut case = Case::held();
    case.report(Change::Claimed(claim("n1@test", 2, 1)));
    assert_eq!(case.take(), lost);
    // A smaller one is an earlier claim. The lookup decides.
    let mut case = Case::held();
    case.report(Change::All(vec![Claim { token: 0, ..claim("n1@test", 0, 1) }]));
    assert_eq!((case.take(), case.requests()), (vec![], vec![&Request::Lookup]));
    assert_eq!(case.machine.get("a"), Some(&claim("n0@test", 1, 1)));
    case.answer(Answer::Lookup(Ok(None)));
    assert_eq!(case.take(), lost);
}

#[test]
fn claims_without_an_owner_are_released_one_after_the_other() {
    let mut case = Case::held();
    case.apply(|machine, now| machine.drop_hold(1, "a", now));
    assert_eq!(case.requests(), [&Request::Release(claim("n0@test", 1, 1))]);
    // A request that was given up long ago takes effect meanwhile.
    case.report(Change::Claimed(claim("n0@test", 2, 9)));
    case.answer(Answer::Release(Ok(())));
    assert_eq!(case.requests(), [&Request::Release(claim("n0@test", 2, 9))]);
    // It also blocks the next owner until it is released.
    case.hold(3);
    case.answer(Answer::Release(Ok(())));
    case.answer(Answer::Claim(Ok(Claimed::Taken(claim("n0@test", 4, 9)))));
    assert_eq!((case.take(), case.requests()), (vec![], vec![&Request::Release(claim("n0@test", 4, 9))]));
    case.answer(Answer::Release(Ok(())));
    case.grant(5, 3);
    assert_eq!(case.take(), [Action::Answer(3, Ok(claim("n0@test", 5, 3)))]);
}

#[test]
fn a_key_has_one_owner_on_a_node() {
    let mut case = Case::held();
    case.hold(2);
    assert_eq!(case.take(), [Action::Answer(2, Err(HoldError::Taken(claim("n0@test", 1, 1))))]);
    case.apply(Machine::stop);
    assert_eq!(case.take(), [Action::Lost(1, Loss::Stopped)]);
    case.answer(Answer::Release(Ok(())));
    assert!(case.machine.is_idle());
}

#[cfg(feature = "upgrade")]
mod upgrade {
    use super::*;

    /// Returns a machine in a successor, whose predecessor has claimed the key with token 5 for the owner 1.
    fn successor() -> Case {
        let mut case = Case::new();
        case.apply(|machine, _| machine.pause());
        case.apply(|machine, now| machine.continue_with(vec![claim("n0@test", 5, 1)], now));
        assert_eq!(case.take(), [Action::Renew], "the lease of the predecessor may have ended");
        case
    }

    #[test]
    fn an_owner_continues_the_claim_of_the_predecessor_after_a_renewal() {
        let mut case = successor();
        case.report(Change::All(vec![claim("n0@test", 5, 1)]));
        case.hold(1);
        assert_eq!(case.take(), []);
        // A claim that has an owner, also one that waits, is not released.
        case.apply(Machine::resume);
        case.renewed(Ok(()));
        assert_eq!(case.take(), [Action::Answer(1, Ok(claim("n0@test", 5, 1)))]);
        assert!(case.machine.is_held("a", 1, case.now));
        assert!(case.requests().is_empty());
    }

    #[test]
    fn claims_of_the_predecessor_without_an_owner_are_released_when_the_successor_serves() {
        let mut case = successor();
        case.renewed(Ok(()));
        case.report(Change::All(vec![claim("n0@test", 5, 1)]));
        assert!(case.requests().is_empty());
        case.apply(Machine::resume);
        assert_eq!(case.requests(), [&Request::Release(claim("n0@test", 5, 1))]);
    }

    #[test]
    fn a_claim_of_the_predecessor_that_has_ended_is_requested_anew() {
        for lost in [true, false] {
            let mut case = successor();
            if lost {
                case.renewed(Err(RegistryError::LeaseLost));
            } else {
                case.renewed(Ok(()));
                case.report(Change::Ended("a".to_owned()));
            }
            case.hold(1);
            assert!(case.requests().is_empty(), "not before the successor serves");
            case.apply(Machine::resume);
            if lost {
                // The machine does not know that the claim went with the lease.
                case.answer(Answer::Release(Ok(())));
            }
            assert_eq!(case.requests(), [&Request::Claim(vec![1])]);
        }
    }

    #[test]
    fn another_owner_replaces_a_claim_of_the_predecessor_when_the_successor_serves() {
        let mut case = successor();
        case.renewed(Ok(()));
        case.hold(2);
        assert!(case.requests().is_empty());
        case.apply(Machine::resume);
        assert_eq!(case.requests(), [&Request::Claim(vec![2])]);
        case.answer(Answer::Claim(Ok(Claimed::Taken(claim("n0@test", 5, 1)))));
        assert_eq!(case.requests(), [&Request::Release(claim("n0@test", 5, 1))]);
    }

    #[test]
    fn a_predecessor_makes_no_request_after_the_hand_over_and_releases_nothing_when_it_leaves() {
        let mut case = Case::held();
        case.apply(|machine, _| machine.pause());
        assert_eq!(case.machine.record(), [claim("n0@test", 1, 1)]);
        case.apply(|machine, now| machine.drop_hold(1, "a", now));
        assert!(case.requests().is_empty());
        case.apply(Machine::leave);
        assert!(case.requests().is_empty() && case.machine.is_idle());

        let mut case = Case::held();
        case.apply(|machine, _| machine.pause());
        case.apply(|machine, now| machine.drop_hold(1, "a", now));
        case.apply(Machine::resume);
        assert_eq!(case.requests(), [&Request::Release(claim("n0@test", 1, 1))], "the upgrade has failed");
    }
}
