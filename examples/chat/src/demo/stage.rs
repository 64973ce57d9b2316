//! The three nodes of the demo: starts and kills their programs, and reads their notes.

use std::io;
use std::process::Stdio;

use greenroom::prelude::*;
use greenroom::{PortOutput, PortRef};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::cluster::Program;
use crate::history::{CAUGHT_UP, WRITES};

/// The messages to the process that reads the output of a node.
#[protocol(local)]
enum Output {
    #[from]
    Line(PortOutput),
}

/// The programs of the nodes.
pub(super) struct Stage {
    pub(super) programs: Vec<Program>,
    ports: Vec<Option<PortRef>>,
    sender: UnboundedSender<(usize, String)>,
    notes: UnboundedReceiver<(usize, String)>,
    /// The node that puts the lines in order.
    pub(super) writer: usize,
    /// The nodes whose databases have got their votes since the last start of the node.
    pub(super) recovered: Vec<bool>,
}

impl Stage {
    /// Starts all nodes.
    pub(super) fn open(programs: &[Program]) -> io::Result<Stage> {
        let (sender, notes) = unbounded_channel();
        let (ports, recovered) = (vec![None; programs.len()], vec![false; programs.len()]);
        let mut stage = Stage { programs: programs.to_vec(), ports, sender, notes, writer: 0, recovered };
        (0..programs.len()).try_for_each(|node| stage.start(node))?;
        Ok(stage)
    }

    /// Starts a node.
    pub(super) fn start(&mut self, node: usize) -> io::Result<()> {
        let sender = self.sender.clone();
        let output = greenroom::spawn(move |mut mailbox: Mailbox<Output>| async move {
            loop {
                let Output::Line(line) = mailbox.receive().await;
                if sender.send((node, line.text_lossy().into_owned())).is_err() {
                    return Ok::<(), Exit>(());
                }
            }
        });
        self.ports[node] = Some(self.programs[node].port(Stdio::piped())?.output_to(&output).spawn());
        Ok(())
    }

    /// Kills a node with SIGKILL.
    pub(super) async fn kill(&mut self, node: usize) {
        self.recovered[node] = false;
        if let Some(port) = self.ports[node].take() {
            port.exit(Exit::kill());
            port.ended().await;
        }
    }

    /// Returns the next note of a node.
    pub(super) async fn next(&mut self) -> Option<String> {
        let (node, note) = self.notes.recv().await?;
        if note.contains(WRITES) {
            self.writer = node;
        }
        self.recovered[node] |= note.contains(CAUGHT_UP);
        Some(note)
    }

    /// Stops all nodes in order.
    pub(super) async fn close(self) {
        for port in self.ports.iter().flatten() {
            port.exit(Exit::shutdown());
        }
        for port in self.ports.iter().flatten() {
            port.ended().await;
        }
    }
}

/// Returns the name of a node.
pub(super) fn name(node: usize) -> &'static str {
    ["a", "b", "c"][node]
}
