//! A node's metrics: running and ended processes, added up.

use greenroom::testing::Cluster;
use greenroom::{Metrics, Node, ProtocolMetrics, prelude::*};

use crate::scripted::{Fuse, Letter, does, idle, mortal, settle};

fn metrics() -> Metrics {
    Node::current().metrics()
}

fn letters() -> ProtocolMetrics {
    metrics().protocols.remove("Letter").unwrap_or_default()
}

/// Takes two `A`, and answers calls in between.
fn reader() -> crate::scripted::Scripted {
    does(|cx| {
        Box::pin(async move {
            let mut left = 2;
            while left > 0 {
                receive!(match cx {
                    Letter::A { .. } => left -= 1,
                    Letter::Ask { reply } => reply.send(left),
                });
            }
        })
    })
}

#[greenroom::test]
async fn messages_are_counted_while_a_process_runs_and_after() {
    let process = reader().spawn();
    process.b(1);
    process.a(1);
    assert_eq!(process.ask().await, Ok(1));
    settle().await;
    let running = letters();
    assert_eq!((running.processes, running.started, running.ended.total()), (1, 1, 0));
    assert_eq!((running.received, running.handled, running.calls), (3, 2, 1));
    assert_eq!((running.waiting, running.saved, running.longest), (0, 1, 1));
    assert!(running.memory > 0);
    process.a(2);
    process.ended().await;
    let after = letters();
    assert_eq!((after.processes, after.started, after.ended.normal), (0, 1, 1));
    assert_eq!((after.received, after.handled, after.calls), (4, 3, 1));
    assert_eq!((after.waiting, after.saved, after.longest, after.memory), (0, 0, 0, 0));
}

#[greenroom::test]
async fn ends_are_counted_by_reason() {
    let ends = [
        Exit::Normal,
        Exit::shutdown(),
        Exit::error("a"),
        Exit::error("b"),
        Exit::Kill,
        Exit::NoProc,
        Exit::NoConnection,
    ];
    for reason in ends {
        let process = mortal(reason).spawn();
        process.go();
        process.ended().await;
    }
    let killed = idle().spawn();
    killed.exit(Exit::kill());
    killed.ended().await;
    let panics = does(|_| Box::pin(async { panic!("boom") })).spawn();
    panics.ended().await;
    let all = letters().ended.by_reason();
    let expected = [("normal", 1), ("shutdown", 1), ("killed", 2), ("panic", 1), ("error", 2), ("lost", 2)];
    assert_eq!(all, expected);
}

#[actor(mailbox = 2, overflow = drop_oldest)]
struct Gauge;

#[actor]
impl Gauge {
    #[cast]
    fn read(&mut self, n: u32) {
        let _ = n;
    }
}

#[actor(mailbox = 2, overflow = reject)]
struct Door;

#[actor]
impl Door {
    #[cast]
    fn knock(&mut self) {}
}

#[greenroom::test]
async fn refused_messages_of_a_full_mailbox_are_counted() {
    let (gauge, door) = (Gauge.spawn(), Door.spawn());
    for n in 0..5 {
        gauge.read(n);
        drop(door.knock());
    }
    let all = metrics();
    assert_eq!(all.protocols["GaugeMessage"].dropped, 3);
    assert_eq!(all.protocols["DoorMessage"].refused, 3);
    gauge.exit(Exit::kill());
    gauge.ended().await;
    assert_eq!(metrics().protocols["GaugeMessage"].dropped, 3);
}

#[greenroom::test]
async fn call_timeouts_are_counted_by_callee() {
    let cluster = Cluster::in_memory(2).await;
    let (near, far) = (cluster.node(0).spawn(idle()), cluster.node(1).spawn(idle()));
    crate::scripted::LetterRef::register("idle", &near).unwrap();
    crate::scripted::LetterRef::register("idle", &far).unwrap();
    let there: crate::scripted::LetterRef = cluster.node(0).named_at("idle", cluster.node(1).name());
    let here: crate::scripted::LetterRef = cluster.node(0).named("idle");
    let timeouts = |index: usize| cluster.node(index).metrics().protocols.get("Letter").map_or(0, |of| of.timeouts);
    let wide = cluster.node(0).start(Wide).await.unwrap();
    for (seconds, callee, expected) in [(1, &near, 1), (2, &there, 2), (3, &here, 3)] {
        let answer = callee.ask().within(Duration::from_secs(seconds)).await;
        assert_eq!((answer, timeouts(0)), (Err(CallErrorKind::Timeout.into()), expected));
    }
    assert_eq!(wide.ask().await, Err(CallErrorKind::Timeout.into()));
    // The caller's metrics count it.
    assert_eq!(timeouts(1), 0);
    let all = cluster.node(0).metrics();
    assert_eq!((all.protocols["WideMessage"].timeouts, all.call_timeouts()), (1, 4));
    let page = all.to_prometheus();
    assert!(page.contains("\ngreenroom_call_timeouts_total{protocol=\"Letter\"} 3\n"), "{page}");
    cluster.stop().await;
}

