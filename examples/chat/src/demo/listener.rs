//! Somebody who joins the room and listens, through the same session as a browser.

use std::future::pending;

use serde::{Deserialize, Serialize};

use super::ROOM;
use crate::line::{Entry, Id, Nick, Words};
use crate::session::{Gone, Person, Said, Told};

/// A line as it was heard, or as it stands in the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Heard {
    pub(super) number: u64,
    pub(super) id: Id,
    pub(super) nick: Nick,
    pub(super) words: Words,
}

impl From<Entry> for Heard {
    fn from(Entry { number, line, .. }: Entry) -> Heard {
        Heard { number, id: line.id, nick: line.nick, words: line.words }
    }
}

/// Hands each line that it hears on to a function, which says whether it still wants more.
pub(super) struct Listener<F> {
    /// What it has to say: that it wants in.
    join: Option<Said>,
    hand_on: F,
}

impl<F: FnMut(Heard) -> bool> Listener<F> {
    /// A listener who has heard so many lines before.
    pub(super) fn new(heard: u64, hand_on: F) -> Listener<F> {
        let join = Said::Join { room: ROOM.to_owned(), nick: "listener".to_owned(), heard: Some(heard) };
        Listener { join: Some(join), hand_on }
    }
}

impl<F: FnMut(Heard) -> bool + Send + 'static> Person for Listener<F> {
    async fn says(&mut self) -> Option<Result<Said, String>> {
        match self.join.take() {
            Some(join) => Some(Ok(join)),
            None => pending().await,
        }
    }

    async fn hears(&mut self, told: &Told<'_>) -> Result<(), Gone> {
        let &Told::Line { number, id, nick, words, .. } = told else { return Ok(()) };
        let heard = Heard { number, id: id.clone(), nick: nick.clone(), words: words.clone() };
        if (self.hand_on)(heard) { Ok(()) } else { Err(Gone) }
    }

    async fn dismiss(&mut self) {}
}
