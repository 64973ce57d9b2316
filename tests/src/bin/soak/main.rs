//! `soak CROWD SECONDS`: crowds of processes that link, watch, send, call, name themselves, set timers and die at random,
//! on all cores, and talk to supervised children that crash and are restarted; one crowd after the other until the time is
//! up, but two at least.
//!
//! Afterwards nothing may be left: no process, no name, no timer, no memory beyond a constant. Each process checks what it
//! hears: the messages of one sender are numbered without a gap, also if some came by its name; an answer counts all that
//! were sent before the question; of each watch it hears once at most, and never after it has ended it, and then whom it
//! watched has no name any more; each timer goes off once, not before its time, or was cancelled. A child hears nobody's
//! words twice or out of order, whichever of its lives hears them; each word to it is heard or lost once; and it starts
//! once more than it crashes.

mod nursery;
mod reveller;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use greenroom::prelude::*;
use greenroom_tests::counting::{Counting, live};
use reveller::{Crowd, NAMES, Reveller, WordRef, name_of};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What may be alive more than after the first crowds: what the runtime's threads and tables keep for the next. It does not
/// grow with the number of crowds; a word left by each process of one crowd of 100,000 would be more.
const SLACK: usize = 64 * 1024;

/// So many crowds come before anything is measured: tables and threads have their sizes then.
const WARM_UP: u64 = 2;

/// What an alarm takes that is still raised: that a child keeps crashing is told for a minute after its last crash, and
/// children of later crowds are called the same.
const ALARM: usize = 1024;

/// What happened, and what must not.
#[derive(Debug, Default)]
struct Tally {
    notes: AtomicUsize,
    answers: AtomicUsize,
    timeouts: AtomicUsize,
    downs: AtomicUsize,
    exits: AtomicUsize,
    named: AtomicUsize,
    by_name: AtomicUsize,
    ticks: AtomicUsize,
    cancelled: AtomicUsize,
    /// Words to children, and what became of them.
    told: AtomicUsize,
    heard: AtomicUsize,
    unheard: AtomicUsize,
    /// Of the children of one crowd.
    starts: AtomicUsize,
    crashes: AtomicUsize,
    failed_starts: AtomicUsize,
    faults: AtomicUsize,
}

impl Tally {
    /// Counts, and tells, what must not be.
    fn must(&self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            eprintln!("fault: {}", what());
            self.faults.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn count(counter: &AtomicUsize) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// A number at random that is always the same: splitmix64's last step.
fn mix(seed: u64) -> u64 {
    let z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<usize>());
    let (Some(Ok(crowd)), Some(Ok(seconds))) = (arguments.next(), arguments.next()) else {
        eprintln!("soak CROWD SECONDS");
        return ExitCode::from(2);
    };
    // Thousands of crash reports are as it should be, and go nowhere.
    tracing::subscriber::set_global_default(tracing::subscriber::NoSubscriber::new()).unwrap();
    let tally = Arc::new(Tally::default());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let (started, mut crowds) = (Instant::now(), 0);
    runtime.block_on(async {
        let node = Node::local();
        // The first ones are for what is made once.
        for seed in 0..WARM_UP {
            play(&node, crowd, seed, &tally).await;
        }
        let (before, alarms) = (settled().await, node.raised_alarms().len());
        let begin = Instant::now();
        while crowds == 0 || begin.elapsed() < Duration::from_secs(seconds as u64) {
            play(&node, crowd, WARM_UP + crowds, &tally).await;
            crowds += 1;
        }
        let (after, more) = (settled().await, node.raised_alarms().len().saturating_sub(alarms));
        let allowed = before + SLACK + more * ALARM;
        tally.must(after <= allowed, || format!("{} bytes are left, and {more} alarms", after - before));
        println!("memory: {before} bytes after {WARM_UP} crowds, {after} and {more} more alarms after the last");
    });
    println!("{} processes in {:.1} s: {tally:?}", (crowds + WARM_UP) * crowd as u64, started.elapsed().as_secs_f32());
    if tally.faults.load(Ordering::Relaxed) == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The bytes that the program holds when the last timeouts of a crowd's calls have passed.
async fn settled() -> usize {
    tokio::time::sleep(Duration::from_secs(1)).await;
    live()
}

/// The life of one crowd, from nobody to nobody.
async fn play(node: &Node, size: usize, seed: u64, tally: &Arc<Tally>) {
    let (nursery, kids) = nursery::open(node, size.div_ceil(100), tally).await;
    let others = node.process_count();
    let crowd = Arc::new(Crowd::of(kids));
    let stubs: Arc<[_]> = (0..size)
        .map(|number| node.spawn(Reveller::new(number, seed, Arc::clone(&crowd), Arc::clone(tally))))
        .collect();
    tally.must(node.process_count() >= size, || format!("{} of {size} live", node.process_count()));
    let everybody = crowd.everybody.get_or_init(|| stubs);
    everybody.iter().for_each(|stub| drop(stub.go()));
    for stub in everybody.iter() {
        if tokio::time::timeout(Duration::from_secs(60), stub.ended()).await.is_err() {
            return tally.must(false, || format!("{stub:?} never ends"));
        }
    }
    nursery::close(nursery, &crowd.kids, tally).await;
    // Whoever has ended may still be on its way out, and a timer still to find out that nobody is there.
    let timers = || Arc::strong_count(&crowd.timers) - 1;
    let begin = Instant::now();
    while node.process_count() + timers() > 0 && begin.elapsed() < Duration::from_secs(10) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let left = node.process_count();
    tally.must(left == 0, || format!("{left} processes are left, of {}", size + others));
    tally.must(timers() == 0, || format!("{} timers are left", timers()));
    for name in (0..size).map(name_of).chain(NAMES.map(str::to_owned)) {
        tally.must(node.named::<WordRef>(&name).pid().is_none(), || format!("somebody is still called {name}"));
    }
}
