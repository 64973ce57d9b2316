//! Seeds that are names, with a real name server whose answers change.

use std::time::Duration;

use greenroom::prelude::Cookie;

use super::super::program::Config;
use super::network::{NameServer, Network};

const TICK: Duration = Duration::from_secs(2);

#[tokio::test]
async fn a_host_with_a_new_address_is_found_by_its_name() {
    let Some(network) = Network::new() else { return };
    let [first, second] = &network.hosts;
    let names = NameServer::start(first, &[("shop.test", &second.address(2))]);
    let cookie = Cookie::random().unwrap();
    let config = |name| Config::new(name, &cookie).tick(TICK).hidden().listen("0.0.0.0:9100");
    let mut shop = config("shop@two").namespace(&second.namespace).start().await;
    let mut client = config("client@one").namespace(&first.namespace).seeds(["shop.test:9100"]).start().await;
    client.up(1, "shop@two").await;
    client.assert_served_by("shop@two").await;

    second.set_address(3);
    names.set(&[("shop.test", &second.address(3))]);
    client.lost(1, "shop@two").await;
    client.up(2, "shop@two").await;
    client.assert_served_by("shop@two").await;
    shop.assert_served_by("client@one").await;
    client.stop().await;
    shop.stop().await;
}

#[tokio::test]
async fn each_address_of_a_dns_seed_is_a_node_and_changes_are_followed() {
    let Some(network) = Network::new() else { return };
    let host = &network.hosts[0];
    let names = NameServer::start(host, &[("nodes.test", "127.0.0.2")]);
    let cookie = Cookie::random().unwrap();
    let config = |name| Config::new(name, &cookie).tick(TICK).hidden().namespace(&host.namespace);
    let first = config("first@host").listen("127.0.0.2:9100").start().await;
    let mut second = config("second@host").listen("127.0.0.3:9100").start().await;
    let mut client = config("client@host").listen("127.0.0.4:9100").seeds(["dns:nodes.test:9100"]).start().await;
    client.up(1, "first@host").await;
    assert_eq!(client.ups_and_downs("second@host"), (0, 0));
    // The node itself may be among the addresses.
    names.set(&[("nodes.test", "127.0.0.2"), ("nodes.test", "127.0.0.3"), ("nodes.test", "127.0.0.4")]);
    client.up(1, "second@host").await;
    second.assert_served_by("client@host").await;
    // A connection outlives its address.
    names.set(&[("nodes.test", "127.0.0.2")]);
    assert_eq!(client.send("second@host", 100).await, "100");
    first.stop().await;
    client.nth(1, &["log INFO connection closed", "peer=first@host"]).await;
    let mut first = config("first@host").listen("127.0.0.2:9100").start().await;
    client.up(2, "first@host").await;
    first.assert_served_by("client@host").await;
    assert_eq!(client.ups_and_downs("second@host"), (1, 0));
    for node in [client, first, second] {
        node.stop().await;
    }
}
