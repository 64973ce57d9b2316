//! Supervised children on other nodes.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use greenroom::prelude::*;
use greenroom::testing::{Check, Cluster, Probe, pattern};
use greenroom::{
    ChildChange, ChildError, ChildEvent, ChildInfo, ChildSpec, ChildState, Restart, Shutdown, StartError, Strategy,
    Supervisor, SysError,
};
use serde::{Deserialize, Serialize};

/// A job that is rendered.
#[actor]
#[derive(Clone, Default, Serialize, Deserialize)]
struct Render {
    job: u64,
}

#[actor]
impl Render {
    #[init]
    fn begin(&mut self) -> Result<(), Exit> {
        match self.job {
            0 => Err(Exit::error("no job")),
            // As OTP's `ignore`.
            1 => Err(Exit::Normal),
            _ => Ok(()),
        }
    }

    #[call]
    fn place(&self) -> String {
        Node::current().name().to_string()
    }

    #[cast]
    fn fail(&mut self) -> Result<(), Exit> {
        Err(Exit::error("the job failed"))
    }

    #[cast]
    fn finish(&mut self) -> Result<(), Exit> {
        Err(Exit::Normal)
    }

    #[call]
    #[private]
    fn secret(&self) -> u64 {
        self.job
    }
}

/// The lines that children write, in the process of the test.
#[protocol]
#[derive(Debug)]
enum Log {
    Line(String),
    Stub(RenderRef),
    #[from]
    Down(Down),
    #[from]
    Child(ChildEvent),
}

/// An event.
#[derive(Serialize, Deserialize)]
struct Price(u64);

/// A child that traps exits, so that it cleans up, and takes some time for a message.
#[actor(trap_exit)]
#[derive(Clone, Serialize, Deserialize)]
struct Clerk {
    name: String,
    log: LogRef,
}

#[actor]
impl Clerk {
    #[init]
    fn begin(&mut self) {
        self.write("begins");
    }

    #[cast]
    async fn note(&mut self, text: String, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        self.write(&text);
    }

    #[from]
    fn price(&mut self, price: Price) {
        self.write(&format!("price {}", price.0));
    }

    #[cast]
    fn fail(&mut self) -> Result<(), Exit> {
        Err(Exit::error("the clerk failed"))
    }

    #[exit]
    fn exit(&mut self, signal: ExitSignal) {
        self.write(&format!("exit signal: {}", signal.reason));
    }

    #[terminate]
    fn close(&mut self, reason: &Exit) {
        self.write(&format!("ends: {reason}"));
    }

    fn write(&self, text: &str) {
        self.log.line(format!("{} {text}", self.name));
    }
}

/// A child with a bounded mailbox.
#[actor(mailbox = 2)]
#[derive(Clone, Default, Serialize, Deserialize)]
struct Till {
    sum: u64,
}

#[actor]
impl Till {
    #[cast]
    async fn pay(&mut self, cents: u64) {
        tokio::time::sleep(Duration::from_millis(10)).await;
        self.sum += cents;
    }

    #[call]
    fn sum(&self) -> u64 {
        self.sum
    }
}

/// The name of the node on which the next child starts.
type Choice = Arc<Mutex<String>>;

#[supervisor(intensity = 1000)]
struct Farm {
    node: Choice,
    #[child(start = Render { job: 7 }, on = self.node.lock().unwrap().clone())]
    first: Render,
    #[child(dynamic, restart = temporary, on = self.node.lock().unwrap().as_str())]
    jobs: Render,
    #[child(dynamic, restart = transient, on = &*self.node.lock().unwrap())]
    lasting: Render,
}

#[supervisor(strategy = rest_for_one)]
struct Office {
    log: LogRef,
    #[child(start = Clerk { name: "a".into(), log: self.log.clone() }, on = "n1@test")]
    a: Clerk,
    #[child(start = Clerk { name: "b".into(), log: self.log.clone() }, on = NodeName::new("n2@test").unwrap())]
    b: Clerk,
    #[child(start = Clerk { name: "c".into(), log: self.log.clone() }, shutdown = "2s", on = "n1@test")]
    c: Clerk,
}

