//! The order guarantee: all that one process sends to another arrives in the order sent, messages and signals alike.

use greenroom::prelude::*;

use crate::scripted::{Letter, act, mortal, next, rest, run, settle};

#[greenroom::test]
async fn from_one_process_to_another_order_holds_across_all_kinds_of_signal() {
    let received = run(|cx| {
        Box::pin(async move {
            cx.trap_exit(true);
            let me = cx.me();
            let other = act(move |cx| {
                Box::pin(async move {
                    me.a(1);
                    me.exit(Exit::error("one"));
                    me.a(2);
                    // A link that is removed before the end has no effect.
                    cx.link(&me);
                    cx.unlink(&me);
                    me.exit(Exit::Normal);
                    let reply = receive!(match cx {
                        Letter::Ask { reply } => reply,
                    });
                    me.a(3);
                    reply.send(4);
                    receive!(match cx {
                        Letter::Go => {}
                    });
                    me.a(5);
                    cx.link(&me);
                    me.a(6);
                    Err(Exit::error("done"))
                })
            });
            let other = other.spawn();
            cx.monitor(&other);
            let answer = other.ask().await.unwrap();
            // All that was sent before the answer has arrived when the answer has.
            let mut received = rest(cx).await;
            received.push(format!("answer {answer}"));
            other.go();
            settle().await;
            received.extend(rest(cx).await);
            received
        })
    });
    let expected = ["a1", "exit one", "a2", "exit normal", "a3", "answer 4", "a5", "a6", "exit done", "down done"];
    assert_eq!(received.await, expected);
}

#[greenroom::test]
async fn a_monitor_or_link_made_before_a_message_reports_its_consequences() {
    for link in [false, true] {
        let received = run(move |cx| {
            Box::pin(async move {
                cx.trap_exit(true);
                let target = mortal(Exit::error("read")).spawn();
                if link {
                    cx.link(&target);
                } else {
                    cx.monitor(&target);
                }
                target.go();
                settle().await;
                (next(cx).await, next(cx).await)
            })
        });
        let kind = if link { "exit" } else { "down" };
        assert_eq!(received.await, (Some(format!("{kind} read")), None));
    }
}
