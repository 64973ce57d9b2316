//! Messages and answers between nodes.

use std::fmt::Debug;

use greenroom::prelude::*;
use greenroom::testing::Cluster;
use greenroom::{EncodeError, Node};
use serde_json::Value;
use tokio::time::Instant;

use super::echo_server::{
    Clerk, Counter, CounterRef, EchoServer, EchoServerRef, Visitor, by_pid, echo_server, far, live, two_nodes,
};

/// The frame limit between the nodes.
const FRAME: usize = 64 << 20;

/// Asserts that the call has this outcome at once: the paused clock need not advance to a timeout.
async fn check<T: Debug + PartialEq + Send>(call: Call<T>, expected: Result<T, CallError>) {
    let called = Instant::now();
    assert_eq!(call.await, expected);
    assert_eq!(called.elapsed(), Duration::ZERO, "{expected:?} came late");
}

/// A stub that differs from `stub` in one part of its pid.
fn forged<S: Stub>(node: &Node, stub: &impl Stub, part: &str, change: impl FnOnce(u64) -> u64) -> S {
    fn find<'a>(value: &'a mut Value, part: &str) -> Option<&'a mut Value> {
        let object = value.as_object_mut()?;
        if object.contains_key(part) {
            return object.get_mut(part);
        }
        object.values_mut().find_map(|value| find(value, part))
    }
    let mut value = serde_json::to_value(stub).unwrap();
    let part = find(&mut value, part).unwrap();
    *part = change(part.as_u64().unwrap()).into();
    let _here = node.enter();
    serde_json::from_value(value).unwrap()
}

#[greenroom::test]
async fn a_call_is_answered_by_name_and_by_pid() {
    let (cluster, far) = two_nodes().await;
    check(far.echo("by name".into()), Ok("by name".into())).await;
    let direct = by_pid(&far).await;
    assert_eq!(direct.pid().unwrap().node(), cluster.node(1).name());
    assert_eq!(direct, cluster.node(1).named::<EchoServerRef>("echo").who().await.unwrap());
    check(direct.echo("by pid".into()), Ok("by pid".into())).await;
    cluster.stop().await;
}

#[greenroom::test]
async fn all_nodes_of_a_cluster_reach_each_other_from_the_start() {
    let cluster = Cluster::in_memory(3).await;
    for at in 0..3 {
        echo_server(cluster.node(at), "echo");
    }
    for (from, to) in [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)] {
        check(far(&cluster, from, to).echo("hello".into()), Ok("hello".into())).await;
    }
}

#[greenroom::test]
async fn messages_of_one_process_arrive_in_order() {
    let (cluster, far) = two_nodes().await;
    live(cluster.node(0), async move |_: Mailbox<Visitor>| {
        for n in 0..500 {
            far.note(n);
            if n % 100 == 0 {
                // A large message takes many records, and no message overtakes it.
                far.parcel("x".repeat(300_000));
            }
        }
        let notes = far.notes().await?;
        let expected = (0..500).flat_map(|n| [Some(n), (n % 100 == 0).then_some(300_000)]).flatten();
        assert_eq!(notes, expected.collect::<Vec<_>>());
        Ok(())
    })
    .await;
}

#[greenroom::test]
async fn a_stub_in_a_message_is_answered() {
    let (cluster, far) = two_nodes().await;
    live(cluster.node(0), async move |mut mailbox: Mailbox<Visitor>| {
        far.visit(mailbox.me());
        let echo_server = receive!(match mailbox {
            Visitor::Welcome { echo_server } => echo_server,
        });
        assert_eq!(echo_server.echo("thanks".into()).await?, "thanks");
        assert_eq!(echo_server.pid(), by_pid(&far).await.pid());
        Ok(())
    })
    .await;
}

#[greenroom::test]
async fn a_reply_can_be_passed_on_to_the_process_that_answers() {
    let cluster = Cluster::in_memory(3).await;
    for at in 0..3 {
        echo_server(cluster.node(at), "echo");
    }
    let second = cluster.node(1).spawn(Clerk);
    EchoServerRef::register("second", &second).unwrap();
    let callee = far(&cluster, 0, 1);
    for (who, answer) in [
        (far(&cluster, 0, 2), "n2@test answers"),
        // Back to the caller's node.
        (far(&cluster, 0, 0), "n0@test answers"),
        (cluster.node(0).named_at("second", "n1@test"), "n1@test answers"),
    ] {
        check(callee.refer(who), Ok(answer.into())).await;
    }
}

