//! A client that joins the room and records its lines, through the same session as a browser.

use std::future::pending;

use serde::{Deserialize, Serialize};

use super::ROOM;
use crate::line::{Entry, Id, Nick, Words};
use crate::session::{Client, ClientMessage, Disconnected, ServerMessage};

/// A line that a client received, or that the history has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ReceivedLine {
    pub(super) number: u64,
    pub(super) id: Id,
    pub(super) nick: Nick,
    pub(super) words: Words,
}

impl From<Entry> for ReceivedLine {
    fn from(Entry { number, line, .. }: Entry) -> ReceivedLine {
        ReceivedLine { number, id: line.id, nick: line.nick, words: line.words }
    }
}

/// A client that passes each line to a function. It disconnects when the function returns false.
pub(super) struct Recorder<F> {
    /// The request to join, until it is sent.
    join: Option<ClientMessage>,
    forward: F,
}

impl<F: FnMut(ReceivedLine) -> bool> Recorder<F> {
    /// Creates a recorder that has received the lines up to `last_line`.
    pub(super) fn new(last_line: u64, forward: F) -> Recorder<F> {
        let join =
            ClientMessage::Join { room: ROOM.to_owned(), nick: "recorder".to_owned(), last_seen: Some(last_line) };
        Recorder { join: Some(join), forward }
    }
}

impl<F: FnMut(ReceivedLine) -> bool + Send + 'static> Client for Recorder<F> {
    async fn receive(&mut self) -> Option<Result<ClientMessage, String>> {
        match self.join.take() {
            Some(join) => Some(Ok(join)),
            None => pending().await,
        }
    }

    async fn send(&mut self, message: &ServerMessage<'_>) -> Result<(), Disconnected> {
        let &ServerMessage::Line { number, id, nick, words, .. } = message else { return Ok(()) };
        let line = ReceivedLine { number, id: id.clone(), nick: nick.clone(), words: words.clone() };
        if (self.forward)(line) { Ok(()) } else { Err(Disconnected) }
    }

    async fn close(&mut self) {}
}
