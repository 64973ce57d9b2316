//! Applications whose state moves with them, on nodes in memory, with the registry in memory and its faults.

use std::cell::RefCell;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use greenroom_macros::{actor, supervisor};
use serde::{Deserialize, Serialize, Serializer};
use tokio::time::{Instant, sleep};

use super::announce::encode;
use super::manager::{KeptStates, Manager};
use super::states::{GiveStates, KEEP_TIME, keeper};
use crate::application::{Application, ApplicationError, Failover, Takeover};
use crate::prelude::*;
use crate::remote::call_at;
use crate::supervisor::{SharedTree, StateTransfer, TreeRoot, TreeStates};
use crate::testing::{Check, ClaimStore, Cluster, Faults};

const LEASE: Duration = Duration::from_secs(9);
const NODES: [&str; 3] = ["n0@test", "n1@test", "n2@test"];

/// One process of the ledger.
#[derive(Clone, Debug)]
struct Run {
    node: String,
    is_resumed: bool,
    first: u64,
    last: u64,
    has_terminated: bool,
    has_ended: bool,
}

/// The ledgers and tills of a test, oldest first, and what goes wrong in it.
#[derive(Default)]
struct Journal {
    runs: Vec<Run>,
    tills: Vec<String>,
    most: usize,
    /// States cannot be encoded.
    is_locked: bool,
    /// A process does not continue a state.
    refuses: bool,
    /// A process needs this time to continue a state.
    resume_time: Duration,
}

thread_local! {
    /// All nodes of a test run on its thread.
    static JOURNAL: RefCell<Journal> = RefCell::default();
}

fn journal<T>(f: impl FnOnce(&mut Journal) -> T) -> T {
    JOURNAL.with_borrow_mut(f)
}

fn runs() -> Vec<Run> {
    journal(|journal| journal.runs.clone())
}

fn last() -> Run {
    runs().pop().expect("it has started")
}

/// Counts the seconds for which it runs in the cluster.
#[actor(upgrade, trap_exit)]
#[derive(Default, Serialize, Deserialize)]
struct Ledger {
    #[serde(serialize_with = "unless_locked")]
    total: u64,
    #[serde(skip)]
    run: Option<usize>,
}

fn unless_locked<S: Serializer>(total: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    if journal(|journal| journal.is_locked) {
        return Err(serde::ser::Error::custom("locked"));
    }
    serializer.serialize_u64(*total)
}

#[actor]
impl Ledger {
    #[init]
    async fn open(&mut self) {
        sleep(Duration::from_millis(20)).await;
        self.enter(false);
    }

    #[resumed]
    async fn open_again(&mut self) -> Result<(), Exit> {
        sleep(journal(|journal| journal.resume_time)).await;
        if journal(|journal| journal.refuses) {
            return Err(Exit::error("refused"));
        }
        self.enter(true);
        Ok(())
    }

    fn enter(&mut self, is_resumed: bool) {
        let (node, total) = (Node::current().name().to_string(), self.total);
        self.run = Some(journal(|journal| {
            let run = Run { node, is_resumed, first: total, last: total, has_terminated: false, has_ended: false };
            journal.runs.push(run);
            let running = journal.runs.iter().filter(|run| !run.has_ended).count();
            journal.most = journal.most.max(running);
            journal.runs.len() - 1
        }));
    }

    #[every("1s")]
    fn count(&mut self) {
        self.total += 1;
        self.note(|run, total| run.last = total);
    }

    #[terminate]
    fn close(&mut self) {
        self.note(|run, _| run.has_terminated = true);
    }

    #[exit]
    fn ignore(&self, _: ExitSignal) {}

    #[call]
    fn total(&self) -> u64 {
        self.total
    }

    fn note(&self, f: impl FnOnce(&mut Run, u64)) {
        if let Some(run) = self.run {
            journal(|journal| f(&mut journal.runs[run], self.total));
        }
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.note(|run, _| run.has_ended = true);
    }
}

