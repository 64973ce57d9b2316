//! The received pieces of large frames.
//!
//! Invariants:
//! - A buffer grows as bytes arrive. No announced length is allocated in advance.
//! - At most one frame of each lane is incomplete.
//! - The number of incomplete frames, the size of each and the bytes of all stay within the limits in this node's
//!   hello.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::SessionError;
use super::handshake::hello::ReceiveLimits;

pub(super) struct Reassembly {
    begun: BTreeMap<u64, Vec<u8>>,
    bytes: usize,
    bounds: ReceiveLimits,
}

impl Reassembly {
    pub(super) fn new(bounds: ReceiveLimits) -> Reassembly {
        Reassembly { begun: BTreeMap::new(), bytes: 0, bounds }
    }

    /// Takes one piece of a lane's frame; gives the frame with its last one.
    pub(super) fn accept(
        &mut self,
        lane: u64,
        first: bool,
        last: bool,
        piece: Bytes,
    ) -> Result<Option<Bytes>, SessionError> {
        let limit = self.bounds.frame;
        if first && self.begun.contains_key(&lane) {
            return Err(SessionError::Record("a second frame is begun in one lane"));
        }
        if first && last {
            let fits = piece.len() <= limit;
            return if fits { Ok(Some(piece)) } else { Err(SessionError::FrameTooLarge { limit }) };
        }
        if first {
            if self.begun.len() >= self.bounds.lanes {
                return Err(SessionError::TooManyLanes { limit: self.bounds.lanes });
            }
            self.begun.insert(lane, Vec::new());
        }
        let Some(frame) = self.begun.get_mut(&lane) else {
            return Err(SessionError::Record("a later piece of a frame without its first piece"));
        };
        if frame.len() + piece.len() > limit {
            return Err(SessionError::FrameTooLarge { limit });
        }
        if self.bytes + piece.len() > self.bounds.reassembly {
            return Err(SessionError::TooManyBytes { limit: self.bounds.reassembly });
        }
        frame.extend_from_slice(&piece);
        self.bytes += piece.len();
        if !last {
            return Ok(None);
        }
        let frame = self.begun.remove(&lane).unwrap_or_default();
        self.bytes -= frame.len();
        Ok(Some(frame.into()))
    }
}
