//! Workloads of casts and calls.

use std::time::Instant;

use bench::{Figure, Size, size};
use kameo::prelude::*;

#[derive(Actor, Default)]
struct Counter {
    count: u64,
}

struct Add(u64);

struct Bump;

impl Message<Add> for Counter {
    type Reply = ();

    async fn handle(&mut self, Add(n): Add, _: &mut Context<Self, ()>) {
        self.count += n;
    }
}

impl Message<Bump> for Counter {
    type Reply = u64;

    async fn handle(&mut self, Bump: Bump, _: &mut Context<Self, u64>) -> u64 {
        self.count += 1;
        self.count
    }
}

pub async fn cast(name: &'static str, size: Size, producers: u64) -> Vec<Figure> {
    let share = size.shares(size::CASTS, producers);
    let counter = crate::start(Counter::default());
    let begin = Instant::now();
    let tasks: Vec<_> = (0..producers)
        .map(|_| {
            let counter = counter.clone();
            tokio::spawn(async move {
                for _ in 0..share {
                    counter.tell(Add(1)).await.expect("the counter is running");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("the producer is running");
    }
    let count = counter.ask(Bump).await.expect("the counter is running") - 1;
    vec![Figure::rate(name, share * producers, begin.elapsed(), count)]
}

pub async fn ask(name: &'static str, share: u64, callers: u64) -> Vec<Figure> {
    let counter = crate::start(Counter::default());
    let begin = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let counter = counter.clone();
            tokio::spawn(async move {
                for _ in 0..share {
                    counter.ask(Bump).await.expect("the counter is running");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("the caller is running");
    }
    let elapsed = begin.elapsed();
    let count = counter.ask(Bump).await.expect("the counter is running") - 1;
    vec![Figure::rate(name, share * callers, elapsed, count)]
}
