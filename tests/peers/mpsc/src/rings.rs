//! Workloads of messages that go from task to task.

use std::time::Instant;

use bench::{Figure, Size, size};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

enum Ball {
    Meet(UnboundedSender<Ball>, UnboundedSender<()>),
    Hit(u64),
    Hits(oneshot::Sender<u64>),
}

fn player() -> UnboundedSender<Ball> {
    let (sender, mut receiver) = unbounded_channel();
    tokio::spawn(async move {
        let (mut other, mut hits) = (None, 0);
        while let Some(message) = receiver.recv().await {
            match (message, &other) {
                (Ball::Meet(next, over), _) => other = Some((next, over)),
                (Ball::Hit(left), Some((next, over))) => {
                    hits += 1;
                    // At the end of the program the other tasks may have ended.
                    let _ = match left {
                        0 => over.send(()).is_ok(),
                        left => next.send(Ball::Hit(left - 1)).is_ok(),
                    };
                }
                (Ball::Hit(_), None) => {}
                (Ball::Hits(reply), _) => {
                    let _ = reply.send(hits);
                }
            }
        }
    });
    sender
}

/// Connects each player to the next, sends the balls, and waits until each has been passed on often enough.
async fn play(name: &'static str, players: Vec<UnboundedSender<Ball>>, share: u64, balls: u64) -> Vec<Figure> {
    let (over, mut overs) = unbounded_channel();
    for (at, player) in players.iter().enumerate() {
        let next = players[(at + 1) % players.len()].clone();
        player.send(Ball::Meet(next, over.clone())).expect("the player is running");
    }
    let begin = Instant::now();
    for ball in 0..balls as usize {
        players[ball * players.len() / balls as usize].send(Ball::Hit(share - 1)).expect("the player is running");
    }
    for _ in 0..balls {
        overs.recv().await.expect("the players are running");
    }
    let elapsed = begin.elapsed();
    let mut hits = 0;
    for player in players {
        let (reply, answer) = oneshot::channel();
        player.send(Ball::Hits(reply)).expect("the player is running");
        hits += answer.await.expect("the player is running");
    }
    vec![Figure::rate(name, share * balls, elapsed, hits)]
}

pub async fn pingpong(size: Size) -> Vec<Figure> {
    play("pingpong", vec![player(), player()], size.of(size::HITS), 1).await
}

pub async fn ring(name: &'static str, size: Size, tokens: u64) -> Vec<Figure> {
    let players = (0..size::RING).map(|_| player()).collect();
    play(name, players, size.shares(size::HOPS, tokens), tokens).await
}

/// Answers each job to `collector`.
fn worker(collector: UnboundedSender<u64>) -> UnboundedSender<u64> {
    let (sender, mut receiver) = unbounded_channel();
    tokio::spawn(async move {
        while let Some(n) = receiver.recv().await {
            collector.send(n).expect("the collector is running");
        }
    });
    sender
}

pub async fn fan(size: Size) -> Vec<Figure> {
    let (actors, rounds) = (size.of(size::FAN), size::FAN_ROUNDS);
    let (collector, mut answers) = unbounded_channel();
    let workers: Vec<_> = (0..actors).map(|_| worker(collector.clone())).collect();
    let begin = Instant::now();
    let answered = tokio::spawn(async move {
        let mut count = 0;
        while count < actors * rounds {
            count += answers.recv().await.expect("the workers are running");
        }
        count
    });
    let sender = tokio::spawn(async move {
        for _ in 0..rounds {
            for worker in &workers {
                worker.send(1).expect("the worker is running");
            }
        }
        workers
    });
    let _workers = sender.await.expect("the sender is running");
    let answered = answered.await.expect("the collector is running");
    vec![Figure::rate("fan", actors * rounds, begin.elapsed(), answered)]
}
