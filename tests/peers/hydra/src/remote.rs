//! Workloads between two nodes. The counters of the other node are found by their registered names, and addressed by pid.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bench::{COOKIE, Figure, ServerProcess, Size, announce, free_port, size};
use hydra::{GenServer, GenServerOptions, Node, NodeOptions, Pid, Process};
use serde::{Deserialize, Serialize};

use crate::messages::{Counter, Message, bump, count};
use crate::receive;

/// A request to the process that has the counters.
#[derive(Serialize, Deserialize)]
struct Find {
    from: Pid,
}

/// The counters of the other node.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Counters {
    /// A process that receives casts.
    process: Pid,
    /// A `GenServer`.
    server: Pid,
}

/// Runs the node with the counters.
pub async fn serve() -> Infallible {
    let process = Process::spawn(count());
    let server = Counter { count: 0 }.start(GenServerOptions::new()).await.expect("the counter starts");
    Process::register(Process::current(), "counters").expect("the name is free");
    announce(&start_node("server").to_string());
    loop {
        let Find { from } = receive().await;
        Process::send(from, Counters { process, server });
    }
}

pub async fn cast(size: Size) -> Vec<Figure> {
    let (_server, Counters { process, .. }) = connect().await;
    let n = size.of(size::REMOTE_CASTS);
    let me = Process::current();
    let begin = Instant::now();
    Process::spawn(async move {
        for _ in 0..n {
            Process::send(process, Message::Add(1));
        }
        Process::send(process, Message::Count(Process::current()));
        Process::send(me, receive::<u64>().await);
    });
    let count = receive::<u64>().await;
    vec![Figure::rate("rcast", n, begin.elapsed(), count)]
}

pub async fn ask(name: &'static str, callers: u64, share: u64) -> Vec<Figure> {
    let (_server, Counters { server, .. }) = connect().await;
    let me = Process::current();
    let begin = Instant::now();
    for _ in 0..callers {
        Process::spawn(async move {
            for _ in 0..share {
                bump(server).await;
            }
            Process::send(me, ());
        });
    }
    for _ in 0..callers {
        receive::<()>().await;
    }
    let elapsed = begin.elapsed();
    let count = bump(server).await - 1;
    Figure::calls(name, callers, share, elapsed, count)
}

/// Starts the server and a node that is connected to it.
async fn connect() -> (ServerProcess, Counters) {
    let server = ServerProcess::start();
    start_node("client");
    let address: SocketAddr = server.address.parse().expect("the server prints its address");
    let node = Node::from(("server", address));
    loop {
        Node::connect(node.clone());
        Process::send(("counters", node.clone()), Find { from: Process::current() });
        // `Node::start` returns before the server accepts connections.
        if let Ok(counters) = Process::timeout(Duration::from_millis(200), receive()).await {
            return (server, counters);
        }
    }
}

/// Makes this program a node, and returns its address.
fn start_node(name: &str) -> SocketAddr {
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    Node::set_cookie(COOKIE);
    Node::start(name, NodeOptions::new().listen_address(address).broadcast_address(address));
    address
}
