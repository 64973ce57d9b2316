//! Selective receive: the message, the arm, the order, the timeout.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use greenroom::prelude::*;
use tokio::time::Instant;

use crate::scripted::{Letter, LetterRef, Scripted, next, rest, run};

/// Puts `a1 b2 go ..` into the process's own mailbox.
fn queue(cx: &Context<Scripted>, letters: &str) {
    let me = cx.me();
    for letter in letters.split_whitespace() {
        let n = letter[1..].parse().unwrap_or(0);
        match &letter[..1] {
            "a" => drop(me.a(n)),
            "b" => drop(me.b(n)),
            _ => drop(me.go()),
        }
    }
}

/// Runs one receive with `arms`. Returns the taken message and the remaining ones in order.
macro_rules! check {
    ($queued:literal, { $($arms:tt)* } => $took:expr, $left:expr) => {{
        let (took, left) = run(|cx| {
            Box::pin(async move {
                queue(cx, $queued);
                let took: String = receive!(match cx { $($arms)* });
                (took, rest(cx).await.join(" "))
            })
        })
        .await;
        assert_eq!((took.as_str(), left.as_str()), ($took, $left), "{}", stringify!($($arms)*));
    }};
}

#[greenroom::test]
async fn message_order_beats_arm_order() {
    check!("b1 a2", { Letter::A { n } => format!("a{n}"), Letter::B { n } => format!("b{n}") } => "b1", "a2");
    check!("a1 b2", { Letter::B { n } => format!("b{n}"), Letter::A { n } => format!("a{n}") } => "a1", "b2");
}

