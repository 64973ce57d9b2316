//! The stop of a node whose peer does not read.

use greenroom::prelude::*;
use greenroom::testing::Cluster;
use tokio::time::Instant;

use super::echo_server::{echo_server, far};

/// The time in which a connection closes.
const CLOSING: Duration = Duration::from_secs(5);

/// Starts nodes with an echo server on each but the first. Their silence counts as loss long after the time of a stop.
async fn cluster(size: usize) -> Cluster {
    let cluster = Cluster::in_memory(size).tick(Duration::from_secs(60)).await;
    for index in 1..size {
        echo_server(cluster.node(index), "echo");
    }
    cluster
}

/// Stops the first of two nodes while the other does not read, and data for it is unsent.
async fn check(stall: impl Fn(&Cluster), messages: u64, bytes: usize) {
    let cluster = cluster(2).await;
    let far = far(&cluster, 0, 1);
    far.echo("the connection works".into()).await.unwrap();
    stall(&cluster);
    for _ in 0..messages {
        // More than a connection takes is refused.
        drop(far.parcel("x".repeat(bytes)));
    }
    let call = far.echo("no answer".into()).within(Duration::from_secs(600));
    let call = tokio::spawn(async move { (call.await, Instant::now()) });
    let begin = Instant::now();
    cluster.node(0).stop().await;
    assert!(begin.elapsed() <= CLOSING, "{messages} messages of {bytes} bytes: {:?}", begin.elapsed());
    let (answer, answered) = call.await.unwrap();
    assert!(answer.is_err() && answered - begin <= CLOSING, "{answer:?} after {:?}", answered - begin);
}

#[greenroom::test]
async fn a_node_stops_within_five_seconds_although_its_peer_does_not_read() {
    for (messages, bytes) in [(0, 0), (1, 10), (1, 8 << 20), (100_000, 100), (1000, 100_000)] {
        check(|cluster| cluster.drop_between(0, 1), messages, bytes).await;
        check(|cluster| cluster.stall(0, 1), messages, bytes).await;
    }
}

#[greenroom::test]
async fn a_node_stops_within_five_seconds_although_several_peers_do_not_read() {
    let cluster = cluster(4).await;
    for peer in 1..4 {
        cluster.drop_between(0, peer);
        for _ in 0..1000 {
            drop(far(&cluster, 0, peer).parcel("x".repeat(10_000)));
        }
    }
    let begin = Instant::now();
    cluster.node(0).stop().await;
    assert!(begin.elapsed() <= CLOSING, "{:?}", begin.elapsed());
}
