//! Messages to a child in its restart gap wait until a start has succeeded.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use greenroom::testing::Check;
use greenroom::{ChildSpec, Strategy, SupervisionRef, Supervisor, TreeStub, WhileDown, prelude::*};

use crate::scripted::settle;

#[protocol]
enum Knock {
    Tap {
        n: u32,
    },
    #[priority]
    Ring {
        n: u32,
    },
    /// Answers with all that this incarnation received.
    Heard {
        reply: Reply<Vec<u32>>,
    },
    /// A message that no failing start takes, so none loses it.
    Ask {
        n: u32,
        reply: Reply<u32>,
    },
    Fall,
}

/// A start that fails. Each takes ten milliseconds, during which other processes send to it.
#[derive(Clone, Copy, Debug)]
enum Start {
    /// Reads no message.
    Fails,
    /// Tests all waiting messages and takes none.
    Looks,
    /// Takes one tap or ring.
    Takes,
    Panics,
    /// Sends itself a tap and publishes its direct stub.
    Writes,
    /// Returns `Exit::Normal`: not needed.
    Declines,
}

/// The state that all incarnations of a guest share.
#[derive(Clone, Default)]
struct House {
    /// The next starts. When the list is empty, starts succeed.
    starts: Arc<Mutex<VecDeque<Start>>>,
    /// The direct stub of the last incarnation that published one.
    me: Arc<Mutex<Option<KnockRef>>>,
}

impl House {
    fn plan(&self, starts: impl IntoIterator<Item = Start>) {
        self.starts.lock().unwrap().extend(starts);
    }
}

/// One incarnation of a guest, with either mailbox.
struct Guest {
    house: House,
    heard: Vec<u32>,
}

impl Guest {
    async fn begin<A: Process<Protocol = Knock>>(&mut self, cx: &mut Context<A>) -> Result<(), Exit> {
        let Some(start) = self.house.starts.lock().unwrap().pop_front() else { return Ok(()) };
        if let Start::Writes = start {
            let me = cx.me();
            me.tap(99);
            *self.house.me.lock().unwrap() = Some(me);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        match start {
            Start::Fails | Start::Writes => {}
            Start::Declines => return Err(Exit::Normal),
            Start::Panics => panic!("on the doorstep"),
            Start::Looks => receive!(match cx {
                Knock::Tap { n } | Knock::Ring { n } if n == u32::MAX => unreachable!("nobody sends that"),
                after!(Duration::ZERO) => {}
            }),
            Start::Takes => receive!(match cx {
                Knock::Tap { .. } | Knock::Ring { .. } => {}
            }),
        }
        Err(Exit::error("no key"))
    }

    async fn live<A: Process<Protocol = Knock>>(&mut self, cx: &mut Context<A>) -> Result<(), Exit> {
        loop {
            receive!(match cx {
                Knock::Tap { n } | Knock::Ring { n } => self.heard.push(n),
                Knock::Heard { reply } => reply.send(self.heard.clone()),
                Knock::Ask { n, reply } => {
                    self.heard.push(n);
                    reply.send(n);
                }
                Knock::Fall => return Err(Exit::error("fell")),
            });
        }
    }
}

macro_rules! guests {
    ($($name:ident($($option:tt)*);)*) => {$(
        #[actor(protocol = Knock $($option)*)]
        struct $name(Guest);

        impl $name {
            fn new(house: House) -> Self {
                $name(Guest { house, heard: Vec::new() })
            }
        }

        impl Process for $name {
            async fn init(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
                self.0.begin(cx).await
            }

            async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
                self.0.live(cx).await
            }
        }
    )*};
}

guests! {
    Plain();
    Waits(, mailbox = 2, overflow = wait);
    Rejects(, mailbox = 2, overflow = reject);
    DropsNewest(, mailbox = 2, overflow = drop_newest);
    DropsOldest(, mailbox = 2, overflow = drop_oldest);
}

