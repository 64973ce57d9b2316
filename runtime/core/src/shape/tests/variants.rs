//! Variants that are added, removed, moved and renamed.

use serde::de::{Deserializer, EnumAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::{differ, pair, same, shape};
use crate::shape::{Aliases, Resolver};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Payment {
    Cash,
    Card(String),
    Voucher { number: u32 },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Inserted {
    Barter,
    Voucher {
        number: u64,
        #[serde(default)]
        issuer: String,
    },
    Card(String),
    Cash,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Renamed {
    #[serde(alias = "Cash")]
    Coins,
    #[serde(rename = "Card")]
    Plastic(String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum RenamedAgain {
    Plastic(String),
    #[serde(alias = "Cash", alias = "Money")]
    Coins,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Both {
    Coins,
    Cash,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum WithOther {
    Cash,
    #[serde(other)]
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Order<P> {
    payment: P,
    last: u8,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Bare {
    Cash,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Filled {
    Cash {
        coins: Option<u8>,
        #[serde(default)]
        notes: u8,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Card {
    number: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Wrapped {
    Card(Card),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Inline {
    Card { number: String },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Tree {
    Leaf(u32),
    Node(Box<Tree>, Box<Tree>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum TreeMoved {
    Empty,
    Node(Box<TreeMoved>, Box<TreeMoved>),
    Leaf(u64),
}

fn order<P>(payment: P) -> Order<P> {
    Order { payment, last: 7 }
}

#[test]
fn a_variant_is_found_by_its_name() {
    same(Payment::Cash, Inserted::Cash);
    same(Payment::Card("12".into()), Inserted::Card("12".into()));
    same(order(Payment::Cash), order(Inserted::Cash));
    let voucher = |issuer: &str| Inserted::Voucher { number: 5, issuer: issuer.into() };
    pair(Payment::Voucher { number: 5 }, Ok(voucher("")), voucher("me"), Ok(Payment::Voucher { number: 5 }));
    let tree = Tree::Node(Box::new(Tree::Leaf(1)), Box::new(Tree::Leaf(2)));
    let moved = TreeMoved::Node(Box::new(TreeMoved::Leaf(1)), Box::new(TreeMoved::Leaf(2)));
    same(tree, moved);
    same(Ok::<u8, String>(3), Ok::<u16, String>(3));
}

#[test]
fn a_renamed_variant_is_found_by_its_name_or_an_alias() {
    same(Payment::Card("1".into()), Renamed::Plastic("1".into()));
    same(Payment::Cash, Renamed::Coins);
    // Both names of the writer's variant are variants of the reader.
    let two = "it was sent under two names, which are two parts of the receiver's type";
    pair(Both::Cash, Ok(Renamed::Coins), Renamed::Coins, Err(two));
    same(Renamed::Coins, RenamedAgain::Coins);
}

#[test]
fn an_unknown_variant_is_an_error_or_the_other_one() {
    let unknown = "unknown variant `Barter`, expected one of `Cash`, `Card`, `Voucher`";
    pair(Payment::Cash, Ok(Inserted::Cash), Inserted::Barter, Err(unknown));
    pair(
        order(Payment::Cash),
        Ok(order(Inserted::Cash)),
        order(Inserted::Barter),
        Err(&format!("field `payment`: {unknown}")),
    );
    // The content of the unknown variant is passed over, so that the field behind it is right.
    let card = order(Payment::Card("12".into()));
    let other = "unknown variant `Unknown`, expected one of `Cash`, `Card`, `Voucher`";
    pair(card, Ok(order(WithOther::Unknown)), order(WithOther::Unknown), Err(&format!("field `payment`: {other}")));
}

#[test]
fn the_content_of_a_variant_can_change() {
    let filled = || Filled::Cash { coins: None, notes: 0 };
    pair(Bare::Cash, Ok(filled()), filled(), Err("a struct was sent, a variant without content is expected"));
    same(Wrapped::Card(Card { number: "1".into() }), Inline::Card { number: "1".into() });
    differ(Payment::Cash, "an enum was sent, u32 is expected", 0_u32, "u32 was sent, an enum is expected");
    differ(
        Payment::Cash,
        "an enum was sent, String is expected",
        String::from("Cash"),
        "String was sent, an enum is expected",
    );
}

/// Reads the variant of an enum, and not its content.
#[derive(Debug, PartialEq)]
struct VariantName(String);

impl<'de> Deserialize<'de> for VariantName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<VariantName, D::Error> {
        struct NameVisitor;
        impl<'de> Visitor<'de> for NameVisitor {
            type Value = VariantName;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an enum")
            }
            fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<VariantName, A::Error> {
                data.variant::<String>().map(|(name, _)| VariantName(name))
            }
        }
        deserializer.deserialize_enum("Payment", &["Cash", "Card", "Voucher"], NameVisitor)
    }
}

#[test]
fn the_content_of_a_variant_that_is_not_read_is_passed_over() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Named {
        payment: VariantName,
        last: u8,
    }
    let (shape, aliases) = (shape::<Order<Payment>>(), Aliases::default());
    let bytes = postcard::to_allocvec(&order(Payment::Card("12".into()))).unwrap();
    let read = Resolver::new(&shape, &aliases, &bytes).read::<Named>(0);
    assert_eq!(read, Ok(Named { payment: VariantName("Card".into()), last: 7 }));
}
