//! The bounds on a value that is decoded: nesting, elements and memory.
//!
//! The bytes come from a peer, and postcard trusts them in three respects:
//!
//! - It recurses as deep as the bytes demand. Some thousand nested enums would overflow the stack, which aborts the
//!   program.
//! - It reads as many elements as a sequence or a map announces. Elements without bytes, as in a `Vec<()>`, would be
//!   read for years.
//! - One byte can be a large value, as the `None` of an `Option<[u64; 1000]>`.
//!
//! [`Bounded`] wraps the deserializer that a type's `Deserialize` gets.
//!
//! | bound | of one message |
//! |---|---|
//! | levels | [`MAX_DEPTH`]: each sequence, map, struct, tuple, enum and option is one |
//! | elements of sequences and maps | one for each byte of the message, and [`SPARE_ELEMENTS`] |
//! | memory of values that are larger than [`SMALL`] | [`SMALL`] for each byte of the message, and [`SPARE_MEMORY`] |
//!
//! The elements are charged by the announced length, before one of them is read. A message whose elements all have bytes
//! never exceeds that bound: each element has at least one byte that belongs to none of the elements inside it. So a flat
//! value pays one comparison per field, and a sequence two more. The size of a type is known to the compiler, so small
//! values are not charged.
//!
//! Together these bound the memory of a decoded message: twice [`SMALL`] for each byte, and the two spare amounts. The
//! overhead of allocations is not counted. A value inside another large one is counted twice.
//!
//! Invariant: each step from one level into the next goes through a [`Bounded`] with one level less. The inner
//! deserializer returns an error of its own for a value that exceeds a bound; [`Bounds::error`] distinguishes it from
//! other errors.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::super::DecodeError;

/// The most levels of nesting.
const MAX_DEPTH: usize = 128;
/// The number of elements beside one for each byte.
const SPARE_ELEMENTS: usize = 4096;
/// The size of a value in memory up to which it is not counted, in bytes.
const SMALL: usize = 64;
/// The memory of large values beside [`SMALL`] for each byte, in bytes.
const SPARE_MEMORY: usize = 16 * 1024 * 1024;

/// The elements and the memory that the values of one message have used.
pub(super) struct Bounds {
    /// The number of bytes of the message.
    bytes: usize,
    elements: Cell<usize>,
    memory: Cell<usize>,
    exceeded: Cell<Option<Bound>>,
}

#[derive(Clone, Copy)]
enum Bound {
    Depth,
    Elements,
    Memory,
}

impl Bounds {
    /// Returns the bounds of a message of so many bytes.
    pub(super) fn new(bytes: usize) -> Bounds {
        Bounds { bytes, elements: Cell::new(0), memory: Cell::new(0), exceeded: Cell::new(None) }
    }

    /// Returns the error of a value that exceeded a bound.
    pub(super) fn error(&self) -> Option<DecodeError> {
        self.exceeded.get().map(|bound| match bound {
            Bound::Depth => DecodeError::TooDeep { limit: MAX_DEPTH },
            Bound::Elements => DecodeError::TooMany { limit: max_elements(self.bytes) },
            Bound::Memory => DecodeError::TooLarge { limit: max_memory(self.bytes) },
        })
    }

    /// Bounds the values that are read through `inner`.
    pub(super) fn bound<T>(&self, inner: T) -> Bounded<'_, T> {
        Bounded { inner, remaining: Remaining { levels: MAX_DEPTH, bounds: self } }
    }

    /// Charges a sequence or a map of so many elements.
    fn charge_elements<E: Error>(&self, count: Option<usize>) -> Result<(), E> {
        // postcard reads a length in front of the elements.
        self.charge(&self.elements, count.unwrap_or(usize::MAX), max_elements(self.bytes), Bound::Elements)
    }

    /// Charges a value of a type that is larger than [`SMALL`].
    #[inline(always)]
    fn charge_value<T, E: Error>(&self) -> Result<(), E> {
        if const { size_of::<T>() > SMALL } {
            self.charge(&self.memory, size_of::<T>(), max_memory(self.bytes), Bound::Memory)
        } else {
            Ok(())
        }
    }

    fn charge<E: Error>(&self, used: &Cell<usize>, amount: usize, limit: usize, bound: Bound) -> Result<(), E> {
        let sum = used.get().saturating_add(amount);
        if sum > limit {
            return Err(self.exceed(bound));
        }
        used.set(sum);
        Ok(())
    }

    #[cold]
    fn exceed<E: Error>(&self, bound: Bound) -> E {
        self.exceeded.set(Some(bound));
        E::custom("a bound is exceeded")
    }
}

fn max_elements(bytes: usize) -> usize {
    bytes.saturating_add(SPARE_ELEMENTS)
}

fn max_memory(bytes: usize) -> usize {
    bytes.saturating_mul(SMALL).saturating_add(SPARE_MEMORY)
}

/// A deserializer, visitor, access or seed with a bound on its levels.
pub(super) struct Bounded<'a, T> {
    inner: T,
    remaining: Remaining<'a>,
}

/// The visitor of a sequence or a map of any length, whose elements are charged.
struct Charged<'a, V>(Bounded<'a, V>);

/// The number of levels that may follow.
#[derive(Clone, Copy)]
struct Remaining<'a> {
    levels: usize,
    bounds: &'a Bounds,
}

impl<'a> Remaining<'a> {
    fn with<T>(self, inner: T) -> Bounded<'a, T> {
        Bounded { inner, remaining: self }
    }

    /// Enters a level.
    fn enter<'de, V: Visitor<'de>, E: Error>(self, visitor: V) -> Result<Bounded<'a, V>, E> {
        self.bounds.charge_value::<V::Value, E>()?;
        match self.levels.checked_sub(1) {
            Some(levels) => Ok(Remaining { levels, ..self }.with(visitor)),
            None => Err(self.bounds.exceed(Bound::Depth)),
        }
    }
}

/// Forwards scalars, strings and bytes, which cannot nest.
macro_rules! forward {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.remaining.bounds.charge_value::<V::Value, D::Error>()?;
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
        deserialize_tuple(len: usize)
        deserialize_tuple_struct(name: &'static str, len: usize)
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = self.remaining.enter(visitor)?;
        self.inner.deserialize_seq(Charged(visitor))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = self.remaining.enter(visitor)?;
        self.inner.deserialize_map(Charged(visitor))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, D::Error> {
        self.remaining.bounds.charge_value::<V::Value, D::Error>()?;
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

impl<'de, V: Visitor<'de>> Visitor<'de> for Charged<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.0.remaining.bounds.charge_elements(access.size_hint())?;
        self.0.visit_seq(access)
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.0.remaining.bounds.charge_elements(access.size_hint())?;
        self.0.visit_map(access)
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
mod tests;
