//! Groups of real nodes, connected in memory.

use std::collections::BTreeSet;
use std::future::{Future, pending};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context as TaskContext, Wake, Waker};

use greenroom_macros::{actor, protocol, supervisor};

use super::super::{Broadcast, BroadcastError, Group, GroupEvent, Pick};
use crate::base::{EncodeError, NodeId, Pid, Right};
use crate::call::{CallName, EncodedOnce, reply_pair};
use crate::cluster::{Mesh, Policy};
use crate::node::{Addressable, GroupService, LocalMembers};
use crate::prelude::*;
use crate::session::Limits;
use crate::testing::{Check, Cluster, Faults, Probe, pattern};
use crate::wire::{Epoch, GroupUpdate};

#[protocol]
#[derive(Debug)]
enum Mail {
    Post {
        number: u64,
    },
    Parcel {
        bytes: Vec<u8>,
    },
    Fragile {
        content: Fragile,
    },
    Weigh {
        reply: Reply<u64>,
    },
    Forward {
        letter: Letter,
    },
    #[from]
    Down(Down),
}

/// A field whose decoding panics.
#[derive(Debug)]
struct Fragile;

impl serde::Serialize for Fragile {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(7)
    }
}

impl<'de> serde::Deserialize<'de> for Fragile {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Fragile, D::Error> {
        match <u64 as serde::Deserialize>::deserialize(deserializer)? {
            7 => panic!("broken"),
            // When the shape is recorded.
            _ => Ok(Fragile),
        }
    }
}

/// A message with a reply that is not a field of its own.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Letter {
    reply: Reply<u64>,
}

const WEIGH: CallName = CallName { protocol: "Mail", message: "weigh" };

#[protocol(local)]
#[derive(Debug)]
enum Note {
    Tick,
}

fn mailers(node: &Node) -> Group<Mail> {
    node.group("mailers")
}

/// Starts a probe that is a member.
fn member(node: &Node) -> Probe<Mail> {
    let probe = Probe::on(node);
    mailers(node).join(&probe);
    probe
}

fn pids(members: Vec<MailRef>) -> BTreeSet<Pid> {
    let count = members.len();
    let pids: BTreeSet<Pid> = members.iter().filter_map(Stub::pid).collect();
    assert_eq!(pids.len(), count, "each member is listed once");
    pids
}

fn listed(node: &Node) -> BTreeSet<Pid> {
    pids(mailers(node).members())
}

async fn settle() {
    tokio::time::sleep(Duration::from_secs(1)).await;
}

async fn cluster(count: usize) -> Cluster {
    let cluster = Cluster::in_memory(count).await;
    (0..count).for_each(|index| drop(mailers(cluster.node(index))));
    settle().await;
    cluster
}

async fn expect_post(probe: &mut Probe<Mail>, expected: u64) {
    probe.expect(pattern!(Mail::Post { number } if number == expected)).await;
}

/// The frames that wait to be sent to all peers.
fn waiting_frames(node: &Node) -> usize {
    node.router().unwrap().remembered(node)["frames in the outbox"]
}

#[greenroom_macros::test]
async fn a_broadcast_is_one_frame_for_each_node_and_reaches_each_member_once() {
    let cluster = cluster(10).await;
    let mut members: Vec<Probe<Mail>> = (0..50).map(|index| member(cluster.node(index % 10))).collect();
    // Joining again has no effect.
    for probe in &members {
        mailers(probe.node()).join(probe);
    }
    settle().await;
    for index in 0..10 {
        assert_eq!(listed(cluster.node(index)), members.iter().map(|member| member.pid().clone()).collect());
        let local = pids(mailers(cluster.node(index)).local_members());
        assert_eq!(local.len(), 5);
        assert!(local.iter().all(|pid| pid.node() == cluster.node(index).name()));
    }
    assert_eq!(waiting_frames(cluster.node(0)), 0);
    let group = mailers(cluster.node(0));
    for number in 1..=3 {
        drop(group.broadcast(Mail::Post { number }));
        assert_eq!(waiting_frames(cluster.node(0)), 9 * number as usize);
    }
    for member in &mut members {
        for number in 1..=3 {
            expect_post(member, number).await;
        }
        member.expect_nothing(Duration::from_secs(1)).await;
    }
    // Only to nodes that have members.
    members.truncate(3);
    settle().await;
    assert_eq!(listed(cluster.node(9)).len(), 3);
    drop(mailers(cluster.node(9)).broadcast(Mail::Post { number: 4 }));
    assert_eq!(waiting_frames(cluster.node(9)), 3);
    for member in &mut members {
        expect_post(member, 4).await;
    }
    cluster.stop().await;
}

