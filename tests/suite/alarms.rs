//! Alarms: raised when a condition begins, cleared when it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use greenroom::{Alarm, AlarmEvent, Node, prelude::*};

use crate::scripted::{Fuse, Letter, does, idle, settle};

/// The events so far: the name of each alarm and whether it was raised or cleared.
async fn events(alarms: &mut greenroom::Alarms) -> Vec<(bool, &'static str)> {
    let mut events = Vec::new();
    loop {
        tokio::select! {
            biased;
            event = alarms.next() => match event {
                Some(AlarmEvent::Raised(alarm)) => events.push((true, alarm.name())),
                Some(AlarmEvent::Cleared(alarm)) => events.push((false, alarm.name())),
                other => panic!("{other:?}"),
            },
            () = settle() => return events,
        }
    }
}

/// A process that takes `Go`, then every waiting `A`.
fn glutton() -> greenroom::Ref<crate::scripted::Scripted> {
    does(|cx| {
        Box::pin(async move {
            receive!(match cx {
                Letter::Go => {}
            });
            loop {
                receive!(match cx {
                    Letter::A { .. } => {}
                });
            }
        })
    })
    .spawn()
}

#[greenroom::test]
async fn a_long_mailbox_is_raised_once_and_cleared_when_it_is_short() {
    let node = Node::current();
    let mut alarms = node.alarms();
    let process = glutton();
    for n in 0..9_999 {
        process.a(n);
    }
    assert_eq!(events(&mut alarms).await, []);
    for n in 0..20_000 {
        process.a(n);
    }
    assert_eq!(events(&mut alarms).await, [(true, "long_mailbox")]);
    let [Alarm::LongMailbox { pid, length, .. }] = &node.raised_alarms()[..] else { panic!() };
    assert_eq!((pid, *length), (&process.pid().unwrap(), 10_000));
    // A late subscriber receives the alarms that are raised.
    assert_eq!(events(&mut node.alarms()).await, [(true, "long_mailbox")]);
    process.go();
    assert_eq!(events(&mut alarms).await, [(false, "long_mailbox")]);
    assert!(node.raised_alarms().is_empty());
    // A second time.
    let process = glutton();
    for n in 0..10_000 {
        process.a(n);
    }
    assert_eq!(events(&mut alarms).await, [(true, "long_mailbox")]);
    process.exit(Exit::kill());
    assert_eq!(events(&mut alarms).await, [(false, "long_mailbox")]);
}

#[greenroom::test]
async fn saved_messages_make_a_mailbox_long_too() {
    let mut alarms = Node::current().alarms();
    let process = glutton();
    for n in 0..100 {
        for n in 0..100 {
            process.a(n);
        }
        // It tests a few at a time and saves them.
        settle().await;
        assert!(n < 99 || process.is_alive());
    }
    assert_eq!(events(&mut alarms).await, [(true, "long_mailbox")]);
}

#[greenroom::test]
async fn a_mailbox_is_long_until_half_of_that_is_left_and_may_become_so_again() {
    let mut alarms = Node::current().alarms();
    // Takes as many `A` as each `B` states.
    let process = does(|cx| {
        Box::pin(async move {
            loop {
                let n = receive!(match cx {
                    Letter::B { n } => n,
                });
                for _ in 0..n {
                    receive!(match cx {
                        Letter::A { .. } => {}
                    });
                }
            }
        })
    })
    .spawn();
    let mut check = async |more: u32, fewer: u32, expected: &[(bool, &'static str)]| {
        // It tests a hundred at a time and saves them.
        for n in 0..more {
            process.a(n);
            if n % 100 == 99 {
                settle().await;
            }
        }
        process.b(fewer);
        assert_eq!(events(&mut alarms).await, expected, "{more} more, then {fewer} fewer");
    };
    let (raised, cleared) = ((true, "long_mailbox"), (false, "long_mailbox"));
    check(9_000, 0, &[]).await;
    check(2_000, 0, &[raised]).await;
    check(1_000, 5_000, &[]).await;
    check(5_000, 4_000, &[]).await;
    check(0, 3_500, &[cleared]).await;
    check(5_000, 0, &[]).await;
    check(1_000, 10_000, &[raised, cleared]).await;
    check(10_000, 0, &[raised]).await;
}

#[greenroom::test]
async fn each_node_has_its_own_long_mailbox_limit() {
    let node = Node::builder("short@test").long_mailbox(3).start().await.unwrap();
    let mut alarms = node.alarms();
    let process = node.spawn(idle());
    process.a(1);
    process.a(2);
    assert_eq!(events(&mut alarms).await, []);
    process.a(3);
    assert_eq!(events(&mut alarms).await, [(true, "long_mailbox")]);
}

#[actor(protocol = Letter, mailbox = 2, overflow = reject)]
struct Narrow;

impl Process for Narrow {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        receive!(match cx {
            Letter::B { .. } => {}
        });
        std::future::pending().await
    }
}

