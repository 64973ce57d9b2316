//! Types that contain themselves.

use std::collections::HashMap;

use serde::Deserialize;

use super::check;

#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) enum Expression {
    Add(Box<Expression>, Box<Expression>),
    Negate(Box<Expression>),
    Let { name: String, value: Box<Expression>, body: Box<Expression> },
    Literal(i64),
}

#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) struct Tree {
    value: u32,
    children: Vec<Tree>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) struct List {
    head: u8,
    tail: Option<Box<List>>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) struct Folder {
    files: HashMap<String, File>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) struct File {
    links: Vec<Folder>,
    is_hidden: bool,
}

#[derive(Deserialize)]
#[serde(transparent)]
#[allow(dead_code)]
pub(super) struct Transparent {
    children: Vec<Transparent>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) struct Newtype(Option<Box<Newtype>>);

/// Only the last variant has a finite value.
#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) enum LateEnd {
    Left(Box<LateEnd>, Box<Wrapped>),
    Right(Box<Wrapped>),
    End,
}

#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) struct Wrapped {
    inner: Box<LateEnd>,
    number: f64,
}

/// Without a finite value.
#[derive(Deserialize)]
#[allow(dead_code)]
pub(super) struct Endless {
    number: u8,
    next: Box<Endless>,
}

/// A tree that refuses leaves with the first values that are tried, and has children in front of the number.
#[derive(Deserialize)]
#[serde(try_from = "RawTree")]
#[allow(dead_code)]
pub(super) struct EvenTree(RawTree);

#[derive(Deserialize)]
pub(super) struct RawTree {
    number: u32,
    children: Vec<EvenTree>,
}

impl TryFrom<RawTree> for EvenTree {
    type Error = &'static str;

    fn try_from(tree: RawTree) -> Result<Self, &'static str> {
        let is_valid = tree.number >= 2 && tree.children.iter().all(|child| child.0.number >= 2);
        if is_valid { Ok(EvenTree(tree)) } else { Err("the number is less than 2") }
    }
}

/// Refuses the first numbers with each of the expressions.
#[derive(Deserialize)]
#[serde(try_from = "RawProduct")]
#[allow(dead_code)]
struct Product(RawProduct);

#[derive(Deserialize)]
#[allow(dead_code)]
struct RawProduct {
    factor: u32,
    expression: Expression,
}

impl TryFrom<RawProduct> for Product {
    type Error = &'static str;

    fn try_from(product: RawProduct) -> Result<Self, &'static str> {
        if product.factor >= 2 { Ok(Product(product)) } else { Err("the factor is less than 2") }
    }
}

const EXPRESSION: &str = "<Add tuple(^2, ^2) | Negate ^1 | Let {name: text, value: ^2, body: ^2} | Literal i64>";

#[test]
fn through_box() {
    check::<Expression>(EXPRESSION);
}

#[test]
fn through_vec_and_option() {
    check::<Tree>("{value: u32, children: [^2]}");
    check::<List>("{head: u8, tail: ^2?}");
}

#[test]
fn through_another_type() {
    check::<Folder>("{files: map(text, {links: [^4], is_hidden: bool})}");
    check::<File>("{links: [{files: map(text, ^4)}], is_hidden: bool}");
}

#[test]
fn through_transparent_types() {
    check::<Transparent>("[^1]");
    check::<Newtype>("^1?");
}

#[test]
fn finite_values_are_found() {
    check::<LateEnd>("<Left tuple(^2, {inner: ^3, number: f64}) | Right {inner: ^2, number: f64} | End>");
}

#[test]
fn types_without_a_finite_value() {
    check::<Endless>("{number: u8, next: ^1}");
    check::<Option<Endless>>("{number: u8, next: ^1}?");
}

#[test]
fn a_recursive_type_that_refuses_values() {
    check::<(EvenTree, bool)>("tuple({number: u32, children: [^2]}, bool)");
    check::<(Product, bool)>(&format!("tuple({{factor: u32, expression: {EXPRESSION}}}, bool)"));
}
