//! Workloads of messages that go from actor to actor.

use std::time::Instant;

use bench::{Figure, Size, size};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, call, cast};

/// Passes each ball on to the next player.
struct Player;

enum Ball {
    Meet { next: ActorRef<Ball>, referee: ActorRef<Over> },
    Hit(u64),
    Hits(RpcReplyPort<u64>),
}

#[derive(Default)]
struct Game {
    others: Option<(ActorRef<Ball>, ActorRef<Over>)>,
    hits: u64,
}

impl Actor for Player {
    type Msg = Ball;
    type State = Game;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Ball>, (): ()) -> Result<Game, ActorProcessingErr> {
        Ok(Game::default())
    }

    async fn handle(&self, _: ActorRef<Ball>, message: Ball, game: &mut Game) -> Result<(), ActorProcessingErr> {
        match (message, &game.others) {
            (Ball::Meet { next, referee }, _) => game.others = Some((next, referee)),
            (Ball::Hit(left), Some((next, referee))) => {
                game.hits += 1;
                match left {
                    0 => cast!(referee, Over::Over(1))?,
                    left => cast!(next, Ball::Hit(left - 1))?,
                }
            }
            (Ball::Hit(_), None) => {}
            (Ball::Hits(reply), _) => reply.send(game.hits)?,
        }
        Ok(())
    }
}

/// Counts the balls, or the answers, that have finished, and replies when the awaited number is reached.
struct Referee;

enum Over {
    Over(u64),
    All(u64, RpcReplyPort<u64>),
}

#[derive(Default)]
struct Score {
    over: u64,
    awaited: Option<(u64, RpcReplyPort<u64>)>,
}

impl Actor for Referee {
    type Msg = Over;
    type State = Score;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Over>, (): ()) -> Result<Score, ActorProcessingErr> {
        Ok(Score::default())
    }

    async fn handle(&self, _: ActorRef<Over>, message: Over, score: &mut Score) -> Result<(), ActorProcessingErr> {
        match message {
            Over::Over(n) => {
                score.over += n;
                if let Some((_, reply)) = score.awaited.take_if(|(n, _)| *n == score.over) {
                    reply.send(score.over)?;
                }
            }
            Over::All(n, reply) => score.awaited = Some((n, reply)),
        }
        Ok(())
    }
}

/// Connects each player to the next, sends the balls, and waits until each has been passed on often enough.
async fn play(name: &'static str, count: u64, share: u64, balls: u64) -> Vec<Figure> {
    let referee = crate::start(Referee, ()).await;
    let mut players = Vec::new();
    for _ in 0..count {
        players.push(crate::start(Player, ()).await);
    }
    for (at, player) in players.iter().enumerate() {
        let next = players[(at + 1) % players.len()].clone();
        cast!(player, Ball::Meet { next, referee: referee.clone() }).expect("the player is running");
    }
    let begin = Instant::now();
    for ball in 0..balls as usize {
        cast!(players[ball * players.len() / balls as usize], Ball::Hit(share - 1)).expect("the player is running");
    }
    referee.call(|reply| Over::All(balls, reply), None).await.expect("the referee is running");
    let elapsed = begin.elapsed();
    let mut hits = 0;
    for player in players {
        hits += call!(player, Ball::Hits).expect("the player is running");
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
struct Worker;

impl Actor for Worker {
    type Msg = u64;
    type State = ActorRef<Over>;
    type Arguments = ActorRef<Over>;

    async fn pre_start(&self, _: ActorRef<u64>, referee: ActorRef<Over>) -> Result<ActorRef<Over>, ActorProcessingErr> {
        Ok(referee)
    }

    async fn handle(&self, _: ActorRef<u64>, n: u64, referee: &mut ActorRef<Over>) -> Result<(), ActorProcessingErr> {
        cast!(referee, Over::Over(n))?;
        Ok(())
    }
}

pub async fn fan(size: Size) -> Vec<Figure> {
    let (actors, rounds) = (size.of(size::FAN), size::FAN_ROUNDS);
    let referee = crate::start(Referee, ()).await;
    let mut workers = Vec::new();
    for _ in 0..actors {
        workers.push(crate::start(Worker, referee.clone()).await);
    }
    let begin = Instant::now();
    tokio::spawn(async move {
        for _ in 0..rounds {
            for worker in &workers {
                cast!(worker, 1).expect("the worker is running");
            }
        }
    });
    let answered = referee.call(|reply| Over::All(actors * rounds, reply), None).await.expect("the referee is running");
    vec![Figure::rate("fan", actors * rounds, begin.elapsed(), answered.expect("there is no timeout"))]
}
