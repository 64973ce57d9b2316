//! The text of a shape, for readers of its file.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::shape::{Field, Node, NodeIndex, Shape};

/// Describes the variants of a protocol, and the types in them, one on each line.
pub(crate) fn describe(shape: &Shape) -> String {
    let mut description = Description { shape, numbers: BTreeMap::new(), waiting: Vec::new() };
    let mut text = String::new();
    if let Node::Enum(variants) = shape.node(0) {
        for variant in variants {
            let content = match shape.node(variant.node) {
                Node::Unknown(_) => " (from the same node only)".to_owned(),
                _ => description.content(variant.node),
            };
            line(&mut text, format_args!("{}{content}", names(variant)));
        }
    }
    let mut next = 0;
    while let Some(node) = description.waiting.get(next).copied() {
        next += 1;
        match shape.node(node) {
            Node::Enum(variants) => {
                line(&mut text, format_args!("type {next}: enum"));
                for variant in variants {
                    let content = description.content(variant.node);
                    line(&mut text, format_args!("    {}{content}", names(variant)));
                }
            }
            _ => {
                let content = description.content(node);
                line(&mut text, format_args!("type {next}: struct{content}"));
            }
        }
    }
    text
}

struct Description<'s> {
    shape: &'s Shape,
    /// The numbers of the structs and enums.
    numbers: BTreeMap<NodeIndex, usize>,
    /// The structs and enums, in the order of their numbers.
    waiting: Vec<NodeIndex>,
}

impl Description<'_> {
    /// Describes what stands behind the name of a struct or a variant.
    fn content(&mut self, node: NodeIndex) -> String {
        match self.shape.node(node) {
            Node::Unit => String::new(),
            Node::Struct(fields) if fields.is_empty() => String::new(),
            Node::Struct(fields) => {
                let fields = fields.iter().map(|field| format!("{}: {}", names(field), self.ty(field.node)));
                format!(" {{ {} }}", fields.collect::<Vec<_>>().join(", "))
            }
            Node::Tuple(elements) => {
                let elements = elements.iter().map(|element| self.ty(*element));
                format!("({})", elements.collect::<Vec<_>>().join(", "))
            }
            _ => format!("({})", self.ty(node)),
        }
    }

    /// Returns the name of a type.
    fn ty(&mut self, node: NodeIndex) -> String {
        match self.shape.node(node) {
            Node::Option(content) => format!("Option<{}>", self.ty(*content)),
            Node::Sequence(element) => format!("[{}]", self.ty(*element)),
            Node::Array(element, length) => format!("[{}; {length}]", self.ty(*element)),
            Node::Map(key, value) => format!("{{{}: {}}}", self.ty(*key), self.ty(*value)),
            Node::Reply(answer) => format!("Reply<{}>", self.ty(*answer)),
            Node::Stub(protocol, _) => format!("stub of {protocol}"),
            Node::Unknown(ty) => format!("unknown structure in {ty}"),
            Node::Tuple(_) => self.content(node),
            Node::Struct(_) | Node::Enum(_) => {
                let next = self.numbers.len() + 1;
                let number = *self.numbers.entry(node).or_insert(next);
                if number == next {
                    self.waiting.push(node);
                }
                format!("type {number}")
            }
            plain => plain.kind().to_owned(),
        }
    }
}

/// Returns the name of a field or a variant, and its aliases.
fn names(field: &Field) -> String {
    field.aliases.iter().fold(field.name.to_string(), |names, alias| format!("{names} (alias {alias})"))
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}
