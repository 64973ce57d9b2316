//! Workloads between two nodes: casts and calls to a server on the other node, found by its registered name.

use std::convert::Infallible;
use std::time::Instant;

use bench::{Figure, ServerProcess, Size, announce, size};
use greenroom::prelude::*;

use crate::large::Store;

/// A server that counts, in the second program.
#[actor(name = "counter")]
#[derive(Default)]
pub struct RemoteCounter {
    count: u64,
}

#[actor]
impl RemoteCounter {
    #[cast]
    fn add(&mut self, n: u64) {
        self.count += n;
    }

    #[call]
    pub fn bump(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    #[call]
    fn count(&self) -> u64 {
        self.count
    }
}

/// A process that sends to the counter of the other node.
#[actor]
struct RemoteSender {
    counter: RemoteCounterRef,
}

#[actor]
impl RemoteSender {
    /// Returns the counter's count after the last cast. One process's messages to another keep their order.
    #[call]
    async fn cast(&self, n: u64) -> u64 {
        for _ in 0..n {
            // Awaited, so that a connection that is slower than the sender slows it down.
            self.counter.add(1).await.expect("the nodes are connected");
        }
        self.counter.count().forever().await.expect("the counter is running")
    }

    #[call]
    async fn ask(&self, n: u64) {
        for _ in 0..n {
            self.counter.bump().await.expect("the counter is running");
        }
    }
}

/// Runs the node with the counter.
pub async fn serve() -> Infallible {
    let node = builder("server@localhost").listen("127.0.0.1:0").start().await.expect("a free port");
    let counter = node.start(RemoteCounter::default()).await.expect("the counter starts");
    node.start(Store::default()).await.expect("the store starts");
    announce(&node.address().expect("the node listens"));
    panic!("the counter has ended: {}", counter.ended().await);
}

pub async fn cast(size: Size) -> Vec<Figure> {
    let (_server, node, counter) = connect().await;
    let n = size.of(size::REMOTE_CASTS);
    let sender = node.spawn(RemoteSender { counter });
    let begin = Instant::now();
    let count = sender.cast(n).forever().await.expect("the sender is running");
    vec![Figure::rate("rcast", n, begin.elapsed(), count)]
}

pub async fn ask(name: &'static str, callers: u64, share: u64) -> Vec<Figure> {
    let (_server, node, counter) = connect().await;
    let senders: Vec<_> = (0..callers).map(|_| node.spawn(RemoteSender { counter: counter.clone() })).collect();
    let begin = Instant::now();
    let answered: Vec<_> = senders.iter().map(|sender| sender.ask(share).forever()).collect();
    for answered in answered {
        answered.await.expect("the caller is running");
    }
    let elapsed = begin.elapsed();
    let count = counter.count().await.expect("the counter is running");
    Figure::calls(name, callers, share, elapsed, count)
}

/// Starts the server and a node that is connected to it.
pub async fn connect() -> (ServerProcess, Node, RemoteCounterRef) {
    let server = ServerProcess::start();
    let node = builder("client@localhost").seed(&server.address).start().await.expect("a node");
    let counter: RemoteCounterRef = node.named_at("counter", "server@localhost");
    assert_eq!(counter.count().await, Ok(0));
    (server, node, counter)
}

/// Returns a node whose connections are encrypted, as all connections of greenroom are.
fn builder(name: &str) -> greenroom::NodeBuilder {
    let cookie = bench::COOKIE.parse().expect("32 bytes in base64");
    Node::builder(name).cookie(cookie).max_message_size(size::REMOTE_LARGE + 1024)
}
