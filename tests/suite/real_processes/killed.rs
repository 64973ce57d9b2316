//! A node that is killed and comes back at the same address.

use super::program::{LONG_TICK, Pair, Peer};

/// The results of all relations with a lost node.
fn all_lost(peer: &str) -> Vec<String> {
    let mut all = Vec::new();
    for kind in ["name", "pid", "child"] {
        for result in ["call", "down", "ended"] {
            all.push(format!("{result}-{kind} NoConnection"));
        }
    }
    all.push("exit NoConnection".to_owned());
    all.push(format!("lost {peer}"));
    all.sort();
    all
}

/// A node is lost with everything that refers to it, comes back, and is served again. The tick is longer than the test.
async fn check(dialler: &str, listener: &str, killed_dials: bool) {
    let Pair { dialler, listener } = Pair::start(dialler, listener, LONG_TICK).await;
    let (mut killed, mut other) = if killed_dials { (dialler, listener) } else { (listener, dialler) };
    let lost = killed.name().to_owned();
    other.command(&format!("watch first {lost}")).await;
    let ready = other.nth(1, &["first ready"]).await;

    killed.kill().await;
    let mut expected = all_lost(&lost);
    expected.push(ready["first ".len()..].to_owned());
    expected.sort();
    assert_eq!(other.results(expected.len(), "first").await, expected);
    assert_eq!(other.call("echo", &lost, LONG_TICK).await, "NoConnection");

    let mut killed: Peer = killed.config().start().await;
    killed.up(1, other.name()).await;
    other.up(2, &lost).await;
    other.assert_served_by(&lost).await;
    let name = other.name().to_owned();
    killed.assert_served_by(&name).await;

    other.command(&format!("watch second {lost}")).await;
    let again = other.nth(1, &["second ready"]).await;
    assert_eq!(again["second".len()..], ready["first".len()..], "the test needs two processes with one number");
    // The process of the earlier incarnation is gone. No signal of the new one reaches the relations of the old one.
    other.command("retry first").await;
    expected.extend(["retry-call NoProc".to_owned(), "retry-ended NoProc".to_owned()]);
    expected.push(format!("up {lost}"));
    expected.sort();
    assert_eq!(other.results(expected.len(), "first").await, expected);
    assert_eq!(other.results(1, "second").await.len(), 1);
    assert_eq!((other.ups_and_downs(&lost), killed.ups_and_downs(&name)), ((2, 1), (1, 0)));
    other.stop().await;
    killed.stop().await;
}

#[tokio::test]
async fn a_killed_node_is_lost_at_once_and_its_next_incarnation_is_another_node() {
    tokio::join!(
        check("a@test", "b@test", false),
        check("a@test", "b@test", true),
        check("b@test", "a@test", false),
        check("b@test", "a@test", true),
    );
}
