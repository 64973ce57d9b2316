//! Workloads of casts and calls.

use std::time::Instant;

use bench::{Figure, Size, size};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, call, cast};

struct Counter;

enum Message {
    Add(u64),
    Bump(RpcReplyPort<u64>),
}

impl Actor for Counter {
    type Msg = Message;
    type State = u64;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Message>, (): ()) -> Result<u64, ActorProcessingErr> {
        Ok(0)
    }

    async fn handle(&self, _: ActorRef<Message>, message: Message, count: &mut u64) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Add(n) => *count += n,
            Message::Bump(reply) => {
                *count += 1;
                reply.send(*count)?;
            }
        }
        Ok(())
    }
}

pub async fn cast(name: &'static str, size: Size, producers: u64) -> Vec<Figure> {
    let share = size.shares(size::CASTS, producers);
    let counter = crate::start(Counter, ()).await;
    let begin = Instant::now();
    let tasks: Vec<_> = (0..producers)
        .map(|_| {
            let counter = counter.clone();
            tokio::spawn(async move {
                for _ in 0..share {
                    cast!(counter, Message::Add(1)).expect("the counter is running");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("the producer is running");
    }
    let count = call!(counter, Message::Bump).expect("the counter is running") - 1;
    vec![Figure::rate(name, share * producers, begin.elapsed(), count)]
}

pub async fn ask(name: &'static str, share: u64, callers: u64) -> Vec<Figure> {
    let counter = crate::start(Counter, ()).await;
    let begin = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let counter = counter.clone();
            tokio::spawn(async move {
                for _ in 0..share {
                    call!(counter, Message::Bump).expect("the counter is running");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("the caller is running");
    }
    let elapsed = begin.elapsed();
    let count = call!(counter, Message::Bump).expect("the counter is running") - 1;
    vec![Figure::rate(name, share * callers, elapsed, count)]
}
