//! Structs, tuples and enums.

use serde::Deserialize;

use super::{Recorder, check, text};

#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) struct Point {
    x: i32,
    y: i32,
}

#[derive(Deserialize)]
pub(super) struct Nothing;

#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) struct Meters(u64);

#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) struct Pair(u8, String);

#[derive(Deserialize)]
pub(super) struct Empty {}

#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) enum Mixed {
    Unit,
    Newtype(u32),
    Tuple(u8, u16),
    Struct { x: i64, y: Option<String> },
    UnitContent(()),
    EmptyStruct {},
    Point(Point),
}

#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) struct Generic<T> {
    inner: T,
}

#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) enum Outer {
    A(Inner),
    B { inner: Option<Inner> },
    C(Vec<Inner>, Inner),
}

#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) enum Inner {
    One(Innermost),
    Two,
}

#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) enum Innermost {
    Left(bool),
    Right(char),
}

mod orders {
    #[derive(serde::Deserialize)]
    #[allow(dead_code)]
    pub(super) struct Line {
        count: u8,
    }
}

mod drawings {
    #[derive(serde::Deserialize)]
    #[allow(dead_code)]
    pub(super) struct Line {
        color: String,
    }
}

#[test]
fn structs_have_their_fields_in_order() {
    check::<Point>("{x: i32, y: i32}");
    check::<Nothing>("()");
    check::<Empty>("{}");
    check::<Pair>("tuple(u8, text)");
}

#[test]
fn newtype_structs_do_not_appear() {
    check::<Meters>("u64");
    check::<Vec<Meters>>("[u64]");
}

#[test]
fn enums_have_all_their_variants() {
    check::<Mixed>(
        "<Unit | Newtype u32 | Tuple tuple(u8, u16) | Struct {x: i64, y: text?} | UnitContent | EmptyStruct {} | \
         Point {x: i32, y: i32}>",
    );
}

#[test]
fn each_variant_of_nested_enums_is_found() {
    let inner = "<One <Left bool | Right char> | Two>";
    check::<Outer>(&format!("<A {inner} | B {{inner: {inner}?}} | C tuple([{inner}], {inner})>"));
}

#[test]
fn generic_instances_are_distinct() {
    check::<(Generic<u8>, Generic<String>, Generic<Generic<u8>>)>(
        "tuple({inner: u8}, {inner: text}, {inner: {inner: u8}})",
    );
}

#[test]
fn types_of_one_name_are_distinct() {
    check::<(orders::Line, drawings::Line)>("tuple({count: u8}, {color: text})");
}

#[test]
fn collections_of_equal_elements_stay_tuples() {
    check::<[u8; 3]>("tuple(u8, u8, u8)");
    check::<[u8; 0]>("tuple()");
    check::<[Mixed; 0]>("tuple()");
}

#[test]
fn equal_parts_of_several_types_are_recorded_once() {
    let mut recorder = Recorder::new();
    let point = recorder.record::<Point>().unwrap();
    let points = recorder.record::<Vec<Point>>().unwrap();
    let runs = recorder.run.number;
    let again = recorder.record::<Box<Point>>().unwrap();
    assert_eq!(point.0, again.0);
    assert!(recorder.run.number - runs <= 2);
    let nodes = recorder.into_nodes();
    // Point, i32 and the sequence.
    assert_eq!(nodes.len(), 3);
    assert_eq!(text(&nodes, points.0), "[{x: i32, y: i32}]");
}