#[greenroom::test]
async fn for_each_message_arms_are_tried_top_down() {
    check!("a1", { Letter::A { n } if n > 5 => "big".into(), Letter::A { .. } => "any".into() } => "any", "");
    check!("a9", { Letter::A { n } if n > 5 => "big".into(), Letter::A { .. } => "any".into() } => "big", "");
    // The compiler warns about the second arm, as in a `match`.
    check!("a9", { Letter::A { .. } => "any".into(), #[allow(unreachable_patterns)] Letter::A { n } if n > 5 => "big".into() } => "any", "");
}

#[greenroom::test]
async fn a_false_guard_skips_and_what_is_skipped_keeps_its_order() {
    check!("a1 a2 go a3", { Letter::Go => "go".into() } => "go", "a1 a2 a3");
    check!("a1 a2 b9 a3 a4", { Letter::A { n } if n == 3 => "a3".into() } => "a3", "a1 a2 b9 a4");
    check!("a1 b1 a2 b2 go", { Letter::Go => "go".into() } => "go", "a1 b1 a2 b2");
}

#[greenroom::test]
async fn patterns_are_rusts() {
    check!("a1 a7 b7", { Letter::A { n: seven @ 5..=9 } => format!("{seven}") } => "7", "a1 b7");
    check!("a1 b3", { Letter::A { n: 3 } | Letter::B { n: 3 } => "three".into() } => "three", "a1");
    let took = run(|cx| {
        Box::pin(async move {
            let me = cx.me();
            for inner in [None, Some(Err("no".to_owned())), Some(Ok(5))] {
                me.nested(inner);
            }
            let five = receive!(match cx {
                Letter::Nested { inner: Some(Ok(n)) } => n,
            });
            let no = receive!(match cx {
                Letter::Nested { inner: Some(Err(text)) } if text.len() == 2 => text,
            });
            (five, no, rest(cx).await)
        })
    });
    assert_eq!(took.await, (5, "no".to_owned(), vec!["nested None".to_owned()]));
}

#[greenroom::test]
async fn or_patterns_with_guards_bind_the_alternative_for_which_the_guard_held() {
    let took = run(|cx| {
        Box::pin(async move {
            let me = cx.me();
            for (left, right) in [(1, 2), (1, 20), (30, 2)] {
                me.pair(left, right);
            }
            let mut took = Vec::new();
            for _ in 0..2 {
                took.push(receive!(match cx {
                    Letter::Pair { left: n, right: _ } | Letter::Pair { left: _, right: n } if n > 10 => n,
                }));
            }
            (took, rest(cx).await)
        })
    });
    assert_eq!(took.await, (vec![20, 30], vec!["pair 1 2".to_owned()]));
}

#[greenroom::test]
async fn a_pattern_without_a_variants_name_looks_at_everything() {
    check!("b1 a2", { other => format!("{other:?}") } => "B { n: 1 }", "a2");
    check!("b1 a2", { letter @ (Letter::Go | Letter::A { .. }) => format!("{letter:?}") } => "A { n: 2 }", "b1");
    check!("b1 a2", { _ => "whatever".into() } => "whatever", "a2");
    use Letter as Alias;
    check!("b1 a2", { Alias::A { n } => format!("a{n}") } => "a2", "b1");
}

#[greenroom::test]
async fn the_next_receive_starts_at_the_oldest_saved_message() {
    let took = run(|cx| {
        Box::pin(async move {
            queue(cx, "a1 a2 b1 a3 b2");
            let mut took = Vec::new();
            took.push(receive!(match cx {
                Letter::B { n } => n,
            }));
            took.push(receive!(match cx {
                Letter::B { n } => n,
            }));
            took.push(receive!(match cx {
                Letter::A { n } => n,
            }));
            receive!(match cx {
                Letter::B { n } => took.push(n),
                after!(Duration::from_secs(1)) => took.push(100),
            });
            (took, rest(cx).await.join(" "))
        })
    });
    assert_eq!(took.await, (vec![1, 2, 1, 100], "a2 a3".to_owned()));
}

#[greenroom::test]
async fn while_blocked_only_new_arrivals_are_tested() {
    let tested = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&tested);
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let waiting = run(|cx| {
        Box::pin(async move {
            queue(cx, "a1 a2 a3");
            let _ = sender.send(cx.me());
            receive!(match cx {
                Letter::A { n } if count.fetch_add(1, Ordering::Relaxed) < 100 && n == 9 => {}
            });
            rest(cx).await
        })
    });
    let sender = async {
        let stub: LetterRef = receiver.await.expect("the stub");
        for n in [4, 5, 9] {
            crate::scripted::settle().await;
            stub.a(n);
        }
    };
    let (left, ()) = tokio::join!(waiting, sender);
    assert_eq!(left, ["a1", "a2", "a3", "a4", "a5"]);
    assert_eq!(tested.load(Ordering::Relaxed), 6, "each message is tested once by one receive");
}

#[greenroom::test]
async fn after_is_evaluated_once_and_before_matching_even_if_a_message_matches() {
    let order = run(|cx| {
        Box::pin(async move {
            queue(cx, "a1 a2");
            let order = crate::scripted::Log::default();
            let after = |how| {
                order.note(how);
                Duration::from_secs(1)
            };
            receive!(match cx {
                Letter::A { n }
                    if {
                        order.note("guard");
                        n == 2
                    } =>
                    order.note("body"),
                after!(after("after")) => order.note("late"),
            });
            order.take()
        })
    });
    assert_eq!(order.await, ["after", "guard", "guard", "body"]);
}

#[greenroom::test]
async fn after_zero_scans_everything_first() {
    check!("a1 b2 a3", {
        Letter::A { n: 3 } => "found".into(),
        after!(Duration::ZERO) => "late".into(),
    } => "found", "a1 b2");
    check!("a1 b2 a3", {
        Letter::Go => "found".into(),
        after!(Duration::ZERO) => "late".into(),
    } => "late", "a1 b2 a3");
}

#[greenroom::test]
async fn several_receives_share_a_deadline() {
    let seen = run(|cx| {
        Box::pin(async move {
            for n in 1..=9 {
                cx.send_after(Duration::from_millis(100 * u64::from(n)), Letter::A { n });
            }
            let (begun, mut seen) = (Instant::now(), 0);
            let deadline = cx.now() + Duration::from_millis(450);
            loop {
                receive!(match cx {
                    Letter::A { .. } => seen += 1,
                    after!(deadline) => break,
                });
            }
            assert_eq!((seen, begun.elapsed()), (4, Duration::from_millis(450)));
            // A deadline that has passed takes what is there.
            tokio::time::sleep(Duration::from_millis(100)).await;
            loop {
                receive!(match cx {
                    Letter::A { .. } => seen += 1,
                    after!(begun + Duration::from_millis(450)) => break,
                });
            }
            assert_eq!(begun.elapsed(), Duration::from_millis(550));
            vec![seen.to_string()]
        })
    });
    assert_eq!(seen.await, ["5"]);
}

#[greenroom::test]
async fn the_deadline_is_fixed_once_arrivals_that_do_not_match_do_not_extend_it() {
    let waited = run(|cx| {
        Box::pin(async move {
            for drip in 1..=20u32 {
                cx.send_after(Duration::from_millis(20) * drip, Letter::A { n: drip });
            }
            let begin = Instant::now();
            receive!(match cx {
                Letter::Go => unreachable!(),
                Letter::A { n: 100 } => unreachable!(),
                after!(Duration::from_millis(205)) => {}
            });
            (begin.elapsed(), rest(cx).await.len())
        })
    });
    let (elapsed, arrived) = waited.await;
    assert!((205..=206).contains(&elapsed.as_millis()), "{elapsed:?}");
    assert_eq!(arrived, 10);
}

#[greenroom::test]
async fn a_message_in_time_beats_the_deadline() {
    let took = run(|cx| {
        Box::pin(async move {
            cx.send_after(Duration::from_millis(199), Letter::Go);
            let begin = Instant::now();
            let took = receive!(match cx {
                Letter::Go => true,
                after!(Duration::from_millis(205)) => false,
            });
            (took, begin.elapsed() < Duration::from_millis(202))
        })
    });
    assert_eq!(took.await, (true, true));
}

#[greenroom::test]
async fn a_deadline_beyond_the_clocks_range_never_passes() {
    let took = run(|cx| {
        Box::pin(async move {
            cx.send_after(Duration::from_secs(1_000_000), Letter::Go);
            receive!(match cx {
                Letter::Go => true,
                after!(Duration::MAX) => false,
            })
        })
    });
    assert!(took.await);
}

#[greenroom::test]
async fn a_receive_with_only_after_consumes_nothing() {
    check!("a1 b2", { after!(Duration::from_secs(1)) => "slept".into() } => "slept", "a1 b2");
    check!("a1 b2", { after!(Duration::ZERO) => "slept".into() } => "slept", "a1 b2");
}

#[greenroom::test]
async fn bodies_leave_the_loops_and_the_function_around_them() {
    async fn returns(cx: &mut Context<Scripted>) -> u32 {
        let n = receive!(match cx {
            Letter::A { n } => return n + 100,
            Letter::B { n } => n,
        });
        n * 2
    }
    async fn parse_received(cx: &mut Context<Scripted>) -> Result<u32, std::num::ParseIntError> {
        Ok(receive!(match cx {
            Letter::A { n } => n.to_string().parse::<u32>()?,
            Letter::B { .. } => "x".parse()?,
        }))
    }
    let outcome = run(|cx| {
        Box::pin(async move {
            queue(cx, "a1 a2 b3 a4 go a5 b6 a7 b8");
            let mut skipped = Vec::new();
            let broke = loop {
                receive!(match cx {
                    Letter::A { n: 1 } => continue,
                    Letter::A { n: 4 } => break "with a value",
                    Letter::A { n } | Letter::B { n } => skipped.push(n),
                });
            };
            let labelled = 'outer: loop {
                for _ in 0..3 {
                    receive!(match cx {
                        Letter::Go => break 'outer true,
                        after!(Duration::ZERO) => continue,
                    });
                }
            };
            let returned = (returns(cx).await, returns(cx).await);
            let question_mark = (parse_received(cx).await.is_ok(), parse_received(cx).await.is_err());
            assert_eq!(next(cx).await, None);
            (broke, skipped, labelled, returned, question_mark)
        })
    });
    assert_eq!(outcome.await, ("with a value", vec![2, 3], true, (105, 12), (true, true)));
}

