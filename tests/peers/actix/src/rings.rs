//! Workloads of messages that go from actor to actor.

use std::time::Instant;

use actix::prelude::*;
use bench::{Figure, Size, size};
use tokio::sync::oneshot;

/// Passes each ball on to the next player.
#[derive(Default)]
struct Player {
    others: Option<(Addr<Player>, Addr<Referee>)>,
    hits: u64,
}

impl Actor for Player {
    type Context = Context<Self>;
}

#[derive(Message)]
#[rtype(result = "()")]
struct Meet(Addr<Player>, Addr<Referee>);

#[derive(Message)]
#[rtype(result = "()")]
struct Hit(u64);

#[derive(Message)]
#[rtype(u64)]
struct Hits;

impl Handler<Meet> for Player {
    type Result = ();

    fn handle(&mut self, Meet(next, referee): Meet, _: &mut Context<Self>) {
        self.others = Some((next, referee));
    }
}

impl Handler<Hit> for Player {
    type Result = ();

    fn handle(&mut self, Hit(left): Hit, _: &mut Context<Self>) {
        self.hits += 1;
        if let Some((next, referee)) = &self.others {
            match left {
                0 => referee.do_send(Over(1)),
                left => next.do_send(Hit(left - 1)),
            }
        }
    }
}

impl Handler<Hits> for Player {
    type Result = u64;

    fn handle(&mut self, Hits: Hits, _: &mut Context<Self>) -> u64 {
        self.hits
    }
}

/// Counts the balls, or the answers, that have finished, and replies when the awaited number is reached.
struct Referee {
    over: u64,
    awaited: u64,
    done: Option<oneshot::Sender<u64>>,
}

impl Referee {
    fn start(awaited: u64) -> (Addr<Referee>, oneshot::Receiver<u64>) {
        let (done, all) = oneshot::channel();
        (crate::start(0, 2, Referee { over: 0, awaited, done: Some(done) }), all)
    }
}

impl Actor for Referee {
    type Context = Context<Self>;
}

#[derive(Message)]
#[rtype(result = "()")]
struct Over(u64);

impl Handler<Over> for Referee {
    type Result = ();

    fn handle(&mut self, Over(n): Over, _: &mut Context<Self>) {
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
    let players: Vec<_> = (0..count).map(|at| crate::start(at, count, Player::default())).collect();
    for (at, player) in players.iter().enumerate() {
        player.do_send(Meet(players[(at + 1) % players.len()].clone(), referee.clone()));
    }
    let begin = Instant::now();
    for ball in 0..balls as usize {
        players[ball * players.len() / balls as usize].do_send(Hit(share - 1));
    }
    all.await.expect("the referee is running");
    let elapsed = begin.elapsed();
    let mut hits = 0;
    for player in players {
        hits += player.send(Hits).await.expect("the player is running");
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
struct Worker {
    referee: Addr<Referee>,
}

impl Actor for Worker {
    type Context = Context<Self>;
}

#[derive(Message)]
#[rtype(result = "()")]
struct Work(u64);

impl Handler<Work> for Worker {
    type Result = ();

    fn handle(&mut self, Work(n): Work, _: &mut Context<Self>) {
        self.referee.do_send(Over(n));
    }
}

pub async fn fan(size: Size) -> Vec<Figure> {
    let (actors, rounds) = (size.of(size::FAN), size::FAN_ROUNDS);
    let (referee, all) = Referee::start(actors * rounds);
    let workers: Vec<_> = (0..actors).map(|at| crate::start(at, actors, Worker { referee: referee.clone() })).collect();
    let begin = Instant::now();
    crate::arbiter(1, 2).spawn(async move {
        for _ in 0..rounds {
            for worker in &workers {
                worker.do_send(Work(1));
            }
        }
        // An actor ends with its last address, and these have not finished.
        std::mem::forget(workers);
    });
    let answered = all.await.expect("the referee is running");
    vec![Figure::rate("fan", actors * rounds, begin.elapsed(), answered)]
}
