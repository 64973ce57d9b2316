//! Crash reports: one log event per abnormal exit, and a summary when there are many.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::process::Command;
use std::sync::{Arc, Mutex};

use greenroom::prelude::*;
use tracing::field::{Field, Visit};
use tracing::span;

use crate::events::{Listening, listen};
use crate::scripted::{Letter, LetterRef, act, idle, settle};

type Event = BTreeMap<&'static str, String>;

/// Records greenroom's log events of this thread.
#[derive(Clone, Default)]
struct Reporter(Arc<Mutex<Vec<Event>>>);

struct Fields(Event);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

impl tracing::Subscriber for Reporter {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "greenroom"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut fields = Fields(Event::new());
        event.record(&mut fields);
        self.0.lock().unwrap().push(fields.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

impl Reporter {
    /// Records on this thread until the guard is dropped.
    fn listen() -> (Reporter, Listening) {
        let reporter = Reporter::default();
        let listening = listen(reporter.clone());
        (reporter, listening)
    }

    fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// A process that saves one message and then crashes on request.
fn poet(name: &'static str) -> impl Process<Protocol = Letter> {
    act(move |cx| {
        Box::pin(async move {
            let friend = idle().spawn();
            cx.link(&friend);
            LetterRef::register(name, &cx.me())?;
            receive!(match cx {
                Letter::B { .. } => {}
            });
            receive!(match cx {
                Letter::Go => panic!("writer's block"),
            })
        })
    })
}

#[greenroom::test]
async fn a_crash_is_reported_once_with_all_details() {
    let (reporter, _guard) = Reporter::listen();
    let publisher = act(|cx| {
        Box::pin(async move {
            poet("poet").spawn();
            cx.receive().await;
            Ok(())
        })
    })
    .spawn();
    settle().await;
    let poet = LetterRef::named("poet");
    let pid = poet.pid().expect("it is there");
    let stub = poet.clone();
    stub.b(1);
    tokio::time::sleep(Duration::from_secs(90)).await;
    // Not taken: the last message in the report is the one before the crash, not the last in the queue.
    stub.go();
    stub.a(1);
    settle().await;
    let events = reporter.take();
    let crashes: Vec<_> = events.iter().filter(|event| event["pid"] == pid.to_string()).collect();
    let [crash] = &crashes[..] else { panic!("{events:?}") };
    assert_eq!(crash["message"], "process ended abnormally");
    assert!(crash["reason"].contains("writer's block") && crash["reason"].contains("crashes.rs"), "{crash:?}");
    assert_eq!((&*crash["process"], &*crash["name"], &*crash["last_message"]), ("Scripted", "poet", "Go"));
    assert_eq!(crash["ancestors"], format!("[{}]", publisher.pid().unwrap()));
    assert_eq!(crash["links"].matches('<').count(), 1);
    assert!(crash["age"].starts_with("90."), "{}", crash["age"]);
    // The linked process exited with it, for the same reason.
    assert_eq!(events.len(), 2, "{events:?}");
    assert_eq!(events[0]["reason"], events[1]["reason"]);
}

#[greenroom::test]
async fn a_normal_exit_is_not_reported_and_the_last_message_may_be_missing() {
    let (reporter, _guard) = Reporter::listen();
    for reason in [Exit::shutdown(), Exit::Kill] {
        let process = idle().spawn();
        process.exit(reason);
        process.ended().await;
    }
    act(|_| Box::pin(async { Ok(()) })).spawn().ended().await;
    assert_eq!(reporter.take(), []);
    act(|_| Box::pin(async { Err(Exit::error("at once")) })).spawn().ended().await;
    let [crash] = &reporter.take()[..] else { panic!("one") };
    assert_eq!((crash.get("last_message"), &*crash["ancestors"], &*crash["links"]), (None, "[]", "[]"));
}

#[greenroom::test]
async fn many_crashes_are_summarised() {
    let (reporter, _guard) = Reporter::listen();
    let crash = |count: usize| async move {
        for _ in 0..count {
            act(|_| Box::pin(async { Err(Exit::error("again")) })).spawn().ended().await;
        }
    };
    crash(20).await;
    assert_eq!(reporter.take().len(), 5);
    tokio::time::sleep(Duration::from_secs(11)).await;
    let [sum] = &reporter.take()[..] else { panic!("one") };
    assert_eq!((&*sum["process"], &*sum["count"]), ("Scripted", "15"));
    // Then the limit starts anew.
    crash(6).await;
    assert_eq!(reporter.take().len(), 5);
    // The remaining summary is logged when the node stops.
    Node::current().stop().await;
    let [sum] = &reporter.take()[..] else { panic!("one") };
    assert_eq!(sum["count"], "1");
}

#[test]
fn without_a_subscriber_a_crash_is_a_line_on_standard_error() {
    let output = Command::new(env!("CARGO_BIN_EXE_crash")).output().expect("it runs");
    let text = String::from_utf8(output.stderr).expect("text");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 6, "{text}");
    for line in &lines[..5] {
        assert!(line.starts_with("greenroom: Printer <"), "{line}");
        assert!(line.ends_with("ended after `Print`: paper jam"), "{line}");
    }
    assert_eq!(lines[5], "greenroom: Printer: 2 more ended abnormally");
}

/// A protocol whose messages appear in reports, except for hidden fields.
#[protocol(local, debug)]
#[expect(dead_code, reason = "no test reads the redacted fields")]
enum Teller {
    Pay {
        amount: u32,
        #[redact]
        card: Card,
    },
    Note(String, #[redact] Card),
    #[redact]
    Secret {
        words: Vec<String>,
    },
    Close,
    Sign {
        name: &'static str,
        reply: Reply<()>,
    },
}

/// A type without `Debug`.
struct Card;

#[greenroom::test]
async fn a_report_shows_the_last_message_without_what_is_redacted() {
    let (reporter, _guard) = Reporter::listen();
    let shown = async |say: fn(&TellerRef)| {
        let teller = greenroom::spawn(|mut mailbox: Mailbox<Teller>| async move {
            mailbox.receive().await;
            panic!("robbed");
        });
        say(&teller);
        teller.ended().await;
        // Spaced, so that the limit does not apply.
        tokio::time::sleep(Duration::from_secs(60)).await;
        reporter.take().remove(0).remove("last_message").unwrap()
    };
    assert_eq!(shown(|teller| drop(teller.pay(3, Card))).await, "Pay { amount: 3, card: [redacted] }");
    assert_eq!(shown(|teller| drop(teller.note("n".into(), Card))).await, "Note(\"n\", [redacted])");
    assert_eq!(shown(|teller| drop(teller.secret(vec!["word".into()]))).await, "Secret(..)");
    assert_eq!(shown(|teller| drop(teller.close())).await, "Close");
    assert_eq!(shown(|teller| drop(teller.sign("x"))).await, "Sign { name: \"x\", reply: Reply }");
    let long = shown(|teller| drop(teller.note("ä".repeat(1_000_000), Card))).await;
    assert!(long.len() <= 1_027 && long.ends_with("ää…"), "{}", long.len());
}

#[actor]
struct Vault<T>(T);

#[actor(local, debug)]
impl<T> Vault<T> {
    #[cast]
    fn open(&mut self, #[redact] code: u32, by: T) -> Result<(), Exit> {
        drop(by);
        Err(Exit::error(format!("no such code: {}", code / 1000)))
    }

    #[call]
    #[redact]
    fn reveal(&mut self, _of: T) -> u32 {
        panic!("closed")
    }
}

#[greenroom::test]
async fn a_server_shows_its_last_message_without_what_is_redacted() {
    let (reporter, _guard) = Reporter::listen();
    let vault = Vault("gold").spawn();
    vault.open(1234, "me");
    vault.ended().await;
    assert_eq!(reporter.take()[0]["last_message"], "Open { code: [redacted], by: _ }");
    let vault = Vault("gold").spawn();
    assert!(vault.reveal("x").await.is_err());
    assert_eq!(reporter.take()[0]["last_message"], "Reveal(..)");
}

/// A value whose `Debug` panics.
struct Shy;

impl Debug for Shy {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("do not look")
    }
}

#[protocol(local, debug)]
enum Party {
    Meet { one: Shy },
    Leave,
}

#[greenroom::test]
async fn a_message_that_cannot_be_shown_is_handled_all_the_same() {
    let (reporter, _guard) = Reporter::listen();
    let host = greenroom::spawn(|mut mailbox: Mailbox<Party>| async move {
        receive!(match mailbox {
            Party::Meet { one: Shy } => panic!("met"),
        });
    });
    drop(host.leave());
    drop(host.meet(Shy));
    assert!(matches!(host.ended().await, Exit::Panic { message, .. } if &*message == "met"));
    assert_eq!(reporter.take()[0]["last_message"], "Meet { one:  (its `Debug` panicked)");
}

/// No crash report follows, so the panics are checked before the end.
#[test]
fn both_panics_are_reported_before_an_abort() {
    let output = Command::new(env!("CARGO_BIN_EXE_crash")).arg("twice").output().expect("it runs");
    let text = String::from_utf8(output.stderr).expect("text");
    let reports: Vec<_> = text.lines().filter(|line| line.starts_with("greenroom: a process panicked at ")).collect();
    let [first, second] = reports[..] else { panic!("{text}") };
    assert!(first.ends_with(": paper jam"), "{text}");
    assert!(second.ends_with(": no toner"), "{text}");
    assert!(text.contains("panic in a destructor during cleanup"), "{text}");
    assert!(!output.status.success());
}
