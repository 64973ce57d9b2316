//! One serde `Deserializer` for the recorder and the resolver.
//!
//! The compiler generates the code of a type's `Deserialize` for each deserializer that it is used with. So both tasks
//! share one, which is thin and calls a [`Core`] through `dyn`.
//!
//! Values nest: the parts of the last composite value that was entered are next, until it is left. So a core keeps a
//! stack of them, and the accesses below have no state.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem::discriminant;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::core::{Core, Key, Order, Place, ReplyPart, StructType, Text};
use super::error::{Cause, Result};
use super::markers::{REPLY, STUB};

/// Deserializes the value at a place.
pub(super) struct ShapeDeserializer<'a, 'de> {
    pub(super) core: &'a mut dyn Core<'de>,
    pub(super) at: Place,
    /// The core is a recorder, which takes note of each part.
    records: bool,
}

/// The parts of the value that was entered last.
struct Parts<'a, 'de> {
    core: &'a mut dyn Core<'de>,
    records: bool,
}

/// Deserializes a part.
pub(super) fn part<'de, S: DeserializeSeed<'de>>(
    core: &mut dyn Core<'de>,
    at: Place,
    records: bool,
    seed: S,
) -> Result<S::Value> {
    if const { size_of::<S::Value>() > 64 } {
        core.charge(size_of::<S::Value>())?;
    }
    nested(core, at, records, |part| seed.deserialize(part))
}

/// Deserializes a part, and notifies the core of it where that matters.
fn nested<'de, T>(
    core: &mut dyn Core<'de>,
    at: Place,
    records: bool,
    deserialize: impl FnOnce(ShapeDeserializer<'_, 'de>) -> Result<T>,
) -> Result<T> {
    if records {
        core.begin(at);
    }
    let result = deserialize(ShapeDeserializer { core: &mut *core, at, records });
    if records || result.is_err() {
        core.end(at, result.is_ok());
    }
    result
}

/// Leaves the value that was entered last.
fn left<'de, T>(core: &mut dyn Core<'de>, result: Result<T>) -> Result<T> {
    core.leave(result.as_ref().err().map(|cause| &**cause))?;
    result
}

impl<'de> ShapeDeserializer<'_, 'de> {
    fn visit_sequence<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let result = visitor.visit_seq(Parts { core: &mut *self.core, records: self.records });
        left(self.core, result)
    }

    fn visit_fields<V: Visitor<'de>>(self, ty: StructType, visitor: V) -> Result<V::Value> {
        match self.core.enter_struct(self.at, ty)? {
            Order::Position => self.visit_sequence(visitor),
            Order::Name => {
                let result = visitor.visit_map(Parts { core: &mut *self.core, records: self.records });
                left(self.core, result)
            }
        }
    }
}

/// Returns a number that is equal for two keys if they are the same variant of the key's type.
fn meaning<T>(key: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    discriminant(key).hash(&mut hasher);
    hasher.finish()
}

impl<'de> SeqAccess<'de> for Parts<'_, 'de> {
    type Error = Box<Cause>;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        match self.core.next()? {
            Some(at) => part(self.core, at, self.records, seed).map(Some),
            None => Ok(None),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        self.core.size_hint()
    }
}

impl<'de> Parts<'_, 'de> {
    fn key<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        let result = match self.core.key()? {
            None => return Ok(None),
            Some(Key::Value(at)) => return part(self.core, at, self.records, seed).map(Some),
            Some(Key::Name(name)) => seed.deserialize(Identifier::Name(name)),
            Some(Key::Index(index)) => seed.deserialize(Identifier::Index(index)),
        };
        if self.records {
            self.core.key_means(result.as_ref().ok().map(meaning))?;
        }
        result.map(Some)
    }
}

impl<'de> MapAccess<'de> for Parts<'_, 'de> {
    type Error = Box<Cause>;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        self.key(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        let at = self.core.value()?;
        part(self.core, at, self.records, seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.core.size_hint()
    }
}

impl<'de> EnumAccess<'de> for Parts<'_, 'de> {
    type Error = Box<Cause>;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(mut self, seed: S) -> Result<(S::Value, Self)> {
        let key = self.key(seed)?.ok_or(Cause::Malformed("an enum without a variant"))?;
        Ok((key, self))
    }
}

impl<'de> VariantAccess<'de> for Parts<'_, 'de> {
    type Error = Box<Cause>;

