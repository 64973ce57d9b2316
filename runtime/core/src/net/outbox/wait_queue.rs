//! The messages that wait in front of an outbox: for room, for memory, or because the peer holds their target.
//!
//! A message is *waiting* from [`push`](WaitQueue::push) until it is admitted, withdrawn or lost. Its sender polls for
//! the outcome. A large message can wait for memory while small ones of other lanes are admitted. Pure: the outbox owns
//! the lock.
//!
//! Invariants:
//! - Messages of one lane to one target are admitted in the order of their pushes.
//! - Messages to a held target are not admitted. Those of other targets pass them.
//! - A message has one outcome.

use std::collections::VecDeque;
use std::task::{Poll, Waker};

use crate::base::SortedMap;
use crate::mailbox::WaiterId;
use crate::session::Encoded;
use crate::wire::FrameTarget;

/// The most targets that a peer may hold at a time. A further one is not held.
const MAX_HELD: usize = 65_536;

#[derive(Debug, Default)]
pub(super) struct WaitQueue {
    waiters: SortedMap<WaiterId, Waiter>,
    /// Those that wait for room.
    room: Line,
    /// Those that wait for memory: large ones, and those behind them in their lanes.
    memory: Line,
    /// The numbers of messages of each lane in `memory`.
    lanes: SortedMap<u64, usize>,
    /// Those that wait for their target, for each held one.
    held: SortedMap<FrameTarget, Line>,
    /// Messages whose connection has ended, until their senders have received the outcome.
    lost: SortedMap<WaiterId, ()>,
    last_id: Option<WaiterId>,
}

#[derive(Debug)]
struct Waiter {
    lane: u64,
    target: FrameTarget,
    frame: Encoded,
    waker: Option<Waker>,
    waits_for_memory: bool,
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
    /// Returns `true` if a message has to wait behind others.
    pub(super) fn blocks(&self, lane: u64, target: &FrameTarget) -> bool {
        !self.room.ids.is_empty()
            || !self.held.is_empty() && self.held.contains_key(target)
            || self.lanes.contains_key(&lane)
    }

    /// Returns `true` if messages wait for memory.
    pub(super) fn needs_memory(&self) -> bool {
        !self.lanes.is_empty()
    }

