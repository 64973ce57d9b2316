//! What applications tell the log: each event, with its level and its fields.

use greenroom::prelude::*;
use greenroom::{Application, ApplicationKind, Shutdown};

use crate::events::Events;

/// What is the matter with the only child of an application.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Good,
    /// Its start fails.
    Fails,
    /// It never stops.
    Stuck,
}

#[actor]
struct Worker {
    manner: Manner,
}

#[actor]
impl Worker {
    #[init]
    fn begin(&mut self) -> Result<(), Exit> {
        if self.manner == Manner::Fails { Err(Exit::error("no port")) } else { Ok(()) }
    }

    #[cast]
    fn end(&mut self, reason: Exit) -> Result<(), Exit> {
        Err(reason)
    }

    /// So that it hears of its stop.
    #[exit]
    fn signal(&mut self, _signal: ExitSignal) {}

    #[terminate]
    async fn close(&mut self) {
        if self.manner == Manner::Stuck {
            std::future::pending::<()>().await;
        }
    }
}

#[supervisor(intensity = 0, period = "5s", auto_shutdown = any)]
struct Shop {
    manner: Manner,
    #[child(start = Worker { manner: self.manner }, restart = transient, significant, shutdown = forever)]
    worker: Worker,
}

/// What becomes of an application once it is up.
#[derive(Debug)]
enum Then {
    Stop,
    /// Its child ends for this reason.
    End(Exit),
    /// The node stops, within a second.
    Halt,
}

/// Starts an application on a node of its own and lets that become of it: what the log tells, from the first on.
async fn check(manner: Manner, kind: ApplicationKind, shutdown: Shutdown, then: Then, expected: &[&str]) {
    let (events, _guard) = Events::listen(&["greenroom::application", "greenroom"], &["pid", "protocol"]);
    let node = Node::local();
    let _here = node.enter();
    let told = format!("{then:?}");
    if let Ok(shop) = Application::new("shop", Shop { manner }).kind(kind).shutdown(shutdown).start().await {
        match then {
            Then::Stop => drop(shop.stop().await),
            Then::End(reason) => {
                shop.tree().worker().end(reason);
                drop(shop.join().await);
            }
            Then::Halt => drop(node.stop_within(Duration::from_secs(1)).await),
        }
    }
    node.stop().await;
    // What is told of its processes but for that is told elsewhere.
    let lines: Vec<_> = events.take().into_iter().filter(|line| !line.contains("process ended abnormally")).collect();
    assert_eq!(lines, expected, "{kind}, {told}");
}

const FOREVER: Shutdown = Shutdown::Forever;
const SECOND: Shutdown = Shutdown::After(Duration::from_secs(1));

#[greenroom::test]
async fn its_start_and_its_stop_are_told() {
    let temporary = ApplicationKind::Temporary;
    check(
        Manner::Good,
        temporary,
        FOREVER,
        Then::Stop,
        &[
            r#"INFO application started application="shop" kind=temporary"#,
            r#"INFO application stopped application="shop" reason=shutdown"#,
        ],
    )
    .await;
    check(
        Manner::Good,
        ApplicationKind::Permanent,
        SECOND,
        Then::Halt,
        &[
            r#"INFO application started application="shop" kind=permanent"#,
            r#"INFO application stopped application="shop" reason=shutdown"#,
        ],
    )
    .await;
    check(
        Manner::Fails,
        temporary,
        FOREVER,
        Then::Stop,
        &[r#"ERROR application did not start application="shop" child="worker" reason=no port"#],
    )
    .await;
}

#[greenroom::test]
async fn its_end_is_told_with_what_it_means_for_the_node() {
    use ApplicationKind::{Permanent, Temporary, Transient};
    let done = || Then::End(Exit::Normal);
    let boom = || Then::End(Exit::error("boom"));
    for (kind, then, ended) in [
        (Temporary, done(), r#"INFO application ended application="shop" kind=temporary reason=shutdown"#),
        (Transient, done(), r#"INFO application ended application="shop" kind=transient reason=shutdown"#),
        (
            Permanent,
            done(),
            r#"ERROR application ended, so the node stops application="shop" kind=permanent reason=shutdown"#,
        ),
        (
            Temporary,
            boom(),
            r#"ERROR application ended application="shop" kind=temporary reason=too many restarts, the last of `worker`: boom"#,
        ),
        (
            Transient,
            boom(),
            r#"ERROR application ended, so the node stops application="shop" kind=transient reason=too many restarts, the last of `worker`: boom"#,
        ),
        (
            Permanent,
            boom(),
            r#"ERROR application ended, so the node stops application="shop" kind=permanent reason=too many restarts, the last of `worker`: boom"#,
        ),
    ] {
        let started = format!(r#"INFO application started application="shop" kind={kind}"#);
        check(Manner::Good, kind, FOREVER, then, &[&started, ended]).await;
    }
}

#[greenroom::test]
async fn what_does_not_stop_in_time_is_told_and_that_it_was_killed() {
    let started = r#"INFO application started application="shop" kind=temporary"#;
    let killed = r#"ERROR application did not stop in order application="shop" reason=killed"#;
    // At its own deadline.
    check(
        Manner::Stuck,
        ApplicationKind::Temporary,
        SECOND,
        Then::Stop,
        &[started, r#"ERROR application did not stop in time and is killed application="shop" patience=1s"#, killed],
    )
    .await;
    check(Manner::Stuck, ApplicationKind::Temporary, Shutdown::Kill, Then::Stop, &[started, killed]).await;
    // At the node's: its supervisor and its child, one by one, and then itself.
    let late = "ERROR process did not stop in time and is killed patience=1s";
    check(Manner::Stuck, ApplicationKind::Temporary, FOREVER, Then::Halt, &[started, late, late, killed]).await;
}
