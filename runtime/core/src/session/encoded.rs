//! The bytes of a frame that waits to be sent.

use bytes::Bytes;

use crate::base::Payload;
use crate::wire::{Frame, Numbers, WireError};

/// A frame's bytes, of which pieces can be copied. The payload is shared with the frame.
#[derive(Clone, Debug)]
pub(crate) struct Encoded {
    head: Bytes,
    payload: Bytes,
}

impl Encoded {
    /// The most that one frame counts for in [`weight`](Self::weight).
    const MAX_WEIGHT: usize = 64 * 1024;

    /// Encodes a frame whose payload is not in it, but given beside it.
    pub(crate) fn with_payload(head: &Frame, numbers: Numbers, mut payload: Payload) -> Result<Encoded, WireError> {
        let mut bytes = Vec::new();
        head.encode_head(numbers, &mut bytes)?;
        let payload = match payload.take() {
            (fields, tail) if tail.is_empty() => fields.into(),
            (fields, tail) => {
                bytes.extend_from_slice(&fields);
                tail
            }
        };
        Ok(Encoded { head: bytes.into(), payload })
    }

    /// Returns the number of bytes of the frame.
    pub(crate) fn len(&self) -> usize {
        self.head.len() + self.payload.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns a copy of the bytes.
    pub(crate) fn to_bytes(&self) -> Bytes {
        [&*self.head, &*self.payload].concat().into()
    }

    /// Returns the weight in back-pressure of a frame with `left` bytes to send: that number, up to a maximum. Lanes
    /// take turns, so the rest of a large frame does not delay other lanes.
    pub(crate) fn weight(left: usize) -> usize {
        left.min(Encoded::MAX_WEIGHT)
    }

    /// Appends `count` bytes from `at` on.
    pub(crate) fn copy(&self, at: usize, count: usize, out: &mut Vec<u8>) {
        let split = self.head.len();
        let end = at + count;
        out.extend_from_slice(&self.head[at.min(split)..end.min(split)]);
        out.extend_from_slice(&self.payload[at.max(split) - split..end.max(split) - split]);
    }
}

/// The bytes of a whole frame.
impl From<Bytes> for Encoded {
    fn from(bytes: Bytes) -> Encoded {
        Encoded { head: bytes, payload: Bytes::new() }
    }
}
