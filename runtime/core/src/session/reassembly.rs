//! The received pieces of large frames.
//!
//! Invariants:
//! - A buffer grows as bytes arrive. No announced length is allocated in advance.
//! - At most one frame of each lane is incomplete.
//! - The number of incomplete frames, the size of each and the bytes of all stay within the limits in this node's
//!   hello.
//! - The bytes of all are in the node's budget.

use std::task::Waker;

use bytes::Bytes;

use super::SessionError;
use super::handshake::hello::ReceiveLimits;
use super::reassembly_budget::Share;
use crate::base::SortedMap;

pub(super) struct Reassembly {
    begun: SortedMap<u64, Vec<u8>>,
    bytes: usize,
    bounds: ReceiveLimits,
    share: Share,
}

impl Reassembly {
    pub(super) fn new(bounds: ReceiveLimits, share: Share) -> Reassembly {
        Reassembly { begun: SortedMap::new(), bytes: 0, bounds, share }
    }

    /// Has `waker` woken if this connection must end since the incomplete frames of all connections are too large.
    ///
    /// # Errors
    /// It must end now.
    pub(super) fn check_budget(&self, waker: &Waker) -> Result<(), SessionError> {
        self.share.check(waker)
    }

    /// Drops all pieces.
    pub(super) fn clear(&mut self) {
        self.begun.clear();
        self.share.shrink(std::mem::take(&mut self.bytes));
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
        self.share.grow(piece.len())?;
        frame.extend_from_slice(&piece);
        self.bytes += piece.len();
        if !last {
            return Ok(None);
        }
        let frame = self.begun.remove(&lane).unwrap_or_default();
        self.bytes -= frame.len();
        self.share.shrink(frame.len());
        Ok(Some(frame.into()))
    }
}
