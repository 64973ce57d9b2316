//! The groups of a node: its own members, those that its peers have announced, and the peers to keep informed. Pure.
//!
//! A node owns its members: only it adds and removes them. The members that a peer announces count until the end of the
//! connection.
//! A [`Feed`](super::feed) for each peer decides what to send it.
//!
//! Invariants:
//! - A group has an entry only while it has a member or a subscriber. The last one to go removes it, whichever node it
//!   belongs to.
//! - A process is a member of a group at most once.
//! - The index by process and the index by peer have the members of all groups, and nothing else. So the exit of a process
//!   takes time in proportion to its own groups, and the loss of a peer in proportion to the peer's members.
//! - The members and groups of a peer are bounded by [`Limits`]. Further ones are counted and ignored.

use std::sync::Arc;

use super::feed::{Feed, Log};
use super::members::{Group, Members};
use crate::base::{NodeId, SortedMap};
use crate::wire::{Epoch, GroupChange, GroupName, GroupUpdate};

/// The bounds of a table.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// The most members of one peer, in all groups together.
    pub(super) members: usize,
    /// The most groups in which one peer has members.
    pub(super) groups: usize,
    /// The number of changes up to which none is dropped from the log, if this node has fewer members.
    pub(super) log: usize,
    /// The bytes from which on an update is full, about.
    pub(super) update: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { members: 1 << 20, groups: 1 << 16, log: 1 << 16, update: 16 * 1024 }
    }
}

/// The groups of a node. `V` is what the node keeps of a member of its own, and `S` is a subscriber.
pub(super) struct Table<V, S> {
    groups: SortedMap<Arc<GroupName>, Group<V, S>>,
    /// The groups of each process of this node.
    processes: SortedMap<u64, Vec<Arc<GroupName>>>,
    peers: SortedMap<Epoch, Peer>,
    /// The number of members of this node, in all groups together.
    own_members: usize,
    /// The number of tasks so far that feed a peer.
    feeders: u64,
    log: Log,
    limits: Limits,
}

/// A peer that takes part in groups.
struct Peer {
    node: Arc<NodeId>,
    groups: SortedMap<Arc<GroupName>, ()>,
    members: usize,
    feed: Feed,
    /// The number of the task that feeds it; `None` until a process of the peer that continues the connection takes part.
    feeder: Option<u64>,
}

/// The effect of an update or a loss on one group.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) group: Arc<GroupName>,
    pub(super) joined: Vec<u64>,
    pub(super) left: Vec<u64>,
}

impl<V: Clone, S> Table<V, S> {
    pub(super) fn new(limits: Limits) -> Table<V, S> {
        Table {
            groups: SortedMap::new(),
            processes: SortedMap::new(),
            peers: SortedMap::new(),
            own_members: 0,
            feeders: 0,
            log: Log::default(),
            limits,
        }
    }

    /// Adds a process of this node to a group. Returns `false` if it is a member already, or if `value` returns `None`.
    pub(super) fn join(&mut self, name: &Arc<GroupName>, process: u64, value: impl FnOnce() -> Option<V>) -> bool {
        if self.groups.get(name).is_some_and(|group| group.local.contains_key(&process)) {
            return false;
        }
        let Some(value) = value() else { return false };
        let (name, group) = self.entry(name);
        Arc::make_mut(&mut group.local).insert(process, value);
        self.processes.get_or_insert_with(process, || Vec::with_capacity(1)).push(Arc::clone(&name));
        self.own_members += 1;
        self.note(name, process);
        true
    }

    /// Removes a process of this node from a group. Returns `false` if it is not a member.
    pub(super) fn leave(&mut self, name: &Arc<GroupName>, process: u64) -> bool {
        let Some(joined) = self.processes.get_mut(&process) else { return false };
        let Some(index) = joined.iter().position(|joined| joined == name) else { return false };
        let name = joined.swap_remove(index);
        if joined.is_empty() {
            self.processes.remove(&process);
        }
        self.remove_local(&name, process);
        self.note(name, process);
        true
    }

    /// Removes a process of this node, which has exited, from all its groups, and returns them.
    pub(super) fn exit(&mut self, process: u64) -> Vec<Arc<GroupName>> {
        let groups = self.processes.remove(&process).unwrap_or_default();
        for name in &groups {
            self.remove_local(name, process);
            self.note(Arc::clone(name), process);
        }
        groups
    }

    /// Returns the groups of a process of this node.
    #[cfg(feature = "upgrade")]
    pub(super) fn groups_of(&self, process: u64) -> impl Iterator<Item = &GroupName> {
        self.processes.get(&process).into_iter().flatten().map(|group| &**group)
    }

    /// Adds a peer that takes part in groups. Returns the number of the task that is to feed it; `None` if it was added
    /// before.
    pub(super) fn add_peer(&mut self, epoch: Epoch, node: &Arc<NodeId>) -> Option<u64> {
        let feed = || Feed::new(self.log.end());
        let (node, groups) = (Arc::clone(node), SortedMap::new());
        let new = || Peer { node, groups, members: 0, feed: feed(), feeder: None };
        let peer = self.peers.get_or_insert_with(epoch, new);
        if peer.feeder.is_some() {
            return None;
        }
        self.feeders += 1;
        (peer.feed, peer.feeder) = (feed(), Some(self.feeders));
        peer.feeder
    }

