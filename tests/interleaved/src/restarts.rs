//! Scenarios of a restart: one incarnation of a child ends and the next one starts while other threads send to it.

use std::sync::{Arc, Mutex};

use crate::actor::{launch, start_info};
use crate::call::Address;
use crate::checker::{check_on_node, random_below, yield_at_random};
use crate::mailbox::{Bounds, Overflow};
use crate::node::Current;
use crate::prelude::*;
use crate::process::Cell;
use crate::supervisor::{ChildSpec, TreeStub};
use crate::{Strategy, Supervisor};

/// A child that crashes on request.
#[actor]
struct Child {
    record: Record,
    start: Start,
}

/// The result of a start.
#[derive(Clone, Copy)]
enum Start {
    Succeeds,
    Fails,
    /// Tests all messages without taking one, and fails.
    TestsAndFails,
}

#[actor(local)]
impl Child {
    #[init]
    async fn begin(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        self.record.update(|entries| entries.incarnations.push(cx.pid().number()));
        if let Start::Succeeds = self.start {
            return Ok(());
        }
        yield_at_random().await;
        if let Start::TestsAndFails = self.start {
            receive!(match cx {
                ChildMessage::Read { letter } if letter.number == u32::MAX => drop(letter),
                after!(Duration::ZERO) => {}
            });
            yield_at_random().await;
        }
        Err(Exit::error("start"))
    }

    #[cast]
    fn read(&mut self, mut letter: Letter) {
        letter.is_read = true;
    }

    #[cast]
    fn crash(&mut self) -> Result<(), Exit> {
        Err(Exit::error("crash"))
    }

    #[call]
    fn me(&self, cx: &mut Context<Self>) -> ChildRef {
        cx.me()
    }
}

/// The ends of the letters and the process numbers of the incarnations, shared by all of them.
#[derive(Clone, Default)]
struct Record(Arc<Mutex<Entries>>);

#[derive(Default)]
struct Entries {
    incarnations: Vec<u64>,
    letters: Vec<LetterEnd>,
}

impl Record {
    fn update<R>(&self, f: impl FnOnce(&mut Entries) -> R) -> R {
        f(&mut self.0.lock().unwrap())
    }

    fn letter(&self, number: u32) -> Letter {
        Letter { number, is_read: false, record: self.clone() }
    }
}

/// The end of a letter.
#[derive(Debug)]
struct LetterEnd {
    number: u32,
    is_read: bool,
    /// The number of the process in which it was read or dropped; zero outside of any process.
    by: u64,
}

struct Letter {
    number: u32,
    is_read: bool,
    record: Record,
}

impl Drop for Letter {
    fn drop(&mut self) {
        let end = LetterEnd { number: self.number, is_read: self.is_read, by: Current::process() };
        self.record.update(|entries| entries.letters.push(end));
    }
}

impl Record {
    /// Checks that each letter ended once, in the right process. `last` is the number of the last incarnation.
    fn check(&self, refused: &[u32], last: u64) {
        self.update(|entries| {
            assert_eq!(entries.incarnations.last(), Some(&last));
            entries.letters.sort_by_key(|letter| letter.number);
            let numbers: Vec<_> = entries.letters.iter().map(|letter| letter.number).collect();
            assert_eq!(numbers, [0, 1, 2, 3], "each letter ends once");
            for LetterEnd { number, is_read, by } in &entries.letters {
                if refused.contains(number) {
                    assert!(!is_read, "letter {number} was refused");
                } else if DIRECT.contains(number) {
                    assert_eq!(*by, entries.incarnations[0], "letter {number} was for the first incarnation");
                } else {
                    assert!(
                        entries.incarnations.contains(by),
                        "letter {number} ended in process {by}, which is not an incarnation"
                    );
                }
                assert!(*is_read || *by != last, "the last incarnation reads all its letters");
            }
        });
    }
}

/// The numbers of the letters to any incarnation, and of those to the first one only.
const FOLLOWING: [u32; 2] = [0, 1];
const DIRECT: [u32; 2] = [2, 3];

/// Sends the letters, and returns the numbers of the refused ones.
async fn send(record: &Record, child: &ChildRef, first: &ChildRef, meanwhile: impl Future<Output = ()>) -> Vec<u32> {
    let senders = [(child, FOLLOWING), (first, DIRECT)].map(|(to, numbers)| {
        let (record, to) = (record.clone(), to.clone());
        shuttle::future::spawn(async move {
            let mut refused = Vec::new();
            for number in numbers {
                yield_at_random().await;
                if to.read(record.letter(number)).await.is_err() {
                    refused.push(number);
                }
            }
            refused
        })
    });
    meanwhile.await;
    let mut refused = Vec::new();
    for sender in senders {
        refused.extend(sender.await.unwrap());
    }
    refused
}

