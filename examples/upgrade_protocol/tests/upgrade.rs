//! The upgrade of a cluster in memory, with both releases in one program.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use greenroom::prelude::*;
use greenroom::testing::Cluster;
use upgrade_protocol::load::{Client, Failure, Load, Print};
use upgrade_protocol::report::{Counts, Ledger, Line};
use upgrade_protocol::{first, second};

const NODES: usize = 3;
/// The time that the cluster runs after each replacement.
const PHASE: Duration = Duration::from_millis(300);

/// A release without regard for the first one.
mod incompatible {
    use super::*;

    #[protocol]
    pub(super) enum Desk {
        Place { number: u64, buyer: String, reply: Reply<u64> },
    }

    #[actor(protocol = Desk, name = "desk")]
    #[derive(Default)]
    pub(super) struct Clerk;

    impl Process for Clerk {
        async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
            loop {
                receive!(match cx {
                    Desk::Place { number, reply, .. } => reply.send(number),
                });
            }
        }
    }

    impl Client for DeskRef {
        async fn order(&self, number: u64) -> Result<bool, Failure> {
            let answer = self.place(number, "Vera".into()).await?;
            Failure::unless_equal(&answer, &number)?;
            Ok(false)
        }
    }

    #[supervisor(auto_shutdown = any)]
    pub(super) struct Shop {
        pub(super) nodes: Vec<String>,
        pub(super) print: Print,
        #[child]
        clerk: Clerk,
        #[child(start = Load::new(self.nodes.clone(), self.print.clone()), restart = temporary, significant)]
        load: Load<DeskRef>,
    }
}

/// A release of the program.
#[derive(Clone, Copy, Debug)]
enum Release {
    Second,
    Incompatible,
}

/// Runs the first release, replaces each node, and stops all of them. Returns the ledger, and the counts of the time in
/// which all nodes were replaced.
async fn upgrade(to: Release) -> (Ledger, Counts) {
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let (starts, lines) = (AtomicUsize::new(0), ledger.clone());
    let cluster = Cluster::in_memory(NODES).boot(move |node| {
        let is_first = starts.fetch_add(1, Ordering::Relaxed) < NODES;
        let (name, lines) = (node.name().to_string(), lines.clone());
        let print: Print = Arc::new(move |line: Line| -> io::Result<()> {
            lines.lock().unwrap().record(&name, line);
            Ok(())
        });
        let nodes = (0..NODES).map(|at| format!("n{at}@test")).collect();
        async move {
            match to {
                _ if is_first => drop(first::Shop { nodes, print }.start().await?),
                Release::Second => drop(second::Shop { nodes, print }.start().await?),
                Release::Incompatible => drop(incompatible::Shop { nodes, print }.start().await?),
            }
            Ok::<(), Exit>(())
        }
    });
    let cluster = cluster.await;
    for at in 0..NODES {
        tokio::time::sleep(PHASE).await;
        // For the others, the node is down for some orders.
        cluster.node(at).stop().await;
        tokio::time::sleep(PHASE / 10).await;
        cluster.restart(at).await;
        cluster.connected().await;
    }
    tokio::time::sleep(PHASE).await;
    let total = || ledger.lock().unwrap().total();
    let before = total();
    tokio::time::sleep(PHASE).await;
    let last = total() - before;
    cluster.stop().await;
    (std::mem::take(&mut *ledger.lock().unwrap()), last)
}

#[greenroom::test]
async fn an_upgrade_loses_no_order() {
    let (ledger, last) = upgrade(Release::Second).await;
    let total = ledger.total();
    assert_eq!((total.sent - total.answered, ledger.reasons().len()), (0, 0), "{ledger:?}");
    assert!((0..NODES).all(|at| !ledger.is_running(&format!("n{at}@test"))), "{ledger:?}");
    // Some orders came to a desk that had stopped. Once all nodes are replaced, each desk quotes.
    assert!(total.repeated > 0 && last.sent > 100, "{total:?} {last:?}");
    assert_eq!(last.quoted, last.answered);
}

#[greenroom::test]
async fn an_incompatible_release_loses_orders_and_the_difference_is_reported() {
    let (ledger, last) = upgrade(Release::Incompatible).await;
    let total = ledger.total();
    assert!(total.lost > 100 && total.lost == total.sent - total.answered, "{total:?}");
    for field in ["customer", "buyer"] {
        let difference = format!("incompatible: `Desk::Place`: the field `{field}` was not sent, and has no default");
        assert!(ledger.reasons().keys().any(|reason| reason.ends_with(&difference)), "{:#?}", ledger.reasons());
    }
    assert_eq!(last.lost, 0, "all nodes have the same release again");
}
