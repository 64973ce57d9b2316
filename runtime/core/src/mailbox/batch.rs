//! What an owner has taken over, and how much memory it keeps for what comes.

use std::collections::VecDeque;

use super::Entry;

/// How many messages' room an empty queue keeps.
const ROOMY: usize = 1024;

/// As many bytes an owner that waits does not keep: to give them back can take as long as a thousand messages, which those
/// that come next should not have to wait for.
const LARGE: usize = 256 * 1024;

/// As many messages' room may be walked through in circles.
const SNUG: usize = 16;

/// What an owner has taken over: urgent messages and others.
pub(super) struct Batch<M> {
    pub(super) urgent: VecDeque<Entry<M>>,
    pub(super) entries: VecDeque<Entry<M>>,
    /// How many others there were at first.
    pub(super) taken: usize,
}

impl<M> Batch<M> {
    pub(super) fn new() -> Batch<M> {
        Batch { urgent: VecDeque::new(), entries: VecDeque::new(), taken: 0 }
    }

    /// Gives the memory of a flood back once floods are over, and begins at the front of what is kept.
    #[inline(always)]
    pub(super) fn recover(&mut self) {
        if self.entries.capacity() > SNUG {
            self.recover_room();
        }
    }

    /// The owner has read all there was, and waits.
    #[inline(always)]
    pub(super) fn rest(&mut self) {
        if is_flooded(&self.entries) {
            self.entries = VecDeque::new();
        }
    }

    #[inline(never)]
    fn recover_room(&mut self) {
        // It is empty; cleared, it fills the same memory again instead of walking through all of it.
        self.entries.clear();
        if self.entries.capacity() > ROOMY && self.taken < self.entries.capacity() / 4 {
            self.entries = VecDeque::new();
        }
    }
}

/// Whether this is more room than an owner that waits keeps.
#[inline(always)]
pub(super) fn is_flooded<M>(entries: &VecDeque<Entry<M>>) -> bool {
    entries.capacity() > LARGE / size_of::<Entry<M>>()
}
