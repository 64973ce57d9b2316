//! Large messages between two nodes: how many bytes a second pass, and what small calls take beside them.

use std::time::Instant;

use bench::{Figure, Size, size};
use bytes::Bytes;
use greenroom::prelude::*;

use crate::remote::{RemoteCounterRef, connect};

/// A server that takes large messages, in the second program.
#[actor(name = "store")]
#[derive(Default)]
pub struct Store {
    bytes: u64,
}

#[actor]
impl Store {
    #[cast]
    pub fn put(&mut self, data: Bytes) {
        self.bytes += data.len() as u64;
    }

    #[call]
    pub fn stored(&self) -> u64 {
        self.bytes
    }
}

/// A process that sends large messages.
#[actor]
struct Loader {
    store: StoreRef,
}

#[actor]
impl Loader {
    /// Returns the bytes in the store after the last message.
    #[call]
    async fn load(&self, data: Bytes, count: u64) -> u64 {
        for _ in 0..count {
            self.store.put(data.clone()).await.expect("the nodes are connected");
        }
        self.store.stored().forever().await.expect("the store is running")
    }
}

/// A process that measures its calls.
#[actor]
struct Caller {
    counter: RemoteCounterRef,
}

#[actor]
impl Caller {
    #[call]
    async fn ask(&self, calls: u64) -> Vec<u64> {
        let mut times = Vec::with_capacity(calls as usize);
        for _ in 0..calls {
            let begin = Instant::now();
            self.counter.bump().forever().await.expect("the counter is running");
            times.push(begin.elapsed().as_nanos() as u64);
        }
        times
    }
}

/// Sends messages of different sizes, some hundred megabytes of each.
pub async fn rate(size: Size) -> Vec<Figure> {
    let (_server, node, _) = connect().await;
    let store: StoreRef = node.named_at("store", "server@localhost");
    let loader = node.spawn(Loader { store });
    let (mut figures, mut before) = (Vec::new(), 0);
    for bytes in size::REMOTE_BYTES {
        let count = size.messages_of(bytes);
        let data = Bytes::from(vec![7; bytes as usize]);
        let begin = Instant::now();
        let stored = loader.load(data, count).forever().await.expect("the loader is running");
        let elapsed = begin.elapsed();
        figures.push(Figure::throughput(format!("rbytes/{bytes}"), count * bytes, elapsed, stored - before));
        before = stored;
    }
    figures
}

/// Measures small calls of one process while three others send one large message each.
pub async fn beside(size: Size) -> Vec<Figure> {
    let (_server, node, counter) = connect().await;
    let store: StoreRef = node.named_at("store", "server@localhost");
    let data = Bytes::from(vec![7; size::REMOTE_LARGE as usize]);
    let loaders: Vec<_> = (0..size::REMOTE_LOADERS).map(|_| node.spawn(Loader { store: store.clone() })).collect();
    let caller = node.spawn(Caller { counter });
    let loads: Vec<_> = loaders.iter().map(|loader| loader.load(data.clone(), 1).forever()).collect();
    let calls = size.of(size::REMOTE_SMALL_CALLS);
    let times = caller.ask(calls).forever().await.expect("the caller is running");
    for load in loads {
        load.await.expect("the loader is running");
    }
    let stored = store.stored().await.expect("the store is running");
    assert_eq!(stored, size::REMOTE_LOADERS * size::REMOTE_LARGE);
    Figure::percentiles("rlarge", times)
}
