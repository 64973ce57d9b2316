//! The deserializer that reads the user's struct from the tree.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Expected, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::read_error::{ReadError, at_entry};
use super::suggest::unknown_key;
use super::tree::{Entry, Value};
use super::{SettingsError, sources};

/// Reads a struct from the merged tree.
pub(super) fn read<T: DeserializeOwned>(root: &Entry) -> Result<T, SettingsError> {
    let reader = || Reader { entry: root, key: String::new(), known_keys: &[] };
    T::deserialize(reader()).map_err(|error| match reader().locate(error) {
        ReadError::Located(error) => error,
        // Cannot happen: `locate` returns `Located`.
        error => SettingsError { key: None, origin: None, problem: error.to_string(), source: None },
    })
}

/// The deserializer of one entry.
struct Reader<'a> {
    entry: &'a Entry,
    /// The full key of the entry, such as `database.path`.
    key: String,
    /// The keys of the struct that contains the entry.
    known_keys: &'static [&'static str],
}

type ReadResult<T> = Result<T, ReadError>;

impl<'a> Reader<'a> {
    /// Adds the key and the origin to an error that has none yet.
    fn locate(&self, error: ReadError) -> ReadError {
        let (key, origin, problem) = match error {
            ReadError::AtEntry(problem) => {
                ((!self.key.is_empty()).then(|| self.key.clone()), Some(self.entry.origin.clone()), problem)
            }
            ReadError::MissingKey(name) => {
                (Some(join(&self.key, name)), None, "not set, and without a default".to_owned())
            }
            ReadError::Located(_) => return error,
        };
        ReadError::Located(SettingsError { key, origin, problem, source: None })
    }

