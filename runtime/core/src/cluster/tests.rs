//! Connections between nodes that are each other's seeds, on a paused clock, over links in memory that count each
//! dialling.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{self, Wake, Waker};
use std::time::Duration;

use greenroom_macros::actor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use super::Cookie;
use crate::base::{NodeEvent, NodeId, NodeName};
use crate::net::{BoxFuture, BoxedListener, BoxedStream, Network, Transport};
use crate::prelude::*;
use crate::sched::NodeEnv;

/// A process that reports the connects and disconnects of other nodes.
#[actor]
struct Reporter {
    events: mpsc::UnboundedSender<NodeEvent>,
}

#[actor]
impl Reporter {
    #[call]
    fn ask(&self, n: u64) -> u64 {
        n + 1
    }

    #[call]
    fn who(&self, cx: &mut Context<Self>) -> ReporterRef {
        cx.me()
    }

    #[node_event]
    fn seen(&mut self, event: NodeEvent) {
        if let NodeEvent::Up(_) | NodeEvent::Down(_) = event {
            // The test may have ended.
            let _ = self.events.send(event);
        }
    }
}

/// A host that counts its attempts to connect.
struct CountingHost {
    host: Box<dyn Transport>,
    dialled: Arc<AtomicUsize>,
}

impl Transport for CountingHost {
    fn connect(&self, address: &str) -> BoxFuture<'static, io::Result<BoxedStream>> {
        self.dialled.fetch_add(1, Ordering::Relaxed);
        self.host.connect(address)
    }

    fn listen(&self, address: &str) -> BoxFuture<'static, io::Result<BoxedListener>> {
        self.host.listen(address)
    }
}

/// A node on such a host, with a reporter.
struct TestNode {
    node: Node,
    dialled: Arc<AtomicUsize>,
    events: mpsc::UnboundedReceiver<NodeEvent>,
}

async fn test_node(network: &Network, cookie: &Cookie, name: &str, at: &str, advertise: &str, seed: &str) -> TestNode {
    let dialled = Arc::new(AtomicUsize::new(0));
    let transport = CountingHost { host: Box::new(network.host(at)), dialled: Arc::clone(&dialled) };
    let builder = Node::builder(name).cookie(cookie.clone()).listen(at).advertise(advertise).seed(seed);
    let node = builder.transport(Arc::new(transport)).start().await.unwrap();
    let (sender, events) = mpsc::unbounded_channel();
    let reporter = node.start(Reporter { events: sender }).await.unwrap();
    ReporterRef::register("reporter", &reporter).unwrap();
    TestNode { node, dialled, events }
}

impl TestNode {
    fn other(&self, name: &str) -> ReporterRef {
        self.node.named_at("reporter", name)
    }

    fn dialled(&self) -> usize {
        self.dialled.load(Ordering::Relaxed)
    }
}

#[greenroom_macros::test]
async fn a_stopping_node_stays_connected_until_the_watchers_of_its_processes_are_notified() {
    let network = Network::new(&NodeEnv::seeded(0));
    let cookie = Cookie::random().unwrap();
    let a = test_node(&network, &cookie, "a@test", "host-a", "host-a", "nowhere").await;
    let b = test_node(&network, &cookie, "b@test", "host-b", "host-b", "host-a").await;
    // As of a process that another thread has removed.
    let notifying = b.node.table().begin_notices();
    let stopping = tokio::spawn({
        let node = b.node.clone();
        async move { node.stop().await }
    });
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!((a.node.peers().len(), b.node.peers().len(), b.node.process_count()), (1, 1, 0));
    drop(notifying);
    stopping.await.unwrap();
    assert_eq!((a.node.peers().len(), b.node.peers().len()), (0, 0));
}

