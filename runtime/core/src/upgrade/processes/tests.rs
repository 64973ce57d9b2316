//! Processes that are handed over from one node in memory to another one with the same name and incarnation.

use std::cell::RefCell;
use std::time::Duration;

use greenroom_macros::{actor, protocol, receive, supervisor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio::time::{Instant, sleep, timeout};

use super::{HeldProcesses, Reader, finish_adoption};
use crate::Timer;
use crate::base::MonitorRef;
use crate::node::Node;
use crate::prelude::*;
use crate::registry::Group;
use crate::sched::NodeEnv;
use crate::supervisor::{ChildState, TreeStub};
use crate::upgrade::UpgradeError;

const LIMIT: Duration = Duration::from_secs(5);

thread_local! {
    /// The hooks that have run, on all nodes of a test.
    static HOOKS: RefCell<Vec<String>> = RefCell::default();
}

fn note(hook: impl Into<String>) {
    HOOKS.with_borrow_mut(|hooks| hooks.push(hook.into()));
}

fn take_hooks() -> Vec<String> {
    HOOKS.take()
}

#[actor(upgrade, sys, trap_exit)]
#[derive(Debug, Default, Serialize, Deserialize)]
struct Till {
    coins: Vec<u64>,
    ticks: u32,
    reminder: Option<Timer>,
    rooms: Vec<RoomRef>,
    watching: Option<MonitorRef>,
    lost: Vec<String>,
    locked: Locked,
}

#[actor]
impl Till {
    #[init]
    fn open(&mut self) {
        note("open");
    }

    #[resumed]
    fn reopen(&mut self) {
        note(format!("reopen {:?}", self.coins));
    }

    #[terminate]
    fn close(&mut self) {
        note("close");
    }

    #[every("10s")]
    fn tick(&mut self) {
        self.ticks += 1;
    }

    #[cast]
    fn pay(&mut self, coin: u64) {
        self.coins.push(coin);
    }

    #[call]
    fn coins(&self) -> Vec<u64> {
        self.coins.clone()
    }

    #[call]
    fn ticks(&self) -> u32 {
        self.ticks
    }

    /// Pays a coin later.
    #[cast]
    fn remind(&mut self, seconds: u64, coin: u64, cx: &mut Context<Self>) {
        self.reminder = Some(cx.send_after(Duration::from_secs(seconds), TillMessage::Pay { coin }));
    }

    #[call]
    fn cancel(&mut self) -> bool {
        self.reminder.take().is_some_and(|reminder| reminder.cancel())
    }

    #[call]
    fn join(&self, cx: &mut Context<Self>) {
        Group::<TillMessage>::named("tills").join(cx);
    }

    #[call]
    fn watch(&mut self, room: RoomRef, cx: &mut Context<Self>) {
        self.watching = Some(cx.monitor(&room));
        self.rooms.push(room);
    }

    #[down]
    fn down(&mut self, down: Down) {
        assert_eq!(Some(down.monitor), self.watching.take());
        self.lost.push(down.reason.to_string());
    }

    #[call]
    fn lost(&self) -> Vec<String> {
        self.lost.clone()
    }

    #[call]
    async fn read(&mut self) -> Vec<String> {
        let mut topics = Vec::new();
        for room in &self.rooms {
            topics.push(room.topic().await.unwrap_or_else(|error| error.to_string()));
        }
        topics
    }

    /// Waits for the answer of another process.
    #[cast]
    async fn order(&mut self, room: RoomRef) {
        self.coins.push(room.wait(1_000).await.unwrap_or_default());
    }
}

/// A part of the state that can be unfit for a hand-over.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Locked {
    #[default]
    No,
    /// The state cannot be encoded.
    Here,
    /// The state cannot be read.
    There,
}

impl Serialize for Locked {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Locked::No => serializer.serialize_bool(false),
            Locked::Here => Err(serde::ser::Error::custom("it is locked")),
            Locked::There => serializer.serialize_bool(true),
        }
    }
}

