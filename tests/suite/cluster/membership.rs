//! Members of a cluster: full meshes, connections on demand, hidden nodes, leaving and discovery.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use greenroom::prelude::*;
use greenroom::testing::{Check, Cluster, Probe, pattern};
use greenroom::{CallErrorKind, Discovery, Member, Mesh};

/// A process with a name that passes stubs on.
#[actor(name = "desk")]
#[derive(Default)]
struct Desk {
    notes: Vec<u64>,
    introduced: Option<DeskRef>,
}

#[actor]
impl Desk {
    #[cast]
    fn note(&mut self, number: u64) {
        self.notes.push(number);
    }

    #[call]
    fn notes(&self) -> Vec<u64> {
        self.notes.clone()
    }

    #[call]
    fn introduce(&mut self, desk: DeskRef) {
        self.introduced = Some(desk);
    }

    #[call]
    fn introduced(&self) -> Option<DeskRef> {
        self.introduced.clone()
    }
}

#[protocol]
enum Watcher {
    #[from]
    Node(NodeEvent),
    #[from]
    Down(Down),
}

fn desk_at(from: &Node, at: &str) -> DeskRef {
    from.named_at("desk", at)
}

fn names(members: &[Member]) -> Vec<&str> {
    members.iter().map(|member| member.name().as_str()).collect()
}

fn peers(node: &Node) -> Vec<String> {
    node.peers().iter().map(ToString::to_string).collect()
}

/// Starts nodes with a desk each, of which all dial the first one.
async fn desks(count: usize, mesh: Mesh) -> Cluster {
    Cluster::in_memory(count)
        .seeds(1)
        .configure(move |_, builder| builder.membership(mesh))
        .boot(async |node| node.start(Desk::default()).await.map(drop))
        .await
}

async fn pause(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[test]
fn twenty_nodes_that_join_at_once_through_one_seed_connect_once_each() {
    Check::cluster(Cluster::in_memory(20).seeds(1)).run(0..5, async |cluster| {
        cluster.connected().await;
        pause(60).await;
        for index in 0..20 {
            let counters = cluster.node(index).counters();
            assert_eq!((counters.node_ups, counters.node_downs), (19, 0), "n{index}");
            assert_eq!(cluster.node(index).members().len(), 19, "n{index}");
        }
    });
}

#[greenroom::test]
async fn members_have_metadata_and_join_before_they_are_up() {
    let cluster = Cluster::in_memory(2)
        .configure(|index, builder| builder.metadata("zone", format!("z{index}")).metadata("role", "web"))
        .await;
    let mut watcher = Probe::<Watcher>::on(cluster.node(0));
    watcher.watch_nodes(true);
    let [member] = cluster.node(0).members().try_into().unwrap();
    assert_eq!((member.name().as_str(), member.is_connected), ("n1@test", true));
    assert_eq!(member.address.as_deref(), Some("host1"));
    assert_eq!(member.metadata.get("zone").map(String::as_str), Some("z1"));
    assert_eq!(member.metadata.get("role").map(String::as_str), Some("web"));

    cluster.restart(1).await;
    let left = watcher.expect(pattern!(Watcher::Node(NodeEvent::Down(id)) => id)).await;
    assert_eq!(left, member.id);
    let left = watcher.expect(pattern!(Watcher::Node(NodeEvent::Left(member)) => member)).await;
    assert_eq!((left.id, left.is_connected), (member.id.clone(), false));
    let joined = watcher.expect(pattern!(Watcher::Node(NodeEvent::Joined(member)) => member)).await;
    assert!(joined.id.incarnation > member.id.incarnation);
    let up = watcher.expect(pattern!(Watcher::Node(NodeEvent::Up(id)) => id)).await;
    assert_eq!(up, joined.id);
    cluster.stop().await;
}

#[greenroom::test]
async fn a_node_that_leaves_is_forgotten_and_not_dialled() {
    let cluster = desks(3, Mesh::full()).await;
    cluster.connected().await;
    let mut watcher = Probe::<Watcher>::on(cluster.node(0));
    watcher.watch_nodes(true);
    cluster.node(2).leave().await;
    let left = watcher.expect(pattern!(Watcher::Node(NodeEvent::Left(member)) => member)).await;
    assert_eq!(left.name().as_str(), "n2@test");
    watcher.expect(pattern!(Watcher::Node(NodeEvent::Down(_)))).await;
    for index in [0, 1] {
        assert_eq!(names(&cluster.node(index).members()).len(), 1);
    }
    // An older announcement does not bring it back.
    pause(120).await;
    assert_eq!(names(&cluster.node(1).members()), ["n0@test"]);
    let error = desk_at(cluster.node(0), "n2@test").notes().await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::NoConnection);
    // It comes back as a new incarnation.
    cluster.restart(2).await;
    cluster.connected().await;
    assert_eq!(names(&cluster.node(1).members()), ["n0@test", "n2@test"]);
    cluster.stop().await;
}