/// Two nodes that are each other's seeds end with one connection. The second one starts `later`. Neither dials again,
/// and nothing happens for a long time. With `advertised` the peer's advertised address is the seed's address.
async fn check(later: Duration, advertised: bool) {
    let network = Network::new(&NodeEnv::seeded(0));
    let cookie = Cookie::random().unwrap();
    let [at_a, at_b] = if advertised { ["host-a", "host-b"] } else { ["elsewhere-a", "elsewhere-b"] };
    let start_b = async {
        tokio::time::sleep(later).await;
        test_node(&network, &cookie, "b@test", "host-b", at_b, "host-a").await
    };
    let (mut a, mut b) = tokio::join!(test_node(&network, &cookie, "a@test", "host-a", at_a, "host-b"), start_b);
    // Long enough to resolve connections that cross.
    tokio::time::sleep(Duration::from_secs(30)).await;
    for (test_node, other) in [(&mut a, "b@test"), (&mut b, "a@test")] {
        assert_eq!(test_node.node.peers(), [NodeName::new(other).unwrap()], "{later:?}");
        assert_eq!(test_node.other(other).ask(1).await, Ok(2), "{later:?}");
        while test_node.events.try_recv().is_ok() {}
    }
    let dialled = [a.dialled(), b.dialled()];
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!([a.dialled(), b.dialled()], dialled, "{later:?}: a node dials again");
    for test_node in [&mut a, &mut b] {
        assert!(test_node.events.try_recv().is_err(), "{later:?}: a connection was lost");
    }
}

#[greenroom_macros::test]
async fn two_nodes_that_are_each_others_seeds_have_one_connection() {
    for later in [0, 100, 1000] {
        for advertised in [true, false] {
            check(Duration::from_millis(later), advertised).await;
        }
    }
}

#[greenroom_macros::test]
async fn a_seed_that_has_dialled_first_is_not_dialled() {
    let network = Network::new(&NodeEnv::seeded(0));
    let cookie = Cookie::random().unwrap();
    let mut a = test_node(&network, &cookie, "a@test", "host-a", "host-a", "host-b").await;
    let before = a.dialled();
    let b = test_node(&network, &cookie, "b@test", "host-b", "host-b", "host-a").await;
    assert_eq!(a.events.recv().await, Some(NodeEvent::Up((**b.node.id()).clone())));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(a.dialled(), before);
    assert!(a.events.try_recv().is_err(), "the connection is the first one");
}

/// Returns the events that have come.
fn drain(node: &mut TestNode) -> Vec<NodeEvent> {
    std::iter::from_fn(|| node.events.try_recv().ok()).collect()
}

fn id(node: &TestNode) -> NodeId {
    NodeId::clone(node.node.id())
}

#[greenroom_macros::test]
async fn a_node_whose_name_is_in_use_is_refused_and_the_first_one_stays() {
    let network = Network::new(&NodeEnv::seeded(0));
    let cookie = Cookie::random().unwrap();
    let mut a = test_node(&network, &cookie, "a@test", "host-a", "host-a", "nowhere").await;
    let first = test_node(&network, &cookie, "b@test", "host-b", "host-b", "host-a").await;
    for (number, incarnation) in [(0, None), (1, Some(u64::MAX)), (2, Some(1))] {
        let (cookie, host) = (cookie.clone(), network.host(&format!("host-c{number}")));
        let mut builder = Node::builder("b@test").cookie(cookie).seed("host-a").transport(Arc::new(host));
        if let Some(incarnation) = incarnation {
            builder = builder.incarnation(incarnation);
        }
        let namesake = builder.start().await.unwrap();
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(namesake.peers().is_empty());
        namesake.stop().await;
    }
    assert_eq!(drain(&mut a), [NodeEvent::Up(id(&first))], "a healthy node is never evicted");
    assert_eq!(a.other("b@test").ask(1).await, Ok(2));
    assert_eq!(first.other("a@test").ask(1).await, Ok(2));
    let refused = a.node.counters().refused_connections;
    assert!((3..60).contains(&refused), "{refused} refusals in three minutes");
}

