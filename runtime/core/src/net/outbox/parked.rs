//! An outbox between two connections to one peer: its frames wait until they are sent on the old one or on the next one.
//!
//! States: *open* → *parked* (frames wait while the two nodes agree whether to close the idle connection) → *open* again,
//! or *opening* (the connection closes, the frames wait for the next one).
//!
//! The names that were numbered on the old connection have no numbers on the next one. So a frame contains its names in
//! full while the outbox is parked, and the definitions that it needs are sent on the connection that it goes to.

use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::batch::Batch;
use super::{Outbox, PREALLOCATED, Queue, UnlockAndWake};
use crate::base::{Definition, SortedMap};
use crate::session::Limits;
use crate::wire::{Frame, Numbers, SentNames};

/// The addition to an outbox that is parked.
#[derive(Debug, Default)]
pub(super) struct Parked {
    /// The last frame for the old connection, before the answer of the peer.
    last: Option<Batch>,
    /// The definitions that the waiting frames use, by their fingerprints.
    definitions: SortedMap<u64, Arc<Definition>>,
}

impl Outbox {
    /// Parks the outbox if nothing waits in it. Returns `false` otherwise.
    pub(crate) fn park(&self) -> bool {
        let mut queue = self.lock();
        let is_idle = queue.frame.is_some()
            && !queue.is_opening
            && !queue.closed
            && queue.parked.is_none()
            && queue.waiting.frames == 0
            && queue.messages.is_unused();
        if is_idle {
            queue.parked = Some(Box::default());
        }
        is_idle
    }

    pub(crate) fn is_parked(&self) -> bool {
        self.lock().parked.is_some()
    }

    /// Sends a frame in front of those that wait since the outbox is parked.
    pub(crate) fn send_last(&self, frame: &Frame) {
        let mut queue = self.lock();
        let Queue { parked, waiting, frame: Some(limit), .. } = &mut *queue else { return };
        let (Some(parked), mut batch) = (parked, Batch::default()) else { return };
        let Ok(size) = batch.push_small(0, frame, &<_>::default(), Numbers::default(), *limit) else { return };
        waiting.grow(size);
        parked.last = Some(batch);
        queue.unlock_and_wake_driver();
    }

    /// Sends the waiting frames on the connection, which stays open.
    pub(crate) fn unpark(&self) {
        let mut queue = self.lock();
        queue.unpark();
        queue.unlock_and_wake_driver();
    }

    /// Separates the parked outbox from its connection: the frames wait for the next one. Returns the outbox that the
    /// driver of the old connection has to take at once. It contains `last`, and is closed.
    pub(crate) fn separate(&self, limits: &Limits, last: Option<&Frame>) -> Arc<Outbox> {
        let rest = Outbox::new(limits);
        rest.open(limits.frame);
        // The outbox is empty and open.
        let _ = last.map(|frame| rest.push(0, frame));
        rest.close();
        let rest = Arc::new(rest);
        let mut queue = self.lock();
        queue.names = SentNames::default();
        queue.unpark();
        // Without the last frame, which the old driver may have taken.
        queue.waiting = queue.batch.backlog();
        queue.is_opening = true;
        queue.commands.clear();
        queue.driver = None;
        rest
    }

    /// Resolves when a frame waits for the next connection, or the outbox is closed.
    pub(crate) fn poll_frames(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut queue = self.lock();
        if queue.closed || queue.waiting.frames > 0 || !queue.messages.is_unused() {
            return Poll::Ready(());
        }
        queue.driver = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Closes an outbox without a connection if nothing waits in it. Returns `false` otherwise.
    pub(crate) fn close_if_empty(&self) -> bool {
        let mut queue = self.lock();
        let is_empty = queue.is_opening && queue.waiting.frames == 0 && queue.messages.is_unused();
        queue.closed |= is_empty;
        is_empty
    }
}

impl Queue {
    /// Returns the numbers of the names in a frame. It has none while the outbox is parked.
    pub(super) fn numbers(&mut self, frame: &Frame, definition: Option<&Arc<Definition>>) -> Numbers {
        match &mut self.parked {
            None => frame.numbers(&mut self.names, definition),
            Some(parked) => {
                if let Some(definition) = definition {
                    parked.definitions.insert(definition.fingerprint, Arc::clone(definition));
                }
                Numbers::default()
            }
        }
    }

    pub(super) fn unpark(&mut self) {
        let Some(parked) = self.parked.take() else { return };
        for (_, definition) in parked.definitions {
            self.names.protocol(&definition);
        }
    }

