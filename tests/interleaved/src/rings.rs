//! Calls in a ring, which are looked for while they may still be answered.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::checker::{check_on_hasty_node, linger};
use crate::prelude::*;

/// What one does who has a sibling to ask, once.
#[derive(Clone)]
enum Way {
    /// Waits for what the other says.
    Ask,
    /// Has its own caller answered by a stranger, who takes a while.
    PassOn,
    /// Waits for a stranger, too.
    Listen(Arc<Notify>),
}

#[actor]
struct Sibling {
    way: Way,
    other: Option<SiblingRef>,
}

type Answer = Result<u32, CallError>;

#[actor]
impl Sibling {
    #[cast]
    fn meet(&mut self, other: SiblingRef) {
        self.other = Some(other);
    }

    #[call]
    async fn ask(&mut self) -> Answer {
        let Some(other) = self.other.take() else { return Ok(1) };
        match &self.way {
            Way::Ask => other.ask().forever().await?,
            Way::PassOn => other.pass_on().forever().await?,
            Way::Listen(gate) => tokio::select! {
                answer = other.ask().forever() => answer?,
                () = gate.notified() => Ok(3),
            },
        }
    }

    #[call]
    async fn pass_on(&mut self, reply: Reply<Answer>) {
        let stranger = greenroom::spawn(|mut mailbox: Mailbox<Errand>| async move {
            receive!(match mailbox {
                Errand::Answer { to } => {
                    linger().await;
                    to.0.send(Ok(2));
                }
            });
        });
        stranger.answer(Passed(reply));
        if let Some(other) = self.other.take() {
            // This waits until the other one has got its answer.
            assert_eq!(other.ask().forever().await, Ok(Ok(1)));
        }
    }
}

/// A reply that is passed on, as a part of a message like any other.
struct Passed(Reply<Answer>);

#[protocol(local)]
enum Errand {
    Answer { to: Passed },
}

fn siblings(ways: [Way; 2]) -> (SiblingRef, SiblingRef) {
    let [one, two] = ways.map(|way| Sibling { way, other: None }.spawn());
    one.meet(two.clone());
    two.meet(one.clone());
    (one, two)
}

/// Two that wait for each other and nothing else: one hears so.
pub fn a_ring_of_calls_is_always_found() {
    check_on_hasty_node(600, |node| async move {
        let (one, two) = siblings([Way::Ask, Way::Ask]);
        let pids = [one.pid().unwrap(), two.pid().unwrap()];
        match one.ask().forever().await {
            Ok(Err(CallError::Cycle { pids: ring })) => {
                assert!(ring == pids || ring == [pids[1].clone(), pids[0].clone()], "{ring:?}");
            }
            answer => panic!("{answer:?}"),
        }
        assert_eq!(node.counters().broken_cycles, 1);
    });
}

/// What looks like a ring is about to be opened by one who has a reply.
pub fn a_reply_on_its_way_opens_a_ring() {
    check_on_hasty_node(600, |node| async move {
        let (one, _two) = siblings([Way::PassOn, Way::Ask]);
        assert_eq!(one.ask().forever().await, Ok(Ok(2)));
        assert_eq!(node.counters().broken_cycles, 0);
    });
}

/// The same by one whom a process of it listens to.
pub fn a_word_from_elsewhere_opens_a_ring() {
    check_on_hasty_node(900, |node| async move {
        let gate = Arc::new(Notify::new());
        let (one, _two) = siblings([Way::Ask, Way::Listen(Arc::clone(&gate))]);
        let answer = one.ask().forever();
        greenroom::spawn(|_: Mailbox<Errand>| async move {
            linger().await;
            gate.notify_one();
        });
        assert_eq!(answer.await, Ok(Ok(3)));
        assert_eq!(node.counters().broken_cycles, 0);
    });
}
