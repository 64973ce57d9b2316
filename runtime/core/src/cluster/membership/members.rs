//! The table of members, and the decisions which of them to dial. Pure.
//!
//! # States of a member
//! | state | entered | left |
//! |---|---|---|
//! | connected | a connection to it is up | the connection is lost |
//! | apart | another member has announced it, or its connection is lost | a connection is up, it leaves, or it is forgotten |
//! | gone | it has announced that it leaves, or it was not reached for [`FORGET`] | a connection is up, a later incarnation is announced, or after [`FORGET`] |
//!
//! A member that is gone stays in the table for a while, so that an older announcement does not bring it back. A
//! connection counts for more than an announcement: a connected member leaves only by its own word.
//!
//! # Dialling
//! In a full mesh, a node dials each member that is apart until it is connected. Of two nodes that have lost each other,
//! the one with the smaller name dials first. Members that are seeds are dialled by the task of the seed. After
//! [`part`](Members::part) a member is dialled only for a message.

use std::time::{Duration, Instant};

use crate::base::{Member, NodeId, NodeName, SortedMap};
use crate::session::Hello;
use crate::wire::{MemberRecord, MeshKind, Metadata};

/// The time after which a member that is not reached is forgotten. A member that is gone is remembered as long.
const FORGET: Duration = Duration::from_secs(60 * 60);
/// The time after a failed attempt in which no message causes another one.
const RETRY: Duration = Duration::from_secs(1);
/// The time that the node with the greater name waits for the other one to dial.
const YIELD: Duration = Duration::from_secs(2);

/// The members without the node itself.
pub(in crate::cluster) struct Members {
    own: NodeName,
    mesh: MeshKind,
    /// The most members that are taken from announcements.
    most: usize,
    entries: SortedMap<NodeName, Entry>,
    /// The addresses of the seeds, whose tasks dial them.
    seeds: SortedMap<String, ()>,
    is_leaving: bool,
}

/// One member, in the latest incarnation that is known.
struct Entry {
    incarnation: u64,
    address: Option<String>,
    metadata: Metadata,
    state: State,
    /// The task of a seed dials it.
    is_seed: bool,
    /// A task dials it until it is connected.
    is_kept: bool,
    /// One of the two nodes has closed the connection on purpose.
    is_parted: bool,
    failed_at: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Connected,
    Apart {
        /// The time since which it cannot be reached, if it could not.
        unreached: Option<Instant>,
    },
    Gone {
        since: Instant,
        /// The member has announced that itself.
        has_left: bool,
    },
}

/// A consequence of a change, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cluster) enum Effect {
    Joined(Member),
    Left(Member),
    /// Start a task that dials this member, after a pause, until [`next_address`](Members::next_address) returns `None`.
    Keep(NodeName, Duration),
    /// Announce this member to the peers that it does not dial.
    Announce(MemberRecord),
}

impl Members {
    pub(in crate::cluster) fn new(own: NodeName, mesh: MeshKind, most: usize) -> Members {
        Members { own, mesh, most, entries: SortedMap::new(), seeds: SortedMap::new(), is_leaving: false }
    }

    /// Notes the address of a seed.
    pub(in crate::cluster) fn add_seed(&mut self, address: &str) {
        self.seeds.insert(address.to_owned(), ());
    }

    /// Notes that no task dials this seed any more. `name` is the node that it has reached, if any.
    pub(in crate::cluster) fn remove_seed(&mut self, address: &str, name: Option<&NodeName>) -> Vec<Effect> {
        self.seeds.remove(&address.to_owned());
        let Some(entry) = name.and_then(|name| self.entries.get_mut(name)) else { return Vec::new() };
        entry.is_seed = false;
        name.and_then(|name| self.keep(name, Duration::ZERO)).into_iter().collect()
    }

    /// Notes that a connection is up. `is_seed` is `true` if the task of a seed has opened it.
    pub(in crate::cluster) fn up(&mut self, peer: &Hello, is_seed: bool) -> Vec<Effect> {
        if self.mesh == MeshKind::Hidden || peer.mesh == MeshKind::Hidden {
            return Vec::new();
        }
        let NodeId { name, incarnation } = &peer.node;
        let mut effects = Vec::new();
        let before = self.entries.get(name);
        let is_known = before.is_some_and(|entry| entry.incarnation == *incarnation && !entry.is_gone());
        if let Some(before) = before.filter(|entry| !is_known && !entry.is_gone()) {
            effects.push(Effect::Left(before.member(name)));
        }
        let entry = Entry {
            incarnation: *incarnation,
            address: peer.advertise.clone(),
            metadata: peer.metadata.clone(),
            state: State::Connected,
            is_seed: is_seed || before.is_some_and(|entry| entry.is_seed),
            is_kept: before.is_some_and(|entry| entry.is_kept),
            is_parted: false,
            failed_at: None,
        };
        if !is_known {
            effects.extend([Effect::Joined(entry.member(name)), Effect::Announce(entry.record(name))]);
        }
        self.entries.insert(name.clone(), entry);
        effects
    }