/// A subscriber is woken by the first members of another node, also if both begin to take part at the same time.
#[greenroom_macros::test]
async fn members_are_awaited_by_events() {
    let cluster = Cluster::in_memory(2).await;
    let members = [0, 1].map(|index| member(cluster.node(index)));
    let group = mailers(cluster.node(0));
    let mut events = group.events();
    while group.count() < members.len() {
        assert!(matches!(events.next().await, Some(GroupEvent::Joined(_))));
    }
    cluster.stop().await;
}

#[greenroom_macros::test]
async fn messages_and_broadcasts_of_a_process_keep_their_order() {
    let cluster = |large| Cluster::in_memory(2).limits(Limits { large, ..Limits::default() });
    assert_eq!(keep_their_order(cluster(Limits::default().large).await).await, 0);
    // With the lower limit, each broadcast is handled beside the connection's task, as one to very many members is. A thread
    // does that, which can be faster than this test looks.
    for _ in 0..20 {
        if keep_their_order(cluster(80).await).await > 0 {
            return;
        }
    }
    panic!("no frame was seen in the queue beside the task");
}

/// Returns the most frames that were handled beside the connection's task at one time.
async fn keep_their_order(cluster: Cluster) -> usize {
    let (mut near, mut far) = (member(cluster.node(0)), member(cluster.node(1)));
    settle().await;
    let stubs = [
        near.stub(),
        mailers(cluster.node(0)).members().into_iter().find(|stub| stub.pid() != near.stub().pid()).unwrap(),
    ];
    let sender = cluster.node(0).clone().scope(async {
        crate::spawn(async move |_: Mailbox<Mail>| {
            let group = Group::<Mail>::named("mailers");
            for number in 0..200 {
                if number % 3 == 0 {
                    stubs.iter().for_each(|stub| drop(stub.post(number)));
                } else {
                    drop(group.broadcast(Mail::Post { number }));
                }
            }
        })
    });
    sender.await.ended().await;
    let mut beside = 0;
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
        let counts = cluster.node(1).router().unwrap().remembered(cluster.node(1));
        beside = beside.max(counts["large frames"]);
    }
    for probe in [&mut near, &mut far] {
        for expected in 0..200 {
            let number = probe.expect(pattern!(Mail::Post { number } => number)).await;
            assert_eq!(number, expected);
        }
    }
    cluster.stop().await;
    beside
}

#[greenroom_macros::test]
async fn groups_with_other_names_or_protocols_are_separate() {
    let cluster = cluster(2).await;
    let mut mailer = member(cluster.node(1));
    let note = Probe::<Note>::on(cluster.node(1));
    cluster.node(1).group::<Note>("mailers").join(&note);
    let long = "l".repeat(1_000);
    cluster.node(1).group::<Mail>(&long).join(&mailer);
    cluster.node(1).group::<Mail>("").join(&mailer);
    settle().await;
    let node = cluster.node(0);
    assert_eq!((node.group::<Note>("mailers").members().len(), listed(node).len()), (1, 1));
    assert_eq!(node.group::<Mail>("other").members(), []);
    assert!(node.group::<Mail>("other").pick(Pick::Random).is_err());
    assert_eq!(node.group_names().len(), 3);
    for name in [&long, ""] {
        drop(node.group::<Mail>(name).broadcast(Mail::Post { number: name.len() as u64 }));
        expect_post(&mut mailer, name.len() as u64).await;
    }
    assert_eq!(node.group::<Mail>(&"l".repeat(999)).members(), []);
    assert!(mailers(cluster.node(1)).leave(&mailer));
    assert!(!mailers(cluster.node(1)).leave(&mailer));
    settle().await;
    assert_eq!(listed(node), BTreeSet::new());
    cluster.stop().await;
}