impl<'de> Deserialize<'de> for Locked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Locked, D::Error> {
        match bool::deserialize(deserializer)? {
            false => Ok(Locked::No),
            true => Err(serde::de::Error::custom("it is locked")),
        }
    }
}

/// An actor whose state must be kept.
#[actor(upgrade, otherwise = refuse)]
#[derive(Default, Serialize, Deserialize)]
struct Ledger {
    entries: u64,
    locked: Locked,
}

#[actor]
impl Ledger {
    #[cast]
    fn lock(&mut self, locked: bool, elsewhere: bool) {
        self.locked = match (locked, elsewhere) {
            (false, _) => Locked::No,
            (true, false) => Locked::Here,
            (true, true) => Locked::There,
        };
    }

    #[cast]
    async fn work(&mut self, seconds: u64) {
        sleep(Duration::from_secs(seconds)).await;
        self.entries += 1;
    }

    #[call]
    fn entries(&self) -> u64 {
        self.entries
    }
}

/// Receives selectively.
#[protocol]
enum Parcels {
    Weigh {
        grams: u64,
    },
    Load {
        reply: Reply<u64>,
    },
    /// Lets the scales save what is weighed.
    Pause,
}

#[actor(protocol = Parcels, upgrade)]
#[derive(Default, Serialize, Deserialize)]
struct Scales {
    total: u64,
    is_loading: bool,
}

impl Process for Scales {
    async fn resumed(&mut self, _: &mut Context<Self>) -> Result<(), Exit> {
        if self.total > 0 {
            note(format!("resumed {}", self.total));
        }
        Ok(())
    }

    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        loop {
            cx.upgrade_point(self).await;
            if self.is_loading {
                // Saves what is weighed.
                receive!(match cx {
                    Parcels::Load { reply } => {
                        self.is_loading = false;
                        reply.send(self.total);
                    }
                    after!(Duration::from_millis(100)) => {}
                });
            } else {
                receive!(match cx {
                    Parcels::Weigh { grams } => self.total = self.total * 10 + grams,
                    Parcels::Pause => self.is_loading = true,
                    Parcels::Load { reply } => reply.send(self.total),
                    after!(Duration::from_millis(100)) => {}
                });
            }
        }
    }
}

#[actor(upgrade)]
#[derive(Clone, Serialize, Deserialize)]
struct Room {
    topic: String,
    #[serde(default)]
    lines: u64,
}

#[actor]
impl Room {
    #[init]
    fn enter(&mut self) {
        note(format!("enter {}", self.topic));
    }

    #[call]
    fn topic(&self) -> String {
        format!("{} {}", self.topic, self.lines)
    }

    #[cast]
    fn say(&mut self) {
        self.lines += 1;
    }

    #[call]
    async fn wait(&mut self, millis: u64) -> u64 {
        sleep(Duration::from_millis(millis)).await;
        7
    }

    #[cast]
    fn fail(&mut self) -> Result<(), Exit> {
        Err(Exit::error("a fault"))
    }

    #[cast]
    fn join(&self, other: RoomRef, cx: &mut Context<Self>) {
        cx.link(&other);
    }
}

/// Starts anew in each release.
#[actor]
#[derive(Default)]
struct Clock;

#[actor]
impl Clock {
    #[init]
    fn wind_up(&mut self) {
        note("wind up");
    }
}

/// Has a full mailbox soon.
#[actor(upgrade, sys, mailbox = 2)]
#[derive(Debug, Default, Serialize, Deserialize)]
struct Letterbox {
    letters: Vec<u64>,
}

#[actor]
impl Letterbox {
    #[cast]
    fn post(&mut self, letter: u64) {
        self.letters.push(letter);
    }

    #[call]
    fn letters(&self) -> Vec<u64> {
        self.letters.clone()
    }
}

