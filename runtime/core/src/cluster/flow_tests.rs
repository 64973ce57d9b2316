//! A model of two nodes with small bounds: messages to full mailboxes, calls and their answers, exit signals and losses of
//! the connection, in any order of events.
//!
//! The outboxes of both nodes, their wait queues and the counts of held targets are the real ones. The link, the mailboxes
//! and the processes are models.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use super::holds::Holds;
use crate::base::{CallErrorKind, Exit};
use crate::mailbox::WaiterId;
use crate::net::{Outbox, PushError};
use crate::node::Room;
use crate::session::Limits;
use crate::wire::hostile::{Coverage, Input};
use crate::wire::{Frame, FrameTarget, ReceivedNames, Signal};

const SENDERS: u64 = 3;
const TARGETS: u64 = 3;
/// The messages that a mailbox holds.
const CAPACITY: usize = 1;
/// The messages in front of a mailbox at which its target is held.
const HELD_AT: usize = 2;
/// The messages that wait to be sent, so that an order of events comes to its end.
const MOST_WAITING: usize = 10;
/// The weight from which on the producers of answers wait. Messages wait from four times that on.
const HIGH_WATER: usize = 40;

/// One event. Numbers beyond those that there are select another one.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A sender casts its next message to a target.
    Cast(u64, u64),
    /// A sender calls a target.
    Call(u64, u64),
    /// A sender takes back a cast or a call that waits.
    Withdraw(usize),
    /// A sender sends an exit signal to a target.
    Exit(u64),
    /// The frames of the outbox of the senders' node leave it.
    Transmit,
    /// The frames of the outbox of the targets' node leave it.
    TransmitBack,
    /// The first frame arrives at the targets.
    Deliver,
    /// The first frame arrives at the senders.
    DeliverBack,
    /// A target takes a message.
    Handle(u64),
    /// A target waits for a message that is not in its mailbox.
    Search(u64),
    /// The connection is lost, and there is a new one.
    Lose,
}

/// A message, and the connection on which it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Message {
    connection: usize,
    from: u64,
    /// The number of the message among those of the sender to the target on this connection.
    number: u64,
    call: Option<u64>,
}

/// One node's end of a connection.
struct End {
    outbox: Outbox,
    /// The names that the other node has received.
    names: ReceivedNames,
    /// Frames on their way to the other node.
    link: VecDeque<Frame>,
}

struct Connection {
    senders: End,
    targets: End,
    holds: Holds,
    /// The next number of each pair of sender and target.
    next: BTreeMap<(u64, u64), u64>,
    /// The messages that were taken back, or were lost while they waited.
    unsent: BTreeSet<Sent>,
    is_lost: bool,
    /// The targets that the senders' node holds.
    held: BTreeSet<u64>,
    /// Answers that were sent since the outbox of the targets' node is full.
    answers_above: u64,
    /// The targets that have received an exit signal on this connection, and those that were sent one.
    exits: (BTreeSet<u64>, BTreeSet<u64>),
}

struct Waiting {
    id: WaiterId,
    sent: Sent,
    call: Option<u64>,
}

/// The sender and the target of a message, and its number among those of the two on this connection.
type Sent = (u64, u64, u64);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Answered,
    Failed(CallErrorKind),
    TakenBack,
}

#[derive(Default)]
struct Model {
    /// The last one stands.
    connections: Vec<Connection>,
    /// The casts and calls that wait to be sent.
    waiting: Vec<Waiting>,
    /// The calls without an outcome.
    calls: BTreeSet<u64>,
    outcomes: BTreeMap<u64, Outcome>,
    targets: BTreeMap<u64, Target>,
    next_call: u64,
}

#[derive(Default)]
struct Target {
    mailbox: VecDeque<Message>,
    waiting: VecDeque<Message>,
    handled: Vec<Message>,
    has_ended: bool,
    /// The process takes no message until its answers are sent.
    is_suspended: bool,
}

impl End {
    fn new() -> End {
        // Room for a few messages, so that the outbox is full often.
        let limits = Limits { high_water: HIGH_WATER, ..Limits::default() };
        End { outbox: Outbox::opened(&limits), names: ReceivedNames::default(), link: VecDeque::new() }
    }