#[greenroom_macros::test]
async fn a_node_has_no_more_peers_than_it_may_have() {
    let network = Network::new(&NodeEnv::seeded(0));
    let cookie = Cookie::random().unwrap();
    let start = async |name: &str| {
        let host = name.split('@').next().unwrap();
        let builder = Node::builder(name).cookie(cookie.clone()).listen(host).max_peers(2);
        builder.seed("m").transport(Arc::new(network.host(host))).start().await.unwrap()
    };
    let hub = start("m@test").await;
    let (first, second) = (start("b@test").await, start("n@test").await);
    assert_eq!(hub.peers().len(), 2);
    // The smaller name decides: the newcomer or the hub.
    for name in ["a@test", "z@test"] {
        let newcomer = start(name).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!((newcomer.peers(), hub.peers().len()), (vec![], 2), "{name}");
        assert!(newcomer.counters().refused_connections > 0, "{name}");
        newcomer.stop().await;
    }
    let refused = hub.counters().refused_connections;
    assert!((2..60).contains(&refused), "{refused} refusals in two minutes");
    let newcomer = start("z@test").await;
    first.stop().await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(hub.peers(), [second.name().clone(), newcomer.name().clone()]);
}

/// The new incarnation may have any number: its clock may be behind.
async fn check_return(incarnation: Option<u64>) {
    let network = Network::new(&NodeEnv::seeded(0));
    let cookie = Cookie::random().unwrap();
    let mut a = test_node(&network, &cookie, "a@test", "host-a", "host-a", "nowhere").await;
    let first = test_node(&network, &cookie, "b@test", "host-b", "host-b", "host-a").await;
    let old = a.other("b@test").who().await.unwrap();
    let ended = old.ended();
    // The first one is cut off, and `a` has not noticed it.
    network.stall("host-a", "host-b");
    let start = tokio::time::Instant::now();
    let mut builder = Node::builder("b@test").cookie(cookie).seed("host-a");
    if let Some(incarnation) = incarnation {
        builder = builder.incarnation(incarnation);
    }
    let second = builder.transport(Arc::new(network.host("host-c"))).start().await.unwrap();
    assert_eq!(second.peers().len(), 1, "{incarnation:?}");
    assert!(start.elapsed() <= Duration::from_secs(3), "{incarnation:?}: {:?}", start.elapsed());
    assert_eq!(ended.await, Exit::NoConnection);
    assert_eq!(old.ask(1).await, Err(CallErrorKind::NoProc.into()));
    let expected = [NodeEvent::Up(id(&first)), NodeEvent::Down(id(&first)), NodeEvent::Up(NodeId::clone(second.id()))];
    assert_eq!(drain(&mut a), expected, "{incarnation:?}");
}

#[greenroom_macros::test]
async fn a_node_that_returns_replaces_its_dead_connection_within_seconds() {
    for incarnation in [None, Some(u64::MAX), Some(1)] {
        check_return(incarnation).await;
    }
}

/// A waker of the program, which panics.
struct FaultyWaker;

impl Wake for FaultyWaker {
    fn wake(self: Arc<Self>) {
        panic!("a waker of the program");
    }
}

#[greenroom_macros::test]
async fn a_waker_that_panics_does_not_keep_the_loss_of_a_connection_from_others() {
    let network = Network::new(&NodeEnv::seeded(0));
    let cookie = Cookie::random().unwrap();
    let mut a = test_node(&network, &cookie, "a@test", "host-a", "host-a", "nowhere").await;
    let b = test_node(&network, &cookie, "b@test", "host-b", "host-b", "host-a").await;
    let reporter = a.other("b@test").who().await.unwrap();
    let mut faulty = Box::pin(reporter.ended());
    let waker = Waker::from(Arc::new(FaultyWaker));
    assert!(faulty.as_mut().poll(&mut task::Context::from_waker(&waker)).is_pending());
    let other = tokio::spawn(reporter.ended());
    tokio::time::sleep(Duration::from_millis(1)).await;
    network.cut("host-a", "host-b");
    assert_eq!(other.await.unwrap(), Exit::NoConnection);
    network.heal("host-a", "host-b");
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(drain(&mut a), [NodeEvent::Up(id(&b)), NodeEvent::Down(id(&b)), NodeEvent::Up(id(&b))]);
    assert_eq!(a.other("b@test").ask(1).await, Ok(2));
}

