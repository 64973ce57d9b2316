//! A program of two applications, for a test that sends it signals.
//!
//! It says what starts and stops, one line each, and `ready` when it waits. Its argument says what one of its children
//! does then: `waits` for ever, `lags` at its stop, `blocks` its thread at its stop, `ends`, or `sleeps`: `main` holds up
//! its thread. A second argument, `hasty`, has all stop within a tenth of a second; otherwise they have longer than any
//! test takes.

use std::process::ExitCode;

use greenroom::prelude::*;
use greenroom::{Application, Applications};

/// Says when it starts and when it stops.
#[actor]
struct Crier {
    name: &'static str,
    manner: String,
}

#[actor]
impl Crier {
    #[init]
    fn begin(&mut self) {
        println!("+{}", self.name);
    }

    #[cast]
    fn finish(&mut self) -> Result<(), Exit> {
        Err(Exit::error("out of words"))
    }

    /// So that it hears of its stop.
    #[exit]
    fn signal(&mut self, _signal: ExitSignal) {}

    #[terminate]
    async fn end(&mut self) {
        match (&*self.manner, self.name) {
            ("lags", "web") => {
                println!("web lags");
                std::future::pending::<()>().await;
            }
            ("blocks", "web") => {
                println!("web blocks");
                std::thread::sleep(Duration::from_secs(600));
            }
            _ => println!("-{}", self.name),
        }
    }
}

#[supervisor(intensity = 0, period = "5s")]
struct Part {
    first: &'static str,
    second: &'static str,
    manner: String,
    #[child(start = Crier { name: self.first, manner: self.manner.clone() }, shutdown = forever)]
    one: Crier,
    #[child(start = Crier { name: self.second, manner: self.manner.clone() }, shutdown = forever)]
    two: Crier,
}

/// Says when `main` is dropped.
struct Body;

impl Drop for Body {
    fn drop(&mut self) {
        println!("body");
    }
}

fn main() -> ExitCode {
    if std::env::args().nth(2).is_some_and(|word| word == "hasty") { hasty() } else { patient() }
}

#[greenroom::main(shutdown = "100ms")]
async fn hasty() -> greenroom::Result {
    run().await
}

#[greenroom::main(shutdown = "1m")]
async fn patient() -> greenroom::Result {
    run().await
}

async fn run() -> greenroom::Result {
    let manner = std::env::args().nth(1).unwrap_or_default();
    let _body = Body;
    let part = |first, second| Part { first, second, manner: manner.clone() };
    Applications::new()
        .with(Application::new("chat", part("rooms", "web")).after("storage").permanent())
        .with(Application::new("storage", part("log", "disk")))
        .start()
        .await?;
    println!("ready");
    match &*manner {
        "sleeps" => std::thread::sleep(Duration::from_secs(600)),
        "ends" => {
            let chat: greenroom::Running<PartRef> = Node::current().application("chat").expect("it is up");
            chat.tree().two().finish();
        }
        _ => {}
    }
    std::future::pending::<()>().await;
    Ok(())
}
