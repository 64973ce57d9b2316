//! Exit signals: which processes exit, and which receive a message.

use greenroom::prelude::*;

use crate::scripted::{Letter, Log, act, does, idle, rest, run, settle};

/// The origin of a signal.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// A linked process exits.
    Link,
    /// Another process sends it.
    Sent,
    /// Code outside of any process sends it.
    Outside,
    /// The process sends it to itself.
    Itself,
    /// A process that was linked before exits.
    NoMoreLinked,
}

/// The effect on the process.
#[derive(Debug, PartialEq)]
enum Effect {
    Ignored,
    Received(Exit),
    Ends(Exit),
}
use Effect::{Ends, Ignored, Received};

async fn check(way: Way, trapping: bool, reason: Exit, expected: Effect) {
    let received = Log::default();
    let notes = received.clone();
    let sent = reason.clone();
    let process = act(move |cx| {
        Box::pin(async move {
            cx.trap_exit(trapping);
            if way == Way::Itself {
                cx.me().exit(sent);
            }
            loop {
                let signal = receive!(match cx {
                    Letter::Exit(signal) => signal,
                });
                notes.note(format!("{:?}", signal.reason));
            }
        })
    })
    .spawn();
    let ended = process.ended();
    settle().await;
    let (target, last) = (process.clone(), reason.clone());
    let peer = act(move |cx| {
        Box::pin(async move {
            match way {
                Way::Link => cx.link(&target),
                Way::Sent => {
                    target.exit(last);
                    return Ok(());
                }
                Way::NoMoreLinked => {
                    cx.link(&target);
                    cx.unlink(&target);
                }
                Way::Outside | Way::Itself => return Ok(()),
            }
            if last == Exit::Normal { Ok(()) } else { Err(last) }
        })
    });
    match way {
        Way::Outside => process.exit(reason.clone()),
        _ => drop(peer.spawn()),
    }
    settle().await;
    let received = received.take();
    let effect = match (process.is_alive(), received.as_slice()) {
        (false, _) => Ends(ended.await),
        (true, []) => Ignored,
        (true, [one]) if *one == format!("{reason:?}") => Received(reason.clone()),
        (true, other) => panic!("received {other:?}"),
    };
    assert_eq!(effect, expected, "{way:?} {reason:?}, trapping: {trapping}");
}

#[greenroom::test(expect_crash)]
async fn exit_signals_follow_the_table() {
    let boom = || Exit::error("boom");
    let panic = run(|_| Box::pin(async { act(|_| Box::pin(async { panic!("oh") })).spawn().ended().await })).await;
    let table = [
        (Way::Link, Exit::Normal, Ignored, Received(Exit::Normal)),
        (Way::Link, boom(), Ends(boom()), Received(boom())),
        (Way::Link, panic.clone(), Ends(panic.clone()), Received(panic)),
        (Way::Link, Exit::shutdown(), Ends(Exit::shutdown()), Received(Exit::shutdown())),
        (Way::Link, Exit::Kill, Ends(Exit::Kill), Received(Exit::Kill)),
        (Way::Link, Exit::Killed, Ends(Exit::Killed), Received(Exit::Killed)),
        (Way::Sent, Exit::Kill, Ends(Exit::Killed), Ends(Exit::Killed)),
        (Way::Sent, Exit::Normal, Ignored, Received(Exit::Normal)),
        (Way::Sent, boom(), Ends(boom()), Received(boom())),
        (Way::Sent, Exit::Killed, Ends(Exit::Killed), Received(Exit::Killed)),
        (Way::Outside, Exit::Kill, Ends(Exit::Killed), Ends(Exit::Killed)),
        (Way::Outside, Exit::Normal, Ignored, Received(Exit::Normal)),
        (Way::Outside, boom(), Ends(boom()), Received(boom())),
        (Way::Itself, Exit::Normal, Ends(Exit::Normal), Received(Exit::Normal)),
        (Way::Itself, Exit::Kill, Ends(Exit::Killed), Ends(Exit::Killed)),
        (Way::Itself, boom(), Ends(boom()), Received(boom())),
        (Way::NoMoreLinked, boom(), Ignored, Ignored),
        (Way::NoMoreLinked, Exit::Normal, Ignored, Ignored),
        (Way::NoMoreLinked, Exit::Kill, Ignored, Ignored),
    ];
    for (way, reason, plain, trapping) in table {
        check(way, false, reason.clone(), plain).await;
        check(way, true, reason, trapping).await;
    }
}

#[greenroom::test]
async fn an_exit_to_oneself_is_the_reason_of_ones_end() {
    for (sent, reason) in
        [(Exit::Normal, Exit::Normal), (Exit::Kill, Exit::Killed), (Exit::error("boom"), Exit::error("boom"))]
    {
        let process = act(move |cx| {
            Box::pin(async move {
                receive!(match cx {
                    Letter::Go => {}
                });
                cx.me().exit(sent);
                std::future::pending().await
            })
        })
        .spawn();
        process.go();
        assert_eq!(process.ended().await, reason);
    }
}

#[greenroom::test]
async fn after_its_own_kill_a_process_is_not_alive() {
    let seen = Log::default();
    let notes = seen.clone();
    let process = act(move |cx| {
        Box::pin(async move {
            notes.note(cx.me().is_alive());
            cx.me().exit(Exit::Kill);
            notes.note(cx.me().is_alive());
            Ok(())
        })
    })
    .spawn();
    assert_eq!(process.ended().await, Exit::Killed, "what was decided first counts");
    assert_eq!(seen.take(), ["true", "false"]);
}

