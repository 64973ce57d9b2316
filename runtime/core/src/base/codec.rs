//! Fields to bytes and back: postcard with a bound on size and on nesting, and no trailing bytes.

use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::depth::Depth;
use super::{DecodeError, EncodeError};

/// Where [`Protocol::encode`](super::Protocol::encode) writes its fields, one after another.
pub struct Encoder<'a> {
    out: &'a mut Vec<u8>,
    end: usize,
    limit: usize,
}

impl<'a> Encoder<'a> {
    /// Appends to `out`, at most `limit` bytes.
    pub fn new(out: &'a mut Vec<u8>, limit: usize) -> Encoder<'a> {
        let end = out.len().saturating_add(limit);
        Encoder { out, end, limit }
    }

    /// Appends one field.
    ///
    /// # Errors
    /// [`EncodeError::TooLarge`] beyond the bound, [`EncodeError::Field`] when the field's `Serialize` refuses.
    pub fn field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        let limit = self.limit;
        let bounded = Bounded { out: self.out, end: self.end };
        postcard::serialize_with_flavor(value, bounded).map_err(|error| match error {
            postcard::Error::SerializeBufferFull => EncodeError::TooLarge { limit },
            other => EncodeError::Field(other.to_string().into()),
        })
    }
}

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

/// Where [`Protocol::decode`](super::Protocol::decode) reads its fields, one after another.
pub struct Decoder<'a> {
    rest: &'a [u8],
}

impl<'a> Decoder<'a> {
    /// How many levels a field's value may have.
    pub(super) const MAX_DEPTH: usize = 128;

    /// Reads from the first of `bytes` on.
    pub fn new(bytes: &'a [u8]) -> Decoder<'a> {
        Decoder { rest: bytes }
    }

    /// Takes one field.
    ///
    /// # Errors
    /// [`DecodeError::Malformed`] if the bytes are no `T`, [`DecodeError::TooDeep`] if they nest too deep.
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

    /// Demands that nothing is left: bytes beyond the last field are no message of this version.
    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::Malformed(format!("{} bytes too many", self.rest.len()).into()))
        }
    }
}
