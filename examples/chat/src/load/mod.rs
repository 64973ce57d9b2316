//! The load: many people with a websocket each, in rooms of twenty, who write for a minute.
//!
//! They use three nodes on this computer, in a temporary directory. At the end each person must have received each line
//! of the room since joining it, once and in order. Before and after that it measures the memory of websockets without
//! people, and of half as many more that connect to one node at the same time.

mod memory;
mod person;

use std::net::SocketAddr;
use std::process::Stdio;

use futures_util::StreamExt;
use futures_util::stream::iter;
use greenroom::PortRef;
use greenroom::prelude::*;
use tokio::time::{Instant, interval, sleep, timeout};

use crate::cluster::Program;
use crate::scratch::Scratch;
use crate::visitor::{RETRY_DELAY, Socket, connect};
use person::Writer;

/// The number of nodes, and of people in a room.
const NODES: usize = 3;
const ROOM_SIZE: usize = 20;
/// The time in which people write, and the time between two lines of a person.
const DURATION: Duration = Duration::from_secs(60);
const LINE_PERIOD: Duration = Duration::from_secs(20);
/// The number of people who connect at the same time.
const CONNECTING: usize = 256;
/// The time limit for the last lines, and the time for the nodes to return memory.
const END_TIMEOUT: Duration = Duration::from_secs(60);
const REST: Duration = Duration::from_secs(20);
/// The open files that this program needs beside the websockets.
const OTHER_FILES: usize = 100;

/// Runs the load. Returns an error if a line is lost or repeated.
pub(crate) async fn run(people: usize) -> greenroom::Result {
    let storm = people * 3 / 2;
    check_open_files(storm)?;
    let scratch = Scratch::new("load")?;
    let programs = Program::temporary_cluster(NODES, &scratch.0)?;
    let pages: Vec<SocketAddr> = programs.iter().map(|program| program.page).collect();
    let _nodes: Vec<PortRef> =
        programs.iter().map(|program| Ok(program.port(Stdio::null())?.spawn())).collect::<std::io::Result<_>>()?;
    // The first person waits until the nodes are ready.
    drop(Writer::join(0, &pages).await?);
    sleep(Duration::from_secs(1)).await;
    let before = memory::resident()?;
    let kilobytes = |bytes: u64| bytes.saturating_sub(before) as f64 / people as f64 / 1024.0;

    let sockets = connect_all((0..people).map(|number| pages[number % NODES]), CONNECTING).await;
    sleep(REST).await;
    println!("memory of all nodes for each idle websocket: {:.0} KB", kilobytes(memory::resident()?));
    drop(sockets);

    let began = Instant::now();
    let writers = join_all(people, &pages).await?;
    println!(
        "{people} people in {} rooms on {NODES} nodes, joined in {:.1?}",
        people.div_ceil(ROOM_SIZE),
        began.elapsed()
    );
    sleep(REST).await;
    let joined = memory::resident()?;
    let result = write_lines(&writers).await?;
    let writing = memory::resident()?;
    println!("{result}");
    drop(writers);
    sleep(REST).await;
    let left = memory::resident()?;
    let writers = join_all(people, &pages).await?;
    sleep(REST).await;
    println!(
        "memory of all nodes for each person: {:.0} KB joined, {:.0} KB after the lines, {:.0} KB when all have left, \
         {:.0} KB when they are back",
        kilobytes(joined),
        kilobytes(writing),
        kilobytes(left),
        kilobytes(memory::resident()?)
    );
    drop(writers);
    sleep(REST).await;
    run_storm(storm, pages[0]).await?;
    if result.is_complete() { Ok(()) } else { Err(Exit::error("not each person has received each line once")) }
}

/// Connects so many websockets, `at_once` of them at the same time. One that is refused tries again.
async fn connect_all(pages: impl Iterator<Item = SocketAddr>, at_once: usize) -> Vec<Socket> {
    let connect = |page| async move {
        loop {
            match connect(page).await {
                Ok(socket) => return socket,
                Err(_) => sleep(RETRY_DELAY).await,
            }
        }
    };
    iter(pages.map(connect)).buffer_unordered(at_once).collect().await
}

