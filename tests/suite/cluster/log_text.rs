//! The log of a node whose peers send texts with line breaks and control characters.

use greenroom::Node;
use greenroom::prelude::*;
use greenroom::testing::Cluster;

use super::echo_server::{Visitor, by_pid, echo_server, far, soon};
use crate::events::Events;

/// A text that looks like a line of a log behind a line break, and clears a terminal.
const FORGED: &str = "disk full\n2026-01-01 ERROR forged\r\x1b[2J";
const DISPLAYED: &str = r"disk full
    2026-01-01 ERROR forged\u{d}\u{1b}[2J";

/// Checks that this event has the escaped text, and that no event has it as it is.
#[track_caller]
fn check_escaped(events: &[String], event: &str) {
    let event = events.iter().find(|line| line.starts_with(event)).unwrap_or_else(|| panic!("{event} in {events:?}"));
    assert!(event.contains(DISPLAYED), "{event}");
    for event in events {
        assert!(!event.contains("\n2026") && !event.contains(['\r', '\x1b']), "{event}");
    }
}

#[greenroom::test(expect_crash)]
async fn exit_reasons_and_panics_of_another_node_cannot_forge_log_lines() {
    let (events, _listening) = Events::listen(&["greenroom"], &[]);
    let cluster = Cluster::in_memory(2).await;
    echo_server(cluster.node(1), "echo");
    let far = far(&cluster, 0, 1);
    let direct = by_pid(&far).await;
    let linked = {
        let _current = cluster.node(0).enter();
        greenroom::spawn(async move |mut mailbox: Mailbox<Visitor>| {
            mailbox.link(&direct);
            direct.echo("linked".into()).await?;
            mailbox.receive().await;
            Ok::<(), Exit>(())
        })
    };
    let (ended, served) = (linked.ended(), far.echo("linked".into()));
    soon(served).await.unwrap();
    far.exit(Exit::error(FORGED));
    assert_eq!(soon(ended).await, Exit::error(FORGED), "the reason itself is unchanged");
    let crashes = events.take();
    assert_eq!(crashes.iter().filter(|event| event.starts_with("ERROR process ended abnormally")).count(), 2);
    check_escaped(&crashes, "ERROR process ended abnormally");

    echo_server(cluster.node(1), "echo");
    assert!(soon(far.panic(FORGED.into())).await.is_err());
    check_escaped(&events.take(), "ERROR process ended abnormally");
}

#[tokio::test]
async fn the_name_of_another_cluster_cannot_forge_log_lines() {
    let (events, _listening) = Events::listen(&["greenroom"], &[]);
    let cookie = Cookie::random().unwrap();
    let node = Node::builder("a@test").cookie(cookie.clone()).listen("127.0.0.1:0").start().await.unwrap();
    let other = Node::builder("b@test").cookie(cookie).cluster(FORGED).seed(node.address().unwrap());
    let other = other.start().await.unwrap();
    while node.counters().refused_connections == 0 {
        tokio::task::yield_now().await;
    }
    check_escaped(&events.take(), "WARN connection refused");
    other.stop().await;
    node.stop().await;
}
