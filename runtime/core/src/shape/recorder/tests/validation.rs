//! Types that refuse values, and types without any.

use std::fmt;
use std::num::NonZeroU8;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Recorder, check, text, values_of};
use crate::shape::Node;

/// A text that is checked as those of the crates `url` and `uuid` are.
macro_rules! checked_text {
    ($name:ident, $is_valid:expr) => {
        #[derive(Deserialize)]
        #[serde(try_from = "String")]
        #[allow(dead_code)]
        pub(super) struct $name(String);

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                let is_valid: fn(&str) -> bool = $is_valid;
                if is_valid(&text) { Ok($name(text)) } else { Err(format!("{text} is not valid")) }
            }
        }
    };
}

checked_text!(Url, |text| text.starts_with("http://"));
checked_text!(Uuid, |text| text.len() == 36 && text.split('-').map(str::len).eq([8, 4, 4, 4, 12]));
checked_text!(NodeName, |text| text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host == "b"));
checked_text!(Count, |text| text.parse::<NonZeroU8>().is_ok());
// No candidate has this form.
checked_text!(Odd, |text| text.starts_with("ODD-"));

#[derive(Deserialize)]
#[serde(try_from = "RawInterval")]
#[allow(dead_code)]
pub(super) struct Interval(RawInterval);

#[derive(Deserialize)]
pub(super) struct RawInterval {
    from: u32,
    to: u32,
}

impl TryFrom<RawInterval> for Interval {
    type Error = &'static str;

    fn try_from(interval: RawInterval) -> Result<Self, &'static str> {
        if interval.from < interval.to { Ok(Interval(interval)) } else { Err("the interval is empty") }
    }
}

/// Accepts one of its variants only.
#[derive(Deserialize)]
#[serde(try_from = "Size")]
#[allow(dead_code)]
pub(super) struct Large(Size);

#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) enum Size {
    Small(u8),
    Medium { width: u16 },
    Large(Url),
}

impl TryFrom<Size> for Large {
    type Error = String;

    fn try_from(size: Size) -> Result<Self, String> {
        match size {
            Size::Large(_) => Ok(Large(size)),
            Size::Small(width) => Err(format!("{width} is small")),
            Size::Medium { width } => Err(format!("{width} is medium")),
        }
    }
}

/// All numbers are 0.
#[derive(Deserialize)]
#[serde(try_from = "RawInterval")]
#[allow(dead_code)]
struct Origin(RawInterval);

impl TryFrom<RawInterval> for Origin {
    type Error = &'static str;

    fn try_from(interval: RawInterval) -> Result<Self, &'static str> {
        if (interval.from, interval.to) == (0, 0) { Ok(Origin(interval)) } else { Err("not 0") }
    }
}

/// The first variant accepts no value.
#[derive(Deserialize)]
#[allow(dead_code)]
enum OddOrNumber {
    Odd(Odd),
    Number(u64),
}

/// Refuses a variant of which something stays unknown.
#[derive(Deserialize)]
#[serde(try_from = "KnownOrNot")]
struct Known;

#[derive(Deserialize)]
#[allow(dead_code)]
enum KnownOrNot {
    Known,
    Unknown(LenientFails),
}

impl TryFrom<KnownOrNot> for Known {
    type Error = &'static str;

    fn try_from(value: KnownOrNot) -> Result<Self, &'static str> {
        if matches!(value, KnownOrNot::Known) { Ok(Known) } else { Err("not known") }
    }
}

/// Demands elements.
#[derive(Deserialize)]
#[serde(try_from = "Vec<u8>")]
#[allow(dead_code)]
pub(super) struct TwoOrMore(Vec<u8>);

impl TryFrom<Vec<u8>> for TwoOrMore {
    type Error = &'static str;

    fn try_from(elements: Vec<u8>) -> Result<Self, &'static str> {
        if elements.len() >= 2 { Ok(TwoOrMore(elements)) } else { Err("too few") }
    }
}

#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) struct Order {
    number: u32,
    odd: Odd,
    customer: String,
    interval: Option<Interval>,
    size: Size,
}

#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) struct OddFirst(Odd, u32);

#[derive(Deserialize)]
pub(super) enum Never {}

#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) struct HasNever {
    never: Never,
    a: u8,
    size: Size,
}

/// Reads fields by position only.
#[allow(dead_code)]
pub(super) struct ByPosition {
    a: u8,
    odd: Option<Url>,
    c: u32,
}

impl<'de> Deserialize<'de> for ByPosition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = ByPosition;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("three fields")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut fields: A) -> Result<ByPosition, A::Error> {
                let short = || A::Error::custom("too short");
                Ok(ByPosition {
                    a: fields.next_element::<NonZeroU8>()?.ok_or_else(short)?.get(),
                    odd: fields.next_element()?.ok_or_else(short)?,
                    c: fields.next_element()?.ok_or_else(short)?,
                })
            }
        }

        deserializer.deserialize_struct("ByPosition", &["a", "odd", "c"], Fields)
    }
}

/// Does not deserialize anything.
pub(super) struct Fails;

impl<'de> Deserialize<'de> for Fails {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(D::Error::custom("no"))
    }
}

/// Goes on with a default if a value is refused.
#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) struct Lenient {
    #[serde(deserialize_with = "or_default")]
    a: u8,
    b: bool,
}

