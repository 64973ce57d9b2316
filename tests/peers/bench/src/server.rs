use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use crate::{Threads, fail};

/// The command-line argument that starts the server of a system in place of a workload.
pub(crate) const ARGUMENT: &str = "serve";

/// The cookie of all nodes. It may be public, since the nodes listen on the loopback interface only.
pub const COOKIE: &str = "AXUSd2Hd9hXPXJbaOUC3IG7QzcbCbF8m/MvTl7imBPU=";

/// The second program of a workload between two nodes: this binary, started once more as a server.
///
/// The drop ends it. It also ends if this program ends in any other way.
pub struct ServerProcess {
    child: Child,
    /// The address that the server has printed.
    pub address: String,
}

impl ServerProcess {
    /// Starts the server with as many threads as this program has, and waits until it accepts connections.
    pub fn start() -> ServerProcess {
        let mut command = Command::new(std::env::current_exe().expect("Linux has /proc/self/exe"));
        command.arg(ARGUMENT).stdin(Stdio::piped()).stdout(Stdio::piped());
        if std::env::args().any(|argument| argument == Threads::CURRENT) {
            command.arg(Threads::CURRENT);
        }
        let mut child = command.spawn().expect("this binary starts");
        let mut address = String::new();
        let output = child.stdout.take().expect("the output is a pipe");
        BufReader::new(output).read_line(&mut address).expect("the address is text");
        let address = address.trim().to_owned();
        if address.is_empty() {
            fail("the server ended before it listened");
        }
        ServerProcess { child, address }
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // Both fail only if the server has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Prints the server's address, and ends the program when the program that started it has ended.
pub fn announce(address: &str) {
    println!("{address}");
    std::thread::spawn(|| {
        // The starter never writes, so this returns when its end of the pipe is closed.
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
}

/// Returns a free port of the loopback interface, for a system that cannot report which port it has chosen.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("the loopback interface has free ports");
    listener.local_addr().expect("the listener has an address").port()
}
