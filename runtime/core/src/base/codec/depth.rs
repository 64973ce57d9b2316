//! A bound on nesting while bytes are decoded.
//!
//! postcard recurses as deep as the bytes demand, and the bytes come from a peer: a message of some thousand nested
//! enums would overflow the stack, which aborts the whole program. [`Bounded`] wraps the deserializer that a type's
//! `Deserialize` gets, and counts levels: each sequence, map, struct, tuple, enum and option is one. Scalars, strings
//! and bytes are forwarded, so a flat type pays one comparison per field.
//!
//! Invariant: each step from one level into the next goes through a [`Bounded`] with one level less. A value that is
//! too deep fails with an error of the inner deserializer; [`Depth::exceeded`] distinguishes it from other errors.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor};

/// Records whether a value exceeded the bound while it was decoded.
#[derive(Default)]
pub(super) struct Depth {
    exceeded: Cell<bool>,
}

impl Depth {
    pub(super) fn exceeded(&self) -> bool {
        self.exceeded.get()
    }

    /// Bounds the values that are read through `inner` to this many levels.
    pub(super) fn bound<T>(&self, inner: T, levels: usize) -> Bounded<'_, T> {
        Bounded { inner, remaining: Remaining { levels, depth: self } }
    }
}

/// A deserializer, visitor, access or seed with a bound on its levels.
pub(super) struct Bounded<'a, T> {
    inner: T,
    remaining: Remaining<'a>,
}

/// The number of levels that may follow.
#[derive(Clone, Copy)]
struct Remaining<'a> {
    levels: usize,
    depth: &'a Depth,
}

impl<'a> Remaining<'a> {
    fn with<T>(self, inner: T) -> Bounded<'a, T> {
        Bounded { inner, remaining: self }
    }

    /// Enters a level.
    fn enter<T, E: Error>(self, inner: T) -> Result<Bounded<'a, T>, E> {
        match self.levels.checked_sub(1) {
            Some(levels) => Ok(Remaining { levels, ..self }.with(inner)),
            None => {
                self.depth.exceeded.set(true);
                Err(E::custom("nested too deep"))
            }
        }
    }
}

/// Forwards scalars, strings and bytes, which cannot nest.
macro_rules! forward {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.inner.$method(visitor)
        })*
    };
}

