//! An application that runs on one of three nodes, each in a process of the operating system. The node that runs it is
//! killed, and another one takes over.
//!
//! `cargo run -p leader` starts the nodes, kills the first one, and starts it again. The application runs on the first
//! node, then on the second, and then on the first again. The exit code is 0 if it did.

mod program;

use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use greenroom::prelude::*;
use greenroom::{Application, NodeBuilder};

use program::Program;

/// The nodes that can run the application, the best one first.
const NODES: [&str; 3] = ["one@leader", "two@leader", "three@leader"];
/// The time that each step of this program may take.
const LIMIT: Duration = Duration::from_secs(60);

/// The process of which there is one.
#[actor(trap_exit)]
#[derive(Default)]
struct Leader;

#[actor]
impl Leader {
    #[init]
    fn begin(&mut self) {
        println!("leads");
    }

    #[terminate]
    fn end(&mut self) {
        println!("has stopped");
    }
}

#[supervisor]
struct LeaderTree {
    #[child]
    leader: Leader,
}

#[greenroom::main]
async fn main() -> greenroom::Result {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [name, seeds @ ..] => run_node(name, seeds).await,
        [] => show(),
    }
}

/// Runs one of the nodes. It ends when its standard input is closed.
async fn run_node(name: &str, seeds: &[String]) -> greenroom::Result {
    let builder = Node::builder(name).cookie(Cookie::load()?).listen("127.0.0.1:0");
    let node = seeds.iter().fold(builder, NodeBuilder::seed).start().await?;
    println!("{}", node.address().unwrap_or_default());
    std::thread::spawn(|| {
        let _ = std::io::stdin().lines().count();
        std::process::exit(0);
    });
    node.start_failover(Application::new("leader", LeaderTree {}).failover(NODES)).await?;
    std::future::pending().await
}

/// Starts the nodes, kills the first one, and starts it again.
fn show() -> greenroom::Result {
    let cookie = Cookie::random()?;
    let (sender, lines) = channel();
    let mut first = Program::start(NODES[0], &[], &cookie, &sender)?;
    let second = Program::start(NODES[1], &[&first.address], &cookie, &sender)?;
    let _third = Program::start(NODES[2], &[&first.address, &second.address], &cookie, &sender)?;
    wait_for("one@leader leads", &lines)?;

    first.process.kill()?;
    let killed = Instant::now();
    println!("one@leader is killed");
    wait_for("two@leader leads", &lines)?;
    println!("another node leads after {:.1?}", killed.elapsed());

    let _first = Program::start(NODES[0], &[&second.address], &cookie, &sender)?;
    wait_for("two@leader has stopped", &lines)?;
    wait_for("one@leader leads", &lines)?;
    Ok(())
}

/// Prints the lines of the nodes up to this one. It is an error if another node leads before.
fn wait_for(expected: &str, lines: &Receiver<String>) -> greenroom::Result {
    loop {
        let line = lines.recv_timeout(LIMIT).map_err(|_| Exit::error(format!("`{expected}` does not happen")))?;
        println!("{line}");
        if line == expected {
            return Ok(());
        }
        if line.ends_with("leads") {
            return Err(Exit::error(format!("expected `{expected}`")));
        }
    }
}
