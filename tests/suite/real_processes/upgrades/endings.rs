//! The end of the predecessor's process, and that of a successor after the commit.

use tokio::io::AsyncWriteExt;
use tokio::net::UnixDatagram;
use tokio::process::Command;
use tokio::time::timeout;

use super::server::{Server, answer, ask, gone, left, piped, send};
use crate::real_processes::program::DEADLINE;

/// Starts a server with a variable of the environment.
async fn start(variable: &str, value: &str) -> Server {
    let command = |program: &std::path::Path| {
        let mut command = piped(Command::new(program));
        command.env_remove("NOTIFY_SOCKET").env(variable, value);
        command
    };
    Server::start_with("one", command).await
}

#[tokio::test]
async fn a_shim_exits_with_the_status_of_the_last_successor() {
    for (fault, signal, code) in [("", Some("KILL"), 137), (" late-panic", None, 101)] {
        let mut server = Server::start("one").await;
        server.upgrade("two").await;
        let second = server.begin_upgrade(&format!("three{fault}")).await;
        let third = server.process(3).await;
        // The second release exits behind the shim.
        gone(&second).await;
        match signal {
            Some(signal) => send(signal, &third).await,
            None => drop(ask(server.address()).await.unwrap_err()),
        }
        assert_eq!(server.ended().await.code(), Some(code));
    }
}

#[tokio::test]
async fn the_first_process_of_a_container_stays() {
    if !Command::new("unshare").args(["-pf", "true"]).status().await.is_ok_and(|status| status.success()) {
        assert!(std::env::var_os("CI").is_none(), "process namespaces are not permitted");
        eprintln!("skipped: process namespaces are not permitted");
        return;
    }
    let command = |program: &std::path::Path| {
        let mut command = piped(Command::new("unshare"));
        command.args(["--pid", "--fork", "--kill-child"]).arg(program).env("NOTIFY_SOCKET", "/nowhere");
        command
    };
    let mut server = Server::start_with("one", command).await;
    let mut load = Some(server.load());
    // The program has the number 1 in its namespace, and its parent forwards no signals.
    assert_eq!(server.process(1).await, "1");
    let first = server.child_of_child();
    for (n, release) in ["two", "three late-panic"].into_iter().enumerate() {
        server.install(release);
        send("USR2", &first).await;
        server.nth(n + 1, &["log INFO node was upgraded"]).await;
        left(&first).await;
        if n == 0 {
            assert_eq!(server.ask().await, "two");
            let answers = load.take().expect("the first upgrade").stop().await;
            assert_eq!(answers.keys().collect::<Vec<_>>(), ["one", "two"], "{answers:?}");
        }
    }
    ask(server.address()).await.unwrap_err();
    assert_eq!(server.ended().await.code(), Some(101));
}

#[tokio::test]
async fn systemd_receives_the_number_of_the_successor_and_the_predecessor_exits() {
    let folder = std::env::temp_dir().join(format!("greenroom-notify-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("notify");
    let systemd = UnixDatagram::bind(&path).unwrap();
    let mut server = start("NOTIFY_SOCKET", path.to_str().unwrap()).await;
    server.install("two");
    server.signal("USR2").await;
    let mut text = [0; 100];
    let length = timeout(DEADLINE, systemd.recv(&mut text)).await.unwrap().unwrap();
    let successor = server.process(2).await;
    assert_eq!(std::str::from_utf8(&text[..length]).unwrap(), format!("MAINPID={successor}\n"));
    assert!(server.ended().await.success());
    assert_eq!(server.ask().await, "two");
    // The successor does the same for the next one.
    server.install("three");
    send("USR2", &successor).await;
    let length = timeout(DEADLINE, systemd.recv(&mut text)).await.unwrap().unwrap();
    let third = server.process(3).await;
    assert_eq!(std::str::from_utf8(&text[..length]).unwrap(), format!("MAINPID={third}\n"));
    gone(&successor).await;
    assert_eq!(server.ask().await, "three");
    send("TERM", &third).await;
    gone(&third).await;
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn a_predecessor_exits_on_request() {
    let mut server = start("GREENROOM_AFTER_UPGRADE", "exit").await;
    server.upgrade("two").await;
    assert!(server.ended().await.success());
    assert_eq!(server.ask().await, "two");
    let successor = server.process(2).await;
    send("TERM", &successor).await;
    gone(&successor).await;
    assert!(ask(server.address()).await.is_err());
}

#[tokio::test]
async fn a_predecessor_answers_its_connections_before_it_ends_and_forwards_signals_meanwhile() {
    let mut server = Server::start("one").await;
    let mut stream = server.half_a_request().await;
    server.begin_upgrade("two").await;
    // The predecessor still stops. The signal is one for the successor.
    server.signal("TERM").await;
    let successor = server.process(2).await;
    gone(&successor).await;
    stream.write_all(b"ng\n").await.unwrap();
    assert_eq!(answer(&mut stream).await.unwrap(), "one");
    assert!(server.ended().await.success());
}

#[tokio::test]
async fn a_successor_serves_on_when_its_predecessor_is_killed_after_the_commit() {
    // While the predecessor answers its last connection, and as a shim.
    for is_stopping in [true, false] {
        let mut server = Server::start("one").await;
        let stream = if is_stopping { Some(server.half_a_request().await) } else { None };
        let predecessor = server.begin_upgrade("two").await;
        if !is_stopping {
            left(&predecessor).await;
        }
        server.signal("KILL").await;
        assert!(!server.ended().await.success());
        assert_eq!(server.ask().await, "two");
        drop(stream);
        let successor = server.process(2).await;
        // The next upgrade has no shim.
        server.install("three");
        send("USR2", &successor).await;
        server.nth(2, &["log INFO node was upgraded"]).await;
        gone(&successor).await;
        assert_eq!(server.ask().await, "three");
        let third = server.process(3).await;
        send("TERM", &third).await;
        gone(&third).await;
    }
}
