use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::*;
use crate::history::database::{Database, DatabaseRef, Source};
use crate::history::store::Store;
use crate::history::writer::Candidate;
use crate::membership::MemberRef;
use crate::rooms::Rooms;

/// A client that is controlled by a test. It passes on JSON as a browser receives it.
struct TestClient {
    incoming: mpsc::UnboundedReceiver<Value>,
    outgoing: mpsc::UnboundedSender<Value>,
}

impl Client for TestClient {
    async fn receive(&mut self) -> Option<Result<ClientMessage, String>> {
        let message = self.incoming.recv().await?;
        Some(serde_json::from_value(message).map_err(|error| error.to_string()))
    }

    async fn send(&mut self, message: &ServerMessage<'_>) -> Result<(), Disconnected> {
        self.outgoing.send(serde_json::to_value(message).unwrap()).map_err(|_| Disconnected)
    }

    async fn close(&mut self) {}
}

/// The test's side of a [`TestClient`].
struct TestConnection {
    to_session: mpsc::UnboundedSender<Value>,
    from_session: mpsc::UnboundedReceiver<Value>,
    session: MemberRef,
}

impl TestConnection {
    fn send(&self, message: Value) {
        self.to_session.send(message).unwrap();
    }

    /// Waits for a message with all these fields, and skips others.
    async fn expect(&mut self, expected: Value) {
        let fields = expected.as_object().unwrap();
        loop {
            let message = self.from_session.recv().await.expect("the session runs");
            if fields.iter().all(|(name, value)| message[name] == *value) {
                return;
            }
        }
    }
}

fn connect(node: &Node) -> TestConnection {
    let ((to_session, incoming), (outgoing, from_session)) = (mpsc::unbounded_channel(), mpsc::unbounded_channel());
    let services = Services::of(node);
    let session = node.spawn(Session::new(TestClient { incoming, outgoing }, services));
    TestConnection { to_session, from_session, session }
}

#[greenroom::test]
async fn a_crash_of_the_rooms_loses_neither_people_nor_lines() {
    let node = Node::current();
    node.start_tree(TestChat::new(&node)).await.unwrap();
    let (mut ann, mut bob) = (connect(&node), connect(&node));

    ann.send(json!({ "type": "say", "id": "0", "words": "too early" }));
    ann.expect(json!({ "type": "error", "id": "0", "text": "join a room first" })).await;
    ann.send(json!({ "type": "join", "room": "lobby", "nick": "" }));
    ann.expect(json!({ "type": "error", "text": "your name is empty" })).await;
    ann.send(json!({ "type": "join", "room": "lobby", "nick": "ann" }));
    ann.expect(json!({ "type": "joined", "people": ["ann"] })).await;
    bob.send(json!({ "type": "join", "room": "lobby", "nick": "bob", "last_seen": u64::MAX }));
    ann.expect(json!({ "type": "member_joined", "nick": "bob" })).await;
    ann.send(json!({ "type": "say", "id": "long", "words": "x".repeat(64 * 1024) }));
    ann.expect(json!({ "type": "error", "id": "long" })).await;
    ann.send(json!({ "type": "say", "id": "1", "words": "hello" }));
    ann.expect(json!({ "type": "line", "number": 1, "nick": "ann", "words": "hello" })).await;

    // Bob joins again without a last line.
    bob.send(json!({ "type": "join", "room": "lobby", "nick": "bob", "last_seen": 0 }));
    bob.expect(json!({ "type": "line", "number": 1, "words": "hello" })).await;
    bob.send(json!({ "type": "say", "id": "2", "words": "/crash" }));
    bob.send(json!({ "type": "say", "id": "3", "words": "still here" }));
    bob.expect(json!({ "type": "joined" })).await;
    ann.expect(json!({ "type": "lost" })).await;
    ann.expect(json!({ "type": "line", "number": 2, "nick": "bob", "words": "still here" })).await;

    // A line that is sent again under its id is acknowledged and not written again.
    bob.send(json!({ "type": "say", "id": "3", "words": "still here" }));
    bob.expect(json!({ "type": "acknowledged", "id": "3" })).await;
    let database: DatabaseRef = node.named("database");
    assert_eq!(database.page(Text::new("lobby").unwrap(), Page::After(0)).await.unwrap().len(), 2);
}

#[greenroom::test]
async fn a_busy_client_and_a_busy_room_take_turns() {
    let node = Node::current();
    node.start_tree(TestChat::new(&node)).await.unwrap();
    let mut ann = connect(&node);
    ann.send(json!({ "type": "join", "room": "lobby", "nick": "ann" }));
    ann.expect(json!({ "type": "joined" })).await;
    for (client, room) in [(900, 3), (3, 900), (900, 900)] {
        for _ in 0..client {
            ann.send(json!({ "type": "nonsense" }));
        }
        for _ in 0..room {
            ann.session.member_joined(Text::new("bob").unwrap());
        }
        // The client receives the messages of both sources.
        let mut received = Vec::new();
        while received.len() < client + room {
            received.push(ann.from_session.recv().await.expect("the session runs")["type"] == "member_joined");
        }
        // The source with fewer messages has every second turn, except for a delay when tokio's budget is
        // exhausted.
        let fewer = room <= client;
        let turns = received.iter().enumerate().filter(|(_, from_room)| **from_room == fewer).map(|(at, _)| at);
        let late = turns.zip(0..).map(|(at, turn)| at.saturating_sub(2 * turn)).max();
        assert!(late <= Some(32), "{client} and {room}: {late:?} turns late");
    }
}

/// The part of the chat that a session needs.
#[supervisor]
struct TestChat {
    source: Source,
    services: Services,
    #[child(start = Database::open(self.source.clone(), self.services.clone()))]
    database: Database,
    #[child(start = Rooms::new(self.services.clone()))]
    rooms: Rooms,
    #[child(start = Candidate::new(self.services.clone()))]
    writer: Candidate,
}

impl TestChat {
    fn new(node: &Node) -> TestChat {
        TestChat { source: Source::Memory(Arc::new(Store::in_memory())), services: Services::of(node) }
    }
}
