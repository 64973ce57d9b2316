//! The choice of one member of a group. Pure.

use std::error::Error;
use std::fmt;

use super::members::{Group, Members};
use crate::base::NodeId;
use crate::registry::rendezvous::{hash, mix};
use crate::wire::Epoch;

/// The way in which [`Group::pick`](super::Group::pick) chooses a member.
#[derive(Clone, Copy)]
pub enum Pick<'a> {
    /// The next member in turn. All groups of this name on this node take the same turns.
    RoundRobin,
    /// Any member, each with the same probability.
    Random,
    /// Any member on this node. Without one, any member on another node.
    Nearest,
    /// The member to which these bytes belong: all nodes that list the same members choose the same one. If a member joins
    /// or leaves, only its own keys move (rendezvous hashing). Takes time in proportion to the number of members.
    Key(&'a dyn AsRef<[u8]>),
}

/// The error of [`Group::pick`](super::Group::pick): the group has no members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoMember {
    /// The name of the group.
    pub group: String,
}

/// A member: its connection, or [`Epoch::LOCAL`], and its number.
pub(super) type Picked = (Epoch, u64);

impl Pick<'_> {
    /// Chooses a member. `draw` returns a number below its argument. `own` is this node.
    pub(super) fn choose<V, S>(
        self,
        group: &mut Group<V, S>,
        own: &NodeId,
        draw: impl FnOnce(u64) -> u64,
    ) -> Option<Picked> {
        match self {
            Pick::RoundRobin => {
                let picked = following(group, group.last_picked).or_else(|| following(group, (Epoch::LOCAL, 0)))?;
                group.last_picked = picked;
                Some(picked)
            }
            Pick::Nearest if !group.local.is_empty() => {
                let index = draw(group.local.len() as u64);
                Some((Epoch::LOCAL, group.local.nth(index as usize)?.0))
            }
            Pick::Random | Pick::Nearest => {
                let mut index = draw(group.count() as u64) as usize;
                if let Some((number, _)) = group.local.nth(index) {
                    return Some((Epoch::LOCAL, *number));
                }
                index -= group.local.len();
                for (epoch, members) in group.remote.iter() {
                    match members.numbers.nth(index) {
                        Some((number, ())) => return Some((*epoch, *number)),
                        None => index -= members.numbers.len(),
                    }
                }
                None
            }
            Pick::Key(key) => {
                let key = hash(key.as_ref());
                let best = |node: &NodeId, epoch: Epoch, numbers: &mut dyn Iterator<Item = u64>| {
                    let node = mix(key ^ hash(node.name.as_str().as_bytes()));
                    numbers.map(|number| (mix(node ^ mix(number)), epoch, number)).max()
                };
                let local = best(own, Epoch::LOCAL, &mut group.local.keys().copied());
                let remote = group.remote.iter();
                let remote = remote
                    .filter_map(|(epoch, members)| best(&members.node, *epoch, &mut members.numbers.keys().copied()));
                remote.chain(local).max().map(|(_, epoch, number)| (epoch, number))
            }
        }
    }
}

/// Returns the first member behind this one: first those on this node, then those on each peer.
fn following<V, S>(group: &Group<V, S>, (epoch, number): Picked) -> Option<Picked> {
    let next = if epoch == Epoch::LOCAL {
        group.local.next_after(&number).map(|(number, _)| *number)
    } else {
        group.remote.get(&epoch).and_then(|members| members.numbers.next_after(&number)).map(|(number, ())| *number)
    };
    let first = |(epoch, members): &(Epoch, Members)| Some((*epoch, members.numbers.first()?.0));
    next.map(|number| (epoch, number)).or_else(|| group.remote.next_after(&epoch).and_then(first))
}

impl fmt::Debug for Pick<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pick::RoundRobin => f.write_str("RoundRobin"),
            Pick::Random => f.write_str("Random"),
            Pick::Nearest => f.write_str("Nearest"),
            Pick::Key(key) => f.debug_tuple("Key").field(&key.as_ref()).finish(),
        }
    }
}

impl fmt::Display for NoMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the group `{}` has no members", self.group)
    }
}

impl Error for NoMember {}
