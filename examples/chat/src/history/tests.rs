//! The promises of the history, each with the faults that test it.

use std::sync::Arc;

use greenroom::prelude::*;
use greenroom::testing::Cluster;
use tokio::time::sleep;

use super::database::{Database, DatabaseRef, Source};
use super::store::{Page, Store};
use super::writer::{NAME, WriterRef};
use super::{Mark, Term};
use crate::analytics::Analytics;
use crate::line::{Line, call_until_answered};
use crate::scenario::{Chat, Disks, NODES, boot, history};
use crate::scratch::Scratch;
use crate::services::{Place, Service, Services};
use crate::text::Text;

/// Longer than a call, a takeover and a recovery take.
const WHILE: Duration = Duration::from_secs(20);

fn line(words: &str) -> Line {
    let [room, id] = ["lobby", words].map(|text| Text::new(text).unwrap());
    Line { room, id, nick: Text::new("ann").unwrap(), words: Text::new(words).unwrap() }
}

/// Starts three nodes, and waits until one of them is the writer. Returns its index, too.
async fn start() -> (Cluster, Disks, usize) {
    let disks = Disks::new();
    let boot_disks = disks.clone();
    let cluster = Cluster::in_memory(3).boot(move |node| boot(node, boot_disks.clone())).await;
    write(&cluster, 0, "first").await;
    let writer = cluster.node(0).lookup_global(NAME).expect("there is a writer");
    let index = (0..3).find(|node| writer.node() == cluster.node(*node).name()).expect("it is on one of the nodes");
    (cluster, disks, index)
}

/// Writes a line from a node until it is acknowledged.
async fn write(cluster: &Cluster, node: usize, words: &str) {
    let writer: WriterRef = cluster.node(node).global(NAME);
    call_until_answered(|| writer.say(line(words))).await;
}

/// Returns the words of the lines on a disk.
fn words(disks: &Disks, node: usize) -> Vec<String> {
    history(&disks.all()[node], "lobby").into_iter().map(|(_, words)| words).collect()
}

/// Returns the words of the lines that a database shows to people.
async fn shown(database: &DatabaseRef) -> Vec<String> {
    let page = database.page(Text::new("lobby").unwrap(), Page::Last).await.unwrap();
    page.into_iter().map(|entry| entry.line.words.to_string()).collect()
}

#[greenroom::test]
async fn two_writers_never_acknowledge_two_lines_in_one_place() {
    let (cluster, disks, old) = start().await;
    let others: Vec<usize> = (0..3).filter(|node| *node != old).collect();
    let old_writer: WriterRef = cluster.node(old).global(NAME);
    cluster.partition([old], others.clone());
    // The old writer writes the line to its own disk, and waits for another one.
    let on_old_side = old_writer.say(line("on the old side")).within(WHILE);
    write(&cluster, others[0], "on the new side").await;
    assert!(on_old_side.await.is_err(), "a line that one database has is not acknowledged");
    assert_eq!(words(&disks, old), ["first", "on the old side"]);
    assert_eq!(words(&disks, others[1]), ["first", "on the new side"]);

    cluster.heal_all();
    write(&cluster, old, "last").await;
    sleep(WHILE).await;
    for node in 0..3 {
        assert_eq!(words(&disks, node), ["first", "on the new side", "last"], "node {node}");
    }
    cluster.stop().await;
}

#[greenroom::test]
async fn a_database_that_lost_its_disk_has_no_vote_until_both_others_have_answered() {
    let (cluster, disks, writer) = start().await;
    let [keeps, lags] = [(writer + 1) % 3, (writer + 2) % 3];
    // Two databases have the line, and one of them loses it.
    cluster.partition([lags], [writer, keeps]);
    write(&cluster, writer, "acknowledged").await;
    cluster.partition([keeps], [writer, lags]);
    cluster.heal([writer], [lags]);
    cluster.crash(writer);
    disks.lose(writer);
    cluster.restart(writer).await;
    // The two that are connected do not have the line, so they are not a majority.
    let writer_of_two: WriterRef = cluster.node(lags).global(NAME);
    assert!(writer_of_two.say(line("too early")).within(WHILE).await.is_err());
    let database: DatabaseRef = cluster.node(writer).named("database");
    assert!(!database.state().await.unwrap().may_vote);

    cluster.heal_all();
    write(&cluster, lags, "last").await;
    sleep(WHILE).await;
    for node in 0..3 {
        let words = words(&disks, node);
        assert_eq!(words[..2], ["first", "acknowledged"], "node {node}");
        assert_eq!(words.last().map(String::as_str), Some("last"), "node {node}");
        assert!(disks.all()[node].state().unwrap().may_vote, "node {node}");
    }
    cluster.stop().await;
}

