//! Blocking code: on threads of its own, and always over before its process is.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};

use greenroom::{NameError, Task, prelude::*};
use tokio::sync::oneshot;

use crate::scripted::{LetterRef, act, idle, run};

/// Lets all processes run. The paused clock does not advance while blocking code runs.
async fn turns() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

async fn is_pending(future: &mut (impl Future + Unpin)) -> bool {
    let mut future = pin!(future);
    std::future::poll_fn(|cx| std::task::Poll::Ready(future.as_mut().poll(cx).is_pending())).await
}

#[greenroom::test]
async fn blocking_code_returns_a_value_and_delays_no_process() {
    let (go, gate) = mpsc::channel();
    let diver = run(move |cx| {
        Box::pin(async move {
            let word = String::from("pearl");
            let node = cx.node().id().clone();
            let found = cx.blocking(move || {
                assert_eq!(Node::current().id(), &node);
                gate.recv().map(|()| word)
            });
            found.await.unwrap()
        })
    });
    // The process waits for this.
    let helper = run(move |_| Box::pin(async move { go.send(()).unwrap() }));
    helper.await;
    assert_eq!(diver.await, "pearl");
}

#[greenroom::test]
async fn a_panic_in_blocking_code_is_the_processs_own() {
    let process = act(|cx| {
        Box::pin(async move {
            cx.blocking(|| panic!("no air")).await;
            Ok(())
        })
    });
    let Exit::Panic { message, location, .. } = process.spawn().ended().await else { panic!("a panic") };
    assert_eq!(&*message, "no air");
    assert!(location.contains("blocking.rs"), "{location}");
}

#[greenroom::test]
async fn a_panic_in_unawaited_blocking_code_ends_the_process() {
    // The future is dropped before the panic or after it.
    for early in [true, false] {
        let process = act(move |cx| {
            Box::pin(async move {
                let (go, gate) = mpsc::channel::<()>();
                let mut dive = Some(cx.blocking(move || {
                    let _ = gate.recv();
                    panic!("no air")
                }));
                if early {
                    dive = None;
                }
                drop(go);
                // Gives the panic time to happen.
                for _ in 0..100 {
                    cx.blocking(std::thread::yield_now).await;
                }
                drop::<Option<greenroom::Blocking<()>>>(dive);
                std::future::pending().await
            })
        });
        assert!(matches!(process.spawn().ended().await, Exit::Panic { .. }));
    }
}

#[greenroom::test]
async fn a_process_ends_after_its_blocking_code_has_returned() {
    for reason in [Exit::Killed, Exit::error("enough"), Exit::error("returned")] {
        let (begun, has_begun) = oneshot::channel();
        let (go, gate) = mpsc::channel::<()>();
        let diver = act(move |cx| {
            Box::pin(async move {
                LetterRef::register("diver", &cx.me())?;
                let dive = cx.blocking(move || {
                    begun.send(()).unwrap();
                    gate.recv().unwrap();
                });
                cx.receive().await;
                drop(dive);
                Err(Exit::error("returned"))
            })
        })
        .spawn();
        has_begun.await.unwrap();
        let mut ended = pin!(diver.ended());
        match &reason {
            Exit::Killed => diver.exit(Exit::Kill),
            reason if *reason == Exit::error("enough") => diver.exit(reason.clone()),
            _ => drop(diver.go()),
        }
        turns().await;
        assert!(!diver.is_alive());
        assert!(is_pending(&mut ended).await, "{reason}");
        let taken = LetterRef::register("diver", &idle().spawn());
        assert_eq!(taken, Err(NameError::Taken("diver".into())));
        go.send(()).unwrap();
        assert_eq!(ended.await, reason);
        assert_eq!(LetterRef::named("diver").pid(), None);
    }
}

#[greenroom::test]
async fn a_link_fires_after_blocking_code_has_returned() {
    let (begun, has_begun) = oneshot::channel();
    let (go, gate) = mpsc::channel::<()>();
    let diver = act(move |cx| {
        Box::pin(async move {
            cx.blocking(move || {
                begun.send(()).unwrap();
                gate.recv().unwrap();
            })
            .await;
            Ok(())
        })
    })
    .spawn();
    let mate = diver.clone();
    let mate = act(move |cx| {
        Box::pin(async move {
            cx.link(&mate);
            std::future::pending().await
        })
    })
    .spawn();
    has_begun.await.unwrap();
    diver.exit(Exit::Kill);
    turns().await;
    assert!(mate.is_alive());
    go.send(()).unwrap();
    assert_eq!(mate.ended().await, Exit::Killed);
}

#[greenroom::test]
async fn a_reply_dropped_by_blocking_code_fails_with_the_reason() {
    let callee = act(|cx| {
        Box::pin(async move {
            receive!(match cx {
                crate::scripted::Letter::Ask { reply } => cx.blocking(move || drop(reply)).await,
            });
            std::future::pending().await
        })
    });
    assert_eq!(callee.spawn().ask().await, Err(CallErrorKind::Dropped.into()));
}

/// A spawner with tokio's tasks and the default threads for blocking code.
struct Plain(tokio::runtime::Handle);

impl greenroom::Spawner for Plain {
    fn spawn(&self, task: Task) {
        self.0.spawn(task);
    }
}

/// The real clock.
struct Real;

impl greenroom::Clock for Real {
    fn now(&self) -> std::time::Instant {
        std::time::Instant::now()
    }

    fn sleep_until(&self, at: std::time::Instant) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep_until(at.into()))
    }
}

#[test]
fn a_custom_spawner_runs_blocking_code_on_a_thread() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let is_apart = Arc::new(AtomicBool::new(false));
    let on_other_thread = Arc::clone(&is_apart);
    runtime.block_on(async move {
        let node = Node::local_on(Plain(tokio::runtime::Handle::current()), Real);
        let here = std::thread::current().id();
        let process = act(move |cx| {
            Box::pin(async move {
                let there = cx.blocking(|| std::thread::current().id()).await;
                on_other_thread.store(there != here, Ordering::Relaxed);
                Ok(())
            })
        });
        assert_eq!(node.spawn(process).ended().await, Exit::Normal);
        node.stop().await;
    });
    assert!(is_apart.load(Ordering::Relaxed));
}
