//! Connections between nodes that connect on demand: those that are idle are closed, without a loss.

use std::time::Duration;

use greenroom::prelude::*;
use greenroom::testing::{Check, Cluster, ClusterBuilder, Probe, pattern};
use greenroom::{Mesh, MonitorRef};

/// A process with a name that counts orders.
#[actor(name = "till")]
#[derive(Default)]
struct Till {
    orders: Vec<u64>,
    open: Vec<Reply<u64>>,
}

#[actor]
impl Till {
    #[cast]
    fn order(&mut self, number: u64) {
        self.orders.push(number);
    }

    #[call]
    fn orders(&self) -> Vec<u64> {
        self.orders.clone()
    }

    /// Returns a stub that leads to this process. A link needs one.
    #[call]
    fn direct(&self, cx: &mut Context<Self>) -> TillRef {
        cx.me()
    }

    /// Answers when the till is closed.
    #[call]
    fn total(&mut self, reply: Reply<u64>) {
        self.open.push(reply);
    }

    #[cast]
    fn close(&mut self) {
        for reply in self.open.drain(..) {
            reply.send(self.orders.len() as u64);
        }
    }
}

#[protocol]
enum Watcher {
    #[from]
    Node(NodeEvent),
    #[from]
    Down(Down),
    #[from]
    Exit(ExitSignal),
}

fn tills() -> ClusterBuilder {
    Cluster::in_memory(3)
        .seeds(1)
        .configure(|_, builder| builder.membership(Mesh::on_demand()))
        .boot(async |node| node.start(Till::default()).await.map(drop))
}

fn till_at(from: &Node, at: &str) -> TillRef {
    from.named_at("till", at)
}

fn peers(node: &Node) -> Vec<String> {
    node.peers().iter().map(ToString::to_string).collect()
}

