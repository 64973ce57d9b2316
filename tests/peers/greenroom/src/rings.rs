//! Workloads of messages that go from process to process.

use std::time::Instant;

use bench::{Figure, Size, size};
use greenroom::prelude::*;

/// Passes each ball on to the next player.
#[actor]
#[derive(Default)]
struct Player {
    next: Option<PlayerRef>,
    referee: Option<RefereeRef>,
    hits: u64,
}

#[actor]
impl Player {
    #[cast]
    fn meet(&mut self, next: PlayerRef, referee: RefereeRef) {
        self.next = Some(next);
        self.referee = Some(referee);
    }

    #[cast]
    fn hit(&mut self, left: u64) {
        self.hits += 1;
        if let (Some(next), Some(referee)) = (&self.next, &self.referee) {
            match left {
                0 => referee.over(1),
                left => next.hit(left - 1),
            };
        }
    }

    #[call]
    fn hits(&self) -> u64 {
        self.hits
    }
}

/// Counts the balls, or the answers, that have finished, and replies when the awaited number is reached.
#[actor]
#[derive(Default)]
struct Referee {
    over: u64,
    awaited: Option<(u64, Reply<u64>)>,
}

#[actor]
impl Referee {
    #[cast]
    fn over(&mut self, n: u64) {
        self.over += n;
        if let Some((_, reply)) = self.awaited.take_if(|(n, _)| *n == self.over) {
            reply.send(self.over);
        }
    }

    #[call]
    fn all(&mut self, n: u64, reply: Reply<u64>) {
        self.awaited = Some((n, reply));
    }
}

/// Connects each player to the next, sends the balls, and waits until each has been passed on often enough.
async fn play(name: &'static str, players: Vec<PlayerRef>, share: u64, balls: u64) -> Vec<Figure> {
    let referee = Referee::default().spawn();
    for (at, player) in players.iter().enumerate() {
        player.meet(players[(at + 1) % players.len()].clone(), referee.clone());
    }
    let over = referee.all(balls).forever();
    let begin = Instant::now();
    for ball in 0..balls as usize {
        players[ball * players.len() / balls as usize].hit(share - 1);
    }
    over.await.expect("the referee is running");
    let elapsed = begin.elapsed();
    let mut hits = 0;
    for player in players {
        hits += player.hits().await.expect("the player is running");
    }
    vec![Figure::rate(name, share * balls, elapsed, hits)]
}

pub async fn pingpong(size: Size) -> Vec<Figure> {
    let players = (0..2).map(|_| Player::default().spawn()).collect();
    play("pingpong", players, size.of(size::HITS), 1).await
}

pub async fn ring(name: &'static str, size: Size, tokens: u64) -> Vec<Figure> {
    let players = (0..size::RING).map(|_| Player::default().spawn()).collect();
    play(name, players, size.shares(size::HOPS, tokens), tokens).await
}

/// Answers each job to the referee.
#[actor]
struct Worker {
    referee: RefereeRef,
}

#[actor]
impl Worker {
    #[cast]
    fn work(&self, n: u64) {
        self.referee.over(n);
    }
}

/// Sends the same number of jobs to all workers.
#[actor]
struct Foreman {
    workers: Vec<WorkerRef>,
}

#[actor]
impl Foreman {
    #[cast]
    fn hand_out(&self, rounds: u64) {
        for _ in 0..rounds {
            for worker in &self.workers {
                worker.work(1);
            }
        }
    }
}

pub async fn fan(size: Size) -> Vec<Figure> {
    let (actors, rounds) = (size.of(size::FAN), size::FAN_ROUNDS);
    let referee = Referee::default().spawn();
    let workers = (0..actors).map(|_| Worker { referee: referee.clone() }.spawn()).collect();
    let foreman = Foreman { workers }.spawn();
    let begin = Instant::now();
    let answered = referee.all(actors * rounds).forever();
    foreman.hand_out(rounds);
    let answered = answered.await.expect("the referee is running");
    vec![Figure::rate("fan", actors * rounds, begin.elapsed(), answered)]
}
