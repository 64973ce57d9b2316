//! Nodes that agree by etcd alone: they have no connections with each other.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use greenroom::prelude::*;
use greenroom::{Application, Failover};
use tokio::runtime::Runtime;
use tokio::time::sleep;

use crate::cluster::{Cluster, until};

const LEASE: Duration = Duration::from_secs(2);

/// The nodes on which the application runs, and the most at a time.
#[derive(Clone, Default)]
struct Journal(Arc<Mutex<(Vec<String>, usize)>>);

impl Journal {
    fn running(&self) -> Vec<String> {
        self.0.lock().unwrap().0.clone()
    }

    fn most(&self) -> usize {
        self.0.lock().unwrap().1
    }
}

/// Runs once.
#[actor]
struct Ledger {
    journal: Journal,
    node: String,
}

#[actor]
impl Ledger {
    #[init]
    fn enter(&mut self) {
        let mut journal = self.journal.0.lock().unwrap();
        journal.0.push(self.node.clone());
        journal.1 = journal.1.max(journal.0.len());
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.journal.0.lock().unwrap().0.retain(|node| *node != self.node);
    }
}

#[supervisor]
struct BillingTree {
    journal: Journal,
    #[child(start = Ledger { journal: self.journal.clone(), node: Node::current().name().to_string() })]
    ledger: Ledger,
}

/// A node on a runtime of its own, so that it can end without notice.
struct Program {
    runtime: Option<Runtime>,
    billing: Failover<BillingTreeRef>,
}

impl Program {
    async fn start(name: &str, etcd: &Cluster, journal: &Journal) -> Program {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let registry = etcd.registry(LEASE.as_secs()).build().expect("it is valid");
        let tree = BillingTree { journal: journal.clone() };
        let application = Application::new("billing", tree).failover(["a@one", "b@two"]);
        let builder = Node::builder(name).cookie(Cookie::random().unwrap()).registry(registry);
        let started = runtime.spawn(async move {
            let node = builder.start().await.expect("it has no addresses");
            node.start_failover(application).await.expect("etcd runs")
        });
        let billing = started.await.expect("it does not panic");
        Program { runtime: Some(runtime), billing }
    }

    /// Ends the node without notice. Its claims last until their lease ends.
    fn kill(&mut self) {
        self.runtime.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_application_runs_once_on_nodes_that_share_nothing_but_etcd() {
    let Some(etcd) = Cluster::of_one().await else { return };
    let journal = Journal::default();
    let (a, b) = tokio::join!(Program::start("a@one", &etcd, &journal), Program::start("b@two", &etcd, &journal));
    let (mut a, b) = (a, b);
    assert_eq!(journal.running(), ["a@one"]);

    a.kill();
    let killed = Instant::now();
    until(async || journal.running() == ["b@two"]).await;
    // etcd looks for leases that have ended twice a second.
    assert!(killed.elapsed() < LEASE * 2, "{:?}", killed.elapsed());

    // A better node returns.
    let a = Program::start("a@one", &etcd, &journal).await;
    until(async || journal.running() == ["a@one"]).await;
    assert_eq!(b.billing.node().map(String::from).as_deref(), Some("a@one"));

    // Without etcd no node may run it when the lease has ended.
    etcd.members[0].signal("STOP");
    until(async || journal.running().is_empty()).await;
    sleep(LEASE).await;
    assert_eq!(journal.running(), [""; 0]);
    etcd.members[0].signal("CONT");
    until(async || journal.running() == ["a@one"]).await;

    // The other node is in touch with etcd again, too.
    until(async || b.billing.node().is_some_and(|node| node.as_str() == "a@one")).await;
    b.billing.stop().await;
    assert_eq!(journal.running(), [""; 0]);
    assert!(a.billing.is_stopped());
    assert_eq!(journal.most(), 1);
}
