use std::fmt;
use std::sync::Arc;

use super::{Exit, Pid};

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum CallError {
    /// No answer in time. A late one vanishes.
    Timeout,
    /// Whoever held the call ended before it answered, for this reason.
    Exit(Exit),
    /// There is no such process or name, or no longer.
    NoProc,
    /// The target's node is lost or cannot be reached.
    NoConnection,
    /// The target's mailbox is full and refuses.
    Full,
    /// The `Reply` was dropped by a process that lives on.
    Dropped,
    /// A process called itself and would wait for itself.
    Itself,
    /// The target speaks another protocol, or another version of it.
    Incompatible(Arc<str>),
    /// The message or its answer could not be encoded.
    Encode(EncodeError),
    /// The message or its answer could not be decoded.
    Decode(DecodeError),
    /// Processes of one node called each other in a ring, and none could ever answer. Only what is certain counts:
    /// each of them waits for nothing but its call. The call that had waited least is the one that fails so; the
    /// others get their answers then.
    Cycle {
        /// Who waits for whom: the caller, the process that it called, whom that one called, and so on.
        pids: Vec<Pid>,
    },
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::Timeout => f.write_str("no answer in time"),
            CallError::Exit(reason) => write!(f, "the callee ended: {reason}"),
            CallError::NoProc => f.write_str("no such process"),
            CallError::NoConnection => f.write_str("no connection to the callee's node"),
            CallError::Full => f.write_str("the callee's mailbox is full"),
            CallError::Dropped => f.write_str("the callee dropped the reply"),
            CallError::Itself => f.write_str("a process called itself"),
            CallError::Incompatible(what) => write!(f, "incompatible protocol: {what}"),
            CallError::Encode(error) => write!(f, "{error}"),
            CallError::Decode(error) => write!(f, "{error}"),
            CallError::Cycle { pids } => {
                f.write_str("calls in a ring: ")?;
                pids.iter().try_for_each(|pid| write!(f, "{pid} waits for "))?;
                pids.first().map_or(Ok(()), |pid| write!(f, "{pid}"))
            }
        }
    }
}

impl std::error::Error for CallError {}

/// Why a cast did not reach a mailbox. Whoever drops the [`Cast`](crate::Cast) never learns, as with Erlang's `!`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CastError {
    /// There is no such process or name, or no longer.
    NoProc,
    /// The target's node is lost or cannot be reached.
    NoConnection,
    /// The target's mailbox is full and refuses.
    Full,
    /// The name belongs to a process of another protocol.
    Incompatible(Arc<str>),
    /// The message cannot be encoded.
    Encode(EncodeError),
}

impl fmt::Display for CastError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CastError::NoProc => f.write_str("no such process"),
            CastError::NoConnection => f.write_str("no connection to the target's node"),
            CastError::Full => f.write_str("the target's mailbox is full"),
            CastError::Incompatible(what) => write!(f, "incompatible protocol: {what}"),
            CastError::Encode(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for CastError {}

impl From<CastError> for CallError {
    fn from(error: CastError) -> CallError {
        match error {
            CastError::NoProc => CallError::NoProc,
            CastError::NoConnection => CallError::NoConnection,
            CastError::Full => CallError::Full,
            CastError::Incompatible(what) => CallError::Incompatible(what),
            CastError::Encode(error) => CallError::Encode(error),
        }
    }
}

/// Why a value has no bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum EncodeError {
    /// The protocol is `#[protocol(local)]`, or the message is made by the runtime only.
    Local,
    /// More bytes than a frame may have.
    TooLarge {
        /// The bound, in bytes.
        limit: usize,
    },
    /// A field's `Serialize` refused.
    Field(Arc<str>),
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EncodeError::Local => f.write_str("the message is for its own node only"),
            EncodeError::TooLarge { limit } => write!(f, "the message is larger than {limit} bytes"),
            EncodeError::Field(what) => write!(f, "cannot encode the message: {what}"),
        }
    }
}

impl std::error::Error for EncodeError {}

/// Why bytes are no value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum DecodeError {
    /// The protocol is `#[protocol(local)]`: nothing comes from outside.
    Local,
    /// No variant has this index, or it is one that only the runtime makes.
    Variant(u32),
    /// The bytes end too early, are too many, or are none of the type's.
    Malformed(Arc<str>),
    /// Values nested deeper than the bound.
    TooDeep {
        /// The bound, in levels.
        limit: usize,
    },
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::Local => f.write_str("the protocol is for its own node only"),
            DecodeError::Variant(index) => write!(f, "no message has index {index}"),
            DecodeError::Malformed(what) => write!(f, "malformed bytes: {what}"),
            DecodeError::TooDeep { limit } => write!(f, "nested deeper than {limit} levels"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// Why a process did not start.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct StartError {
    /// The supervisor's child that failed, empty for a process that was started by itself.
    pub child: String,
    /// The reason it gave.
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

impl std::error::Error for StartError {}

/// Why a name was not given.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// Another process has the name.
    Taken(String),
    /// The process has a name already.
    Named(String),
    /// The process has ended, or lives on another node.
    NoProc,
    /// No process has the name.
    Unknown(String),
    /// It is no name: one has 1 to 255 bytes, so that it fits on the wire, and does not begin with `/`, as the places
    /// of supervision trees do.
    Invalid,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NameError::Taken(name) => write!(f, "the name `{name}` is taken"),
            NameError::Named(name) => write!(f, "the process is named `{name}` already"),
            NameError::NoProc => f.write_str("no such process on this node"),
            NameError::Unknown(name) => write!(f, "nobody is named `{name}`"),
            NameError::Invalid => f.write_str("a name has 1 to 255 bytes, and does not begin with `/`"),
        }
    }
}

impl std::error::Error for NameError {}
