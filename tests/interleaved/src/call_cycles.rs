//! Scenarios of cycles of calls: the search for a cycle is concurrent with an answer that ends it.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::checker::{check_on_random_clock, yield_at_random};
use crate::prelude::*;

/// The behaviour of a sibling at its first call; later calls return at once.
#[derive(Clone)]
enum Behaviour {
    /// Calls the other sibling and returns its answer.
    Call,
    /// Calls the other sibling, which passes the reply on to a third process.
    CallForwarded,
    /// Calls the other sibling, and waits for a notification as well.
    CallOrNotified(Arc<Notify>),
}

#[actor]
struct Sibling {
    behaviour: Behaviour,
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
    async fn number(&mut self) -> Answer {
        let Some(other) = self.other.take() else { return Ok(1) };
        match &self.behaviour {
            Behaviour::Call => other.number().forever().await?,
            Behaviour::CallForwarded => other.pass_on().forever().await?,
            Behaviour::CallOrNotified(notify) => tokio::select! {
                answer = other.number().forever() => answer?,
                () = notify.notified() => Ok(3),
            },
        }
    }

    #[call]
    async fn pass_on(&mut self, reply: Reply<Answer>) {
        let third = greenroom::spawn(|mut mailbox: Mailbox<Job>| async move {
            receive!(match mailbox {
                Job::Answer { to } => {
                    yield_at_random().await;
                    to.0.send(Ok(2));
                }
            });
        });
        third.answer(Forwarded(reply));
        if let Some(other) = self.other.take() {
            // This call is answered after the other sibling has its answer.
            assert_eq!(other.number().forever().await, Ok(Ok(1)));
        }
    }
}

/// A reply as a field of a message.
struct Forwarded(Reply<Answer>);

#[protocol(local)]
enum Job {
    Answer { to: Forwarded },
}

fn siblings(behaviours: [Behaviour; 2]) -> (SiblingRef, SiblingRef) {
    let [one, two] = behaviours.map(|behaviour| Sibling { behaviour, other: None }.spawn());
    one.meet(two.clone());
    two.meet(one.clone());
    (one, two)
}

/// Two processes wait for each other and for nothing else: one of the calls fails.
pub fn a_cycle_of_calls_is_always_found() {
    check_on_random_clock(600, |node| async move {
        let (one, two) = siblings([Behaviour::Call, Behaviour::Call]);
        let pids = [one.pid().unwrap(), two.pid().unwrap()];
        match one.number().forever().await {
            Ok(Err(CallError { kind: CallErrorKind::Cycle { pids: cycle }, .. })) => {
                assert!(cycle == pids || cycle == [pids[1].clone(), pids[0].clone()], "{cycle:?}");
            }
            answer => panic!("{answer:?}"),
        }
        assert_eq!(node.counters().broken_cycles, 1);
    });
}

/// A third process with a forwarded reply ends an apparent cycle.
pub fn a_forwarded_reply_is_not_a_cycle() {
    check_on_random_clock(600, |node| async move {
        let (one, _two) = siblings([Behaviour::CallForwarded, Behaviour::Call]);
        assert_eq!(one.number().forever().await, Ok(Ok(2)));
        assert_eq!(node.counters().broken_cycles, 0);
    });
}

/// A notification for which one process also waits ends an apparent cycle.
pub fn a_call_beside_another_wait_is_not_a_cycle() {
    check_on_random_clock(900, |node| async move {
        let notify = Arc::new(Notify::new());
        let (one, _two) = siblings([Behaviour::Call, Behaviour::CallOrNotified(Arc::clone(&notify))]);
        let answer = one.number().forever();
        greenroom::spawn(|_: Mailbox<Job>| async move {
            yield_at_random().await;
            notify.notify_one();
        });
        assert_eq!(answer.await, Ok(Ok(3)));
        assert_eq!(node.counters().broken_cycles, 0);
    });
}
