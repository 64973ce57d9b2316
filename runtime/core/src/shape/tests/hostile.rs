//! Shapes and bytes that no program of this version sends.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::shape;
use crate::counting::allocated_bytes;
use crate::shape::{Aliases, Field, Node, Resolver, Shape};
use crate::wire::hostile::Input;

#[derive(Debug, Serialize, Deserialize)]
enum Tree {
    Leaf,
    Node(Vec<Tree>),
}

#[derive(Debug, Serialize, Deserialize)]
struct Report {
    id: u64,
    name: String,
    values: Vec<Option<i32>>,
    attributes: BTreeMap<String, (u8, bool)>,
    kind: Result<char, f64>,
    tree: Tree,
}

#[test]
fn a_shape_that_cannot_be_read_with_bounded_effort_is_refused() {
    let check = |nodes: Vec<Node>, expected: &str| {
        assert_eq!(Shape::decode(&Shape { nodes }.encode()), Err(expected));
    };
    let field = |node| Field { name: "next".into(), aliases: Vec::new(), node };
    check(vec![], "a shape refers to a node that it does not have");
    check(vec![Node::Option(1)], "a shape refers to a node that it does not have");
    check(vec![Node::Struct(vec![field(0)])], "a shape has a type without a finite value");
    check(vec![Node::Tuple(vec![1]), Node::Enum(vec![field(0)])], "a shape has a type without a finite value");
    // Each tuple doubles the parts of the next one, and none of them has a byte.
    let mut doubling: Vec<_> = (1..40).map(|next| Node::Tuple(vec![next, next])).collect();
    doubling.push(Node::Unit);
    check(doubling, "a type of a shape has too many parts");
    check(vec![Node::Array(1, u32::MAX), Node::Unit], "a type of a shape has too many parts");
    // Each pass over the nodes would determine one more of them.
    let mut backwards: Vec<_> = (0..5_000).map(|index| Node::Tuple(vec![(index + 4_999) % 5_000])).collect();
    backwards[1] = Node::Bool;
    check(backwards, "the nodes of a shape are in an order that takes too long");
    assert!(Shape::decode(&Shape { nodes: vec![Node::Array(1, u32::MAX), Node::U8] }.encode()).is_ok());
    assert_eq!(Shape::decode(&[]), Err("the bytes are not a shape"));
    let mut longer = shape::<Report>().encode();
    longer.push(0);
    assert_eq!(Shape::decode(&longer), Err("bytes are left behind a shape"));
}

#[test]
fn a_value_is_read_with_bounded_depth_elements_and_memory() {
    let check = |shape: &Shape, bytes: &[u8], expected: &str| {
        let aliases = Aliases::default();
        let mut resolver = Resolver::new(shape, &aliases, bytes);
        assert_eq!(resolver.read::<IgnoredAny>(0).unwrap_err().to_string(), expected, "passed over");
    };
    let deep = "values are nested deeper than 128 levels";
    check(&shape::<Tree>(), &[1; 1000], deep);
    let tree = shape::<Tree>();
    let error = Resolver::new(&tree, &Aliases::default(), &[1; 1000]).read::<Tree>(0).unwrap_err().to_string();
    assert!(error.ends_with(deep), "{error}");
    let endless = "a sequence or a map has more elements than the message has bytes";
    let length = postcard::to_allocvec(&u64::MAX).unwrap();
    check(&shape::<Vec<()>>(), &length, endless);
    let units = shape::<Vec<()>>();
    let error = Resolver::new(&units, &Aliases::default(), &length).read::<Vec<()>>(0).unwrap_err().to_string();
    assert_eq!(error, endless);
    // Each `None` is one byte, and 8 KiB of memory.
    type Image = Option<[[u64; 32]; 32]>;
    let images = shape::<Vec<Image>>();
    let bytes = postcard::to_allocvec(&vec![0_u8; 10_000]).unwrap();
    let error = Resolver::new(&images, &Aliases::default(), &bytes).read::<Vec<Image>>(0).unwrap_err().to_string();
    assert!(error.ends_with("the values occupy far more memory than the message has bytes"), "{error}");
}

/// Changed shapes, and changed bytes behind them.
#[test]
fn any_bytes_of_any_shape_are_an_error_or_a_value() {
    let encoded = shape::<Report>().encode();
    bolero::check!().with_iterations(5_000).with_max_len(256).for_each(|bytes: &[u8]| {
        let mut input = Input::new(bytes);
        let mut changed = encoded.clone();
        for _ in 0..input.below(4) {
            let at = input.below(changed.len());
            changed[at] = input.byte();
        }
        let before = allocated_bytes();
        let decoded = Shape::decode(&changed);
        assert!(allocated_bytes() - before <= 200 * changed.len());
        let Ok(shape) = decoded else { return };
        let bytes = input.bytes(256);
        let _ = Resolver::new(&shape, &Aliases::default(), bytes).read::<Report>(0);
        let _ = Resolver::new(&shape, &Aliases::default(), bytes).skip(0);
    });
}
