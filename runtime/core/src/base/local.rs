//! Without the feature `net`: a message never leaves its node, so it has no bytes.
//!
//! What encodes and decodes is compiled as with `net`, down to the fields: there it ends, so that a program for one node
//! compiles neither postcard nor what serde would make of each of its messages. The bounds stay what they are: a
//! protocol does not become another one with a feature.

use std::marker::PhantomData;

use super::{DecodeError, DeserializeOwned, EncodeError, Serialize};

/// Where [`Protocol::encode`](super::Protocol::encode) would write its fields.
pub struct Encoder<'a>(PhantomData<&'a mut Vec<u8>>);

impl<'a> Encoder<'a> {
    /// Leaves the bytes as they are.
    pub fn new(_: &'a mut Vec<u8>, _: usize) -> Encoder<'a> {
        Encoder(PhantomData)
    }

    /// Writes nothing.
    ///
    /// # Errors
    /// [`EncodeError::Local`].
    pub fn field<T: Serialize + ?Sized>(&mut self, _: &T) -> Result<(), EncodeError> {
        Err(EncodeError::Local)
    }
}

/// Where [`Protocol::decode`](super::Protocol::decode) would read its fields.
pub struct Decoder<'a>(PhantomData<&'a [u8]>);

impl<'a> Decoder<'a> {
    /// Does not look at the bytes.
    pub fn new(_: &'a [u8]) -> Decoder<'a> {
        Decoder(PhantomData)
    }

    /// Reads nothing.
    ///
    /// # Errors
    /// [`DecodeError::Local`].
    pub fn field<T: DeserializeOwned>(&mut self) -> Result<T, DecodeError> {
        Err(DecodeError::Local)
    }

    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        Err(DecodeError::Local)
    }
}
