//! Random histories of several nodes, each with a plan, and a store of claims whose reports are late.

use std::collections::VecDeque;

use super::plan::{Action, End, Event, Intent, Plan, View};
use crate::sched::Rng;

const NODES: usize = 3;

/// One run of a node.
struct Member {
    plan: Plan,
    /// The node is a candidate in the store.
    is_ready: bool,
    /// The intent in the store.
    intent: Option<Intent>,
    /// The actions that the node has begun, and not finished.
    pending: VecDeque<Action>,
    is_running: bool,
    is_broken: bool,
    /// The token of the last claim.
    token: u64,
    /// The run whose states were collected or left.
    left: Option<u64>,
    /// The token and the run of the states that are kept.
    kept: Option<(u64, u64)>,
    /// The token of these states in the store.
    kept_in_store: Option<u64>,
}

/// The nodes, of which some are down, and the owner of the claim.
struct World {
    rng: Rng,
    members: [Option<Member>; NODES],
    owner: Option<usize>,
    tokens: u64,
    /// The number of runs of the application. The last one has this number.
    runs: u64,
    /// The number of those that were started with states.
    continued: u64,
    history: Vec<String>,
}

impl World {
    fn new(seed: u64) -> World {
        let mut world = World {
            rng: Rng::seeded(seed),
            members: [const { None }; NODES],
            owner: None,
            tokens: 0,
            runs: 0,
            continued: 0,
            history: Vec::new(),
        };
        (0..NODES).for_each(|node| world.boot(node));
        world
    }

    fn boot(&mut self, node: usize) {
        let plan = Plan::new(Some(node), NODES, true);
        self.members[node] = Some(Member {
            plan,
            is_ready: false,
            intent: None,
            pending: VecDeque::new(),
            is_running: false,
            is_broken: false,
            token: 0,
            left: None,
            kept: None,
            kept_in_store: None,
        });
    }

