//! Fields that functions of the user write and read.

use std::marker::PhantomData;

use super::functions::FieldFunctions;
use super::{Decoder, Encoder};
use crate::base::{
    DecodeError, DefinitionRecorder, Deserialize, Deserializer, EncodeError, FieldError, Fields, Serialize, Serializer,
};

/// A field of the type `T` with the functions `F`.
pub struct FieldWith<T, F>(T, PhantomData<F>);

impl<T, F: FieldFunctions<T>> Serialize for FieldWith<T, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        F::serialize(&self.0, serializer)
    }
}

impl<'de, T, F: FieldFunctions<T>> Deserialize<'de> for FieldWith<T, F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<FieldWith<T, F>, D::Error> {
        F::deserialize(deserializer).map(|value| FieldWith(value, PhantomData))
    }
}

impl<T: 'static, F: FieldFunctions<T>> FieldWith<T, F> {
    /// Encodes the value.
    ///
    /// # Errors
    /// The user's function fails, or the message becomes too large.
    pub fn write(value: &T, encoder: &mut Encoder<'_>) -> Result<(), EncodeError> {
        encoder.field_with::<T, F>(value)
    }

    /// Decodes a value.
    ///
    /// # Errors
    /// The bytes are not what the user's function reads.
    pub fn read(decoder: &mut Decoder<'_>) -> Result<T, DecodeError> {
        decoder.field::<FieldWith<T, F>>().map(|field| field.0)
    }

    /// Records the type of the field with these names.
    pub fn record(recorder: &mut DefinitionRecorder, names: &'static [&'static str]) {
        recorder.field::<FieldWith<T, F>>(names);
    }

    /// Takes the field with one of these names.
    ///
    /// # Errors
    /// The field was not sent, or cannot be read.
    pub fn take(fields: &mut Fields<'_>, names: &[&'static str]) -> Result<T, FieldError> {
        fields.take::<FieldWith<T, F>>(names).map(|field| field.0)
    }

    /// Takes the field with one of these names, or the default.
    ///
    /// # Errors
    /// The field cannot be read.
    pub fn take_or(
        fields: &mut Fields<'_>,
        names: &[&'static str],
        default: impl FnOnce() -> T,
    ) -> Result<T, FieldError> {
        let default = || FieldWith::<T, F>(default(), PhantomData);
        fields.take_or(names, default).map(|field| field.0)
    }
}
