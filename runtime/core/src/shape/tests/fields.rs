//! Fields that are added, removed, moved and renamed.

use serde::{Deserialize, Serialize};

use super::{differ, pair, same};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Sum {
    amount: u32,
    fee: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Moved {
    fee: u32,
    amount: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Longer {
    amount: u32,
    fee: u32,
    #[serde(default)]
    tax: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Strictly {
    amount: u32,
    fee: u32,
    tax: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct WithDefault {
    amount: u32,
    fee: u32,
    #[serde(default = "nine")]
    tax: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct WithOption {
    amount: u32,
    fee: u32,
    tax: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Shorter {
    amount: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Renamed {
    #[serde(rename = "amount")]
    sum: u32,
    fee: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Aliased {
    #[serde(alias = "amount")]
    sum: u32,
    fee: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct BothNames {
    amount: u32,
    sum: u32,
    fee: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
struct Upper {
    amount: u32,
    fee: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Closed {
    amount: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct AllDefault {
    amount: u32,
    fee: u32,
    tax: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Skipped {
    amount: u32,
    #[serde(skip)]
    cache: u64,
    fee: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Empty {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Newtype(Sum);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Two(u32, u32);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Three(u32, u32, u32);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Outer {
    sum: Sum,
    last: u8,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct OuterMoved {
    last: u8,
    sum: Moved,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct OuterBoxed {
    sum: Box<Sum>,
    last: u8,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Many {
    sums: Vec<Sum>,
    last: Option<Sum>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ManyMoved {
    last: Option<Moved>,
    sums: Vec<Moved>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct TextAmount {
    amount: String,
    fee: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct OptionalAmount {
    amount: Option<u32>,
    fee: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Tail {
    text: String,
    list: Vec<(u8, String)>,
    end: u8,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Head {
    end: u8,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Functions {
    #[serde(with = "as_text")]
    amount: u32,
    fee: u32,
}

impl Default for AllDefault {
    fn default() -> AllDefault {
        AllDefault { amount: 5, fee: 6, tax: 7 }
    }
}

fn nine() -> u32 {
    9
}

mod as_text {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(number: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

const SUM: Sum = Sum { amount: 1000, fee: 1 };
const MOVED: Moved = Moved { fee: 1, amount: 1000 };

#[test]
fn a_moved_field_keeps_its_value() {
    same(SUM, MOVED);
    same(Outer { sum: SUM, last: 3 }, OuterMoved { last: 3, sum: MOVED });
    same(Many { sums: vec![SUM, SUM], last: Some(SUM) }, ManyMoved { last: Some(MOVED), sums: vec![MOVED, MOVED] });
    same((SUM, 7_u8), (MOVED, 7_u8));
}

#[test]
fn a_new_field_has_its_default_and_an_old_one_is_passed_over() {
    pair(
        SUM,
        Ok(Longer { amount: 1000, fee: 1, tax: 0 }),
        Longer { amount: 2, fee: 3, tax: 4 },
        Ok(Sum { amount: 2, fee: 3 }),
    );
    let with_default = |tax| WithDefault { amount: 2, fee: 3, tax };
    pair(Sum { amount: 2, fee: 3 }, Ok(with_default(9)), with_default(4), Ok(Sum { amount: 2, fee: 3 }));
    let with_option = |tax| WithOption { amount: 2, fee: 3, tax };
    pair(Sum { amount: 2, fee: 3 }, Ok(with_option(None)), with_option(Some(4)), Ok(Sum { amount: 2, fee: 3 }));
    let strictly = Strictly { amount: 2, fee: 3, tax: 4 };
    pair(SUM, Err("the field `tax` was not sent, and has no default"), strictly, Ok(Sum { amount: 2, fee: 3 }));
    pair(
        Shorter { amount: 1 },
        Ok(AllDefault { amount: 1, fee: 6, tax: 7 }),
        AllDefault { amount: 2, fee: 3, tax: 4 },
        Ok(Shorter { amount: 2 }),
    );
    pair(
        Skipped { amount: 1, cache: 0, fee: 2 },
        Ok(Sum { amount: 1, fee: 2 }),
        SUM,
        Ok(Skipped { amount: 1000, cache: 0, fee: 1 }),
    );
    let tail = Tail { text: "t".into(), list: vec![(1, "x".into())], end: 9 };
    pair(tail, Ok(Head { end: 9 }), Head { end: 8 }, Err("the field `text` was not sent, and has no default"));
    let only = "the field `fee` was not sent, and has no default";
    pair(SUM, Ok(Shorter { amount: 1000 }), Shorter { amount: 1 }, Err(only));
    let closed = "unknown field `fee`, expected `amount`";
    pair(SUM, Err(closed), Closed { amount: 1 }, Err(only));
    pair(SUM, Ok(Empty {}), Empty {}, Err("the field `amount` was not sent, and has no default"));
}

#[test]
fn a_renamed_field_is_found_by_its_name_or_an_alias() {
    same(SUM, Renamed { sum: 1000, fee: 1 });
    let missing = "the field `amount` was not sent, and has no default";
    // Also by a reader that has the alias as its name.
    same(SUM, Aliased { sum: 1000, fee: 1 });
    let two = "it was sent under two names, which are two parts of the receiver's type";
    let both = BothNames { amount: 1, sum: 2, fee: 3 };
    pair(both, Err("the field `sum` was sent twice"), Aliased { sum: 1, fee: 2 }, Err(two));
    differ(SUM, "the field `AMOUNT` was not sent, and has no default", Upper { amount: 1, fee: 2 }, missing);
}

#[test]
fn names_of_types_and_newtype_structs_do_not_matter() {
    same(SUM, Newtype(SUM));
    same(Outer { sum: SUM, last: 1 }, OuterBoxed { sum: Box::new(SUM), last: 1 });
    same(Box::new(SUM), SUM);
    same((), Unit);
}

#[test]
fn a_field_of_another_type_is_named() {
    let text = TextAmount { amount: "1".into(), fee: 2 };
    differ(
        SUM,
        "field `amount`: u32 was sent, String is expected",
        text.clone(),
        "field `amount`: String was sent, u32 is expected",
    );
    let functions = Functions { amount: 5, fee: 2 };
    pair(functions, Ok(TextAmount { amount: "5".into(), fee: 2 }), text, Ok(Functions { amount: 1, fee: 2 }));
    let optional = |amount| OptionalAmount { amount, fee: 1 };
    pair(SUM, Ok(optional(Some(1000))), optional(None), Err("field `amount`: None was sent, u32 is expected"));
    pair(SUM, Ok(optional(Some(1000))), optional(Some(2)), Ok(Sum { amount: 2, fee: 1 }));
    differ(SUM, "a struct was sent, a tuple is expected", Two(1, 2), "an array was sent, a struct is expected");
    differ(SUM, "a struct was sent, u32 is expected", 1_u32, "u32 was sent, a struct is expected");
    differ(
        Two(1, 2),
        "another number of elements is expected",
        Three(1, 2, 3),
        "another number of elements is expected",
    );
    let deep = "field `sum.amount`: u32 was sent, String is expected";
    let outer = || Outer { sum: SUM, last: 1 };
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct OuterText {
        sum: TextAmount,
        last: u8,
    }
    let text = OuterText { sum: TextAmount { amount: "x".into(), fee: 1 }, last: 2 };
    differ(outer(), deep, text, "field `sum.amount`: String was sent, u32 is expected");
}
