//! Every order of events of nodes that dial each other, by an exhaustive search.
//!
//! The model has nodes with their [`Admissions`], and connections whose two directions are queues of messages. A step
//! delivers the first message of one direction, or is an event of the network: a connection breaks, one side notices it, a
//! probe is not answered in time, a node restarts, a node dials. The search visits each state once.

use std::collections::{BTreeSet, VecDeque};

use super::*;

/// A message of the handshake. The bytes of [`session`](crate::session) carry the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Message {
    Hello(Identity),
    Admit,
    Refuse(Refusal),
    Probe,
    Answer,
    /// The sender has closed the connection.
    End,
}

/// One side's view of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum View {
    AwaitsHello,
    Deciding {
        peer: Identity,
        admitted: bool,
    },
    Up {
        probing: bool,
    },
    /// To be aborted: the loss has not taken effect yet.
    Aborted,
    Over,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Connection {
    /// The dialler and the listener, with their incarnations.
    ends: [(usize, u32); 2],
    views: [View; 2],
    /// The messages to each end.
    queues: [VecDeque<Message>; 2],
    broken: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Node {
    name: NodeName,
    identity: Identity,
    /// Counts restarts.
    life: u32,
    admissions: Admissions,
    /// The `Up` and `Down` events of this life: their number, in turn.
    events: [u32; 2],
    /// The node that it dials, and how often it may.
    dials: Option<(usize, u32)>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct World {
    nodes: Vec<Node>,
    connections: Vec<Connection>,
    breaks: u32,
    restarts: u32,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Dial(usize),
    Deliver(usize, usize),
    Break(usize),
    /// A side of a broken connection notices it: by an error of the stream, or by a timeout.
    Notice(usize, usize),
    /// The loss of an aborted connection takes effect.
    Lose(usize, usize),
    Restart(usize),
}

impl World {
    /// Nodes of these names; each pair is a node and the node that it dials.
    fn new(names: &[&str], dials: &[(usize, usize)], breaks: u32, restarts: u32) -> World {
        let node = |(index, name): (usize, &&str)| Node {
            name: NodeName::new(name).unwrap(),
            identity: Identity { incarnation: 1, instance: index as u64 },
            life: 0,
            admissions: Admissions::new(usize::MAX),
            events: [0, 0],
            dials: dials.iter().find(|(from, _)| *from == index).map(|(_, to)| (*to, 2)),
        };
        let nodes = names.iter().enumerate().map(node).collect();
        World { nodes, connections: Vec::new(), breaks, restarts }
    }

    fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for (index, node) in self.nodes.iter().enumerate() {
            let busy = self.connections.iter().any(|c| c.ends[0] == (index, node.life) && c.views[0] != View::Over);
            let connected = node.dials.is_some_and(|(to, _)| self.is_up(index, to));
            if node.dials.is_some_and(|(_, left)| left > 0) && !busy && !connected {
                steps.push(Step::Dial(index));
            }
            if self.restarts > 0 && node.life == 0 {
                steps.push(Step::Restart(index));
            }
        }
        for (index, connection) in self.connections.iter().enumerate() {
            let open = connection.views != [View::Over, View::Over];
            if self.breaks > 0 && open && !connection.broken {
                steps.push(Step::Break(index));
            }
            for end in 0..2 {
                if connection.views[end] == View::Aborted {
                    steps.push(Step::Lose(index, end));
                } else if !connection.queues[end].is_empty() {
                    steps.push(Step::Deliver(index, end));
                } else if connection.broken && connection.views[end] != View::Over {
                    steps.push(Step::Notice(index, end));
                }
            }
        }
        steps
    }

    /// Returns `true` if the node has a connection that is up to another of this name.
    fn is_up(&self, node: usize, to: usize) -> bool {
        self.connections.iter().any(|connection| {
            (0..2).any(|end| {
                connection.ends[end] == (node, self.nodes[node].life)
                    && matches!(connection.views[end], View::Up { .. })
                    && self.nodes[connection.ends[1 - end].0].name == self.nodes[to].name
            })
        })
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Dial(node) => {
                let (to, left) = self.nodes[node].dials.unwrap();
                self.nodes[node].dials = Some((to, left - 1));
                let ends = [node, to].map(|index| (index, self.nodes[index].life));
                let hello = |index: usize| VecDeque::from([Message::Hello(self.nodes[index].identity)]);
                let queues = [hello(to), hello(node)];
                self.connections.push(Connection { ends, views: [View::AwaitsHello; 2], queues, broken: false });
            }
            Step::Deliver(index, end) => {
                let message = self.connections[index].queues[end].pop_front().unwrap();
                self.receive(index, end, message);
            }
            Step::Break(index) => {
                self.breaks -= 1;
                self.cut(index);
            }
            Step::Notice(index, end) => {
                // A probe on a broken connection is not answered.
                if let View::Up { probing: true } = self.connections[index].views[end] {
                    self.connections[index].views[end] = View::Up { probing: false };
                    let (node, peer) = self.names(index, end);
                    let actions = self.nodes[node].admissions.probed(&peer, Epoch(index as u64), false);
                    self.execute(node, &actions);
                } else {
                    self.end(index, end);
                }
            }
            Step::Lose(index, end) => self.end(index, end),
            Step::Restart(index) => {
                self.restarts -= 1;
                let node = &mut self.nodes[index];
                let old = node.life;
                node.life += 1;
                node.identity = Identity { incarnation: 2, instance: node.identity.instance + 100 };
                node.admissions = Admissions::new(usize::MAX);
                node.events = [0, 0];
                for connection in 0..self.connections.len() {
                    for end in 0..2 {
                        if self.connections[connection].ends[end] == (index, old) {
                            self.connections[connection].views[end] = View::Over;
                            self.cut(connection);
                        }
                    }
                }
            }
        }
    }

    /// Breaks a connection: the messages under way on it are lost.
    fn cut(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        connection.broken = true;
        connection.queues = Default::default();
    }

    /// Returns the node at this end, and the name of the other.
    fn names(&self, index: usize, end: usize) -> (usize, NodeName) {
        let ends = self.connections[index].ends;
        (ends[end].0, self.nodes[ends[1 - end].0].name.clone())
    }

    fn send(&mut self, index: usize, from: usize, message: Message) {
        let connection = &mut self.connections[index];
        if !connection.broken && connection.views[1 - from] != View::Over {
            connection.queues[1 - from].push_back(message);
        }
    }

    fn receive(&mut self, index: usize, end: usize, message: Message) {
        let (node, peer) = self.names(index, end);
        let epoch = Epoch(index as u64);
        match (self.connections[index].views[end], message) {
            (View::Over | View::Aborted, _) => {}
            (View::AwaitsHello, Message::Hello(identity)) => {
                self.connections[index].views[end] = View::Deciding { peer: identity, admitted: false };
                if self.nodes[node].name < peer {
                    let actions = self.nodes[node].admissions.add(&peer, epoch, identity, false);
                    self.execute(node, &actions);
                }
            }
            (View::Deciding { peer: identity, admitted: false }, Message::Admit) => {
                let actions = self.nodes[node].admissions.add(&peer, epoch, identity, true);
                self.execute(node, &actions);
            }
            (View::Deciding { admitted: true, .. }, Message::Admit) => self.up(index, end),
            (View::Up { .. }, Message::Probe) => self.send(index, end, Message::Answer),
            (View::Up { .. }, Message::Answer) => {
                self.connections[index].views[end] = View::Up { probing: false };
                let actions = self.nodes[node].admissions.probed(&peer, epoch, true);
                self.execute(node, &actions);
            }
            (_, Message::Refuse(_) | Message::End) => self.end(index, end),
            (view, message) => panic!("{message:?} at {view:?}"),
        }
    }

    fn up(&mut self, index: usize, end: usize) {
        let (node, peer) = self.names(index, end);
        assert!(self.nodes[node].admissions.up(&peer, Epoch(index as u64)), "another connection was admitted");
        self.connections[index].views[end] = View::Up { probing: false };
        self.nodes[node].events[0] += 1;
        let actions = self.nodes[node].admissions.after_up(&peer);
        self.execute(node, &actions);
    }

    /// Ends one side of a connection, and notifies the other.
    fn end(&mut self, index: usize, end: usize) {
        let (node, peer) = self.names(index, end);
        let was = std::mem::replace(&mut self.connections[index].views[end], View::Over);
        if matches!(was, View::Up { .. } | View::Aborted) {
            self.nodes[node].events[1] += 1;
        }
        self.send(index, end, Message::End);
        let actions = self.nodes[node].admissions.closed(&peer, Epoch(index as u64));
        self.execute(node, &actions);
    }

    fn execute(&mut self, node: usize, actions: &[Action]) {
        for action in actions {
            let (Action::Admit(epoch) | Action::Refuse(epoch, _) | Action::Probe(epoch) | Action::Abort(epoch)) =
                *action;
            let index = epoch.0 as usize;
            let end = (0..2).find(|end| self.connections[index].ends[*end] == (node, self.nodes[node].life)).unwrap();
            match (*action, &mut self.connections[index].views[end]) {
                (_, View::Over) => {}
                (Action::Admit(_), View::Deciding { admitted, .. }) => {
                    *admitted = true;
                    let decides = self.nodes[node].name < self.names(index, end).1;
                    self.send(index, end, Message::Admit);
                    if !decides {
                        self.up(index, end);
                    }
                }
                (Action::Refuse(_, refusal), _) => {
                    self.send(index, end, Message::Refuse(refusal));
                    self.end(index, end);
                }
                (Action::Probe(_), View::Up { probing }) => {
                    *probing = true;
                    self.send(index, end, Message::Probe);
                }
                (Action::Abort(_), view) => *view = View::Aborted,
                (action, view) => panic!("{action:?} at {view:?}"),
            }
        }
    }

    /// Checks what must hold after each step.
    fn check(&self) {
        for (index, node) in self.nodes.iter().enumerate() {
            let [ups, downs] = node.events;
            assert!(ups >= downs, "a Down without its Up: {self:#?}");
            let up = self.connections.iter().filter(|connection| {
                (0..2).any(|end| {
                    connection.ends[end] == (index, node.life)
                        && matches!(connection.views[end], View::Up { .. } | View::Aborted)
                })
            });
            assert!(up.count() as u32 == ups - downs, "{self:#?}");
        }
    }
}