#[greenroom_macros::test]
async fn nodes_with_different_ticks_stay_connected() {
    let network = Network::new(&NodeEnv::seeded(0));
    let cookie = Cookie::random().unwrap();
    let mut a = test_node(&network, &cookie, "a@test", "host-a", "host-a", "nowhere").await;
    let host = Arc::new(network.host("host-b"));
    let builder = Node::builder("b@test").cookie(cookie).seed("host-a").tick(Duration::from_secs(4)).transport(host);
    let b = builder.start().await.unwrap();
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(drain(&mut a), [NodeEvent::Up(NodeId::clone(b.id()))]);
    // The shorter one counts for both.
    network.stall("host-a", "host-b");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(drain(&mut a), [NodeEvent::Down(NodeId::clone(b.id()))]);
}

/// Starts so many nodes that are all each other's seeds, within 50 ms, over links with delays. Every pair ends with one
/// connection, and each node has received one `Up` for each other and no `Down`.
async fn check_mesh(count: usize, seed: u64) {
    let env = NodeEnv::seeded(seed);
    let (network, rng) = (Network::new(&env), Arc::clone(&env.rng));
    let cookie = Cookie::random().unwrap();
    let host = |index: usize| format!("host{index}");
    for a in 0..count {
        for b in 0..a {
            network.slow(&host(a), &host(b), Duration::ZERO..=Duration::from_millis(rng.below(40)));
        }
    }
    let mut starting = tokio::task::JoinSet::new();
    for index in 0..count {
        let later = Duration::from_millis(rng.below(50));
        let transport = Arc::new(network.host(&host(index)));
        let mut builder = Node::builder(format!("n{index}@test")).cookie(cookie.clone()).listen(host(index));
        for other in (0..count).filter(|other| *other != index) {
            builder = builder.seed(host(other));
        }
        let builder = builder.transport(transport).env(NodeEnv::seeded(rng.next()));
        starting.spawn(async move {
            tokio::time::sleep(later).await;
            builder.start().await.unwrap()
        });
    }
    let nodes = starting.join_all().await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    for node in &nodes {
        assert_eq!(node.peers().len(), count - 1, "seed {seed}: {} has not found all", node.name());
        let counters = node.counters();
        assert_eq!((counters.node_ups, counters.node_downs), (count as u64 - 1, 0), "seed {seed}: {}", node.name());
    }
    for node in nodes {
        node.stop().await;
    }
}

#[greenroom_macros::test]
async fn nodes_that_start_together_connect_once_each() {
    for seed in 0..8 {
        check_mesh(6, seed).await;
    }
}

#[greenroom_macros::test]
#[ignore = "takes minutes"]
async fn twelve_nodes_start_together_with_a_thousand_seeds() {
    for seed in 0..1000 {
        check_mesh(12, seed).await;
    }
}

#[greenroom_macros::test]
#[ignore = "takes minutes"]
async fn a_hundred_nodes_start_together_with_twenty_seeds() {
    for seed in 0..20 {
        check_mesh(100, seed).await;
    }
}

/// Peers that connect to a node and send nothing.
#[derive(Clone, Copy, Debug)]
enum SilentPeers {
    /// This number of connections, all of them replaced by new ones every 250 ms.
    Renewed(usize),
    /// This number of connections, each opened again as soon as it is closed.
    Reopened(usize),
    /// This number of connections, each opened again as soon as it is closed. They send the first byte of a handshake.
    Hesitant(usize),
}