#[supervisor]
struct Shop {
    #[child(on = "n1@test")]
    till: Till,
}

fn choice(node: &str) -> Choice {
    Arc::new(Mutex::new(node.to_owned()))
}

fn set(choice: &Choice, node: &str) {
    node.clone_into(&mut choice.lock().unwrap());
}

/// Runs the test with the first of three nodes as the current one.
async fn on_first<R>(test: impl AsyncFnOnce(Cluster) -> R) -> R {
    let cluster = Cluster::in_memory(3).export::<Render>().export::<Clerk>().export::<Till>().await;
    let node = cluster.node(0).clone();
    node.scope(test(cluster)).await
}

/// Returns the nodes of the children, in start order.
fn nodes(children: &[ChildInfo]) -> Vec<&str> {
    children.iter().map(|child| child.node().map_or("none", NodeName::as_str)).collect()
}

/// Takes this number of lines.
async fn lines(log: &mut Probe<Log>, count: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for _ in 0..count {
        lines.push(log.expect(pattern!(Log::Line(line) => line)).await);
    }
    lines
}

#[greenroom::test(expect_crash)]
async fn a_stub_follows_a_child_from_node_to_node() -> greenroom::Result {
    on_first(async |cluster: Cluster| {
        let node = choice("n1@test");
        let farm = Farm { node: Arc::clone(&node) }.start().await?;
        let first = farm.first();
        // The stub on a third node names the child's place in the tree.
        let mut third = Probe::<Log>::on(cluster.node(2));
        LogRef::register("third", &third.stub())?;
        LogRef::at("third", "n2@test").stub(first.clone());
        let far = third.expect(pattern!(Log::Stub(stub) => stub)).await;
        assert_eq!(first.place().await?, "n1@test");
        for next in ["n2@test", "n0@test", "n1@test"] {
            set(&node, next);
            let gone = first.ended();
            third.monitor(&far);
            far.place().await?;
            first.fail();
            assert_eq!(gone.await, Exit::error("the job failed"));
            third.expect(pattern!(Log::Down(Down { reason, .. }) if reason == Exit::error("the job failed"))).await;
            // Calls wait for the restart.
            assert_eq!((first.place().await?, far.place().await?), (next.to_owned(), next.to_owned()));
            let children = farm.children().await?;
            assert_eq!((nodes(&children)[0], children[0].state), (next, ChildState::Up));
        }
        Ok::<(), Exit>(())
    })
    .await
}

#[greenroom::test(expect_crash)]
async fn the_supervisor_names_the_process_on_the_other_node() -> greenroom::Result {
    on_first(async |cluster: Cluster| {
        let mut log = Probe::<Log>::new();
        let tree = Supervisor::new(Strategy::OneForOne).intensity(5).start().await?;
        tree.child_events(log.stub().recipient()).await?;
        let render = || Render { job: 7 }.on("n1@test");
        let stub: RenderRef = tree.start_child("render", ChildSpec::new(render)).await?;
        let there = cluster.node(1).processes()[0].clone();
        assert_eq!(nodes(&tree.children().await?), ["n1@test"]);
        assert_eq!(tree.children().await?[0].pid.as_ref(), Some(&there));
        let again: Result<RenderRef, _> = tree.start_child("render", ChildSpec::new(render)).await;
        assert_eq!(again, Err(ChildError::AlreadyStarted(there.clone())));
        let started = pattern!(Log::Child(event) => event.change);
        assert_eq!(log.expect(started).await, ChildChange::Started { pid: there.clone(), starts: 1 });
        assert!(tree.describe().await?.to_string().contains("└─ render <n1@test "));
        // The child is known by its process, and by the stub's.
        tree.terminate_child(there.clone()).await?;
        let exited = pattern!(Log::Child(event) => event.change);
        assert_eq!(log.expect(exited).await, ChildChange::Exited { pid: there, reason: Exit::shutdown() });
        assert_eq!(nodes(&tree.children().await?), ["none"]);
        let next = tree.restart_child("render").await?.expect("it runs");
        assert_eq!(next.node().as_str(), "n1@test");
        tree.terminate_child(stub.pid().expect("it runs")).await?;
        assert_eq!(cluster.node(1).process_count(), 0);
        Ok::<(), Exit>(())
    })
    .await
}

