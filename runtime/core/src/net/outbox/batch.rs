//! Frames on their way to the driver.

use std::mem;

use bytes::Bytes;

use super::PushError;
use crate::base::Payload;
use crate::session::{Backlog, Encoded};
use crate::wire::{Frame, NameDefinition, Numbers};

/// Frames in the order of their pushes, and the definitions of names that precede them.
#[derive(Debug, Default)]
pub(in crate::net) struct Batch {
    pub(super) definitions: Vec<NameDefinition>,
    pub(super) small: Vec<u8>,
    pub(super) entries: Vec<Entry>,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) lane: u64,
    pub(super) body: Body,
}

#[derive(Debug)]
pub(super) enum Body {
    /// A frame of so many bytes, behind those of the entries before.
    Small(usize),
    Large(Encoded),
}

impl Batch {
    /// Appends a frame, and `payload` behind it.
    pub(super) fn push_small(
        &mut self,
        lane: u64,
        frame: &Frame,
        payload: &Payload,
        numbers: Numbers,
        limit: usize,
    ) -> Result<usize, PushError> {
        let start = self.small.len();
        frame.encode_head(numbers, &mut self.small).map_err(PushError::Encode)?;
        payload.parts().into_iter().for_each(|part| self.small.extend_from_slice(part));
        let size = self.small.len() - start;
        // The hint does not count the text of an exit reason, which may be long.
        if size > limit {
            self.small.truncate(start);
            return Err(PushError::TooLarge { limit });
        }
        self.entries.push(Entry { lane, body: Body::Small(size) });
        Ok(size)
    }

    pub(super) fn push_large(&mut self, lane: u64, frame: Encoded, limit: usize) -> Result<usize, PushError> {
        let size = frame.len();
        if size > limit {
            return Err(PushError::TooLarge { limit });
        }
        self.entries.push(Entry { lane, body: Body::Large(frame) });
        Ok(size)
    }

    /// Returns the number of frames.
    pub(in crate::net) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns the amount of all frames.
    pub(super) fn backlog(&self) -> Backlog {
        let mut backlog = Backlog::default();
        for entry in &self.entries {
            backlog.grow(match &entry.body {
                Body::Small(size) => *size,
                Body::Large(frame) => frame.len(),
            });
        }
        backlog
    }

    /// Calls `each` with each frame and its lane, in order.
    pub(super) fn for_each(&self, mut each: impl FnMut(u64, &Encoded)) {
        let mut at = 0;
        for entry in &self.entries {
            match &entry.body {
                Body::Large(frame) => each(entry.lane, frame),
                Body::Small(size) => {
                    each(entry.lane, &Bytes::copy_from_slice(&self.small[at..at + size]).into());
                    at += size;
                }
            }
        }
    }

    /// Takes the definitions to send before the frames.
    pub(in crate::net) fn take_definitions(&mut self) -> Vec<NameDefinition> {
        mem::take(&mut self.definitions)
    }

    /// Each frame with its lane, in order.
    pub(in crate::net) fn into_frames(self) -> impl Iterator<Item = (u64, Encoded)> {
        let mut small = Bytes::from(self.small);
        self.entries.into_iter().map(move |entry| match entry.body {
            Body::Small(size) => (entry.lane, small.split_to(size).into()),
            Body::Large(frame) => (entry.lane, frame),
        })
    }
}
