//! The rooms process: tracks the members of each room and sends them its lines.
//!
//! Each node has one, for the people who are connected to it. All of them are a group, which sends each of them the
//! people of the others. So a person sees the people of all nodes.
//!
//! This process may crash at any time, as `/crash` shows. It has no state of its own to lose: the database stores the
//! lines, a member that is notified of the crash joins again, and the other nodes send their people again.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use greenroom::Subject;
use greenroom::prelude::*;
use greenroom::registry::{Group, GroupEvent};

use crate::history::store::Head;
use crate::history::subscription::{Published, Subscription};
use crate::line::{Entry, Nick, Room};
use crate::membership::MemberRef;
use crate::presence::{Change, People, Person, Presence};
use crate::services::Services;

/// Tracks the members of each room.
#[actor(name = "rooms", trap_exit)]
pub(crate) struct Rooms {
    services: Services,
    subscription: Subscription,
    members: HashMap<Pid, (MonitorRef, Person)>,
    /// The members of each room by monitor, which is the order in which they joined.
    rooms: HashMap<Room, BTreeMap<MonitorRef, MemberRef>>,
    presence: Presence,
    /// The rooms processes of other nodes.
    peers: HashSet<Pid>,
    /// The rooms with new lines since the members were last informed, and the numbers of their last lines.
    changed: BTreeMap<Room, u64>,
}

impl Rooms {
    pub(crate) fn new(services: Services) -> Rooms {
        Rooms {
            services,
            subscription: Subscription::new(),
            members: HashMap::new(),
            rooms: HashMap::new(),
            presence: Presence::default(),
            peers: HashSet::new(),
            changed: BTreeMap::new(),
        }
    }
}

#[actor]
impl Rooms {
    #[init]
    fn open(&mut self, cx: &mut Context<Self>) {
        self.services.log().monitor_rooms(cx.me());
        self.subscribe(cx);
        all().join(cx);
        cx.attach(all().events(), RoomsMessage::from);
    }

    /// Adds a member to a room, after removing it from any other, and returns the room's people. A second
    /// identical call changes nothing.
    #[call]
    pub(crate) fn join(&mut self, cx: &mut Context<Self>, room: Room, nick: Nick, member: MemberRef) -> People {
        let person = (room, nick);
        if let Some(pid) = member.pid()
            && self.members.get(&pid).is_none_or(|(_, known)| *known != person)
        {
            self.remove(cx, &pid);
            let change = self.presence.add(cx.pid(), &person);
            if change == Change::Everywhere {
                self.notify_of_person(&person, |member, nick| drop(member.member_joined(nick)));
            }
            if change != Change::Nothing {
                drop(all().broadcast(RoomsMessage::Came { there: cx.me(), person: person.clone() }));
            }
            let monitor = cx.monitor(&member);
            self.rooms.entry(person.0.clone()).or_default().insert(monitor, member);
            self.members.insert(pid, (monitor, person.clone()));
        }
        self.presence.people(&person.0)
    }

    /// Removes a member from its room.
    #[cast]
    pub(crate) fn leave(&mut self, cx: &mut Context<Self>, member: MemberRef) {
        if let Some(pid) = member.pid() {
            self.remove(cx, &pid);
        }
    }

    /// Sends acknowledged lines to the members of their rooms.
    #[from]
    fn publish(&mut self, lines: Published) {
        let entries = self.subscription.accept(lines);
        let mut rooms: BTreeMap<&Room, Vec<Entry>> = BTreeMap::new();
        for entry in entries.iter() {
            rooms.entry(&entry.line.room).or_default().push(entry.clone());
        }
        for (room, entries) in rooms {
            self.changed.insert(room.clone(), entries.last().map_or(0, |entry| entry.number));
            let entries: Arc<[Entry]> = entries.into();
            self.notify(room, |member| drop(member.lines(Arc::clone(&entries))));
        }
    }

    #[every("100ms")]
    fn subscribe(&mut self, cx: &mut Context<Self>) {
        self.subscription.renew(cx, &self.services);
    }

    /// Informs all members of the rooms with new lines, for their counts of unread ones.
    #[every("1s")]
    fn send_heads(&mut self) {
        let changed = std::mem::take(&mut self.changed);
        if changed.is_empty() {
            return;
        }
        let heads: Arc<[Head]> = changed.into_iter().map(|(room, last)| Head { room, last }).collect();
        self.rooms.values().flat_map(BTreeMap::values).for_each(|member| drop(member.heads(Arc::clone(&heads))));
    }

    /// A member is writing a line.
    #[cast]
    pub(crate) fn typing(&self, person: Person) {
        drop(all().broadcast(RoomsMessage::Typed { person }));
    }

