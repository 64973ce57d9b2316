//! Connections between nodes that are each other's seeds, on a paused clock, over links in memory that count each
//! dialling.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use greenroom_macros::actor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use super::Cookie;
use crate::base::{NodeEvent, NodeName};
use crate::net::{BoxFuture, BoxedListener, BoxedStream, Network, Transport};
use crate::prelude::*;
use crate::sched::NodeEnv;

/// A process that reports the events of other nodes.
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
        // The test may have ended.
        let _ = self.events.send(event);
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

#[greenroom_macros::test]
async fn a_later_incarnation_replaces_an_earlier_one() {
    let network = Network::new(&NodeEnv::seeded(0));
    let cookie = Cookie::random().unwrap();
    let mut a = test_node(&network, &cookie, "a@test", "host-a", "host-a", "nowhere").await;
    let first = test_node(&network, &cookie, "b@test", "host-b", "host-b", "host-a").await;
    let old = a.other("b@test").who().await.unwrap();
    let ended = old.ended();
    // The connection of the first incarnation is still up.
    let second = test_node(&network, &cookie, "b@test", "host-c", "host-c", "host-a").await;
    let incarnations = [&first, &second].map(|test_node| (**test_node.node.id()).clone());
    assert_eq!(ended.await, Exit::NoConnection);
    assert_eq!(old.ask(1).await, Err(CallError::NoProc));
    assert_eq!(old.ended().await, Exit::NoProc);
    assert_eq!(
        a.other("b@test").who().await.unwrap().pid().unwrap().node_id().incarnation,
        incarnations[1].incarnation
    );
    for expected in [
        NodeEvent::Up(incarnations[0].clone()),
        NodeEvent::Down(incarnations[0].clone()),
        NodeEvent::Up(incarnations[1].clone()),
    ] {
        assert_eq!(a.events.recv().await, Some(expected));
    }
    // The first one dials again, and is refused.
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(a.events.try_recv().is_err());
    assert!(first.node.peers().is_empty());
    assert!(first.dialled() < 20, "{} times in a minute", first.dialled());
    assert!(a.node.counters().refused_connections > 1, "two nodes of one name are counted");
    assert_eq!(a.other("b@test").ask(1).await, Ok(2));
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
