//! Applications with failover on nodes in memory, with the registry in memory and its faults, and with the local view.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use greenroom_macros::{actor, supervisor};
use tokio::time::{Instant, sleep};

use crate::application::{Application, ApplicationError, Failover, Running};
use crate::prelude::*;
use crate::testing::{Check, ClaimStore, Cluster, Faults};

const LEASE: Duration = Duration::from_secs(9);
const NODES: [&str; 3] = ["n0@test", "n1@test", "n2@test"];

/// The starts and the ends of an application, on all nodes.
#[derive(Clone, Default)]
struct Journal(Arc<Mutex<Entries>>);

struct Entries {
    /// The time that a start takes.
    start_time: Duration,
    running: Vec<NodeName>,
    starts: Vec<NodeName>,
    most: usize,
    /// Nodes on which the application does not start.
    broken: Vec<NodeName>,
}

impl Default for Entries {
    fn default() -> Entries {
        let start_time = Duration::from_millis(20);
        Entries { start_time, running: Vec::new(), starts: Vec::new(), most: 0, broken: Vec::new() }
    }
}

impl Journal {
    fn running(&self) -> Vec<String> {
        self.0.lock().unwrap().running.iter().map(ToString::to_string).collect()
    }

    fn starts(&self) -> Vec<String> {
        self.0.lock().unwrap().starts.iter().map(ToString::to_string).collect()
    }

    /// The most that ran at a time.
    fn most(&self) -> usize {
        self.0.lock().unwrap().most
    }

    fn set_broken(&self, nodes: &[&str]) {
        self.0.lock().unwrap().broken = nodes.iter().map(|node| node.parse().unwrap()).collect();
    }

    #[track_caller]
    fn until_running(&self, expected: &[&str]) -> impl Future<Output = ()> {
        until(move || self.running() == expected)
    }
}

