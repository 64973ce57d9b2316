//! The end of the predecessor's process, and that of a successor after the commit.

use std::path::PathBuf;
use std::time::Instant;

use tokio::io::AsyncWriteExt;
use tokio::net::UnixDatagram;
use tokio::process::Command;
use tokio::sync::mpsc;
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

/// The socket at which systemd receives messages.
struct Systemd {
    folder: PathBuf,
    messages: mpsc::UnboundedReceiver<String>,
}

impl Systemd {
    fn open(name: &str) -> Systemd {
        let folder = std::env::temp_dir().join(format!("greenroom-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let socket = UnixDatagram::bind(folder.join("notify")).unwrap();
        let (sender, messages) = mpsc::unbounded_channel();
        // Reads all the time: a sender waits while ten messages are unread.
        tokio::spawn(async move {
            let mut text = [0; 100];
            while let Ok(length) = socket.recv(&mut text).await {
                if sender.send(String::from_utf8_lossy(&text[..length]).into_owned()).is_err() {
                    return;
                }
            }
        });
        Systemd { folder, messages }
    }

    fn path(&self) -> PathBuf {
        self.folder.join("notify")
    }

    /// Returns the first line of the next message.
    async fn receive(&mut self) -> String {
        let text = timeout(DEADLINE, self.messages.recv()).await.expect("in time").expect("a message");
        let lines: Vec<_> = text.lines().collect();
        match lines[..] {
            ["RELOADING=1", time] => assert!(time.starts_with("MONOTONIC_USEC="), "{lines:?}"),
            _ => assert_eq!(lines.len(), 1, "{lines:?}"),
        }
        lines[0].to_owned()
    }

    /// Receives these messages in any order, and messages of the watchdog.
    async fn expect<const N: usize>(&mut self, messages: [&str; N]) {
        let mut missing = messages.to_vec();
        let begun = Instant::now();
        while !missing.is_empty() {
            let message = self.receive().await;
            match missing.iter().position(|missing| *missing == message) {
                Some(found) => drop(missing.remove(found)),
                None => assert_eq!(message, "WATCHDOG=1", "expected {missing:?}"),
            }
            assert!(begun.elapsed() < DEADLINE, "expected {missing:?}");
        }
    }

    /// Drops the messages that have been sent.
    fn clear(&mut self) {
        while self.messages.try_recv().is_ok() {}
    }
}

impl Drop for Systemd {
    fn drop(&mut self) {
        // Fails if another program has removed it.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[tokio::test]
async fn systemd_receives_the_number_of_the_successor_and_the_predecessor_exits() {
    let mut systemd = Systemd::open("successor");
    let mut server = start("NOTIFY_SOCKET", systemd.path().to_str().unwrap()).await;
    systemd.expect(["READY=1"]).await;
    server.install("two");
    server.signal("USR2").await;
    systemd.expect(["RELOADING=1"]).await;
    let successor = server.process(2).await;
    systemd.expect([&format!("MAINPID={successor}"), "READY=1"]).await;
    assert!(server.ended().await.success());
    assert_eq!(server.ask().await, "two");
    // The successor does the same for the next one.
    server.install("three");
    send("USR2", &successor).await;
    systemd.expect(["RELOADING=1"]).await;
    let third = server.process(3).await;
    systemd.expect([&format!("MAINPID={third}"), "READY=1"]).await;
    gone(&successor).await;
    assert_eq!(server.ask().await, "three");
    send("TERM", &third).await;
    // The first one of a stop: the predecessors have announced none.
    systemd.expect(["STOPPING=1"]).await;
    gone(&third).await;
}

#[tokio::test]
async fn the_watchdog_of_systemd_receives_messages_of_the_process_that_serves() {
    let mut systemd = Systemd::open("watchdog");
    let mut server = Server::start_with("one", |program| {
        // systemd allows the messages of one process only.
        let script = r#"WATCHDOG_PID=$$ exec "$@""#;
        let mut command = piped(Command::new("sh"));
        command.args(["-c", script, "sh"]).arg(program).env("WATCHDOG_USEC", "100000");
        command.env("NOTIFY_SOCKET", systemd.path());
        command
    })
    .await;
    systemd.expect(["READY=1"]).await;
    for _ in 0..3 {
        assert_eq!(systemd.receive().await, "WATCHDOG=1");
    }
    // An upgrade that fails is over for systemd, too.
    server.install("two exit");
    server.attempt("upgrade", 30_000).await;
    systemd.expect(["RELOADING=1", "READY=1"]).await;
    server.install("three");
    server.signal("USR2").await;
    systemd.expect(["RELOADING=1"]).await;
    let successor = server.process(3).await;
    systemd.expect([&format!("MAINPID={successor}"), "READY=1"]).await;
    assert!(server.ended().await.success());
    systemd.clear();
    for _ in 0..3 {
        assert_eq!(systemd.receive().await, "WATCHDOG=1");
    }
    send("TERM", &successor).await;
    systemd.expect(["STOPPING=1"]).await;
    gone(&successor).await;
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