/// A server that never answers.
#[actor]
struct Wide;

#[actor]
impl Wide {
    #[call]
    async fn ask(&self) {
        std::future::pending::<()>().await;
    }
}

#[greenroom::test]
async fn bytes_are_counted_by_peer_and_outlast_a_connection() {
    let cluster = Cluster::in_memory(3).await;
    let traffic = |index: usize| cluster.node(index).metrics().traffic;
    let far: Vec<_> = (1..3).map(|index| cluster.node(index).spawn(idle())).collect();
    for (index, far) in (1..).zip(&far) {
        crate::scripted::LetterRef::register("idle", far).unwrap();
        let before = traffic(0);
        let stub: crate::scripted::LetterRef = cluster.node(0).named_at("idle", cluster.node(index).name());
        stub.nested(Some(Err("x".repeat(10_000 * index))));
        settle().await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let after = traffic(0);
        for (peer, now) in &after {
            let sent = now.sent - before[peer].sent;
            let expected = if peer == cluster.node(index).name().as_str() { 10_000 * index as u64 } else { 0 };
            assert!((expected..expected + 1_000).contains(&sent), "{peer}: {sent}");
        }
        // The bytes sent by one node are those received by the other.
        let mine = traffic(index)["n0@test"];
        let theirs = after[cluster.node(index).name().as_str()];
        assert_eq!((mine.received, mine.sent), (theirs.sent, theirs.received));
    }
    let before = traffic(0)["n1@test"];
    cluster.crash(1);
    settle().await;
    assert_eq!(traffic(0)["n1@test"], before, "a lost peer's figures stay");
    cluster.restart(1).await;
    cluster.connected().await;
    let all = cluster.node(0).metrics();
    assert!(all.traffic["n1@test"].sent > before.sent, "they go on where they were");
    assert_eq!(all.traffic.len(), 2);
    let page = all.to_prometheus();
    let line = format!("\ngreenroom_peer_sent_bytes_total{{peer=\"n1@test\"}} {}\n", all.traffic["n1@test"].sent);
    assert!(page.contains(&line), "{page}");
    cluster.stop().await;
}

#[supervisor(intensity = 10, period = "1s")]
struct Fuses {
    #[child]
    fuse: Fuse,
}

#[greenroom::test]
async fn a_restarted_child_counts_over_all_incarnations() {
    let tree = Fuses {}.start().await.unwrap();
    for life in 1..=3 {
        tree.fuse().go();
        settle().await;
        let of = letters();
        assert_eq!(
            (of.processes, of.started, of.ended.error, of.received, of.handled),
            (1, life + 1, life, life, life)
        );
    }
    let all = metrics();
    assert_eq!(all.restarts.values().sum::<u64>(), 3);
    let page = all.to_prometheus();
    assert!(page.contains("\ngreenroom_restarts_total{supervisor=\"/Fuses\"} 3\n"), "{page}");
    assert!(page.contains("\ngreenroom_messages_handled_total{protocol=\"Letter\"} 3\n"), "{page}");
}

#[greenroom::test]
async fn a_node_has_metrics_of_its_own() {
    let process = idle().spawn();
    crate::scripted::LetterRef::register("idle", &process).unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let all = metrics();
    assert_eq!((all.names, all.uptime, all.node.as_str()), (1, Duration::from_secs(3), "nonode@nohost"));
    assert!(all.alarms.values().all(|count| *count == 0));
    let text = serde_json::to_string(&all).unwrap();
    assert_eq!(serde_json::from_str::<Metrics>(&text).unwrap(), all);
}
