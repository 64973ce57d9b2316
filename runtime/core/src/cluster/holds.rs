//! The messages of one peer that wait in front of full mailboxes of this node, and which targets the peer is to hold.
//!
//! When many messages of a peer wait for one target, the peer is requested to *hold* the target: it keeps further messages
//! for it on its own side until this node *resumes* the target. Other targets, answers and signals pass meanwhile. So a
//! full mailbox neither loses messages nor delays others, and the connection is always read. Pure.
//!
//! A process whose mailbox is full may wait for a message that is not in it. That message could be among the held ones, so
//! such a target is *searching*: it is not held until it takes messages again. The messages of the peer that wait for it
//! are bounded in bytes only.

use crate::base::SortedMap;
use crate::wire::FrameTarget;

/// The messages of one target at which it is held. It is resumed at half of them.
const MESSAGES: usize = 64;
/// The bytes of messages of one target at which it is held. It is resumed at half of them.
const BYTES: usize = 1024 * 1024;
/// The most waiting bytes of one peer. A peer that obeys a hold stays far below.
const MAX_BYTES: usize = 256 * 1024 * 1024;
/// The bytes that a message counts for beside its own.
const OVERHEAD: usize = 256;

#[derive(Debug)]
pub(super) struct Holds {
    targets: SortedMap<FrameTarget, Waiting>,
    bytes: usize,
    /// The messages at which a target is held.
    limit: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    messages: usize,
    bytes: usize,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    Held,
    Searching,
}

impl Default for Holds {
    fn default() -> Holds {
        Holds::with_limit(MESSAGES)
    }
}

impl Holds {
    /// Returns counts of no messages, which hold a target at `limit` messages.
    pub(super) fn with_limit(limit: usize) -> Holds {
        Holds { targets: SortedMap::new(), bytes: 0, limit }
    }

    /// Returns whether one more message may wait. Otherwise a message for a full mailbox is refused.
    pub(super) fn has_room(&self) -> bool {
        self.bytes < MAX_BYTES
    }

    /// Adds a waiting message of so many bytes. Returns `true` if the target is to be held from now on.
    pub(super) fn add(&mut self, target: &FrameTarget, bytes: usize) -> bool {
        self.bytes += bytes + OVERHEAD;
        let waiting = self.targets.get_or_insert_with(target.clone(), Waiting::default);
        waiting.messages += 1;
        waiting.bytes += bytes;
        let is_reached = waiting.messages >= self.limit || waiting.bytes >= BYTES;
        let begins = is_reached && waiting.state == State::Open;
        if begins {
            waiting.state = State::Held;
        }
        begins
    }

    /// The process waits for another message than those in its mailbox. Returns `true` if the target is to be resumed.
    pub(super) fn search(&mut self, target: &FrameTarget) -> bool {
        let Some(waiting) = self.targets.get_mut(target) else { return false };
        std::mem::replace(&mut waiting.state, State::Searching) == State::Held
    }

    /// Returns the targets that are held.
    pub(super) fn held(&self) -> impl Iterator<Item = &FrameTarget> {
        self.targets.iter().filter(|(_, waiting)| waiting.state == State::Held).map(|(target, _)| target)
    }

    /// Returns `true` if no message waits.
    pub(super) fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// Returns the number of waiting messages.
    #[cfg(test)]
    pub(super) fn messages(&self) -> usize {
        self.targets.values().map(|waiting| waiting.messages).sum()
    }

    /// Removes a message that does not wait any more. Returns `true` if the target is to be resumed.
    pub(super) fn remove(&mut self, target: &FrameTarget, bytes: usize) -> bool {
        let Some(waiting) = self.targets.get_mut(target) else { return false };
        self.bytes -= bytes + OVERHEAD;
        waiting.messages -= 1;
        waiting.bytes -= bytes;
        let is_low = waiting.messages <= self.limit / 2 && waiting.bytes <= BYTES / 2;
        let is_resumed = is_low && std::mem::take(&mut waiting.state) == State::Held;
        if waiting.messages == 0 {
            self.targets.remove(target);
        }
        is_resumed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_held_once_and_resumed_at_half() {
        let mut holds = Holds::default();
        let (full, other) = (FrameTarget::Process(1), FrameTarget::Name("orders".into()));
        for round in 0..3 {
            let held: Vec<usize> = (1..=100).filter(|_| holds.add(&full, 10)).collect();
            assert_eq!(held.len(), 1, "round {round}");
            assert!(!holds.add(&other, 10));
            let resumed: Vec<usize> = (0..100).rev().filter(|_| holds.remove(&full, 10)).collect();
            assert_eq!(resumed, [32]);
            assert!(!holds.remove(&other, 10));
            assert!(holds.targets.is_empty() && holds.bytes == 0);
        }
    }

    #[test]
    fn a_target_that_searches_is_not_held_until_it_takes_messages_again() {
        let mut holds = Holds::default();
        let target = FrameTarget::Process(1);
        assert!(!holds.search(&target));
        assert_eq!((0..64).filter(|_| holds.add(&target, 1)).count(), 1);
        assert!(holds.search(&target));
        assert!(!holds.search(&target));
        assert_eq!((0..200).filter(|_| holds.add(&target, 1)).count(), 0);
        assert_eq!((0..240).filter(|_| holds.remove(&target, 1)).count(), 0);
        assert_eq!((0..64).filter(|_| holds.add(&target, 1)).count(), 1);
    }

    #[test]
    fn bytes_count_as_well_as_messages_and_are_bounded_for_all_targets() {
        let mut holds = Holds::default();
        let target = FrameTarget::Process(1);
        assert!(!holds.add(&target, BYTES - 1));
        assert!(holds.add(&target, 1));
        assert!(!holds.remove(&target, 1));
        assert!(holds.remove(&target, BYTES - 1));
        for number in 0..256 {
            assert!(holds.has_room());
            holds.add(&FrameTarget::Process(number), BYTES);
        }
        assert!(!holds.has_room());
        holds.remove(&FrameTarget::Process(0), BYTES);
        assert!(holds.has_room());
    }
}
