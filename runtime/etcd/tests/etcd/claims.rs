//! Claims, leases and tokens.

use std::time::{Duration, Instant};

use greenroom::registry::{Claim, Claimed, Registry, RegistryError};
use greenroom::{NodeId, NodeName};
use greenroom_etcd::Etcd;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::cluster::{Cluster, node, until};
use crate::observer::Observer;
use crate::proxy::{Fault, Proxy};

/// Claims a key that is free.
pub(crate) async fn granted(registry: &Etcd, node: &NodeId, key: &str) -> Claim {
    match registry.claim(node, key, b"owner").await {
        Ok(Claimed::Granted(claim)) => claim,
        other => panic!("{key} is not granted to {node}: {other:?}"),
    }
}

/// Claims a key that another claim has.
async fn taken(registry: &Etcd, node: &NodeId, key: &str, value: &[u8]) -> Claim {
    match registry.claim(node, key, value).await {
        Ok(Claimed::Taken(claim)) => claim,
        other => panic!("{key} is not taken: {other:?}"),
    }
}

#[tokio::test]
async fn a_key_has_one_owner_and_a_growing_token() {
    let Some(etcd) = Cluster::of_one().await else { return };
    let registry = etcd.registry(60).build().expect("it is valid");
    let (a, b) = (node("a@one"), node("b@two"));
    let restarted = NodeId { incarnation: 2, ..a.clone() };
    let first = granted(&registry, &a, "mail").await;
    let expected = Claim { key: "mail".into(), node: a.clone(), token: first.token, value: b"owner".into() };
    assert_eq!(first, expected);
    assert_eq!(granted(&registry, &a, "mail").await, first, "a repeated request");
    assert_eq!(taken(&registry, &a, "mail", b"another").await, first);
    assert_eq!(taken(&registry, &b, "mail", b"owner").await, first);
    assert_eq!(taken(&registry, &restarted, "mail", b"owner").await, first);
    let with_another_lease = etcd.registry(60).build().expect("it is valid");
    assert_eq!(taken(&with_another_lease, &a, "mail", b"owner").await, first);
    assert_eq!(registry.lookup("mail").await, Ok(Some(first.clone())));
    assert_eq!(registry.lookup("mai").await, Ok(None));

    registry.release(&first).await.expect("etcd runs");
    assert_eq!(registry.lookup("mail").await, Ok(None));
    let second = granted(&registry, &b, "mail").await;
    assert!(second.token > first.token);
    registry.release(&first).await.expect("etcd runs");
    assert_eq!(registry.lookup("mail").await, Ok(Some(second.clone())), "a late release");
    // Tokens of other keys make no difference.
    granted(&registry, &b, "log").await;
    registry.release(&second).await.expect("etcd runs");
    assert!(granted(&registry, &a, "mail").await.token > second.token);
}

#[tokio::test]
async fn of_concurrent_claims_one_is_granted() {
    let Some(etcd) = Cluster::of_one().await else { return };
    for key in 0..10 {
        let mut claims = JoinSet::new();
        for number in 0..8 {
            // Each node is another program.
            let registry = etcd.registry(60).build().expect("it is valid");
            claims
                .spawn(async move { registry.claim(&node(&format!("n{number}@one")), &format!("k{key}"), &[]).await });
        }
        let claims = claims.join_all().await;
        let granted = claims.iter().filter(|claimed| matches!(claimed, Ok(Claimed::Granted(_)))).count();
        let taken = claims.iter().filter(|claimed| matches!(claimed, Ok(Claimed::Taken(_)))).count();
        assert_eq!((granted, taken), (1, 7), "{claims:?}");
    }
}

