//! An office on each node: a desk, which receives notes and echoes calls, and a clerk, who sends both to all other desks. An
//! upgrade hands over the clerk's place, and the messages that the desk has not handled.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use greenroom_macros::protocol;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::cluster::closing::wait_until;
use crate::node::KeptCall;
use crate::prelude::*;
use crate::testing::Cluster;

#[protocol]
enum Desk {
    Note { from: u64, number: u64 },
    Echo { number: u64, reply: Reply<u64> },
}

/// A message that was handed over.
pub(super) enum Kept {
    Note { from: u64, number: u64 },
    Echo { number: u64, call: KeptCall },
}

/// A step after which an attempt fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Paused,
    Collected,
    Started,
}

/// The record of all offices.
#[derive(Clone, Default)]
pub(super) struct Book(Arc<Shared>);

#[derive(Default)]
struct Shared {
    record: Mutex<Record>,
    changed: Notify,
}

#[derive(Default)]
struct Record {
    /// The notes that a desk has received from a clerk.
    notes: BTreeMap<(usize, u64), Vec<u64>>,
    /// The number of notes that a clerk has sent.
    sent: BTreeMap<u64, u64>,
    echoes: u64,
    failed_echoes: u64,
    gates: BTreeMap<usize, Arc<Gate>>,
    upgraded: BTreeSet<usize>,
    is_closing: bool,
}

/// The stop of one office for a hand-over.
#[derive(Default)]
struct Gate {
    clerk_stops: AtomicBool,
    clerk_rests: AtomicBool,
    desk_stops: AtomicBool,
    collects: AtomicBool,
    reopens: AtomicBool,
    kept: Mutex<Option<Vec<Kept>>>,
}

impl Book {
    fn record(&self) -> MutexGuard<'_, Record> {
        self.0.record.lock().unwrap()
    }

    fn gate(&self, index: usize) -> Arc<Gate> {
        Arc::clone(&self.record().gates[&index])
    }

    fn set(&self, flag: &AtomicBool) {
        flag.store(true, Ordering::Relaxed);
        self.0.changed.notify_waiters();
    }

    async fn until(&self, condition: impl Fn() -> bool) {
        wait_until(&self.0.changed, condition).await;
    }

    /// Lets all clerks stop.
    pub(super) async fn close(&self) {
        self.record().is_closing = true;
        let gates: Vec<_> = self.record().gates.values().cloned().collect();
        for gate in gates {
            self.until(|| is(&gate.clerk_rests)).await;
        }
    }

    pub(super) fn was_upgraded(&self, index: usize) -> bool {
        self.record().upgraded.contains(&index)
    }

    /// The notes of each clerk came in their order, and none twice.
    pub(super) fn check_order(&self) {
        for (of, notes) in &self.record().notes {
            assert!(notes.is_sorted_by(|one, next| one < next), "{of:?}: {notes:?}");
        }
    }

    /// All notes came, and all calls were answered.
    pub(super) fn check_complete(&self) {
        let record = self.record();
        for ((desk, from), notes) in &record.notes {
            let expected: Vec<u64> = (0..record.sent[from]).collect();
            assert_eq!(notes, &expected, "notes of {from} at {desk}");
        }
        assert_eq!(record.notes.len(), record.sent.len() * (record.sent.len() - 1));
        assert_eq!(record.failed_echoes, 0);
        assert!(record.echoes > 0);
    }
}

fn is(flag: &AtomicBool) -> bool {
    flag.load(Ordering::Relaxed)
}

/// Opens the office of a node, in place of one that has kept these messages, and has sent so many notes.
pub(super) fn open(node: &Node, index: usize, nodes: usize, book: &Book, kept: Vec<Kept>, sent: u64) {
    let gate = Arc::new(Gate::default());
    book.record().gates.insert(index, Arc::clone(&gate));
    let _here = node.enter();
    let (own_book, own_gate) = (book.clone(), Arc::clone(&gate));
    let desk = crate::spawn(async move |mailbox: Mailbox<Desk>| {
        serve(mailbox, index, &own_book, &own_gate, kept).await;
    });
    DeskRef::register("desk", &desk).unwrap();
    let (book, node) = (book.clone(), node.clone());
    node.clone().spawner().spawn(async move {
        node.own_turn().await;
        send(&node, index, nodes, &book, &gate, sent).await;
    });
}

async fn serve(mut mailbox: Mailbox<Desk>, index: usize, book: &Book, gate: &Gate, kept: Vec<Kept>) {
    let node = mailbox.node().clone();
    // The replies are made before the commit: a peer that connects requests the others at once.
    let kept: Vec<Desk> = kept
        .into_iter()
        .map(|kept| match kept {
            Kept::Note { from, number } => Desk::Note { from, number },
            Kept::Echo { number, call } => Desk::Echo { number, reply: Reply::of_kept_call(&node, call) },
        })
        .collect();
    node.own_turn().await;
    let handle = |message| match message {
        Desk::Note { from, number } => book.record().notes.entry((index, from)).or_default().push(number),
        Desk::Echo { number, reply } => reply.send(number),
    };
    kept.into_iter().for_each(handle);
    loop {
        tokio::select! {
            biased;
            () = book.until(|| is(&gate.desk_stops)) => {}
            message = mailbox.receive() => {
                handle(message);
                continue;
            }
        }
        book.until(|| is(&gate.collects)).await;
        let mut held = Vec::new();
        while let Ok(message) = tokio::time::timeout(Duration::ZERO, mailbox.receive()).await {
            held.push(message);
        }
        let kept = held.iter().map(|message| match message {
            Desk::Note { from, number } => Kept::Note { from: *from, number: *number },
            Desk::Echo { number, reply } => Kept::Echo { number: *number, call: reply.kept_call().unwrap() },
        });
        *gate.kept.lock().unwrap() = Some(kept.collect());
        book.0.changed.notify_waiters();
        book.until(|| is(&gate.reopens)).await;
        held.into_iter().for_each(handle);
        book.until(|| !is(&gate.desk_stops)).await;
    }
}