#[greenroom::test]
async fn a_member_that_stops_without_leaving_is_expected_for_an_hour() {
    let cluster = desks(3, Mesh::full()).await;
    cluster.connected().await;
    cluster.crash(2);
    pause(3500).await;
    let lost = |node: &Node| node.members().iter().any(|member| member.name().as_str() == "n2@test");
    assert!(lost(cluster.node(0)) && lost(cluster.node(1)));
    let mut watcher = Probe::<Watcher>::on(cluster.node(1));
    watcher.watch_nodes(true);
    pause(200).await;
    assert!(!lost(cluster.node(0)) && !lost(cluster.node(1)));
    watcher.expect(pattern!(Watcher::Node(NodeEvent::Left(member)) if member.name().as_str() == "n2@test")).await;
    cluster.stop().await;
}

#[greenroom::test]
async fn a_closed_connection_is_opened_again_only_for_a_message() {
    let cluster = desks(3, Mesh::full()).await;
    cluster.connected().await;
    // A member, and a seed.
    for (from, to) in [(1, 2), (1, 0), (0, 1)] {
        let (node, other) = (cluster.node(from), cluster.node(to));
        let mut watchers = [node, other].map(|node| {
            let watcher = Probe::<Watcher>::on(node);
            watcher.watch_nodes(true);
            watcher
        });
        assert!(node.disconnect(other.name()));
        for watcher in &mut watchers {
            watcher.expect(pattern!(Watcher::Node(NodeEvent::Down(_)))).await;
        }
        assert!(!node.disconnect(other.name()), "there is no connection");
        pause(120).await;
        assert!(!node.peers().contains(other.name()) && !other.peers().contains(node.name()), "{from} and {to}");
        assert!(names(&node.members()).contains(&other.name().as_str()), "it is a member still");
        desk_at(other, node.name().as_str()).note(7).await.unwrap();
        for watcher in &mut watchers {
            watcher.expect(pattern!(Watcher::Node(NodeEvent::Up(_)))).await;
        }
    }
    assert!(!cluster.node(0).disconnect("nobody@test") && !cluster.node(0).disconnect("no name"));
    cluster.stop().await;
}