#[tokio::test]
async fn prefixes_are_separate_and_other_keys_are_not_claims() {
    let Some(etcd) = Cluster::of_one().await else { return };
    let shop = etcd.registry(60).build().expect("it is valid");
    let bank = etcd.registry(60).prefix("bank/").build().expect("it is valid");
    let (a, b) = (node("a@one"), node("b@two"));
    granted(&shop, &a, "mail").await;
    granted(&bank, &b, "mail").await;
    // `shop/log` and `xyz`.
    etcd.members[0].post("kv/put", r#"{"key":"c2hvcC9sb2c=","value":"eHl6"}"#).await.expect("etcd runs");
    let error = shop.claim(&a, "log", &[]).await.expect_err("the key has another use");
    assert_eq!(error, RegistryError::Refused("the key `shop/log` of etcd is not a claim".into()));
    assert_eq!(shop.lookup("log").await, Err(error));
    let mut observer = Observer::new(&shop);
    assert_eq!(observer.next().await, "all: mail of a@one");
    let all = etcd.registry(60).prefix("").build().expect("it is valid");
    assert_eq!(Observer::new(&all).next().await, "all: bank/mail of b@two, shop/mail of a@one");
}

#[tokio::test]
async fn claims_last_as_long_as_they_are_renewed() {
    let Some(etcd) = Cluster::of_one().await else { return };
    let registry = etcd.registry(2).build().expect("it is valid");
    let (a, b) = (node("a@one"), node("b@two"));
    assert_eq!(registry.renew(&a).await, Err(RegistryError::LeaseLost), "a node without a claim");
    let mut observer = Observer::new(&registry);
    assert_eq!(observer.next().await, "all: ");
    let mail = granted(&registry, &a, "mail").await;
    assert_eq!(observer.next().await, "mail of a@one");
    // etcd looks for leases that have ended twice a second.
    for _ in 0..10 {
        sleep(Duration::from_millis(300)).await;
        registry.renew(&a).await.expect("the lease has not ended");
        assert_eq!(registry.lookup("mail").await, Ok(Some(mail.clone())));
    }
    let begin = Instant::now();
    assert_eq!(observer.next().await, "mail ended");
    // The last renewal began a moment before.
    assert!(begin.elapsed() > Duration::from_millis(1900), "{:?}", begin.elapsed());
    assert!(granted(&registry, &b, "mail").await.token > mail.token);

    assert_eq!(registry.claim(&a, "log", &[]).await, Err(RegistryError::LeaseLost));
    assert_eq!(registry.renew(&a).await, Err(RegistryError::LeaseLost));
    granted(&registry, &a, "log").await;
    registry.renew(&a).await.expect("it has begun another lease");
}

#[tokio::test]
async fn the_successor_of_a_process_continues_its_claims() {
    let Some(etcd) = Cluster::of_one().await else { return };
    let build = || etcd.registry(2).build().expect("it is valid");
    let (node, predecessor, successor) = (node("a@one"), build(), build());
    let mail = granted(&predecessor, &node, "mail").await;
    let state = predecessor.hand_over().expect("no lease begins at this moment");
    assert_eq!(successor.renew(&node).await, Err(RegistryError::LeaseLost), "it has no lease yet");
    successor.continue_with(&state).expect("it is the state of a registry");
    assert!(successor.continue_with(b"other").is_err());
    // For longer than a lease.
    for _ in 0..10 {
        sleep(Duration::from_millis(300)).await;
        successor.renew(&node).await.expect("the lease has not ended");
    }
    assert_eq!(granted(&successor, &node, "mail").await, mail);
    successor.release(&mail).await.expect("etcd runs");
    assert_eq!(predecessor.lookup("mail").await, Ok(None));
}

#[tokio::test]
async fn a_restarted_node_does_not_keep_the_claims_of_before() {
    let Some(etcd) = Cluster::of_one().await else { return };
    let registry = etcd.registry(1).build().expect("it is valid");
    let before = node("a@one");
    let after = NodeId { incarnation: 2, ..before.clone() };
    granted(&registry, &before, "mail").await;
    granted(&registry, &after, "log").await;
    assert_eq!(registry.renew(&before).await, Err(RegistryError::LeaseLost));
    until(async || {
        registry.renew(&after).await.expect("its lease has not ended");
        registry.lookup("mail").await.expect("etcd runs").is_none()
    })
    .await;
    assert_eq!(registry.lookup("log").await.expect("etcd runs").map(|claim| claim.node), Some(after));
}

#[tokio::test]
async fn a_claim_whose_answer_was_lost_is_granted_when_it_is_repeated() {
    let Some(etcd) = Cluster::of_one().await else { return };
    let proxy = Proxy::new(&etcd.members[0].address).await;
    let direct = etcd.registry(3).build().expect("it is valid");
    let registry = Etcd::builder([&*proxy.address]).prefix("shop/").lease(Duration::from_secs(3));
    let registry = registry.build().expect("it is valid");
    let a = node("a@one");
    proxy.set(Fault::DropAnswer("/v3/kv/txn"));
    let lost = registry.claim(&a, "mail", b"owner").await;
    assert!(matches!(lost, Err(RegistryError::Unreachable(_))), "{lost:?}");
    let claim = direct.lookup("mail").await.expect("etcd runs").expect("the request has taken effect");
    sleep(Duration::from_secs(2)).await;
    proxy.set(Fault::None);
    assert_eq!(granted(&registry, &a, "mail").await, claim);
    // The node counts the lease from its second request: etcd does so, too.
    sleep(Duration::from_secs(2)).await;
    assert_eq!(direct.lookup("mail").await, Ok(Some(claim.clone())));

    proxy.set(Fault::DropAnswer("/v3/kv/txn"));
    let lost = registry.release(&claim).await;
    assert!(matches!(lost, Err(RegistryError::Unreachable(_))), "{lost:?}");
    proxy.set(Fault::None);
    registry.release(&claim).await.expect("a repeated request");
    assert_eq!(direct.lookup("mail").await, Ok(None));
}

#[tokio::test]
async fn a_lease_whose_answer_was_lost_costs_nothing() {
    let Some(etcd) = Cluster::of_one().await else { return };
    let proxy = Proxy::new(&etcd.members[0].address).await;
    let registry = Etcd::builder([&*proxy.address]).build().expect("it is valid");
    proxy.set(Fault::DropAnswer("/v3/lease/grant"));
    let lost = registry.claim(&node("a@one"), "mail", &[]).await;
    assert!(matches!(lost, Err(RegistryError::Unreachable(_))), "{lost:?}");
    assert_eq!(registry.lookup("mail").await, Ok(None));
    proxy.set(Fault::None);
    granted(&registry, &node("a@one"), "mail").await;
}

#[tokio::test]
async fn what_etcd_cannot_hold_is_refused_before_it_is_sent() {
    let registry = Etcd::builder(["http://127.0.0.1:1"]).build().expect("it is valid");
    let a = NodeId { name: NodeName::new("a@one").expect("it is a name"), incarnation: 1 };
    for (key, value) in [("", 0), (&*"k".repeat(256), 0), ("mail", (16 << 10) + 1)] {
        let result = registry.claim(&a, key, &vec![0; value]).await;
        assert!(matches!(result, Err(RegistryError::Refused(_))), "{result:?}");
    }
}
