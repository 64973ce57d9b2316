//! Global names on nodes in memory.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use greenroom_macros::{actor, protocol};
use tokio::time::{Instant, sleep, timeout};

use super::global::GlobalNameError;
use super::{LocalView, RegistryError};
use crate::base::{CallErrorKind, CastError, Right};
use crate::cluster::{Mesh, Policy};
use crate::prelude::*;
use crate::testing::{Check, ClaimStore, Cluster, Faults, Probe};

/// An event.
#[derive(serde::Serialize, serde::Deserialize)]
struct Bell;

/// Hands out numbers.
#[actor]
#[derive(Default)]
struct Counter {
    last: u64,
}

#[actor]
impl Counter {
    #[call]
    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    #[cast]
    fn skip(&mut self, count: u64) {
        self.last += count;
    }

    #[from]
    fn rung(&mut self, _: Bell) {
        self.last += 100;
    }

    #[call]
    fn me(&self, cx: &mut Context<Self>) -> Pid {
        cx.pid().clone()
    }

    #[call]
    async fn never(&mut self) {
        std::future::pending::<()>().await;
    }

    #[call]
    async fn through(&self, other: CounterRef) -> Result<u64, CallErrorKind> {
        other.next().await.map_err(|error| error.kind)
    }
}

const NAME: &str = "counter";

async fn register(node: &Node) -> CounterRef {
    let counter = node.spawn(Counter::default());
    node.register_global(NAME, &counter).await.unwrap();
    counter
}

