//! A server that is upgraded while it serves, for tests with real processes.
//!
//! The release is the last line of the program's own file, behind its code: its name, and a fault of its start. Each
//! connection is answered with the name of the release. `WEB` is the address of the server, or `EXPECTED` that of a
//! socket from systemd. With `NOTES`, the node has a process with the name `desk`, which appends its notes to this file.
//!
//! | fault | the successor |
//! |---|---|
//! | `panic` | panics in `main` |
//! | `exit` | exits with the code 7 |
//! | `hang` | waits before it has a listener |
//! | `idle` | has a listener, and waits before it accepts |
//! | `address` | expects its listener at another address |
//! | `late-panic` | panics after it has accepted a connection |
//! | `state` | cannot read the state of the till |
//! | `bell` | cannot read the state of the bell, which starts anew |
//!
//! | line of standard input | output |
//! |---|---|
//! | `upgrade MILLISECONDS` | `result` of an upgrade to the program's file |
//! | `check MILLISECONDS` | `result` of a check of it; before that `report` with the kept and the restarted processes |
//! | `peers` | `peers`, the number of connected nodes |
//! | `spawn` | `pid` of a new process |
//! | `pay COINS` | `paid` with the coins in the till, its process, and the release that has made it |
//! | `name` | `named`: the till has the global name `till` |
//! | `environment` | `child` with the output of this program as a child, with the argument `once`: it ends at once |

mod desk;
#[path = "../peer/log.rs"]
mod log;
mod till;

use std::fs::File;
use std::io::{BufRead, Write};

use greenroom::prelude::*;
use greenroom::{Node, Upgrade};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use desk::{Desk, DeskRef};
use log::say;

/// Returns the last line of the program's file.
fn release() -> greenroom::Result<String> {
    let file = std::fs::read(std::env::current_exe()?)?;
    let line = file.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(String::from_utf8_lossy(line).into_owned())
}

#[greenroom::main(shutdown = "10s")]
async fn main() -> greenroom::Result {
    log::install();
    let release = release()?;
    let (release, fault) = release.split_once(' ').unwrap_or((&release, ""));
    let node = Node::current();
    say("started", format_args!("{release} {} {:?}", std::process::id(), std::env::args().skip(1).collect::<Vec<_>>()));
    if std::env::args().any(|argument| argument == "once") {
        return Ok(());
    }
    match fault {
        "panic" => panic!("the release {release} is broken"),
        "exit" => std::process::exit(7),
        "hang" => std::future::pending().await,
        _ => {}
    }
    if let Ok(notes) = std::env::var("NOTES") {
        let notes = File::options().append(true).create(true).open(notes)?;
        DeskRef::register("desk", &greenroom::spawn(async |mailbox| serve(mailbox, notes).await))?;
    }
    let address = if fault == "address" {
        "127.0.0.1:1".to_owned()
    } else {
        std::env::var("EXPECTED").or(std::env::var("WEB"))?
    };
    let web = greenroom::listener("web", address).await?;
    say("listening", web.address());
    node.announce_ready();
    if fault == "idle" {
        std::future::pending::<()>().await;
    }
    till::set_release(release, fault);
    let shop = till::Shop {}.start().await?;
    tokio::spawn(node.scope(commands(shop)));
    loop {
        let (stream, _) = web.accept().await?;
        assert_ne!(fault, "late-panic", "the release {release} is broken");
        node.spawn(Connection { stream, release: release.to_owned() });
    }
}

/// Appends notes to a file, and echoes calls.
async fn serve(mut mailbox: Mailbox<Desk>, mut notes: File) -> Result<(), Exit> {
    loop {
        match mailbox.receive().await {
            Desk::Note { number } => writeln!(notes, "{number}")?,
            Desk::Echo { number, reply } => reply.send(number),
        }
    }
}

/// The messages to a connection.
#[protocol]
enum Request {
    /// The stop of the node, which an answer does not wait for.
    #[from]
    Exit(ExitSignal),
}

/// Answers one connection, also while the node stops.
#[actor(protocol = Request, trap_exit)]
struct Connection {
    stream: TcpStream,
    release: String,
}

impl Process for Connection {
    async fn run(&mut self, _: &mut Context<Self>) -> Result<(), Exit> {
        let mut request = String::new();
        let (read, mut write) = self.stream.split();
        BufReader::new(read).read_line(&mut request).await?;
        write.write_all(format!("{} {request}", self.release).as_bytes()).await?;
        Ok(())
    }
}

/// Executes the commands until there are no more.
async fn commands(shop: till::ShopRef) {
    let (sender, mut commands) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    let node = Node::current();
    let program = std::env::args().next().expect("a program has a name");
    while let Some(command) = commands.recv().await {
        match command.split_once(' ').unwrap_or((&command, "")) {
            ("upgrade", limit) => report(node.upgrade(&program), limit).await,
            ("check", limit) => report(node.check_upgrade(&program), limit).await,
            ("peers", _) => say("peers", node.peers().len()),
            ("spawn", _) => {
                let process = node.enter();
                let spawned = greenroom::spawn(async |_: Mailbox<Request>| std::future::pending::<()>().await);
                drop(process);
                say("pid", spawned.pid().map_or(0, |pid| pid.number()));
            }
            ("pay", coins) => {
                let paid = shop.till().pay(coins.parse().expect("a number")).await;
                let (coins, release) = paid.expect("the till answers");
                let process = shop.till().pid().map_or(0, |pid| pid.number());
                say("paid", format_args!("{coins} {process} {release}"));
            }
            ("name", _) => {
                node.register_global("till", &shop.till()).await.expect("the name is free");
                say("named", "till");
            }
            ("environment", _) => {
                let program = std::env::args().next().expect("a program has a name");
                let child = std::process::Command::new(program).arg("once").output();
                let output = child.map(|child| String::from_utf8_lossy(&child.stdout).into_owned());
                say("child", format_args!("{output:?}"));
            }
            other => panic!("unknown command {other:?}"),
        }
    }
}

async fn report(upgrade: Upgrade, limit: &str) {
    let limit = Duration::from_millis(limit.parse().expect("a number"));
    match upgrade.within(limit).await {
        Ok(report) => {
            say("report", format_args!("{} {}", report.kept, report.restarted));
            say("result", "ok");
        }
        Err(error) => say("result", Exit::from(error)),
    }
}