    fn child(&self, entry: &'a Entry, name: impl fmt::Display, known_keys: &'static [&'static str]) -> Reader<'a> {
        Reader { entry, key: join(&self.key, name), known_keys }
    }

    /// Reads the text of a variable as the type that the visitor expects, and any other value as its own type.
    fn deserialize_scalar<'de, V: Visitor<'de>, T: std::str::FromStr>(
        self,
        visitor: V,
        visit: impl FnOnce(V, T) -> ReadResult<V::Value>,
    ) -> ReadResult<V::Value> {
        let Value::Untyped(text) = &self.entry.value else { return self.deserialize_any(visitor) };
        match text.trim().parse() {
            Ok(value) => visit(visitor, value).map_err(|error| self.locate(error)),
            Err(_) => {
                let expected = &visitor as &dyn Expected;
                Err(self.locate(at_entry(format!("expected {expected}"))))
            }
        }
    }

    /// Splits the text of a variable that is read as a list, table or enum: inline TOML, or for a list words between
    /// commas.
    fn with_parts<T>(&self, is_list: bool, read: impl FnOnce(Reader<'_>) -> ReadResult<T>) -> ReadResult<T> {
        let Value::Untyped(text) = &self.entry.value else {
            return read(Reader { entry: self.entry, key: self.key.clone(), known_keys: self.known_keys });
        };
        let origin = &self.entry.origin;
        let entry = if text.trim_start().starts_with(['[', '{']) {
            sources::inline(text.trim(), origin)
                .map_err(|error| ReadError::Located(SettingsError { key: Some(self.key.clone()), ..error }))?
        } else if is_list {
            let words = text.split(',').map(str::trim).filter(|text| !text.is_empty());
            let entries = words.map(|text| Entry::new(Value::Untyped(text.to_owned()), origin.clone()));
            Entry::new(Value::List(entries.collect()), origin.clone())
        } else {
            self.entry.clone()
        };
        read(Reader { entry: &entry, key: self.key.clone(), known_keys: self.known_keys })
    }

    fn visit_map<'de, V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> ReadResult<V::Value> {
        let Value::Table(table) = &self.entry.value else { return self.deserialize_any(visitor) };
        let access = TableAccess { reader: &self, remaining: table.iter(), value: None, fields };
        visitor.visit_map(access).map_err(|error| self.locate(error))
    }

    fn visit_seq<'de, V: Visitor<'de>>(self, visitor: V) -> ReadResult<V::Value> {
        let Value::List(list) = &self.entry.value else { return self.deserialize_any(visitor) };
        let access = ListAccess { reader: &self, remaining: list.iter().enumerate() };
        visitor.visit_seq(access).map_err(|error| self.locate(error))
    }
}

fn join(key: &str, name: impl fmt::Display) -> String {
    if key.is_empty() { name.to_string() } else { format!("{key}.{name}") }
}

macro_rules! deserialize_scalars {
    ($($deserialize:ident $visit:ident $ty:ty;)*) => {$(
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> ReadResult<V::Value> {
            self.deserialize_scalar(visitor, |visitor, value: $ty| visitor.$visit(value))
        }
    )*};
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> ReadResult<V::Value> {
        let read = match &self.entry.value {
            Value::Table(_) => return self.visit_map(&[], visitor),
            Value::List(_) => return self.visit_seq(visitor),
            Value::Text(text) => visitor.visit_str(text),
            Value::Integer(number) => visitor.visit_i64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Bool(bool) => visitor.visit_bool(*bool),
            // The visitor accepts any type, so the text decides.
            Value::Untyped(text) => match (text.parse(), text.parse(), text.parse()) {
                (Ok(bool), ..) => visitor.visit_bool(bool),
                (_, Ok(number), _) => visitor.visit_i64(number),
                (.., Ok(number)) => visitor.visit_f64(number),
                _ => visitor.visit_str(text),
            },
        };
        read.map_err(|error| self.locate(error))
    }

    deserialize_scalars! {
        deserialize_bool visit_bool bool;
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_i128 visit_i128 i128;
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
        deserialize_u128 visit_u128 u128;
        deserialize_f32 visit_f32 f32;
        deserialize_f64 visit_f64 f64;
        deserialize_char visit_char char;
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> ReadResult<V::Value> {
        match &self.entry.value {
            Value::Untyped(text) => visitor.visit_str(text).map_err(|error| self.locate(error)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> ReadResult<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> ReadResult<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> ReadResult<V::Value> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> ReadResult<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> ReadResult<V::Value> {
        self.with_parts(true, |reader| reader.visit_seq(visitor))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> ReadResult<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(self, _: &'static str, _: usize, visitor: V) -> ReadResult<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> ReadResult<V::Value> {
        self.with_parts(false, |reader| reader.visit_map(&[], visitor))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> ReadResult<V::Value> {
        self.with_parts(false, |reader| reader.visit_map(fields, visitor))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> ReadResult<V::Value> {
        self.with_parts(false, |reader| {
            let chosen = match &reader.entry.value {
                Value::Text(name) | Value::Untyped(name) => visitor.visit_enum(Variant { name, content: None }),
                Value::Table(table) if table.len() == 1 => {
                    let content = table.iter().next().map(|(name, entry)| (name, reader.child(entry, name, &[])));
                    let Some((name, content)) = content else {
                        return Err(at_entry("expected the name of a variant, found an empty table"));
                    };
                    visitor.visit_enum(Variant { name, content: Some(content) })
                }
                _ => {
                    let expected = &visitor as &dyn Expected;
                    Err(at_entry(format!("expected {expected}: a name, or a table with one key")))
                }
            };
            chosen.map_err(|error| reader.locate(error))
        })
    }

    // serde calls this for a key that the struct does not know.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> ReadResult<V::Value> {
        let name = self.key.rsplit('.').next().unwrap_or_default();
        Err(ReadError::Located(SettingsError::new(
            &self.key,
            &self.entry.key_origin,
            unknown_key(name, self.known_keys),
        )))
    }

    forward_to_deserialize_any!(bytes byte_buf unit unit_struct);
}

struct TableAccess<'r, 'a> {
    reader: &'r Reader<'a>,
    remaining: std::collections::btree_map::Iter<'a, String, Entry>,
    value: Option<Reader<'a>>,
    fields: &'static [&'static str],
}

impl<'de> MapAccess<'de> for TableAccess<'_, '_> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> ReadResult<Option<K::Value>> {
        let Some((name, entry)) = self.remaining.next() else { return Ok(None) };
        let value = self.reader.child(entry, name, self.fields);
        let name: StrDeserializer<'_, ReadError> = name.as_str().into_deserializer();
        // With `deny_unknown_fields` the error is about the key.
        let key = seed
            .deserialize(name)
            .map_err(|error| ReadError::Located(SettingsError::new(&value.key, &entry.key_origin, error)));
        self.value = Some(value);
        key.map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> ReadResult<S::Value> {
        let value = self.value.take().ok_or_else(|| at_entry("a value without a key"))?;
        seed.deserialize(value)
    }
}

struct ListAccess<'r, 'a> {
    reader: &'r Reader<'a>,
    remaining: std::iter::Enumerate<std::slice::Iter<'a, Entry>>,
}

impl<'de> SeqAccess<'de> for ListAccess<'_, '_> {
    type Error = ReadError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> ReadResult<Option<S::Value>> {
        let Some((index, entry)) = self.remaining.next() else { return Ok(None) };
        seed.deserialize(self.reader.child(entry, index, &[])).map(Some)
    }
}

/// A variant's name, and its content if it has any.
struct Variant<'a> {
    name: &'a str,
    content: Option<Reader<'a>>,
}

impl<'a, 'de> EnumAccess<'de> for Variant<'a> {
    type Error = ReadError;
    type Variant = VariantContent<'a>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> ReadResult<(S::Value, VariantContent<'a>)> {
        let name: StrDeserializer<'_, ReadError> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, VariantContent(self.content)))
    }
}

struct VariantContent<'a>(Option<Reader<'a>>);

impl<'a> VariantContent<'a> {
    fn require(self) -> ReadResult<Reader<'a>> {
        self.0
            .ok_or_else(|| at_entry("this variant has content: write a table with the name of the variant as its key"))
    }
}

impl<'de> VariantAccess<'de> for VariantContent<'_> {
    type Error = ReadError;

    fn unit_variant(self) -> ReadResult<()> {
        self.0.map_or(Ok(()), |content| {
            Err(content.locate(at_entry("this variant has no content: write its name alone")))
        })
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> ReadResult<S::Value> {
        seed.deserialize(self.require()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> ReadResult<V::Value> {
        self.require()?.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> ReadResult<V::Value> {
        self.require()?.deserialize_struct("", fields, visitor)
    }
}
