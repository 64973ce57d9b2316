//! Nodes with certificates, on a paused clock, over links in memory.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use greenroom_macros::actor;

use super::Certificates;
use crate::authority::{Authority, Contents, DAY, Folder, VALID};
use crate::net::Network;
use crate::observe::Alarm;
use crate::prelude::*;
use crate::sched::NodeEnv;

#[actor]
struct Clerk;

#[actor]
impl Clerk {
    #[call]
    fn add(&self, a: u64, b: u64) -> u64 {
        a + b
    }

    #[call]
    fn me(&self, cx: &mut Context<Self>) -> ClerkRef {
        cx.me()
    }
}

/// Long, since each tick of a test that lasts days takes real time.
const TICK: Duration = Duration::from_secs(60 * 60);

/// Two nodes, of which the second one dials the first one.
struct Pair {
    network: Network,
    nodes: [Node; 2],
}

impl Folder {
    fn files(&self) -> Certificates {
        Certificates::files(self.authorities(), self.certificate(), self.key())
    }
}

impl Pair {
    async fn start(a: &Folder, b: &Folder) -> Pair {
        let network = Network::new(&NodeEnv::seeded(0));
        let builder = |name: &str, host| {
            let transport = Arc::new(network.host(host));
            Node::builder(name).listen(host).tick(TICK).transport(transport)
        };
        let a = builder("a@test", "host-a").certificates(a.files()).start().await.unwrap();
        let b = builder("b@test", "host-b").certificates(b.files()).seed("host-a").start().await.unwrap();
        for node in [&a, &b] {
            let clerk = node.start(Clerk).await.unwrap();
            ClerkRef::register("clerk", &clerk).unwrap();
        }
        Pair { network, nodes: [a, b] }
    }

    /// Breaks the connection, and gives the nodes time for another one. Returns the number of nodes that have a peer.
    async fn reconnect(&self) -> usize {
        self.network.cut("host-a", "host-b");
        self.network.heal("host-a", "host-b");
        tokio::time::sleep(Duration::from_secs(60)).await;
        self.connected()
    }

    fn connected(&self) -> usize {
        self.nodes.iter().filter(|node| !node.peers().is_empty()).count()
    }

    fn rejected(&self) -> [u64; 2] {
        self.nodes.each_ref().map(|node| node.counters().rejected_certificates)
    }
}

#[greenroom_macros::test]
async fn a_connection_with_certificates_carries_calls_and_its_loss_is_noticed() {
    let authority = Authority::new("shop");
    let folders = ["a@test", "b@test"].map(|node| Folder::new(&authority.pem(), &authority.issue(node)));
    let pair = Pair::start(&folders[0], &folders[1]).await;
    let [a, b] = &pair.nodes;
    for (from, to) in [(a, "b@test"), (b, "a@test")] {
        let far: ClerkRef = from.named_at("clerk", to);
        assert_eq!(far.add(1, 2).await, Ok(3));
        let direct = far.me().await.unwrap();
        let ended = direct.ended();
        pair.network.cut("host-a", "host-b");
        assert_eq!(ended.await, Exit::NoConnection);
        assert_eq!(pair.reconnect().await, 2);
        assert_eq!(direct.add(3, 4).await, Ok(7), "the process has not ended");
    }
    // Silence is noticed within a tick.
    let ended = a.named_at::<ClerkRef>("clerk", "b@test").me().await.unwrap().ended();
    pair.network.stall("host-a", "host-b");
    assert_eq!(tokio::time::timeout(TICK + Duration::from_secs(1), ended).await, Ok(Exit::NoConnection));
}

#[greenroom_macros::test]
async fn replaced_files_are_used_by_the_next_connection() {
    let authority = Authority::new("shop");
    let short = |node: &str| {
        authority.issue_with(&Contents { uris: &[&format!("greenroom:{node}")], valid: -DAY..5 * DAY, ..VALID })
    };
    let folders = ["a@test", "b@test"].map(|node| Folder::new(&authority.pem(), &short(node)));
    let pair = Pair::start(&folders[0], &folders[1]).await;
    tokio::time::sleep(Duration::from_secs(6 * DAY as u64)).await;
    assert_eq!(pair.connected(), 2, "a connection that is up continues");
    assert_eq!(pair.reconnect().await, 0);
    folders[0].replace(&authority.issue("a@test"));
    assert_eq!(pair.reconnect().await, 0, "b's certificate has expired");
    folders[1].replace(&authority.issue("b@test"));
    assert_eq!(pair.reconnect().await, 2);
    assert_eq!(pair.rejected(), [0, 0]);
    for node in &pair.nodes {
        assert!(node.counters().refused_connections > 0);
        assert_eq!(node.raised_alarms(), []);
    }
}

