//! A stub of a child reaches the incarnations of that child, and no other process: not a child of a later tree, one with
//! the same id, or one of a restarted node.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use greenroom::prelude::*;
use greenroom::testing::Cluster;
use greenroom::{CastError, ChildError, ChildSpec, Node, Recipient, Strategy, SupervisionRef, Supervisor};

use crate::scripted::settle;

/// An event that sensors receive.
#[derive(serde::Serialize, serde::Deserialize)]
struct Calibrated;

#[protocol]
enum Reading {
    Next {
        reply: Reply<u64>,
    },
    Fail,
    #[from]
    Calibrated(Calibrated),
    #[from]
    Down(Down),
}

/// A process with a protocol of its own.
#[actor(protocol = Reading)]
#[derive(Clone, Default)]
struct Sensor;

impl Process for Sensor {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        let mut count = 0;
        loop {
            receive!(match cx {
                Reading::Next { reply } => {
                    count += 1;
                    reply.send(count);
                }
                Reading::Fail => panic!("broken"),
                Reading::Calibrated(Calibrated) | Reading::Down(_) => {}
            });
        }
    }
}

/// A server.
#[actor]
#[derive(Clone, Default)]
struct Meter;

#[actor]
impl Meter {
    #[call]
    fn read(&self) -> u64 {
        7
    }
}

#[supervisor(intensity = 9)]
struct Wing {
    #[child]
    sensor: Sensor,
    #[child(dynamic)]
    sensors: Sensor,
}

#[supervisor(intensity = 9)]
struct Building {
    #[child]
    sensor: Sensor,
    #[child(supervisor, start = Wing {})]
    wing: Wing,
    #[child(dynamic)]
    sensors: Sensor,
    #[child(dynamic, restart = temporary)]
    visitors: Sensor,
}

/// Returns a stub of each kind of child of a building.
async fn stubs(building: &BuildingRef) -> Vec<ReadingRef> {
    vec![
        building.sensor(),
        building.wing().sensor(),
        building.sensors().start_child(Sensor).await.unwrap(),
        building.wing().sensors().start_child(Sensor).await.unwrap(),
        building.visitors().start_child(Sensor).await.unwrap(),
    ]
}

/// Checks that a stub reaches no process in any way.
async fn check_gone(stub: &ReadingRef) {
    assert_eq!(stub.next().await, Err(CallErrorKind::NoProc.into()));
    assert_eq!(stub.fail().await, Err(CastError::NoProc));
    assert_eq!(stub.recipient::<Calibrated>().send(Calibrated).await, Err(CastError::NoProc));
    assert!(!stub.is_alive());
    stub.exit(Exit::Kill);
}

#[greenroom::test]
// A stub is hashed by its identity, which does not change.
#[allow(clippy::mutable_key_type)]
async fn a_stub_of_a_stopped_tree_neither_equals_nor_reaches_a_process_of_a_new_one() {
    let first = Building {}.start().await.unwrap();
    let old = stubs(&first).await;
    let supervisors = [first.supervisor().clone(), first.wing().supervisor().clone()];
    TreeStub::stop(&first).await;

    let second = Building {}.start().await.unwrap();
    let new = stubs(&second).await;
    assert_eq!(first.describe().await.map(drop), Err(CallErrorKind::NoProc.into()));
    let all: HashSet<_> = old.iter().chain(&new).collect();
    assert_eq!(all.len(), 10, "each stub is of a child of its own");
    assert_eq!(new, vec![second.sensor(), second.wing().sensor(), new[2].clone(), new[3].clone(), new[4].clone()]);
    let recipients: HashSet<Recipient<Calibrated>> = old.iter().chain(&new).map(Stub::recipient).collect();
    assert_eq!(recipients.len(), 10);
    assert_ne!(supervisors[0], *second.supervisor());
    assert_ne!(supervisors[1], *second.wing().supervisor());
    assert_eq!(supervisors[1].children().await.map(drop), Err(CallErrorKind::NoProc.into()));
    for stub in &old {
        check_gone(stub).await;
    }
    // No signal reached a process of the new tree.
    for stub in &new {
        assert_eq!(stub.next().await, Ok(1));
    }
}