    fn transmit(&mut self) -> bool {
        let frames = self.outbox.take_frames(&mut self.names);
        let has_sent = !frames.is_empty();
        self.link.extend(frames);
        has_sent
    }
}

impl Connection {
    fn new() -> Connection {
        Connection {
            senders: End::new(),
            targets: End::new(),
            holds: Holds::with_limit(HELD_AT),
            next: BTreeMap::new(),
            unsent: BTreeSet::new(),
            is_lost: false,
            held: BTreeSet::new(),
            answers_above: 0,
            exits: <_>::default(),
        }
    }

    /// Sends a frame of the targets' node. After a loss that has no effect.
    fn push_back(&self, frame: &Frame) -> Result<Room, PushError> {
        let pushed = self.targets.outbox.push(0, frame);
        assert_eq!(pushed.is_err(), self.is_lost);
        pushed
    }

    /// A message does not wait any more.
    fn remove_waiting(&mut self, to: FrameTarget) {
        if self.holds.remove(&to, 8) {
            let _ = self.push_back(&Frame::Resume { to });
        }
    }
}

impl Model {
    fn new() -> Model {
        Model { connections: vec![Connection::new()], ..Model::default() }
    }

    fn connection(&mut self) -> &mut Connection {
        self.connections.last_mut().unwrap()
    }

    fn target(&mut self, number: u64) -> &mut Target {
        self.targets.entry(number).or_default()
    }

    /// Returns `true` if the event had an effect.
    fn apply(&mut self, event: Event) -> bool {
        match event {
            Event::Cast(from, target) => self.send(from, target, false),
            Event::Call(from, target) => self.send(from, target, true),
            Event::Withdraw(index) => self.withdraw(index),
            Event::Exit(target) => self.exit(target),
            Event::Transmit => {
                let has_sent = self.connection().senders.transmit();
                self.poll_waiting();
                has_sent
            }
            Event::TransmitBack => {
                let targets = &mut self.connection().targets;
                let has_sent = targets.transmit();
                assert!(targets.outbox.is_ready());
                self.connection().answers_above = 0;
                has_sent
            }
            Event::Deliver => self.deliver(),
            Event::DeliverBack => self.deliver_back(),
            Event::Handle(target) => self.handle(target),
            Event::Search(target) => self.search(target),
            Event::Lose => self.lose(),
        }
    }

    /// Sends the sender's next message, unless many wait.
    fn send(&mut self, from: u64, target: u64, is_call: bool) -> bool {
        if self.waiting.len() >= MOST_WAITING {
            return false;
        }
        let call = is_call.then(|| {
            self.next_call += 1;
            self.calls.insert(self.next_call);
            self.next_call
        });
        let connection = self.connection();
        let number = connection.next.entry((from, target)).or_default();
        let sent = (from, target, *number);
        let payload = Bytes::copy_from_slice(&number.to_le_bytes());
        *number += 1;
        let (to, replies) = (FrameTarget::Process(target), call.into_iter().collect());
        let frame = Frame::Message { from, to, protocol: 1, variant: 0, replies, context: None, payload };
        let waiting = connection.senders.outbox.push_whole(from, &frame, "shop::Orders").unwrap();
        self.waiting.extend(waiting.map(|id| Waiting { id, sent, call }));
        true
    }

    /// Takes back a message that waits.
    fn withdraw(&mut self, index: usize) -> bool {
        if self.waiting.is_empty() {
            return false;
        }
        let Waiting { id, sent, call } = self.waiting.remove(index % self.waiting.len());
        let connection = self.connection();
        assert!(connection.senders.outbox.withdraw(id), "the message waits");
        connection.unsent.insert(sent);
        if let Some(call) = call {
            self.settle_call(call, Outcome::TakenBack);
        }
        true
    }

    fn exit(&mut self, target: u64) -> bool {
        let connection = self.connection();
        let signal = Signal::Exit { reason: Exit::Kill, linked: false };
        let frame = Frame::Signal { from: 0, to: FrameTarget::Process(target), signal };
        let is_first = connection.exits.1.insert(target);
        if is_first {
            connection.senders.outbox.push(0, &frame).unwrap();
        }
        is_first
    }

    fn settle_call(&mut self, call: u64, outcome: Outcome) {
        assert!(self.calls.remove(&call), "call {call} has a second outcome: {outcome:?}");
        assert_eq!(self.outcomes.insert(call, outcome), None, "call {call}");
    }

