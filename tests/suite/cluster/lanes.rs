//! Large messages, which delay no other sender of their connection, and connections that delay no other one.

use greenroom::prelude::*;
use greenroom::testing::Cluster;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// An archive, which answers small questions and sends large files.
#[protocol]
enum Archive {
    Store {
        file: Vec<u8>,
    },
    Ask {
        number: u32,
        reply: Reply<u32>,
    },
    Load {
        size: u32,
        reply: Reply<Vec<u8>>,
    },
    /// Passes the reply on to another archive.
    Order {
        from: ArchiveRef,
        size: u32,
        reply: Reply<Vec<u8>>,
    },
    Send {
        size: u32,
        slip: Slip,
    },
    /// Stores a file at another archive, and drops the reply.
    GiveUp {
        to: ArchiveRef,
        reply: Reply<()>,
    },
}

/// The reply of a call to another archive.
#[derive(Serialize, Deserialize)]
struct Slip(Reply<Vec<u8>>);

/// 8 s over a line of half a megabyte per second.
const FILE: usize = 4 << 20;
/// The size of a file that an archive does not have: it drops the reply.
const LOST: u32 = u32::MAX;
const RATE: u32 = 512 * 1024;
/// More than a small message waits behind the pieces of large ones.
const SOON: Duration = Duration::from_secs(2);

/// Starts an archive and registers it under the name.
fn open(node: &Node, name: &str) {
    let _here = node.enter();
    let archive = greenroom::spawn(move |mut mailbox: Mailbox<Archive>| async move {
        loop {
            match mailbox.receive().await {
                Archive::Store { file } => drop(file),
                Archive::Ask { number, reply } => reply.send(number + 1),
                Archive::Load { size, reply } => reply.send(vec![1; size as usize]),
                Archive::Order { from, size, reply } => drop(from.send(size, Slip(reply))),
                Archive::Send { size: LOST, slip } => drop(slip),
                Archive::GiveUp { to, reply } => {
                    to.store(vec![1; FILE]);
                    drop(reply);
                }
                Archive::Send { size, slip } => slip.0.send(vec![1; size as usize]),
            }
        }
    });
    ArchiveRef::register(name, &archive).unwrap();
}

async fn archives(nodes: usize) -> Cluster {
    let cluster = Cluster::in_memory(nodes).await;
    for index in 0..nodes {
        open(cluster.node(index), "archive");
        open(cluster.node(index), "desk");
    }
    cluster
}

fn at(cluster: &Cluster, from: usize, name: &str, to: usize) -> ArchiveRef {
    cluster.node(from).named_at(name, format!("n{to}@test"))
}

/// Waits for the answer to a question, and checks that it comes soon.
async fn ask(archive: &ArchiveRef, text: &str) {
    let begin = Instant::now();
    assert_eq!(archive.ask(1).within(Duration::from_secs(30)).await, Ok(2), "{text}");
    assert!(begin.elapsed() < SOON, "{text}: {:?}", begin.elapsed());
}

/// Stores a file on node 1 and returns how long the connection takes for it, which is until it can be loaded.
async fn store(archive: ArchiveRef) -> Duration {
    let begin = Instant::now();
    archive.store(vec![1; FILE]).await.unwrap();
    assert_eq!(archive.ask(1).within(Duration::from_secs(60)).await, Ok(2));
    begin.elapsed()
}

#[greenroom::test]
async fn a_large_message_of_a_process_delays_no_other_process() {
    let cluster = archives(2).await;
    cluster.throttle(0, 1, RATE);
    let (large, small) = (at(&cluster, 0, "archive", 1), at(&cluster, 0, "desk", 1));
    let _here = cluster.node(0).enter();
    let sender = greenroom::spawn(move |_: Mailbox<Archive>| async move {
        assert!(store(large).await > Duration::from_secs(7));
    });
    let other = greenroom::spawn(move |_: Mailbox<Archive>| async move {
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            ask(&small, "beside a large message").await;
        }
    });
    assert_eq!(other.ended().await, Exit::Normal);
    assert!(sender.is_alive());
    assert_eq!(sender.ended().await, Exit::Normal);
}

/// The senders are tasks outside of any process, as handlers of web requests are.
#[greenroom::test]
async fn a_large_message_of_a_task_delays_no_other_task() {
    let cluster = archives(2).await;
    cluster.throttle(0, 1, RATE);
    let (large, small) = (at(&cluster, 0, "archive", 1), at(&cluster, 0, "desk", 1));
    let sender = tokio::spawn(store(large));
    let others: Vec<_> = (0..10)
        .map(|_| {
            let small = small.clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(100)).await;
                ask(&small, "beside the large message of a task").await;
            })
        })
        .collect();
    for other in others {
        other.await.unwrap();
    }
    assert!(!sender.is_finished());
    assert!(sender.await.unwrap() > Duration::from_secs(7));
}

