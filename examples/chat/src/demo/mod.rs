//! The demo: plays a text file on three nodes. On the way it kills two of them and upgrades all of them.
//!
//! The nodes are three operating system processes, with a page and a data directory each. Each speaker of the file is
//! a person who is connected to one of them by a websocket, and each node has a listener. The lines are sent in the
//! file's order, many at a time if the file is long.
//!
//! A node is killed with SIGKILL and its directory deleted, so it starts again without any data. Then the nodes are
//! upgraded, one after the other: a new process of this program takes the place of the running one. At last the node that
//! puts the lines in order is killed; it starts again when another node has taken over. The people of a node that is killed
//! or upgraded continue on another one. Each of these five [`Act`]s begins when all nodes are complete again.
//!
//! At the end, the demo compares the sent lines with those that each listener received, that each node shows to a new
//! reader, and that each node has on disk.

mod people;
mod results;
mod script;
mod stage;

use std::io::{self, Write};
use std::path::Path;

use greenroom::prelude::*;
use tokio::time::{Instant, timeout};

use crate::cluster::Program;
use crate::history::store::{Page, Store};
use crate::line::{Line, Room};
use crate::scratch::Scratch;
use crate::text::Text;
use crate::tree::HISTORY;
use crate::visitor::{Event, ReceivedLine};
use people::People;
use results::Results;
use stage::Stage;

/// The number of nodes.
const NODES: usize = 3;
/// The room of the demo.
const ROOM: &str = "demo";
/// The demo stops when nothing happens for this long.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Plays a file. Returns an error if a line is lost or duplicated.
pub(crate) async fn play(file: &Path) -> greenroom::Result {
    let room = Text::new(ROOM)?;
    let lines = script::read(file, &room).map_err(Exit::error)?;
    let scratch = Scratch::new("demo")?;
    let began = Instant::now();
    let programs = Program::temporary_cluster(NODES, &scratch.0)?;

    let mut results = run_nodes(&programs, &room, &lines).await?;
    // The nodes have stopped, so the files are final.
    for program in &programs {
        results.copies.push(read_history(&program.data.join(HISTORY), &room)?);
    }

    let summary = results.summary(&lines);
    let mut out = io::stdout().lock();
    for (copies, place) in results.copies.chunks(NODES).zip(["received", "on the pages", "on disk"]) {
        writeln!(out, "-- lines {place}: {:?}", copies.iter().map(Vec::len).collect::<Vec<_>>())?;
    }
    writeln!(out, "-- after {:.1?}", began.elapsed())?;
    writeln!(out, "{summary}")?;
    if summary.is_complete(&lines) { Ok(()) } else { Err(Exit::error("the nodes do not have each line once")) }
}

/// Starts the nodes, plays the lines, reads them back from each node and stops the nodes in order.
async fn run_nodes(programs: &[Program], room: &Room, lines: &[Line]) -> greenroom::Result<Results> {
    let mut stage = Stage::open(programs)?;
    let pages = programs.iter().map(|program| program.page).collect();
    let mut people = People::new(pages, room.clone());
    (0..NODES).for_each(|node| people.listen(node));
    let mut results = Results { copies: vec![Vec::new(); NODES], ..Results::default() };
    send_lines(&mut stage, &mut people, lines, &mut results).await?;
    // Lines that arrive after the last one are duplicates.
    while let Ok((listener, event)) = people.events.try_recv() {
        results.record(listener, event);
    }
    results.copies.resize(2 * NODES, Vec::new());
    (0..NODES).for_each(|node| people.read(node, NODES + node));
    while !results.have_all(lines)
        && let Ok(Some((reader, event))) = timeout(IDLE_TIMEOUT, people.events.recv()).await
    {
        results.record(reader, event);
    }
    stage.close().await?;
    Ok(results)
}

/// A fault or an upgrade of a node while the lines are sent.
#[derive(Clone, Copy)]
enum Act {
    /// The node is killed and its directory deleted.
    KillAndDelete(usize),
    /// A new process takes over from the node's process.
    Upgrade(usize),
    /// The node that puts the lines in order is killed.
    KillWriter,
}

/// The acts, at equal distances.
const ACTS: [Act; 5] = [Act::KillAndDelete(1), Act::Upgrade(0), Act::Upgrade(1), Act::Upgrade(2), Act::KillWriter];

/// Sends all lines, until each listener has each of them or nothing happens any more.
async fn send_lines(
    stage: &mut Stage,
    people: &mut People,
    lines: &[Line],
    results: &mut Results,
) -> greenroom::Result {
    // A short conversation is sent line by line; of a long one, many lines at a time.
    let max_unacknowledged = (lines.len() / 50).clamp(1, 512);
    let mut acts = (1..).map(|number| lines.len() * number / (ACTS.len() + 1)).zip(ACTS).peekable();
    let mut out = io::BufWriter::new(io::stdout());
    let (mut sent, mut killed_writer) = (0, None);
    while !results.have_all(lines) {
        let acknowledged = results.acknowledged.len();
        // Lines are on their way while an act begins.
        let limit = acts.peek().map_or(lines.len(), |(at, _)| lines.len().min(at + max_unacknowledged));
        while sent < limit && sent - acknowledged < max_unacknowledged {
            people.say(&lines[sent]);
            sent += 1;
        }
        if let Some(node) = killed_writer.take_if(|node| stage.writer != *node) {
            stage.start(node)?;
        } else if stage.is_complete()
            && let Some((_, act)) = acts.next_if(|(at, _)| acknowledged >= *at)
        {
            let name = stage::name;
            match act {
                Act::KillAndDelete(node) => {
                    let name = name(node);
                    writeln!(out, "-- node {name} is killed while line {sent} is sent, and its directory deleted")?;
                    stage.kill_and_delete(node).await?;
                    stage.start(node)?;
                }
                Act::Upgrade(node) => {
                    writeln!(out, "-- node {} is upgraded while line {sent} is sent", name(node))?;
                    stage.upgrade(node)?;
                }
                Act::KillWriter => {
                    let writer = stage.writer;
                    writeln!(out, "-- node {}, the writer, is killed while line {sent} is sent", name(writer))?;
                    stage.kill(writer).await;
                    killed_writer = Some(writer);
                }
            }
        }
        if people.events.is_empty() {
            out.flush()?;
        }
        tokio::select! {
            Some(text) = stage.next() => writeln!(out, "-- {text}")?,
            Some((person, event)) = people.events.recv() => {
                if let (Some(node), Event::Line(line)) = (person, &event) {
                    writeln!(out, "{} received {}: {}", stage::name(node), line.nick, line.words)?;
                }
                results.record(person, event);
            }
            () = tokio::time::sleep(IDLE_TIMEOUT) => {
                writeln!(out, "-- timeout: nothing has happened for {IDLE_TIMEOUT:?}")?;
                break;
            }
        }
    }
    out.flush()?;
    Ok(())
}

/// Returns all lines that a node has on disk, acknowledged or not.
fn read_history(path: &Path, room: &Room) -> greenroom::Result<Vec<ReceivedLine>> {
    let store = Store::open(path)?;
    let mut lines: Vec<ReceivedLine> = Vec::new();
    loop {
        let after = lines.last().map_or(0, |line| line.number);
        let page = store.page(room, Page::After(after), u64::MAX)?;
        if page.is_empty() {
            return Ok(lines);
        }
        lines.extend(page.into_iter().map(ReceivedLine::from));
    }
}
