//! The end of a process: future, state and mailbox are dropped, then its name is freed, then links and monitors fire.

use greenroom::prelude::*;

use crate::scripted::{Letter, LetterRef, Log, run, settle};

/// Records its drop, and what other processes see at that moment.
struct Dropped {
    what: &'static str,
    name: &'static str,
    log: Log,
    panics: bool,
}

impl Drop for Dropped {
    fn drop(&mut self) {
        let named = LetterRef::named(self.name).pid().is_some();
        self.log.note(format!("{} dropped, named: {named}", self.what));
        if self.panics {
            panic!("while dropping");
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum How {
    Killed,
    Panics,
    Returns,
    /// Killed, and its state panics while it is dropped.
    KilledPanickingDrop,
    /// Returned, and its state panics while it is dropped: an ordinary panic.
    ReturnsPanickingDrop,
}

/// A process with a value to drop in its state and in its frame.
#[actor(protocol = Letter)]
struct Owner {
    how: How,
    _state: Dropped,
    log: Log,
}

impl Process for Owner {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        let _frame = Dropped { what: "frame", name: "owner", log: self.log.clone(), panics: false };
        receive!(match cx {
            Letter::Go => {}
        });
        match self.how {
            How::Panics => panic!("words"),
            How::Returns | How::ReturnsPanickingDrop => Ok(()),
            How::Killed | How::KilledPanickingDrop => {
                cx.me().exit(Exit::Kill);
                std::future::pending().await
            }
        }
    }
}

async fn check(how: How) -> Vec<String> {
    let log = Log::default();
    let notes = log.clone();
    run(move |cx| {
        Box::pin(async move {
            cx.trap_exit(true);
            let panics = matches!(how, How::KilledPanickingDrop | How::ReturnsPanickingDrop);
            let state = Dropped { what: "state", name: "owner", log: notes.clone(), panics };
            let owner = Owner { how, _state: state, log: notes.clone() }.spawn_link(cx);
            LetterRef::register("owner", &owner).unwrap();
            cx.monitor(&owner);
            owner.go();
            // It stays in the mailbox to the end.
            let call = owner.ask();
            notes.note(match call.await {
                Err(CallError { kind: CallErrorKind::Exit(reason), .. }) => format!("call {}", kind(&reason)),
                outcome => format!("{outcome:?}"),
            });
            for _ in 0..2 {
                let received = receive!(match cx {
                    Letter::Exit(signal) => format!("exit {}", kind(&signal.reason)),
                    Letter::Down(down) => format!("down {}", kind(&down.reason)),
                });
                let named = LetterRef::named("owner").pid().is_some();
                notes.note(format!("{received}, named: {named}, alive: {}", owner.is_alive()));
            }
            settle().await;
        })
    })
    .await;
    log.take()
}

fn kind(reason: &Exit) -> &'static str {
    match reason {
        Exit::Normal => "normal",
        Exit::Killed => "killed",
        Exit::Panic { .. } => "panic",
        other => panic!("{other:?}"),
    }
}

#[greenroom::test]
async fn everything_is_dropped_then_the_name_is_freed_then_links_and_monitors_fire() {
    for (how, reason) in [
        (How::Killed, "killed"),
        (How::Panics, "panic"),
        (How::Returns, "normal"),
        (How::KilledPanickingDrop, "killed"),
        (How::ReturnsPanickingDrop, "panic"),
    ] {
        let expected = [
            "frame dropped, named: true".to_owned(),
            "state dropped, named: true".to_owned(),
            format!("call {reason}"),
            format!("exit {reason}, named: false, alive: false"),
            format!("down {reason}, named: false, alive: false"),
        ];
        assert_eq!(check(how).await, expected, "{how:?}");
    }
}

#[greenroom::test]
async fn messages_that_panic_while_they_are_dropped_do_not_stop_the_end() {
    #[protocol(local)]
    enum Post {
        Parcel { content: Dropped },
        Ask { reply: Reply<u32> },
        Panic,
    }
    for (kill, reason) in [(true, "killed"), (false, "panic")] {
        let log = Log::default();
        let parcel = |what| Dropped { what, name: "post", log: log.clone(), panics: true };
        let process = greenroom::spawn(|mut mailbox: Mailbox<Post>| async move {
            receive!(match mailbox {
                Post::Panic => panic!("words"),
                Post::Parcel { content } if content.what.is_empty() => {}
                Post::Ask { reply } if !reply.is_awaited() => reply.send(0),
            });
        });
        PostRef::register("post", &process).unwrap();
        process.parcel(parcel("saved"));
        process.parcel(parcel("saved too"));
        settle().await;
        process.parcel(parcel("queued"));
        let call = process.ask();
        process.parcel(parcel("queued too"));
        let ended = process.ended();
        if kill {
            process.exit(Exit::Kill);
        } else {
            process.panic();
            process.parcel(parcel("behind"));
        }
        assert_eq!(kind(&ended.await), reason);
        match call.await {
            Err(CallError { kind: CallErrorKind::Exit(received), .. }) => assert_eq!(kind(&received), reason),
            outcome => panic!("{outcome:?}"),
        }
        assert_eq!(PostRef::named("post").pid(), None);
        let mut dropped = log.take();
        dropped.sort();
        let expected = ["behind", "queued", "queued too", "saved", "saved too"].iter().skip(usize::from(kill));
        assert_eq!(dropped, expected.map(|what| format!("{what} dropped, named: true")).collect::<Vec<_>>());
    }
}

/// A server whose handler panics, and whose state panics afterwards while it is dropped.
#[actor]
struct Climber {
    rope: Dropped,
}

#[actor(local)]
impl Climber {
    #[call]
    fn climb(&mut self) -> u32 {
        panic!("slipped")
    }

    #[cast]
    async fn rest(&mut self) {
        assert!(self.rope.panics);
    }

    #[cast]
    fn slip(&mut self) {
        panic!("slipped")
    }
}

#[greenroom::test]
async fn a_state_is_dropped_after_its_handlers_panic() {
    for (warmed_up, is_requested) in [(false, false), (false, true), (true, false), (true, true)] {
        let log = Log::default();
        let rope = Dropped { what: "rope", name: "climber", log: log.clone(), panics: true };
        let climber = Climber { rope }.spawn();
        let ended = climber.ended();
        if warmed_up {
            settle().await;
            drop(climber.rest());
            drop(climber.rest());
        }
        // A server reads its first message on another code path than a message that it waited for.
        let reason = if is_requested {
            match climber.climb().await {
                Err(CallError { kind: CallErrorKind::Exit(reason), .. }) => reason,
                outcome => panic!("{outcome:?}"),
            }
        } else {
            drop(climber.slip());
            ended.await
        };
        assert!(matches!(reason, Exit::Panic { message, .. } if &*message == "slipped"));
        assert_eq!(log.take(), ["rope dropped, named: false"]);
    }
}

#[greenroom::test]
async fn drop_code_may_use_greenroom() {
    struct Farewell(LetterRef);
    impl Drop for Farewell {
        fn drop(&mut self) {
            self.0.a(9);
            crate::scripted::idle().spawn();
        }
    }
    let received = run(|cx| {
        Box::pin(async move {
            let farewell = Farewell(cx.me());
            let process = crate::scripted::act(move |_| {
                Box::pin(async move {
                    let _farewell = farewell;
                    std::future::pending().await
                })
            });
            let (process, _) = process.spawn_monitor(cx);
            settle().await;
            process.exit(Exit::Kill);
            settle().await;
            crate::scripted::rest(cx).await
        })
    });
    assert_eq!(received.await, ["a9", "down killed"]);
}