async fn pause(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

const SEED: [&str; 1] = ["n0@test"];

#[greenroom::test]
async fn an_idle_connection_is_closed_and_opened_for_the_next_message() {
    let cluster = tills().await;
    pause(10).await;
    let [one, two] = [1, 2].map(|index| cluster.node(index).clone());
    let mut watchers = [&one, &two].map(Probe::<Watcher>::on);
    watchers.iter().for_each(|watcher| watcher.watch_nodes(true));
    let till = till_at(&one, "n2@test");
    for round in 0..3 {
        till.order(round).await.unwrap();
        for watcher in &mut watchers {
            watcher.expect(pattern!(Watcher::Node(NodeEvent::Up(_)))).await;
        }
        // From either side.
        pause(50).await;
        till_at(&two, "n1@test").order(round).await.unwrap();
        pause(50).await;
        assert_eq!(peers(&one), ["n0@test", "n2@test"]);
        pause(50).await;
        assert_eq!((peers(&one), peers(&two)), (SEED.map(String::from).to_vec(), SEED.map(String::from).to_vec()));
        for watcher in &mut watchers {
            watcher.expect(pattern!(Watcher::Node(NodeEvent::Down(_)))).await;
            // It is a member still.
            watcher.expect_nothing(Duration::from_secs(10)).await;
        }
        assert_eq!((one.members().len(), two.members().len()), (2, 2));
    }
    assert_eq!(till.orders().await.unwrap(), [0, 1, 2]);
    assert_eq!((one.counters().lost_messages, two.counters().lost_messages), (0, 0));
    cluster.stop().await;
}

#[greenroom::test]
async fn a_connection_that_is_in_use_stays() {
    let cluster = tills().await;
    pause(10).await;
    let [one, two] = [1, 2].map(|index| cluster.node(index).clone());
    let till = till_at(&one, "n2@test");
    let is_open = || peers(&one).len() == 2 && peers(&two).len() == 2;
    let ends = async || {
        pause(100).await;
        assert!(!is_open());
    };

    let mut watcher = Probe::<Watcher>::on(&one);
    let monitor: MonitorRef = watcher.monitor(&till);
    pause(300).await;
    assert!(is_open(), "a monitor");
    watcher.demonitor(monitor);
    ends().await;

    watcher.trap_exit(true);
    let direct = till.direct().await.unwrap();
    watcher.link(&direct);
    pause(300).await;
    assert!(is_open(), "a link");
    watcher.unlink(&direct);
    ends().await;

    let total = till.total().within(Duration::from_secs(1000));
    pause(300).await;
    assert!(is_open(), "a call");
    till_at(&two, "n2@test").close();
    assert_eq!(total.await.unwrap(), 0);
    ends().await;
    watcher.expect_nothing(Duration::from_secs(1)).await;
    cluster.stop().await;
}

#[greenroom::test]
async fn a_connection_to_a_node_with_a_full_mesh_stays() {
    let cluster = Cluster::in_memory(3)
        .seeds(1)
        .configure(|index, builder| if index == 2 { builder } else { builder.membership(Mesh::on_demand()) })
        .await;
    pause(300).await;
    for index in 0..3 {
        let node = cluster.node(index);
        assert_eq!(peers(node).len(), 2, "n{index}");
        assert_eq!(node.counters().node_downs, 0);
    }
    cluster.stop().await;
}

/// Messages, calls and monitors that begin at any moment of the closing of an idle connection, over a slow network: none is
/// lost, repeated or out of order.
#[test]
fn nothing_is_lost_while_an_idle_connection_closes() {
    let closed = std::cell::Cell::new(0);
    Check::cluster(tills()).run(0..100, async |cluster| {
        pause(5).await;
        let delay = |most: u64| cluster.delay(1, 2, Duration::ZERO..=Duration::from_millis(most));
        let [one, two] = [1, 2].map(|index| cluster.node(index).clone());
        let mut watcher = Probe::<Watcher>::on(&one).timeout(Duration::from_secs(60));
        watcher.trap_exit(true);
        let linked = till_at(&one, "n2@test").direct().within(Duration::from_secs(30)).await.unwrap();
        let mut expected = [0, 0];
        for _ in 0..4 {
            // Around the moment at which one of the two nodes proposes to close the connection.
            let quiet = if cluster.draw(4) == 0 { cluster.draw(90_000) } else { 55_000 + cluster.draw(25_000) };
            delay(600);
            tokio::time::sleep(Duration::from_millis(quiet)).await;
            // A new connection can be faster than the announcements on the old one.
            delay(600 * cluster.draw(2));
            for _ in 0..=cluster.draw(3) {
                let side = cluster.draw(2) as usize;
                let (from, to) = [(&one, "n2@test"), (&two, "n1@test")][side];
                let till = till_at(from, to);
                till.order(expected[side]);
                expected[side] += 1;
                match cluster.draw(4) {
                    0 => drop(till.order(expected[side])),
                    1 => till.order(expected[side]).await.unwrap(),
                    2 => {
                        assert_eq!(
                            till.orders().within(Duration::from_secs(30)).await.unwrap().len() as u64,
                            expected[side]
                        );
                        continue;
                    }
                    _ => {
                        let monitor = watcher.monitor(&till_at(&one, "n2@test"));
                        if cluster.draw(2) == 0 {
                            watcher.link(&linked);
                        }
                        tokio::time::sleep(Duration::from_millis(cluster.draw(3000))).await;
                        watcher.demonitor(monitor);
                        watcher.unlink(&linked);
                        continue;
                    }
                }
                expected[side] += 1;
            }
        }
        for (side, (from, to)) in [(&one, "n2@test"), (&two, "n1@test")].into_iter().enumerate() {
            let orders = till_at(from, to).orders().within(Duration::from_secs(30)).await.unwrap();
            assert_eq!(orders, (0..expected[side]).collect::<Vec<_>>(), "to {to}");
        }
        watcher.expect_nothing(Duration::from_secs(1)).await;
        assert_eq!((one.counters().lost_messages, two.counters().lost_messages), (0, 0));
        // A monitor that has begun at such a moment fires.
        tokio::time::sleep(Duration::from_millis(58_000 + cluster.draw(20_000))).await;
        watcher.monitor(&till_at(&one, "n2@test"));
        pause(5).await;
        assert_eq!(peers(&one).len(), 2);
        cluster.crash(2);
        assert_eq!(watcher.expect(pattern!(Watcher::Down(down) => down.reason)).await, Exit::NoConnection);
        closed.set(closed.get() + one.counters().node_downs);
    });
    assert!(closed.get() > 100, "{} connections were closed", closed.get());
}