    /// Returns the frames that the driver may take, if there are any.
    pub(super) fn next_batch(&mut self) -> Option<Batch> {
        if let Some(parked) = &mut self.parked {
            return parked.last.take();
        }
        if self.batch.entries.is_empty() {
            return None;
        }
        let ahead = self.batch.small.len().min(PREALLOCATED);
        let next = Batch { small: Vec::with_capacity(ahead), ..Batch::default() };
        let mut batch = mem::replace(&mut self.batch, next);
        batch.definitions = self.names.take_definitions();
        Some(batch)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::task::Waker;

    use bytes::Bytes;

    use super::*;
    use crate::sched::Rng;
    use crate::wire::{FrameTarget, ReceivedNames};

    fn message(lane: u64, number: u64, name: u64, size: usize) -> Frame {
        Frame::Message {
            from: lane,
            to: FrameTarget::Name(format!("orders {name}").into()),
            protocol: 100 + name,
            variant: 0,
            replies: Vec::new(),
            context: None,
            payload: Bytes::from([&number.to_le_bytes()[..], &vec![7; size]].concat()),
        }
    }

    /// The frames of an outbox that is parked, unparked and separated at any time arrive once, in the order of their lanes,
    /// and with names that their connection has defined.
    #[test]
    fn each_frame_goes_to_one_connection() {
        let rng = Rng::seeded(11);
        let draw = |bound: u64| rng.next() % bound;
        let (mut unparked, mut separated) = (0, 0);
        for _ in 0..200 {
            let limits = Limits { high_water: 2000, ..Limits::default() };
            let (outbox, mut names) = (Outbox::opened(&limits), ReceivedNames::default());
            let mut sent = BTreeMap::<u64, u64>::new();
            let mut received = BTreeMap::<u64, u64>::new();
            let mut take = |outbox: &Outbox, names: &mut ReceivedNames| {
                for frame in outbox.take_frames(names) {
                    let Frame::Message { from, protocol, payload, .. } = &frame else { panic!("{frame:?}") };
                    assert!(names.defines(*protocol), "protocol {protocol}");
                    let number = u64::from_le_bytes(payload[..8].try_into().unwrap());
                    let last = received.insert(*from, number).unwrap_or(0);
                    assert_eq!(number, last + 1, "lane {from}");
                }
            };
            for _ in 0..200 {
                match draw(8) {
                    0..=3 => {
                        let (lane, name) = (draw(3), draw(20));
                        let number = sent.entry(lane).or_insert(0);
                        *number += 1;
                        let size = if draw(10) == 0 { 20_000 } else { 10 };
                        outbox.push_whole(lane, &message(lane, *number, name, size), &format!("p{name}")).unwrap();
                    }
                    4 => take(&outbox, &mut names),
                    5 => {
                        let is_idle = outbox.waiting().frames == 0 && !outbox.is_parked();
                        assert_eq!(outbox.park(), is_idle);
                        assert!(!outbox.is_parked() || outbox.take_frames(&mut names).is_empty());
                    }
                    6 if outbox.is_parked() => {
                        unparked += 1;
                        outbox.unpark();
                    }
                    7 if outbox.is_parked() => {
                        separated += 1;
                        let rest = outbox.separate(&limits, Some(&Frame::GivenUp { from: 0, id: 1 }));
                        assert_eq!(rest.take_frames(&mut names).len(), 1);
                        // The old driver ends after that.
                        outbox.end();
                        rest.end();
                        names = ReceivedNames::default();
                        let waits = outbox.waiting().frames > 0;
                        assert_eq!(outbox.poll_frames(&mut Context::from_waker(Waker::noop())).is_ready(), waits);
                        outbox.open(limits.frame);
                    }
                    _ => {}
                }
            }
            outbox.unpark();
            while outbox.waiting().frames > 0 || outbox.has_waiters() {
                take(&outbox, &mut names);
            }
            assert_eq!(sent, received);
        }
        assert!(unparked > 100 && separated > 100, "{unparked} {separated}");
    }

    #[test]
    fn an_outbox_that_is_used_is_not_parked() {
        let limits = Limits::default();
        let outbox = Outbox::opened(&limits);
        outbox.push(1, &Frame::GivenUp { from: 0, id: 1 }).unwrap();
        assert!(!outbox.park(), "a frame waits");
        outbox.take_frames(&mut ReceivedNames::default());
        outbox.hold(&FrameTarget::Process(1));
        assert!(!outbox.park(), "a target is held");
        outbox.resume(&FrameTarget::Process(1));
        assert!(outbox.park());
        assert!(!outbox.park(), "it is parked");
        outbox.unpark();
        outbox.close();
        assert!(!outbox.park(), "it is closed");
        assert!(!Outbox::opening(&limits).park());
        assert!(!Outbox::new(&limits).park());
    }

    #[test]
    fn a_separated_outbox_is_closed_only_if_it_is_empty() {
        let limits = Limits::default();
        for is_empty in [true, false] {
            let outbox = Outbox::opened(&limits);
            assert!(outbox.park());
            if !is_empty {
                outbox.push(1, &Frame::GivenUp { from: 0, id: 1 }).unwrap();
            }
            outbox.separate(&limits, None);
            assert_eq!(outbox.close_if_empty(), is_empty);
            assert_eq!(outbox.push(1, &Frame::GivenUp { from: 0, id: 2 }).is_err(), is_empty);
        }
    }
}
