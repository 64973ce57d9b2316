//! The rules by which a value is converted, without bytes and shapes.

use super::types::{Part, Parts, Type, Value};

/// Returns the value that a reader has to get; `None` if it is refused.
pub(super) fn expected(writer: &Type, value: &Value, reader: &Type) -> Option<Value> {
    let parts = |read: Option<Vec<Value>>| read.map(Value::Parts);
    match (writer, value, reader) {
        (Type::Option(_), Value::Option(None), Type::Option(_)) => Some(Value::Option(None)),
        (Type::Option(writer), Value::Option(Some(value)), Type::Option(reader)) => {
            some(expected(writer, value, reader))
        }
        // A value is offered as `Some`, and a `Some` as its value.
        (_, _, Type::Option(reader)) => some(expected(writer, value, reader)),
        (Type::Option(writer), Value::Option(Some(value)), _) => expected(writer, value, reader),

        (Type::Int(_), Value::Int(number), Type::Int(bits)) => range(*bits).contains(number).then(|| value.clone()),
        (Type::Int(-32..=32), Value::Int(number), Type::F64) => Some(Value::Float((*number as f64).to_bits())),
        (Type::F32, _, Type::F32 | Type::F64) | (Type::F64, _, Type::F64) => Some(value.clone()),
        (Type::Char, Value::Char(char), Type::Text) => Some(Value::Text(char.to_string())),
        (Type::Unit | Type::Bool | Type::Char | Type::Text, ..) if writer == reader => Some(value.clone()),

        (Type::List(_) | Type::Tuple(_), Value::Parts(values), Type::List(_) | Type::Tuple(_))
            if reader.part_count().is_none_or(|count| count == values.len()) =>
        {
            let element = |(at, value)| expected(writer.part(at), value, reader.part(at));
            parts(values.iter().enumerate().map(element).collect())
        }
        (Type::Map(writer), Value::Map(entries), Type::Map(reader)) => {
            let entry = |(key, value): &(String, Value)| Some((key.clone(), expected(writer, value, reader)?));
            entries.iter().map(entry).collect::<Option<_>>().map(Value::Map)
        }
        (Type::Struct(writer), Value::Parts(values), Type::Struct(reader)) => parts(fields(writer, values, reader)),
        (Type::Enum(writer), Value::Variant(index, content), Type::Enum(reader)) => {
            let part = &writer.all[*index];
            let (known, content) = match matching(part, reader)? {
                Some(known) => (known, variant(&part.ty, content, &reader.all[known])?),
                // The content is passed over.
                None => (reader.other()?, Value::Unit),
            };
            Some(Value::Variant(known, content.into()))
        }
        _ => None,
    }
}

fn some(content: Option<Value>) -> Option<Value> {
    content.map(|content| Value::Option(Some(content.into())))
}

fn range(bits: i32) -> std::ops::Range<i128> {
    if bits > 0 { 0..1 << bits } else { -1 << (-bits - 1)..1 << (-bits - 1) }
}

/// Returns the reader's part that has one of the writer's names. `None` if there are two.
fn matching(part: &Part, reader: &Parts) -> Option<Option<usize>> {
    let has_common_name = |known: &Part| known.names.iter().any(|name| part.names.contains(name));
    let mut known = (0..reader.all.len()).filter(|index| has_common_name(&reader.all[*index]));
    let first = known.next();
    known.next().is_none().then_some(first)
}

fn fields(writer: &Parts, values: &[Value], reader: &Parts) -> Option<Vec<Value>> {
    let mut read = vec![None; reader.all.len()];
    for (part, value) in writer.all.iter().zip(values) {
        let Some(known) = matching(part, reader)? else { continue };
        if read[known].replace(expected(&part.ty, value, &reader.all[known].ty)?).is_some() {
            // Sent twice.
            return None;
        }
    }
    let or_absent = |(value, part): (Option<Value>, &Part)| {
        let none = matches!(part.ty, Type::Option(_)).then_some(Value::Option(None));
        value.or_else(|| part.default()).or(none)
    };
    read.into_iter().zip(&reader.all).map(or_absent).collect()
}

/// Converts the content of a variant.
fn variant(writer: &Type, value: &Value, reader: &Part) -> Option<Value> {
    match (writer, value, &reader.ty) {
        (_, _, Type::Unit) if reader.is_inline => (*writer == Type::Unit).then_some(Value::Unit),
        (Type::Option(writer), Value::Option(Some(value)), Type::Struct(_)) if reader.is_inline => {
            variant(writer, value, reader)
        }
        // A variant got its first fields.
        (Type::Unit, _, Type::Struct(parts)) if reader.is_inline => {
            fields(&Parts::default(), &[], parts).map(Value::Parts)
        }
        _ => expected(writer, value, &reader.ty),
    }
}
