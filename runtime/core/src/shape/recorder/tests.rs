//! Types and the shapes that are recorded of them, as texts.
//!
//! `{a: u8}` is a struct, `<A | B u8>` an enum, `u8?` an option, `[u8]` a sequence, `(u8, bool)` a tuple and `?` a part
//! that is unknown. `^1` is the type that directly contains this part, `^2` the one around it.

mod limits;
mod names;
mod own;
mod recursion;
mod refusal;
mod standard;
mod structure;
mod validation;
mod values;

use serde::de::DeserializeOwned;

use super::Recorder;
use crate::shape::{Node, NodeIndex};

/// Records the type, and compares its shape with the expected text.
#[track_caller]
fn check<T: DeserializeOwned>(expected: &str) {
    assert_eq!(shape_of::<T>(), expected);
}

/// Records a type that is not supported, and compares the reason with the expected text.
#[track_caller]
fn check_error<T: DeserializeOwned>(expected: &str) {
    assert_eq!(Recorder::new().record::<T>().err().expect("an error"), expected);
}

#[track_caller]
fn shape_of<T: DeserializeOwned>() -> String {
    let mut recorder = Recorder::new();
    let recorded = recorder.record::<T>().unwrap();
    let runs = recorder.run.number;
    assert!(runs < 10_000, "{runs} runs");
    text(&recorder.into_nodes(), recorded.0)
}

/// Returns all values that are built of the type.
fn values_of<T: DeserializeOwned>() -> Vec<T> {
    let mut recorder = Recorder::new();
    let recorded = recorder.record::<T>().unwrap();
    let mut values = vec![];
    recorder.values(recorded, |value| values.push(value));
    values
}

fn text(nodes: &[Node], root: NodeIndex) -> String {
    Printer { nodes, open: vec![] }.text(root)
}

/// Writes a shape as a text.
struct Printer<'a> {
    nodes: &'a [Node],
    /// The nodes that contain the current one.
    open: Vec<NodeIndex>,
}

impl Printer<'_> {
    fn text(&mut self, index: NodeIndex) -> String {
        if let Some(position) = self.open.iter().position(|open| *open == index) {
            return format!("^{}", self.open.len() - position);
        }
        self.open.push(index);
        let text = self.node(&self.nodes[index as usize].clone());
        self.open.pop();
        text
    }

    fn node(&mut self, node: &Node) -> String {
        match node {
            Node::Unknown(_) => "?".to_owned(),
            Node::Text => "text".to_owned(),
            Node::Option(some) => format!("{}?", self.text(*some)),
            Node::Sequence(element) => format!("[{}]", self.text(*element)),
            Node::Array(element, length) => format!("[{}; {length}]", self.text(*element)),
            Node::Map(key, value) => format!("map({}, {})", self.text(*key), self.text(*value)),
            Node::Tuple(elements) => {
                let elements: Vec<_> = elements.iter().map(|element| self.text(*element)).collect();
                format!("tuple({})", elements.join(", "))
            }
            Node::Struct(fields) => {
                let fields: Vec<_> =
                    fields.iter().map(|field| format!("{}: {}", field.name, self.text(field.node))).collect();
                format!("{{{}}}", fields.join(", "))
            }
            Node::Enum(variants) => {
                let variant = |name: &str, content: &str| match content {
                    "()" => name.to_owned(),
                    _ => format!("{name} {content}"),
                };
                let variants: Vec<_> =
                    variants.iter().map(|field| variant(&field.name, &self.text(field.node))).collect();
                format!("<{}>", variants.join(" | "))
            }
            Node::Reply(answer) => format!("reply({})", self.text(*answer)),
            Node::Stub(protocol, content) => format!("stub({protocol}, {})", self.text(*content)),
            leaf => leaf.kind().to_owned(),
        }
    }
}