    /// Takes the outcomes of messages that wait.
    fn poll_waiting(&mut self) {
        let connection = self.connections.last().unwrap();
        let outbox = &connection.senders.outbox;
        let mut cx = Context::from_waker(Waker::noop());
        self.waiting.retain(|waiting| match outbox.poll_admitted(waiting.id, &mut cx) {
            Poll::Pending => true,
            Poll::Ready(outcome) => {
                assert_eq!(outcome, Ok(()));
                let (_, target, _) = waiting.sent;
                assert!(!connection.held.contains(&target), "a message passes to a held target");
                false
            }
        });
    }

    fn deliver(&mut self) -> bool {
        let connection = self.connections.len() - 1;
        match self.connection().senders.link.pop_front() {
            Some(Frame::Message { from, to: FrameTarget::Process(target), replies, payload, .. }) => {
                let number = u64::from_le_bytes(payload[..].try_into().unwrap());
                let message = Message { connection, from, number, call: replies.first().copied() };
                self.receive(target, message, payload.len());
            }
            Some(Frame::Signal { to: FrameTarget::Process(target), .. }) => self.end(target),
            Some(frame) => panic!("{frame:?}"),
            None => return false,
        }
        true
    }

    fn receive(&mut self, number: u64, message: Message, bytes: usize) {
        let target = self.target(number);
        if target.has_ended {
            self.answer(number, message, Err(CallErrorKind::NoProc));
        } else if target.mailbox.len() < CAPACITY && target.waiting.is_empty() {
            target.mailbox.push_back(message);
        } else {
            target.waiting.push_back(message);
            let to = FrameTarget::Process(number);
            let connection = self.connection();
            if connection.holds.add(&to, bytes) {
                connection.push_back(&Frame::Hold { to }).unwrap();
            }
        }
    }

    /// The target ends. Its messages are dropped, and the calls in them fail.
    fn end(&mut self, number: u64) {
        self.connection().exits.0.insert(number);
        let target = self.target(number);
        target.has_ended = true;
        let (mailbox, waiting) = (std::mem::take(&mut target.mailbox), std::mem::take(&mut target.waiting));
        for message in &waiting {
            self.connections[message.connection].remove_waiting(FrameTarget::Process(number));
        }
        for message in mailbox.into_iter().chain(waiting) {
            self.answer(number, message, Err(CallErrorKind::Exit(Exit::Killed)));
        }
    }

    /// Answers a call over the connection on which it came, if that stands.
    fn answer(&mut self, target: u64, message: Message, result: Result<Bytes, CallErrorKind>) {
        let (Some(id), connection) = (message.call, &self.connections[message.connection]) else { return };
        if connection.is_lost {
            return;
        }
        let is_long = result.is_ok();
        let room = connection
            .push_back(&Frame::Answer { from: target, id, replies: Vec::new(), definition: None, result })
            .unwrap();
        if room == Room::Full && is_long {
            self.target(target).is_suspended = true;
            let connection = self.connection();
            connection.answers_above += 1;
            assert!(connection.answers_above <= TARGETS, "a producer is not suspended");
        }
    }

    fn deliver_back(&mut self) -> bool {
        match self.connection().targets.link.pop_front() {
            Some(Frame::Hold { to }) => {
                let connection = self.connection();
                assert!(connection.held.insert(number(&to)), "{to:?} is held twice");
                connection.senders.outbox.hold(&to);
            }
            Some(Frame::Resume { to }) => {
                let connection = self.connection();
                assert!(connection.held.remove(&number(&to)), "{to:?} is not held");
                connection.senders.outbox.resume(&to);
            }
            Some(Frame::Answer { id, result, .. }) => {
                self.settle_call(id, result.map_or_else(Outcome::Failed, |_| Outcome::Answered));
            }
            Some(frame) => panic!("{frame:?}"),
            None => return false,
        }
        self.poll_waiting();
        true
    }

    fn handle(&mut self, number: u64) -> bool {
        let is_ready = self.connection().targets.outbox.is_ready();
        let target = self.target(number);
        if target.is_suspended && !is_ready {
            return false;
        }
        target.is_suspended = false;
        let Some(message) = target.mailbox.pop_front() else { return false };
        target.handled.push(message);
        if let Some(admitted) = target.waiting.pop_front() {
            target.mailbox.push_back(admitted);
            self.connections[admitted.connection].remove_waiting(FrameTarget::Process(number));
        }
        self.answer(number, message, Ok(Bytes::from_static(&[1; 30])));
        true
    }

