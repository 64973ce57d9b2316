//! Workloads of casts and calls.

use std::sync::Arc;
use std::time::Instant;

use bench::{Figure, Size, size};

use crate::mailbox::{Address, Slot, mailbox};

enum Message {
    Add(u64),
    Bump(Arc<Slot<u64>>),
}

/// Starts an actor that counts.
fn counter() -> Address<Message> {
    let (address, mut mailbox) = mailbox();
    tokio::spawn(async move {
        let mut count = 0;
        loop {
            match mailbox.receive().await {
                Message::Add(n) => count += n,
                Message::Bump(slot) => {
                    count += 1;
                    slot.put(count);
                }
            }
        }
    });
    address
}

async fn bump(counter: &Address<Message>) -> u64 {
    let slot = Slot::new();
    counter.send(Message::Bump(Arc::clone(&slot)));
    slot.take().await
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
                    counter.send(Message::Add(1));
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
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
        task.await.unwrap();
    }
    let elapsed = begin.elapsed();
    let count = bump(&counter).await - 1;
    vec![Figure::rate(name, share * callers, elapsed, count)]
}
