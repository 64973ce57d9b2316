//! Workloads of casts and calls.

use std::time::Instant;

use bench::{Figure, Size, size};
use hydra::{ExitReason, From, GenServer, GenServerOptions, Pid, Process};
use serde::{Deserialize, Serialize};

use crate::receive;

#[derive(Serialize, Deserialize)]
pub enum Message {
    Add(u64),
    Count(Pid),
}

/// The body of a process that counts.
pub async fn count() {
    let mut count = 0;
    loop {
        match receive().await {
            Message::Add(n) => count += n,
            Message::Count(from) => Process::send(from, count),
        }
    }
}

pub async fn cast(name: &'static str, size: Size, producers: u64) -> Vec<Figure> {
    let share = size.shares(size::CASTS, producers);
    let counter = Process::spawn(count());
    let me = Process::current();
    let begin = Instant::now();
    for _ in 0..producers {
        Process::spawn(async move {
            for _ in 0..share {
                Process::send(counter, Message::Add(1));
            }
            Process::send(me, ());
        });
    }
    for _ in 0..producers {
        receive::<()>().await;
    }
    Process::send(counter, Message::Count(me));
    let count = receive::<u64>().await;
    vec![Figure::rate(name, share * producers, begin.elapsed(), count)]
}

pub struct Counter {
    pub count: u64,
}

#[derive(Serialize, Deserialize)]
pub enum Call {
    Bump,
    Bumped(u64),
}

impl GenServer for Counter {
    type Message = Call;

    async fn init(&mut self) -> Result<(), ExitReason> {
        Ok(())
    }

    async fn handle_call(&mut self, _: Call, _: From) -> Result<Option<Call>, ExitReason> {
        self.count += 1;
        Ok(Some(Call::Bumped(self.count)))
    }
}

pub async fn bump(counter: Pid) -> u64 {
    match Counter::call(counter, Call::Bump, None).await {
        Ok(Call::Bumped(count)) => count,
        Ok(Call::Bump) => unreachable!("a request is not an answer"),
        Err(error) => panic!("no answer: {error:?}"),
    }
}

pub async fn ask(name: &'static str, share: u64, callers: u64) -> Vec<Figure> {
    let counter = Counter { count: 0 }.start(GenServerOptions::new()).await.expect("the counter starts");
    let me = Process::current();
    let begin = Instant::now();
    for _ in 0..callers {
        Process::spawn(async move {
            for _ in 0..share {
                bump(counter).await;
            }
            Process::send(me, ());
        });
    }
    for _ in 0..callers {
        receive::<()>().await;
    }
    let elapsed = begin.elapsed();
    let count = bump(counter).await - 1;
    vec![Figure::rate(name, share * callers, elapsed, count)]
}
