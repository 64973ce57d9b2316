//! How nodes meet: on a paused clock, over links in memory, whose dialling is counted.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use greenroom_macros::actor;
use tokio::sync::mpsc;

use super::Cookie;
use crate::base::{NodeEvent, NodeName};
use crate::net::{BoxFuture, BoxedListener, BoxedStream, Network, Transport};
use crate::prelude::*;
use crate::sched::NodeEnv;

/// A server with its number, and a process that hears of other nodes.
#[actor]
struct Teller {
    events: mpsc::UnboundedSender<NodeEvent>,
}

#[actor]
impl Teller {
    #[call]
    fn ask(&self, n: u64) -> u64 {
        n + 1
    }

    #[call]
    fn who(&self, cx: &mut Context<Self>) -> TellerRef {
        cx.me()
    }

    #[node_event]
    fn seen(&mut self, event: NodeEvent) {
        // The test may have ended.
        let _ = self.events.send(event);
    }
}

/// A host that counts whom it dials.
struct Counted {
    host: Box<dyn Transport>,
    dialled: Arc<AtomicUsize>,
}

impl Transport for Counted {
    fn connect(&self, address: &str) -> BoxFuture<'static, io::Result<BoxedStream>> {
        self.dialled.fetch_add(1, Ordering::Relaxed);
        self.host.connect(address)
    }

    fn listen(&self, address: &str) -> BoxFuture<'static, io::Result<BoxedListener>> {
        self.host.listen(address)
    }
}

/// A node on such a host, with a teller.
struct Place {
    node: Node,
    dialled: Arc<AtomicUsize>,
    events: mpsc::UnboundedReceiver<NodeEvent>,
}

async fn place(network: &Network, cookie: &Cookie, name: &str, at: &str, advertise: &str, seed: &str) -> Place {
    let dialled = Arc::new(AtomicUsize::new(0));
    let transport = Counted { host: Box::new(network.host(at)), dialled: Arc::clone(&dialled) };
    let builder = Node::builder(name).cookie(cookie.clone()).listen(at).advertise(advertise).seed(seed);
    let node = builder.transport(Arc::new(transport)).start().await.unwrap();
    let (tell, events) = mpsc::unbounded_channel();
    let teller = node.start(Teller { events: tell }).await.unwrap();
    TellerRef::register("teller", &teller).unwrap();
    Place { node, dialled, events }
}

impl Place {
    fn other(&self, name: &str) -> TellerRef {
        self.node.named_at("teller", name)
    }

    fn dialled(&self) -> usize {
        self.dialled.load(Ordering::Relaxed)
    }
}

/// Two nodes that are each other's seeds, the second of which starts so much later, end with one connection; nobody
/// dials again, and nothing happens for a long time. `advertised` says whether they know each other by address.
async fn check(later: Duration, advertised: bool) {
    let network = Network::new(&NodeEnv::seeded(0));
    let cookie = Cookie::random().unwrap();
    let [at_a, at_b] = if advertised { ["host-a", "host-b"] } else { ["elsewhere-a", "elsewhere-b"] };
    let begin_b = async {
        tokio::time::sleep(later).await;
        place(&network, &cookie, "b@test", "host-b", at_b, "host-a").await
    };
    let (mut a, mut b) = tokio::join!(place(&network, &cookie, "a@test", "host-a", at_a, "host-b"), begin_b);
    // Whatever has crossed is settled.
    tokio::time::sleep(Duration::from_secs(30)).await;
    for (place, other) in [(&mut a, "b@test"), (&mut b, "a@test")] {
        assert_eq!(place.node.peers(), [NodeName::new(other).unwrap()], "{later:?}");
        assert_eq!(place.other(other).ask(1).await, Ok(2), "{later:?}");
        while place.events.try_recv().is_ok() {}
    }
    let dialled = [a.dialled(), b.dialled()];
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!([a.dialled(), b.dialled()], dialled, "{later:?}: somebody dials on and on");
    for place in [&mut a, &mut b] {
        assert!(place.events.try_recv().is_err(), "{later:?}: a connection was lost");
    }
}

#[greenroom_macros::test]
async fn two_nodes_that_are_each_others_seeds_meet_once() {
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
    let mut a = place(&network, &cookie, "a@test", "host-a", "host-a", "host-b").await;
    let before = a.dialled();
    let b = place(&network, &cookie, "b@test", "host-b", "host-b", "host-a").await;
    assert_eq!(a.events.recv().await, Some(NodeEvent::Up((**b.node.id()).clone())));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(a.dialled(), before);
    assert!(a.events.try_recv().is_err(), "the connection is the first one");
}

#[greenroom_macros::test]
async fn a_later_life_takes_the_place_of_an_earlier_one() {
    let network = Network::new(&NodeEnv::seeded(0));
    let cookie = Cookie::random().unwrap();
    let mut a = place(&network, &cookie, "a@test", "host-a", "host-a", "nowhere").await;
    let first = place(&network, &cookie, "b@test", "host-b", "host-b", "host-a").await;
    let old = a.other("b@test").who().await.unwrap();
    let ended = old.ended();
    // The first life has not been noticed to be over: its connection stands.
    let second = place(&network, &cookie, "b@test", "host-c", "host-c", "host-a").await;
    let lives = [&first, &second].map(|place| (**place.node.id()).clone());
    assert_eq!(ended.await, Exit::NoConnection);
    assert_eq!(old.ask(1).await, Err(CallError::NoProc));
    assert_eq!(old.ended().await, Exit::NoProc);
    assert_eq!(a.other("b@test").who().await.unwrap().pid().unwrap().node_id().incarnation, lives[1].incarnation);
    for expected in
        [NodeEvent::Up(lives[0].clone()), NodeEvent::Down(lives[0].clone()), NodeEvent::Up(lives[1].clone())]
    {
        assert_eq!(a.events.recv().await, Some(expected));
    }
    // The first one dials again, and is not let in.
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(a.events.try_recv().is_err());
    assert!(first.node.peers().is_empty());
    assert!(first.dialled() < 20, "{} times in a minute", first.dialled());
    assert!(a.node.counters().refused_connections > 1, "that two nodes have one name is told");
    assert_eq!(a.other("b@test").ask(1).await, Ok(2));
}
