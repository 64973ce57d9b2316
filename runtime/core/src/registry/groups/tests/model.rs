//! Random joins, leaves, exits, connections and losses, on tables whose updates are queued between them. A second, simple
//! set of all members states what the tables have to agree with.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::super::table::{Limits, Table};
use crate::base::{NodeId, NodeName};
use crate::sched::Rng;
use crate::wire::{Epoch, GroupName, GroupUpdate};

const NODES: usize = 3;
const PROCESSES: u64 = 12;
const GROUPS: u64 = 4;

type Members = BTreeSet<(String, u64)>;

struct TestNode {
    id: Arc<NodeId>,
    table: Table<(), ()>,
    /// The members of this node, as the model has them.
    own: Members,
    /// The members of each peer, added up from the changes that the table has returned.
    reported: BTreeMap<Epoch, Members>,
}

/// A connection between two nodes, and the updates on their way in either direction.
struct Connection {
    epoch: Epoch,
    ends: [usize; 2],
    queues: [VecDeque<GroupUpdate>; 2],
}

struct Model {
    rng: Rng,
    nodes: Vec<TestNode>,
    connections: Vec<Connection>,
    next_epoch: u64,
}

fn group(rng: &Rng) -> Arc<GroupName> {
    let number = rng.below(GROUPS);
    Arc::new(GroupName { name: format!("g{}", number / 2).into(), protocol: format!("p{}", number % 2).into() })
}

fn text(group: &GroupName) -> String {
    format!("{} {}", group.name, group.protocol)
}

impl Model {
    fn new(seed: u64) -> Model {
        let node = |index| TestNode {
            id: Arc::new(NodeId { name: NodeName::new(format!("n{index}@test")).unwrap(), incarnation: 1 }),
            // Small enough that ranges are split, and that a peer falls behind the log.
            table: Table::new(Limits { log: 8, update: 60, ..Limits::default() }),
            own: Members::new(),
            reported: BTreeMap::new(),
        };
        Model { rng: Rng::seeded(seed), nodes: (0..NODES).map(node).collect(), connections: Vec::new(), next_epoch: 1 }
    }

    fn step(&mut self) {
        let index = self.rng.below(NODES as u64) as usize;
        let (process, group) = (self.rng.below(PROCESSES), group(&self.rng));
        let node = &mut self.nodes[index];
        match self.rng.below(12) {
            0..4 => {
                let is_new = node.own.insert((text(&group), process));
                assert_eq!(node.table.join(&group, process, || Some(())), is_new);
            }
            4 | 5 => {
                let was_member = node.own.remove(&(text(&group), process));
                assert_eq!(node.table.leave(&group, process), was_member);
            }
            6 => {
                let left: BTreeSet<String> = node.table.exit(process).iter().map(|group| text(group)).collect();
                let (gone, own) = std::mem::take(&mut node.own).into_iter().partition(|(_, member)| *member == process);
                node.own = own;
                assert_eq!(left, Members::into_iter(gone).map(|(group, _)| group).collect());
            }
            7 => self.connect(index, (index + 1 + self.rng.below(NODES as u64 - 1) as usize) % NODES),
            8 if self.rng.below(4) == 0 && !self.connections.is_empty() => {
                let at = self.rng.below(self.connections.len() as u64) as usize;
                self.lose(at);
            }
            _ => self.transfer(),
        }
        self.check_counts();
    }

    fn connect(&mut self, one: usize, other: usize) {
        let is_connected = |connection: &Connection| connection.ends == [one, other] || connection.ends == [other, one];
        if self.connections.iter().any(is_connected) {
            return;
        }
        let epoch = Epoch(self.next_epoch);
        self.next_epoch += 1;
        for (own, peer) in [(one, other), (other, one)] {
            let peer = Arc::clone(&self.nodes[peer].id);
            assert!(self.nodes[own].table.add_peer(epoch, &peer).is_some());
            assert!(self.nodes[own].table.add_peer(epoch, &peer).is_none(), "once for each connection");
        }
        self.connections.push(Connection { epoch, ends: [one, other], queues: Default::default() });
    }