    /// Returns `true` if no message waits, and no target is held.
    pub(super) fn is_unused(&self) -> bool {
        self.waiters.is_empty() && self.held.is_empty()
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

    /// Adds a message at the end, which may have to wait for memory.
    pub(super) fn push(&mut self, lane: u64, target: FrameTarget, frame: Encoded, lacks_memory: bool) -> WaiterId {
        let id = WaiterId::after(self.last_id);
        self.last_id = Some(id);
        let mut waits_for_memory = false;
        if let Some(held) = self.held.get_mut(&target) {
            held.ids.push_back(id);
        } else if self.room.ids.is_empty() && (lacks_memory || self.lanes.contains_key(&lane)) {
            waits_for_memory = true;
            *self.lanes.get_or_insert_with(lane, || 0) += 1;
            self.memory.ids.push_back(id);
        } else {
            self.room.ids.push_back(id);
        }
        self.waiters.insert(id, Waiter { lane, target, frame, waker: None, waits_for_memory });
        id
    }

    /// Holds a target: its messages wait until it is resumed.
    pub(super) fn hold(&mut self, target: &FrameTarget) {
        if self.held.len() >= MAX_HELD || self.held.contains_key(target) {
            return;
        }
        let mut held = Line::default();
        // Of one lane, those that wait for memory are the older ones.
        for line in [&mut self.memory, &mut self.room] {
            line.ids.retain(|id| {
                let Some(waiter) = self.waiters.get_mut(id).filter(|waiter| waiter.target == *target) else {
                    return true;
                };
                if std::mem::take(&mut waiter.waits_for_memory) {
                    forget_lane(&mut self.lanes, waiter.lane);
                }
                held.ids.push_back(*id);
                false
            });
        }
        self.held.insert(target.clone(), held);
    }

    /// Resumes a target: its messages wait for room, behind those that do already.
    pub(super) fn resume(&mut self, target: &FrameTarget) {
        if let Some(line) = self.held.remove(target) {
            self.room.ids.extend(line.ids.into_iter().filter(|id| self.waiters.contains_key(id)));
        }
    }

    /// Resumes all targets.
    pub(super) fn resume_all(&mut self) {
        let held: Vec<_> = self.held.keys().cloned().collect();
        held.iter().for_each(|target| self.resume(target));
    }

    /// Iterates over the messages that wait.
    pub(super) fn frames(&self) -> impl Iterator<Item = &Encoded> {
        self.waiters.values().map(|waiter| &waiter.frame)
    }

    /// Takes the next message. Without memory for a large one, those go on waiting.
    pub(super) fn admit(&mut self, has_memory: bool, is_large: impl Fn(&Encoded) -> bool) -> Option<Admitted> {
        while has_memory && let Some(id) = self.memory.ids.pop_front() {
            match self.waiters.remove(&id) {
                Some(waiter) => {
                    forget_lane(&mut self.lanes, waiter.lane);
                    return Some(waiter.into());
                }
                None => self.memory.withdrawn -= 1,
            }
        }
        while let Some(id) = self.room.ids.pop_front() {
            let Some(waiter) = self.waiters.get_mut(&id) else {
                self.room.withdrawn -= 1;
                continue;
            };
            if !has_memory && is_large(&waiter.frame) || self.lanes.contains_key(&waiter.lane) {
                waiter.waits_for_memory = true;
                *self.lanes.get_or_insert_with(waiter.lane, || 0) += 1;
                self.memory.ids.push_back(id);
            } else {
                return self.waiters.remove(&id).map(Admitted::from);
            }
        }
        None
    }

    /// Takes a message back. Returns `false` if it was admitted or lost.
    pub(super) fn withdraw(&mut self, id: WaiterId) -> bool {
        self.lost.remove(&id);
        let Some(Waiter { target, lane, waits_for_memory, .. }) = self.waiters.remove(&id) else { return false };
        let line = if waits_for_memory {
            forget_lane(&mut self.lanes, lane);
            &mut self.memory
        } else {
            self.held.get_mut(&target).unwrap_or(&mut self.room)
        };
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
        if self.lost.remove(&id).is_some() {
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
        (self.room, self.memory) = Default::default();
        self.lanes.clear();
        self.held.clear();
        let mut wakers = Vec::new();
        for (id, waiter) in std::mem::take(&mut self.waiters) {
            self.lost.insert(id, ());
            wakers.extend(waiter.waker);
        }
        wakers
    }
}

/// One message of this lane less waits for memory.
fn forget_lane(lanes: &mut SortedMap<u64, usize>, lane: u64) {
    if let Some(count) = lanes.get_mut(&lane) {
        *count -= 1;
        if *count == 0 {
            lanes.remove(&lane);
        }
    }
}

impl From<Waiter> for Admitted {
    fn from(Waiter { lane, frame, waker, .. }: Waiter) -> Admitted {
        Admitted { lane, frame, waker }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::sched::Rng;

    #[test]
    fn a_peer_holds_a_bounded_number_of_targets() {
        let mut queue = WaitQueue::default();
        for number in 0..2 * MAX_HELD as u64 {
            queue.hold(&FrameTarget::Process(number));
            queue.hold(&FrameTarget::Name(format!("order {number}").into()));
        }
        assert_eq!(queue.held.len(), MAX_HELD);
        assert!(queue.blocks(1, &FrameTarget::Process(0)));
        assert!(!queue.blocks(1, &FrameTarget::Process(2 * MAX_HELD as u64 - 1)));
    }

    /// In any order of events, each message has one outcome, and those of a lane to a target are admitted in their order.
    #[test]
    fn each_message_is_admitted_or_withdrawn_in_the_order_of_its_lane() {
        let rng = Rng::seeded(3);
        let draw = |bound: u64| rng.next() % bound;
        let mut passed = 0;
        for _ in 0..300 {
            let (mut queue, mut waiting, mut next) = (WaitQueue::default(), BTreeMap::new(), BTreeMap::new());
            let (mut admitted, mut held) = (BTreeMap::<(u64, u64), u64>::new(), BTreeSet::new());
            let target = |number: u64| FrameTarget::Process(number);
            for step in 0..400 {
                let ends = step >= 300;
                match if ends { 9 } else { draw(10) } {
                    0..=3 => {
                        let (lane, to) = (draw(3), draw(3));
                        let number = next.entry((lane, to)).or_insert(0_u64);
                        *number += 1;
                        let size = if draw(2) == 0 { 100 } else { 10 };
                        let frame = [&[lane as u8, to as u8][..], &number.to_le_bytes(), &vec![0; size]].concat();
                        let id = queue.push(lane, target(to), Bytes::from(frame).into(), size > 50 && draw(2) == 0);
                        waiting.insert(id, (lane, to, *number));
                    }
                    4 => {
                        let to = draw(3);
                        queue.hold(&target(to));
                        held.insert(to);
                    }
                    5 => {
                        let to = draw(3);
                        queue.resume(&target(to));
                        held.remove(&to);
                    }
                    6 => {
                        if let Some(id) = waiting.keys().nth(draw(10) as usize).copied() {
                            assert!(queue.withdraw(id));
                            assert!(!queue.withdraw(id));
                            waiting.remove(&id);
                        }
                    }
                    _ => {
                        if ends {
                            (0..3).for_each(|to| queue.resume(&target(to)));
                            held.clear();
                        }
                        let has_memory = ends || draw(3) == 0;
                        let needed = queue.needs_memory();
                        let Some(frame) = queue.admit(has_memory, |frame| frame.len() > 50) else { continue };
                        let mut bytes = Vec::new();
                        frame.frame.copy(0, 10, &mut bytes);
                        assert!(has_memory || frame.frame.len() <= 50, "a large message without memory");
                        passed += u64::from(needed && !has_memory);
                        let place = (u64::from(bytes[0]), u64::from(bytes[1]));
                        let number = u64::from_le_bytes(bytes[2..10].try_into().unwrap());
                        assert_eq!(place.0, frame.lane);
                        assert!(!held.contains(&place.1), "its target is held");
                        let last = admitted.insert(place, number).unwrap_or(0);
                        assert!(last < number, "{place:?}: {number} after {last}");
                        let before = waiting.len();
                        waiting.retain(|_, message| *message != (place.0, place.1, number));
                        assert_eq!(waiting.len() + 1, before, "it was admitted twice, or withdrawn");
                    }
                }
                assert_eq!(queue.counts().0, waiting.len());
            }
            assert!(waiting.is_empty() && !queue.needs_memory(), "{waiting:?}");
            assert!((0..3).all(|lane| !queue.blocks(lane, &target(0))));
            assert!(queue.room.withdrawn == 0 && queue.memory.withdrawn == 0);
        }
        assert!(passed > 100, "small messages pass: {passed}");
    }
}