#[greenroom::test]
async fn a_stub_follows_its_child_when_a_supervisor_above_it_is_restarted() {
    let building = Building {}.start().await.unwrap();
    let (sensor, dynamic) = (building.wing().sensor(), building.wing().sensors().start_child(Sensor).await.unwrap());
    assert_eq!((sensor.next().await, dynamic.next().await), (Ok(1), Ok(1)));
    building.wing().supervisor().exit(Exit::Kill);
    settle().await;
    assert_eq!(sensor.next().await, Ok(1));
    assert_eq!(sensor, building.wing().sensor());
    // Dynamic children end with their supervisor, and the next one with the same number is another child.
    check_gone(&dynamic).await;
    for _ in 0..3 {
        let other = building.wing().sensors().start_child(Sensor).await.unwrap();
        assert_ne!(other, dynamic);
        assert_eq!(other.next().await, Ok(1));
    }
    check_gone(&dynamic).await;
}

fn plain() -> ChildSpec<ReadingRef> {
    ChildSpec::new(Sensor::default)
}

#[greenroom::test]
async fn a_child_added_under_the_id_of_a_removed_child_is_another_one() {
    let tree = Supervisor::new(Strategy::OneForOne).intensity(9).child("declared", plain()).start().await.unwrap();
    let declared: ReadingRef = tree.find_child("declared").await.unwrap();
    let added = tree.start_child("added", plain()).await.unwrap();
    for (id, old) in [("declared", declared), ("added", added)] {
        assert_eq!(old.next().await, Ok(1));
        tree.terminate_child(id).await.unwrap();
        tree.delete_child(id).await.unwrap();
        let new = tree.start_child(id, plain()).await.unwrap();
        assert_ne!(old, new);
        check_gone(&old).await;
        assert_eq!(new.next().await, Ok(1));
        // It follows its own child.
        new.fail();
        settle().await;
        assert_eq!(new.next().await, Ok(1));
        check_gone(&old).await;
    }
    // A temporary child is removed when it exits.
    let once = || ChildSpec::once(Sensor);
    let old: ReadingRef = tree.start_child("once", once()).await.unwrap();
    old.fail();
    settle().await;
    let new: ReadingRef = tree.start_child("once", once()).await.unwrap();
    assert_ne!(old, new);
    check_gone(&old).await;
    assert_eq!(new.next().await, Ok(1));
}

#[greenroom::test]
async fn a_refused_child_does_not_take_the_place_of_the_one_with_its_id() {
    let wing = || {
        let sensor = plain().backoff(Duration::from_secs(1), Duration::from_secs(1));
        Supervisor::new(Strategy::OneForOne).child("sensor", sensor)
    };
    let root = Supervisor::new(Strategy::OneForOne).intensity(9).child("wing", ChildSpec::supervisor(wing));
    let root = root.start().await.unwrap();
    let wing: SupervisionRef = root.find_child("wing").await.unwrap();
    let sensor: ReadingRef = wing.find_child("sensor").await.unwrap();
    assert_eq!(sensor.next().await, Ok(1));
    // Of another type, of the same type, and with other options.
    let meter: Result<MeterRef, _> = wing.start_child("sensor", ChildSpec::new(Meter::default)).await;
    assert!(matches!(meter, Err(ChildError::AlreadyStarted(_))), "{meter:?}");
    let twin = wing.start_child("sensor", plain().while_down(greenroom::WhileDown::Drop)).await;
    assert!(matches!(twin, Err(ChildError::AlreadyStarted(_))), "{twin:?}");

    sensor.fail();
    settle().await;
    let shown = format!("{sensor:?}");
    assert!(shown.ends_with("/wing/sensor restarting>)"), "{shown}");
    assert_eq!(sensor.next().await, Ok(1), "held during the restart");
    wing.exit(Exit::Kill);
    settle().await;
    assert_eq!(sensor.next().await, Ok(1), "follows over a restart of the supervisor");
    assert_eq!(wing.find_child::<ReadingRef>("sensor").await, Ok(sensor));
}

/// Hands out its stubs, and compares others with them.
#[actor]
struct Registry {
    sensors: Arc<Mutex<Vec<ReadingRef>>>,
}

#[actor]
impl Registry {
    #[call]
    fn list(&self) -> Vec<ReadingRef> {
        self.sensors.lock().unwrap().clone()
    }

    #[call]
    fn recipients(&self) -> Vec<Recipient<Calibrated>> {
        self.sensors.lock().unwrap().iter().map(Stub::recipient).collect()
    }

    #[call]
    fn compare(&self, others: Vec<ReadingRef>) -> bool {
        *self.sensors.lock().unwrap() == others
    }
}

/// Starts a registry on the node, which hands out these stubs.
fn publish(home: &Node, stubs: Vec<ReadingRef>) -> Arc<Mutex<Vec<ReadingRef>>> {
    let sensors = Arc::new(Mutex::new(stubs));
    let registry = home.spawn(Registry { sensors: Arc::clone(&sensors) });
    RegistryRef::register("registry", &registry).unwrap();
    sensors
}

