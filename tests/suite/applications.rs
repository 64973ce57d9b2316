//! Applications: start order, failed starts, stopping together, and the node's reaction to an application's end. Each case
//! is a script. Signals of the operating system are tested in `signals.rs`.

use std::fmt::Write;

use greenroom::prelude::*;
use greenroom::{Application, ApplicationKind, Applications, Running, Shutdown, Strategy, Supervisor};

use crate::scripted::Log;

/// A child that records its start and stop.
#[actor]
struct Kid {
    part: Part,
}

/// The settings of an application, parsed from `name<dependency:flag:flag`.
#[derive(Clone)]
struct Part {
    name: String,
    after: Vec<String>,
    flags: Vec<String>,
    log: Log,
}

impl Part {
    fn read(word: &str, log: &Log) -> Part {
        let mut flags = word.split(':').map(str::to_owned);
        let head = flags.next().unwrap_or_default();
        let (name, after) = head.split_once('<').unwrap_or((&head, ""));
        let after = after.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        Part { name: name.to_owned(), after, flags: flags.collect(), log: log.clone() }
    }

    fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|other| other == flag)
    }

    fn application(self) -> Application<App> {
        let kind = match () {
            () if self.has("permanent") => ApplicationKind::Permanent,
            () if self.has("transient") => ApplicationKind::Transient,
            () => ApplicationKind::Temporary,
        };
        let shutdown = match () {
            () if self.has("1s") => Shutdown::After(Duration::from_secs(1)),
            () if self.has("kill") => Shutdown::Kill,
            () => Shutdown::Forever,
        };
        let application = Application::new(&self.name, App { part: self.clone() }).kind(kind).shutdown(shutdown);
        self.after.into_iter().fold(application, Application::after)
    }
}

#[actor]
impl Kid {
    #[init]
    async fn begin(&mut self) {
        // The next start must wait for this.
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.part.log.note(format!("+{}", self.part.name));
    }

    #[cast]
    fn crash(&mut self) {
        panic!("boom");
    }

    #[cast]
    fn finish(&mut self) -> Result<(), Exit> {
        Err(Exit::Normal)
    }

    /// Traps exits, so that it receives its stop.
    #[exit]
    fn signal(&mut self, _signal: ExitSignal) {}

    #[terminate]
    async fn end(&mut self) {
        if self.part.has("stuck") {
            self.part.log.note(format!("{} is stuck", self.part.name));
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.part.log.note(format!("-{}", self.part.name));
    }
}

/// Fails to start on request, after its sibling is up.
#[actor]
struct Tail {
    part: Part,
}

#[actor]
impl Tail {
    #[init]
    async fn begin(&mut self) -> Result<(), Exit> {
        if self.part.has("hangs") {
            std::future::pending::<()>().await;
        }
        if self.part.has("fails") { Err(Exit::error("no port")) } else { Ok(()) }
    }

    #[cast]
    fn wag(&mut self) {}
}

#[supervisor(intensity = 0, period = "5s", auto_shutdown = any)]
struct App {
    part: Part,
    #[child(start = Kid { part: self.part.clone() }, restart = transient, significant, shutdown = forever)]
    kid: Kid,
    #[child(start = Tail { part: self.part.clone() })]
    tail: Tail,
}

/// Runs a script on a node of its own. Each step lists the expected records of the children, then the outcome if there is
/// one.
#[track_caller]
fn check(script: &'static [(&'static str, &'static str)]) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let (node, log) = (Node::local(), Log::default());
        for (step, expected) in script {
            let mut log_lines = node.scope(play(&node, &log, step)).await;
            // Longer than a start or a stop.
            tokio::time::sleep(Duration::from_millis(10)).await;
            for note in log.take().into_iter().rev() {
                log_lines.insert_str(0, &format!("{note} "));
            }
            assert_eq!(log_lines.trim(), *expected, "`{step}` at {caller}");
        }
        node.stop().await;
        assert_eq!(node.process_count(), 0, "left behind at {caller}");
    }
}

