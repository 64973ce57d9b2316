//! Calls: the answer, the caller's leaving and the callee's end, all at once.

use crate::checker::{check_on_hasty_node, check_on_node, linger};
use crate::prelude::*;
use crate::scripted::{Letter, LetterRef, act, does, idle};

/// A process that answers its first question, from another one: the reply is passed on.
fn secretary() -> LetterRef {
    act(|cx| {
        Box::pin(async move {
            let reply = receive!(match cx {
                Letter::Ask { reply } => reply,
            });
            does(move |_| Box::pin(async move { reply.send(7) })).spawn();
            std::future::pending().await
        })
    })
    .spawn()
}

/// The answer against the caller's going to sleep.
pub fn an_answer_wakes_its_caller() {
    check_on_node(600, |_| async {
        assert_eq!(secretary().ask().forever().await, Ok(7));
    });
}

/// The answer against the caller's patience.
pub fn a_call_is_answered_or_times_out() {
    check_on_hasty_node(600, |_| async {
        let answer = secretary().ask().within(Duration::from_secs(1)).await;
        assert!(matches!(answer, Ok(7) | Err(CallError::Timeout)), "{answer:?}");
    });
}

/// The answer against the caller's change of mind: it vanishes, and does no harm.
pub fn a_dropped_call_disturbs_nobody() {
    check_on_node(600, |_| async {
        let callee = act(|cx| {
            Box::pin(async move {
                loop {
                    receive!(match cx {
                        Letter::Ask { reply } =>
                            if reply.is_awaited() {
                                reply.send(1);
                            },
                    });
                }
            })
        })
        .spawn();
        let first = callee.ask().forever();
        linger().await;
        drop(first);
        assert_eq!(callee.ask().forever().await, Ok(1));
    });
}

/// The callee's end against the question, the answer and the reply's being dropped.
pub fn a_call_hears_why_its_callee_ended() {
    check_on_node(900, |_| async {
        let callee = act(|cx| {
            Box::pin(async move {
                let mut kept = Vec::new();
                loop {
                    receive!(match cx {
                        Letter::Ask { reply } if kept.is_empty() => kept.push(reply),
                    });
                }
            })
        })
        .spawn();
        let killer = callee.clone();
        does(move |_| {
            Box::pin(async move {
                linger().await;
                killer.exit(Exit::error("boom"));
            })
        })
        .spawn();
        // One is kept, one waits in the mailbox.
        let (kept, waiting) = (callee.ask().forever(), callee.ask().forever());
        for answer in [kept.await, waiting.await] {
            assert!(
                answer == Err(CallError::Exit(Exit::error("boom"))) || answer == Err(CallError::NoProc),
                "{answer:?}"
            );
        }
    });
}

/// A living process that drops a reply against the caller.
pub fn a_dropped_reply_is_told() {
    check_on_node(600, |_| async {
        let callee = act(|cx| {
            Box::pin(async move {
                receive!(match cx {
                    Letter::Ask { reply } => drop(reply),
                });
                std::future::pending().await
            })
        })
        .spawn();
        assert_eq!(callee.ask().forever().await, Err(CallError::Dropped));
    });
}

#[actor]
struct Till {
    sum: u32,
}

#[actor]
impl Till {
    #[cast]
    fn add(&mut self, n: u32) {
        self.sum += n;
    }

    #[call]
    fn sum(&self) -> u32 {
        self.sum
    }
}

/// A server stops between two messages, and whoever called hears of it.
pub fn a_server_that_is_stopped_leaves_no_caller_behind() {
    check_on_node(450, |_| async {
        let till = Till { sum: 0 }.spawn();
        let (stopper, adder) = (till.clone(), till.clone());
        does(move |_| Box::pin(async move { drop(stopper.stop(Exit::shutdown()).await) })).spawn();
        does(move |_| Box::pin(async move { drop(adder.add(1)) })).spawn();
        for call in [till.sum().forever(), till.sum().forever()] {
            let answer = call.await;
            assert!(
                matches!(&answer, Ok(0 | 1) | Err(CallError::NoProc))
                    || answer == Err(CallError::Exit(Exit::shutdown())),
                "{answer:?}"
            );
        }
        let idler = idle().spawn();
        idler.stop(Exit::Normal).await;
        assert!(!idler.is_alive());
    });
}