#[greenroom::test(expect_crash)]
async fn dynamic_children_start_on_the_node_that_is_named_then() -> greenroom::Result {
    on_first(async |cluster: Cluster| {
        let node = choice("n1@test");
        let farm = Farm { node: Arc::clone(&node) }.start().await?;
        let job = farm.jobs().start_child(Render { job: 8 }).await?;
        // A temporary child is one process, and its stub is that of the process.
        assert_eq!(
            (job.place().await?, job.pid().map(|pid| pid.node().to_string())),
            ("n1@test".into(), Some("n1@test".into()))
        );
        set(&node, "n2@test");
        let lasting = farm.lasting().start_child(Render { job: 9 }).await?;
        let made = farm.lasting().start_child_with(|| Render { job: 10 }).await?;
        set(&node, "n0@test");
        let local = farm.jobs().start_child(Render { job: 11 }).await?;
        assert_eq!(
            (lasting.place().await?, made.place().await?, local.place().await?),
            ("n2@test".into(), "n2@test".into(), "n0@test".into())
        );
        assert_eq!(nodes(&farm.jobs().children().await?), ["n1@test", "n0@test"]);
        assert_eq!(nodes(&farm.lasting().children().await?), ["n2@test", "n2@test"]);
        // A restart is a start.
        set(&node, "n1@test");
        for stub in [&lasting, &made] {
            let gone = stub.ended();
            stub.fail();
            gone.await;
            assert_eq!(stub.place().await?, "n1@test");
        }
        // Transient and temporary children that have ended are removed.
        for stub in [&lasting, &made, &job] {
            let gone = stub.ended();
            stub.finish();
            assert_eq!(gone.await, Exit::Normal);
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(nodes(&farm.lasting().children().await?), [""; 0]);
        assert_eq!(nodes(&farm.jobs().children().await?), ["n0@test"]);
        assert_eq!(cluster.node(1).process_count(), 1, "`first`");
        Ok::<(), Exit>(())
    })
    .await
}

#[greenroom::test(expect_crash)]
async fn each_reason_for_which_a_child_does_not_start_is_that_of_the_tree() -> greenroom::Result {
    on_first(async |cluster: Cluster| {
        let reason = async |node: &str| match (Farm { node: choice(node) }).start().await {
            Err(StartError { child, reason, .. }) => (child, reason),
            Ok(tree) => panic!("{tree:?}"),
        };
        assert_eq!(reason("n9@test").await, ("first".into(), Exit::NoConnection));
        let (_, invalid) = reason("nowhere").await;
        assert!(invalid.to_string().starts_with("not started on `nowhere`: invalid node name `nowhere`"), "{invalid}");
        let farm = Farm { node: choice("n1@test") }.start().await?;
        let started = |job| farm.jobs().start_child(Render { job });
        assert_eq!(started(0).await.unwrap_err(), ChildError::Start(Exit::error("no job")));
        // As OTP's `ignore`, this is not a failure.
        assert!(started(1).await?.pid().is_none());
        let lasting = farm.lasting().start_child(Render { job: 0 }).await;
        assert_eq!(lasting.unwrap_err(), ChildError::Start(Exit::error("no job")));
        // The node does not export the actor.
        let other = Cluster::in_memory(2).await;
        let tree = other.node(0).start_tree(Farm { node: choice("n1@test") }).await;
        let text = "not started on `n1@test`: the node does not export `Render`";
        assert_eq!(tree.unwrap_err().reason, Exit::error(text));
        assert_eq!(cluster.node(1).process_count(), 1, "`first`");
        Ok::<(), Exit>(())
    })
    .await
}

#[greenroom::test]
async fn an_expression_that_panics_is_a_failed_start() -> greenroom::Result {
    on_first(async |_: Cluster| {
        let node = choice("n1@test");
        let farm = Farm { node: Arc::clone(&node) }.start().await?;
        let poisoned = std::thread::spawn(move || {
            let _held = node.lock().unwrap();
            panic!("on purpose");
        });
        assert!(poisoned.join().is_err());
        let failed = farm.jobs().start_child(Render { job: 8 }).await;
        assert!(matches!(&failed, Err(ChildError::Start(Exit::Panic { .. }))), "{failed:?}");
        let failed = farm.lasting().start_child(Render { job: 8 }).await;
        assert!(matches!(&failed, Err(ChildError::Start(Exit::Panic { .. }))), "{failed:?}");
        assert_eq!(nodes(&farm.children().await?), ["n1@test", "n0@test", "n0@test"]);
        Ok::<(), Exit>(())
    })
    .await
}

#[greenroom::test(expect_crash)]
async fn a_supervisor_whose_child_finds_no_node_gives_up() -> greenroom::Result {
    on_first(async |cluster: Cluster| {
        let node = choice("n1@test");
        let farm = Farm { node: Arc::clone(&node) }.start().await?;
        let ended = farm.ended();
        set(&node, "n9@test");
        farm.first().fail();
        assert_eq!(ended.await, Exit::shutdown());
        assert!(matches!(
            farm.first().place().await,
            Err(CallError { kind: CallErrorKind::Exit(Exit::NoConnection) | CallErrorKind::NoProc, .. })
        ));
        assert_eq!((cluster.node(0).process_count(), cluster.node(1).process_count()), (0, 0));
        Ok::<(), Exit>(())
    })
    .await
}

#[greenroom::test]
async fn children_stop_in_reverse_order_with_the_messages_that_came_before() -> greenroom::Result {
    on_first(async |cluster: Cluster| {
        let mut log = Probe::<Log>::new();
        let office = Office { log: log.stub() }.start().await?;
        assert_eq!(lines(&mut log, 3).await, ["a begins", "b begins", "c begins"]);
        office.b().note("one".into(), 1);
        office.b().note("two".into(), 1);
        // More than its `shutdown` allows.
        office.c().note("never".into(), 60);
        let began = tokio::time::Instant::now();
        assert_eq!(office.stop().await, Exit::shutdown());
        assert_eq!(lines(&mut log, 4).await, ["b one", "b two", "b ends: shutdown", "a ends: shutdown"]);
        assert_eq!(began.elapsed().as_secs(), 2, "that of `c`");
        log.expect_nothing(Duration::from_secs(60)).await;
        assert_eq!((cluster.node(1).process_count(), cluster.node(2).process_count()), (0, 0));
        Ok::<(), Exit>(())
    })
    .await
}

#[greenroom::test(expect_crash)]
async fn a_strategy_restarts_children_of_all_nodes() -> greenroom::Result {
    on_first(async |_: Cluster| {
        let mut log = Probe::<Log>::new();
        let office = Office { log: log.stub() }.start().await?;
        lines(&mut log, 3).await;
        office.b().fail();
        let expected = ["b ends: the clerk failed", "c ends: shutdown", "b begins", "c begins"];
        assert_eq!(lines(&mut log, 4).await, expected);
        office.stop().await;
        Ok::<(), Exit>(())
    })
    .await
}

#[greenroom::test]
async fn signals_and_events_reach_the_process() -> greenroom::Result {
    on_first(async |_: Cluster| {
        let mut log = Probe::<Log>::new();
        let office = Office { log: log.stub() }.start().await?;
        lines(&mut log, 3).await;
        let a = office.a();
        a.recipient::<Price>().send(Price(7)).await?;
        assert_eq!(lines(&mut log, 1).await, ["a price 7"]);
        // It traps exits.
        a.exit(Exit::error("hello"));
        assert_eq!(lines(&mut log, 1).await, ["a exit signal: hello"]);
        assert!(a.is_alive());
        // A stop comes after the messages that were sent before.
        a.note("last".into(), 1);
        assert_eq!(a.stop(Exit::error("enough")).await, Exit::error("enough"));
        assert_eq!(lines(&mut log, 2).await, ["a last", "a ends: enough"]);
        let expected = ["c ends: shutdown", "b ends: shutdown", "a begins", "b begins", "c begins"];
        assert_eq!(lines(&mut log, 5).await, expected);
        // It cannot be killed without its process.
        let killed = office.b().ended();
        office.b().exit(Exit::kill());
        assert_eq!(killed.await, Exit::Killed);
        Ok::<(), Exit>(())
    })
    .await
}

#[greenroom::test]
async fn what_cannot_be_sent_is_an_error() -> greenroom::Result {
    on_first(async |cluster: Cluster| {
        let farm = Farm { node: choice("n1@test") }.start().await?;
        let lost = cluster.node(0).counters().lost_messages;
        let failed = farm.first().secret().await.unwrap_err();
        assert!(matches!(failed.kind, CallErrorKind::Encode(_)), "{failed:?}");
        assert_eq!(cluster.node(0).counters().lost_messages, lost + 1);
        assert_eq!(farm.first().sys().suspend().await, Err(SysError::Elsewhere));
        assert_eq!(farm.first().place().await?, "n1@test");
        Ok::<(), Exit>(())
    })
    .await
}

#[greenroom::test]
async fn awaited_messages_to_a_full_mailbox_are_not_lost() -> greenroom::Result {
    on_first(async |_: Cluster| {
        let shop = Shop {}.start().await?;
        for _ in 0..100 {
            shop.till().pay(1).await?;
        }
        assert_eq!(shop.till().sum().await?, 100);
        Ok::<(), Exit>(())
    })
    .await
}

#[greenroom::test]
async fn the_children_of_a_killed_supervisor_end_with_it() -> greenroom::Result {
    on_first(async |cluster: Cluster| {
        let mut log = Probe::<Log>::new();
        let office = Office { log: log.stub() }.start().await?;
        let farm = Farm { node: choice("n2@test") }.start().await?;
        lines(&mut log, 3).await;
        office.supervisor().exit(Exit::kill());
        farm.supervisor().exit(Exit::kill());
        let ended: BTreeSet<_> = lines(&mut log, 3).await.into_iter().collect();
        assert_eq!(ended, ["a ends: killed", "b ends: killed", "c ends: killed"].map(str::to_owned).into());
        tokio::time::sleep(Duration::from_secs(1)).await;
        let counts: Vec<_> = (0..3).map(|node| cluster.node(node).process_count()).collect();
        assert_eq!(counts, [1, 0, 0], "the probe");
        Ok::<(), Exit>(())
    })
    .await
}

#[greenroom::test(expect_crash)]
async fn the_children_of_a_lost_supervisor_end() -> greenroom::Result {
    on_first(async |cluster: Cluster| {
        let tree = Office { log: LogRef::at("nowhere", "n1@test") };
        let entered = cluster.node(0).enter();
        let started = tree.start();
        drop(entered);
        started.await?;
        assert_eq!((cluster.node(1).process_count(), cluster.node(2).process_count()), (2, 1));
        cluster.crash(0);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!((cluster.node(1).process_count(), cluster.node(2).process_count()), (0, 0));
        Ok::<(), Exit>(())
    })
    .await
}

#[greenroom::test]
async fn a_lost_node_is_a_lost_child() -> greenroom::Result {
    on_first(async |cluster: Cluster| {
        let node = choice("n1@test");
        let farm = Farm { node: Arc::clone(&node) }.start().await?;
        let job = farm.jobs().start_child(Render { job: 8 }).await?;
        let lasting = farm.lasting().start_child(Render { job: 9 }).await?;
        set(&node, "n2@test");
        let ended = (farm.first().ended(), lasting.ended(), job.ended());
        cluster.partition([0], [1]);
        assert_eq!(
            (ended.0.await, ended.1.await, ended.2.await),
            (Exit::NoConnection, Exit::NoConnection, Exit::NoConnection)
        );
        assert_eq!((farm.first().place().await?, lasting.place().await?), ("n2@test".into(), "n2@test".into()));
        assert_eq!(nodes(&farm.jobs().children().await?), [""; 0]);
        // The other side of the partition is left by the children, too.
        assert_eq!(cluster.node(1).process_count(), 0);
        Ok::<(), Exit>(())
    })
    .await
}

#[greenroom::test]
async fn a_supervisor_answers_and_stops_while_a_node_is_silent() -> greenroom::Result {
    on_first(async |cluster: Cluster| {
        let tree = Supervisor::new(Strategy::OneForOne).start().await?;
        let lasting = ChildSpec::<RenderRef>::new(|| Render { job: 7 }.on("n1@test")).restart(Restart::Temporary);
        tree.start_child("lasting", lasting).await?;
        cluster.stall([0], [1]);
        // Never answered: the tree is stopped first.
        let spec = ChildSpec::<RenderRef>::new(|| Render { job: 7 }.on("n1@test")).shutdown(Shutdown::Kill);
        let starter = tree.clone();
        let starting = tokio::spawn(async move { starter.start_child("next", spec).await });
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(tree.children().await?.len(), 2);
        assert_eq!(tree.stop().await, Exit::shutdown());
        assert!(starting.await?.is_err());
        assert_eq!(cluster.node(0).process_count(), 0);
        Ok::<(), Exit>(())
    })
    .await
}

/// Starts, fails and stops children on other nodes until it is ended.
async fn use_farm(farm: FarmRef, node: Choice) -> Result<(), Exit> {
    for turn in 0_usize.. {
        set(&node, ["n1@test", "n2@test", "n0@test"][turn % 3]);
        let job = farm.jobs().start_child(Render { job: 8 }).await;
        let lasting = farm.lasting().start_child(Render { job: 9 }).await;
        if let (0, Ok(lasting)) = (turn % 2, &lasting) {
            lasting.fail();
        }
        if let (0, Ok(job)) = (turn % 5, &job) {
            job.finish();
        }
        farm.first().fail();
        // Fails once the farm has given up.
        farm.children().await?;
        tokio::time::sleep(Duration::from_micros(300)).await;
    }
    Ok(())
}

/// Whatever happens to the supervisor, to a connection or to a node, at any step: the tree stops, and no process is left.
#[test]
fn no_child_is_left_by_a_supervisor_that_is_gone() {
    let scenario = async |cluster: Cluster, seed: u64| {
        let node = choice("n1@test");
        let entered = cluster.node(0).enter();
        let starting = Farm { node: Arc::clone(&node) }.start();
        drop(entered);
        let farm = starting.await.unwrap();
        let user = tokio::spawn(cluster.node(0).scope(use_farm(farm.clone(), node)));
        tokio::time::sleep(Duration::from_micros(seed * 137 % 20_000)).await;
        match seed % 6 {
            0 => farm.supervisor().exit(Exit::kill()),
            1 => cluster.partition([0], [1]),
            2 => cluster.crash(1),
            3 => cluster.crash(0),
            4 => cluster.stall([0], [1, 2]),
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(seed % 3)).await;
        user.abort();
        if !cluster.is_down(0) {
            farm.stop().await;
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
        for node in (0..3).filter(|node| !cluster.is_down(*node)) {
            assert_eq!(cluster.node(node).process_count(), 0, "on node {node}");
        }
    };
    Check::nodes(3).export::<Render>().state(|seed| seed).run(0..60, scenario);
}