    /// Notes that another process of a peer continues its connection. It counts as new, and its members stay until it has
    /// announced others.
    pub(super) fn continue_peer(&mut self, epoch: Epoch) {
        if let Some(peer) = self.peers.get_mut(&epoch) {
            peer.feeder = None;
        }
    }

    /// Returns `true` if the peer of this connection takes part in groups.
    pub(super) fn has_peer(&self, epoch: Epoch) -> bool {
        self.peers.contains_key(&epoch)
    }

    /// Removes a peer whose connection is lost, with its members. Returns the peer and the changes.
    pub(super) fn remove_peer(&mut self, epoch: Epoch) -> Option<(Arc<NodeId>, Vec<Change>)> {
        let peer = self.peers.remove(&epoch)?;
        self.trim_log();
        let mut changes = Vec::with_capacity(peer.groups.len());
        for (name, ()) in peer.groups {
            let Some(group) = self.groups.get_mut(&name) else { continue };
            let left = group.remote.remove(&epoch).map(|members| members.numbers.keys().copied().collect());
            changes.push(Change { group: Arc::clone(&name), joined: Vec::new(), left: left.unwrap_or_default() });
            self.remove_if_empty(&name);
        }
        Some((peer.node, changes))
    }

    /// Applies an update of a peer that was added. Returns the changes, and the number of members that were ignored.
    pub(super) fn apply(&mut self, epoch: Epoch, update: GroupUpdate) -> (Vec<Change>, usize) {
        let announced = match update {
            GroupUpdate::Changes(changes) => changes,
            GroupUpdate::Range { after, is_last, members } => self.with_those_gone(epoch, after, is_last, members),
            GroupUpdate::Open | GroupUpdate::Unknown => Vec::new(),
        };
        let (mut changes, mut ignored) = (Vec::new(), 0);
        for GroupChange { group, joined, left } in announced {
            let left = self.remove_remote(epoch, &group, left);
            let (joined, refused) = self.add_remote(epoch, &group, joined);
            ignored += refused;
            if !joined.is_empty() || !left.is_empty() {
                changes.push(Change { group, joined, left });
            }
        }
        (changes, ignored)
    }

    /// Returns the next update for a peer; `None` if there is nothing to send. `Err` if the peer was removed, or another task
    /// feeds it.
    pub(super) fn next_update(&mut self, epoch: Epoch, feeder: u64) -> Result<Option<GroupUpdate>, ()> {
        let Table { groups, peers, log, limits, .. } = self;
        let peer = peers.get_mut(&epoch).filter(|peer| peer.feeder == Some(feeder)).ok_or(())?;
        let update = peer.feed.next_update(groups, log, limits.update);
        self.trim_log();
        Ok(update)
    }

    pub(super) fn group(&self, name: &Arc<GroupName>) -> Option<&Group<V, S>> {
        self.groups.get(name)
    }

    pub(super) fn group_mut(&mut self, name: &Arc<GroupName>) -> Option<&mut Group<V, S>> {
        self.groups.get_mut(name)
    }

    /// Returns the names of the groups that have members, in their order.
    pub(super) fn names(&self) -> impl Iterator<Item = &Arc<GroupName>> {
        self.groups.iter().filter(|(_, group)| group.count() > 0).map(|(name, _)| name)
    }

    /// Adds a subscriber to a group.
    pub(super) fn subscribe(&mut self, name: &Arc<GroupName>, subscriber: S) {
        self.entry(name).1.subscribers.push(subscriber);
    }

    /// Removes the subscribers of a group that `keep` does not keep.
    pub(super) fn retain_subscribers(&mut self, name: &Arc<GroupName>, keep: impl FnMut(&S) -> bool) {
        if let Some(group) = self.groups.get_mut(name) {
            group.subscribers.retain(keep);
            self.remove_if_empty(name);
        }
    }

    /// Returns the group with its shared name, and adds it if it is new.
    fn entry(&mut self, name: &Arc<GroupName>) -> (Arc<GroupName>, &mut Group<V, S>) {
        let shared = self.groups.iter_from(name).next().filter(|(found, _)| found == name).map(|(found, _)| found);
        let shared = Arc::clone(shared.unwrap_or(name));
        let group = self.groups.get_or_insert_with(Arc::clone(&shared), Group::new);
        (shared, group)
    }

    fn remove_local(&mut self, name: &Arc<GroupName>, process: u64) {
        if let Some(group) = self.groups.get_mut(name) {
            Arc::make_mut(&mut group.local).remove(&process);
            self.own_members -= 1;
            self.remove_if_empty(name);
        }
    }

    fn remove_if_empty(&mut self, name: &Arc<GroupName>) {
        if self.groups.get(name).is_some_and(|group| group.count() == 0 && group.subscribers.is_empty()) {
            self.groups.remove(name);
        }
    }

