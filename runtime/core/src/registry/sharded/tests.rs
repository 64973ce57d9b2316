//! Actors by key on nodes in memory, with the local view and with a registry of leases.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use greenroom_macros::{actor, receive};
use tokio::time::{Instant, sleep};

use super::sharding::Sharding;
use super::slot::KeptStates;
use super::{Host, HostError, Hosted, Sharded};
use crate::base::{CallErrorKind, CastError, EncodedState, Right};
use crate::cluster::Policy;
use crate::node::Finish;
use crate::prelude::*;
use crate::testing::{Check, ClaimStore, Cluster, Faults};

/// Outlives the processes: their saved states, and their starts and ends.
#[derive(Clone, Default)]
struct Disk(Arc<Mutex<Files>>);

#[derive(Default)]
struct Files {
    saved: BTreeMap<String, u64>,
    running: BTreeMap<String, Vec<NodeName>>,
    starts: BTreeMap<String, Vec<NodeName>>,
    /// The most processes of one key at a time.
    most: usize,
    /// The time that it takes to save.
    save_time: Duration,
}

impl Disk {
    fn files(&self) -> MutexGuard<'_, Files> {
        self.0.lock().unwrap()
    }

    fn starts(&self, key: &str) -> usize {
        self.files().starts.get(key).map_or(0, Vec::len)
    }

    fn running(&self) -> usize {
        self.files().running.values().map(Vec::len).sum()
    }
}

#[actor]
struct Room {
    key: String,
    disk: Disk,
    count: u64,
    node: Option<NodeName>,
}

#[actor]
impl Room {
    #[init]
    async fn open(key: String, disk: Disk) -> Result<Room, Exit> {
        if key == "broken" {
            return Err(Exit::error("broken"));
        }
        let node = Node::current().name().clone();
        let mut files = disk.files();
        let running = files.running.entry(key.clone()).or_default();
        running.push(node.clone());
        let most = running.len();
        files.most = files.most.max(most);
        files.starts.entry(key.clone()).or_default().push(node.clone());
        let count = files.saved.get(&key).copied().unwrap_or(0);
        drop(files);
        Ok(Room { key, disk, count, node: Some(node) })
    }

    #[terminate]
    async fn save(&mut self) {
        let time = self.disk.files().save_time;
        sleep(time).await;
        self.disk.files().saved.insert(self.key.clone(), self.count);
    }

    #[call]
    fn add(&mut self, n: u64) -> u64 {
        self.count += n;
        self.count
    }

    #[cast]
    fn note(&mut self, n: u64) {
        self.count += n;
    }

    /// Returns a stub of this process.
    #[call]
    fn me(&self, cx: &mut Context<Self>) -> RoomRef {
        cx.me()
    }

    /// Waits for a turn. Other messages are saved.
    #[cast]
    async fn wait_for_turn(&mut self, cx: &mut Context<Self>) {
        receive!(match cx {
            RoomMessage::Turn { .. } => {}
        });
    }

    /// Counts the messages that come in order.
    #[cast]
    fn turn(&mut self, n: u64) {
        if self.count == n {
            self.count += 1;
        }
    }

    #[call]
    async fn slow(&mut self, time: Duration) -> u64 {
        sleep(time).await;
        self.add(1)
    }

    #[call]
    fn place(&self, cx: &mut Context<Self>) -> Pid {
        cx.pid().clone()
    }

    #[cast]
    fn fail(&self) {
        panic!("the room burns");
    }

    #[call]
    async fn ask(&self, other: RoomRef) -> Result<u64, CallErrorKind> {
        other.add(1).await.map_err(|error| error.kind)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Some(node) = &self.node {
            let mut files = self.disk.files();
            let running = files.running.get_mut(&self.key).expect("it runs");
            let at = running.iter().position(|running| running == node).expect("it runs here");
            running.remove(at);
        }
    }
}

fn rooms(node: &Node) -> Sharded<Room> {
    node.sharded("rooms")
}

fn host(node: &Node, disk: &Disk) -> Host<Room> {
    let disk = disk.clone();
    rooms(node).host(move |key| Room::open(key, disk.clone()))
}

