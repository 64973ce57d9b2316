//! Upgrades that fail before the commit: the predecessor serves on, and the successor is gone.

use super::server::{Server, gone, send};

/// A time that is long enough for every start.
const LONG: u32 = 60_000;

/// The server attempts an upgrade to what is installed, and serves on.
async fn check(server: &mut Server, milliseconds: u32, expected: &str) {
    let result = server.attempt("upgrade", milliseconds).await;
    assert!(result.contains(expected), "{expected} in {result}");
    assert_eq!(server.ask().await, "one");
}

#[tokio::test]
async fn a_successor_that_does_not_become_ready_changes_nothing() {
    let mut server = Server::start("one").await;
    let load = server.load();
    server.command("pay 1").await;
    for (fault, milliseconds, expected) in [
        ("panic", LONG, "the successor has exited (exit status: 101)"),
        ("exit", LONG, "the successor has exited (exit status: 7)"),
        ("address", LONG, "the successor has exited (exit status: 1)"),
        ("hang", 1_000, "the successor was not ready in time"),
        ("idle", 1_000, "the successor was not ready in time"),
        ("state", LONG, "/Shop/till: the state of `Till` cannot be read"),
    ] {
        server.install(&format!("broken {fault}"));
        check(&mut server, milliseconds, expected).await;
    }
    assert_eq!(server.lines("stderr: thread 'main'").len(), 1);
    server.nth(1, &["stderr: error: the listener `web` has the address", "expects 127.0.0.1:1"]).await;
    for n in 2..=server.lines("started ").len() {
        gone(&server.process(n).await).await;
    }
    let answers = load.stop().await;
    assert_eq!(answers.keys().collect::<Vec<_>>(), ["one"], "{answers:?}");
    server.upgrade("two").await;
    server.command("pay 1").await;
    server.nth(1, &["paid 2 ", " one"]).await;
    server.stop().await;
}

#[tokio::test]
async fn a_file_that_is_not_a_program_with_a_node_changes_nothing() {
    let mut server = Server::start("one").await;
    for (script, mode, milliseconds, expected) in [
        ("#!/bin/sh\n", 0o644, LONG, "cannot start the successor"),
        ("not a program", 0o755, LONG, "cannot start the successor"),
        ("#!/bin/sh\nexit 3", 0o755, LONG, "the successor has exited (exit status: 3)"),
        ("#!/bin/sh\nkill -9 $$", 0o755, LONG, "the successor has exited (signal: 9 (SIGKILL))"),
        ("#!/bin/sh\nexec sleep 600", 0o755, 300, "the successor has not started a node in time"),
        // It reads the connection in place of its standard input.
        ("#!/bin/sh\ncat > /dev/null", 0o755, 300, "the successor has not started a node in time"),
        ("#!/bin/sh\necho order >&0; exec sleep 600", 0o755, LONG, "the connection to the successor has failed"),
        ("#!/bin/sh\nexec 0</dev/null; exec sleep 600", 0o755, LONG, "the connection to the successor has failed"),
    ] {
        server.install_script(script, mode);
        check(&mut server, milliseconds, expected).await;
    }
    std::fs::remove_file(server.program()).unwrap();
    check(&mut server, LONG, "cannot start the successor").await;
    server.upgrade("two").await;
    server.stop().await;
}

#[tokio::test]
async fn a_successor_that_is_killed_or_stopped_changes_nothing() {
    let mut server = Server::start("one").await;
    for (n, (signal, milliseconds, expected)) in [
        ("KILL", LONG, "the successor has exited (signal: 9 (SIGKILL))"),
        ("STOP", 1_500, "the successor was not ready in time"),
        ("TERM", LONG, "the successor has exited (exit status: 0)"),
    ]
    .into_iter()
    .enumerate()
    {
        server.install("two hang");
        let before = server.begin("upgrade", milliseconds).await;
        let successor = server.process(n + 2).await;
        send(signal, &successor).await;
        let result = server.nth(before + 1, &["result "]).await;
        assert!(result.contains(expected), "{expected} in {result}");
        gone(&successor).await;
        assert_eq!(server.ask().await, "one");
    }
    server.upgrade("two").await;
    server.stop().await;
}

#[tokio::test]
async fn a_second_upgrade_at_the_same_time_is_refused() {
    let mut server = Server::start("one").await;
    server.install("two hang");
    let before = server.begin("upgrade", LONG).await;
    let successor = server.process(2).await;
    server.signal("USR2").await;
    server.nth(1, &["log ERROR upgrade was abandoned", "an upgrade of this node is running"]).await;
    send("KILL", &successor).await;
    server.nth(before + 1, &["result the successor has exited"]).await;
    server.stop().await;
}

#[tokio::test]
async fn a_successor_ends_with_a_predecessor_that_ends_before_the_commit() {
    for signal in ["KILL", "TERM"] {
        let mut server = Server::start("one").await;
        server.install("two hang");
        server.begin("upgrade", LONG).await;
        let successor = server.process(2).await;
        server.signal(signal).await;
        server.ended().await;
        gone(&successor).await;
        // A predecessor that stops in order kills it.
        if signal == "KILL" {
            let reason = "the upgrade was abandoned: the predecessor has ended the upgrade";
            server.nth(1, &[&format!("stderr: error: {reason}")]).await;
        }
    }
}
