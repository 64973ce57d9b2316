//! The check of a protocol against the shape of a released one.

use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::panic::catch_unwind;

use greenroom::prelude::*;
use serde::{Deserialize, Serialize};

/// The release whose shape is in `released/desk.shape`.
mod first {
    use super::*;

    #[derive(Clone, Debug, Serialize, Deserialize)]
    pub(super) enum Payment {
        Cash,
        Card { number: String, limit: Option<u32> },
        Split(Vec<Payment>),
    }

    #[derive(Clone, Debug, Serialize, Deserialize)]
    pub(super) struct Item {
        name: String,
        tables: NonZeroU16,
        weights: BTreeMap<String, f32>,
        payment: Payment,
    }

    #[derive(Clone, Debug, Serialize, Deserialize)]
    pub(super) struct Receipt {
        total: u32,
        payment: Payment,
        desk: u8,
    }

    /// Has far more values than can be tried, if it is followed into itself.
    #[derive(Clone, Debug, Serialize, Deserialize)]
    pub(super) enum Rule {
        Not(Box<Rule>),
        Both(Box<Rule>, Box<Rule>),
        Any(Vec<Rule>),
        Either(Box<Rule>, Box<Rule>),
        Above(u64),
    }

    #[derive(Clone, Debug, Serialize, Deserialize)]
    pub(super) enum Check {
        Rule(Rule),
        Price(u64),
    }

    #[protocol(name = "Desk")]
    pub(super) enum Desk {
        Verify {
            check: Check,
        },
        Order {
            item: Item,
            count: u32,
            reply: Reply<Receipt>,
        },
        Refund {
            item: Item,
            from: DeskRef,
        },
        Close,
        Pay {
            payment: Payment,
        },
        Weigh {
            grams: u64,
            tables: NonZeroU16,
        },
        Label {
            text: String,
        },
        Limit {
            limit: Option<u32>,
        },
        Count {
            count: u32,
        },
        #[private]
        Tick(u8),
    }
}

/// A release that reads all messages of the first, whose answers the first reads.
mod second {
    use super::*;

    #[derive(Clone, Debug, Serialize, Deserialize)]
    pub(super) enum Payment {
        Transfer,
        Split(Vec<Payment>),
        #[serde(alias = "Card")]
        CreditCard {
            #[serde(default)]
            holder: String,
            limit: Option<u64>,
            number: String,
        },
        Cash,
    }

    #[derive(Clone, Debug, Serialize, Deserialize)]
    pub(super) struct Item {
        payment: Payment,
        weights: BTreeMap<String, f64>,
        tables: NonZeroU16,
        #[serde(alias = "name")]
        title: String,
        note: Option<String>,
    }

    #[derive(Clone, Debug, Serialize, Deserialize)]
    pub(super) struct Receipt {
        payment: Option<Payment>,
        total: u64,
        desk: u8,
        date: String,
    }

    #[protocol(name = "Desk")]
    pub(super) enum Desk {
        Pause,
        Close,
        #[serde(alias = "Order")]
        Buy {
            count: u64,
            item: Item,
            #[default]
            urgent: bool,
            reply: Reply<Receipt>,
        },
        Refund {
            from: DeskRef,
            item: Item,
        },
        Verify {
            check: first::Check,
        },
        Count {
            count: f64,
        },
        Limit {
            limit: Option<i64>,
        },
        Label {
            #[serde(alias = "text")]
            label: Option<String>,
        },
        Weigh {
            grams: u128,
        },
        Pay {
            payment: Payment,
            tip: Option<u32>,
        },
    }
}

/// A release that breaks the first one.
mod broken {
    use super::*;

    #[derive(Clone, Debug, Serialize, Deserialize)]
    pub(super) enum Payment {
        Cash,
        Card { number: String, holder: String },
    }

    #[derive(Clone, Debug, Serialize, Deserialize)]
    pub(super) enum Check {
        Rule(first::Rule),
        Price(u32),
    }

