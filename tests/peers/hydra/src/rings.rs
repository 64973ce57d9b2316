//! Workloads of messages that go from process to process.

use std::time::Instant;

use bench::{Figure, Size, size};
use hydra::{Pid, Process};
use serde::{Deserialize, Serialize};

use crate::receive;

#[derive(Serialize, Deserialize)]
enum Ball {
    Meet(Pid, Pid),
    Hit(u64),
    Hits(Pid),
}

/// Passes each ball on to the next player.
async fn player() {
    let (mut others, mut hits) = (None, 0_u64);
    loop {
        match receive().await {
            Ball::Meet(next, referee) => others = Some((next, referee)),
            Ball::Hit(left) => {
                hits += 1;
                let (next, referee) = others.expect("the players have met");
                match left {
                    0 => Process::send(referee, ()),
                    left => Process::send(next, Ball::Hit(left - 1)),
                }
            }
            Ball::Hits(from) => Process::send(from, hits),
        }
    }
}

/// Connects each player to the next, sends the balls, and waits until each has been passed on often enough.
async fn play(name: &'static str, count: u64, share: u64, balls: u64) -> Vec<Figure> {
    let me = Process::current();
    let players: Vec<_> = (0..count).map(|_| Process::spawn(player())).collect();
    for (at, player) in players.iter().enumerate() {
        Process::send(*player, Ball::Meet(players[(at + 1) % players.len()], me));
    }
    let begin = Instant::now();
    for ball in 0..balls as usize {
        Process::send(players[ball * players.len() / balls as usize], Ball::Hit(share - 1));
    }
    for _ in 0..balls {
        receive::<()>().await;
    }
    let elapsed = begin.elapsed();
    let mut hits = 0;
    for player in players {
        Process::send(player, Ball::Hits(me));
        hits += receive::<u64>().await;
    }
    vec![Figure::rate(name, share * balls, elapsed, hits)]
}

pub async fn pingpong(size: Size) -> Vec<Figure> {
    play("pingpong", 2, size.of(size::HITS), 1).await
}

pub async fn ring(name: &'static str, size: Size, tokens: u64) -> Vec<Figure> {
    play(name, size::RING, size.shares(size::HOPS, tokens), tokens).await
}

pub async fn fan(size: Size) -> Vec<Figure> {
    let (actors, rounds) = (size.of(size::FAN), size::FAN_ROUNDS);
    let me = Process::current();
    let referee = Process::spawn(async move {
        let mut over = 0;
        while over < actors * rounds {
            over += receive::<u64>().await;
        }
        Process::send(me, over);
    });
    let workers: Vec<_> = (0..actors)
        .map(|_| {
            Process::spawn(async move {
                loop {
                    let n = receive::<u64>().await;
                    Process::send(referee, n);
                }
            })
        })
        .collect();
    let begin = Instant::now();
    Process::spawn(async move {
        for _ in 0..rounds {
            for worker in &workers {
                Process::send(*worker, 1_u64);
            }
        }
    });
    let answered = receive::<u64>().await;
    vec![Figure::rate("fan", actors * rounds, begin.elapsed(), answered)]
}
