//! The machine against a model of a registry: answers are late, are lost, or never come, reports lag, and requests take effect
//! after they were given up.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::action::{Action, Answer, HoldId, Request};
use super::machine::Machine;
use super::{HoldError, Loss};
use crate::base::{NodeId, NodeName};
use crate::registry::{Change, Claim, Claimed, RegistryError};
use crate::sched::Rng;

const LEASE: Duration = Duration::from_secs(9);
const KEYS: [&str; 3] = ["a", "b", "c"];

/// A registry, and the machines of some nodes.
struct World {
    rng: Rng,
    start: Instant,
    now: Duration,
    claims: BTreeMap<String, Claim>,
    leases: BTreeMap<NodeId, Duration>,
    token: u64,
    log: Vec<Change>,
    nodes: Vec<Node>,
    is_faulty: bool,
}

struct Node {
    id: NodeId,
    machine: Machine,
    /// Requests and answers, with the times at which they arrive.
    under_way: VecDeque<(Duration, Event)>,
    /// The position of its watch in the log; `None` if it has to begin again.
    watch: Option<usize>,
    holds: BTreeMap<HoldId, (String, Option<Claim>)>,
    next_hold: HoldId,
}

enum Event {
    Effect { key: String, id: u64, request: Request },
    Answer { key: String, id: u64, answer: Answer },
    Renew,
    Renewed(Result<(), RegistryError>),
}

impl World {
    fn new(seed: u64) -> World {
        let node = |index: usize| {
            let id = NodeId { name: NodeName::new(format!("n{index}@test")).unwrap(), incarnation: 1 };
            let machine = Machine::new(id.clone(), LEASE);
            Node { id, machine, under_way: VecDeque::new(), watch: None, holds: BTreeMap::new(), next_hold: 0 }
        };
        World {
            rng: Rng::seeded(seed),
            start: Instant::now(),
            now: Duration::ZERO,
            claims: BTreeMap::new(),
            leases: BTreeMap::new(),
            token: 0,
            log: Vec::new(),
            nodes: (0..3).map(node).collect(),
            is_faulty: true,
        }
    }

    fn at(&self) -> Instant {
        self.start + self.now
    }

    fn below(&self, bound: u64) -> u64 {
        self.rng.below(bound)
    }

    /// Returns a time for a request or an answer, mostly short.
    fn delay(&self) -> Duration {
        let longest = if self.is_faulty && self.below(4) == 0 { 6_000 } else { 20 };
        Duration::from_millis(self.below(longest))
    }

    /// Passes an event to the machine of a node, and executes the actions.
    fn apply(&mut self, index: usize, event: impl FnOnce(&mut Machine, Instant)) {
        let now = self.at();
        event(&mut self.nodes[index].machine, now);
        for action in self.nodes[index].machine.take_actions() {
            let (sent, limit) = (self.now + self.delay(), self.now + self.nodes[index].machine.request_time());
            let gives_up = sent > limit || self.is_faulty && self.below(8) == 0;
            let node = &mut self.nodes[index];
            let no_answer = || RegistryError::Unreachable("no answer".to_owned());
            match action {
                Action::Request { key, id, request } => {
                    if gives_up {
                        let answer = match request {
                            Request::Claim(_) => Answer::Claim(Err(no_answer())),
                            Request::Release(_) => Answer::Release(Err(no_answer())),
                            Request::Lookup => Answer::Lookup(Err(no_answer())),
                        };
                        node.under_way.push_back((limit, Event::Answer { key: key.clone(), id, answer }));
                    }
                    node.under_way.push_back((sent, Event::Effect { key, id, request }));
                }
                Action::Renew => {
                    if gives_up {
                        node.under_way.push_back((limit, Event::Renewed(Err(no_answer()))));
                    } else {
                        node.under_way.push_back((sent, Event::Renew));
                    }
                }
                Action::Answer(hold, Ok(claim)) => {
                    node.holds.get_mut(&hold).expect("an owner waits").1 = Some(claim);
                    self.check_owners(index, hold);
                }
                Action::Answer(hold, Err(error)) => {
                    assert_ne!(error, HoldError::Stopped);
                    node.holds.remove(&hold).expect("an owner waits");
                }
                Action::Lost(hold, loss) => {
                    assert_ne!(loss, Loss::Stopped);
                    assert!(node.holds.remove(&hold).expect("an owner holds").1.is_some());
                }
                Action::Changed(_) => {}
            }
        }
    }

