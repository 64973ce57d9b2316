//! Cables that are cut, and cables for small packets.

use std::time::Duration;

use greenroom::prelude::Cookie;

use super::super::program::{Config, Pair};
use super::network::Network;

const TICK: Duration = Duration::from_secs(2);

/// Starts a node on each of the two hosts. The first one dials.
async fn pair(network: &Network) -> Pair {
    let cookie = Cookie::random().unwrap();
    let [first, second] = &network.hosts;
    let listen = format!("{}:9100", second.address(2));
    let config = |name| Config::new(name, &cookie).tick(TICK).hidden();
    let listener = config("b@two").namespace(&second.namespace).listen(&listen).start().await;
    let dialler = config("a@one").namespace(&first.namespace).listen("0.0.0.0:9100").seeds([&*listen]).start().await;
    Pair::connected(dialler, listener).await
}

#[tokio::test]
async fn a_cut_cable_is_noticed_on_both_hosts_and_a_healed_one_is_used() {
    let Some(network) = Network::new() else { return };
    let Pair { mut dialler, mut listener } = pair(&network).await;
    dialler.assert_served_by("b@two").await;
    for round in 1..=2 {
        network.cut(&network.hosts[1]);
        // Both notice by the silence alone.
        for (node, peer) in [(&dialler, "b@two"), (&listener, "a@one")] {
            let cause = node.lost(round, peer).await;
            assert!(cause.contains("nothing was received for 2s"), "{cause}");
        }
        network.heal(&network.hosts[1]);
        dialler.up(round + 1, "b@two").await;
        listener.up(round + 1, "a@one").await;
        dialler.assert_served_by("b@two").await;
        listener.assert_served_by("a@one").await;
    }
    assert_eq!(dialler.ups_and_downs("b@two"), (3, 2));
    dialler.stop().await;
    listener.stop().await;
}

#[tokio::test]
async fn messages_of_all_sizes_pass_a_path_of_small_packets() {
    let Some(network) = Network::new() else { return };
    network.set_packet_size(576);
    let Pair { mut dialler, mut listener } = pair(&network).await;
    for bytes in [0, 500, 600, 70_000, 1_000_000] {
        dialler.assert_echo("b@two", bytes).await;
        listener.assert_echo("a@one", bytes).await;
    }
    assert_eq!(dialler.send("b@two", 5000).await, "5000");
    assert_eq!(dialler.ups_and_downs("b@two"), (1, 0));
    dialler.stop().await;
    listener.stop().await;
}
