//! The chat over many seeds: people come, talk, change rooms, lose their connection and come back, on three nodes,
//! while the rooms and the database crash, nodes die and links fail.
//!
//! What has to hold in every order: a line that is acknowledged is in the history, once; everybody hears the lines of
//! the room in the history's order, each once, also over several connections; whoever is there in the end has heard
//! them all; nobody hears a room after having left it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use greenroom::prelude::*;
use greenroom::testing::{Check, Cluster, Faults};
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::database::Database;
use crate::rooms::{Rooms, RoomsRef};
use crate::seat::GuestRef;
use crate::services::Services;
use crate::session::{Gone, Person, Said, Session, Told};
use crate::store::Store;
use crate::text::Text;

const ROOMS: [&str; 2] = ["attic", "lobby"];
const NICKS: [&str; 4] = ["ann", "bob", "eve", "joe"];
const STEPS: u64 = 120;

/// As much of the chat as people need. The history outlives the database's crashes, as a disk does.
#[supervisor(intensity = 1000, period = "1s")]
struct Chat {
    store: Arc<Store>,
    #[child(start = Database::over(&self.store))]
    database: Database,
    #[child]
    rooms: Rooms,
}

/// What somebody knows, whatever becomes of the connections.
#[derive(Debug, Default)]
struct Memory {
    /// Which connection is the present one.
    connection: u64,
    /// Where it is: the session was asked for this room.
    room: &'static str,
    /// What was heard of each room: numbers and ids.
    heard: BTreeMap<&'static str, Vec<(u64, String)>>,
    /// The lines that wait for their acknowledgement, and where they belong.
    waiting: BTreeMap<String, &'static str>,
    acknowledged: BTreeSet<String>,
    /// What must not happen, and did.
    wrong: Option<String>,
}

/// One of the connections of a guest.
struct Line {
    number: u64,
    says: mpsc::UnboundedReceiver<Said>,
    memory: Arc<Mutex<Memory>>,
}

impl Person for Line {
    async fn says(&mut self) -> Option<Result<Said, String>> {
        let mut said = self.says.recv().await?;
        let mut memory = self.memory.lock().unwrap();
        // What still lies in a lost connection is not said.
        if memory.connection != self.number {
            return None;
        }
        if let Said::Join { room, heard, .. } = &mut said {
            memory.room = known(room);
            // As of now: it may go on hearing until the session takes this.
            *heard =
                Some(memory.heard.get(memory.room).and_then(|lines| lines.last()).map_or(0, |(number, _)| *number));
        }
        Some(Ok(said))
    }

    async fn hears(&mut self, told: &Told<'_>) -> Result<(), Gone> {
        let mut memory = self.memory.lock().unwrap();
        if memory.connection != self.number {
            return Err(Gone);
        }
        match told {
            Told::Line { number, id, .. } => {
                // An id begins with its room.
                let room = known(id.as_str().split(' ').next().unwrap());
                if room != memory.room {
                    memory.wrong = Some(format!("{id} is heard in {}", memory.room));
                }
                memory.heard.entry(room).or_default().push((*number, id.as_str().to_owned()));
            }
            Told::Acknowledged { id } => {
                memory.waiting.remove(id.as_str());
                memory.acknowledged.insert(id.as_str().to_owned());
            }
            Told::Error { text, .. } => memory.wrong = Some(text.clone()),
            Told::Joined { .. } | Told::Lost { .. } | Told::Came { .. } | Told::Left { .. } => {}
        }
        Ok(())
    }

    async fn dismiss(&mut self) {}
}

fn known(room: &str) -> &'static str {
    ROOMS.into_iter().find(|known| *known == room).expect("one of the two")
}

/// Somebody who is connected, or was.
struct Somebody {
    nick: &'static str,
    said: u64,
    memory: Arc<Mutex<Memory>>,
    connection: Option<Connection>,
}

struct Connection {
    /// The node whose page it is.
    node: usize,
    says: mpsc::UnboundedSender<Said>,
    session: GuestRef,
}

impl Somebody {
    fn connect(&mut self, cluster: &Cluster, node: usize, room: &'static str) {
        let (says, heard) = mpsc::unbounded_channel();
        let number = {
            let mut memory = self.memory.lock().unwrap();
            memory.connection += 1;
            memory.connection
        };
        let home = cluster.node(0).name();
        let person = Line { number, says: heard, memory: Arc::clone(&self.memory) };
        let node_ref = cluster.node(node);
        let session = node_ref.spawn(Session::new(person, Services::of(node_ref, home)));
        self.connection = Some(Connection { node, says, session });
        self.join(room);
    }

    /// Goes into a room, and says again there what was not acknowledged.
    fn join(&self, room: &'static str) {
        let memory = self.memory.lock().unwrap();
        self.tell(Said::Join { room: room.to_owned(), nick: self.nick.to_owned(), heard: None });
        for (id, _) in memory.waiting.iter().filter(|(_, of)| **of == room) {
            self.tell(Said::Say { id: id.clone(), words: id.clone() });
        }
    }

