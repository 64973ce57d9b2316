//! Warnings and errors that one message or one process can cause again and again: the first few are logged, the others
//! are counted and summarised.

use greenroom::prelude::*;

use crate::events::Events;
use crate::scripted::settle;

const REPEATED: usize = 100;

/// The number of lines that begin with `beginning`, and the last line.
fn count(events: &Events, beginning: &str) -> (usize, String) {
    let lines = events.take();
    let count = lines.iter().filter(|line| line.starts_with(beginning)).count();
    (count, lines.last().cloned().unwrap_or_default())
}

/// A courier that reads its order and fails as the order demands.
#[derive(Clone)]
#[actor]
struct Courier {
    starts: bool,
}

#[actor]
impl Courier {
    #[init]
    fn begin(&mut self) -> Result<(), Exit> {
        if self.starts { Ok(()) } else { Err(Exit::error("no bicycle")) }
    }

    #[cast]
    fn crash(&mut self) {
        panic!("a flat tyre");
    }

    #[terminate]
    fn stop(&mut self) {}
}

#[supervisor]
struct Depot {
    #[child(dynamic, restart = temporary)]
    couriers: Courier,
}

#[greenroom::test]
async fn crashes_of_many_children_are_summarised() {
    let (events, _listening) = Events::listen(&["greenroom::supervisor"], &["pid", "reason", "within"]);
    let depot = Depot {}.start().await.unwrap();
    for _ in 0..REPEATED {
        let courier = depot.couriers().start_child(Courier { starts: true }).await.unwrap();
        let ended = courier.ended();
        courier.crash();
        ended.await;
    }
    tokio::time::sleep(Duration::from_secs(11)).await;
    let (count, last) = count(&events, "ERROR child terminated");
    assert_eq!((count, last.as_str()), (5, "ERROR more children terminated count=95"));
}

#[greenroom::test]
async fn failed_starts_of_many_children_are_summarised() {
    let (events, _listening) = Events::listen(&["greenroom::supervisor"], &["pid", "reason", "within"]);
    let depot = Depot {}.start().await.unwrap();
    for _ in 0..REPEATED {
        assert!(depot.couriers().start_child(Courier { starts: false }).await.is_err());
    }
    tokio::time::sleep(Duration::from_secs(11)).await;
    let (count, last) = count(&events, "ERROR child did not start");
    assert_eq!((count, last.as_str()), (5, "ERROR more children did not start count=95"));
}

#[greenroom::test]
async fn stubs_for_invalid_node_names_are_summarised() {
    let (events, _listening) = Events::listen(&["greenroom"], &["error"]);
    for _ in 0..REPEATED {
        let _: CourierRef = Node::current().named_at("courier", "no node");
    }
    tokio::time::sleep(Duration::from_secs(11)).await;
    let (count, last) = count(&events, "WARN a stub for an invalid node name");
    assert_eq!((count, last.as_str()), (5, "WARN more stubs for invalid node names were made count=95"));
}

/// A parcel whose destructor panics.
struct Fragile;

impl Drop for Fragile {
    fn drop(&mut self) {
        panic!("broken");
    }
}

#[protocol(local)]
enum Parcel {
    Take,
}

#[greenroom::test]
async fn panics_of_destructors_are_summarised() {
    let (events, _listening) = Events::listen(&["greenroom"], &["pid", "panic"]);
    for _ in 0..REPEATED {
        let holder = greenroom::spawn(|mut mailbox: Mailbox<Parcel>| async move {
            let _parcel = Fragile;
            receive!(match mailbox {
                Parcel::Take => {}
            });
        });
        settle().await;
        let ended = holder.ended();
        holder.exit(Exit::shutdown());
        ended.await;
    }
    tokio::time::sleep(Duration::from_secs(11)).await;
    let (count, last) = count(&events, "ERROR a destructor panicked");
    assert_eq!((count, last.as_str()), (5, "ERROR more panics of processes that were ending count=95"));
}