#[greenroom_macros::test]
async fn files_that_cannot_be_loaded_leave_the_previous_certificates_in_use() {
    let authority = Authority::new("shop");
    let folders = ["a@test", "b@test"].map(|node| Folder::new(&authority.pem(), &authority.issue(node)));
    let pair = Pair::start(&folders[0], &folders[1]).await;
    let good = fs::read(folders[0].certificate()).unwrap();
    let other = authority.issue("a@test");
    let write = |bytes: &[u8]| fs::write(folders[0].certificate(), bytes).unwrap();
    let steps: [(u64, &dyn Fn()); 7] = [
        // Half of a file.
        (1, &|| write(&good[..good.len() / 2])),
        (2, &|| fs::remove_file(folders[0].certificate()).unwrap()),
        // The key is not replaced yet.
        (3, &|| write(other.certificate.as_bytes())),
        (4, &|| folders[0].replace(&authority.issue("b@test"))),
        (4, &|| folders[0].replace(&other)),
        (5, &|| fs::remove_file(folders[0].key()).unwrap()),
        // The right key in a file of more than 1 MiB.
        (6, &|| fs::write(folders[0].key(), other.key.clone() + &"\n".repeat(1 << 20)).unwrap()),
    ];
    for (count, step) in steps {
        step();
        for _ in 0..2 {
            assert_eq!(pair.reconnect().await, 2, "{count}");
            assert_eq!(pair.rejected(), [count, 0], "each error is counted once");
        }
    }
}

#[greenroom_macros::test]
async fn the_authority_is_replaced_while_the_nodes_run() {
    let (old, new) = (Authority::new("shop"), Authority::new("shop"));
    let folders = ["a@test", "b@test"].map(|node| Folder::new(&old.pem(), &old.issue(node)));
    let pair = Pair::start(&folders[0], &folders[1]).await;
    let both = old.pem() + &new.pem();
    let trust = |node: usize, authorities: &str| fs::write(folders[node].authorities(), authorities).unwrap();
    let steps: [&dyn Fn(); 6] = [
        &|| trust(0, &both),
        &|| trust(1, &both),
        &|| folders[1].replace(&new.issue("b@test")),
        &|| folders[0].replace(&new.issue("a@test")),
        &|| trust(0, &new.pem()),
        &|| trust(1, &new.pem()),
    ];
    for (number, step) in steps.into_iter().enumerate() {
        step();
        assert_eq!(pair.reconnect().await, 2, "step {number}");
    }
    assert_eq!(pair.rejected(), [0, 0]);
    // A node that was left out has no way in.
    folders[1].replace(&old.issue("b@test"));
    trust(1, &both);
    assert_eq!(pair.reconnect().await, 0);
}

#[greenroom_macros::test(time_limit = "1000h")]
async fn an_alarm_is_raised_a_week_before_the_certificate_expires() {
    let authority = Authority::new("shop");
    let folders = ["a@test", "b@test"].map(|node| Folder::new(&authority.pem(), &authority.issue(node)));
    let pair = Pair::start(&folders[0], &folders[1]).await;
    let [node, _] = &pair.nodes;
    let file = folders[0].certificate().display().to_string();
    let raised = || -> Vec<(String, u64)> {
        let of = |alarm: Alarm| match alarm {
            Alarm::CertificateExpires { file, left } => (file, left.as_secs()),
            other => panic!("{other:?}"),
        };
        node.raised_alarms().into_iter().map(of).collect()
    };
    let sleep = |seconds: i64| tokio::time::sleep(Duration::from_secs(seconds as u64));
    sleep(23 * DAY - 60).await;
    assert_eq!(raised(), []);
    sleep(120).await;
    let [(named, left)] = &raised()[..] else { panic!("not raised") };
    assert!(*named == file && (7 * DAY as u64 - 60..=7 * DAY as u64).contains(left), "{named} {left}");
    sleep(2 * DAY).await;
    let left = raised()[0].1;
    assert!((5 * DAY as u64 - 3660..5 * DAY as u64).contains(&left), "updated: {left}");
    sleep(6 * DAY).await;
    assert_eq!(raised(), [(file, 0)]);
    // The file is read within an hour, also without another connection.
    let month = Contents { uris: &["greenroom:a@test"], valid: -DAY..60 * DAY, ..VALID };
    folders[0].replace(&authority.issue_with(&month));
    sleep(3601).await;
    assert_eq!(raised(), []);
}
