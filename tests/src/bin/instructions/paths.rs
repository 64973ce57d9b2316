//! The runtime's hot paths, to be walked as often as one likes, on one thread.
//!
//! What is prepared does not depend on how often a path is walked: counted for two numbers of times, it cancels out, as
//! the program's start does.

use greenroom::__private::{Decoder, Encoder};
use greenroom::Protocol as _;
use greenroom::prelude::*;

/// All of them.
pub(crate) const PATHS: [&str; 10] =
    ["cast", "call", "receive hit", "receive miss and save", "spawn", "exit", "link", "encode", "decode", "named send"];

/// How many processes are prepared where some are needed.
const CROWD: usize = 2_000;

/// What a clerk understands.
#[protocol]
enum Letter {
    Post { priority: u8, body: String },
    Stamp { n: u64 },
    Junk { n: u64 },
    Walk { path: Path, times: usize, reply: Reply<()> },
}

/// What a clerk does with itself.
#[derive(Clone, Copy, serde::Serialize, serde::Deserialize)]
enum Path {
    Hit,
    Miss,
    Link,
}

/// Receives selectively.
#[actor(protocol = Letter)]
struct Clerk;

impl Process for Clerk {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        let (path, times, reply) = receive!(match cx {
            Letter::Walk { path, times, reply } => (path, times, reply),
        });
        let me = cx.me();
        match path {
            Path::Hit => {
                for n in 0..times as u64 {
                    me.stamp(n);
                    receive!(match cx {
                        Letter::Stamp { n } => n,
                    });
                }
            }
            Path::Miss => {
                for n in 0..times as u64 {
                    me.junk(n);
                }
                me.stamp(0);
                receive!(match cx {
                    Letter::Stamp { n } => n,
                });
            }
            Path::Link => {
                let others: Vec<_> = (0..CROWD).map(|_| Counter::default().spawn()).collect();
                for other in &others {
                    other.count().await?;
                }
                for other in &others[..times] {
                    cx.link(other);
                }
            }
        }
        reply.send(());
        Ok(())
    }
}

/// Counts.
#[actor]
#[derive(Default)]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[cast]
    fn add(&mut self, n: u64) {
        self.count += n;
    }

    #[call]
    fn count(&self) -> u64 {
        self.count
    }
}

/// Walks a path.
pub(crate) fn walk(path: &str, times: usize) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let walked = runtime.block_on(async {
        let node = Node::local();
        node.scope(go(path, times)).await
    });
    // What lives stays: its end is no part of how it began.
    std::mem::forget(runtime);
    walked.map_err(|error| error.to_string())
}

async fn go(path: &str, times: usize) -> Result<(), Exit> {
    assert!(times <= CROWD, "so many are not prepared");
    match path {
        "cast" => {
            let counter = Counter::default().spawn();
            for _ in 0..times {
                counter.add(1);
            }
            assert_eq!(counter.count().await?, times as u64);
        }
        "named send" => {
            CounterRef::register("counter", &Counter::default().spawn())?;
            let counter = CounterRef::named("counter");
            for _ in 0..times {
                counter.add(1);
            }
            assert_eq!(counter.count().await?, times as u64);
        }
        "call" => {
            let counter = Counter::default().spawn();
            for _ in 0..times {
                counter.count().await?;
            }
        }
        "receive hit" => Clerk.spawn().walk(Path::Hit, times).await?,
        "receive miss and save" => Clerk.spawn().walk(Path::Miss, times).await?,
        "link" => Clerk.spawn().walk(Path::Link, times).await?,
        "spawn" => {
            let counters: Vec<_> = (0..times).map(|_| Counter::default().spawn()).collect();
            // All have run when the last has.
            if let Some(last) = counters.last() {
                last.count().await?;
            }
            std::mem::forget(counters);
        }
        "exit" => {
            let counters: Vec<_> = (0..CROWD).map(|_| Counter::default().spawn()).collect();
            counters[CROWD - 1].count().await?;
            for counter in &counters[..times] {
                counter.exit(Exit::shutdown());
            }
            for counter in &counters[..times] {
                counter.ended().await;
            }
            std::mem::forget(counters);
        }
        "encode" => {
            let (letter, mut bytes) = (letter(), Vec::with_capacity(4096));
            for _ in 0..times {
                bytes.clear();
                letter.encode(&mut Encoder::new(&mut bytes, 4096)).map_err(Exit::error)?;
            }
        }
        "decode" => {
            let (letter, mut bytes) = (letter(), Vec::new());
            letter.encode(&mut Encoder::new(&mut bytes, 4096)).map_err(Exit::error)?;
            for _ in 0..times {
                drop(Letter::decode(letter.variant(), &mut Decoder::new(&bytes)).map_err(Exit::error)?);
            }
        }
        unknown => return Err(Exit::error(format!("no path `{unknown}`"))),
    }
    Ok(())
}

/// Travels.
fn letter() -> Letter {
    Letter::Post { priority: 15, body: "thirty-two letters, and no more.".to_owned() }
}