#[greenroom::test]
async fn a_passed_reply_fails_with_its_holder() {
    let cluster = Cluster::in_memory(3).await;
    let callee = {
        echo_server(cluster.node(1), "echo");
        far(&cluster, 0, 1)
    };
    let missing = cluster.node(0).named_at::<EchoServerRef>("missing", "n2@test");
    check(callee.refer(missing), Err(CallErrorKind::NoProc.into())).await;
    let nowhere = cluster.node(0).named_at::<EchoServerRef>("echo", "n9@test");
    check(callee.refer(nowhere), Err(CallErrorKind::NoConnection.into())).await;

    let holder = echo_server(cluster.node(2), "echo");
    let held = callee.refer_to_shelf(far(&cluster, 0, 2));
    // Their answers come after the reply has been passed on, and has arrived.
    far(&cluster, 0, 1).echo("passed on?".into()).await.unwrap();
    far(&cluster, 1, 2).echo("is it there?".into()).await.unwrap();
    holder.exit(Exit::error("gone home"));
    check(held, Err(CallErrorKind::Exit(Exit::error("gone home")).into())).await;
}

#[greenroom::test]
async fn a_reply_that_was_passed_on_fails_when_its_holders_node_is_lost() {
    let cluster = Cluster::in_memory(3).await;
    echo_server(cluster.node(1), "echo");
    echo_server(cluster.node(2), "echo");
    let held = far(&cluster, 0, 1).refer_to_shelf(far(&cluster, 0, 2)).within(Duration::from_secs(60));
    far(&cluster, 0, 1).echo("passed on".into()).await.unwrap();
    cluster.partition(0, 2);
    cluster.partition(1, 2);
    check(held, Err(CallErrorKind::NoConnection.into())).await;
}

#[greenroom::test]
async fn a_call_to_an_unknown_process_fails_at_once() {
    let (cluster, far) = two_nodes().await;
    let near = cluster.node(0);
    let unknown = || "hello".to_owned();
    check(near.named_at::<EchoServerRef>("missing", "n1@test").echo(unknown()), Err(CallErrorKind::NoProc.into()))
        .await;
    check(near.named_at::<EchoServerRef>("", "n1@test").echo(unknown()), Err(CallErrorKind::NoProc.into())).await;
    check(
        near.named_at::<EchoServerRef>(&"x".repeat(256), "n1@test").echo(unknown()),
        Err(CallErrorKind::NoProc.into()),
    )
    .await;
    check(near.named_at::<EchoServerRef>("echo", "n9@test").echo(unknown()), Err(CallErrorKind::NoConnection.into()))
        .await;
    check(near.named_at::<EchoServerRef>("echo", "no name").echo(unknown()), Err(CallErrorKind::NoConnection.into()))
        .await;

    // Its stub has never left its node: a guessed number reaches no process.
    let direct = by_pid(&far).await;
    let hidden = cluster.node(1).spawn(Clerk);
    let number = hidden.pid().unwrap().number();
    let guessed: EchoServerRef = forged(near, &direct, "number", |_| number);
    check(guessed.echo(unknown()), Err(CallErrorKind::NoProc.into())).await;
    // A message cannot get around that: a stub of a local process that was never sent out reaches no process.
    check(far.refer(guessed), Err(CallErrorKind::Dropped.into())).await;
    let earlier: EchoServerRef = forged(near, &direct, "incarnation", |incarnation| incarnation - 1);
    check(earlier.echo(unknown()), Err(CallErrorKind::NoProc.into())).await;

    let process = cluster.node(1).named::<EchoServerRef>("echo");
    process.exit(Exit::shutdown());
    process.ended().await;
    check(direct.echo(unknown()), Err(CallErrorKind::NoProc.into())).await;
    check(far.echo(unknown()), Err(CallErrorKind::NoProc.into())).await;
    assert_eq!(far.note(1).await, Ok(()), "a cast does not wait for the other node");
}

#[greenroom::test]
async fn undeliverable_messages_are_counted() {
    let (cluster, far) = two_nodes().await;
    let lost = || [0, 1].map(|at| cluster.node(at).counters().lost_messages);
    assert_eq!(lost(), [0, 0]);
    cluster.node(0).named_at::<EchoServerRef>("missing", "n1@test").note(1);
    far.echo("behind it".into()).await.unwrap();
    assert_eq!(lost(), [0, 1]);
    far.parcel("x".repeat(FRAME));
    assert_eq!(lost(), [1, 1]);
    cluster.node(0).named_at::<EchoServerRef>("echo", "n9@test").note(1);
    assert_eq!(lost(), [2, 1]);
}

