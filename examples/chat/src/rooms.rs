//! The rooms: who is where, and who hears what.
//!
//! Nothing here would be missed. The lines are the database's, and people who lose their room join it again, so
//! this process may crash at any time: `/crash` is the proof.

use std::collections::BTreeMap;
use std::sync::Arc;

use greenroom::prelude::*;

use crate::analytics::AnalyticsRef;
use crate::database::DatabaseRef;
use crate::line::{Entry, Line, Nick, Room, Saying};
use crate::log::LogRef;
use crate::seat::GuestRef;

/// Knows who is in which room.
#[actor(name = "rooms", trap_exit)]
#[derive(Default)]
pub(crate) struct Rooms {
    /// By the watch on each, which is the order in which they came.
    guests: BTreeMap<MonitorRef, Guest>,
}

struct Guest {
    room: Room,
    nick: Nick,
    guest: GuestRef,
}

#[actor]
impl Rooms {
    #[init]
    fn open(&mut self, cx: &mut Context<Self>) {
        LogRef::named("log").watch(cx.me());
    }

    /// Takes a guest into a room, and out of any other; answers who is there. Joining twice is joining once.
    #[call]
    pub(crate) fn join(&mut self, cx: &mut Context<Self>, room: Room, nick: Nick, guest: GuestRef) -> Vec<Nick> {
        let known = self.seat(&guest).is_some_and(|(_, place)| place.room == room && place.nick == nick);
        if !known {
            self.leave(cx, guest.clone());
            for other in self.those_in(&room) {
                other.guest.came(nick.clone());
            }
            self.guests.insert(cx.monitor(&guest), Guest { room: room.clone(), nick, guest });
        }
        let mut nicks: Vec<Nick> = self.those_in(&room).map(|place| place.nick.clone()).collect();
        nicks.sort();
        nicks.dedup();
        nicks
    }

    /// Takes a guest out of its room.
    #[cast]
    pub(crate) fn leave(&mut self, cx: &mut Context<Self>, guest: GuestRef) {
        if let Some((watch, _)) = self.seat(&guest) {
            cx.demonitor(watch);
            self.remove(watch);
        }
    }

    /// Says a line; answered by the database, with the line's number, when it is written.
    #[call]
    pub(crate) fn say(&mut self, line: Line, reply: Reply<u64>) {
        DatabaseRef::named("database").write(Saying { line, written: reply });
    }

    /// These lines are written: their rooms shall hear them.
    #[cast]
    pub(crate) fn written(&mut self, entries: Arc<[Entry]>) {
        let mut rooms: BTreeMap<&Room, Vec<Entry>> = BTreeMap::new();
        for entry in entries.iter() {
            rooms.entry(&entry.line.room).or_default().push(entry.clone());
        }
        for (room, entries) in rooms {
            let entries: Arc<[Entry]> = entries.into();
            for place in self.those_in(room) {
                place.guest.heard(Arc::clone(&entries));
            }
        }
        LogRef::named("log").said(Arc::clone(&entries));
        AnalyticsRef::named("analytics").said(entries);
    }

    /// How many people there are in all rooms.
    #[call]
    pub(crate) fn people(&self) -> usize {
        self.guests.len()
    }

    /// Panics, because somebody wants to see what happens then.
    #[cast]
    pub(crate) fn crash(&mut self, nick: Nick) {
        panic!("{nick} asked for it");
    }

    /// A guest has ended, or its node is lost.
    #[down]
    fn gone(&mut self, down: Down) {
        self.remove(down.monitor);
    }

    #[terminate]
    fn close(&self) {
        LogRef::named("log").note("rooms: closed".to_owned());
    }

    fn seat(&self, guest: &GuestRef) -> Option<(MonitorRef, &Guest)> {
        self.guests.iter().find(|(_, place)| place.guest == *guest).map(|(watch, place)| (*watch, place))
    }

    fn those_in<'a>(&'a self, room: &'a Room) -> impl Iterator<Item = &'a Guest> {
        self.guests.values().filter(move |place| place.room == *room)
    }

    fn remove(&mut self, watch: MonitorRef) {
        if let Some(place) = self.guests.remove(&watch) {
            for other in self.those_in(&place.room) {
                other.guest.left(place.nick.clone());
            }
        }
    }
}