#[supervisor]
#[derive(Default)]
struct Office {
    #[child]
    letterbox: Letterbox,
    #[child]
    ledger: Ledger,
    #[child]
    scales: Scales,
}

#[supervisor(intensity = 3, period = "60s")]
struct Shop {
    #[child(supervisor)]
    office: Office,
    #[child]
    till: Till,
    #[child]
    clock: Clock,
    #[child(dynamic)]
    rooms: Room,
    #[child(dynamic, restart = temporary)]
    visits: Room,
    #[child(dynamic, backoff = "5s..10s")]
    stalls: Room,
}

/// Hands the processes of a node over to another one, which does not serve yet.
pub(super) async fn hand_over(node: &Node) -> Result<(HeldProcesses, Node), UpgradeError> {
    let mut held = HeldProcesses::hold(node, LIMIT).await?;
    let successor = write_down(node, &mut held).await?;
    Ok((held, successor))
}

/// Hands held processes over.
async fn write_down(node: &Node, held: &mut HeldProcesses) -> Result<Node, UpgradeError> {
    let mut parts = Vec::new();
    held.hand_over(|part| {
        parts.push(part);
        async { Ok(()) }
    })
    .await?;
    let successor = Node::new((**node.id()).clone(), NodeEnv::tokio());
    successor.continue_numbers(node.last_number() + 1_000);
    successor.continue_references(node.last_reference() + 1_000);
    successor.succession().pause();
    let mut reader = Reader::default();
    for part in parts {
        for item in reader.push(&part).unwrap() {
            item.give_to(&successor);
        }
    }
    Ok(successor)
}

pub(super) async fn commit(node: &Node, held: HeldProcesses, successor: &Node) {
    held.check().unwrap();
    node.succession().hand_to_successor();
    drop(held);
    finish_adoption(successor);
    successor.succession().resume();
}

async fn start(node: &Node) -> ShopRef {
    node.scope(async { Shop {}.start().await }).await.unwrap()
}

/// Upgrades a node.
async fn upgrade(node: &Node) -> (Node, ShopRef) {
    let (held, successor) = hand_over(node).await.unwrap();
    let shop = start(&successor).await;
    commit(node, held, &successor).await;
    (successor, shop)
}

/// Returns the process that has the name of the till on a node.
async fn named(node: &Node) -> Option<Pid> {
    node.scope(async { TillRef::named("till").pid() }).await
}

#[greenroom_macros::test]
async fn a_process_continues_with_its_state_its_pid_and_its_messages() {
    let node = Node::local();
    let shop = start(&node).await;
    let pid = shop.till().pid();
    assert!(pid.is_some());
    node.scope(async { TillRef::register("till", &shop.till()) }).await.unwrap();
    shop.till().pay(1);
    assert_eq!(shop.till().coins().await.unwrap(), [1]);
    assert_eq!(take_hooks(), ["open", "wind up"]);
    shop.till().sys().suspend().await.unwrap();
    shop.till().pay(2);
    shop.till().pay(3);
    let (successor, shop) = upgrade(&node).await;
    assert_eq!(take_hooks(), ["reopen [1]", "wind up"]);
    assert_eq!((shop.till().pid(), named(&successor).await), (pid.clone(), pid.clone()));
    let mut coins = shop.till().coins();
    assert!(timeout(Duration::from_secs(1), &mut coins).await.is_err(), "it is still suspended");
    shop.till().sys().resume().await.unwrap();
    assert_eq!(coins.await.unwrap(), [1, 2, 3]);
    node.stop().await;
    assert_eq!(take_hooks(), [""; 0], "the predecessor's process ends without its `terminate`");
    let (_successor, shop) = upgrade(&successor).await;
    assert_eq!((shop.till().coins().await.unwrap(), shop.till().pid()), (vec![1, 2, 3], pid));
}