    /// The node is lost. Its claims end with its lease, after all of it has gone.
    fn crash(&mut self, node: usize) {
        self.members[node] = None;
        self.owner = self.owner.filter(|owner| *owner != node);
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.rng.below(bound as u64)).unwrap()
    }

    fn handle(&mut self, node: usize, event: Event) {
        let Some(member) = &mut self.members[node] else { return };
        self.history.push(format!("n{node}: {event:?}"));
        for action in member.plan.handle(event) {
            match action {
                // Takes effect at once, also on a request that is not answered.
                Action::Release => {
                    member.pending.retain(|pending| *pending != Action::Claim);
                    self.owner = self.owner.filter(|owner| *owner != node);
                }
                Action::Discard => member.kept = None,
                action => member.pending.push_back(action),
            }
        }
    }

    /// Puts what a node announces into the store, or withdraws what is there before that.
    fn announce(&mut self, node: usize) {
        let Some(member) = &mut self.members[node] else { return };
        member.is_ready = member.plan.is_ready();
        let kept = member.kept.map(|(token, _)| token).filter(|_| member.plan.has_states());
        if std::mem::replace(&mut member.kept_in_store, kept) != kept && kept.is_some() {
            self.handle(node, Event::StatesAnnounced);
        }
        let Some(member) = &mut self.members[node] else { return };
        let wanted = member.plan.intent();
        if member.intent == wanted || member.intent.take().is_some() {
            return;
        }
        member.intent = wanted;
        self.handle(node, Event::Announced(wanted));
    }

    /// Reports the claims to a node.
    fn report(&mut self, node: usize) {
        let others = self.members.iter().enumerate().filter(|(other, _)| *other != node);
        let others: Vec<_> = others.filter_map(|(other, member)| Some((other, member.as_ref()?))).collect();
        let ready = others.iter().filter(|(_, member)| member.is_ready).map(|(other, _)| *other).collect();
        let intent = others.iter().filter_map(|(_, member)| member.intent).max().unwrap_or_default();
        self.handle(node, Event::View(View { is_owned: self.owner.is_some(), ready, intent }));
    }

    /// Finishes the oldest thing that a node has begun. Returns `false` without one.
    fn finish(&mut self, node: usize) -> bool {
        let Some(member) = &mut self.members[node] else { return false };
        let Some(action) = member.pending.pop_front() else { return false };
        let event = match action {
            Action::Claim if self.owner.is_none() => {
                self.owner = Some(node);
                self.tokens += 1;
                member.token = self.tokens;
                Event::Granted
            }
            Action::Claim => Event::Refused,
            Action::Collect => {
                let states = self.collect(node);
                return self.handle_left(node, states, |has_states| Event::Collected { has_states });
            }
            Action::Start if member.is_broken => {
                member.left = None;
                Event::NotStarted { has_states: false }
            }
            Action::Start => {
                member.is_running = true;
                if let Some(run) = member.left.take() {
                    assert_eq!(run, self.runs, "not the run before: {:#?}", self.history);
                    self.continued += 1;
                }
                self.runs += 1;
                Event::Started
            }
            Action::Stop { .. } | Action::Kill if member.is_running => {
                member.is_running = false;
                let states = matches!(action, Action::Stop { for_successor: true }).then_some(self.runs);
                return self.handle_left(node, states, |has_states| Event::Ended { end: End::Orderly, has_states });
            }
            // Stopped during its start, which has failed, or a second order to end.
            Action::Stop { .. } | Action::Kill => return true,
            Action::Pause => Event::Retry,
            Action::Release | Action::Discard => unreachable!("it takes effect at once"),
        };
        self.handle(node, event);
        true
    }

    /// Handles an event with the states that were collected or left, and keeps them if the plan needs them.
    fn handle_left(&mut self, node: usize, states: Option<u64>, event: impl FnOnce(bool) -> Event) -> bool {
        let Some(member) = &mut self.members[node] else { return false };
        member.left = states;
        self.handle(node, event(states.is_some()));
        if let Some(member) = self.members[node].as_mut().filter(|member| member.plan.has_states()) {
            member.kept = member.left.take().map(|run| (member.token, run)).or(member.kept);
        }
        true
    }

    /// Collects the latest states in the store. A node that cannot get them waits until they are gone.
    fn collect(&mut self, node: usize) -> Option<u64> {
        let token = self.members[node].as_ref()?.token;
        let kept = |member: &Option<Member>| member.as_ref()?.kept_in_store.filter(|kept| *kept < token);
        let keeper = (0..NODES).filter(|keeper| kept(&self.members[*keeper]).is_some());
        let keeper = keeper.max_by_key(|keeper| kept(&self.members[*keeper]))?;
        let is_reached = self.below(4) > 0;
        let (_, run) = self.members[keeper].as_mut()?.kept.take()?;
        self.handle(keeper, Event::StatesGone);
        is_reached.then_some(run)
    }

    fn check(&self) {
        let running: Vec<_> = (0..NODES).filter(|node| self.is_running(*node)).collect();
        assert!(running.len() <= 1, "{running:?} run: {:#?}", self.history);
        if let [node] = running[..] {
            assert_eq!(self.owner, Some(node), "it runs without a claim: {:#?}", self.history);
        }
    }

    fn is_running(&self, node: usize) -> bool {
        self.members[node].as_ref().is_some_and(|member| member.is_running)
    }

    /// The time to keep states is over.
    fn expire(&mut self, node: usize) {
        if self.members[node].as_mut().is_some_and(|member| member.kept.take().is_some()) {
            self.handle(node, Event::StatesGone);
        }
    }

    /// Removes a node that has left.
    fn remove_left(&mut self, node: usize) {
        if self.members[node].as_ref().is_some_and(|member| member.plan.has_left()) {
            self.crash(node);
        }
    }

    /// Lets all that has begun finish, without further faults.
    fn settle(&mut self) {
        for round in 0..20 {
            for node in 0..NODES {
                if round == 10 {
                    self.expire(node);
                }
                self.remove_left(node);
                self.handle(node, Event::Waited);
                self.report(node);
                // Retries of a claim do not end without a report.
                for _ in 0..3 {
                    self.announce(node);
                    self.report(node);
                    self.finish(node);
                    self.check();
                }
            }
        }
    }

    /// Does a random step. The faults are the first of `bound` numbers.
    fn step(&mut self, bound: usize) {
        let node = self.below(NODES);
        match self.below(bound) {
            0 => self.crash(node),
            1 | 2 if self.members[node].is_none() => self.boot(node),
            2 => self.handle(node, Event::Waited),
            3 => {
                let stop = self.below(2) == 0;
                self.handle(node, Event::Intend { stop });
            }
            4 => {
                if let Some(member) = &mut self.members[node] {
                    member.is_broken = !member.is_broken;
                }
            }
            5 if self.is_running(node) => {
                if let Some(member) = &mut self.members[node] {
                    member.is_running = false;
                    // It has ended before the order to end it arrives.
                    member.pending.retain(|pending| !matches!(pending, Action::Stop { .. } | Action::Kill));
                }
                self.handle(node, Event::Ended { end: End::Failed, has_states: false });
            }
            6 if self.owner == Some(node) && self.is_running(node) => {
                // The registry still counts the lease while the node ends the application.
                self.handle(node, Event::Lost);
                while self.is_running(node) {
                    self.finish(node);
                }
                self.owner = self.owner.filter(|owner| *owner != node);
            }
            7 if self.members[node].as_ref().is_some_and(|member| member.kept.is_some()) && self.below(3) == 0 => {
                self.expire(node);
            }
            8 => self.handle(node, Event::Leave),
            step if step % 3 == 0 => self.announce(node),
            step if step % 3 == 1 => self.report(node),
            _ => drop(self.finish(node)),
        }
        self.remove_left(node);
        self.check();
    }
}

