//! The table and the choice of a member, without nodes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::pick::Pick;
use super::super::table::{Limits, Table};
use crate::base::{NodeId, NodeName};
use crate::counting::{allocations, kept_bytes};
use crate::wire::{Epoch, GroupChange, GroupName, GroupUpdate};

type TestTable = Table<(), ()>;

fn table(limits: Limits) -> TestTable {
    Table::new(limits)
}

fn name(name: &str) -> Arc<GroupName> {
    Arc::new(GroupName { name: name.into(), protocol: "shop::Mail".into() })
}

fn node(name: &str) -> Arc<NodeId> {
    Arc::new(NodeId { name: NodeName::new(name).unwrap(), incarnation: 1 })
}

fn joined(group: &Arc<GroupName>, numbers: impl IntoIterator<Item = u64>) -> GroupUpdate {
    let joined = numbers.into_iter().collect();
    GroupUpdate::Changes(vec![GroupChange { group: Arc::clone(group), joined, left: Vec::new() }])
}

/// Returns all updates that wait for a peer.
fn updates(table: &mut TestTable, epoch: Epoch) -> Vec<GroupUpdate> {
    std::iter::from_fn(|| table.next_update_for(epoch).unwrap()).collect()
}

#[test]
fn many_joins_are_few_updates() {
    let mut table = table(Limits::default());
    table.add_peer(Epoch(1), &node("b@test"));
    assert_eq!(updates(&mut table, Epoch(1)).len(), 1, "an empty range");
    let group = name("mailers");
    (1..=100_000).for_each(|process| assert!(table.join(&group, process, || Some(()))));
    assert_eq!(updates(&mut table, Epoch(1)).len(), 100_000_usize.div_ceil(GroupUpdate::MAX_NUMBERS));
    // Those that have joined and left meanwhile are one change.
    for _ in 0..100 {
        (1..=5).for_each(|process| assert!(table.leave(&group, process)));
        (1..=5).for_each(|process| assert!(table.join(&group, process, || Some(()))));
    }
    let change = joined(&group, 1..=5);
    assert_eq!(updates(&mut table, Epoch(1)), [change]);
}

#[test]
fn a_peer_that_does_not_read_occupies_no_memory() {
    let mut table = table(Limits::default());
    table.add_peer(Epoch(1), &node("b@test"));
    updates(&mut table, Epoch(1));
    let group = name("mailers");
    for round in 0..1_000 {
        for process in 1..=1_000 {
            assert!(table.join(&group, round * 1_000 + process, || Some(())));
        }
        for process in 1..=1_000 {
            assert!(table.leave(&group, round * 1_000 + process));
        }
    }
    assert_eq!(table.sizes(), [0, 0, 1, Limits::default().log]);
    let all = GroupUpdate::Range { after: None, is_last: true, members: Vec::new() };
    assert_eq!(updates(&mut table, Epoch(1)), [all]);
    assert_eq!(table.sizes(), [0, 0, 1, 0]);
}

#[test]
fn the_members_and_groups_of_a_peer_are_bounded() {
    let mut table = table(Limits { members: 10, groups: 3, ..Limits::default() });
    table.add_peer(Epoch(1), &node("b@test"));
    table.add_peer(Epoch(2), &node("c@test"));
    let mut ignored = |epoch, group: &str, numbers| table.apply(epoch, joined(&name(group), numbers)).1;
    assert_eq!(ignored(Epoch(1), "a", 1..=4), 0);
    assert_eq!(ignored(Epoch(1), "b", 1..=1), 0);
    assert_eq!(ignored(Epoch(1), "c", 1..=1), 0);
    assert_eq!(ignored(Epoch(1), "d", 1..=1), 1, "a fourth group");
    assert_eq!(ignored(Epoch(1), "c", 1..=8), 3, "more than ten members");
    assert_eq!(ignored(Epoch(2), "d", 1..=10), 0, "another peer");
    let left = GroupChange { group: name("a"), joined: Vec::new(), left: (1..=4).collect() };
    table.apply(Epoch(1), GroupUpdate::Changes(vec![left]));
    assert_eq!(table.apply(Epoch(1), joined(&name("d"), 11..=14)).1, 0, "there is room again");
    assert_eq!(table.group(&name("d")).unwrap().count(), 14);
    // Of a peer without `Open`, nothing is accepted.
    assert!(table.apply(Epoch(3), joined(&name("a"), 1..=1)).0.is_empty());
    table.remove_peer(Epoch(1));
    table.remove_peer(Epoch(2));
    assert_eq!(table.sizes(), [0; 4]);
}

/// The exit of a member of one group needs no more memory operations among 20,000 groups than among two.
#[test]
fn an_exit_touches_only_the_groups_of_the_process() {
    let cost = |groups: u64| {
        let mut table = table(Limits::default());
        table.add_peer(Epoch(1), &node("b@test"));
        for group in 0..groups {
            table.join(&name(&format!("group {group}")), group + 2, || Some(()));
        }
        table.join(&name("own"), 1, || Some(()));
        updates(&mut table, Epoch(1));
        let before = allocations();
        assert_eq!(table.exit(1), [name("own")]);
        let counted = allocations() - before;
        assert!(matches!(&updates(&mut table, Epoch(1))[..], [GroupUpdate::Changes(changes)] if changes.len() == 1));
        counted
    };
    assert_eq!(cost(20_000), cost(2));
}