/// Bounds the visitor of a value that can nest by one level less.
macro_rules! nested {
    ($($method:ident($($arg:ident: $type:ty),*))*) => {
        $(fn $method<V: Visitor<'de>>(self, $($arg: $type,)* visitor: V) -> Result<V::Value, D::Error> {
            let visitor = self.remaining.enter(visitor)?;
            self.inner.$method($($arg,)* visitor)
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Bounded<'_, D> {
    type Error = D::Error;

    forward! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32
        deserialize_f64 deserialize_char deserialize_str deserialize_string deserialize_bytes
        deserialize_byte_buf deserialize_unit deserialize_identifier
    }

    nested! {
        deserialize_any()
        deserialize_ignored_any()
        deserialize_option()
        deserialize_newtype_struct(name: &'static str)
        deserialize_seq()
        deserialize_tuple(len: usize)
        deserialize_tuple_struct(name: &'static str, len: usize)
        deserialize_map()
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_unit_struct(name, visitor)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

macro_rules! visit {
    ($($method:ident($type:ty))*) => {
        $(fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.inner.$method(value)
        })*
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Bounded<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    visit! {
        visit_bool(bool) visit_i8(i8) visit_i16(i16) visit_i32(i32) visit_i64(i64) visit_i128(i128)
        visit_u8(u8) visit_u16(u16) visit_u32(u32) visit_u64(u64) visit_u128(u128) visit_f32(f32)
        visit_f64(f64) visit_char(char) visit_str(&str) visit_borrowed_str(&'de str)
        visit_string(String) visit_bytes(&[u8]) visit_borrowed_bytes(&'de [u8]) visit_byte_buf(Vec<u8>)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.inner.visit_some(self.remaining.with(deserializer))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.inner.visit_newtype_struct(self.remaining.with(deserializer))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.inner.visit_seq(self.remaining.with(access))
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(self.remaining.with(access))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.inner.visit_enum(self.remaining.with(access))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Bounded<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(self.remaining.with(deserializer))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Bounded<'_, A> {
    type Error = A::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, A::Error> {
        self.inner.next_element_seed(self.remaining.with(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Bounded<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        self.inner.next_key_seed(self.remaining.with(seed))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, A::Error> {
        self.inner.next_value_seed(self.remaining.with(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, 'a, A: EnumAccess<'de>> EnumAccess<'de> for Bounded<'a, A> {
    type Error = A::Error;
    type Variant = Bounded<'a, A::Variant>;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Bounded<'a, A::Variant>), A::Error> {
        let remaining = self.remaining;
        let (value, variant) = self.inner.variant_seed(remaining.with(seed))?;
        Ok((value, remaining.with(variant)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Bounded<'_, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, A::Error> {
        self.inner.newtype_variant_seed(self.remaining.with(seed))
    }

    // The variant's fields belong to the enum's own level.
    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.inner.tuple_variant(len, self.remaining.with(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.inner.struct_variant(fields, self.remaining.with(visitor))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt::Debug;

    use serde::de::DeserializeOwned;
    use serde::{Deserialize, Serialize};

    use crate::base::DecodeError;
    use crate::base::codec::{Decoder, Encoder};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum List {
        Nil,
        Cons(Box<List>),
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Tree {
        Leaf,
        Pair(Box<Tree>, Box<Tree>),
        Named { of: Box<Tree> },
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Nest(Vec<Nest>);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Chain {
        next: Option<Box<Chain>>,
    }

    fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
        let mut decoder = Decoder::new(bytes);
        let value = decoder.field()?;
        decoder.finish()?;
        Ok(value)
    }

    fn too_deep<T: Debug + PartialEq>() -> Result<T, DecodeError> {
        Err(DecodeError::TooDeep { limit: Decoder::MAX_DEPTH })
    }

    fn list(levels: usize) -> List {
        (1..levels).fold(List::Nil, |list, _| List::Cons(Box::new(list)))
    }

    #[test]
    fn a_list_has_128_levels_at_most() {
        let bytes = |levels: usize| [vec![1; levels - 1], vec![0]].concat();
        for levels in [1, 2, 127, 128] {
            assert_eq!(read(&bytes(levels)), Ok(list(levels)), "{levels}");
        }
        assert_eq!(read::<List>(&bytes(129)), too_deep());
        assert_eq!(read::<List>(&vec![1; 16 << 20]), too_deep());
    }

    #[test]
    fn each_nested_value_counts_as_a_level() {
        assert_eq!(read::<Tree>(&[1; 100_000]), too_deep());
        assert_eq!(read::<Tree>(&[2; 100_000]), too_deep());
        assert_eq!(read::<Nest>(&[1; 100_000]), too_deep());
        assert_eq!(read::<Chain>(&[1; 100_000]), too_deep());
        assert_eq!(read::<BTreeMap<u8, List>>(&[1; 100_000]), too_deep());
        assert_eq!(read::<(u8, Option<List>)>(&[1; 100_000]), too_deep());
    }

    #[test]
    fn width_is_not_depth() {
        let wide: Vec<(u8, Option<String>)> = (0..10_000).map(|n| (n as u8, Some(n.to_string()))).collect();
        let mut bytes = Vec::new();
        Encoder::new(&mut bytes, usize::MAX).field(&wide).unwrap();
        assert_eq!(read(&bytes), Ok(wide));
        let tree = Tree::Pair(Box::new(Tree::Leaf), Box::new(Tree::Named { of: Box::new(Tree::Leaf) }));
        assert_eq!(read(&[1, 0, 2, 0]), Ok(tree));
    }

    #[test]
    fn other_errors_are_malformed_bytes() {
        assert!(matches!(read::<List>(&[1, 1]), Err(DecodeError::Malformed(_))));
        assert!(matches!(read::<List>(&[7]), Err(DecodeError::Malformed(_))));
        assert!(matches!(read::<List>(&[0, 0]), Err(DecodeError::Malformed(_))));
        // A length beyond the end of the bytes allocates nothing.
        assert!(matches!(read::<String>(&[0xff, 0xff, 0xff, 0xff, 0x0f]), Err(DecodeError::Malformed(_))));
    }
}
