//! One person of the load, and the lines that the person has received.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use greenroom::prelude::*;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{NODES, ROOM_SIZE};
use crate::line::{Id, Room, Words};
use crate::text::Text;
use crate::visitor::{Event, Visitor};

/// The state of one person, as the test of the result needs it.
#[derive(Debug, Default)]
pub(super) struct Person {
    /// The number of the last line, and of the lines.
    last: Option<u64>,
    pub(super) received: u64,
    /// The number of lines that were missing, repeated or out of order.
    pub(super) wrong: u64,
    /// The times at which the unacknowledged lines were sent.
    pub(super) sent: HashMap<Id, Instant>,
    /// The time that each acknowledgement took.
    pub(super) acknowledged: Vec<Duration>,
}

impl Person {
    fn see(&mut self, event: &Event) {
        match event {
            Event::Line(line) => {
                self.wrong += u64::from(self.last.is_some_and(|last| line.number != last + 1));
                self.last = Some(line.number);
                self.received += 1;
            }
            Event::Acknowledged { id } => {
                self.acknowledged.extend(self.sent.remove(id).map(|sent| sent.elapsed()));
            }
            Event::Joined | Event::Other => {}
        }
    }
}

/// A connected person.
pub(super) struct Writer {
    says: UnboundedSender<(Id, Words)>,
    person: Arc<Mutex<Person>>,
}

impl Writer {
    /// Connects a person, and waits until the room is joined.
    pub(super) async fn join(number: usize, pages: &[SocketAddr]) -> Result<Writer, Exit> {
        let room: Room = Text::new(&format!("room {}", number / ROOM_SIZE)).map_err(Exit::error)?;
        let nick = Text::new(&format!("person {number}")).map_err(Exit::error)?;
        let mut pages = pages.to_vec();
        pages.rotate_left(number % NODES);
        let (says, lines) = unbounded_channel();
        let (joined, is_joined) = oneshot::channel();
        let person: Arc<Mutex<Person>> = Arc::default();
        let (seen, mut joined) = (Arc::clone(&person), Some(joined));
        tokio::spawn(Visitor::new(room, nick, pages, None).run(lines, move |event| {
            if let Event::Joined = event
                && let Some(joined) = joined.take()
            {
                let _ = joined.send(());
            }
            lock(&seen).see(&event);
            true
        }));
        is_joined.await.map_err(Exit::error)?;
        Ok(Writer { says, person })
    }

    pub(super) fn person(&self) -> MutexGuard<'_, Person> {
        lock(&self.person)
    }

    pub(super) fn say(&self, number: u64) -> Result<(), Exit> {
        let id: Id = Text::new(&format!("line {number}")).map_err(Exit::error)?;
        let words =
            Text::new(&format!("a line of a usual length, which has the number {number}")).map_err(Exit::error)?;
        self.person().sent.insert(id.clone(), Instant::now());
        self.says.send((id, words)).map_err(|_| Exit::error("a person has left"))
    }
}

fn lock(person: &Mutex<Person>) -> MutexGuard<'_, Person> {
    person.lock().unwrap_or_else(PoisonError::into_inner)
}
