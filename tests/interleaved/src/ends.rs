//! Scenarios of a process's end, concurrent with exit signals, monitors, links and names.

use tokio::sync::oneshot;

use crate::checker::{check_on_node, check_on_random_clock, yield_at_random};
use crate::prelude::*;
use crate::scripted::{Letter, LetterRef, Scripted, act, does, mortal, next, run};
use crate::{NameError, Stubbed};

/// Monitors and links a process, and returns the reasons of the `Down` message and of the exit signal.
async fn watch(cx: &mut Context<Scripted>, victim: &LetterRef, ready: oneshot::Sender<()>) -> (Exit, Exit) {
    cx.trap_exit(true);
    let monitor = cx.monitor(victim);
    cx.link(victim);
    let _ = ready.send(());
    let (mut down, mut exit) = (None, None);
    while down.is_none() || exit.is_none() {
        receive!(match cx {
            Letter::Down(received) => {
                assert_eq!(received.monitor, monitor);
                assert!(down.replace(received.reason).is_none(), "a second `Down`");
            }
            Letter::Exit(received) => assert!(exit.replace(received.reason).is_none(), "a second exit"),
        });
    }
    (down.unwrap(), exit.unwrap())
}

/// Two exit signals are concurrent with a return. One of the three sets the reason, and all watchers receive it.
pub fn all_watchers_receive_an_end_once_with_one_reason() {
    check_on_node(300, |_| async {
        let victim = mortal(Exit::error("own")).spawn();
        let ((ready, set), (late, _)) = (oneshot::channel(), oneshot::channel());
        let (first, second) = (victim.clone(), victim.clone());
        let first = run(|cx| Box::pin(async move { watch(cx, &first, ready).await }));
        set.await.unwrap();
        let second = run(|cx| {
            Box::pin(async move {
                yield_at_random().await;
                watch(cx, &second, late).await
            })
        });
        for reason in ["one", "two"] {
            let victim = victim.clone();
            does(move |_| Box::pin(async move { victim.exit(Exit::error(reason)) })).spawn();
        }
        victim.go();
        let (down, exit) = first.await;
        assert!(["own", "one", "two"].map(Exit::error).contains(&down), "{down}");
        assert_eq!(down, exit);
        assert!(!victim.is_alive());
        let late = second.await;
        for late in [late.0, late.1] {
            assert!(late == down || late == Exit::NoProc, "{late} instead of {down}");
        }
        assert_eq!(victim.ended().await, down);
    });
}

/// An exit signal ends a process at any point of its execution.
pub fn an_exit_signal_always_wakes() {
    check_on_node(600, |_| async {
        let victim = act(|cx| {
            Box::pin(async move {
                loop {
                    receive!(match cx {
                        Letter::Go => {}
                    });
                }
            })
        })
        .spawn();
        let other = victim.clone();
        does(move |_| Box::pin(async move { drop(other.go()) })).spawn();
        let ended = victim.ended();
        yield_at_random().await;
        victim.exit(Exit::error("first"));
        // The first reason counts.
        victim.exit(Exit::error("second"));
        assert_eq!(ended.await, Exit::error("first"));
    });
}

/// The end of a process is concurrent with the removal of its monitor.
pub fn after_demonitor_no_down_comes() {
    check_on_node(600, |_| async {
        let victim = mortal(Exit::Normal).spawn();
        run(|cx| {
            Box::pin(async move {
                let monitor = cx.monitor(&victim);
                victim.go();
                yield_at_random().await;
                cx.demonitor(monitor);
                assert_eq!(next(cx).await, None);
                victim.ended().await;
                assert_eq!(next(cx).await, None, "after the end");
            })
        })
        .await;
    });
}

/// A monitor is removed while the monitored process, already out of the process table, sends its `Down`.
pub fn a_monitor_is_removed_and_its_down_sent_in_one_step() {
    check_on_node(900, |node| async move {
        let victim = mortal(Exit::Normal).spawn();
        run(move |cx| {
            Box::pin(async move {
                let monitor = cx.monitor(&victim);
                let number = victim.pid().unwrap().number();
                victim.go();
                // A process notifies its watchers after its removal from the table.
                while node.table().get(number).is_some() {
                    shuttle::future::yield_now().await;
                }
                cx.demonitor(monitor);
                for _ in 0..60 {
                    assert_eq!(next(cx).await, None);
                    shuttle::future::yield_now().await;
                }
            })
        })
        .await;
    });
}

