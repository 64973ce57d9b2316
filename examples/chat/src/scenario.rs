//! The chat as a seeded test: on three nodes, people join, write, change rooms, disconnect and return, while the
//! rooms and the database crash, nodes crash and connections fail.
//!
//! Invariants in every order: an acknowledged line is in the history once. Each person receives the lines of the room
//! in the history's order, each once, also over several connections. A person who is connected at the end has
//! received all of them. A person receives no lines of a room after leaving it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use greenroom::prelude::*;
use greenroom::testing::{Check, Cluster, Faults};
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::database::Database;
use crate::membership::MemberRef;
use crate::rooms::{Rooms, RoomsRef};
use crate::services::Services;
use crate::session::{Client, ClientMessage, Disconnected, ServerMessage, Session};
use crate::store::Store;
use crate::text::Text;

const ROOMS: [&str; 2] = ["garden", "lobby"];
const NICKS: [&str; 4] = ["ann", "bob", "eve", "joe"];
const STEPS: u64 = 120;

/// The part of the chat that the test needs. The history outlives the database's crashes, as a disk does.
#[supervisor(intensity = 1000, period = "1s")]
struct Chat {
    store: Arc<Store>,
    #[child(start = Database::with_store(&self.store))]
    database: Database,
    #[child]
    rooms: Rooms,
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
            ServerMessage::Line { number, id, .. } => {
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
            ServerMessage::Joined { .. }
            | ServerMessage::Lost { .. }
            | ServerMessage::MemberJoined { .. }
            | ServerMessage::MemberLeft { .. } => {}
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
        let home = cluster.node(0).name();
        let client = TestClient { number, incoming, state: Arc::clone(&self.state) };
        let node_ref = cluster.node(node);
        let session = node_ref.spawn(Session::new(client, Services::of(node_ref, home)));
        self.connection = Some(Connection { node, to_session, session });
        self.join(room);
    }

    /// Joins a room, and sends its unacknowledged lines again.
    fn join(&self, room: &'static str) {
        let state = self.state.lock().unwrap();
        self.send(ClientMessage::Join { room: room.to_owned(), nick: self.nick.to_owned(), last_seen: None });
        for (id, _) in state.waiting.iter().filter(|(_, line_room)| **line_room == room) {
            self.send(ClientMessage::Say { id: id.clone(), words: id.clone() });
        }
    }

    fn say(&mut self, room: &'static str) {
        self.lines += 1;
        let id = format!("{room} {} {}", self.nick, self.lines);
        self.state.lock().unwrap().waiting.insert(id.clone(), room);
        self.send(ClientMessage::Say { id: id.clone(), words: id });
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
async fn run_steps(cluster: &Cluster, people: &mut [TestPerson], current_rooms: &mut [&'static str]) {
    let rooms: RoomsRef = cluster.node(0).named("rooms");
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
            4 => person.send(ClientMessage::Say { id: "crash".to_owned(), words: "/crash".to_owned() }),
            5 => rooms.exit(Exit::Kill),
            6 => cluster.node(0).named::<crate::database::DatabaseRef>("database").exit(Exit::Kill),
            7 => {
                let node = 1 + draw(2);
                for person in people.iter_mut() {
                    if person.connection.as_ref().is_some_and(|connection| connection.node == node) {
                        person.disconnect(false);
                    }
                }
                cluster.crash(node);
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

#[test]
fn every_member_receives_every_line_once_despite_crashes() {
    Check::nodes(3).run(0..20, async |cluster| {
        let store = Arc::new(Store::in_memory());
        let tree = cluster.node(0).start_tree(Chat { store: Arc::clone(&store) }).await?;
        let mut people = NICKS.map(|nick| TestPerson { nick, lines: 0, state: Arc::default(), connection: None });
        let mut current_rooms = [ROOMS[0]; NICKS.len()];
        tokio::join!(
            run_steps(&cluster, &mut people, &mut current_rooms),
            cluster.chaos(Faults::LINKS, Duration::from_secs(60)),
        );
        sleep(Duration::from_secs(300)).await;

        let mut history = BTreeMap::new();
        for room in ROOMS {
            let (mut lines, mut after) = (Vec::new(), 0);
            loop {
                let page = store.page(&Text::new(room).unwrap(), Some(after)).unwrap();
                let Some(last) = page.last() else { break };
                after = last.number;
                lines.extend(page.into_iter().map(|entry| (entry.number, entry.line.id.as_str().to_owned())));
            }
            history.insert(room, lines);
        }
        let written: Vec<&String> = history.values().flatten().map(|(_, id)| id).collect();
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
                assert!(
                    history[room].starts_with(received),
                    "{nick} received in {room}: {received:?}, not {:?}",
                    history[room]
                );
            }
            let received = state.received.get(room).map_or(0, Vec::len);
            assert_eq!(received, history[room].len(), "{nick} in {room} has not received all lines");
        }
        // The rooms have no member left from a lost connection.
        let rooms: RoomsRef = cluster.node(0).named("rooms");
        assert_eq!(rooms.people().await?, people.len());
        people.iter_mut().for_each(|person| person.disconnect(false));
        assert_eq!(tree.stop().await, Exit::shutdown());
        Ok::<(), Exit>(())
    });
}
