//! Panics in the code of messages between nodes: only the message is lost, and a call in it fails.

use greenroom::prelude::*;
use greenroom::testing::Cluster;
use greenroom::{DecodeError, EncodeError, Node};
use serde::de::Deserializer;
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use super::echo_server::{EchoServerRef, Visitor, by_pid, echo_server, far, live};
use super::loss::lookout;

/// The code of a parcel that panics.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Fault {
    None,
    Encoding,
    Decoding,
    /// The destructor, on the node that has received the parcel.
    Dropping,
}

#[derive(Debug)]
struct Parcel {
    fault: Fault,
    is_received: bool,
}

fn parcel(fault: Fault) -> Parcel {
    Parcel { fault, is_received: false }
}

impl Serialize for Parcel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        assert!(self.fault != Fault::Encoding, "the parcel does not fit");
        self.fault.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Parcel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fault = Fault::deserialize(deserializer)?;
        assert!(fault != Fault::Decoding, "the parcel is damaged");
        Ok(Parcel { fault, is_received: true })
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        assert!(!(self.is_received && self.fault == Fault::Dropping), "the parcel falls apart");
    }
}

/// A reply inside another value.
#[derive(Debug, Serialize, Deserialize)]
struct Receipt(Reply<u64>);

/// A depot, as an actor from methods.
#[actor]
#[derive(Default)]
struct Depot {
    parcels: u64,
}

#[actor]
impl Depot {
    #[cast]
    fn store(&mut self, parcel: Parcel) {
        std::mem::forget(parcel);
        self.parcels += 1;
    }

    #[call]
    fn weigh(&mut self, parcel: Parcel) -> u64 {
        std::mem::forget(parcel);
        self.parcels += 1;
        self.parcels
    }

    #[call]
    fn fetch(&self, fault: Fault) -> Parcel {
        parcel(fault)
    }

    #[call]
    fn inspect(&self, fault: Fault) -> Result<u64, Parcel> {
        Err(parcel(fault))
    }

    #[call]
    fn stored(&self) -> u64 {
        self.parcels
    }
}

/// The messages of a counter at which parcels queue.
#[protocol]
enum Counter {
    /// Takes no further message until the process is stopped.
    Close,
    Post {
        parcel: Parcel,
    },
    /// Two replies in one message, one of them inside another value, on both sides of the parcel.
    Send {
        receipt: Receipt,
        parcel: Parcel,
        reply: Reply<u64>,
    },
    #[from]
    Parcel(Parcel),
}

/// Takes the reply of a call.
#[protocol(local)]
enum Desk {
    Take { reply: Reply<u64> },
}

macro_rules! counter {
    ($name:ident, $($options:tt)*) => {
        #[actor(protocol = Counter, $($options)*)]
        struct $name;

        impl Process for $name {
            async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
                loop {
                    match cx.receive().await {
                        Counter::Close => std::future::pending().await,
                        Counter::Post { parcel } | Counter::Parcel(parcel) => std::mem::forget(parcel),
                        Counter::Send { receipt, parcel, reply } => {
                            std::mem::forget(parcel);
                            receipt.0.send(1);
                            reply.send(2);
                        }
                    }
                }
            }
        }
    };
}

counter!(Waits, mailbox = 1, overflow = wait);
counter!(Rejects, mailbox = 1, overflow = reject);
counter!(DropsNewest, mailbox = 1, overflow = drop_newest);
counter!(DropsOldest, mailbox = 1, overflow = drop_oldest);

/// Two nodes with a depot called `depot` on the second, and processes that watch that the connection stays.
struct Post {
    cluster: Cluster,
    depot: DepotRef,
    echo_server: EchoServerRef,
    events: [mpsc::UnboundedReceiver<NodeEvent>; 2],
    watcher: mpsc::UnboundedReceiver<Exit>,
}