/// Silent peers on the host `crowd` connect to a node for ever. A member on `host` gets in within seconds, and one that
/// was connected before stays. A message takes 20 ms from `crowd` to the node.
async fn check_crowd(silent: SilentPeers, host: &str) {
    let network = Network::new(&NodeEnv::seeded(0));
    let cookie = Cookie::random().unwrap();
    let a = test_node(&network, &cookie, "a@test", "host-a", "host-a", "nowhere").await;
    let member = async |name, host| {
        let builder = Node::builder(name).cookie(cookie.clone()).seed("host-a");
        builder.transport(Arc::new(network.host(host))).start().await.unwrap()
    };
    let before = member("before@test", "crowd").await;
    let mut events = a.events;
    assert_eq!(events.recv().await, Some(NodeEvent::Up((**before.id()).clone())));
    let trip = Duration::from_millis(20);
    network.slow("crowd", "host-a", trip..=trip);
    let mut crowd = tokio::task::JoinSet::new();
    let count = match silent {
        SilentPeers::Renewed(count) | SilentPeers::Reopened(count) | SilentPeers::Hesitant(count) => count,
    };
    for _ in 0..count {
        let host = network.host("crowd");
        crowd.spawn(async move {
            loop {
                let Ok(mut stream) = host.connect("host-a").await else {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    continue;
                };
                match silent {
                    SilentPeers::Renewed(_) => tokio::time::sleep(Duration::from_millis(250)).await,
                    // The end of the stream, or an error.
                    SilentPeers::Reopened(_) => drop(stream.read(&mut [0]).await),
                    SilentPeers::Hesitant(_) => {
                        let _ = stream.write_all(b"G").await;
                        drop(stream.read(&mut [0]).await);
                    }
                }
            }
        });
    }
    for round in 0..5 {
        tokio::time::sleep(Duration::from_millis(700 + 171 * round)).await;
        let begin = tokio::time::Instant::now();
        let member = member("member@test", host).await;
        while member.peers().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
            assert!(begin.elapsed() < Duration::from_secs(3), "{silent:?} {host} {round}: the member is kept out");
        }
        assert_eq!(member.named_at::<ReporterRef>("reporter", "a@test").ask(1).await, Ok(2));
        assert_eq!(events.recv().await, Some(NodeEvent::Up((**member.id()).clone())));
        member.stop().await;
        assert_eq!(events.recv().await, Some(NodeEvent::Down((**member.id()).clone())));
    }
    assert_eq!(before.named_at::<ReporterRef>("reporter", "a@test").ask(1).await, Ok(2));
    assert!(events.try_recv().is_err());
    assert!(a.node.counters().refused_connections > 100, "they are counted");
}

#[greenroom_macros::test]
async fn a_member_connects_beside_silent_peers() {
    for host in ["crowd", "elsewhere"] {
        for silent in [
            SilentPeers::Renewed(70),
            SilentPeers::Renewed(300),
            SilentPeers::Reopened(64),
            SilentPeers::Reopened(70),
            SilentPeers::Hesitant(64),
        ] {
            check_crowd(silent, host).await;
        }
    }
}

/// A host on which the address `service` leads to another address, which may change.
struct ServiceHost {
    host: Box<dyn Transport>,
    target: Arc<Mutex<&'static str>>,
}

impl Transport for ServiceHost {
    fn connect(&self, address: &str) -> BoxFuture<'static, io::Result<BoxedStream>> {
        let target = *self.target.lock().unwrap();
        self.host.connect(if address == "service" { target } else { address })
    }

    fn listen(&self, address: &str) -> BoxFuture<'static, io::Result<BoxedListener>> {
        self.host.listen(address)
    }
}

#[greenroom_macros::test]
async fn a_seed_that_was_the_node_itself_or_a_namesake_is_dialled_again() {
    for first in ["host-a", "host-namesake"] {
        let network = Network::new(&NodeEnv::seeded(0));
        let cookie = Cookie::random().unwrap();
        let start = async |name, at: &str, transport: Arc<dyn Transport>, seed: Option<&str>| {
            let mut builder = Node::builder(name).cookie(cookie.clone()).listen(at);
            if let Some(seed) = seed {
                builder = builder.seed(seed);
            }
            builder.transport(transport).start().await.unwrap()
        };
        let _namesake = start("a@test", "host-namesake", Arc::new(network.host("host-namesake")), None).await;
        let target = Arc::new(Mutex::new(first));
        let service = ServiceHost { host: Box::new(network.host("host-a")), target: Arc::clone(&target) };
        let a = start("a@test", "host-a", Arc::new(service), Some("service")).await;
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(a.peers(), [], "{first}");
        let b = start("b@test", "host-b", Arc::new(network.host("host-b")), None).await;
        *target.lock().unwrap() = "host-b";
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(a.peers(), [b.name().clone()], "{first}");
    }
}

