//! The upgrade of a node with a connection to another one.

use std::path::Path;

use greenroom::prelude::*;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use super::server::{Server, answer, left, piped};
use crate::real_processes::program::{DEADLINE, free_port};

#[protocol(local)]
enum Event {
    #[from]
    Node(NodeEvent),
}

/// Returns the next event of a connection.
async fn next(events: &mut UnboundedReceiver<NodeEvent>) -> NodeEvent {
    loop {
        let event = timeout(DEADLINE, events.recv()).await.expect("an event arrives").expect("the watcher runs");
        if matches!(event, NodeEvent::Up(_) | NodeEvent::Down(_)) {
            return event;
        }
    }
}

#[tokio::test]
async fn a_connected_node_keeps_its_identity_and_its_address() {
    let cookie = Cookie::random().unwrap();
    let secret = cookie.expose().to_owned();
    let peer = Node::builder("peer@test").cookie(cookie).listen("127.0.0.1:0").start().await.unwrap();
    let (sender, mut events) = unbounded_channel();
    let watcher = peer.enter();
    greenroom::spawn(async move |mut mailbox: Mailbox<Event>| {
        mailbox.watch_nodes(true);
        loop {
            let Event::Node(event) = mailbox.receive().await;
            sender.send(event).expect("the test runs");
        }
    });
    drop(watcher);
    let (address, seed) = (format!("127.0.0.1:{}", free_port()), peer.address().unwrap());
    let command = |program: &Path| {
        let mut command = piped(Command::new(program));
        command.env("GREENROOM_NODE", "shop@test").env("GREENROOM_LISTEN", &address).env("GREENROOM_SEEDS", seed);
        command.env(Cookie::VARIABLE, secret);
        command
    };
    let server = Server::start_with("one", command).await;
    let NodeEvent::Up(first) = next(&mut events).await else { panic!("not up") };
    for (before, release) in [("one", "two"), ("two", "three")] {
        let mut stream = server.half_a_request().await;
        let predecessor = server.begin_upgrade(release).await;
        let (down, up) = (next(&mut events).await, next(&mut events).await);
        // To the peer it is a connection that is lost and comes back: the same incarnation, at the same address.
        assert!(matches!(&down, NodeEvent::Down(node) if node.name == first.name), "{down:?}");
        assert!(matches!(&up, NodeEvent::Up(node) if *node == first), "{up:?} after {first:?}");
        assert_eq!(peer.members()[0].address.as_deref(), Some(&*address));
        // The predecessor still answers its connections.
        stream.write_all(b"ng\n").await.unwrap();
        assert_eq!(answer(&mut stream).await.unwrap(), before);
        left(&predecessor).await;
    }
    server.stop().await;
    peer.stop().await;
}
