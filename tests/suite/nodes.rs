//! The current node, and several nodes in one program.

use greenroom::prelude::*;

use crate::scripted::{Letter, LetterRef, act, does, idle, mortal, rest, run, settle};

#[greenroom::test]
async fn two_nodes_in_one_program_do_not_see_each_others_names() {
    let (first, second) = (Node::local(), Node::local());
    let (here, there) = (first.spawn(idle()), second.spawn(idle()));
    {
        let _entered = first.enter();
        LetterRef::register("mail", &here).unwrap();
    }
    assert_eq!(first.named::<LetterRef>("mail").pid(), here.pid());
    assert_eq!(second.named::<LetterRef>("mail").pid(), None);
    assert_eq!(LetterRef::named("mail").pid(), None, "nor does the test's own node");
    LetterRef::register("mail", &there).expect("the name is free on its node");
    assert_eq!(second.named::<LetterRef>("mail").pid(), there.pid());
    first.stop().await;
    assert!(!here.is_alive());
    assert!(there.is_alive());
    second.stop().await;
}

#[greenroom::test]
async fn processes_of_two_nodes_are_never_taken_for_each_other() {
    let (first, second) = (Node::local(), Node::local());
    let (here, there) = (first.spawn(idle()), second.spawn(idle()));
    assert_eq!(here.pid().unwrap().number(), there.pid().unwrap().number());
    assert_ne!(here.pid(), there.pid());
    assert_ne!(here, there);
    // Without a connection, a process of the other node is lost. The local process with the same name is not meant.
    let stranger = there.clone();
    let received = first.spawn(act(move |cx| {
        Box::pin(async move {
            cx.trap_exit(true);
            cx.link(&stranger);
            cx.monitor(&stranger);
            settle().await;
            let received = rest(cx).await;
            Err(Exit::error(received.join(", ")))
        })
    }));
    let reason = received.ended().await.to_string();
    assert!(reason.starts_with("exit no") && reason.contains("down no"), "{reason}");
    here.stop(Exit::Normal).await;
    assert!(there.is_alive());
    first.stop().await;
    second.stop().await;
}

#[greenroom::test]
async fn the_current_node_is_that_of_the_running_process() {
    let (first, second) = (Node::local(), Node::local());
    let spawned = |node: &Node| {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        node.spawn(act(|cx| {
            Box::pin(async move {
                LetterRef::register("me", &cx.me()).unwrap();
                tokio::task::yield_now().await;
                let found = LetterRef::named("me").pid();
                let _ = sender.send((found == cx.me().pid(), Node::current().process_count()));
                std::future::pending().await
            })
        }));
        receiver
    };
    let (one, two) = (spawned(&first), spawned(&second));
    assert_eq!(one.await, Ok((true, 1)));
    assert_eq!(two.await, Ok((true, 1)));
    first.stop().await;
    second.stop().await;
}

#[greenroom::test]
async fn a_node_is_entered_for_code_outside_of_any_process() {
    let (first, second) = (Node::local(), Node::local());
    {
        let _outer = first.enter();
        {
            let _inner = second.enter();
            idle().spawn();
        }
        idle().spawn();
        idle().spawn();
    }
    assert_eq!((first.process_count(), second.process_count()), (2, 1));
    second
        .scope(async {
            idle().spawn();
            settle().await;
            idle().spawn();
        })
        .await;
    assert_eq!((first.process_count(), second.process_count()), (2, 3));
    assert_eq!(Node::current().process_count(), 0, "the test's own node again");
    first.stop().await;
    second.stop().await;
    assert_eq!((first.process_count(), second.process_count()), (0, 0));
}

#[greenroom::test]
async fn an_enter_guard_ends_with_its_scope() {
    let (first, second) = (Node::local(), Node::local());
    let name = || Node::current().id().incarnation;
    let own = name();
    // Dropped in the wrong order: the outer guard ends the inner one too.
    let outer = first.enter();
    let inner = second.enter();
    assert_eq!(name(), second.id().incarnation);
    drop(outer);
    assert_eq!(name(), own);
    drop(inner);
    assert_eq!(name(), own);
    // A guard that a process forgets does not outlast the process's poll, and the process continues.
    let there = second.clone();
    let process = first.spawn(does(move |cx| {
        Box::pin(async move {
            let me = Node::current().id().incarnation;
            std::mem::forget(there.enter());
            assert_eq!(Node::current().id().incarnation, there.id().incarnation);
            settle().await;
            assert_eq!(Node::current().id().incarnation, me);
            receive!(match cx {
                Letter::Go => {}
            });
        })
    }));
    settle().await;
    assert_eq!(name(), own);
    tokio::time::sleep(Duration::from_secs(1)).await;
    process.go();
    assert_eq!(process.ended().await, Exit::Normal);
    first.stop().await;
    second.stop().await;
}