#[test]
fn a_membership_is_small() {
    let check = |bytes: isize, most: isize| assert!(bytes <= most, "{bytes} bytes");
    let mut table = table(Limits::default());
    let group = name("mailers");
    let before = kept_bytes();
    (1..=100_000).for_each(|process| assert!(table.join(&group, process, || Some(()))));
    // Without the pointer to the process's cell, of 16 bytes.
    check((kept_bytes() - before) / 100_000, 64);
    table.add_peer(Epoch(1), &node("b@test"));
    let before = kept_bytes();
    for first in 0..100 {
        table.apply(Epoch(1), joined(&group, first * 1_000 + 1..=first * 1_000 + 1_000));
    }
    check((kept_bytes() - before) / 100_000, 12);
}

/// A group with three members on this node, and five on each of two peers.
fn picks() -> (TestTable, Arc<GroupName>, NodeId) {
    let (mut table, group) = (table(Limits::default()), name("mailers"));
    (1..=3).for_each(|process| assert!(table.join(&group, process, || Some(()))));
    for (epoch, peer) in [(5, "b@test"), (7, "c@test")] {
        table.add_peer(Epoch(epoch), &node(peer));
        table.apply(Epoch(epoch), joined(&group, 11..=15));
    }
    (table, group, NodeId::clone(&node("a@test")))
}

#[test]
fn members_are_picked_in_turn_at_random_or_near() {
    let (mut table, group, own) = picks();
    let all: Vec<(Epoch, u64)> = (1..=3)
        .map(|number| (Epoch::LOCAL, number))
        .chain([5, 7].into_iter().flat_map(|epoch| (11..=15).map(move |number| (Epoch(epoch), number))))
        .collect();
    let mut pick = |pick: Pick<'_>, draw: u64| {
        let drawn = |bound| {
            assert!(draw < bound, "{bound}");
            draw
        };
        pick.choose(table.group_mut(&group).unwrap(), &own, drawn).unwrap()
    };
    for turn in 0..2 * all.len() {
        assert_eq!(pick(Pick::RoundRobin, 0), all[turn % all.len()]);
    }
    for (draw, expected) in all.iter().enumerate() {
        assert_eq!(pick(Pick::Random, draw as u64), *expected);
    }
    for draw in 0..3 {
        assert_eq!(pick(Pick::Nearest, draw), all[draw as usize]);
    }
    // The last one has gone: the turn goes on behind it.
    let left = GroupChange { group: Arc::clone(&group), joined: Vec::new(), left: vec![11] };
    for _ in 0..4 {
        Pick::RoundRobin.choose(table.group_mut(&group).unwrap(), &own, |_| 0);
    }
    assert_eq!(table.group(&group).unwrap().last_picked, (Epoch(5), 11));
    table.apply(Epoch(5), GroupUpdate::Changes(vec![left]));
    let next = Pick::RoundRobin.choose(table.group_mut(&group).unwrap(), &own, |_| 0);
    assert_eq!(next, Some((Epoch(5), 12)));
    (1..=3).for_each(|process| drop(table.exit(process)));
    let nearest = Pick::Nearest.choose(table.group_mut(&group).unwrap(), &own, |bound| bound - 1);
    assert_eq!(nearest, Some((Epoch(7), 15)));
}

/// The owner of each key, by the names of nodes, which are the same everywhere.
fn owners(table: &mut TestTable, group: &Arc<GroupName>, own: &NodeId) -> BTreeMap<u64, (String, u64)> {
    let group = table.group_mut(group).unwrap();
    let owner = |key: u64| {
        let picked = Pick::Key(&key.to_be_bytes()).choose(group, own, |_| unreachable!());
        let (epoch, number) = picked.unwrap();
        let node = group.remote.get(&epoch).map_or(own, |members| &members.node);
        (node.name.to_string(), number)
    };
    (0..2_000).zip((0..2_000).map(owner)).collect()
}

#[test]
fn a_key_belongs_to_one_member_and_moves_only_with_it() {
    let (mut table, group, own) = picks();
    let before = owners(&mut table, &group, &own);
    let mut counts = BTreeMap::new();
    before.values().for_each(|owner| *counts.entry(owner).or_insert(0) += 1);
    assert_eq!(counts.len(), 13);
    assert!(counts.values().all(|count| (100..220).contains(count)), "2,000 / 13 is 154: {counts:?}");
    // As node c sees it.
    let mut other = self::table(Limits::default());
    (11..=15).for_each(|process| assert!(other.join(&group, process, || Some(()))));
    for (epoch, peer, numbers) in [(1, "b@test", 11..=15), (2, "a@test", 1..=3)] {
        other.add_peer(Epoch(epoch), &node(peer));
        other.apply(Epoch(epoch), joined(&group, numbers));
    }
    assert_eq!(owners(&mut other, &group, &node("c@test")), before);
    table.exit(2);
    let after = owners(&mut table, &group, &own);
    for (key, owner) in &before {
        assert!(*owner == ("a@test".to_owned(), 2) || after[key] == *owner, "the key {key} has moved");
    }
    table.join(&group, 2, || Some(()));
    assert_eq!(owners(&mut table, &group, &own), before);
}
