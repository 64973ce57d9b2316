//! The errors of serde while a struct is read.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::SettingsError;
use super::suggest::unknown_key;

/// An error of serde on its way to the reader that adds its key and origin.
#[derive(Debug)]
pub(super) enum ReadError {
    /// An error in the entry that is being read.
    AtEntry(String),
    /// The table that is being read lacks this key.
    MissingKey(&'static str),
    /// An error with its key and origin.
    Located(SettingsError),
}

pub(super) fn at_entry(problem: impl fmt::Display) -> ReadError {
    ReadError::AtEntry(problem.to_string())
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::AtEntry(problem) => f.write_str(problem),
            ReadError::MissingKey(name) => write!(f, "the key `{name}` is missing"),
            ReadError::Located(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for ReadError {}

// The texts leave out the values, which may be secrets.
impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> ReadError {
        at_entry(message)
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> ReadError {
        at_entry(format!("expected {expected}, found {}", kind(&found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> ReadError {
        at_entry(format!("expected {expected}, found {} that is not a valid value", kind(&found)))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> ReadError {
        at_entry(format!("expected one of `{}`", expected.join("`, `")))
    }

    fn unknown_field(name: &str, expected: &'static [&'static str]) -> ReadError {
        at_entry(unknown_key(name, expected))
    }

    fn missing_field(name: &'static str) -> ReadError {
        ReadError::MissingKey(name)
    }

    fn duplicate_field(name: &'static str) -> ReadError {
        at_entry(format!("the key `{name}` is set twice"))
    }
}

fn kind(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "an integer",
        Unexpected::Float(_) => "a float",
        Unexpected::Char(_) | Unexpected::Str(_) => "a string",
        Unexpected::Seq => "a list",
        Unexpected::Map => "a table",
        _ => "another type",
    }
}
