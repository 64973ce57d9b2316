//! The user's struct, read from the tree: serde's other half.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Expected, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::tree::{Entry, Value};
use super::{SettingsError, layer};

/// Reads a struct.
pub(super) fn read<T: DeserializeOwned>(whole: &Entry) -> Result<T, SettingsError> {
    let reader = || Reader { entry: whole, key: String::new(), among: &[] };
    T::deserialize(reader()).map_err(|flaw| match reader().locate(flaw) {
        Flaw::Told(error) => error,
        // `locate` leaves nothing else.
        flaw => SettingsError { key: None, place: None, problem: flaw.to_string() },
    })
}

/// One entry, about to be read.
struct Reader<'a> {
    entry: &'a Entry,
    /// The whole key.
    key: String,
    /// The keys that might stand in its place.
    among: &'static [&'static str],
}

type Outcome<T> = Result<T, Flaw>;

/// What is wrong, on its way to a place.
#[derive(Debug)]
enum Flaw {
    /// With the entry that is being read.
    Here(String),
    /// The table that is being read has no such key.
    Missing(&'static str),
    /// It has been told.
    Told(SettingsError),
}

impl<'a> Reader<'a> {
    /// A flaw gets its key and its place where it is first seen.
    fn locate(&self, flaw: Flaw) -> Flaw {
        let (key, place, problem) = match flaw {
            Flaw::Here(problem) => {
                ((!self.key.is_empty()).then(|| self.key.clone()), Some(self.entry.place.clone()), problem)
            }
            Flaw::Missing(name) => {
                (Some(join(&self.key, name)), None, "set nowhere, and there is no default".to_owned())
            }
            Flaw::Told(_) => return flaw,
        };
        Flaw::Told(SettingsError { key, place, problem })
    }

    fn below(&self, entry: &'a Entry, name: impl fmt::Display, among: &'static [&'static str]) -> Reader<'a> {
        Reader { entry, key: join(&self.key, name), among }
    }

    /// Reads a variable's text as what is asked for, anything else as what it is.
    fn parsed<'de, V: Visitor<'de>, T: std::str::FromStr>(
        self,
        visitor: V,
        visit: impl FnOnce(V, T) -> Outcome<V::Value>,
    ) -> Outcome<V::Value> {
        let Value::Word(word) = &self.entry.value else { return self.deserialize_any(visitor) };
        match word.trim().parse() {
            Ok(value) => visit(visitor, value).map_err(|error| self.locate(error)),
            Err(_) => {
                let expected = &visitor as &dyn Expected;
                Err(self.locate(problem(format!("expected {expected}"))))
            }
        }
    }

    /// The same for what has parts: TOML in a line, or words between commas.
    fn unfolded<T>(&self, list: bool, then: impl FnOnce(Reader<'_>) -> Outcome<T>) -> Outcome<T> {
        let Value::Word(word) = &self.entry.value else {
            return then(Reader { entry: self.entry, key: self.key.clone(), among: self.among });
        };
        let place = &self.entry.place;
        let entry = if word.trim_start().starts_with(['[', '{']) {
            layer::inline(word.trim(), place)
                .map_err(|error| Flaw::Told(SettingsError { key: Some(self.key.clone()), ..error }))?
        } else if list {
            let words = word.split(',').map(str::trim).filter(|word| !word.is_empty());
            let entries = words.map(|word| Entry::new(Value::Word(word.to_owned()), place.clone()));
            Entry::new(Value::List(entries.collect()), place.clone())
        } else {
            self.entry.clone()
        };
        then(Reader { entry: &entry, key: self.key.clone(), among: self.among })
    }

    fn visit_map<'de, V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Outcome<V::Value> {
        let Value::Table(table) = &self.entry.value else { return self.deserialize_any(visitor) };
        let access = Table { reader: &self, rest: table.iter(), value: None, fields };
        visitor.visit_map(access).map_err(|error| self.locate(error))
    }

    fn visit_seq<'de, V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        let Value::List(list) = &self.entry.value else { return self.deserialize_any(visitor) };
        let access = List { reader: &self, rest: list.iter().enumerate() };
        visitor.visit_seq(access).map_err(|error| self.locate(error))
    }
}

fn join(key: &str, name: impl fmt::Display) -> String {
    if key.is_empty() { name.to_string() } else { format!("{key}.{name}") }
}

fn problem(problem: impl fmt::Display) -> Flaw {
    Flaw::Here(problem.to_string())
}

macro_rules! parsed {
    ($($deserialize:ident $visit:ident $ty:ty;)*) => {$(
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
            self.parsed(visitor, |visitor, value: $ty| visitor.$visit(value))
        }
    )*};
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Flaw;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        let read = match &self.entry.value {
            Value::Table(_) => return self.visit_map(&[], visitor),
            Value::List(_) => return self.visit_seq(visitor),
            Value::Text(text) => visitor.visit_str(text),
            Value::Integer(number) => visitor.visit_i64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Bool(truth) => visitor.visit_bool(*truth),
            // Nobody says what it should be: what it looks like.
            Value::Word(word) => match (word.parse(), word.parse(), word.parse()) {
                (Ok(truth), ..) => visitor.visit_bool(truth),
                (_, Ok(number), _) => visitor.visit_i64(number),
                (.., Ok(number)) => visitor.visit_f64(number),
                _ => visitor.visit_str(word),
            },
        };
        read.map_err(|error| self.locate(error))
    }

