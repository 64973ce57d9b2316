//! The events of a supervisor's children.

use greenroom::testing::Cluster;
use greenroom::{ChildChange, ChildError, ChildEvent, ChildSpec, Restart, Strategy, Supervisor, TreeStub, prelude::*};

/// Notes the events that it receives.
#[actor]
#[derive(Default)]
struct Notes {
    lines: Vec<String>,
}

#[actor]
impl Notes {
    #[from]
    fn child(&mut self, event: ChildEvent) {
        let change = match event.change {
            ChildChange::Started { starts, .. } => format!("start {starts}"),
            ChildChange::StartFailed { reason } => format!("not started: {reason}"),
            ChildChange::Exited { reason, .. } => format!("exit: {reason}"),
            _ => "other".to_owned(),
        };
        self.lines.push(format!("{}/{} {change}", event.supervisor, event.child));
    }

    #[call]
    fn lines(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }
}

#[actor]
#[derive(Clone)]
struct Till {
    is_broken: bool,
}

#[actor]
impl Till {
    #[init]
    fn check(&mut self) -> Result<(), Exit> {
        if self.is_broken { Err(Exit::error("no drawer")) } else { Ok(()) }
    }

    #[cast]
    fn jam(&mut self) -> Result<(), Exit> {
        Err(Exit::error("a jam"))
    }
}

#[supervisor(intensity = 10)]
struct Shop {
    #[child(start = Till { is_broken: false })]
    till: Till,
}

async fn jam(till: TillRef) {
    let down = till.ended();
    till.jam();
    down.await;
}

/// Waits until the supervisor has done what it was about to do.
async fn settle(shop: &impl TreeStub) {
    assert_eq!(shop.terminate_child("nobody").await, Err(ChildError::NotFound));
}

#[greenroom::test(expect_crash)]
async fn a_subscriber_receives_the_starts_and_exits_of_the_children_in_order() {
    let (shop, notes) = (Shop {}.start().await.unwrap(), Notes::default().spawn());
    shop.child_events(notes.recipient()).await.unwrap();
    // The same subscriber again: it receives each event once.
    shop.child_events(notes.recipient()).await.unwrap();
    jam(shop.till()).await;
    settle(&shop).await;
    assert_eq!(notes.lines().await.unwrap(), ["/Shop/till exit: a jam", "/Shop/till start 2"]);
    shop.terminate_child("till").await.unwrap();
    shop.restart_child("till").await.unwrap();
    assert_eq!(notes.lines().await.unwrap(), ["/Shop/till exit: shutdown", "/Shop/till start 3"]);
    let broken = ChildSpec::new(|| Till { is_broken: true }).restart(Restart::Temporary);
    assert!(matches!(shop.start_child("spare", broken).await, Err(ChildError::Start(_))));
    assert_eq!(notes.lines().await.unwrap(), ["/Shop/spare not started: no drawer"]);
    shop.stop().await;
    assert_eq!(notes.lines().await.unwrap(), ["/Shop/till exit: shutdown"]);
}

#[greenroom::test(expect_crash)]
async fn a_subscription_ends_with_its_subscriber() {
    let (shop, stays) = (Shop {}.start().await.unwrap(), Notes::default().spawn());
    shop.child_events(stays.recipient()).await.unwrap();
    // More than a supervisor takes at one time.
    for _ in 0..2_000 {
        let goes = Notes::default().spawn();
        shop.child_events(goes.recipient()).await.unwrap();
        goes.stop(Exit::Normal).await;
        // Behind the report of the exit.
        settle(&shop).await;
    }
    jam(shop.till()).await;
    settle(&shop).await;
    assert_eq!(stays.lines().await.unwrap(), ["/Shop/till exit: a jam", "/Shop/till start 2"]);
}

#[greenroom::test]
async fn the_subscribers_of_a_supervisor_are_bounded() {
    let shop = Shop {}.start().await.unwrap();
    let mut all = Vec::new();
    for _ in 0..1_024 {
        all.push(Notes::default().spawn());
        shop.child_events(all[all.len() - 1].recipient()).await.unwrap();
    }
    let one_more = Notes::default().spawn();
    assert_eq!(shop.child_events(one_more.recipient()).await, Err(ChildError::TooManySubscribers));
    all.pop().unwrap().stop(Exit::Normal).await;
    settle(&shop).await;
    assert_eq!(shop.child_events(one_more.recipient()).await, Ok(()));
}

/// A child that subscribes to the events of its own supervisor.
#[actor]
struct Clerk {
    notes: NotesRef,
    shop: greenroom::SupervisionRef,
}

#[actor(local)]
impl Clerk {
    #[continue_with]
    async fn subscribe(&mut self) -> Result<(), Exit> {
        Ok(self.shop.child_events(self.notes.recipient()).await?)
    }

    #[call]
    fn rest(&mut self) {}
}

#[greenroom::test(expect_crash)]
async fn a_child_subscribes_to_the_events_of_its_own_supervisor() {
    let notes = Notes::default().spawn();
    let shop = Supervisor::new(Strategy::OneForOne).name("Shop").start().await.unwrap();
    let till = shop.start_child("till", ChildSpec::new(|| Till { is_broken: false })).await.unwrap();
    let (clerk_notes, clerk_shop) = (notes.clone(), shop.clone());
    let clerk = ChildSpec::new(move || Clerk { notes: clerk_notes.clone(), shop: clerk_shop.clone() });
    let clerk: ClerkRef = shop.start_child("clerk", clerk).await.unwrap();
    // Handled after the subscription.
    clerk.rest().await.unwrap();
    notes.lines().await.unwrap();
    jam(till.clone()).await;
    settle(&shop).await;
    let lines = notes.lines().await.unwrap();
    assert_eq!(lines, ["/Shop/till exit: a jam", "/Shop/till start 2"]);
}

#[greenroom::test(expect_crash)]
async fn a_subscriber_can_be_on_another_node() {
    let cluster = Cluster::in_memory(2).await;
    let [here, there] = [cluster.node(0), cluster.node(1)];
    let shop = here.start_supervisor(Supervisor::new(Strategy::OneForOne).name("Shop")).await.unwrap();
    let till = shop.start_child("till", ChildSpec::new(|| Till { is_broken: false })).await.unwrap();
    greenroom::SupervisionRef::register("shop", &shop).unwrap();
    let notes = {
        let _there = there.enter();
        Notes::default().spawn()
    };
    let remote: greenroom::SupervisionRef = there.named_at("shop", here.name());
    remote.child_events(notes.recipient()).await.unwrap();
    jam(till).await;
    // The answer comes behind the events.
    settle(&remote).await;
    assert_eq!(notes.lines().await.unwrap(), ["/Shop/till exit: a jam", "/Shop/till start 2"]);
    cluster.stop().await;
}