#[greenroom_macros::test]
async fn an_upgrade_that_is_abandoned_changes_nothing() {
    let node = Node::local();
    let shop = start(&node).await;
    let room = node.scope(shop.rooms().start_child(Room { topic: "tea".to_owned(), lines: 0 })).await.unwrap();
    shop.till().pay(1);
    let (held, successor) = hand_over(&node).await.unwrap();
    shop.till().pay(2);
    room.say();
    let other = start(&successor).await;
    let coins = other.till().coins();
    drop(held);
    assert_eq!(shop.till().coins().await.unwrap(), [1, 2]);
    assert_eq!(room.topic().await.unwrap(), "tea 1");
    successor.stop().await;
    assert!(coins.await.is_err(), "the other one has never served");
}

#[greenroom_macros::test]
async fn timers_and_hooks_keep_the_time_that_is_left() {
    let node = Node::local();
    let shop = start(&node).await;
    shop.till().remind(8, 5);
    sleep(Duration::from_secs(6)).await;
    let (node, shop) = upgrade(&node).await;
    let begun = Instant::now();
    sleep(Duration::from_millis(1_900)).await;
    assert_eq!((shop.till().coins().await.unwrap(), shop.till().ticks().await.unwrap()), (vec![], 0));
    sleep(Duration::from_millis(200)).await;
    assert_eq!((shop.till().coins().await.unwrap(), shop.till().ticks().await.unwrap()), (vec![5], 0));
    sleep(Duration::from_secs(4).saturating_sub(begun.elapsed())).await;
    sleep(Duration::from_millis(100)).await;
    assert_eq!(shop.till().ticks().await.unwrap(), 1);
    // The handle in the state is that of the same timer.
    shop.till().remind(8, 6);
    let (_node, shop) = upgrade(&node).await;
    assert!(shop.till().cancel().await.unwrap());
    sleep(Duration::from_secs(10)).await;
    assert_eq!((shop.till().coins().await.unwrap(), shop.till().ticks().await.unwrap()), (vec![5], 2));
}

#[greenroom_macros::test]
async fn dynamic_children_their_links_and_monitors_continue() {
    let node = Node::local();
    let shop = start(&node).await;
    let start_room = async |rooms: &str| {
        let room = Room { topic: rooms.to_owned(), lines: 0 };
        node.scope(shop.rooms().start_child(room)).await.unwrap()
    };
    let (tea, jam) = (start_room("tea").await, start_room("jam").await);
    let visit = Room { topic: "visit".to_owned(), lines: 0 };
    let visit = node.scope(shop.visits().start_child(visit)).await.unwrap();
    shop.till().watch(visit.clone()).await.unwrap();
    shop.till().watch(tea.clone()).await.unwrap();
    tea.join(jam.clone());
    tea.say();
    take_hooks();
    let pids = [tea.pid(), jam.pid(), visit.pid()];
    let (successor, shop) = upgrade(&node).await;
    node.stop().await;
    assert_eq!(take_hooks(), ["reopen []", "wind up"]);
    let children = shop.rooms().children().await.unwrap();
    assert_eq!(children.iter().map(|child| child.pid.clone()).collect::<Vec<_>>(), pids[..2]);
    // The stubs in the state lead to the same processes.
    assert_eq!(shop.till().read().await.unwrap(), ["visit 0", "tea 1"]);
    // The monitor and the link hold, and the rooms restart with their first state.
    let [tea, jam] = [&pids[0], &pids[1]].map(|pid| successor.process_info(pid.as_ref().unwrap()).unwrap());
    assert_eq!((tea.links.contains(&jam.pid), jam.links.contains(&tea.pid)), (true, true));
    TreeStub::terminate_child(&shop.rooms(), tea.pid).await.unwrap();
    sleep(Duration::from_millis(10)).await;
    assert_eq!(shop.till().lost().await.unwrap(), ["shutdown"]);
    assert_eq!(take_hooks(), ["enter jam"]);
}

