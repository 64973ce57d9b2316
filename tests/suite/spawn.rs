//! Starting processes: linked or monitored atomically, and the errors that the caller receives.

use greenroom::{StartError, prelude::*};

use crate::scripted::{Letter, LetterRef, Log, act, idle, rest, run, settle};

/// A process whose `init` follows a setting.
#[actor(protocol = Letter)]
struct Beginner {
    init: Init,
    log: Log,
}

#[derive(Clone, Copy, Debug)]
enum Init {
    Works,
    Fails,
    Panics,
    IsKilled,
    TakesTime,
}

impl Process for Beginner {
    async fn init(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        LetterRef::register("beginner", &cx.me())?;
        self.log.note("init");
        match self.init {
            Init::Works => {}
            Init::Fails => return Err(Exit::error("no port")),
            Init::Panics => panic!("no luck"),
            Init::IsKilled => cx.me().exit(Exit::Kill),
            Init::TakesTime => tokio::time::sleep(Duration::from_secs(60)).await,
        }
        tokio::task::yield_now().await;
        self.log.note("ready");
        Ok(())
    }

    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        self.log.note("run");
        receive!(match cx {
            Letter::Go => Ok(()),
        })
    }
}

fn beginner(init: Init, log: &Log) -> Beginner {
    Beginner { init, log: log.clone() }
}

#[greenroom::test]
async fn spawn_returns_before_the_process_runs_and_start_after_its_init() {
    for init in [Init::Works, Init::TakesTime] {
        let log = Log::default();
        let spawned = beginner(init, &log).spawn();
        assert!(spawned.is_alive());
        log.note("spawned");
        spawned.go();
        spawned.ended().await;
        assert_eq!(log.take(), ["spawned", "init", "ready", "run"]);
        let started = beginner(init, &log).start().await.expect("it starts");
        assert!(log.take().starts_with(&["init".into(), "ready".into()]));
        started.go();
        assert_eq!(started.ended().await, Exit::Normal);
    }
}

#[greenroom::test]
async fn if_init_fails_start_returns_its_reason_and_the_process_is_gone() {
    let log = Log::default();
    for (init, check) in [(Init::Fails, "no port"), (Init::Panics, "no luck"), (Init::IsKilled, "killed")] {
        let Err(StartError { child, reason, .. }) = beginner(init, &log).start().await else {
            panic!("{init:?} started")
        };
        assert!(reason.to_string().contains(check), "{reason}");
        assert_eq!(child, "");
        // A second attempt finds the name free.
        assert_eq!(LetterRef::named("beginner").pid(), None);
        assert_eq!(log.take(), ["init"]);
    }
    assert!(beginner(Init::Works, &log).start().await.is_ok());
}

#[greenroom::test]
async fn if_init_fails_a_linked_starter_receives_an_exit_signal() {
    let outcome = run(|cx| {
        Box::pin(async move {
            cx.trap_exit(true);
            let error = beginner(Init::Fails, &Log::default()).start_link(cx).await.expect_err("it fails");
            (error.reason, rest(cx).await)
        })
    });
    assert_eq!(outcome.await, (Exit::error("no port"), vec!["exit no port".to_owned()]));

    let starter = act(|cx| {
        Box::pin(async move {
            let _ = beginner(Init::Fails, &Log::default()).start_link(cx).await;
            Ok(())
        })
    });
    assert_eq!(starter.spawn().ended().await, Exit::error("no port"));
}

#[greenroom::test]
async fn a_linked_process_ends_with_its_starter() {
    let log = Log::default();
    let notes = log.clone();
    let starter = act(move |cx| {
        Box::pin(async move {
            beginner(Init::Works, &notes).start_link(cx).await.expect("it starts");
            Err(Exit::error("boom"))
        })
    });
    assert_eq!(starter.spawn().ended().await, Exit::error("boom"));
    settle().await;
    assert_eq!(LetterRef::named("beginner").pid(), None);
}

#[greenroom::test]
async fn a_link_is_atomic_with_the_spawn() {
    // The parent ends before its child's first poll: the child never runs.
    let log = Log::default();
    let notes = log.clone();
    let parent = act(move |cx| {
        Box::pin(async move {
            beginner(Init::Works, &notes).spawn_link(cx);
            Err(Exit::error("boom"))
        })
    });
    parent.spawn().ended().await;
    settle().await;
    assert_eq!(log.take(), [""; 0]);
}

#[greenroom::test]
async fn a_monitor_is_atomic_with_the_spawn() {
    let received = run(|cx| {
        Box::pin(async move {
            let (child, monitor) = act(|_| Box::pin(async { panic!("at once") })).spawn_monitor(cx);
            let down = receive!(match cx {
                Letter::Down(down) => down,
            });
            assert_eq!(down.target, greenroom::Subject::Pid(child.pid().unwrap()));
            (down.monitor == monitor, matches!(down.reason, Exit::Panic { .. }), rest(cx).await)
        })
    });
    assert_eq!(received.await, (true, true, vec![]));
}

#[greenroom::test]
async fn a_process_killed_before_its_first_poll_never_runs() {
    let log = Log::default();
    let process = beginner(Init::Works, &log).spawn();
    let ended = process.ended();
    process.exit(Exit::Kill);
    assert_eq!(ended.await, Exit::Killed);
    assert_eq!(log.take(), [""; 0]);
}

#[greenroom::test]
async fn messages_that_come_during_init_wait() {
    let log = Log::default();
    let process = beginner(Init::TakesTime, &log).spawn();
    process.go();
    assert_eq!(process.ended().await, Exit::Normal);
    assert_eq!(log.take(), ["init", "ready", "run"]);
}

#[greenroom::test]
async fn a_function_is_a_process_too() {
    let process = greenroom::spawn(|mut mailbox: Mailbox<Letter>| async move {
        let me = mailbox.me();
        mailbox.trap_exit(true);
        let other = idle().spawn();
        mailbox.link(&other);
        let monitor = mailbox.monitor(&other);
        other.exit(Exit::error("boom"));
        let first = receive!(match mailbox {
            Letter::Exit(signal) => signal.reason,
        });
        assert!(!mailbox.demonitor(monitor), "it has fired");
        assert!(me.is_alive() && mailbox.pid() == &me.pid().unwrap());
        receive!(match mailbox {
            Letter::Down(_) => panic!("it was taken out"),
            after!(Duration::from_secs(1)) => Err::<(), _>(first),
        })
    });
    assert_eq!(process.ended().await, Exit::error("boom"));
}

#[greenroom::test]
async fn a_panic_before_the_first_await_of_a_closure_is_the_processs_own() {
    let process = greenroom::spawn(|mailbox: Mailbox<Letter>| {
        assert!(mailbox.pid().number() == 0, "before the first await");
        async {}
    });
    let Exit::Panic { message, .. } = process.ended().await else { panic!("a panic") };
    assert_eq!(&*message, "before the first await");
}
