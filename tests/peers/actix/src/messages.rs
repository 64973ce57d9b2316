//! Workloads of casts and calls. The counter runs on one arbiter, and its senders run on the other.

use std::time::Instant;

use actix::prelude::*;
use bench::{Figure, Size, size};
use tokio::sync::oneshot;

#[derive(Default)]
struct Counter {
    count: u64,
}

impl Actor for Counter {
    type Context = Context<Self>;
}

#[derive(Message)]
#[rtype(result = "()")]
struct Add(u64);

#[derive(Message)]
#[rtype(u64)]
struct Bump;

impl Handler<Add> for Counter {
    type Result = ();

    fn handle(&mut self, Add(n): Add, _: &mut Context<Self>) {
        self.count += n;
    }
}

impl Handler<Bump> for Counter {
    type Result = u64;

    fn handle(&mut self, Bump: Bump, _: &mut Context<Self>) -> u64 {
        self.count += 1;
        self.count
    }
}

/// Runs a task on the second arbiter. Resolves at the end of the task.
fn run(task: impl Future<Output = ()> + Send + 'static) -> oneshot::Receiver<()> {
    let (done, ran) = oneshot::channel();
    crate::arbiter(1, 2).spawn(async move {
        task.await;
        done.send(()).expect("the receiver waits");
    });
    ran
}

pub async fn cast(name: &'static str, size: Size, producers: u64) -> Vec<Figure> {
    let share = size.shares(size::CASTS, producers);
    let counter = crate::start(0, 2, Counter::default());
    let begin = Instant::now();
    let tasks: Vec<_> = (0..producers)
        .map(|_| {
            let counter = counter.clone();
            run(async move {
                for _ in 0..share {
                    counter.do_send(Add(1));
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("the producer is running");
    }
    let count = counter.send(Bump).await.expect("the counter is running") - 1;
    vec![Figure::rate(name, share * producers, begin.elapsed(), count)]
}

pub async fn ask(name: &'static str, share: u64, callers: u64) -> Vec<Figure> {
    let counter = crate::start(0, 2, Counter::default());
    let begin = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let counter = counter.clone();
            run(async move {
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
