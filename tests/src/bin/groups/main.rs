//! A group with very many members on ten nodes in one program, connected over loopback. Prints the time until all nodes
//! list all members. Then it prints the bytes of a broadcast for each node, and the time from a broadcast to the last
//! handler: on all nodes, and on one node with as many members.
//!
//! The arguments are the number of members, 1,000,000 by default, and that of nodes, 10 by default.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use greenroom::prelude::*;
use greenroom::registry::Group;
use greenroom_tests::measuring::{connected_nodes, resident_memory};
use tokio::sync::Notify;

/// The number of handlers that have run since the last broadcast.
static HANDLED: AtomicU64 = AtomicU64::new(0);
static TOTAL: AtomicU64 = AtomicU64::new(0);
static DONE: Notify = Notify::const_new();

#[actor]
struct Listener;

#[actor]
impl Listener {
    #[init]
    async fn open(cx: &mut Context<Self>) -> Result<Listener, Exit> {
        Group::<ListenerMessage>::named("listeners").join(cx);
        Ok(Listener)
    }

    #[cast]
    fn show(&mut self, round: u64) {
        let _ = round;
        if HANDLED.fetch_add(1, Ordering::Relaxed) + 1 == TOTAL.load(Ordering::Relaxed) {
            DONE.notify_one();
        }
    }
}

fn group(node: &Node) -> Group<ListenerMessage> {
    node.group("listeners")
}

/// Starts so many members on each node, and waits until each node lists all.
async fn fill(nodes: &[Node], each: u64) {
    let (before, begun) = (resident_memory(), Instant::now());
    for node in nodes {
        // Also takes part.
        let _ = group(node);
    }
    for node in nodes {
        for _ in 0..each {
            drop(node.spawn(Listener::open()));
        }
    }
    let total = each * nodes.len() as u64;
    let is_complete = |node: &Node| group(node).count() as u64 == total;
    while !nodes.iter().all(is_complete) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    println!(
        "{} nodes list {total} members after {:.2} s; {:.0} bytes each, with the process",
        nodes.len(),
        begun.elapsed().as_secs_f64(),
        (resident_memory() - before) / total as f64,
    );
}

/// Returns the bytes that a node has sent to each peer.
fn sent(node: &Node) -> BTreeMap<String, u64> {
    node.metrics().traffic.into_iter().map(|(peer, traffic)| (peer, traffic.sent)).collect()
}

/// Broadcasts from the first node, and prints the time to the last handler.
async fn broadcast(nodes: &[Node], total: u64) {
    TOTAL.store(total, Ordering::Relaxed);
    // The first round also sends the definition of the protocol.
    for round in 1..=5 {
        HANDLED.store(0, Ordering::Relaxed);
        let (before, begun) = (sent(&nodes[0]), Instant::now());
        let sending = group(&nodes[0]).broadcast(ListenerMessage::Show { round });
        let returned = begun.elapsed();
        DONE.notified().await;
        let took = begun.elapsed();
        let bytes: Vec<u64> = sent(&nodes[0]).iter().map(|(peer, sent)| sent - before[peer]).collect();
        println!(
            "{} nodes: the last of {total} handlers ran after {:.0} ms (`broadcast` returned after {:.0} ms); \
             bytes sent to each peer: {bytes:?}",
            nodes.len(),
            took.as_secs_f64() * 1e3,
            returned.as_secs_f64() * 1e3,
        );
        sending.await.expect("no connection is full");
    }
}

async fn run(total: u64, count: u64) {
    let nodes = connected_nodes(count as usize, "groups").await;
    fill(&nodes, total / count).await;
    broadcast(&nodes, total / count * count).await;
    for node in nodes {
        node.stop().await;
    }
}

#[tokio::main]
async fn main() {
    let argument = |at, default| std::env::args().nth(at).map_or(default, |text| text.parse().expect("a number"));
    let (total, count): (u64, u64) = (argument(1, 1_000_000), argument(2, 10));
    run(total, count).await;
    run(total, 1).await;
}