/// A timer that is cancelled in time never fires. Any other timer fires once.
pub fn a_timer_fires_or_is_cancelled() {
    check_on_random_clock(600, |_| async {
        run(|cx| {
            Box::pin(async move {
                let timer = cx.send_after(Duration::from_secs(1), Letter::Go);
                yield_at_random().await;
                if !timer.cancel() {
                    receive!(match cx {
                        Letter::Go => {}
                    });
                }
                for _ in 0..30 {
                    assert_eq!(next(cx).await, None);
                    shuttle::future::yield_now().await;
                }
            })
        })
        .await;
    });
}

/// A watcher that has received the end of a process can register its name.
pub fn a_name_is_free_before_watchers_receive_the_end() {
    check_on_node(300, |node| async move {
        let victim = mortal(Exit::error("failed")).spawn();
        LetterRef::register("x", &victim).unwrap();
        let watchers = [false, true].map(|link| {
            let (ready, set) = oneshot::channel();
            let victim = victim.clone();
            let node = node.clone();
            let watcher = run(move |cx| {
                Box::pin(async move {
                    cx.trap_exit(true);
                    if link {
                        cx.link(&victim);
                    } else {
                        cx.monitor(&victim);
                    }
                    let _ = ready.send(());
                    receive!(match cx {
                        Letter::Down(_) | Letter::Exit(_) => {}
                    });
                    assert!(!victim.is_alive());
                    assert!(node.named::<LetterRef>("x").pid().is_none_or(|pid| pid != victim.pid().unwrap()));
                    LetterRef::register("x", &cx.me()).is_ok()
                })
            });
            (watcher, set)
        });
        let [(first, set), (second, also)] = watchers;
        set.await.unwrap();
        also.await.unwrap();
        victim.go();
        let (first, second) = (first.await, second.await);
        assert!(first || second, "neither watcher could register the name");
    });
}

/// A registration is concurrent with the end of the process: it fails, or the end removes the name.
pub fn no_name_outlives_its_process() {
    check_on_node(600, |node| async move {
        let victim = mortal(Exit::Normal).spawn();
        let ended = victim.ended();
        victim.go();
        yield_at_random().await;
        let named = LetterRef::register("x", &victim);
        assert!(matches!(named, Ok(()) | Err(NameError::NoProc)), "{named:?}");
        ended.await;
        assert_eq!(node.named::<LetterRef>("x").pid(), None);
    });
}

/// When a name no longer leads to its process, the process can have another name.
pub fn a_name_is_removed_in_one_step() {
    check_on_node(300, |node| async move {
        let named = mortal(Exit::Normal).spawn();
        LetterRef::register("x", &named).unwrap();
        does(|_| Box::pin(async { LetterRef::unregister("x").unwrap() })).spawn();
        while node.named::<LetterRef>("x").pid().is_some() {
            shuttle::future::yield_now().await;
        }
        assert_eq!(LetterRef::register("y", &named), Ok(()));
    });
}

/// One process unlinks while the other links. Both agree on the result.
pub fn two_are_linked_or_not_and_agree() {
    check_on_node(1200, |_| async {
        let (meet, met) = oneshot::channel::<LetterRef>();
        let (done, over) = oneshot::channel();
        let b = does(|cx| {
            Box::pin(async move {
                cx.trap_exit(true);
                let a = met.await.unwrap();
                yield_at_random().await;
                cx.link(&a);
                a.go();
                a.ended().await;
                // If they are linked, the exit signal arrives. Otherwise this is a new link to a process that has ended,
                // which sends an exit signal as well.
                cx.link(&a);
                receive!(match cx {
                    Letter::Exit(_) => {}
                });
                let _ = done.send(());
            })
        })
        .spawn();
        does(move |cx| {
            Box::pin(async move {
                cx.trap_exit(true);
                let _ = meet.send(cx.me());
                cx.link(&b);
                yield_at_random().await;
                cx.unlink(&b);
                receive!(match cx {
                    Letter::Go => {}
                });
            })
        })
        .spawn();
        over.await.unwrap();
    });
}
