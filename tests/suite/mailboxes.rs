//! Processes from closures: everything that an actor can do.

use greenroom::{StartError, prelude::*};

use crate::scripted::{Letter, idle, mortal, rest, run};

#[protocol(local)]
enum Note {
    Tick,
    #[from]
    Down(Down),
    #[from]
    Exit(ExitSignal),
    #[from]
    Node(NodeEvent),
}

#[greenroom::test]
async fn a_function_spawns_linked_and_watched_and_starts_so_too() {
    let process = greenroom::spawn(|mut mailbox: Mailbox<Note>| async move {
        mailbox.trap_exit(true);
        let linked =
            [mortal(Exit::error("a")).spawn_link(&mailbox), mortal(Exit::error("b")).start_link(&mailbox).await?];
        let (first, a) = mortal(Exit::error("c")).spawn_monitor(&mailbox);
        let (second, b) = mortal(Exit::error("d")).start_monitor(&mut mailbox).await?;
        for (stub, reason) in linked.iter().zip(["a", "b"]) {
            stub.go();
            receive!(match mailbox {
                Note::Exit(signal) => assert_eq!(signal.reason, Exit::error(reason)),
            });
        }
        for (stub, monitor) in [(first, a), (second, b)] {
            stub.go();
            receive!(match mailbox {
                Note::Down(down) => assert_eq!(down.monitor, monitor),
            });
        }
        Ok::<_, Exit>(())
    });
    assert_eq!(process.ended().await, Exit::Normal);
}

#[greenroom::test]
async fn a_function_has_timers_and_watches_nodes() {
    let process = greenroom::spawn(|mut mailbox: Mailbox<Note>| async move {
        mailbox.watch_nodes(true);
        mailbox.watch_nodes(false);
        let begin = mailbox.now();
        let timer = mailbox.send_after(Duration::from_secs(1), Note::Tick);
        mailbox.send_after(Duration::from_secs(2), Note::Tick);
        assert!(timer.cancel());
        receive!(match mailbox {
            Note::Tick => assert_eq!((mailbox.now() - begin).as_secs(), 2),
            Note::Node(event) => panic!("{event:?}"),
        });
    });
    assert_eq!(process.ended().await, Exit::Normal);
}

#[greenroom::test]
async fn a_function_may_leave_a_queued_down_where_it_is() {
    let process = greenroom::spawn(|mut mailbox: Mailbox<Note>| async move {
        let other = idle().spawn();
        let monitor = mailbox.monitor(&other);
        other.exit(Exit::error("boom"));
        other.ended().await;
        assert!(!mailbox.demonitor_only(monitor));
        receive!(match mailbox {
            Note::Down(down) => assert_eq!(down.reason, Exit::error("boom")),
            after!(Duration::ZERO) => panic!("it was taken out"),
        });
    });
    assert_eq!(process.ended().await, Exit::Normal);
}

/// A process whose `init` fails on request.
#[actor(protocol = Letter)]
struct Starter(bool);

impl Process for Starter {
    async fn init(&mut self, _: &mut Context<Self>) -> Result<(), Exit> {
        tokio::task::yield_now().await;
        if self.0 { Err(Exit::error("no port")) } else { Ok(()) }
    }

    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        cx.receive().await;
        Ok(())
    }
}

#[greenroom::test]
async fn start_monitor_gives_a_stub_and_a_watch_or_an_error_and_no_down() {
    let received = run(|cx| {
        Box::pin(async move {
            let Err(StartError { reason, .. }) = Starter(true).start_monitor(cx).await else { panic!("started") };
            let failed = (reason, rest(cx).await);
            let (stub, monitor) = Starter(false).start_monitor(cx).await.expect("it starts");
            stub.go();
            let down = receive!(match cx {
                Letter::Down(down) => down,
            });
            assert_eq!(down.monitor, monitor);
            (failed, down.reason, rest(cx).await)
        })
    });
    assert_eq!(received.await, ((Exit::error("no port"), vec![]), Exit::Normal, vec![]));
}

#[greenroom::test]
async fn a_monitor_works_without_awaiting_the_start() {
    let received = run(|cx| {
        Box::pin(async move {
            drop(Starter(true).start_monitor(cx));
            receive!(match cx {
                Letter::Down(down) => down.reason,
            })
        })
    });
    assert_eq!(received.await, Exit::error("no port"));
}
