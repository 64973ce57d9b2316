//! The mailbox: pushes, the owner's taking and waiting, the line before a full one, the end.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use shuttle::future::block_on;
use shuttle::thread;

use crate::base::{Protocol, Variant};
use crate::checker::{check, roll};
use crate::mailbox::{Addressee, Arrival, Bounds, Entry, Inbox, Mask, Next, Origin, Overflow, PushObserver, Queue};

/// A message: who sent it, and its number among those of that sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Note {
    Plain(u32, u32),
    Other(u32, u32),
}

impl Protocol for Note {
    const NAME: &'static str = "Note";
    const VARIANTS: &'static [Variant] = &[
        Variant { name: "Plain", shape: "", call: false, system: false, priority: false },
        Variant { name: "Other", shape: "", call: false, system: false, priority: false },
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
    let queue = Queue::new(bounds.map(|(capacity, overflow)| Bounds { capacity, overflow }));
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
    Entry { origin: Origin::SENT, message }
}

/// What came to the owner, or back from its end.
#[derive(Default)]
struct Seen(Vec<Note>);

impl Seen {
    /// Each of these once, and those of one sender in order.
    fn is(mut self, expected: impl IntoIterator<Item = Note>) {
        let mut last = BTreeMap::new();
        for note in &self.0 {
            let (Plain(sender, number) | Other(sender, number)) = *note;
            if let Some(before) = last.insert(sender, number) {
                assert!(before < number, "{number} of {sender} came after {before}");
            }
        }
        let mut expected: Vec<_> = expected.into_iter().collect();
        expected.sort();
        self.0.sort();
        assert_eq!(self.0, expected, "each message, once");
    }
}

