//! Supervised children that crash and are restarted while the crowd sends to them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use greenroom::prelude::*;

use super::{Totals, count, mix};

/// The supervisor of the children, whose intensity is never exceeded.
#[supervisor]
pub(crate) struct ChildTree {
    #[child(dynamic, restart = permanent, intensity = 1000000, period = "1s")]
    children: Child,
}

/// The state that all incarnations of a child share.
#[derive(Debug, Default)]
struct Record {
    /// The number of the last note of each sender.
    received: Mutex<BTreeMap<usize, usize>>,
    starts: AtomicU64,
    seed: u64,
}

/// A child that crashes on request. Some of its restarts fail.
#[actor]
#[derive(Clone)]
pub(crate) struct Child {
    record: Arc<Record>,
    totals: Arc<Totals>,
}

/// A part of each note to a child. When it is dropped, it counts the note as read or as lost.
pub(crate) struct Token {
    totals: Arc<Totals>,
    is_read: bool,
}

impl Token {
    pub(crate) fn new(totals: &Arc<Totals>) -> Token {
        count(&totals.child_notes_sent);
        Token { totals: Arc::clone(totals), is_read: false }
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        count(if self.is_read { &self.totals.child_notes_read } else { &self.totals.child_notes_lost });
    }
}

#[actor(local)]
impl Child {
    #[init]
    async fn begin(&mut self) -> Result<(), Exit> {
        // `open` awaits the first start, so that one always succeeds.
        let before = self.record.starts.fetch_add(1, Ordering::Relaxed);
        if before > 0 && mix(self.record.seed + before).is_multiple_of(4) {
            tokio::task::yield_now().await;
            count(&self.totals.failed_starts);
            return Err(Exit::error("start failed"));
        }
        count(&self.totals.starts);
        Ok(())
    }

    #[cast]
    pub(crate) fn note(&mut self, from: usize, number: usize, mut token: Token) {
        let before = self.record.received.lock().unwrap().insert(from, number);
        self.totals
            .check(before < Some(number), || format!("a child received note {number} of {from} after note {before:?}"));
        token.is_read = true;
    }

    #[cast]
    pub(crate) fn crash(&mut self) -> Result<(), Exit> {
        count(&self.totals.crashes);
        Err(Exit::error("crash"))
    }

    #[call]
    pub(crate) fn last_note(&self, from: usize) -> Option<usize> {
        self.record.received.lock().unwrap().get(&from).copied()
    }
}

/// Starts a supervisor with so many children.
pub(crate) async fn open(node: &Node, size: usize, totals: &Arc<Totals>) -> (ChildTreeRef, Vec<ChildRef>) {
    let tree = node.start_tree(ChildTree {}).await.expect("a tree without children starts");
    let mut stubs = Vec::new();
    for number in 0..size {
        let record = Arc::new(Record { seed: (number as u64) << 32, ..Record::default() });
        let starting = tree.children().start_child(Child { record, totals: Arc::clone(totals) });
        stubs.push(starting.await.expect("the first start succeeds"));
    }
    (tree, stubs)
}

/// Checks that each child is running again and that each note was read or lost, and stops the children.
pub(crate) async fn close(tree: ChildTreeRef, children: &[ChildRef], totals: &Arc<Totals>) {
    for child in children {
        // `forever`: with a timeout, the node's timer wheel would hold a few calls until their time has passed.
        let running = tokio::time::timeout(Duration::from_secs(60), async {
            loop {
                match child.last_note(0).forever().await {
                    // A crash came before the call.
                    Err(CallError { kind: CallErrorKind::Exit(_), .. }) => {}
                    other => break other,
                }
            }
        });
        let running = running.await;
        totals.check(matches!(running, Ok(Ok(_))), || format!("a child is not running again: {running:?}"));
    }
    let count = tree.children().count_children().await;
    totals.check(count.as_ref().is_ok_and(|count| count.active == children.len()), || {
        format!("expected {} children, found {count:?}", children.len())
    });
    tree.stop().await;
    let [starts, crashes] = [&totals.starts, &totals.crashes].map(|counter| counter.swap(0, Ordering::Relaxed));
    totals.check(starts == children.len() + crashes, || {
        format!("{starts} starts of {} children that crashed {crashes} times", children.len())
    });
    let [sent, read, lost] = [&totals.child_notes_sent, &totals.child_notes_read, &totals.child_notes_lost]
        .map(|counter| counter.load(Ordering::Relaxed));
    totals.check(sent == read + lost, || format!("of {sent} notes to children, {read} were read and {lost} lost"));
}
