//! The error of bytes that are not a frame.

use std::fmt;

/// The reason why bytes are not a frame, or why a frame cannot be encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WireError {
    /// The bytes end too early.
    Truncated,
    /// Bytes beyond the end.
    Trailing,
    /// A number with more bits than it may have, or longer than it need be.
    Number,
    /// A text that is empty, too long or not UTF-8.
    Text,
    /// No frame, target or flag has this byte.
    Kind(u8),
    /// More replies in one message than [`Frame::MAX_REPLIES`](super::Frame::MAX_REPLIES).
    Replies,
    /// A trace context that is longer than [`Frame::MAX_CONTEXT`](super::Frame::MAX_CONTEXT).
    Context,
    /// A reason with an unassigned code.
    Reason,
    /// A number that no definition has, or too many definitions.
    Names,
    /// Members of groups that are not in order, too many in one update, or none.
    Groups,
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WireError::Truncated => f.write_str("the bytes end too early"),
            WireError::Trailing => f.write_str("bytes beyond the end of the frame"),
            WireError::Number => f.write_str("a number that is too large or too long"),
            WireError::Text => f.write_str("a name that is empty, too long or not UTF-8"),
            WireError::Kind(byte) => write!(f, "unknown kind {byte:#04x}"),
            WireError::Replies => f.write_str("too many replies in one message"),
            WireError::Context => f.write_str("a trace context that is too long"),
            WireError::Reason => {
                f.write_str("an exit reason or call error with an unassigned code, or with too many pids")
            }
            WireError::Names => f.write_str("a name without a definition, or too many definitions"),
            WireError::Groups => f.write_str("members of groups that are not in order, too many or missing"),
        }
    }
}

impl std::error::Error for WireError {}
