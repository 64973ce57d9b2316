//! The server that these tests talk to, and the ways to be somebody who talks.

use std::future::Future;

use greenroom::prelude::*;
use greenroom::testing::Cluster;
use greenroom::{Node, Stubbed};
use serde::{Deserialize, Serialize};

/// A reply inside something else, so that the message is no call: it passes a duty on.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Duty(pub(crate) Reply<String>);

/// What a desk understands.
#[protocol]
pub(crate) enum Desk {
    /// Answers with the same text.
    Echo { text: String, reply: Reply<String> },
    /// Is remembered.
    Note { n: u64 },
    /// What was remembered so far.
    Notes { reply: Reply<Vec<u64>> },
    /// Is remembered as the number of its bytes.
    Parcel { text: String },
    /// The visitor is told the desk's own stub.
    Visit { from: VisitorRef },
    /// The desk's own stub.
    Who { reply: Reply<DeskRef> },
    /// Somebody else shall answer.
    Refer { to: DeskRef, reply: Reply<String> },
    /// Answers for somebody else.
    TakeOver { duty: Duty },
    /// Keeps the duty and does nothing.
    Shelve { duty: Duty },
    /// Somebody else shall keep the reply.
    ReferToShelf { to: DeskRef, reply: Reply<String> },
    /// Is never answered.
    Wait { reply: Reply<String> },
    /// The reply is dropped.
    Forget { reply: Reply<String> },
    /// An answer of so many bytes.
    Large { bytes: usize, reply: Reply<String> },
    /// Ends with an error while a reply is held.
    Fail { why: String, reply: Reply<()> },
    /// Panics while a reply is held.
    Panic { why: String, reply: Reply<()> },
}

/// What the tests themselves understand.
#[protocol]
pub(crate) enum Visitor {
    /// Welcome, says the desk.
    Welcome { desk: DeskRef },
    /// A process that is watched has ended.
    #[from]
    Down(Down),
    /// An exit signal.
    #[from]
    Exit(ExitSignal),
}

/// Another protocol.
#[protocol]
pub(crate) enum Till {
    /// Adds up.
    Pay { cents: u64, reply: Reply<u64> },
}

/// A desk.
#[actor(protocol = Desk)]
pub(crate) struct Clerk;

impl Process for Clerk {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        let (mut notes, mut shelf, mut waiting) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            match cx.receive().await {
                Desk::Echo { text, reply } => reply.send(text),
                Desk::Note { n } => notes.push(n),
                Desk::Notes { reply } => reply.send(notes.clone()),
                Desk::Parcel { text } => notes.push(text.len() as u64),
                Desk::Visit { from } => drop(from.welcome(cx.me())),
                Desk::Who { reply } => reply.send(cx.me()),
                Desk::Refer { to, reply } => drop(to.take_over(Duty(reply))),
                Desk::TakeOver { duty } => duty.0.send(format!("{} answers", cx.node().name())),
                Desk::Shelve { duty } => shelf.push(duty),
                Desk::ReferToShelf { to, reply } => drop(to.shelve(Duty(reply))),
                Desk::Wait { reply } => waiting.push(reply),
                Desk::Forget { reply } => drop(reply),
                Desk::Large { bytes, reply } => reply.send("x".repeat(bytes)),
                Desk::Fail { why, reply } => {
                    waiting.clear();
                    let _held = reply;
                    return Err(Exit::error(why));
                }
                Desk::Panic { why, reply } => {
                    let _held = reply;
                    panic!("{why}");
                }
            }
        }
    }
}

/// A desk on this node, registered under `name`.
pub(crate) fn desk(node: &Node, name: &str) -> DeskRef {
    let desk = node.spawn(Clerk);
    DeskRef::register(name, &desk).expect("the name is free");
    desk
}

/// Two nodes, a desk called `desk` on the second, and the way there from the first.
pub(crate) async fn two_nodes() -> (Cluster, DeskRef) {
    let cluster = Cluster::in_memory(2).await;
    desk(cluster.node(1), "desk");
    let far = far(&cluster, 0, 1);
    (cluster, far)
}

/// Whoever is called `desk` on node `to`, as node `from` sees it.
pub(crate) fn far(cluster: &Cluster, from: usize, to: usize) -> DeskRef {
    cluster.node(from).named_at("desk", cluster.node(to).name())
}

/// What comes within a minute: a test that waits for what never comes fails, though nodes dial on and on.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("it comes")
}

/// Runs `body` as a process of `node`; how it ends decides the test.
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

/// The stub that an actor's process has on another node: by pid, without a name.
pub(crate) async fn by_pid(far: &DeskRef) -> DeskRef {
    far.who().await.expect("the desk tells who it is")
}