    fn unit_variant(self) -> Result<()> {
        self.core.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value> {
        let at = self.core.value()?;
        part(self.core, at, self.records, seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value> {
        let at = self.core.value()?;
        nested(self.core, at, self.records, |part| part.deserialize_tuple(length, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(self, names: &'static [&'static str], visitor: V) -> Result<V::Value> {
        let at = self.core.value()?;
        let ty = StructType { name: "", names, visitor: typeid::of::<V>(), is_variant: true };
        nested(self.core, at, self.records, |part| part.visit_fields(ty, visitor))
    }
}

impl<'de> Deserializer<'de> for ShapeDeserializer<'_, 'de> {
    type Error = Box<Cause>;

    /// False, as for postcard.
    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value> {
        Err(self
            .core
            .refuse(self.at, "the type needs a self-describing format: `untagged`, `tag`, or a value of any type"))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, _: V) -> Result<V::Value> {
        Err(self.core.refuse(self.at, "the type reads names of fields as values: `flatten`, or `tag` and `content`"))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.core.ignore(self.at)?;
        visitor.visit_unit()
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_bool(self.core.bool(self.at)?)
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_u8(self.core.unsigned(self.at, 8)? as u8)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_u16(self.core.unsigned(self.at, 16)? as u16)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_u32(self.core.unsigned(self.at, 32)? as u32)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_u64(self.core.unsigned(self.at, 64)?)
    }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_u128(self.core.unsigned_wide(self.at)?)
    }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_i8(self.core.signed(self.at, 8)? as i8)
    }

    fn deserialize_i16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_i16(self.core.signed(self.at, 16)? as i16)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_i32(self.core.signed(self.at, 32)? as i32)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_i64(self.core.signed(self.at, 64)?)
    }

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_i128(self.core.signed_wide(self.at)?)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_f32(self.core.f32(self.at)?)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_f64(self.core.f64(self.at)?)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_char(self.core.char(self.at)?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.core.text(self.at)? {
            Text::Borrowed(text) => visitor.visit_borrowed_str(text),
            Text::Char(char) => visitor.visit_char(char),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_borrowed_bytes(self.core.bytes(self.at)?)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.core.enter_option(self.at, typeid::of::<V>())?;
        let result = match self.core.next() {
            Ok(Some(at)) => nested(self.core, at, self.records, |part| visitor.visit_some(part)),
            Ok(None) => visitor.visit_none(),
            Err(cause) => Err(cause),
        };
        left(self.core, result)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.core.unit(self.at)?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value> {
        match name {
            REPLY => match self.core.reply(self.at)? {
                ReplyPart::Answer => self.visit_sequence(visitor),
                ReplyPart::Number(number) => visitor.visit_u32(number),
            },
            STUB => visitor.visit_newtype_struct(StubDeserializer(self)),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.core.enter_sequence(self.at, None, typeid::of::<V>())?;
        self.visit_sequence(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value> {
        self.core.enter_sequence(self.at, Some(length), typeid::of::<V>())?;
        self.visit_sequence(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(self, _: &'static str, length: usize, visitor: V) -> Result<V::Value> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.core.enter_map(self.at, typeid::of::<V>())?;
        let result = visitor.visit_map(Parts { core: &mut *self.core, records: self.records });
        left(self.core, result)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.visit_fields(StructType { name, names, visitor: typeid::of::<V>(), is_variant: false }, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        let ty = StructType { name, names, visitor: typeid::of::<V>(), is_variant: false };
        self.core.enter_enum(self.at, ty)?;
        let result = visitor.visit_enum(Parts { core: &mut *self.core, records: self.records });
        left(self.core, result)
    }
}

/// Deserializes the newtype struct inside a stub.
struct StubDeserializer<'a, 'de>(ShapeDeserializer<'a, 'de>);

impl<'de> Deserializer<'de> for StubDeserializer<'_, 'de> {
    type Error = Box<Cause>;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, protocol: &'static str, visitor: V) -> Result<V::Value> {
        let ShapeDeserializer { core, at, records } = self.0;
        let at = core.stub(at, protocol)?;
        visitor.visit_newtype_struct(ShapeDeserializer { core, at, records })
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value> {
        Err(self.0.core.refuse(self.0.at, "a stub without the name of its protocol"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq
        tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Deserializes the name or the number of a field or a variant.
///
/// A name is a string only: serde's derive accepts a number as a field's index.
enum Identifier<'a> {
    Name(&'a str),
    Index(u32),
}

impl<'de> Deserializer<'de> for Identifier<'_> {
    type Error = Box<Cause>;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self {
            Identifier::Name(name) => visitor.visit_str(name),
            Identifier::Index(index) => visitor.visit_u32(index),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq
        tuple tuple_struct map struct enum identifier ignored_any
    }
}
