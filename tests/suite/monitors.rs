//! Monitors: one `Down` for each, and none after `demonitor`.

use greenroom::{Subject, prelude::*};

use crate::scripted::{Letter, LetterRef, act, idle, mortal, next, rest, run, settle};

#[greenroom::test]
async fn n_monitors_give_n_downs() {
    let received = run(|cx| {
        Box::pin(async move {
            let target = mortal(Exit::error("boom")).spawn();
            let monitors = [cx.monitor(&target), cx.monitor(&target), cx.monitor(&target)];
            target.go();
            let mut downs = Vec::new();
            for _ in 0..3 {
                let down = receive!(match cx {
                    Letter::Down(down) => down,
                });
                assert_eq!(down.target, Subject::Pid(target.pid().unwrap()));
                assert_eq!(down.reason, Exit::error("boom"));
                downs.push(down.monitor);
            }
            settle().await;
            (downs == monitors, rest(cx).await)
        })
    });
    assert_eq!(received.await, (true, vec![]));
}

#[greenroom::test]
async fn a_down_has_the_exit_reason() {
    for (reason, received) in [
        (Exit::Normal, "down normal"),
        (Exit::shutdown(), "down shutdown"),
        (Exit::Kill, "down kill"),
        (Exit::error("boom"), "down boom"),
    ] {
        let downs = run(|cx| {
            Box::pin(async move {
                let (target, _) = mortal(reason).spawn_monitor(cx);
                target.go();
                settle().await;
                rest(cx).await
            })
        });
        assert_eq!(downs.await, [received]);
    }
    let downs = run(|cx| {
        Box::pin(async move {
            let (target, _) = idle().spawn_monitor(cx);
            target.exit(Exit::Kill);
            settle().await;
            rest(cx).await
        })
    });
    assert_eq!(downs.await, ["down killed"]);
}

#[greenroom::test]
async fn by_name_the_target_is_name_and_node_resolved_once() {
    let received = run(|cx| {
        Box::pin(async move {
            let first = idle().spawn();
            LetterRef::register("mail", &first).unwrap();
            let monitor = cx.monitor(&LetterRef::named("mail"));
            LetterRef::unregister("mail").unwrap();
            let second = idle().spawn();
            LetterRef::register("mail", &second).unwrap();
            second.stop(Exit::error("second")).await;
            assert_eq!(next(cx).await, None, "the name meant the first");
            first.stop(Exit::error("first")).await;
            let down = receive!(match cx {
                Letter::Down(down) => down,
            });
            assert_eq!(down.target, Subject::Name("mail".into(), cx.node().name().clone()));
            (down.monitor == monitor, down.reason)
        })
    });
    assert_eq!(received.await, (true, Exit::error("first")));
}

#[greenroom::test]
async fn dead_and_unknown_processes_are_noproc_and_a_lost_node_is_noconnection() {
    let received = run(|cx| {
        Box::pin(async move {
            let dead = idle().spawn();
            dead.stop(Exit::error("before")).await;
            let expected = [
                (cx.monitor(&dead), Subject::Pid(dead.pid().unwrap()), Exit::NoProc),
                (
                    cx.monitor(&LetterRef::named("nobody")),
                    Subject::Name("nobody".into(), cx.node().name().clone()),
                    Exit::NoProc,
                ),
                (
                    cx.monitor(&LetterRef::at("mail", "far@away")),
                    Subject::Name("mail".into(), NodeName::new("far@away").unwrap()),
                    Exit::NoConnection,
                ),
            ];
            for (monitor, target, reason) in expected {
                let down = receive!(match cx {
                    Letter::Down(down) => down,
                });
                assert_eq!((down.monitor, &down.target, down.reason), (monitor, &target, reason), "{target}");
                assert!(!cx.demonitor(monitor), "it is over");
            }
            rest(cx).await
        })
    });
    assert_eq!(received.await, [""; 0]);
}

#[greenroom::test]
async fn a_monitor_of_oneself_never_fires() {
    let received = run(|cx| {
        Box::pin(async move {
            let me = cx.me();
            LetterRef::register("myself", &me).unwrap();
            for monitor in [cx.monitor(&me), cx.monitor(&LetterRef::named("myself"))] {
                assert!(!cx.demonitor(monitor));
            }
            settle().await;
            rest(cx).await
        })
    });
    assert_eq!(received.await, [""; 0]);
}