async fn hosts(cluster: &Cluster, nodes: impl IntoIterator<Item = usize>, disk: &Disk) -> Vec<Hosted> {
    let mut hosted = Vec::new();
    for index in nodes {
        hosted.push(host(cluster.node(index), disk).start().await.unwrap());
    }
    hosted
}

#[greenroom_macros::test]
async fn each_key_has_one_process_that_its_first_message_starts() {
    let (cluster, disk) = (Cluster::in_memory(3).await, Disk::default());
    let hosted = hosts(&cluster, 0..2, &disk).await;
    for round in 0..3 {
        let rooms = rooms(cluster.node(round));
        for key in 0..100 {
            assert_eq!(rooms.at(key).add(1).await, Ok(round as u64 + 1), "{key}");
        }
    }
    let counts: Vec<_> = hosted.iter().map(|hosted| hosted.keys().len()).collect();
    assert!(counts.iter().sum::<usize>() == 100 && counts.iter().all(|count| *count > 25), "{counts:?}");
    assert!((0..100).all(|key| disk.starts(&key.to_string()) == 1));
    // The nodes see the same owners.
    let nodes = |key: usize| [0, 1, 2].map(|index| rooms(cluster.node(index)).node_of(key));
    for key in 0..100 {
        let place = rooms(cluster.node(2)).at(key).place().await.unwrap();
        assert_eq!(nodes(key), [(); 3].map(|()| Some(place.node().clone())));
    }
    cluster.stop().await;
    assert_eq!((disk.running(), disk.files().saved.len()), (0, 100), "each node ends its processes in order");
}