/// The field has a default, and no other value.
#[derive(Deserialize)]
#[allow(dead_code)]
struct LenientOdd {
    #[serde(deserialize_with = "or_nothing")]
    odd: Option<Odd>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct LenientFails(#[serde(deserialize_with = "or_nothing")] Option<Fails>);

fn or_nothing<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(T::deserialize(deserializer).ok())
}

fn or_default<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    Ok(NonZeroU8::deserialize(deserializer).map_or(0, NonZeroU8::get))
}

/// Bytes of a fixed length, as the crate `uuid` deserializes them.
#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) struct Keys {
    #[serde(with = "fixed_bytes")]
    key: [u8; 16],
    #[serde(with = "fixed_bytes")]
    signature: [u8; 64],
    #[serde(with = "fixed_bytes")]
    impossible: [u8; 7],
    end: bool,
}

mod fixed_bytes {
    use super::{Deserializer, Error, Visitor, fmt};

    pub(super) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(deserializer: D) -> Result<[u8; N], D::Error> {
        struct Bytes<const N: usize>;

        impl<const N: usize> Visitor<'_> for Bytes<N> {
            type Value = [u8; N];

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{N} bytes")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<[u8; N], E> {
                bytes.try_into().map_err(|_| E::invalid_length(bytes.len(), &self))
            }
        }

        deserializer.deserialize_bytes(Bytes::<N>)
    }
}

const SIZE: &str = "<Small u8 | Medium {width: u16} | Large text>";

#[test]
fn checked_texts() {
    check::<(Url, Uuid, NodeName, Count)>("tuple(text, text, text, text)");
    check::<Vec<Option<(Url, u8)>>>("[tuple(text, u8)?]");
}

#[test]
fn checked_structs_and_collections() {
    check::<(Interval, u8)>("tuple({from: u32, to: u32}, u8)");
    check::<(TwoOrMore, bool)>("tuple([u8], bool)");
    check::<(Vec<u8>, TwoOrMore, bool)>("tuple([u8], [u8], bool)");
}

#[test]
fn a_type_that_accepts_one_variant() {
    check::<(Large, bool)>(&format!("tuple({SIZE}, bool)"));
}

#[test]
fn variants_that_accept_no_value_are_avoided() {
    check::<(OddOrNumber, Size)>(&format!("tuple(<Odd text | Number u64>, {SIZE})"));
}

/// The candidates of the shared part do not start at the first one.
#[test]
fn candidates_run_through_all_values() {
    let mut recorder = Recorder::new();
    recorder.record::<(Interval, bool)>().unwrap();
    let origin = recorder.record::<(Origin, bool)>().unwrap();
    let mut count = 0;
    recorder.values::<(Origin, bool)>(origin, |_| count += 1);
    assert_eq!(count, 1);
    assert_eq!(text(&recorder.into_nodes(), origin.0), "tuple({from: u32, to: u32}, bool)");
}

#[test]
fn checked_bytes() {
    check::<Keys>("{key: bytes, signature: bytes, impossible: bytes, end: bool}");
}

/// The type of the field is known, although no value of it is.
#[test]
fn fields_beside_one_that_accepts_no_value() {
    check::<Order>(&format!(
        "{{number: u32, odd: text, customer: text, interval: {{from: u32, to: u32}}?, size: {SIZE}}}"
    ));
}

/// A tuple has no names: elements behind one that accepts no value are not reached.
#[test]
fn tuple_elements_behind_one_that_accepts_no_value() {
    check::<OddFirst>("tuple(text, ?)");
    check::<(u8, OddFirst, u8)>("tuple(u8, tuple(text, ?), ?)");
}

#[test]
fn types_without_a_value() {
    check::<Never>("<>");
    check::<HasNever>(&format!("{{never: <>, a: u8, size: {SIZE}}}"));
    check::<(Option<Never>, Vec<Never>, Result<u8, Never>)>("tuple(<>?, [<>], <Ok u8 | Err <>>)");
    check::<Fails>("?");
    check::<Option<Fails>>("??");
}

#[test]
fn a_type_that_reads_positions_only() {
    check::<ByPosition>("{a: u8, odd: text?, c: u32}");
}

#[test]
fn a_type_that_goes_on_after_a_failure() {
    check::<Lenient>("{a: u8, b: bool}");
    check::<(LenientOdd, Url, bool)>("tuple({odd: text}, text, bool)");
    check::<(Known, bool)>("tuple(<Known | Unknown ?>, bool)");
    assert_eq!(values_of::<(Known, bool)>().len(), 1);
}

#[test]
fn unknown_parts_have_the_name_of_the_recorded_type() {
    let mut recorder = Recorder::new();
    recorder.record::<OddFirst>().unwrap();
    let root = recorder.record::<Fails>().unwrap();
    recorder.record::<Box<OddFirst>>().unwrap();
    let nodes = recorder.into_nodes();
    let unknown = |name: &str| Node::Unknown(name.into());
    let (odd, fails) = (std::any::type_name::<OddFirst>(), std::any::type_name::<Fails>());
    assert_eq!(nodes.iter().filter(|node| matches!(node, Node::Unknown(_))).count(), 2);
    assert_eq!(nodes[root.0 as usize], unknown(fails));
    let Node::Tuple(elements) = &nodes[0] else { panic!("{:?}", nodes[0]) };
    assert_eq!(nodes[elements[1] as usize], unknown(odd));
}
