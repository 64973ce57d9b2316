//! Answers of today, which a released type reads.
//!
//! The code of the released type is not there. So its shape alone decides, and only parts of which no value can be read
//! count: a number that has become wider can still fit. A field that is not sent counts, although the released type can
//! have a default for it.

use std::collections::HashSet;

use crate::shape::{Field, Node, NodeIndex, Shape};

/// Returns a line for each part of the answers of today that the released types cannot read. The answers are those to a
/// message whose fields are `sent` today, and were `released`.
pub(crate) fn unreadable_answers(sent: (&Shape, NodeIndex), released: (&Shape, NodeIndex)) -> Vec<String> {
    let answer = |shape: &Shape, field: &Field| match shape.node(field.node) {
        Node::Reply(answer) => Some(*answer),
        _ => None,
    };
    let mut lines = Vec::new();
    for field in released.0.parts(released.1) {
        let answer_today = field.find(sent.0.parts(sent.1)).and_then(|field| answer(sent.0, field));
        if let (Some(today), Some(released_answer)) = (answer_today, answer(released.0, field)) {
            let mut comparison = Comparison { shapes: [sent.0, released.0], seen: HashSet::new(), lines };
            comparison.compare(today, released_answer, "");
            lines = comparison.lines;
        }
    }
    lines
}

struct Comparison<'s> {
    /// The shape of today, and the released one.
    shapes: [&'s Shape; 2],
    seen: HashSet<(NodeIndex, NodeIndex)>,
    lines: Vec<String>,
}

impl Comparison<'_> {
    fn compare(&mut self, sent: NodeIndex, expected: NodeIndex, path: &str) {
        if !self.seen.insert((sent, expected)) {
            return;
        }
        let [sent_shape, expected_shape] = self.shapes;
        match (sent_shape.node(sent), expected_shape.node(expected)) {
            (Node::Option(sent), Node::Option(expected))
            | (Node::Sequence(sent) | Node::Array(sent, _), Node::Sequence(expected)) => {
                self.compare(*sent, *expected, path);
            }
            (Node::Sequence(byte) | Node::Array(byte, _), Node::Bytes) if *sent_shape.node(*byte) == Node::U8 => {}
            (Node::Bytes, Node::Sequence(byte)) if *expected_shape.node(*byte) == Node::U8 => {}
            (_, Node::Option(expected)) => self.compare(sent, *expected, path),
            (Node::Option(sent), _) => self.compare(*sent, expected, path),
            (Node::Array(sent, count), Node::Array(expected, length)) if count == length => {
                self.compare(*sent, *expected, path);
            }
            (Node::Map(key, value), Node::Map(expected_key, expected_value)) => {
                self.compare(*key, *expected_key, path);
                self.compare(*value, *expected_value, path);
            }
            (Node::Tuple(sent), Node::Tuple(expected)) if sent.len() == expected.len() => {
                for (number, (sent, expected)) in sent.iter().zip(expected).enumerate() {
                    self.compare(*sent, *expected, &join(path, ".", &number.to_string()));
                }
            }
            (Node::Tuple(sent), Node::Sequence(expected)) => {
                sent.iter().for_each(|sent| self.compare(*sent, *expected, path));
            }
            (Node::Struct(sent), Node::Struct(expected)) => self.compare_fields(sent, expected, path),
            (Node::Enum(sent), Node::Enum(expected)) => {
                for variant in sent {
                    if let Some(known) = variant.find(expected) {
                        self.compare(variant.node, known.node, &join(path, "::", &variant.name));
                    }
                }
            }
            (Node::Stub(sent, _), Node::Stub(expected, _)) if sent == expected => {}
            (sent, expected) if is_readable(sent, expected) => {}
            (sent, expected) => {
                self.add(path, &format!("{} is sent, {} is expected", sent.kind(), expected.kind()));
            }
        }
    }

    fn compare_fields(&mut self, sent: &[Field], expected: &[Field], path: &str) {
        for field in expected {
            match field.find(sent) {
                Some(known) => self.compare(known.node, field.node, &join(path, ".", &field.name)),
                None if matches!(self.shapes[1].node(field.node), Node::Option(_)) => {}
                None => self.add(path, &format!("the field `{}` is not sent any more", field.name)),
            }
        }
    }

    fn add(&mut self, path: &str, reason: &str) {
        let place = if path.is_empty() { String::new() } else { format!("field `{path}`: ") };
        self.lines.push(format!("{place}{reason}"));
    }
}

fn join(path: &str, separator: &str, part: &str) -> String {
    if path.is_empty() { part.to_owned() } else { format!("{path}{separator}{part}") }
}

/// Returns true if values of one plain type can be read as the other.
fn is_readable(sent: &Node, expected: &Node) -> bool {
    let is_integer = |node: &Node| {
        use Node::{I8, I16, I32, I64, I128, U8, U16, U32, U64, U128};
        matches!(node, U8 | U16 | U32 | U64 | U128 | I8 | I16 | I32 | I64 | I128)
    };
    match (sent, expected) {
        (Node::F32, Node::F64) | (Node::Char, Node::Text) => true,
        (Node::U8 | Node::U16 | Node::U32 | Node::I8 | Node::I16 | Node::I32, Node::F64) => true,
        _ => sent == expected || (is_integer(sent) && is_integer(expected)),
    }
}
