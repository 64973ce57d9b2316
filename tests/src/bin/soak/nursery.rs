//! Children that crash and are restarted while the crowd talks to them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use greenroom::prelude::*;

use super::{Tally, count, mix};

/// Many of one kind, none of which gives up.
#[supervisor]
pub(crate) struct Nursery {
    #[child(dynamic, restart = permanent, intensity = 1000000, period = "1s")]
    kids: Kid,
}

/// What all lives of a child have in common.
#[derive(Debug, Default)]
struct Book {
    /// The last word of each who talks to it.
    heard: Mutex<BTreeMap<usize, usize>>,
    starts: AtomicU64,
    seed: u64,
}

/// Crashes when it is told to. Some of its starts fail.
#[actor]
#[derive(Clone)]
pub(crate) struct Kid {
    book: Arc<Book>,
    tally: Arc<Tally>,
}

/// Stands in each word to a child: that word comes to one end.
pub(crate) struct Token {
    tally: Arc<Tally>,
    is_read: bool,
}

impl Token {
    pub(crate) fn new(tally: &Arc<Tally>) -> Token {
        count(&tally.told);
        Token { tally: Arc::clone(tally), is_read: false }
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        count(if self.is_read { &self.tally.heard } else { &self.tally.unheard });
    }
}

#[actor(local)]
impl Kid {
    #[init]
    async fn begin(&mut self) -> Result<(), Exit> {
        // The first start is the one that is waited for.
        let before = self.book.starts.fetch_add(1, Ordering::Relaxed);
        if before > 0 && mix(self.book.seed + before).is_multiple_of(4) {
            tokio::task::yield_now().await;
            count(&self.tally.failed_starts);
            return Err(Exit::error("not today"));
        }
        count(&self.tally.starts);
        Ok(())
    }

    #[cast]
    fn tell(&mut self, from: usize, number: usize, mut token: Token) {
        let before = self.book.heard.lock().unwrap().insert(from, number);
        self.tally.must(before < Some(number), || format!("a child heard {number} of {from} after {before:?}"));
        token.is_read = true;
    }

    #[cast]
    fn crash(&mut self) -> Result<(), Exit> {
        count(&self.tally.crashes);
        Err(Exit::error("bawl"))
    }

    #[call]
    fn heard(&self, from: usize) -> Option<usize> {
        self.book.heard.lock().unwrap().get(&from).copied()
    }
}

/// One with so many children.
pub(crate) async fn open(node: &Node, kids: usize, tally: &Arc<Tally>) -> (NurseryRef, Vec<KidRef>) {
    let nursery = node.start_tree(Nursery {}).await.expect("it has no children yet");
    let mut stubs = Vec::new();
    for kid in 0..kids {
        let book = Arc::new(Book { seed: (kid as u64) << 32, ..Book::default() });
        let starting = nursery.kids().start_child(Kid { book, tally: Arc::clone(tally) });
        stubs.push(starting.await.expect("the first start succeeds"));
    }
    (nursery, stubs)
}

/// All have said what they had to say: each child is there again, and has heard what came to it. Then they go.
pub(crate) async fn close(nursery: NurseryRef, kids: &[KidRef], tally: &Arc<Tally>) {
    for kid in kids {
        let there = loop {
            match kid.heard(0).within(Duration::from_secs(60)).await {
                // It was there, and a crash came before the question.
                Err(CallError::Exit(_)) => {}
                other => break other,
            }
        };
        tally.must(there.is_ok(), || format!("a child is not there again: {there:?}"));
    }
    let count = nursery.kids().count_children().await;
    tally.must(count.as_ref().is_ok_and(|count| count.active == kids.len()), || {
        format!("of {} children there are {count:?}", kids.len())
    });
    nursery.stop().await;
    let [starts, crashes] = [&tally.starts, &tally.crashes].map(|counter| counter.swap(0, Ordering::Relaxed));
    tally.must(starts == kids.len() + crashes, || {
        format!("{starts} starts of {} children that crashed {crashes} times", kids.len())
    });
    let [told, heard, unheard] =
        [&tally.told, &tally.heard, &tally.unheard].map(|counter| counter.load(Ordering::Relaxed));
    tally.must(told == heard + unheard, || format!("of {told} words {heard} were heard and {unheard} lost"));
}
