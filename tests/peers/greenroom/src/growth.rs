//! The cost of an operation with a growing number of processes, of saved messages, and of bytes in a message.

use std::hint::black_box;
use std::time::{Duration, Instant};

use bench::{Crowd, Figure, Member, Size};
use greenroom::prelude::*;

use crate::selective::converse;

/// The numbers of processes.
const CROWDS: [u64; 5] = [100, 1_000, 10_000, 100_000, 1_000_000];

/// The numbers of saved messages.
const SAVED: [u64; 6] = [0, 10, 100, 1_000, 10_000, 100_000];

/// The sizes of a message, in bytes.
const BYTES: [u64; 5] = [16, 256, 4 << 10, 64 << 10, 1 << 20];

/// The number of messages to each crowd.
const MESSAGES: u64 = 1_000_000;

/// A process of a crowd, which forwards each message to the counter.
#[actor]
struct Forwarder {
    member: Member,
    counter: CounterRef,
}

#[actor]
impl Forwarder {
    #[init]
    fn arrive(&mut self) {
        self.member.arrive();
    }

    #[cast]
    fn forward(&self) {
        self.counter.add();
    }
}

/// Counts the forwarded messages.
#[actor]
#[derive(Default)]
struct Counter {
    count: u64,
    awaited: Option<(u64, Reply<u64>)>,
}

#[actor]
impl Counter {
    #[cast]
    fn add(&mut self) {
        self.count += 1;
        if let Some((_, reply)) = self.awaited.take_if(|(n, _)| *n == self.count) {
            reply.send(self.count);
        }
    }

    #[call]
    fn after(&mut self, n: u64, reply: Reply<u64>) {
        self.awaited = Some((n, reply));
    }
}

/// Sends a message to each process, in an order that a cache does not predict, and repeats that. Each message is
/// forwarded to the counter, and one of the two wakes its receiver.
async fn forward(name: &str, forwarders: &[ForwarderRef], counter: &CounterRef, before: u64, size: Size) -> Figure {
    let n = forwarders.len() as u64;
    let waves = size.shares(MESSAGES, n);
    let (begin, mut count) = (Instant::now(), before);
    for _ in 0..waves {
        let all = counter.after(count + n).forever();
        for at in 0..n {
            // No size of a crowd is a multiple of this prime, so each process is selected once.
            forwarders[(at * 7_919 % n) as usize].forward();
        }
        count = all.await.expect("the counter is running");
    }
    Figure::nanos(format!("{name}/{n}"), waves * n, begin.elapsed(), count - before)
}

pub async fn processes(size: Size) -> Vec<Figure> {
    let mut figures = Vec::new();
    for n in CROWDS {
        let (crowd, counter) = (Crowd::new(n), Counter::default().spawn());
        let begin = Instant::now();
        let forwarders: Vec<_> =
            (0..n).map(|_| Forwarder { member: crowd.member(), counter: counter.clone() }.spawn()).collect();
        let arrived = crowd.all_in().await;
        figures.push(Figure::nanos(format!("growth_spawn/{n}"), n, begin.elapsed(), arrived));
        figures.push(forward("growth_cast", &forwarders, &counter, 0, size).await);

        let forwarded = size.shares(MESSAGES, n) * n;
        for (at, forwarder) in forwarders.iter().enumerate() {
            ForwarderRef::register(&format!("forwarder {at}"), forwarder).expect("the name is free");
        }
        let named: Vec<_> = (0..n).map(|at| ForwarderRef::named(&format!("forwarder {at}"))).collect();
        figures.push(forward("growth_named", &named, &counter, forwarded, size).await);

        let begin = Instant::now();
        for forwarder in &forwarders {
            forwarder.exit(Exit::shutdown());
        }
        let left = crowd.all_out().await;
        figures.push(Figure::nanos(format!("growth_stop/{n}"), n, begin.elapsed(), left));
    }
    figures
}

pub async fn saved(size: Size) -> Vec<Figure> {
    let mut figures = converse("growth_unwanted", &SAVED, size, false).await;
    figures.extend(converse("growth_refused", &SAVED, size, true).await);
    figures
}

/// Returns the bytes that it receives, or drops them.
#[actor]
struct Echo;

#[actor]
impl Echo {
    #[call]
    fn echo(&self, bytes_of_message: Vec<u8>) -> Vec<u8> {
        bytes_of_message
    }

    #[call]
    fn length(&self, bytes_of_message: Vec<u8>) -> u64 {
        bytes_of_message.len() as u64
    }
}

pub async fn bytes(size: Size) -> Vec<Figure> {
    let mut figures = Vec::new();
    let echo = Echo.spawn();
    for bytes in BYTES {
        let n = size.of(200_000);
        let mut bytes_of_message = vec![1; bytes as usize];
        let (begin, mut echoed) = (Instant::now(), 0);
        for _ in 0..n {
            bytes_of_message = echo.echo(bytes_of_message).await.expect("the echo is running");
            echoed += u64::from(bytes_of_message.len() as u64 == bytes);
        }
        figures.push(Figure::nanos(format!("growth_bytes/{bytes}"), n, begin.elapsed(), echoed));

        let n = n.min(size.of(200_000_000) / bytes + 100);
        let (begin, mut measured, mut made) = (Instant::now(), 0, Duration::ZERO);
        for _ in 0..n {
            let making = Instant::now();
            let bytes_of_message = black_box(vec![1; bytes as usize]);
            made += making.elapsed();
            measured += u64::from(echo.length(bytes_of_message).await.expect("the echo is running") == bytes);
        }
        let sent = begin.elapsed().saturating_sub(made);
        figures.push(Figure::nanos(format!("growth_fresh/{bytes}"), n, sent, measured));
    }
    figures
}
