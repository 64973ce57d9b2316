//! The two nodes and the workloads.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use bench::{COOKIE, Figure, ServerProcess, Size, announce, free_port, size};
use ractor::{Actor, ActorRef, call, cast, pg};
use ractor_cluster::{NodeServer, NodeServerMessage, client_connect};

use crate::counter::{Counter, Message};

/// Runs the node with the counter.
pub async fn serve() -> Infallible {
    let port = free_port();
    start_node("server", port).await;
    let (_, counter) = Actor::spawn(None, Counter, ()).await.expect("the counter starts");
    announce(&format!("127.0.0.1:{port}"));
    panic!("the counter has ended: {:?}", counter.await);
}

pub async fn cast(size: Size) -> Vec<Figure> {
    let (_server, counter) = connect().await;
    let n = size.of(size::REMOTE_CASTS);
    let begin = Instant::now();
    let sender = tokio::spawn(async move {
        for _ in 0..n {
            cast!(counter, Message::Add(1)).expect("the nodes are connected");
        }
        call!(counter, Message::Bump).expect("the counter is running") - 1
    });
    let count = sender.await.expect("the sender is running");
    vec![Figure::rate("rcast", n, begin.elapsed(), count)]
}

pub async fn ask(name: &'static str, callers: u64, share: u64) -> Vec<Figure> {
    let (_server, counter) = connect().await;
    let begin = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let counter = counter.clone();
            tokio::spawn(async move {
                for _ in 0..share {
                    call!(counter, Message::Bump).expect("the counter is running");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("the caller is running");
    }
    let elapsed = begin.elapsed();
    let count = call!(counter, Message::Bump).expect("the counter is running") - 1;
    Figure::calls(name, callers, share, elapsed, count)
}

/// Starts the server and a node that is connected to it, and waits until the counter is known here.
async fn connect() -> (ServerProcess, ActorRef<Message>) {
    let server = ServerProcess::start();
    let node = start_node("client", free_port()).await;
    client_connect(&node, &server.address).await.expect("the server listens");
    loop {
        if let Some(counter) = pg::get_members(&Counter::GROUP.to_owned()).pop() {
            return (server, counter.into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Makes this program a node.
async fn start_node(name: &str, port: u16) -> ActorRef<NodeServerMessage> {
    let server = NodeServer::new(port, COOKIE.to_owned(), name.to_owned(), "localhost".to_owned(), None, None)
        .with_listen_addr(Ipv4Addr::LOCALHOST.into());
    Actor::spawn(None, server, ()).await.expect("the node starts").0
}