async fn play(node: &Node, log: &Log, step: &str) -> String {
    let (word, rest) = step.split_once(' ').unwrap_or((step, ""));
    let app = |name: &str| -> Running<AppRef> { node.application(name).expect("it is up") };
    let outcome = match word {
        "start" => Part::read(rest, log).application().start().await.map(drop),
        "together" => {
            let parts = rest.split(' ').map(|word| Part::read(word, log).application());
            parts.fold(Applications::new(), Applications::with).start().await
        }
        "abandon" => {
            let starting = Part::read(rest, log).application().start();
            drop(starting);
            Ok(())
        }
        "crash" => return over(app(rest), |app| drop(app.tree().kid().crash())).await,
        "finish" => return over(app(rest), |app| drop(app.tree().kid().finish())).await,
        "stop" => return app(rest).stop().await.to_string(),
        "list" => {
            let mut list = String::new();
            for info in node.applications() {
                write!(list, "{}{}", info.name, if info.up { " " } else { "? " }).expect("a text grows");
            }
            return list;
        }
        "halt" => {
            node.stop().await;
            Ok(())
        }
        "halt-in-1s" => {
            return node.stop_within(Duration::from_secs(1)).await.map_or_else(|e| e.to_string(), |()| String::new());
        }
        _ => panic!("no such step: {step}"),
    };
    outcome.map_or_else(|error| Exit::from(error).to_string(), |()| String::new())
}

async fn over(app: Running<AppRef>, how: impl FnOnce(&Running<AppRef>)) -> String {
    how(&app);
    match app.join().await {
        Ok(()) => "joined".to_owned(),
        Err(reason) => reason.to_string().split(" at ").next().unwrap_or_default().to_owned(),
    }
}

#[greenroom::test]
async fn each_starts_after_those_it_needs() {
    check(&[
        ("start chat<storage", "application `chat` depends on `storage`, which is not running: start it first"),
        ("start storage", "+storage"),
        ("start chat<storage", "+chat"),
        ("start chat", "application `chat` is running already"),
        ("list", "storage chat"),
        ("halt", "-chat -storage"),
        ("start storage", "application `storage` cannot start: the node is stopping"),
        ("list", ""),
    ])
    .await;
    check(&[
        ("together web<chat chat<storage,log log storage", "+log +storage +chat +web"),
        ("halt", "-web -chat -storage -log"),
    ])
    .await;
    check(&[
        (
            "together a b<c c<b",
            "applications depend on each other in a cycle: `b` starts after `c`, `c` starts after `b`",
        ),
        ("together a a", "two applications have the name `a`"),
        ("together a b<x", "application `b` depends on `x`, which is not running: start it first"),
        ("start x", "+x"),
        ("together a x", "application `x` is running already"),
        ("together a b<x", "+a +b"),
        ("list", "x a b"),
    ])
    .await;
}

#[greenroom::test]
async fn a_start_that_fails_leaves_nothing_running() {
    check(&[
        ("start a:fails", "+a -a application `a` did not start: cannot start `tail`: no port"),
        ("list", ""),
        ("start a", "+a"),
        (
            "together b<a c<b d<c:fails e",
            "+b +c +d -d -c -b application `d` did not start: cannot start `tail`: no port",
        ),
        ("list", "a"),
        ("start b", "+b"),
    ])
    .await;
}

#[greenroom::test]
async fn a_start_whose_caller_left_continues() {
    check(&[("abandon a", "+a"), ("list", "a"), ("start b<a", "+b"), ("halt", "-b -a")]).await;
    check(&[
        ("abandon a:hangs:1s", "+a"),
        ("list", "a?"),
        ("start b<a", "application `b` depends on `a`, which is not running: start it first"),
        ("halt", ""),
    ])
    .await;
}

#[greenroom::test]
async fn a_stop_stops_the_applications_that_depend_on_it() {
    check(&[
        ("together a b<a c<b d", "+a +b +c +d"),
        ("stop b", "-c -b shutdown"),
        ("list", "a d"),
        ("start b<a:permanent", "+b"),
        ("stop b", "-b shutdown"),
        ("list", "a d"),
        ("halt", "-d -a"),
    ])
    .await;
}

#[greenroom::test]
async fn the_applications_kind_decides_the_nodes_reaction_to_its_end() {
    check(&[
        ("together a b<a:temporary", "+a +b"),
        ("crash b", "too many restarts, the last of `kid`: panicked"),
        ("start b:temporary", "+b"),
        ("finish b", "-b joined"),
        ("list", "a"),
    ])
    .await;
    check(&[
        ("together a b<a:transient c", "+a +b +c"),
        ("finish b", "-b joined"),
        ("list", "a c"),
        ("start b:transient", "+b"),
        ("crash b", "-c -a too many restarts, the last of `kid`: panicked"),
        ("list", ""),
    ])
    .await;
    check(&[("together a b<a:permanent c", "+a +b +c"), ("finish b", "-b -c -a joined"), ("list", "")]).await;
}