/// Starts a guest under a supervisor and ends its first incarnation. The next starts are `starts`.
async fn fallen<A: Process<Protocol = Knock>>(
    make: fn(House) -> A,
    while_down: WhileDown,
    intensity: u32,
    starts: impl IntoIterator<Item = Start>,
) -> (House, SupervisionRef, KnockRef) {
    let house = House::default();
    let guest = {
        let house = house.clone();
        ChildSpec::new(move || make(house.clone())).while_down(while_down)
    };
    let supervisor = Supervisor::new(Strategy::OneForOne).intensity(intensity).period(Duration::from_secs(10));
    let tree = supervisor.child("guest", guest).start().await.expect("the first start succeeds");
    let guest: KnockRef = tree.find_child("guest").await.expect("it is there");
    house.plan(starts);
    let ended = guest.ended();
    guest.fall();
    ended.await;
    (house, tree, guest)
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
    for failing in [Start::Fails, Start::Looks, Start::Panics] {
        let (_, tree, guest) = fallen(Plain::new, WhileDown::Hold, 5, [failing, failing]).await;
        // Before the first start, during it and during the second.
        for round in 0..3 {
            guest.tap(10 * round);
            guest.ring(10 * round + 1);
            guest.tap(10 * round + 2);
            if round == 0 {
                settle().await;
            }
            pause(8).await;
        }
        let asked = guest.ask(30);
        guest.tap(31);
        assert_eq!(asked.await, Ok(30), "{failing:?}");
        assert_eq!(guest.heard().await?, [1, 11, 21, 0, 2, 10, 12, 20, 22, 30, 31], "{failing:?}");
        assert_eq!(tree.children().await?[0].starts, 2, "those that succeeded");
        assert_eq!(Node::current().counters().lost_messages, 0);
        TreeStub::stop(&tree).await;
    }
    Ok(())
}

#[greenroom::test]
async fn a_failing_start_loses_only_the_messages_that_it_received() -> greenroom::Result {
    let (_, _, guest) = fallen(Plain::new, WhileDown::Hold, 5, [Start::Takes, Start::Looks, Start::Takes]).await;
    for n in 0..3 {
        guest.tap(n);
    }
    let asked = guest.ask(3);
    guest.ring(4);
    // The first start took the ring, which has priority, and the third the oldest tap.
    assert_eq!(asked.await, Ok(3));
    assert_eq!(guest.heard().await?, [1, 2, 3]);
    Ok(())
}

#[greenroom::test]
async fn a_call_that_a_failing_start_received_fails_with_its_reason() {
    #[actor(protocol = Knock)]
    struct Opens(u32);
    impl Process for Opens {
        async fn init(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
            if self.0 != 2 {
                return Ok(());
            }
            let reply = receive!(match cx {
                Knock::Ask { reply, .. } => reply,
            });
            let _kept = reply;
            Err(Exit::error("no key"))
        }

        async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
            loop {
                receive!(match cx {
                    Knock::Ask { n, reply } => reply.send(n),
                    Knock::Fall => return Err(Exit::error("fell")),
                });
            }
        }
    }
    let mut lives = 0;
    let spec = ChildSpec::new(move || {
        lives += 1;
        Opens(lives)
    });
    let tree = Supervisor::new(Strategy::OneForOne).intensity(2).child("guest", spec).start().await.unwrap();
    let guest: KnockRef = tree.find_child("guest").await.unwrap();
    guest.fall();
    guest.ended().await;
    let (first, second) = (guest.ask(1), guest.ask(2));
    assert_eq!(first.await, Err(CallError::Exit(Exit::error("no key"))));
    assert_eq!(second.await, Ok(2));
}

