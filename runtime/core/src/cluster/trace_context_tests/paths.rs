//! The ways of a message that is not handled at once, or not by the process that it was sent to.

use std::time::Duration;

use greenroom_macros::{actor, protocol, receive};
use tracing::{Instrument, info_span};

use super::{Desk, DeskRef, SAMPLED, desks, double};
use crate::prelude::*;

/// The messages of a process that chooses their order.
#[protocol]
enum Orders {
    Early,
    Late { number: u32 },
    Close,
}

/// Handles `Early` before `Late`, each in its span.
#[actor(protocol = Orders, mailbox = 2)]
struct Clerk;

impl Process for Clerk {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        assert!(cx.message_span().is_none(), "before any message");
        receive!(match cx {
            Orders::Early => handle(cx).await,
            // Saved after a test, and not for its variant alone.
            Orders::Late { number } if number == 0 => {}
        });
        receive!(match cx {
            after!(Duration::from_millis(1)) => assert!(cx.message_span().is_none(), "after a timeout"),
        });
        receive!(match cx {
            Orders::Late { .. } => handle(cx).await,
        });
        receive!(match cx {
            Orders::Close => assert!(cx.message_span().is_none(), "sent outside of any span"),
        });
        Ok(())
    }
}

async fn handle(cx: &mut Context<Clerk>) {
    tokio::time::sleep(Duration::from_millis(1)).instrument(cx.message_span()).await;
}

/// Each saved message has its own context, and not that of the message that was handled before. Likewise one that has
/// waited in front of a full mailbox.
#[greenroom_macros::test]
async fn a_message_that_is_handled_later_has_its_own_context() {
    let desks = desks(SAMPLED, false).await;
    for index in 0..2 {
        let before = desks.recorder.spans().len();
        let clerk = desks.cluster.node(index).start(Clerk).await.unwrap();
        OrdersRef::register("clerk", &clerk).unwrap();
        let stub: OrdersRef = desks.cluster.node(0).named_at("clerk", format!("n{index}@test").as_str());
        info_span!("late").in_scope(|| drop(stub.late(1)));
        // It fills the mailbox, so the next one waits in front of it.
        let filling = info_span!("late").in_scope(|| stub.late(2));
        let early = info_span!("early").in_scope(|| stub.early());
        let close = stub.close();
        let _ = tokio::join!(filling, early, close);
        assert_eq!(clerk.ended().await, Exit::Normal);
        let expected = ["late", "late", "early", "message Early <- 3", "message Late <- 1"].iter().enumerate().map(
            |(index, text)| {
                let text =
                    text.replace("<- 3", &format!("<- {}", before + 3)).replace("<- 1", &format!("<- {}", before + 1));
                format!("{} {text}", before + index + 1)
            },
        );
        assert_eq!(desks.recorder.spans()[before..], expected.collect::<Vec<_>>());
    }
    desks.cluster.stop().await;
}

#[greenroom_macros::test]
async fn a_function_runs_in_a_span_that_is_linked_to_its_caller() {
    for at in ["n0@test", "n1@test"] {
        let expected = ["1 request", "2 message double <- 1"];
        let call = async |_: &super::Desks| double::on(at, 4).await;
        assert_eq!(desks(SAMPLED, false).await.check(call, &expected).await, Ok(8));
    }
}

/// The message is sent when the owner comes, by a process that is in a span of its own.
#[cfg(feature = "registry")]
#[greenroom_macros::test]
async fn a_message_that_waits_for_the_owner_of_a_name_keeps_its_context() {
    for owner in 0..2 {
        let desks = desks(SAMPLED, false).await;
        let waiting: DeskRef = desks.cluster.node(0).global("counter");
        let call = info_span!("request").in_scope(|| waiting.count());
        let register = async {
            let desk = desks.cluster.node(owner).start(Desk { next: None }).await.unwrap();

            desks.cluster.node(owner).register_global("counter", &desk).await.unwrap();
        };
        let (count, ()) = tokio::join!(call, register.instrument(info_span!("registration")));
        assert_eq!(count, Ok(1));
        assert_eq!(desks.recorder.spans(), ["1 request", "2 registration", "3 message Count <- 1"], "owner on {owner}");
        desks.cluster.stop().await;
    }
}

#[cfg(feature = "registry")]
#[greenroom_macros::test]
async fn each_member_handles_a_broadcast_in_a_span() {
    let desks = desks(SAMPLED, false).await;
    for index in 0..2 {
        let node = desks.cluster.node(index);
        let desk = node.start(Desk { next: None }).await.unwrap();
        drop(desk.join());
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let group = desks.cluster.node(0).group::<super::DeskMessage>("desks");
    info_span!("request").in_scope(|| drop(group.broadcast(super::DeskMessage::Note {})));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(desks.recorder.spans(), ["1 request", "2 message Note <- 1", "3 message Note <- 1"]);
    desks.cluster.stop().await;
}

/// The first message to a key starts its process, and waits for that.
#[cfg(feature = "registry")]
#[greenroom_macros::test]
async fn a_message_to_a_key_keeps_its_context() {
    let desks = desks(SAMPLED, false).await;
    let host = desks.cluster.node(1).sharded::<Desk>("desks").host(|_key| Desk { next: None });
    let _hosted = host.start().await.unwrap();
    for index in 0..2 {
        let sharded = desks.cluster.node(index).sharded::<Desk>("desks");
        for _ in 0..2 {
            let call = info_span!("request").in_scope(|| sharded.at(index.to_string()).count());
            assert_eq!(call.await, Ok(1));
        }
    }
    let expected = [
        "1 request",
        "2 message Count <- 1",
        "3 request",
        "4 message Count <- 3",
        "5 request",
        "6 message Count <- 5",
        "7 request",
        "8 message Count <- 7",
    ];
    assert_eq!(desks.recorder.spans(), expected);
    desks.cluster.stop().await;
}

/// The process on the first node that stands for the child passes messages on.
#[cfg(feature = "supervision")]
mod placed {
    use greenroom_macros::supervisor;

    use super::*;

    /// Remembers nothing, so that it can be started elsewhere.
    #[actor]
    #[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
    struct Till;

    #[actor]
    impl Till {
        #[call]
        fn open(&mut self) -> String {
            Node::current().name().to_string()
        }
    }

    #[supervisor]
    struct Shop {
        #[child(on = "n1@test")]
        till: Till,
    }

    #[greenroom_macros::test]
    async fn a_message_to_a_child_on_another_node_keeps_its_context() {
        let (recorder, _recording) = super::super::Recorder::install(SAMPLED, false);
        let cluster = crate::testing::Cluster::in_memory(2).export::<Till>().await;
        for index in 0..2 {
            cluster.node(index).set_propagator(recorder.clone()).unwrap();
        }
        let node = cluster.node(0).clone();
        let shop = node.scope(async { Shop {}.start().await }).await.unwrap();
        let call = info_span!("request").in_scope(|| shop.till().open());
        assert_eq!(call.await.as_deref(), Ok("n1@test"));
        assert_eq!(recorder.spans(), ["1 request", "2 message Open <- 1"]);
        cluster.stop().await;
    }
}
