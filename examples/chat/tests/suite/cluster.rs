//! A cluster of three nodes, as `chat --cluster 3` runs it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::scratch::Scratch;

/// The program and its nodes.
pub(crate) struct Cluster {
    program: Child,
    output: BufReader<ChildStdout>,
    /// The addresses of the pages.
    pub(crate) pages: Vec<String>,
    directory: Scratch,
}

impl Cluster {
    /// Starts the program, and waits until one of the nodes puts the lines in order.
    pub(crate) fn start(name: &str) -> Cluster {
        let directory = Scratch::new(name);
        let mut program = Command::new(env!("CARGO_BIN_EXE_chat"))
            .args(["--cluster", "3", "--port", "0", "--data", directory.0.to_str().unwrap()])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let output = BufReader::new(program.stdout.take().unwrap());
        let mut cluster = Cluster { program, output, pages: Vec::new(), directory };
        cluster.wait_for("puts the lines in order");
        assert_eq!(cluster.pages.len(), 3);
        cluster
    }

    /// Waits for a line of the output.
    pub(crate) fn wait_for(&mut self, part: &str) {
        let mut line = String::new();
        while !line.contains(part) {
            line.clear();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "the program ended before `{part}`");
            if let Some((_, page)) = line.split_once("page ") {
                self.pages.push(page.split(',').next().unwrap().to_owned());
            }
        }
    }

    /// Kills a node with SIGKILL and deletes its directory.
    pub(crate) fn kill_and_delete(&self, node: usize) {
        let data = self.directory.0.join(["a", "b", "c"][node]);
        let killed = Command::new("kill").args(["-KILL", &process_with(&data).to_string()]).status().unwrap();
        assert!(killed.success());
        std::fs::remove_dir_all(data).unwrap();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The nodes end in order with the program that started them.
        let _ = Command::new("kill").arg(self.program.id().to_string()).status();
        let _ = self.program.wait();
    }
}

/// Returns the process of the node with this data directory.
fn process_with(data: &Path) -> u32 {
    let mut processes =
        std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let has_it = |process: &u32| {
        let arguments = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        arguments.split(|byte| *byte == 0).any(|argument| argument == data.as_os_str().as_encoded_bytes())
    };
    processes.find(has_it).expect("the node runs")
}