/// Connects so many people, and waits until they have joined their rooms.
async fn join_all(people: usize, pages: &[SocketAddr]) -> Result<Vec<Writer>, Exit> {
    let joining = iter((0..people).map(|number| Writer::join(number, pages))).buffer_unordered(CONNECTING);
    joining.collect::<Vec<_>>().await.into_iter().collect()
}

/// Lets all people write for a minute, and waits until each has received each line of the room.
async fn write_lines(writers: &[Writer]) -> greenroom::Result<Summary> {
    let began = Instant::now();
    let mut ticks = interval(LINE_PERIOD / writers.len() as u32);
    let mut lines = 0;
    while began.elapsed() < DURATION {
        ticks.tick().await;
        // Neighbours in the list have joined at the same time, often the same room.
        writers[(lines as usize * 7919) % writers.len()].say(lines)?;
        lines += 1;
    }
    let is_complete = || {
        let waiting = writers.iter().any(|writer| !writer.person().sent.is_empty());
        !waiting && deliveries(writers) == lines * ROOM_SIZE as u64
    };
    let complete = async {
        while !is_complete() {
            sleep(Duration::from_millis(100)).await;
        }
    };
    // Lines that are lost do not arrive later.
    let _ = timeout(END_TIMEOUT, complete).await;
    Ok(Summary::of(writers, lines))
}

/// Connects so many websockets to one node, all at the same time.
async fn run_storm(connections: usize, page: SocketAddr) -> greenroom::Result {
    let megabytes = |bytes: u64| bytes / 1024 / 1024;
    let before = memory::resident()?;
    memory::reset_peak()?;
    let began = Instant::now();
    let sockets = connect_all(std::iter::repeat_n(page, connections), connections).await;
    let (took, peak) = (began.elapsed(), memory::peak()?);
    sleep(REST).await;
    let connected = memory::resident()?;
    drop(sockets);
    sleep(REST).await;
    println!(
        "a storm of {connections} connections at one node: all are connected after {took:.1?}; memory of all nodes: {} MB \
         before, {} MB at most, {} MB with the connections, {} MB when they have left",
        megabytes(before),
        megabytes(peak),
        megabytes(connected),
        megabytes(memory::resident()?)
    );
    Ok(())
}

fn deliveries(writers: &[Writer]) -> u64 {
    writers.iter().map(|writer| writer.person().received).sum()
}

/// The result of a run.
struct Summary {
    lines: u64,
    acknowledged: Vec<Duration>,
    deliveries: u64,
    wrong: u64,
}

impl Summary {
    fn of(writers: &[Writer], lines: u64) -> Summary {
        let mut acknowledged: Vec<Duration> =
            writers.iter().flat_map(|writer| writer.person().acknowledged.clone()).collect();
        acknowledged.sort_unstable();
        let wrong = writers.iter().map(|writer| writer.person().wrong).sum();
        Summary { lines, acknowledged, deliveries: deliveries(writers), wrong }
    }

    fn is_complete(&self) -> bool {
        let all = self.acknowledged.len() as u64 == self.lines;
        all && self.deliveries == self.lines * ROOM_SIZE as u64 && self.wrong == 0
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Summary { lines, acknowledged, deliveries, wrong } = self;
        let within = |part: usize| acknowledged.get(acknowledged.len() * part / 1000).copied().unwrap_or_default();
        writeln!(
            f,
            "{lines} lines in {DURATION:?}, {} acknowledged: half of them within {:.1?}, 99 % within {:.1?}",
            acknowledged.len(),
            within(500),
            within(990),
        )?;
        let expected = lines * ROOM_SIZE as u64;
        write!(f, "{deliveries} of {expected} deliveries, {wrong} out of order")
    }
}

/// Checks that the system allows so many websockets.
fn check_open_files(websockets: usize) -> Result<(), Exit> {
    let limits = std::fs::read_to_string("/proc/self/limits")?;
    let limit: Option<usize> =
        limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next()?.parse().ok());
    let needed = websockets + OTHER_FILES;
    match limit {
        Some(limit) if limit < needed => {
            Err(Exit::error(format!("{websockets} websockets need {needed} open files: ulimit -n {needed}")))
        }
        _ => Ok(()),
    }
}
