//! Scenarios of connections: dials that cross, and a loss that is concurrent with messages, calls and monitors.

use crate::checker::{check_on_two_nodes, yield_at_random};
use crate::prelude::*;
use crate::scripted::{Letter, LetterRef, act, does};

/// A process that answers calls until it ends.
fn answerer() -> crate::scripted::Scripted {
    act(|cx| {
        Box::pin(async move {
            loop {
                receive!(match cx {
                    Letter::Ask { reply } => reply.send(7),
                });
            }
        })
    })
}

fn events(node: &Node) -> (u64, u64) {
    let counters = node.counters();
    (counters.node_ups, counters.node_downs)
}

/// Both nodes dial each other at the same time.
pub fn crossed_dials_leave_one_connection() {
    check_on_two_nodes(60, |[a, b], _| async move {
        let named: LetterRef = b.named_at("answerer", "a@test");
        LetterRef::register("answerer", &a.start(answerer()).await.unwrap()).unwrap();
        assert_eq!(named.ask().forever().await, Ok(7));
        for node in [&a, &b] {
            assert_eq!((node.peers().len(), events(node)), (1, (1, 0)));
        }
    });
}

/// The link is cut at any point of a call and of a monitor.
pub fn a_lost_connection_ends_each_call_and_each_monitor_once() {
    check_on_two_nodes(100, |[a, b], network| async move {
        LetterRef::register("answerer", &b.start(answerer()).await.unwrap()).unwrap();
        let far: LetterRef = a.named_at("answerer", "b@test");
        let (caller, watcher) = (far.clone(), far.clone());
        let calls = a.spawn(does(move |_| {
            Box::pin(async move {
                yield_at_random().await;
                let answer = caller.ask().forever().await;
                assert!(
                    matches!(answer, Ok(7) | Err(CallError { kind: CallErrorKind::NoConnection, .. })),
                    "{answer:?}"
                );
            })
        }));
        let watches = a.spawn(act(move |cx| {
            Box::pin(async move {
                yield_at_random().await;
                let monitor = cx.monitor(&watcher);
                let down = receive!(match cx {
                    Letter::Down(down) => down,
                });
                assert_eq!((down.monitor, down.reason), (monitor, Exit::NoConnection));
                Ok(())
            })
        }));
        let outside = far.ended();
        yield_at_random().await;
        network.cut("host-a", "host-b");
        assert_eq!(outside.await, Exit::NoConnection);
        for process in [calls, watches] {
            let reason = process.ended().await;
            assert!(matches!(reason, Exit::Normal | Exit::NoProc), "{reason:?}");
        }
        // The peer is removed last.
        while !a.peers().is_empty() {
            shuttle::future::yield_now().await;
        }
        assert_eq!(events(&a), (1, 1));
        assert_eq!(far.ask().forever().await, Err(CallErrorKind::NoConnection.into()));
    });
}
