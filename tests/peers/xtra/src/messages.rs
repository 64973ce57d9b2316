//! Workloads of casts and calls.

use std::time::Instant;

use bench::{Figure, Size, size};
use xtra::prelude::*;

#[derive(xtra::Actor, Default)]
struct Counter {
    count: u64,
}

struct Add(u64);

struct Bump;

impl Handler<Add> for Counter {
    type Return = ();

    async fn handle(&mut self, Add(n): Add, _: &mut Context<Self>) {
        self.count += n;
    }
}

impl Handler<Bump> for Counter {
    type Return = u64;

    async fn handle(&mut self, Bump: Bump, _: &mut Context<Self>) -> u64 {
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
                    counter.send(Add(1)).detach().await.map(drop).expect("the counter is running");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("the producer is running");
    }
    // A call may overtake messages that were sent detached before it.
    let (mut calls, mut count) = (0, 0);
    while count < share * producers {
        tokio::task::yield_now().await;
        calls += 1;
        count = counter.send(Bump).await.expect("the counter is running") - calls;
    }
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
                    counter.send(Bump).await.expect("the counter is running");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("the caller is running");
    }
    let elapsed = begin.elapsed();
    let count = counter.send(Bump).await.expect("the counter is running") - 1;
    vec![Figure::rate(name, share * callers, elapsed, count)]
}