#[greenroom::test]
async fn a_receive_is_a_value_and_its_bodies_may_await() {
    let value = run(|cx| {
        Box::pin(async move {
            queue(cx, "a20 a1");
            let me = cx.me();
            20 + receive!(match cx {
                Letter::A { n } => {
                    me.b(n).await.expect("alive");
                    let more = receive!(match cx {
                        Letter::B { n } => n,
                    });
                    n + more
                }
            })
        })
    });
    assert_eq!(value.await, 60);
}

#[greenroom::test]
async fn dropped_before_it_matched_it_has_taken_nothing() {
    let left = run(|cx| {
        Box::pin(async move {
            queue(cx, "a1 b1 a2");
            cx.send_after(Duration::from_millis(5), Letter::A { n: 3 });
            cx.send_after(Duration::from_millis(15), Letter::Go);
            for _ in 0..3 {
                tokio::select! {
                    biased;
                    () = async { receive!(match cx { Letter::B { n: 9 } | Letter::Go => {} }) } => panic!("received a message that was not sent"),
                    () = tokio::time::sleep(Duration::from_millis(3)) => {}
                }
            }
            let before_go = rest(cx).await;
            (
                before_go,
                receive!(match cx {
                    Letter::Go => true,
                    after!(Duration::from_secs(1)) => false,
                }),
            )
        })
    });
    let expected = ["a1", "b1", "a2", "a3"].map(str::to_owned).to_vec();
    assert_eq!(left.await, (expected, true));
}

