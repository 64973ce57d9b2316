//! The chat as a seeded test: on three nodes, people join, write, change rooms, disconnect and continue on another node,
//! while processes crash, nodes crash and lose their disks, and connections fail.
//!
//! Invariants in every order: an acknowledged line is on the disks of all nodes in the end, once, at the same place.
//! Each person receives the lines of the room in that order, each once, also over several connections to several nodes.
//! A person who is connected at the end has received all of them, and is in the room on all nodes. A person receives no
//! lines of a room after leaving it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, Mutex};

use greenroom::prelude::*;
use greenroom::testing::{Check, Cluster, Faults};
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::history::database::{Database, DatabaseRef, Source};
use crate::history::store::{Page, Store};
use crate::history::writer::{Candidate, WriterRef};
use crate::line::Nick;
use crate::membership::MemberRef;
use crate::rooms::{Rooms, RoomsRef};
use crate::services::{Place, Service, Services};
use crate::session::{Client, ClientMessage, Disconnected, ServerMessage, Session, ShownLine};
use crate::text::Text;

pub(crate) const NODES: [&str; 3] = ["n0@test", "n1@test", "n2@test"];
const ROOMS: [&str; 2] = ["garden", "lobby"];
const NICKS: [&str; 4] = ["ann", "bob", "eve", "joe"];
const STEPS: u64 = 120;
/// The time after the last failure in which all people receive all lines.
const SETTLE_TIME: Duration = Duration::from_secs(60);

/// The part of the chat that the test needs.
#[supervisor(intensity = 1000, period = "1s")]
pub(crate) struct Chat {
    pub(crate) source: Source,
    pub(crate) services: Services,
    #[child(start = Database::open(self.source.clone(), self.services.clone()))]
    database: Database,
    #[child(start = Rooms::new(self.services.clone()))]
    rooms: Rooms,
    #[child(start = Candidate::new(self.services.clone()))]
    writer: Candidate,
}

/// The disks of the nodes, which outlive crashes.
#[derive(Clone)]
pub(crate) struct Disks(Arc<Mutex<Vec<Arc<Store>>>>);

impl Disks {
    pub(crate) fn new() -> Disks {
        Disks(Arc::new(Mutex::new((0..NODES.len()).map(|_| Arc::new(Store::in_memory())).collect())))
    }

    pub(crate) fn all(&self) -> Vec<Arc<Store>> {
        self.0.lock().unwrap().clone()
    }

    /// Replaces the disk of a node by an empty one, unless that would be the second of two: a majority has each line.
    pub(crate) fn lose(&self, node: usize) {
        let mut disks = self.0.lock().unwrap();
        if disks.iter().all(|disk| disk.state().unwrap().may_vote) {
            disks[node] = Arc::new(Store::in_memory());
        }
    }
}

/// Starts the chat on a node.
pub(crate) async fn boot(node: Node, disks: Disks) -> Result<(), StartError> {
    let names = NODES.map(|name| NodeName::new(name).unwrap());
    let others = names.into_iter().filter(|name| name != node.name());
    let others = others.map(|node| Place { node, services: Service::ALL.to_vec() }).collect();
    let services = Services::new(&node, Service::ALL.to_vec(), others);
    let source = Source::Memory(Arc::clone(&disks.all()[services.databases().own()]));
    node.start_tree(Chat { source, services }).await.map(drop)
}

/// The state of a person, which outlives the connections.
#[derive(Debug, Default)]
struct ClientState {
    /// The number of the current connection.
    connection: u64,
    /// The room that the session was requested to join.
    room: &'static str,
    /// The received lines of each room: numbers and ids.
    received: BTreeMap<&'static str, Vec<(u64, String)>>,
    /// The unacknowledged lines, and their rooms.
    waiting: BTreeMap<String, &'static str>,
    acknowledged: BTreeSet<String>,
    /// A violated invariant.
    violation: Option<String>,
}

/// One of the connections of a person.
struct TestClient {
    number: u64,
    incoming: mpsc::UnboundedReceiver<ClientMessage>,
    state: Arc<Mutex<ClientState>>,
}

impl Client for TestClient {
    async fn receive(&mut self) -> Option<Result<ClientMessage, String>> {
        let mut message = self.incoming.recv().await?;
        let mut state = self.state.lock().unwrap();
        // Messages that a lost connection still contains are discarded.
        if state.connection != self.number {
            return None;
        }
        if let ClientMessage::Join { room, last_seen, .. } = &mut message {
            state.room = room_name(room);
            // The current number: lines of the old room may arrive until the session takes this message.
            *last_seen =
                Some(state.received.get(state.room).and_then(|lines| lines.last()).map_or(0, |(number, _)| *number));
        }
        Some(Ok(message))
    }