#[greenroom::test]
async fn a_new_writer_has_each_acknowledged_line() {
    let (cluster, disks, writer) = start().await;
    let [keeps, lags] = [(writer + 1) % 3, (writer + 2) % 3];
    for number in 0..5 {
        cluster.partition([lags], [writer, keeps]);
        write(&cluster, writer, &format!("before {number}")).await;
        // The database that lags is connected before the other one, so its node can become the writer.
        cluster.crash(writer);
        cluster.partition([keeps], [writer]);
        cluster.heal([lags], [keeps]);
        write(&cluster, lags, &format!("after {number}")).await;
        cluster.heal_all();
        cluster.restart(writer).await;
        write(&cluster, writer, &format!("again {number}")).await;
    }
    sleep(WHILE).await;
    let numbered = |number: u64| ["before", "after", "again"].map(|when| format!("{when} {number}"));
    let expected: Vec<String> = ["first".to_owned()].into_iter().chain((0..5).flat_map(numbered)).collect();
    for node in 0..3 {
        assert_eq!(words(&disks, node), expected, "node {node}");
    }
    cluster.stop().await;
}

#[greenroom::test]
async fn a_restarted_database_shows_each_acknowledged_line() {
    let node = Node::current();
    let (source, services) = (Source::Memory(Arc::new(Store::in_memory())), Services::of(&node));
    node.start_tree(Chat { source, services }).await.unwrap();
    let writer: WriterRef = node.global(NAME);
    call_until_answered(|| writer.say(line("first"))).await;
    let database: DatabaseRef = node.named("database");
    database.exit(Exit::Kill);
    sleep(WHILE).await;
    assert_eq!(shown(&database).await, ["first"]);
}

#[greenroom::test]
async fn a_service_receives_each_line_once_from_one_database_after_another() {
    let (cluster, _, _) = start().await;
    sleep(WHILE).await;
    // A node whose databases are elsewhere. It uses the first connected one.
    let others =
        NODES[1..].iter().map(|name| Place { node: NodeName::new(name).unwrap(), services: vec![Service::Database] });
    let services = Services::new(cluster.node(0), vec![Service::Analytics], others.collect());
    let analytics = cluster.node(0).start(Analytics::open(services)).await.unwrap();
    let mut expected = 0;
    for lost in [1, 2, 1, 2] {
        for when in ["before", "while"] {
            write(&cluster, 0, &format!("{when} {lost} {expected}")).await;
            expected += 1;
            if when == "before" {
                cluster.crash(lost);
            }
        }
        for is_back in [false, true] {
            sleep(WHILE).await;
            assert_eq!(analytics.stats().await.unwrap()[0].lines, expected, "after the loss of node {lost}");
            if !is_back {
                cluster.restart(lost).await;
            }
        }
    }
    cluster.stop().await;
}

/// The predecessor of a node that is upgraded has the file open until it has stopped.
#[greenroom::test]
async fn a_database_waits_for_its_file() {
    let scratch = Scratch::new("file").unwrap();
    let path = scratch.0.join("chat.redb");
    let predecessor = Store::open(&path).unwrap();
    let node = Node::current();
    let open = || Database::open(Source::File(path.clone()), Services::of(&node));
    // It can be stopped while it waits.
    let stopped = node.start(open()).await.unwrap();
    stopped.exit(Exit::shutdown());
    tokio::time::timeout(WHILE, stopped.ended()).await.unwrap();

    let database = node.start(open()).await.unwrap();
    assert!(database.state().within(WHILE).await.is_err());
    assert!(predecessor.recover(Term(512), Mark::default()).unwrap());
    drop(predecessor);
    assert_eq!(database.state().await.unwrap().term, Term(512));
}

#[greenroom::test]
async fn a_database_without_a_vote_acknowledges_no_line() {
    let (cluster, disks, writer) = start().await;
    let [lost, away] = [(writer + 1) % 3, (writer + 2) % 3];
    cluster.partition([away], [writer, lost]);
    cluster.crash(lost);
    disks.lose(lost);
    cluster.restart(lost).await;
    // The empty database has a copy. It may have promised another writer, on the other side, to refuse this one.
    let say = cluster.node(writer).global::<WriterRef>(NAME).say(line("waits")).within(WHILE);
    assert!(say.await.is_err());
    assert_eq!(words(&disks, lost), ["first", "waits"]);
    assert_eq!(shown(&cluster.node(lost).named("database")).await, ["first"]);
    cluster.heal_all();
    write(&cluster, lost, "waits").await;
    cluster.stop().await;
}
