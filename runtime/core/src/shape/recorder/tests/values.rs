//! Values that pass through each part of a type.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::values_of;

#[derive(Deserialize, Serialize, Debug, PartialEq)]
enum Command {
    Stop,
    Move { by: i32, to: Option<Direction> },
    Say(String),
    All(Vec<Command>),
}

#[derive(Deserialize, Serialize, Debug, PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
enum Direction {
    Up,
    Down,
}

#[derive(Deserialize, Serialize, Debug, PartialEq)]
struct Order {
    number: std::num::NonZeroU32,
    lines: BTreeMap<String, Vec<Option<Direction>>>,
    result: Result<u8, Direction>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
enum Partly {
    Good(u8),
    Bad(super::validation::Odd),
    Never(Box<Partly>, super::validation::Odd),
}

#[test]
fn each_variant_appears() {
    let values = values_of::<Command>();
    assert!(values.contains(&Command::Stop));
    assert!(values.iter().any(|value| matches!(value, Command::Say(_))));
    assert!(values.iter().any(|value| matches!(value, Command::All(all) if !all.is_empty())));
    for direction in [Direction::Up, Direction::Down] {
        assert!(values.iter().any(|value| matches!(value, Command::Move { to: Some(to), .. } if *to == direction)));
    }
}

#[test]
fn each_variant_inside_collections_appears() {
    let values = values_of::<Order>();
    let in_lines: BTreeSet<_> = values.iter().flat_map(|order| order.lines.values().flatten().flatten()).collect();
    let in_results: BTreeSet<_> = values.iter().filter_map(|order| order.result.as_ref().err()).collect();
    assert!(!in_lines.is_empty() && !in_results.is_empty());
    assert_eq!(in_lines.union(&in_results).count(), 2);
    assert!(values.iter().any(|order| order.result.is_ok()));
}

#[test]
fn a_flat_struct_needs_one_value() {
    assert_eq!(values_of::<(u8, String, [u8; 30], (bool, char))>().len(), 1);
    assert_eq!(values_of::<()>().len(), 1);
}

#[test]
fn values_survive_postcard() {
    for value in values_of::<Vec<Command>>() {
        let bytes = postcard::to_extend(&value, vec![]).unwrap();
        assert_eq!(postcard::from_bytes::<Vec<Command>>(&bytes).unwrap(), value);
    }
}

#[test]
fn parts_without_a_value_are_left_out() {
    let values = values_of::<Vec<Partly>>();
    assert!(values.iter().flatten().any(|value| matches!(value, Partly::Good(_))));
    assert!(values.iter().flatten().all(|value| matches!(value, Partly::Good(_))));
    assert!(values_of::<super::validation::Odd>().is_empty());
}