    async fn send(&mut self, message: &ServerMessage<'_>) -> Result<(), Disconnected> {
        let mut state = self.state.lock().unwrap();
        if state.connection != self.number {
            return Err(Disconnected);
        }
        match message {
            ServerMessage::Line(ShownLine { number, id, .. }) => {
                // An id begins with the name of its room.
                let room = room_name(id.as_str().split(' ').next().unwrap());
                if room != state.room {
                    state.violation = Some(format!("{id} was received in {}", state.room));
                }
                state.received.entry(room).or_default().push((*number, id.as_str().to_owned()));
            }
            ServerMessage::Acknowledged { id } => {
                state.waiting.remove(id.as_str());
                state.acknowledged.insert(id.as_str().to_owned());
            }
            ServerMessage::Error { text, .. } => state.violation = Some(text.clone()),
            _ => {}
        }
        Ok(())
    }

    async fn close(&mut self) {}
}

fn room_name(room: &str) -> &'static str {
    ROOMS.into_iter().find(|name| *name == room).expect("one of the two rooms")
}

/// A person, connected or not.
struct TestPerson {
    nick: &'static str,
    lines: u64,
    state: Arc<Mutex<ClientState>>,
    connection: Option<Connection>,
}

struct Connection {
    /// The node of the connection.
    node: usize,
    to_session: mpsc::UnboundedSender<ClientMessage>,
    session: MemberRef,
}

impl TestPerson {
    fn connect(&mut self, cluster: &Cluster, node: usize, room: &'static str) {
        let (to_session, incoming) = mpsc::unbounded_channel();
        let number = {
            let mut state = self.state.lock().unwrap();
            state.connection += 1;
            state.connection
        };
        let client = TestClient { number, incoming, state: Arc::clone(&self.state) };
        let node_ref = cluster.node(node);
        let session = node_ref.spawn(Session::new(client, Services::of(node_ref)));
        self.connection = Some(Connection { node, to_session, session });
        self.join(room);
    }

    /// Joins a room, and sends its unacknowledged lines again.
    fn join(&self, room: &'static str) {
        let state = self.state.lock().unwrap();
        self.send(ClientMessage::Join { room: room.to_owned(), nick: self.nick.to_owned(), last_seen: None });
        for (id, _) in state.waiting.iter().filter(|(_, line_room)| **line_room == room) {
            self.send(ClientMessage::Say { room: None, id: id.clone(), words: id.clone() });
        }
    }

    fn say(&mut self, room: &'static str) {
        self.lines += 1;
        let id = format!("{room} {} {}", self.nick, self.lines);
        self.state.lock().unwrap().waiting.insert(id.clone(), room);
        self.send(ClientMessage::Say { room: None, id: id.clone(), words: id });
    }

    fn send(&self, message: ClientMessage) {
        if let Some(connection) = &self.connection {
            // A killed session receives nothing; an unacknowledged line is sent again later.
            let _ = connection.to_session.send(message);
        }
    }

    /// Disconnects. The session detects that, or is killed.
    fn disconnect(&mut self, killed: bool) {
        self.state.lock().unwrap().connection += 1;
        if let Some(connection) = self.connection.take()
            && killed
        {
            connection.session.exit(Exit::Kill);
        }
    }
}

