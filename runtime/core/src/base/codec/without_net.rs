//! The codec without the feature `net`: messages have no bytes.
//!
//! The code that encodes and decodes messages is compiled as with `net`, down to the fields, where it ends: a program
//! for one node compiles neither postcard nor serde's code for each of its messages. The trait bounds stay, so that a
//! protocol is valid with and without the feature.

use std::marker::PhantomData;

use super::super::{DecodeError, DeserializeOwned, EncodeError, Serialize};
use super::payload::{Payload, Source};

/// The target of [`Protocol::encode`](crate::Protocol::encode), which has no bytes without the feature `net`.
pub struct Encoder<'a>(PhantomData<&'a mut Payload>);

impl<'a> Encoder<'a> {
    /// Creates an encoder that never writes.
    pub fn new(_: &'a mut Payload, _: usize) -> Encoder<'a> {
        Encoder(PhantomData)
    }

    /// Fails, since there is no encoding.
    ///
    /// # Errors
    /// [`EncodeError::Local`], always.
    pub fn field<T: Serialize + 'static>(&mut self, _: &T) -> Result<(), EncodeError> {
        Err(EncodeError::Local)
    }

    #[cfg(feature = "serde")]
    #[allow(clippy::extra_unused_type_parameters)] // The signature is that of the feature `net`.
    pub(super) fn field_with<T, F: super::FieldFunctions<T>>(&mut self, _: &T) -> Result<(), EncodeError> {
        Err(EncodeError::Local)
    }
}

/// The source of [`Protocol::decode`](crate::Protocol::decode), which has no bytes without the feature `net`.
pub struct Decoder<'a>(PhantomData<&'a Source>);

impl<'a> Decoder<'a> {
    /// Creates a decoder that never reads.
    pub fn new(_: &'a Source) -> Decoder<'a> {
        Decoder(PhantomData)
    }

    /// Fails, since there is no encoding.
    ///
    /// # Errors
    /// [`DecodeError::Local`], always.
    pub fn field<T: DeserializeOwned + 'static>(&mut self) -> Result<T, DecodeError> {
        Err(DecodeError::Local)
    }

    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        Err(DecodeError::Local)
    }
}
