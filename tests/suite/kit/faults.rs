//! The faults of an in-memory cluster.

use std::sync::{Arc, Mutex};

use greenroom::prelude::*;
use greenroom::testing::{Check, Cluster, Faults, Probe, pattern};
use tokio::time::Instant;

#[protocol]
#[derive(Debug)]
enum Mail {
    Post {
        n: u64,
    },
    Ask {
        reply: Reply<u64>,
    },
    #[from]
    Down(Down),
    #[from]
    Node(NodeEvent),
}

/// A probe on the first node, and its stub on the second.
fn pair(cluster: &Cluster) -> (Probe<Mail>, MailRef) {
    let probe = Probe::<Mail>::on(cluster.node(0));
    cluster.node(0).scope_now(|| MailRef::register("probe", &probe.stub())).unwrap();
    (probe, cluster.node(1).named_at("probe", "n0@test"))
}

trait ScopeNow {
    fn scope_now<R>(&self, f: impl FnOnce() -> R) -> R;
}

impl ScopeNow for Node {
    fn scope_now<R>(&self, f: impl FnOnce() -> R) -> R {
        let _here = self.enter();
        f()
    }
}

#[greenroom::test]
async fn a_partition_lies_between_two_sides() {
    let cluster = Cluster::in_memory(4).await;
    cluster.partition([0, 1], [2, 3]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let peers = |index: usize| cluster.node(index).peers().iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!([0, 1, 2, 3].map(peers), [["n1@test"], ["n0@test"], ["n3@test"], ["n2@test"]]);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!([0, 1, 2, 3].map(peers), [["n1@test"], ["n0@test"], ["n3@test"], ["n2@test"]]);
    cluster.heal_all();
    cluster.connected().await;
    assert_eq!(peers(0).len(), 3);
}

#[greenroom::test]
async fn a_one_way_loss_leaves_the_other_direction_working() {
    let cluster = Cluster::in_memory(2).await;
    let (mut near, far) = pair(&cluster);
    let mut back = Probe::<Mail>::on(cluster.node(1));
    cluster.node(1).scope_now(|| MailRef::register("back", &back.stub())).unwrap();
    let there: MailRef = cluster.node(0).named_at("back", "n1@test");
    cluster.drop_between(1, 0);
    far.post(1);
    there.post(2);
    back.expect(pattern!(Mail::Post { n: 2 })).await;
    near.expect_nothing(Duration::from_secs(1)).await;
    // Healed in time, the connection continues.
    cluster.heal(0, 1);
    near.expect(pattern!(Mail::Post { n: 1 })).await;
    // Healed too late, both nodes lose each other, and frames in flight never arrive.
    cluster.drop_between([1], [0]);
    near.watch_nodes(true);
    back.watch_nodes(true);
    far.post(3);
    let began = Instant::now();
    near.expect(pattern!(Mail::Node(NodeEvent::Down(_)))).await;
    assert!(began.elapsed() <= Duration::from_secs(4), "{:?}", began.elapsed());
    let mut back = back.timeout(Duration::from_secs(60));
    back.expect(pattern!(Mail::Node(NodeEvent::Down(_)))).await;
    cluster.heal_all();
    cluster.connected().await;
    near.expect(pattern!(Mail::Node(NodeEvent::Up(_)))).await;
    far.post(4);
    near.expect(pattern!(Mail::Post { n: 4 })).await;
    near.expect_nothing(Duration::from_secs(60)).await;
}

#[greenroom::test]
async fn a_slow_link_takes_its_time_and_keeps_order() {
    let cluster = Cluster::in_memory(2).await;
    let (mut near, far) = pair(&cluster);
    cluster.delay(0, 1, Duration::from_millis(100)..=Duration::from_millis(300));
    let began = Instant::now();
    for n in 0..50 {
        far.post(n);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for expected in 0..50 {
        near.expect(pattern!(Mail::Post { n } if n == expected)).await;
    }
    let last = began.elapsed();
    assert!(last >= Duration::from_millis(590) && last <= Duration::from_millis(810), "{last:?}");
    let began = Instant::now();
    let answer = far.ask();
    near.expect(pattern!(Mail::Ask { reply } => reply.send(1))).await;
    assert_eq!(answer.await, Ok(1));
    assert!(began.elapsed() >= Duration::from_millis(200) && began.elapsed() <= Duration::from_millis(610));
}

#[actor(name = "counter")]
#[derive(Default)]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[call]
    fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }
}

