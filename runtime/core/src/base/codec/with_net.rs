//! The codec of messages that leave their node: postcard, with bounds.

use std::any::{Any, TypeId};

use postcard::de_flavors::{self, Slice};
use postcard::ser_flavors::Flavor;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};

use super::super::{DecodeError, EncodeError};
use super::bounds::Bounds;

/// The target of [`Protocol::encode`](crate::Protocol::encode): writes fields one after another.
pub struct Encoder<'a> {
    out: &'a mut Vec<u8>,
    end: usize,
    limit: usize,
}

impl<'a> Encoder<'a> {
    /// Creates an encoder that appends at most `limit` bytes to `out`.
    pub fn new(out: &'a mut Vec<u8>, limit: usize) -> Encoder<'a> {
        let end = out.len().saturating_add(limit);
        Encoder { out, end, limit }
    }

    /// Appends one field. The bytes of a `Vec<u8>` are copied at once; within another type they need `serde_bytes`.
    ///
    /// # Errors
    /// - [`EncodeError::TooLarge`]: the bytes exceed the limit.
    /// - [`EncodeError::Field`]: the field's `Serialize` implementation failed.
    pub fn field<T: Serialize + 'static>(&mut self, value: &T) -> Result<(), EncodeError> {
        match (value as &dyn Any).downcast_ref::<Vec<u8>>() {
            // Serde has no special case for bytes, and encodes them one by one, to the same result.
            Some(bytes) => self.serialize(&Bytes(bytes)),
            None => self.serialize(value),
        }
    }

    fn serialize<T: Serialize>(&mut self, value: &T) -> Result<(), EncodeError> {
        let limit = self.limit;
        let bounded = Bounded { out: self.out, end: self.end };
        postcard::serialize_with_flavor(value, bounded).map_err(|error| match error {
            postcard::Error::SerializeBufferFull => EncodeError::TooLarge { limit },
            other => EncodeError::Field(other.to_string().into()),
        })
    }
}

/// Bytes that are serialised at once.
struct Bytes<'a>(&'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

/// A vector that grows up to a bound.
struct Bounded<'a> {
    out: &'a mut Vec<u8>,
    end: usize,
}

impl Flavor for Bounded<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.try_extend(&[byte])
    }

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
    rest: &'a [u8],
    bounds: Bounds,
}

/// The bytes of a message. Unlike postcard's slice it has no size hint: postcard then gives the length of a sequence as the
/// bytes announce it.
struct Input<'de>(Slice<'de>);

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
    /// Creates a decoder that reads from the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Decoder<'a> {
        Decoder { rest: bytes, bounds: Bounds::new(bytes.len()) }
    }

    /// Reads one field. The bytes of a `Vec<u8>` are copied at once.
    ///
    /// # Errors
    /// - [`DecodeError::Malformed`]: the bytes are not a valid `T`.
    /// - [`DecodeError::TooDeep`]: the value is nested deeper than 128 levels.
    /// - [`DecodeError::TooMany`]: the sequences and maps of all fields have more elements than the message has bytes,
    ///   and 4,096 more.
    /// - [`DecodeError::TooLarge`]: the values of more than 64 bytes occupy more memory than 64 bytes for each byte of
    ///   the message, and 16 MiB.
    pub fn field<T: DeserializeOwned + 'static>(&mut self) -> Result<T, DecodeError> {
        if TypeId::of::<T>() == TypeId::of::<Vec<u8>>() {
            let mut bytes = Some(self.deserialize::<&[u8]>()?.to_vec());
            // `T` is `Vec<u8>`, so the value is there.
            if let Some(value) = (&mut bytes as &mut dyn Any).downcast_mut::<Option<T>>().and_then(Option::take) {
                return Ok(value);
            }
        }
        self.deserialize()
    }

    fn deserialize<T: Deserialize<'a>>(&mut self) -> Result<T, DecodeError> {
        let Decoder { rest, bounds } = self;
        let malformed = |error: postcard::Error| match bounds.error() {
            Some(error) => error,
            None => DecodeError::Malformed(error.to_string().into()),
        };
        let mut inner = postcard::Deserializer::from_flavor(Input(Slice::new(rest)));
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