#[greenroom_macros::test]
async fn a_process_that_waits_for_another_one_gets_its_answer_before_both_are_quiet() {
    let node = Node::local();
    let shop = start(&node).await;
    let rooms = shop.rooms();
    let room = node.scope(rooms.start_child(Room { topic: "tea".to_owned(), lines: 0 })).await.unwrap();
    // The room is busy for a second, and then for a second more.
    let busy = node.scope(room.wait(1_000).within(LIMIT));
    tokio::spawn(async move { drop(busy.await) });
    sleep(Duration::from_millis(10)).await;
    shop.till().order(room.clone());
    sleep(Duration::from_millis(10)).await;
    let begun = Instant::now();
    let (_node, shop) = upgrade(&node).await;
    assert!(begun.elapsed() < Duration::from_millis(2_300), "{:?}", begun.elapsed());
    assert_eq!(shop.till().coins().await.unwrap(), [7]);
    assert_eq!(node.metrics().lost_states, 0);
}

#[greenroom_macros::test]
async fn a_process_that_is_not_quiet_in_time_starts_anew_or_cancels_the_upgrade() {
    let node = Node::local();
    let shop = start(&node).await;
    let rooms = shop.rooms();
    let room = node.scope(rooms.start_child(Room { topic: "tea".to_owned(), lines: 0 })).await.unwrap();
    shop.till().order(room);
    shop.till().pay(1);
    shop.office().ledger().work(20);
    sleep(Duration::from_millis(10)).await;
    let refused = HeldProcesses::hold(&node, Duration::from_secs(1)).await.map(drop).unwrap_err();
    assert_eq!(refused.to_string(), "/Shop/office/ledger did not become quiet in time: it still handles a message");
    let dropped = timeout(Duration::from_millis(100), HeldProcesses::hold(&node, LIMIT)).await;
    assert!(dropped.is_err());
    sleep(Duration::from_secs(20)).await;
    assert_eq!(shop.till().coins().await.unwrap(), [7, 1], "it goes on");
    shop.till().pay(2);
    assert_eq!(shop.till().coins().await.unwrap(), [7, 1, 2]);
    take_hooks();
    node.scope(async { shop.rooms().start_child(Room { topic: "jam".to_owned(), lines: 0 }).await }).await.unwrap();
    let busy = shop.rooms().children().await.unwrap().last().unwrap().pid.clone().unwrap();
    assert!(node.process_info(&busy).is_some());
    assert_eq!(shop.office().ledger().entries().await.unwrap(), 1);
}

#[greenroom_macros::test]
async fn a_state_that_cannot_be_kept_cancels_the_upgrade_if_it_must_be() {
    let node = Node::local();
    let shop = start(&node).await;
    shop.office().ledger().lock(true, false);
    shop.office().ledger().work(0);
    assert_eq!(shop.office().ledger().entries().await.unwrap(), 1);
    let refused = hand_over(&node).await.map(drop).unwrap_err();
    let expected = "/Shop/office/ledger cannot be handed over: the state of `Ledger`: Serde Serialization Error";
    assert_eq!(refused.to_string(), expected);
    shop.office().ledger().lock(true, true);
    assert_eq!(shop.office().ledger().entries().await.unwrap(), 1);
    let (held, successor) = hand_over(&node).await.unwrap();
    start(&successor).await;
    let handed_over = successor.handed_over().unwrap();
    let refusal = handed_over.refusal().unwrap();
    let anew = handed_over.restarts();
    assert_eq!((anew.count, &*anew.listed[0].process), (1, "/Shop/office/ledger"));
    assert!(anew.listed[0].reason.starts_with("the state of `Ledger` cannot be read: "), "{anew:?}");
    assert!(refusal.starts_with("/Shop/office/ledger: the state of `Ledger` cannot be read: "), "{refusal}");
    drop(held);
    successor.stop().await;
    shop.office().ledger().lock(false, false);
    assert_eq!(shop.office().ledger().entries().await.unwrap(), 1);
    let (_node, shop) = upgrade(&node).await;
    assert_eq!(shop.office().ledger().entries().await.unwrap(), 1);
}

