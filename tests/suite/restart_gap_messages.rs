//! Messages to a child in its restart gap wait until a start has succeeded.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use greenroom::testing::Check;
use greenroom::{ChildSpec, Strategy, SupervisionRef, Supervisor, TreeStub, WhileDown, prelude::*};

use crate::scripted::settle;

#[protocol]
enum Order {
    Note {
        n: u32,
    },
    #[priority]
    Urgent {
        n: u32,
    },
    /// Answers with all that this incarnation received.
    Received {
        reply: Reply<Vec<u32>>,
    },
    /// A message that no failing start takes, so none loses it.
    Call {
        n: u32,
        reply: Reply<u32>,
    },
    Fail,
}

/// A start that fails. Each takes ten milliseconds, during which other processes send to it.
#[derive(Clone, Copy, Debug)]
enum Start {
    /// Reads no message.
    Fails,
    /// Tests all waiting messages and takes none.
    Tests,
    /// Takes one message.
    Takes,
    Panics,
    /// Sends itself a message and publishes its direct stub.
    SendsToItself,
    /// Returns `Exit::Normal`: not needed.
    Declines,
}

/// The state that all incarnations of a clerk share.
#[derive(Clone, Default)]
struct Shared {
    /// The next starts. When the list is empty, starts succeed.
    starts: Arc<Mutex<VecDeque<Start>>>,
    /// The direct stub of the last incarnation that published one.
    me: Arc<Mutex<Option<OrderRef>>>,
}

impl Shared {
    fn plan(&self, starts: impl IntoIterator<Item = Start>) {
        self.starts.lock().unwrap().extend(starts);
    }
}

/// One incarnation of a clerk, with either mailbox.
struct Clerk {
    shared: Shared,
    received: Vec<u32>,
}

impl Clerk {
    async fn begin<A: Process<Protocol = Order>>(&mut self, cx: &mut Context<A>) -> Result<(), Exit> {
        let Some(start) = self.shared.starts.lock().unwrap().pop_front() else { return Ok(()) };
        if let Start::SendsToItself = start {
            let me = cx.me();
            me.note(99);
            *self.shared.me.lock().unwrap() = Some(me);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        match start {
            Start::Fails | Start::SendsToItself => {}
            Start::Declines => return Err(Exit::Normal),
            Start::Panics => panic!("the start panics"),
            Start::Tests => receive!(match cx {
                Order::Note { n } | Order::Urgent { n } if n == u32::MAX => unreachable!("no test sends this number"),
                after!(Duration::ZERO) => {}
            }),
            Start::Takes => receive!(match cx {
                Order::Note { .. } | Order::Urgent { .. } => {}
            }),
        }
        Err(Exit::error("start failed"))
    }

    async fn serve<A: Process<Protocol = Order>>(&mut self, cx: &mut Context<A>) -> Result<(), Exit> {
        loop {
            receive!(match cx {
                Order::Note { n } | Order::Urgent { n } => self.received.push(n),
                Order::Received { reply } => reply.send(self.received.clone()),
                Order::Call { n, reply } => {
                    self.received.push(n);
                    reply.send(n);
                }
                Order::Fail => return Err(Exit::error("failed")),
            });
        }
    }
}

macro_rules! clerks {
    ($($name:ident($($option:tt)*);)*) => {$(
        #[actor(protocol = Order $($option)*)]
        struct $name(Clerk);

        impl $name {
            fn new(shared: Shared) -> Self {
                $name(Clerk { shared, received: Vec::new() })
            }
        }

        impl Process for $name {
            async fn init(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
                self.0.begin(cx).await
            }

            async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
                self.0.serve(cx).await
            }
        }
    )*};
}

clerks! {
    Plain();
    Waits(, mailbox = 2, overflow = wait);
    Rejects(, mailbox = 2, overflow = reject);
    DropsNewest(, mailbox = 2, overflow = drop_newest);
    DropsOldest(, mailbox = 2, overflow = drop_oldest);
}

