//! Runs the first release under load, upgrades it three times, and prints the pauses and the losses.

mod load;
mod releases;

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use greenroom::prelude::*;
use greenroom::{Cookie, Node};
use live_upgrade::first::CounterRef;
use tokio::time::sleep;

use load::Load;
use releases::{Shop, build, install};

const NODE: &str = "shop@localhost";
/// The time under load before each upgrade, and after the last one.
const PHASE: Duration = Duration::from_secs(1);
/// The time in which the program starts, or is upgraded.
const DEADLINE: Duration = Duration::from_secs(30);

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

fn free_address() -> greenroom::Result<String> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}
