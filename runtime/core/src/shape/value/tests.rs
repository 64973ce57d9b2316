//! Values by shape, against the bytes of postcard.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::text::MAX_TEXT;
use super::*;
use crate::shape::{Recorder, Shape};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    dish: String,
    count: u32,
    note: Option<String>,
    size: Size,
    tags: BTreeMap<u16, (i64, f64)>,
    place: [i8; 2],
    raw: Vec<u8>,
    mark: char,
    open: bool,
    wide: i128,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Size {
    Small,
    Cut(u8),
    Own { width: u16, next: Option<Box<Order>> },
}

fn shape<T: DeserializeOwned>() -> Shape {
    let mut recorder = Recorder::new();
    let root = recorder.record::<T>().unwrap().0;
    Shape::canonical(&recorder.into_nodes(), root)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn object<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Object(entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn order() -> Order {
    Order {
        dish: "soup".to_owned(),
        count: 300,
        note: None,
        size: Size::Cut(7),
        tags: [(1000, (-5, 0.5))].into(),
        place: [-1, 2],
        raw: vec![1, 255],
        mark: 'ü',
        open: true,
        wide: -7,
    }
}

fn order_value() -> Value {
    let pair = Value::List(vec![Value::Integer(-5), Value::Float(0.5)]);
    object([
        ("dish", text("soup")),
        ("count", Value::Integer(300)),
        ("note", Value::Null),
        ("size", object([("Cut", Value::Integer(7))])),
        ("tags", object([("1000", pair)])),
        ("place", Value::List(vec![Value::Integer(-1), Value::Integer(2)])),
        ("raw", Value::List(vec![Value::Integer(1), Value::Integer(255)])),
        ("mark", text("ü")),
        ("open", Value::Bool(true)),
        ("wide", Value::Integer(-7)),
    ])
}

#[test]
fn a_value_has_the_bytes_of_postcard_and_is_read_from_them() {
    let shape = shape::<Order>();
    let own = Size::Own { width: 3, next: Some(Box::new(order())) };
    let own_value = object([("Own", object([("width", Value::Integer(3)), ("next", order_value())]))]);
    for (size, value) in
        [(Size::Cut(7), object([("Cut", Value::Integer(7))])), (Size::Small, text("Small")), (own, own_value)]
    {
        let expected = postcard::to_allocvec(&Order { size, ..order() }).unwrap();
        let Value::Object(mut entries) = order_value() else { unreachable!() };
        entries[3].1 = value;
        let value = Value::Object(entries);
        let mut written = Vec::new();
        shape.write(0, &value, &mut written).unwrap();
        assert_eq!(written, expected);
        assert_eq!(shape.read(0, &expected), Ok(value));
        for cut in 0..expected.len() {
            assert!(shape.read(0, &expected[..cut]).is_err(), "{cut}");
        }
    }
}

#[test]
fn a_value_of_another_type_is_an_error_that_names_its_place() {
    let change = |name: &str, value| {
        let Value::Object(mut entries) = order_value() else { unreachable!() };
        entries.retain(|(entry, _)| entry != name);
        entries.extend(value);
        let mut out = Vec::new();
        shape::<Order>().write(0, &Value::Object(entries), &mut out).err().map(|error| error.to_string())
    };
    let with = |name: &str, value| change(name, Some((name.to_owned(), value)));
    for (error, expected) in [
        (with("count", text("many")), Some("`count`: expected u32, found a text")),
        (with("count", Value::Integer(1 << 32)), Some("`count`: 4294967296 does not fit into u32")),
        (with("count", Value::Integer(-1)), Some("`count`: -1 does not fit into u32")),
        (with("size", text("Tiny")), Some("`size`: expected one of Small, Cut, Own, found \"Tiny\"")),
        (with("size", object([("Cut", Value::Null)])), Some("`size.Cut`: expected u8, found null")),
        (with("place", Value::List(Vec::new())), Some("`place`: expected 2 elements, found 0")),
        (with("tags", object([("x", Value::Null)])), Some("`tags`: expected u16, found a text")),
        (with("mark", text("ab")), Some("`mark`: expected char, found a text")),
        (with("open", Value::Integer(1)), Some("`open`: expected bool, found an integer")),
        (change("dish", None), Some("the field `dish` is missing")),
        // An option can be left out.
        (change("note", None), None),
    ] {
        assert_eq!(error.as_deref(), expected);
    }
    let error = change("note", Some(("nota".to_owned(), Value::Null))).unwrap();
    assert!(error.starts_with("there is no field `nota`; expected dish, count, note"), "{error}");
}

#[test]
fn depth_and_size_are_bounded() {
    let shape = shape::<Order>();
    let mut deep = order_value();
    for _ in 0..1_000 {
        let Value::Object(mut entries) = order_value() else { unreachable!() };
        entries[3].1 = object([("Own", object([("width", Value::Integer(3)), ("next", deep)]))]);
        deep = Value::Object(entries);
    }
    assert!(shape.write(0, &deep, &mut Vec::new()).is_err());
    let large = Value::List(vec![text(&"x".repeat(1 << 16)); 32]);
    assert!(self::shape::<Vec<String>>().write(0, &large, &mut Vec::new()).is_err());
}

#[test]
fn integers_of_each_width_are_those_of_postcard() {
    fn check<T: Serialize + DeserializeOwned + 'static>(numbers: &[(T, i128)]) {
        for (number, value) in numbers {
            let mut written = Vec::new();
            shape::<T>().write(0, &Value::Integer(*value), &mut written).unwrap();
            assert_eq!(written, postcard::to_allocvec(number).unwrap());
            assert_eq!(shape::<T>().read(0, &written), Ok(Value::Integer(*value)));
        }
    }
    check(&[(u8::MAX, 255)]);
    check(&[(i8::MIN, -128), (i8::MAX, 127)]);
    check(&[(u64::MAX, u64::MAX.into())]);
    check(&[(i64::MIN, i64::MIN.into()), (i64::MAX, i64::MAX.into())]);
    check(&[(i128::MIN, i128::MIN), (i128::MAX, i128::MAX)]);
    let largest = text(&u128::MAX.to_string());
    let mut written = Vec::new();
    shape::<u128>().write(0, &largest, &mut written).unwrap();
    assert_eq!(written, postcard::to_allocvec(&u128::MAX).unwrap());
    assert_eq!(shape::<u128>().read(0, &written), Ok(largest));
}

#[test]
fn a_type_is_shown_and_a_recursive_one_ends() {
    let text = shape::<Order>().type_text(0);
    let begin =
        "{dish: String, count: u32, note: Option<String>, size: Small | Cut(u8) | Own({width: u16, next: Option<{";
    assert!(text.starts_with(begin) && text.contains('…') && text.len() < 2 * MAX_TEXT, "{text}");
}