/// Visits every state, checks each, and returns those in which nothing more happens.
fn explore(start: World) -> Vec<World> {
    let (mut seen, mut ends) = (BTreeSet::new(), Vec::new());
    let mut stack = vec![start];
    while let Some(world) = stack.pop() {
        if !seen.insert(world.clone()) {
            continue;
        }
        world.check();
        let steps = world.steps();
        // Breaks and restarts may happen or not.
        let rests = steps.iter().all(|step| matches!(step, Step::Break(_) | Step::Restart(_)));
        for step in steps {
            let mut next = world.clone();
            next.take(step);
            stack.push(next);
        }
        if rests {
            let decided = |view: &View| matches!(view, View::Up { probing: false } | View::Over);
            let all = world.connections.iter().all(|connection| connection.views.iter().all(decided));
            assert!(all, "a connection waits forever: {world:#?}");
            ends.push(world);
        }
    }
    assert!(!ends.is_empty());
    ends
}

/// The number of connections that are up on both sides, and that of those that are up on one side only.
fn up(world: &World) -> (usize, usize) {
    let is_up = |connection: &&Connection, count| {
        connection.views.iter().filter(|view| matches!(view, View::Up { .. })).count() == count
    };
    let count = |sides| world.connections.iter().filter(|connection| is_up(connection, sides)).count();
    (count(2), count(1))
}