/// Is not portable.
#[actor(trap_exit)]
#[derive(Default)]
struct Till;

#[actor]
impl Till {
    #[init]
    fn open(&mut self) {
        journal(|journal| journal.tills.push("open".to_owned()));
    }

    #[terminate]
    fn close(&mut self) {
        journal(|journal| journal.tills.push("close".to_owned()));
    }

    #[exit]
    fn ignore(&self, _: ExitSignal) {}
}

#[supervisor]
#[derive(Default)]
struct Office {
    #[child]
    ledger: Ledger,
}

#[supervisor(intensity = 0)]
struct BillingTree {
    #[child]
    till: Till,
    #[child(supervisor)]
    office: Office,
}

async fn start(node: &Node) -> Result<Failover<BillingTreeRef>, ApplicationError> {
    let billing = Application::new("billing", BillingTree {}).failover(NODES).takeover(Takeover::State);
    node.start_failover(billing).await
}

/// Starts the application on all nodes at the same time.
async fn start_all(cluster: &Cluster) -> [Failover<BillingTreeRef>; 3] {
    let [a, b, c] = [0, 1, 2].map(|index| start(cluster.node(index)));
    let (a, b, c) = tokio::join!(a, b, c);
    [a.unwrap(), b.unwrap(), c.unwrap()]
}

/// Three nodes with one registry.
async fn cluster() -> (Cluster, ClaimStore) {
    let store = ClaimStore::new(LEASE);
    let shared = store.clone();
    let cluster = Cluster::in_memory(3).configure(move |index, builder| builder.registry(shared.registry(index))).await;
    (cluster, store)
}

/// Waits until the last run is on this node.
#[track_caller]
fn until_on(node: &str) -> impl Future<Output = Run> {
    let caller = std::panic::Location::caller();
    async move {
        let began = Instant::now();
        loop {
            match runs().pop() {
                Some(run) if run.node == node && !run.has_ended => return run,
                _ => assert!(began.elapsed() < LEASE * 10, "{caller}: it does not come to {node}: {:?}", runs()),
            }
            sleep(Duration::from_millis(10)).await;
        }
    }
}

fn lost_states(cluster: &Cluster) -> u64 {
    [0, 1, 2].iter().map(|index| cluster.node(*index).metrics().lost_states).sum()
}

#[greenroom_macros::test]
async fn the_state_moves_to_a_better_node_and_when_the_owner_stops_in_order() {
    let (cluster, store) = cluster().await;
    start_all(&cluster).await;
    sleep(Duration::from_millis(3_500)).await;
    cluster.node(0).stop().await;
    let run = until_on("n1@test").await;
    assert_eq!((run.is_resumed, run.first), (true, 3));
    sleep(Duration::from_millis(2_500)).await;
    let returned = start(cluster.restart(0).await).await.unwrap();
    let run = until_on("n0@test").await;
    assert_eq!((run.is_resumed, run.first), (true, 5));
    sleep(Duration::from_millis(1_500)).await;
    assert_eq!(returned.running().unwrap().tree().office().ledger().total().await.unwrap(), 6);
    let runs = runs();
    assert!(runs.iter().all(|run| !run.has_terminated), "{runs:?}");
    assert_eq!((runs.len(), journal(|journal| journal.most)), (3, 1));
    // A child that is not portable is stopped as usual, and starts anew.
    assert_eq!(journal(|journal| journal.tills.clone()), ["open", "close", "open", "close", "open"]);
    assert_eq!(lost_states(&cluster), 0);
    assert!(!store.claims().iter().any(|claim| claim.key.starts_with("states/")), "{:?}", store.claims());
}

