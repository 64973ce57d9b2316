//! Groups and global names: the views of the peers stay, and follow the successor.

use std::future::pending;
use std::time::Duration;

use greenroom_macros::protocol;
use tokio::time::sleep;

use super::node_events;
use crate::prelude::*;
use crate::testing::Check;

#[protocol]
enum Store {
    #[from]
    Down(Down),
}

/// Starts a member of the group of stores.
fn open(node: &Node) -> StoreRef {
    let _here = node.enter();
    crate::spawn(async |mailbox: Mailbox<Store>| {
        mailbox.node().group::<Store>("stores").join(&mailbox);
        pending::<()>().await;
    })
}

fn members(node: &Node) -> usize {
    node.group::<Store>("stores").members().len()
}

#[test]
fn the_groups_and_names_of_a_peer_stay_and_those_of_lost_processes_end() {
    Check::nodes(2).run(0..10, async |cluster| {
        let (upgraded, peer) = (cluster.node(0).clone(), cluster.node(1).clone());
        let [own, other] = [open(&upgraded), open(&peer)];
        upgraded.register_global("own", &own).await.unwrap();
        peer.register_global("other", &other).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        assert_eq!((members(&peer), peer.lookup_global("own")), (2, own.pid()));

        let router = upgraded.router().unwrap();
        router.pause_peers(&upgraded, Duration::from_secs(5)).await;
        let peers = router.paused_peers(&upgraded);
        let successor = cluster.start_successor(0, peers, upgraded.last_number() + 1).await;
        sleep(Duration::from_secs(1)).await;
        assert_eq!((members(&peer), peer.lookup_global("own")), (2, own.pid()), "until the commit");
        cluster.commit(0, successor).await;
        sleep(Duration::from_secs(1)).await;
        assert_eq!((members(&peer), peer.lookup_global("own")), (1, None));

        let successor = cluster.node(0).clone();
        let again = open(&successor);
        successor.register_global("own", &again).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        for node in [&peer, &successor] {
            assert_eq!(members(node), 2);
            assert_eq!((node.lookup_global("own"), node.lookup_global("other")), (again.pid(), other.pid()));
        }
        assert_eq!(node_events(&peer), (1, 0));
    });
}