    parsed! {
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

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        match &self.entry.value {
            Value::Word(word) => visitor.visit_str(word).map_err(|error| self.locate(error)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Outcome<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        self.unfolded(true, |reader| reader.visit_seq(visitor))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Outcome<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(self, _: &'static str, _: usize, visitor: V) -> Outcome<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        self.unfolded(false, |reader| reader.visit_map(&[], visitor))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Outcome<V::Value> {
        self.unfolded(false, |reader| reader.visit_map(fields, visitor))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Outcome<V::Value> {
        self.unfolded(false, |reader| {
            let chosen = match &reader.entry.value {
                Value::Text(name) | Value::Word(name) => visitor.visit_enum(Choice { name, content: None }),
                Value::Table(table) if table.len() == 1 => {
                    let content = table.iter().next().map(|(name, entry)| (name, reader.below(entry, name, &[])));
                    let Some((name, content)) = content else { return Err(problem("an empty table")) };
                    visitor.visit_enum(Choice { name, content: Some(content) })
                }
                _ => {
                    let expected = &visitor as &dyn Expected;
                    Err(problem(format!("expected {expected}: a name, or a table with one key")))
                }
            };
            chosen.map_err(|error| reader.locate(error))
        })
    }

    /// A key that the struct does not know.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Outcome<V::Value> {
        let name = self.key.rsplit('.').next().unwrap_or_default();
        Err(Flaw::Told(SettingsError::new(&self.key, &self.entry.key_place, unknown(name, self.among))))
    }

    forward_to_deserialize_any!(bytes byte_buf unit unit_struct);
}

fn unknown(name: &str, among: &[&str]) -> String {
    let near = among.iter().map(|other| (distance(name, other), other)).min();
    match near {
        Some((steps, other)) if steps <= name.len().max(other.len()) / 2 => {
            format!("no such key; did you mean `{other}`?")
        }
        Some(_) => format!("no such key; there are `{}`", among.join("`, `")),
        None => "no such key".to_owned(),
    }
}

/// How many letters have to be put in, left out or replaced to make one name of the other; nothing for those that only
/// begin alike.
fn distance(one: &str, other: &str) -> usize {
    if one.len() > 2 && (one.starts_with(other) || other.starts_with(one)) {
        return 0;
    }
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in other.chars().enumerate() {
            let next = (corner + usize::from(a != b)).min(row[j] + 1).min(row[j + 1] + 1);
            corner = std::mem::replace(&mut row[j + 1], next);
        }
    }
    row.last().copied().unwrap_or_default()
}

struct Table<'r, 'a> {
    reader: &'r Reader<'a>,
    rest: std::collections::btree_map::Iter<'a, String, Entry>,
    value: Option<Reader<'a>>,
    fields: &'static [&'static str],
}

impl<'de> MapAccess<'de> for Table<'_, '_> {
    type Error = Flaw;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Outcome<Option<K::Value>> {
        let Some((name, entry)) = self.rest.next() else { return Ok(None) };
        let value = self.reader.below(entry, name, self.fields);
        let name: StrDeserializer<'_, Flaw> = name.as_str().into_deserializer();
        // With `deny_unknown_fields` it is the key itself that fails.
        let key =
            seed.deserialize(name).map_err(|flaw| Flaw::Told(SettingsError::new(&value.key, &entry.key_place, flaw)));
        self.value = Some(value);
        key.map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Outcome<S::Value> {
        let value = self.value.take().ok_or_else(|| problem("a value without a key"))?;
        seed.deserialize(value)
    }
}

struct List<'r, 'a> {
    reader: &'r Reader<'a>,
    rest: std::iter::Enumerate<std::slice::Iter<'a, Entry>>,
}

impl<'de> SeqAccess<'de> for List<'_, '_> {
    type Error = Flaw;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Outcome<Option<S::Value>> {
        let Some((index, entry)) = self.rest.next() else { return Ok(None) };
        seed.deserialize(self.reader.below(entry, index, &[])).map(Some)
    }
}

/// A variant: its name alone, or with what it holds.
struct Choice<'a> {
    name: &'a str,
    content: Option<Reader<'a>>,
}

impl<'a, 'de> EnumAccess<'de> for Choice<'a> {
    type Error = Flaw;
    type Variant = Content<'a>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Outcome<(S::Value, Content<'a>)> {
        let name: StrDeserializer<'_, Flaw> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, Content(self.content)))
    }
}

