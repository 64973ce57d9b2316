//! Servers: actors made from methods, with hooks for start and end.

use greenroom::prelude::*;

use crate::scripted::{Log, idle, run, settle};

#[actor]
#[derive(Default)]
struct Server {
    log: Log,
    fails_to_start: bool,
    held: Vec<Reply<u32>>,
    watch: Option<MonitorRef>,
}

#[actor]
impl Server {
    #[init]
    async fn open(&mut self) -> Result<(), Exit> {
        self.log.note("init");
        if self.fails_to_start { Err(Exit::error("no port")) } else { Ok(()) }
    }

    #[cast]
    fn note(&mut self, n: u32) {
        self.log.note(n);
    }

    #[cast]
    async fn slow(&mut self) {
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.log.note("slow done");
    }

    #[cast]
    fn fail(&mut self) -> Result<(), std::num::ParseIntError> {
        self.log.note("x".parse::<u32>()?);
        Ok(())
    }

    #[cast]
    fn crash(&mut self) {
        panic!("words");
    }

    #[call]
    fn parse(&self, text: String) -> Result<u32, String> {
        text.parse().map_err(|_| format!("`{text}` is not a number"))
    }

    #[call]
    fn later(&mut self, reply: Reply<u32>) {
        self.held.push(reply);
    }

    #[cast]
    fn answer(&mut self, cx: &mut Context<Self>) {
        let me = cx.me();
        for reply in self.held.drain(..) {
            reply.send(me.pid().map_or(0, |_| 5));
        }
    }

    #[call]
    async fn pick(&mut self, cx: &mut Context<Self>) -> u32 {
        receive!(match cx {
            ServerMessage::Note { n } if n > 10 => n,
        })
    }

    #[cast]
    fn watch(&mut self, cx: &mut Context<Self>, who: crate::scripted::LetterRef) {
        self.watch = Some(cx.monitor(&who));
    }

    #[down]
    fn gone(&mut self, down: Down) {
        self.log.note(format!("down {} {}", Some(down.monitor) == self.watch, down.reason));
    }

    #[terminate]
    fn close(&mut self, reason: &Exit) {
        self.log.note(format!("terminate {reason}"));
    }
}

/// A server that traps exits, since it has a hook for them, and whose `#[terminate]` also runs after a panic.
#[actor]
struct Guarded {
    log: Log,
}

#[actor]
impl Guarded {
    #[cast]
    fn crash(&mut self) {
        panic!("words");
    }

    #[cast]
    async fn block(&mut self) {
        std::future::pending::<()>().await;
    }

    #[exit]
    fn exit_signal(&mut self, signal: ExitSignal) {
        self.log.note(format!("exit {}", signal.reason));
    }

    #[terminate(after_panic)]
    fn close(&mut self, reason: &Exit) {
        let reason = if let Exit::Panic { message, .. } = reason { message.to_string() } else { reason.to_string() };
        self.log.note(format!("terminate {reason}"));
    }
}

fn server(log: &Log) -> Server {
    Server { log: log.clone(), ..Server::default() }
}

#[greenroom::test]
async fn methods_are_messages_in_order() -> greenroom::Result {
    let log = Log::default();
    let server = server(&log).start().await?;
    server.note(1);
    server.slow();
    server.note(2);
    assert_eq!(server.parse("12".into()).await?, Ok(12));
    assert_eq!(server.parse("x".into()).await?, Err("`x` is not a number".into()), "a call's error is its answer");
    assert_eq!(log.take(), ["init", "1", "slow done", "2"]);
    Ok(())
}

#[greenroom::test]
async fn a_call_may_be_answered_later() -> greenroom::Result {
    let server = server(&Log::default()).spawn();
    let (first, second) = (server.later(), server.later());
    assert_eq!(server.parse("1".into()).await?, Ok(1), "others are served meanwhile");
    server.answer();
    assert_eq!((first.await, second.await), (Ok(5), Ok(5)));
    Ok(())
}

#[greenroom::test]
async fn receive_works_in_a_handler_on_the_same_mailbox() -> greenroom::Result {
    let log = Log::default();
    let server = server(&log).start().await?;
    let picked = server.pick();
    for n in [1, 20, 2, 30] {
        server.note(n);
    }
    assert_eq!(picked.await?, 20);
    settle().await;
    assert_eq!(log.take(), ["init", "1", "2", "30"]);
    Ok(())
}