    /// Of all owners of the key that was granted now, only one may rely on its claim.
    fn check_owners(&self, index: usize, hold: HoldId) {
        let key = &self.nodes[index].holds[&hold].0;
        for (other, node) in self.nodes.iter().enumerate() {
            for (id, (other_key, _)) in node.holds.iter().filter(|(id, _)| (other, **id) != (index, hold)) {
                let is_held = other_key == key && node.machine.is_held(key, *id, self.at());
                assert!(!is_held, "node {index} was granted {key} while node {other} holds it");
            }
        }
    }

    /// Lets the time pass to the next event, or by a little.
    fn step(&mut self) {
        let due = self.nodes.iter().flat_map(|node| {
            let machine = node.machine.wakes_at().map(|at| at.saturating_duration_since(self.start));
            node.under_way.iter().map(|(at, _)| *at).chain(machine)
        });
        let next = due.chain([self.now + Duration::from_millis(self.below(500))]).min().unwrap_or(self.now);
        self.now = next.max(self.now);
        self.end_leases();
        for index in 0..self.nodes.len() {
            let now = self.now;
            let under_way = &mut self.nodes[index].under_way;
            // One of those that are due: they overtake each other.
            let due: Vec<_> = (0..under_way.len()).filter(|at| under_way[*at].0 <= now).collect();
            if !due.is_empty() {
                let at = due[self.below(due.len() as u64) as usize];
                let (_, event) = self.nodes[index].under_way.remove(at).expect("it is due");
                self.happen(index, event);
            }
            let machine = &self.nodes[index].machine;
            if machine.wakes_at().is_some_and(|at| at <= self.at()) {
                self.apply(index, Machine::tick);
            }
            self.report(index);
        }
    }

    fn happen(&mut self, index: usize, event: Event) {
        let arrives = self.now + self.delay();
        let is_lost = self.is_faulty && self.below(6) == 0;
        match event {
            Event::Effect { key, id, request } => {
                let answer = self.serve(index, &key, request);
                let error = RegistryError::Unreachable("the answer is lost".to_owned());
                let answer = match (is_lost, answer) {
                    (false, answer) => answer,
                    (true, Answer::Claim(_)) => Answer::Claim(Err(error)),
                    (true, Answer::Release(_)) => Answer::Release(Err(error)),
                    (true, Answer::Lookup(_)) => Answer::Lookup(Err(error)),
                };
                self.nodes[index].under_way.push_back((arrives, Event::Answer { key, id, answer }));
            }
            Event::Renew => {
                let id = self.nodes[index].id.clone();
                let now = self.now;
                let result = match self.leases.get_mut(&id) {
                    Some(end) => {
                        *end = now + LEASE;
                        Ok(())
                    }
                    None => Err(RegistryError::LeaseLost),
                };
                let error = || Err(RegistryError::Unreachable("the answer is lost".to_owned()));
                let result = if is_lost { error() } else { result };
                self.nodes[index].under_way.push_back((arrives, Event::Renewed(result)));
            }
            Event::Answer { key, id, answer } => {
                self.apply(index, |machine, now| machine.answered(&key, id, answer, now));
            }
            Event::Renewed(result) => self.apply(index, |machine, now| machine.renewed(result, now)),
        }
    }

    /// Lets a request take effect.
    fn serve(&mut self, index: usize, key: &str, request: Request) -> Answer {
        let node = self.nodes[index].id.clone();
        match request {
            Request::Lookup => Answer::Lookup(Ok(self.claims.get(key).cloned())),
            Request::Release(claim) => {
                if self.claims.get(key).is_some_and(|present| present.token == claim.token) {
                    self.claims.remove(key);
                    self.log.push(Change::Ended(key.to_owned()));
                }
                Answer::Release(Ok(()))
            }
            Request::Claim(value) => Answer::Claim(Ok(match self.claims.get(key) {
                Some(claim) if claim.node == node && claim.value == value => Claimed::Granted(claim.clone()),
                Some(claim) => Claimed::Taken(claim.clone()),
                None => {
                    self.token += 1;
                    let claim = Claim { key: key.to_owned(), node: node.clone(), token: self.token, value };
                    self.leases.entry(node).or_insert(self.now + LEASE);
                    self.claims.insert(key.to_owned(), claim.clone());
                    self.log.push(Change::Claimed(claim.clone()));
                    Claimed::Granted(claim)
                }
            })),
        }
    }

