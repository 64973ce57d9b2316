//! `soak CROWD SECONDS`: starts crowds of processes, one after the other, until the time has passed.
//!
//! On all cores, the processes of a crowd link, monitor, send, call, register names, set timers and crash at random.
//! They also send to supervised children that crash and are restarted. At least one crowd runs after the warm-up.
//!
//! After a crowd, nothing may be left: no process, no name, no timer, and no memory beyond a constant. Each process
//! checks its messages:
//! - The notes of one sender are numbered without a gap, even if some were sent by name.
//! - An answer counts all notes that were sent before the call.
//! - A monitor reports at most once, and never after its removal. The name of the reported process is free then.
//! - A timer expires once, and not early, or it is cancelled.
//! - A child never receives a note twice or out of order, over all its incarnations. Each note to it is read or lost
//!   once. The number of its starts exceeds the number of its crashes by one.

mod children;
mod member;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use greenroom::prelude::*;
use greenroom_tests::counting::{CountingAllocator, bytes_in_use};
use member::{Crowd, LetterRef, Member, NAMES, name_of};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// The bytes that may be in use in addition to those after the warm-up. The runtime's threads and tables keep them for
/// later use, and they do not grow with the number of crowds. Eight bytes for each process of a crowd of 100,000 exceed
/// this limit.
const SLACK: usize = 64 * 1024;

/// The number of crowds before the first measurement. Tables and threads then have their final sizes.
const WARM_UP: u64 = 2;

/// The size of an active alarm. The alarm of a crash loop stays for a minute after the child's last crash, and children
/// of later crowds have the same path.
const ALARM: usize = 1024;

/// The numbers of operations and events, and of failed checks.
#[derive(Debug, Default)]
struct Totals {
    notes: AtomicUsize,
    answers: AtomicUsize,
    timeouts: AtomicUsize,
    downs: AtomicUsize,
    exits: AtomicUsize,
    named: AtomicUsize,
    by_name: AtomicUsize,
    ticks: AtomicUsize,
    cancelled: AtomicUsize,
    child_notes_sent: AtomicUsize,
    child_notes_read: AtomicUsize,
    child_notes_lost: AtomicUsize,
    /// The number of successful starts of the present crowd's children.
    starts: AtomicUsize,
    /// The number of crashes of the present crowd's children.
    crashes: AtomicUsize,
    failed_starts: AtomicUsize,
    faults: AtomicUsize,
}

impl Totals {
    /// Prints and counts a fault unless the condition holds.
    fn check(&self, holds: bool, fault: impl FnOnce() -> String) {
        if !holds {
            eprintln!("fault: {}", fault());
            self.faults.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn count(counter: &AtomicUsize) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Returns a pseudo-random number that depends on the seed only: the last step of splitmix64.
fn mix(seed: u64) -> u64 {
    let z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<usize>());
    let (Some(Ok(size)), Some(Ok(seconds))) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: soak CROWD SECONDS");
        return ExitCode::from(2);
    };
    // Thousands of crash reports are expected and discarded.
    tracing::subscriber::set_global_default(tracing::subscriber::NoSubscriber::new()).unwrap();
    let totals = Arc::new(Totals::default());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let (started, mut crowds) = (Instant::now(), 0);
    runtime.block_on(async {
        let node = Node::local();
        for seed in 0..WARM_UP {
            run_crowd(&node, size, seed, &totals).await;
        }
        let (before, alarms) = (settled().await, node.raised_alarms().len());
        let begin = Instant::now();
        while crowds == 0 || begin.elapsed() < Duration::from_secs(seconds as u64) {
            run_crowd(&node, size, WARM_UP + crowds, &totals).await;
            crowds += 1;
        }
        let (after, more) = (settled().await, node.raised_alarms().len().saturating_sub(alarms));
        let allowed = before + SLACK + more * ALARM;
        totals.check(after <= allowed, || format!("{} bytes are left, and {more} alarms", after - before));
        println!("memory: {before} bytes after {WARM_UP} crowds, {after} and {more} more alarms after the last");
    });
    println!("{} processes in {:.1} s: {totals:?}", (crowds + WARM_UP) * size as u64, started.elapsed().as_secs_f32());
    if totals.faults.load(Ordering::Relaxed) == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Waits for the last timeouts of a crowd's calls, and returns the bytes in use.
async fn settled() -> usize {
    tokio::time::sleep(Duration::from_secs(1)).await;
    bytes_in_use()
}

/// Starts a crowd, waits for its end, and checks that nothing is left.
async fn run_crowd(node: &Node, size: usize, seed: u64, totals: &Arc<Totals>) {
    let (tree, children) = children::open(node, size.div_ceil(100), totals).await;
    let others = node.process_count();
    let crowd = Arc::new(Crowd::of(children));
    let stubs: Arc<[_]> =
        (0..size).map(|number| node.spawn(Member::new(number, seed, Arc::clone(&crowd), Arc::clone(totals)))).collect();
    totals.check(node.process_count() >= size, || format!("{} of {size} are running", node.process_count()));
    let members = crowd.members.get_or_init(|| stubs);
    members.iter().for_each(|stub| drop(stub.go()));
    for stub in members.iter() {
        if tokio::time::timeout(Duration::from_secs(60), stub.ended()).await.is_err() {
            return totals.check(false, || format!("{stub:?} never ends"));
        }
    }
    children::close(tree, &crowd.children, totals).await;
    // The last steps of an end may follow its notification, and a timer may still have to detect that its process ended.
    let timers = || Arc::strong_count(&crowd.timers) - 1;
    let begin = Instant::now();
    while node.process_count() + timers() > 0 && begin.elapsed() < Duration::from_secs(10) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let left = node.process_count();
    totals.check(left == 0, || format!("{left} processes of {} are left", size + others));
    totals.check(timers() == 0, || format!("{} timers are left", timers()));
    for name in (0..size).map(name_of).chain(NAMES.map(str::to_owned)) {
        totals
            .check(node.named::<LetterRef>(&name).pid().is_none(), || format!("the name {name:?} is still registered"));
    }
}
