//! Values of any type, which are written and read by the shape of the type.

mod read;
#[cfg(test)]
mod tests;
mod text;
mod write;

use std::fmt;

/// A value of any type, as JSON has it.
///
/// A struct is an object, a tuple a list. A variant without content is a text, and another one an object with one entry:
/// its name and its content. A map is an object if its keys are texts or numbers, and otherwise a list of pairs. Bytes are
/// a list of numbers. `None` is null, and `Some` its content.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `()`, or `None`.
    Null,
    /// A bool.
    Bool(bool),
    /// An integer. One of a `u128` that does not fit is a text.
    Integer(i128),
    /// A number with a fraction.
    Float(f64),
    /// A text, a char, or the name of a variant.
    Text(String),
    /// A sequence, a tuple, an array, or bytes.
    List(Vec<Value>),
    /// A struct, a map, or a variant with content.
    Object(Vec<(String, Value)>),
}

/// The reason why a value is not one of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueError {
    /// Where in the value, the innermost part first.
    path: Vec<String>,
    reason: String,
}

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "a bool",
            Value::Integer(_) => "an integer",
            Value::Float(_) => "a fraction",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Object(_) => "an object",
        }
    }
}

impl ValueError {
    pub(crate) fn new(reason: impl Into<String>) -> ValueError {
        ValueError { path: Vec::new(), reason: reason.into() }
    }

    pub(crate) fn within(mut self, part: impl Into<String>) -> ValueError {
        self.path.push(part.into());
        self
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            let path: Vec<_> = self.path.iter().rev().map(String::as_str).collect();
            write!(f, "`{}`: ", path.join("."))?;
        }
        f.write_str(&self.reason)
    }
}

impl std::error::Error for ValueError {}
