//! Workloads of casts and calls.

use std::time::Instant;

use bench::{Figure, Size, size};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

enum Message {
    Add(u64),
    Bump(oneshot::Sender<u64>),
}

/// Starts a task that counts.
fn counter() -> UnboundedSender<Message> {
    let (sender, mut receiver) = unbounded_channel();
    tokio::spawn(async move {
        let mut count = 0;
        while let Some(message) = receiver.recv().await {
            match message {
                Message::Add(n) => count += n,
                Message::Bump(reply) => {
                    count += 1;
                    // The caller may have dropped the call.
                    let _ = reply.send(count);
                }
            }
        }
    });
    sender
}

async fn bump(counter: &UnboundedSender<Message>) -> u64 {
    let (reply, answer) = oneshot::channel();
    counter.send(Message::Bump(reply)).expect("the counter is running");
    answer.await.expect("the counter is running")
}

pub async fn cast(name: &'static str, size: Size, producers: u64) -> Vec<Figure> {
    let share = size.shares(size::CASTS, producers);
    let counter = counter();
    let begin = Instant::now();
    let tasks: Vec<_> = (0..producers)
        .map(|_| {
            let counter = counter.clone();
            tokio::spawn(async move {
                for _ in 0..share {
                    counter.send(Message::Add(1)).expect("the counter is running");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("the producer is running");
    }
    let count = bump(&counter).await - 1;
    vec![Figure::rate(name, share * producers, begin.elapsed(), count)]
}

pub async fn ask(name: &'static str, share: u64, callers: u64) -> Vec<Figure> {
    let counter = counter();
    let begin = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let counter = counter.clone();
            tokio::spawn(async move {
                for _ in 0..share {
                    bump(&counter).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("the caller is running");
    }
    let elapsed = begin.elapsed();
    let count = bump(&counter).await - 1;
    vec![Figure::rate(name, share * callers, elapsed, count)]
}
