//! Spans of messages: on one node and between two, of each way in which a message reaches its handler.

mod paths;
mod recorder;

use std::time::Duration;

use greenroom_macros::{actor, remote};
use tracing::{Instrument, info_span};

use crate::node::Current;
use crate::prelude::*;
use crate::testing::Cluster;
use recorder::{Recorder, context};

/// The flags of a span that is recorded.
const SAMPLED: u8 = 1;

/// An actor whose methods send messages on.
#[actor]
struct Desk {
    next: Option<DeskRef>,
}

#[actor]
impl Desk {
    #[cast]
    fn note(&mut self) {}

    #[call]
    fn count(&mut self) -> u32 {
        1
    }

    /// Waits before it sends.
    #[call]
    async fn pass(&mut self) -> u32 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        match &self.next {
            Some(next) => next.count().await.unwrap_or(0) + 1,
            None => 0,
        }
    }

    /// The context of this call.
    #[call]
    fn context(&mut self) -> Option<String> {
        Current::message_context().get().map(ToString::to_string)
    }

    /// The context of the call that this one makes.
    #[call]
    async fn pass_context(&mut self) -> Option<String> {
        tokio::time::sleep(Duration::from_millis(5)).await;
        self.next.as_ref()?.context().await.ok()?
    }

    #[cfg(feature = "registry")]
    #[cast]
    fn join(&mut self, cx: &mut Context<Self>) {
        cx.node().group("desks").join(cx);
    }

    #[cast]
    fn pass_note(&mut self) {
        self.next.iter().for_each(|next| drop(next.note()));
    }

    #[cast]
    fn fail(&mut self) {
        panic!("no paper");
    }

    #[cast]
    async fn fail_late(&mut self) {
        tokio::time::sleep(Duration::from_millis(5)).await;
        panic!("no paper");
    }

    #[cast]
    async fn wait(&mut self) {
        std::future::pending::<()>().await;
    }

    #[cast]
    fn note_later(&mut self, cx: &mut Context<Self>) {
        drop(cx.send_after(Duration::from_millis(1), DeskMessage::Note {}));
    }
}

/// A server with a timed hook, whose messages take another path.
#[actor]
struct Timed;

#[actor]
impl Timed {
    #[cast]
    fn note(&mut self) {}

    #[cast]
    async fn wait(&mut self) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    #[every("1h")]
    fn tick(&mut self) {}
}

/// Calls of a function on another node.
#[remote]
async fn double(n: u32) -> u32 {
    tokio::time::sleep(Duration::from_millis(1)).await;
    2 * n
}

/// Two nodes whose propagator is the recorder, with a desk on each: that of the first passes messages on to the second.
struct Desks {
    cluster: Cluster,
    recorder: Recorder,
    near: DeskRef,
    far: DeskRef,
    _recording: recorder::Recording,
}

async fn desks(flags: u8, without_messages: bool) -> Desks {
    let (recorder, recording) = Recorder::install(flags, without_messages);
    let boot = |node: Node| async move {
        let desk = node.start(Desk { next: None }).await.map_err(|error| error.to_string())?;
        DeskRef::register("desk", &desk).map_err(|error| error.to_string())
    };
    let cluster = Cluster::in_memory(2).configure(|_, builder| builder.export::<double::Remote>()).boot(boot).await;
    for index in 0..2 {
        cluster.node(index).set_propagator(recorder.clone()).unwrap();
    }
    let far: DeskRef = cluster.node(0).named_at("desk", "n1@test");
    let near = cluster.node(0).start(Desk { next: Some(far.clone()) }).await.unwrap();
    Desks { cluster, recorder, near, far, _recording: recording }
}

impl Desks {
    /// Runs `send` in a span on the first node, and checks the spans after a second.
    async fn check<T>(self, send: impl AsyncFnOnce(&Desks) -> T, expected: &[&str]) -> T {
        let sent = {
            let node = self.cluster.node(0).clone();
            let span = info_span!("request");
            node.scope(send(&self)).instrument(span).await
        };
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(self.recorder.spans(), expected);
        self.cluster.stop().await;
        sent
    }
}

#[greenroom_macros::test]
async fn a_cast_is_handled_in_a_span_that_is_linked_to_its_sender() {
    let expected = ["1 request", "2 message Note <- 1"];
    desks(SAMPLED, false).await.check(async |desks| desks.near.note().await.unwrap(), &expected).await;
    desks(SAMPLED, false).await.check(async |desks| desks.far.note().await.unwrap(), &expected).await;
}

#[greenroom_macros::test]
async fn a_call_is_handled_in_a_span_that_is_linked_to_its_caller() {
    let expected = ["1 request", "2 message Count <- 1"];
    desks(SAMPLED, false).await.check(async |desks| desks.near.count().await.unwrap(), &expected).await;
    desks(SAMPLED, false).await.check(async |desks| desks.far.count().await.unwrap(), &expected).await;
}

