//! Upgrades that succeed.

use std::os::fd::OwnedFd;

use tokio::process::Command;

use super::server::{Server, ask, left};

#[tokio::test]
async fn no_connection_is_lost_by_two_upgrades() {
    let server = Server::start("one").await;
    let load = server.load();
    server.upgrade("two").await;
    server.upgrade("three").await;
    let answers = load.stop().await;
    assert_eq!(answers.keys().collect::<Vec<_>>(), ["one", "three", "two"], "{answers:?}");
    // Each release has the arguments of the first one.
    for started in server.lines("started ") {
        assert!(started.ends_with(r#"["-v"]"#), "{started}");
    }
    assert_eq!(server.lines("stderr: "), [""; 0]);
    server.stop().await;
}

#[tokio::test]
async fn a_successor_has_the_standard_input_and_continues_the_numbers_of_processes() {
    let mut server = Server::start("one").await;
    let number = |line: String| line["pid ".len()..].parse::<u64>().unwrap();
    server.command("spawn").await;
    let first = number(server.nth(1, &["pid "]).await);
    server.upgrade("two").await;
    server.command("spawn").await;
    let second = number(server.nth(2, &["pid "]).await);
    // Also the processes that the predecessor has started meanwhile have lower numbers.
    assert!(second > first + 1_000_000, "{second} after {first}");
    // A child of the successor is not a successor, although it has its environment.
    server.command("environment").await;
    let child = server.nth(1, &["child "]).await;
    assert!(child.starts_with("child Ok(\"started two "), "{child}");
    server.stop().await;
}

#[tokio::test]
async fn the_processes_of_a_tree_continue_over_upgrades() {
    let mut server = Server::start("one").await;
    server.command("pay 1").await;
    let till = server.nth(1, &["paid 1 "]).await;
    let process = till.split(' ').nth(2).unwrap().to_owned();
    for (release, coins) in [("two", 3), ("three", 5)] {
        server.upgrade(release).await;
        server.command("pay 2").await;
        assert_eq!(server.nth(1, &[&format!("paid {coins} ")]).await, format!("paid {coins} {process} one"));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_check_converts_everything_and_commits_nothing() {
    let mut server = Server::start("one").await;
    server.install("two");
    let load = server.load();
    assert_eq!(server.attempt("check", 30_000).await, "ok");
    assert_eq!(server.nth(1, &["report "]).await, "report 3 0");
    // The successor, which waits for connections, has accepted none.
    let answers = load.stop().await;
    assert_eq!(answers.keys().collect::<Vec<_>>(), ["one"], "{answers:?}");
    assert_eq!(server.ask().await, "one");
    // The successor has started in full.
    assert_eq!((server.lines("started ").len(), server.lines("listening ").len()), (2, 2));
    server.install("two bell");
    assert_eq!(server.attempt("check", 30_000).await, "ok");
    assert_eq!(server.nth(2, &["report "]).await, "report 2 1");
    server.upgrade("three").await;
    server.stop().await;
}

/// Starts the server with two sockets of systemd's socket activation, and returns it with the address of the second one.
async fn activated(names: &str) -> (Server, String) {
    let [first, second] = [(); 2].map(|()| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let address = second.local_addr().unwrap().to_string();
    let server = Server::start_with("one", |program| {
        // The shell gives the sockets the numbers 3 and 4, as systemd does.
        let script = r#"exec 3<&0 4<&2 0</dev/null 2>/dev/null; LISTEN_PID=$$ exec "$@""#;
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh"]).arg(program).env("LISTEN_FDS", "2").env("LISTEN_FDNAMES", names);
        command.env("EXPECTED", &address).stdin(OwnedFd::from(first)).stderr(OwnedFd::from(second));
        command
    });
    (server.await, address)
}

#[tokio::test]
async fn a_socket_of_systemd_is_found_by_its_name_or_its_address_and_handed_over() {
    for names in ["other:web", "other:web.socket", "", "unknown:unknown"] {
        let (server, address) = activated(names).await;
        assert_eq!(ask(&address).await.unwrap(), "one", "{names}");
        let predecessor = server.begin_upgrade("two").await;
        left(&predecessor).await;
        assert_eq!(ask(&address).await.unwrap(), "two", "{names}");
        server.stop().await;
    }
}
