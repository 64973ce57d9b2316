//! Scenarios of a mailbox: concurrent pushes, the owner's receives, the wait queue of a full mailbox, and the end.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use shuttle::future::block_on;
use shuttle::thread;

use crate::base::{MessageContext, Protocol, Variant};
use crate::checker::{check, random_below};
use crate::mailbox::{Addressee, Arrival, Bounds, Entry, Inbox, Mask, Next, Origin, Overflow, PushObserver, Queue};

/// A message with its sender and its number among those of the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Note {
    Plain(u32, u32),
    Other(u32, u32),
}

impl Protocol for Note {
    const NAME: &'static str = "Note";
    const VARIANTS: &'static [Variant] = &[
        Variant { name: "Plain", call: false, system: false, priority: false },
        Variant { name: "Other", call: false, system: false, priority: false },
    ];

    fn variant(&self) -> usize {
        match self {
            Plain(..) => 0,
            Other(..) => 1,
        }
    }
}

use Note::{Other, Plain};

const PLAIN: Mask = Mask(0b01);
const OTHER: Mask = Mask(0b10);

fn queue(bounds: Option<(usize, Overflow)>) -> Arc<Queue<Note>> {
    let bounds = bounds.map(|(capacity, overflow)| Bounds { capacity, overflow });
    let queue = Queue::owned(bounds, u32::MAX, 0);
    queue.open(1);
    Arc::new(queue)
}

/// The messages that an overflow policy has dropped.
#[derive(Default)]
struct Dropped(Mutex<Vec<Note>>);

impl PushObserver<Note> for Dropped {
    fn arriving(&self, _: u64, _: &Note) -> bool {
        false
    }

    fn arrived(&self, _: Arrival) {}

    fn dropped(&self, message: Note) {
        self.0.lock().unwrap().push(message);
    }

    fn refused(&self) {}
}

fn sent(message: Note) -> Entry<Note> {
    Entry { origin: Origin::SENT, context: MessageContext::NONE, message }
}

/// The messages that the owner received, or that were left at its end.
#[derive(Default)]
struct Received(Vec<Note>);

impl Received {
    /// Checks that these are the messages, each once, and those of one sender in order.
    fn is(mut self, expected: impl IntoIterator<Item = Note>) {
        let mut last = BTreeMap::new();
        for note in &self.0 {
            let (Plain(sender, number) | Other(sender, number)) = *note;
            if let Some(before) = last.insert(sender, number) {
                assert!(before < number, "note {number} of {sender} arrived after note {before}");
            }
        }
        let mut expected: Vec<_> = expected.into_iter().collect();
        expected.sort();
        self.0.sort();
        assert_eq!(self.0, expected, "each message once");
    }
}

/// Waits for the next message that `want` contains, and takes it. As with a process, the waker is that of its task or
/// another one.
fn receive(inbox: &mut Inbox<Note>, queue: &Queue<Note>, want: Mask) -> Note {
    inbox.begin(queue, want, None);
    let mut has_waker = random_below(4) == 0;
    block_on(poll_fn(|cx| {
        if !has_waker {
            has_waker = queue.set_waker(cx.waker());
        }
        if !has_waker {
            cx.waker().wake_by_ref();
        }
        match inbox.next(queue, Some(cx)) {
            Next::Test(note) => {
                if inbox.accept(queue, 0) {
                    queue.release();
                }
                Poll::Ready(note)
            }
            Next::Empty => Poll::Pending,
        }
    }))
}

/// Pushes a message, waits in the wait queue if the mailbox is full, and returns whether the message was accepted.
fn push(queue: &Queue<Note>, to: Addressee, note: Note) -> bool {
    let dropped = Dropped::default();
    let accepted = match queue.push(&dropped, to, sent(note), true) {
        Ok(None) => true,
        Ok(Some(id)) => block_on(poll_fn(|cx| queue.poll_admitted(id, cx))).is_ok(),
        Err(_) => false,
    };
    assert_eq!(dropped.0.into_inner().unwrap(), []);
    accepted
}

/// Two senders push while the owner waits and wakes.
pub fn messages_arrive_once_and_in_order() {
    check(900, || {
        let queue = queue(None);
        let senders = (0..2).map(|sender| {
            let queue = Arc::clone(&queue);
            thread::spawn(move || {
                (0..2).for_each(|number| assert!(push(&queue, Addressee::Process(1), Plain(sender, number))));
            })
        });
        let senders: Vec<_> = senders.collect();
        let mut inbox = Inbox::new();
        let received = (0..4).map(|_| receive(&mut inbox, &queue, Mask::ALL)).collect();
        Received(received).is((0..2).flat_map(|sender| (0..2).map(move |number| Plain(sender, number))));
        senders.into_iter().for_each(|sender| sender.join().unwrap());
    });
}