#[greenroom::test]
async fn messages_to_one_incarnation_end_with_its_start() -> greenroom::Result {
    let (house, _, guest) = fallen(Plain::new, WhileDown::Hold, 5, [Start::Writes, Start::Fails]).await;
    guest.tap(1);
    pause(5).await;
    let me = house.me.lock().unwrap().take().expect("it has told");
    let asked = me.ask(2);
    guest.tap(3);
    assert_eq!(asked.await, Err(CallError::Exit(Exit::error("no key"))));
    assert_eq!(guest.heard().await?, [1, 3]);
    assert_eq!(me.tap(4).await, Err(CastError::NoProc));
    Ok(())
}

#[greenroom::test]
async fn a_bounded_mailbox_is_as_full_for_the_next_start_as_for_the_one_that_failed() -> greenroom::Result {
    let (full, gone) = (Err(CastError::Full), 2);
    // The outcomes of the third and fourth of four casts, the messages received, and the number of overflows.
    let none = [Start::Fails, Start::Fails];
    let some = [Start::Looks, Start::Fails];
    for starts in [none, some] {
        check(Rejects::new, starts, [full.clone(), full.clone()], &[1, 2], gone).await?;
        check(DropsNewest::new, starts, [Ok(()), Ok(())], &[1, 2], gone).await?;
        check(Waits::new, starts, [Ok(()), Ok(())], &[1, 2, 3, 4], 0).await?;
    }
    check(DropsOldest::new, none, [Ok(()), Ok(())], &[3, 4], gone).await?;
    // A message that was tested is not dropped any more.
    check(DropsOldest::new, [Start::Looks, Start::Fails], [Ok(()), Ok(())], &[3, 4], gone).await
}

/// Sends four messages to a mailbox with room for two: three before the first failing start, one during the second.
async fn check<A: Process<Protocol = Knock>>(
    make: fn(House) -> A,
    starts: [Start; 2],
    said: [Result<(), CastError>; 2],
    heard: &[u32],
    overflowed: u64,
) -> greenroom::Result {
    let before = Node::current().counters().overflowed_messages;
    let (_, tree, guest) = fallen(make, WhileDown::Hold, 5, starts).await;
    assert_eq!((guest.tap(1).await, guest.tap(2).await), (Ok(()), Ok(())));
    let third = guest.tap(3);
    pause(15).await;
    let fourth = guest.tap(4);
    assert_eq!([third.await, fourth.await], said, "{starts:?}");
    // The guest is up by then and has read all that waited.
    pause(20).await;
    assert_eq!(guest.heard().await?, heard, "{starts:?}");
    assert_eq!(Node::current().counters().overflowed_messages - before, overflowed);
    TreeStub::stop(&tree).await;
    Ok(())
}

#[greenroom::test]
async fn waiters_keep_their_place_over_a_restart_unless_they_wait_for_one_incarnation() -> greenroom::Result {
    let (house, _, guest) = fallen(Waits::new, WhileDown::Hold, 5, [Start::Writes, Start::Looks]).await;
    assert_eq!(guest.tap(1).await, Ok(()));
    pause(5).await;
    // Its own tap counts too: no room is left.
    let me = house.me.lock().unwrap().take().expect("it has told");
    let (mut own, mut second, mut third) = (me.tap(2), guest.tap(3), guest.tap(4));
    for cast in [&mut own, &mut second, &mut third] {
        assert_eq!(now(cast).await, None);
    }
    pause(10).await;
    // The first start has failed and its two own messages are gone, so one more was admitted.
    assert_eq!(now(&mut own).await, Some(Err(CastError::NoProc)));
    assert_eq!(now(&mut second).await, Some(Ok(())));
    assert_eq!(now(&mut third).await, None);
    drop(guest.tap(5));
    assert_eq!(third.await, Ok(()));
    assert_eq!(guest.heard().await?, [1, 3, 4]);
    assert_eq!(Node::current().counters().overflowed_messages, 1, "the one that was withdrawn");
    Ok(())
}

