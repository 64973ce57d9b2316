//! A model of two nodes with small bounds: messages to full mailboxes, in any order of events.
//!
//! The outbox, its wait queue and the counts of held targets are the real ones. The link, the mailboxes and the processes
//! are models.

use std::collections::{BTreeMap, VecDeque};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use super::holds::Holds;
use crate::mailbox::WaiterId;
use crate::net::Outbox;
use crate::session::Limits;
use crate::wire::hostile::{Coverage, Input};
use crate::wire::{Frame, FrameTarget, ReceivedNames};

const SENDERS: u64 = 3;
const TARGETS: u64 = 3;
/// The messages that a mailbox holds.
const CAPACITY: usize = 1;
/// The messages in front of a mailbox at which its target is held.
const HELD_AT: usize = 2;

/// A message: its sender, and its number among those of the sender to the target.
type Message = (u64, u64);

struct Model {
    outbox: Outbox,
    names: ReceivedNames,
    /// Frames on their way to the receiver, and back.
    there: VecDeque<Frame>,
    back: VecDeque<Frame>,
    /// The next number of each pair of sender and target.
    next: BTreeMap<(u64, u64), u64>,
    /// The casts that wait, with sender and target.
    casts: Vec<(WaiterId, u64, u64)>,
    holds: Holds,
    targets: BTreeMap<u64, Target>,
    most_waiting: usize,
}

#[derive(Default)]
struct Target {
    mailbox: VecDeque<Message>,
    waiting: VecDeque<Message>,
    handled: Vec<Message>,
}

impl Model {
    fn new() -> Model {
        // Room for a few messages, so that the outbox is full often.
        let limits = Limits { high_water: 40, ..Limits::default() };
        Model {
            outbox: Outbox::opened(&limits),
            names: ReceivedNames::default(),
            there: VecDeque::new(),
            back: VecDeque::new(),
            next: BTreeMap::new(),
            casts: Vec::new(),
            holds: Holds::with_limit(HELD_AT),
            targets: BTreeMap::new(),
            most_waiting: 0,
        }
    }

    /// Sends the sender's next message, unless its last cast still waits.
    fn send(&mut self, from: u64, target: u64) -> bool {
        if self.casts.iter().any(|(_, sender, _)| *sender == from) {
            return false;
        }
        let number = self.next.entry((from, target)).or_default();
        let payload = Bytes::copy_from_slice(&number.to_le_bytes());
        *number += 1;
        let to = FrameTarget::Process(target);
        let frame = Frame::Message { from, to, protocol: 1, variant: 0, replies: Vec::new(), payload };
        let waiting = self.outbox.push_message(from, &frame, "shop::Orders").unwrap();
        self.casts.extend(waiting.map(|id| (id, from, target)));
        true
    }

    /// Takes back the message of a cast that waits: it was the last one of its sender, which sends it again later.
    fn withdraw(&mut self, index: usize) -> bool {
        if self.casts.is_empty() {
            return false;
        }
        let (id, from, target) = self.casts.remove(index % self.casts.len());
        let was_waiting = self.outbox.withdraw(id);
        if was_waiting {
            *self.next.get_mut(&(from, target)).unwrap() -= 1;
        }
        was_waiting
    }

    fn poll_casts(&mut self) {
        let outbox = &self.outbox;
        let mut cx = Context::from_waker(Waker::noop());
        self.casts.retain(|(id, ..)| match outbox.poll_admitted(*id, &mut cx) {
            Poll::Pending => true,
            Poll::Ready(outcome) => {
                assert_eq!(outcome, Ok(()));
                false
            }
        });
    }

    fn transmit(&mut self) -> bool {
        let before = self.there.len();
        self.there.extend(self.outbox.take_frames(&mut self.names));
        self.poll_casts();
        self.there.len() > before
    }

    fn deliver(&mut self) -> bool {
        let Some(Frame::Message { from, to, payload, .. }) = self.there.pop_front() else { return false };
        let FrameTarget::Process(number) = to else { panic!("no names here") };
        let message = (from, u64::from_le_bytes(payload[..].try_into().unwrap()));
        let target = self.targets.entry(number).or_default();
        if target.mailbox.len() < CAPACITY && target.waiting.is_empty() {
            target.mailbox.push_back(message);
        } else {
            target.waiting.push_back(message);
            self.most_waiting = self.most_waiting.max(target.waiting.len());
            if self.holds.add(&to, payload.len()) {
                self.back.push_back(Frame::Hold { to });
            }
        }
        true
    }

    fn obey(&mut self) -> bool {
        match self.back.pop_front() {
            Some(Frame::Hold { to }) => self.outbox.hold(&to),
            Some(Frame::Resume { to }) => self.outbox.resume(&to),
            Some(frame) => panic!("{frame:?}"),
            None => return false,
        }
        self.poll_casts();
        true
    }

    fn handle(&mut self, number: u64) -> bool {
        let target = self.targets.entry(number).or_default();
        let Some(message) = target.mailbox.pop_front() else { return false };
        target.handled.push(message);
        if let Some(admitted) = target.waiting.pop_front() {
            target.mailbox.push_back(admitted);
            let to = FrameTarget::Process(number);
            if self.holds.remove(&to, 8) {
                self.back.push_back(Frame::Resume { to });
            }
        }
        true
    }

    /// The process waits for a message that is not in its full mailbox.
    fn search(&mut self, number: u64) {
        let to = FrameTarget::Process(number);
        if self.holds.search(&to) {
            self.back.push_back(Frame::Resume { to });
        }
    }

    /// Lets all that is possible happen, but no new message.
    fn settle(&mut self) {
        loop {
            let mut progress = self.transmit() | self.deliver() | self.obey();
            for target in 0..TARGETS {
                progress |= self.handle(target);
            }
            if !progress {
                return;
            }
        }
    }
}

#[test]
fn no_message_is_lost_or_stuck_in_any_order_of_sends_holds_and_resumes() {
    let coverage = Coverage::new("events between two nodes with full mailboxes");
    bolero::check!().with_iterations(20_000).with_max_len(400).for_each(|bytes: &[u8]| {
        let mut input = Input::new(bytes);
        let mut model = Model::new();
        while !input.is_empty() {
            let target = input.below(TARGETS as usize) as u64;
            match input.below(12) {
                0..=4 => drop(model.send(input.below(SENDERS as usize) as u64, target)),
                5 | 6 => drop(model.transmit()),
                7 | 8 => drop(model.deliver()),
                9 => drop(model.obey()),
                10 => drop(model.handle(target)),
                _ if input.below(3) == 0 => model.search(target),
                _ if model.withdraw(input.below(SENDERS as usize)) => coverage.count("withdrawn"),
                _ => {}
            }
            match model.back.back() {
                Some(Frame::Hold { .. }) => coverage.count("held"),
                Some(_) => coverage.count("resumed"),
                None => {}
            }
            if !model.casts.is_empty() {
                coverage.count("a cast waits");
            }
        }
        model.settle();
        assert!(model.casts.is_empty(), "casts wait for ever: {:?}", model.casts);
        assert_eq!(model.holds.messages(), 0);
        assert!(!model.outbox.has_waiters() && model.outbox.waiting().frames == 0);
        for ((sender, target), count) in model.next {
            let handled = model.targets.entry(target).or_default().handled.iter();
            let numbers = handled.filter(|(from, _)| *from == sender).map(|(_, number)| *number);
            assert!(numbers.eq(0..count), "from {sender} to {target}: not 0..{count} in order");
        }
    });
    coverage.finish(&["withdrawn", "held", "resumed", "a cast waits"], &[]);
}