#[greenroom::test]
async fn a_stub_of_a_third_node_connects_on_first_use() {
    let cluster = desks(4, Mesh::on_demand()).await;
    pause(60).await;
    let [hub, one, two, three] = [0, 1, 2, 3].map(|index| cluster.node(index).clone());
    for node in [&one, &two, &three] {
        assert_eq!(peers(node), ["n0@test"]);
        assert_eq!(node.members().len(), 3);
    }
    let hub_desk = desk_at(&one, "n0@test");
    let own: DeskRef = one.named_at("desk", "n1@test");
    hub_desk.introduce(own).await.unwrap();
    let introduced = desk_at(&two, "n0@test").introduced().await.unwrap().unwrap();
    introduced.note(1).await.unwrap();
    introduced.note(2);
    assert_eq!(introduced.notes().await.unwrap(), [1, 2]);
    assert_eq!(peers(&two), ["n0@test", "n1@test"]);
    assert_eq!(peers(&one), ["n0@test", "n2@test"]);
    // Links, monitors and starts do the same.
    let mut watcher = Probe::<Watcher>::on(&three);
    watcher.monitor(&desk_at(&three, "n1@test"));
    pause(1).await;
    assert_eq!(peers(&three), ["n0@test", "n1@test"]);
    desk_at(&one, "n1@test").exit(Exit::error("closed"));
    let down = watcher.expect(pattern!(Watcher::Down(down) => down.reason)).await;
    assert_eq!(down, Exit::error("closed"));
    // A node that leaves is announced by others to those that are not connected to it.
    two.leave().await;
    pause(1).await;
    assert_eq!(names(&three.members()), ["n0@test", "n1@test"]);
    assert_eq!(peers(&hub), ["n1@test", "n3@test"]);
    cluster.stop().await;
}

#[greenroom::test]
async fn a_hidden_node_has_no_members_and_is_not_listed() {
    let cluster = Cluster::in_memory(3)
        .seeds(1)
        .configure(|index, builder| if index == 2 { builder.membership(Mesh::hidden()) } else { builder })
        .boot(async |node| node.start(Desk::default()).await.map(drop))
        .await;
    pause(60).await;
    assert_eq!(peers(cluster.node(0)), ["n1@test", "n2@test"]);
    assert_eq!(names(&cluster.node(0).members()), ["n1@test"]);
    assert_eq!(names(&cluster.node(1).members()), ["n0@test"]);
    assert_eq!((peers(cluster.node(2)), cluster.node(2).members()), (vec!["n0@test".to_owned()], vec![]));
    let error = desk_at(cluster.node(2), "n1@test").notes().await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::NoConnection);
    cluster.stop().await;
}

#[greenroom::test]
async fn everything_that_waits_for_a_connection_which_cannot_be_opened_fails() {
    let cluster = desks(3, Mesh::on_demand()).await;
    pause(10).await;
    cluster.partition(1, 2);
    let (node, to) = (cluster.node(1).clone(), "n2@test");
    let mut watcher = Probe::<Watcher>::on(&node);
    watcher.watch_nodes(true);
    let before = node.counters().lost_messages;
    let desk = desk_at(&node, to);
    desk.note(1);
    desk.note(2);
    let awaited = desk.note(3);
    let call = desk.notes();
    watcher.monitor(&desk);
    assert_eq!(awaited.await, Err(CastError::NoConnection));
    assert_eq!(call.await.unwrap_err().kind, CallErrorKind::NoConnection);
    assert_eq!(watcher.expect(pattern!(Watcher::Down(down) => down.reason)).await, Exit::NoConnection);
    assert_eq!(node.counters().lost_messages, before + 5, "three casts, a call and a monitor");
    // The next message does not cause another attempt at once.
    assert_eq!(desk.note(4).await, Err(CastError::NoConnection));
    watcher.expect_nothing(Duration::from_secs(1)).await;
    cluster.heal(1, 2);
    desk.note(5).await.unwrap();
    assert_eq!(desk.notes().await.unwrap(), [5]);
    cluster.stop().await;
}

#[greenroom::test]
async fn another_node_at_the_address_of_a_member_is_refused() {
    let cluster = Cluster::in_memory(4)
        .seeds(1)
        .configure(|index, builder| {
            let builder = builder.membership(Mesh::on_demand());
            // The address of another node.
            if index == 2 { builder.advertise("host3") } else { builder }
        })
        .boot(async |node| node.start(Desk::default()).await.map(drop))
        .await;
    pause(10).await;
    let node = cluster.node(1);
    assert!(names(&node.members()).contains(&"n2@test"));
    assert_eq!(desk_at(node, "n2@test").note(1).await, Err(CastError::NoConnection));
    assert_eq!(peers(node), ["n0@test"]);
    cluster.stop().await;
}