/// Waits for the next message that `want` has, and takes it. Woken as a process is, by its task, or by a waker that is not
/// its task's.
fn receive(inbox: &mut Inbox<Note>, queue: &Queue<Note>, want: Mask) -> Note {
    inbox.begin(queue, want, None);
    let mut hung = roll(4) == 0;
    block_on(poll_fn(|cx| {
        if !hung {
            hung = queue.set_waker(cx.waker());
        }
        if !hung {
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

/// Pushes, and waits in line if need be; whether the message came in.
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

/// Two push, the owner sleeps and wakes between.
pub fn what_is_pushed_arrives_once_and_in_order() {
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
        let seen = (0..4).map(|_| receive(&mut inbox, &queue, Mask::ALL)).collect();
        Seen(seen).is((0..2).flat_map(|sender| (0..2).map(move |number| Plain(sender, number))));
        senders.into_iter().for_each(|sender| sender.join().unwrap());
    });
}

/// A full mailbox that drops its oldest: each message arrives or is handed back to be dropped, once.
pub fn what_makes_room_is_dropped_once() {
    check(900, || {
        let queue = queue(Some((1, Overflow::DropOldest)));
        let senders = (0..2).map(|sender| {
            let queue = Arc::clone(&queue);
            thread::spawn(move || {
                // The oldest; the newest if the messages that fill the mailbox are with the owner.
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
        let mut seen = vec![receive(&mut inbox, &queue, Mask::ALL)];
        let dropped: Vec<_> = senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect();
        inbox.begin(&queue, Mask::ALL, None);
        while let Next::Test(note) = inbox.next(&queue, None) {
            if inbox.accept(&queue, 0) {
                queue.release();
            }
            seen.push(note);
            inbox.begin(&queue, Mask::ALL, None);
        }
        // What arrived is in order; with what was dropped it is everything.
        let expected = (0..2).flat_map(|sender| (0..2).map(move |number| Plain(sender, number)));
        Seen(seen.clone()).is(expected.clone().filter(|note| !dropped.contains(note)));
        let mut all: Vec<_> = seen.into_iter().chain(dropped).collect();
        all.sort();
        assert_eq!(all, expected.collect::<Vec<_>>());
    });
}

/// A receive that looks for one kind goes by what it does not look for, and finds that later, in order.
pub fn what_a_receive_skips_is_there_for_the_next() {
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

/// A mailbox for one: whoever comes then stands in line, and gets in or changes its mind.
pub fn who_stands_in_line_gets_in_or_withdraws() {
    check(1200, || {
        let queue = queue(Some((1, Overflow::Wait)));
        let withdrawn = Arc::new(AtomicUsize::new(0));
        let senders = (0..2).map(|sender| {
            let (queue, withdrawn) = (Arc::clone(&queue), Arc::clone(&withdrawn));
            thread::spawn(move || {
                let (mut mine, dropped) = (Vec::new(), Dropped::default());
                for number in 0..2 {
                    let note = Plain(sender, number);
                    let came = match queue.push(&dropped, Addressee::Process(1), sent(note), true) {
                        Ok(Some(id)) if roll(2) == 0 => match queue.withdraw(id) {
                            Some(back) => {
                                assert_eq!(back, note);
                                false
                            }
                            None => true,
                        },
                        Ok(Some(id)) => block_on(poll_fn(|cx| queue.poll_admitted(id, cx))).is_ok(),
                        Ok(None) => true,
                        Err(_) => panic!("refused"),
                    };
                    if came {
                        mine.push(note);
                    }
                }
                // The runtime's own is neither counted nor refused.
                let own = Entry { origin: Origin::OWN, message: Other(sender, 2) };
                assert!(queue.push(&dropped, Addressee::Process(1), own, false).is_ok());
                assert_eq!(dropped.0.into_inner().unwrap(), []);
                withdrawn.fetch_add(2 - mine.len(), Ordering::Relaxed);
                mine.push(Other(sender, 2));
                mine
            })
        });
        let senders: Vec<_> = senders.collect();
        let (mut inbox, mut seen, mut over) = (Inbox::new(), Vec::new(), 0);
        // What a sender puts last does not overtake what of its own stands in line: it has waited for that.
        while over < 2 {
            let note = receive(&mut inbox, &queue, Mask::ALL);
            over += usize::from(matches!(note, Other(..)));
            seen.push(note);
        }
        let expected: Vec<_> = senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect();
        inbox.begin(&queue, Mask::ALL, None);
        while let Next::Test(note) = inbox.next(&queue, None) {
            inbox.accept(&queue, 0);
            seen.push(note);
        }
        assert_eq!(expected.len() + withdrawn.load(Ordering::Relaxed), 6);
        Seen(seen).is(expected);
    });
}

/// A full mailbox lets in what its owner waits for, however it comes: in line before the receive, or after.
pub fn a_full_mailbox_lets_in_what_its_owner_waits_for() {
    check(1200, || {
        let queue = queue(Some((1, Overflow::Wait)));
        let senders = [vec![Plain(0, 0), Plain(0, 1)], vec![Other(1, 0)]].map(|notes| {
            let queue = Arc::clone(&queue);
            thread::spawn(move || notes.into_iter().for_each(|note| assert!(push(&queue, Addressee::Process(1), note))))
        });
        let mut inbox = Inbox::new();
        let mut seen = vec![receive(&mut inbox, &queue, OTHER)];
        seen.extend((0..2).map(|_| receive(&mut inbox, &queue, PLAIN)));
        assert_eq!(seen, [Other(1, 0), Plain(0, 0), Plain(0, 1)]);
        senders.into_iter().for_each(|sender| sender.join().unwrap());
    });
}

/// The owner ends and another moves in, while messages come, some for the first one only.
pub fn at_an_owners_end_each_message_is_taken_left_or_refused() {
    for bounds in [None, Some((1, Overflow::Wait))] {
        check(900, move || {
            let queue = queue(bounds);
            let senders = [Addressee::Process(1), Addressee::AnyOwner].into_iter().zip(0..).map(|(owner, sender)| {
                let queue = Arc::clone(&queue);
                thread::spawn(move || {
                    let came = |number: &u32| push(&queue, owner, Plain(sender, *number));
                    (0..2).filter(came).map(|number| Plain(sender, number)).collect::<Vec<_>>()
                })
            });
            let senders: Vec<_> = senders.collect();
            let (mut first, mut seen) = (Inbox::new(), Vec::new());
            let mut take = |inbox: &mut Inbox<Note>, number: u32| {
                inbox.begin(&queue, Mask::ALL, None);
                let taken = block_on(poll_fn(|cx| {
                    // Polled as a process is that something else has woken.
                    Poll::Ready(match inbox.next(&queue, Some(cx)) {
                        Next::Test(note) => {
                            if inbox.accept(&queue, 0) {
                                queue.release();
                            }
                            assert!(number == 1 || !matches!(note, Plain(0, _)), "it was meant for the first");
                            Some(note)
                        }
                        Next::Empty => None,
                    })
                }));
                seen.extend(taken);
            };
            take(&mut first, 1);
            take(&mut first, 1);
            // In its batch: taken over, and dropped with it.
            let drain = |inbox: &mut Inbox<Note>| -> Vec<Note> {
                let taken = inbox.drain().into_iter().map(|entry| entry.message).collect::<Vec<_>>();
                let saved = std::iter::from_fn(|| inbox.drain_saved()).flatten().flatten();
                taken.into_iter().chain(saved).collect()
            };
            let mut gone = drain(&mut first);
            drop(first);
            gone.extend(queue.end_owner(true).into_iter().map(|entry| entry.message));
            queue.open(2);
            let mut second = Inbox::new();
            take(&mut second, 2);
            gone.extend(drain(&mut second));
            gone.extend(queue.close().into_iter().map(|entry| entry.message));
            seen.extend(gone);
            let came: Vec<_> = senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect();
            // One that lost its place in line knows that it did not come in, and was among what was left.
            let lost = |note: &Note| !came.contains(note);
            let (lost, mut seen): (Vec<_>, Vec<_>) = seen.into_iter().partition(lost);
            assert!(bounds.is_some() || lost.is_empty(), "lost without a line: {lost:?}");
            seen.sort();
            let mut came = came;
            came.sort();
            assert_eq!(seen, came, "each message once");
        });
    }
}
