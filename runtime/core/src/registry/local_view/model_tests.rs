//! Local views on a network that a seed disturbs: parts of the exchange arrive late, and connections break with the parts
//! that are under way.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Keep;
use super::majority::SplitPolicy;
use super::part::{Part, decode, encode};
use super::view::{Effect, Now, View};
use crate::base::{NodeId, NodeName};
use crate::registry::{Change, Claim, Claimed};
use crate::sched::Rng;
use crate::wire::Epoch;

const KEYS: [&str; 4] = ["a", "b", "c", "d"];

/// The nodes, and the connections between them.
struct Network {
    rng: Rng,
    start: Instant,
    micros: u64,
    nodes: Vec<Node>,
    /// From the one node to the other: the epoch there, and the frames under way.
    links: BTreeMap<(usize, usize), Link>,
    next_epoch: u64,
}

struct Link {
    /// The number of the connection at its sender, and at its receiver.
    epochs: (Epoch, Epoch),
    frames: VecDeque<Vec<u8>>,
}

struct Node {
    view: View,
    /// The offset of its wall clock.
    skew: u64,
    /// The claims as they were reported.
    reported: BTreeMap<String, Claim>,
    /// The claims of the owners on the node: granted, and not ended by a report.
    owned: BTreeMap<String, Claim>,
    requests: BTreeMap<u64, String>,
    next_request: u64,
    lost: usize,
}

impl Network {
    fn new(seed: u64, count: usize, policy: &SplitPolicy, resolve: Option<super::Resolve>) -> Network {
        let (rng, start) = (Rng::seeded(seed), Instant::now());
        let node = |index| {
            let now = Now { at: start, wall: 0 };
            let view = View::new(id(index), policy.clone(), resolve.clone(), now);
            Node {
                view,
                // Up to an hour.
                skew: rng.below(3_600_000_000),
                reported: BTreeMap::new(),
                owned: BTreeMap::new(),
                requests: BTreeMap::new(),
                next_request: 0,
                lost: 0,
            }
        };
        let nodes = (0..count).map(node).collect();
        Network { rng, start, micros: 0, nodes, links: BTreeMap::new(), next_epoch: 0 }
    }

    fn now(&self, node: usize) -> Now {
        let at = self.start + Duration::from_micros(self.micros);
        Now { at, wall: 1_000_000 + self.micros + self.nodes[node].skew }
    }

    /// Passes an event to a node, and executes the effects.
    fn apply(&mut self, index: usize, event: impl FnOnce(&mut Node, Now)) {
        let now = self.now(index);
        let node = &mut self.nodes[index];
        event(node, now);
        for effect in node.view.take_effects() {
            match effect {
                Effect::Send(to, parts) => {
                    let link = self.links.iter_mut().find(|((from, _), link)| *from == index && link.epochs.0 == to);
                    if let Some((_, link)) = link {
                        link.frames.extend(encode(parts));
                    }
                }
                Effect::Answer(request, answer) => {
                    let key = node.requests.remove(&request).expect("a request has one answer");
                    if let Ok(Claimed::Granted(claim)) = answer {
                        assert_eq!((claim.key.as_str(), &claim.node), (key.as_str(), &id(index)));
                        node.owned.insert(key, claim);
                    }
                }
                Effect::Changed(Change::Claimed(claim)) => drop(node.reported.insert(claim.key.clone(), claim)),
                Effect::Changed(Change::Ended(key)) => drop(node.reported.remove(&key)),
                Effect::Changed(Change::All(_)) => panic!("only the executor reports all claims"),
                Effect::Ignored(peer, reason) => panic!("{peer}: {reason:?}"),
            }
        }
        let reported = &node.reported;
        let before = node.owned.len();
        node.owned.retain(|key, claim| reported.get(key) == Some(claim));
        node.lost += before - node.owned.len();
    }

    fn connect(&mut self, a: usize, b: usize) {
        if a == b || self.links.contains_key(&(a, b)) {
            return;
        }
        self.next_epoch += 2;
        let (here, there) = (Epoch(self.next_epoch), Epoch(self.next_epoch + 1));
        self.links.insert((a, b), Link { epochs: (here, there), frames: VecDeque::new() });
        self.links.insert((b, a), Link { epochs: (there, here), frames: VecDeque::new() });
        self.apply(a, |node, now| node.view.peer_up(here, id(b), true, now));
        self.apply(b, |node, now| node.view.peer_up(there, id(a), true, now));
    }

