//! Nodes in memory that are upgraded under traffic. The connections are handed over by the code of this module, and the
//! processes by that of the test.

mod office;
mod relations;
#[cfg(feature = "registry")]
mod views;

use std::time::Duration;

use office::{Book, Step, open, upgrade};

use crate::prelude::*;
use crate::testing::{Check, Cluster, Faults};

/// The numbers of connects and losses of other nodes that a node has counted.
fn node_events(node: &Node) -> (u64, u64) {
    let counters = node.counters();
    (counters.node_ups, counters.node_downs)
}

/// Runs offices on three nodes beside `upgrades`, until all is done. Returns whether a connection was lost meanwhile.
async fn run(cluster: &Cluster, book: &Book, upgrades: impl Future<Output = ()>) -> bool {
    for index in 0..cluster.size() {
        open(cluster.node(index), index, cluster.size(), book, Vec::new(), 0);
    }
    tokio::time::sleep(Duration::from_millis(cluster.draw(500))).await;
    upgrades.await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    cluster.connected().await;
    book.close().await;
    // All that was sent arrives.
    tokio::time::sleep(Duration::from_secs(30)).await;
    (0..cluster.size()).any(|index| node_events(cluster.node(index)).1 > 0)
}

/// Upgrades random nodes, of which some attempts fail at a random step.
async fn upgrade_at_random(cluster: &Cluster, book: &Book, rounds: u64) {
    for _ in 0..rounds {
        let index = cluster.draw(cluster.size() as u64) as usize;
        let fails_at = [None, None, Some(Step::Paused), Some(Step::Collected), Some(Step::Started)];
        upgrade(cluster, index, book, fails_at[cluster.draw(5) as usize]).await;
        tokio::time::sleep(Duration::from_millis(cluster.draw(300))).await;
    }
}

#[test]
fn peers_see_a_pause_and_nothing_is_lost_or_comes_twice() {
    Check::nodes(3).state(|_| Book::default()).run(0..6, async |cluster, book| {
        let before: Vec<_> = (0..3).map(|index| node_events(cluster.node(index))).collect();
        let is_lost = run(&cluster, &book, upgrade_at_random(&cluster, &book, 4)).await;
        assert!(!is_lost);
        for (index, before) in before.into_iter().enumerate() {
            let now = node_events(cluster.node(index));
            assert!(now == before || now == (0, 0) && book.was_upgraded(index), "node {index}: {now:?}");
        }
        book.check_complete();
    });
}

#[test]
fn two_nodes_are_upgraded_at_the_same_time() {
    Check::nodes(3).state(|_| Book::default()).run(0..6, async |cluster, book| {
        let both = async {
            for _ in 0..3 {
                let spread = Duration::from_millis(cluster.draw(40));
                let late = async {
                    tokio::time::sleep(spread).await;
                    upgrade(&cluster, 1, &book, None).await;
                };
                tokio::join!(upgrade(&cluster, 0, &book, None), late);
                tokio::time::sleep(Duration::from_millis(cluster.draw(300))).await;
            }
        };
        assert!(!run(&cluster, &book, both).await);
        assert_eq!(node_events(cluster.node(2)).0, 2, "one connect with each of the others");
        book.check_complete();
    });
}

/// With faults a connection may be lost before it is quiet.
#[test]
fn nothing_comes_twice_if_connections_break_during_an_upgrade() {
    let faults = Faults { drops: false, delays: true, throttles: true, ..Faults::LINKS };
    Check::nodes(3).state(|_| Book::default()).run(0..6, async |cluster, book| {
        let upgrades = async {
            let chaos = cluster.chaos(faults, Duration::from_secs(5));
            tokio::join!(upgrade_at_random(&cluster, &book, 4), chaos);
        };
        let is_lost = run(&cluster, &book, upgrades).await;
        if is_lost { book.check_order() } else { book.check_complete() }
    });
}

#[test]
fn a_peer_that_does_not_return_is_lost_after_a_time() {
    Check::nodes(2).run(0..5, async |cluster| {
        let node = cluster.node(0).clone();
        node.router().unwrap().pause_peers(&node, Duration::from_secs(5)).await;
        assert_eq!(node.router().unwrap().paused_peers(&node).len(), 1);
        cluster.crash(0);
        tokio::time::sleep(super::HOLD - Duration::from_secs(5)).await;
        assert_eq!(node_events(cluster.node(1)), (1, 0));
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(node_events(cluster.node(1)), (1, 1));
    });
}

#[test]
fn a_pause_that_takes_too_long_ends_the_connection() {
    Check::nodes(2).run(0..5, async |cluster| {
        let node = cluster.node(0).clone();
        node.router().unwrap().pause_peers(&node, Duration::from_secs(5)).await;
        tokio::time::sleep(super::HOLD - Duration::from_secs(5)).await;
        assert_eq!(node_events(cluster.node(1)), (1, 0), "heartbeats go on");
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(node_events(cluster.node(1)), (1, 1));
        node.router().unwrap().resume_peers();
        cluster.connected().await;
    });
}

#[test]
fn another_incarnation_ends_the_wait_for_the_successor() {
    Check::nodes(2).run(0..5, async |cluster| {
        let node = cluster.node(0).clone();
        node.router().unwrap().pause_peers(&node, Duration::from_secs(5)).await;
        cluster.crash(0);
        tokio::time::sleep(Duration::from_secs(1)).await;
        cluster.restart(0).await;
        cluster.connected().await;
        assert_eq!(node_events(cluster.node(1)), (2, 1));
    });
}

/// The connection breaks in the pause, and the same process continues it after a rollback.
#[test]
fn a_broken_connection_is_continued_after_a_rollback() {
    Check::nodes(2).run(0..5, async |cluster| {
        let node = cluster.node(0).clone();
        let call = office::ask_slowly(&cluster, Duration::from_secs(60)).await;
        node.router().unwrap().pause_peers(&node, Duration::from_secs(5)).await;
        cluster.partition(0, 1);
        tokio::time::sleep(Duration::from_secs(3)).await;
        cluster.heal(0, 1);
        node.router().unwrap().resume_peers();
        tokio::time::sleep(Duration::from_secs(30)).await;
        for index in 0..2 {
            assert_eq!(node_events(cluster.node(index)), (1, 0));
        }
        assert_eq!(call.await.unwrap(), Ok(7), "the calls are those of before");
    });
}

#[test]
fn an_answer_in_the_pause_arrives_from_the_successor() {
    Check::nodes(2).run(0..5, async |cluster| {
        let (node, call) = (cluster.node(0).clone(), office::ask_slowly(&cluster, Duration::from_secs(3)).await);
        let router = node.router().unwrap();
        router.pause_peers(&node, Duration::from_secs(5)).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        let peers = router.paused_peers(&node);
        let successor = cluster.start_successor(0, peers, node.last_number() + 1).await;
        cluster.commit(0, successor).await;
        assert_eq!(call.await.unwrap(), Ok(7));
    });
}
