//! The batch: messages that the owner has taken over, and the memory that it keeps for the next ones.

use std::collections::VecDeque;

use super::Entry;

/// The largest capacity, in messages, that an empty batch always keeps.
const KEPT_CAPACITY: usize = 1024;

/// The size in bytes that a waiting owner does not keep. Freeing so much memory can take as long as a thousand
/// messages; it happens before the wait, so that the next messages need not wait for it.
const OVERSIZED_BYTES: usize = 256 * 1024;

/// The largest capacity, in messages, that is used as a ring and not from its start each time.
const RING_CAPACITY: usize = 16;

/// Messages that the owner has taken over: those of `#[priority]` variants, and the others.
pub(super) struct Batch<M> {
    pub(super) priority: VecDeque<Entry<M>>,
    pub(super) entries: VecDeque<Entry<M>>,
    /// The number of `entries` when they were taken over.
    pub(super) taken: usize,
    /// The number of messages that the queue dropped since its owner started, all older than `entries`.
    pub(super) dropped: u64,
}

impl<M> Batch<M> {
    pub(super) fn new() -> Batch<M> {
        Batch { priority: VecDeque::new(), entries: VecDeque::new(), taken: 0, dropped: 0 }
    }

    /// Prepares the empty batch for the next messages: frees the memory of a flood that is over, and fills kept memory
    /// from its start.
    #[inline(always)]
    pub(super) fn reset(&mut self) {
        if self.entries.capacity() > RING_CAPACITY {
            self.reset_large();
        }
    }

    /// Frees oversized memory, before the owner waits.
    #[inline(always)]
    pub(super) fn free_oversized(&mut self) {
        if is_oversized(&self.entries) {
            self.entries = VecDeque::new();
        }
    }

    #[inline(never)]
    fn reset_large(&mut self) {
        // `clear` on the empty queue moves its head to the start: the next batch uses the same cache lines again.
        self.entries.clear();
        if self.entries.capacity() > KEPT_CAPACITY && self.taken < self.entries.capacity() / 4 {
            self.entries = VecDeque::new();
        }
    }
}

/// Returns whether this is more memory than a waiting owner keeps.
#[inline(always)]
pub(super) fn is_oversized<M>(entries: &VecDeque<Entry<M>>) -> bool {
    entries.capacity() > OVERSIZED_BYTES / size_of::<Entry<M>>()
}
