use std::fmt;

use serde_core::{Deserialize, Deserializer, Serialize, Serializer};

/// A part of a message that cannot leave its node, such as a function. Writing it to another node is an error,
/// and so is reading one: nobody outside can make it.
pub struct Here<T>(pub(super) T);

impl<T> Serialize for Here<T> {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde_core::ser::Error::custom("a child's specification stays on its node"))
    }
}

impl<'de, T> Deserialize<'de> for Here<T> {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Here<T>, D::Error> {
        Err(serde_core::de::Error::custom("a child's specification stays on its node"))
    }
}

impl<T> fmt::Debug for Here<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Here")
    }
}