/// Waits until the condition holds, on the paused clock.
#[track_caller]
fn until(mut condition: impl FnMut() -> bool) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let began = Instant::now();
        while !condition() {
            assert!(began.elapsed() < LEASE * 10, "the condition of {caller} does not become true");
            sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Runs once in the cluster.
#[actor(trap_exit)]
struct Ledger {
    journal: Journal,
    entered: Option<NodeName>,
}

#[actor]
impl Ledger {
    #[init]
    async fn enter(&mut self) -> Result<(), Exit> {
        let time = self.journal.0.lock().unwrap().start_time;
        sleep(time).await;
        let node = Node::current().name().clone();
        let mut entries = self.journal.0.lock().unwrap();
        if entries.broken.contains(&node) {
            return Err(Exit::error("broken"));
        }
        entries.starts.push(node.clone());
        entries.running.push(node.clone());
        entries.most = entries.most.max(entries.running.len());
        drop(entries);
        self.entered = Some(node);
        Ok(())
    }

    /// A stop in order takes longer than the node may rely on a claim that it cannot renew.
    #[terminate]
    async fn leave(&mut self) {
        sleep(LEASE / 3).await;
    }

    #[cast]
    fn fail(&self) -> Result<(), Exit> {
        Err(Exit::error("failed"))
    }

    #[cast]
    fn finish(&self, cx: &mut Context<Self>) {
        cx.stop(Exit::Normal);
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        if let Some(node) = &self.entered {
            let mut entries = self.journal.0.lock().unwrap();
            let at = entries.running.iter().position(|running| running == node).expect("it has entered");
            entries.running.remove(at);
        }
    }
}

#[supervisor(intensity = 0, auto_shutdown = any)]
struct BillingTree {
    journal: Journal,
    #[child(start = Ledger { journal: self.journal.clone(), entered: None }, restart = transient, significant)]
    ledger: Ledger,
}

async fn start(node: &Node, journal: &Journal) -> Result<Failover<BillingTreeRef>, ApplicationError> {
    let tree = BillingTree { journal: journal.clone() };
    node.start_failover(Application::new("billing", tree).failover(NODES)).await
}

/// Waits until the application is up on the node of the handle.
async fn up(handle: &Failover<BillingTreeRef>) -> Running<BillingTreeRef> {
    until(|| handle.running().is_some()).await;
    handle.running().unwrap()
}

/// Three nodes with one registry.
async fn cluster() -> (Cluster, ClaimStore, Journal) {
    let store = ClaimStore::new(LEASE);
    let shared = store.clone();
    let cluster = Cluster::in_memory(3).configure(move |index, builder| builder.registry(shared.registry(index))).await;
    (cluster, store, Journal::default())
}

/// Starts the application on all nodes at the same time.
async fn start_all(cluster: &Cluster, journal: &Journal) -> [Failover<BillingTreeRef>; 3] {
    let [a, b, c] = [0, 1, 2].map(|index| start(cluster.node(index), journal));
    let (a, b, c) = tokio::join!(a, b, c);
    [a.unwrap(), b.unwrap(), c.unwrap()]
}

#[greenroom_macros::test]
async fn nodes_that_start_together_start_the_application_once() {
    let (cluster, store, journal) = cluster().await;
    let began = Instant::now();
    let handles = start_all(&cluster, &journal).await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    sleep(LEASE * 3).await;
    assert_eq!((journal.starts(), journal.most()), (vec!["n0@test".to_owned()], 1));
    for handle in &handles {
        assert_eq!(handle.node().unwrap().as_str(), "n0@test");
    }
    assert!(handles[0].running().is_some());
    assert!(handles[1].running().is_none());
    assert_eq!(store.claims().len(), 4);
    let [info] = &cluster.node(2).failovers()[..] else { panic!("it has one") };
    assert_eq!(
        (&*info.name, info.node.as_ref().map(NodeName::as_str), info.stopped),
        ("billing", Some("n0@test"), false)
    );
    assert_eq!(info.nodes.iter().map(NodeName::as_str).collect::<Vec<_>>(), NODES);
}

#[greenroom_macros::test]
async fn a_lost_node_is_replaced_within_two_leases_and_takes_over_when_it_returns() {
    let (cluster, _store, journal) = cluster().await;
    let handles = start_all(&cluster, &journal).await;
    let mut tokens = vec![handles[0].token()];
    for (lost, next) in [(0, "n1@test"), (1, "n2@test")] {
        assert_eq!(handles[lost + 1].token(), None, "it runs elsewhere");
        cluster.crash(lost);
        let began = Instant::now();
        journal.until_running(&[next]).await;
        assert!(began.elapsed() < LEASE * 2, "{:?}", began.elapsed());
        tokens.push(handles[lost + 1].token());
    }
    for (returned, name) in [(1, "n1@test"), (0, "n0@test")] {
        let handle = start(cluster.restart(returned).await, &journal).await.unwrap();
        journal.until_running(&[name]).await;
        assert_eq!(handle.node().unwrap().as_str(), name);
        tokens.push(handle.token());
    }
    assert!(tokens[0].is_some() && tokens.is_sorted_by(|a, b| a < b), "{tokens:?}");
    assert_eq!(handles[2].token(), None, "its claim has ended");
    assert_eq!(journal.most(), 1);
    assert_eq!(journal.starts(), ["n0@test", "n1@test", "n2@test", "n1@test", "n0@test"]);
}

#[greenroom_macros::test]
async fn several_nodes_that_leave_at_once_keep_one_instance() {
    let (cluster, _store, journal) = cluster().await;
    start_all(&cluster, &journal).await;
    tokio::join!(cluster.node(0).stop(), cluster.node(1).stop());
    journal.until_running(&["n2@test"]).await;
    assert_eq!(journal.most(), 1);
}

#[greenroom_macros::test]
async fn the_stop_of_a_node_is_not_a_stop_on_purpose() {
    let (cluster, _store, journal) = cluster().await;
    start_all(&cluster, &journal).await;
    // It stops after the application that starts later, and takes its time.
    let other = BillingTree { journal: Journal::default() };
    cluster.node(1).start_application(Application::new("other", other)).await.unwrap();
    cluster.crash(0);
    journal.until_running(&["n1@test"]).await;
    cluster.node(1).stop().await;
    journal.until_running(&["n2@test"]).await;
    assert_eq!(journal.most(), 1);
}

#[greenroom_macros::test]
async fn an_application_that_was_stopped_on_purpose_stays_stopped() {
    let (cluster, store, journal) = cluster().await;
    let [_, b, _] = start_all(&cluster, &journal).await;
    b.stop().await;
    assert_eq!(journal.running(), [""; 0]);
    assert_eq!(store.claims().iter().filter(|claim| claim.key.starts_with("application/")).count(), 0);
    // Each node but one is lost and returns.
    for node in [0, 1] {
        cluster.crash(node);
        sleep(LEASE * 2).await;
        let returned = start(cluster.restart(node).await, &journal).await.unwrap();
        assert!(returned.is_stopped());
    }
    sleep(LEASE * 3).await;
    assert_eq!(journal.starts(), ["n0@test"]);
    let returned = start(cluster.restart(2).await, &journal).await.unwrap();
    assert!(returned.is_stopped());
    returned.start().await;
    journal.until_running(&["n0@test"]).await;
    assert_eq!(journal.most(), 1);
}

#[test]
fn an_instance_that_is_stopped_or_finishes_is_stopped_on_all_nodes() {
    let check = Check::nodes(3).state(|seed| (ClaimStore::seeded(LEASE, seed), Journal::default()));
    let check = check.configure(|index, builder, (store, _)| builder.registry(store.registry(index)));
    check.run(0..20, async |cluster: Cluster, (_, journal)| {
        let [a, b, _] = start_all(&cluster, &journal).await;
        up(&a).await.stop().await;
        until(|| b.is_stopped()).await;
        b.start().await;
        journal.until_running(&["n0@test"]).await;
        up(&a).await.tree().ledger().finish();
        until(|| b.is_stopped()).await;
        sleep(LEASE * 3).await;
        assert_eq!(journal.running(), [""; 0]);
        assert_eq!(journal.starts(), ["n0@test", "n0@test"]);
    });
}

#[greenroom_macros::test]
async fn a_stop_of_a_permanent_instance_is_a_stop_on_purpose() {
    let (cluster, _store, journal) = cluster().await;
    let permanent = |index: usize| {
        let application = Application::new("billing", BillingTree { journal: journal.clone() }).permanent();
        cluster.node(index).start_failover(application.failover(["n0@test", "n1@test"]))
    };
    let (a, b) = tokio::join!(permanent(0), permanent(1));
    up(&a.unwrap()).await.stop().await;
    let b = b.unwrap();
    until(|| b.is_stopped()).await;
    sleep(LEASE * 3).await;
    assert_eq!(journal.starts(), ["n0@test"]);
}

#[greenroom_macros::test]
async fn a_node_does_not_start_a_stopped_application_before_it_has_a_report_of_the_registry() {
    let (cluster, store, journal) = cluster().await;
    let [_, b, _] = start_all(&cluster, &journal).await;
    b.stop().await;
    cluster.crash(0);
    store.cut(0);
    let node = cluster.restart(0).await;
    let heal = async {
        sleep(LEASE * 2).await;
        store.heal();
    };
    let (returned, ()) = tokio::join!(start(node, &journal), heal);
    assert!(returned.unwrap().is_stopped());
    assert_eq!(journal.starts(), ["n0@test"]);
}

#[greenroom_macros::test]
async fn a_start_during_which_the_claim_is_lost_is_not_a_failure() {
    let (cluster, store, journal) = cluster().await;
    journal.0.lock().unwrap().start_time = LEASE * 2;
    let fault = async {
        // The start begins after 5 s, and the claim is lost before it ends.
        sleep(LEASE).await;
        store.cut(1);
        sleep(LEASE * 2).await;
        store.heal();
    };
    let (started, ()) = tokio::join!(start(cluster.node(1), &journal), fault);
    assert!(started.unwrap().running().is_some());
    assert_eq!(journal.starts(), ["n1@test"]);
}

#[greenroom_macros::test]
async fn a_start_that_a_better_node_interrupts_is_not_a_failure() {
    let (cluster, _store, journal) = cluster().await;
    let (began, half_of_a_start) = (Instant::now(), Duration::from_millis(10));
    let second = start(cluster.node(1), &journal);
    let first = async {
        sleep(Duration::from_secs(5) + half_of_a_start).await;
        start(cluster.node(0), &journal).await
    };
    let (second, first) = tokio::join!(second, first);
    // The reports of the registry do not reach both nodes at the same time.
    let (second, first) = (second.unwrap(), first.unwrap());
    until(|| [&second, &first].iter().all(|on| on.node() == Some(cluster.node(0).name().clone()))).await;
    assert!(began.elapsed() < LEASE * 2);
    journal.until_running(&["n0@test"]).await;
}

/// Has a global name from its start on.
#[actor]
#[derive(Default)]
struct Clerk;

#[actor]
impl Clerk {
    #[init]
    async fn open(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        global::register("clerk", &cx.me()).await?;
        Ok(())
    }

    #[cast]
    fn fail(&self) -> Result<(), Exit> {
        Err(Exit::error("failed"))
    }
}

#[supervisor]
#[derive(Default)]
struct Office {
    #[child]
    clerk: Clerk,
}

/// Starts an application whose process has a global name.
async fn start_office(node: &Node) -> Failover<OfficeRef> {
    node.start_failover(Application::new("office", Office::default()).failover(NODES)).await.unwrap()
}

#[test]
fn a_process_of_an_application_registers_its_global_name_after_a_move_and_after_a_restart() {
    Check::nodes(2).run(0..40, async |cluster: Cluster| {
        let [a, b] = [cluster.node(0).clone(), cluster.node(1).clone()];
        let owner = || cluster.node(1).lookup_global("clerk").map(|pid| pid.node().to_string());
        let is_on = |node: &'static str| until(move || owner().as_deref() == Some(node));
        let (on_a, _) = tokio::join!(start_office(&a), start_office(&b));
        is_on("n0@test").await;
        on_a.running().unwrap().tree().clerk().fail();
        sleep(Duration::from_millis(100)).await;
        is_on("n0@test").await;
        a.stop().await;
        is_on("n1@test").await;
        start_office(cluster.restart(0).await).await;
        is_on("n0@test").await;
    });
}

#[greenroom_macros::test]
async fn applications_whose_names_begin_alike_are_separate() {
    let (cluster, _store, journal) = cluster().await;
    let other = Application::new("billing/archive", BillingTree { journal: Journal::default() }).failover(NODES);
    cluster.node(0).start_failover(other).await.unwrap();
    start(cluster.node(1), &journal).await.unwrap();
    assert_eq!(journal.running(), ["n1@test"]);
}

#[greenroom_macros::test]
async fn a_node_that_has_seen_the_application_run_does_not_wait_for_others_when_it_is_lost() {
    let cluster = Cluster::in_memory(3).await;
    let journal = Journal::default();
    start(cluster.node(0), &journal).await.unwrap();
    start(cluster.node(1), &journal).await.unwrap();
    let lost = Instant::now();
    cluster.crash(0);
    journal.until_running(&["n1@test"]).await;
    assert!(lost.elapsed() < Duration::from_secs(5), "{:?}", lost.elapsed());
}

#[greenroom_macros::test]
async fn an_application_that_fails_on_a_node_runs_on_the_next() {
    let (cluster, _store, journal) = cluster().await;
    let [a, b, _] = start_all(&cluster, &journal).await;
    journal.set_broken(&["n1@test"]);
    up(&a).await.tree().ledger().fail();
    journal.until_running(&["n2@test"]).await;
    sleep(LEASE * 3).await;
    assert_eq!(journal.starts(), ["n0@test", "n2@test"]);
    journal.set_broken(&[]);
    b.start().await;
    journal.until_running(&["n1@test"]).await;
    a.start().await;
    journal.until_running(&["n0@test"]).await;
    assert_eq!(journal.most(), 1);
}

#[greenroom_macros::test]
async fn a_start_that_fails_leaves_nothing_behind() {
    let (cluster, store, journal) = cluster().await;
    journal.set_broken(&NODES);
    let error = start(cluster.node(0), &journal).await.unwrap_err();
    assert!(matches!(error, ApplicationError::Tree { .. }), "{error}");
    sleep(LEASE).await;
    assert_eq!(store.claims(), []);
    assert!(cluster.node(0).failovers().is_empty());
    journal.set_broken(&[]);
    start(cluster.node(0), &journal).await.unwrap();
    assert_eq!(journal.running(), ["n0@test"]);
    let again = start(cluster.node(0), &journal).await.unwrap_err();
    assert_eq!(again, ApplicationError::AlreadyStarted("billing".into()));
}

#[greenroom_macros::test]
async fn a_list_that_cannot_be_used_is_refused() {
    let journal = Journal::default();
    let start = async |nodes: &[&str], name: &str| {
        let tree = BillingTree { journal: journal.clone() };
        Application::new(name, tree).failover(nodes.iter().copied()).start().await.unwrap_err().to_string()
    };
    assert!(start(&[], "billing").await.contains("the list is empty"));
    assert!(start(&["one"], "billing").await.contains("invalid node name `one`"));
    assert!(start(&["a@one", "a@one"], "billing").await.contains("twice"));
    assert!(start(&["a@one"], &"b".repeat(250)).await.contains("more than 255 bytes"));
}

#[greenroom_macros::test]
async fn a_node_without_its_registry_kills_the_application_before_its_lease_ends() {
    let (cluster, store, journal) = cluster().await;
    start_all(&cluster, &journal).await;
    store.cut(0);
    journal.until_running(&[]).await;
    assert!(
        store.claims().iter().any(|claim| claim.key == "application/billing" && claim.node.name.as_str() == "n0@test")
    );
    journal.until_running(&["n1@test"]).await;
    store.heal();
    journal.until_running(&["n0@test"]).await;
    assert_eq!(journal.most(), 1);
}

#[greenroom_macros::test]
async fn both_sides_of_a_split_run_the_application_under_the_local_view_until_they_connect() {
    let cluster = Cluster::in_memory(3).await;
    let journal = Journal::default();
    start_all(&cluster, &journal).await;
    cluster.partition(0, 1..3);
    until(|| journal.running().len() == 2).await;
    assert_eq!(journal.running(), ["n0@test", "n1@test"]);
    cluster.heal_all();
    cluster.connected().await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(journal.running(), ["n0@test"]);
    assert_eq!(journal.most(), 2);
}

#[test]
fn one_instance_runs_at_a_time_under_faults_and_one_runs_after_them() {
    const FAULTS: Duration = Duration::from_secs(180);
    let check = Check::nodes(3).state(|seed| (ClaimStore::seeded(LEASE, seed), Journal::default()));
    let check = check.configure(|index, builder, (store, _)| builder.registry(store.registry(index)));
    let check = check.boot(|node, (_, journal)| async move {
        let starting = node.clone();
        node.spawner().spawn(async move { drop(start(&starting, &journal).await) });
        Ok::<(), String>(())
    });
    check.run(0..20, async |cluster: Cluster, (store, journal)| {
        tokio::join!(cluster.chaos(Faults::ALL, FAULTS), store.chaos(cluster.size(), FAULTS));
        sleep(LEASE * 2).await;
        assert_eq!((journal.running(), journal.most()), (vec!["n0@test".to_owned()], 1), "{:?}", store.claims());
        let starts = journal.starts().len();
        sleep(LEASE * 5).await;
        assert_eq!((journal.running().len(), journal.starts().len(), journal.most()), (1, starts, 1));
    });
}
