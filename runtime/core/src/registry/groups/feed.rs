//! The updates that a peer receives: first all members of this node, range by range, then the changes. Pure.
//!
//! Changes are noted in one log for all peers, without their meaning: an update states what is true when it is made. So
//! a process that joins and leaves in between appears once, and an update that overlaps with an earlier one has no
//! effect. A peer that does not read is not sent more, and the log is bounded: a peer that has fallen behind it receives
//! all members again. The memory for a peer is one position.

use std::collections::VecDeque;
use std::sync::Arc;

use super::members::Group;
use crate::base::SortedMap;
use crate::wire::{GroupChange, GroupName, GroupUpdate};

/// A process in a group.
pub(super) type Key = (Arc<GroupName>, u64);

/// The keys whose state has changed, in order.
#[derive(Default)]
pub(super) struct Log {
    entries: VecDeque<Key>,
    /// The position of the first entry.
    start: u64,
}

/// The position of one peer.
pub(super) struct Feed(Position);

enum Position {
    /// The members up to this one are sent. The changes from `since` on follow.
    Members { after: Option<Key>, since: u64 },
    /// The changes before this one are sent.
    Changes(u64),
}

/// The bytes of a number, about.
const NUMBER: usize = 4;

impl Log {
    /// Returns the position behind the last entry.
    pub(super) fn end(&self) -> u64 {
        self.start + self.entries.len() as u64
    }

    /// Appends an entry. If there are more than `most`, the first one is dropped.
    pub(super) fn push(&mut self, key: Key, most: usize) {
        self.entries.push_back(key);
        if self.entries.len() > most {
            self.trim(self.start + 1);
        }
    }

    /// Drops the entries before a position.
    pub(super) fn trim(&mut self, position: u64) {
        let count = position.min(self.end()).saturating_sub(self.start);
        self.entries.drain(..count as usize);
        self.start += count;
        if self.entries.is_empty() {
            self.entries.shrink_to(64);
        }
    }

    /// Returns the entries from a position on; `None` if some of them were dropped.
    fn since(&self, position: u64) -> Option<impl Iterator<Item = &Key>> {
        let index = position.checked_sub(self.start)?;
        Some(self.entries.range(index.min(self.entries.len() as u64) as usize..))
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

impl Feed {
    /// Returns the feed of a peer that has received nothing. `end` is that of the log.
    pub(super) fn new(end: u64) -> Feed {
        Feed(Position::Members { after: None, since: end })
    }

    /// Returns the position of the first entry of the log that the peer needs.
    pub(super) fn needs(&self) -> u64 {
        let (Position::Members { since, .. } | Position::Changes(since)) = &self.0;
        *since
    }

    /// Returns the next update, of about so many bytes; `None` if the peer has received all.
    pub(super) fn next_update<V, S>(
        &mut self,
        groups: &SortedMap<Arc<GroupName>, Group<V, S>>,
        log: &Log,
        bytes: usize,
    ) -> Option<GroupUpdate> {
        let Some(changed) = log.since(self.needs()) else {
            *self = Feed::new(log.end());
            return self.next_update(groups, log, bytes);
        };
        let mut update = Builder::default();
        match &mut self.0 {
            Position::Changes(next) => {
                let mut keys = Vec::new();
                for key in changed {
                    if update.is_full(bytes) {
                        break;
                    }
                    update.count(key);
                    keys.push(key);
                }
                *next += keys.len() as u64;
                // Most keys are of one group, whose names need no comparison.
                keys.sort_unstable_by(|one, other| match Arc::ptr_eq(&one.0, &other.0) {
                    true => one.1.cmp(&other.1),
                    false => one.cmp(other),
                });
                keys.dedup();
                for key in keys {
                    let is_member = groups.get(&key.0).is_some_and(|group| group.local.contains_key(&key.1));
                    update.add(key, is_member);
                }
                (!update.changes.is_empty()).then_some(GroupUpdate::Changes(update.changes))
            }
            Position::Members { after, since } => {
                let (mut last, mut is_last) = (None, true);
                for key in members_behind(groups, after.as_ref()) {
                    if update.is_full(bytes) {
                        is_last = false;
                        break;
                    }
                    update.count(&key);
                    update.add(&key, true);
                    last = Some(key);
                }
                let after = std::mem::replace(after, last);
                if is_last {
                    self.0 = Position::Changes(*since);
                }
                Some(GroupUpdate::Range { after, is_last, members: update.changes })
            }
        }
    }
}

/// Iterates over the members of this node behind a key, in order.
fn members_behind<'a, V, S>(
    groups: &'a SortedMap<Arc<GroupName>, Group<V, S>>,
    after: Option<&'a Key>,
) -> impl Iterator<Item = Key> + 'a {
    let groups = after.map_or_else(|| groups.iter(), |(name, _)| groups.iter_from(name));
    groups.flat_map(move |(name, group)| {
        let first = after.filter(|(last, _)| last == name).map_or(0, |(_, number)| number.saturating_add(1));
        group.local.iter_from(&first).map(move |(number, _)| (Arc::clone(name), *number))
    })
}

/// An update in the making. Keys are added in their order.
#[derive(Default)]
struct Builder {
    changes: Vec<GroupChange>,
    numbers: usize,
    bytes: usize,
    /// The group that was counted last.
    counted: Option<Arc<GroupName>>,
}

impl Builder {
    fn is_full(&self, bytes: usize) -> bool {
        self.numbers >= GroupUpdate::MAX_NUMBERS || self.bytes >= bytes
    }

    /// Counts a key that is going to be added.
    fn count(&mut self, (name, _): &Key) {
        self.numbers += 1;
        self.bytes += NUMBER;
        if self.counted.as_ref().is_none_or(|counted| counted != name) {
            self.bytes += name.name.len() + name.protocol.len() + NUMBER;
            self.counted = Some(Arc::clone(name));
        }
    }

    fn add(&mut self, (name, number): &Key, is_member: bool) {
        if self.changes.last().is_none_or(|last| last.group != *name) {
            self.changes.push(GroupChange { group: Arc::clone(name), joined: Vec::new(), left: Vec::new() });
        }
        if let Some(change) = self.changes.last_mut() {
            if is_member { &mut change.joined } else { &mut change.left }.push(*number);
        }
    }
}
