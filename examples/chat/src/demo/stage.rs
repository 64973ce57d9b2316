//! The three nodes of the demo: starts, upgrades and kills their programs, and reads their notes.

use std::io;
use std::process::{Command, Stdio};

use greenroom::prelude::*;
use greenroom::{PortOutput, PortRef};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::PROCESS;
use crate::cluster::Program;
use crate::history::{CAUGHT_UP, IS_OPEN, WRITES};

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
    /// The number of the process that serves, for each node.
    processes: Vec<Option<u32>>,
    sender: UnboundedSender<(usize, String)>,
    notes: UnboundedReceiver<(usize, String)>,
    /// The node that puts the lines in order.
    pub(super) writer: usize,
    /// The nodes whose databases are open, and those whose databases have their votes.
    is_open: Vec<bool>,
    may_vote: Vec<bool>,
}

impl Stage {
    /// Starts all nodes.
    pub(super) fn open(programs: &[Program]) -> io::Result<Stage> {
        let (sender, notes) = unbounded_channel();
        let size = programs.len();
        let mut stage = Stage {
            programs: programs.to_vec(),
            ports: vec![None; size],
            processes: vec![None; size],
            sender,
            notes,
            writer: 0,
            is_open: vec![false; size],
            may_vote: vec![false; size],
        };
        (0..size).try_for_each(|node| stage.start(node))?;
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

    /// Returns whether all nodes run, and their databases are open and have their votes.
    pub(super) fn is_complete(&self) -> bool {
        self.is_open.iter().chain(&self.may_vote).all(|is| *is)
    }

    /// Replaces the process of a node by a new one of the same program. It is done when the database is open again.
    pub(super) fn upgrade(&mut self, node: usize) -> io::Result<()> {
        self.is_open[node] = false;
        self.signal(node, "-USR2")
    }

    /// Sends a signal to the process that serves.
    fn signal(&self, node: usize, signal: &str) -> io::Result<()> {
        let Some(process) = self.processes[node] else { return Ok(()) };
        Command::new("kill").args([signal, &process.to_string()]).status().map(drop)
    }

    /// Kills a node with SIGKILL, and deletes its directory.
    pub(super) async fn kill_and_delete(&mut self, node: usize) -> io::Result<()> {
        self.kill(node).await;
        self.may_vote[node] = false;
        std::fs::remove_dir_all(&self.programs[node].data)
    }

    /// Kills a node with SIGKILL.
    pub(super) async fn kill(&mut self, node: usize) {
        self.is_open[node] = false;
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
        self.is_open[node] |= note.contains(IS_OPEN);
        self.may_vote[node] |= note.contains(CAUGHT_UP);
        if let Some((_, process)) = note.split_once(PROCESS) {
            self.processes[node] = process.split(' ').next().and_then(|number| number.parse().ok());
        }
        Some(note)
    }

    /// Stops all nodes in order. The signal of a port would reach the process that serves twice, from its shim too, and
    /// the second one ends it at once.
    pub(super) async fn close(self) -> io::Result<()> {
        (0..self.ports.len()).try_for_each(|node| self.signal(node, "-TERM"))?;
        for port in self.ports.iter().flatten() {
            port.ended().await;
        }
        Ok(())
    }
}

/// Returns the name of a node.
pub(super) fn name(node: usize) -> &'static str {
    ["a", "b", "c"][node]
}
