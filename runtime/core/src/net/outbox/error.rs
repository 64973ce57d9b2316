//! The errors of frames for an outbox.

use std::fmt;
use std::sync::Arc;

use crate::wire::WireError;

/// Why a frame was not pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PushError {
    /// More waits than the budget for an answer, or twice the budget for a signal.
    Full,
    /// The frame is larger than the connection takes.
    TooLarge { limit: usize },
    /// The target cannot read messages of this variant, for this reason.
    Refused(Arc<str>),
    /// The frame cannot be encoded.
    Encode(WireError),
    /// The connection is not up yet, is over, or is about to be.
    Closed,
}

impl fmt::Display for PushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PushError::Full => f.write_str("too many bytes wait to be sent on this connection"),
            PushError::TooLarge { limit } => write!(f, "the frame is larger than {limit} bytes"),
            PushError::Refused(reason) => f.write_str(reason),
            PushError::Encode(error) => write!(f, "the frame cannot be encoded: {error}"),
            PushError::Closed => f.write_str("the connection is closed"),
        }
    }
}

impl std::error::Error for PushError {}
