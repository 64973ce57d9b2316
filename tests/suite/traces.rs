//! Traces of one process's messages: bounded, and removed when the trace is dropped.

use greenroom::{Node, Trace, TraceEvent, TraceStep, Tracing, prelude::*};

use crate::scripted::{Letter, does, idle, settle};

fn trace(stub: &impl Stub, trace: Trace) -> Tracing {
    Node::current().trace(&stub.pid().unwrap(), trace).expect("it is running")
}

/// All events until the trace ends.
async fn all(mut trace: Tracing) -> Vec<(TraceStep, String, Option<String>)> {
    let mut steps = Vec::new();
    while let Some(TraceEvent { step, variant, text, .. }) = trace.next().await {
        steps.push((step, variant.into_owned(), text));
    }
    steps
}

fn step(step: TraceStep, variant: &str, text: &str) -> (TraceStep, String, Option<String>) {
    (step, variant.to_owned(), (!text.is_empty()).then(|| text.to_owned()))
}

#[greenroom::test]
async fn a_trace_reports_each_message_on_arrival_and_when_it_is_taken() {
    use TraceStep::{Arrived, Taken};
    let process = does(|cx| {
        Box::pin(async move {
            receive!(match cx {
                Letter::Go => {}
            });
            receive!(match cx {
                Letter::Pair { .. } => {}
            });
        })
    })
    .spawn();
    settle().await;
    let trace = trace(&process, Trace::default());
    process.pair(1, 2);
    process.go();
    process.ended().await;
    assert_eq!(
        all(trace).await,
        [
            step(Arrived, "Pair", "Pair { left: 1, right: 2 }"),
            step(Arrived, "Go", "Go"),
            step(Taken, "Go", ""),
            step(Taken, "Pair", ""),
        ]
    );
}

#[greenroom::test]
async fn a_trace_is_bounded_in_count_and_in_time() {
    let process = idle().spawn();
    let few = trace(&process, Trace { steps: 3, duration: Duration::MAX });
    for n in 0..10 {
        process.a(n);
    }
    assert_eq!(all(few).await.len(), 3);
    let short = trace(&process, Trace { steps: 100, duration: Duration::from_secs(10) });
    process.a(1);
    tokio::time::sleep(Duration::from_secs(9)).await;
    process.a(2);
    tokio::time::sleep(Duration::from_secs(2)).await;
    process.a(3);
    assert_eq!(all(short).await.len(), 2);
}

#[greenroom::test]
async fn a_trace_ends_on_time_without_messages() {
    let process = idle().spawn();
    let begin = tokio::time::Instant::now();
    assert_eq!(all(trace(&process, Trace::default())).await, []);
    assert_eq!(begin.elapsed(), Duration::from_secs(10));
}

#[greenroom::test]
async fn a_new_trace_replaces_the_last_and_a_dropped_trace_ends() {
    let process = idle().spawn();
    let first = trace(&process, Trace::default());
    let second = trace(&process, Trace::default());
    process.a(1);
    assert_eq!(all(first).await.len(), 0);
    drop(second);
    let third = trace(&process, Trace { steps: 1, ..Trace::default() });
    process.a(2);
    assert_eq!(all(third).await.len(), 1);
}

#[greenroom::test]
async fn a_trace_names_the_sending_process() {
    let process = idle().spawn();
    let mut trace = trace(&process, Trace::default());
    let target = process.clone();
    let sender = does(|_| Box::pin(async move { drop(target.a(1)) })).spawn();
    process.a(2);
    let by_process = sender.pid();
    sender.ended().await;
    let senders = [trace.next().await.unwrap().from, trace.next().await.unwrap().from];
    assert_eq!(senders, [None, by_process]);
}

/// A type without `Debug`.
pub(crate) struct Secret;

#[protocol(local)]
enum Parcel {
    Mixed { weight: u32, inside: Secret },
    Bare(String, Secret),
    Ask { reply: Reply<u32> },
    Boom(Bomb),
}

pub(crate) struct Bomb;

impl std::fmt::Debug for Bomb {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("boom")
    }
}

#[greenroom::test]
async fn reports_show_the_debug_fields_of_a_message_and_leave_the_rest_blank() {
    let process = greenroom::spawn(|mut mailbox: Mailbox<Parcel>| async move {
        for _ in 0..5 {
            drop(mailbox.receive().await);
        }
    });
    settle().await;
    let trace = trace(&process, Trace::default());
    process.mixed(7, Secret);
    process.bare("x".repeat(5_000), Secret);
    process.bare("ü".repeat(1_000), Secret);
    drop(process.ask());
    process.boom(Bomb);
    process.ended().await;
    let texts: Vec<_> = all(trace).await.into_iter().filter_map(|(_, _, text)| text).collect();
    assert_eq!(texts[0], "Mixed { weight: 7, inside: _ }");
    assert_eq!(texts[1], format!("Bare(\"{}…", "x".repeat(994)));
    assert_eq!(texts[2], format!("Bare(\"{}…", "ü".repeat(497)));
    assert_eq!(texts[3], "Ask { reply: Reply }");
    assert_eq!(texts[4], "Boom( (its `Debug` panicked)");
}

#[actor(protocol = Parcel, mailbox = 1, overflow = reject)]
struct Narrow;

impl Process for Narrow {
    async fn run(&mut self, _: &mut Context<Self>) -> Result<(), Exit> {
        std::future::pending().await
    }
}

#[greenroom::test]
async fn a_refused_message_is_traced_too() {
    let narrow = Narrow.spawn();
    let trace = trace(&narrow, Trace { steps: 3, ..Trace::default() });
    assert!(narrow.mixed(1, Secret).await.is_ok());
    assert!(narrow.mixed(2, Secret).await.is_err());
    let steps: Vec<_> = all(trace).await.into_iter().map(|(step, _, _)| step).collect();
    assert_eq!(steps, [TraceStep::Arrived, TraceStep::Arrived, TraceStep::Refused]);
}

#[greenroom::test]
async fn a_dead_process_cannot_be_traced() {
    let process = idle().spawn();
    let pid = process.pid().unwrap();
    let trace = trace(&process, Trace::default());
    process.exit(Exit::kill());
    process.ended().await;
    assert_eq!(all(trace).await, []);
    assert!(Node::current().trace(&pid, Trace::default()).is_none());
}
