//! Very many actors by key on three nodes in one program, connected over loopback, beside as many plain processes. Prints
//! the time until the first message of each was handled, the memory of each, and the time of a second round of messages: from
//! a node to all keys, and to all plain processes of that node.
//!
//! The argument is the number of keys, 1,000,000 by default.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use greenroom::prelude::*;
use greenroom::registry::Sharded;
use greenroom_tests::measuring::{connected_nodes, resident_memory};
use tokio::sync::Notify;

/// The number of messages that were handled in this round.
static HANDLED: AtomicU64 = AtomicU64::new(0);
static TOTAL: AtomicU64 = AtomicU64::new(0);
static DONE: Notify = Notify::const_new();

#[actor]
struct Room {
    lines: u64,
}

#[actor]
impl Room {
    #[init]
    async fn open(key: String) -> Result<Room, Exit> {
        drop(key);
        Ok(Room { lines: 0 })
    }

    #[cast]
    fn say(&mut self) {
        self.lines += 1;
        if HANDLED.fetch_add(1, Ordering::Relaxed) + 1 == TOTAL.load(Ordering::Relaxed) {
            DONE.notify_one();
        }
    }
}

/// Sends `total` messages by `send`, and prints the time until the last was handled.
async fn round<F: Future<Output = ()>>(text: &str, total: u64, send: impl Fn(u64) -> F) {
    HANDLED.store(0, Ordering::Relaxed);
    let (before, begun) = (resident_memory(), Instant::now());
    for number in 0..total {
        send(number).await;
    }
    DONE.notified().await;
    let took = begun.elapsed();
    println!(
        "{text}: {:.2} s, {:.2} µs each; {:.0} bytes each",
        took.as_secs_f64(),
        took.as_secs_f64() * 1e6 / total as f64,
        (resident_memory() - before) / total as f64,
    );
}

#[tokio::main]
async fn main() {
    let total: u64 = std::env::args().nth(1).map_or(1_000_000, |text| text.parse().expect("a number"));
    TOTAL.store(total, Ordering::Relaxed);
    let nodes = connected_nodes(3, "keys").await;
    let mut hosted = Vec::new();
    for node in &nodes {
        hosted.push(node.sharded::<Room>("rooms").host(Room::open).start().await.expect("the node is a host"));
    }
    // All nodes see all hosts.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let rooms: Sharded<Room> = nodes[0].sharded("rooms");
    let say = |number| {
        let cast = rooms.at(number).say();
        async { cast.await.expect("a host takes the message") }
    };
    round("keys, first message", total, say).await;
    round("keys, second message", total, say).await;
    let counts: Vec<_> = hosted.iter().map(|hosted| hosted.keys().len()).collect();
    println!("keys of each node: {counts:?}");

    let plain: std::cell::RefCell<Vec<RoomRef>> = std::cell::RefCell::default();
    let start = |number: u64| {
        let room = nodes[0].spawn(Room::open(number.to_string()));
        room.say();
        plain.borrow_mut().push(room);
        std::future::ready(())
    };
    round("plain processes, first message", total, start).await;
    let again = |number: u64| {
        plain.borrow()[number as usize].say();
        std::future::ready(())
    };
    round("plain processes, second message", total, again).await;
    for node in nodes {
        node.stop().await;
    }
}
