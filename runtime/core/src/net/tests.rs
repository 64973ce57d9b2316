//! Drivers over streams in memory, on a paused clock.

mod large_frames;

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::*;
use crate::base::{Definition, NodeId, NodeName};
use crate::mailbox::WaiterId;
use crate::observe::{ConnectionMeter, PeerTraffic};
use crate::sched::{Clock, NodeEnv, TokioClock};
use crate::session::{
    Backlog, Config, CookieKey, EphemeralKey, Event, Hello, Limits, ReassemblyBudget, Role, Security, Session,
    SessionError,
};
use crate::wire::{Frame, FrameTarget, MeshKind, Metadata, Signal};

/// One node's side of a connection.
struct Side {
    outbox: Arc<Outbox>,
    events: mpsc::UnboundedReceiver<Event>,
    driver: JoinHandle<Closed>,
    late: Weak<dyn LateDriver>,
    meter: Arc<ConnectionMeter>,
}

impl Side {
    fn spawn(stream: BoxedStream, name: &str, role: Role, limits: Limits) -> Side {
        Side::spawn_with_cookie(stream, name, role, limits, b"sixteen bytes or more")
    }

    fn spawn_with_cookie(stream: BoxedStream, name: &str, role: Role, limits: Limits, cookie: &[u8]) -> Side {
        Side::spawn_sharing(stream, name, role, limits, cookie, limits.reassembly_budget())
    }

    fn spawn_sharing(
        stream: BoxedStream,
        name: &str,
        role: Role,
        limits: Limits,
        cookie: &[u8],
        reassembly: ReassemblyBudget,
    ) -> Side {
        let node = NodeId { name: NodeName::new(name).unwrap(), incarnation: 1 };
        let letter = name.as_bytes()[0];
        let config = Config {
            local: Hello {
                node,
                advertise: None,
                instance: u64::from(letter),
                metadata: Metadata::new(),
                mesh: MeshKind::Full,
                reads_contexts: true,
            },
            security: Security::Cookie(CookieKey::derive(cookie).into()),
            cluster: "test".into(),
            role,
            limits,
            reassembly,
            tick: Duration::from_secs(4),
            ephemeral: EphemeralKey::Fixed([letter; 32]),
        };
        let outbox = Arc::new(Outbox::new(&limits));
        let (sender, events) = mpsc::unbounded_channel();
        let theirs = outbox.clone();
        let session = Session::new(config, TokioClock.now());
        let admits = theirs.clone();
        let sink = move |event| match event {
            Event::Hello { decides: true, .. } | Event::Offered => {
                admits.command(Command::Admit(Default::default()));
                ControlFlow::Continue(())
            }
            Event::Hello { .. } => ControlFlow::Continue(()),
            event => match sender.send(event) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(None),
            },
        };
        let meter = Arc::<ConnectionMeter>::default();
        let driver = drive(stream, session, theirs, sink, Arc::new(TokioClock), Arc::clone(&meter));
        let late = driver.late();
        let driver = tokio::spawn(driver);
        Side { outbox, events, driver, late, meter }
    }

    async fn event(&mut self) -> Event {
        self.events.recv().await.expect("an event")
    }

    async fn frame(&mut self) -> Frame {
        match self.event().await {
            Event::Frame { frame, .. } => frame,
            event => panic!("{event:?} instead of a frame"),
        }
    }

    async fn closed(self) -> String {
        format!("{:?}", self.driver.await.unwrap())
    }
}

/// A network with two connected hosts, `a` and `b`.
async fn connected() -> (Network, Side, Side) {
    connected_with(Limits::default()).await
}

async fn connected_with(limits: Limits) -> (Network, Side, Side) {
    connected_sharing(limits, limits.reassembly_budget()).await
}