/// Starts a clerk under a supervisor and ends its first incarnation. The next starts are `starts`.
async fn failed<A: Process<Protocol = Order>>(
    make: fn(Shared) -> A,
    while_down: WhileDown,
    intensity: u32,
    starts: impl IntoIterator<Item = Start>,
) -> (Shared, SupervisionRef, OrderRef) {
    let shared = Shared::default();
    let clerk = {
        let shared = shared.clone();
        ChildSpec::new(move || make(shared.clone())).while_down(while_down)
    };
    let supervisor = Supervisor::new(Strategy::OneForOne).intensity(intensity).period(Duration::from_secs(10));
    let tree = supervisor.child("clerk", clerk).start().await.expect("the first start succeeds");
    let clerk: OrderRef = tree.find_child("clerk").await.expect("it is there");
    shared.plan(starts);
    let ended = clerk.ended();
    clerk.fail();
    ended.await;
    (shared, tree, clerk)
}

async fn pause(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

/// The outcome of a cast at this moment.
async fn now(cast: &mut (impl Future<Output = Result<(), CastError>> + Unpin)) -> Option<Result<(), CastError>> {
    let mut cast = std::pin::pin!(cast);
    std::future::poll_fn(|cx| match cast.as_mut().poll(cx) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

#[greenroom::test]
async fn messages_wait_through_failing_starts_in_order() -> greenroom::Result {
    for failing in [Start::Fails, Start::Tests, Start::Panics] {
        let (_, tree, clerk) = failed(Plain::new, WhileDown::Hold, 5, [failing, failing]).await;
        // Before the first start, during it and during the second.
        for round in 0..3 {
            clerk.note(10 * round);
            clerk.urgent(10 * round + 1);
            clerk.note(10 * round + 2);
            if round == 0 {
                settle().await;
            }
            pause(8).await;
        }
        let call = clerk.call(30);
        clerk.note(31);
        assert_eq!(call.await, Ok(30), "{failing:?}");
        assert_eq!(clerk.received().await?, [1, 11, 21, 0, 2, 10, 12, 20, 22, 30, 31], "{failing:?}");
        assert_eq!(tree.children().await?[0].starts, 2, "those that succeeded");
        assert_eq!(Node::current().counters().lost_messages, 0);
        TreeStub::stop(&tree).await;
    }
    Ok(())
}

#[greenroom::test]
async fn a_failing_start_loses_only_the_messages_that_it_received() -> greenroom::Result {
    let (_, _, clerk) = failed(Plain::new, WhileDown::Hold, 5, [Start::Takes, Start::Tests, Start::Takes]).await;
    for n in 0..3 {
        clerk.note(n);
    }
    let call = clerk.call(3);
    clerk.urgent(4);
    // The first start took the priority message, and the third the oldest one.
    assert_eq!(call.await, Ok(3));
    assert_eq!(clerk.received().await?, [1, 2, 3]);
    Ok(())
}

#[greenroom::test]
async fn a_call_that_a_failing_start_received_fails_with_its_reason() {
    #[actor(protocol = Order)]
    struct FailsOnce(u32);
    impl Process for FailsOnce {
        async fn init(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
            if self.0 != 2 {
                return Ok(());
            }
            let reply = receive!(match cx {
                Order::Call { reply, .. } => reply,
            });
            let _held = reply;
            Err(Exit::error("start failed"))
        }

        async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
            loop {
                receive!(match cx {
                    Order::Call { n, reply } => reply.send(n),
                    Order::Fail => return Err(Exit::error("failed")),
                });
            }
        }
    }
    let mut incarnations = 0;
    let spec = ChildSpec::new(move || {
        incarnations += 1;
        FailsOnce(incarnations)
    });
    let tree = Supervisor::new(Strategy::OneForOne).intensity(2).child("clerk", spec).start().await.unwrap();
    let clerk: OrderRef = tree.find_child("clerk").await.unwrap();
    clerk.fail();
    clerk.ended().await;
    let (first, second) = (clerk.call(1), clerk.call(2));
    assert_eq!(first.await, Err(CallErrorKind::Exit(Exit::error("start failed")).into()));
    assert_eq!(second.await, Ok(2));
}

#[greenroom::test]
async fn messages_to_one_incarnation_end_with_its_start() -> greenroom::Result {
    let (shared, _, clerk) = failed(Plain::new, WhileDown::Hold, 5, [Start::SendsToItself, Start::Fails]).await;
    clerk.note(1);
    pause(5).await;
    let me = shared.me.lock().unwrap().take().expect("the start published its stub");
    let call = me.call(2);
    clerk.note(3);
    assert_eq!(call.await, Err(CallErrorKind::Exit(Exit::error("start failed")).into()));
    assert_eq!(clerk.received().await?, [1, 3]);
    assert_eq!(me.note(4).await, Err(CastError::NoProc));
    Ok(())
}

#[greenroom::test]
async fn a_bounded_mailbox_keeps_its_messages_over_a_failed_start() -> greenroom::Result {
    let (full, overflows) = (Err(CastError::Full), 2);
    // The outcomes of the third and fourth of four casts, the messages received, and the number of overflows.
    let none = [Start::Fails, Start::Fails];
    let some = [Start::Tests, Start::Fails];
    for starts in [none, some] {
        check(Rejects::new, starts, [full.clone(), full.clone()], &[1, 2], overflows).await?;
        check(DropsNewest::new, starts, [Ok(()), Ok(())], &[1, 2], overflows).await?;
        check(Waits::new, starts, [Ok(()), Ok(())], &[1, 2, 3, 4], 0).await?;
    }
    check(DropsOldest::new, none, [Ok(()), Ok(())], &[3, 4], overflows).await?;
    // A message that was tested is not dropped any more.
    check(DropsOldest::new, [Start::Tests, Start::Fails], [Ok(()), Ok(())], &[3, 4], overflows).await
}

/// Sends four messages to a mailbox with room for two: three before the first failing start, one during the second.
async fn check<A: Process<Protocol = Order>>(
    make: fn(Shared) -> A,
    starts: [Start; 2],
    outcomes: [Result<(), CastError>; 2],
    received: &[u32],
    overflowed: u64,
) -> greenroom::Result {
    let before = Node::current().counters().overflowed_messages;
    let (_, tree, clerk) = failed(make, WhileDown::Hold, 5, starts).await;
    assert_eq!((clerk.note(1).await, clerk.note(2).await), (Ok(()), Ok(())));
    let third = clerk.note(3);
    pause(15).await;
    let fourth = clerk.note(4);
    assert_eq!([third.await, fourth.await], outcomes, "{starts:?}");
    // The clerk is up by then and has read all that waited.
    pause(20).await;
    assert_eq!(clerk.received().await?, received, "{starts:?}");
    assert_eq!(Node::current().counters().overflowed_messages - before, overflowed);
    TreeStub::stop(&tree).await;
    Ok(())
}

#[greenroom::test]
async fn waiters_keep_their_place_over_a_restart_unless_they_wait_for_one_incarnation() -> greenroom::Result {
    let (shared, _, clerk) = failed(Waits::new, WhileDown::Hold, 5, [Start::SendsToItself, Start::Tests]).await;
    assert_eq!(clerk.note(1).await, Ok(()));
    pause(5).await;
    // The message of the start to itself counts too: no room is left.
    let me = shared.me.lock().unwrap().take().expect("the start published its stub");
    let (mut own, mut second, mut third) = (me.note(2), clerk.note(3), clerk.note(4));
    for cast in [&mut own, &mut second, &mut third] {
        assert_eq!(now(cast).await, None);
    }
    pause(10).await;
    // The first start has failed and its two own messages are gone, so one more was admitted.
    assert_eq!(now(&mut own).await, Some(Err(CastError::NoProc)));
    assert_eq!(now(&mut second).await, Some(Ok(())));
    assert_eq!(now(&mut third).await, None);
    drop(clerk.note(5));
    assert_eq!(third.await, Ok(()));
    assert_eq!(clerk.received().await?, [1, 3, 4]);
    assert_eq!(Node::current().counters().overflowed_messages, 1, "the withdrawn cast");
    Ok(())
}

#[greenroom::test]
async fn the_number_of_waiting_messages_is_bounded_over_failing_starts() -> greenroom::Result {
    let (_, _, clerk) = failed(Plain::new, WhileDown::Hold, 5, [Start::Fails, Start::Tests, Start::Fails]).await;
    for n in 0..1024 {
        assert_eq!(clerk.note(n).await, Ok(()));
    }
    for _ in 0..3 {
        assert_eq!(clerk.urgent(5000).await, Err(CastError::Full));
        assert_eq!(clerk.received().await, Err(CallErrorKind::Full.into()));
        pause(9).await;
    }
    pause(10).await;
    assert!(clerk.received().await?.into_iter().eq(0..1024));
    Ok(())
}

#[greenroom::test]
async fn a_child_that_drops_messages_in_its_restart_gap_keeps_none() -> greenroom::Result {
    let (_, _, clerk) = failed(Plain::new, WhileDown::Drop, 5, [Start::Fails, Start::Fails, Start::Fails]).await;
    let failure = CallError::from(CallErrorKind::Exit(Exit::error("start failed")));
    // Either no process is there yet, or one is starting.
    let outcome = clerk.note(1).await;
    let is_missing = outcome == Err(CastError::NoProc);
    assert!(is_missing || outcome == Ok(()), "{outcome:?}");
    assert_eq!(clerk.call(2).await, Err(if is_missing { CallErrorKind::NoProc.into() } else { failure.clone() }));
    pause(5).await;
    // A process is starting: it receives the message, and the message is lost with it.
    assert_eq!(clerk.note(3).await, Ok(()));
    assert_eq!(clerk.call(4).await, Err(failure));
    pause(30).await;
    assert!(clerk.received().await?.is_empty());
    Ok(())
}

#[greenroom::test]
async fn if_the_supervisor_gives_up_waiting_messages_are_lost_and_calls_fail_with_the_reason() {
    let failure = CallError::from(CallErrorKind::Exit(Exit::error("start failed")));
    let panic = |error: &CallError| matches!(error.kind, CallErrorKind::Exit(Exit::Panic { .. }));
    for (starts, counted) in [([Start::Fails; 3], 3), ([Start::Tests; 3], 3), ([Start::Panics; 3], 3)] {
        let before = Node::current().counters().lost_messages;
        let (_, tree, clerk) = failed(Plain::new, WhileDown::Hold, 2, starts).await;
        let ended = tree.ended();
        clerk.note(1);
        let first = clerk.call(2);
        pause(5).await;
        let second = clerk.call(3);
        for answer in [first.await, second.await] {
            let error = answer.expect_err("no start answers");
            assert!(error == failure || panic(&error), "{starts:?}: {error}");
            assert_eq!(panic(&error), matches!(starts[0], Start::Panics));
        }
        assert_eq!(ended.await, Exit::shutdown());
        assert_eq!(Node::current().counters().lost_messages - before, counted);
        assert_eq!(clerk.received().await, Err(CallErrorKind::NoProc.into()));
        assert_eq!(clerk.note(1).await, Err(CastError::NoProc));
    }
    assert_eq!(Node::current().process_count(), 0);
}

#[greenroom::test]
async fn if_the_child_is_not_restarted_waiting_calls_fail_with_noproc() {
    // It returns `Exit::Normal` after a failed start.
    let (_, _, clerk) = failed(Plain::new, WhileDown::Hold, 5, [Start::Fails, Start::Declines]).await;
    clerk.note(1);
    assert_eq!(clerk.call(2).await, Err(CallErrorKind::NoProc.into()));
    assert_eq!(Node::current().counters().lost_messages, 2);
    // It is terminated during its start: the supervisor executes that after the start has failed or succeeded.
    let (_, tree, clerk) = failed(Plain::new, WhileDown::Hold, 5, [Start::Fails]).await;
    let call = clerk.call(1);
    pause(5).await;
    assert_eq!(tree.terminate_child("clerk").await, Ok(()));
    assert_eq!(call.await, Err(CallErrorKind::Exit(Exit::error("start failed")).into()));
    assert_eq!(clerk.call(1).await, Err(CallErrorKind::NoProc.into()));
    // `restart_child` starts it again, without those messages.
    tree.restart_child("clerk").await.expect("it starts");
    assert_eq!(clerk.received().await, Ok(vec![]));
}

#[greenroom::test]
async fn a_start_that_is_killed_has_not_succeeded() -> greenroom::Result {
    let (_, _, clerk) = failed(Plain::new, WhileDown::Hold, 5, [Start::Tests, Start::Fails]).await;
    clerk.note(1);
    pause(5).await;
    clerk.note(2);
    clerk.exit(Exit::Kill);
    clerk.note(3);
    assert_eq!(clerk.received().await?, [1, 2, 3]);
    Ok(())
}

#[greenroom::test]
async fn waiting_messages_survive_a_constructor_that_panics() -> greenroom::Result {
    let mut makes = 0;
    let spec = ChildSpec::new(move || {
        makes += 1;
        assert!(!(2..=3).contains(&makes), "the constructor panics");
        Plain::new(Shared::default())
    });
    let tree = Supervisor::new(Strategy::OneForOne).intensity(3).child("clerk", spec).start().await?;
    let clerk: OrderRef = tree.find_child("clerk").await?;
    clerk.fail();
    clerk.ended().await;
    clerk.note(1);
    assert_eq!(clerk.call(2).await?, 2);
    assert_eq!(clerk.received().await?, [1, 2]);
    Ok(())
}

#[greenroom::test]
async fn waiting_messages_are_counted_as_received_once() -> greenroom::Result {
    let figures = || Node::current().metrics().protocols["Order"].clone();
    let (_, tree, clerk) = failed(Plain::new, WhileDown::Hold, 5, [Start::Tests, Start::Takes, Start::Fails]).await;
    let before = figures();
    assert_eq!((before.received, before.handled), (1, 1), "its `Fail`");
    for n in 0..5 {
        clerk.note(n);
    }
    pause(15).await;
    clerk.urgent(5);
    // The second start takes the priority message first.
    assert_eq!(clerk.received().await?, [0, 1, 2, 3, 4]);
    TreeStub::stop(&tree).await;
    let after = figures();
    assert_eq!((after.received, after.handled), (8, 8), "its `Fail`, six notes, and the call");
    Ok(())
}

/// However a start fails or is killed: every message sent from the first incarnation's end on is received once, in each
/// sender's order.
#[test]
fn nothing_that_waits_is_lost_doubled_or_overtaken() {
    Check::nodes(1).run(0..20, async |cluster| match cluster.draw(2) {
        0 => random(&cluster, Plain::new).await,
        _ => random(&cluster, Waits::new).await,
    });
}

async fn random<A: Process<Protocol = Order>>(
    cluster: &greenroom::testing::Cluster,
    make: fn(Shared) -> A,
) -> Result<(), Exit> {
    let starts = (0..1 + cluster.draw(5)).map(|_| match cluster.draw(3) {
        0 => Start::Fails,
        1 => Start::Tests,
        _ => Start::Panics,
    });
    let starts: Vec<_> = starts.collect();
    let (_, tree, clerk) = failed(make, WhileDown::Hold, 100, starts).await;
    let senders: Vec<_> = (0..3_u32)
        .map(|sender| {
            let clerk = clerk.clone();
            let pauses: Vec<_> = (0..20).map(|_| (cluster.draw(5), cluster.draw(4))).collect();
            greenroom::spawn(move |_: Mailbox<Order>| async move {
                let (mut calls, mut casts) = (Vec::new(), Vec::new());
                for (n, (length, kind)) in (0..).zip(pauses) {
                    let n = sender * 100 + n;
                    match kind {
                        0 => calls.push((n, clerk.call(n).forever())),
                        1 => assert_eq!(clerk.note(n).await, Ok(())),
                        // A waiter of a full mailbox is not awaited here.
                        _ => casts.push(clerk.note(n)),
                    }
                    if length > 2 {
                        pause(length).await;
                    }
                }
                for (n, call) in calls {
                    assert_eq!(call.await, Ok(n));
                }
                for cast in casts {
                    assert_eq!(cast.await, Ok(()));
                }
            })
        })
        .collect();
    // In some runs the first start, which takes ten milliseconds, is killed.
    if cluster.draw(2) == 0 {
        pause(cluster.draw(10)).await;
        clerk.exit(Exit::Kill);
    }
    for sender in senders {
        assert_eq!(sender.ended().await, Exit::Normal);
    }
    let received = clerk.received().forever().await?;
    for sender in 0..3 {
        let of: Vec<_> = received.iter().copied().filter(|n| n / 100 == sender).collect();
        assert!(of.iter().copied().eq((0..20).map(|n| sender * 100 + n)), "{of:?}");
    }
    assert_eq!(cluster.node(0).counters().lost_messages, 0);
    TreeStub::stop(&tree).await;
    Ok(())
}
