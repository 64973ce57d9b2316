//! A session: the process of one person, for as long as the connection lasts.
//!
//! It listens to two sides at once, the person and the room, and keeps what the person said until it is
//! acknowledged. A person is a trait: a browser behind a websocket, or whoever else can hear and speak.
//!
//! Bad input is answered and forgotten; nothing that a person sends ends the session.

use std::future::Future;
use std::pin::Pin;

use futures_util::stream::{FuturesUnordered, StreamExt};
use greenroom::prelude::*;
use serde::{Deserialize, Serialize};

use crate::line::{Entry, Id, Line, Nick, Room, Words, insist};
use crate::log::LogRef;
use crate::seat::{Guest, Seat};
use crate::services::Services;
use crate::text::Text;

/// So many lines of one person may be unacknowledged; until then nothing more is read from it.
const AT_ONCE: usize = 32;

/// What a person says, as JSON `{"type": "say", ..}`. The texts are not checked yet.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Said {
    /// Wants into a room, having heard its lines up to `heard`.
    Join { room: String, nick: String, heard: Option<u64> },
    /// Says a line, or `/crash`. Said again under the same id, it counts once.
    Say { id: String, words: String },
}

/// What a person is told, as JSON of the same kind.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Told<'a> {
    /// You are in the room, with these people; also after it was lost.
    Joined { room: &'a Room, nick: &'a Nick, people: Vec<Nick> },
    /// The room is lost for the moment, for this reason.
    Lost { reason: String },
    /// Somebody said a line.
    Line { number: u64, at: u64, id: &'a Id, nick: &'a Nick, words: &'a Words },
    /// Your line with this id is written.
    Acknowledged { id: &'a Id },
    /// Somebody came.
    Came { nick: &'a Nick },
    /// Somebody left.
    Left { nick: &'a Nick },
    /// What you sent, a line with this id perhaps, is refused, and why.
    Error { id: Option<String>, text: String },
}

/// The other end of a session.
pub(crate) trait Person: Send + 'static {
    /// The next thing it says, or why that is not understood; `None` when it has gone. Cancel-safe.
    fn says(&mut self) -> impl Future<Output = Option<Result<Said, String>>> + Send;

    /// Tells it something.
    fn hears(&mut self, told: &Told<'_>) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Sends it away, since the session ends.
    fn dismiss(&mut self) -> impl Future<Output = ()> + Send;
}

/// The person has gone, or does not listen.
#[derive(Debug)]
pub(crate) struct Gone;

/// One person's process. A room does not wait for a slow one: what its mailbox has no place for, it will miss, and
/// then ask for.
#[actor(protocol = Guest, trap_exit, mailbox = 1024, overflow = drop_newest)]
pub(crate) struct Session<P> {
    person: P,
    services: Services,
    seat: Option<Seat>,
    unacknowledged: FuturesUnordered<Pin<Box<dyn Future<Output = Id> + Send>>>,
    /// Whose turn it was last.
    person_first: bool,
}

impl<P: Person> Session<P> {
    pub(crate) fn new(person: P, services: Services) -> Session<P> {
        Session { person, services, seat: None, unacknowledged: FuturesUnordered::new(), person_first: false }
    }
}

impl<P: Person> Process for Session<P> {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        cx.watch_nodes(true);
        loop {
            let outcome = match self.next(cx).await {
                Next::Written(id) => self.person.hears(&Told::Acknowledged { id: &id }).await,
                Next::Said(Some(Ok(said))) => self.said(cx, said).await,
                Next::Said(Some(Err(text))) => self.person.hears(&Told::Error { id: None, text }).await,
                Next::Said(None) => Err(Gone),
                Next::Told(Guest::Exit(signal)) => {
                    self.person.dismiss().await;
                    return Err(signal.reason);
                }
                Next::Told(message) => self.told(cx, message).await,
            };
            if let Err(Gone) = outcome {
                return Ok(());
            }
        }
    }
}

/// What a session sees to next.
enum Next {
    /// A line of the person's is written.
    Written(Id),
    /// The person says something, or has gone.
    Said(Option<Result<Said, String>>),
    /// The room's side has something to tell.
    Told(Guest),
}

impl<P: Person> Session<P> {
    /// Waits for either side. Each is first every other time, so that one that talks on and on leaves the other its
    /// turns; in a fixed order and not in tokio's random one, so that a test's seed decides everything.
    async fn next(&mut self, cx: &mut Context<Self>) -> Next {
        self.person_first = !self.person_first;
        // Of these there are few.
        let ready = self.unacknowledged.len() < AT_ONCE;
        let (written, says) = (self.unacknowledged.next(), self.person.says());
        if self.person_first {
            tokio::select! {
                biased;
                Some(id) = written => Next::Written(id),
                said = says, if ready => Next::Said(said),
                message = cx.receive() => Next::Told(message),
            }
        } else {
            tokio::select! {
                biased;
                Some(id) = written => Next::Written(id),
                message = cx.receive() => Next::Told(message),
                said = says, if ready => Next::Said(said),
            }
        }
    }

    async fn said(&mut self, cx: &mut Context<Self>, said: Said) -> Result<(), Gone> {
        let refused = match said {
            Said::Join { room, nick, heard } => match names(&room, &nick) {
                Ok((room, nick)) => return self.join(cx, room, nick, heard).await,
                Err(text) => Told::Error { id: None, text },
            },
            Said::Say { id, words } => match self.say(&id, &words) {
                Ok(()) => return Ok(()),
                Err(text) => Told::Error { id: Some(id), text },
            },
        };
        self.person.hears(&refused).await
    }

    async fn join(&mut self, cx: &mut Context<Self>, room: Room, nick: Nick, heard: Option<u64>) -> Result<(), Gone> {
        if let Some(seat) = self.seat.take() {
            seat.leave(cx);
        }
        LogRef::named("log").note(format!("{room}: {nick} joins"));
        self.seat = Some(Seat::new(room, nick, heard, self.services.clone()));
        self.look(cx).await
    }

    /// Sends a line on its way, over and over until it is written.
    fn say(&mut self, id: &str, words: &str) -> Result<(), String> {
        let seat = self.seat.as_ref().ok_or("first join a room")?;
        let id: Id = Text::new(id).map_err(|unfit| format!("the line's id {unfit}"))?;
        let words: Words = Text::new(words).map_err(|unfit| format!("the line {unfit}"))?;
        if words.as_str() == "/crash" {
            self.services.rooms.crash(seat.nick.clone());
            return Ok(());
        }
        let line = Line { room: seat.room.clone(), id, nick: seat.nick.clone(), words };
        let rooms = self.services.rooms.clone();
        self.unacknowledged.push(Box::pin(async move {
            insist(|| rooms.say(line.clone())).await;
            line.id
        }));
        Ok(())
    }

    /// The room's side.
    async fn told(&mut self, cx: &mut Context<Self>, message: Guest) -> Result<(), Gone> {
        let Some(seat) = &mut self.seat else { return Ok(()) };
        match message {
            Guest::Heard { entries } => match seat.hear(&entries) {
                Some(new) => self.show(&new).await,
                None => self.catch_up().await,
            },
            Guest::Came { nick } => self.person.hears(&Told::Came { nick: &nick }).await,
            Guest::Left { nick } => self.person.hears(&Told::Left { nick: &nick }).await,
            Guest::Down(down) if seat.is_lost(cx, &down) => {
                self.person.hears(&Told::Lost { reason: down.reason.to_string() }).await
            }
            Guest::Node(NodeEvent::Up(_)) if !seat.joined => self.look(cx).await,
            Guest::Look => self.look(cx).await,
            Guest::Down(_) | Guest::Node(_) | Guest::Exit(_) => Ok(()),
        }
    }

    /// Takes the seat, for the first time or again, and hears what was missed.
    async fn look(&mut self, cx: &mut Context<Self>) -> Result<(), Gone> {
        let Some(seat) = &mut self.seat else { return Ok(()) };
        // If the room does not answer, there will be another look.
        let Ok(people) = seat.take(cx).await else { return Ok(()) };
        self.person.hears(&Told::Joined { room: &seat.room, nick: &seat.nick, people }).await?;
        self.catch_up().await
    }

    async fn catch_up(&mut self) -> Result<(), Gone> {
        while let Some(seat) = &mut self.seat {
            match seat.missing().await {
                Ok(page) if !page.is_empty() => self.show(&page).await?,
                // Up to date; or the database does not answer, and there will be another look.
                _ => break,
            }
        }
        Ok(())
    }

    async fn show(&mut self, entries: &[Entry]) -> Result<(), Gone> {
        for Entry { number, at, line } in entries {
            let told = Told::Line { number: *number, at: *at, id: &line.id, nick: &line.nick, words: &line.words };
            self.person.hears(&told).await?;
        }
        Ok(())
    }
}

fn names(room: &str, nick: &str) -> Result<(Room, Nick), String> {
    let room = Text::new(room).map_err(|unfit| format!("the room's name {unfit}"))?;
    let nick = Text::new(nick).map_err(|unfit| format!("your name {unfit}"))?;
    Ok((room, nick))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};
    use tokio::sync::mpsc;

    use super::*;
    use crate::database::{Database, DatabaseRef};
    use crate::rooms::Rooms;
    use crate::seat::GuestRef;
    use crate::store::Store;

    /// Somebody who says what the test says, and hands on what it hears as the browser would get it.
    struct Puppet {
        says: mpsc::UnboundedReceiver<Value>,
        hears: mpsc::UnboundedSender<Value>,
    }

    impl Person for Puppet {
        async fn says(&mut self) -> Option<Result<Said, String>> {
            let said = self.says.recv().await?;
            Some(serde_json::from_value(said).map_err(|error| error.to_string()))
        }

        async fn hears(&mut self, told: &Told<'_>) -> Result<(), Gone> {
            self.hears.send(serde_json::to_value(told).unwrap()).map_err(|_| Gone)
        }

        async fn dismiss(&mut self) {}
    }

    /// The strings of a puppet.
    struct Strings {
        says: mpsc::UnboundedSender<Value>,
        hears: mpsc::UnboundedReceiver<Value>,
        session: GuestRef,
    }

    impl Strings {
        fn say(&self, said: Value) {
            self.says.send(said).unwrap();
        }

        /// Waits for something with all these fields, whatever else comes before.
        async fn hear(&mut self, expected: Value) {
            let fields = expected.as_object().unwrap();
            loop {
                let told = self.hears.recv().await.expect("the session goes on");
                if fields.iter().all(|(name, value)| told[name] == *value) {
                    return;
                }
            }
        }
    }

    fn puppet(node: &Node) -> Strings {
        let ((says, said), (hears, heard)) = (mpsc::unbounded_channel(), mpsc::unbounded_channel());
        let services = Services::of(node, node.name());
        let session = node.spawn(Session::new(Puppet { says: said, hears }, services));
        Strings { says, hears: heard, session }
    }

    #[greenroom::test]
    async fn a_crashed_room_loses_neither_people_nor_lines() {
        let node = Node::current();
        node.start_tree(Small { store: Arc::new(Store::in_memory()) }).await.unwrap();
        let (mut ann, mut bob) = (puppet(&node), puppet(&node));

        ann.say(json!({ "type": "say", "id": "0", "words": "too early" }));
        ann.hear(json!({ "type": "error", "id": "0", "text": "first join a room" })).await;
        ann.say(json!({ "type": "join", "room": "lobby", "nick": "" }));
        ann.hear(json!({ "type": "error", "text": "your name is empty" })).await;
        ann.say(json!({ "type": "join", "room": "lobby", "nick": "ann" }));
        ann.hear(json!({ "type": "joined", "people": ["ann"] })).await;
        bob.say(json!({ "type": "join", "room": "lobby", "nick": "bob", "heard": u64::MAX }));
        ann.hear(json!({ "type": "came", "nick": "bob" })).await;
        ann.say(json!({ "type": "say", "id": "long", "words": "x".repeat(64 * 1024) }));
        ann.hear(json!({ "type": "error", "id": "long" })).await;
        ann.say(json!({ "type": "say", "id": "1", "words": "hello" }));
        ann.hear(json!({ "type": "line", "number": 1, "nick": "ann", "words": "hello" })).await;

        // Bob starts anew, having heard nothing.
        bob.say(json!({ "type": "join", "room": "lobby", "nick": "bob", "heard": 0 }));
        bob.hear(json!({ "type": "line", "number": 1, "words": "hello" })).await;
        bob.say(json!({ "type": "say", "id": "2", "words": "/crash" }));
        bob.say(json!({ "type": "say", "id": "3", "words": "still here" }));
        bob.hear(json!({ "type": "joined" })).await;
        ann.hear(json!({ "type": "lost" })).await;
        ann.hear(json!({ "type": "line", "number": 2, "nick": "bob", "words": "still here" })).await;

        // Said again under the same id, it is acknowledged, and not said again.
        bob.say(json!({ "type": "say", "id": "3", "words": "still here" }));
        bob.hear(json!({ "type": "acknowledged", "id": "3" })).await;
        let database: DatabaseRef = node.named("database");
        assert_eq!(database.page(Text::new("lobby").unwrap(), Some(0)).await.unwrap().len(), 2);
    }

    #[greenroom::test]
    async fn a_flood_from_one_side_leaves_the_other_its_turns() {
        let node = Node::current();
        node.start_tree(Small { store: Arc::new(Store::in_memory()) }).await.unwrap();
        let mut ann = puppet(&node);
        ann.say(json!({ "type": "join", "room": "lobby", "nick": "ann" }));
        ann.hear(json!({ "type": "joined" })).await;
        for (person, room) in [(900, 3), (3, 900), (900, 900)] {
            for _ in 0..person {
                ann.say(json!({ "type": "nonsense" }));
            }
            for _ in 0..room {
                ann.session.came(Text::new("bob").unwrap());
            }
            // What either said is told at once.
            let mut told = Vec::new();
            while told.len() < person + room {
                told.push(ann.hears.recv().await.expect("the session goes on")["type"] == "came");
            }
            // The one with less to say has every second turn, but for some when tokio's budget is used up.
            let less = room <= person;
            let turns = told.iter().enumerate().filter(|(_, came)| **came == less).map(|(at, _)| at);
            let late = turns.zip(0..).map(|(at, turn)| at.saturating_sub(2 * turn)).max();
            assert!(late <= Some(32), "{person} and {room}: {late:?} turns late");
        }
    }

    /// As much of the chat as a session needs.
    #[supervisor]
    struct Small {
        store: Arc<Store>,
        #[child(start = Database::over(&self.store))]
        database: Database,
        #[child]
        rooms: Rooms,
    }
}
