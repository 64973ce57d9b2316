//! Calls: an answer, or a typed error.

use greenroom::prelude::*;
use tokio::time::Instant;

use crate::scripted::{Letter, LetterRef, Scripted, act, does, idle, next, rest, run, settle};

/// A process that answers its first call after `delay`, then waits.
fn slow(delay: Duration) -> Scripted {
    act(move |cx| {
        Box::pin(async move {
            let reply = receive!(match cx {
                Letter::Ask { reply } => reply,
            });
            tokio::time::sleep(delay).await;
            reply.send(7);
            std::future::pending().await
        })
    })
}

/// The fate of a reply that a process holds, and of the process.
fn holder(end: impl FnOnce(Reply<u32>) -> Result<(), Exit> + Send + 'static) -> Scripted {
    act(move |cx| {
        Box::pin(async move {
            let reply = receive!(match cx {
                Letter::Ask { reply } => reply,
            });
            end(reply)
        })
    })
}

#[greenroom::test]
async fn an_unanswered_call_times_out_after_5_s_or_its_own_timeout() {
    let callee = idle().spawn();
    let begin = Instant::now();
    assert_eq!(callee.ask().await, Err(CallErrorKind::Timeout.into()));
    assert_eq!(begin.elapsed().as_secs(), 5);
    let begin = Instant::now();
    assert_eq!(callee.ask().within(Duration::from_millis(250)).await, Err(CallErrorKind::Timeout.into()));
    assert!((250..260).contains(&begin.elapsed().as_millis()), "{:?}", begin.elapsed());
    assert!(callee.is_alive());
}

#[greenroom::test]
async fn a_slow_answer_is_in_time_or_not() {
    for (seconds, answer) in [(4, Ok(7)), (6, Err(CallErrorKind::Timeout.into()))] {
        assert_eq!(slow(Duration::from_secs(seconds)).spawn().ask().await, answer, "after {seconds} s");
    }
    let patient = slow(Duration::from_secs(6)).spawn().ask().within(Duration::from_secs(7)).await;
    assert_eq!(patient, Ok(7));
    assert_eq!(slow(Duration::from_secs(1_000_000)).spawn().ask().forever().await, Ok(7));
}

#[greenroom::test]
async fn a_late_answer_vanishes() {
    let left = run(|cx| {
        Box::pin(async move {
            let callee = slow(Duration::from_secs(10)).spawn();
            assert_eq!(callee.ask().await, Err(CallErrorKind::Timeout.into()));
            tokio::time::sleep(Duration::from_secs(10)).await;
            rest(cx).await
        })
    });
    assert_eq!(left.await, [""; 0]);
}

#[greenroom::test]
async fn a_reply_shows_whether_its_answer_is_awaited() {
    let answer = run(|cx| {
        Box::pin(async move {
            let call = act({
                let me = cx.me();
                move |_| {
                    Box::pin(async move {
                        let _ = me.ask().within(Duration::from_secs(1)).await;
                        Ok(())
                    })
                }
            });
            call.spawn();
            let reply = receive!(match cx {
                Letter::Ask { reply } => reply,
            });
            let before = reply.is_awaited();
            tokio::time::sleep(Duration::from_secs(2)).await;
            let after = reply.is_awaited();
            reply.send(1);
            (before, after)
        })
    });
    assert_eq!(answer.await, (true, false));
}

#[greenroom::test]
async fn a_call_takes_its_place_when_the_method_is_called() {
    let order = run(|cx| {
        Box::pin(async move {
            let me = cx.me();
            let other = act(move |_| {
                Box::pin(async move {
                    let call = me.ask();
                    me.a(1);
                    let _ = call.await;
                    Ok(())
                })
            });
            other.spawn();
            settle().await;
            let first = next(cx).await;
            (first, next(cx).await)
        })
    });
    assert_eq!(order.await, (Some("ask".into()), Some("a1".into())));
}

#[greenroom::test]
async fn the_holder_of_a_reply_gives_its_exit_reason() {
    let boom = || Exit::error("boom");
    // The process returned an error or panicked while the reply was in its frame.
    assert_eq!(holder(|_reply| Err(Exit::error("boom"))).spawn().ask().await, Err(CallErrorKind::Exit(boom()).into()));
    assert_eq!(holder(|_reply| Ok(())).spawn().ask().await, Err(CallErrorKind::Exit(Exit::Normal).into()));
    match holder(|_reply| panic!("words")).spawn().ask().await {
        Err(CallError { kind: CallErrorKind::Exit(Exit::Panic { message, .. }), .. }) => assert_eq!(&*message, "words"),
        outcome => panic!("{outcome:?}"),
    }
    // The process was killed while the reply was in its frame, its mailbox (read or not) or its state.
    let frame = slow(Duration::from_secs(3));
    let queue = idle();
    let saved = does(|cx| {
        Box::pin(async move {
            receive!(match cx {
                Letter::Go => {}
            });
        })
    });
    for callee in [frame, queue, saved] {
        let callee = callee.spawn();
        let call = callee.ask();
        settle().await;
        callee.exit(Exit::Kill);
        assert_eq!(call.await, Err(CallErrorKind::Exit(Exit::Killed).into()));
    }
    let callee = idle().spawn();
    let call = callee.ask();
    callee.exit(boom());
    assert_eq!(call.await, Err(CallErrorKind::Exit(boom()).into()), "even if it never ran");
}