/// With `drop_oldest`, each message arrives once or is dropped once.
pub fn a_message_that_makes_room_is_dropped_once() {
    check(900, || {
        let queue = queue(Some((1, Overflow::DropOldest)));
        let senders = (0..2).map(|sender| {
            let queue = Arc::clone(&queue);
            thread::spawn(move || {
                // The oldest message is dropped, or the newest if the owner has taken the others.
                let dropped = Dropped::default();
                for number in 0..2 {
                    let pushed = queue.push(&dropped, Addressee::Process(1), sent(Plain(sender, number)), true);
                    assert!(matches!(pushed, Ok(None)));
                }
                dropped.0.into_inner().unwrap()
            })
        });
        let senders: Vec<_> = senders.collect();
        let mut inbox = Inbox::new();
        let mut received = vec![receive(&mut inbox, &queue, Mask::ALL)];
        let dropped: Vec<_> = senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect();
        inbox.begin(&queue, Mask::ALL, None);
        while let Next::Test(note) = inbox.next(&queue, None) {
            if inbox.accept(&queue, 0) {
                queue.release();
            }
            received.push(note);
            inbox.begin(&queue, Mask::ALL, None);
        }
        // The received messages are in order. With the dropped ones they are complete.
        let expected = (0..2).flat_map(|sender| (0..2).map(move |number| Plain(sender, number)));
        Received(received.clone()).is(expected.clone().filter(|note| !dropped.contains(note)));
        let mut all: Vec<_> = received.into_iter().chain(dropped).collect();
        all.sort();
        assert_eq!(all, expected.collect::<Vec<_>>());
    });
}

/// A selective receive skips the other messages. Later receives take those in order.
pub fn later_receives_take_skipped_messages_in_order() {
    check(900, || {
        let queue = queue(None);
        let sender = {
            let queue = Arc::clone(&queue);
            thread::spawn(move || {
                for note in [Plain(0, 0), Plain(0, 1), Other(0, 2), Plain(0, 3)] {
                    assert!(push(&queue, Addressee::Process(1), note));
                }
            })
        };
        let mut inbox = Inbox::new();
        assert_eq!(receive(&mut inbox, &queue, OTHER), Other(0, 2));
        for number in [0, 1, 3] {
            assert_eq!(receive(&mut inbox, &queue, PLAIN), Plain(0, number));
        }
        sender.join().unwrap();
    });
}

/// The mailbox holds one message. The senders of others wait, and are admitted or withdraw.
pub fn a_waiter_is_admitted_or_withdraws() {
    check(1200, || {
        let queue = queue(Some((1, Overflow::Wait)));
        let withdrawn = Arc::new(AtomicUsize::new(0));
        let senders = (0..2).map(|sender| {
            let (queue, withdrawn) = (Arc::clone(&queue), Arc::clone(&withdrawn));
            thread::spawn(move || {
                let (mut accepted, dropped) = (Vec::new(), Dropped::default());
                for number in 0..2 {
                    let note = Plain(sender, number);
                    let is_accepted = match queue.push(&dropped, Addressee::Process(1), sent(note), true) {
                        Ok(Some(id)) if random_below(2) == 0 => match queue.withdraw(id) {
                            Some(returned) => {
                                assert_eq!(returned, note);
                                false
                            }
                            None => true,
                        },
                        Ok(Some(id)) => block_on(poll_fn(|cx| queue.poll_admitted(id, cx))).is_ok(),
                        Ok(None) => true,
                        Err(_) => panic!("refused"),
                    };
                    if is_accepted {
                        accepted.push(note);
                    }
                }
                // A message of the runtime is neither counted nor refused.
                let own = Entry { origin: Origin::OWN, context: MessageContext::NONE, message: Other(sender, 2) };
                assert!(queue.push(&dropped, Addressee::Process(1), own, false).is_ok());
                assert_eq!(dropped.0.into_inner().unwrap(), []);
                withdrawn.fetch_add(2 - accepted.len(), Ordering::Relaxed);
                accepted.push(Other(sender, 2));
                accepted
            })
        });
        let senders: Vec<_> = senders.collect();
        let (mut inbox, mut received, mut finished) = (Inbox::new(), Vec::new(), 0);
        // A sender pushes its last message after its others were admitted or withdrawn.
        while finished < 2 {
            let note = receive(&mut inbox, &queue, Mask::ALL);
            finished += usize::from(matches!(note, Other(..)));
            received.push(note);
        }
        let expected: Vec<_> = senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect();
        inbox.begin(&queue, Mask::ALL, None);
        while let Next::Test(note) = inbox.next(&queue, None) {
            inbox.accept(&queue, 0);
            received.push(note);
        }
        assert_eq!(expected.len() + withdrawn.load(Ordering::Relaxed), 6);
        Received(received).is(expected);
    });
}

