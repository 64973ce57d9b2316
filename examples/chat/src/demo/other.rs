//! The demo's second node, seen from both sides: by the process that starts, kills and stops it, and by itself.
//!
//! It is this very program, started with other arguments. It prints each line that its listener hears, as JSON, and
//! ends in order when its standard input does, so it does not outlive the demo.

use std::io::{self, Write};
use std::path::Path;
use std::process::Stdio;

use greenroom::Cookie;
use greenroom::prelude::*;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;

use super::NODES;
use super::listener::{Heard, Listener};
use super::troupe::Troupe;
use crate::args::Side;
use crate::services::Services;
use crate::session::Session;
use crate::terminal::{LevelFilter, Terminal};
use crate::tree::{BranchTree, NodeSettings};

/// The second node's process.
pub(super) struct Other {
    child: Child,
    /// Reads what it prints; ends with it, and knows the number of the last line that it heard.
    reader: JoinHandle<io::Result<u64>>,
}

impl Other {
    /// Starts it, with `heard` lines heard in earlier lives; it joins the node at `seed`.
    pub(super) fn start(
        seed: &str,
        cookie: &Cookie,
        data: &Path,
        mut heard: u64,
        ear: &UnboundedSender<(usize, Heard)>,
    ) -> io::Result<Other> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--seed", seed, "--demo-heard", &heard.to_string(), "--data"])
            .arg(data)
            .env(Cookie::VARIABLE, cookie.expose())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = child.stdout.take().ok_or_else(|| io::Error::other("the other node has no output"))?;
        let ear = ear.clone();
        let reader = tokio::spawn(async move {
            let mut lines = BufReader::new(output).lines();
            while let Some(line) = lines.next_line().await? {
                // A process that is killed may leave half a line; the other half will be heard in its next life.
                let Ok(line) = serde_json::from_str::<Heard>(&line) else { continue };
                heard = line.number;
                // Nobody listens any more: then it does not matter.
                let _ = ear.send((1, line));
            }
            Ok(heard)
        });
        Ok(Other { child, reader })
    }

    /// Kills it: SIGKILL, no goodbye. Returns the number of the last line that it heard.
    pub(super) async fn kill(mut self) -> io::Result<u64> {
        self.child.kill().await?;
        self.reader.await?
    }

    /// Stops it in order.
    pub(super) async fn stop(mut self) -> io::Result<()> {
        drop(self.child.stdin.take());
        self.child.wait().await?;
        self.reader.await?.map(|_| ())
    }
}

/// The second node itself, until its standard input ends.
pub(crate) async fn side(args: Side) -> greenroom::Result {
    let terminal = Terminal::open(false, LevelFilter::ERROR);
    let builder = Node::builder(NODES[1]).cookie(Cookie::load()?).seed(args.seed.to_string());
    let node = builder.start().await?;
    let place = NodeSettings::new(args.data, Some(node.name()), 0, terminal.clone())?;
    let services = Services::find(&node).await;
    terminal.hushed(|| node.start_tree(BranchTree { place, services: services.clone() })).await?;
    node.start(Troupe::new(services.clone())).await?;
    node.spawn(Session::new(Listener::new(args.heard, print), services));
    // Nothing ever comes; the end does.
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    node.stop().await;
    Ok(())
}

fn print(heard: Heard) -> bool {
    let Ok(line) = serde_json::to_string(&heard) else { return false };
    writeln!(io::stdout(), "{line}").is_ok()
}
