//! Workloads of casts and calls.

use std::time::Instant;

use bench::{Figure, Size, size};
use greenroom::prelude::*;

/// A server that counts.
#[actor]
#[derive(Default)]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[cast]
    fn add(&mut self, n: u64) {
        self.count += n;
    }

    #[call]
    fn bump(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    #[call]
    fn count(&self) -> u64 {
        self.count
    }
}

/// A process that sends to a counter.
#[actor]
struct Sender {
    counter: CounterRef,
}

#[actor]
impl Sender {
    #[call]
    fn cast(&self, n: u64) {
        for _ in 0..n {
            self.counter.add(1);
        }
    }

    #[call]
    async fn ask(&self, n: u64) {
        for _ in 0..n {
            self.counter.bump().await.expect("the counter is running");
        }
    }
}

pub async fn cast(name: &'static str, size: Size, producers: u64) -> Vec<Figure> {
    let share = size.shares(size::CASTS, producers);
    let counter = Counter::default().spawn();
    let senders: Vec<_> = (0..producers).map(|_| Sender { counter: counter.clone() }.spawn()).collect();
    let begin = Instant::now();
    let sent: Vec<_> = senders.iter().map(|sender| sender.cast(share).forever()).collect();
    for sent in sent {
        sent.await.expect("the sender is running");
    }
    let count = counter.count().forever().await.expect("the counter is running");
    vec![Figure::rate(name, share * producers, begin.elapsed(), count)]
}

pub async fn ask(name: &'static str, share: u64, callers: u64) -> Vec<Figure> {
    let counter = Counter::default().spawn();
    let senders: Vec<_> = (0..callers).map(|_| Sender { counter: counter.clone() }.spawn()).collect();
    let begin = Instant::now();
    let answered: Vec<_> = senders.iter().map(|sender| sender.ask(share).forever()).collect();
    for answered in answered {
        answered.await.expect("the caller is running");
    }
    let elapsed = begin.elapsed();
    let count = counter.count().await.expect("the counter is running");
    vec![Figure::rate(name, share * callers, elapsed, count)]
}