#[greenroom::test]
async fn the_number_of_waiting_messages_is_bounded_over_failing_starts() -> greenroom::Result {
    let (_, _, guest) = fallen(Plain::new, WhileDown::Hold, 5, [Start::Fails, Start::Looks, Start::Fails]).await;
    for n in 0..1024 {
        assert_eq!(guest.tap(n).await, Ok(()));
    }
    for _ in 0..3 {
        assert_eq!(guest.ring(5000).await, Err(CastError::Full));
        assert_eq!(guest.heard().await, Err(CallError::Full));
        pause(9).await;
    }
    pause(10).await;
    assert!(guest.heard().await?.into_iter().eq(0..1024));
    Ok(())
}

#[greenroom::test]
async fn a_child_that_drops_messages_in_its_restart_gap_keeps_none() -> greenroom::Result {
    let (_, _, guest) = fallen(Plain::new, WhileDown::Drop, 5, [Start::Fails, Start::Fails, Start::Fails]).await;
    let failure = CallError::Exit(Exit::error("no key"));
    // Either no process is there yet, or one is starting.
    let said = guest.tap(1).await;
    let nobody = said == Err(CastError::NoProc);
    assert!(nobody || said == Ok(()), "{said:?}");
    assert_eq!(guest.ask(2).await, Err(if nobody { CallError::NoProc } else { failure.clone() }));
    pause(5).await;
    // A process is starting: it receives the message, and the message is lost with it.
    assert_eq!(guest.tap(3).await, Ok(()));
    assert_eq!(guest.ask(4).await, Err(failure));
    pause(30).await;
    assert!(guest.heard().await?.is_empty());
    Ok(())
}

#[greenroom::test]
async fn if_the_supervisor_gives_up_waiting_messages_are_lost_and_calls_fail_with_the_reason() {
    let failure = CallError::Exit(Exit::error("no key"));
    let panic = |error: &CallError| matches!(error, CallError::Exit(Exit::Panic { .. }));
    for (starts, counted) in [([Start::Fails; 3], 3), ([Start::Looks; 3], 3), ([Start::Panics; 3], 3)] {
        let before = Node::current().counters().lost_messages;
        let (_, tree, guest) = fallen(Plain::new, WhileDown::Hold, 2, starts).await;
        let ended = tree.ended();
        guest.tap(1);
        let first = guest.ask(2);
        pause(5).await;
        let second = guest.ask(3);
        for answer in [first.await, second.await] {
            let error = answer.expect_err("nobody was there to answer");
            assert!(error == failure || panic(&error), "{starts:?}: {error}");
            assert_eq!(panic(&error), matches!(starts[0], Start::Panics));
        }
        assert_eq!(ended.await, Exit::shutdown());
        assert_eq!(Node::current().counters().lost_messages - before, counted);
        assert_eq!(guest.heard().await, Err(CallError::NoProc));
        assert_eq!(guest.tap(1).await, Err(CastError::NoProc));
    }
    assert_eq!(Node::current().process_count(), 0);
}

#[greenroom::test]
async fn if_the_child_is_not_restarted_waiting_calls_fail_with_noproc() {
    // It returns `Exit::Normal` after a failed start.
    let (_, _, guest) = fallen(Plain::new, WhileDown::Hold, 5, [Start::Fails, Start::Declines]).await;
    guest.tap(1);
    assert_eq!(guest.ask(2).await, Err(CallError::NoProc));
    assert_eq!(Node::current().counters().lost_messages, 2);
    // It is terminated during its start: the supervisor executes that after the start has failed or succeeded.
    let (_, tree, guest) = fallen(Plain::new, WhileDown::Hold, 5, [Start::Fails]).await;
    let asked = guest.ask(1);
    pause(5).await;
    assert_eq!(tree.terminate_child("guest").await, Ok(()));
    assert_eq!(asked.await, Err(CallError::Exit(Exit::error("no key"))));
    assert_eq!(guest.ask(1).await, Err(CallError::NoProc));
    // `restart_child` starts it again, without those messages.
    tree.restart_child("guest").await.expect("it starts");
    assert_eq!(guest.heard().await, Ok(vec![]));
}