#[greenroom::test]
async fn processes_that_do_not_stop_in_time_are_killed_and_logged() {
    check(&[
        ("start a:stuck:1s", "+a"),
        ("start b<a:stuck:kill", "+b"),
        ("stop b", "killed"),
        ("stop a", "a is stuck killed"),
        ("list", ""),
    ])
    .await;
    check(&[
        ("together a b<a:stuck", "+a +b"),
        // Two supervisors, two children and the last child of a: that of b has stopped already.
        ("halt-in-1s", "b is stuck 5 processes were killed: not stopped within 1s"),
        ("list", ""),
    ])
    .await;
}

#[greenroom::test]
async fn a_run_inside_another_one_stops_its_node_in_order_before_the_outer_run_ends() {
    let shutdown = Shutdown::After(Duration::from_secs(1));
    let log = Log::default();
    let app = |word: &str| Part::read(word, &log).application();
    let inside = Node::local();
    let body = async {
        app("a").start().await?;
        let ends = app("b<a:permanent").start().await?;
        let run = inside.run(shutdown, async {
            app("c").start().await?;
            ends.tree().kid().finish();
            std::future::pending().await
        });
        run.await?;
        // The outer run is over as soon as the inner one is.
        std::future::pending().await
    };
    let outcome = Node::local().run(shutdown, body).await;
    assert_eq!(outcome, Err(Exit::error("application `b` ended: shutdown")));
    assert_eq!(log.take().join(" "), "+a +b +c -b -c -a");

    // The result of the inner run is that of the outer one.
    let inside = Node::local();
    let body = inside.run(shutdown, async { Err(Exit::error("no more")) });
    assert_eq!(Node::local().run(shutdown, body).await, Err(Exit::error("no more")));
}

#[greenroom::test]
async fn a_run_ends_with_its_body_or_with_a_permanent_application() -> greenroom::Result {
    let shutdown = Shutdown::After(Duration::from_secs(1));
    let log = Log::default();
    let app = |word: &str| Part::read(word, &log).application();

    let outcome = Node::local().run(shutdown, async { app("a").start().await.map(drop).map_err(Exit::from) }).await;
    assert_eq!((outcome, log.take().join(" ")), (Ok(()), "+a -a".to_owned()));

    let body = async {
        app("a").start().await?;
        Err(Exit::error("no more"))
    };
    assert_eq!(Node::local().run(shutdown, body).await, Err(Exit::error("no more")));
    assert_eq!(log.take().join(" "), "+a -a");

    // The body waits forever and is dropped at its await.
    let body = async {
        let guard = Guard(log.clone());
        app("a").start().await?;
        app("b<a:permanent").start().await?.tree().kid().finish();
        std::future::pending::<()>().await;
        drop(guard);
        Ok(())
    };
    let ended = Exit::error("application `b` ended: shutdown");
    assert_eq!(Node::local().run(shutdown, body).await, Err(ended));
    assert_eq!(log.take().join(" "), "+a +b -b dropped on nonode@nohost -a");

    let stuck = async { app("a:stuck").start().await.map(drop).map_err(Exit::from) };
    let outcome = Node::local().run(shutdown, stuck).await;
    assert_eq!(outcome, Err(Exit::error("2 processes were killed: not stopped within 1s")));
    log.take();
    let stuck = async { app("a:stuck").start().await.map(drop).map_err(Exit::from) };
    assert_eq!(Node::local().run(Shutdown::Kill, stuck).await, Ok(()));
    Ok(())
}

/// Records the node on which it is dropped.
struct Guard(Log);

impl Drop for Guard {
    fn drop(&mut self) {
        let here = Node::try_current().map(|node| node.name().to_string());
        self.0.note(format!("dropped on {}", here.unwrap_or_default()));
    }
}

#[greenroom::test]
async fn a_run_time_supervisor_can_be_an_application() -> greenroom::Result {
    let root = Supervisor::new(Strategy::OneForOne).name("Loose");
    let loose = Application::new("loose", root).start().await?;
    loose.tree().start_child("kid", greenroom::ChildSpec::once(Kid { part: Part::read("k", &Log::default()) })).await?;
    let info = Node::current().applications().remove(0);
    assert_eq!(info.supervisor.describe().await?.supervisor.path, "/Loose");
    // The name resolves only with the right protocol.
    assert!(Node::current().application::<AppRef>("loose").is_none());
    assert_eq!(loose.stop().await, Exit::shutdown());
    assert_eq!(loose.join().await, Ok(()));
    Ok(())
}
