//! Without the feature `serde`: traits of the same names, for the types that [have them](super::travel).

/// What could be written to another node.
pub trait Serialize {
    /// Never called.
    ///
    /// # Errors
    /// The serializer's own.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.refuse()
    }
}

/// What could be read from another node.
pub trait Deserialize<'de>: Sized {
    /// Never called.
    ///
    /// # Errors
    /// The deserializer's own.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Err(deserializer.refuse())
    }
}

/// What could be read, and borrows nothing.
pub trait DeserializeOwned: for<'de> Deserialize<'de> {}

impl<T: for<'de> Deserialize<'de>> DeserializeOwned for T {}

/// What would write: there is none.
pub trait Serializer {
    /// What it returns.
    type Ok;
    /// What may go wrong.
    type Error;

    /// Writes nothing.
    ///
    /// # Errors
    /// Always.
    fn refuse(self) -> Result<Self::Ok, Self::Error>;
}

/// What would read: there is none.
pub trait Deserializer<'de> {
    /// What may go wrong.
    type Error;

    /// Reads nothing.
    fn refuse(self) -> Self::Error;
}
