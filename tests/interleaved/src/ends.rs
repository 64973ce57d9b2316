//! The end of a process: exit signals against its own way out, watchers, links and names.

use tokio::sync::oneshot;

use crate::checker::{check_on_hasty_node, check_on_node, linger};
use crate::prelude::*;
use crate::scripted::{Letter, LetterRef, Scripted, act, does, mortal, next, run};
use crate::{NameError, Stubbed};

/// A watcher that is also linked, and traps: what it hears over the one and over the other.
async fn hear(cx: &mut Context<Scripted>, victim: &LetterRef, ready: oneshot::Sender<()>) -> (Exit, Exit) {
    cx.trap_exit(true);
    let monitor = cx.monitor(victim);
    cx.link(victim);
    let _ = ready.send(());
    let (mut down, mut exit) = (None, None);
    while down.is_none() || exit.is_none() {
        receive!(match cx {
            Letter::Down(heard) => {
                assert_eq!(heard.monitor, monitor);
                assert!(down.replace(heard.reason).is_none(), "a second `Down`");
            }
            Letter::Exit(heard) => assert!(exit.replace(heard.reason).is_none(), "a second exit"),
        });
    }
    (down.unwrap(), exit.unwrap())
}

/// Two want it dead, and it wants to go by itself: one of them has it, and all hear the same.
pub fn everyone_hears_of_an_end_once_and_for_one_reason() {
    check_on_node(300, |_| async {
        let victim = mortal(Exit::error("own")).spawn();
        let ((ready, set), (late, _)) = (oneshot::channel(), oneshot::channel());
        let (first, second) = (victim.clone(), victim.clone());
        let first = run(|cx| Box::pin(async move { hear(cx, &first, ready).await }));
        set.await.unwrap();
        let second = run(|cx| {
            Box::pin(async move {
                linger().await;
                hear(cx, &second, late).await
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

/// Whatever the process awaits or does when the signal comes, it ends.
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
        linger().await;
        victim.exit(Exit::error("enough"));
        // The first one counts.
        victim.exit(Exit::error("again"));
        assert_eq!(ended.await, Exit::error("enough"));
    });
}

/// The end of what is watched against the end of the watch.
pub fn after_demonitor_no_down_comes() {
    check_on_node(600, |_| async {
        let victim = mortal(Exit::Normal).spawn();
        run(|cx| {
            Box::pin(async move {
                let monitor = cx.monitor(&victim);
                victim.go();
                linger().await;
                cx.demonitor(monitor);
                assert_eq!(next(cx).await, None);
                victim.ended().await;
                assert_eq!(next(cx).await, None, "after the end");
            })
        })
        .await;
    });
}

/// The same, with the watch ended in the very moment in which the `Down` is on its way.
pub fn a_down_is_taken_in_and_told_in_one_step() {
    check_on_node(900, |node| async move {
        let victim = mortal(Exit::Normal).spawn();
        run(move |cx| {
            Box::pin(async move {
                let monitor = cx.monitor(&victim);
                let number = victim.pid().unwrap().number();
                victim.go();
                // Who is in no table any more tells its watchers next.
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

/// A timer that is cancelled in time never fires, any other does once.
pub fn a_timer_fires_or_is_cancelled() {
    check_on_hasty_node(600, |_| async {
        run(|cx| {
            Box::pin(async move {
                let timer = cx.send_after(Duration::from_secs(1), Letter::Go);
                linger().await;
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

/// Whoever hears of the end can have the name.
pub fn a_name_is_free_before_anybody_hears_of_the_end() {
    check_on_node(300, |node| async move {
        let victim = mortal(Exit::error("gone")).spawn();
        LetterRef::register("x", &victim).unwrap();
        let heirs = [false, true].map(|link| {
            let (ready, set) = oneshot::channel();
            let victim = victim.clone();
            let node = node.clone();
            let heir = run(move |cx| {
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
            (heir, set)
        });
        let [(heir, set), (other, also)] = heirs;
        set.await.unwrap();
        also.await.unwrap();
        victim.go();
        let (heir, other) = (heir.await, other.await);
        assert!(heir || other, "the name is somebody else's");
    });
}

/// A name for one who is just dying: in vain, or gone with it.
pub fn no_name_outlives_its_process() {
    check_on_node(600, |node| async move {
        let victim = mortal(Exit::Normal).spawn();
        let ended = victim.ended();
        victim.go();
        linger().await;
        let named = LetterRef::register("x", &victim);
        assert!(matches!(named, Ok(()) | Err(NameError::NoProc)), "{named:?}");
        ended.await;
        assert_eq!(node.named::<LetterRef>("x").pid(), None);
    });
}

/// Once nobody is found by the old name, its bearer may have a new one.
pub fn a_name_is_taken_away_in_one_step() {
    check_on_node(300, |node| async move {
        let bearer = mortal(Exit::Normal).spawn();
        LetterRef::register("x", &bearer).unwrap();
        does(|_| Box::pin(async { LetterRef::unregister("x").unwrap() })).spawn();
        while node.named::<LetterRef>("x").pid().is_some() {
            shuttle::future::yield_now().await;
        }
        assert_eq!(LetterRef::register("y", &bearer), Ok(()));
    });
}

/// One unlinks, the other links anew: both think the same of it afterwards.
pub fn two_are_linked_or_not_and_agree() {
    check_on_node(1200, |_| async {
        let (meet, met) = oneshot::channel::<LetterRef>();
        let (done, over) = oneshot::channel();
        let b = does(|cx| {
            Box::pin(async move {
                cx.trap_exit(true);
                let a = met.await.unwrap();
                linger().await;
                cx.link(&a);
                a.go();
                a.ended().await;
                // Linked, it hears of the end. If not, this is a new link, to a dead process, and is answered.
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
                linger().await;
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