/// Returns the number of the incarnation after the last crash. The calls have no timeout, because on a stopped clock the
/// timer wheel would never remove them.
async fn last(child: &ChildRef) -> u64 {
    loop {
        match child.me().forever().await {
            Ok(last) => break last.pid().unwrap().number(),
            Err(error) => assert_eq!(error, CallErrorKind::Exit(Exit::error("crash")).into()),
        }
    }
}

/// A child crashes once or twice and its supervisor restarts it. A letter by the tree's stub is read, is lost with the
/// incarnation that received it, or waits for the next one.
pub fn a_letter_to_a_child_is_read_lost_or_waits_for_the_next_incarnation() {
    check_on_node(600, |_| async {
        let record = Record::default();
        let make = {
            let record = record.clone();
            move || Child { record: record.clone(), start: Start::Succeeds }
        };
        let supervisor = Supervisor::new(Strategy::OneForOne).intensity(2);
        let tree = supervisor.child("child", ChildSpec::new(make)).start().await.unwrap();
        let child: ChildRef = tree.find_child("child").await.unwrap();
        let first = child.me().forever().await.unwrap();
        let crashes = async {
            for _ in 0..=random_below(2) {
                yield_at_random().await;
                child.crash();
            }
        };
        let refused = send(&record, &child, &first, crashes).await;
        assert!(refused.iter().all(|number| DIRECT.contains(number)), "a child's cell refused letters: {refused:?}");
        record.check(&refused, last(&child).await);
    });
}

/// A cell without a process keeps its letters for the next incarnation, also with room for one letter only: the waiters
/// in front of the full mailbox then receive an error at the end.
pub fn a_vacant_cell_keeps_its_letters_for_the_next_incarnation() {
    for bounds in [None, Some(Bounds { capacity: 1, overflow: Overflow::Wait })] {
        check_on_node(600, move |node| async move {
            let record = Record::default();
            let cell = Cell::<ChildMessage>::new(node.clone(), Some("/cell".into()), bounds);
            let start = || {
                let number = cell.occupy(start_info::<Child>());
                launch(&cell, number, Child { record: record.clone(), start: Start::Succeeds }, None);
                number
            };
            let first = start();
            let child = ChildRef::__new(Address::following(Arc::clone(&cell)));
            let direct = ChildRef::__new(Address::direct(Arc::clone(&cell), first));
            let refused = send(&record, &child, &direct, async {
                yield_at_random().await;
                child.crash().await.unwrap();
                direct.ended().await;
                yield_at_random().await;
                start();
            });
            let refused = refused.await;
            let lost = refused.iter().any(|number| FOLLOWING.contains(number));
            assert!(bounds.is_some() || !lost, "a child's cell refused letters: {refused:?}");
            record.check(&refused, last(&child).await);
        });
    }
}

/// Starts fail: the letters to any incarnation wait in order until a start succeeds, also in the wait queue of a full
/// mailbox.
pub fn letters_to_a_child_wait_until_a_start_succeeds() {
    for bounds in [None, Some(Bounds { capacity: 1, overflow: Overflow::Wait })] {
        check_on_node(600, move |node| async move {
            let record = Record::default();
            let cell = Cell::<ChildMessage>::new(node.clone(), Some("/cell".into()), bounds);
            let start_child = |start| {
                let number = cell.occupy(start_info::<Child>());
                launch(&cell, number, Child { record: record.clone(), start }, None);
                ChildRef::__new(Address::direct(Arc::clone(&cell), number))
            };
            let first = start_child(if random_below(2) == 0 { Start::Fails } else { Start::TestsAndFails });
            let child = ChildRef::__new(Address::following(Arc::clone(&cell)));
            let refused = send(&record, &child, &first, async {
                first.ended().await;
                for _ in 0..random_below(3) {
                    start_child(Start::TestsAndFails).ended().await;
                    yield_at_random().await;
                }
                start_child(Start::Succeeds);
            });
            let refused = refused.await;
            assert!(
                refused.iter().all(|number| DIRECT.contains(number)),
                "a child's cell refused letters: {refused:?}"
            );
            let last = last(&child).await;
            let read = record.update(|entries| {
                let read: Vec<_> = entries.letters.iter().filter(|letter| letter.is_read).collect();
                assert!(read.iter().all(|letter| letter.by == last), "an earlier incarnation read letters: {read:?}");
                read.iter().map(|letter| letter.number).collect::<Vec<_>>()
            });
            assert_eq!(read, FOLLOWING);
            record.check(&refused, last);
        });
    }
}
