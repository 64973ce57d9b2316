//! Random traffic between nodes, under faults that a seed decides.
//!
//! Clerks on all nodes send orders to shops, hire workers, and monitor, link and end them. Links break, carry nothing in
//! one direction, are slow or throttled; nodes crash and restart; the shops are slow. Each run checks that
//!
//! - no order is lost while its connection stands, and a loss is at the end of what was sent over a connection;
//! - no order arrives twice, and those of a clerk arrive at a shop in their order;
//! - each call, monitor and link has one outcome, which is the true one;
//! - in the end nothing waits, and nothing is remembered.
//!
//! Twenty seeds, or those of `GREENROOM_TEST_SEEDS` for each number of nodes.

mod clerk;
mod record;
mod shops;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clerk::{Clerk, Desk, DeskRef};
use record::{Book, check_exits, check_record};
use shops::{Agency, AgencyRef, Counter, Kiosk, Mall, Shop, TradeRef};

use crate::prelude::*;
use crate::session::Limits;
use crate::testing::{Check, Cluster, Faults};

/// The number of a monitored shop among the workers.
const SHOP: u64 = u64::MAX;

/// Opens the shops of a node.
async fn boot(node: Node, book: Book) -> Result<(), StartError> {
    let mall = Mall { counter: Counter::new(&book) }.start().await?;
    let shop = node.start(Shop { counter: Counter::new(&book) }).await?;
    let agency = node.start(Agency { book: book.clone(), workers: BTreeMap::new() }).await?;
    let kiosk = node.start(Kiosk { counter: Counter::new(&book), stall: mall.stall() }).await?;
    AgencyRef::register("agency", &agency).unwrap();
    TradeRef::register("shop", &shop).unwrap();
    TradeRef::register("kiosk", &kiosk).unwrap();
    Ok(())
}

/// Keeps two clerks on each node, also after restarts, until the traffic ends.
async fn employ(cluster: &Cluster, book: &Book) -> Vec<(usize, u64, DeskRef)> {
    let mut clerks: Vec<(usize, u64, DeskRef)> = Vec::new();
    while !book.lock().is_closing {
        for index in (0..cluster.size()).filter(|index| !cluster.is_down(*index)) {
            let incarnation = cluster.node(index).id().incarnation;
            if clerks.iter().any(|clerk| (clerk.0, clerk.1) == (index, incarnation)) {
                continue;
            }
            for _ in 0..2 {
                let (cluster, book) = (cluster.clone(), book.clone());
                let _here = cluster.node(index).clone().enter();
                let clerk = crate::spawn(async move |mailbox: Mailbox<Desk>| {
                    Clerk::new(mailbox, index, &cluster, &book).work().await;
                });
                clerks.push((index, incarnation, clerk));
            }
        }
        for counts in remembered(cluster) {
            counts.into_iter().filter(|(_, count)| *count > 0).for_each(|(kind, _)| book.count(kind));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    clerks.retain(|clerk| cluster.node(clerk.0).id().incarnation == clerk.1);
    clerks
}

/// Everything that a node remembers of others, and its processes.
fn remembered(cluster: &Cluster) -> Vec<BTreeMap<&'static str, usize>> {
    let of = |index| {
        let node = cluster.node(index);
        let mut counts = node.router().unwrap().remembered(node);
        counts.insert("processes", node.process_count());
        counts.insert("calls", node.pending_calls().count());
        counts
    };
    (0..cluster.size()).map(of).collect()
}

/// Breaks single links for a moment, again and again.
async fn break_links(cluster: &Cluster, span: Duration) {
    let end = tokio::time::Instant::now() + span;
    while tokio::time::Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(cluster.draw(2_000))).await;
        let [one, other] = [(); 2].map(|()| cluster.draw(cluster.size() as u64) as usize);
        cluster.partition(one, other);
        tokio::time::sleep(Duration::from_millis(cluster.draw(300))).await;
        cluster.heal(one, other);
    }
}

async fn traffic(cluster: Cluster, book: Book) {
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = remembered(&cluster);
    let span = Duration::from_millis(10_000 + cluster.draw(15_000));
    let faults = async {
        tokio::join!(cluster.chaos(Faults::ALL, span), break_links(&cluster, span));
        // In order, beside the crashes.
        if cluster.draw(3) == 0 {
            cluster.restart(cluster.draw(cluster.size() as u64) as usize).await;
        }
        cluster.connected().await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        book.lock().is_closing = true;
    };
    let (clerks, ()) = tokio::join!(employ(&cluster, &book), faults);
    // All that was sent arrives.
    tokio::time::sleep(Duration::from_secs(60)).await;
    check_exits(&cluster, &book.lock());
    for index in 0..cluster.size() {
        let node = cluster.node(index);
        node.scope(async { node.named::<AgencyRef>("agency").dismiss().await }).await.unwrap();
    }
    for (index, _, clerk) in clerks {
        let ended = tokio::time::timeout(Duration::from_secs(600), clerk.ended()).await;
        assert_eq!(ended, Ok(Exit::Normal), "a clerk of node {index}: {:?}", book.lock().failures);
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    check_record(&cluster, &mut book.lock());
    if remembered(&cluster) != before {
        // A comparison of members may have begun at this moment.
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(remembered(&cluster), before);
}

/// The states that the traffic of all seeds is to reach.
const REACHED: &[&str] = &[
    "answers",
    "calls that were given up",
    "calls that were lost with a connection",
    "casts that open a connection",
    "casts that wait",
    "casts that were lost with a connection",
    "casts to a lost node",
    "demonitors",
    "held targets",
    "links",
    "messages in front of mailboxes",
    "messages in front of the outbox",
    "monitors",
    "monitors of names",
    "unlinks",
];

/// Runs the traffic between so many nodes. Returns the states that the seeds have reached.
fn check(nodes: usize, seeds: u64) -> BTreeMap<&'static str, u64> {
    let (coverage, runs) = (Mutex::new(BTreeMap::new()), AtomicU64::new(0));
    // Small bounds, so that much has to wait.
    let limits = Limits {
        fragment: 1024,
        high_water: 16 * 1024,
        large: 4096,
        frame: 1 << 20,
        reassembly: 1 << 20,
        ..Limits::default()
    };
    let check = Check::nodes(nodes).limits(limits).state(|_| Book::default()).boot(boot);
    check.run(0..seeds, async |cluster, book| {
        traffic(cluster, book.clone()).await;
        runs.fetch_add(1, Ordering::Relaxed);
        for (event, count) in book.lock().coverage.clone() {
            *coverage.lock().unwrap().entry(event).or_default() += count;
        }
    });
    // One seed, to find its fault, does not reach all.
    if runs.into_inner() >= seeds { coverage.into_inner().unwrap() } else { BTreeMap::new() }
}

#[test]
fn nothing_is_lost_twice_or_left_behind_between_two_nodes() {
    let reached = check(2, 20);
    for state in REACHED.iter().filter(|_| !reached.is_empty()) {
        assert!(reached.contains_key(state), "no seed reaches {state:?}: {reached:#?}");
    }
}

#[test]
fn nothing_is_lost_twice_or_left_behind_between_three_nodes() {
    check(3, 5);
}

#[test]
fn nothing_is_lost_twice_or_left_behind_between_four_nodes() {
    check(4, 3);
}