/// A node that uses groups later than its peers receives the members, and announces its own.
#[greenroom_macros::test]
async fn a_node_takes_part_from_its_first_use_of_a_group() {
    for first in 0..2 {
        let cluster = Cluster::in_memory(2).await;
        let one = member(cluster.node(first));
        settle().await;
        assert!(cluster.node(1 - first).group_service().is_none());
        let other = member(cluster.node(1 - first));
        settle().await;
        let both = BTreeSet::from([one.pid().clone(), other.pid().clone()]);
        assert_eq!([listed(cluster.node(0)), listed(cluster.node(1))], [both.clone(), both]);
        cluster.stop().await;
    }
}

/// The fault of OTP's issue 11360: a group whose last member was remote stayed in the list of groups.
#[greenroom_macros::test]
async fn a_group_without_members_is_gone_on_all_nodes() {
    let cluster = cluster(3).await;
    let check = async |members: Vec<Probe<Mail>>, end: &dyn Fn(Vec<Probe<Mail>>)| {
        settle().await;
        for index in 0..3 {
            assert_eq!(cluster.node(index).group_names(), ["mailers"], "n{index}");
        }
        end(members);
        tokio::time::sleep(Duration::from_secs(10)).await;
        for index in (0..3).filter(|index| !cluster.is_down(*index)) {
            assert_eq!(cluster.node(index).group_names(), [""; 0], "n{index}");
            assert!(mailers(cluster.node(index)).pick(Pick::RoundRobin).is_err());
        }
    };
    let both = || vec![member(cluster.node(1)), member(cluster.node(2))];
    check(both(), &drop).await;
    check(both(), &|members| members.iter().for_each(|probe| assert!(mailers(probe.node()).leave(probe)))).await;
    check(vec![member(cluster.node(2))], &|members| {
        cluster.partition(2, [0, 1]);
        drop(members);
    })
    .await;
    cluster.heal_all();
    cluster.connected().await;
    check(vec![member(cluster.node(2))], &|_| cluster.crash(2)).await;
    cluster.restart(2).await;
    let left = member(cluster.node(2));
    cluster.connected().await;
    settle().await;
    assert_eq!(listed(cluster.node(0)), BTreeSet::from([left.pid().clone()]));
    cluster.stop().await;
}

/// The fault of OTP's issue 7625: a process that watched a group and was a member of it crashed the scope at its exit.
#[greenroom_macros::test]
async fn a_subscriber_that_is_a_member_leaves_nothing_behind() {
    let cluster = cluster(2).await;
    let node = cluster.node(0).clone();
    let watcher = node.scope(async {
        crate::spawn(async move |mailbox: Mailbox<Mail>| {
            let group = Group::<Mail>::named("mailers");
            let mut events = [group.events(), group.events()];
            group.join(&mailbox);
            for events in &mut events {
                assert_eq!(events.next().await, Some(GroupEvent::Joined(vec![mailbox.pid().clone()])));
            }
        })
    });
    assert_eq!(watcher.await.ended().await, Exit::Normal);
    settle().await;
    for index in 0..2 {
        assert_eq!(cluster.node(index).group_names(), [""; 0]);
        let service = super::super::service::Service::of(cluster.node(index));
        assert_eq!(service.table().sizes(), [0, 0, 1, 0], "a peer, and nothing else");
    }
    // The groups work on.
    let other = member(&node);
    settle().await;
    assert_eq!(listed(cluster.node(1)), BTreeSet::from([other.pid().clone()]));
    cluster.stop().await;
}

