//! Several nodes on this computer, each in a program of its own with a page and a data directory.
//!
//! The programs are ports: processes of this program's own node, under a supervisor. One that is killed is started
//! again, after a pause in which its directory can be deleted to see what happens.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use greenroom::Port;
use greenroom::prelude::*;

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
    /// Returns the programs of a cluster, whose directories are in `data`. Their pages have the ports from `port` on,
    /// as far as they are free, and those of the observers the ports from `observe` on.
    pub(crate) fn cluster(
        size: usize,
        port: u16,
        observe: Option<u16>,
        data: &Path,
    ) -> greenroom::Result<Vec<Program>> {
        let cookie = Cookie::random()?;
        // All sockets stay open until each program has a port that no other one has.
        let mut sockets = Vec::new();
        let mut free_address = |port: u16, index| -> io::Result<SocketAddr> {
            let port = if port == 0 { 0 } else { port.saturating_add(index) };
            let socket = TcpListener::bind(("127.0.0.1", port)).or_else(|_| TcpListener::bind(("127.0.0.1", 0)))?;
            let address = socket.local_addr()?;
            sockets.push(socket);
            Ok(address)
        };
        let mut programs = Vec::new();
        for (letter, index) in ('a'..='z').zip(0..size as u16) {
            let page = free_address(port, index)?;
            let name = format!("{letter}@{}", free_address(0, 0)?);
            let observe = observe.map(|port| free_address(port, index)).transpose()?.map(|address| address.port());
            let data = data.join(letter.to_string());
            programs.push(Program { name, others: Vec::new(), page, observe, data, cookie: cookie.clone() });
        }
        let names: Vec<String> = programs.iter().map(|program| program.name.clone()).collect();
        for program in &mut programs {
            program.others = names.iter().filter(|name| **name != program.name).cloned().collect();
        }
        Ok(programs)
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

/// The tree of the programs.
#[supervisor]
struct ClusterTree {
    #[child(dynamic, restart = permanent, intensity = 10, period = "60s", backoff = "3s..10s", shutdown = "35s")]
    programs: Port,
}

/// Runs a cluster until a signal stops this program.
pub(crate) async fn run(size: usize, port: u16, observe: Option<u16>, data: &Path) -> greenroom::Result {
    let tree = ClusterTree {}.start().await?;
    for program in Program::cluster(size, port, observe, data)? {
        println!("{}: page http://{}, directory {}", program.name, program.page, program.data.display());
        let start =
            move || program.port(Stdio::inherit()).unwrap_or_else(|error| panic!("this program's path: {error}"));
        tree.programs().start_child_with(start).await?;
    }
    Err(tree.ended().await)
}