    /// Every value is refused.
    #[derive(Clone, Debug, Serialize, Deserialize)]
    #[serde(try_from = "u32")]
    pub(super) struct Never(u32);

    impl TryFrom<u32> for Never {
        type Error = &'static str;

        fn try_from(_: u32) -> Result<Never, &'static str> {
            Err("no number will do")
        }
    }

    #[derive(Clone, Debug, Serialize, Deserialize)]
    pub(super) struct Receipt {
        total: f32,
        payment: Option<Payment>,
        tax: u32,
    }

    #[protocol(name = "Desk")]
    pub(super) enum Desk {
        Order { item: first::Item, count: u32, reply: Reply<Receipt> },
        Refund { item: first::Item, from: DeskRef, reason: String },
        Verify { check: Check },
        Pay { payment: Payment },
        Weigh { grams: u32, tables: u8 },
        Label { text: Vec<u8> },
        Limit { limit: u32 },
        Count { count: Never },
    }
}

const RELEASED: &str = "suite/cluster/released/desk.shape";

/// Written by `GREENROOM_SHAPES=write cargo test -p greenroom-tests -- the_release_agrees`.
#[test]
fn the_release_agrees_with_its_own_shape() {
    greenroom::assert_compatible!(first::Desk, RELEASED);
}

#[test]
fn a_release_that_can_read_all_messages_is_compatible() {
    greenroom::assert_compatible!(second::Desk, RELEASED);
}

/// Returns the list in the message of a panic.
fn list(check: fn()) -> Vec<String> {
    let panic = catch_unwind(check).expect_err("the releases are not compatible");
    let text = panic.downcast::<String>().unwrap();
    let (first, list) = text.split_once("\n  - ").unwrap();
    assert!(first.starts_with("`Desk` cannot be used together with the release in "), "{first}");
    assert!(first.ends_with("desk.shape`:"), "{first}");
    list.split("\n  - ").map(str::to_owned).collect()
}

#[test]
fn each_part_that_cannot_be_read_is_listed() {
    assert_eq!(
        list(|| greenroom::assert_compatible!(broken::Desk, RELEASED)),
        [
            "`Desk::Close`: it was removed",
            "`Desk::Count`: field `count`: no number will do; all other values that were tried were refused, too",
            "`Desk::Label`: field `text`: String was sent, a sequence is expected",
            "`Desk::Limit`: field `limit`: None was sent, u32 is expected",
            "`Desk::Order`: the release cannot read its answer: field `total`: f32 is sent, u32 is expected",
            "`Desk::Order`: the release cannot read its answer: the field `desk` is not sent any more",
            "`Desk::Pay`: field `payment.Card`: the field `holder` was not sent, and has no default",
            "`Desk::Pay`: field `payment`: unknown variant `Split`, expected `Cash` or `Card`",
            "`Desk::Refund`: the field `reason` was not sent, and has no default",
            "`Desk::Verify`: field `check.Price`: the number does not fit into u32",
            "`Desk::Weigh`: field `grams`: the number does not fit into u32",
            "`Desk::Weigh`: field `tables`: the number does not fit into u8",
        ]
    );
}

#[test]
fn a_missing_or_damaged_file_is_an_error_that_names_the_way_to_write_it() {
    let text = |check: fn()| *catch_unwind(check).unwrap_err().downcast::<String>().unwrap();
    let missing = text(|| greenroom::assert_compatible!(first::Desk, "suite/cluster/released/none.shape"));
    assert!(missing.contains("none.shape` cannot be read: No such file"), "{missing}");
    let damaged = text(|| greenroom::assert_compatible!(first::Desk, "Cargo.toml"));
    assert!(damaged.contains("Cargo.toml` is not a released shape: it has no line `version: ..`"), "{damaged}");
    for text in [missing, damaged] {
        assert!(text.ends_with("`GREENROOM_SHAPES=write cargo test` writes it from the protocol as it is"), "{text}");
    }
}
