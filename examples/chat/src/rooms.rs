//! The rooms process: tracks the members of each room and sends them its lines.
//!
//! This process may crash at any time, as `/crash` shows. It has no state of its own to lose: the database stores the
//! lines, and a member that is notified of the crash joins again.

use std::collections::BTreeMap;
use std::sync::Arc;

use greenroom::prelude::*;

use crate::analytics::AnalyticsRef;
use crate::database::DatabaseRef;
use crate::line::{Entry, Line, Nick, PendingLine, Room};
use crate::log::LogRef;
use crate::membership::MemberRef;

/// Tracks the members of each room.
#[actor(name = "rooms", trap_exit)]
#[derive(Default)]
pub(crate) struct Rooms {
    /// The members by monitor, which is the order in which they joined.
    members: BTreeMap<MonitorRef, Member>,
}

struct Member {
    room: Room,
    nick: Nick,
    stub: MemberRef,
}

#[actor]
impl Rooms {
    #[init]
    fn open(&mut self, cx: &mut Context<Self>) {
        LogRef::named("log").monitor_rooms(cx.me());
    }

    /// Adds a member to a room, after removing it from any other, and returns the room's nicks. A second identical
    /// call changes nothing.
    #[call]
    pub(crate) fn join(&mut self, cx: &mut Context<Self>, room: Room, nick: Nick, member: MemberRef) -> Vec<Nick> {
        let unchanged = self.find(&member).is_some_and(|(_, member)| member.room == room && member.nick == nick);
        if !unchanged {
            self.leave(cx, member.clone());
            for other in self.members_of(&room) {
                other.stub.member_joined(nick.clone());
            }
            self.members.insert(cx.monitor(&member), Member { room: room.clone(), nick, stub: member });
        }
        let mut nicks: Vec<Nick> = self.members_of(&room).map(|member| member.nick.clone()).collect();
        nicks.sort();
        nicks.dedup();
        nicks
    }

    /// Removes a member from its room.
    #[cast]
    pub(crate) fn leave(&mut self, cx: &mut Context<Self>, member: MemberRef) {
        if let Some((monitor, _)) = self.find(&member) {
            cx.demonitor(monitor);
            self.remove(monitor);
        }
    }

    /// Passes a line to the database, which answers with the line's number after writing it.
    #[call]
    pub(crate) fn say(&mut self, line: Line, reply: Reply<u64>) {
        DatabaseRef::named("database").write(PendingLine { line, reply });
    }

    /// Sends written lines to the members of their rooms.
    #[cast]
    pub(crate) fn publish(&mut self, entries: Arc<[Entry]>) {
        let mut rooms: BTreeMap<&Room, Vec<Entry>> = BTreeMap::new();
        for entry in entries.iter() {
            rooms.entry(&entry.line.room).or_default().push(entry.clone());
        }
        for (room, entries) in rooms {
            let entries: Arc<[Entry]> = entries.into();
            for member in self.members_of(room) {
                member.stub.lines(Arc::clone(&entries));
            }
        }
        LogRef::named("log").record(Arc::clone(&entries));
        AnalyticsRef::named("analytics").record(entries);
    }

    /// Returns the number of people in all rooms.
    #[call]
    pub(crate) fn people(&self) -> usize {
        self.members.len()
    }

    /// Panics on request, to show the effect of a crash.
    #[cast]
    pub(crate) fn crash(&mut self, nick: Nick) {
        panic!("requested by {nick}");
    }

    /// Removes a member that ended or whose node is lost.
    #[down]
    fn member_ended(&mut self, down: Down) {
        self.remove(down.monitor);
    }

    #[terminate]
    fn close(&self) {
        LogRef::named("log").note("rooms: closed".to_owned());
    }

    fn find(&self, member: &MemberRef) -> Option<(MonitorRef, &Member)> {
        self.members.iter().find(|(_, found)| found.stub == *member).map(|(monitor, member)| (*monitor, member))
    }

    fn members_of<'a>(&'a self, room: &'a Room) -> impl Iterator<Item = &'a Member> {
        self.members.values().filter(move |member| member.room == *room)
    }

    fn remove(&mut self, monitor: MonitorRef) {
        if let Some(member) = self.members.remove(&monitor) {
            for other in self.members_of(&member.room) {
                other.stub.member_left(member.nick.clone());
            }
        }
    }
}
