//! The parts of messages that cannot leave their node.

use std::fmt;

/// A part of a message that cannot leave its node, such as a function. Serializing and deserializing it are errors.
pub struct LocalOnly<T>(pub(in crate::supervisor) T);

#[cfg(feature = "serde")]
const ERROR: &str = "a child spec contains code and cannot be sent to another node";

#[cfg(feature = "serde")]
impl<T> serde::Serialize for LocalOnly<T> {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom(ERROR))
    }
}

#[cfg(feature = "serde")]
impl<'de, T> serde::Deserialize<'de> for LocalOnly<T> {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<LocalOnly<T>, D::Error> {
        Err(serde::de::Error::custom(ERROR))
    }
}

#[cfg(not(feature = "serde"))]
impl<T> crate::base::Serialize for LocalOnly<T> {}

#[cfg(not(feature = "serde"))]
impl<T> crate::base::Deserialize<'_> for LocalOnly<T> {}

impl<T> fmt::Debug for LocalOnly<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalOnly")
    }
}
