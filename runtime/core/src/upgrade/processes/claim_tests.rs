//! The claims of a node that is upgraded: on nodes in memory, with the local view and with a registry whose leases end.

use std::time::Duration;

use greenroom_macros::{actor, supervisor};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep, timeout};

use super::tests::{commit, hand_over};
use crate::application::{Application, Failover};
use crate::node::Node;
use crate::prelude::*;
use crate::registry::ClaimService;
use crate::testing::ClaimStore;

const LEASE: Duration = Duration::from_secs(9);
const SOON: Duration = Duration::from_millis(10);

#[actor(upgrade)]
#[derive(Default, Serialize, Deserialize)]
struct Ledger {
    entries: u64,
}

#[actor]
impl Ledger {
    #[call]
    fn book(&mut self) -> u64 {
        self.entries += 1;
        self.entries
    }
}

/// Starts anew in each release.
#[actor]
#[derive(Default)]
struct Printer;

#[actor]
impl Printer {
    #[call]
    fn pages(&self) -> u64 {
        0
    }
}

#[supervisor]
#[derive(Default)]
struct Bank {
    #[child]
    ledger: Ledger,
    #[child]
    printer: Printer,
}

/// The registry of a test.
#[derive(Clone)]
enum Registry {
    LocalView,
    Store(ClaimStore),
}

impl Registry {
    fn all() -> [Registry; 2] {
        [Registry::LocalView, Registry::Store(ClaimStore::new(LEASE))]
    }

    /// Lets the node use it.
    fn serve(&self, node: &Node) {
        if let Registry::Store(store) = self {
            ClaimService::start_for_test(node, store.registry(0));
        }
    }
}

async fn start(node: &Node) -> BankRef {
    node.scope(async { Bank::default().start().await }).await.unwrap()
}

fn token(node: &Node, name: &str) -> Option<u64> {
    node.claims().get(&format!("global/{name}")).map(|claim| claim.token)
}

#[greenroom_macros::test]
async fn a_process_keeps_its_global_name_and_its_token() {
    for registry in Registry::all() {
        let node = Node::local();
        registry.serve(&node);
        let bank = start(&node).await;
        let before = node.register_global("ledger", &bank.ledger()).await.unwrap();
        let pid = bank.ledger().pid();
        let (held, successor) = hand_over(&node).await.unwrap();
        registry.serve(&successor);
        let bank = start(&successor).await;
        commit(&node, held, &successor).await;
        let begun = Instant::now();
        node.stop().await;
        assert!(begun.elapsed() < Duration::from_secs(1), "it does not wait for claims that it does not release");
        sleep(LEASE * 2).await;
        assert_eq!((token(&successor, "ledger"), successor.lookup_global("ledger")), (Some(before), pid));
        assert_eq!(successor.claims_held(), 1);
        bank.ledger().exit(Exit::Kill);
        sleep(SOON).await;
        assert_eq!(token(&successor, "ledger"), None, "the process that was named has exited");
    }
}

#[greenroom_macros::test]
async fn a_name_moves_to_a_process_that_starts_anew_and_an_unused_one_is_released() {
    for registry in Registry::all() {
        let node = Node::local();
        registry.serve(&node);
        let bank = start(&node).await;
        for name in ["printer", "unused"] {
            node.register_global(name, &bank.printer()).await.unwrap();
        }
        let before = token(&node, "printer");
        let (held, successor) = hand_over(&node).await.unwrap();
        registry.serve(&successor);
        let bank = start(&successor).await;
        let printer = bank.printer();
        let (of_successor, registered) = (successor.clone(), printer.clone());
        let registered = tokio::spawn(async move { of_successor.register_global("printer", &registered).await });
        sleep(SOON).await;
        // A registry outside of the node is not changed before the commit.
        assert_eq!(registered.is_finished(), matches!(registry, Registry::LocalView));
        if let Registry::Store(store) = &registry {
            assert_eq!(store.claims().len(), 2);
        }
        commit(&node, held, &successor).await;
        node.stop().await;
        assert!(registered.await.unwrap().unwrap() > before.unwrap());
        sleep(SOON).await;
        assert_eq!((successor.lookup_global("printer"), token(&successor, "unused")), (printer.pid(), None));
    }
}

#[greenroom_macros::test]
async fn claims_go_on_if_the_upgrade_fails() {
    for registry in Registry::all() {
        let node = Node::local();
        registry.serve(&node);
        let bank = start(&node).await;
        let before = node.register_global("ledger", &bank.ledger()).await.unwrap();
        let (held, successor) = hand_over(&node).await.unwrap();
        registry.serve(&successor);
        start(&successor).await;
        // Not while the successor may have the claims.
        let (of_node, printer) = (node.clone(), bank.printer());
        let registered = tokio::spawn(async move { of_node.register_global("printer", &printer).await });
        sleep(LEASE / 4).await;
        assert!(!registered.is_finished());
        drop((held, successor));
        registered.await.unwrap().unwrap();
        sleep(LEASE * 2).await;
        assert_eq!(token(&node, "ledger"), Some(before));
        bank.ledger().exit(Exit::Kill);
        sleep(SOON).await;
        assert_eq!(token(&node, "ledger"), None);
    }
}

async fn start_application(node: &Node) -> Failover<BankRef> {
    let bank = Application::new("bank", Bank::default()).failover(["nonode@nohost", "b@two"]);
    node.start_failover(bank).await.unwrap()
}

fn bank(application: &Failover<BankRef>) -> BankRef {
    application.running().unwrap().tree().clone()
}

#[greenroom_macros::test]
async fn an_application_continues_on_its_node() {
    for registry in Registry::all() {
        let node = Node::local();
        registry.serve(&node);
        let application = start_application(&node).await;
        let before = application.token();
        let ledger = bank(&application).ledger();
        assert_eq!(ledger.book().await.unwrap(), 1);
        node.register_global("ledger", &ledger).await.unwrap();
        let (held, successor) = hand_over(&node).await.unwrap();
        registry.serve(&successor);
        let continued = timeout(SOON, start_application(&successor)).await.unwrap();
        assert!(application.running().is_some(), "the predecessor has it until the commit");
        commit(&node, held, &successor).await;
        let begun = Instant::now();
        node.stop().await;
        assert!(begun.elapsed() < Duration::from_secs(1), "it does not wait for names that it does not release");
        sleep(LEASE * 2).await;
        assert_eq!((continued.token(), continued.node().as_ref()), (before, Some(successor.name())));
        assert_eq!(bank(&continued).ledger().book().await.unwrap(), 2);
    }
}

#[greenroom_macros::test]
async fn an_application_that_was_stopped_on_purpose_stays_stopped_over_an_upgrade() {
    let node = Node::local();
    let application = start_application(&node).await;
    application.stop().await;
    let (held, successor) = hand_over(&node).await.unwrap();
    let continued = start_application(&successor).await;
    commit(&node, held, &successor).await;
    sleep(LEASE).await;
    assert!(continued.is_stopped() && continued.running().is_none());
}
