//! Functions of the user that write and read a field, for `#[serde(with)]`.

use crate::base::{Deserializer, Serializer};

/// The functions of one field. Generated code implements it.
pub trait FieldFunctions<T>: 'static {
    /// Writes the field.
    ///
    /// # Errors
    /// The user's function fails.
    fn serialize<S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error>;

    /// Reads the field.
    ///
    /// # Errors
    /// The user's function fails.
    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error>;
}