/// A full mailbox admits a message that its owner waits for, whether its sender waits before the receive or after.
pub fn a_full_mailbox_admits_the_message_that_its_owner_waits_for() {
    check(1200, || {
        let queue = queue(Some((1, Overflow::Wait)));
        let senders = [vec![Plain(0, 0), Plain(0, 1)], vec![Other(1, 0)]].map(|notes| {
            let queue = Arc::clone(&queue);
            thread::spawn(move || notes.into_iter().for_each(|note| assert!(push(&queue, Addressee::Process(1), note))))
        });
        let mut inbox = Inbox::new();
        let mut received = vec![receive(&mut inbox, &queue, OTHER)];
        received.extend((0..2).map(|_| receive(&mut inbox, &queue, PLAIN)));
        assert_eq!(received, [Other(1, 0), Plain(0, 0), Plain(0, 1)]);
        senders.into_iter().for_each(|sender| sender.join().unwrap());
    });
}

/// The owner ends and another one starts while messages arrive. Some are for the first owner only.
pub fn at_an_owners_end_each_message_is_received_left_or_refused() {
    for bounds in [None, Some((1, Overflow::Wait))] {
        check(900, move || {
            let queue = queue(bounds);
            let senders = [Addressee::Process(1), Addressee::AnyOwner].into_iter().zip(0..).map(|(owner, sender)| {
                let queue = Arc::clone(&queue);
                thread::spawn(move || {
                    let accepted = |number: &u32| push(&queue, owner, Plain(sender, *number));
                    (0..2).filter(accepted).map(|number| Plain(sender, number)).collect::<Vec<_>>()
                })
            });
            let senders: Vec<_> = senders.collect();
            let (mut first, mut received) = (Inbox::new(), Vec::new());
            let mut take = |inbox: &mut Inbox<Note>, number: u32| {
                inbox.begin(&queue, Mask::ALL, None);
                let taken = block_on(poll_fn(|cx| {
                    // As with a process that another event has woken, an empty mailbox is not waited for.
                    Poll::Ready(match inbox.next(&queue, Some(cx)) {
                        Next::Test(note) => {
                            if inbox.accept(&queue, 0) {
                                queue.release();
                            }
                            assert!(
                                number == 1 || !matches!(note, Plain(0, _)),
                                "the second owner received a message to the first"
                            );
                            Some(note)
                        }
                        Next::Empty => None,
                    })
                }));
                received.extend(taken);
            };
            take(&mut first, 1);
            take(&mut first, 1);
            // The messages of the owner's batch and of its save queue are dropped with the owner.
            let drain = |inbox: &mut Inbox<Note>| -> Vec<Note> {
                let taken = inbox.drain().into_iter().map(|entry| entry.message).collect::<Vec<_>>();
                let saved = std::iter::from_fn(|| inbox.drain_saved()).flatten().flatten();
                taken.into_iter().chain(saved).collect()
            };
            let mut left = drain(&mut first);
            drop(first);
            left.extend(queue.end_owner(true).into_iter().map(|entry| entry.message));
            queue.open(2);
            let mut second = Inbox::new();
            take(&mut second, 2);
            left.extend(drain(&mut second));
            left.extend(queue.close().into_iter().map(|entry| entry.message));
            received.extend(left);
            let accepted: Vec<_> = senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect();
            // A waiter that lost its place has an error, and its message was among those that were left.
            let lost = |note: &Note| !accepted.contains(note);
            let (lost, mut received): (Vec<_>, Vec<_>) = received.into_iter().partition(lost);
            assert!(bounds.is_some() || lost.is_empty(), "lost without a wait queue: {lost:?}");
            received.sort();
            let mut accepted = accepted;
            accepted.sort();
            assert_eq!(received, accepted, "each message once");
        });
    }
}