    /// Notes that the connection to this incarnation is lost.
    pub(in crate::cluster) fn down(&mut self, id: &NodeId, now: Instant) -> Vec<Effect> {
        let Some(entry) = self.entries.get_mut(&id.name) else { return Vec::new() };
        if entry.incarnation != id.incarnation || entry.state != State::Connected {
            return Vec::new();
        }
        entry.state = State::Apart { unreached: (!entry.is_parted).then_some(now) };
        let pause = if self.own < id.name { Duration::ZERO } else { YIELD };
        self.keep(&id.name, pause).into_iter().collect()
    }

    /// Takes what `from` has announced.
    pub(in crate::cluster) fn learn(
        &mut self,
        from: &NodeName,
        records: Vec<MemberRecord>,
        now: Instant,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.mesh == MeshKind::Hidden {
            return effects;
        }
        for record in records {
            if record.id.name == self.own {
                continue;
            }
            let name = record.id.name.clone();
            let before = self.entries.get(&name);
            if record.has_left {
                let Some(before) = before else { continue };
                let is_own_word = *from == name && before.incarnation == record.id.incarnation;
                let is_apart = before.state != State::Connected && before.incarnation <= record.id.incarnation;
                if !before.is_gone() && (is_own_word || is_apart) {
                    effects.push(Effect::Left(before.member(&name)));
                    effects.push(Effect::Announce(record));
                    self.entries.get_mut(&name).expect("found above").state =
                        State::Gone { since: now, has_left: true };
                }
                continue;
            }
            if before.is_none() && self.entries.len() >= self.most
                || before.is_some_and(|before| {
                    before.state == State::Connected || before.incarnation >= record.id.incarnation
                })
            {
                continue;
            }
            effects.extend(before.filter(|entry| !entry.is_gone()).map(|entry| Effect::Left(entry.member(&name))));
            let entry = Entry {
                incarnation: record.id.incarnation,
                // A member without an address may dial this node.
                state: State::Apart { unreached: record.address.is_none().then_some(now) },
                address: record.address.clone(),
                metadata: record.metadata.clone(),
                is_seed: before.is_some_and(|entry| entry.is_seed),
                is_kept: before.is_some_and(|entry| entry.is_kept),
                is_parted: false,
                failed_at: None,
            };
            effects.extend([Effect::Joined(entry.member(&name)), Effect::Announce(record)]);
            self.entries.insert(name.clone(), entry);
            effects.extend(self.keep(&name, Duration::ZERO));
        }
        effects
    }

    /// Notes that one of the two nodes closes the connection on purpose.
    pub(in crate::cluster) fn part(&mut self, name: &NodeName) {
        if let Some(entry) = self.entries.get_mut(name) {
            entry.is_parted = true;
        }
    }

    /// Returns `true` if one of the two nodes has closed the connection on purpose, and no other connection has come up since.
    pub(in crate::cluster) fn is_parted(&self, name: &NodeName) -> bool {
        self.entries.get(name).is_some_and(|entry| entry.is_parted)
    }

    /// Returns `true` if a task dials this member whenever it is not connected, since it is a seed.
    pub(in crate::cluster) fn is_seed(&self, name: &NodeName) -> bool {
        self.entries.get(name).is_some_and(|entry| {
            entry.is_seed || entry.address.as_ref().is_some_and(|address| self.seeds.contains_key(address))
        })
    }

    /// Notes that this node leaves: it dials no more.
    pub(in crate::cluster) fn leave(&mut self) {
        self.is_leaving = true;
    }

    pub(in crate::cluster) fn is_leaving(&self) -> bool {
        self.is_leaving
    }

    /// Returns the address at which to dial a member that a message is for, and the member's identity. `None` if
    /// the node is not a member, has no address, or could not be reached a moment ago.
    pub(in crate::cluster) fn dial_for_message(&mut self, name: &NodeName, now: Instant) -> Option<(NodeId, String)> {
        let entry = self.entries.get_mut(name).filter(|entry| matches!(entry.state, State::Apart { .. }))?;
        let has_failed = entry.failed_at.is_some_and(|at| now.saturating_duration_since(at) < RETRY);
        let address = entry.address.clone().filter(|_| !has_failed && !self.is_leaving)?;
        Some((entry.id(name), address))
    }

