//! Runs the first release under load, upgrades it three times, and prints the pauses and the losses.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use greenroom::prelude::*;
use greenroom::{Cookie, Node};
use live_upgrade::first::CounterRef;
use tokio::time::sleep;

const NODE: &str = "shop@localhost";
/// The time under load before each upgrade, and after the last one.
const PHASE: Duration = Duration::from_secs(1);
/// The time in which the program starts, or is upgraded.
const DEADLINE: Duration = Duration::from_secs(30);

/// The results of calls, one after the other.
#[derive(Default)]
struct Load {
    calls: u64,
    lost: u64,
    /// The longest time from one answer to the next.
    pause: Duration,
}

/// Notes the loss of connections.
#[actor]
#[derive(Default)]
struct Watch {
    events: Vec<String>,
}

#[actor]
impl Watch {
    #[node_event]
    fn note(&mut self, event: NodeEvent) {
        self.events.push(format!("{event:?}"));
    }

    #[call]
    fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.events)
    }
}

#[tokio::main]
async fn main() -> greenroom::Result {
    let [first, second] = build()?;
    let folder = std::env::temp_dir().join(format!("live-upgrade-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let outcome = run(&folder.join("shop"), [&first, &second]).await;
    std::fs::remove_dir_all(&folder)?;
    match outcome? {
        0 => Ok(()),
        lost => Err(Exit::error(format!("{lost} calls were lost"))),
    }
}

/// Returns the number of lost calls and of events.
async fn run(program: &Path, [first, second]: [&Path; 2]) -> greenroom::Result<u64> {
    let (cookie, address) = (Cookie::random()?, free_address()?);
    install(first, program)?;
    let shop = Command::new(program)
        .env("GREENROOM_NODE", NODE)
        .env("GREENROOM_LISTEN", &address)
        .env(Cookie::VARIABLE, cookie.expose())
        .spawn()?;
    let shop = Shop(shop);
    let node = Node::builder("client@localhost").cookie(cookie).seed(&address).start().await?;
    let watch = node.spawn(Watch::default());
    let counter = {
        let _entered = node.enter();
        CounterRef::at("counter", NODE)
    };
    until(&counter, "first").await?;
    watch.take().await?;
    let (mut lost, mut expected) = (0, 0);
    println!("{:<24}{:>10}{:>10}{:>14}", "", "calls", "lost", "longest pause");
    for (release, file) in [("second", second), ("first", first), ("second", second)] {
        let load = Load::run(&counter, &mut expected, sleep(PHASE)).await;
        lost += load.print("without an upgrade");
        install(file, program)?;
        shop.signal("USR2")?;
        let load = Load::run(&counter, &mut expected, until(&counter, release)).await;
        lost += load.print(&format!("upgrade to {release}"));
    }
    let events = watch.take().await?;
    println!("events of nodes: {events:?}, lost calls: {lost}");
    shop.signal("TERM")?;
    Ok(lost + events.len() as u64)
}

impl Load {
    /// Calls the counter until `end` resolves. Each answer is the next number.
    async fn run<T>(counter: &CounterRef, expected: &mut u64, end: impl Future<Output = T>) -> Load {
        let is_over = Arc::new(AtomicBool::new(false));
        let calls = async {
            let (mut load, mut last) = (Load::default(), Instant::now());
            while !is_over.load(Ordering::Relaxed) {
                let answer = counter.count().within(DEADLINE).await;
                *expected += 1;
                load.calls += 1;
                if answer.as_ref().ok() != Some(expected) {
                    load.lost += 1;
                    println!("call {expected}: {answer:?}");
                }
                load.pause = load.pause.max(last.elapsed());
                last = Instant::now();
            }
            load
        };
        let end = async {
            end.await;
            is_over.store(true, Ordering::Relaxed);
        };
        tokio::join!(calls, end).0
    }

    fn print(&self, phase: &str) -> u64 {
        println!("{phase:<24}{:>10}{:>10}{:>11.1} ms", self.calls, self.lost, self.pause.as_secs_f64() * 1e3);
        self.lost
    }
}

/// Waits until this release answers.
async fn until(counter: &CounterRef, release: &str) -> greenroom::Result {
    let begun = Instant::now();
    while counter.release().await.ok().as_deref() != Some(release) {
        if begun.elapsed() > DEADLINE {
            return Err(Exit::error(format!("the {release} release does not answer")));
        }
        sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

/// Builds both releases, unless the argument `--built` states that they are, and returns their files.
fn build() -> greenroom::Result<[PathBuf; 2]> {
    let own = std::env::current_exe()?;
    let files = ["first", "second"].map(|release| own.with_file_name(release));
    if !std::env::args().any(|argument| argument == "--built") {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let release = (!cfg!(debug_assertions)).then_some("--release");
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let built =
            Command::new(cargo).args(["build", "--bins", "--manifest-path", manifest]).args(release).status()?;
        if !built.success() {
            return Err(Exit::error("cargo could not build the releases"));
        }
    }
    Ok(files)
}

/// Replaces the program's file, which may be running.
fn install(release: &Path, program: &Path) -> greenroom::Result {
    let new = program.with_extension("new");
    std::fs::copy(release, &new)?;
    Ok(std::fs::rename(new, program)?)
}

fn free_address() -> greenroom::Result<String> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

/// The process that the program was started as. Over upgrades it stays, and forwards signals.
struct Shop(Child);

impl Shop {
    fn signal(&self, signal: &str) -> greenroom::Result {
        // The standard library sends no signal but SIGKILL, and every Unix has `kill`.
        let sent = Command::new("kill").arg(format!("-{signal}")).arg(self.0.id().to_string()).status()?;
        if sent.success() { Ok(()) } else { Err(Exit::error("the program has ended")) }
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        // Fails if it has ended.
        let _ = self.signal("TERM");
        let _ = self.0.wait();
    }
}
