//! The nodes that host a sharded actor, the home of each slot, and the slots that move.
//!
//! The *home* of a slot is the node on which it should be. The node that *owns* it, by a claim, has its processes. The home
//! claims a slot without an owner. A slot whose owner is not its home moves there, as [`Hosts::moves`] decides.

use super::SLOTS;
use crate::base::{NodeId, NodeName};
use crate::registry::rendezvous::{hash, mix};

/// The nodes that host a sharded actor.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    /// Sorted by name.
    hosts: Vec<Host>,
    /// The place in `hosts` of the home of each slot; empty without hosts.
    homes: Vec<u16>,
}

#[derive(Debug, PartialEq, Eq)]
struct Host {
    id: NodeId,
    /// A number for the version of the program. Slots move only while all hosts have the same one.
    version: u64,
}

/// The most slots of a node that move at a time.
const MAX_MOVING: usize = 64;

impl Hosts {
    /// Sets a host, or removes it. Returns `false` if nothing has changed. `actor` is the name of the sharded actor.
    pub(super) fn set(&mut self, actor: &str, name: &NodeName, host: Option<(NodeId, u64)>) -> bool {
        let host = host.map(|(id, version)| Host { id, version });
        match (self.hosts.binary_search_by(|other| other.id.name.cmp(name)), host) {
            (Ok(at), Some(host)) if self.hosts[at] == host => return false,
            (Ok(at), Some(host)) => self.hosts[at] = host,
            (Ok(at), None) => drop(self.hosts.remove(at)),
            (Err(at), Some(host)) => self.hosts.insert(at, host),
            (Err(_), None) => return false,
        }
        self.homes = homes(actor, &self.hosts);
        true
    }

    /// Returns the home of a slot. `None` without hosts.
    pub(super) fn home(&self, slot: u16) -> Option<&NodeName> {
        let place = *self.homes.get(usize::from(slot))?;
        Some(&self.hosts[usize::from(place)].id.name)
    }

    /// Returns whether another node hosts the actor.
    pub(super) fn has_other(&self, me: &NodeName) -> bool {
        self.hosts.iter().any(|host| host.id.name != *me)
    }

    /// Returns the slots that the node `me` gives up now, so that their homes claim them. `owners` has the owner of each
    /// slot, and `moving` is the number of slots that the node is giving up already.
    ///
    /// No slot moves while the hosts have several versions: during a rolling upgrade each slot would move several times. The
    /// oldest host gives up its slots last, since it is likely to have most of them.
    pub(super) fn moves<'a>(
        &self,
        me: &NodeName,
        owners: impl Iterator<Item = (u16, &'a NodeName)> + Clone,
        moving: usize,
    ) -> Vec<u16> {
        let has_one_version = self.hosts.windows(2).all(|two| two[0].version == two[1].version);
        let is_host = |name: &NodeName| self.hosts.binary_search_by(|host| host.id.name.cmp(name)).is_ok();
        if !has_one_version || !is_host(me) {
            return Vec::new();
        }
        let misplaced = owners.filter(|(slot, owner)| self.home(*slot) != Some(*owner));
        let oldest = self.hosts.iter().min_by_key(|host| (host.id.incarnation, &host.id.name));
        let is_oldest = oldest.is_some_and(|host| host.id.name == *me);
        if is_oldest && misplaced.clone().any(|(_, owner)| owner != me && is_host(owner)) {
            return Vec::new();
        }
        let own = misplaced.filter(|(_, owner)| *owner == me).map(|(slot, _)| slot);
        own.take(MAX_MOVING.saturating_sub(moving)).collect()
    }
}

/// Returns the place of the home of each slot, by rendezvous hashing: see [`rendezvous`](crate::registry::rendezvous).
fn homes(actor: &str, hosts: &[Host]) -> Vec<u16> {
    let actor = hash(actor.as_bytes());
    let names: Vec<u64> = hosts.iter().map(|host| hash(host.id.name.as_str().as_bytes())).collect();
    let home = |slot: u16| {
        let key = mix(actor ^ u64::from(slot));
        (0..names.len()).max_by_key(|place| mix(key ^ names[*place]))
    };
    (0..SLOTS).filter_map(|slot| home(slot).map(|place| place as u16)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(number: u64) -> NodeName {
        NodeName::new(format!("n{number}@host")).unwrap()
    }

    fn hosts(of: &[(u64, u64)]) -> Hosts {
        let mut hosts = Hosts::default();
        for &(number, version) in of {
            let id = NodeId { name: name(number), incarnation: number };
            assert!(hosts.set("rooms", &name(number), Some((id, version))));
        }
        hosts
    }

    fn moved(hosts: &Hosts, me: u64, owners: &[(u16, NodeName)], moving: usize) -> Vec<u16> {
        hosts.moves(&name(me), owners.iter().map(|(slot, owner)| (*slot, owner)), moving)
    }

    #[test]
    fn slots_are_spread_and_only_those_of_a_new_host_change_their_home() {
        let (two, three) = (hosts(&[(1, 0), (2, 0)]), hosts(&[(1, 0), (2, 0), (3, 0)]));
        let mut counts = [0; 4];
        for slot in 0..SLOTS {
            let (before, after) = (two.home(slot).unwrap(), three.home(slot).unwrap());
            assert!(before == after || *after == name(3));
            counts[(1..=3).position(|number| *after == name(number)).unwrap()] += 1;
        }
        assert!(counts[..3].iter().all(|count| (1200..1530).contains(count)), "{counts:?}");
        assert_eq!(Hosts::default().home(7), None);
        assert_eq!(three.homes[..12], [0, 0, 1, 1, 1, 1, 0, 1, 2, 0, 0, 0], "other releases compute these");
    }

    #[test]
    fn misplaced_slots_move_and_the_oldest_host_moves_last() {
        let three = hosts(&[(1, 0), (2, 0), (3, 0)]);
        let away = |from: u64, count: usize| {
            let elsewhere = (0..SLOTS).filter(|slot| *three.home(*slot).unwrap() != name(from)).take(count);
            elsewhere.map(|slot| (slot, name(from))).collect::<Vec<_>>()
        };
        let (of_1, of_2) = (away(1, 2), away(2, 100));
        let all = [of_1.clone(), of_2.clone()].concat();
        assert_eq!(moved(&three, 2, &all, 0).len(), MAX_MOVING);
        assert_eq!(moved(&three, 2, &all, MAX_MOVING - 1), [of_2[0].0]);
        assert_eq!(moved(&three, 1, &all, 0), Vec::<u16>::new(), "node 1 is the oldest, and node 2 has slots to move");
        assert_eq!(moved(&three, 1, &of_1, 0), [of_1[0].0, of_1[1].0]);
        assert_eq!(moved(&three, 3, &all, 0), Vec::<u16>::new(), "it has none");
        assert_eq!(moved(&hosts(&[(2, 0), (3, 0)]), 1, &of_1, 0), Vec::<u16>::new(), "it does not host");
        let mixed = hosts(&[(1, 0), (2, 1), (3, 0)]);
        assert_eq!((moved(&mixed, 2, &all, 0), moved(&mixed, 1, &of_1, 0)), (Vec::<u16>::new(), Vec::<u16>::new()));
        // A node that hosts no more gives up its slots itself, and others need not wait for it.
        let without = hosts(&[(1, 0), (3, 0)]);
        let misplaced = of_1.iter().find(|(slot, _)| *without.home(*slot).unwrap() != name(1));
        assert_eq!(moved(&without, 1, &all, 0).first(), misplaced.map(|(slot, _)| slot));
    }
}
