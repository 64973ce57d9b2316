//! The codec of messages that leave their node: postcard, with bounds.

use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::{DecodeError, EncodeError};
use super::depth::Depth;

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

    /// Appends one field.
    ///
    /// # Errors
    /// - [`EncodeError::TooLarge`]: the bytes exceed the limit.
    /// - [`EncodeError::Field`]: the field's `Serialize` implementation failed.
    pub fn field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        let limit = self.limit;
        let bounded = Bounded { out: self.out, end: self.end };
        postcard::serialize_with_flavor(value, bounded).map_err(|error| match error {
            postcard::Error::SerializeBufferFull => EncodeError::TooLarge { limit },
            other => EncodeError::Field(other.to_string().into()),
        })
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
}

impl<'a> Decoder<'a> {
    /// The most levels of nesting in a field's value.
    pub(super) const MAX_DEPTH: usize = 128;

    /// Creates a decoder that reads from the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Decoder<'a> {
        Decoder { rest: bytes }
    }

    /// Reads one field.
    ///
    /// # Errors
    /// - [`DecodeError::Malformed`]: the bytes are not a valid `T`.
    /// - [`DecodeError::TooDeep`]: the value is nested deeper than 128 levels.
    pub fn field<T: DeserializeOwned>(&mut self) -> Result<T, DecodeError> {
        let depth = Depth::default();
        let malformed = |error: postcard::Error| match depth.exceeded() {
            true => DecodeError::TooDeep { limit: Self::MAX_DEPTH },
            false => DecodeError::Malformed(error.to_string().into()),
        };
        let mut inner = postcard::Deserializer::from_bytes(self.rest);
        let value = T::deserialize(depth.bound(&mut inner, Self::MAX_DEPTH)).map_err(malformed)?;
        self.rest = inner.finalize().map_err(malformed)?;
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
