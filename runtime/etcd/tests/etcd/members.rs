//! Members that are killed, stopped and restarted.

use std::time::{Duration, Instant};

use greenroom::registry::{Claimed, Registry, RegistryError};

use crate::claims::granted;
use crate::cluster::{Cluster, node, until};
use crate::observer::Observer;

#[tokio::test]
async fn claims_survive_a_kill_of_etcd() {
    let Some(mut etcd) = Cluster::of_one().await else { return };
    let registry = etcd.registry(60).build().expect("it is valid");
    let (a, b) = (node("a@one"), node("b@two"));
    let mail = granted(&registry, &a, "mail").await;
    let observer = Observer::new(&registry);
    etcd.members[0].kill();
    let lost = registry.lookup("mail").await;
    assert!(matches!(lost, Err(RegistryError::Unreachable(_))), "{lost:?}");
    assert!(matches!(registry.renew(&a).await, Err(RegistryError::Unreachable(_))));
    assert!(matches!(observer.ended().await, RegistryError::Unreachable(_)));

    etcd.members[0].restart();
    until(async || registry.renew(&a).await.is_ok()).await;
    assert_eq!(registry.lookup("mail").await, Ok(Some(mail.clone())));
    assert_eq!(granted(&registry, &a, "mail").await, mail);
    assert!(matches!(registry.claim(&b, "mail", &[]).await, Ok(Claimed::Taken(_))));
    assert!(granted(&registry, &b, "log").await.token > mail.token);
}

#[tokio::test]
async fn requests_to_a_stopped_etcd_end_within_their_limit() {
    let Some(etcd) = Cluster::of_one().await else { return };
    let registry = etcd.registry(1).build().expect("it is valid");
    let a = node("a@one");
    granted(&registry, &a, "mail").await;
    etcd.members[0].signal("STOP");
    let begin = Instant::now();
    for error in [registry.renew(&a).await.err(), registry.lookup("mail").await.err()] {
        assert!(
            matches!(&error, Some(RegistryError::Unreachable(reason)) if reason.contains("no answer within 333")),
            "{error:?}"
        );
    }
    let error = Observer::new(&registry).ended().await;
    assert!(matches!(error, RegistryError::Unreachable(_)), "{error:?}");
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    etcd.members[0].signal("CONT");
    until(async || registry.lookup("mail").await.is_ok()).await;
}

#[tokio::test]
async fn a_dead_or_stopped_member_is_skipped() {
    let Some(mut etcd) = Cluster::of_three().await else { return };
    // The requests and the watch begin with a member that does not lead. Without it the others have a majority.
    let follower = (etcd.leader().await + 1) % 3;
    let registry = etcd.registry_from(follower, 5).build().expect("it is valid");
    let a = node("a@one");
    let mail = granted(&registry, &a, "mail").await;
    let mut observer = Observer::new(&registry);
    assert_eq!(observer.next().await, "all: mail of a@one");
    // The stream is open.
    granted(&registry, &a, "first").await;
    assert_eq!(observer.next().await, "first of a@one");
    etcd.members[follower].signal("STOP");
    assert_eq!(registry.lookup("mail").await, Ok(Some(mail.clone())));
    registry.renew(&a).await.expect("two members are left");
    granted(&registry, &a, "log").await;
    assert_eq!(observer.next().await, "log of a@one");
    etcd.members[follower].kill();
    let registry = etcd.registry_from(follower, 60).build().expect("it is valid");
    assert_eq!(registry.lookup("mail").await, Ok(Some(mail)));
    let mut observer = Observer::new(&registry);
    assert_eq!(observer.next().await, "all: first of a@one, log of a@one, mail of a@one");
    granted(&registry, &a, "audit").await;
    assert_eq!(observer.next().await, "audit of a@one");
}

#[tokio::test]
async fn claims_survive_the_loss_of_the_leader() {
    let Some(mut etcd) = Cluster::of_three().await else { return };
    let registry = etcd.registry(10).build().expect("it is valid");
    let (a, b) = (node("a@one"), node("b@two"));
    let mail = granted(&registry, &a, "mail").await;
    let mut observer = Observer::new(&registry);
    assert_eq!(observer.next().await, "all: mail of a@one");
    let leader = etcd.leader().await;
    etcd.members[leader].kill();
    // The other members elect a leader after about a second.
    until(async || registry.renew(&a).await.is_ok()).await;
    assert_eq!(registry.lookup("mail").await, Ok(Some(mail.clone())));
    assert!(matches!(registry.claim(&b, "mail", &[]).await, Ok(Claimed::Taken(claim)) if claim == mail));
    registry.release(&mail).await.expect("it has a leader");
    assert_eq!(observer.next().await, "mail ended");
    assert!(granted(&registry, &b, "mail").await.token > mail.token);
    assert_eq!(observer.next().await, "mail of b@two");

    // One member of three has no majority. Its answers would be old.
    let other = (0..3).find(|index| *index != leader).expect("there are three");
    etcd.members[other].kill();
    let lost = registry.lookup("mail").await;
    assert!(matches!(lost, Err(RegistryError::Unreachable(_))), "{lost:?}");
    assert!(matches!(observer.ended().await, RegistryError::Unreachable(_)));
    etcd.members[other].restart();
    until(async || registry.lookup("mail").await.is_ok()).await;
}
