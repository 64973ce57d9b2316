//! Answers from nodes that were not called, and replies that are passed on from node to node.

use std::sync::Arc;
use std::time::Duration;

use greenroom_macros::{actor, protocol};
use serde::{Deserialize, Serialize};

use crate::base::{Payload, Source};
use crate::node::{CallNote, CallerNode, EncodedAnswer, OutstandingCalls};
use crate::prelude::*;
use crate::testing::Cluster;
use crate::wire::Epoch;

/// A reply inside another value.
#[derive(Serialize, Deserialize)]
struct Slip(Reply<u64>);

/// A desk that keeps replies.
#[protocol]
enum Desk {
    /// Keeps the reply and never answers.
    Hold {
        reply: Reply<u64>,
    },
    /// Passes the reply on at once.
    Refer {
        to: DeskRef,
        reply: Reply<u64>,
    },
    /// Passes all kept replies on.
    ReferHeld {
        to: DeskRef,
        reply: Reply<()>,
    },
    /// Keeps a reply that was passed on.
    Keep {
        slip: Slip,
    },
    /// Answers with the reply of a call of the desk itself, and then with the number that it was answered with.
    Lend {
        reply: Reply<Slip>,
    },
    Lent {
        reply: Reply<Result<u64, CallError>>,
    },
    /// Passes this reply on, whose answer has a reply in it.
    ReferLend {
        to: DeskRef,
        reply: Reply<Slip>,
    },
    TakeLend {
        reply: Loan,
    },
    Ping {
        reply: Reply<u64>,
    },
}

#[derive(Serialize, Deserialize)]
struct Loan(Reply<Slip>);

#[actor(protocol = Desk)]
struct Keeper;

/// Takes the reply of a call.
#[protocol(local)]
enum Own {
    Take { reply: Reply<u64> },
}

/// A call of the current process, and the reply to it.
async fn own_call() -> (Reply<u64>, Call<u64>) {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let taker = crate::spawn(async move |mut mailbox: Mailbox<Own>| {
        let Own::Take { reply } = mailbox.receive().await;
        let _ = sender.send(reply);
        std::future::pending::<()>().await;
    });
    let call = taker.take().forever();
    (receiver.await.unwrap(), call)
}

impl Process for Keeper {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        let (mut held, mut slips, mut lent) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            match cx.receive().await {
                Desk::Hold { reply } => held.push(reply),
                Desk::Refer { to, reply } => drop(to.keep(Slip(reply))),
                Desk::ReferHeld { to, reply } => {
                    held.drain(..).for_each(|reply| drop(to.keep(Slip(reply))));
                    reply.send(());
                }
                Desk::Keep { slip } => slips.push(slip),
                Desk::Lend { reply } | Desk::TakeLend { reply: Loan(reply) } => {
                    let (own, call) = own_call().await;
                    lent.push(call);
                    reply.send(Slip(own));
                }
                Desk::Lent { reply } => {
                    if let Some(call) = lent.pop() {
                        reply.send(call.await);
                    }
                }
                Desk::ReferLend { to, reply } => drop(to.take_lend(Loan(reply))),
                Desk::Ping { reply } => reply.send(1),
            }
        }
    }
}

/// Three nodes, each with a desk. Returns the stubs of the three desks on the first node.
async fn desks() -> (Cluster, [DeskRef; 3]) {
    let cluster = Cluster::in_memory(3).await;
    for at in 0..3 {
        DeskRef::register("desk", &cluster.node(at).spawn(Keeper)).unwrap();
    }
    let stubs = [0, 1, 2].map(|at| cluster.node(0).named_at("desk", cluster.node(at).name()));
    (cluster, stubs)
}

fn counts(cluster: &Cluster) -> [usize; 3] {
    [0, 1, 2].map(|at| cluster.node(at).pending_calls().count())
}