struct Content<'a>(Option<Reader<'a>>);

impl<'a> Content<'a> {
    fn some(self) -> Outcome<Reader<'a>> {
        self.0.ok_or_else(|| problem("the variant needs more than its name"))
    }
}

impl<'de> VariantAccess<'de> for Content<'_> {
    type Error = Flaw;

    fn unit_variant(self) -> Outcome<()> {
        self.0.map_or(Ok(()), |content| Err(content.locate(problem("the variant is its name alone"))))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Outcome<S::Value> {
        seed.deserialize(self.some()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Outcome<V::Value> {
        self.some()?.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Outcome<V::Value> {
        self.some()?.deserialize_struct("", fields, visitor)
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flaw::Here(problem) => f.write_str(problem),
            Flaw::Missing(name) => write!(f, "`{name}` is missing"),
            Flaw::Told(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Flaw {}

/// What serde finds wrong: told without the value.
impl de::Error for Flaw {
    fn custom<T: fmt::Display>(message: T) -> Flaw {
        problem(message)
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Flaw {
        problem(format!("expected {expected}, found {}", kind(&found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Flaw {
        problem(format!("expected {expected}, and this is {} that is none", kind(&found)))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Flaw {
        problem(format!("expected one of `{}`", expected.join("`, `")))
    }

    fn unknown_field(name: &str, expected: &'static [&'static str]) -> Flaw {
        problem(unknown(name, expected))
    }

    fn missing_field(name: &'static str) -> Flaw {
        Flaw::Missing(name)
    }

    fn duplicate_field(name: &'static str) -> Flaw {
        problem(format!("`{name}` is there twice"))
    }
}

fn kind(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "a truth value",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "an integer",
        Unexpected::Float(_) => "a float",
        Unexpected::Char(_) | Unexpected::Str(_) => "a string",
        Unexpected::Seq => "a list",
        Unexpected::Map => "a table",
        _ => "something else",
    }
}