#[greenroom::test]
async fn dropped_midway_through_its_tests_a_receive_loses_nothing() {
    let left = run(|cx| {
        Box::pin(async move {
            // More than a process reads in one poll: the receive yields in the middle of its scan.
            for n in 0..300 {
                cx.me().a(n);
            }
            for _ in 0..2 {
                tokio::select! {
                    biased;
                    () = async { receive!(match cx { Letter::A { n: 1000 } => {} }) } => panic!("received a message that was not sent"),
                    () = std::future::ready(()) => {}
                }
            }
            rest(cx).await
        })
    });
    assert_eq!(left.await, (0..300).map(|n| format!("a{n}")).collect::<Vec<_>>());
}

#[greenroom::test]
async fn a_busy_receiver_yields_to_other_processes() {
    let turns = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&turns);
    let receiver = run(|cx| {
        Box::pin(async move {
            for n in 0..1000 {
                cx.me().a(n);
            }
            for _ in 0..1000 {
                receive!(match cx {
                    Letter::A { .. } => {}
                });
            }
            seen.load(Ordering::Relaxed)
        })
    });
    let other = greenroom::spawn(|_: Mailbox<Letter>| {
        std::future::poll_fn(move |cx| {
            turns.fetch_add(1, Ordering::Relaxed);
            cx.waker().wake_by_ref();
            std::task::Poll::<()>::Pending
        })
    });
    let turns = receiver.await;
    other.exit(Exit::Kill);
    assert!((5..50).contains(&turns), "{turns} turns beside 1,000 messages");
}

#[greenroom::test]
async fn a_guard_may_use_the_context() {
    let took = run(|cx| {
        Box::pin(async move {
            queue(cx, "a1");
            receive!(match cx {
                Letter::A { .. } if cx.me().is_alive() && cx.pid().number() > 0 => true,
            })
        })
    });
    assert!(took.await);
}

#[greenroom::test]
async fn messages_from_one_process_arrive_in_the_order_in_which_they_were_sent() {
    let got = run(|cx| {
        Box::pin(async move {
            let me = cx.me();
            let (first, second) = (me.clone(), me.clone());
            crate::scripted::act(move |cx| {
                Box::pin(async move {
                    cx.monitor(&first);
                    (0..50).for_each(|n| drop(first.a(n)));
                    cx.link(&first);
                    (50..100).for_each(|n| drop(second.a(n)));
                    Err(Exit::error("done"))
                })
            })
            .spawn();
            cx.trap_exit(true);
            crate::scripted::settle().await;
            rest(cx).await
        })
    });
    let expected = (0..100).map(|n| format!("a{n}")).chain(["exit done".to_owned()]);
    assert_eq!(got.await, expected.collect::<Vec<_>>());
}

#[greenroom::test]
async fn a_mailbox_receives_as_a_context_does() -> greenroom::Result {
    let echo = greenroom::spawn(|mut mailbox: Mailbox<Letter>| async move {
        loop {
            receive!(match mailbox {
                Letter::Go => {}
            });
            let n = receive!(match mailbox {
                Letter::A { n } if n > 1 => n,
            });
            receive!(match mailbox {
                Letter::Ask { reply } => reply.send(n),
            });
        }
    });
    echo.a(1);
    echo.a(2);
    let answer = echo.ask();
    echo.go();
    assert_eq!(answer.await?, 2);
    Ok(())
}
