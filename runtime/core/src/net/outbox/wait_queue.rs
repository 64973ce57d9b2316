//! The messages that wait in front of an outbox: for room, or because the peer holds their target.
//!
//! A message is *waiting* from [`push`](WaitQueue::push) until it is admitted, withdrawn or lost. Its sender polls for
//! the outcome. Pure: the outbox owns the lock.
//!
//! Invariants:
//! - Messages to one target are admitted in the order of their pushes.
//! - Messages to a held target are not admitted. Those of other targets pass them.
//! - A message has one outcome.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::task::{Poll, Waker};

use crate::mailbox::WaiterId;
use crate::session::Encoded;
use crate::wire::FrameTarget;

/// The most targets that a peer may hold at a time. A further one is not held.
const MAX_HELD: usize = 65_536;

#[derive(Debug, Default)]
pub(super) struct WaitQueue {
    waiters: BTreeMap<WaiterId, Waiter>,
    /// Those that wait for room.
    room: Line,
    /// Those that wait for their target, for each held one.
    held: BTreeMap<FrameTarget, Line>,
    /// Messages whose connection has ended, until their senders have received the outcome.
    lost: BTreeSet<WaiterId>,
    last_id: Option<WaiterId>,
}

#[derive(Debug)]
struct Waiter {
    lane: u64,
    target: FrameTarget,
    frame: Encoded,
    waker: Option<Waker>,
}

/// Waiters in order. Those that were withdrawn stay until they are at an end, or outnumber the others.
#[derive(Debug, Default)]
struct Line {
    ids: VecDeque<WaiterId>,
    withdrawn: usize,
}

/// A message that may be sent now.
pub(super) struct Admitted {
    pub(super) lane: u64,
    pub(super) frame: Encoded,
    /// The sender's, if it has polled.
    pub(super) waker: Option<Waker>,
}

impl WaitQueue {
    /// Returns `true` if a message to this target has to wait behind others.
    pub(super) fn blocks(&self, target: &FrameTarget) -> bool {
        !self.room.ids.is_empty() || !self.held.is_empty() && self.held.contains_key(target)
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.waiters.is_empty()
    }

    /// Returns the numbers of messages that wait, of targets that are held, and of messages that were lost.
    #[cfg(test)]
    pub(super) fn counts(&self) -> (usize, usize, usize) {
        (self.waiters.len(), self.held.len(), self.lost.len())
    }

    /// Adds a message at the end.
    pub(super) fn push(&mut self, lane: u64, target: FrameTarget, frame: Encoded) -> WaiterId {
        let id = WaiterId::after(self.last_id);
        self.last_id = Some(id);
        self.held.get_mut(&target).unwrap_or(&mut self.room).ids.push_back(id);
        self.waiters.insert(id, Waiter { lane, target, frame, waker: None });
        id
    }

    /// Holds a target: its messages wait until it is resumed.
    pub(super) fn hold(&mut self, target: &FrameTarget) {
        if self.held.len() >= MAX_HELD || self.held.contains_key(target) {
            return;
        }
        let mut line = Line::default();
        let waiters = &self.waiters;
        self.room.ids.retain(|id| {
            let is_for_target = waiters.get(id).is_some_and(|waiter| waiter.target == *target);
            if is_for_target {
                line.ids.push_back(*id);
            }
            !is_for_target
        });
        self.held.insert(target.clone(), line);
    }

    /// Resumes a target: its messages wait for room, behind those that do already.
    pub(super) fn resume(&mut self, target: &FrameTarget) {
        if let Some(line) = self.held.remove(target) {
            self.room.ids.extend(line.ids.into_iter().filter(|id| self.waiters.contains_key(id)));
        }
    }

    /// Takes the first message that waits for room.
    pub(super) fn admit(&mut self) -> Option<Admitted> {
        while let Some(id) = self.room.ids.pop_front() {
            match self.waiters.remove(&id) {
                Some(Waiter { lane, frame, waker, .. }) => return Some(Admitted { lane, frame, waker }),
                None => self.room.withdrawn -= 1,
            }
        }
        None
    }

    /// Takes a message back. Returns `false` if it was admitted or lost.
    pub(super) fn withdraw(&mut self, id: WaiterId) -> bool {
        self.lost.remove(&id);
        let Some(Waiter { target, .. }) = self.waiters.remove(&id) else { return false };
        let line = self.held.get_mut(&target).unwrap_or(&mut self.room);
        line.withdrawn += 1;
        while line.ids.back().is_some_and(|id| !self.waiters.contains_key(id)) {
            line.ids.pop_back();
            line.withdrawn -= 1;
        }
        if line.withdrawn > line.ids.len() / 2 {
            line.ids.retain(|id| self.waiters.contains_key(id));
            line.withdrawn = 0;
        }
        true
    }

    /// Returns the outcome: `Ok` once the message was admitted, `Err` once it was lost with the connection.
    pub(super) fn poll(&mut self, id: WaiterId, waker: &Waker) -> Poll<Result<(), ()>> {
        if self.lost.remove(&id) {
            return Poll::Ready(Err(()));
        }
        let Some(waiter) = self.waiters.get_mut(&id) else { return Poll::Ready(Ok(())) };
        match &mut waiter.waker {
            Some(old) => old.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
        Poll::Pending
    }

    /// Loses all messages. Returns the wakers of their senders.
    pub(super) fn close(&mut self) -> Vec<Waker> {
        self.room = Line::default();
        self.held.clear();
        let waiters = std::mem::take(&mut self.waiters);
        self.lost.extend(waiters.keys());
        waiters.into_values().filter_map(|waiter| waiter.waker).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_holds_a_bounded_number_of_targets() {
        let mut queue = WaitQueue::default();
        for number in 0..2 * MAX_HELD as u64 {
            queue.hold(&FrameTarget::Process(number));
            queue.hold(&FrameTarget::Name(format!("order {number}").into()));
        }
        assert_eq!(queue.held.len(), MAX_HELD);
        assert!(queue.blocks(&FrameTarget::Process(0)));
        assert!(!queue.blocks(&FrameTarget::Process(2 * MAX_HELD as u64 - 1)));
    }
}