#[greenroom_macros::test]
async fn events_are_the_members_and_then_each_change() {
    let cluster = cluster(2).await;
    let first = member(cluster.node(1));
    settle().await;
    let mut events = mailers(cluster.node(0)).events();
    let pid = |probe: &Probe<Mail>| vec![probe.pid().clone()];
    assert_eq!(events.next().await, Some(GroupEvent::Joined(pid(&first))));
    let second = member(cluster.node(0));
    assert_eq!(events.next().await, Some(GroupEvent::Joined(pid(&second))));
    let third = member(cluster.node(1));
    assert_eq!(events.next().await, Some(GroupEvent::Joined(pid(&third))));
    let left = pid(&second);
    second.end(Exit::kill()).await;
    assert_eq!(events.next().await, Some(GroupEvent::Left(left)));
    cluster.partition(0, 1);
    let Some(GroupEvent::Left(lost)) = events.next().await else { panic!("the peer is lost") };
    assert_eq!(BTreeSet::from_iter(lost), BTreeSet::from([first.pid().clone(), third.pid().clone()]));
    cluster.heal(0, 1);
    let Some(GroupEvent::Joined(back)) = events.next().await else { panic!("the peer is back") };
    assert_eq!(back.len(), 2);
    // A subscriber that does not read.
    let probe = Probe::<Mail>::on(cluster.node(0));
    for _ in 0..600 {
        mailers(cluster.node(0)).join(&probe);
        mailers(cluster.node(0)).leave(&probe);
    }
    for _ in 0..1_024 {
        assert!(matches!(events.next().await, Some(GroupEvent::Joined(_) | GroupEvent::Left(_))));
    }
    assert_eq!(events.next().await, Some(GroupEvent::Missed(176)));
    cluster.stop().await;
}

/// A waker that looks at the members when it is woken.
struct LookAtMembers {
    node: Node,
    seen: Mutex<Option<BTreeSet<Pid>>>,
}

impl Wake for LookAtMembers {
    fn wake(self: Arc<Self>) {
        *self.seen.lock().unwrap() = Some(listed(&self.node));
    }
}

#[greenroom_macros::test]
async fn a_process_has_left_its_groups_when_its_exit_is_seen() {
    let node = Node::current();
    let (one, other) = (member(&node), member(&node));
    let stub = one.stub();
    let mut ended = pin!(stub.ended());
    let look = Arc::new(LookAtMembers { node, seen: Mutex::default() });
    assert!(ended.as_mut().poll(&mut TaskContext::from_waker(&Waker::from(Arc::clone(&look)))).is_pending());
    one.end(Exit::Normal).await;
    assert_eq!(look.seen.lock().unwrap().take(), Some(BTreeSet::from([other.pid().clone()])));
    // A process that has exited does not join.
    let mut probe = Probe::<Mail>::new();
    probe.stub().exit(Exit::kill());
    probe.stub().ended().await;
    mailers(probe.node()).join(&probe);
    assert_eq!(listed(probe.node()), BTreeSet::from([other.pid().clone()]));
    let _ = &mut probe;
}

/// A service that counts the exits of which it is notified.
#[derive(Default)]
struct CountingService(AtomicUsize);

impl GroupService for CountingService {
    fn process_exited(&self, _: &Node, _: u64) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
    fn peer_up(&self, _: &Node, _: Epoch) {}
    fn peer_continued(&self, _: &Node, _: Epoch) {}
    fn peer_down(&self, _: Epoch) {}
    fn has_peer(&self, _: Epoch) -> bool {
        false
    }