#[greenroom_macros::test]
async fn a_stub_of_a_key_is_like_one_of_a_name() {
    let (cluster, disk) = (Cluster::in_memory(2).await, Disk::default());
    let _hosted = hosts(&cluster, [0], &disk).await;
    let [here, there] = [0, 1].map(|index| rooms(cluster.node(index)).at("hall"));
    // Nothing that is not a message starts a process.
    assert_eq!((here.pid(), here.is_alive(), here.ended().await), (None, false, Exit::NoProc));
    assert_eq!((there.pid(), there.ended().await), (None, Exit::NoProc));
    assert_eq!(disk.starts("hall"), 0);
    assert_eq!(there.add(2).await, Ok(2));
    assert_eq!((here.pid().is_some(), here.is_alive(), there.is_alive()), (true, true, false));
    assert_eq!(format!("{here:?}"), r#"RoomRef(<key "/rooms/hall">)"#);
    assert!(here == rooms(cluster.node(0)).at("hall") && here != rooms(cluster.node(0)).at("hal"));
    // In a message, as the stub of a caller, and to itself.
    let yard = rooms(cluster.node(1)).at("yard");
    assert_eq!(yard.ask(there.clone()).await, Ok(Ok(3)));
    assert_eq!(there.ask(here.clone()).await, Ok(Err(CallErrorKind::Itself)));
    let info = cluster.node(0).process_info(&here.pid().unwrap()).unwrap();
    assert_eq!(info.name.as_deref(), Some("/rooms/hall"));
    let ended = [here.ended(), there.ended()];
    sleep(Duration::from_millis(100)).await;
    there.exit(Exit::kill());
    for ended in ended {
        assert_eq!(ended.await, Exit::Killed);
    }
    assert_eq!(there.add(1).await, Ok(1), "the next message starts another process");
    assert_eq!(disk.starts("hall"), 2);
    cluster.stop().await;
}

#[greenroom_macros::test]
async fn a_process_that_crashes_or_does_not_start_is_started_by_the_next_message() {
    let (cluster, disk) = (Cluster::in_memory(2).await, Disk::default());
    let _hosted = hosts(&cluster, [0], &disk).await;
    for index in 0..2 {
        let room = rooms(cluster.node(index)).at(index);
        assert_eq!(room.add(5).await, Ok(5));
        room.fail();
        let lost = room.add(1).await.unwrap_err().kind;
        assert!(matches!(lost, CallErrorKind::Exit(Exit::Panic { .. })), "{lost:?}");
        assert_eq!(room.add(1).await, Ok(1));
        let broken = rooms(cluster.node(index)).at("broken").add(1).await.unwrap_err().kind;
        assert_eq!(broken, CallErrorKind::Exit(Exit::error("broken")));
    }
    // A panic of the function that makes the actor.
    let panics =
        cluster.node(0).sharded::<Room>("panics").host(|_| -> Room { panic!("no room") }).start().await.unwrap();
    let error = cluster.node(1).sharded::<Room>("panics").at(1).add(1).await.unwrap_err().kind;
    assert!(matches!(&error, CallErrorKind::Exit(Exit::Panic { message, .. }) if &**message == "no room"), "{error:?}");
    assert!(panics.keys().is_empty());
    cluster.stop().await;
}

#[greenroom_macros::test]
async fn messages_wait_for_a_host_and_for_its_claim() {
    let (cluster, disk) = (Cluster::in_memory(2).await, Disk::default());
    let room = rooms(cluster.node(0)).at("hall");
    let (first, kept) = (room.add(1), room.note(10));
    drop(kept);
    drop(room.add(100));
    sleep(Duration::from_secs(3)).await;
    let hosted = hosts(&cluster, [1], &disk).await;
    assert_eq!(first.await, Ok(1));
    assert_eq!(room.add(1).await, Ok(12), "a cast that is dropped waits, and a call does not");
    drop(hosted);
    // Without a host for longer.
    let lost = cluster.node(0).metrics().lost_messages;
    cluster.node(0).sharded::<Room>("others").at(1).note(1);
    sleep(Duration::from_secs(12)).await;
    assert_eq!(cluster.node(0).metrics().lost_messages, lost + 1);
    let others = cluster.node(0).sharded::<Room>("others");
    for key in 0..10_005 {
        others.at(key).note(1);
    }
    assert_eq!(cluster.node(0).metrics().lost_messages, lost + 1 + 5);
    let timed = others.at(1).add(1).within(Duration::from_secs(3)).await.unwrap_err().kind;
    assert_eq!(timed, CallErrorKind::Timeout);
    cluster.stop().await;
}

#[greenroom_macros::test]
async fn a_message_of_a_peer_waits_for_a_limited_time() {
    let (cluster, disk) = (Cluster::in_memory(2).await, Disk::default());
    let _used = rooms(cluster.node(0));
    let call = |key: &str| {
        let room: RoomRef = cluster.node(1).named_at(&format!("/rooms/{key}"), "n0@test");
        room.add(1).within(Duration::from_secs(600))
    };
    let begun = Instant::now();
    assert_eq!(call("hall").await.unwrap_err().kind, CallErrorKind::NoProc);
    assert_eq!(begun.elapsed().as_secs(), 60);
    let waits = call("hall");
    sleep(Duration::from_secs(1)).await;
    let _hosted = hosts(&cluster, [0], &disk).await;
    assert_eq!(waits.await, Ok(1));
    // This node does not use the actor.
    let others: RoomRef = cluster.node(1).named_at("/others/hall", "n0@test");
    assert_eq!(others.add(1).await.unwrap_err().kind, CallErrorKind::NoProc);
    cluster.stop().await;
}

#[greenroom_macros::test]
async fn no_message_overtakes_one_that_waits() {
    let (cluster, disk) = (Cluster::in_memory(2).await, Disk::default());
    disk.files().save_time = Duration::from_millis(30);
    let hosted = host(cluster.node(1), &disk).idle(Duration::from_millis(50)).start().await.unwrap();
    let rooms = [0, 1].map(|index| rooms(cluster.node(index)));
    for n in 0..300 {
        for (key, rooms) in rooms.iter().enumerate() {
            rooms.at(key).turn(n);
        }
        // Sometimes the process ends meanwhile, and at first the slot is claimed.
        sleep(Duration::from_millis(if n % 20 == 0 { 70 } else { n % 3 })).await;
    }
    for (key, rooms) in rooms.iter().enumerate() {
        assert_eq!(rooms.at(key).add(0).await, Ok(300));
        assert!(disk.starts(&key.to_string()) > 5, "{}", disk.starts(&key.to_string()));
    }
    hosted.stop().await;
    cluster.stop().await;
}

#[greenroom_macros::test]
async fn names_and_hosts_that_are_refused() {
    let (node, disk) = (Node::current(), Disk::default());
    for name in ["", "a/b", &"n".repeat(101)] {
        let rooms = node.sharded::<Room>(name);
        assert_eq!(rooms.at(1).add(1).await.unwrap_err().kind, CallErrorKind::NoProc);
        assert_eq!(rooms.host(|_| -> Room { unreachable!() }).start().await.err(), Some(HostError::Invalid));
    }
    let hosted = host(&node, &disk).start().await.unwrap();
    let again = host(&node, &disk).start().await.err();
    assert_eq!(again, Some(HostError::AlreadyHosted("rooms".into())));
    let other = node.sharded::<Idle>("rooms");
    assert_eq!(other.host(|_| Idle).start().await.err(), Some(HostError::OtherProtocol("rooms".into())));
    let long = rooms(&node).at("k".repeat(249));
    assert_eq!(
        (long.add(1).await.unwrap_err().kind, long.note(1).await),
        (CallErrorKind::NoProc, Err(CastError::NoProc))
    );
    assert_eq!(rooms(&node).at("k".repeat(248)).add(1).await, Ok(1));
    hosted.stop().await;
    assert_eq!(disk.running(), 0);
    let _hosted = host(&node, &disk).start().await.unwrap();
    assert_eq!(rooms(&node).at("k".repeat(248)).add(1).await, Ok(2), "the state was saved");
}

/// An actor with another protocol.
#[actor]
struct Idle;

#[actor]
impl Idle {
    #[cast]
    fn nothing(&self) {}
}

#[greenroom_macros::test]
async fn an_idle_process_ends_and_the_next_message_starts_it_again() {
    let (cluster, disk) = (Cluster::in_memory(2).await, Disk::default());
    disk.files().save_time = Duration::from_secs(3);
    let hosted = host(cluster.node(0), &disk).idle(Duration::from_secs(60)).start().await.unwrap();
    let (busy, quiet) = (rooms(cluster.node(1)).at("busy"), rooms(cluster.node(1)).at("quiet"));
    assert_eq!(quiet.add(1).await, Ok(1));
    let ended = quiet.ended();
    let begun = Instant::now();
    for _ in 0..7 {
        assert!(busy.add(1).await.is_ok());
        sleep(Duration::from_secs(10)).await;
    }
    // It is being saved, and a message that comes meanwhile waits.
    sleep(Duration::from_secs(6)).await;
    assert_eq!((hosted.keys().len(), disk.files().saved.len()), (2, 0));
    assert_eq!(quiet.add(1).await, Ok(2));
    assert_eq!(ended.await, Exit::Normal);
    assert!((60..=80).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    assert_eq!((disk.starts("quiet"), disk.starts("busy")), (2, 1));
    // A process that works is not idle.
    let slow = busy.slow(Duration::from_secs(200));
    assert_eq!(slow.within(Duration::from_secs(300)).await, Ok(8));
    sleep(Duration::from_secs(20)).await;
    assert!(hosted.keys().contains(&"busy".to_owned()));
    assert_eq!(disk.starts("busy"), 1);
    cluster.stop().await;
}

#[greenroom_macros::test]
async fn slots_move_to_a_new_host_and_calls_are_answered_once() {
    let (cluster, disk) = (Cluster::in_memory(3).await, Disk::default());
    let mut hosted = hosts(&cluster, [0], &disk).await;
    let total = Arc::new(Mutex::new(0));
    for key in 0..200 {
        let (room, total) = (rooms(cluster.node(key % 3)).at(key), Arc::clone(&total));
        cluster.node(key % 3).spawner().spawn(async move {
            for n in 1..=40 {
                assert_eq!(room.add(1).await, Ok(n), "{key}");
                *total.lock().unwrap() += 1;
                sleep(Duration::from_millis(100)).await;
            }
        });
    }
    sleep(Duration::from_millis(500)).await;
    hosted.extend(hosts(&cluster, [1], &disk).await);
    sleep(Duration::from_secs(1)).await;
    hosted.extend(hosts(&cluster, [2], &disk).await);
    sleep(Duration::from_secs(1)).await;
    hosted.remove(0).stop().await;
    sleep(Duration::from_secs(10)).await;
    assert_eq!((*total.lock().unwrap(), disk.files().most), (8_000, 1));
    sleep(Duration::from_secs(5)).await;
    let counts: Vec<_> = hosted.iter().map(|hosted| hosted.keys().len()).collect();
    assert!(counts.iter().sum::<usize>() == 200 && counts.iter().all(|count| *count > 60), "{counts:?}");
    cluster.stop().await;
}

#[greenroom_macros::test]
async fn no_slot_moves_while_the_hosts_have_several_versions() {
    let (cluster, disk) = (Cluster::in_memory(2).await, Disk::default());
    let first = host(cluster.node(0), &disk).version("1").start().await.unwrap();
    for key in 0..100 {
        assert!(rooms(cluster.node(1)).at(key).add(1).await.is_ok());
    }
    let second = host(cluster.node(1), &disk).version("2").start().await.unwrap();
    sleep(Duration::from_secs(60)).await;
    assert_eq!((first.keys().len(), second.keys().len()), (100, 0));
    // The home of a slot without an owner is among all hosts.
    for key in 100..200 {
        assert!(rooms(cluster.node(0)).at(key).add(1).await.is_ok());
    }
    assert!((25..75).contains(&second.keys().len()), "{}", second.keys().len());
    second.stop().await;
    let second = host(cluster.node(1), &disk).version("1").start().await.unwrap();
    sleep(Duration::from_secs(10)).await;
    for key in 0..200 {
        assert!(rooms(cluster.node(0)).at(key).add(1).await.is_ok());
    }
    assert!((60..140).contains(&second.keys().len()), "{}", second.keys().len());
    assert_eq!(disk.files().most, 1);
    cluster.stop().await;
}

#[greenroom_macros::test]
async fn a_process_that_does_not_end_is_killed() {
    let (cluster, disk) = (Cluster::in_memory(2).await, Disk::default());
    let hosted = hosts(&cluster, [0], &disk).await.remove(0);
    let room = rooms(cluster.node(1)).at("hall");
    let hangs = room.slow(Duration::from_secs(3600)).within(Duration::from_secs(3600));
    sleep(Duration::from_secs(1)).await;
    let next = room.add(1);
    sleep(Duration::from_secs(1)).await;
    let begun = Instant::now();
    let hosts_again = async {
        hosted.stop().await;
        assert_eq!(begun.elapsed().as_secs(), 5);
        hosts(&cluster, [1], &disk).await
    };
    let (hung, _hosted) = tokio::join!(hangs, hosts_again);
    assert_eq!(hung.unwrap_err().kind, CallErrorKind::Exit(Exit::Killed));
    assert_eq!(next.await.unwrap_err().kind, CallErrorKind::Exit(Exit::Killed), "it was in the mailbox");
    assert_eq!(room.add(1).await, Ok(1));
    cluster.stop().await;
}

#[greenroom_macros::test]
async fn a_process_that_ends_handles_what_reaches_it_by_its_pid() {
    let (node, disk) = (Node::current(), Disk::default());
    let mut count = 0;
    for saves in [false, true] {
        let hosted = host(&node, &disk).start().await.unwrap();
        let room = rooms(&node).at("hall").me().await.unwrap();
        if saves {
            room.wait_for_turn();
        } else {
            drop(room.slow(Duration::from_secs(1)).within(Duration::from_secs(9)));
            count += 1;
        }
        sleep(Duration::from_millis(100)).await;
        if saves {
            room.note(1);
        }
        let stopped = hosted.stop();
        sleep(Duration::from_millis(100)).await;
        for _ in 0..3 {
            room.note(1);
        }
        room.turn(u64::MAX);
        let begun = Instant::now();
        stopped.await;
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        count += 3 + u64::from(saves);
        assert_eq!(disk.files().saved["hall"], count);
        assert_eq!(room.note(1).await, Err(CastError::NoProc));
    }
}

#[greenroom_macros::test]
async fn a_request_to_end_that_does_not_insist_is_cancelled_by_a_message() {
    let (node, disk) = (Node::current(), Disk::default());
    let room = node.start(Room::open("hall".into(), disk.clone())).await.unwrap();
    let number = room.pid().unwrap().number();
    let cell = node.table().get(number).unwrap();
    let finish = || cell.finish(number, Finish { reason: Exit::Normal, insists: false, state: None });
    let slow = room.slow(Duration::from_secs(1));
    sleep(Duration::from_millis(1)).await;
    finish();
    room.note(1);
    assert_eq!((slow.await, room.add(0).await), (Ok(1), Ok(2)));
    // A saved message has not been handled.
    room.wait_for_turn();
    room.note(1);
    sleep(Duration::from_millis(1)).await;
    finish();
    room.turn(u64::MAX);
    assert_eq!(room.add(0).await, Ok(3));
    finish();
    assert_eq!(room.ended().await, Exit::Normal);
    assert_eq!(disk.files().saved["hall"], 3);
}

#[greenroom_macros::test]
async fn the_slots_of_a_lost_node_have_another_owner() {
    let (cluster, disk) = (Cluster::in_memory(3).await, Disk::default());
    let _hosted = hosts(&cluster, 0..3, &disk).await;
    let keys: Vec<usize> = (0..60).collect();
    for key in &keys {
        assert_eq!(rooms(cluster.node(0)).at(key).add(1).await, Ok(1));
    }
    let of_2: Vec<_> =
        keys.iter().filter(|key| rooms(cluster.node(0)).node_of(key) == Some(cluster.node(2).name().clone())).collect();
    assert!(of_2.len() > 10, "{of_2:?}");
    cluster.crash(2);
    for key in &of_2 {
        let room = rooms(cluster.node(0)).at(key);
        // The connection may be lost after the call was sent.
        let count = match room.add(1).await {
            Err(error) if error.kind == CallErrorKind::NoConnection => room.add(1).await,
            result => result,
        };
        assert_eq!(count, Ok(1), "its state is lost");
    }
    cluster.stop().await;
}

#[greenroom_macros::test]
async fn a_peer_needs_the_rights() {
    let cluster = Cluster::in_memory(3).configure(|index, builder| match index {
        0 => builder.policy(Policy::cookie().role("guest", [Right::Claim]).assign("n1@test", "guest")),
        2 => builder.policy(Policy::cookie().role("guest", [Right::Names]).assign("n1@test", "guest")),
        _ => builder,
    });
    let (cluster, disk) = (cluster.await, Disk::default());
    let _hosted = hosts(&cluster, [0], &disk).await;
    let refused = rooms(cluster.node(1)).at(1).add(1).await.unwrap_err().kind;
    assert_eq!(refused, CallErrorKind::NotAllowed(Right::Names));
    assert_eq!(rooms(cluster.node(2)).at(1).add(1).await, Ok(1));
    cluster.stop().await;
}

thread_local! {
    /// The boards that have run their `#[terminate]` in this test.
    static ENDED: Cell<usize> = const { Cell::new(0) };
}

/// A room whose state moves with its slot.
#[actor(upgrade)]
#[derive(serde::Serialize, serde::Deserialize)]
struct Board {
    count: u64,
    moves: u64,
}

#[actor]
impl Board {
    #[init]
    async fn open(key: String) -> Result<Board, Exit> {
        let _ = key;
        Ok(Board { count: 0, moves: 0 })
    }

    #[resumed]
    fn moved(&mut self) {
        self.moves += 1;
    }

    #[call]
    fn add(&mut self, n: u64) -> u64 {
        self.count += n;
        self.count
    }

    #[cast]
    fn note(&mut self, n: u64) {
        self.count += n;
    }

    #[call]
    fn moves(&self) -> u64 {
        self.moves
    }

    #[terminate]
    async fn end(&mut self) {
        ENDED.set(ENDED.get() + 1);
    }
}

async fn host_boards(node: &Node) -> Hosted {
    node.sharded("boards").host(Board::open).start().await.unwrap()
}

#[greenroom_macros::test]
async fn the_state_of_a_portable_actor_moves_with_its_slot() {
    let cluster = Cluster::in_memory(3).await;
    let boards = cluster.node(2).sharded::<Board>("boards");
    let first = host_boards(cluster.node(0)).await;
    for key in 0..100 {
        assert_eq!(boards.at(key).add(key).await, Ok(key));
    }
    let second = host_boards(cluster.node(1)).await;
    sleep(Duration::from_secs(5)).await;
    let moved = second.keys().len();
    assert!((30..70).contains(&moved), "the processes continue without a message: {moved}");
    first.stop().await;
    assert_eq!(second.keys().len(), 100, "the states are handed over before the end of the stop");
    for key in 0..100 {
        assert_eq!(boards.at(key).add(1).await, Ok(key + 1));
        assert!((0..=2).contains(&boards.at(key).moves().await.unwrap()));
    }
    // A loss is not a move.
    let third = host_boards(cluster.node(0)).await;
    sleep(Duration::from_secs(5)).await;
    cluster.crash(1);
    let mut lost = 0;
    for key in 0..100 {
        let count = match boards.at(key).add(1).await {
            Err(error) if error.kind == CallErrorKind::NoConnection => boards.at(key).add(1).await,
            result => result,
        };
        let count = count.unwrap();
        assert!(count == key + 2 || count == 1, "{count} of {key}");
        lost += usize::from(count == 1);
    }
    assert!((30..70).contains(&lost), "{lost}");
    assert_eq!(third.keys().len(), 100);
    assert_eq!((cluster.node(0).counters().lost_states, ENDED.get()), (0, 0));
    cluster.stop().await;
    assert_eq!(ENDED.get(), 100, "without another host the processes end in order");
}

#[greenroom_macros::test]
async fn states_are_given_once_to_a_later_owner_and_for_a_while() {
    let (node, sharding) = (Node::current(), Sharding::new("boards"));
    let keep = || {
        let state = |number: u8| (number.to_string(), EncodedState::new(vec![number; 200 * 1024]));
        let until = node.clock().now() + Duration::from_secs(10);
        sharding.slot(3).kept = Some(KeptStates { token: 5, states: (0..3).map(state).collect(), until });
    };
    let give = |token| {
        let (states, has_more) = sharding.give(&node, 3, token);
        (states.into_iter().map(|(name, _)| name).collect::<String>(), has_more)
    };
    keep();
    let given = [5, 6, 6, 6, 6].map(give);
    let expected = [("", false), ("0", true), ("1", true), ("2", false), ("", false)];
    assert_eq!(given, expected.map(|(names, has_more)| (names.to_owned(), has_more)));
    keep();
    sleep(Duration::from_secs(10)).await;
    assert_eq!(give(6), (String::new(), false));
}

/// Sends casts to a few boards.
async fn send_to_boards(node: Node, sent: Arc<Mutex<u64>>) {
    for _ in 0..150 {
        node.sharded::<Board>("boards").at(node.rng().below(8)).note(1);
        *sent.lock().unwrap() += 1;
        sleep(Duration::from_millis(node.rng().below(60))).await;
    }
}

#[test]
fn by_seed_a_state_moves_without_a_loss() {
    let check = Check::nodes(3).state(|_| Arc::<Mutex<u64>>::default()).boot(|node, sent| async move {
        node.spawner().spawn(send_to_boards(node.clone(), sent));
        Ok::<(), String>(())
    });
    check.run(0..8, async |cluster: Cluster, sent: Arc<Mutex<u64>>| {
        let rng = cluster.node(0).rng();
        // One of them is always there.
        let mut hosted = [Some(host_boards(cluster.node(0)).await), None, None];
        for _ in 0..12 {
            let index = rng.below(3) as usize;
            match hosted[index].take() {
                Some(host) if hosted.iter().any(Option::is_some) => host.stop().await,
                Some(host) => hosted[index] = Some(host),
                None => hosted[index] = Some(host_boards(cluster.node(index)).await),
            }
            sleep(Duration::from_millis(rng.below(800))).await;
        }
        sleep(Duration::from_secs(20)).await;
        let (mut total, mut moves) = (0, 0);
        for key in 0..8 {
            let board = cluster.node(key % 3).sharded::<Board>("boards").at(key);
            total += board.add(0).await.unwrap();
            moves += board.moves().await.unwrap();
        }
        assert_eq!((total, *sent.lock().unwrap()), (450, 450));
        assert!(moves > 0);
    });
}

/// Callers on all nodes count in a few rooms. A call that has failed may have been counted or not.
async fn count(node: Node, answers: Answers) {
    loop {
        let key = node.rng().below(12);
        let result = rooms(&node).at(key).add(1).await;
        answers.lock().unwrap().entry(key).or_default()[usize::from(result.is_err())] += 1;
        sleep(Duration::from_millis(node.rng().below(400))).await;
    }
}

type Answers = Arc<Mutex<BTreeMap<u64, [u64; 2]>>>;

/// With a registry of leases, hosts that come and go, and faults of links and of the registry: a key never has two
/// processes, and each call is answered at most once.
#[test]
fn by_seed_a_key_has_one_process() {
    const LEASE: Duration = Duration::from_secs(9);
    let check = Check::nodes(3).state(|seed| (ClaimStore::seeded(LEASE, seed), Disk::default(), Answers::default()));
    let check = check.configure(|index, builder, (store, ..)| builder.registry(store.registry(index)));
    let check = check.boot(|node, (_, disk, answers): (ClaimStore, Disk, Answers)| async move {
        node.spawner().spawn(count(node.clone(), answers));
        let again = node.clone();
        node.spawner().spawn(async move {
            loop {
                let pause = Duration::from_millis(again.rng().below(20_000));
                if let Ok(hosted) = host(&again, &disk).idle(Duration::from_secs(2)).start().await {
                    sleep(pause * 4).await;
                    hosted.stop().await;
                }
                sleep(pause / 4).await;
            }
        });
        Ok::<(), String>(())
    });
    check.run(0..6, async |cluster: Cluster, (store, disk, answers): (ClaimStore, Disk, Answers)| {
        let faults = cluster.chaos(Faults::LINKS, Duration::from_secs(60));
        tokio::join!(faults, store.chaos(3, Duration::from_secs(60)));
        cluster.heal_all();
        store.heal();
        sleep(Duration::from_secs(60)).await;
        assert!(disk.files().most <= 1, "two processes for one key");
        let answers = answers.lock().unwrap().clone();
        assert!(answers.values().map(|[answered, _]| answered).sum::<u64>() > 100, "{answers:?}");
        for key in 0..12 {
            for index in 0..3 {
                let call = rooms(cluster.node(index)).at(key).add(1);
                let result = call.within(Duration::from_secs(60)).await;
                assert!(result.is_ok(), "{key} from node {index}: {result:?}");
            }
        }
    });
}

/// Sends casts to a few rooms, with pauses, and returns how many.
async fn send_notes(node: Node, sent: Arc<Mutex<u64>>) {
    for _ in 0..200 {
        rooms(&node).at(node.rng().below(8)).note(1);
        *sent.lock().unwrap() += 1;
        let pause = if node.rng().below(5) == 0 { 400 } else { 20 };
        sleep(Duration::from_millis(node.rng().below(pause))).await;
    }
}

/// Processes end because they are idle, and slots move because hosts come and go. Each of them saves its state.
#[test]
fn by_seed_no_message_is_lost() {
    type State = (Disk, Arc<Mutex<u64>>);
    let check = Check::nodes(3).state(|_| State::default()).boot(|node, (_, sent): State| async move {
        node.spawner().spawn(send_notes(node.clone(), sent));
        Ok::<(), String>(())
    });
    check.run(0..4, async |cluster: Cluster, (disk, sent): State| {
        disk.files().save_time = Duration::from_millis(5);
        let rng = cluster.node(0).rng();
        let mut hosted = [const { None }; 3];
        for _ in 0..40 {
            let index = rng.below(3) as usize;
            match hosted[index].take() {
                Some(host) => Hosted::stop(host).await,
                None => {
                    let host = host(cluster.node(index), &disk).idle(Duration::from_millis(80));
                    hosted[index] = Some(host.start().await.unwrap());
                }
            }
            sleep(Duration::from_millis(rng.below(400))).await;
        }
        for host in hosted.into_iter().flatten() {
            host.stop().await;
        }
        let host = host(cluster.node(0), &disk).start().await.unwrap();
        sleep(Duration::from_secs(10)).await;
        host.stop().await;
        let files = disk.files();
        let starts = files.starts.values().map(Vec::len).sum::<usize>();
        assert_eq!((files.saved.values().sum::<u64>(), files.most, *sent.lock().unwrap()), (600, 1, 600));
        assert!(starts > 100, "{starts}");
    });
}