impl Post {
    async fn open() -> Post {
        let cluster = Cluster::in_memory(2).await;
        DepotRef::register("depot", &cluster.node(1).spawn(Depot::default())).unwrap();
        echo_server(cluster.node(1), "echo");
        let echo_server = by_pid(&far(&cluster, 0, 1)).await;
        let events = [lookout(cluster.node(0)).await, lookout(cluster.node(1)).await];
        let (sender, watcher) = mpsc::unbounded_channel();
        let watched = echo_server.clone();
        {
            let _entered = cluster.node(0).enter();
            greenroom::spawn(async move |mut mailbox: Mailbox<Visitor>| {
                mailbox.trap_exit(true);
                mailbox.monitor(&watched);
                mailbox.link(&watched);
                loop {
                    let reason = receive!(match mailbox {
                        Visitor::Down(down) => down.reason,
                        Visitor::Exit(exit) => exit.reason,
                    });
                    sender.send(reason).unwrap();
                }
            });
        }
        Post { depot: cluster.node(0).named_at("depot", "n1@test"), cluster, echo_server, events, watcher }
    }

    /// Runs `fails` as a process of the first node, then asserts that nothing but one message was lost: the connection is
    /// the same, its links and monitors are silent, and another process is served.
    async fn check<F>(&mut self, lost: u64, fails: impl FnOnce(Node, DepotRef) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let count = |cluster: &Cluster| [0, 1].map(|at| cluster.node(at).counters().lost_messages).iter().sum::<u64>();
        let before = count(&self.cluster);
        let (node, depot) = (self.cluster.node(0).clone(), self.depot.clone());
        live(&node.clone(), async move |_: Mailbox<Visitor>| {
            fails(node, depot).await;
            Ok(())
        })
        .await;
        assert_eq!(self.echo_server.echo("served".into()).await.as_deref(), Ok("served"));
        assert_eq!(count(&self.cluster) - before, lost);
        for at in [0, 1] {
            assert_eq!(self.cluster.node(at).peers().len(), 1);
            assert!(self.events[at].try_recv().is_err(), "the connection stays");
        }
        assert!(self.watcher.try_recv().is_err(), "links and monitors are silent");
    }

    fn start(&self, counter: impl Process<Protocol = Counter>, name: &str) -> CounterRef {
        CounterRef::register(name, &self.cluster.node(1).spawn(counter)).unwrap();
        self.cluster.node(0).named_at(name, "n1@test")
    }
}

fn is_damaged<T: std::fmt::Debug>(outcome: Result<T, CallError>) {
    match outcome {
        Err(CallError { kind: CallErrorKind::Decode(DecodeError::Malformed(text)), .. }) => {
            assert!(text.contains("the parcel is damaged") && text.contains("message_panics.rs"), "{text}");
        }
        other => panic!("{other:?}"),
    }
}

fn does_not_fit<T: std::fmt::Debug>(outcome: Result<T, CallError>) {
    match outcome {
        Err(CallError { kind: CallErrorKind::Encode(EncodeError::Field(text)), .. }) => {
            assert!(text.contains("the parcel does not fit"), "{text}");
        }
        other => panic!("{other:?}"),
    }
}

#[greenroom::test]
async fn a_cast_or_a_call_whose_decoding_panics_is_lost_alone() {
    let mut post = Post::open().await;
    post.check(1, async |_, depot| {
        assert_eq!(depot.store(parcel(Fault::Decoding)).await, Ok(()));
        assert_eq!(depot.stored().await, Ok(0));
    })
    .await;
    post.check(1, async |_, depot| is_damaged(depot.weigh(parcel(Fault::Decoding)).forever().await)).await;
    let counter = post.start(Rejects, "counter");
    let recipient: Recipient<Parcel> = counter.recipient();
    post.check(1, async move |_, depot| {
        recipient.send(parcel(Fault::Decoding));
        assert_eq!(depot.stored().await, Ok(0));
    })
    .await;
}

#[greenroom::test]
async fn each_call_in_a_message_whose_decoding_panics_fails() {
    let mut post = Post::open().await;
    let counter = post.start(Rejects, "counter");
    let by_pid = counter.clone();
    for counter in [counter, by_pid] {
        post.check(1, async move |node, _| {
            let (receipt, held) = held_call(&node).await;
            is_damaged(counter.send(receipt, parcel(Fault::Decoding)).forever().await);
            is_damaged(held.forever().await);
        })
        .await;
    }
}

