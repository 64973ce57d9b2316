//! The people of the demo, each with a websocket to a node: speakers, listeners and readers.

use std::collections::HashMap;
use std::net::SocketAddr;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::line::{Id, Line, Nick, Room, Words};
use crate::text::Text;
use crate::visitor::{Event, Visitor};

/// The people, and the events that they see.
pub(super) struct People {
    pages: Vec<SocketAddr>,
    room: Room,
    speakers: HashMap<Nick, UnboundedSender<(Id, Words)>>,
    /// The people who send nothing. Their connections end with the last of these.
    silent: Vec<UnboundedSender<(Id, Words)>>,
    sender: UnboundedSender<(Option<usize>, Event)>,
    /// The events of all people. Those of speakers, who have no number, are acknowledgements.
    pub(super) events: UnboundedReceiver<(Option<usize>, Event)>,
}

impl People {
    pub(super) fn new(pages: Vec<SocketAddr>, room: Room) -> People {
        let (sender, events) = unbounded_channel();
        People { pages, room, speakers: HashMap::new(), silent: Vec::new(), sender, events }
    }

    /// Adds a listener with the number of its node. It continues on another node when that one is lost.
    pub(super) fn listen(&mut self, node: usize) {
        let pages = self.pages_from(node);
        self.add_silent("listener", pages, node);
    }

    /// Adds a reader, who reads the whole history of one node.
    pub(super) fn read(&mut self, node: usize, number: usize) {
        self.add_silent("reader", vec![self.pages[node]], number);
    }

    fn add_silent(&mut self, nick: &str, pages: Vec<SocketAddr>, number: usize) {
        let nick = Text::new(nick).unwrap_or_else(|invalid| panic!("{nick} {invalid}"));
        let (says, lines) = unbounded_channel();
        self.silent.push(says);
        let sender = self.sender.clone();
        let see = move |event| sender.send((Some(number), event)).is_ok();
        tokio::spawn(Visitor::new(self.room.clone(), nick, pages, Some(0)).run(lines, see));
    }

    /// Sends a line by its speaker. The speakers are assigned to the nodes by turns, in the order of their first lines.
    pub(super) fn say(&mut self, line: &Line) {
        let pages = self.pages_from(self.speakers.len());
        let speaker = self.speakers.entry(line.nick.clone()).or_insert_with(|| {
            let (says, lines) = unbounded_channel();
            let sender = self.sender.clone();
            let see = move |event| !matches!(event, Event::Acknowledged { .. }) || sender.send((None, event)).is_ok();
            tokio::spawn(Visitor::new(self.room.clone(), line.nick.clone(), pages, Some(u64::MAX)).run(lines, see));
            says
        });
        // The task ends only when the demo does.
        let _ = speaker.send((line.id.clone(), line.words.clone()));
    }

    /// Returns all pages, that of this node first.
    fn pages_from(&self, node: usize) -> Vec<SocketAddr> {
        let mut pages = self.pages.clone();
        pages.rotate_left(node % self.pages.len());
        pages
    }
}
