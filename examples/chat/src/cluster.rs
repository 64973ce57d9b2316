//! Several nodes on this computer, each in a program of its own with a page and a data directory.
//!
//! The programs are ports: processes of this program's own node, under a supervisor. One that is killed is started
//! again, after a pause in which its directory can be deleted to see what happens.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use greenroom::Port;
use greenroom::prelude::*;

/// The port of the first node. Those of the others follow.
const NODE_PORT: u16 = 9100;
/// The time limit for the stop of a program.
const STOP_TIMEOUT: Duration = Duration::from_secs(32);

/// A node's program: what it takes to start it.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// `a@127.0.0.1:9100`, the name of the node and its address.
    name: String,
    others: Vec<String>,
    /// The address of the node's page.
    pub(crate) page: SocketAddr,
    /// The port of the observer's page.
    observe: Option<u16>,
    /// The data directory of the node.
    pub(crate) data: PathBuf,
    cookie: Cookie,
}

impl Program {
    /// Returns the programs of a cluster for a short time: on any free ports, and with a cookie of its own.
    pub(crate) fn temporary_cluster(size: usize, data: &Path) -> greenroom::Result<Vec<Program>> {
        Ok(Program::cluster(size, 0, None, data, &Cookie::random()?)?)
    }

    /// Returns the programs of a cluster, whose directories are in `data`. Their pages have the ports from `port` on,
    /// as far as they are free, and those of the observers the ports from `observe` on.
    fn cluster(size: usize, port: u16, observe: Option<u16>, data: &Path, cookie: &Cookie) -> io::Result<Vec<Program>> {
        // All sockets stay open until each program has a port that no other one has.
        let mut sockets = node_sockets(size, port)?;
        let nodes: Vec<SocketAddr> = sockets.iter().map(TcpListener::local_addr).collect::<Result<_, _>>()?;
        let mut free_address = |port: u16, index| -> io::Result<SocketAddr> {
            let port = if port == 0 { 0 } else { port.saturating_add(index) };
            let socket = TcpListener::bind(("127.0.0.1", port)).or_else(|_| TcpListener::bind(("127.0.0.1", 0)))?;
            let address = socket.local_addr()?;
            sockets.push(socket);
            Ok(address)
        };
        let mut programs = Vec::new();
        for ((letter, index), node) in ('a'..='z').zip(0..).zip(nodes) {
            let page = free_address(port, index)?;
            let observe = observe.map(|port| free_address(port, index)).transpose()?.map(|address| address.port());
            let (name, data) = (format!("{letter}@{node}"), data.join(letter.to_string()));
            programs.push(Program { name, others: Vec::new(), page, observe, data, cookie: cookie.clone() });
        }
        let names: Vec<String> = programs.iter().map(|program| program.name.clone()).collect();
        for program in &mut programs {
            program.others = names.iter().filter(|name| **name != program.name).cloned().collect();
        }
        Ok(programs)
    }

    /// Returns the name of the node without its address, as it begins the lines of its output.
    fn label(&self) -> &str {
        self.name.split('@').next().unwrap_or_default()
    }

    /// Returns the port that runs the program, with this standard output.
    pub(crate) fn port(&self, output: Stdio) -> io::Result<Port> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--child", "--node", &self.name, "--port", &self.page.port().to_string(), "--data"]);
        command.arg(&self.data).stdout(output).env(Cookie::VARIABLE, self.cookie.expose());
        command.args(self.others.iter().flat_map(|other| ["--with", other]));
        command.args(self.observe.iter().flat_map(|port| ["--observe".to_owned(), port.to_string()]));
        Ok(Port::new(command).stop_timeout(STOP_TIMEOUT))
    }
}

/// Returns a socket for each node: at the usual ports if all of them are free, and no page has the port 0. A part of
/// them can belong to a node of another cluster that is about to start again.
fn node_sockets(size: usize, port: u16) -> io::Result<Vec<TcpListener>> {
    let bind = |first: u16| (0..size as u16).map(move |index| TcpListener::bind(("127.0.0.1", first + index)));
    let usual = if port == 0 { None } else { bind(NODE_PORT).collect::<Result<_, _>>().ok() };
    usual.map_or_else(|| (0..size).map(|_| TcpListener::bind(("127.0.0.1", 0))).collect(), Ok)
}

/// The tree of the programs.
#[supervisor]
struct ClusterTree {
    #[child(dynamic, restart = permanent, intensity = 10, period = "60s", backoff = "3s..10s", shutdown = "35s")]
    programs: Port,
}

/// Runs a cluster until a signal stops this program. It has the cookie of the user, with which an observer of the same
/// user attaches.
pub(crate) async fn run(size: usize, port: u16, observe: Option<u16>, data: &Path) -> greenroom::Result {
    let tree = ClusterTree {}.start().await?;
    let programs = Program::cluster(size, port, observe, data, &Cookie::load()?)?;
    for program in &programs {
        println!("{}: page http://{}, directory {}", program.name, program.page, program.data.display());
    }
    let seed = programs[0].name.split_once('@').map_or("", |(_, address)| address);
    println!("to observe them all: cargo run --release -p observer -- --seed {seed}");
    for program in programs {
        let has_started = AtomicBool::new(false);
        let start = move || {
            if has_started.swap(true, Ordering::Relaxed) {
                println!("{}: starting again", program.label());
            }
            program.port(Stdio::inherit()).unwrap_or_else(|error| panic!("this program's path: {error}"))
        };
        tree.programs().start_child_with(start).await?;
    }
    Err(tree.ended().await)
}
