//! A cluster of three nodes, as `chat --cluster 3` runs it, and one of five nodes with a service each.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use greenroom::Cookie;

use crate::scratch::Scratch;

/// The program and its nodes.
pub(crate) struct Cluster {
    program: Child,
    output: BufReader<ChildStdout>,
    /// The addresses of the pages.
    pub(crate) pages: Vec<String>,
    /// The addresses of the observers.
    pub(crate) observers: Vec<String>,
    /// The address for an observer from outside.
    pub(crate) seed: String,
    directory: Scratch,
}

impl Cluster {
    /// Starts the program, and waits until one of the nodes puts the lines in order and all of them have a vote. Its home
    /// directory is its own.
    pub(crate) fn start(name: &str) -> Cluster {
        let directory = Scratch::new(name);
        let mut program = Command::new(env!("CARGO_BIN_EXE_chat"))
            .args(["--cluster", "3", "--port", "0", "--observe", "0", "--data", directory.0.to_str().unwrap()])
            .env("HOME", &directory.0)
            .env_remove(Cookie::VARIABLE)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let output = BufReader::new(program.stdout.take().unwrap());
        let (pages, observers) = (Vec::new(), Vec::new());
        let mut cluster = Cluster { program, output, pages, observers, seed: String::new(), directory };
        let of_each = |note: &str| ["a", "b", "c"].map(|node| format!("{node}: {note}"));
        let notes = [of_each("database: this node has caught up"), of_each("observer: ")].concat();
        let notes = notes.iter().map(String::as_str).chain(["puts the lines in order"]);
        cluster.wait_for(&notes.collect::<Vec<_>>());
        assert_eq!(cluster.pages.len(), 3);
        cluster
    }

    /// Waits for lines of the output with these parts, in any order.
    pub(crate) fn wait_for(&mut self, parts: &[&str]) {
        wait_for(&mut self.output, parts, |line| {
            if let Some((_, page)) = line.split_once("page ") {
                self.pages.push(page.split(',').next().unwrap().to_owned());
            }
            if let Some((_, observer)) = line.trim_end().split_once(": observer: http://") {
                self.observers.push(observer.to_owned());
            }
            if let Some((_, seed)) = line.trim_end().split_once("-p observer -- --seed ") {
                seed.clone_into(&mut self.seed);
            }
        });
    }

    /// Kills a node with SIGKILL and deletes its directory.
    pub(crate) fn kill_and_delete(&self, node: usize) {
        self.signal(node, "-KILL");
        std::fs::remove_dir_all(self.data(node)).unwrap();
    }

    /// Sends a signal to the process of a node.
    pub(crate) fn signal(&self, node: usize, signal: &str) {
        let process = process_with(&self.data(node)).to_string();
        assert!(Command::new("kill").args([signal, &process]).status().unwrap().success());
    }

    /// Returns the file with the cookie of the user who started the program.
    pub(crate) fn cookie(&self) -> PathBuf {
        self.directory.0.join(".greenroom/cookie")
    }

    fn data(&self, node: usize) -> PathBuf {
        self.directory.0.join(["a", "b", "c"][node])
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The nodes end in order with the program that started them.
        let _ = Command::new("kill").arg(self.program.id().to_string()).status();
        let _ = self.program.wait();
    }
}

/// Waits for lines with these parts, in any order. Passes on all lines meanwhile.
fn wait_for(output: &mut impl BufRead, parts: &[&str], mut see: impl FnMut(&str)) {
    let mut missing = parts.to_vec();
    let mut line = String::new();
    while !missing.is_empty() {
        line.clear();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "the program ended before {missing:?}");
        missing.retain(|part| !line.contains(part));
        see(&line);
    }
}

/// The services, in the order in which their nodes are started.
const SERVICES: [&str; 5] = ["log", "database", "analytics", "reporting", "web"];

/// Five nodes, each with one service.
pub(crate) struct Services {
    nodes: Vec<Child>,
    /// The address of the page.
    pub(crate) page: String,
    directory: Scratch,
}

impl Services {
    /// Starts the nodes, and waits until the database takes lines.
    pub(crate) fn start(name: &str) -> Services {
        let directory = Scratch::new(name);
        let cookie = Cookie::random().unwrap();
        // All sockets stay open until each one has a port of its own.
        let sockets: Vec<TcpListener> =
            (0..=SERVICES.len()).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let addresses: Vec<String> = sockets.iter().map(|socket| socket.local_addr().unwrap().to_string()).collect();
        drop(sockets);
        let (page, addresses) = addresses.split_last().unwrap();
        let name = |(service, address): (&str, &String)| format!("{service}@{address}={service}");
        let names: Vec<String> = SERVICES.into_iter().zip(addresses).map(name).collect();
        let mut services = Services { nodes: Vec::new(), page: page.clone(), directory };
        let mut outputs = Vec::new();
        for (service, own) in SERVICES.iter().zip(&names) {
            let mut node = Command::new(env!("CARGO_BIN_EXE_chat"))
                .args(["--child", "--node", own, "--port", page.split(':').nth(1).unwrap()])
                .arg("--data")
                .arg(services.data(service))
                .args(names.iter().filter(|name| *name != own).flat_map(|name| ["--with", name]))
                .env(Cookie::VARIABLE, cookie.expose())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .expect("the program runs");
            let mut output = BufReader::new(node.stdout.take().unwrap());
            services.nodes.push(node);
            wait_for(&mut output, &[&format!(" runs {service}\n")], |_| {});
            outputs.push(output);
        }
        wait_for(&mut outputs[0], &["puts the lines in order"], |_| {});
        services
    }

    /// Returns the data directory of the node with this service.
    pub(crate) fn data(&self, service: &str) -> PathBuf {
        self.directory.0.join(service)
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        // The nodes end in order with their standard input.
        self.nodes.iter_mut().for_each(|node| drop(node.stdin.take()));
        self.nodes.iter_mut().for_each(|node| drop(node.wait()));
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
