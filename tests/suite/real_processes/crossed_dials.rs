//! Two nodes that are each other's seeds and start at the same time.

use std::time::Duration;

use greenroom::prelude::Cookie;
use tokio::task::JoinSet;

use super::program::{Config, Peer, free_port};

const TICK: Duration = Duration::from_secs(1);
const MESSAGES: u64 = 200;

/// One node's part of a round: its messages arrive, and it stays connected for three ticks.
async fn serve(node: &mut Peer, peer: &str) {
    node.up(1, peer).await;
    assert_eq!(node.send(peer, MESSAGES).await, MESSAGES.to_string(), "{} sends", node.name());
    // The answer comes late enough for a silent peer to be lost three times.
    assert_eq!(node.call("hold", peer, 3 * TICK).await, "Timeout");
    assert_eq!(node.send(peer, 0).await, MESSAGES.to_string());
}

async fn check(host: &str) {
    let cookie = Cookie::random().unwrap();
    let ports = [free_port(), free_port()];
    let [a, b] = [("a@test", 0), ("b@test", 1)].map(|(name, index)| {
        let config = Config::new(name, &cookie).listen(&format!("{host}:{}", ports[index])).tick(TICK);
        config.seeds([&*format!("127.0.0.1:{}", ports[1 - index])])
    });
    let (mut a, mut b) = (a.spawn(), b.spawn());
    tokio::join!(a.serving(), b.serving());
    tokio::join!(serve(&mut a, "b@test"), serve(&mut b, "a@test"));
    for (node, peer) in [(&a, "b@test"), (&b, "a@test")] {
        assert_eq!(node.ups_and_downs(peer), (1, 0), "{}", node.lines("").join("\n"));
    }
    tokio::join!(a.stop(), b.stop());
}

#[tokio::test]
async fn two_nodes_that_dial_each_other_at_once_have_one_connection() {
    let mut rounds = JoinSet::new();
    for round in 0..20 {
        rounds.spawn(check(if round % 4 == 0 { "127.0.0.1" } else { "0.0.0.0" }));
    }
    rounds.join_all().await;
}
