//! The people in each room on all nodes, as data. Each change returns whether a nick came or left by it.
//!
//! A nick can be in a room several times, on one node and on several. It comes with the first of them, and leaves with
//! the last.

use std::collections::{BTreeMap, BTreeSet};

use greenroom::prelude::*;
use serde::{Deserialize, Serialize};

use crate::line::{Nick, Room};

/// A nick in a room.
pub(crate) type Person = (Room, Nick);

/// The people in a room.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct People {
    /// The nicks in order; of a room with more than [`MAX_LISTED`], the first ones.
    pub(crate) nicks: Vec<Nick>,
    pub(crate) count: usize,
}

/// The number of people in a room who are listed. Members of a larger room receive no notice of others, who would be
/// too many.
pub(crate) const MAX_LISTED: usize = 500;

/// The people, with the rooms process of each node that they are on and how often they are there.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    rooms: BTreeMap<Room, BTreeMap<Nick, BTreeMap<Pid, usize>>>,
}

/// The effect of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The nick is still in the room on the same node, so nothing changes.
    Nothing,
    /// The nick is in the room on another node, too. The other nodes need to know of the change.
    There,
    /// The nick came to the room, or left it.
    Everywhere,
}

impl Presence {
    /// Returns the people in a room.
    pub(crate) fn people(&self, room: &Room) -> People {
        let Some(nicks) = self.rooms.get(room) else { return People::default() };
        People { nicks: nicks.keys().take(MAX_LISTED).cloned().collect(), count: nicks.len() }
    }

    /// Returns whether all people in a room are listed.
    pub(crate) fn lists_all(&self, room: &Room) -> bool {
        self.rooms.get(room).is_none_or(|nicks| nicks.len() <= MAX_LISTED)
    }

    /// Adds a person on a node.
    pub(crate) fn add(&mut self, there: &Pid, (room, nick): &Person) -> Change {
        let places = self.rooms.entry(room.clone()).or_default().entry(nick.clone()).or_default();
        let count = places.entry(there.clone()).or_default();
        *count += 1;
        match (*count, places.len()) {
            (1, 1) => Change::Everywhere,
            (1, _) => Change::There,
            _ => Change::Nothing,
        }
    }

    /// Removes a person on a node, once.
    pub(crate) fn remove(&mut self, there: &Pid, (room, nick): &Person) -> Change {
        let Some(nicks) = self.rooms.get_mut(room) else { return Change::Nothing };
        let Some(places) = nicks.get_mut(nick) else { return Change::Nothing };
        match places.get_mut(there) {
            None => return Change::Nothing,
            Some(count) if *count > 1 => {
                *count -= 1;
                return Change::Nothing;
            }
            Some(_) => places.remove(there),
        };
        if !places.is_empty() {
            return Change::There;
        }
        nicks.remove(nick);
        if nicks.is_empty() {
            self.rooms.remove(room);
        }
        Change::Everywhere
    }

    /// Returns the people on a node.
    pub(crate) fn on(&self, there: &Pid) -> BTreeSet<Person> {
        let nicks =
            self.rooms.iter().flat_map(|(room, nicks)| nicks.iter().map(move |(nick, places)| (room, nick, places)));
        let here = nicks.filter(|(_, _, places)| places.contains_key(there));
        here.map(|(room, nick, _)| (room.clone(), nick.clone())).collect()
    }

    /// Replaces the people of another node, and counts each of them once. Returns those who came and those who left.
    pub(crate) fn replace(&mut self, there: &Pid, people: BTreeSet<Person>) -> (Vec<Person>, Vec<Person>) {
        let former = self.on(there);
        let changes = |change: Change| change == Change::Everywhere;
        let came = people.difference(&former).filter(|person| changes(self.add(there, person))).cloned().collect();
        let left = former.difference(&people).filter(|person| changes(self.remove(there, person))).cloned().collect();
        (came, left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Text;

    fn person(text: &str) -> Person {
        let (room, nick) = text.split_once('/').unwrap();
        (Text::new(room).unwrap(), Text::new(nick).unwrap())
    }

    fn people(texts: &[&str]) -> BTreeSet<Person> {
        texts.iter().map(|text| person(text)).collect()
    }

    #[greenroom::test]
    async fn a_nick_comes_with_the_first_and_leaves_with_the_last() {
        let [a, b] = [(); 2].map(|()| {
            greenroom::spawn(|_: Mailbox<crate::membership::Member>| std::future::pending::<Result<(), Exit>>())
                .pid()
                .unwrap()
        });
        let mut presence = Presence::default();
        let ann = person("lobby/ann");
        assert_eq!(presence.remove(&a, &ann), Change::Nothing);
        for (there, expected) in [(&a, Change::Everywhere), (&a, Change::Nothing), (&b, Change::There)] {
            assert_eq!(presence.add(there, &ann), expected);
        }
        assert_eq!(presence.people(&ann.0).nicks, std::slice::from_ref(&ann.1));
        for (there, expected) in
            [(&a, Change::Nothing), (&a, Change::There), (&a, Change::Nothing), (&b, Change::Everywhere)]
        {
            assert_eq!(presence.remove(there, &ann), expected);
        }
        assert!(presence.rooms.is_empty());

        presence.add(&a, &ann);
        presence.add(&a, &person("garden/eve"));
        let (came, left) = presence.replace(&b, people(&["lobby/ann", "lobby/bob"]));
        assert_eq!((came, left), (vec![person("lobby/bob")], vec![]));
        let (came, left) = presence.replace(&b, people(&["lobby/joe"]));
        assert_eq!((came, left), (vec![person("lobby/joe")], vec![person("lobby/bob")]));
        assert_eq!(presence.on(&a), people(&["garden/eve", "lobby/ann"]));
        assert_eq!(presence.replace(&b, BTreeSet::new()), (vec![], vec![person("lobby/joe")]));
    }
}
