//! A node whose process the operating system stops and continues.

use std::time::Duration;

use super::program::Pair;

/// A node sends a tick after a quarter of it. The rest is for a machine whose other programs take all its time.
const TICK: Duration = Duration::from_secs(2);

/// The stopped process is lost after the tick. When it continues, both nodes come up once, and nothing of the old
/// connection arrives.
async fn check_lost(dialler: &str, listener: &str, stopped_dials: bool) {
    let Pair { dialler, listener } = Pair::start(dialler, listener, TICK).await;
    let (mut stopped, mut other) = if stopped_dials { (dialler, listener) } else { (listener, dialler) };
    let (lost, name) = (stopped.name().to_owned(), other.name().to_owned());
    other.command(&format!("watch far {lost}")).await;
    stopped.command(&format!("watch far {name}")).await;
    other.nth(1, &["far ready"]).await;
    stopped.nth(1, &["far ready"]).await;

    stopped.signal("STOP").await;
    // Its threads stop one by one.
    while other.call("echo", &lost, Duration::from_millis(100)).await == "ok" {}
    let call = other.begin("echo", &lost, Duration::from_secs(300)).await;
    let cause = other.lost(1, &lost).await;
    assert!(cause.contains("the peer stopped answering: nothing was received for 2s"), "{cause}");
    assert_eq!(other.result(&call).await, "NoConnection");
    // Three kinds of stubs with three relations each, a link, the node event, and the line before all of them.
    let results = other.results(12, "far").await;
    let lost_relations = results.iter().filter(|line| line.ends_with("NoConnection")).count();
    assert_eq!(lost_relations, 10, "{results:?}");

    stopped.signal("CONT").await;
    let cause = stopped.lost(1, &name).await;
    assert!(cause.contains("reason="), "{cause}");
    other.up(2, &lost).await;
    stopped.up(2, &name).await;
    // The event of the second connection may come before the last of them.
    let results = stopped.results(13, "far").await;
    let lost_relations = results.iter().filter(|line| line.ends_with("NoConnection")).count();
    assert_eq!(lost_relations, 10, "{results:?}");
    other.assert_served_by(&lost).await;
    stopped.assert_served_by(&name).await;
    for (node, peer) in [(&other, &lost), (&stopped, &name)] {
        assert_eq!(node.ups_and_downs(peer), (2, 1), "{}", node.name());
        // The event of the second connection is the only line after those above.
        assert_eq!(node.results(13, "far").await.len(), 13, "{:?}", node.lines("far"));
    }
    other.stop().await;
    stopped.stop().await;
}

#[tokio::test]
async fn a_stopped_node_is_lost_after_the_tick_and_both_notice_it() {
    tokio::join!(
        check_lost("a@test", "b@test", false),
        check_lost("a@test", "b@test", true),
        check_lost("b@test", "a@test", false),
        check_lost("b@test", "a@test", true),
    );
}

#[tokio::test]
async fn a_node_that_is_stopped_for_less_than_the_tick_loses_nothing() {
    let Pair { mut dialler, mut listener } = Pair::start("a@test", "b@test", Duration::from_secs(20)).await;
    dialler.command("watch far b@test").await;
    dialler.nth(1, &["far ready"]).await;
    listener.signal("STOP").await;
    let waiting = dialler.begin("echo", "b@test", Duration::from_secs(300)).await;
    let sending = dialler.key();
    dialler.command(&format!("send {sending} b@test 1000")).await;
    // The stopped process does not answer, for as long as a test may wait.
    assert_eq!(dialler.call("echo", "b@test", Duration::from_millis(500)).await, "Timeout");
    listener.signal("CONT").await;
    assert_eq!(dialler.result(&waiting).await, "ok");
    assert_eq!(dialler.result(&sending).await, "1000");
    assert_eq!(listener.send("a@test", 10).await, "10");
    assert_eq!((dialler.ups_and_downs("b@test"), listener.ups_and_downs("a@test")), ((1, 0), (1, 0)));
    assert_eq!(dialler.lines("far").len(), 1, "{:?}", dialler.lines("far"));
    dialler.stop().await;
    listener.stop().await;
}