    fn end_leases(&mut self) {
        let now = self.now;
        let ended: Vec<_> = self.leases.iter().filter(|(_, end)| **end <= now).map(|(node, _)| node.clone()).collect();
        for node in ended {
            self.leases.remove(&node);
            let keys: Vec<_> = self.claims.values().filter(|c| c.node == node).map(|c| c.key.clone()).collect();
            for key in keys {
                self.claims.remove(&key);
                self.log.push(Change::Ended(key));
            }
        }
    }

    /// Reports some of what a node's watch has not reported yet.
    fn report(&mut self, index: usize) {
        if self.is_faulty && self.below(20) == 0 {
            self.nodes[index].watch = None;
        }
        let lags = self.is_faulty && self.below(3) != 0;
        if lags {
            return;
        }
        match self.nodes[index].watch {
            None => {
                let all = Change::All(self.claims.values().cloned().collect());
                self.nodes[index].watch = Some(self.log.len());
                self.apply(index, |machine, now| machine.reported(all, now));
            }
            Some(at) => {
                if let Some(change) = self.log.get(at).cloned() {
                    self.nodes[index].watch = Some(at + 1);
                    self.apply(index, |machine, now| machine.reported(change, now));
                }
            }
        }
    }

    /// An owner requests or gives up a key.
    fn use_keys(&mut self) {
        let (index, key) = (self.below(3) as usize, KEYS[self.below(3) as usize]);
        let held: Vec<_> = self.nodes[index].holds.iter().map(|(id, (key, _))| (*id, key.clone())).collect();
        if self.below(3) == 0 && !held.is_empty() {
            let (hold, key) = held[self.below(held.len() as u64) as usize].clone();
            self.nodes[index].holds.remove(&hold);
            return self.apply(index, |machine, now| machine.drop_hold(hold, &key, now));
        }
        let node = &mut self.nodes[index];
        node.next_hold += 1;
        let (hold, value) = (node.next_hold, node.next_hold.to_be_bytes().to_vec());
        node.holds.insert(hold, (key.to_owned(), None));
        self.apply(index, |machine, now| {
            machine.hold(hold, key, value, now, now + Duration::from_secs(5));
        });
    }

    fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.step();
        }
    }
}

#[test]
fn a_key_has_one_owner_whatever_fails() {
    for seed in 0..300 {
        let mut world = World::new(seed);
        let mut granted = 0;
        for _ in 0..150 {
            world.use_keys();
            world.run_for(Duration::from_millis(world.below(3_000)));
            granted +=
                world.nodes.iter().flat_map(|node| node.holds.values()).filter(|(_, claim)| claim.is_some()).count();
        }
        assert!(granted > 0, "seed {seed}: nothing was granted");
        world.is_faulty = false;
        world.run_for(LEASE * 2);
        // Each claim has the owner that relies on it, and each owner its claim.
        let mut owned = BTreeMap::new();
        for node in &world.nodes {
            for (id, (key, claim)) in &node.holds {
                let claim = claim.clone().unwrap_or_else(|| panic!("seed {seed}: the wait for {key} has not ended"));
                assert!(node.machine.is_held(key, *id, world.at()), "seed {seed}: {key}");
                assert_eq!(owned.insert(key.clone(), claim), None, "seed {seed}");
            }
            let copy: Vec<_> = node.machine.view().cloned().collect();
            assert_eq!(copy, world.claims.values().cloned().collect::<Vec<_>>(), "seed {seed}: {}", node.id.name);
        }
        assert_eq!(owned, world.claims, "seed {seed}");
        // Without owners the registry is empty.
        for index in 0..3 {
            for (hold, (key, _)) in std::mem::take(&mut world.nodes[index].holds) {
                world.apply(index, |machine, now| machine.drop_hold(hold, &key, now));
            }
        }
        world.run_for(LEASE);
        assert_eq!(world.claims, BTreeMap::new(), "seed {seed}");
        assert!(world.nodes.iter().all(|node| node.machine.is_idle()), "seed {seed}");
    }
}