    fn lose(&mut self, at: usize) {
        let Connection { epoch, ends, .. } = self.connections.swap_remove(at);
        for end in ends {
            let node = &mut self.nodes[end];
            let (_, changes) = node.table.remove_peer(epoch).unwrap();
            let reported = node.reported.remove(&epoch).unwrap_or_default();
            let left: Members =
                changes.iter().flat_map(|change| change.left.iter().map(|left| (text(&change.group), *left))).collect();
            assert_eq!(left, reported, "all that had joined has left");
            assert!(node.table.next_update_for(epoch).is_err());
        }
    }

    /// Sends or delivers one update.
    fn transfer(&mut self) {
        if self.connections.is_empty() {
            return;
        }
        let at = self.rng.below(self.connections.len() as u64) as usize;
        let (side, sends) = (self.rng.below(2) as usize, self.rng.below(2) == 0);
        if sends {
            self.send(at, side)
        } else {
            self.deliver(at, side)
        };
    }

    /// Returns `false` if there is nothing to send.
    fn send(&mut self, at: usize, from: usize) -> bool {
        let Connection { epoch, ends, queues } = &mut self.connections[at];
        let update = self.nodes[ends[from]].table.next_update_for(*epoch).unwrap();
        let is_sent = update.is_some();
        queues[from].extend(update);
        is_sent
    }

    /// Returns `false` if nothing is on its way.
    fn deliver(&mut self, at: usize, from: usize) -> bool {
        let Connection { epoch, ends, queues } = &mut self.connections[at];
        let Some(update) = queues[from].pop_front() else { return false };
        let node = &mut self.nodes[ends[1 - from]];
        let (changes, ignored) = node.table.apply(*epoch, update);
        assert_eq!(ignored, 0);
        let reported = node.reported.entry(*epoch).or_default();
        for change in changes {
            let key = |number: &u64| (text(&change.group), *number);
            change.left.iter().for_each(|left| assert!(reported.remove(&key(left)), "{left} was a member"));
            change.joined.iter().for_each(|joined| assert!(reported.insert(key(joined)), "{joined} is new"));
        }
        true
    }

    /// Each group has an entry exactly while it has a member, on whichever node.
    fn check_counts(&self) {
        for node in &self.nodes {
            let own: BTreeSet<&String> = node.own.iter().map(|(group, _)| group).collect();
            let remote = node.reported.values().flatten().map(|(group, _)| group);
            let groups: BTreeSet<&String> = own.into_iter().chain(remote).collect();
            let processes: BTreeSet<u64> = node.own.iter().map(|(_, process)| *process).collect();
            let [group_count, process_count, ..] = node.table.sizes();
            assert_eq!((group_count, process_count), (groups.len(), processes.len()));
            let listed: BTreeSet<String> = node.table.names().map(|name| text(name)).collect();
            assert!(listed.iter().eq(groups));
        }
    }

    /// Connects all nodes, delivers everything, and compares all tables with the model.
    fn finish(&mut self) {
        for one in 0..NODES {
            for other in one + 1..NODES {
                self.connect(one, other);
            }
        }
        for at in 0..self.connections.len() {
            for side in 0..2 {
                while self.send(at, side) {}
                while self.deliver(at, side) {}
            }
        }
        for connection in &self.connections {
            for side in 0..2 {
                let [node, peer] = [side, 1 - side].map(|side| &self.nodes[connection.ends[side]]);
                let mut listed = Members::new();
                for name in node.table.names() {
                    let remote = node.table.group(name).unwrap().remote.get(&connection.epoch);
                    let numbers = remote.into_iter().flat_map(|members| members.numbers.keys());
                    listed.extend(numbers.map(|number| (text(name), *number)));
                }
                assert_eq!(listed, peer.own);
            }
        }
        for node in &mut self.nodes {
            assert_eq!(node.table.sizes()[3], 0, "what all peers have received is not kept");
        }
    }
}

#[test]
fn tables_agree_after_any_changes_and_losses() {
    for seed in 0..400 {
        let mut model = Model::new(seed);
        for _ in 0..400 {
            model.step();
        }
        model.finish();
        while !model.connections.is_empty() {
            model.lose(0);
        }
        for node in &mut model.nodes {
            (0..PROCESSES).for_each(|process| drop(node.table.exit(process)));
            assert_eq!(node.table.sizes(), [0; 4], "seed {seed}: nothing is left");
        }
    }
}
