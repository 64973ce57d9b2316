//! The runtime's hot paths, which run a given number of times on one thread.
//!
//! The preparation of a path does not depend on the number of repetitions. It cancels out in the difference of two
//! counts, as the start of the program does.

use greenroom::__private::{Decoder, Encoder, Payload};
use greenroom::Protocol as _;
use greenroom::prelude::*;

/// The names of the paths, which are the keys of `tests/instructions.json`.
pub(crate) const PATHS: [&str; 10] =
    ["cast", "call", "receive hit", "receive miss and save", "spawn", "exit", "link", "encode", "decode", "named send"];

/// The number of processes that a path prepares, and the maximum number of repetitions.
const PREPARED: usize = 2_000;

/// The messages to a clerk.
#[protocol]
enum Letter {
    Post { priority: u8, body: String },
    Stamp { n: u64 },
    Junk { n: u64 },
    Repeat { path: Path, times: usize, reply: Reply<()> },
}

/// The paths that a clerk runs itself.
#[derive(Clone, Copy, serde::Serialize, serde::Deserialize)]
enum Path {
    Hit,
    Miss,
    Link,
}

/// A process that receives selectively.
#[actor(protocol = Letter)]
struct Clerk;

impl Process for Clerk {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        let (path, times, reply) = receive!(match cx {
            Letter::Repeat { path, times, reply } => (path, times, reply),
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
                let others: Vec<_> = (0..PREPARED).map(|_| Counter::default().spawn()).collect();
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

/// A server with one cast and one call.
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

/// Runs a path so many times.
pub(crate) fn run(path: &str, times: usize) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let result = runtime.block_on(async {
        let node = Node::local();
        node.scope(repeat(path, times)).await
    });
    // The processes are not dropped: their ends are not to be counted.
    std::mem::forget(runtime);
    result.map_err(|error| error.to_string())
}

async fn repeat(path: &str, times: usize) -> Result<(), Exit> {
    assert!(times <= PREPARED, "more repetitions than prepared processes");
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
        "receive hit" => Clerk.spawn().repeat(Path::Hit, times).await?,
        "receive miss and save" => Clerk.spawn().repeat(Path::Miss, times).await?,
        "link" => Clerk.spawn().repeat(Path::Link, times).await?,
        "spawn" => {
            let counters: Vec<_> = (0..times).map(|_| Counter::default().spawn()).collect();
            // The processes run in order, so all have run after the last one.
            if let Some(last) = counters.last() {
                last.count().await?;
            }
            std::mem::forget(counters);
        }
        "exit" => {
            let counters: Vec<_> = (0..PREPARED).map(|_| Counter::default().spawn()).collect();
            counters[PREPARED - 1].count().await?;
            for counter in &counters[..times] {
                counter.exit(Exit::shutdown());
            }
            for counter in &counters[..times] {
                counter.ended().await;
            }
            std::mem::forget(counters);
        }
        "encode" => {
            let (letter, mut memory) = (letter(), Vec::with_capacity(4096));
            for _ in 0..times {
                let mut payload = Payload::reusing(memory);
                letter.encode(&mut Encoder::new(&mut payload, 4096)).map_err(Exit::error)?;
                memory = payload.into_memory();
            }
        }
        "decode" => {
            let (letter, mut payload) = (letter(), Payload::default());
            letter.encode(&mut Encoder::new(&mut payload, 4096)).map_err(Exit::error)?;
            let source = payload.to_source();
            for _ in 0..times {
                drop(Letter::decode(letter.variant(), &mut Decoder::new(&source)).map_err(Exit::error)?);
            }
        }
        unknown => return Err(Exit::error(format!("unknown path `{unknown}`"))),
    }
    Ok(())
}

/// The message that is encoded and decoded.
fn letter() -> Letter {
    Letter::Post { priority: 15, body: "a text of thirty-two characters.".to_owned() }
}
