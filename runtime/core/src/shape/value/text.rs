//! Types as texts, for people.

use crate::shape::{Node, NodeIndex, Shape};

/// The most characters of a text, and the deepest part of a type that it shows.
pub(super) const MAX_TEXT: usize = 2_000;
const MAX_TEXT_DEPTH: usize = 5;

impl Shape {
    /// Returns the type at this node as a text.
    pub(crate) fn type_text(&self, node: NodeIndex) -> String {
        let mut text = String::new();
        self.add_text(node, &mut text, 0);
        text
    }

    fn add_text(&self, node: NodeIndex, text: &mut String, depth: usize) {
        if depth > MAX_TEXT_DEPTH || text.len() > MAX_TEXT {
            return text.push('…');
        }
        let list = |text: &mut String, [open, close]: [&str; 2], parts: &[(Option<&str>, NodeIndex)]| {
            text.push_str(open);
            for (index, (name, node)) in parts.iter().enumerate() {
                text.push_str(if index > 0 { ", " } else { "" });
                if let Some(name) = name {
                    text.push_str(name);
                    text.push_str(": ");
                }
                self.add_text(*node, text, depth + 1);
            }
            text.push_str(close);
        };
        match self.node(node) {
            Node::Option(content) => list(text, ["Option<", ">"], &[(None, *content)]),
            Node::Sequence(element) => list(text, ["[", "]"], &[(None, *element)]),
            Node::Map(key, value) => list(text, ["map<", ">"], &[(None, *key), (None, *value)]),
            Node::Array(element, length) => list(text, ["[", &format!("; {length}]")], &[(None, *element)]),
            Node::Tuple(elements) => {
                let elements: Vec<_> = elements.iter().map(|element| (None, *element)).collect();
                list(text, ["(", ")"], &elements);
            }
            Node::Struct(fields) => {
                let fields: Vec<_> = fields.iter().map(|field| (Some(&*field.name), field.node)).collect();
                list(text, ["{", "}"], &fields);
            }
            Node::Enum(variants) => {
                for (index, variant) in variants.iter().enumerate() {
                    text.push_str(if index > 0 { " | " } else { "" });
                    text.push_str(&variant.name);
                    if *self.node(variant.node) != Node::Unit {
                        list(text, ["(", ")"], &[(None, variant.node)]);
                    }
                }
            }
            Node::Stub(name, _) => text.push_str(name),
            other => text.push_str(other.kind()),
        }
    }
}