    fn handle_update(&self, _: &Node, _: &Arc<NodeId>, _: Epoch, _: GroupUpdate) {}
    fn local_members(&self, _: &str, _: &str) -> Option<Arc<LocalMembers>> {
        None
    }
    #[cfg(feature = "upgrade")]
    fn groups_of(&self, _: u64) -> Vec<String> {
        Vec::new()
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn std::any::Any + Send + Sync> {
        self
    }
}

/// The fault of syn's issue 30: the exit of each process searched all groups.
#[greenroom_macros::test]
async fn the_exit_of_a_process_without_groups_does_not_concern_them() {
    let node = Node::current();
    let service = Arc::new(CountingService::default());
    node.group_service_or_init(|| Arc::clone(&service) as _);
    let unrelated: Vec<Probe<Mail>> = (0..100).map(|_| Probe::new()).collect();
    let related = Probe::<Mail>::new();
    assert!(related.cell().enter_groups(related.pid().number()));
    // As the pid of a member, that of this process was sent out.
    unrelated[0].cell().export_pid();
    for probe in unrelated {
        probe.end(Exit::Normal).await;
    }
    assert_eq!(service.0.load(Ordering::Relaxed), 0);
    related.end(Exit::Normal).await;
    assert_eq!(service.0.load(Ordering::Relaxed), 1);
}

/// The bytes that a node has sent.
fn sent_bytes(node: &Node) -> u64 {
    node.metrics().traffic.values().map(|traffic| traffic.sent).sum()
}

#[greenroom_macros::test]
async fn many_joins_at_once_are_few_frames() {
    let cluster = cluster(2).await;
    let before = sent_bytes(cluster.node(0));
    let members: Vec<_> = (0..5_000).map(|_| member(cluster.node(0))).collect();
    settle().await;
    assert_eq!(listed(cluster.node(1)).len(), 5_000);
    let bytes = sent_bytes(cluster.node(0)) - before;
    assert!(bytes < 5_000 * 4, "{bytes} bytes, fewer than a frame for each would have");
    drop(members);
    settle().await;
    assert_eq!(listed(cluster.node(1)).len(), 0);
    cluster.stop().await;
}

/// A peer whose connection takes nothing is sent no more, and receives the present members afterwards.
#[greenroom_macros::test]
async fn changes_do_not_pile_up_in_front_of_a_slow_connection() {
    let limits = Limits { high_water: 4_000, ..Limits::default() };
    let cluster = Cluster::in_memory(2).tick(Duration::from_secs(3_600)).limits(limits).await;
    let members: Vec<_> = (0..500).map(|_| member(cluster.node(0))).collect();
    mailers(cluster.node(1));
    settle().await;
    assert_eq!(listed(cluster.node(1)).len(), 500);
    cluster.stall(0, 1);
    for round in 0..500 {
        for probe in &members {
            if round % 2 == 0 {
                assert!(mailers(probe.node()).leave(probe));
            } else {
                mailers(probe.node()).join(probe);
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        let waiting = waiting_frames(cluster.node(0));
        assert!(waiting < 30, "{waiting} frames wait");
    }
    mailers(cluster.node(0)).leave(&members[0]);
    cluster.heal(0, 1);
    settle().await;
    assert_eq!(listed(cluster.node(1)), members[1..].iter().map(|member| member.pid().clone()).collect());
    cluster.stop().await;
}

/// A member that reads nothing.
#[actor(protocol = Mail, mailbox = 2, overflow = wait)]
struct Idle;

impl Process for Idle {
    async fn init(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        Group::<Mail>::named("mailers").join(cx);
        Ok(())
    }

    async fn run(&mut self, _: &mut Context<Self>) -> Result<(), Exit> {
        pending().await
    }
}

#[greenroom_macros::test]
async fn a_full_mailbox_does_not_delay_other_members() {
    let cluster = cluster(2).await;
    for at in 0..2 {
        let idle = cluster.node(at).start(Idle).await.unwrap();
        let mut reader = member(cluster.node(at));
        settle().await;
        for number in 0..10 {
            let sent: Result<(), BroadcastError> = mailers(cluster.node(0)).broadcast(Mail::Post { number }).await;
            assert_eq!(sent, Ok(()));
        }
        for number in 0..10 {
            expect_post(&mut reader, number).await;
        }
        // Two in the mailbox, and two in front of it.
        assert_eq!(cluster.node(at).counters().overflowed_messages, 6);
        idle.exit(Exit::kill());
        drop(reader);
        settle().await;
    }
    cluster.stop().await;
}

#[greenroom_macros::test]
async fn a_message_that_cannot_go_to_all_members_is_refused() {
    let cluster = cluster(2).await;
    let [mut near, mut far] = [0, 1].map(|index| member(cluster.node(index)));
    settle().await;
    let group = mailers(cluster.node(0));
    let (reply, answer) = reply_pair::<u64>(cluster.node(0), &WEIGH);
    assert_eq!(group.broadcast(Mail::Weigh { reply }).await, Err(BroadcastError::Call("Weigh")));
    assert_eq!(answer.await.unwrap_err().kind, CallErrorKind::Dropped);
    let (reply, answer) = reply_pair::<u64>(cluster.node(0), &WEIGH);
    let refused = group.broadcast(Mail::Forward { letter: Letter { reply } }).await;
    assert!(matches!(refused, Err(BroadcastError::Encode(EncodeError::Field(_)))), "{refused:?}");
    assert_eq!(waiting_frames(cluster.node(0)), 0, "nothing was sent");
    assert!(answer.await.is_err());
    let large = group.broadcast(Mail::Parcel { bytes: vec![0; 65 << 20] }).await;
    assert!(matches!(large, Err(BroadcastError::Encode(EncodeError::TooLarge { .. }))), "{large:?}");
    let note = Probe::<Note>::on(cluster.node(0));
    let notes = cluster.node(0).group::<Note>("notes");
    notes.join(&note);
    assert_eq!(notes.broadcast(Note::Tick).await, Err(BroadcastError::Encode(EncodeError::Local)));
    near.expect_nothing(Duration::from_secs(1)).await;
    far.expect_nothing(Duration::from_secs(1)).await;
    // One that none of them can read. The others are delivered.
    let fragile = group.broadcast(Mail::Fragile { content: Fragile }).await;
    assert!(matches!(fragile, Err(BroadcastError::Encode(_))), "{fragile:?}");
    let parcel = group.broadcast(Mail::Parcel { bytes: vec![7; 1 << 20] }).await;
    assert_eq!(parcel, Ok(()));
    for probe in [&mut near, &mut far] {
        let bytes = probe.expect(pattern!(Mail::Parcel { bytes } => bytes)).await;
        assert_eq!(bytes, vec![7; 1 << 20]);
        probe.expect_nothing(Duration::from_secs(1)).await;
    }
    cluster.stop().await;
}

/// A broadcast in front of a full connection waits, and is withdrawn if its future is dropped.
#[greenroom_macros::test]
async fn a_broadcast_waits_for_a_full_connection() {
    let cluster = cluster(3).await;
    let [mut slow, mut fast] = [1, 2].map(|index| member(cluster.node(index)));
    settle().await;
    cluster.stall(0, 1);
    let group = mailers(cluster.node(0));
    let mut waiting: Vec<Broadcast> = Vec::new();
    for _ in 0..2_000 {
        waiting.push(group.broadcast(Mail::Parcel { bytes: vec![1; 15_000] }));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(group.broadcast(Mail::Post { number: 1 }));
    let last = group.broadcast(Mail::Post { number: 2 });
    expect_post(&mut fast, 1).await;
    expect_post(&mut fast, 2).await;
    cluster.heal(0, 1);
    for broadcast in waiting {
        assert_eq!(broadcast.await, Ok(()));
    }
    assert_eq!(last.await, Ok(()));
    let first = slow.expect(pattern!(Mail::Post { number } => number)).await;
    assert_eq!(first, 2, "the other one was withdrawn");
    for probe in [&mut slow, &mut fast] {
        for _ in 0..2_000 {
            probe.expect(pattern!(Mail::Parcel { .. })).await;
        }
        probe.expect_nothing(Duration::from_secs(1)).await;
    }
    cluster.stop().await;
}

#[greenroom_macros::test]
async fn a_peer_without_the_right_takes_no_part() {
    let policy = |index: usize| if index == 0 { Policy::cookie().without(Right::Groups) } else { Policy::cookie() };
    let cluster = Cluster::in_memory(3).configure(move |index, builder| builder.policy(policy(index))).await;
    let mut members: Vec<_> = (0..3).map(|index| member(cluster.node(index))).collect();
    settle().await;
    let own = |index: usize| BTreeSet::from([members[index].pid().clone()]);
    let others: BTreeSet<Pid> = own(1).union(&own(2)).cloned().collect();
    assert_eq!(listed(cluster.node(0)), own(0));
    assert_eq!([listed(cluster.node(1)), listed(cluster.node(2))], [others.clone(), others]);
    drop(mailers(cluster.node(0)).broadcast(Mail::Post { number: 1 }));
    drop(mailers(cluster.node(1)).broadcast(Mail::Post { number: 2 }));
    expect_post(&mut members[0], 1).await;
    members[0].expect_nothing(Duration::from_secs(1)).await;
    for member in &mut members[1..] {
        expect_post(member, 2).await;
        member.expect_nothing(Duration::from_secs(1)).await;
    }
    // A peer that has learnt of the group elsewhere.
    let refused = cluster.node(0).counters().refused_by_policy;
    let encoded = EncodedOnce::new(cluster.node(1), &Mail::Post { number: 3 }).unwrap();
    let epoch = cluster.node(1).epoch_to(cluster.node(0).name());
    let sent = encoded.send(cluster.node(1), &"mailers".into(), cluster.node(0).name(), epoch);
    assert!(sent.is_ok());
    members[0].expect_nothing(Duration::from_secs(1)).await;
    assert_eq!(cluster.node(0).counters().refused_by_policy, refused + 1);
    cluster.stop().await;
}

#[greenroom_macros::test]
async fn hidden_nodes_take_part_with_those_that_they_are_connected_to() {
    let mesh = |index: usize| if index == 2 { Mesh::hidden() } else { Mesh::full() };
    let cluster = Cluster::in_memory(3).seeds(1).configure(move |index, builder| builder.membership(mesh(index))).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let members: Vec<_> = (0..3).map(|index| member(cluster.node(index))).collect();
    settle().await;
    let of = |indices: &[usize]| indices.iter().map(|index| members[*index].pid().clone()).collect::<BTreeSet<_>>();
    assert_eq!(listed(cluster.node(0)), of(&[0, 1, 2]));
    assert_eq!(listed(cluster.node(1)), of(&[0, 1]));
    assert_eq!(listed(cluster.node(2)), of(&[0, 2]));
    cluster.stop().await;
}

#[greenroom_macros::test]
async fn a_picked_member_receives_the_message() {
    let cluster = cluster(3).await;
    let mut members: Vec<_> = (0..3).map(|index| member(cluster.node(index))).collect();
    settle().await;
    let mut turns = BTreeSet::new();
    for number in 0..3 {
        let picked = mailers(cluster.node(0)).pick(Pick::RoundRobin).unwrap();
        drop(picked.post(number));
        turns.insert(picked.pid());
    }
    assert_eq!(turns.len(), 3);
    for member in &mut members {
        member.expect(pattern!(Mail::Post { .. })).await;
    }
    for key in ["anna", "bert", "carl"] {
        let owners: BTreeSet<_> =
            (0..3).map(|index| mailers(cluster.node(index)).pick(Pick::Key(&key)).unwrap().pid()).collect();
        assert_eq!(owners.len(), 1, "all nodes choose the same member");
    }
    let nearest = mailers(cluster.node(1)).pick(Pick::Nearest).unwrap();
    assert_eq!(nearest.pid().as_ref(), Some(members[1].pid()));
    cluster.stop().await;
}

/// An actor that joins when it is started.
#[actor]
struct Desk;

#[actor]
impl Desk {
    #[init]
    async fn open(cx: &mut Context<Self>) -> Result<Desk, Exit> {
        Group::<DeskMessage>::named("desks").join(cx);
        Ok(Desk)
    }

    #[cast]
    fn close(&mut self, reason: String) -> Result<(), Exit> {
        Err(Exit::error(reason))
    }
}

#[supervisor]
struct Office {
    #[child(start = Desk::open())]
    desk: Desk,
}

#[greenroom_macros::test(expect_crash)]
async fn a_child_that_is_restarted_is_a_member_again() {
    let cluster = cluster(2).await;
    let _office = cluster.node(0).scope(async { Office {}.start().await }).await.unwrap();
    settle().await;
    let desks = cluster.node(1).group::<DeskMessage>("desks");
    let [first] = desks.members().try_into().unwrap();
    desks.broadcast(DeskMessage::Close { reason: "fire".into() }).await.unwrap();
    settle().await;
    let [second] = desks.members().try_into().unwrap();
    assert_ne!(first.pid(), second.pid());
    cluster.stop().await;
}

/// The members of a node, and the incarnation that they belong to.
struct Lodger {
    node: usize,
    incarnation: u64,
    probe: Probe<Mail>,
    is_member: bool,
}

/// Processes join, leave and exit on all nodes until `span` is over.
async fn live(cluster: &Cluster, span: Duration, lodgers: &mut Vec<Lodger>) {
    let end = tokio::time::Instant::now() + span;
    while tokio::time::Instant::now() < end {
        let index = cluster.draw(cluster.size() as u64) as usize;
        let node = cluster.node(index).clone();
        let count = lodgers.len() as u64;
        match cluster.draw(4) {
            0 | 1 if !cluster.is_down(index) => {
                let (probe, incarnation) = (member(&node), node.id().incarnation);
                lodgers.push(Lodger { node: index, incarnation, probe, is_member: true });
            }
            2 if count > 8 => drop(lodgers.swap_remove(cluster.draw(count) as usize)),
            _ if count > 0 => {
                let lodger = &mut lodgers[cluster.draw(count) as usize];
                let group = mailers(lodger.probe.node());
                if lodger.is_member {
                    group.leave(&lodger.probe);
                } else {
                    group.join(&lodger.probe);
                }
                lodger.is_member = !lodger.is_member;
            }
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(cluster.draw(400))).await;
    }
}

#[test]
fn after_faults_all_nodes_list_the_same_live_members() {
    let boot = async |node: Node| {
        mailers(&node);
        Ok::<(), Exit>(())
    };
    Check::nodes(4).boot(boot).run(0..30, async |cluster| {
        let mut lodgers = Vec::new();
        let span = Duration::from_secs(40);
        // The last changes happen before the last connection is up, or at that time.
        tokio::join!(cluster.chaos(Faults::ALL, span), live(&cluster, span, &mut lodgers));
        // Bytes on a slow link arrive up to two seconds after that. The lists are the same a second later.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let is_live =
            |lodger: &&Lodger| lodger.is_member && lodger.incarnation == cluster.node(lodger.node).id().incarnation;
        let live: BTreeSet<Pid> = lodgers.iter().filter(is_live).map(|lodger| lodger.probe.pid().clone()).collect();
        for index in 0..cluster.size() {
            assert_eq!(listed(cluster.node(index)), live, "n{index}");
            let service = super::super::service::Service::of(cluster.node(index));
            assert_eq!(service.table().sizes()[2..], [3, 0], "three peers, and no changes that wait");
        }
        lodgers.clear();
        tokio::time::sleep(Duration::from_secs(1)).await;
        for index in 0..cluster.size() {
            assert_eq!(cluster.node(index).group_names(), [""; 0]);
        }
    });
}
