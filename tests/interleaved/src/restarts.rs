//! The end of one life of a child and the beginning of the next, while others send to it.

use std::sync::{Arc, Mutex};

use crate::actor::{launch, start_info};
use crate::call::Address;
use crate::checker::{check_on_node, linger, roll};
use crate::mailbox::{Bounds, Overflow};
use crate::node::Current;
use crate::prelude::*;
use crate::process::Cell;
use crate::supervisor::{ChildSpec, TreeStub};
use crate::{Strategy, Supervisor};

/// A child that crashes when it is told to.
#[actor]
struct Child {
    book: Book,
    start: Start,
}

/// How a life of it starts.
#[derive(Clone, Copy)]
enum Start {
    Succeeds,
    Fails,
    /// It looks at all that is here, and takes nothing.
    Looks,
}

#[actor(local)]
impl Child {
    #[init]
    async fn begin(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        self.book.write(|pages| pages.lives.push(cx.pid().number()));
        if let Start::Succeeds = self.start {
            return Ok(());
        }
        linger().await;
        if let Start::Looks = self.start {
            receive!(match cx {
                ChildMessage::Read { letter } if letter.number == u32::MAX => drop(letter),
                after!(Duration::ZERO) => {}
            });
            linger().await;
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

/// What became of the letters, and the numbers of the child's lives.
#[derive(Clone, Default)]
struct Book(Arc<Mutex<Pages>>);

#[derive(Default)]
struct Pages {
    lives: Vec<u64>,
    letters: Vec<Ended>,
}

impl Book {
    fn write<R>(&self, f: impl FnOnce(&mut Pages) -> R) -> R {
        f(&mut self.0.lock().unwrap())
    }

    fn letter(&self, number: u32) -> Letter {
        Letter { number, is_read: false, book: self.clone() }
    }
}

/// A letter that is no more.
#[derive(Debug)]
struct Ended {
    number: u32,
    is_read: bool,
    /// The process in which it was read or dropped; zero outside of any.
    by: u64,
}

struct Letter {
    number: u32,
    is_read: bool,
    book: Book,
}

impl Drop for Letter {
    fn drop(&mut self) {
        let ended = Ended { number: self.number, is_read: self.is_read, by: Current::process() };
        self.book.write(|pages| pages.letters.push(ended));
    }
}

impl Book {
    /// Each letter has come to one end, where it should; `last` is the life that is asked behind all of them.
    fn check(&self, refused: &[u32], last: u64) {
        self.write(|pages| {
            assert_eq!(pages.lives.last(), Some(&last));
            pages.letters.sort_by_key(|letter| letter.number);
            let numbers: Vec<_> = pages.letters.iter().map(|letter| letter.number).collect();
            assert_eq!(numbers, [0, 1, 2, 3], "each letter, once");
            for Ended { number, is_read, by } in &pages.letters {
                if refused.contains(number) {
                    assert!(!is_read, "letter {number} was refused");
                } else if DIRECT.contains(number) {
                    assert_eq!(*by, pages.lives[0], "letter {number} was for the first life");
                } else {
                    assert!(pages.lives.contains(by), "letter {number} ended in no life, but in {by}");
                }
                assert!(*is_read || *by != last, "the last life reads what it gets");
            }
        });
    }
}

/// The numbers of letters to whoever lives there, and to the first one only.
const FOLLOWING: [u32; 2] = [0, 1];
const DIRECT: [u32; 2] = [2, 3];

/// Sends the letters, and says which were refused.
async fn send(book: &Book, child: &ChildRef, first: &ChildRef, meanwhile: impl Future<Output = ()>) -> Vec<u32> {
    let senders = [(child, FOLLOWING), (first, DIRECT)].map(|(to, numbers)| {
        let (book, to) = (book.clone(), to.clone());
        shuttle::future::spawn(async move {
            let mut refused = Vec::new();
            for number in numbers {
                linger().await;
                if to.read(book.letter(number)).await.is_err() {
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

/// Who lives there when all crashes are over. Nothing here waits for time: a call with a timeout would have the node
/// keep it on its wheel, which on a clock that stands still never turns.
async fn last(child: &ChildRef) -> u64 {
    loop {
        match child.me().forever().await {
            Ok(last) => break last.pid().unwrap().number(),
            Err(error) => assert_eq!(error, CallError::Exit(Exit::error("crash"))),
        }
    }
}

/// A child crashes once or twice and is restarted by its supervisor: what is sent by the tree's stub is read, or lost
/// with the life that had it, or waits for the next one.
pub fn a_letter_to_a_child_ends_with_a_life_or_waits_for_the_next() {
    check_on_node(600, |_| async {
        let book = Book::default();
        let make = {
            let book = book.clone();
            move || Child { book: book.clone(), start: Start::Succeeds }
        };
        let supervisor = Supervisor::new(Strategy::OneForOne).intensity(2);
        let tree = supervisor.child("child", ChildSpec::new(make)).start().await.unwrap();
        let child: ChildRef = tree.find_child("child").await.unwrap();
        let first = child.me().forever().await.unwrap();
        let crashes = async {
            for _ in 0..=roll(2) {
                linger().await;
                child.crash();
            }
        };
        let refused = send(&book, &child, &first, crashes).await;
        assert!(refused.iter().all(|number| DIRECT.contains(number)), "a place holds what comes: {refused:?}");
        book.check(&refused, last(&child).await);
    });
}

/// The same of a cell that stands empty for a while, also of one with room for one letter: then those in the line before
/// it hear of the end.
pub fn a_cell_is_handed_on_with_what_came_while_it_was_empty() {
    for bounds in [None, Some(Bounds { capacity: 1, overflow: Overflow::Wait })] {
        check_on_node(600, move |node| async move {
            let book = Book::default();
            let cell = Cell::<ChildMessage>::new(node.clone(), Some("/cell".into()), bounds);
            let live = || {
                let number = cell.occupy(start_info::<Child>());
                launch(&cell, number, Child { book: book.clone(), start: Start::Succeeds }, None);
                number
            };
            let first = live();
            let child = ChildRef::__new(Address::following(Arc::clone(&cell)));
            let direct = ChildRef::__new(Address::direct(Arc::clone(&cell), first));
            let refused = send(&book, &child, &direct, async {
                linger().await;
                child.crash().await.unwrap();
                direct.ended().await;
                linger().await;
                live();
            });
            let refused = refused.await;
            let lost = refused.iter().any(|number| FOLLOWING.contains(number));
            assert!(bounds.is_some() || !lost, "a place holds what comes: {refused:?}");
            book.check(&refused, last(&child).await);
        });
    }
}

/// The same of starts that fail: what is for whoever lives there waits until one succeeds, in its order, and also in the
/// line before a full mailbox.
pub fn what_is_sent_to_a_place_waits_until_a_start_succeeds() {
    for bounds in [None, Some(Bounds { capacity: 1, overflow: Overflow::Wait })] {
        check_on_node(600, move |node| async move {
            let book = Book::default();
            let cell = Cell::<ChildMessage>::new(node.clone(), Some("/cell".into()), bounds);
            let live = |start| {
                let number = cell.occupy(start_info::<Child>());
                launch(&cell, number, Child { book: book.clone(), start }, None);
                ChildRef::__new(Address::direct(Arc::clone(&cell), number))
            };
            let first = live(if roll(2) == 0 { Start::Fails } else { Start::Looks });
            let child = ChildRef::__new(Address::following(Arc::clone(&cell)));
            let refused = send(&book, &child, &first, async {
                first.ended().await;
                for _ in 0..roll(3) {
                    live(Start::Looks).ended().await;
                    linger().await;
                }
                live(Start::Succeeds);
            });
            let refused = refused.await;
            assert!(refused.iter().all(|number| DIRECT.contains(number)), "a place holds what comes: {refused:?}");
            let last = last(&child).await;
            let read = book.write(|pages| {
                let read: Vec<_> = pages.letters.iter().filter(|letter| letter.is_read).collect();
                assert!(read.iter().all(|letter| letter.by == last), "no life before it got so far: {read:?}");
                read.iter().map(|letter| letter.number).collect::<Vec<_>>()
            });
            assert_eq!(read, FOLLOWING);
            book.check(&refused, last);
        });
    }
}