#[test]
fn crossed_dials_leave_one_connection_and_one_up_each() {
    for dials in [&[(0, 1), (1, 0)][..], &[(0, 1)], &[(1, 0)]] {
        for world in explore(World::new(&["a@x", "b@x"], dials, 0, 0)) {
            assert_eq!(up(&world), (1, 0), "{world:#?}");
            assert!(world.nodes.iter().all(|node| node.events == [1, 0]), "{world:#?}");
        }
    }
}

/// A second address of the same node, dialled while the first connection is up or is being opened.
#[test]
fn a_second_dial_of_the_same_node_changes_nothing() {
    for (from, to) in [(0, 1), (1, 0)] {
        let mut world = World::new(&["a@x", "b@x"], &[(from, to)], 0, 0);
        world.take(Step::Dial(from));
        world.take(Step::Dial(from));
        for world in explore(world) {
            assert_eq!(up(&world), (1, 0), "{world:#?}");
            assert!(world.nodes.iter().all(|node| node.events == [1, 0]), "{world:#?}");
        }
    }
}

#[test]
fn crossed_dials_of_which_one_breaks_leave_no_connection_on_one_side_only() {
    for world in explore(World::new(&["a@x", "b@x"], &[(0, 1), (1, 0)], 1, 0)) {
        let (both, one) = up(&world);
        assert!(one == 0 && both <= 1, "{world:#?}");
        // Each node dials twice at most here; without a connection both have done so.
        let tired = world.nodes.iter().all(|node| node.dials.is_some_and(|(_, left)| left == 0));
        assert!(both == 1 || tired, "{world:#?}");
        for node in &world.nodes {
            assert_eq!((node.events[0] - node.events[1]) as usize, both, "{world:#?}");
        }
    }
}