#[greenroom_macros::test]
async fn a_crash_and_a_stop_on_purpose_lead_to_a_new_state() {
    let (cluster, _store) = cluster().await;
    let [_, b, _] = start_all(&cluster).await;
    sleep(Duration::from_millis(2_500)).await;
    cluster.crash(0);
    let run = until_on("n1@test").await;
    assert_eq!((run.is_resumed, run.first), (false, 0));
    sleep(Duration::from_millis(2_500)).await;
    b.stop().await;
    assert!(last().has_terminated && last().has_ended);
    b.start().await;
    let run = until_on("n1@test").await;
    assert_eq!((run.is_resumed, run.first), (false, 0));
    // The last node has no successor.
    cluster.crash(2);
    sleep(LEASE * 2).await;
    let began = Instant::now();
    cluster.node(1).stop().await;
    assert!(last().has_terminated);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

#[greenroom_macros::test]
async fn a_child_whose_state_cannot_be_encoded_is_stopped_and_starts_anew() {
    let (cluster, _store) = cluster().await;
    start_all(&cluster).await;
    sleep(Duration::from_millis(2_500)).await;
    journal(|journal| journal.is_locked = true);
    cluster.crash(1);
    cluster.node(0).stop().await;
    assert_eq!(cluster.node(0).metrics().lost_states, 1);
    let run = until_on("n2@test").await;
    assert_eq!((run.is_resumed, run.first, runs()[0].has_terminated), (false, 0, true));
}

#[greenroom_macros::test]
async fn a_child_that_does_not_continue_its_state_starts_anew() {
    let (cluster, _store) = cluster().await;
    start_all(&cluster).await;
    sleep(Duration::from_millis(2_500)).await;
    journal(|journal| journal.refuses = true);
    cluster.node(0).stop().await;
    let run = until_on("n1@test").await;
    assert_eq!((run.is_resumed, run.first, journal(|journal| journal.most)), (false, 0, 1));
    assert_eq!(cluster.node(1).metrics().lost_states, 1);
}

#[greenroom_macros::test]
async fn a_child_that_crashes_after_the_move_starts_anew() {
    let (cluster, _store) = cluster().await;
    let [_, b, _] = start_all(&cluster).await;
    sleep(Duration::from_millis(2_500)).await;
    cluster.node(0).stop().await;
    until_on("n1@test").await;
    sleep(Duration::from_millis(100)).await;
    b.running().unwrap().tree().office().ledger().exit(Exit::Kill);
    sleep(Duration::from_millis(100)).await;
    let run = until_on("n1@test").await;
    assert_eq!((run.is_resumed, run.first, runs().len()), (false, 0, 3));
}

#[greenroom_macros::test]
async fn a_move_during_the_start_takes_the_states_along() {
    let (cluster, _store) = cluster().await;
    let [_, b, _] = start_all(&cluster).await;
    journal(|journal| journal.resume_time = Duration::from_secs(3));
    sleep(Duration::from_millis(3_500)).await;
    cluster.node(0).stop().await;
    // The ledger on n1 continues its state, which takes some time.
    let returned = start(cluster.restart(0).await).await.unwrap();
    assert_eq!((b.running().is_none(), runs().len()), (true, 1));
    let run = until_on("n0@test").await;
    assert_eq!((run.is_resumed, run.first), (true, 3), "{:?}", runs());
    assert_eq!(returned.node().unwrap().as_str(), "n0@test");
    assert_eq!((runs().len(), journal(|journal| journal.most)), (3, 1));
}

#[greenroom_macros::test]
async fn an_owner_that_cannot_get_the_state_starts_anew_when_the_state_is_gone() {
    let (cluster, store) = cluster().await;
    start_all(&cluster).await;
    sleep(Duration::from_millis(2_500)).await;
    // The registry is reached, the other nodes are not.
    cluster.partition(0, 1..3);
    let stopping = tokio::spawn({
        let node = cluster.node(0).clone();
        async move { node.stop().await }
    });
    let began = Instant::now();
    let run = until_on("n1@test").await;
    assert_eq!((run.is_resumed, run.first), (false, 0));
    assert!(began.elapsed() > KEEP_TIME && began.elapsed() < KEEP_TIME * 2, "{:?}", began.elapsed());
    stopping.await.unwrap();
    assert_eq!(journal(|journal| journal.most), 1);
    assert_eq!(lost_states(&cluster), 1);
    assert!(!store.claims().iter().any(|claim| claim.key.starts_with("states/")), "{:?}", store.claims());
}

#[greenroom_macros::test]
async fn the_states_are_given_once_and_to_a_later_claim_only() {
    let (cluster, store) = cluster().await;
    let [a, ..] = start_all(&cluster).await;
    sleep(Duration::from_millis(2_500)).await;
    let token = a.token().unwrap();
    // Other nodes cannot claim the application meanwhile.
    (1..3).for_each(|node| store.cut(node));
    let stopping = tokio::spawn({
        let node = cluster.node(0).clone();
        async move { node.stop().await }
    });
    let is_kept = || store.claims().iter().any(|claim| claim.key == "states/billing/n0@test");
    while !is_kept() {
        sleep(Duration::from_millis(10)).await;
    }
    let give = async |application: &str, token: u64| {
        let call = call_at::<GiveStates>(cluster.node(1), "n0@test", (application.to_owned(), token));
        // Fails when the node has stopped, as it does once its states are gone.
        call.await.ok().flatten()
    };
    assert_eq!(give("billing", token).await, None);
    assert_eq!(give("accounts", token + 1).await, None);
    let (first, second) = tokio::join!(give("billing", token + 1), give("billing", token + 2));
    let given: Vec<_> = [first, second].into_iter().flatten().map(|states| states.len()).collect();
    assert_eq!(given, [1]);
    stopping.await.unwrap();
}

/// An application on `node` that has not started.
fn manager(node: &Node) -> Manager {
    let Application { spec, .. } = Application::new("billing", BillingTree {});
    let nodes = NODES.map(|name| name.parse().unwrap()).into();
    Manager::new(node.clone(), spec, nodes, Takeover::State, tokio::sync::mpsc::unbounded_channel().0)
}

#[greenroom_macros::test]
async fn states_are_not_given_after_their_time_also_if_they_are_still_there() {
    let manager = manager(&Node::current());
    let until = Node::current().clock().now() + KEEP_TIME;
    let keep = || manager.keep(KeptStates { token: 1, states: TreeStates::default(), until });
    keep();
    assert!(manager.give(2).is_some());
    keep();
    sleep(KEEP_TIME).await;
    assert!(manager.give(2).is_none());
}

#[greenroom_macros::test]
async fn the_latest_states_before_the_claim_are_collected() {
    let (cluster, _store) = cluster().await;
    let mut holds = Vec::new();
    for (index, token) in [(0, 3_u64), (1, 5), (2, 9)] {
        let (claims, key) = (cluster.node(index).claims(), format!("states/billing/{}", NODES[index]));
        holds.push(claims.hold(&key, encode(&token), LEASE).await.unwrap());
    }
    let manager = manager(cluster.node(0));
    let keeper =
        async |token| keeper(&manager, &cluster.node(0).claims(), token).await.unwrap().map(|node| node.to_string());
    assert_eq!(keeper(9).await.as_deref(), Some("n1@test"));
    assert_eq!(keeper(5).await.as_deref(), Some("n0@test"));
    assert_eq!(keeper(3).await, None);
}

#[supervisor(strategy = one_for_all)]
struct ShopTree {
    #[child]
    till: Till,
    #[child]
    ledger: Ledger,
}

#[greenroom_macros::test]
async fn the_state_of_an_earlier_process_of_a_child_is_not_used() {
    let transfer = Arc::new(StateTransfer::default());
    transfer.set_has_successor(true);
    let tree = SharedTree { tree: Arc::new(ShopTree {}), transfer: Some(Arc::clone(&transfer)) };
    let (starting, _) = tree.prepare(&Node::current(), |_| {}).into_parts();
    let supervisor = starting.await.unwrap();
    // The stop is decided, and all children restart once more.
    transfer.begin();
    supervisor.find_child::<TillRef>("till").await.unwrap().exit(Exit::Kill);
    while runs().len() < 2 {
        sleep(Duration::from_millis(10)).await;
    }
    journal(|journal| journal.is_locked = true);
    supervisor.stop().await;
    assert_eq!((transfer.finish(), runs()[1].has_terminated), (TreeStates::default(), true));
}

/// The next release of the program.
mod next {
    use super::*;

    #[actor(upgrade)]
    #[derive(Serialize, Deserialize)]
    pub(super) struct Ledger {
        #[serde(default)]
        currency: Option<String>,
        #[serde(alias = "total")]
        cents: u64,
    }

    #[actor]
    impl Ledger {
        #[init]
        fn open() -> Ledger {
            Ledger { currency: Some("EUR".to_owned()), cents: 0 }
        }

        #[call]
        pub(super) fn state(&self) -> (Option<String>, u64) {
            (self.currency.clone(), self.cents)
        }
    }

    #[supervisor]
    pub(super) struct Office {
        #[child(start = Ledger::open())]
        ledger: Ledger,
    }

    #[supervisor]
    pub(super) struct BillingTree {
        #[child(supervisor, start = Office {})]
        office: Office,
    }
}

#[greenroom_macros::test]
async fn the_next_release_continues_the_state() {
    let (cluster, _store) = cluster().await;
    let billing = Application::new("billing", next::BillingTree {}).failover(NODES).takeover(Takeover::State);
    let (_, b) = tokio::join!(start(cluster.node(0)), cluster.node(1).start_failover(billing));
    sleep(Duration::from_millis(2_500)).await;
    cluster.node(0).stop().await;
    let b = b.unwrap();
    while b.running().is_none() {
        sleep(Duration::from_millis(10)).await;
    }
    let ledger = b.running().unwrap().tree().office().ledger().clone();
    assert_eq!(ledger.state().await.unwrap(), (None, 2));
}

#[test]
fn each_run_continues_the_one_before_or_begins_anew_under_faults() {
    const FAULTS: Duration = Duration::from_secs(180);
    let check = Check::nodes(3).state(|seed| ClaimStore::seeded(LEASE, seed));
    let check = check.configure(|index, builder, store| builder.registry(store.registry(index)));
    let check = check.boot(|node, _| async move {
        let starting = node.clone();
        node.spawner().spawn(async move { drop(start(&starting).await) });
        Ok::<(), String>(())
    });
    let continued = AtomicUsize::new(0);
    check.run(0..20, async |cluster: Cluster, store| {
        journal(std::mem::take);
        tokio::join!(cluster.chaos(Faults::ALL, FAULTS), store.chaos(cluster.size(), FAULTS));
        sleep(LEASE * 3).await;
        // Moves in order.
        let calm = runs().len();
        for _ in 0..2 {
            cluster.restart(0).await;
            sleep(LEASE).await;
        }
        let runs = runs();
        // A node that returns in time is the successor of its own last run.
        assert!(runs.len() >= calm + 2 && runs[calm..].iter().all(|run| run.is_resumed), "{runs:?}");
        for pair in runs.windows(2) {
            let [before, after] = pair else { unreachable!() };
            if after.is_resumed {
                assert_eq!((before.has_terminated, after.first), (false, before.last), "{runs:?}");
            } else {
                assert_eq!(after.first, 0);
            }
        }
        continued.fetch_add(runs[..calm].iter().filter(|run| run.is_resumed).count(), Ordering::Relaxed);
        assert_eq!((last().node.as_str(), last().has_ended), ("n0@test", false), "{:?}", store.claims());
        assert_eq!(journal(|journal| journal.most), 1);
    });
    let continued = continued.into_inner();
    assert!(continued > 10, "{continued} runs continued among faults");
}