#[greenroom::test]
async fn terminate_runs_on_stop_and_on_an_error_but_not_after_a_panic_or_a_kill() {
    let log = Log::default();
    type End = fn(&ServerRef);
    let ends: [(End, Exit, &[&str]); 6] = [
        (|s| s.exit(Exit::Kill), Exit::Killed, &["init"]),
        (|s| s.exit(Exit::error("boom")), Exit::error("boom"), &["init"]),
        (
            |s| drop(s.fail()),
            Exit::error("invalid digit found in string"),
            &["init", "terminate invalid digit found in string"],
        ),
        (|s| drop(Box::pin(s.stop(Exit::Normal))), Exit::Normal, &["init", "terminate normal"]),
        (|s| drop(Box::pin(s.stop(Exit::shutdown()))), Exit::shutdown(), &["init", "terminate shutdown"]),
        (|s| drop(Box::pin(s.stop(Exit::error("why")))), Exit::error("why"), &["init", "terminate why"]),
    ];
    for (end, reason, expected) in ends {
        let server = server(&log).start().await.expect("it starts");
        let ended = server.ended();
        end(&server);
        assert_eq!(ended.await, reason);
        assert_eq!(log.take(), expected, "{reason}");
    }
    let server = server(&log).start().await.expect("it starts");
    let ended = server.ended();
    server.crash();
    assert!(matches!(ended.await, Exit::Panic { .. }));
    assert_eq!(log.take(), ["init"]);
}

#[greenroom::test]
async fn terminate_after_panic_runs_only_with_the_option() {
    let log = Log::default();
    let guarded = Guarded { log: log.clone() }.spawn();
    let ended = guarded.ended();
    guarded.crash();
    let Exit::Panic { message, .. } = ended.await else { panic!("a panic") };
    assert_eq!((&*message, log.take()), ("words", vec!["terminate words".to_owned()]));
}

#[greenroom::test]
async fn stop_comes_after_the_messages_that_were_sent_before_it_and_before_later_ones() {
    let log = Log::default();
    let server = server(&log).start().await.expect("it starts");
    server.slow();
    settle().await;
    server.note(1);
    let stopped = server.stop(Exit::shutdown());
    server.note(2);
    assert_eq!(stopped.await, Exit::shutdown());
    assert_eq!(log.take(), ["init", "slow done", "1", "terminate shutdown"]);
}

#[greenroom::test]
async fn if_init_fails_start_has_the_reason_and_nothing_else_runs() {
    let log = Log::default();
    let error = Server { fails_to_start: true, ..server(&log) }.start().await.expect_err("it fails");
    assert_eq!(error.reason, Exit::error("no port"));
    assert_eq!(error.to_string(), "cannot start: no port");
    let spawned = Server { fails_to_start: true, ..server(&log) }.spawn();
    assert_eq!(spawned.ended().await, Exit::error("no port"));
    assert_eq!(log.take(), ["init", "init"]);
}

#[greenroom::test]
async fn a_servers_panic_reaches_its_callers() {
    let server = server(&Log::default()).spawn();
    let waiting = server.later();
    server.crash();
    let queued = server.parse("1".into());
    for outcome in [waiting.await.map(drop), queued.await.map(drop)] {
        let Err(CallError { kind: CallErrorKind::Exit(Exit::Panic { message, .. }), .. }) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(&*message, "words");
    }
}

#[greenroom::test]
async fn the_down_hook_receives_the_end_of_a_monitored_process() {
    let log = Log::default();
    let server = server(&log).start().await.expect("it starts");
    let other = idle().spawn();
    server.watch(other.clone());
    settle().await;
    other.stop(Exit::error("boom")).await;
    settle().await;
    assert_eq!(log.take(), ["init", "down true boom"]);
}

#[greenroom::test]
async fn the_exit_hook_receives_other_exits_but_a_parents_exit_stops_the_server() {
    let log = Log::default();
    let notes = log.clone();
    let guarded = run(move |cx| {
        Box::pin(async move {
            let guarded = Guarded { log: notes.clone() }.spawn_link(cx);
            let target = guarded.clone();
            let stranger = crate::scripted::act(move |_| {
                Box::pin(async move {
                    target.exit(Exit::error("stranger"));
                    target.exit(Exit::Normal);
                    Ok(())
                })
            });
            stranger.spawn();
            settle().await;
            assert_eq!(notes.take(), ["exit stranger", "exit normal"]);
            assert!(guarded.is_alive());
            guarded
        })
    })
    .await;
    // A normal exit of the parent stops it too, since it came over the link.
    settle().await;
    assert!(!guarded.is_alive());
    assert_eq!(log.take(), ["terminate normal"]);
}

#[greenroom::test]
async fn nothing_but_a_kill_ends_a_trapping_server_in_the_middle_of_a_message() {
    let log = Log::default();
    let guarded = Guarded { log: log.clone() }.spawn();
    guarded.block();
    settle().await;
    guarded.exit(Exit::error("boom"));
    settle().await;
    assert!(guarded.is_alive());
    let ended = guarded.ended();
    guarded.exit(Exit::Kill);
    assert_eq!(ended.await, Exit::Killed);
    assert_eq!(log.take(), [""; 0]);
}
