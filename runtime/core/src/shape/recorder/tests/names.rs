//! Names of fields and variants.

use serde::Deserialize;

use super::check;

#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) struct Aliased {
    first: u32,
    #[serde(alias = "aaa", alias = "zzz")]
    middle: u8,
    #[serde(alias = "a_last")]
    last: String,
}

#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) struct OneAlias {
    #[serde(alias = "an_alias")]
    only: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
pub(super) struct Strict {
    #[serde(alias = "a", alias = "b")]
    only: u32,
}

#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) enum AliasedVariants {
    #[serde(alias = "Zzz")]
    First,
    #[serde(alias = "Yyy", alias = "Aaa")]
    Second(u8),
    Third {
        #[serde(alias = "a")]
        x: Aliased,
    },
}

#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) enum Other {
    #[serde(alias = "Z")]
    A,
    B,
    #[serde(other)]
    Rest,
}

#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) struct Renamed {
    #[serde(rename = "type")]
    kind: u32,
    #[serde(rename(deserialize = "in", serialize = "out"))]
    direction: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)]
pub(super) struct CamelCase {
    first_name: String,
}

#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) struct Defaults {
    a: u32,
    #[serde(default)]
    b: u32,
    #[serde(default = "seven")]
    c: u16,
}

fn seven() -> u16 {
    7
}

#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) struct Skipped {
    a: u32,
    #[serde(skip)]
    cache: u64,
    b: u8,
}

#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) enum SkippedVariant {
    A,
    B(u8),
    #[serde(skip)]
    C,
}

/// An alias beside a field that accepts no value.
#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) struct AliasedBesideNever {
    never: super::validation::Odd,
    #[serde(alias = "aaa")]
    name: u8,
}

/// A field whose type has names to be found out, inside a collection.
#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) struct Holder {
    all: Vec<Option<AliasedVariants>>,
    one: Box<OneAlias>,
}

const ALIASED: &str = "{first: u32, middle: u8, last: text}";

#[test]
fn fields_with_aliases_have_their_own_names() {
    check::<Aliased>(ALIASED);
    check::<OneAlias>("{only: u32}");
    check::<Strict>("{only: u32}");
}

/// The own name of a variant cannot be found out: it is the first one in the order of the alphabet.
#[test]
fn variants_with_aliases_have_their_first_names() {
    check::<AliasedVariants>(&format!("<First | Aaa u8 | Third {{x: {ALIASED}}}>"));
    check::<Other>("<A | B | Rest>");
}

#[test]
fn aliases_inside_other_types() {
    check::<Holder>(&format!("{{all: [<First | Aaa u8 | Third {{x: {ALIASED}}}>?], one: {{only: u32}}}}"));
}

/// The own name takes a value of the whole struct: without one, it is the first name.
#[test]
fn aliases_beside_a_field_without_a_value() {
    check::<AliasedBesideNever>("{never: text, name: u8}");
}

/// Only a run that is steered comes by: another type ends each run that explores.
#[test]
fn aliases_behind_a_type_that_stays_unknown() {
    check::<(Vec<super::validation::OddFirst>, Aliased)>(&format!("tuple([tuple(text, ?)], {ALIASED})"));
    check::<(Vec<super::validation::OddFirst>, Other)>("tuple([tuple(text, ?)], <A | B | Rest>)");
}

#[test]
fn renamed_fields_have_the_names_that_are_read() {
    check::<Renamed>("{type: u32, in: bool}");
    check::<CamelCase>("{firstName: text}");
}

#[test]
fn fields_with_defaults_are_there() {
    check::<Defaults>("{a: u32, b: u32, c: u16}");
}

#[test]
fn skipped_fields_and_variants_are_not_there() {
    check::<Skipped>("{a: u32, b: u8}");
    check::<SkippedVariant>("<A | B u8>");
}
