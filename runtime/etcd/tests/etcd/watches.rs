//! Watches whose stream is lost, stalled or too old.

use std::time::Duration;

use greenroom::registry::Registry;
use greenroom_etcd::Etcd;

use crate::claims::granted;
use crate::cluster::{Cluster, node};
use crate::observer::Observer;
use crate::proxy::{Fault, Proxy};

#[tokio::test]
async fn changes_arrive_in_order() {
    let Some(etcd) = Cluster::of_one().await else { return };
    let registry = etcd.registry(60).build().expect("it is valid");
    let a = node("a@one");
    let mail = granted(&registry, &a, "mail").await;
    let mut observer = Observer::new(&registry);
    assert_eq!(observer.next().await, "all: mail of a@one");
    for _ in 0..20 {
        let log = granted(&registry, &a, "log").await;
        registry.release(&log).await.expect("etcd runs");
    }
    registry.release(&mail).await.expect("etcd runs");
    for _ in 0..20 {
        assert_eq!(observer.next().await, "log of a@one");
        assert_eq!(observer.next().await, "log ended");
    }
    assert_eq!(observer.next().await, "mail ended");
}

#[tokio::test]
async fn a_snapshot_has_several_pages() {
    let Some(etcd) = Cluster::of_one().await else { return };
    let registry = etcd.registry(60).build().expect("it is valid");
    let mut expected: Vec<_> = (0..600).map(|number| format!("k{number:03} of a@one")).collect();
    for number in 0..600 {
        granted(&registry, &node("a@one"), &format!("k{number:03}")).await;
    }
    expected.sort();
    assert_eq!(Observer::new(&registry).next().await, format!("all: {}", expected.join(", ")));
}

#[tokio::test]
async fn a_lost_stream_goes_on_where_it_ended() {
    let Some(etcd) = Cluster::of_one().await else { return };
    let proxy = Proxy::new(&etcd.members[0].address).await;
    let direct = etcd.registry(60).build().expect("it is valid");
    let registry = Etcd::builder([&*proxy.address]).prefix("shop/").build().expect("it is valid");
    let mut observer = Observer::new(&registry);
    assert_eq!(observer.next().await, "all: ");
    for key in ["mail", "log"] {
        proxy.set(Fault::HoldRequest("/v3/watch"));
        proxy.cut();
        let claim = granted(&direct, &node("a@one"), key).await;
        direct.release(&claim).await.expect("etcd runs");
        proxy.set(Fault::None);
        assert_eq!(observer.next().await, format!("{key} of a@one"));
        assert_eq!(observer.next().await, format!("{key} ended"));
    }
}

#[tokio::test]
async fn a_silent_stream_is_opened_again() {
    let Some(etcd) = Cluster::of_one().await else { return };
    let registry = etcd.registry(1).build().expect("it is valid");
    let mut observer = Observer::new(&registry);
    assert_eq!(observer.next().await, "all: ");
    observer.nothing_for(Duration::from_millis(2500)).await;
    granted(&registry, &node("a@one"), "mail").await;
    assert_eq!(observer.next().await, "mail of a@one");
}

#[tokio::test]
async fn a_compaction_begins_a_watch_anew() {
    let Some(etcd) = Cluster::of_one().await else { return };
    let proxy = Proxy::new(&etcd.members[0].address).await;
    let direct = etcd.registry(60).build().expect("it is valid");
    let registry = Etcd::builder([&*proxy.address]).prefix("shop/").build().expect("it is valid");
    let a = node("a@one");
    let mail = granted(&direct, &a, "mail").await;
    let mut observer = Observer::new(&registry);
    assert_eq!(observer.next().await, "all: mail of a@one");
    proxy.set(Fault::HoldRequest("/v3/watch"));
    proxy.cut();
    direct.release(&mail).await.expect("etcd runs");
    let log = granted(&direct, &a, "log").await;
    let request = format!(r#"{{"revision":"{}"}}"#, log.token);
    etcd.members[0].post("kv/compaction", &request).await.expect("etcd runs");
    proxy.set(Fault::None);
    assert_eq!(observer.next().await, "all: log of a@one");
    direct.release(&log).await.expect("etcd runs");
    assert_eq!(observer.next().await, "log ended");
}