#[greenroom::test]
async fn a_crashed_node_is_gone_at_once_and_comes_back_as_another() {
    let booted = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&booted);
    let boot = move |node: Node| {
        log.lock().unwrap().push(node.name().to_string());
        async move { Counter::default().start().await.map(drop) }
    };
    let cluster = Cluster::in_memory(3).boot(boot).await;
    let counter: CounterRef = cluster.node(1).named_at("counter", "n0@test");
    let mut probe = Probe::<Mail>::on(cluster.node(1));
    probe.watch_nodes(true);
    probe.monitor(&counter);
    assert_eq!((counter.next().await, counter.next().await), (Ok(1), Ok(2)));
    let before = cluster.node(0).id().clone();
    let began = Instant::now();
    cluster.crash(0);
    cluster.crash(0);
    assert!(cluster.is_down(0));
    assert_eq!(probe.expect(pattern!(Mail::Down(down) => down.reason)).await, Exit::NoConnection);
    probe.expect(pattern!(Mail::Node(NodeEvent::Down(id)) if id == *before)).await;
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(counter.next().await, Err(CallErrorKind::NoConnection.into()));
    cluster.restart(0).await;
    assert!(!cluster.is_down(0));
    cluster.connected().await;
    let after = cluster.node(0).id().clone();
    assert!(after.name == before.name && after.incarnation > before.incarnation);
    probe.expect(pattern!(Mail::Node(NodeEvent::Up(id)) if id == *after)).await;
    assert_eq!(counter.next().await, Ok(1));
    // A running node is stopped in order first.
    cluster.restart(2).await;
    cluster.connected().await;
    assert_eq!(*booted.lock().unwrap(), ["n0@test", "n1@test", "n2@test", "n0@test", "n2@test"]);
}

#[greenroom::test]
async fn concurrent_restarts_of_a_node_run_one_after_the_other() {
    let booted = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&booted);
    let cluster = Cluster::in_memory(2)
        .boot(move |node| {
            noted.lock().unwrap().push((node.name().to_string(), node.id().incarnation));
            async {}
        })
        .await;
    // A crashed node and a running one.
    for round in 1..=2 {
        if round == 1 {
            cluster.crash(1);
        }
        let (one, other) = tokio::join!(cluster.restart(1), cluster.restart(1));
        assert_ne!(one.id(), other.id());
        assert_eq!(cluster.node(1).id(), other.id());
        cluster.connected().await;
        assert_eq!(cluster.node(0).peers(), [other.name().clone()]);
        let incarnations: Vec<u64> =
            booted.lock().unwrap().iter().filter(|(name, _)| name == "n1@test").map(|life| life.1).collect();
        assert_eq!(incarnations.len(), 1 + 2 * round, "{incarnations:?}");
        assert!(incarnations.is_sorted());
    }
    // `chaos` starts only nodes that are down.
    cluster.crash(1);
    let (chaos, restart) = (cluster.chaos(Faults::ALL, Duration::ZERO), cluster.restart(1));
    tokio::join!(restart, chaos);
    assert_eq!(booted.lock().unwrap().len(), 7);
    cluster.stop().await;
}

#[greenroom::test]
#[should_panic(expected = "the `boot` code of n1@test returned an error: no luck")]
async fn a_node_that_fails_to_boot_is_reported() {
    let boot = |node: Node| async move {
        if node.name().as_str() == "n1@test" { Err(Exit::error("no luck")) } else { Ok(()) }
    };
    Cluster::in_memory(2).boot(boot).await;
}

#[test]
fn chaos_ends_with_all_nodes_connected() {
    let crashed = Mutex::new(0);
    Check::nodes(3).run(0..10, async |cluster| {
        let first: Vec<_> = (0..3).map(|index| cluster.node(index).id().incarnation).collect();
        cluster.chaos(Faults::ALL, Duration::from_secs(120)).await;
        assert!((0..3).all(|index| cluster.node(index).peers().len() == 2 && !cluster.is_down(index)));
        let incarnations = (0..3).filter(|index| cluster.node(*index).id().incarnation != first[*index]).count();
        *crashed.lock().unwrap() += incarnations;
    });
    assert!(crashed.into_inner().unwrap() > 5, "too few crashes");
}

#[test]
fn chaos_without_crashes_never_starts_a_crashed_node() {
    Check::nodes(3).run(0..3, async |cluster| {
        cluster.crash(2);
        cluster.chaos(Faults::LINKS, Duration::from_secs(30)).await;
        assert!(cluster.is_down(2));
        // Both at once: only one of them starts the node.
        tokio::join!(cluster.chaos(Faults::LINKS, Duration::ZERO), cluster.restart(2));
        cluster.connected().await;
        assert_eq!(cluster.node(2).peers().len(), 2);
    });
}