#[greenroom::test]
async fn stubs_from_another_node_are_of_the_tree_that_they_were_made_for() {
    let cluster = Cluster::in_memory(2).await;
    let (home, far) = (cluster.node(0), cluster.node(1).clone());
    let first = home.start_tree(Building {}).await.unwrap();
    let old = stubs(&first).await;
    let published = publish(home, old.clone());
    let registry: RegistryRef = far.named_at("registry", "n0@test");
    let (far_old, far_recipients) = (registry.list().await.unwrap(), registry.recipients().await.unwrap());
    assert_eq!(far_old, old, "two ends of one child");
    assert_eq!(far_recipients.len(), old.len());
    assert_eq!(registry.compare(far_old.clone()).await, Ok(true), "back home");
    for stub in &far_old {
        assert_eq!(stub.next().await, Ok(1));
    }
    // No path finds a process, though stubs were sent.
    let guessed: ReadingRef = far.named_at("/Building/sensor", "n0@test");
    assert_eq!(guessed.next().await, Err(CallErrorKind::NoProc.into()));

    TreeStub::stop(&first).await;
    let second = home.start_tree(Building {}).await.unwrap();
    let new = stubs(&second).await;
    *published.lock().unwrap() = new.clone();
    let far_new = registry.list().await.unwrap();
    assert_eq!(far_old.iter().chain(&far_new).chain(&old).chain(&new).collect::<HashSet<_>>().len(), 10);
    assert_eq!(registry.compare(far_old.clone()).await, Ok(false));
    for stub in &far_old {
        stub.exit(Exit::Kill);
        assert_eq!(stub.next().await, Err(CallErrorKind::NoProc.into()));
        assert_eq!(stub.ended().await, Exit::NoProc);
    }
    for recipient in far_recipients {
        drop(recipient.send(Calibrated).await);
    }
    for stub in &far_new {
        assert_eq!(stub.next().await, Ok(1));
    }
    cluster.stop().await;
}

#[greenroom::test]
async fn stubs_of_an_earlier_incarnation_of_a_node_reach_no_process_of_the_next() {
    let cluster = Cluster::in_memory(2).await;
    let far = cluster.node(1).clone();
    let first = cluster.node(0).start_tree(Building {}).await.unwrap();
    publish(cluster.node(0), stubs(&first).await);
    let registry: RegistryRef = far.named_at("registry", "n0@test");
    let old = registry.list().await.unwrap();

    cluster.crash(0);
    cluster.restart(0).await;
    cluster.connected().await;
    let second = cluster.node(0).start_tree(Building {}).await.unwrap();
    let published = publish(cluster.node(0), stubs(&second).await);
    let new = registry.list().await.unwrap();
    assert_eq!(old.iter().chain(&new).collect::<HashSet<_>>().len(), 10);
    for stub in &old {
        stub.exit(Exit::Kill);
        assert_eq!(stub.next().await, Err(CallErrorKind::NoProc.into()));
        assert_eq!(stub.ended().await, Exit::NoProc);
    }
    // An old stub that is sent home is still an old one there.
    assert_eq!(registry.compare(old.clone()).await, Ok(false));
    for stub in new {
        assert_eq!(stub.next().await, Ok(1));
    }
    drop(published);
    cluster.stop().await;
}

#[greenroom::test]
async fn a_monitor_and_an_exit_through_a_stub_from_another_node_reach_the_child_itself() {
    let cluster = Cluster::in_memory(2).await;
    let (home, far) = (cluster.node(0), cluster.node(1).clone());
    let building = home.start_tree(Building {}).await.unwrap();
    publish(home, vec![building.sensor(), building.wing().sensor()]);
    let registry: RegistryRef = far.named_at("registry", "n0@test");
    let stubs = registry.list().await.unwrap();
    let sensor = stubs[0].clone();
    assert_eq!(sensor.pid(), None);
    assert_eq!(format!("{sensor:?}"), "ReadingRef(<n0@test /Building/sensor>)");
    let ended = sensor.ended();
    settle().await;
    sensor.exit(Exit::error("recall"));
    assert_eq!(ended.await, Exit::error("recall"));
    // A demonitor reaches the process too.
    let pending = sensor.ended();
    settle().await;
    let watchers = || home.process_info(&building.sensor().pid().unwrap()).unwrap().monitored_by.len();
    assert_eq!(watchers(), 1);
    drop(pending);
    settle().await;
    assert_eq!(watchers(), 0);
    assert_eq!(sensor.stop(Exit::Normal).await, Exit::Normal);
    assert_eq!(sensor.next().await, Ok(1));
    cluster.stop().await;
}
