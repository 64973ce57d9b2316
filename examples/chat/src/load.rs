//! The load: many people with a websocket each, in rooms of twenty, who write for a minute.
//!
//! They use three nodes on this computer, in a temporary directory. At the end each person must have received each line
//! of the room since joining it, once and in order.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use futures_util::stream::iter;
use greenroom::PortRef;
use greenroom::prelude::*;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::{Instant, interval, sleep, timeout};

use crate::cluster::Program;
use crate::line::{Id, Room, Words};
use crate::scratch::Scratch;
use crate::text::Text;
use crate::visitor::{Event, Visitor};

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
const REST: Duration = Duration::from_secs(10);
/// The open files that this program needs beside the websockets.
const OTHER_FILES: usize = 100;

/// The state of one person, as the test of the result needs it.
#[derive(Debug, Default)]
struct Person {
    /// The number of the last line, and of the lines.
    last: Option<u64>,
    received: u64,
    /// The number of lines that were missing, repeated or out of order.
    wrong: u64,
    /// The times at which the unacknowledged lines were sent.
    sent: HashMap<Id, Instant>,
    /// The time that each acknowledgement took.
    acknowledged: Vec<Duration>,
}

impl Person {
    fn see(&mut self, event: &Event) {
        match event {
            Event::Line(line) => {
                self.wrong += u64::from(self.last.is_some_and(|last| line.number != last + 1));
                self.last = Some(line.number);
                self.received += 1;
            }
            Event::Acknowledged { id } => {
                self.acknowledged.extend(self.sent.remove(id).map(|sent| sent.elapsed()));
            }
            Event::Joined | Event::Other => {}
        }
    }
}

/// A connected person.
struct Writer {
    says: UnboundedSender<(Id, Words)>,
    person: Arc<Mutex<Person>>,
}

impl Writer {
    /// Connects a person, and waits until the room is joined.
    async fn join(number: usize, pages: &[SocketAddr]) -> Result<Writer, Exit> {
        let room: Room = Text::new(&format!("room {}", number / ROOM_SIZE)).map_err(Exit::error)?;
        let nick = Text::new(&format!("person {number}")).map_err(Exit::error)?;
        let mut pages = pages.to_vec();
        pages.rotate_left(number % NODES);
        let (says, lines) = unbounded_channel();
        let (joined, is_joined) = oneshot::channel();
        let person: Arc<Mutex<Person>> = Arc::default();
        let (seen, mut joined) = (Arc::clone(&person), Some(joined));
        tokio::spawn(Visitor::new(room, nick, pages, None).run(lines, move |event| {
            if let Event::Joined = event
                && let Some(joined) = joined.take()
            {
                let _ = joined.send(());
            }
            lock(&seen).see(&event);
            true
        }));
        is_joined.await.map_err(Exit::error)?;
        Ok(Writer { says, person })
    }

    fn say(&self, number: u64) -> Result<(), Exit> {
        let id: Id = Text::new(&format!("line {number}")).map_err(Exit::error)?;
        let words =
            Text::new(&format!("a line of a usual length, which has the number {number}")).map_err(Exit::error)?;
        lock(&self.person).sent.insert(id.clone(), Instant::now());
        self.says.send((id, words)).map_err(|_| Exit::error("a person has left"))
    }
}

fn lock(person: &Mutex<Person>) -> std::sync::MutexGuard<'_, Person> {
    person.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Runs the load. Returns an error if a line is lost or repeated.