    fn disconnect(&mut self, a: usize, b: usize) {
        let (Some(link), Some(_)) = (self.links.remove(&(a, b)), self.links.remove(&(b, a))) else { return };
        self.apply(a, |node, now| node.view.peer_down(link.epochs.0, now));
        self.apply(b, |node, now| node.view.peer_down(link.epochs.1, now));
    }

    /// Delivers the next frame of a link. Returns `false` without one.
    fn deliver(&mut self, from: usize, to: usize) -> bool {
        let Some(link) = self.links.get_mut(&(from, to)) else { return false };
        let Some(frame) = link.frames.pop_front() else { return false };
        let at = link.epochs.1;
        self.apply(to, |node, now| {
            for part in decode(&frame) {
                node.view.receive(at, part, true, now);
            }
        });
        true
    }

    fn claim(&mut self, index: usize, key: &str) {
        self.apply(index, |node, now| {
            // An owner requests a key once.
            if node.owned.contains_key(key) || node.requests.values().any(|other| other == key) {
                return;
            }
            node.next_request += 1;
            node.requests.insert(node.next_request, key.to_owned());
            node.view.claim(node.next_request, key.to_owned(), vec![1], now);
        });
    }

    fn release(&mut self, index: usize, key: &str) {
        self.apply(index, |node, _| {
            if let Some(claim) = node.owned.remove(key) {
                node.view.release(key, claim.token);
            }
        });
    }

    fn step(&mut self, breaks: bool) {
        let count = self.nodes.len();
        let draw = |rng: &Rng, below: usize| rng.below(below as u64) as usize;
        let (a, b, key) = (draw(&self.rng, count), draw(&self.rng, count), KEYS[draw(&self.rng, KEYS.len())]);
        self.micros += self.rng.below(200_000);
        match self.rng.below(16) {
            0 if breaks => self.disconnect(a, b),
            1 if breaks => self.connect(a, b),
            2 | 3 => self.claim(a, key),
            4 => self.release(a, key),
            5 => self.apply(a, |node, now| node.view.tick(now)),
            _ => {
                self.deliver(a, b);
            }
        }
    }

    /// Connects all nodes, and lets everything arrive.
    fn settle(&mut self) {
        let pairs: Vec<_> = (0..self.nodes.len()).flat_map(|a| (0..a).map(move |b| (a, b))).collect();
        for (a, b) in &pairs {
            self.connect(*a, *b);
        }
        loop {
            let mut is_quiet = true;
            for (a, b) in &pairs {
                is_quiet &= !self.deliver(*a, *b);
                is_quiet &= !self.deliver(*b, *a);
            }
            if is_quiet {
                break;
            }
        }
        self.micros += 2_000_000;
        for index in 0..self.nodes.len() {
            self.apply(index, |node, now| node.view.tick(now));
        }
    }

    /// All nodes see the same claims, each of which has its owner.
    fn check(&self, seed: u64) {
        let first = self.nodes[0].view.all();
        for (index, node) in self.nodes.iter().enumerate() {
            assert_eq!(node.view.all(), first, "seed {seed}: node {index}");
            assert_eq!(
                node.reported.values().cloned().collect::<Vec<_>>(),
                first,
                "seed {seed}: reports of node {index}"
            );
            assert!(node.requests.is_empty(), "seed {seed}: node {index} waits for {:?}", node.requests);
        }
        let owned: Vec<_> = self.nodes.iter().flat_map(|node| node.owned.values().cloned()).collect();
        let mut expected = owned;
        expected.sort_by(|a, b| a.key.cmp(&b.key));
        assert_eq!(first, expected, "seed {seed}: claims and owners");
    }
}

fn id(index: usize) -> NodeId {
    NodeId { name: NodeName::new(format!("n{index}@test")).unwrap(), incarnation: 1 }
}

fn run(count: usize, seeds: u64, breaks: bool, resolve: Option<super::Resolve>) -> usize {
    let mut lost = 0;
    for seed in 0..seeds {
        let mut network = Network::new(seed, count, &SplitPolicy::KeepAll, resolve.clone());
        network.settle();
        for _ in 0..400 {
            network.step(breaks);
        }
        network.settle();
        network.check(seed);
        // A released key can be claimed.
        for index in 0..count {
            KEYS.iter().for_each(|key| network.release(index, key));
        }
        network.settle();
        for key in KEYS {
            network.claim(count - 1, key);
        }
        network.settle();
        network.check(seed);
        assert_eq!(network.nodes[count - 1].owned.len(), KEYS.len(), "seed {seed}");
        lost += network.nodes.iter().map(|node| node.lost).sum::<usize>();
    }
    lost
}

