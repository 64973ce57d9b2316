//! A node that the operating system requests to stop.

use super::program::{LONG_TICK, Pair};

async fn check(dialler_stops: bool) {
    let Pair { dialler, listener } = Pair::start("a@test", "b@test", LONG_TICK).await;
    let (mut stopped, mut other) = if dialler_stops { (dialler, listener) } else { (listener, dialler) };
    let (gone, name) = (stopped.name().to_owned(), other.name().to_owned());
    other.command(&format!("watch far {gone}")).await;
    other.nth(1, &["far ready"]).await;
    stopped.signal("TERM").await;
    let closed = other.nth(1, &["log INFO connection closed", &format!("peer={gone}")]).await;
    assert!(
        closed.contains("reason=\"closed by the peer\"") || closed.contains("reason=closed by the peer"),
        "{closed}"
    );
    let results = other.results(12, "far").await;
    assert!(results.iter().all(|line| !line.contains("NoConnection")), "{results:?}");
    for kind in ["name", "pid", "child"] {
        let down = format!("down-{kind} Shutdown(None)");
        assert!(results.contains(&down), "{down} in {results:?}");
    }
    assert!(stopped.ended().await.success(), "{}", stopped.lines("").join("\n"));
    assert_eq!(stopped.lines("worker"), ["worker terminates: shutdown"]);
    assert_eq!(stopped.ups_and_downs(&name), (1, 1), "{}", stopped.lines("").join("\n"));
    assert_eq!(other.ups_and_downs(&gone), (1, 1));
    assert_eq!(other.lines("log WARN node down"), [""; 0]);
    other.stop().await;
}

#[tokio::test]
async fn a_node_that_is_requested_to_stop_leaves_in_order() {
    tokio::join!(check(false), check(true));
}
