//! The codec of messages that leave their node: postcard, with bounds.

use std::any::{Any, TypeId};
use std::marker::PhantomData;

use bytes::Bytes;
use postcard::de_flavors;
use postcard::ser_flavors::Flavor;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};

use super::super::{DecodeError, EncodeError};
use super::bounds::Bounds;
use super::functions::FieldFunctions;
use super::payload::{Payload, Source};

/// The target of [`Protocol::encode`](crate::Protocol::encode): writes fields one after another.
pub struct Encoder<'a> {
    out: &'a mut Payload,
    limit: usize,
}

impl<'a> Encoder<'a> {
    /// Creates an encoder that appends to `out`, which then has at most `limit` bytes.
    #[inline]
    pub fn new(out: &'a mut Payload, limit: usize) -> Encoder<'a> {
        Encoder { out, limit }
    }

    /// Appends one field. The bytes of a `Vec<u8>` are copied at once; within another type they need `serde_bytes`. Those
    /// of a large `Bytes` that is the last field are not copied.
    ///
    /// # Errors
    /// - [`EncodeError::TooLarge`]: the bytes exceed the limit.
    /// - [`EncodeError::Field`]: the field's `Serialize` implementation failed.
    pub fn field<T: Serialize + 'static>(&mut self, value: &T) -> Result<(), EncodeError> {
        let value_as_any = value as &dyn Any;
        if let Some(bytes) = value_as_any.downcast_ref::<Vec<u8>>() {
            // Serde has no special case for bytes, and encodes them one by one, to the same result.
            return self.serialize(&Slice(bytes));
        }
        if let Some(bytes) = value_as_any.downcast_ref::<Bytes>() {
            self.serialize(&bytes.len())?;
            if self.limit - self.out.len() < bytes.len() {
                return Err(EncodeError::TooLarge { limit: self.limit });
            }
            self.out.append(bytes);
            return Ok(());
        }
        self.serialize(value)
    }

    /// Appends one field with the user's functions.
    ///
    /// # Errors
    /// As [`field`](Self::field).
    pub(super) fn field_with<T, F: FieldFunctions<T>>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.serialize(&ValueWith(value, PhantomData::<F>))
    }

    fn serialize<T: Serialize>(&mut self, value: &T) -> Result<(), EncodeError> {
        let limit = self.limit;
        let bounded = Bounded { out: self.out.vector(), end: limit };
        postcard::serialize_with_flavor(value, bounded).map_err(|error| match error {
            postcard::Error::SerializeBufferFull => EncodeError::TooLarge { limit },
            other => EncodeError::Field(other.to_string().into()),
        })
    }
}

/// Bytes that are serialised at once.
struct Slice<'a>(&'a [u8]);

impl Serialize for Slice<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

/// A value that functions of the user serialize.
struct ValueWith<'a, T, F>(&'a T, PhantomData<F>);

impl<T, F: FieldFunctions<T>> Serialize for ValueWith<'_, T, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        F::serialize(self.0, serializer)
    }
}

/// A vector that grows up to a bound.
struct Bounded<'a> {
    out: &'a mut Vec<u8>,
    end: usize,
}

impl Flavor for Bounded<'_> {
    type Output = ();

    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.try_extend(&[byte])
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        if self.end - self.out.len() < bytes.len() {
            return Err(postcard::Error::SerializeBufferFull);
        }
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// The source of [`Protocol::decode`](crate::Protocol::decode): reads fields one after another.
pub struct Decoder<'a> {
    source: &'a Source,
    rest: &'a [u8],
    bounds: Bounds,
}

/// The bytes of a message. Unlike postcard's slice it has no size hint: postcard then gives the length of a sequence as the
/// bytes announce it.
struct Input<'de>(de_flavors::Slice<'de>);

impl<'de> de_flavors::Flavor<'de> for Input<'de> {
    type Remainder = &'de [u8];
    type Source = &'de [u8];

    #[inline]
    fn pop(&mut self) -> postcard::Result<u8> {
        de_flavors::Flavor::pop(&mut self.0)
    }

    #[inline]
    fn try_take_n(&mut self, count: usize) -> postcard::Result<&'de [u8]> {
        de_flavors::Flavor::try_take_n(&mut self.0, count)
    }

    fn finalize(self) -> postcard::Result<&'de [u8]> {
        de_flavors::Flavor::finalize(self.0)
    }
}

impl<'a> Decoder<'a> {
    /// The bytes from which on a `Bytes` shares the memory of its message, unless they are the smaller part of it.
    const SHARED: usize = 64 * 1024;

    /// Creates a decoder that reads from the start of `source`.
    pub fn new(source: &'a Source) -> Decoder<'a> {
        Decoder { source, rest: source, bounds: Bounds::new(source.len()) }
    }

    /// Reads one field. The bytes of a `Vec<u8>` are copied at once. Those of a large `Bytes` are not copied.
    ///
    /// # Errors
    /// - [`DecodeError::Malformed`]: the bytes are not a valid `T`.
    /// - [`DecodeError::TooDeep`]: the value is nested deeper than 128 levels.
    /// - [`DecodeError::TooMany`]: the sequences and maps of all fields have more elements than the message has bytes,
    ///   and 4,096 more.
    /// - [`DecodeError::TooLarge`]: the values of more than 64 bytes occupy more memory than 64 bytes for each byte of
    ///   the message, and 16 MiB.
    // Also called for the samples of a definition. Without the attribute, the compiler would not inline it any more.
    #[inline(always)]
    pub fn field<T: DeserializeOwned + 'static>(&mut self) -> Result<T, DecodeError> {
        if TypeId::of::<T>() == TypeId::of::<Vec<u8>>() {
            let bytes = self.deserialize::<&[u8]>()?.to_vec();
            return Ok(same_type(bytes));
        }
        if TypeId::of::<T>() == TypeId::of::<Bytes>() {
            let bytes = self.deserialize::<&[u8]>()?;
            let is_shared = bytes.len() >= Decoder::SHARED && bytes.len() > self.source.len() / 2;
            let bytes = if is_shared { self.source.slice_ref(bytes) } else { Bytes::copy_from_slice(bytes) };
            return Ok(same_type(bytes));
        }
        self.deserialize()
    }

    #[inline(always)]
    fn deserialize<T: Deserialize<'a>>(&mut self) -> Result<T, DecodeError> {
        let Decoder { rest, bounds, .. } = self;
        let malformed = |error: postcard::Error| match bounds.error() {
            Some(error) => error,
            None => DecodeError::Malformed(error.to_string().into()),
        };
        let mut inner = postcard::Deserializer::from_flavor(Input(de_flavors::Slice::new(rest)));
        let value = T::deserialize(bounds.bound(&mut inner)).map_err(malformed)?;
        *rest = inner.finalize().map_err(malformed)?;
        Ok(value)
    }

    /// Fails if bytes are left behind the last field: they are not a message of this version.
    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::Malformed(format!("{} trailing bytes", self.rest.len()).into()))
        }
    }
}

/// Returns `value`, whose type is `T`.
fn same_type<V: 'static, T: 'static>(value: V) -> T {
    let mut value = Some(value);
    let same = (&mut value as &mut dyn Any).downcast_mut::<Option<T>>().and_then(Option::take);
    same.expect("the caller has compared the types")
}
