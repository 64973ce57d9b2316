//! The errors of casts, encoding, process starts and process names.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::Exit;

/// The reason why a cast did not reach its mailbox.
///
/// Only a sender that awaits its [`Cast`](crate::Cast) gets the error. A cast that is dropped fails silently, like
/// Erlang's `!`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum CastError {
    /// The receiver does not exist, or no longer.
    NoProc,
    /// There is no connection to the receiver's node.
    NoConnection,
    /// The receiver's mailbox is full, and its overflow policy has refused the message.
    Full,
    /// The receiver has another protocol than the stub. The text names both.
    Incompatible(Arc<str>),
    /// The message could not be encoded for another node.
    Encode(EncodeError),
}

impl fmt::Display for CastError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CastError::NoProc => f.write_str("the receiver does not exist"),
            CastError::NoConnection => f.write_str("no connection to the receiver's node"),
            CastError::Full => f.write_str("the receiver's mailbox is full"),
            CastError::Incompatible(details) => write!(f, "the receiver's protocol is incompatible: {details}"),
            CastError::Encode(_) => f.write_str("cannot encode the message"),
        }
    }
}

impl Error for CastError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            CastError::Encode(error) => Some(error),
            _ => None,
        }
    }
}

/// The reason why a value cannot be encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum EncodeError {
    /// The message is `#[private]`, its protocol is `#[protocol(local)]`, or only the runtime makes it.
    Local,
    /// The value has more bytes than a frame may have.
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// A field's `Serialize` implementation failed with this text.
    Field(Arc<str>),
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EncodeError::Local => f.write_str("a message of this variant cannot leave its node"),
            EncodeError::TooLarge { limit } => write!(f, "the value is larger than {limit} bytes: send it in parts"),
            EncodeError::Field(details) => write!(f, "a field cannot be serialized: {details}"),
        }
    }
}

impl Error for EncodeError {}

/// The reason why bytes cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum DecodeError {
    /// The message is `#[private]`, or its protocol is `#[protocol(local)]`: it is not accepted from other nodes.
    Local,
    /// The protocol has no variant with this index, or only the runtime makes messages of that variant.
    Variant(u32),
    /// The bytes end too early, are too many, or are not a valid value of the type.
    Malformed(Arc<str>),
    /// The value is nested deeper than the limit.
    TooDeep {
        /// The limit, in levels.
        limit: usize,
    },
    /// The sequences and maps of the message have more elements than its bytes justify: one for each byte, and 4,096.
    /// Elements without bytes, as in a `Vec<()>`, count too.
    TooMany {
        /// The limit, in elements.
        limit: usize,
    },
    /// The message would occupy more memory than its bytes justify: 64 bytes for each byte, and 16 MiB. Only values
    /// whose type is larger than 64 bytes are counted. A `Box` around the large variant of an enum makes them smaller.
    TooLarge {
        /// The limit, in bytes of memory.
        limit: usize,
    },
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::Local => f.write_str("the message is private to its node, or its protocol is `local`"),
            DecodeError::Variant(index) => {
                write!(f, "the message has the variant number {index}, which this protocol does not have")
            }
            DecodeError::Malformed(details) => write!(f, "the bytes are malformed: {details}"),
            DecodeError::TooDeep { limit } => write!(f, "the value is nested deeper than {limit} levels"),
            DecodeError::TooMany { limit } => {
                write!(f, "the message has more than {limit} elements, which is more than its bytes justify")
            }
            DecodeError::TooLarge { limit } => {
                write!(
                    f,
                    "the message would occupy more than {limit} bytes of memory, which is more than its bytes justify"
                )
            }
        }
    }
}

impl Error for DecodeError {}

/// The reason why a process did not start.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct StartError {
    /// The id of the supervisor's child that failed. Empty for a process that is not a child.
    pub child: String,
    /// The exit reason of the process that failed.
    pub reason: Exit,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.child.is_empty() {
            write!(f, "cannot start: {}", self.reason)
        } else {
            write!(f, "cannot start `{}`: {}", self.child, self.reason)
        }
    }
}

// No source: an exit reason is not an error, so the message has it.
impl Error for StartError {}

/// The reason why a process was not registered or unregistered under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// Another process has this name.
    Taken(String),
    /// The process has this name already. A process has at most one.
    Named(String),
    /// The process has ended, or is on another node.
    NoProc,
    /// No process has this name.
    Unknown(String),
    /// The name is not valid. A name has 1 to 255 bytes, so that it fits into a frame. It does not begin with `/`, as
    /// the paths of supervision trees do.
    Invalid,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NameError::Taken(name) => write!(f, "the name `{name}` is taken"),
            NameError::Named(name) => write!(f, "the process has the name `{name}` already: unregister that first"),
            NameError::NoProc => f.write_str("the process to name does not exist on this node"),
            NameError::Unknown(name) => write!(f, "no process has the name `{name}`"),
            NameError::Invalid => f.write_str("invalid process name: expected 1 to 255 bytes, not beginning with `/`"),
        }
    }
}

impl Error for NameError {}

/// An error with its causes, in one line: `error: cause: cause of the cause`.
pub(crate) struct Causes<'a>(pub(crate) &'a dyn Error);

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}
