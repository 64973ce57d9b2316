//! Bounds of the recording.

use std::marker::PhantomData;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Recorder, check, shape_of};

/// Refuses each value.
struct Refusing<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Refusing<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer)?;
        Err(D::Error::custom("refused"))
    }
}

type Pairs = Vec<(u64, Option<u64>)>;

#[derive(Deserialize)]
#[allow(dead_code)]
struct Refused {
    first: Refusing<(u64, u64, u64, u64, String)>,
    second: Vec<Refusing<Pairs>>,
    third: Refusing<u8>,
    last: bool,
}

#[test]
fn a_type_that_refuses_everything() {
    assert_eq!(shape_of::<Refusing<u8>>(), "u8");
    let mut recorder = Recorder::new();
    let refused = recorder.record::<Refused>().unwrap();
    assert!(recorder.run.number < 30_000, "{} runs", recorder.run.number);
    assert_eq!(
        super::text(&recorder.into_nodes(), refused.0),
        "{first: tuple(u64, u64, u64, u64, text), second: [[tuple(u64, u64?)]], third: u8, last: bool}"
    );
}

#[test]
fn the_number_of_runs_is_bounded() {
    let mut recorder = Recorder::new();
    recorder.max_runs = 1000;
    assert_eq!(recorder.record::<Refused>().err().unwrap(), "the type takes too many values to be recorded");
}

type Four<T> = Option<Vec<Option<Vec<T>>>>;
type Sixteen<T> = Four<Four<Four<Four<T>>>>;
type SixtyFour<T> = Sixteen<Sixteen<Sixteen<Sixteen<T>>>>;

#[test]
fn deep_types_are_recorded_up_to_the_limit() {
    let deep = |levels: usize| {
        (0..levels).rev().fold("u8".to_owned(), |text, level| match level % 2 {
            0 => format!("{text}?"),
            _ => format!("[{text}]"),
        })
    };
    check::<SixtyFour<u8>>(&deep(64));
    let too_deep = shape_of::<SixtyFour<Sixteen<Sixteen<Four<Four<u8>>>>>>();
    assert_eq!(too_deep, deep(100).replace("u8", "?"));
}

/// Four values of one type.
#[derive(Deserialize)]
#[allow(dead_code)]
struct Wide<T>(T, T, T, T);
type Wide4<T> = Wide<Wide<Wide<Wide<T>>>>;

/// A tree on the heap. Nested 16 times, it has 4^16 parts.
#[derive(Deserialize)]
#[allow(dead_code)]
struct Boxed<T>(Box<T>, Box<T>, Box<T>, Box<T>);
type Boxed4<T> = Boxed<Boxed<Boxed<Boxed<T>>>>;

#[test]
fn wide_types_end() {
    assert!(shape_of::<Wide4<u8>>().starts_with("tuple(tuple(tuple(tuple(u8, u8, u8, u8), "));
    let result = Recorder::new().record::<Boxed4<Boxed4<Boxed4<Boxed4<u8>>>>>();
    assert!(result.err().unwrap().ends_with("the type is too large"));
}

/// Demands a tuple of so many elements.
struct Long<const N: usize>;

impl<'de, const N: usize> Deserialize<'de> for Long<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements<const N: usize>;

        impl<'de, const N: usize> Visitor<'de> for Elements<N> {
            type Value = Long<N>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("elements")
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut elements: A) -> Result<Long<N>, A::Error> {
                for _ in 0..N {
                    elements.next_element::<u8>()?.ok_or_else(|| A::Error::custom("too short"))?;
                }
                Ok(Long)
            }
        }

        deserializer.deserialize_tuple(N, Elements::<N>)
    }
}

#[test]
fn long_tuples() {
    assert_eq!(shape_of::<Long<4096>>().matches("u8").count(), 4096);
    let mut recorder = Recorder::new();
    assert_eq!(recorder.record::<Option<Long<{ usize::MAX }>>>().err().unwrap(), "the type is too large");
}

#[derive(Deserialize)]
#[allow(dead_code)]
enum Protocol {
    A(super::structure::Mixed),
    B(super::structure::Outer),
    C(super::names::Aliased, super::names::Strict),
    D(super::validation::Order),
    E { x: Vec<super::recursion::Expression>, y: core::net::IpAddr },
    F(super::recursion::Folder),
    G(super::recursion::LateEnd),
    H(super::structure::Generic<super::structure::Generic<String>>),
    I(std::time::SystemTime, super::recursion::Tree),
    J(super::names::AliasedVariants),
}
#[test]
fn the_number_of_runs_is_small() {
    let mut recorder = Recorder::new();
    let recorded = recorder.record::<Protocol>().unwrap();
    let runs = recorder.run.number;
    let values = crate::shape::recorder::MAX_VALUES - recorder.values_left;
    assert!(runs < 200 && values < 10_000, "{runs} runs, {values} values");
    let mut count = 0;
    recorder.values::<Protocol>(recorded, |_| count += 1);
    let runs = recorder.run.number - runs;
    assert!(count < 50 && runs < 100, "{count} values in {runs} runs");
}

/// Panics for the first value that is invented.
#[derive(Deserialize)]
#[serde(from = "u8")]
struct Panicking;

impl From<u8> for Panicking {
    fn from(number: u8) -> Self {
        assert_ne!(number, 0, "not a number of a panel");
        Panicking
    }
}

#[test]
fn a_panic_is_a_refusal() {
    let mut recorder = Recorder::new();
    let recorded = recorder.record::<Vec<(Panicking, bool)>>().unwrap();
    let mut values = 0;
    recorder.values::<Vec<(Panicking, bool)>>(recorded, |_| values += 1);
    assert!(values > 0);
    assert_eq!(super::text(&recorder.into_nodes(), recorded.0), "[tuple(u8, bool)]");
}
