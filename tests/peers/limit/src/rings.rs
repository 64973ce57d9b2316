//! Workloads of messages that go from actor to actor.

use std::sync::Arc;
use std::time::Instant;

use bench::{Figure, Size, size};

use crate::mailbox::{Address, Slot, mailbox};

enum Ball {
    Meet(Address<Ball>, Address<()>),
    Hit(u64),
    Hits(Arc<Slot<u64>>),
}

fn player() -> Address<Ball> {
    let (address, mut mailbox) = mailbox();
    tokio::spawn(async move {
        let (mut other, mut hits) = (None, 0);
        loop {
            match (mailbox.receive().await, &other) {
                (Ball::Meet(next, over), _) => other = Some((next, over)),
                (Ball::Hit(left), Some((next, over))) => {
                    hits += 1;
                    match left {
                        0 => over.send(()),
                        left => next.send(Ball::Hit(left - 1)),
                    }
                }
                (Ball::Hit(_), None) => {}
                (Ball::Hits(slot), _) => slot.put(hits),
            }
        }
    });
    address
}

async fn hits(players: &[Address<Ball>]) -> u64 {
    let mut sum = 0;
    for player in players {
        let slot = Slot::new();
        player.send(Ball::Hits(Arc::clone(&slot)));
        sum += slot.take().await;
    }
    sum
}

/// Connects each player to the next, sends the tokens, and waits until each has been passed on often enough.
async fn play(name: &'static str, players: Vec<Address<Ball>>, share: u64, tokens: u64) -> Vec<Figure> {
    let (finish, mut finished) = mailbox();
    for (at, player) in players.iter().enumerate() {
        let next = players[(at + 1) % players.len()].clone();
        player.send(Ball::Meet(next, finish.clone()));
    }
    let begin = Instant::now();
    for token in 0..tokens as usize {
        players[token * players.len() / tokens as usize].send(Ball::Hit(share - 1));
    }
    for _ in 0..tokens {
        finished.receive().await;
    }
    vec![Figure::rate(name, share * tokens, begin.elapsed(), hits(&players).await)]
}

pub async fn pingpong(size: Size) -> Vec<Figure> {
    play("pingpong", vec![player(), player()], size.of(size::HITS), 1).await
}

pub async fn ring(name: &'static str, size: Size, tokens: u64) -> Vec<Figure> {
    let players = (0..size::RING).map(|_| player()).collect();
    play(name, players, size.shares(size::HOPS, tokens), tokens).await
}

enum Job {
    Work(u64),
}

/// Answers each job to `collector`.
fn worker(collector: Address<u64>) -> Address<Job> {
    let (address, mut mailbox) = mailbox();
    tokio::spawn(async move {
        loop {
            let Job::Work(n) = mailbox.receive().await;
            collector.send(n);
        }
    });
    address
}

pub async fn fan(size: Size) -> Vec<Figure> {
    let (actors, rounds) = (size.of(size::FAN), size::FAN_ROUNDS);
    let (collector, mut answers) = mailbox();
    let workers: Vec<_> = (0..actors).map(|_| worker(collector.clone())).collect();
    let begin = Instant::now();
    let answered = tokio::spawn(async move {
        let mut count = 0;
        while count < actors * rounds {
            count += answers.receive().await;
        }
        count
    });
    let sender = tokio::spawn(async move {
        for _ in 0..rounds {
            workers.iter().for_each(|worker| worker.send(Job::Work(1)));
        }
    });
    sender.await.unwrap();
    let answered = answered.await.unwrap();
    vec![Figure::rate("fan", actors * rounds, begin.elapsed(), answered)]
}