/// After a wait, the span of the handler is current again.
#[greenroom_macros::test]
async fn a_message_that_a_handler_sends_is_linked_to_the_span_of_the_handler() {
    let passed = ["1 request", "2 message Pass <- 1", "3 message Count <- 2"];
    let count = desks(SAMPLED, false).await.check(async |desks| desks.near.pass().await, &passed).await;
    assert_eq!(count, Ok(2));
    let noted = ["1 request", "2 message PassNote <- 1", "3 message Note <- 2"];
    desks(SAMPLED, false).await.check(async |desks| drop(desks.near.pass_note()), &noted).await;
}

#[greenroom_macros::test]
async fn a_message_that_is_sent_outside_of_any_span_has_none() {
    let desks = desks(SAMPLED, false).await;
    assert_eq!((desks.near.pass().await, desks.far.count().await), (Ok(2), Ok(1)));
    assert!(desks.recorder.spans().is_empty(), "{:?}", desks.recorder.spans());
    desks.cluster.stop().await;
}

/// The message after a traced one has no span, also if the first one was handled with a wait.
#[greenroom_macros::test]
async fn a_span_is_that_of_one_message() {
    let desks = desks(SAMPLED, false).await;
    for send in [|desk: &DeskRef| drop(desk.pass_note()), |desk: &DeskRef| drop(desk.pass())] {
        info_span!("request").in_scope(|| send(&desks.near));
        drop(desks.near.pass_note());
        assert_eq!(desks.near.pass().await, Ok(2));
    }
    assert_eq!(
        desks.recorder.spans(),
        [
            "1 request",
            "2 message PassNote <- 1",
            "3 message Note <- 2",
            "4 request",
            "5 message Pass <- 4",
            "6 message Count <- 5"
        ]
    );
    desks.cluster.stop().await;
}

#[greenroom_macros::test]
async fn a_server_with_timed_hooks_has_spans_too() {
    let desks = desks(SAMPLED, false).await;
    let timed = desks.cluster.node(1).start(Timed).await.unwrap();
    desks
        .check(
            async |_| (drop(timed.note()), drop(timed.wait())),
            &["1 request", "2 message Note <- 1", "3 message Wait <- 1"],
        )
        .await;
}

#[greenroom_macros::test]
async fn a_span_ends_with_a_panic_of_its_handler() {
    let spans = |message| [String::from("1 request"), format!("2 message {message} <- 1")];
    for (send, message) in
        [((|desk: &DeskRef| drop(desk.fail())) as fn(&DeskRef), "Fail"), (|desk| drop(desk.fail_late()), "FailLate")]
    {
        let expected = spans(message);
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        desks(SAMPLED, false)
            .await
            .check(
                async |desks| {
                    send(&desks.near);
                    assert!(matches!(desks.near.ended().await, Exit::Panic { .. }));
                },
                &expected,
            )
            .await;
    }
}

#[greenroom_macros::test]
async fn a_span_ends_when_its_process_is_killed() {
    let desks = desks(SAMPLED, false).await;
    info_span!("request").in_scope(|| drop(desks.near.wait()));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(desks.recorder.spans(), ["1 request", "2 message Wait <- 1 open"]);
    desks.near.exit(Exit::Kill);
    assert_eq!(desks.near.ended().await, Exit::Killed);
    assert_eq!(desks.recorder.spans(), ["1 request", "2 message Wait <- 1"]);
    desks.cluster.stop().await;
}

#[greenroom_macros::test]
async fn a_message_of_a_timer_has_no_span() {
    let expected = ["1 request", "2 message NoteLater <- 1"];
    desks(SAMPLED, false).await.check(async |desks| drop(desks.near.note_later()), &expected).await;
}

/// No span is made, and the context is passed on through two handlers, unchanged.
#[greenroom_macros::test]
async fn a_context_that_is_not_sampled_is_passed_on_without_spans() {
    passed_on(0, false).await;
}

/// Spans of messages that the subscriber does not want are like those that are not sampled.
#[greenroom_macros::test]
async fn a_context_is_passed_on_if_the_spans_of_messages_are_filtered_out() {
    passed_on(SAMPLED, true).await;
}

async fn passed_on(flags: u8, without_messages: bool) {
    let desks = desks(flags, without_messages).await;
    let call = async |desks: &Desks| (desks.near.context().await, desks.near.pass_context().await);
    let contexts = desks.check(call, &["1 request"]).await;
    let expected = Some(context(1, flags).to_string());
    assert_eq!(contexts, (Ok(expected.clone()), Ok(expected)));
}

#[greenroom_macros::test]
async fn a_node_without_a_propagator_ignores_contexts() {
    let (recorder, _recording) = Recorder::install(SAMPLED, false);
    let cluster = Cluster::in_memory(2).await;
    cluster.node(0).set_propagator(recorder.clone()).unwrap();
    assert!(cluster.node(0).set_propagator(recorder.clone()).is_err(), "a node has one");
    let desk = cluster.node(1).start(Desk { next: None }).await.unwrap();
    DeskRef::register("desk", &desk).unwrap();
    let far: DeskRef = cluster.node(0).named_at("desk", "n1@test");
    let call = info_span!("request").in_scope(|| far.context());
    assert_eq!(call.await, Ok(None));
    assert_eq!(recorder.spans(), ["1 request"]);
    cluster.stop().await;
}
