//! Values as bytes.

use super::{Value, ValueError};
use crate::shape::input::MAX_DEPTH;
use crate::shape::{Field, Node, NodeIndex, Shape};

/// The most bytes of a value.
const MAX_BYTES: usize = 1 << 20;

impl Shape {
    /// Appends the bytes of a value of the type at this node.
    ///
    /// # Errors
    /// It is not a value of the type, or is too large.
    pub(crate) fn write(&self, node: NodeIndex, value: &Value, out: &mut Vec<u8>) -> Result<(), ValueError> {
        self.write_part(node, value, out, 0)
    }

    fn write_part(&self, node: NodeIndex, value: &Value, out: &mut Vec<u8>, depth: usize) -> Result<(), ValueError> {
        if depth > MAX_DEPTH || out.len() > MAX_BYTES {
            return Err(ValueError::new("the value is too large, or nested too deeply"));
        }
        let node = self.node(node);
        let part = |node, value: &Value, out: &mut Vec<u8>| self.write_part(node, value, out, depth + 1);
        let expected = || Err(ValueError::new(format!("expected {}, found {}", node.kind(), value.kind())));
        match (node, value) {
            (Node::Unit, Value::Null) => {}
            (Node::Bool, Value::Bool(bool)) => out.push((*bool).into()),
            (Node::F32, Value::Float(_) | Value::Integer(_)) => out.extend((float(value) as f32).to_le_bytes()),
            (Node::F64, Value::Float(_) | Value::Integer(_)) => out.extend(float(value).to_le_bytes()),
            (Node::Char, Value::Text(text)) if text.chars().count() == 1 => put_bytes(out, text.as_bytes()),
            (Node::Text, Value::Text(text)) => put_bytes(out, text.as_bytes()),
            (Node::Bytes, Value::Text(text)) => put_bytes(out, text.as_bytes()),
            (Node::Bytes, Value::List(bytes)) => {
                let byte = |value: &Value| match value {
                    Value::Integer(number) => u8::try_from(*number).ok(),
                    _ => None,
                };
                let Some(bytes) = bytes.iter().map(byte).collect::<Option<Vec<u8>>>() else { return expected() };
                put_bytes(out, &bytes);
            }
            (Node::Option(_), Value::Null) => out.push(0),
            (Node::Option(content), value) => {
                out.push(1);
                part(*content, value, out)?;
            }
            (Node::Sequence(element), Value::List(values)) => {
                put_varint(out, values.len() as u128);
                for (index, value) in values.iter().enumerate() {
                    part(*element, value, out).map_err(|error| error.within(index.to_string()))?;
                }
            }
            (Node::Array(element, length), Value::List(values)) => {
                if values.len() != *length as usize {
                    return Err(ValueError::new(format!("expected {length} elements, found {}", values.len())));
                }
                for (index, value) in values.iter().enumerate() {
                    part(*element, value, out).map_err(|error| error.within(index.to_string()))?;
                }
            }
            (Node::Tuple(elements), Value::List(values)) => {
                if values.len() != elements.len() {
                    let reason = format!("expected {} elements, found {}", elements.len(), values.len());
                    return Err(ValueError::new(reason));
                }
                for (index, (element, value)) in elements.iter().zip(values).enumerate() {
                    part(*element, value, out).map_err(|error| error.within(index.to_string()))?;
                }
            }
            (Node::Map(key, content), Value::Object(entries)) => {
                put_varint(out, entries.len() as u128);
                for (name, value) in entries {
                    let text = Value::Text(name.clone());
                    let number = || name.parse().map(Value::Integer);
                    let before = out.len();
                    if let Err(error) = part(*key, &text, out) {
                        out.truncate(before);
                        part(*key, &number().map_err(|_| error)?, out)?;
                    }
                    part(*content, value, out).map_err(|error| error.within(name))?;
                }
            }
            (Node::Map(key, content), Value::List(pairs)) => {
                put_varint(out, pairs.len() as u128);
                for pair in pairs {
                    let Value::List(pair) = pair else { return expected() };
                    let [name, value] = &pair[..] else { return expected() };
                    part(*key, name, out)?;
                    part(*content, value, out)?;
                }
            }
            (Node::Struct(fields), Value::Object(entries)) => {
                if let Some((unknown, _)) = entries.iter().find(|(name, _)| fields.iter().all(|f| *f.name != **name)) {
                    let known: Vec<_> = fields.iter().map(|field| &*field.name).collect();
                    let reason = format!("there is no field `{unknown}`; expected {}", known.join(", "));
                    return Err(ValueError::new(reason));
                }
                for Field { name, node, .. } in fields {
                    let value = entries.iter().find(|(given, _)| **given == **name).map(|(_, value)| value);
                    let value = value.or(matches!(self.node(*node), Node::Option(_)).then_some(&Value::Null));
                    let value = value.ok_or_else(|| ValueError::new(format!("the field `{name}` is missing")))?;
                    part(*node, value, out).map_err(|error| error.within(&**name))?;
                }
            }
            (Node::Enum(variants), Value::Text(_) | Value::Object(_)) => {
                let (name, content) = match value {
                    Value::Text(name) => (name, &Value::Null),
                    Value::Object(entries) => match &entries[..] {
                        [(name, content)] => (name, content),
                        _ => return expected(),
                    },
                    _ => return expected(),
                };
                let Some(position) = variants.iter().position(|variant| *variant.name == **name) else {
                    let known: Vec<_> = variants.iter().map(|variant| &*variant.name).collect();
                    return Err(ValueError::new(format!("expected one of {}, found {name:?}", known.join(", "))));
                };
                put_varint(out, position as u128);
                part(variants[position].node, content, out).map_err(|error| error.within(name))?;
            }
            (Node::Unknown(_) | Node::Reply(_) | Node::Stub(..), _) => {
                return Err(ValueError::new(format!("{} cannot be written by hand", node.kind())));
            }
            (_, Value::Integer(number)) => return put_integer(node, *number, out),
            (Node::U128, Value::Text(text)) if text.parse::<u128>().is_ok() => {
                put_varint(out, text.parse().unwrap_or_default());
            }
            _ => return expected(),
        }
        Ok(())
    }
}

