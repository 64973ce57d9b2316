//! A program of two applications, for a test that sends it signals.
//!
//! It prints a line for each child that starts or stops, and `ready` when all are up. The first argument selects the
//! behaviour of the program:
//!
//! | | |
//! |---|---|
//! | `waits` | waits for a signal |
//! | `never-stops` | a child never finishes its stop |
//! | `blocks-at-stop` | a child blocks its thread at its stop |
//! | `ends` | a permanent application ends with an error |
//! | `blocks-main` | `main` blocks its thread |
//! | `built` | waits for a signal, on a node that it has built |
//! | `not-built` | its node cannot be built |
//!
//! With the second argument `short`, the shutdown may take a tenth of a second. Otherwise it may take longer than a test.

use std::process::ExitCode;

use greenroom::prelude::*;
use greenroom::{Application, Applications};

/// Prints a line at its start and at its stop.
#[actor]
struct Worker {
    name: &'static str,
    behaviour: String,
}

#[actor]
impl Worker {
    #[init]
    fn begin(&mut self) {
        println!("+{}", self.name);
    }

    #[cast]
    fn fail(&mut self) -> Result<(), Exit> {
        Err(Exit::error("disk full"))
    }

    /// Traps exits, so that the process stops in order and `end` runs.
    #[exit]
    fn exit(&mut self, _signal: ExitSignal) {}

    #[terminate]
    async fn end(&mut self) {
        match (&*self.behaviour, self.name) {
            ("never-stops", "web") => {
                println!("web never stops");
                std::future::pending::<()>().await;
            }
            ("blocks-at-stop", "web") => {
                println!("web blocks");
                std::thread::sleep(Duration::from_secs(600));
            }
            _ => println!("-{}", self.name),
        }
    }
}

#[supervisor(intensity = 0, period = "5s")]
struct Workers {
    first: &'static str,
    second: &'static str,
    behaviour: String,
    #[child(start = Worker { name: self.first, behaviour: self.behaviour.clone() }, shutdown = forever)]
    one: Worker,
    #[child(start = Worker { name: self.second, behaviour: self.behaviour.clone() }, shutdown = forever)]
    two: Worker,
}

/// Prints a line when the body of `main` is dropped.
struct Body;

impl Drop for Body {
    fn drop(&mut self) {
        println!("body");
    }
}

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("built") => return main_on_built_node(),
        Some("not-built") => return main_on_missing_node(),
        _ => {}
    }
    if std::env::args().nth(2).is_some_and(|word| word == "short") {
        main_with_short_shutdown()
    } else {
        main_with_long_shutdown()
    }
}

#[greenroom::main(shutdown = "100ms")]
async fn main_with_short_shutdown() -> greenroom::Result {
    run().await
}

#[greenroom::main(shutdown = "1m")]
async fn main_with_long_shutdown() -> greenroom::Result {
    run().await
}

#[greenroom::main(node = Node::builder("shop@warehouse"), shutdown = "1m")]
async fn main_on_built_node() -> greenroom::Result {
    assert_eq!(Node::current().name().as_str(), "shop@warehouse");
    run().await
}

#[greenroom::main(node = build().await)]
async fn main_on_missing_node() {
    println!("it runs");
}

async fn build() -> Result<Node, std::num::ParseIntError> {
    "ten".parse::<u32>().map(|_| Node::local())
}

async fn run() -> greenroom::Result {
    let behaviour = std::env::args().nth(1).unwrap_or_default();
    let _body = Body;
    let workers = |first, second| Workers { first, second, behaviour: behaviour.clone() };
    Applications::new()
        .with(Application::new("chat", workers("rooms", "web")).after("storage").permanent())
        .with(Application::new("storage", workers("log", "disk")))
        .start()
        .await?;
    println!("ready");
    match &*behaviour {
        "blocks-main" => std::thread::sleep(Duration::from_secs(600)),
        "ends" => {
            let chat: greenroom::Running<WorkersRef> = Node::current().application("chat").expect("it is up");
            chat.tree().two().fail();
        }
        _ => {}
    }
    std::future::pending::<()>().await;
    Ok(())
}
