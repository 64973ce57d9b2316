//! A ping-pong between two nodes, in two operating system processes: Erlang's example of distribution.
//!
//! Without arguments the program runs the ping node, and starts itself a second time as the pong node. In two
//! terminals:
//!
//! ```text
//! cargo run --release -p ping_pong -- pong
//! cargo run --release -p ping_pong -- ping 127.0.0.1:9100
//! ```
//!
//! Ping finds pong by its registered name and sends its own stub along. Further messages are addressed by pid.

mod both;

use greenroom::prelude::*;

/// The messages to pong.
#[protocol]
enum Pong {
    /// A request for an answer.
    Ping { from: PingRef },
    /// The end of the game.
    Finished,
}

/// The messages to ping.
#[protocol]
enum Ping {
    /// The answer.
    Pong,
}

/// Answers each ping until the game ends.
#[actor(protocol = Pong, name = "pong")]
struct PongPlayer;

impl Process for PongPlayer {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        loop {
            receive!(match cx {
                Pong::Ping { from } => {
                    println!("Pong received ping");
                    from.pong();
                }
                Pong::Finished => {
                    println!("Pong finished");
                    return Ok(());
                }
            });
        }
    }
}

/// Plays `rounds` rounds.
#[actor(protocol = Ping)]
struct PingPlayer {
    rounds: u32,
    pong: PongRef,
}

impl Process for PingPlayer {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        for _ in 0..self.rounds {
            self.pong.ping(cx.me()).await?;
            receive!(match cx {
                Ping::Pong => println!("Ping received pong"),
                after!(Duration::from_secs(5)) => return Err(Exit::error("no answer from pong")),
            });
        }
        self.pong.finished().await?;
        println!("ping finished");
        Ok(())
    }
}

#[greenroom::main]
async fn main() -> greenroom::Result {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["pong"] => pong("127.0.0.1:9100", Cookie::load()?).await,
        // Started by the ping process: uses any port and prints the address on standard output.
        ["pong", "any"] => pong("127.0.0.1:0", Cookie::load()?).await,
        ["ping", address] => ping(address, Cookie::load()?).await,
        [] => both::both().await,
        _ => Err(Exit::error("usage: ping_pong [pong | ping ADDRESS]")),
    }
}

async fn pong(address: &str, cookie: Cookie) -> greenroom::Result {
    let node = Node::builder("pong@localhost").cookie(cookie).listen(address).start().await?;
    let player = node.start(PongPlayer).await?;
    println!("pong listens at {}", node.address().unwrap_or_default());
    player.ended().await;
    node.stop().await;
    Ok(())
}

async fn ping(address: &str, cookie: Cookie) -> greenroom::Result {
    let node = Node::builder("ping@localhost").cookie(cookie).seed(address).start().await?;
    let pong = node.named_at("pong", "pong@localhost");
    let reason = node.spawn(PingPlayer { rounds: 3, pong }).ended().await;
    node.stop().await;
    if reason == Exit::Normal { Ok(()) } else { Err(reason) }
}