#[test]
fn in_the_end_the_first_node_that_can_runs_the_application_unless_it_was_stopped() {
    let (mut stopped, mut ran, mut continued) = (0, 0, 0);
    for seed in 0..1_000 {
        let mut world = World::new(seed);
        for _ in 0..900 {
            world.step(if seed % 2 == 0 { 20 } else { 100 });
        }
        world.settle();
        let intents: Vec<_> = world.members.iter().flatten().map(|member| member.plan.intent()).collect();
        assert!(intents.windows(2).all(|pair| pair[0] == pair[1]), "{intents:?}: {:#?}", world.history);
        let is_stopped = world.members.iter().flatten().any(|member| member.plan.is_stopped());
        let is_ready = |member: &Member| member.plan.is_ready();
        let best = (0..NODES).find(|node| world.members[*node].as_ref().is_some_and(is_ready));
        let expected = best.filter(|_| !is_stopped);
        let running = (0..NODES).find(|node| world.is_running(*node));
        assert_eq!(running, expected, "seed {seed}: {:#?}", world.history);
        stopped += usize::from(is_stopped);
        ran += usize::from(running.is_some());
        continued += world.continued;
    }
    assert!(stopped > 100 && ran > 100, "{stopped} stopped, {ran} ran");
    assert!(continued > 100, "{continued} continued with states");
}

#[test]
fn a_node_that_leaves_stops_the_application_before_it_releases_the_claim() {
    let mut world = World::new(0);
    world.settle();
    assert!(world.is_running(0));
    world.handle(0, Event::Leave);
    assert_eq!(world.owner, Some(0));
    assert!(world.members[0].as_ref().is_some_and(|member| !member.plan.is_ready()));
    world.finish(0);
    assert_eq!((world.owner, world.is_running(0)), (Some(0), false), "its states are not announced");
    world.announce(0);
    assert_eq!(world.owner, None);
    assert!(world.members[0].as_ref().is_some_and(|member| member.plan.is_idle() && !member.plan.has_left()));
    world.settle();
    assert!(world.members[0].is_none(), "it has left");
    assert_eq!((world.is_running(1), world.continued), (true, 1));
}

#[test]
fn a_node_that_leaves_without_a_successor_keeps_no_states() {
    let mut world = World::new(0);
    world.settle();
    [1, 2].into_iter().for_each(|node| world.crash(node));
    world.report(0);
    world.handle(0, Event::Leave);
    world.finish(0);
    assert_eq!((world.owner, world.is_running(0)), (None, false));
    assert!(world.members[0].as_ref().is_some_and(|member| member.plan.has_left()));
}

#[test]
fn the_states_are_discarded_when_the_last_successor_is_lost_or_the_application_is_stopped_on_purpose() {
    for stop in [false, true] {
        let mut world = World::new(0);
        world.settle();
        world.handle(0, Event::Leave);
        world.finish(0);
        world.announce(0);
        assert!(world.members[0].as_ref().is_some_and(|member| member.kept.is_some()));
        if stop {
            world.handle(1, Event::Intend { stop });
            world.announce(1);
        } else {
            [1, 2].into_iter().for_each(|node| world.crash(node));
        }
        world.report(0);
        assert!(world.members[0].as_ref().is_some_and(|member| member.kept.is_none() && member.plan.has_left()));
    }
}

#[test]
fn a_node_that_collects_states_while_a_better_one_returns_keeps_them_for_it() {
    let mut plan = Plan::new(Some(1), NODES, true);
    let view = |ready: &[usize]| Event::View(View { ready: ready.to_vec(), ..View::default() });
    plan.handle(Event::Waited);
    assert_eq!(plan.handle(view(&[])), [Action::Claim]);
    assert_eq!(plan.handle(Event::Granted), [Action::Collect]);
    assert_eq!(plan.handle(view(&[0])), []);
    assert_eq!(plan.handle(Event::Collected { has_states: true }), []);
    assert_eq!(plan.handle(Event::StatesAnnounced), [Action::Release]);
}

#[test]
fn the_claim_ends_after_the_announcement_of_a_stop() {
    let mut world = World::new(0);
    world.settle();
    world.members[0].as_mut().unwrap().is_running = false;
    world.handle(0, Event::Ended { end: End::Orderly, has_states: false });
    assert_eq!(world.owner, Some(0));
    world.report(0);
    assert_eq!(world.owner, Some(0));
    world.announce(0);
    assert_eq!(world.owner, None);
    world.settle();
    assert!(!(0..NODES).any(|node| world.is_running(node)));
}

#[test]
fn a_claim_that_is_lost_before_the_announcement_of_a_stop_is_not_released() {
    let mut world = World::new(0);
    world.settle();
    world.members[0].as_mut().unwrap().is_running = false;
    world.handle(0, Event::Ended { end: End::Orderly, has_states: false });
    world.handle(0, Event::Lost);
    assert!(world.members[0].as_ref().unwrap().plan.is_idle());
    assert_eq!(world.owner, Some(0));
}

#[test]
fn a_stop_and_a_start_at_the_same_time_are_a_stop() {
    let mut world = World::new(0);
    world.settle();
    world.handle(0, Event::Intend { stop: true });
    world.settle();
    world.handle(0, Event::Intend { stop: false });
    world.handle(1, Event::Intend { stop: false });
    world.handle(1, Event::Intend { stop: true });
    world.settle();
    assert!(!(0..NODES).any(|node| world.is_running(node)));
}