#[actor]
struct Careless {
    there: Node,
}

#[actor(local)]
impl Careless {
    #[cast]
    fn slip(&mut self) {
        std::mem::forget(self.there.enter());
        panic!("slipped");
    }
}

#[greenroom::test]
async fn a_panic_within_what_was_entered_and_forgotten_ends_its_process() {
    let (first, second) = (Node::local(), Node::local());
    let careless = first.spawn(Careless { there: second.clone() });
    let ended = careless.ended();
    drop(careless.slip());
    let reason = tokio::time::timeout(Duration::from_secs(1), ended).await.expect("it ends");
    assert!(matches!(reason, Exit::Panic { message, .. } if &*message == "slipped"));
    first.stop().await;
    second.stop().await;
}

#[test]
fn outside_of_any_node_there_is_no_current_one() {
    assert!(Node::try_current().is_none());
    let panic = std::panic::catch_unwind(|| LetterRef::named("mail").pid()).expect_err("no current node");
    let words = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    assert!(words.is_some_and(|words| words.contains("no current node")), "{words:?}");
}

#[greenroom::test]
async fn stopping_a_node_ends_who_traps_exits_too_at_the_latest_by_a_kill() {
    let node = Node::local();
    let orderly = node.spawn(mortal(Exit::Normal));
    let stubborn = node.spawn(crate::scripted::stubborn());
    let ended = [orderly.ended(), stubborn.ended()];
    settle().await;
    let begin = tokio::time::Instant::now();
    node.stop().await;
    assert_eq!(begin.elapsed().as_secs(), 5);
    let [orderly, stubborn] = ended;
    assert_eq!((orderly.await, stubborn.await), (Exit::shutdown(), Exit::Killed));
    assert_eq!(node.process_count(), 0);
}

#[greenroom::test]
async fn a_stub_travels_in_messages_and_is_a_value() {
    #[protocol]
    enum Greeter {
        Greet { who: LetterRef, n: u32 },
    }
    let greeter = greenroom::spawn(|mut mailbox: Mailbox<Greeter>| async move {
        loop {
            receive!(match mailbox {
                Greeter::Greet { who, n } => who.a(n),
            });
        }
    });
    let received = run(move |cx| {
        Box::pin(async move {
            greeter.greet(cx.me(), 1);
            LetterRef::register("me", &cx.me()).unwrap();
            greeter.greet(LetterRef::named("me"), 2);
            let same = cx.me() == cx.me() && cx.me() != LetterRef::named("me");
            #[allow(clippy::mutable_key_type)] // The mutable parts of a stub are not part of its identity.
            let set = std::collections::HashSet::from([cx.me(), cx.me(), LetterRef::named("me")]);
            settle().await;
            (same, set.len(), format!("{:?}", cx.me()).contains(&cx.pid().to_string()), rest(cx).await.join(" "))
        })
    });
    assert_eq!(received.await, (true, 2, true, "a1 a2".to_owned()));
}

#[greenroom::test]
async fn a_delayed_message_arrives_unless_its_timer_is_cancelled() {
    let received = run(|cx| {
        Box::pin(async move {
            let at = |ms| Duration::from_millis(ms);
            let kept = cx.send_after(at(10), Letter::A { n: 1 });
            let cancelled = cx.send_after(at(20), Letter::A { n: 2 });
            drop(cx.send_after(at(30), Letter::A { n: 3 }));
            assert!(cancelled.cancel());
            assert!(!cancelled.cancel(), "once is enough");
            let begin = tokio::time::Instant::now();
            receive!(match cx {
                Letter::A { n: 1 } => {}
            });
            let first = begin.elapsed().as_millis();
            tokio::time::sleep(at(100)).await;
            (first / 10, kept.cancel(), rest(cx).await.join(" "))
        })
    });
    assert_eq!(received.await, (1, false, "a3".to_owned()));
}
