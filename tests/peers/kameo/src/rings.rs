//! Workloads of messages that go from actor to actor.

use std::time::Instant;

use bench::{Figure, Size, size};
use kameo::prelude::*;
use tokio::sync::oneshot;

/// Passes each ball on to the next player.
#[derive(Actor, Default)]
struct Player {
    others: Option<(ActorRef<Player>, ActorRef<Referee>)>,
    hits: u64,
}

struct Meet(ActorRef<Player>, ActorRef<Referee>);

struct Hit(u64);

struct Hits;

impl Message<Meet> for Player {
    type Reply = ();

    async fn handle(&mut self, Meet(next, referee): Meet, _: &mut Context<Self, ()>) {
        self.others = Some((next, referee));
    }
}

impl Message<Hit> for Player {
    type Reply = ();

    async fn handle(&mut self, Hit(left): Hit, _: &mut Context<Self, ()>) {
        self.hits += 1;
        if let Some((next, referee)) = &self.others {
            match left {
                0 => referee.tell(Over(1)).await.expect("the referee is running"),
                left => next.tell(Hit(left - 1)).await.expect("the player is running"),
            }
        }
    }
}

impl Message<Hits> for Player {
    type Reply = u64;

    async fn handle(&mut self, Hits: Hits, _: &mut Context<Self, u64>) -> u64 {
        self.hits
    }
}

/// Counts the balls, or the answers, that have finished, and replies when the awaited number is reached.
#[derive(Actor)]
struct Referee {
    over: u64,
    awaited: u64,
    done: Option<oneshot::Sender<u64>>,
}

impl Referee {
    fn start(awaited: u64) -> (ActorRef<Referee>, oneshot::Receiver<u64>) {
        let (done, all) = oneshot::channel();
        (crate::start(Referee { over: 0, awaited, done: Some(done) }), all)
    }
}

struct Over(u64);

impl Message<Over> for Referee {
    type Reply = ();

    async fn handle(&mut self, Over(n): Over, _: &mut Context<Self, ()>) {
        self.over += n;
        if self.over == self.awaited
            && let Some(done) = self.done.take()
        {
            done.send(self.over).expect("the receiver waits");
        }
    }
}

/// Connects each player to the next, sends the balls, and waits until each has been passed on often enough.
async fn play(name: &'static str, count: u64, share: u64, balls: u64) -> Vec<Figure> {
    let (referee, all) = Referee::start(balls);
    let players: Vec<_> = (0..count).map(|_| crate::start(Player::default())).collect();
    for (at, player) in players.iter().enumerate() {
        let next = players[(at + 1) % players.len()].clone();
        player.tell(Meet(next, referee.clone())).await.expect("the player is running");
    }
    let begin = Instant::now();
    for ball in 0..balls as usize {
        let player = &players[ball * players.len() / balls as usize];
        player.tell(Hit(share - 1)).await.expect("the player is running");
    }
    all.await.expect("the referee is running");
    let elapsed = begin.elapsed();
    let mut hits = 0;
    for player in players {
        hits += player.ask(Hits).await.expect("the player is running");
    }
    vec![Figure::rate(name, share * balls, elapsed, hits)]
}

pub async fn pingpong(size: Size) -> Vec<Figure> {
    play("pingpong", 2, size.of(size::HITS), 1).await
}

pub async fn ring(name: &'static str, size: Size, tokens: u64) -> Vec<Figure> {
    play(name, size::RING, size.shares(size::HOPS, tokens), tokens).await
}

/// Answers each job to the referee.
#[derive(Actor)]
struct Worker {
    referee: ActorRef<Referee>,
}

struct Work(u64);

impl Message<Work> for Worker {
    type Reply = ();

    async fn handle(&mut self, Work(n): Work, _: &mut Context<Self, ()>) {
        self.referee.tell(Over(n)).await.expect("the referee is running");
    }
}

pub async fn fan(size: Size) -> Vec<Figure> {
    let (actors, rounds) = (size.of(size::FAN), size::FAN_ROUNDS);
    let (referee, all) = Referee::start(actors * rounds);
    let workers: Vec<_> = (0..actors).map(|_| crate::start(Worker { referee: referee.clone() })).collect();
    let begin = Instant::now();
    let sender = tokio::spawn(async move {
        for _ in 0..rounds {
            for worker in &workers {
                worker.tell(Work(1)).await.expect("the worker is running");
            }
        }
        workers
    });
    let answered = all.await.expect("the referee is running");
    let elapsed = begin.elapsed();
    // An actor ends with its last reference.
    drop(sender.await);
    vec![Figure::rate("fan", actors * rounds, elapsed, answered)]
}
