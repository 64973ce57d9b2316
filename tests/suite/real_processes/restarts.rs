//! A node that is killed and restarted at the same address, again and again.

use std::time::Duration;

use super::program::{LONG_TICK, Pair, Peer};

/// The pauses, in milliseconds, that the node announced after its attempts to reach a seed.
fn pauses(node: &Peer) -> Vec<f64> {
    let lines = node.lines("log ");
    let attempts = lines.iter().filter(|line| line.contains("cannot reach a seed"));
    let pause = |line: &String| {
        let text = line.split("pause=").nth(1)?.split(' ').next()?;
        // `Duration` prints less than a second in milliseconds.
        text.strip_suffix("ms")?.parse().ok()
    };
    attempts.filter_map(pause).collect()
}

#[tokio::test]
async fn the_pauses_between_attempts_grow_and_begin_anew_after_a_stable_connection() {
    let Pair { mut dialler, mut listener } = Pair::start("a@test", "b@test", LONG_TICK).await;
    for round in 0..2 {
        // A connection is stable when it was up for longer than the pause before it. Nothing else is to wait for.
        assert_eq!(dialler.call("hold", "b@test", Duration::from_millis(900)).await, "Timeout");
        listener.kill().await;
        let before = pauses(&dialler).len();
        dialler.nth(before + 3, &["log DEBUG cannot reach a seed", "pause="]).await;
        let pauses = &pauses(&dialler)[before..before + 3];
        // The pause after the connection itself is the first one, of 100 ms at most.
        for (pause, longest) in pauses.iter().zip([200.0, 400.0, 800.0]) {
            assert!((longest / 2.0..=longest).contains(pause), "round {round}: {pauses:?}");
        }
        listener = listener.config().start().await;
        dialler.up(round + 2, "b@test").await;
        listener.up(1, "a@test").await;
    }
    dialler.assert_served_by("b@test").await;
    listener.assert_served_by("a@test").await;
    dialler.stop().await;
    listener.stop().await;
}

async fn check_restarts(killed_dials: bool) {
    let Pair { dialler, listener } = Pair::start("a@test", "b@test", LONG_TICK).await;
    let (mut killed, mut other) = if killed_dials { (dialler, listener) } else { (listener, dialler) };
    let (lost, name) = (killed.name().to_owned(), other.name().to_owned());
    for round in 1..=5 {
        killed.kill().await;
        killed = killed.config().start().await;
        killed.up(1, &name).await;
        other.up(round + 1, &lost).await;
        other.assert_served_by(&lost).await;
        killed.assert_served_by(&name).await;
        assert_eq!(other.ups_and_downs(&lost), (round + 1, round));
    }
    other.stop().await;
    killed.stop().await;
}

#[tokio::test]
async fn a_node_is_found_again_after_each_restart() {
    tokio::join!(check_restarts(false), check_restarts(true));
}