/// Returns two connected hosts, of which `b` shares its budget with other connections.
async fn connected_sharing(limits: Limits, reassembly: ReassemblyBudget) -> (Network, Side, Side) {
    let network = Network::new(&NodeEnv::seeded(0));
    let mut listener = network.host("b").listen("b:1").await.unwrap();
    let near = network.host("a").connect("b:1").await.unwrap();
    let (far, from) = listener.accept().await.unwrap();
    assert_eq!(from, "a");
    let mut a = Side::spawn(near, "a@x", Role::Dialler, limits);
    let mut b = Side::spawn_sharing(far, "b@x", Role::Listener, limits, b"sixteen bytes or more", reassembly);
    assert!(matches!(a.event().await, Event::Up(hello) if hello.node.name.as_str() == "b@x"));
    assert!(matches!(b.event().await, Event::Up(hello) if hello.node.name.as_str() == "a@x"));
    (network, a, b)
}

fn message(from: u64, size: usize) -> Frame {
    let to = FrameTarget::Name("echo".into());
    let payload = Bytes::from(vec![from as u8; size]);
    Frame::Message { from, to, protocol: 1, variant: 2, replies: vec![3], context: None, payload }
}

fn link(from: u64) -> Frame {
    Frame::Signal { from, to: FrameTarget::Name("echo".into()), signal: Signal::Link }
}