#[greenroom::test]
async fn after_demonitor_no_down_comes_and_it_returns_whether_it_was_live() {
    let received = run(|cx| {
        Box::pin(async move {
            let target = mortal(Exit::error("boom")).spawn();
            let (first, second, third) = (cx.monitor(&target), cx.monitor(&target), cx.monitor(&target));
            let live = [cx.demonitor(first), cx.demonitor(first), cx.demonitor_only(second), cx.demonitor_only(second)];
            target.go();
            let down = receive!(match cx {
                Letter::Down(down) => down,
            });
            (live, down.monitor == third, rest(cx).await)
        })
    });
    assert_eq!(received.await, ([true, false, true, false], true, vec![]));
}

/// The place of a `Down` when `demonitor` removes it.
#[derive(Clone, Copy, Debug)]
enum Lies {
    /// In the queue: no receive has read it yet.
    Queued,
    /// In the batch that a receive took over and did not need to the end.
    InTheBatch,
    /// In the save queue: a receive has skipped it.
    Saved,
}

#[greenroom::test]
async fn demonitor_takes_a_queued_down_out_again_wherever_it_lies() {
    for lies in [Lies::Queued, Lies::InTheBatch, Lies::Saved] {
        for flush in [true, false] {
            let received = run(move |cx| {
                Box::pin(async move {
                    let me = cx.me();
                    let target = mortal(Exit::error("boom")).spawn();
                    let (first, second) = (cx.monitor(&target), cx.monitor(&target));
                    me.a(1);
                    target.go();
                    settle().await;
                    me.b(1);
                    match lies {
                        Lies::Queued => {}
                        Lies::InTheBatch => receive!(match cx {
                            Letter::A { .. } => drop(me.a(1)),
                        }),
                        Lies::Saved => receive!(match cx {
                            Letter::B { .. } => drop(me.b(1)),
                        }),
                    }
                    let live = if flush { cx.demonitor(second) } else { cx.demonitor_only(second) };
                    let mut downs = Vec::new();
                    while let Some(down) = receive!(match cx {
                        Letter::Down(down) => Some(down.monitor),
                        after!(Duration::ZERO) => None,
                    }) {
                        downs.push(down);
                    }
                    let expected = if flush { vec![first] } else { vec![first, second] };
                    let mut left = rest(cx).await;
                    left.sort();
                    (live, downs == expected, left.join(" "))
                })
            });
            assert_eq!(received.await, (false, true, "a1 b1".to_owned()), "{lies:?}, flush: {flush}");
        }
    }
}

#[greenroom::test]
async fn a_monitor_of_a_process_that_watches_back_is_another() {
    let received = run(|cx| {
        Box::pin(async move {
            let me = cx.me();
            let target = act(move |cx| {
                Box::pin(async move {
                    cx.monitor(&me);
                    receive!(match cx {
                        Letter::Go => {}
                    });
                    Ok(())
                })
            })
            .spawn();
            let monitor = cx.monitor(&target);
            settle().await;
            assert!(cx.demonitor(monitor));
            target.go();
            settle().await;
            rest(cx).await
        })
    });
    assert_eq!(received.await, [""; 0]);
}

#[greenroom::test]
async fn code_outside_of_processes_can_await_an_end() {
    let process = mortal(Exit::error("boom")).spawn();
    let (first, second) = (process.ended(), process.ended());
    process.go();
    assert_eq!((first.await, second.await), (Exit::error("boom"), Exit::error("boom")));
    // A late caller receives the reason too. An unregistered name gives `NoProc`.
    assert_eq!(process.ended().await, Exit::error("boom"));
    assert_eq!(LetterRef::named("nobody").ended().await, Exit::NoProc);
}

#[greenroom::test]
async fn the_wait_for_an_end_does_not_borrow_the_stub() {
    let waits = {
        let (first, second) = (mortal(Exit::error("boom")).spawn(), mortal(Exit::Normal).spawn());
        first.go();
        [tokio::spawn(first.ended()), tokio::spawn(second.stop(Exit::shutdown()))]
    };
    let [ended, stopped] = waits;
    assert_eq!((ended.await.unwrap(), stopped.await.unwrap()), (Exit::error("boom"), Exit::shutdown()));
}
