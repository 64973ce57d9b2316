//! Links: two processes that end together, from `link` to `unlink`.

use greenroom::prelude::*;

use crate::scripted::{Letter, act, idle, mortal, next, rest, run, settle};

#[greenroom::test]
async fn linking_twice_gives_one_exit() {
    let received = run(|cx| {
        Box::pin(async move {
            cx.trap_exit(true);
            let peer = mortal(Exit::error("boom")).spawn();
            cx.link(&peer);
            cx.link(&peer);
            peer.go();
            settle().await;
            rest(cx).await
        })
    });
    assert_eq!(received.await, ["exit boom"]);
}

#[greenroom::test]
async fn a_link_holds_both_ways() {
    for ends_first in [0, 1] {
        let first = idle().spawn();
        let other = first.clone();
        let second = act(move |cx| {
            Box::pin(async move {
                cx.link(&other);
                std::future::pending().await
            })
        })
        .spawn();
        settle().await;
        let ended = [first.ended(), second.ended()];
        [&first, &second][ends_first].exit(Exit::error("boom"));
        for ended in ended {
            assert_eq!(ended.await, Exit::error("boom"));
        }
    }
}

#[greenroom::test]
async fn a_link_to_oneself_has_no_effect() {
    let received = run(|cx| {
        Box::pin(async move {
            cx.trap_exit(true);
            let me = cx.me();
            cx.link(&me);
            cx.unlink(&me);
            cx.link(&me);
            rest(cx).await
        })
    });
    assert_eq!(received.await, [""; 0]);
}

#[greenroom::test]
async fn a_link_to_a_dead_process_is_an_exit_signal_noproc() {
    let received = run(|cx| {
        Box::pin(async move {
            cx.trap_exit(true);
            let dead = idle().spawn();
            dead.stop(Exit::Normal).await;
            cx.link(&dead);
            let from = receive!(match cx {
                Letter::Exit(signal) => (signal.from, signal.reason),
            });
            cx.link(&crate::scripted::LetterRef::named("nobody"));
            (from == (dead.pid().unwrap(), Exit::NoProc), rest(cx).await)
        })
    });
    assert_eq!(received.await, (true, vec!["exit no such process".to_owned()]));

    let dead = idle().spawn();
    dead.stop(Exit::Normal).await;
    let process = act(move |cx| {
        Box::pin(async move {
            cx.link(&dead);
            std::future::pending().await
        })
    });
    assert_eq!(process.spawn().ended().await, Exit::NoProc);
}

#[greenroom::test(expect_crash)]
async fn after_unlink_nothing_arrives() {
    let received = run(|cx| {
        Box::pin(async move {
            cx.trap_exit(true);
            let peer = mortal(Exit::error("boom")).spawn();
            cx.link(&peer);
            cx.unlink(&peer);
            peer.go();
            settle().await;
            rest(cx).await
        })
    });
    assert_eq!(received.await, [""; 0]);
}

#[greenroom::test]
async fn either_side_may_unlink() {
    let peer = idle().spawn();
    let linked = peer.clone();
    let process = act(move |cx| {
        Box::pin(async move {
            cx.link(&linked);
            receive!(match cx {
                Letter::Go => {}
            });
            cx.unlink(&linked);
            Err(Exit::error("boom"))
        })
    })
    .spawn();
    process.go();
    assert_eq!(process.ended().await, Exit::error("boom"));
    settle().await;
    assert!(peer.is_alive());
}

#[greenroom::test]
async fn an_exit_that_is_queued_already_stays_after_unlink() {
    let received = run(|cx| {
        Box::pin(async move {
            cx.trap_exit(true);
            let peer = mortal(Exit::error("boom")).spawn_link(cx);
            peer.go();
            settle().await;
            cx.unlink(&peer);
            rest(cx).await
        })
    });
    assert_eq!(received.await, ["exit boom"]);
}

#[greenroom::test]
async fn a_link_made_anew_after_unlink_counts() {
    let received = run(|cx| {
        Box::pin(async move {
            cx.trap_exit(true);
            let peer = mortal(Exit::error("boom")).spawn();
            for _ in 0..3 {
                cx.link(&peer);
                cx.unlink(&peer);
            }
            cx.link(&peer);
            peer.go();
            settle().await;
            rest(cx).await
        })
    });
    assert_eq!(received.await, ["exit boom"]);
}

#[greenroom::test]
async fn a_crash_passes_through_all_links_up_to_a_process_that_traps() {
    let received = run(|cx| {
        Box::pin(async move {
            cx.trap_exit(true);
            let mut last = mortal(Exit::error("boom")).spawn();
            let first = last.clone();
            for _ in 0..10 {
                let before = last.clone();
                last = act(move |cx| {
                    Box::pin(async move {
                        cx.link(&before);
                        std::future::pending().await
                    })
                })
                .spawn();
            }
            cx.link(&last);
            settle().await;
            first.go();
            let received = receive!(match cx {
                Letter::Exit(signal) => signal,
            });
            (received.reason, Some(received.from) == last.pid(), next(cx).await)
        })
    });
    assert_eq!(received.await, (Exit::error("boom"), true, None));
}

#[greenroom::test]
async fn a_normal_end_leaves_links_alone() {
    let peer = idle().spawn();
    let linked = peer.clone();
    let process = act(move |cx| {
        Box::pin(async move {
            cx.link(&linked);
            Ok(())
        })
    });
    process.spawn().ended().await;
    settle().await;
    assert!(peer.is_alive());
}