#[greenroom::test]
async fn a_process_stuck_before_a_full_mailbox_raises_an_alarm_until_it_continues() {
    let node = Node::current();
    let mut alarms = node.alarms();
    let narrow = Narrow.spawn();
    narrow.a(1);
    narrow.a(2);
    assert_eq!(events(&mut alarms).await, [(true, "stuck_mailbox")]);
    let [Alarm::StuckMailbox { at: Some(at), .. }] = &node.raised_alarms()[..] else { panic!() };
    assert_eq!(at.file, file!());
    // A wanted message is admitted to a full mailbox.
    narrow.b(1);
    assert_eq!(events(&mut alarms).await, [(false, "stuck_mailbox")]);
    let narrow = Narrow.spawn();
    narrow.a(1);
    narrow.a(2);
    assert_eq!(events(&mut alarms).await, [(true, "stuck_mailbox")]);
    narrow.exit(Exit::kill());
    assert_eq!(events(&mut alarms).await, [(false, "stuck_mailbox")]);
}

#[supervisor(intensity = 100, period = "1s")]
struct Fuses {
    #[child]
    fuse: Fuse,
}

#[greenroom::test]
async fn repeated_crashes_of_a_child_raise_the_restart_storm_alarm() {
    let node = Node::current();
    let mut alarms = node.alarms();
    let tree = Fuses {}.start().await.unwrap();
    for crash in 1..=7 {
        tree.fuse().go();
        settle().await;
        let raised = node.raised_alarms();
        match &raised[..] {
            [] => assert!(crash < 5, "{crash}"),
            [Alarm::RestartStorm { child, restarts, .. }] => assert_eq!((&**child, *restarts), ("fuse", crash)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(events(&mut alarms).await, [(true, "restart_storm")]);
    tokio::time::sleep(Duration::from_secs(121)).await;
    assert_eq!(events(&mut alarms).await, [(false, "restart_storm")]);
}

/// Ends a loop when it is dropped.
struct ReleaseOnDrop(Arc<AtomicBool>);

impl Drop for ReleaseOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// On real threads. The loop runs until the watchdog reports it, so no time is measured.
#[test]
fn a_loop_that_never_awaits_is_found_while_it_runs() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let node = Node::local();
        let mut alarms = node.alarms();
        let found = Arc::new(AtomicBool::new(false));
        let go_on = Arc::clone(&found);
        // Ends the loop if an assertion fails, which would else hang the test.
        let _release = ReleaseOnDrop(Arc::clone(&found));
        let process = node.spawn(does(|cx| {
            Box::pin(async move {
                receive!(match cx {
                    Letter::Go => {}
                });
                while !go_on.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
                cx.receive().await;
            })
        }));
        process.go();
        let Some(AlarmEvent::Raised(Alarm::LongSchedule { pid, kind, took, after, .. })) = alarms.next().await else {
            panic!("something else came first");
        };
        assert_eq!((Some(pid.clone()), &*kind), (process.pid(), "Scripted"));
        assert!(took >= Duration::from_millis(10), "{took:?}");
        assert_eq!(after.map(|place| place.file.into_owned()).as_deref(), Some(file!()));
        assert_eq!(node.process_info(&pid).unwrap().state, greenroom::ProcessState::Running);
        found.store(true, Ordering::Relaxed);
        let Some(AlarmEvent::Cleared(Alarm::LongSchedule { took: all, .. })) = alarms.next().await else {
            panic!("it is over");
        };
        assert!(all >= took);
        node.stop().await;
    });
}
