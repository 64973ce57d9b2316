//! The demo: a text file played on two nodes, of which one is killed midway.
//!
//! The nodes are two processes of the operating system. Node a runs the chat; node b joins it. Each speaker of the
//! file lives on one of them, and on each of them somebody listens. The lines are given out in the file's order, many
//! at a time if the file is long; each is given out until it is acknowledged, which is the database's to do.
//! When half of them are, b is killed, without a chance to say goodbye, and started again.
//!
//! In the end what was said is compared, line by line, with what the history on disk has and with what either
//! listener heard.

mod listener;
mod other;
mod script;
mod tally;
mod troupe;

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use futures_util::stream::{FuturesUnordered, StreamExt};
use greenroom::Cookie;
use greenroom::prelude::*;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::line::{Id, Line, Nick, insist};
use crate::services::Services;
use crate::session::Session;
use crate::store::Store;
use crate::terminal::{LevelFilter, Terminal};
use crate::text::Text;
use crate::tree::{ChatTree, NodeSettings};
use listener::{Heard, Listener};
use other::Other;
pub(crate) use other::side;
use tally::Tally;
use troupe::{Troupe, TroupeRef};

/// The two nodes.
const NODES: [&str; 2] = ["a@demo", "b@demo"];
/// The room that they play in.
const ROOM: &str = "stage";
/// The demo gives up if nothing at all happens for so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// Plays a file; the exit code says whether all is well.
pub(crate) async fn play(file: &Path) -> greenroom::Result<ExitCode> {
    let lines = script::read(file, &Text::new(ROOM)?).map_err(Exit::error)?;
    let scratch = Scratch::new()?;
    let began = Instant::now();
    let (mut tally, history) = perform(&lines, &scratch.0).await?;

    // The nodes have stopped: what counts is what the database left on disk.
    let (store, room, mut after) = (Store::open(&history)?, Text::new(ROOM)?, 0);
    loop {
        let page = store.page(&room, Some(after))?;
        let Some(last) = page.last() else { break };
        after = last.number;
        tally.stored.extend(page.into_iter().map(Heard::from));
    }
    let verdict = tally.verdict(&lines);
    let mut out = io::stdout().lock();
    for (node, heard) in NODES.iter().zip(&tally.heard) {
        writeln!(out, "-- {node} heard {} lines", heard.len())?;
    }
    writeln!(out, "-- the history has {} lines, after {:.1?}", tally.stored.len(), began.elapsed())?;
    writeln!(out, "{verdict}")?;
    Ok(if verdict.is_well(&lines) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Starts node a, plays, and stops it; returns what was heard, and where the history lies.
async fn perform(lines: &[Line], data: &Path) -> greenroom::Result<(Tally, PathBuf)> {
    // That a node is lost is part of the play.
    let terminal = Terminal::open(false, LevelFilter::ERROR);
    let cookie = Cookie::random()?;
    let node = Node::builder(NODES[0]).cookie(cookie.clone()).listen("127.0.0.1:0").start().await?;
    let place = NodeSettings::new(data.to_owned(), Some(node.name()), 0, terminal.clone())?;
    let history = place.history();
    let services = Services::of(&node, node.name());
    let performance = async {
        terminal.hushed(|| node.start_tree(ChatTree { place, services: services.clone() })).await?;
        node.start(Troupe::new(services.clone())).await?;
        conduct(&node, services, lines, data, cookie).await
    };
    let outcome = performance.await;
    node.stop().await;
    Ok((outcome?, history))
}

/// Gives out all lines and listens on both sides, until all is heard or nothing happens any more.
async fn conduct(
    node: &Node,
    services: Services,
    lines: &[Line],
    data: &Path,
    cookie: Cookie,
) -> greenroom::Result<Tally> {
    let (ear, mut heard) = mpsc::unbounded_channel();
    let own = ear.clone();
    node.spawn(Session::new(Listener::new(0, move |line| own.send((0, line)).is_ok()), services));
    let seed = node.address().ok_or_else(|| Exit::error("a node that listens has an address"))?;
    let mut other = Other::start(&seed, &cookie, data, 0, &ear)?;

    let troupes: [TroupeRef; 2] = NODES.map(|name| node.named_at("troupe", name));
    let sides = sides(lines);
    // A short conversation is played line by line; of a long one, many lines are on their way at a time.
    let at_once = (lines.len() / 50).clamp(1, 512);
    let mut tally = Tally::default();
    let mut out = io::BufWriter::new(io::stdout());
    let (mut given, mut killed, mut on_their_way) = (0, false, FuturesUnordered::new());
    while tally.acknowledged.len() < lines.len() || tally.heard.iter().any(|heard| heard.len() < lines.len()) {
        while on_their_way.len() < at_once && given < lines.len() {
            let line = &lines[given];
            let side = sides[&line.nick];
            on_their_way.push(cue(troupes[side].clone(), line.clone()));
            given += 1;
            // If possible while it has something to say.
            let now = side == 1 || given == lines.len();
            if now && !killed && tally.acknowledged.len() >= lines.len() / 2 {
                killed = true;
                let number = other.kill().await?;
                writeln!(out, "-- {} is killed with line {given} on its way; it has heard {number}", NODES[1])?;
                other = Other::start(&seed, &cookie, data, number, &ear)?;
                writeln!(out, "-- {} is started again", NODES[1])?;
            }
        }
        if heard.is_empty() {
            out.flush()?;
        }
        tokio::select! {
            Some(id) = on_their_way.next() => { tally.acknowledged.insert(id); }
            Some((side, line)) = heard.recv() => {
                writeln!(out, "{} hears {}: {}", NODES[side], line.nick, line.words)?;
                tally.heard[side].push(line);
            }
            () = sleep(PATIENCE) => {
                writeln!(out, "-- nothing has happened for {PATIENCE:?}")?;
                break;
            }
        }
    }
    out.flush()?;
    other.stop().await?;
    // What comes after the last line must not come at all.
    while let Ok((side, line)) = heard.try_recv() {
        tally.heard[side].push(line);
    }
    Ok(tally)
}

/// Gives out a line until it is acknowledged. The first time it is on its way when this returns.
fn cue(troupe: TroupeRef, line: Line) -> impl Future<Output = Id> {
    let first = troupe.cue(line.clone());
    async move {
        if first.await.is_err() {
            insist(|| troupe.cue(line.clone())).await;
        }
        line.id
    }
}

/// Which node each speaker lives on: by turns, as they first speak.
fn sides(lines: &[Line]) -> HashMap<Nick, usize> {
    let mut sides = HashMap::new();
    for line in lines {
        let next = sides.len() % NODES.len();
        sides.entry(line.nick.clone()).or_insert(next);
    }
    sides
}

/// A directory that is gone when this is.
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
        // Left behind, it is the system's to clean up.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