#[greenroom_macros::test]
async fn an_upgrade_is_abandoned_if_a_process_ends_that_was_written_down() {
    let node = Node::local();
    let shop = start(&node).await;
    let (held, _successor) = hand_over(&node).await.unwrap();
    held.check().unwrap();
    shop.till().exit(Exit::Kill);
    sleep(Duration::from_millis(10)).await;
    assert_eq!(held.check().unwrap_err().to_string(), "/Shop/till has ended during the upgrade");
    drop(held);
    sleep(Duration::from_millis(10)).await;
    assert_eq!(shop.till().coins().await.unwrap(), [0; 0], "the supervisor has restarted it");
}

#[greenroom_macros::test]
async fn saved_messages_and_calls_of_a_selective_receive_continue_in_order() {
    let node = Node::local();
    let shop = start(&node).await;
    let scales = shop.office().scales();
    scales.weigh(1);
    scales.pause();
    for grams in 2..=4 {
        scales.weigh(grams);
    }
    sleep(Duration::from_millis(10)).await;
    // At its upgrade point the process has saved three messages, and then two come.
    let mut held = HeldProcesses::hold(&node, LIMIT).await.unwrap();
    scales.weigh(5);
    let load = scales.load();
    let successor = write_down(&node, &mut held).await.unwrap();
    let shop = start(&successor).await;
    commit(&node, held, &successor).await;
    assert!(take_hooks().contains(&"resumed 1".to_owned()));
    // The caller was not handed over, and its call is answered to nothing.
    sleep(Duration::from_millis(10)).await;
    assert_eq!(shop.office().scales().load().await.unwrap(), 12_345);
    node.stop().await;
    assert!(load.await.is_err());
}

#[greenroom_macros::test]
async fn relations_with_processes_that_are_not_handed_over_end() {
    let node = Node::local();
    let shop = start(&node).await;
    let unsupervised = node.spawn(Room { topic: "attic".to_owned(), lines: 0 });
    shop.till().watch(unsupervised).await.unwrap();
    let linked = node.scope(shop.visits().start_child(Room { topic: "visit".to_owned(), lines: 0 })).await.unwrap();
    linked.join(node.spawn(Room { topic: "cellar".to_owned(), lines: 0 }));
    linked.say();
    linked.topic().await.unwrap();
    let (successor, shop) = upgrade(&node).await;
    sleep(Duration::from_millis(10)).await;
    let reason = "shutdown: the process was not handed over to the successor of its node";
    assert_eq!(shop.till().lost().await.unwrap(), [reason]);
    assert_eq!(shop.visits().children().await.unwrap().len(), 0, "it shares the fate of the other one");
    assert_eq!(successor.metrics().lost_states, 0);
}

#[greenroom_macros::test]
async fn restarts_count_and_children_that_are_down_stay_down() {
    let node = Node::local();
    let shop = start(&node).await;
    let rooms = shop.rooms();
    let room = node.scope(rooms.start_child(Room { topic: "tea".to_owned(), lines: 0 })).await.unwrap();
    shop.terminate_child("clock").await.unwrap();
    for _ in 0..2 {
        shop.till().exit(Exit::Kill);
        sleep(Duration::from_millis(10)).await;
    }
    room.fail();
    sleep(Duration::from_millis(10)).await;
    let (_successor, shop) = upgrade(&node).await;
    let children = shop.children().await.unwrap();
    let state =
        |id: &str| children.iter().find(|child| child.id == id).map(|child| (child.state, child.starts)).unwrap();
    assert_eq!((state("clock"), state("till")), ((ChildState::Down, 0), (ChildState::Up, 3)));
    let root = shop.supervisor().clone();
    for _ in 0..2 {
        assert!(root.is_alive());
        shop.till().exit(Exit::Kill);
        sleep(Duration::from_millis(10)).await;
    }
    assert!(!root.is_alive(), "four restarts within 60 s");
}

