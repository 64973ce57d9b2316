//! `Deserialize` of a [`Type`], as serde's derive writes it.

use std::fmt;

use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IgnoredAny, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::types::{Parts, Type, Value};

/// Visits the parts of a value. It is another type for types with aliases.
pub(super) struct TypeVisitor<'a, const HAS_ALIASES: bool>(&'a Type);

/// Finds a part by its name.
struct NameVisitor<'a> {
    parts: &'a Parts,
    is_enum: bool,
}

impl<'de> DeserializeSeed<'de> for &Type {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        Ok(match self {
            Type::Unit => <()>::deserialize(from).map(|()| Value::Unit)?,
            Type::Bool => Value::Bool(bool::deserialize(from)?),
            Type::Int(8) => Value::Int(u8::deserialize(from)?.into()),
            Type::Int(16) => Value::Int(u16::deserialize(from)?.into()),
            Type::Int(32) => Value::Int(u32::deserialize(from)?.into()),
            Type::Int(64) => Value::Int(u64::deserialize(from)?.into()),
            Type::Int(-8) => Value::Int(i8::deserialize(from)?.into()),
            Type::Int(-16) => Value::Int(i16::deserialize(from)?.into()),
            Type::Int(-32) => Value::Int(i32::deserialize(from)?.into()),
            Type::Int(_) => Value::Int(i64::deserialize(from)?.into()),
            Type::F32 => Value::Float(f64::from(f32::deserialize(from)?).to_bits()),
            Type::F64 => Value::Float(f64::deserialize(from)?.to_bits()),
            Type::Char => Value::Char(char::deserialize(from)?),
            Type::Text => Value::Text(String::deserialize(from)?),
            Type::Option(_) => from.deserialize_option(TypeVisitor::<false>(self))?,
            Type::List(_) => from.deserialize_seq(TypeVisitor::<false>(self))?,
            Type::Map(_) => from.deserialize_map(TypeVisitor::<false>(self))?,
            Type::Tuple(types) => from.deserialize_tuple(types.len(), TypeVisitor::<false>(self))?,
            Type::Struct(parts) if parts.has_aliases() => {
                from.deserialize_struct("T", parts.listed, TypeVisitor::<true>(self))?
            }
            Type::Struct(parts) => from.deserialize_struct("T", parts.listed, TypeVisitor::<false>(self))?,
            Type::Enum(parts) if parts.has_aliases() => {
                from.deserialize_enum("T", parts.listed, TypeVisitor::<true>(self))?
            }
            Type::Enum(parts) => from.deserialize_enum("T", parts.listed, TypeVisitor::<false>(self))?,
        })
    }
}

impl<'de, const HAS_ALIASES: bool> Visitor<'de> for TypeVisitor<'_, HAS_ALIASES> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Option(None))
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        let Type::Option(content) = self.0 else { unreachable!("not an option") };
        content.deserialize(from).map(|content| Value::Option(Some(content.into())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let (count, mut values) = (self.0.part_count(), Vec::new());
        while count.is_none_or(|count| values.len() < count) {
            match seq.next_element_seed(self.0.part(values.len()))? {
                Some(value) => values.push(value),
                None if count.is_none() => break,
                None => return Err(Error::invalid_length(values.len(), &self)),
            }
        }
        Ok(Value::Parts(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let parts = match self.0 {
            Type::Map(content) => {
                let mut entries = Vec::new();
                while let Some(key) = map.next_key()? {
                    entries.push((key, map.next_value_seed(&**content)?));
                }
                return Ok(Value::Map(entries));
            }
            Type::Struct(parts) => parts,
            _ => return Err(Error::custom("not a map")),
        };
        let mut values = vec![None; parts.all.len()];
        while let Some(index) = map.next_key_seed(NameVisitor { parts, is_enum: false })? {
            let Some(index) = index else {
                // Some types that are written by hand do not read the value of an unknown field.
                if parts.all.len() != 2 {
                    map.next_value::<IgnoredAny>()?;
                }
                continue;
            };
            if values[index].is_some() {
                return Err(Error::duplicate_field(parts.all[index].names[0]));
            }
            values[index] = Some(map.next_value_seed(&parts.all[index].ty)?);
        }
        let read = values.into_iter().zip(&parts.all).map(|(value, part)| match (value, &part.ty) {
            (Some(value), _) => Ok(value),
            (None, Type::Option(_)) => Ok(part.default().unwrap_or(Value::Option(None))),
            (None, _) => part.default().ok_or_else(|| Error::missing_field(part.names[0])),
        });
        read.collect::<Result<_, _>>().map(Value::Parts)
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Value, A::Error> {
        let Type::Enum(parts) = self.0 else { return Err(Error::custom("not an enum")) };
        let (index, access) = access.variant_seed(NameVisitor { parts, is_enum: true })?;
        let index = index.expect("an unknown variant is an error");
        let part = &parts.all[index];
        let content = match &part.ty {
            Type::Unit if part.is_inline => access.unit_variant().map(|()| Value::Unit)?,
            Type::Tuple(types) if part.is_inline => {
                access.tuple_variant(types.len(), TypeVisitor::<false>(&part.ty))?
            }
            Type::Struct(fields) if part.is_inline && fields.has_aliases() => {
                access.struct_variant(fields.listed, TypeVisitor::<true>(&part.ty))?
            }
            Type::Struct(fields) if part.is_inline => {
                access.struct_variant(fields.listed, TypeVisitor::<false>(&part.ty))?
            }
            ty => access.newtype_variant_seed(ty)?,
        };
        Ok(Value::Variant(index, content.into()))
    }
}

impl<'de> DeserializeSeed<'de> for NameVisitor<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Option<usize>, D::Error> {
        from.deserialize_identifier(self)
    }
}

impl Visitor<'_> for NameVisitor<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field or a variant")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Option<usize>, E> {
        match self.parts.all.iter().position(|part| part.names.contains(&name)) {
            None if self.is_enum && self.parts.other().is_none() => Err(E::unknown_variant(name, self.parts.listed)),
            None if self.is_enum => Ok(self.parts.other()),
            known => Ok(known),
        }
    }

    fn visit_u64<E: Error>(self, index: u64) -> Result<Option<usize>, E> {
        Ok(usize::try_from(index).ok().filter(|index| *index < self.parts.all.len()))
    }
}