pub(crate) async fn run(people: usize) -> greenroom::Result {
    check_open_files(people)?;
    let scratch = Scratch::new("load")?;
    let programs = Program::cluster(NODES, 0, None, &scratch.0)?;
    let pages: Vec<SocketAddr> = programs.iter().map(|program| program.page).collect();
    let _nodes: Vec<PortRef> =
        programs.iter().map(|program| Ok(program.port(Stdio::null())?.spawn())).collect::<std::io::Result<_>>()?;
    // The first person waits until the nodes are ready.
    drop(Writer::join(0, &pages).await?);
    sleep(Duration::from_secs(1)).await;
    let before = memory()?;

    let began = Instant::now();
    let joining = iter((0..people).map(|number| Writer::join(number, &pages))).buffer_unordered(CONNECTING);
    let writers: Vec<Result<Writer, Exit>> = joining.collect().await;
    let writers = writers.into_iter().collect::<Result<Vec<Writer>, Exit>>()?;
    println!(
        "{people} people in {} rooms on {NODES} nodes, joined in {:.1?}",
        people.div_ceil(ROOM_SIZE),
        began.elapsed()
    );
    sleep(REST).await;
    let joined = memory()?;

    let began = Instant::now();
    let mut ticks = interval(LINE_PERIOD / people as u32);
    let mut lines = 0;
    while began.elapsed() < DURATION {
        ticks.tick().await;
        // Neighbours in the list have joined at the same time, often the same room.
        writers[(lines as usize * 7919) % people].say(lines)?;
        lines += 1;
    }
    let is_complete = || {
        let waiting = writers.iter().any(|writer| !lock(&writer.person).sent.is_empty());
        !waiting && deliveries(&writers) == lines * ROOM_SIZE as u64
    };
    let complete = async {
        while !is_complete() {
            sleep(Duration::from_millis(100)).await;
        }
    };
    // Lines that are lost do not arrive later.
    let _ = timeout(END_TIMEOUT, complete).await;
    let writing = memory()?;
    let result = Summary::of(&writers, lines);
    println!("{result}");

    drop(writers);
    sleep(REST).await;
    let left = memory()?;
    let joining = iter((0..people).map(|number| Writer::join(number, &pages))).buffer_unordered(CONNECTING);
    let _writers: Vec<Result<Writer, Exit>> = joining.collect().await;
    sleep(REST).await;
    let kilobytes = |bytes: u64| bytes.saturating_sub(before) as f64 / people as f64 / 1024.0;
    println!(
        "memory of all nodes for each person: {:.0} KB joined, {:.0} KB after the lines, {:.0} KB when all have left, \
         {:.0} KB when they are back",
        kilobytes(joined),
        kilobytes(writing),
        kilobytes(left),
        kilobytes(memory()?)
    );
    if result.is_complete() { Ok(()) } else { Err(Exit::error("not each person has received each line once")) }
}

fn deliveries(writers: &[Writer]) -> u64 {
    writers.iter().map(|writer| lock(&writer.person).received).sum()
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
            writers.iter().flat_map(|writer| lock(&writer.person).acknowledged.clone()).collect();
        acknowledged.sort_unstable();
        let wrong = writers.iter().map(|writer| lock(&writer.person).wrong).sum();
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

/// Returns the memory of all programs that this one has started, in bytes.
fn memory() -> greenroom::Result<u64> {
    let mut bytes = 0;
    for task in std::fs::read_dir("/proc/self/task")? {
        let children = std::fs::read_to_string(task?.path().join("children"))?;
        for child in children.split_whitespace() {
            let status = std::fs::read_to_string(format!("/proc/{child}/status"))?;
            let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
            bytes += resident.and_then(|kilobytes| kilobytes.parse::<u64>().ok()).unwrap_or(0) * 1024;
        }
    }
    Ok(bytes)
}

/// Checks that the system allows a socket for each person.
fn check_open_files(people: usize) -> Result<(), Exit> {
    let limits = std::fs::read_to_string("/proc/self/limits")?;
    let limit: Option<usize> =
        limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next()?.parse().ok());
    let needed = people + OTHER_FILES;
    match limit {
        Some(limit) if limit < needed => {
            Err(Exit::error(format!("{people} people need {needed} open files: ulimit -n {needed}")))
        }
        _ => Ok(()),
    }
}
