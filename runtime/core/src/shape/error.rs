//! Errors of values that are read by a shape.

use std::fmt;

use serde::de::{self, value};

/// The result of a part. Its error is a pointer, so that most results are returned in registers: with the causes
/// themselves, it took half as long again to read a value by names.
pub(super) type Result<T, E = Box<Cause>> = std::result::Result<T, E>;

/// The reason why a value cannot be read by the shape of its writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShapeError {
    /// Where in the value, as a path of field names.
    pub(crate) path: String,
    pub(crate) cause: Cause,
    /// Set if no value of this shape can be read: the two types differ in a part that each value has.
    pub(crate) is_permanent: bool,
}

/// A kind of error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The bytes are not a value of the shape.
    Malformed(&'static str),
    /// Nested deeper, longer or larger than the limits.
    Limit(&'static str),
    /// The writer has a type that the reader cannot convert.
    Types { sent: &'static str, expected: &'static str },
    /// The number does not fit into the reader's type.
    Range { expected: &'static str },
    /// The writer's option has no value, and the reader demands one.
    NoValue { expected: &'static str },
    /// The reader demands another number of elements.
    Length,
    /// The reader demands a field that the writer does not have.
    Missing(&'static str),
    /// The reader does not have the variant, or demands that there are no further fields.
    Unknown(Box<str>),
    /// A field was sent twice.
    Duplicate(&'static str),
    /// The type does something that postcard cannot carry.
    Unsupported(&'static str),
    /// One field or variant of the writer is two of the reader.
    Ambiguous,
    /// The recorder ends the run.
    Ended,
    /// The reader's `Deserialize` failed.
    Other(Box<str>),
}

impl ShapeError {
    /// Returns the error with the name of the field that contains its place.
    pub(crate) fn within(mut self, field: &str) -> ShapeError {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{field}{dot}{}", self.path);
        self
    }
}

impl Cause {
    /// True if the types differ, and not only this value from others.
    pub(crate) fn is_of_types(&self) -> bool {
        matches!(
            self,
            Cause::Types { .. } | Cause::Missing(_) | Cause::Unknown(_) | Cause::Ambiguous | Cause::Unsupported(_)
        )
    }

    /// True if the bytes are not a value of the writer's type.
    pub(crate) fn is_of_bytes(&self) -> bool {
        matches!(self, Cause::Malformed(_) | Cause::Limit(_))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Malformed(text) | Cause::Limit(text) | Cause::Unsupported(text) => f.write_str(text),
            Cause::Types { sent, expected } => write!(f, "{sent} was sent, {expected} is expected"),
            Cause::Range { expected } => write!(f, "the number does not fit into {expected}"),
            Cause::NoValue { expected } => write!(f, "None was sent, {expected} is expected"),
            Cause::Length => f.write_str("another number of elements is expected"),
            Cause::Missing(field) => write!(f, "the field `{field}` was not sent, and has no default"),
            Cause::Duplicate(field) => write!(f, "the field `{field}` was sent twice"),
            Cause::Ambiguous => f.write_str("it was sent under two names, which are two parts of the receiver's type"),
            Cause::Ended => f.write_str("the recording ended"),
            Cause::Unknown(text) | Cause::Other(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "field `{}`: ", self.path)?;
        }
        self.cause.fmt(f)
    }
}

impl std::error::Error for Cause {}

impl de::Error for Box<Cause> {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Cause::Other(message.to_string().into()).into()
    }

    fn unknown_variant(variant: &str, known: &'static [&'static str]) -> Self {
        Cause::Unknown(value::Error::unknown_variant(variant, known).to_string().into()).into()
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        Cause::Unknown(value::Error::unknown_field(field, known).to_string().into()).into()
    }

    fn missing_field(field: &'static str) -> Self {
        Cause::Missing(field).into()
    }

    fn duplicate_field(field: &'static str) -> Self {
        Cause::Duplicate(field).into()
    }
}