#[greenroom::test]
async fn the_first_exit_reason_counts() {
    let process = idle().spawn();
    let ended = process.ended();
    process.exit(Exit::error("first"));
    process.exit(Exit::Kill);
    process.exit(Exit::error("third"));
    assert_eq!(ended.await, Exit::error("first"));
}

#[greenroom::test]
async fn exits_that_are_queued_survive_turning_trapping_off() {
    let received = run(|cx| {
        Box::pin(async move {
            assert!(!cx.trap_exit(true));
            cx.me().exit(Exit::error("kept"));
            assert!(cx.trap_exit(false));
            rest(cx).await
        })
    });
    assert_eq!(received.await, ["exit kept"]);
}

#[greenroom::test]
async fn an_exit_signal_names_its_sender() {
    let (from, me) = run(|cx| {
        Box::pin(async move {
            cx.trap_exit(true);
            let me = cx.me();
            let sender = act(move |_| {
                Box::pin(async move {
                    me.exit(Exit::error("boom"));
                    Ok(())
                })
            })
            .spawn();
            let signal = receive!(match cx {
                Letter::Exit(signal) => signal,
            });
            (signal.from, sender.pid())
        })
    })
    .await;
    assert_eq!(Some(from), me);
}

#[greenroom::test]
async fn an_exit_signal_interrupts_any_await_that_waits() {
    let far = Duration::from_secs(100_000);
    let waits: Vec<crate::scripted::Scripted> = vec![
        idle(),
        does(move |_| Box::pin(async move { tokio::time::sleep(far).await })),
        does(|cx| {
            Box::pin(async move {
                receive!(match cx {
                    Letter::Go => {}
                });
            })
        }),
        does(move |cx| {
            Box::pin(async move {
                receive!(match cx {
                    after!(far) => {}
                });
            })
        }),
        does(|cx| Box::pin(async move { drop(cx.receive().await) })),
        does(|_| Box::pin(async move { drop(idle().spawn().ask().forever().await) })),
        does(|_| Box::pin(async move { drop(idle().spawn().ended().await) })),
        does(|_| {
            Box::pin(async move {
                loop {
                    tokio::task::yield_now().await;
                }
            })
        }),
    ];
    for (number, wait) in waits.into_iter().enumerate() {
        let process = wait.spawn();
        // A process that yields forever never lets the paused clock advance.
        tokio::task::yield_now().await;
        let ended = process.ended();
        process.exit(Exit::error("enough"));
        assert_eq!(ended.await, Exit::error("enough"), "wait {number}");
    }
}

#[greenroom::test]
async fn an_ending_process_stops_at_its_next_greenroom_operation() {
    let log = Log::default();
    for operation in 0..4 {
        let notes = log.clone();
        let process = act(move |cx| {
            Box::pin(async move {
                let me = cx.me();
                me.a(1);
                me.exit(Exit::error("enough"));
                match operation {
                    0 => receive!(match cx {
                        Letter::A { .. } => {}
                    }),
                    1 => receive!(match cx {
                        after!(Duration::ZERO) => {}
                    }),
                    2 => drop(me.a(2).await),
                    _ => drop(me.ask().await),
                }
                notes.note(operation);
                Ok(())
            })
        });
        assert_eq!(run_to_end(process).await, Exit::error("enough"), "operation {operation}");
    }
    assert_eq!(log.take(), [""; 0], "these went on after their end");
}

async fn run_to_end(process: crate::scripted::Scripted) -> Exit {
    process.spawn().ended().await
}

#[greenroom::test]
async fn a_signal_to_a_dead_process_is_lost() {
    let process = idle().spawn();
    assert_eq!(process.stop(Exit::Normal).await, Exit::Normal);
    for reason in [Exit::Kill, Exit::Normal, Exit::error("boom")] {
        process.exit(reason);
    }
    assert_eq!(process.stop(Exit::shutdown()).await, Exit::Normal);
    assert_eq!(process.ended().await, Exit::Normal);
}

#[greenroom::test]
async fn a_panic_is_a_reason_with_its_message_and_place() {
    let panics: [(fn(), &str); 3] = [
        (|| panic!("plain words"), "plain words"),
        (|| panic!("number {}", 7), "number 7"),
        (|| std::panic::panic_any(7), "a panic without a message"),
    ];
    for (panics, words) in panics {
        let reason = run_to_end(does(move |_| Box::pin(async move { panics() }))).await;
        let Exit::Panic { message, location, .. } = &reason else { panic!("{reason:?}") };
        assert_eq!(&**message, words);
        assert!(location.contains("exits.rs:"), "{location}");
        assert!(!reason.is_orderly());
        assert_eq!(reason.to_string(), format!("panicked at {location}: {words}"));
    }
}

#[greenroom::test]
async fn a_panic_ends_only_its_process() {
    let (first, second) = (idle().spawn(), idle().spawn());
    let third = act(|_| Box::pin(async { panic!("alone") })).spawn();
    assert!(matches!(third.ended().await, Exit::Panic { .. }));
    assert!(first.is_alive() && second.is_alive() && !third.is_alive());
}

#[greenroom::test]
async fn an_error_is_a_reason_with_its_text() {
    let process = act(|_| Box::pin(async { Err("x".parse::<u8>().expect_err("no number").into()) }));
    assert_eq!(run_to_end(process).await, Exit::error("invalid digit found in string"));
}