    /// A person, on any node, is writing a line.
    #[cast]
    fn typed(&self, person: Person) {
        self.notify_of_person(&person, |member, nick| drop(member.typing(nick)));
    }

    /// Returns the number of members on this node.
    #[call]
    pub(crate) fn people(&self) -> usize {
        self.members.len()
    }

    /// Returns the people in a room, on all nodes.
    #[call]
    pub(crate) fn people_in(&self, room: Room) -> People {
        self.presence.people(&room)
    }

    /// Panics on request, to show the effect of a crash.
    #[cast]
    pub(crate) fn crash(&mut self, nick: Nick) {
        panic!("requested by {nick}");
    }

    /// A person came to a room on another node. A broadcast reaches its sender, too.
    #[cast]
    fn came(&mut self, cx: &mut Context<Self>, there: RoomsRef, person: Person) {
        if let Some(there) = self.peer(cx, &there)
            && self.presence.add(&there, &person) == Change::Everywhere
        {
            self.notify_of_person(&person, |member, nick| drop(member.member_joined(nick)));
        }
    }

    /// A person left a room on another node.
    #[cast]
    fn went(&mut self, cx: &mut Context<Self>, there: RoomsRef, person: Person) {
        if let Some(there) = self.peer(cx, &there)
            && self.presence.remove(&there, &person) == Change::Everywhere
        {
            self.notify_of_person(&person, |member, nick| drop(member.member_left(nick)));
        }
    }

    /// The list of all people on another node.
    #[cast]
    fn present(&mut self, cx: &mut Context<Self>, there: RoomsRef, people: Vec<Person>) {
        if let Some(there) = self.peer(cx, &there) {
            self.replace(&there, people);
        }
    }

    /// Sends the people of this node to a new rooms process.
    #[from]
    fn group_changed(&mut self, cx: &mut Context<Self>, event: GroupEvent) {
        // The end of a process is noticed by its monitor: that is in order with the messages of the process.
        let GroupEvent::Joined(pids) = event else { return };
        let people: Vec<Person> = self.presence.on(cx.pid()).into_iter().collect();
        let is_new = |pid: Pid| pid != *cx.pid() && pids.contains(&pid);
        for rooms in all().members().iter().filter(|rooms| rooms.pid().is_some_and(is_new)) {
            rooms.present(cx.me(), people.clone());
        }
    }

    /// Removes a member that ended, or the people of a rooms process that ended or whose node is lost.
    #[down]
    fn process_ended(&mut self, cx: &mut Context<Self>, down: Down) {
        let Subject::Pid(pid) = down.target else { return };
        if self.peers.remove(&pid) {
            self.replace(&pid, Vec::new());
        } else {
            self.remove(cx, &pid);
        }
    }

    #[terminate]
    fn close(&self) {
        self.services.note("rooms: closed");
    }

    /// Returns the pid of another rooms process, which is monitored from its first message on.
    fn peer(&mut self, cx: &mut Context<Self>, there: &RoomsRef) -> Option<Pid> {
        let pid = there.pid().filter(|pid| pid != cx.pid())?;
        if self.peers.insert(pid.clone()) {
            cx.monitor(there);
        }
        Some(pid)
    }

    fn replace(&mut self, there: &Pid, people: Vec<Person>) {
        let (came, left) = self.presence.replace(there, people.into_iter().collect());
        for person in &came {
            self.notify_of_person(person, |member, nick| drop(member.member_joined(nick)));
        }
        for person in &left {
            self.notify_of_person(person, |member, nick| drop(member.member_left(nick)));
        }
    }

    fn remove(&mut self, cx: &mut Context<Self>, member: &Pid) {
        let Some((monitor, person)) = self.members.remove(member) else { return };
        cx.demonitor(monitor);
        if let Some(members) = self.rooms.get_mut(&person.0) {
            members.remove(&monitor);
            if members.is_empty() {
                self.rooms.remove(&person.0);
            }
        }
        let change = self.presence.remove(cx.pid(), &person);
        if change == Change::Everywhere {
            self.notify_of_person(&person, |member, nick| drop(member.member_left(nick)));
        }
        if change != Change::Nothing {
            drop(all().broadcast(RoomsMessage::Went { there: cx.me(), person }));
        }
    }

    /// Notifies the members of a person's room, unless they are too many.
    fn notify_of_person(&self, (room, nick): &Person, send: impl Fn(&MemberRef, Nick)) {
        if self.presence.lists_all(room) {
            self.notify(room, |member| send(member, nick.clone()));
        }
    }

    fn notify(&self, room: &Room, send: impl Fn(&MemberRef)) {
        self.rooms.get(room).into_iter().flat_map(BTreeMap::values).for_each(send);
    }
}

/// Returns the group of the rooms processes of all nodes.
fn all() -> Group<RoomsMessage> {
    Group::named("rooms")
}
