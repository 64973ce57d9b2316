//! The demo: plays a text file on two nodes and kills one of them midway.
//!
//! The nodes are two operating system processes. Node a runs the chat; node b joins it. Each speaker of the file runs
//! on one of them, and each node has a client that records the lines. The lines are sent in the file's order, many at
//! a time if the file is long. Each is sent again until the database acknowledges it. When half of them are
//! acknowledged, b is killed with SIGKILL and started again.
//!
//! At the end, the demo compares the sent lines with the history on disk and with the lines that each client
//! recorded.

mod recorder;
mod results;
mod script;
mod second_node;
mod speakers;

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use futures_util::stream::{FuturesUnordered, StreamExt};
use greenroom::Cookie;
use greenroom::prelude::*;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::line::{Id, Line, Nick, call_until_answered};
use crate::services::Services;
use crate::session::Session;
use crate::store::Store;
use crate::terminal::{LevelFilter, Terminal};
use crate::text::Text;
use crate::tree::{ChatTree, NodeSettings};
use recorder::{ReceivedLine, Recorder};
use results::Results;
use second_node::SecondNode;
pub(crate) use second_node::run_second_node;
use speakers::{Speakers, SpeakersRef};

/// The names of the two nodes.
const NODES: [&str; 2] = ["a@demo", "b@demo"];
/// The room of the demo.
const ROOM: &str = "demo";
/// The demo stops when nothing happens for this long.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Plays a file. The exit code is success if no line is lost or duplicated.
pub(crate) async fn play(file: &Path) -> greenroom::Result<ExitCode> {
    let lines = script::read(file, &Text::new(ROOM)?).map_err(Exit::error)?;
    let scratch = Scratch::new()?;
    let began = Instant::now();
    let (mut results, history) = run_nodes(&lines, &scratch.0).await?;

    // The nodes have stopped, so the file on disk is final.
    let (store, room, mut after) = (Store::open(&history)?, Text::new(ROOM)?, 0);
    loop {
        let page = store.page(&room, Some(after))?;
        let Some(last) = page.last() else { break };
        after = last.number;
        results.stored.extend(page.into_iter().map(ReceivedLine::from));
    }
    let summary = results.summary(&lines);
    let mut out = io::stdout().lock();
    for (node, received) in NODES.iter().zip(&results.received) {
        writeln!(out, "-- {node} received {} lines", received.len())?;
    }
    writeln!(out, "-- the history has {} lines, after {:.1?}", results.stored.len(), began.elapsed())?;
    writeln!(out, "{summary}")?;
    Ok(if summary.is_complete(&lines) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Starts node a, plays the lines and stops the node. Returns the results and the path of the history.
async fn run_nodes(lines: &[Line], data: &Path) -> greenroom::Result<(Results, PathBuf)> {
    // Reports of a lost node are expected, so only errors are printed.
    let terminal = Terminal::open(false, LevelFilter::ERROR);
    let cookie = Cookie::random()?;
    let node = Node::builder(NODES[0]).cookie(cookie.clone()).listen("127.0.0.1:0").start().await?;
    let settings = NodeSettings::new(data.to_owned(), Some(node.name()), 0, terminal.clone())?;
    let history = settings.history();
    let services = Services::of(&node, node.name());
    let run = async {
        terminal.start_quietly(|| node.start_tree(ChatTree { settings, services: services.clone() })).await?;
        node.start(Speakers::new(services.clone())).await?;
        send_lines(&node, services, lines, data, cookie).await
    };
    let outcome = run.await;
    node.stop().await;
    Ok((outcome?, history))
}

/// Sends all lines and records on both nodes, until each line has been received or nothing happens any more.
async fn send_lines(
    node: &Node,
    services: Services,
    lines: &[Line],
    data: &Path,
    cookie: Cookie,
) -> greenroom::Result<Results> {
    let (sender, mut received) = mpsc::unbounded_channel();
    let own = sender.clone();
    node.spawn(Session::new(Recorder::new(0, move |line| own.send((0, line)).is_ok()), services));
    let seed = node.address().ok_or_else(|| Exit::error("the node has no listen address"))?;
    let mut second_node = SecondNode::start(&seed, &cookie, data, 0, &sender)?;

    let speakers: [SpeakersRef; 2] = NODES.map(|name| node.named_at("speakers", name));
    let nodes = assign_nodes(lines);
    // A short conversation is sent line by line; of a long one, many lines at a time.
    let max_unacknowledged = (lines.len() / 50).clamp(1, 512);
    let mut results = Results::default();
    let mut out = io::BufWriter::new(io::stdout());
    let (mut sent, mut killed, mut unacknowledged) = (0, false, FuturesUnordered::new());
    while results.acknowledged.len() < lines.len()
        || results.received.iter().any(|received| received.len() < lines.len())
    {
        while unacknowledged.len() < max_unacknowledged && sent < lines.len() {
            let line = &lines[sent];
            let node_index = nodes[&line.nick];
            unacknowledged.push(send_line(speakers[node_index].clone(), line.clone()));
            sent += 1;
            // The node is killed while one of its own lines is unacknowledged, if possible.
            let may_kill = node_index == 1 || sent == lines.len();
            if may_kill && !killed && results.acknowledged.len() >= lines.len() / 2 {
                killed = true;
                let number = second_node.kill().await?;
                writeln!(out, "-- {} is killed while line {sent} is sent; it has received {number} lines", NODES[1])?;
                second_node = SecondNode::start(&seed, &cookie, data, number, &sender)?;
                writeln!(out, "-- {} is started again", NODES[1])?;
            }
        }
        if received.is_empty() {
            out.flush()?;
        }
        tokio::select! {
            Some(id) = unacknowledged.next() => { results.acknowledged.insert(id); }
            Some((node_index, line)) = received.recv() => {
                writeln!(out, "{} received {}: {}", NODES[node_index], line.nick, line.words)?;
                results.received[node_index].push(line);
            }
            () = sleep(IDLE_TIMEOUT) => {
                writeln!(out, "-- timeout: nothing has happened for {IDLE_TIMEOUT:?}")?;
                break;
            }
        }
    }
    out.flush()?;
    second_node.stop().await?;
    // Lines that arrive after the last one are duplicates.
    while let Ok((node_index, line)) = received.try_recv() {
        results.received[node_index].push(line);
    }
    Ok(results)
}

/// Sends a line until it is acknowledged. The first attempt is sent before this returns.
fn send_line(speakers: SpeakersRef, line: Line) -> impl Future<Output = Id> {
    let first_attempt = speakers.say(line.clone());
    async move {
        if first_attempt.await.is_err() {
            call_until_answered(|| speakers.say(line.clone())).await;
        }
        line.id
    }
}

/// Assigns each speaker to a node, by turns in the order of their first lines.
fn assign_nodes(lines: &[Line]) -> HashMap<Nick, usize> {
    let mut nodes = HashMap::new();
    for line in lines {
        let next = nodes.len() % NODES.len();
        nodes.entry(line.nick.clone()).or_insert(next);
    }
    nodes
}

/// A temporary directory, which is removed on drop.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> io::Result<Scratch> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let name = format!("chat-demo-{}-{}", std::process::id(), now.as_nanos());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path)?;
        Ok(Scratch(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A directory that cannot be removed is left to the system.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
