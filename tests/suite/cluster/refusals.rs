//! The log events and the count of connections that end before they are up.

use std::collections::BTreeMap;

use greenroom::prelude::*;
use greenroom::{Node, NodeBuilder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::events::Events;

/// The events of one node. Their text is without the fields that differ between runs.
fn of_node(events: &Events, node: &Node) -> Vec<String> {
    let field = format!(" node={}", node.name());
    let all = events.take().into_iter();
    // A summary names no node.
    let own = all.filter(|line| line.contains(&field) || !line.contains(" node="));
    own.map(|line| line.replace(&field, "")).collect()
}

/// The number of events of each level.
fn levels(lines: &[String]) -> BTreeMap<&str, usize> {
    let mut levels = BTreeMap::new();
    for line in lines {
        *levels.entry(line.split(' ').next().unwrap()).or_default() += 1;
    }
    levels
}

async fn server(cookie: &Cookie) -> (Node, String) {
    let node = Node::builder("server@test").cookie(cookie.clone()).listen("127.0.0.1:0").start().await.unwrap();
    let address = node.address().unwrap();
    (node, address)
}

async fn until_refused(node: &Node, count: u64) {
    let refused = async {
        while node.counters().refused_connections < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let counted = || node.counters().refused_connections;
    assert!(tokio::time::timeout(Duration::from_secs(20), refused).await.is_ok(), "{} of {count}", counted());
}

/// Connects, sends these bytes, and waits until the node closes the connection; without bytes, closes it.
async fn stranger(address: &str, bytes: &[u8]) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    if !bytes.is_empty() {
        stream.write_all(bytes).await.unwrap();
        drop(stream.read(&mut [0; 64]).await);
    }
}

#[tokio::test]
async fn port_scans_and_health_checks_are_one_line_a_minute() {
    let (events, _listening) = Events::listen(&["greenroom"], &["address"]);
    let (node, address) = server(&Cookie::random().unwrap()).await;
    assert_eq!(of_node(&events, &node), ["INFO listening"]);
    let strangers: [&[u8]; 5] =
        [b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01", b"GRNM\x00", b"GRNM\x01\x00\x01\xff\xff"];
    for round in 0..2 {
        for bytes in strangers {
            for _ in 0..4 {
                stranger(&address, bytes).await;
            }
        }
        // Half of the handshake, and no more until the node closes the connection after five seconds.
        let mut silent = TcpStream::connect(&address).await.unwrap();
        silent.write_all(b"GRNM").await.unwrap();
        until_refused(&node, 20).await;
        tokio::time::pause();
        assert!(silent.read(&mut [0]).await.is_ok_and(|read| read == 0));
        until_refused(&node, 21 * (round + 1)).await;
        assert_eq!(levels(&of_node(&events, &node)), [("DEBUG", 21)].into());
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(
            of_node(&events, &node),
            ["INFO connections were closed before their handshake: port scans, health checks or silent peers count=21"]
        );
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(of_node(&events, &node), [""; 0]);
        tokio::time::resume();
    }
}

#[tokio::test]
async fn a_wrong_cookie_or_cluster_name_is_a_warning_for_each_address() {
    let (events, _listening) = Events::listen(&["greenroom"], &["address"]);
    let cookie = Cookie::random().unwrap();
    let other_cookie = || Node::builder("other@test").cookie(Cookie::random().unwrap());
    let other_cluster = || Node::builder("other@test").cookie(cookie.clone()).cluster("other");
    for (other, at_server, at_other) in [
        (
            &other_cookie as &dyn Fn() -> NodeBuilder,
            "the peer has another cookie",
            "the peer closed the connection during the handshake, as it does for another cookie",
        ),
        (
            &other_cluster,
            "the peer belongs to the cluster `other`, this node to `greenroom`",
            "the peer belongs to the cluster `greenroom`, this node to `other`",
        ),
    ] {
        let (node, address) = server(&cookie).await;
        of_node(&events, &node);
        let other = other().seed(&address).start().await.unwrap();
        until_refused(&node, 5).await;
        other.stop().await;
        let refused = node.counters().refused_connections;
        let lines = events.take();
        let of = |name: &str| -> Vec<String> {
            let field = format!(" node={name}");
            lines.iter().filter(|line| line.contains(&field)).map(|line| line.replace(&field, "")).collect()
        };
        assert_eq!(of("server@test"), [format!("WARN connection refused reason={at_server}")]);
        assert_eq!(of("other@test"), [format!("WARN connection refused reason={at_other}")]);
        node.stop().await;
        let summary = format!("WARN more connections with this address were refused count={}", refused - 1);
        assert_eq!(of_node(&events, &node), [summary]);
    }
}

#[tokio::test]
async fn a_seed_that_is_the_node_itself_is_not_an_error() {
    let (events, _listening) = Events::listen(&["greenroom"], &["address"]);
    // A free port, which the node takes at once.
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let builder = Node::builder("server@test").cookie(Cookie::random().unwrap()).listen(&address).seed(&address);
    let node = builder.start().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(node.counters().refused_connections, 0);
    let lines = of_node(&events, &node);
    assert_eq!(lines[0], "INFO listening");
    let seen = &lines[1..];
    assert!(seen.len() >= 4, "the node dials again: {seen:?}");
    assert!(
        seen.iter().all(|line| line == "DEBUG connection not needed reason=the peer is this node itself"),
        "{seen:?}"
    );
}