    fn search(&mut self, number: u64) -> bool {
        let to = FrameTarget::Process(number);
        let connection = self.connection();
        let is_resumed = connection.holds.search(&to);
        if is_resumed {
            connection.push_back(&Frame::Resume { to }).unwrap();
        }
        is_resumed
    }

    /// The connection is lost: all that waits for it fails, once.
    fn lose(&mut self) -> bool {
        let connection = self.connections.last_mut().unwrap();
        connection.is_lost = true;
        for end in [&mut connection.senders, &mut connection.targets] {
            end.outbox.close();
            end.link.clear();
        }
        let mut cx = Context::from_waker(Waker::noop());
        for Waiting { id, sent, .. } in self.waiting.drain(..) {
            let outbox = &connection.senders.outbox;
            assert_eq!(outbox.poll_admitted(id, &mut cx), Poll::Ready(Err(())), "{sent:?}");
            assert!(!outbox.withdraw(id), "it is lost");
            connection.unsent.insert(sent);
        }
        assert_eq!(connection.senders.outbox.waiters(), (0, 0, 0));
        for call in self.calls.clone() {
            self.settle_call(call, Outcome::Failed(CallErrorKind::NoConnection));
        }
        self.connections.push(Connection::new());
        true
    }

    /// Lets all that is possible happen, but no new message.
    fn settle(&mut self) {
        let steps = [Event::Transmit, Event::Deliver, Event::TransmitBack, Event::DeliverBack];
        let handled = (0..TARGETS).map(Event::Handle);
        let steps: Vec<_> = steps.into_iter().chain(handled).collect();
        while steps.iter().fold(false, |progress, step| progress | self.apply(*step)) {}
    }

    /// Checks that nothing waits for ever, and that each message was handled in its order, or was lost for a reason.
    fn check(&mut self) {
        self.settle();
        assert!(self.waiting.is_empty(), "messages wait for ever");
        assert!(self.calls.is_empty(), "calls without an outcome: {:?}", self.calls);
        let last = self.connections.len() - 1;
        let is_ended =
            |targets: &BTreeMap<u64, Target>, number| targets.get(number).is_some_and(|target| target.has_ended);
        for (index, connection) in self.connections.iter().enumerate() {
            assert_eq!(connection.holds.messages(), 0);
            assert_eq!(connection.senders.outbox.waiters(), (0, 0, 0));
            if index == last {
                assert_eq!(
                    (connection.senders.outbox.waiting().frames, connection.targets.outbox.waiting().frames),
                    (0, 0)
                );
                assert_eq!(connection.exits.0, connection.exits.1, "an exit signal was lost");
            }
            for ((sender, number), count) in &connection.next {
                let handled = self.targets.get(number).into_iter().flat_map(|target| &target.handled);
                let own = handled.filter(|message| (message.connection, message.from) == (index, *sender));
                let numbers: Vec<_> = own.map(|message| message.number).collect();
                let sent = (0..*count).filter(|sent| !connection.unsent.contains(&(*sender, *number, *sent)));
                let expected: Vec<_> = sent.collect();
                let may_end = index < last || is_ended(&self.targets, number);
                let is_whole = numbers.len() == expected.len() || may_end;
                assert!(
                    expected.starts_with(&numbers) && is_whole,
                    "{sender} to {number}: {numbers:?} of {expected:?}"
                );
            }
        }
        // A call fails only for a reason.
        for (call, outcome) in &self.outcomes {
            if let Outcome::Failed(error) = outcome {
                let has_reason = match error {
                    CallErrorKind::NoConnection => last > 0,
                    error => {
                        let known = matches!(error, CallErrorKind::NoProc | CallErrorKind::Exit(_));
                        known && self.targets.values().any(|target| target.has_ended)
                    }
                };
                assert!(has_reason, "call {call}: {error}");
            }
        }
    }
}

fn number(target: &FrameTarget) -> u64 {
    let FrameTarget::Process(number) = target else { panic!("no names here") };
    *number
}