#[greenroom::test]
async fn a_start_that_is_killed_has_not_succeeded() -> greenroom::Result {
    let (_, _, guest) = fallen(Plain::new, WhileDown::Hold, 5, [Start::Looks, Start::Fails]).await;
    guest.tap(1);
    pause(5).await;
    guest.tap(2);
    guest.exit(Exit::Kill);
    guest.tap(3);
    assert_eq!(guest.heard().await?, [1, 2, 3]);
    Ok(())
}

#[greenroom::test]
async fn waiting_messages_survive_a_constructor_that_panics() -> greenroom::Result {
    let mut makes = 0;
    let spec = ChildSpec::new(move || {
        makes += 1;
        assert!(!(2..=3).contains(&makes), "no guest");
        Plain::new(House::default())
    });
    let tree = Supervisor::new(Strategy::OneForOne).intensity(3).child("guest", spec).start().await?;
    let guest: KnockRef = tree.find_child("guest").await?;
    guest.fall();
    guest.ended().await;
    guest.tap(1);
    assert_eq!(guest.ask(2).await?, 2);
    assert_eq!(guest.heard().await?, [1, 2]);
    Ok(())
}

#[greenroom::test]
async fn waiting_messages_are_counted_as_received_once() -> greenroom::Result {
    let figures = || Node::current().metrics().protocols["Knock"].clone();
    let (_, tree, guest) = fallen(Plain::new, WhileDown::Hold, 5, [Start::Looks, Start::Takes, Start::Fails]).await;
    let before = figures();
    assert_eq!((before.received, before.handled), (1, 1), "its fall");
    for n in 0..5 {
        guest.tap(n);
    }
    pause(15).await;
    guest.ring(5);
    // The second start takes the ring, the first message.
    assert_eq!(guest.heard().await?, [0, 1, 2, 3, 4]);
    TreeStub::stop(&tree).await;
    let after = figures();
    assert_eq!((after.received, after.handled), (8, 8), "its fall, six, and the question");
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

async fn random<A: Process<Protocol = Knock>>(
    cluster: &greenroom::testing::Cluster,
    make: fn(House) -> A,
) -> Result<(), Exit> {
    let starts = (0..1 + cluster.draw(5)).map(|_| match cluster.draw(3) {
        0 => Start::Fails,
        1 => Start::Looks,
        _ => Start::Panics,
    });
    let starts: Vec<_> = starts.collect();
    let (_, tree, guest) = fallen(make, WhileDown::Hold, 100, starts).await;
    let senders: Vec<_> = (0..3_u32)
        .map(|sender| {
            let guest = guest.clone();
            let pauses: Vec<_> = (0..20).map(|_| (cluster.draw(5), cluster.draw(4))).collect();
            greenroom::spawn(move |_: Mailbox<Knock>| async move {
                let (mut calls, mut casts) = (Vec::new(), Vec::new());
                for (n, (length, kind)) in (0..).zip(pauses) {
                    let n = sender * 100 + n;
                    match kind {
                        0 => calls.push((n, guest.ask(n).forever())),
                        1 => assert_eq!(guest.tap(n).await, Ok(())),
                        // A waiter of a full mailbox is not awaited here.
                        _ => casts.push(guest.tap(n)),
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
        guest.exit(Exit::Kill);
    }
    for sender in senders {
        assert_eq!(sender.ended().await, Exit::Normal);
    }
    let heard = guest.heard().forever().await?;
    for sender in 0..3 {
        let of: Vec<_> = heard.iter().copied().filter(|n| n / 100 == sender).collect();
        assert!(of.iter().copied().eq((0..20).map(|n| sender * 100 + n)), "{of:?}");
    }
    assert_eq!(cluster.node(0).counters().lost_messages, 0);
    TreeStub::stop(&tree).await;
    Ok(())
}
