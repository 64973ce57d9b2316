//! The demo's second node: the code that starts, kills and stops it, and its own main function.
//!
//! The node is this program, started with other arguments. It prints each line that its recorder receives, as JSON.
//! It stops in order when its standard input ends, so it does not outlive the demo.

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
use super::recorder::{ReceivedLine, Recorder};
use super::speakers::Speakers;
use crate::args::DemoNode;
use crate::services::Services;
use crate::session::Session;
use crate::terminal::{LevelFilter, Terminal};
use crate::tree::{JoinedTree, NodeSettings};

/// The operating system process of the second node.
pub(super) struct SecondNode {
    child: Child,
    /// The task that reads the node's output. It returns the number of the last line that the node received.
    reader: JoinHandle<io::Result<u64>>,
}

impl SecondNode {
    /// Starts the node, which has received the lines up to `last_line` and joins the node at `seed`.
    pub(super) fn start(
        seed: &str,
        cookie: &Cookie,
        data: &Path,
        mut last_line: u64,
        sender: &UnboundedSender<(usize, ReceivedLine)>,
    ) -> io::Result<SecondNode> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--seed", seed, "--demo-last-line", &last_line.to_string(), "--data"])
            .arg(data)
            .env(Cookie::VARIABLE, cookie.expose())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = child.stdout.take().ok_or_else(|| io::Error::other("the second node has no output"))?;
        let sender = sender.clone();
        let reader = tokio::spawn(async move {
            let mut lines = BufReader::new(output).lines();
            while let Some(line) = lines.next_line().await? {
                // A killed process may print part of a line. The node receives that line again after its restart.
                let Ok(line) = serde_json::from_str::<ReceivedLine>(&line) else { continue };
                last_line = line.number;
                // The demo may have ended already.
                let _ = sender.send((1, line));
            }
            Ok(last_line)
        });
        Ok(SecondNode { child, reader })
    }

    /// Kills the node with SIGKILL. Returns the number of the last line that it received.
    pub(super) async fn kill(mut self) -> io::Result<u64> {
        self.child.kill().await?;
        self.reader.await?
    }

    /// Stops the node in order.
    pub(super) async fn stop(mut self) -> io::Result<()> {
        drop(self.child.stdin.take());
        self.child.wait().await?;
        self.reader.await?.map(|_| ())
    }
}

/// Runs the second node until its standard input ends.
pub(crate) async fn run_second_node(args: DemoNode) -> greenroom::Result {
    let terminal = Terminal::open(false, LevelFilter::ERROR);
    let builder = Node::builder(NODES[1]).cookie(Cookie::load()?).seed(args.seed.to_string());
    let node = builder.start().await?;
    let settings = NodeSettings::new(args.data, Some(node.name()), 0, terminal.clone())?;
    let services = Services::find(&node).await;
    terminal.start_quietly(|| node.start_tree(JoinedTree { settings, services: services.clone() })).await?;
    node.start(Speakers::new(services.clone())).await?;
    node.spawn(Session::new(Recorder::new(args.last_line, print), services));
    // The demo never writes to this input; it only closes it.
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    node.stop().await;
    Ok(())
}

fn print(line: ReceivedLine) -> bool {
    let Ok(json) = serde_json::to_string(&line) else { return false };
    writeln!(io::stdout(), "{json}").is_ok()
}
