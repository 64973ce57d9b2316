//! Scenarios of calls: the answer is concurrent with the caller's timeout or drop, or with the callee's end.

use crate::checker::{check_on_node, check_on_random_clock, yield_at_random};
use crate::prelude::*;
use crate::scripted::{Letter, LetterRef, act, does, idle};

/// A process that passes the reply of its first call on to another process, which answers.
fn forwarder() -> LetterRef {
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

/// The answer is concurrent with the start of the caller's wait.
pub fn an_answer_wakes_its_caller() {
    check_on_node(600, |_| async {
        assert_eq!(forwarder().ask().forever().await, Ok(7));
    });
}

/// The answer is concurrent with the caller's timeout.
pub fn a_call_is_answered_or_times_out() {
    check_on_random_clock(600, |_| async {
        let answer = forwarder().ask().within(Duration::from_secs(1)).await;
        assert!(matches!(answer, Ok(7) | Err(CallError { kind: CallErrorKind::Timeout, .. })), "{answer:?}");
    });
}

/// The answer is concurrent with the drop of the call: the answer is discarded, and later calls work.
pub fn a_dropped_call_has_no_effect_on_later_calls() {
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
        yield_at_random().await;
        drop(first);
        assert_eq!(callee.ask().forever().await, Ok(1));
    });
}

/// The callee's end is concurrent with a call whose reply it holds, and with one in its mailbox.
pub fn a_call_fails_with_the_reason_of_its_callees_end() {
    check_on_node(900, |_| async {
        let callee = act(|cx| {
            Box::pin(async move {
                let mut held = Vec::new();
                loop {
                    receive!(match cx {
                        Letter::Ask { reply } if held.is_empty() => held.push(reply),
                    });
                }
            })
        })
        .spawn();
        let killer = callee.clone();
        does(move |_| {
            Box::pin(async move {
                yield_at_random().await;
                killer.exit(Exit::error("boom"));
            })
        })
        .spawn();
        // The callee holds one reply, and the other call waits in the mailbox.
        let (held, waiting) = (callee.ask().forever(), callee.ask().forever());
        for answer in [held.await, waiting.await] {
            assert!(
                answer == Err(CallErrorKind::Exit(Exit::error("boom")).into())
                    || answer == Err(CallErrorKind::NoProc.into()),
                "{answer:?}"
            );
        }
    });
}

/// A running process drops a reply while its caller starts to wait.
pub fn a_dropped_reply_fails_the_call() {
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
        assert_eq!(callee.ask().forever().await, Err(CallErrorKind::Dropped.into()));
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

/// A server stops between two messages: each call is answered or fails.
pub fn a_stopped_server_leaves_no_caller_waiting() {
    check_on_node(450, |_| async {
        let till = Till { sum: 0 }.spawn();
        let (stopper, adder) = (till.clone(), till.clone());
        does(move |_| Box::pin(async move { drop(stopper.stop(Exit::shutdown()).await) })).spawn();
        does(move |_| Box::pin(async move { drop(adder.add(1)) })).spawn();
        for call in [till.sum().forever(), till.sum().forever()] {
            let answer = call.await;
            assert!(
                matches!(&answer, Ok(0 | 1) | Err(CallError { kind: CallErrorKind::NoProc, .. }))
                    || answer == Err(CallErrorKind::Exit(Exit::shutdown()).into()),
                "{answer:?}"
            );
        }
        let idler = idle().spawn();
        idler.stop(Exit::Normal).await;
        assert!(!idler.is_alive());
    });
}