    fn say(&mut self, room: &'static str) {
        self.said += 1;
        let id = format!("{room} {} {}", self.nick, self.said);
        self.memory.lock().unwrap().waiting.insert(id.clone(), room);
        self.tell(Said::Say { id: id.clone(), words: id });
    }

    fn tell(&self, said: Said) {
        if let Some(connection) = &self.connection {
            // A session that was killed has nobody to tell; what it did not acknowledge is said again.
            let _ = connection.says.send(said);
        }
    }

    /// The connection is lost; its session notices, or is dead itself.
    fn lose(&mut self, killed: bool) {
        self.memory.lock().unwrap().connection += 1;
        if let Some(connection) = self.connection.take()
            && killed
        {
            connection.session.exit(Exit::Kill);
        }
    }
}

/// One thing after the other, as the seed has it.
async fn live(cluster: &Cluster, people: &mut [Somebody], places: &mut [&'static str]) {
    let rooms: RoomsRef = cluster.node(0).named("rooms");
    let draw = |below: usize| cluster.draw(below as u64) as usize;
    for _ in 0..STEPS {
        let who = draw(people.len());
        let (somebody, place) = (&mut people[who], &mut places[who]);
        if somebody.connection.is_none() {
            *place = ROOMS[draw(2)];
            somebody.connect(cluster, draw(3), place);
        }
        match draw(20) {
            0..=1 => {
                *place = ROOMS[draw(2)];
                somebody.join(place);
            }
            2 => somebody.lose(false),
            3 => somebody.lose(true),
            4 => somebody.tell(Said::Say { id: "crash".to_owned(), words: "/crash".to_owned() }),
            5 => rooms.exit(Exit::Kill),
            6 => cluster.node(0).named::<crate::database::DatabaseRef>("database").exit(Exit::Kill),
            7 => {
                let node = 1 + draw(2);
                for lost in people.iter_mut() {
                    if lost.connection.as_ref().is_some_and(|connection| connection.node == node) {
                        lost.lose(false);
                    }
                }
                cluster.crash(node);
                sleep(Duration::from_millis(cluster.draw(3000))).await;
                cluster.restart(node).await;
            }
            8..=9 => sleep(Duration::from_millis(cluster.draw(5000))).await,
            _ => somebody.say(place),
        }
        if draw(2) == 0 {
            sleep(Duration::from_millis(cluster.draw(300))).await;
        }
    }
    // In the end everybody is there again, and what waits is said again.
    for (somebody, place) in people.iter_mut().zip(places) {
        somebody.lose(false);
        somebody.connect(cluster, draw(3), place);
        let rooms: BTreeSet<&'static str> = somebody.memory.lock().unwrap().waiting.values().copied().collect();
        for room in rooms {
            *place = room;
            somebody.join(room);
        }
    }
}

#[test]
fn every_line_is_heard_once_by_all_who_are_there_whatever_crashes() {
    Check::nodes(3).run(0..20, async |cluster| {
        let store = Arc::new(Store::in_memory());
        let tree = cluster.node(0).start_tree(Chat { store: Arc::clone(&store) }).await?;
        let mut people = NICKS.map(|nick| Somebody { nick, said: 0, memory: Arc::default(), connection: None });
        let mut places = [ROOMS[0]; NICKS.len()];
        tokio::join!(live(&cluster, &mut people, &mut places), cluster.chaos(Faults::LINKS, Duration::from_secs(60)),);
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
        for (somebody, place) in people.iter().zip(places) {
            let memory = somebody.memory.lock().unwrap();
            let nick = somebody.nick;
            assert_eq!(memory.wrong, None, "{nick}");
            assert_eq!(memory.room, place, "{nick}");
            assert_eq!(memory.waiting, BTreeMap::new(), "{nick} waits for an acknowledgement");
            assert!(memory.acknowledged.iter().all(|id| written.contains(&id)), "{nick}: {memory:?}");
            assert_eq!(memory.acknowledged.len() as u64, somebody.said, "{nick}");
            for (room, heard) in &memory.heard {
                assert!(history[room].starts_with(heard), "{nick} hears of {room} {heard:?}, not {:?}", history[room]);
            }
            let heard = memory.heard.get(place).map_or(0, Vec::len);
            assert_eq!(heard, history[place].len(), "{nick} is in {place} and has not heard all");
        }
        // Of those who were lost nobody is left.
        let rooms: RoomsRef = cluster.node(0).named("rooms");
        assert_eq!(rooms.people().await?, people.len());
        people.iter_mut().for_each(|somebody| somebody.lose(false));
        assert_eq!(tree.stop().await, Exit::shutdown());
        Ok::<(), Exit>(())
    });
}