#[greenroom::test]
async fn a_reply_dropped_by_a_running_process_fails_as_dropped() {
    let callee = act(|cx| {
        Box::pin(async move {
            receive!(match cx {
                Letter::Ask { .. } => {}
            });
            let kept = receive!(match cx {
                Letter::Ask { reply } => reply,
            });
            tokio::time::sleep(Duration::from_secs(1)).await;
            drop(kept);
            std::future::pending().await
        })
    })
    .spawn();
    let begin = Instant::now();
    assert_eq!(callee.ask().await, Err(CallErrorKind::Dropped.into()));
    assert_eq!(begin.elapsed(), Duration::ZERO);
    assert_eq!(callee.ask().await, Err(CallErrorKind::Dropped.into()));
    assert!(callee.is_alive());
}

#[greenroom::test]
async fn a_reply_that_was_passed_on_fails_when_its_holder_ends() {
    #[protocol]
    enum Duty {
        Take { reply: Reply<u32> },
    }
    let second = greenroom::spawn(|mut mailbox: Mailbox<Duty>| async move {
        let reply = receive!(match mailbox {
            Duty::Take { reply } => reply,
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(reply);
        Err::<(), _>(Exit::error("holder"))
    });
    #[protocol(local)]
    enum Pass {
        On { answer: Reply<u32>, to: tokio::sync::oneshot::Sender<Reply<u32>> },
    }
    let first = greenroom::spawn(|mut mailbox: Mailbox<Pass>| async move {
        receive!(match mailbox {
            Pass::On { answer, to } => drop(to.send(answer)),
        });
    });
    let (to, passed) = tokio::sync::oneshot::channel();
    let call = first.on(to);
    assert_eq!(first.ended().await, Exit::Normal);
    // The first process has ended; the reply is still held.
    let reply = passed.await.expect("it was passed on");
    assert!(reply.is_awaited());
    drop(second.take().within(Duration::ZERO));
    reply.send(3);
    assert_eq!(call.await, Ok(3));

    let (to, passed) = tokio::sync::oneshot::channel();
    let first = greenroom::spawn(|mut mailbox: Mailbox<Pass>| async move {
        receive!(match mailbox {
            Pass::On { answer, to } => drop(to.send(answer)),
        });
    });
    let call = first.on(to);
    let keeper = greenroom::spawn(|_mailbox: Mailbox<Duty>| async move {
        let _reply = passed.await.expect("it was passed on");
        tokio::time::sleep(Duration::from_secs(1)).await;
        Err::<(), _>(Exit::error("keeper"))
    });
    assert_eq!(call.await, Err(CallErrorKind::Exit(Exit::error("keeper")).into()));
    assert!(!keeper.is_alive());
}

#[greenroom::test]
async fn a_dead_process_is_noproc() {
    let dead = idle().spawn();
    dead.stop(Exit::error("boom")).await;
    assert_eq!(dead.ask().await, Err(CallErrorKind::NoProc.into()));
    assert_eq!(dead.go().await, Err(CastError::NoProc));
}

#[greenroom::test]
async fn the_question_mark_operator_ends_the_caller_with_the_callees_reason() {
    type End = fn() -> Result<(), Exit>;
    let panics: End = || panic!("words");
    let ends: [(End, &str); 3] =
        [(|| Err(Exit::error("boom")), "boom"), (|| Err(Exit::shutdown()), "shutdown"), (panics, "words")];
    for (end, words) in ends {
        let callee = holder(move |_reply| end()).spawn();
        let watched = callee.clone();
        let callee_ended = watched.ended();
        let caller = act(move |_| {
            Box::pin(async move {
                callee.ask().await?;
                Ok(())
            })
        })
        .spawn();
        let caller_ended = caller.ended().await;
        assert_eq!(caller_ended, callee_ended.await);
        assert!(caller_ended.to_string().contains(words));
    }
    let text = |name: &str, words| Exit::error(format_args!("`Letter::ask` on <nonode@nohost {name:?}>: {words}"));
    for (name, words) in [("nobody", "the callee does not exist"), ("idle", "no answer within 5 s")] {
        let _ = LetterRef::register("idle", &idle().spawn());
        let caller = act(move |_| {
            Box::pin(async move {
                LetterRef::named(name).ask().await?;
                Ok(())
            })
        });
        assert_eq!(caller.spawn().ended().await, text(name, words));
    }
}

#[greenroom::test]
async fn a_call_to_oneself_fails_at_once() {
    let outcome = run(|cx| {
        Box::pin(async move {
            let begin = Instant::now();
            LetterRef::register("myself", &cx.me()).unwrap();
            let mut outcomes = Vec::new();
            for me in [cx.me(), LetterRef::named("myself")] {
                outcomes.push(me.ask().await);
            }
            (outcomes, begin.elapsed(), rest(cx).await)
        })
    });
    assert_eq!(outcome.await, (vec![Err(CallErrorKind::Itself.into()); 2], Duration::ZERO, vec![]));
}

#[greenroom::test]
async fn many_calls_at_once_get_their_own_answers() {
    let callee = act(|cx| {
        Box::pin(async move {
            let mut replies = Vec::new();
            while replies.len() < 10 {
                replies.push(receive!(match cx {
                    Letter::Ask { reply } => reply,
                }));
            }
            for (n, reply) in replies.into_iter().enumerate().rev() {
                reply.send(n as u32);
            }
            Ok(())
        })
    })
    .spawn();
    let calls: Vec<_> = (0..10).map(|_| callee.ask()).collect();
    for (n, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await, Ok(n as u32));
    }
}

#[greenroom::test]
async fn a_dropped_call_is_still_received() {
    let is_awaited = run(|cx| {
        Box::pin(async move {
            let me = cx.me();
            act(move |_| {
                Box::pin(async move {
                    drop(me.ask());
                    Ok(())
                })
            })
            .spawn();
            settle().await;
            receive!(match cx {
                Letter::Ask { reply } => reply.is_awaited(),
            })
        })
    });
    assert!(!is_awaited.await);
}
