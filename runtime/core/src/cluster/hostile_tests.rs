//! A member of the cluster that sends arbitrary frames to a node, while another member is served.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use greenroom_macros::actor;
use tokio::task::JoinHandle;

use super::Cookie;
use crate::actor::Stub;
use crate::base::{CallErrorKind, Exit, MonitorRef, NodeId, NodeName};
use crate::counting::kept_bytes;
use crate::net::{Command, Network, Outbox, Transport, drive};
use crate::prelude::*;
use crate::process::protocol_definition;
use crate::sched::{Clock, NodeEnv, TokioClock};
use crate::session::{Config, EphemeralKey, Event, Hello, Limits, Role, Security, Session};
use crate::testing::paused;
use crate::wire::hostile::{Coverage, Input, Known};
use crate::wire::{Frame, FrameTarget, MeshKind, Metadata, Signal};

/// A process with calls of several types.
#[actor]
struct Orders {
    notes: Vec<String>,
}

#[actor]
impl Orders {
    #[call]
    fn next(&self, order: u64) -> u64 {
        order + 1
    }

    #[call]
    fn who(&self, cx: &mut Context<Self>) -> OrdersRef {
        cx.me()
    }

    /// Keeps few notes: a process that keeps more is the program's own affair.
    #[cast]
    fn note(&mut self, text: String, tags: Vec<u16>) {
        if self.notes.len() < 8 && tags.len() < 100 {
            self.notes.push(text);
        }
    }

    /// Never answers.
    #[call]
    fn wait(&mut self, _seconds: Option<u32>, reply: Reply<u64>) {
        std::mem::forget(reply);
    }
}

/// The connection of the hostile member.
struct Hostile {
    outbox: Arc<Outbox>,
    /// The ids of calls and the references of monitors that the node has sent.
    seen: Arc<Mutex<Seen>>,
    driver: JoinHandle<()>,
}

type Counts<T> = Vec<(T, u64)>;

fn count<T: PartialEq>(counts: &mut Counts<T>, value: T) {
    match counts.iter_mut().find(|(known, _)| *known == value) {
        Some((_, count)) => *count += 1,
        None => counts.push((value, 1)),
    }
}

#[derive(Default)]
struct Seen {
    ids: VecDeque<u64>,
    references: VecDeque<(u64, MonitorRef)>,
    frames: u64,
    /// The messages that were received, by the bytes of their trace contexts.
    contexts: Counts<Option<Box<[u8]>>>,
    up: bool,
    /// The number of `Down`s, of exits over links and of failed calls that were received, by their reasons.
    downs: Counts<Exit>,
    exits: Counts<Exit>,
    failed_calls: Counts<CallErrorKind>,
}

impl Hostile {
    async fn connect(network: &Network, cookie: &Cookie, name: &str, incarnation: u64) -> Option<Hostile> {
        Hostile::connect_with(true, network, cookie, name, incarnation).await
    }

    /// Connects as a member that reads the trace contexts of messages, or as one that does not.
    async fn connect_with(
        reads_contexts: bool,
        network: &Network,
        cookie: &Cookie,
        name: &str,
        incarnation: u64,
    ) -> Option<Hostile> {
        let stream = network.host("host-m").connect("host-a").await.ok()?;
        let limits = Limits::default();
        let node = NodeId { name: NodeName::new(name).unwrap(), incarnation };
        let config = Config {
            local: Hello {
                node,
                advertise: None,
                instance: incarnation,
                metadata: Metadata::new(),
                mesh: MeshKind::Full,
                reads_contexts,
            },
            security: Security::Cookie(cookie.key().into()),
            cluster: "greenroom".into(),
            role: Role::Dialler,
            limits,
            reassembly: limits.reassembly_budget(),
            tick: Duration::from_secs(4),
            ephemeral: EphemeralKey::Random,
        };
        let outbox = Arc::new(Outbox::new(&limits));
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let (theirs, notes) = (Arc::clone(&outbox), Arc::clone(&seen));
        let driver = tokio::spawn(async move {
            let session = Session::new(config, TokioClock.now());
            let admits = Arc::clone(&theirs);
            let sink = move |event| {
                let mut seen = notes.lock().unwrap_or_else(PoisonError::into_inner);
                match event {
                    Event::Hello { decides: true, .. } | Event::Offered => {
                        admits.command(Command::Admit(Default::default()));
                    }
                    Event::Up(_) => seen.up = true,
                    Event::Frame { frame, .. } => seen.note(frame),
                    _ => {}
                }
                ControlFlow::Continue(())
            };
            drive(stream, session, theirs, sink, Arc::new(TokioClock), Arc::default()).await;
        });
        Some(Hostile { outbox, seen, driver })
    }