/// Calls a process of the first node from the second one, which answers after a time.
pub(super) async fn ask_slowly(cluster: &Cluster, time: Duration) -> JoinHandle<Result<u64, CallError>> {
    let [callee, caller] = [0, 1].map(|index| cluster.node(index).clone());
    let here = callee.enter();
    let slow = crate::spawn(async move |mut mailbox: Mailbox<Desk>| {
        while let Desk::Echo { number, reply } = mailbox.receive().await {
            tokio::time::sleep(time).await;
            reply.send(number);
        }
    });
    DeskRef::register("slow", &slow).unwrap();
    drop(here);
    let desk: DeskRef = caller.named_at("slow", "n0@test");
    let call = tokio::spawn(caller.scope(desk.echo(7).forever().into_future()));
    tokio::time::sleep(Duration::from_secs(1)).await;
    call
}

/// Sends notes with ascending numbers to all other desks, and calls them, until the book is closed.
async fn send(node: &Node, index: usize, nodes: usize, book: &Book, gate: &Gate, first: u64) {
    let from = index as u64;
    for number in first.. {
        book.record().sent.insert(from, number);
        if book.record().is_closing || is(&gate.clerk_stops) {
            book.set(&gate.clerk_rests);
            book.until(|| is(&gate.reopens)).await;
            gate.clerk_rests.store(false, Ordering::Relaxed);
            if book.record().is_closing {
                return book.set(&gate.clerk_rests);
            }
        }
        for to in (0..nodes).filter(|to| *to != index) {
            let desk: DeskRef = node.named_at("desk", format!("n{to}@test"));
            // Fails if the connection is lost.
            let _ = node.scope(desk.note(from, number).into_future()).await;
            if (number + to as u64).is_multiple_of(3) {
                let echoed = node.scope(desk.echo(number).within(Duration::from_secs(600)).into_future()).await;
                let mut record = book.record();
                match echoed {
                    Ok(echoed) if echoed == number => record.echoes += 1,
                    _ => record.failed_echoes += 1,
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(node.rng().below(20))).await;
    }
}

/// Upgrades a node, or fails after a step.
pub(super) async fn upgrade(cluster: &Cluster, index: usize, book: &Book, fails_at: Option<Step>) {
    let (node, gate) = (cluster.node(index).clone(), book.gate(index));
    book.set(&gate.clerk_stops);
    book.until(|| is(&gate.clerk_rests)).await;
    let router = node.router().unwrap();
    let pause = || tokio::time::sleep(Duration::from_millis(cluster.draw(100)));
    // An answer of the desk in the pause waits in the outbox.
    let stops_first = cluster.draw(2) == 0;
    if stops_first {
        book.set(&gate.desk_stops);
        // Notes and calls come into its mailbox meanwhile.
        pause().await;
    }
    router.pause_peers(&node, Duration::from_secs(5)).await;
    pause().await;
    book.set(&gate.desk_stops);
    let mut successor = None;
    let fails = 'attempt: {
        if fails_at == Some(Step::Paused) {
            break 'attempt true;
        }
        book.set(&gate.collects);
        book.until(|| gate.kept.lock().unwrap().is_some()).await;
        pause().await;
        if fails_at == Some(Step::Collected) {
            break 'attempt true;
        }
        let kept = gate.kept.lock().unwrap().take().unwrap();
        let sent = book.record().sent[&(index as u64)];
        let peers = router.paused_peers(&node);
        let started = cluster.start_successor(index, peers, node.last_number() + 1).await;
        open(started.node(), index, cluster.size(), book, kept, sent);
        successor = Some(started);
        pause().await;
        fails_at == Some(Step::Started)
    };
    if fails {
        if let Some(successor) = successor {
            successor.kill();
        }
        book.record().gates.insert(index, Arc::clone(&gate));
        // A desk that has not collected begins with that.
        book.set(&gate.collects);
        book.until(|| gate.kept.lock().unwrap().is_some() || fails_at == Some(Step::Started)).await;
        router.resume_peers();
        book.set(&gate.reopens);
        pause().await;
        for flag in [&gate.clerk_stops, &gate.desk_stops, &gate.collects] {
            flag.store(false, Ordering::Relaxed);
        }
        gate.kept.lock().unwrap().take();
        book.0.changed.notify_waiters();
        pause().await;
        gate.reopens.store(false, Ordering::Relaxed);
    } else if let Some(successor) = successor {
        cluster.commit(index, successor).await;
        book.record().upgraded.insert(index);
    }
}