#[test]
fn a_node_that_restarts_is_admitted_once_its_old_connection_is_found_dead() {
    for dials in [&[(0, 1)][..], &[(1, 0)], &[(0, 1), (1, 0)]] {
        for world in explore(World::new(&["a@x", "b@x"], dials, 0, 1)) {
            let (both, one) = up(&world);
            assert!(one == 0 && both <= 1, "{world:#?}");
            let tired = world.nodes.iter().any(|node| node.dials.is_some_and(|(_, left)| left == 0));
            assert!(both == 1 || tired, "{world:#?}");
        }
    }
}

/// The third node has the name of the second.
#[test]
fn a_namesake_never_disturbs_a_healthy_node() {
    for names in [["a@x", "b@x", "b@x"], ["b@x", "a@x", "a@x"]] {
        for dials in [&[(1, 0), (2, 0)][..], &[(0, 1), (2, 0)]] {
            for world in explore(World::new(&names, dials, 0, 0)) {
                assert_eq!(up(&world), (1, 0), "{world:#?}");
                assert_eq!(world.nodes[0].events, [1, 0], "one of the two stays: {world:#?}");
            }
        }
    }
}

/// The peer decides, and would not have offered a second connection if it still had the first one.
#[test]
fn a_connection_that_the_peer_has_lost_is_aborted_without_a_probe() {
    let (name, identity) = (NodeName::new("a@x").unwrap(), Identity { incarnation: 1, instance: 7 });
    let mut admissions = Admissions::new(usize::MAX);
    assert_eq!(admissions.add(&name, Epoch(1), identity, true), [Action::Admit(Epoch(1))]);
    assert!(admissions.up(&name, Epoch(1)));
    assert_eq!(admissions.add(&name, Epoch(2), identity, true), [Action::Abort(Epoch(1))]);
    assert_eq!(admissions.add(&name, Epoch(3), identity, true), [], "it waits for the loss");
    assert_eq!(admissions.closed(&name, Epoch(1)), [Action::Admit(Epoch(2))]);
    // Another instance may be a namesake.
    let other = Identity { instance: 8, ..identity };
    assert!(admissions.up(&name, Epoch(2)));
    assert_eq!(admissions.closed(&name, Epoch(3)), []);
    assert_eq!(admissions.add(&name, Epoch(4), other, true), [Action::Probe(Epoch(2))]);
    assert_eq!(admissions.probed(&name, Epoch(2), true), [Action::Refuse(Epoch(4), Refusal::NameInUse)]);
    assert_eq!(admissions.add(&name, Epoch(5), identity, false), [Action::Probe(Epoch(2))]);
    assert_eq!(admissions.probed(&name, Epoch(2), true), [Action::Refuse(Epoch(5), Refusal::Duplicate)]);
    assert_eq!(admissions.closed(&name, Epoch(2)), []);
    assert_eq!(admissions, Admissions::new(usize::MAX), "nothing remains of a name without connections");
}

#[test]
fn a_further_name_is_refused_and_a_known_one_is_not() {
    let identity = Identity { incarnation: 1, instance: 7 };
    let name = |name: &str| NodeName::new(name).unwrap();
    let mut admissions = Admissions::new(2);
    for (epoch, peer) in [(1, "a@x"), (2, "b@x")] {
        assert_eq!(admissions.add(&name(peer), Epoch(epoch), identity, false), [Action::Admit(Epoch(epoch))]);
    }
    let refused = [Action::Refuse(Epoch(3), Refusal::TooManyPeers)];
    assert_eq!(admissions.add(&name("c@x"), Epoch(3), identity, false), refused);
    assert_eq!(admissions.closed(&name("c@x"), Epoch(3)), []);
    assert_eq!(admissions.add(&name("a@x"), Epoch(4), identity, false), [], "it waits for the other one");
    assert_eq!(admissions.closed(&name("b@x"), Epoch(2)), []);
    assert_eq!(admissions.add(&name("c@x"), Epoch(5), identity, false), [Action::Admit(Epoch(5))]);
}
