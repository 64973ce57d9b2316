//! The pause of an upgrade: a node with very many supervised processes is upgraded to the same program. Prints, for one
//! process, the time between its last message in the predecessor and its first one in the successor; beside it the time that
//! the same states take to be encoded, decoded and started as processes, in the same run; and the peak memory of both sides.
//!
//! The arguments are the number of processes, 100,000 by default, the bytes of each state, 1,000 by default, and the number of
//! upgrades, 3 by default.

use std::time::{Duration, Instant, SystemTime};

use greenroom::TreeStub;
use greenroom::prelude::*;
use greenroom::{Handover, Node};
use serde::{Deserialize, Serialize};

#[actor(upgrade)]
#[derive(Clone, Serialize, Deserialize)]
struct Room {
    lines: String,
    said: u64,
}

#[actor]
impl Room {
    #[call]
    fn say(&mut self) -> u64 {
        self.said += 1;
        self.said
    }
}

/// A process that counts, and measures each gap between two of its messages.
#[actor(upgrade)]
#[derive(Serialize, Deserialize)]
struct Beat {
    last: SystemTime,
    /// The process of the operating system in which it has counted last.
    process: u32,
}

#[actor]
impl Beat {
    #[every("1ms")]
    fn beat(&mut self) {
        let (now, process) = (SystemTime::now(), std::process::id());
        if std::mem::replace(&mut self.process, process) != process {
            let pause = now.duration_since(self.last).unwrap_or_default();
            println!("pause: {:.1} ms, peak memory of the successor: {:.0} MB", millis(pause), peak_memory());
        }
        self.last = now;
    }
}

#[supervisor]
struct Block {
    #[child(start = Beat { last: SystemTime::now(), process: std::process::id() })]
    beat: Beat,
    #[child(dynamic, restart = temporary)]
    rooms: Room,
}

#[greenroom::main]
async fn main() -> greenroom::Result {
    let mut arguments = std::env::args().skip(1);
    let mut argument = |default: usize| arguments.next().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (count, bytes, upgrades) = (argument(100_000), argument(1_000), argument(3));
    let block = Block {}.start().await?;
    let existing = block.rooms().count_children().await?.active;
    if existing == 0 {
        for _ in 0..count {
            block.rooms().start_child(Room { lines: "7".repeat(bytes), said: 0 }).await?;
        }
        std::fs::write(upgrades_left(), upgrades.to_string())?;
    } else {
        println!("{existing} processes have continued");
        let mut running = 0;
        for room in block.rooms().children().await?.into_iter().take(100) {
            running += u64::from(room.pid.is_some());
        }
        assert_eq!(running, 100.min(count as u64));
    }
    let left: u32 = std::fs::read_to_string(upgrades_left())?.parse()?;
    std::fs::write(upgrades_left(), left.saturating_sub(1).to_string())?;
    if left == 0 {
        std::fs::remove_file(upgrades_left())?;
        return Ok(());
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    baseline(count, bytes);
    let node = Node::current();
    tokio::spawn(async move {
        let begun = Instant::now();
        let outcome = node.upgrade(std::env::current_exe().expect("this program has a file")).await;
        println!(
            "upgrade: {outcome:?} after {:.1} ms, peak memory of the predecessor: {:.0} MB",
            millis(begun.elapsed()),
            peak_memory()
        );
    });
    std::future::pending().await
}

/// Encodes so many states, decodes them, and starts them as processes of a node of their own.
fn baseline(count: usize, bytes: usize) {
    let room = Room { lines: "7".repeat(bytes), said: 0 };
    let begun = Instant::now();
    let encoded: Vec<Vec<u8>> =
        (0..count).map(|_| postcard::to_allocvec(&Handover::new(room.clone())).expect("it is encoded")).collect();
    let encoding = begun.elapsed();
    let decoded: Vec<Room> = encoded
        .iter()
        .map(|bytes| postcard::from_bytes::<Handover<Room>>(bytes).expect("it is decoded"))
        .map(|room| room.into_state().expect("it is a state"))
        .collect();
    let decoding = begun.elapsed() - encoding;
    let rooms: Vec<RoomRef> = decoded.into_iter().map(Spawn::spawn).collect();
    let all = begun.elapsed();
    println!(
        "{count} states of {bytes} bytes: encoded in {:.1} ms, decoded in {:.1} ms, started in {:.1} ms: {:.1} ms",
        millis(encoding),
        millis(decoding),
        millis(all - encoding - decoding),
        millis(all),
    );
    for room in rooms {
        room.exit(Exit::Kill);
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn upgrades_left() -> std::path::PathBuf {
    std::env::temp_dir().join("greenroom-upgrades-left")
}

/// Returns the peak of the resident memory of this process in megabytes.
fn peak_memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB").trim();
    line.trim_end_matches(" kB").parse::<f64>().unwrap_or(0.0) / 1024.0
}