#[greenroom_macros::test]
async fn repeated_restarts_of_a_seed_are_found_at_once() {
    let network = Network::new(&NodeEnv::seeded(0));
    let cookie = Cookie::random().unwrap();
    let start_b = async || {
        let builder = Node::builder("b@test").cookie(cookie.clone()).listen("host-b");
        builder.transport(Arc::new(network.host("host-b"))).start().await.unwrap()
    };
    let mut b = start_b().await;
    let mut a = test_node(&network, &cookie, "a@test", "host-a", "host-a", "host-b").await;
    for restart in 0..20 {
        // The first event is that of the first restart: the reporter starts after the connection.
        if restart > 0 {
            assert_eq!(a.events.recv().await, Some(NodeEvent::Up((**b.id()).clone())));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        b.stop().await;
        assert_eq!(a.events.recv().await, Some(NodeEvent::Down((**b.id()).clone())));
        // One attempt finds no listener.
        tokio::time::sleep(Duration::from_millis(if restart % 2 == 0 { 20 } else { 110 })).await;
        b = start_b().await;
        let begin = tokio::time::Instant::now();
        while a.node.peers().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
            assert!(begin.elapsed() <= Duration::from_millis(200), "restart {restart}: {:?}", begin.elapsed());
        }
    }
}

#[greenroom_macros::test]
async fn a_seed_that_ends_each_connection_at_once_is_dialled_less_and_less_often() {
    let network = Network::new(&NodeEnv::seeded(0));
    let cookie = Cookie::random().unwrap();
    let a = test_node(&network, &cookie, "a@test", "host-a", "host-a", "host-b").await;
    let mut listener = network.host("host-b").listen("host-b").await.unwrap();
    let begin = tokio::time::Instant::now();
    let accept = async {
        loop {
            drop(listener.accept().await);
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(60), accept).await;
    assert_eq!(begin.elapsed(), Duration::from_secs(60));
    assert!((8..25).contains(&a.dialled()), "{} times in a minute", a.dialled());
}

/// Replaces the cookie of three nodes while they run, one restart after the other. All three are connected after each.
#[greenroom_macros::test]
async fn the_cookie_of_a_running_cluster_is_replaced_in_three_steps() {
    let network = Network::new(&NodeEnv::seeded(0));
    let (old, new) = (Cookie::random().unwrap(), Cookie::random().unwrap());
    let start = async |index: usize, own: &Cookie, accepted: Option<&Cookie>| {
        let host = |index: usize| format!("host{index}");
        let mut builder = Node::builder(format!("n{index}@test")).cookie(own.clone()).listen(host(index));
        for other in (0..3).filter(|other| *other != index) {
            builder = builder.seed(host(other));
        }
        if let Some(accepted) = accepted {
            builder = builder.accept_cookie(accepted.clone());
        }
        builder.transport(Arc::new(network.host(&host(index)))).start().await.unwrap()
    };
    let mut nodes = Vec::new();
    for index in 0..3 {
        nodes.push(start(index, &old, None).await);
    }
    for (step, own, accepted) in [(1, &old, Some(&new)), (2, &new, Some(&old)), (3, &new, None)] {
        for index in [1, 2, 0] {
            nodes[index].stop().await;
            nodes[index] = start(index, own, accepted).await;
            tokio::time::sleep(Duration::from_secs(20)).await;
            for node in &nodes {
                assert_eq!(node.peers().len(), 2, "step {step}, after the restart of node {index}: {}", node.name());
            }
        }
    }
    // The old cookie is of no use any more.
    nodes[0].stop().await;
    nodes[0] = start(0, &old, Some(&old)).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(nodes[0].peers(), []);
}