/// A call that waits for the reply inside the returned receipt.
async fn held_call(node: &Node) -> (Receipt, Call<u64>) {
    let (sender, receiver) = oneshot::channel();
    let desk = {
        let _entered = node.enter();
        greenroom::spawn(async move |mut mailbox: Mailbox<Desk>| {
            let Desk::Take { reply } = mailbox.receive().await;
            sender.send(Receipt(reply)).unwrap();
            std::future::pending::<()>().await;
        })
    };
    let call = desk.take();
    (receiver.await.unwrap(), call)
}

#[greenroom::test]
async fn a_message_whose_encoding_panics_fails_at_its_sender() {
    let mut post = Post::open().await;
    let counter = post.start(Rejects, "counter");
    post.check(3, async move |node, depot| {
        match depot.store(parcel(Fault::Encoding)).await {
            Err(CastError::Encode(EncodeError::Field(text))) => assert!(text.contains("the parcel does not fit")),
            other => panic!("{other:?}"),
        }
        does_not_fit(depot.weigh(parcel(Fault::Encoding)).forever().await);
        let (receipt, held) = held_call(&node).await;
        does_not_fit(counter.send(receipt, parcel(Fault::Encoding)).forever().await);
        does_not_fit(held.forever().await);
    })
    .await;
}

#[greenroom::test]
async fn an_answer_or_an_error_whose_code_panics_fails_its_call() {
    let mut post = Post::open().await;
    post.check(2, async |_, depot| {
        is_damaged(depot.fetch(Fault::Decoding).forever().await);
        is_damaged(depot.inspect(Fault::Decoding).forever().await);
    })
    .await;
    post.check(0, async |_, depot| {
        does_not_fit(depot.fetch(Fault::Encoding).forever().await);
        does_not_fit(depot.inspect(Fault::Encoding).forever().await);
        assert_eq!(depot.fetch(Fault::None).await.unwrap().fault, Fault::None);
    })
    .await;
}

#[greenroom::test]
async fn a_full_mailbox_drops_messages_whose_destructors_panic() {
    let mut post = Post::open().await;
    // The number of messages that the process refuses. A mailbox that drops others counts them as overflows instead.
    for (counter, refused) in [
        (post.start(Rejects, "rejects"), 3),
        (post.start(DropsNewest, "newest"), 0),
        (post.start(DropsOldest, "oldest"), 0),
    ] {
        post.check(refused, async move |node, depot| {
            counter.close();
            depot.stored().await.unwrap();
            for _ in 0..3 {
                counter.post(parcel(Fault::Dropping));
            }
            let (receipt, held) = held_call(&node).await;
            let sent = counter.send(receipt, parcel(Fault::Dropping));
            if refused == 0 {
                // `drop_oldest` drops the calls for a later message.
                counter.post(parcel(Fault::Dropping));
            }
            assert_eq!(sent.forever().await, Err(CallErrorKind::Full.into()));
            assert_eq!(held.forever().await, Err(CallErrorKind::Full.into()));
        })
        .await;
    }
}

/// The messages wait for the process, and are dropped with it.
#[greenroom::test]
async fn messages_that_wait_are_dropped_at_the_end_of_their_process_although_their_destructors_panic() {
    let mut post = Post::open().await;
    let counter = post.start(Waits, "waits");
    post.check(0, async move |node, depot| {
        counter.close();
        depot.stored().await.unwrap();
        for _ in 0..3 {
            counter.post(parcel(Fault::Dropping)).await.unwrap();
        }
        let (receipt, held) = held_call(&node).await;
        let sent = counter.send(receipt, parcel(Fault::Dropping));
        depot.stored().await.unwrap();
        counter.exit(Exit::Kill);
        assert_eq!(sent.forever().await, Err(CallErrorKind::Exit(Exit::Killed).into()));
        assert_eq!(held.forever().await, Err(CallErrorKind::Exit(Exit::Killed).into()));
    })
    .await;
}