/// Executes the steps that the seed selects.
async fn run_steps(cluster: &Cluster, disks: &Disks, people: &mut [TestPerson], current_rooms: &mut [&'static str]) {
    let draw = |below: usize| cluster.draw(below as u64) as usize;
    for _ in 0..STEPS {
        let index = draw(people.len());
        let (person, room) = (&mut people[index], &mut current_rooms[index]);
        if person.connection.is_none() {
            *room = ROOMS[draw(2)];
            person.connect(cluster, draw(3), room);
        }
        match draw(20) {
            0..=1 => {
                *room = ROOMS[draw(2)];
                person.join(room);
            }
            2 => person.disconnect(false),
            3 => person.disconnect(true),
            4 => person.send(ClientMessage::Say { room: None, id: "crash".to_owned(), words: "/crash".to_owned() }),
            5 => {
                let node = cluster.node(draw(3));
                match draw(3) {
                    0 => node.named::<RoomsRef>("rooms").exit(Exit::Kill),
                    1 => node.named::<DatabaseRef>("database").exit(Exit::Kill),
                    _ => cluster.node(0).global::<WriterRef>("writer").exit(Exit::Kill),
                }
            }
            6..=7 => {
                let node = draw(3);
                for person in people.iter_mut() {
                    if person.connection.as_ref().is_some_and(|connection| connection.node == node) {
                        person.disconnect(false);
                    }
                }
                cluster.crash(node);
                if draw(2) == 0 {
                    disks.lose(node);
                }
                sleep(Duration::from_millis(cluster.draw(3000))).await;
                cluster.restart(node).await;
            }
            8..=9 => sleep(Duration::from_millis(cluster.draw(5000))).await,
            _ => person.say(room),
        }
        if draw(2) == 0 {
            sleep(Duration::from_millis(cluster.draw(300))).await;
        }
    }
    // At the end each person connects again and sends the unacknowledged lines again.
    for (person, room) in people.iter_mut().zip(current_rooms) {
        person.disconnect(false);
        person.connect(cluster, draw(3), room);
        let waiting: BTreeSet<&'static str> = person.state.lock().unwrap().waiting.values().copied().collect();
        for line_room in waiting {
            *room = line_room;
            person.join(line_room);
        }
    }
}

/// Returns the numbers and ids of a room's lines on a disk, acknowledged or not.
pub(crate) fn history(disk: &Store, room: &str) -> Vec<(u64, String)> {
    let (room, mut lines) = (Text::new(room).unwrap(), Vec::new());
    loop {
        let after = lines.last().map_or(0, |(number, _)| *number);
        let page = disk.page(&room, Page::After(after), u64::MAX).unwrap();
        if page.is_empty() {
            return lines;
        }
        lines.extend(page.into_iter().map(|entry| (entry.number, entry.line.id.as_str().to_owned())));
    }
}

/// Two tests, which run at the same time.
#[test]
fn every_member_receives_every_line_once_despite_crashes() {
    check(0..5);
}

#[test]
fn every_member_receives_every_line_once_with_other_seeds() {
    check(5..10);
}

fn check(seeds: Range<u64>) {
    Check::nodes(3).state(|_| Disks::new()).boot(boot).run(seeds, async |cluster, disks| {
        let mut people = NICKS.map(|nick| TestPerson { nick, lines: 0, state: Arc::default(), connection: None });
        let mut current_rooms = [ROOMS[0]; NICKS.len()];
        tokio::join!(
            run_steps(&cluster, &disks, &mut people, &mut current_rooms),
            cluster.chaos(Faults::LINKS, Duration::from_secs(60)),
        );
        sleep(SETTLE_TIME).await;

        let disks = disks.all();
        let histories: BTreeMap<_, _> = ROOMS.iter().map(|room| (*room, history(&disks[0], room))).collect();
        for disk in &disks {
            assert!(disk.state().unwrap().may_vote, "a database has not caught up");
            assert_eq!(disk.state().unwrap().end, disks[0].state().unwrap().end);
            ROOMS
                .iter()
                .for_each(|room| assert_eq!(history(disk, room), histories[room], "the disks differ in {room}"));
        }
        let written: Vec<&String> = histories.values().flatten().map(|(_, id)| id).collect();
        assert_eq!(written.iter().collect::<BTreeSet<_>>().len(), written.len(), "a line is written twice");
        for (person, room) in people.iter().zip(current_rooms) {
            let state = person.state.lock().unwrap();
            let nick = person.nick;
            assert_eq!(state.violation, None, "{nick}");
            assert_eq!(state.room, room, "{nick}");
            assert_eq!(state.waiting, BTreeMap::new(), "{nick} has unacknowledged lines");
            assert!(state.acknowledged.iter().all(|id| written.contains(&id)), "{nick}: {state:?}");
            assert_eq!(state.acknowledged.len() as u64, person.lines, "{nick}");
            for (room, received) in &state.received {
                let history = &histories[room];
                assert!(history.starts_with(received), "{nick} received in {room}: {received:?}, not {history:?}");
            }
            let received = state.received.get(room).map_or(0, Vec::len);
            assert_eq!(received, histories[room].len(), "{nick} in {room} has not received all lines");
        }
        // Each node lists the people of all nodes, and no one from a lost connection.
        let mut members = 0;
        for node in (0..NODES.len()).map(|node| cluster.node(node)) {
            let rooms: RoomsRef = node.named("rooms");
            members += rooms.people().await?;
            for room in ROOMS {
                let inside = people.iter().zip(current_rooms).filter(|(_, current)| *current == room);
                let expected: Vec<&str> = inside.map(|(person, _)| person.nick).collect();
                let nicks = rooms.people_in(Text::new(room).unwrap()).await?.nicks;
                assert_eq!(nicks.iter().map(Nick::as_str).collect::<Vec<_>>(), expected, "{} in {room}", node.name());
            }
        }
        assert_eq!(members, people.len());
        people.iter_mut().for_each(|person| person.disconnect(false));
        Ok::<(), CallError>(())
    });
}