#[greenroom_macros::test]
async fn a_child_that_waits_for_its_restart_starts_anew() {
    let node = Node::local();
    let shop = start(&node).await;
    let stall = node.scope(shop.stalls().start_child(Room { topic: "figs".to_owned(), lines: 0 })).await.unwrap();
    stall.fail();
    sleep(Duration::from_millis(10)).await;
    take_hooks();
    let (successor, shop) = upgrade(&node).await;
    assert_eq!(take_hooks(), ["reopen []", "wind up", "enter figs"]);
    let children = shop.stalls().children().await.unwrap();
    assert_eq!(children.iter().map(|child| child.state).collect::<Vec<_>>(), [ChildState::Up]);
    assert_eq!((node.metrics().lost_states, successor.metrics().lost_states), (0, 0));
}

#[greenroom_macros::test]
async fn messages_in_front_of_a_full_mailbox_are_handed_over() {
    let node = Node::local();
    let shop = start(&node).await;
    let letterbox = shop.office().letterbox();
    letterbox.sys().suspend().await.unwrap();
    let casts: Vec<_> = (1..=4).map(|letter| letterbox.post(letter)).collect();
    let (_successor, shop) = upgrade(&node).await;
    drop(casts);
    let letterbox = shop.office().letterbox();
    letterbox.sys().resume().await.unwrap();
    assert_eq!(letterbox.letters().await.unwrap(), [1, 2, 3, 4]);
}

#[greenroom_macros::test]
async fn a_process_stays_a_member_of_its_groups() {
    let node = Node::local();
    let shop = start(&node).await;
    shop.till().join().await.unwrap();
    let (successor, shop) = upgrade(&node).await;
    let members = successor.group::<TillMessage>("tills").members();
    assert_eq!(members.iter().map(Stub::pid).collect::<Vec<_>>(), [shop.till().pid()]);
}

#[greenroom_macros::test]
async fn processes_that_are_left_out_start_anew_and_their_predecessors_stop_in_order() {
    let node = Node::local();
    let shop = start(&node).await;
    let rooms = shop.rooms();
    let tea = node.scope(rooms.start_child(Room { topic: "tea".to_owned(), lines: 0 })).await.unwrap();
    node.scope(rooms.start_child(Room { topic: "jam".to_owned(), lines: 0 })).await.unwrap();
    tea.fail();
    // Both are busy for longer than the node waits for them.
    shop.till().order(tea.clone());
    sleep(Duration::from_millis(10)).await;
    let mut held = HeldProcesses::hold(&node, Duration::from_millis(200)).await.unwrap();
    assert_eq!(node.metrics().lost_states, 2);
    let successor = write_down(&node, &mut held).await.unwrap();
    let (recorded, restarts) = held.counts();
    let texts: Vec<String> =
        restarts.listed.iter().map(|left_out| format!("{} {}", left_out.process, left_out.reason)).collect();
    let late = "the process did not become quiet in time";
    assert_eq!(
        texts,
        [
            "/Shop/clock its actor is not `#[actor(upgrade)]`".to_owned(),
            format!("/Shop/till {late}"),
            format!("/Shop/rooms/#1 {late}")
        ]
    );
    assert_eq!((recorded, restarts.count), (9, 3));
    take_hooks();
    let shop = start(&successor).await;
    commit(&node, held, &successor).await;
    assert_eq!(take_hooks(), ["open", "wind up", "enter tea"]);
    node.stop().await;
    assert_eq!(take_hooks(), ["close"], "the process that was left out");
    let starts: Vec<_> = shop.rooms().children().await.unwrap().iter().map(|child| child.starts).collect();
    assert_eq!(starts, [1, 1]);
}
