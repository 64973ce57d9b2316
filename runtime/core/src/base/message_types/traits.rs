//! The traits of serde's names without the feature `serde`, for [the types that have them](super).

/// A value that could be written to another node.
pub trait Serialize {
    /// Fails, and is never called.
    ///
    /// # Errors
    /// The serializer's error, always.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.refuse()
    }
}

/// A value that could be read from another node.
pub trait Deserialize<'de>: Sized {
    /// Fails, and is never called.
    ///
    /// # Errors
    /// The deserializer's error, always.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Err(deserializer.refuse())
    }
}

/// A value that could be read from another node and borrows nothing.
pub trait DeserializeOwned: for<'de> Deserialize<'de> {}

impl<T: for<'de> Deserialize<'de>> DeserializeOwned for T {}

/// A serializer. No type implements it.
pub trait Serializer {
    /// The result of serializing.
    type Ok;
    /// The error of serializing.
    type Error;

    /// Fails.
    ///
    /// # Errors
    /// Always.
    fn refuse(self) -> Result<Self::Ok, Self::Error>;
}

/// A deserializer. No type implements it.
pub trait Deserializer<'de> {
    /// The error of deserializing.
    type Error;

    /// Returns the error.
    fn refuse(self) -> Self::Error;
}