    /// Returns the address for the next attempt of the task that dials this member. `None` ends the task.
    pub(in crate::cluster) fn next_address(&mut self, name: &NodeName) -> Option<String> {
        let entry = self.entries.get_mut(name)?;
        let goes_on = matches!(entry.state, State::Apart { .. }) && !entry.is_parted && !entry.is_seed;
        entry.is_kept = goes_on && !self.is_leaving;
        entry.address.clone().filter(|_| entry.is_kept)
    }

    /// Notes that a member could not be reached.
    pub(in crate::cluster) fn failed(&mut self, name: &NodeName, now: Instant) {
        if let Some(entry) = self.entries.get_mut(name)
            && let State::Apart { unreached } = &mut entry.state
        {
            unreached.get_or_insert(now);
            entry.failed_at = Some(now);
        }
    }

    /// Forgets the members that were not reached for long, and those that are gone for long.
    pub(in crate::cluster) fn forget(&mut self, now: Instant) -> Vec<Effect> {
        let mut effects = Vec::new();
        let is_over = |since: Instant| now.saturating_duration_since(since) >= FORGET;
        self.entries.retain(|name, entry| match entry.state {
            State::Apart { unreached: Some(since) } if is_over(since) => {
                effects.push(Effect::Left(entry.member(name)));
                entry.state = State::Gone { since: now, has_left: false };
                true
            }
            State::Gone { since, .. } => !is_over(since),
            _ => true,
        });
        effects
    }

    /// Returns `true` if no member is remembered.
    pub(in crate::cluster) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the members.
    pub(in crate::cluster) fn list(&self) -> Vec<Member> {
        self.entries.iter().filter(|(_, entry)| !entry.is_gone()).map(|(name, entry)| entry.member(name)).collect()
    }

    /// Returns the description of a member.
    #[cfg(all(feature = "upgrade", unix))]
    pub(in crate::cluster) fn record(&self, name: &NodeName) -> Option<MemberRecord> {
        Some(self.entries.get(name)?.record(name))
    }

    /// Returns the members to announce. One that this node cannot reach is left out.
    pub(in crate::cluster) fn records(&self) -> Vec<MemberRecord> {
        let announced = self.entries.iter().filter(|(_, entry)| {
            !matches!(entry.state, State::Apart { unreached: Some(_) } | State::Gone { has_left: false, .. })
        });
        announced.map(|(name, entry)| entry.record(name)).collect()
    }

    /// Returns the digest of the members that the node with this hello would announce, itself included, or its peer.
    pub(in crate::cluster) fn digest(&self, own: &MemberRecord) -> u64 {
        let mut records = self.records();
        records.push(own.clone());
        records.sort_by(|a, b| a.id.cmp(&b.id));
        // FNV-1a: every version of this program has to compute the same number.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut add = |bytes: &[u8]| {
            for byte in bytes {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        for MemberRecord { id, has_left, .. } in records {
            add(id.name.as_str().as_bytes());
            add(&[0, u8::from(has_left)]);
            add(&id.incarnation.to_le_bytes());
        }
        hash
    }

    /// Starts the task that dials a member, if it is apart and nothing else dials it.
    fn keep(&mut self, name: &NodeName, pause: Duration) -> Option<Effect> {
        let is_seed = self.is_seed(name);
        let entry = self.entries.get_mut(name).filter(|_| self.mesh == MeshKind::Full && !self.is_leaving)?;
        let is_apart = matches!(entry.state, State::Apart { .. }) && entry.address.is_some();
        if !is_apart || entry.is_kept || entry.is_parted || is_seed {
            return None;
        }
        entry.is_kept = true;
        Some(Effect::Keep(name.clone(), pause))
    }
}

impl Entry {
    fn is_gone(&self) -> bool {
        matches!(self.state, State::Gone { .. })
    }

    fn id(&self, name: &NodeName) -> NodeId {
        NodeId { name: name.clone(), incarnation: self.incarnation }
    }

    fn member(&self, name: &NodeName) -> Member {
        Member {
            id: self.id(name),
            address: self.address.clone(),
            metadata: self.metadata.clone(),
            is_connected: self.state == State::Connected,
        }
    }

    fn record(&self, name: &NodeName) -> MemberRecord {
        MemberRecord {
            id: self.id(name),
            has_left: self.is_gone(),
            address: self.address.clone(),
            metadata: self.metadata.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
