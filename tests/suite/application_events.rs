//! The log events of applications, with level and fields.

use greenroom::prelude::*;
use greenroom::{Application, ApplicationKind, Shutdown};

use crate::events::Events;

/// The fault of an application's only child.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Good,
    /// The start fails.
    Fails,
    /// The stop never finishes.
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

    /// Traps exits, so that it receives its stop.
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

/// The event that ends an application.
#[derive(Debug)]
enum Then {
    Stop,
    /// The child exits with this reason.
    End(Exit),
    /// The node stops, within a second.
    Halt,
}

/// Starts an application on a node of its own and causes its end. Returns the log events from the start on.
async fn check(manner: Manner, kind: ApplicationKind, shutdown: Shutdown, then: Then, expected: &[&str]) {
    let (events, _guard) = Events::listen(&["greenroom::application", "greenroom"], &["pid", "protocol"]);
    let node = Node::local();
    let _here = node.enter();
    let description = format!("{then:?}");
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
    // Other log events of its processes have their own tests.
    let lines: Vec<_> = events.take().into_iter().filter(|line| !line.contains("process ended abnormally")).collect();
    assert_eq!(lines, expected, "{kind}, {description}");
}

const FOREVER: Shutdown = Shutdown::Forever;
const SECOND: Shutdown = Shutdown::After(Duration::from_secs(1));

#[greenroom::test]
async fn an_applications_start_and_stop_are_logged() {
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
async fn an_applications_end_is_logged_with_its_effect_on_the_node() {
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
async fn an_application_that_does_not_stop_in_time_is_logged_and_killed() {
    let started = r#"INFO application started application="shop" kind=temporary"#;
    let killed = r#"ERROR application failed while stopping application="shop" reason=killed"#;
    // At the application's deadline.
    check(
        Manner::Stuck,
        ApplicationKind::Temporary,
        SECOND,
        Then::Stop,
        &[started, r#"ERROR application did not stop in time and is killed application="shop" timeout=1s"#, killed],
    )
    .await;
    check(Manner::Stuck, ApplicationKind::Temporary, Shutdown::Kill, Then::Stop, &[started, killed]).await;
    // At the node's deadline: its supervisor, its child, then the application.
    let late = "ERROR process did not stop in time and is killed timeout=1s";
    check(Manner::Stuck, ApplicationKind::Temporary, FOREVER, Then::Halt, &[started, late, late, killed]).await;
}