/// Heals the first two nodes and waits until they are connected.
async fn reconnect(cluster: &Cluster) {
    settle().await;
    cluster.heal(0, 1);
    while [0, 1].iter().any(|at| cluster.node(*at).peers().len() < 2) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until all frames on their way have arrived.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

#[greenroom_macros::test]
async fn an_answer_from_a_node_that_was_not_called_is_dropped_and_counted() {
    let (cluster, [_, second, _]) = desks().await;
    let call = second.hold().within(Duration::from_secs(1));
    let id = cluster.node(0).pending_calls().ids()[0];
    let third = cluster.node(2);
    let caller = CallerNode {
        id: Arc::clone(cluster.node(0).id()),
        epoch: third.epoch_to(cluster.node(0).name()),
        calls: OutstandingCalls::default(),
    };
    let forged = |payload: u8| {
        Ok(EncodedAnswer {
            replies: Vec::new(),
            payload: Payload::from(&Source::from(vec![payload])),
            definition: None,
        })
    };
    let before = cluster.node(0).counters().lost_messages;
    third.router().unwrap().send_answer(None, &caller, id, forged(7)).unwrap();
    third.router().unwrap().send_answer(None, &caller, id, Err(CallErrorKind::Full)).unwrap();
    // An id that does not exist is that of a call which is over.
    third.router().unwrap().send_answer(None, &caller, id + 1, forged(7)).unwrap();
    settle().await;
    assert_eq!(cluster.node(0).counters().lost_messages - before, 2);
    assert_eq!(call.await, Err(CallErrorKind::Timeout.into()));
    // The connection of the forger stays, and a call to it is answered.
    assert_eq!(cluster.node(0).named_at::<DeskRef>("desk", "n2@test").ping().await, Ok(1));
}

#[greenroom_macros::test]
async fn an_answer_over_an_earlier_connection_is_dropped() {
    let (cluster, [_, second, _]) = desks().await;
    let old = CallerNode {
        id: Arc::clone(cluster.node(0).id()),
        epoch: cluster.node(1).epoch_to(cluster.node(0).name()),
        calls: OutstandingCalls::default(),
    };
    let lost = second.hold().forever();
    cluster.partition(0, 1);
    assert_eq!(lost.await, Err(CallErrorKind::NoConnection.into()));
    reconnect(&cluster).await;
    let call = second.hold().within(Duration::from_secs(1));
    let id = cluster.node(0).pending_calls().ids()[0];
    let answer =
        Ok(EncodedAnswer { replies: Vec::new(), payload: Payload::from(&Source::from_static(&[7])), definition: None });
    let sent = cluster.node(1).router().unwrap().send_answer(None, &old, id, answer);
    assert_eq!(sent, Err(CallErrorKind::NoConnection));
    assert_ne!(old.epoch, Epoch::LOCAL);
    assert_eq!(call.await, Err(CallErrorKind::Timeout.into()));
}

#[greenroom_macros::test]
async fn a_question_for_the_chain_of_calls_ends_with_its_call() {
    let (cluster, [_, second, _]) = desks().await;
    cluster.delay(0, 1, Duration::from_secs(1)..=Duration::from_secs(1));
    let pending = || cluster.node(0).pending_calls().count();
    let call = second.hold().within(Duration::from_millis(900));
    let late = async {
        tokio::time::sleep(Duration::from_millis(600)).await;
        pending()
    };
    let (outcome, late) = tokio::join!(call, late);
    assert_eq!(outcome, Err(CallErrorKind::Timeout.into()));
    assert_eq!((late, pending()), (2, 0), "the call and one question, and then neither");
}

#[greenroom_macros::test]
async fn a_passed_on_reply_leaves_nothing_behind_when_its_caller_gives_up() {
    let (cluster, [first, second, third]) = desks().await;
    let third_by_second: DeskRef = third.clone();
    let none = [0; 3];
    // By a timeout, by a drop, and before the reply is passed on.
    let call = second.refer(third_by_second.clone()).within(Duration::from_secs(1));
    settle().await;
    assert_eq!(counts(&cluster), [1, 1, 0]);
    assert_eq!(call.await, Err(CallErrorKind::Timeout.into()));
    settle().await;
    assert_eq!(counts(&cluster), none);
    let call = second.refer(third.clone());
    settle().await;
    drop(call);
    settle().await;
    assert_eq!(counts(&cluster), none);
    for _ in 0..100 {
        drop(second.hold());
    }
    settle().await;
    assert_eq!(second.refer_held(third.clone()).await, Ok(()));
    settle().await;
    assert_eq!(counts(&cluster), none);
    // Over three nodes: the first passes a call of its own node on to the second, which passes it on to the third.
    let call = first.refer(second.clone());
    settle().await;
    assert_eq!(counts(&cluster), [1, 0, 0]);
    drop(call);
    settle().await;
    assert_eq!(counts(&cluster), none);
}

#[greenroom_macros::test]
async fn a_reply_that_was_passed_on_twice_leaves_nothing_behind() {
    let cluster = Cluster::in_memory(4).await;
    for at in 0..4 {
        DeskRef::register("desk", &cluster.node(at).spawn(Keeper)).unwrap();
    }
    let counts = || [0, 1, 2, 3].map(|at| cluster.node(at).pending_calls().count());
    let desk = |at: usize| cluster.node(0).named_at::<DeskRef>("desk", cluster.node(at).name());
    // Held by the second, passed on to the third by request, held there in a slip.
    let call = desk(1).refer(desk(2));
    settle().await;
    assert_eq!(counts(), [1, 1, 0, 0]);
    // The third node has passed the call on again.
    let passed_on = cluster.node(1).pending_calls().ids()[0];
    let epoch = cluster.node(2).epoch_to(cluster.node(1).name());
    cluster.node(2).router().unwrap().send_call_note(epoch, CallNote::PassedOn(passed_on));
    settle().await;
    drop(call);
    settle().await;
    assert_eq!(counts(), [0; 4]);
}

#[greenroom_macros::test]
async fn a_passed_on_reply_ends_with_the_connection_to_its_caller() {
    let (cluster, [_, second, third]) = desks().await;
    let call = second.refer(third.clone()).forever();
    settle().await;
    assert_eq!(counts(&cluster), [1, 1, 0]);
    cluster.partition(0, 1);
    assert_eq!(call.await, Err(CallErrorKind::NoConnection.into()));
    settle().await;
    assert_eq!(counts(&cluster), [0; 3]);
}

#[greenroom_macros::test]
async fn a_reply_in_an_answer_is_answered_also_over_a_third_node() {
    let (cluster, [_, second, third]) = desks().await;
    let Slip(reply) = second.lend().await.unwrap();
    reply.send(5);
    assert_eq!(second.lent().await, Ok(Ok(5)));
    // The third node answers the second, which forwards the answer with the reply in it.
    let Slip(reply) = second.refer_lend(third.clone()).await.unwrap();
    reply.send(6);
    assert_eq!(third.lent().await, Ok(Ok(6)));
    assert_eq!(counts(&cluster), [0; 3]);
    // An answer that comes too late, and a reply that is dropped.
    drop(second.lend());
    settle().await;
    assert_eq!(second.lent().await, Ok(Err(CallErrorKind::Dropped.into())));
    drop(second.refer_lend(third.clone()).await.unwrap());
    assert_eq!(third.lent().await, Ok(Err(CallErrorKind::Dropped.into())));
    let Slip(kept) = second.lend().await.unwrap();
    cluster.partition(0, 1);
    reconnect(&cluster).await;
    assert_eq!(second.lent().await, Ok(Err(CallErrorKind::NoConnection.into())));
    kept.send(1);
    settle().await;
    assert_eq!(counts(&cluster), [0; 3]);
}