#[tokio::test(start_paused = true)]
async fn frames_go_both_ways_in_order() {
    let (_network, mut a, mut b) = connected().await;
    for round in 0..500 {
        a.outbox.push(1, &message(round, 10)).unwrap();
        b.outbox.push(1, &message(round, if round % 100 == 0 { 50_000 } else { 20 })).unwrap();
    }
    for round in 0..500 {
        assert_eq!(b.frame().await, message(round, 10));
        let size = if round % 100 == 0 { 50_000 } else { 20 };
        assert_eq!(a.frame().await, message(round, size));
    }
    assert_eq!((a.outbox.waiting().bytes, b.outbox.waiting().weight), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn both_sides_send_more_than_the_streams_hold() {
    let (_network, mut a, mut b) = connected().await;
    for from in 0..3 {
        a.outbox.push(from, &message(from, 1 << 20)).unwrap();
        b.outbox.push(from, &message(from, 1 << 20)).unwrap();
    }
    for side in [&mut a, &mut b] {
        for _ in 0..3 {
            assert!(matches!(side.event().await, Event::Frame { .. }));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_frame_is_accepted_before_the_session_is_up() {
    let network = Network::new(&NodeEnv::seeded(0));
    let mut listener = network.host("b").listen("b:1").await.unwrap();
    let near = network.host("a").connect("b:1").await.unwrap();
    let mut a = Side::spawn(near, "a@x", Role::Dialler, Limits::default());
    assert_eq!(a.outbox.push(1, &message(1, 10)), Err(PushError::Closed));
    let (far, _) = listener.accept().await.unwrap();
    let small = Limits { frame: 1000, ..Limits::default() };
    let mut b = Side::spawn(far, "b@x", Role::Listener, small);
    assert!(matches!(b.event().await, Event::Up(_)));
    assert!(matches!(a.event().await, Event::Up(_)));
    a.outbox.push(1, &message(1, 10)).unwrap();
    assert_eq!(b.frame().await, message(1, 10));
    assert_eq!(a.outbox.push(1, &message(3, 2000)), Err(PushError::TooLarge { limit: 1000 }));
    assert_eq!(a.outbox.waiting(), Backlog::default());
}

/// The frames of several lanes and sizes use names in any order. Each name is defined before its first use.
#[tokio::test(start_paused = true)]
async fn names_are_defined_before_the_frames_that_use_them() {
    let (_network, a, mut b) = connected().await;
    let frame = |round: u64| {
        let to = FrameTarget::Name(format!("worker {}", round % 40).into());
        let payload = Bytes::from(vec![0; [0, 10, 20_000][round as usize % 3]]);
        Frame::Message {
            from: round % 7,
            to,
            protocol: round % 9,
            variant: 0,
            replies: Vec::new(),
            context: None,
            payload,
        }
    };
    let mut expected = BTreeMap::<u64, VecDeque<Frame>>::new();
    for round in 0..200 {
        let name = format!("shop::Orders{}", round % 9);
        a.outbox.push_whole(round % 7, &frame(round), &name).unwrap();
        expected.entry(round % 7).or_default().push_back(frame(round));
    }
    let mut protocols = BTreeMap::new();
    while expected.values().any(|lane| !lane.is_empty()) {
        match b.event().await {
            Event::Definition(definition) => {
                assert_eq!(protocols.insert(definition.fingerprint, definition), None);
            }
            Event::Frame { frame, .. } => {
                let Frame::Message { from, protocol, .. } = &frame else { panic!("{frame:?}") };
                assert!(protocols.contains_key(protocol));
                assert_eq!(expected.get_mut(from).and_then(VecDeque::pop_front), Some(frame));
            }
            event => panic!("{event:?}"),
        }
    }
    for (fingerprint, definition) in protocols {
        assert_eq!(definition, Definition::sample(fingerprint, &format!("shop::Orders{fingerprint}")));
    }
    a.outbox.close();
    assert_eq!(b.event().await, Event::Goodbye);
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_follows_all_pushed_frames() {
    let (_network, a, mut b) = connected().await;
    a.outbox.push(1, &message(1, 1 << 20)).unwrap();
    a.outbox.push(2, &link(2)).unwrap();
    a.outbox.close();
    assert_eq!(a.outbox.push(1, &message(1, 1)), Err(PushError::Closed));
    assert_eq!(b.frame().await, link(2));
    assert_eq!(b.frame().await, message(1, 1 << 20));
    assert_eq!(b.event().await, Event::Goodbye);
    assert_eq!((a.closed().await, b.closed().await), ("ByThisNode".into(), "ByPeer".into()));
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_breaks_closes_the_connection() {
    let (_network, mut a, b) = connected().await;
    drop(b.events);
    a.outbox.push(1, &link(1)).unwrap();
    assert_eq!(a.event().await, Event::Goodbye);
    assert_eq!(a.closed().await, "ByPeer");
    assert_eq!(format!("{:?}", b.driver.await.unwrap()), "ByThisNode");
}

#[tokio::test(start_paused = true)]
async fn a_driver_that_is_dropped_closes_its_outbox_and_the_peers_stream_at_once() {
    let (_network, a, b) = connected().await;
    let start = Instant::now();
    a.driver.abort();
    assert_eq!(b.closed().await, "Lost");
    assert_eq!(a.outbox.push(1, &link(1)), Err(PushError::Closed));
    a.outbox.ready().await;
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_cut_is_noticed_at_once_and_lasts_until_healed() {
    let (network, a, b) = connected().await;
    let start = Instant::now();
    network.cut("b", "a");
    let reset = "Io(Kind(ConnectionReset))";
    assert_eq!((a.closed().await, b.closed().await), (reset.into(), reset.into()));
    assert_eq!(start.elapsed(), Duration::ZERO);
    let _listener = network.host("b").listen("b:1").await.unwrap();
    let refused = network.host("a").connect("b:1").await.err().map(|error| error.kind());
    assert_eq!(refused, Some(io::ErrorKind::HostUnreachable));
    assert!(network.host("c").connect("b:1").await.is_ok());
    network.heal("a", "b");
    assert!(network.host("a").connect("b:1").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_stops_is_lost_after_t() {
    let (network, a, b) = connected().await;
    // An idle connection ticks and stays open.
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(!a.driver.is_finished() && !b.driver.is_finished());
    let start = Instant::now();
    network.stall("a", "b");
    let silent = "Session(Silent { tick: 4s })";
    assert_eq!((a.closed().await, b.closed().await), (silent.into(), silent.into()));
    assert!(start.elapsed() <= Duration::from_secs(4) && start.elapsed() >= Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_short_stall_does_no_harm() {
    let (network, a, mut b) = connected().await;
    network.stall("a", "b");
    a.outbox.push(1, &link(1)).unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    network.heal("a", "b");
    assert_eq!(b.frame().await, link(1));
}

#[tokio::test(start_paused = true)]
async fn closing_does_not_wait_for_ever() {
    let (network, a, _b) = connected().await;
    let start = Instant::now();
    network.stall("a", "b");
    a.outbox.close();
    assert_eq!(a.closed().await, "ByThisNode");
    assert!(start.elapsed() <= Duration::from_secs(5));
}

/// Fills the outbox of a connection that sends nothing, up to the wait queue, in which there is one message then. Returns
/// the number of messages before it.
async fn fill(network: &Network, a: &Side) -> u64 {
    network.stall("a", "b");
    let mut sent = 0;
    loop {
        let waiting = loop {
            match a.outbox.push_whole(1, &message(sent, 1000), "").unwrap() {
                None => sent += 1,
                Some(waiting) => break waiting,
            }
        };
        // The driver and the stalled link take some of it, as a socket does.
        tokio::time::sleep(Duration::from_millis(1)).await;
        if a.outbox.has_waiters() {
            return sent;
        }
        assert!(!a.outbox.withdraw(waiting));
        sent += 1;
    }
}

async fn admitted(outbox: &Outbox, id: WaiterId) -> Result<(), ()> {
    std::future::poll_fn(|cx| outbox.poll_admitted(id, cx)).await
}

#[tokio::test(start_paused = true)]
async fn senders_wait_above_the_high_water_mark_and_messages_above_the_cap() {
    let limits = Limits { high_water: 100_000, ..Limits::default() };
    let (network, a, mut b) = connected_with(limits).await;
    let sent = fill(&network, &a).await;
    assert!((400_000..402_000).contains(&a.outbox.waiting().bytes));
    // The message that `fill` pushed last, another one, and one that is withdrawn.
    let second = a.outbox.push_whole(2, &message(sent + 1, 1000), "").unwrap().expect("it waits");
    let withdrawn = a.outbox.push_whole(2, &message(77, 1000), "").unwrap().expect("it waits");
    let last = a.outbox.push_whole(3, &message(sent + 2, 1000), "").unwrap().expect("it waits");
    assert!(a.outbox.withdraw(withdrawn));
    assert!(!a.outbox.withdraw(withdrawn));
    // A signal does not wait, and an answer neither.
    a.outbox.push(9, &link(9)).unwrap();
    let answer = Frame::Answer {
        from: 8,
        id: 1,
        replies: Vec::new(),
        definition: None,
        result: Ok(Bytes::from(vec![0; 100_000])),
    };
    a.outbox.push(8, &answer).unwrap();
    let waiters = tokio::spawn({
        let outbox = a.outbox.clone();
        async move {
            assert_eq!((admitted(&outbox, second).await, admitted(&outbox, last).await), (Ok(()), Ok(())));
            outbox.ready().await;
        }
    });
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert!(!waiters.is_finished());
    network.heal("a", "b");
    waiters.await.unwrap();
    assert!(!a.outbox.withdraw(last));
    let (mut messages, mut others) = (Vec::new(), 0);
    while messages.len() < sent as usize + 3 || others < 2 {
        match b.event().await {
            Event::Frame { frame: Frame::Message { from, .. }, .. } => messages.push(from),
            Event::Frame { .. } => others += 1,
            event => panic!("{event:?}"),
        }
    }
    messages.sort_unstable();
    assert!(messages.into_iter().eq(0..sent + 3));
    assert_eq!(a.outbox.waiting(), Backlog::default());
    assert!(!a.outbox.has_waiters());
}

#[tokio::test(start_paused = true)]
async fn messages_that_wait_are_lost_with_the_connection_and_their_senders_notice() {
    let limits = Limits { high_water: 100_000, ..Limits::default() };
    let (network, a, _b) = connected_with(limits).await;
    fill(&network, &a).await;
    let polled = a.outbox.push_whole(2, &message(1, 1000), "").unwrap().expect("it waits");
    let unpolled = a.outbox.push_whole(2, &message(1, 1000), "").unwrap().expect("it waits");
    let waiter = tokio::spawn({
        let outbox = a.outbox.clone();
        async move { admitted(&outbox, polled).await }
    });
    tokio::time::sleep(Duration::from_millis(1)).await;
    network.cut("a", "b");
    assert_eq!(waiter.await.unwrap(), Err(()));
    assert_eq!(admitted(&a.outbox, unpolled).await, Err(()));
    assert!(!a.outbox.withdraw(unpolled));
    assert_eq!(a.outbox.push_whole(2, &message(1, 10), ""), Err(PushError::Closed));
}

#[tokio::test(start_paused = true)]
async fn messages_to_a_held_target_wait_and_those_to_others_pass() {
    let (_network, a, mut b) = connected().await;
    let to = |name: &str, from: u64| {
        let to = FrameTarget::Name(name.into());
        Frame::Message { from, to, protocol: 1, variant: 0, replies: Vec::new(), context: None, payload: Bytes::new() }
    };
    let full = FrameTarget::Name("full".into());
    a.outbox.hold(&full);
    let waiting: Vec<WaiterId> =
        (1..=3).map(|from| a.outbox.push_whole(from, &to("full", from), "").unwrap().expect("it waits")).collect();
    assert_eq!(a.outbox.push_whole(1, &to("free", 4), ""), Ok(None));
    assert_eq!(b.frame().await, to("free", 4));
    assert!(a.outbox.withdraw(waiting[1]));
    a.outbox.resume(&full);
    for (from, waiting) in [(1, waiting[0]), (3, waiting[2])] {
        assert_eq!(b.frame().await, to("full", from));
        assert_eq!(admitted(&a.outbox, waiting).await, Ok(()));
    }
    assert_eq!(a.outbox.push_whole(1, &to("full", 5), ""), Ok(None));
    assert_eq!(b.frame().await, to("full", 5));
}

/// A message that waits for room when its target is held waits for the target then, in front of later ones.
#[tokio::test(start_paused = true)]
async fn a_hold_applies_to_messages_that_wait_for_room() {
    let limits = Limits { high_water: 100_000, ..Limits::default() };
    let (network, a, mut b) = connected_with(limits).await;
    let mut left = fill(&network, &a).await + 1;
    let full = FrameTarget::Name("full".into());
    let to_full = |from| {
        let to = full.clone();
        Frame::Message { from, to, protocol: 1, variant: 0, replies: Vec::new(), context: None, payload: Bytes::new() }
    };
    let early = a.outbox.push_whole(1, &to_full(1), "").unwrap().expect("it waits");
    a.outbox.hold(&full);
    let late = a.outbox.push_whole(1, &to_full(2), "").unwrap().expect("it waits");
    network.heal("a", "b");
    while left > 0 {
        let Frame::Message { to, .. } = b.frame().await else { panic!("not a message") };
        assert_ne!(to, full);
        left -= 1;
    }
    assert!(tokio::time::timeout(Duration::from_secs(1), admitted(&a.outbox, early)).await.is_err());
    a.outbox.resume(&full);
    assert_eq!((admitted(&a.outbox, early).await, admitted(&a.outbox, late).await), (Ok(()), Ok(())));
    assert_eq!(b.frame().await, to_full(1));
    assert_eq!(b.frame().await, to_full(2));
}

#[tokio::test(start_paused = true)]
async fn another_cookie() {
    let network = Network::new(&NodeEnv::seeded(0));
    let mut listener = network.host("b").listen("b:1").await.unwrap();
    let near = network.host("a").connect("b:1").await.unwrap();
    let (far, _) = listener.accept().await.unwrap();
    let a = Side::spawn(near, "a@x", Role::Dialler, Limits::default());
    let b = Side::spawn_with_cookie(far, "b@x", Role::Listener, Limits::default(), b"others'");
    assert_eq!((a.closed().await, b.closed().await), ("Session(HungUp)".into(), "Session(Cookie)".into()));
}

#[tokio::test(start_paused = true)]
async fn other_protocols_are_rejected() {
    let network = Network::new(&NodeEnv::seeded(0));
    let mut listener = network.host("b").listen("b:1").await.unwrap();
    let mut check = async |bytes: &[u8], answer: &[u8], expected: SessionError| {
        let mut near = network.host("a").connect("b:1").await.unwrap();
        let (far, _) = listener.accept().await.unwrap();
        let b = Side::spawn(far, "b@x", Role::Listener, Limits::default());
        near.write_all(bytes).await.unwrap();
        let mut received = Vec::new();
        near.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, answer);
        assert_eq!(b.closed().await, format!("{:?}", Closed::Session(expected)));
    };
    check(b"GET / HTTP/1.1\r\n\r\n", b"", SessionError::Magic).await;
    let version = SessionError::Version { theirs: vec![9], ours: vec![1] };
    check(b"GRNM\x01\x00\x09", b"GRNM\0\0\x01\0\x01", version).await;
    // A silent peer is closed after five seconds.
    let start = Instant::now();
    check(b"", b"", SessionError::Slow).await;
    assert_eq!(start.elapsed().as_secs(), 5);
}

/// The one test with sockets, on the loopback interface.
#[tokio::test]
async fn over_tcp() {
    let tcp = Tcp::new(Arc::new(TokioClock), Duration::from_secs(5));
    let mut listener = tcp.listen("127.0.0.1:0").await.unwrap();
    let near = tcp.connect(&listener.address()).await.unwrap();
    let (far, _) = listener.accept().await.unwrap();
    let mut a = Side::spawn(near, "a@x", Role::Dialler, Limits::default());
    let mut b = Side::spawn(far, "b@x", Role::Listener, Limits::default());
    assert!(matches!(a.event().await, Event::Up(_)));
    assert!(matches!(b.event().await, Event::Up(_)));
    for round in 0..200 {
        a.outbox.push(1, &message(round, 1000)).unwrap();
        assert_eq!(b.frame().await, message(round, 1000));
    }
    for from in 0..3 {
        a.outbox.push(from, &message(from, 1 << 20)).unwrap();
    }
    a.outbox.close();
    for _ in 0..3 {
        assert!(matches!(b.event().await, Event::Frame { .. }));
    }
    assert_eq!(b.event().await, Event::Goodbye);
    assert_eq!((a.closed().await, b.closed().await), ("ByThisNode".into(), "ByPeer".into()));
    drop(listener);
    let address = "127.0.0.1:1";
    assert!(tcp.connect(address).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_with_the_largest_incomplete_frames_ends_when_another_needs_the_room() {
    let limits = Limits { frame: 4 << 20, reassembly: 4 << 20, node_reassembly: 4 << 20, ..Limits::default() };
    let budget = limits.reassembly_budget();
    let (network, a, b) = connected_sharing(limits, budget.clone()).await;
    let (_other, c, mut d) = connected_sharing(limits, budget.clone()).await;
    a.outbox.push(1, &message(1, 4_000_000)).unwrap();
    for _ in 0..10_000 {
        if budget.used() < 2_500_000 {
            tokio::task::yield_now().await;
        }
    }
    network.hold("a", "b");
    let held = budget.used();
    assert!(held >= 2_500_000, "{held}");
    let start = Instant::now();
    c.outbox.push(1, &message(1, 2_200_000)).unwrap();
    assert_eq!(d.frame().await, message(1, 2_200_000));
    let closed = b.closed().await;
    assert!(closed.contains("TooManyNodeBytes"), "{closed}");
    assert_eq!((start.elapsed(), budget.used()), (Duration::ZERO, 0));
}

/// A stream of which the runtime's reactor never reports that it is ready.
struct Unattended(Mutex<BoxedStream>);

impl Unattended {
    /// Polls the stream once. It is an error to wait.
    fn now<T>(
        &self,
        poll: impl FnOnce(Pin<&mut BoxedStream>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> io::Result<T> {
        match poll(Pin::new(&mut self.0.lock().unwrap()), &mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => done,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl AsyncRead for Unattended {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Unattended {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Stream for Unattended {
    fn read_now(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.now(|stream, cx| {
            let mut buffer = ReadBuf::new(buffer);
            stream.poll_read(cx, &mut buffer).map(|done| done.map(|()| buffer.filled().len()))
        })
    }

    fn write_now(&self, bytes: &[u8]) -> io::Result<usize> {
        self.now(|stream, cx| stream.poll_write(cx, bytes))
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_driver_reads_and_writes_without_the_reactor() {
    let network = Network::new(&NodeEnv::seeded(0));
    let mut listener = network.host("b").listen("b:1").await.unwrap();
    let near = network.host("a").connect("b:1").await.unwrap();
    let (far, _) = listener.accept().await.unwrap();
    let near = Box::new(Unattended(Mutex::new(near)));
    let mut a = Side::spawn(near, "a@x", Role::Dialler, Limits::default());
    let mut b = Side::spawn(far, "b@x", Role::Listener, Limits::default());
    let late = a.late.upgrade().unwrap();
    // Drives `a` until both sides have returned their next events.
    let next_events = async |a: &mut Side, b: &mut Side| {
        let both = async { (a.event().await, b.event().await) };
        let drive = async {
            loop {
                late.drive_late();
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            events = both => events,
            () = drive => unreachable!("an endless loop"),
        }
    };
    let (up_a, up_b) = next_events(&mut a, &mut b).await;
    assert!(matches!((up_a, up_b), (Event::Up(_), Event::Up(_))));
    a.outbox.push(1, &message(1, 10)).unwrap();
    assert!(late.drive_late(), "a frame is sent");
    b.outbox.push(2, &message(2, 3 << 20)).unwrap();
    assert_eq!(
        next_events(&mut a, &mut b).await,
        (Event::Frame { lane: 2, frame: message(2, 3 << 20) }, Event::Frame { lane: 1, frame: message(1, 10) })
    );
    // Ticks in both directions keep the connection up, ten times as long as the agreed tick.
    let ticks = Instant::now();
    while ticks.elapsed() < Duration::from_secs(40) {
        late.drive_late();
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    late.drive_late();
    assert!(!late.drive_late(), "nothing is left to do");
    a.outbox.close();
    late.drive_late();
    assert_eq!(b.event().await, Event::Goodbye);
}

/// The worker runs a task that was woken last before those that wait longer: here the driver, after the first frame.
#[test]
fn the_frames_of_all_tasks_that_are_ready_are_sent_together() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let test = async {
        let (_network, a, mut b) = connected().await;
        let traffic = PeerTraffic::default();
        a.meter.identify(&NodeName::new("b@x").unwrap(), &traffic);
        let mut bytes = Vec::new();
        for are_pushed_by_tasks in [false, false, true] {
            let before = traffic.by_peer()["b@x"].sent;
            let go = Arc::new(Notify::new());
            for lane in 1..=10 {
                let (outbox, go) = (Arc::clone(&a.outbox), Arc::clone(&go));
                if are_pushed_by_tasks {
                    tokio::spawn(async move {
                        go.notified().await;
                        outbox.push(lane, &link(lane)).unwrap();
                    });
                } else {
                    outbox.push(lane, &link(lane)).unwrap();
                }
            }
            while are_pushed_by_tasks && Arc::strong_count(&go) < 11 {
                tokio::task::yield_now().await;
            }
            tokio::task::yield_now().await;
            go.notify_waiters();
            for _ in 1..=10 {
                b.frame().await;
            }
            bytes.push(traffic.by_peer()["b@x"].sent - before);
        }
        assert_eq!(bytes[1], bytes[2], "one record has all ten frames: {bytes:?}");
    };
    runtime.block_on(async { tokio::spawn(test).await.unwrap() });
}