    /// Notes for the peers that the state of a process in a group has changed.
    fn note(&mut self, name: Arc<GroupName>, process: u64) {
        if !self.peers.is_empty() {
            self.log.push((name, process), self.own_members.max(self.limits.log));
        }
    }

    /// Forgets what all peers have received.
    fn trim_log(&mut self) {
        let oldest = self.peers.values().map(|peer| peer.feed.needs()).min();
        self.log.trim(oldest.unwrap_or(u64::MAX));
    }

    /// Adds the changes for the peer's known members in a range that are not among `members`: they have left.
    fn with_those_gone(
        &self,
        epoch: Epoch,
        after: Option<(Arc<GroupName>, u64)>,
        is_last: bool,
        mut members: Vec<GroupChange>,
    ) -> Vec<GroupChange> {
        let Some(peer) = self.peers.get(&epoch) else { return members };
        let last = members.last().and_then(|change| Some((Arc::clone(&change.group), *change.joined.last()?)));
        let (first_group, last) = (after.as_ref().map(|(group, _)| group), last.filter(|_| !is_last));
        if last.is_none() && !is_last {
            return members;
        }
        let mut gone: Vec<GroupChange> = Vec::new();
        let groups = match first_group {
            Some(first) => peer.groups.iter_from(first),
            None => peer.groups.iter(),
        };
        for (name, ()) in groups.take_while(|(name, ())| last.as_ref().is_none_or(|(last, _)| name <= last)) {
            let Some(known) = self.groups.get(name).and_then(|group| group.remote.get(&epoch)) else { continue };
            let listed = members.binary_search_by(|change| change.group.cmp(name)).map(|at| &members[at].joined[..]);
            let listed = listed.unwrap_or_default();
            let is_before =
                |number: u64| after.as_ref().is_some_and(|(group, after)| group == name && number <= *after);
            let is_behind = |number: u64| last.as_ref().is_some_and(|(group, last)| group == name && number > *last);
            let left: Vec<u64> = known
                .numbers
                .keys()
                .copied()
                .filter(|number| !is_before(*number) && !is_behind(*number) && listed.binary_search(number).is_err())
                .collect();
            if !left.is_empty() {
                gone.push(GroupChange { group: Arc::clone(name), joined: Vec::new(), left });
            }
        }
        for change in gone {
            match members.binary_search_by(|other| other.group.cmp(&change.group)) {
                Ok(at) => members[at].left = change.left,
                Err(at) => members.insert(at, change),
            }
        }
        members
    }

    /// Adds members of a peer. Returns those that are new, and the number of those that were ignored.
    fn add_remote(&mut self, epoch: Epoch, name: &Arc<GroupName>, joined: Vec<u64>) -> (Vec<u64>, usize) {
        let Some(peer) = self.peers.get(&epoch).filter(|_| !joined.is_empty()) else { return (Vec::new(), 0) };
        if !peer.groups.contains_key(name)
            && (peer.groups.len() >= self.limits.groups || peer.members >= self.limits.members)
        {
            return (Vec::new(), joined.len());
        }
        let (node, mut room) = (Arc::clone(&peer.node), self.limits.members - peer.members);
        let (name, group) = self.entry(name);
        let members = group.remote.get_or_insert_with(epoch, || Members { node, numbers: SortedMap::new() });
        let (mut new, mut ignored) = (Vec::new(), 0);
        for number in joined {
            if members.numbers.contains_key(&number) {
                continue;
            }
            match room.checked_sub(1) {
                Some(left) => {
                    room = left;
                    members.numbers.insert(number, ());
                    new.push(number);
                }
                None => ignored += 1,
            }
        }
        if let Some(peer) = self.peers.get_mut(&epoch) {
            peer.members += new.len();
            peer.groups.insert(name, ());
        }
        (new, ignored)
    }

    /// Removes members of a peer. Returns those that were members.
    fn remove_remote(&mut self, epoch: Epoch, name: &Arc<GroupName>, mut left: Vec<u64>) -> Vec<u64> {
        let Some(group) = self.groups.get_mut(name).filter(|_| !left.is_empty()) else { return Vec::new() };
        let Some(members) = group.remote.get_mut(&epoch) else { return Vec::new() };
        left.retain(|number| members.numbers.remove(number).is_some());
        let is_empty = members.numbers.is_empty();
        if is_empty {
            group.remote.remove(&epoch);
        }
        if let Some(peer) = self.peers.get_mut(&epoch) {
            peer.members -= left.len();
            if is_empty {
                peer.groups.remove(name);
            }
        }
        self.remove_if_empty(name);
        left
    }
}

#[cfg(test)]
impl<V: Clone, S> Table<V, S> {
    /// Returns the next update for a peer, as the task that feeds it does.
    pub(super) fn next_update_for(&mut self, epoch: Epoch) -> Result<Option<GroupUpdate>, ()> {
        let feeder = self.peers.get(&epoch).and_then(|peer| peer.feeder).ok_or(())?;
        self.next_update(epoch, feeder)
    }

    /// Returns the numbers of groups, of processes with groups, of peers, and of entries in the log.
    pub(super) fn sizes(&self) -> [usize; 4] {
        [self.groups.len(), self.processes.len(), self.peers.len(), self.log.len()]
    }
}