#[test]
fn all_nodes_agree_after_faults() {
    assert!(run(4, 300, true, None) > 100, "the seeds cause conflicts");
}

#[test]
fn without_faults_no_claim_is_lost() {
    assert_eq!(run(4, 300, false, None), 0);
}

#[test]
fn a_function_decides_conflicts_on_all_nodes_alike() {
    let by_key = |older: &Claim, newer: &Claim| {
        assert!((older.token, &older.node) < (newer.token, &newer.node), "the older claim is the first");
        if older.key == "a" { Keep::Older } else { Keep::Newer }
    };
    assert!(run(4, 300, true, Some(Arc::new(by_key))) > 100);
}

/// Two nodes that claim a key on both sides of a split: node 1 first.
fn split(seed: u64, key: &str, claims_before: bool, resolve: Option<super::Resolve>) -> (usize, usize) {
    let mut network = Network::new(seed, 2, &SplitPolicy::KeepAll, resolve);
    network.settle();
    if claims_before {
        network.claim(1, key);
        network.settle();
    }
    network.disconnect(0, 1);
    network.micros += 1;
    if !claims_before {
        network.claim(1, key);
        // More than the clocks differ.
        network.micros += 3_600_000_000;
    }
    network.claim(0, key);
    assert_eq!((network.nodes[0].owned.len(), network.nodes[1].owned.len()), (1, 1));
    network.settle();
    network.check(seed);
    (network.nodes[0].owned.len(), network.nodes[1].owned.len())
}

#[test]
fn the_older_claim_is_kept_whatever_the_clocks_show() {
    for seed in 0..50 {
        // The home of a key is either node, and the clock of either may be behind by up to an hour.
        for key in KEYS {
            assert_eq!(split(seed, key, true, None), (0, 1), "seed {seed}, key {key}");
            assert_eq!(split(seed, key, false, None), (0, 1), "seed {seed}, key {key}");
            let newer: super::Resolve = Arc::new(|_, _| Keep::Newer);
            assert_eq!(split(seed, key, true, Some(newer)), (1, 0), "seed {seed}, key {key}");
        }
    }
}

#[test]
fn an_owner_is_respected_though_the_home_is_not_connected_with_it() {
    for key in KEYS {
        let mut network = Network::new(0, 3, &SplitPolicy::KeepAll, None);
        network.connect(0, 1);
        network.connect(1, 2);
        let deliver = |network: &mut Network| {
            while [(0, 1), (1, 0), (1, 2), (2, 1)].map(|(a, b)| network.deliver(a, b)) != [false; 4] {}
        };
        deliver(&mut network);
        network.claim(0, key);
        deliver(&mut network);
        network.claim(1, key);
        deliver(&mut network);
        let owned: Vec<_> = network.nodes.iter().map(|node| node.owned.len()).collect();
        assert_eq!((owned, network.nodes[1].lost), (vec![1, 0, 0], 0), "key {key}");
    }
}

#[test]
fn the_side_without_a_majority_gives_up_after_a_while_and_grants_nothing() {
    let nodes = (0..3).map(|index| id(index).name).collect();
    let policy = SplitPolicy::KeepMajority { nodes, stable_after: Duration::from_secs(20) };
    let mut network = Network::new(0, 3, &policy, None);
    let tick = |network: &mut Network| (0..3).for_each(|index| network.apply(index, |node, now| node.view.tick(now)));
    network.claim(0, "a");
    assert!(network.nodes[0].owned.is_empty(), "a node alone has no majority");
    network.settle();
    network.claim(0, "a");
    network.claim(1, "b");
    network.settle();
    network.disconnect(0, 1);
    network.disconnect(0, 2);
    network.micros += 19_000_000;
    tick(&mut network);
    assert!(network.nodes[0].owned.contains_key("a") && network.nodes[1].owned.contains_key("b"));
    network.claim(0, "c");
    assert!(network.nodes[0].requests.is_empty() && !network.nodes[0].owned.contains_key("c"), "refused at once");
    network.micros += 1_100_000;
    assert!(network.nodes[0].view.wakes_at().is_some_and(|at| at <= network.now(0).at));
    tick(&mut network);
    assert!(network.nodes[0].owned.is_empty() && network.nodes[1].owned.contains_key("b"));
    network.claim(2, "a");
    while network.deliver(1, 2) | network.deliver(2, 1) {}
    assert!(network.nodes[2].owned.contains_key("a"));
    network.settle();
    network.check(0);
}

