//! Types that postcard cannot carry.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Recorder, check_error};

#[derive(Deserialize)]
#[allow(dead_code)]
struct Point {
    x: i32,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Flattened {
    id: u32,
    #[serde(flatten)]
    point: Point,
}

#[derive(Deserialize)]
#[serde(untagged)]
#[allow(dead_code)]
enum Untagged {
    Number(u32),
    Text(String),
}

#[derive(Deserialize)]
#[serde(tag = "type")]
#[allow(dead_code)]
enum Internal {
    A { x: u8 },
    B,
}

#[derive(Deserialize)]
#[serde(tag = "type", content = "content")]
#[allow(dead_code)]
enum Adjacent {
    A(u8),
    B,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Order<T> {
    number: u32,
    item: T,
}

#[derive(Deserialize)]
#[allow(dead_code)]
enum Event {
    Started,
    Ordered { order: Vec<Option<Order<Untagged>>>, at: u64 },
}

/// Replaces each error with its own.
#[derive(Deserialize)]
#[allow(dead_code)]
struct Masked {
    #[serde(deserialize_with = "masked")]
    value: u8,
}

fn masked<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    Untagged::deserialize(deserializer).map(|_| 0).map_err(|_| D::Error::custom("masked"))
}

/// Reads a text behind the number 0, and a flag behind other numbers.
struct Dependent;

impl<'de> Deserialize<'de> for Dependent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements;

        impl<'de> Visitor<'de> for Elements {
            type Value = Dependent;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, and a text or a flag")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Dependent, A::Error> {
                if elements.next_element::<u8>()? == Some(0) {
                    elements.next_element::<String>()?;
                    return Err(A::Error::custom("0 is too small"));
                }
                elements.next_element::<bool>()?;
                Ok(Dependent)
            }
        }

        deserializer.deserialize_tuple(2, Elements)
    }
}

const ANY: &str = "the type needs a self-describing format: `untagged`, `tag`, or a value of any type";
const NAMES: &str = "the type reads names of fields as values: `flatten`, or `tag` and `content`";

#[test]
fn types_of_any_structure() {
    check_error::<serde_json::Value>(ANY);
    check_error::<Untagged>(ANY);
    check_error::<Internal>(ANY);
}

#[test]
fn names_as_values() {
    check_error::<Flattened>(NAMES);
    check_error::<Adjacent>(&format!("`type`: {NAMES}"));
}

#[test]
fn the_reason_has_the_path() {
    check_error::<Order<serde_json::Value>>(&format!("`item`: {ANY}"));
    check_error::<Order<Flattened>>(&format!("`item`: {NAMES}"));
    check_error::<Order<Adjacent>>(&format!("`item.type`: {NAMES}"));
    check_error::<(u8, Order<Internal>)>(&format!("`1.item`: {ANY}"));
    check_error::<Event>(&format!("`Ordered.order.item`: {ANY}"));
    check_error::<BTreeMap<u8, Event>>(&format!("`Ordered.order.item`: {ANY}"));
}

#[test]
fn the_reason_remains_if_the_type_replaces_errors() {
    check_error::<Masked>(&format!("`value`: {ANY}"));
}

#[test]
fn values_that_are_passed_over() {
    check_error::<Order<IgnoredAny>>("`item`: the type passes over a value without its structure");
}

#[test]
fn a_structure_that_depends_on_values() {
    check_error::<(Dependent, Point)>("`0.1`: the structure of the type depends on the value");
}

#[test]
fn a_recorder_goes_on_after_a_type_that_it_refused() {
    let mut recorder = Recorder::new();
    assert!(recorder.record::<Event>().is_err());
    let point = recorder.record::<Point>().unwrap();
    assert_eq!(super::text(&recorder.into_nodes(), point.0), "{x: i32}");
}