/// Waits until all nodes see the same owner, for at most a second.
async fn agreed(cluster: &Cluster) -> Option<Pid> {
    // The last changes arrive.
    sleep(Duration::from_millis(100)).await;
    let owners = || (0..cluster.size()).map(|index| cluster.node(index).lookup_global(NAME)).collect::<Vec<_>>();
    let agreed = async {
        while owners().iter().any(|owner| *owner != owners()[0]) {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(Duration::from_secs(1), agreed).await.unwrap_or_else(|_| panic!("the nodes see {:?}", owners()));
    owners().remove(0)
}

#[greenroom_macros::test]
async fn a_name_has_one_owner_that_all_nodes_find() {
    let cluster = Cluster::in_memory(3).await;
    let counter = register(cluster.node(0)).await;
    assert_eq!(agreed(&cluster).await, counter.pid());
    for index in 0..3 {
        let node = cluster.node(index);
        let stub: CounterRef = node.global(NAME);
        assert_eq!(stub.next().await, Ok(index as u64 + 1));
        assert_eq!(stub.pid(), counter.pid());
        assert_eq!(stub.is_alive(), index == 0);
        assert_eq!(node.global_registrations(), [(NAME.to_owned(), counter.pid().unwrap())]);
        let second = node.spawn(Counter::default());
        let taken = node.register_global(NAME, &second).await;
        assert_eq!(taken, Err(GlobalNameError::Taken(counter.pid().unwrap())));
    }
    // Several names of one process.
    cluster.node(0).register_global("other", &counter).await.unwrap();
    assert_eq!(cluster.node(0).metrics().claims, 2);
    cluster.node(0).unregister_global("other").await.unwrap();
    let unknown = Err(GlobalNameError::Unknown("other".to_owned()));
    assert_eq!(cluster.node(0).unregister_global("other").await, unknown);
    assert!(counter.is_alive());
    let claims_refused = cluster.node(1).metrics().claims_refused;
    assert_eq!(claims_refused, 1);
    counter.stop(Exit::shutdown()).await;
    assert_eq!(cluster.node(0).lookup_global(NAME), None);
    assert_eq!(agreed(&cluster).await, None);
    assert_eq!(cluster.node(0).metrics().claims, 0);
    let next = register(cluster.node(1)).await;
    assert_eq!(agreed(&cluster).await, next.pid());
    cluster.stop().await;
}

#[greenroom_macros::test]
async fn names_that_cannot_be_registered() {
    let node = Node::current();
    let counter = Counter::default().spawn();
    assert_eq!(global::register("", &counter).await, Err(GlobalNameError::Invalid));
    assert_eq!(global::register(&"n".repeat(249), &counter).await, Err(GlobalNameError::Invalid));
    assert!(global::register(&"n".repeat(248), &counter).await.is_ok());
    counter.stop(Exit::shutdown()).await;
    assert_eq!(global::register(NAME, &counter).await, Err(GlobalNameError::NoProc));
    assert_eq!(global::register(NAME, &node.named_at::<CounterRef>("a", "b@c")).await, Err(GlobalNameError::NoProc));
    assert_eq!(global::lookup(NAME), None);
    // A registration that is dropped has no effect.
    let counter = Counter::default().spawn();
    drop(global::register(NAME, &counter));
    let first = global::register(NAME, &counter).await.unwrap();
    global::unregister(NAME).await.unwrap();
    assert!(first < global::register(NAME, &counter).await.unwrap(), "the token of a later owner is greater");
    assert_eq!(global::lookup(NAME), counter.pid());
    assert_eq!(global::unregister(NAME).await, Ok(()));
    assert_eq!(global::lookup(NAME), None);
}

#[greenroom_macros::test]
async fn messages_wait_for_an_owner_in_their_order() {
    let cluster = Cluster::in_memory(2).await;
    let stub: CounterRef = cluster.node(1).global(NAME);
    let skipped = tokio::spawn(stub.skip(10));
    let first = tokio::spawn(stub.next());
    drop(stub.skip(1_000));
    let second = tokio::spawn(stub.next());
    let short = stub.next().within(Duration::from_millis(100)).await;
    assert_eq!(short.map_err(|error| error.kind), Err(CallErrorKind::Timeout));
    let lost = cluster.node(1).counters().lost_messages;
    assert_eq!(lost, 2, "the cast that was dropped, and the call that timed out");
    let _counter = register(cluster.node(0)).await;
    assert_eq!(skipped.await.unwrap(), Ok(()));
    assert_eq!(first.await.unwrap(), Ok(11));
    assert_eq!(second.await.unwrap(), Ok(12));
    assert_eq!(stub.next().await, Ok(13));
    cluster.stop().await;
}

#[greenroom_macros::test]
async fn a_stub_follows_the_owner() {
    let cluster = Cluster::in_memory(3).await;
    let first = register(cluster.node(0)).await;
    let stub: CounterRef = cluster.node(2).global(NAME);
    assert_eq!(stub.next().await, Ok(1));
    // A call that was sent is not repeated.
    let sent = tokio::spawn(stub.never().forever());
    sleep(Duration::from_millis(10)).await;
    let watched = tokio::spawn(stub.ended());
    cluster.crash(0);
    assert_eq!(sent.await.unwrap().map_err(|error| error.kind), Err(CallErrorKind::NoConnection));
    assert_eq!(watched.await.unwrap(), Exit::NoConnection);
    // One that was not sent waits.
    let waiting = tokio::spawn(stub.next());
    sleep(Duration::from_secs(1)).await;
    assert_eq!((stub.pid(), stub.ended().await), (None, Exit::NoProc));
    let bell = stub.recipient::<Bell>();
    assert_eq!(bell.send(Bell).await, Err(CastError::NoProc));
    stub.exit(Exit::kill());
    let second = register(cluster.node(1)).await;
    assert_eq!(waiting.await.unwrap(), Ok(1));
    assert_ne!(first.pid(), second.pid());
    bell.send(Bell).await.unwrap();
    assert_eq!(stub.next().await, Ok(102));
    // In a message, the stub follows on the other node.
    let helper = cluster.node(2).spawn(Counter::default());
    let here: CounterRef = cluster.node(1).global(NAME);
    helper.skip(1);
    let other: CounterRef = cluster.node(2).global(NAME);
    assert_eq!(here, other);
    assert_eq!(helper.through(here).await, Ok(Ok(103)));
    // Exit signals reach the owner.
    other.exit(Exit::error("enough"));
    assert_eq!(second.ended().await, Exit::error("enough"));
    cluster.stop().await;
}

#[greenroom_macros::test]
async fn a_call_to_oneself_fails_at_once() {
    let counter = Counter::default().spawn();
    global::register(NAME, &counter).await.unwrap();
    let own = CounterRef::global(NAME);
    assert_eq!(counter.through(own).await, Ok(Err(CallErrorKind::Itself)));
}

#[greenroom_macros::test]
async fn the_loser_of_a_split_receives_an_exit() {
    let cluster = Cluster::in_memory(3).await;
    let older = register(cluster.node(2)).await;
    assert_eq!(agreed(&cluster).await, older.pid());
    cluster.partition([2], [0, 1]);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(cluster.node(0).lookup_global(NAME), None);
    let newer = register(cluster.node(0)).await;
    assert!(older.is_alive() && newer.is_alive());
    cluster.heal_all();
    assert_eq!(newer.ended().await, Exit::claim_lost("global/counter"));
    cluster.connected().await;
    assert_eq!(agreed(&cluster).await, older.pid());
    assert_eq!(cluster.node(0).metrics().claims_lost, 1);
    cluster.stop().await;
}

#[greenroom_macros::test]
async fn rights_and_meshes() {
    let cluster = Cluster::in_memory(4).configure(|index, builder| match index {
        0 => builder.policy(Policy::cookie().role("guest", [Right::Names]).assign("n1@test", "guest")),
        2 => builder.membership(Mesh::on_demand()),
        3 => builder.membership(Mesh::hidden()),
        _ => builder,
    });
    let cluster = cluster.await;
    // Node 0 ignores the claims of node 1.
    let mut refused = 0;
    for n in 0..8 {
        let name = format!("name {n}");
        let counter = cluster.node(1).spawn(Counter::default());
        match cluster.node(1).register_global(&name, &counter).await {
            Ok(_) => {
                sleep(Duration::from_millis(100)).await;
                assert_eq!(cluster.node(2).lookup_global(&name), counter.pid());
                assert_eq!(cluster.node(0).lookup_global(&name), None);
            }
            Err(GlobalNameError::Registry(RegistryError::Unreachable(reason))) => {
                assert!(reason.contains("does not give this node the right `claim`"), "{reason}");
                refused += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!((1..8).contains(&refused), "{refused} of 8 keys have their home on node 0");
    assert!(cluster.node(0).counters().refused_by_policy > 0);
    // A node that connects on demand can only look up.
    let counter = register(cluster.node(0)).await;
    sleep(Duration::from_millis(100)).await;
    assert_eq!(cluster.node(2).lookup_global(NAME), counter.pid());
    let own = cluster.node(2).spawn(Counter::default());
    let error = cluster.node(2).register_global("own", &own).await;
    assert!(matches!(error, Err(GlobalNameError::Registry(RegistryError::Refused(_)))), "{error:?}");
    // The names of a hidden node are its own.
    assert_eq!(cluster.node(3).lookup_global(NAME), None);
    let own = register(cluster.node(3)).await;
    sleep(Duration::from_millis(100)).await;
    assert_eq!((cluster.node(3).lookup_global(NAME), cluster.node(0).lookup_global(NAME)), (own.pid(), counter.pid()));
    cluster.stop().await;
}

fn note(longest: &Mutex<Duration>, time: Duration) {
    let mut longest = longest.lock().unwrap();
    *longest = longest.max(time);
}

/// Registers the name again and again, and notes the longest time that this took.
async fn contend(node: Node, longest: Arc<Mutex<Duration>>) {
    loop {
        let counter = node.spawn(Counter::default());
        let begun = Instant::now();
        let result = node.register_global(NAME, &counter).await;
        note(&longest, begun.elapsed());
        match result {
            Ok(_) => drop(counter.ended().await),
            Err(GlobalNameError::Stopped) => return,
            Err(_) => {
                counter.exit(Exit::kill());
                sleep(Duration::from_millis(100 + node.rng().below(1_000))).await;
            }
        }
    }
}

fn check_faults(faults: Faults, view: fn() -> LocalView) {
    let check = Check::nodes(3).state(|_| Arc::<Mutex<Duration>>::default());
    let check = check.configure(move |_, builder, _| builder.registry(view()));
    let check = check.boot(|node, longest| async move {
        node.spawner().spawn(contend(node.clone(), longest));
        Ok::<(), String>(())
    });
    check.run(0..20, async |cluster: Cluster, longest: Arc<Mutex<Duration>>| {
        cluster.chaos(faults, Duration::from_secs(120)).await;
        sleep(Duration::from_secs(2)).await;
        let owner = agreed(&cluster).await.expect("an owner");
        sleep(Duration::from_secs(30)).await;
        assert_eq!(agreed(&cluster).await, Some(owner), "nothing changes any more");
        let stub: CounterRef = cluster.node(0).global(NAME);
        assert_eq!(stub.me().await, Ok(cluster.node(1).lookup_global(NAME).unwrap()));
        let claims: u64 = (0..3).map(|index| cluster.node(index).metrics().claims).sum();
        assert_eq!(claims, 1, "one process holds the name");
        let longest = *longest.lock().unwrap();
        assert!(longest <= Duration::from_millis(5_100), "a registration took {longest:?}");
    });
}

#[test]
fn after_faults_a_name_has_one_owner_and_registrations_end() {
    check_faults(Faults::ALL, LocalView::default);
}

#[test]
fn with_the_majority_a_name_has_one_owner_after_faults() {
    check_faults(Faults::ALL, || {
        let view = LocalView::keep_majority(["n0@test", "n1@test", "n2@test"]).unwrap();
        view.stable_after(Duration::from_secs(5))
    });
}

/// Connections come up and are lost again within milliseconds.
#[test]
fn registrations_end_while_connections_flap() {
    Check::nodes(3).run(0..20, async |cluster: Cluster| {
        let flapping = async {
            for n in 0..200 {
                let (a, b) = (n % 3, (n + 1) % 3);
                cluster.partition([a], [b]);
                sleep(Duration::from_millis(cluster.node(0).rng().below(120))).await;
                cluster.heal([a], [b]);
                sleep(Duration::from_millis(cluster.node(0).rng().below(120))).await;
            }
        };
        let registering = async {
            for n in 0..30 {
                let node = cluster.node(n % 3);
                let counter = node.spawn(Counter::default());
                let begun = Instant::now();
                let result = node.register_global(&format!("name {n}"), &counter).await;
                assert!(begun.elapsed() <= Duration::from_millis(5_100), "{result:?} after {:?}", begun.elapsed());
                sleep(Duration::from_millis(200)).await;
            }
        };
        tokio::join!(flapping, registering);
    });
}

/// A protocol without a call of its name.
#[protocol]
enum Other {
    Note(String),
}

#[greenroom_macros::test]
async fn a_stub_of_another_protocol_is_an_error() {
    let cluster = Cluster::in_memory(2).await;
    let _counter = register(cluster.node(0)).await;
    sleep(Duration::from_millis(100)).await;
    let other: OtherRef = cluster.node(0).global(NAME);
    assert!(matches!(other.note("a".into()).await, Err(CastError::Incompatible(_))));
    let probe = Probe::<Other>::on(cluster.node(0));
    assert_eq!(cluster.node(1).register_global("probe", &probe.stub()).await, Err(GlobalNameError::NoProc));
    cluster.stop().await;
}

#[greenroom_macros::test]
async fn the_owner_gives_up_when_the_registry_cannot_be_reached() {
    let store = ClaimStore::new(Duration::from_secs(9));
    let nodes = store.clone();
    let cluster = Cluster::in_memory(2).configure(move |index, node| node.registry(nodes.registry(index))).await;
    let first = register(cluster.node(0)).await;
    store.cut(0);
    let begun = Instant::now();
    assert_eq!(first.ended().await, Exit::claim_lost("global/counter"));
    assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
    assert_eq!(store.claims().len(), 1, "before the lease ends");
    let counter = cluster.node(1).spawn(Counter::default());
    assert!(matches!(cluster.node(1).register_global(NAME, &counter).await, Err(GlobalNameError::Taken(_))));
    sleep(Duration::from_secs(5)).await;
    cluster.node(1).register_global(NAME, &counter).await.unwrap();
    let offline = cluster.node(0).spawn(Counter::default());
    let begun = Instant::now();
    let error = cluster.node(0).register_global("offline", &offline).await;
    assert!(matches!(error, Err(GlobalNameError::Registry(RegistryError::Unreachable(_)))), "{error:?}");
    assert!(begun.elapsed() <= Duration::from_millis(5_100));
    store.heal();
    sleep(Duration::from_secs(10)).await;
    assert_eq!(agreed(&cluster).await, counter.pid());
    assert_eq!(store.claims().len(), 1, "{:?}", store.claims());
    cluster.stop().await;
    assert_eq!(store.claims(), [], "a node that stops releases its claims");
}
