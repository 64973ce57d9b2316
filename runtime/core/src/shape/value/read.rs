//! Values of bytes.

use super::{Value, ValueError};
use crate::shape::error::{Cause, Result};
use crate::shape::input::{Input, Integer, MAX_DEPTH};
use crate::shape::{Field, Node, NodeIndex, Shape};

impl Shape {
    /// Reads a value of the type at this node, whose bytes must be all bytes.
    ///
    /// # Errors
    /// The bytes are not a value of the type.
    pub(crate) fn read(&self, node: NodeIndex, bytes: &[u8]) -> std::result::Result<Value, ValueError> {
        let mut input = Input::new(self, bytes);
        let value = read(&mut input, node, 0).map_err(|cause| ValueError::new(cause.to_string()))?;
        if input.bytes.is_empty() { Ok(value) } else { Err(ValueError::new("bytes are left behind it")) }
    }
}

fn read(input: &mut Input<'_, '_>, node: NodeIndex, depth: usize) -> Result<Value> {
    if depth > MAX_DEPTH {
        return Err(Cause::Limit("values are nested deeper than 128 levels").into());
    }
    let shape = input.shape;
    let node = shape.node(node);
    Ok(match node {
        Node::Unknown(_) => return Err(Cause::Types { sent: node.kind(), expected: "a known type" }.into()),
        Node::Unit => Value::Null,
        Node::Bool => Value::Bool(input.bool()?),
        Node::F32 => Value::Float(input.f32()?.into()),
        Node::F64 => Value::Float(input.f64()?),
        Node::Char => Value::Text(input.char()?.to_string()),
        Node::Text => Value::Text(input.text()?.to_owned()),
        Node::Bytes => Value::List(input.byte_slice()?.iter().map(|byte| Value::Integer((*byte).into())).collect()),
        Node::Reply(_) => Value::Text(format!("reply {}", input.varint(32)?)),
        Node::Option(content) => {
            if input.bool()? {
                read(input, *content, depth + 1)?
            } else {
                Value::Null
            }
        }
        Node::Sequence(element) => {
            let length = input.length()?;
            Value::List((0..length).map(|_| read(input, *element, depth + 1)).collect::<Result<_>>()?)
        }
        Node::Array(element, length) => {
            Value::List((0..*length).map(|_| read(input, *element, depth + 1)).collect::<Result<_>>()?)
        }
        Node::Tuple(elements) => {
            Value::List(elements.iter().map(|element| read(input, *element, depth + 1)).collect::<Result<_>>()?)
        }
        Node::Map(key, value) => {
            let length = input.length()?;
            let entry = |_| Ok((read(input, *key, depth + 1)?, read(input, *value, depth + 1)?));
            map((0..length).map(entry).collect::<Result<_>>()?)
        }
        Node::Struct(fields) => {
            let mut field = |field: &Field| Ok((field.name.to_string(), read(input, field.node, depth + 1)?));
            Value::Object(fields.iter().map(&mut field).collect::<Result<_>>()?)
        }
        Node::Enum(variants) => {
            let variant = &variants[input.variant(variants.len())?];
            match read(input, variant.node, depth + 1)? {
                Value::Null if *shape.node(variant.node) == Node::Unit => Value::Text(variant.name.to_string()),
                content => Value::Object(vec![(variant.name.to_string(), content)]),
            }
        }
        Node::Stub(_, content) => read(input, *content, depth + 1)?,
        integer => match input.integer(integer)? {
            Some(Integer::Unsigned(number)) => Value::Integer(number.into()),
            Some(Integer::Signed(number)) => Value::Integer(number.into()),
            Some(Integer::SignedWide(number)) => Value::Integer(number),
            Some(Integer::UnsignedWide(number)) => {
                i128::try_from(number).map_or_else(|_| Value::Text(number.to_string()), Value::Integer)
            }
            None => return Err(Cause::Types { sent: node.kind(), expected: "a known type" }.into()),
        },
    })
}

/// Returns an object if all keys are texts or integers, and otherwise a list of pairs.
fn map(entries: Vec<(Value, Value)>) -> Value {
    let name = |key: &Value| match key {
        Value::Text(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        _ => None,
    };
    match entries.iter().map(|(key, _)| name(key)).collect::<Option<Vec<_>>>() {
        Some(names) => Value::Object(names.into_iter().zip(entries.into_iter().map(|(_, value)| value)).collect()),
        None => Value::List(entries.into_iter().map(|(key, value)| Value::List(vec![key, value])).collect()),
    }
}