/// Addresses that a test changes.
#[derive(Clone, Default)]
struct Directory(Arc<Mutex<Option<Vec<String>>>>);

impl Discovery for Directory {
    async fn addresses(&self) -> io::Result<Vec<String>> {
        self.0.lock().unwrap().clone().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

#[greenroom::test]
async fn discovered_addresses_are_dialled_as_long_as_they_are_found() {
    let directory = Directory::default();
    let found = directory.clone();
    let cluster = Cluster::in_memory(3)
        .seeds(0)
        .configure(move |_, builder| builder.discovery(found.clone()).membership(Mesh::hidden()))
        .await;
    pause(30).await;
    assert_eq!(peers(cluster.node(0)), [""; 0]);
    let set = |hosts: &[&str]| *directory.0.lock().unwrap() = Some(hosts.iter().map(ToString::to_string).collect());
    set(&["host0", "nowhere"]);
    pause(10).await;
    assert_eq!(peers(cluster.node(0)), ["n1@test", "n2@test"]);
    assert_eq!(peers(cluster.node(1)), ["n0@test"]);
    // A connection outlives its address, and is not opened again.
    set(&["host1"]);
    pause(10).await;
    assert_eq!(peers(cluster.node(0)), ["n1@test", "n2@test"]);
    assert_eq!(peers(cluster.node(2)), ["n0@test", "n1@test"]);
    cluster.node(0).disconnect("n2@test");
    cluster.partition(0, 2);
    cluster.heal(0, 2);
    pause(60).await;
    assert_eq!(peers(cluster.node(0)), ["n1@test"]);
    // While the source fails, the last addresses stay valid.
    *directory.0.lock().unwrap() = None;
    cluster.partition(1, 2);
    cluster.heal(1, 2);
    pause(60).await;
    assert_eq!(peers(cluster.node(2)), ["n1@test"]);
    cluster.stop().await;
}

/// First messages between nodes that are not connected, while links break and nodes crash: each call has one outcome
/// within its time, and each cast that was accepted arrives once unless its connection breaks.
#[test]
fn first_messages_under_faults_have_one_outcome() {
    let boot = async |node: Node| node.start(Desk::default()).await.map(drop);
    let on_demand = Cluster::in_memory(4).seeds(1).configure(|_, builder| builder.membership(Mesh::on_demand()));
    Check::cluster(on_demand.boot(boot)).run(0..50, async |cluster| {
        pause(5).await;
        for round in 0..4_u64 {
            let [from, to] = [1 + cluster.draw(3), cluster.draw(4)].map(|index| index as usize);
            if from == to {
                continue;
            }
            let before = cluster.node(to).id().incarnation;
            let fault = cluster.draw(4);
            let node = cluster.node(from).clone();
            let name = cluster.node(to).name().clone();
            let (call, cast) = node
                .scope(async {
                    let desk = desk_at(&node, name.as_str());
                    let cast = desk.note(round);
                    let call = desk.notes().within(Duration::from_secs(30));
                    tokio::time::sleep(Duration::from_millis(cluster.draw(5))).await;
                    match fault {
                        0 => cluster.partition(from, to),
                        1 => cluster.drop_between(from, to),
                        2 => cluster.crash(to),
                        _ => {}
                    }
                    tokio::join!(call, cast)
                })
                .await;
            match (&call, cast) {
                (Ok(notes), cast) => {
                    assert!(notes.contains(&round) && cast == Ok(()), "{notes:?} {cast:?}");
                    assert_eq!(notes.iter().filter(|note| **note == round).count(), 1);
                }
                (Err(error), _) => {
                    assert!(fault < 3, "without a fault: {error}");
                    assert_eq!(error.kind, CallErrorKind::NoConnection);
                }
            }
            cluster.heal_all();
            if cluster.is_down(to) {
                cluster.restart(to).await;
                assert!(cluster.node(to).id().incarnation > before);
            }
            pause(15).await;
        }
    });
}
