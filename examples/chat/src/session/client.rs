//! The client of a session, and the messages that both exchange.

use std::future::Future;

use serde::{Deserialize, Serialize};

use crate::history::store::Head;
use crate::line::{Entry, Id, Nick, Room, Words};

/// A message of a client, as JSON `{"type": "say", ..}`. Its texts are not validated yet.
#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum ClientMessage {
    /// Joins a room whose lines up to `last_seen` the client has.
    Join { room: String, nick: String, last_seen: Option<u64> },
    /// Writes a line to a room, that of the last join without one, or crashes the rooms with `/crash`. A line that is
    /// sent again under its id counts once.
    Say { room: Option<String>, id: String, words: String },
    /// Requests the page of lines before this number.
    Older { before: u64 },
    /// The person is writing a line.
    Typing,
    /// Requests the last number of these rooms, now and after each change, and the names of others.
    Watch { rooms: Vec<String> },
    /// Requests a [`ServerMessage::Pong`], which shows that the node is alive.
    Ping,
}

/// A message to a client, as JSON with a `type`.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum ServerMessage<'a> {
    /// The client joined the room, for the first time or again after its loss. Lists the people in it, or some of them
    /// and their number.
    Joined { room: &'a Room, nick: &'a Nick, people: Vec<Nick>, count: usize },
    /// The rooms process ended. The session joins again.
    Lost { reason: String },
    /// A line of the room.
    Line(ShownLine<'a>),
    /// The client's line with this id is written.
    Acknowledged { id: &'a Id },
    /// A person joined the room.
    MemberJoined { nick: &'a Nick },
    /// A person left the room.
    MemberLeft { nick: &'a Nick },
    /// Earlier lines of the room, in order. The first line of the room is behind an empty page.
    Older { lines: Vec<ShownLine<'a>> },
    /// A person is writing a line.
    Typing { nick: &'a Nick },
    /// The last numbers of rooms.
    Rooms { rooms: Vec<Head> },
    /// The answer to a ping.
    Pong,
    /// The addresses of the pages of the other nodes, for a client whose node is lost.
    Pages { pages: &'a [String] },
    /// The client's message is refused; `id` is given if it was a line.
    Error { id: Option<String>, text: String },
}

/// A line, as a client sees it.
#[derive(Debug, Serialize)]
pub(crate) struct ShownLine<'a> {
    pub(crate) number: u64,
    /// The time of writing, in milliseconds since 1970.
    pub(crate) at: u64,
    pub(crate) id: &'a Id,
    pub(crate) nick: &'a Nick,
    pub(crate) words: &'a Words,
}

impl<'a> From<&'a Entry> for ShownLine<'a> {
    fn from(Entry { number, at, line }: &'a Entry) -> ShownLine<'a> {
        ShownLine { number: *number, at: *at, id: &line.id, nick: &line.nick, words: &line.words }
    }
}

/// The client of a session.
pub(crate) trait Client: Send + 'static {
    /// Returns the next message, or the error of an invalid one; `None` after a disconnect. Cancel-safe.
    fn receive(&mut self) -> impl Future<Output = Option<Result<ClientMessage, String>>> + Send;

    /// Sends a message to the client.
    fn send(&mut self, message: &ServerMessage<'_>) -> impl Future<Output = Result<(), Disconnected>> + Send;

    /// Closes the connection, because the session ends.
    fn close(&mut self) -> impl Future<Output = ()> + Send;
}

/// The error of a client that disconnected, or that does not read.
#[derive(Debug)]
pub(crate) struct Disconnected;