    fn seen<T>(&self, read: impl FnOnce(&mut Seen) -> T) -> T {
        read(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Seen {
    fn note(&mut self, frame: Frame) {
        self.frames += 1;
        match frame {
            Frame::Message { replies, context, .. } => {
                self.ids.extend(replies);
                count(&mut self.contexts, context);
            }
            Frame::Signal { from, signal: Signal::Monitor { reference, .. }, .. } => {
                self.references.push_back((from, reference));
            }
            Frame::Signal { signal: Signal::Down { reason, .. }, .. } => count(&mut self.downs, reason),
            Frame::Signal { signal: Signal::Exit { reason, .. }, .. } => count(&mut self.exits, reason),
            Frame::Answer { result: Err(error), .. } => count(&mut self.failed_calls, error),
            _ => {}
        }
        self.ids.truncate(64);
        self.references.truncate(64);
    }
}

/// A node with the process `orders`, which serves another member, and the process `victim`.
struct Served {
    network: Network,
    cookie: Cookie,
    node: Node,
    member: Node,
    service: u64,
}

impl Served {
    async fn start() -> Served {
        Served::start_with(Limits::default()).await
    }

    async fn start_with(limits: Limits) -> Served {
        let network = Network::new(&NodeEnv::seeded(0));
        let cookie = Cookie::random().unwrap();
        let builder = Node::builder("h@test").cookie(cookie.clone()).listen("host-a").limits(limits);
        let node = builder.transport(Arc::new(network.host("host-a"))).start().await.unwrap();
        #[cfg(feature = "trace-context")]
        node.set_propagator(SpanSeven).unwrap();
        let builder = Node::builder("k@test").cookie(cookie.clone()).seed("host-a");
        let member = builder.transport(Arc::new(network.host("host-b"))).start().await.unwrap();
        for at in [&node, &member] {
            let orders = at.start(Orders { notes: Vec::new() }).await.unwrap();
            OrdersRef::register("orders", &orders).unwrap();
        }
        let service = node.names().find("orders").unwrap().number;
        #[cfg(feature = "registry")]
        assert!(node.group_names().is_empty(), "and takes part in groups from now on");
        Served { network, cookie, node, member, service }
    }

    /// Both nodes answer each other within the time of a call.
    async fn check(&self, order: u64) {
        let there: OrdersRef = self.member.named_at("orders", "h@test");
        drop(there.note("urgent".to_owned(), vec![1, 2]));
        assert_eq!(there.next(order).await, Ok(order + 1), "the node serves its other member");
        let back: OrdersRef = self.node.named_at("orders", "k@test");
        assert_eq!(back.next(order).await, Ok(order + 1), "the node calls its other member");
    }

    async fn victim(&self) -> Option<u64> {
        if self.number("victim").is_none() {
            let victim = self.node.start(Orders { notes: Vec::new() }).await.ok()?;
            OrdersRef::register("victim", &victim).ok()?;
        }
        self.number("victim")
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.node.names().find(name).map(|process| process.number)
    }

    /// A frame that ends the process `orders`, as every member may do.
    fn ends_the_service(&self, frame: &Frame) -> bool {
        let Frame::Signal { to, signal, .. } = frame else { return false };
        let ends = matches!(signal, Signal::Exit { .. } | Signal::Stop { .. } | Signal::Link);
        let service = match to {
            FrameTarget::Process(number) => *number == self.service,
            FrameTarget::Name(name) => **name == *"orders",
            FrameTarget::Group(_) => false,
        };
        ends && service
    }
}

/// A propagator for which a span is always current.
#[cfg(feature = "trace-context")]
struct SpanSeven;

#[cfg(feature = "trace-context")]
impl crate::node::Propagator for SpanSeven {
    fn current(&self) -> Option<crate::base::TraceContext> {
        crate::base::TraceContext::new([7; 16], [7; 8], 1).ok()
    }

    fn link(&self, _: &tracing::Span, _: &crate::base::TraceContext) {}
}

#[cfg(feature = "trace-context")]
#[test]
fn a_member_receives_the_contexts_of_messages_only_if_it_reads_them() {
    paused(false, None, async {
        let context: Box<[u8]> = [&[0][..], &[7; 24], &[1]].concat().into();
        for (reads_contexts, expected) in [(false, None), (true, Some(context))] {
            let served = Served::start().await;
            let (network, cookie) = (&served.network, &served.cookie);
            let member = Hostile::connect_with(reads_contexts, network, cookie, "m@test", 1).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
            let there: OrdersRef = served.node.named_at("orders", "m@test");
            drop(there.note("urgent".to_owned(), vec![1]));
            drop(there.next(1));
            tokio::time::sleep(Duration::from_millis(20)).await;
            assert_eq!(member.seen(|seen| seen.contexts.clone()), [(expected, 2)]);
            served.check(1).await;
        }
    });
}

/// The context is counted, the message is handled, and the connection stays up.
#[cfg(feature = "trace-context")]
#[test]
fn a_message_with_a_malformed_context_is_handled_without_it() {
    paused(false, None, async {
        let served = Served::start().await;
        let member = Hostile::connect(&served.network, &served.cookie, "m@test", 1).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        let valid = [&[0][..], &[7; 24], &[1]].concat();
        let mut lost = 0;
        for (number, bytes, is_malformed) in [
            (1, valid.clone(), false),
            (2, Vec::new(), true),
            (3, vec![0; 26], true),
            (4, valid[..25].to_vec(), true),
            (5, [&valid[..], &[0xff]].concat(), true),
            (6, vec![255; 1024], true),
        ] {
            let message = Frame::Message {
                from: 1,
                to: FrameTarget::Name("orders".into()),
                protocol: 1,
                variant: 0,
                replies: vec![number],
                context: Some(bytes.into()),
                payload: Bytes::new(),
            };
            member.outbox.push(1, &message).unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
            lost += u64::from(is_malformed);
            assert_eq!(served.node.metrics().lost_trace_contexts, lost, "context {number}");
            // Its protocol is unknown: an answer shows that it was read.
            let answers: u64 = member.seen(|seen| seen.failed_calls.iter().map(|(_, count)| count).sum());
            assert_eq!(answers, number);
        }
        assert_eq!(served.node.peers().len(), 2, "the connection stays up");
        served.check(1).await;
    });
}

/// Memory that one attack may leave after its connection has ended.
const LEFT: isize = 256 * 1024;

async fn attack(mut input: Input<'_>, coverage: &Coverage) {
    let served = Served::start().await;
    served.check(1).await;
    let name = ["a@test", "m@test"][input.below(2)];
    let mut incarnation = 1;
    let before = kept_bytes();
    let mut hostile = Hostile::connect(&served.network, &served.cookie, name, incarnation).await;
    let mut calls = tokio::task::JoinSet::new();
    while !input.is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let Some(peer) = hostile.as_ref().filter(|peer| !peer.driver.is_finished()) else {
            coverage.count("reconnected");
            incarnation += u64::from(input.byte() % 2);
            served.network.heal("host-a", "host-m");
            hostile = Hostile::connect(&served.network, &served.cookie, name, incarnation).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        coverage.count(if peer.seen(|seen| seen.up) { "up" } else { "not up" });
        match input.below(16) {
            0..=8 => {
                let victim = served.victim().await;
                let numbers: Vec<u64> = victim.into_iter().chain([served.service, 1]).collect();
                let known = Known { numbers: &numbers, names: &["victim", "orders"] };
                for _ in 0..=input.below(20) {
                    let frame = input.frame(known, fingerprint::<OrdersRef>(&served.node));
                    if !served.ends_the_service(&frame) {
                        let _ = peer.outbox.push(input.below(3) as u64, &frame);
                    }
                }
            }
            // The node calls and monitors the hostile member.
            9 | 10 => {
                let there: OrdersRef = served.node.named_at("orders", name);
                calls.spawn(async move { drop(there.next(1).await) });
                let there: OrdersRef = served.node.named_at("orders", name);
                calls.spawn(async move { drop(there.ended().await) });
            }
            11 => {
                let id = peer.seen(|seen| seen.ids.pop_front());
                let result = Ok(Bytes::copy_from_slice(input.bytes(12)));
                if let Some(id) = id {
                    coverage.count("an answer to a call");
                    let _ = peer.outbox.push(
                        1,
                        &Frame::Answer {
                            from: input.number(),
                            id,
                            replies: vec![input.number()],
                            definition: None,
                            result,
                        },
                    );
                }
            }
            12 => {
                let known = peer.seen(|seen| seen.references.front().copied());
                if let Some((number, reference)) = known {
                    coverage.count("an answer to a monitor");
                    let to = FrameTarget::Process(number);
                    let signal = Signal::Down { reference, reason: Exit::Normal };
                    let _ = peer.outbox.push(1, &Frame::Signal { from: input.number(), to, signal });
                }
            }
            13 => {
                coverage.count("reads nothing");
                served.network.hold("host-a", "host-m");
            }
            14 => served.network.heal("host-a", "host-m"),
            _ => {
                coverage.count("gone");
                hostile = None;
            }
        }
        if input.below(4) == 0 {
            served.check(incarnation).await;
        }
    }
    served.check(2).await;
    let most = 64 << 20;
    let kept = kept_bytes() - before;
    assert!(kept < most, "{kept} bytes during the attack");
    drop(hostile);
    served.network.heal("host-a", "host-m");
    tokio::time::sleep(Duration::from_secs(10)).await;
    while calls.join_next().await.is_some() {}
    assert_eq!(served.node.peers(), [NodeName::new("k@test").unwrap()]);
    let left = kept_bytes() - before;
    assert!(left < LEFT, "{left} bytes after the attack");
    coverage.count(format!("left: {} KiB or less", left.max(1).ilog2().max(12) as isize - 9));
    served.check(3).await;
    served.member.stop().await;
    served.node.stop().await;
}

/// Returns the fingerprint of the definition of a stub's protocol.
fn fingerprint<S: Stub>(node: &Node) -> u64 {
    let definition = protocol_definition::<S::Protocol>(node).expect("a remote protocol");
    definition.get().expect("a valid definition").fingerprint
}

#[test]
fn a_member_that_sends_arbitrary_frames_neither_stops_a_node_nor_keeps_others_from_it() {
    let coverage = Coverage::new("frames of a hostile member to a node");
    bolero::check!().with_iterations(100).with_max_len(1024).with_shrink_time(Duration::from_secs(5)).for_each(
        |bytes: &[u8]| {
            let input = Input::new(bytes);
            paused(true, None, attack(input, &coverage));
        },
    );
    coverage
        .finish(&["up"], &["an answer to a call", "an answer to a monitor", "reads nothing", "reconnected", "gone"]);
}

/// The hostile member reads nothing, and each of its messages causes answers. Memory stays within the bound of what may
/// wait for one connection, and that connection ends.
#[test]
fn answers_to_a_member_that_reads_nothing_are_bounded() {
    paused(false, None, async {
        let limits = Limits { budget: 2 << 20, ..Limits::default() };
        let served = Served::start_with(limits).await;
        let before = kept_bytes();
        let hostile = Hostile::connect(&served.network, &served.cookie, "m@test", 1).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        served.network.hold("host-a", "host-m");
        let message = Frame::Message {
            from: 1,
            to: FrameTarget::Name("orders".into()),
            protocol: 1,
            variant: 0,
            replies: (0..64).map(|id| u64::MAX - id).collect(),
            context: None,
            payload: Bytes::new(),
        };
        let (mut most, mut sent) = (0, 0_u64);
        while sent < 12_000 && !hostile.driver.is_finished() {
            for _ in 0..1000 {
                sent += u64::from(hostile.outbox.push(1, &message).is_ok());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            assert!(hostile.seen(|seen| seen.up));
            most = most.max(kept_bytes() - before);
            served.check(sent).await;
        }
        // Twice the budget may wait. A queue may have twice the capacity that it needs, and is copied when it grows.
        let bound = 2 * 2 * 3 * limits.budget;
        println!("{most} bytes, bound {bound}, {sent} messages with 64 calls each");
        assert!(most < bound as isize, "{most} bytes wait for a member that reads nothing");
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert_eq!(served.node.peers(), [NodeName::new("k@test").unwrap()], "the connection ends");
    });
}

/// Links and monitors of a member occupy memory until its connection ends.
#[test]
fn relations_with_a_member_leave_no_memory() {
    paused(false, None, async {
        let served = Served::start().await;
        let victim = served.victim().await.unwrap();
        let before = kept_bytes();
        for round in 1..4 {
            let hostile = Hostile::connect(&served.network, &served.cookie, "m@test", round).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
            let to = FrameTarget::Name("victim".into());
            for number in 1..10_000 {
                for signal in
                    [Signal::Monitor { reference: MonitorRef(number), waits: true }, Signal::UnlinkAck { id: number }]
                {
                    let frame = Frame::Signal { from: number, to: to.clone(), signal };
                    hostile.outbox.push(number % 3, &frame).unwrap();
                }
                if number % 1000 == 0 {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            let most = kept_bytes() - before;
            served.check(round).await;
            drop(hostile);
            tokio::time::sleep(Duration::from_secs(10)).await;
            let left = kept_bytes() - before;
            println!("{most} bytes with 9,999 monitors, {left} after their connection");
            assert!(left < LEFT, "{left} bytes after round {round}");
            assert_eq!(served.number("victim"), Some(victim));
        }
    });
}

impl Hostile {
    /// Sends a frame, and waits for room if it does not fit.
    async fn send(&self, lane: u64, frame: &Frame) {
        self.outbox.ready().await;
        self.outbox.push(lane, frame).unwrap();
    }

    /// Sends a signal from the process with this number to the process `victim`.
    async fn signal(&self, from: u64, signal: Signal) {
        self.send(1, &Frame::Signal { from, to: FrameTarget::Name("victim".into()), signal }).await;
    }
}

/// Connects a hostile member that has sent and received many small frames, so that all buffers are as large as they get.
async fn connect_warm(served: &Served) -> Hostile {
    let hostile = Hostile::connect(&served.network, &served.cookie, "m@test", 1).await.unwrap();
    settle().await;
    monitor_nothing(&hostile).await;
    hostile
}

/// Monitors 100,000 processes that do not exist, by numbers and by a name.
async fn monitor_nothing(hostile: &Hostile) {
    for number in 0..100_000 {
        let to = match number % 3 {
            0 => FrameTarget::Process(1_000_000 + number),
            1 => FrameTarget::Process(u64::MAX - number),
            _ => FrameTarget::Name("nothing".into()),
        };
        let signal = Signal::Monitor { reference: MonitorRef(number), waits: true };
        hostile.send(1, &Frame::Signal { from: number, to, signal }).await;
    }
    settle().await;
    assert_eq!(hostile.seen(|seen| std::mem::take(&mut seen.downs)), [(Exit::NoProc, 100_000)]);
}

/// Waits until the nodes have handled what was sent.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}

#[test]
fn monitors_of_processes_that_do_not_exist_leave_no_memory() {
    paused(false, None, async {
        let served = Served::start().await;
        let hostile = connect_warm(&served).await;
        let before = kept_bytes();
        monitor_nothing(&hostile).await;
        let left = kept_bytes() - before;
        println!("{left} bytes after 100,000 monitors of processes that do not exist");
        assert!(left < LEFT, "{left} bytes");
        assert_eq!(served.node.router().unwrap().tracked(), (0, 0));
    });
}

#[test]
fn relations_of_a_member_are_bounded_and_further_ones_end_at_once() {
    const LIMIT: usize = 1000;
    paused(false, None, async {
        let served = Served::start_with(Limits { relations: LIMIT, ..Limits::default() }).await;
        let victim = served.victim().await.unwrap();
        let hostile = connect_warm(&served).await;
        let watchers = || served.node.process_info(&served.node.pid(victim)).unwrap().monitored_by.len();
        let refusal = Exit::Other("its node has too many links and monitors with this one".into());
        let (mut before, mut left) = (kept_bytes(), 0);
        // Each from another process of the member, which need not exist. The first round enlarges the buffers.
        for round in 0..2 {
            for number in 25_000 * round..25_000 * (round + 1) {
                hostile.signal(number, Signal::Monitor { reference: MonitorRef(number), waits: number % 2 == 0 }).await;
            }
            settle().await;
            left = kept_bytes() - before;
            before = kept_bytes();
            assert_eq!(watchers(), LIMIT);
        }
        assert_eq!(hostile.seen(|seen| seen.downs.clone()), [(refusal.clone(), 49_000)]);
        assert_eq!(served.node.counters().refused_relations, 49_000);
        println!("{left} bytes after 25,000 monitors above the limit");
        assert!(left < LEFT, "{left} bytes");
        hostile.signal(1, Signal::Link).await;
        settle().await;
        assert_eq!(hostile.seen(|seen| seen.exits.clone()), [(refusal, 1)]);
        // Some end, and others begin after the next count.
        for number in 0..500 {
            hostile.signal(number, Signal::Demonitor { reference: MonitorRef(number) }).await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(watchers(), 500);
        for number in 0..1000 {
            hostile.signal(number, Signal::Link).await;
        }
        settle().await;
        assert_eq!(served.node.counters().refused_relations, 49_501);
        served.check(1).await;
    });
}

#[test]
fn a_member_may_begin_and_end_any_number_of_relations() {
    const LIMIT: usize = 100;
    paused(false, None, async {
        let served = Served::start_with(Limits { relations: LIMIT, ..Limits::default() }).await;
        let victim = served.victim().await.unwrap();
        let hostile = connect_warm(&served).await;
        let relate = async |numbers: std::ops::Range<u64>| {
            for number in numbers {
                let reference = MonitorRef(number);
                hostile.signal(number, Signal::Monitor { reference, waits: true }).await;
                // By the number of the process, although the monitor was by its name.
                let to = FrameTarget::Process(victim);
                hostile.send(1, &Frame::Signal { from: number, to, signal: Signal::Demonitor { reference } }).await;
                hostile.signal(number, Signal::Link).await;
                hostile.signal(number, Signal::Unlink { id: number }).await;
            }
            settle().await;
        };
        // The buffers of the connection grow to the size of the largest batch.
        relate(0..20_000).await;
        let before = kept_bytes();
        relate(20_000..40_000).await;
        assert_eq!(served.node.counters().refused_relations, 0);
        let (processes, notes) = served.node.router().unwrap().tracked();
        assert!(processes <= 1 && notes == 0, "{processes} processes, {notes} notes");
        let left = kept_bytes() - before;
        assert!(left < LEFT / 16, "{left} bytes");
        served.check(1).await;
    });
}

#[test]
fn calls_of_a_member_that_are_not_answered_are_bounded() {
    const LIMIT: usize = 1000;
    paused(false, None, async {
        let served = Served::start_with(Limits { calls: LIMIT, ..Limits::default() }).await;
        let hostile = connect_warm(&served).await;
        let keeper = served.node.start(Keeper::default()).await.unwrap();
        KeeperRef::register("keeper", &keeper).unwrap();
        let protocol = fingerprint::<KeeperRef>(&served.node);
        let call = |id| Frame::Message {
            from: 1,
            to: FrameTarget::Name("keeper".into()),
            protocol,
            variant: 0,
            replies: vec![id],
            context: None,
            payload: Bytes::from_static(&[0]),
        };
        let before = kept_bytes();
        for id in 0..50_000 {
            hostile.send(1, &call(id)).await;
        }
        settle().await;
        let failed = hostile.seen(|seen| seen.failed_calls.clone());
        assert_eq!(failed, [(CallErrorKind::Full, 49_000)]);
        assert_eq!(served.node.counters().lost_messages, 49_000);
        let kept = kept_bytes() - before;
        println!("{kept} bytes with {LIMIT} of 50,000 calls");
        assert!(kept < LEFT + 1000 * LIMIT as isize, "{kept} bytes");
        // A message without a call passes, and answered calls make room.
        assert_eq!(keeper.answer(400).await, Ok(400));
        for id in 0..1000 {
            hostile.send(1, &call(100_000 + id)).await;
        }
        settle().await;
        assert_eq!(hostile.seen(|seen| seen.failed_calls.clone()), [(CallErrorKind::Full, 49_600)]);
        assert_eq!(keeper.answer(5_000).await, Ok(1000));
        served.check(1).await;
    });
}

#[test]
fn members_with_invented_names_are_bounded_and_leave_no_memory() {
    const LIMIT: usize = 8;
    paused(false, None, async {
        let served = Served::start_with(Limits { peers: LIMIT, ..Limits::default() }).await;
        let connect = async |number: u64| {
            let name = format!("{}-{number}@test", "m".repeat(100));
            let hostile = Hostile::connect(&served.network, &served.cookie, &name, number).await.unwrap();
            settle().await;
            hostile
        };
        let mut admitted = Vec::new();
        for number in 1..LIMIT as u64 {
            admitted.push(connect(number).await);
        }
        assert!(admitted.iter().all(|hostile| hostile.seen(|seen| seen.up)));
        let (mut before, mut left) = (kept_bytes(), 0);
        // The first round enlarges the buffers.
        for round in 1..3 {
            for number in 0..1000 {
                assert!(!connect(round * 1000 + number).await.seen(|seen| seen.up), "name {number} is one too many");
            }
            left = kept_bytes() - before;
            before = kept_bytes();
        }
        println!("{left} bytes after 1,000 connections of further names");
        assert!(left < LEFT, "{left} bytes");
        assert_eq!(served.node.peers().len(), LIMIT);
        assert!(served.node.counters().refused_connections >= 2000);
        // The loss of a member makes room.
        drop(admitted.pop());
        settle().await;
        assert!(connect(10_000).await.seen(|seen| seen.up));
        served.check(1).await;
    });
}

/// A process that keeps replies, and answers on request.
#[actor]
#[derive(Default)]
struct Keeper {
    replies: Vec<Reply<u64>>,
}

#[actor]
impl Keeper {
    #[call]
    fn keep(&mut self, reply: Reply<u64>) {
        self.replies.push(reply);
    }

    /// Answers some of the calls, and returns their number.
    #[call]
    fn answer(&mut self, count: usize) -> usize {
        let count = count.min(self.replies.len());
        self.replies.drain(..count).for_each(|reply| reply.send(1));
        count
    }
}
