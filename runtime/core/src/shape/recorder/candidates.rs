//! Invented values, and what follows if a type refuses one.
//!
//! Each slot has the number of its candidate. The innermost place that fails moves on to its next candidate. If there
//! are several choices within that place:
//! 1. Each one takes all its candidates, while the others stay as they are. The last one is first.
//! 2. Then all count up like the digits of a number.
//!
//! A place that refused all of them has no value, and is avoided.

use super::Recorder;
use super::graph::SlotId;

/// Texts in forms that types often demand.
#[rustfmt::skip]
pub(in crate::shape) const TEXTS: &[&str] = &[
    "", "a", "0", "1", "a@b", "http://a.b/", "1970-01-01T00:00:00Z", "1970-01-01", "00:00:00", "1970-01-01T00:00:00",
    "127.0.0.1", "::1", "127.0.0.1:80", "[::1]:80", "00000000-0000-0000-0000-000000000000", "a@b.cd", "1.0.0", "en",
    "en-US", "EUR", "USD", "UTC", "#000000", "10.0.0.0/8", "/", "/a", "{}", "[]", "null", "true", "0.0", "PT0S",
    "P1D", "1s", "A", "aa", "00", "AAAA", "+4912345678", "a.b", "text/plain", "GET",
    "00000000000000000000000000000000", "0000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000", "Mon", "Jan", "monday", "info",
];

/// Each type takes those that fit into it.
#[rustfmt::skip]
pub(in crate::shape) const INTEGERS: &[i128] = &[
    0, 1, 2, 3, 4, 5, 7, 8, 10, 12, 16, 20, 24, 31, 32, 60, 64, 100, 127, 128, 200, 255, 256, 365, 1000, 1024, 1970,
    2000, 2024, 8080, 65535, 1 << 20, 1_700_000_000, 1_700_000_000_000, -1, -2, -100, u32::MAX as i128,
    i64::MAX as i128, u64::MAX as i128, i64::MIN as i128,
];

pub(in crate::shape) const FLOATS: &[f32] = &[0.0, 1.0, 0.5, -1.0, 2.0, 100.0];
pub(in crate::shape) const CHARS: &[char] = &['a', '0', 'A', ' ', '1'];

/// Lengths of byte strings: of addresses, identifiers, hashes, keys and signatures.
pub(in crate::shape) const LENGTHS: &[usize] = &[0, 16, 1, 2, 3, 4, 6, 8, 12, 20, 24, 28, 32, 33, 48, 64, 65, 96, 128];
pub(in crate::shape) const ZEROS: &[u8] = &[0; 128];

/// A place that was given up after so many values has none.
const MAX_REFUSALS: u32 = 4000;

/// A candidate that stands at a slot in the current run.
#[derive(Clone, Copy)]
pub(super) struct Choice {
    pub(super) slot: SlotId,
    /// The number of candidates.
    count: usize,
}

/// A type refused a value.
pub(super) struct Failure {
    /// The innermost place that failed.
    pub(super) slot: SlotId,
    /// The choices within it, in order.
    pub(super) choices: Vec<Choice>,
    /// Set if a part of the value was there to be explored, and not to be accepted.
    pub(super) is_explored: bool,
}

impl Recorder {
    /// Returns the number of the candidate, among so many, that stands at the slot.
    pub(super) fn choose(&mut self, slot: SlotId, count: usize) -> usize {
        self.run.choices.push(Choice { slot, count });
        self.graph.slots[slot].candidate % count
    }

    /// Returns the integer that stands at the slot.
    pub(super) fn choose_integer<T: TryFrom<i128>>(&mut self, slot: SlotId) -> Option<T> {
        let fitting = || INTEGERS.iter().filter_map(|integer| T::try_from(*integer).ok());
        let chosen = self.choose(slot, fitting().count());
        fitting().nth(chosen)
    }

    /// Moves on to the next candidates after a failure.
    pub(super) fn advance(&mut self) {
        let Some(failure) = self.run.failure.take() else { return };
        let slots = &mut self.graph.slots;
        if slots[failure.slot].is_refused || failure.is_explored {
            return;
        }
        self.graph.progress += 1;
        slots[failure.slot].refusals += 1;
        let is_exhausted = slots[failure.slot].refusals > MAX_REFUSALS;
        let mut choices: Vec<Choice> = vec![];
        for choice in failure.choices.iter().rev().filter(|choice| choice.count > 1 && !is_exhausted) {
            if choices.iter().all(|seen| seen.slot != choice.slot) {
                choices.push(*choice);
            }
        }
        let mut turn = slots[failure.slot].refusals as usize;
        for choice in choices.iter().filter(|_| choices.len() > 1) {
            if turn <= choice.count {
                let candidate = &mut slots[choice.slot].candidate;
                *candidate = (*candidate + 1) % choice.count;
                return;
            }
            turn -= choice.count;
        }
        for choice in &choices {
            let candidate = &mut slots[choice.slot].candidate;
            if *candidate + 1 < choice.count {
                *candidate += 1;
                return;
            }
            *candidate = 0;
        }
        let slot = &mut slots[failure.slot];
        // The candidates need not have started at the first one. So they run through twice.
        if slot.has_wrapped || is_exhausted || failure.choices.is_empty() {
            slot.is_refused = true;
        } else {
            slot.has_wrapped = true;
        }
    }
}
