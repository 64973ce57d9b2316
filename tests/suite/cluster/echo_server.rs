//! The echo server of these tests, and helpers for its clients.

use std::future::Future;

use greenroom::prelude::*;
use greenroom::testing::Cluster;
use greenroom::{Node, Stubbed};
use serde::{Deserialize, Serialize};

/// A reply inside another value, so that the message is a cast that passes the reply on.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Duty(pub(crate) Reply<String>);

/// The protocol of the echo server.
#[protocol]
pub(crate) enum EchoServer {
    /// Returns the same text.
    Echo { text: String, reply: Reply<String> },
    /// Records a number.
    Note { n: u64 },
    /// Returns the recorded numbers.
    Notes { reply: Reply<Vec<u64>> },
    /// Records the text's length in bytes.
    Parcel { text: String },
    /// Sends the server's own stub to the visitor.
    Visit { from: VisitorRef },
    /// Returns the server's own stub.
    Who { reply: Reply<EchoServerRef> },
    /// Passes the reply to another server, which answers.
    Refer { to: EchoServerRef, reply: Reply<String> },
    /// Answers with a reply that was passed on.
    TakeOver { duty: Duty },
    /// Keeps the passed reply and does nothing.
    Shelve { duty: Duty },
    /// Passes the reply to another server, which keeps it.
    ReferToShelf { to: EchoServerRef, reply: Reply<String> },
    /// Keeps the reply and never answers.
    Wait { reply: Reply<String> },
    /// Drops the reply.
    Forget { reply: Reply<String> },
    /// Returns an answer of this many bytes.
    Large { bytes: usize, reply: Reply<String> },
    /// Exits with an error while it holds a reply.
    Fail { why: String, reply: Reply<()> },
    /// Panics while it holds a reply.
    Panic { why: String, reply: Reply<()> },
}

/// The protocol of the test's own process.
#[protocol]
pub(crate) enum Visitor {
    /// The answer to a visit.
    Welcome { echo_server: EchoServerRef },
    /// A monitored process has ended.
    #[from]
    Down(Down),
    /// An exit signal.
    #[from]
    Exit(ExitSignal),
}

/// Another protocol.
#[protocol]
pub(crate) enum Counter {
    /// Returns the sum.
    Pay { cents: u64, reply: Reply<u64> },
}

/// An echo server.
#[actor(protocol = EchoServer)]
pub(crate) struct Clerk;

impl Process for Clerk {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        let (mut notes, mut shelf, mut waiting) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            match cx.receive().await {
                EchoServer::Echo { text, reply } => reply.send(text),
                EchoServer::Note { n } => notes.push(n),
                EchoServer::Notes { reply } => reply.send(notes.clone()),
                EchoServer::Parcel { text } => notes.push(text.len() as u64),
                EchoServer::Visit { from } => drop(from.welcome(cx.me())),
                EchoServer::Who { reply } => reply.send(cx.me()),
                EchoServer::Refer { to, reply } => drop(to.take_over(Duty(reply))),
                EchoServer::TakeOver { duty } => duty.0.send(format!("{} answers", cx.node().name())),
                EchoServer::Shelve { duty } => shelf.push(duty),
                EchoServer::ReferToShelf { to, reply } => drop(to.shelve(Duty(reply))),
                EchoServer::Wait { reply } => waiting.push(reply),
                EchoServer::Forget { reply } => drop(reply),
                EchoServer::Large { bytes, reply } => reply.send("x".repeat(bytes)),
                EchoServer::Fail { why, reply } => {
                    waiting.clear();
                    let _held = reply;
                    return Err(Exit::error(why));
                }
                EchoServer::Panic { why, reply } => {
                    let _held = reply;
                    panic!("{why}");
                }
            }
        }
    }
}

/// Starts an echo server on this node under `name`.
pub(crate) fn echo_server(node: &Node, name: &str) -> EchoServerRef {
    let echo_server = node.spawn(Clerk);
    EchoServerRef::register(name, &echo_server).expect("the name is free");
    echo_server
}

/// Starts two nodes and an echo server called `echo` on the second. Returns the first node's stub to it.
pub(crate) async fn two_nodes() -> (Cluster, EchoServerRef) {
    let cluster = Cluster::in_memory(2).await;
    echo_server(cluster.node(1), "echo");
    let far = far(&cluster, 0, 1);
    (cluster, far)
}

/// The stub of the process called `echo` on node `to`, made on node `from`.
pub(crate) fn far(cluster: &Cluster, from: usize, to: usize) -> EchoServerRef {
    cluster.node(from).named_at("echo", cluster.node(to).name())
}

/// Waits at most a minute: a test fails instead of hanging, although nodes dial forever.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("it comes")
}

/// Runs `body` as a process of `node` and fails the test if it fails.
pub(crate) async fn live<M: Stubbed, F>(node: &Node, body: impl FnOnce(Mailbox<M>) -> F + Send + 'static)
where
    F: Future<Output = Result<(), Exit>> + Send + 'static,
{
    let process = {
        let _here = node.enter();
        greenroom::spawn(body)
    };
    let reason = soon(process.ended()).await;
    assert_eq!(reason, Exit::Normal, "the process of the test ended: {reason}");
}

/// The next `Down`.
pub(crate) async fn down(mailbox: &mut Mailbox<Visitor>) -> Down {
    receive!(match mailbox {
        Visitor::Down(down) => down,
    })
}

/// The next exit signal.
pub(crate) async fn exit(mailbox: &mut Mailbox<Visitor>) -> ExitSignal {
    receive!(match mailbox {
        Visitor::Exit(exit) => exit,
    })
}

/// The stub of an actor's process on another node: by pid, without a name.
pub(crate) async fn by_pid(far: &EchoServerRef) -> EchoServerRef {
    far.who().await.expect("the server returns its own stub")
}