fn float(value: &Value) -> f64 {
    match value {
        Value::Float(number) => *number,
        Value::Integer(number) => *number as f64,
        _ => 0.0,
    }
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u128);
    out.extend(bytes);
}

fn put_varint(out: &mut Vec<u8>, mut number: u128) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn put_integer(node: &Node, number: i128, out: &mut Vec<u8>) -> Result<(), ValueError> {
    let zigzag = ((number << 1) ^ (number >> 127)) as u128;
    let (least, most) = match node {
        Node::U8 => (0, u8::MAX.into()),
        Node::U16 => (0, u16::MAX.into()),
        Node::U32 => (0, u32::MAX.into()),
        Node::U64 => (0, u64::MAX.into()),
        Node::U128 => (0, i128::MAX),
        Node::I8 => (i8::MIN.into(), i8::MAX.into()),
        Node::I16 => (i16::MIN.into(), i16::MAX.into()),
        Node::I32 => (i32::MIN.into(), i32::MAX.into()),
        Node::I64 => (i64::MIN.into(), i64::MAX.into()),
        Node::I128 => (i128::MIN, i128::MAX),
        _ => return Err(ValueError::new(format!("expected {}, found an integer", node.kind()))),
    };
    if number < least || number > most {
        return Err(ValueError::new(format!("{number} does not fit into {}", node.kind())));
    }
    match node {
        Node::U8 | Node::I8 => out.push(number as u8),
        _ => put_varint(out, if least == 0 { number as u128 } else { zigzag }),
    }
    Ok(())
}