#[greenroom::test]
async fn a_protocol_mismatch_names_both_protocols() {
    let (cluster, far) = two_nodes().await;
    let both = |error: CallError| match error.kind {
        CallErrorKind::Incompatible(text) => text.contains("EchoServer") && text.contains("Counter"),
        _ => false,
    };
    let by_name = cluster.node(0).named_at::<CounterRef>("echo", "n1@test").pay(5).await.unwrap_err();
    assert!(both(by_name.clone()), "{by_name}");
    let direct = by_pid(&far).await;
    let by_pid = forged::<CounterRef>(cluster.node(0), &direct, "number", |number| number).pay(5).await.unwrap_err();
    assert!(both(by_pid.clone()), "{by_pid}");
    let here = cluster.node(1).named::<CounterRef>("echo").pay(5).await.unwrap_err();
    assert!(both(here.clone()), "{here}");
    assert_eq!(
        <Counter as greenroom::Protocol>::NAME.contains("Counter"),
        <EchoServer as greenroom::Protocol>::NAME.contains("EchoServer")
    );
}

#[greenroom::test]
async fn a_message_that_is_too_large_fails_at_its_sender() {
    let (_cluster, far) = two_nodes().await;
    let too_large = |error: CastError| matches!(error, CastError::Encode(EncodeError::TooLarge { limit: FRAME }));
    for size in [FRAME, 2 * FRAME] {
        assert!(far.parcel("x".repeat(size)).await.is_err_and(too_large), "{size}");
    }
    check(far.echo("x".repeat(FRAME)), Err(CallErrorKind::Encode(EncodeError::TooLarge { limit: FRAME }).into())).await;
    check(far.large(FRAME), Err(CallErrorKind::Encode(EncodeError::TooLarge { limit: FRAME }).into())).await;
    check(far.notes(), Ok(vec![])).await;
}

#[greenroom::test]
async fn an_unanswered_call_fails_with_the_reason() {
    let cluster = Cluster::in_memory(2).await;
    let start = || {
        let at = cluster.node(1);
        EchoServerRef::register("echo", &at.spawn(Clerk)).unwrap();
        far(&cluster, 0, 1)
    };
    check(start().forget(), Err(CallErrorKind::Dropped.into())).await;
    let far = far(&cluster, 0, 1);
    check(far.fail("ill".into()), Err(CallErrorKind::Exit(Exit::error("ill")).into())).await;
    let panicked = start().panic("boom".into()).await;
    assert!(
        matches!(&panicked, Err(CallError { kind: CallErrorKind::Exit(Exit::Panic { message, location, .. }), .. })
            if &**message == "boom" && location.contains("echo_server.rs")),
        "{panicked:?}"
    );
    // The call is the last message in the mailbox of a process that ends.
    let far = start();
    let (failed, waiting) = (far.fail("ill".into()), far.echo("too late".into()));
    check(failed, Err(CallErrorKind::Exit(Exit::error("ill")).into())).await;
    check(waiting, Err(CallErrorKind::Exit(Exit::error("ill")).into())).await;
    let far = start();
    let waiting = far.wait();
    far.echo("it holds the reply now".into()).await.unwrap();
    far.exit(Exit::kill());
    check(waiting, Err(CallErrorKind::Exit(Exit::Killed).into())).await;
}

#[greenroom::test]
async fn a_late_answer_vanishes() {
    let (_cluster, far) = two_nodes().await;
    let called = Instant::now();
    assert_eq!(far.wait().within(Duration::from_secs(3)).await, Err(CallErrorKind::Timeout.into()));
    assert_eq!(called.elapsed(), Duration::from_secs(3));
    assert_eq!(
        far.fail("answers the other one too".into()).await,
        Err(CallErrorKind::Exit(Exit::error("answers the other one too")).into())
    );
}

#[greenroom::test]
async fn awaited_casts_wait_for_the_connections_queue_and_dropped_ones_are_counted_when_it_is_full() {
    let (cluster, far) = two_nodes().await;
    for _ in 0..640 {
        far.parcel("x".repeat(8 << 10)).await.unwrap();
    }
    assert_eq!(far.notes().await.unwrap().len(), 640, "five times the high-water mark, one by one");

    // The connection's task does not run in between, so its queue fills up.
    let casts: Vec<_> = (0..640).map(|_| far.parcel("x".repeat(8 << 10))).collect();
    for cast in casts {
        assert_eq!(cast.await, Ok(()));
    }
    assert_eq!(far.notes().await.unwrap().len(), 1280, "each awaited cast has arrived");

    for _ in 0..640 {
        drop(far.parcel("x".repeat(8 << 10)));
    }
    let arrived = far.notes().await.unwrap().len() - 1280;
    let lost: u64 = (0..2).map(|index| cluster.node(index).counters().lost_messages).sum();
    assert!((1..640).contains(&lost), "{lost} of 640 were taken back");
    assert_eq!(arrived as u64 + lost, 640);
}