#[test]
fn no_message_is_lost_or_stuck_in_any_order_of_sends_holds_answers_exits_and_losses() {
    let coverage = Coverage::new("events between two nodes with full mailboxes");
    bolero::check!().with_iterations(20_000).with_max_len(400).for_each(|bytes: &[u8]| {
        let mut input = Input::new(bytes);
        let mut model = Model::new();
        // Often a single target or a slow connection, in front of which more waits.
        let targets = [1, 1, TARGETS as usize][input.below(3)];
        let is_slow = input.bool();
        while !input.is_empty() {
            let target = input.below(targets) as u64;
            let event = match input.below(16) {
                0..=3 => Event::Cast(input.below(SENDERS as usize) as u64, target),
                6..=9 if is_slow && input.below(8) > 0 => Event::Cast(input.below(SENDERS as usize) as u64, target),
                4 | 5 => Event::Call(input.below(SENDERS as usize) as u64, target),
                6 | 7 => Event::Transmit,
                8 | 9 => Event::Deliver,
                10 => Event::TransmitBack,
                11 => Event::DeliverBack,
                12 | 13 => Event::Handle(target),
                14 => Event::Search(target),
                _ => match input.below(10) {
                    0 => Event::Lose,
                    1 | 2 => Event::Exit(target),
                    _ => Event::Withdraw(input.below(MOST_WAITING)),
                },
            };
            let (waiting, calls) = (model.waiting.len(), model.calls.len());
            let has_effect = model.apply(event);
            match event {
                Event::Withdraw(_) if has_effect => coverage.count("withdrawn"),
                Event::Search(_) if has_effect => coverage.count("resumed for a search"),
                Event::Lose if waiting > 0 => coverage.count("lost while messages wait"),
                Event::Lose if calls > 0 => coverage.count("lost while calls wait"),
                Event::Exit(_) if waiting > 0 => coverage.count("an exit signal overtakes"),
                _ => {}
            }
            match model.connection().targets.link.back() {
                Some(Frame::Hold { .. }) => coverage.count("held"),
                Some(Frame::Resume { .. }) => coverage.count("resumed"),
                _ => {}
            }
            if model.targets.values().any(|target| target.is_suspended) {
                coverage.count("a producer of answers is suspended");
            }
        }
        model.check();
    });
    let events = [
        "withdrawn",
        "held",
        "resumed",
        "resumed for a search",
        "lost while messages wait",
        "lost while calls wait",
        "an exit signal overtakes",
        "a producer of answers is suspended",
    ];
    coverage.finish(&events, &[]);
}

/// Every order of up to so many events of two senders and one target.
#[test]
fn no_message_is_lost_or_stuck_in_every_order_of_a_few_events() {
    const EVENTS: [Event; 11] = [
        Event::Cast(0, 0),
        Event::Cast(1, 0),
        Event::Call(0, 0),
        Event::Transmit,
        Event::Deliver,
        Event::TransmitBack,
        Event::DeliverBack,
        Event::Handle(0),
        Event::Withdraw(0),
        Event::Exit(0),
        Event::Lose,
    ];
    // Two messages fill the mailbox and its wait queue, so that the next one holds the target.
    const BEFORE: [Event; 7] = [
        Event::Cast(0, 0),
        Event::Transmit,
        Event::Cast(1, 0),
        Event::Transmit,
        Event::Deliver,
        Event::Deliver,
        Event::Cast(0, 0),
    ];
    const DEPTH: usize = 5;
    let (mut orders, mut order) = (0, vec![0]);
    while let Some(last) = order.last_mut() {
        if *last == EVENTS.len() {
            order.pop();
            if let Some(before) = order.last_mut() {
                *before += 1;
            }
            continue;
        }
        let mut model = Model::new();
        BEFORE.iter().for_each(|event| assert!(model.apply(*event)));
        let (end, earlier) = order.split_last().unwrap();
        earlier.iter().for_each(|index| assert!(model.apply(EVENTS[*index])));
        // An event without an effect leads to no new order.
        let goes_on = model.apply(EVENTS[*end]) && order.len() < DEPTH;
        model.check();
        orders += 1;
        if goes_on {
            order.push(0);
        } else {
            *order.last_mut().unwrap() += 1;
        }
    }
    assert!(orders > 5_000, "{orders}");
}