#[test]
fn a_short_loss_of_the_majority_has_no_effect() {
    let nodes = (0..3).map(|index| id(index).name).collect();
    let policy = SplitPolicy::KeepMajority { nodes, stable_after: Duration::from_secs(20) };
    let mut network = Network::new(0, 3, &policy, None);
    network.settle();
    network.claim(0, "a");
    network.settle();
    for _ in 0..10 {
        network.disconnect(0, 1);
        network.disconnect(0, 2);
        network.micros += 15_000_000;
        network.settle();
    }
    assert!(network.nodes[0].owned.contains_key("a"));
}

#[test]
fn what_a_peer_controls_is_bounded() {
    let now = Now { at: Instant::now(), wall: 1 };
    let mut view = View::new(id(0), SplitPolicy::KeepAll, None, now);
    let peer = Epoch(1);
    view.peer_up(peer, id(1), true, now);
    let mut ignored = |part, may_claim| {
        view.receive(peer, part, may_claim, now);
        view.take_effects().iter().any(|effect| matches!(effect, Effect::Ignored(..)))
    };
    let claimed = |key: &str, bytes| Part::Claimed { key: key.to_owned(), token: 1, value: vec![0; bytes] };
    let reserve = |key: &str, bytes| Part::Reserve { request: 1, key: key.to_owned(), value: vec![0; bytes] };
    assert!(!ignored(claimed("a", 1024), true));
    assert!(ignored(claimed("a", 1025), true));
    assert!(ignored(claimed("", 0), true));
    assert!(ignored(claimed(&"k".repeat(256), 0), true));
    assert!(ignored(claimed("a", 0), false));
    assert!(ignored(reserve("a", 0), false));
    assert!(ignored(reserve("a", 1025), true));
    for n in 0..65_535 {
        assert!(!ignored(claimed(&n.to_string(), 0), true));
    }
    assert!(ignored(claimed("one more", 0), true));
    assert!(!ignored(Part::Ended { key: "0".to_owned(), token: 1 }, true));
    assert!(!ignored(claimed("one more", 0), true));
    // The peer has not sent all of its claims, so requests wait.
    for n in 0..1_024 {
        assert!(!ignored(reserve(&format!("r{n}"), 0), true));
    }
    assert!(ignored(reserve("one more request", 0), true));
    // A token far ahead of the clock does not become the least of the later ones.
    assert!(!ignored(Part::Claimed { key: "1".to_owned(), token: u64::MAX, value: Vec::new() }, true));
    view.peer_down(peer, now);
    view.claim(1, "b".to_owned(), Vec::new(), now);
    let granted = view.take_effects().into_iter().find_map(|effect| match effect {
        Effect::Answer(1, Ok(Claimed::Granted(claim))) => Some(claim.token),
        _ => None,
    });
    assert_eq!(granted, Some(2));
    assert_eq!(view.all().len(), 1, "the claims of a lost peer are gone");
}

#[test]
fn parts_of_a_later_version_end_the_frame() {
    let parts = vec![Part::Synced, Part::Ended { key: "a".to_owned(), token: 7 }];
    let frame = encode(parts.clone()).remove(0);
    assert_eq!(decode(&frame), parts);
    for cut in 0..frame.len() {
        assert!(decode(&frame[..cut]).len() < 2, "{cut}");
    }
    let later = [&[3], &frame[1..], &[200]].concat();
    assert_eq!(decode(&later), parts);
    let many: Vec<_> = (0..1_000).map(|n| Part::Ended { key: "k".repeat(200), token: n }).collect();
    let frames = encode(many.clone());
    assert!(frames.len() > 10 && frames.iter().all(|frame| frame.len() < 17 * 1024));
    assert_eq!(frames.iter().flat_map(|frame| decode(frame)).collect::<Vec<_>>(), many);
}