#[greenroom::test]
async fn a_large_answer_delays_no_answer_of_another_process() {
    let cluster = archives(2).await;
    cluster.throttle(1, 0, RATE);
    let (large, small) = (at(&cluster, 0, "archive", 1), at(&cluster, 0, "desk", 1));
    let load = tokio::spawn(large.load(FILE as u32).forever());
    tokio::time::sleep(Duration::from_millis(100)).await;
    for _ in 0..10 {
        ask(&small, "beside a large answer").await;
    }
    assert!(!load.is_finished());
    assert_eq!(load.await.unwrap().unwrap().len(), FILE);
}

/// The answer goes from node 2 through node 1 to node 0. The reader of the connection between 1 and 2 passes it on, as it
/// does the other answers and errors of node 2.
#[tokio::test(start_paused = true)]
async fn a_large_answer_that_is_passed_on_delays_no_error_and_no_other_answer() {
    let cluster = archives(3).await;
    cluster.throttle(1, 0, RATE);
    let (large, small) = (at(&cluster, 0, "archive", 1), at(&cluster, 0, "desk", 1));
    let (archive, desk) = (at(&cluster, 1, "archive", 2), at(&cluster, 1, "desk", 2));
    // Some are decoded beside the connection's task, and most are not.
    let sizes = [FILE / 2].into_iter().chain([FILE / 40; 20]);
    let load = |size| (size, tokio::spawn(large.order(archive.clone(), size as u32).forever()));
    let loads: Vec<_> = sizes.map(load).collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let unknown = at(&cluster, 0, "unknown", 1);
    for _ in 0..3 {
        ask(&small, "beside an answer that is passed on").await;
        let begin = Instant::now();
        assert_eq!(unknown.ask(1).within(Duration::from_secs(30)).await, Err(CallErrorKind::NoProc.into()));
        assert!(begin.elapsed() < SOON, "{:?}", begin.elapsed());
        let begin = Instant::now();
        assert_eq!(small.order(desk.clone(), 1).within(Duration::from_secs(30)).await, Ok(vec![1]));
        assert!(begin.elapsed() < SOON, "an answer that is passed on: {:?}", begin.elapsed());
        let begin = Instant::now();
        let lost = small.order(desk.clone(), LOST).within(Duration::from_secs(30)).await;
        assert_eq!(lost, Err(CallErrorKind::Dropped.into()));
        assert!(begin.elapsed() < SOON, "an error that is passed on: {:?}", begin.elapsed());
    }
    assert!(loads.iter().any(|(_, load)| !load.is_finished()));
    for (size, load) in loads {
        assert_eq!(load.await.unwrap().unwrap().len(), size);
    }
}

#[greenroom::test]
async fn an_error_keeps_its_place_behind_the_messages_of_its_process() {
    let cluster = archives(2).await;
    cluster.throttle(1, 0, RATE);
    // The archive on node 1 stores the file on node 0, then drops the reply.
    let (archive, near) = (at(&cluster, 0, "archive", 1), at(&cluster, 1, "archive", 0));
    let begin = Instant::now();
    assert_eq!(
        archive.order(near.clone(), LOST).within(Duration::from_secs(60)).await,
        Err(CallErrorKind::Dropped.into())
    );
    assert!(begin.elapsed() < SOON, "alone: {:?}", begin.elapsed());
    let returned = archive.give_up(near).within(Duration::from_secs(60)).await;
    assert_eq!(returned, Err(CallErrorKind::Dropped.into()));
    assert!(begin.elapsed() > Duration::from_secs(7), "before the file: {:?}", begin.elapsed());
}

#[greenroom::test]
async fn a_connection_that_carries_nothing_delays_no_other_connection() {
    let cluster = archives(4).await;
    let _here = cluster.node(0).enter();
    let to_each: Vec<_> = (1..4).map(|to| at(&cluster, 0, "archive", to)).collect();
    cluster.stall(0, 1);
    let stuck = to_each[0].clone();
    let sender = greenroom::spawn(move |_: Mailbox<Archive>| async move {
        // More than the connection takes ahead.
        for _ in 0..200 {
            stuck.store(vec![1; 64 * 1024]).await?;
        }
        Ok::<(), Exit>(())
    });
    let load = tokio::spawn(at(&cluster, 1, "archive", 0).load(FILE as u32).forever());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(sender.is_alive());
    let begin = Instant::now();
    for archive in &to_each[1..] {
        for number in 0..50 {
            archive.store(vec![1; 64 * 1024]).await.unwrap();
            assert_eq!(archive.ask(number).await, Ok(number + 1));
        }
    }
    for from in 2..4 {
        assert_eq!(at(&cluster, from, "desk", 0).ask(1).await, Ok(2));
    }
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    assert!(sender.is_alive() && !load.is_finished());
    cluster.heal(0, 1);
    assert_eq!(sender.ended().await, Exit::Normal);
    assert_eq!(load.await.unwrap().unwrap().len(), FILE);
    assert_eq!(cluster.node(0).metrics().node_downs, 0);
}
