//! Processes that are started on other nodes.

use greenroom::SpawnError;
use greenroom::prelude::*;
use greenroom::testing::{Check, Cluster, Probe, pattern};
use serde::{Deserialize, Serialize};

/// A job that is started by value.
#[actor]
#[derive(Clone, Serialize, Deserialize)]
struct Render {
    job: u64,
    /// Notified when it begins.
    watcher: Option<WatcherRef>,
}

#[actor]
impl Render {
    #[init]
    fn begin(&mut self) -> Result<(), Exit> {
        if let Some(watcher) = &self.watcher {
            watcher.began(self.job);
        }
        match self.job {
            0 => Err(Exit::error("no job")),
            1 => panic!("a bad job"),
            _ => Ok(()),
        }
    }

    #[call]
    fn frame(&self, number: u64) -> u64 {
        self.job * number
    }

    #[call]
    fn place(&self) -> String {
        Node::current().name().to_string()
    }

    #[cast]
    fn fail(&mut self) -> Result<(), Exit> {
        Err(Exit::error("the job failed"))
    }
}

/// The messages to the process that starts others.
#[protocol]
enum Watcher {
    Began(u64),
    #[from]
    Down(Down),
    #[from]
    Exit(ExitSignal),
}

fn job(job: u64) -> Render {
    Render { job, watcher: None }
}

/// An actor that cannot be sent, and is made by its constructors.
#[actor]
struct Store {
    entries: Vec<String>,
    _file: std::sync::mpsc::Sender<u8>,
}

#[actor]
impl Store {
    #[init]
    async fn open(first: String) -> Result<Store, Exit> {
        if first.is_empty() {
            Err("an empty entry")?;
        }
        Ok(Store { entries: vec![first], _file: std::sync::mpsc::channel().0 })
    }

    /// Takes an argument that cannot be sent.
    #[init]
    fn adopt(file: std::sync::mpsc::Sender<u8>) -> Store {
        Store { entries: vec![], _file: file }
    }

    #[call]
    fn entries(&self) -> Vec<String> {
        self.entries.clone()
    }
}

/// A server that traps exits.
#[actor(trap_exit)]
#[derive(Serialize, Deserialize)]
struct Careful {
    watcher: WatcherRef,
}

#[actor]
impl Careful {
    #[exit]
    fn exit(&mut self, _: ExitSignal) {
        self.watcher.began(1);
    }

    #[terminate]
    fn close(&mut self, _: &Exit) {
        self.watcher.began(2);
    }
}

/// A generic actor.
#[actor]
#[derive(Serialize, Deserialize)]
struct Pair<T> {
    values: (T, T),
}

#[actor]
impl<T: Clone> Pair<T> {
    #[call]
    fn first(&self) -> T {
        self.values.0.clone()
    }
}

/// Another release of the actors.
mod other {
    use super::*;

    #[actor]
    #[derive(Serialize, Deserialize)]
    pub(super) struct Render {
        #[serde(default)]
        pub(super) priority: u8,
        pub(super) job: u32,
        pub(super) watcher: Option<WatcherRef>,
    }

    #[actor]
    impl Render {
        #[call]
        pub(super) fn frame(&self, number: u64) -> u64 {
            u64::from(self.job) * number
        }
    }

    #[actor]
    pub(super) struct Store;

    #[actor]
    impl Store {
        #[init]
        pub(super) fn open(first: u64) -> Store {
            let _ = first;
            Store
        }

        #[init]
        pub(super) fn open_all() -> Store {
            Store
        }

        #[call]
        pub(super) fn entries(&self) -> Vec<String> {
            vec![]
        }
    }
}

/// Runs the test with the first of two nodes as the current one.
async fn on_first<R>(test: impl AsyncFnOnce(Cluster) -> R) -> R {
    let cluster = Cluster::in_memory(2).export::<Render>().export::<Store>().export::<Pair<u8>>();
    let cluster = cluster.export::<Careful>().await;
    let node = cluster.node(0).clone();
    node.scope(test(cluster)).await
}

#[greenroom::test]
async fn a_process_is_started_from_a_value_or_by_a_constructor() -> greenroom::Result {
    on_first(async |cluster: Cluster| {
        let render = job(7).spawn_on("n1@test").await?;
        assert_eq!((render.frame(6).await?, render.place().await?.as_str()), (42, "n1@test"));
        let store = Store::open("tea".into()).start_on("n1@test").await?;
        assert_eq!(store.entries().await?, ["tea"]);
        let pair = Pair { values: (3_u8, 4) }.start_on("n1@test").await?;
        assert_eq!(pair.first().await?, 3);
        // On the caller's own node no export is needed.
        let render = Pair { values: (String::from("a"), String::new()) }.start_on("n0@test").await?;
        assert_eq!(render.first().await?, "a");
        assert_eq!((cluster.node(0).process_count(), cluster.node(1).process_count()), (1, 3));
        Ok::<(), Exit>(())
    })
    .await
}

#[greenroom::test]
async fn each_reason_for_which_no_process_starts_is_an_error_of_its_own() {
    on_first(async |cluster: Cluster| {
        let refused = Pair { values: (1_u16, 2) }.spawn_on("n1@test").await.unwrap_err();
        assert_eq!(refused, SpawnError::NotExported("Pair<u16>".into()));
        assert_eq!(refused.to_string(), "the node does not export `Pair<u16>`");
        let refused = other::Store::open_all().spawn_on("n1@test").await.unwrap_err();
        assert_eq!(refused, SpawnError::UnknownConstructor("Store::open_all".into()));
        let refused = other::Store::open(5).start_on("n1@test").await.unwrap_err();
        let difference = "`Store`: field `first`: u64 was sent, String is expected";
        assert_eq!(refused, SpawnError::Incompatible(difference.into()));
        assert_eq!(job(7).spawn_on("n7@test").await.map(drop), Err(SpawnError::NoConnection));
        assert!(matches!(job(7).spawn_on("nowhere").await, Err(SpawnError::Name(_))));
        let text = |error: SpawnError| error.to_string();
        let refused = Store::open(String::new()).start_on("n1@test").await.map(drop).map_err(text);
        assert_eq!(refused, Err("cannot start: an empty entry".into()));
        assert_eq!(cluster.node(1).process_count(), 0);
        assert_eq!(cluster.node(1).counters().lost_messages, 3, "refused requests are counted");
    })
    .await;
}

#[greenroom::test(expect_crash)]
async fn the_error_of_an_init_is_that_of_the_starter() {
    on_first(async |_: Cluster| {
        let reason = |result: Result<RenderRef, SpawnError>| match result {
            Err(SpawnError::Start(error)) => error.reason,
            other => panic!("{other:?}"),
        };
        assert_eq!(reason(job(0).start_on("n1@test").await), Exit::error("no job"));
        let panicked = reason(job(1).start_on("n1@test").await);
        assert!(matches!(&panicked, Exit::Panic { message, .. } if **message == *"a bad job"), "{panicked:?}");
        // `spawn_on` does not wait for it.
        let render = job(0).spawn_on("n1@test").await.unwrap();
        assert!(matches!(render.ended().await, Exit::NoProc | Exit::Error { .. }));
    })
    .await;
}

#[greenroom::test(expect_crash)]
async fn a_monitor_and_a_link_exist_before_the_process_runs() -> greenroom::Result {
    on_first(async |cluster: Cluster| {
        // The frames arrive one after the other, with time between them in which the process can run.
        cluster.throttle(0, 1, 10_000);
        let starter = greenroom::spawn(|mut cx: Mailbox<Watcher>| async move {
            // It fails at once. Its reason arrives, and not that there is no such process.
            let (_, watch) = job(0).spawn_monitor_on(&mut cx, "n1@test").await?;
            receive!(match cx {
                Watcher::Down(Down { monitor, reason, .. }) => {
                    assert_eq!((monitor, reason), (watch, Exit::error("no job")));
                }
            });
            let (stub, watch) = job(5).start_monitor_on(&mut cx, "n1@test").await?;
            stub.fail();
            receive!(match cx {
                Watcher::Down(Down { monitor, reason, .. }) => {
                    assert_eq!((monitor, reason), (watch, Exit::error("the job failed")));
                }
            });
            // A start that fails leaves no monitor.
            assert!(matches!(job(0).start_monitor_on(&mut cx, "n1@test").await, Err(SpawnError::Start(_))));
            job(6).spawn_link_on(&mut cx, "n1@test").await?.fail();
            receive!(match cx {
                Watcher::Began(_) => {}
            });
            Ok::<(), Exit>(())
        });
        assert_eq!(starter.ended().await, Exit::error("the job failed"), "over the link");
        assert_eq!(cluster.node(1).process_count(), 0);
        Ok::<(), Exit>(())
    })
    .await
}

#[greenroom::test]
async fn a_linked_process_ends_with_its_starter_and_a_spawned_one_does_not() -> greenroom::Result {
    on_first(async |_: Cluster| {
        let mut starter = Probe::<Watcher>::new();
        let linked = job(5).start_link_on(&mut starter, "n1@test").await?;
        let spawned = job(6).start_on("n1@test").await?;
        starter.end(Exit::error("gone")).await;
        assert!(matches!(linked.ended().await, Exit::Error { .. } | Exit::NoProc));
        assert_eq!(spawned.frame(2).await?, 12);
        Ok::<(), Exit>(())
    })
    .await
}

/// The starter is the parent, as on one node.
#[greenroom::test(expect_crash)]
async fn a_server_that_traps_exits_stops_with_its_starter() -> greenroom::Result {
    on_first(async |cluster: Cluster| {
        let (mut watcher, mut starter) = (Probe::<Watcher>::new(), Probe::<Watcher>::new());
        let careful = Careful { watcher: watcher.stub() }.start_link_on(&mut starter, "n1@test").await?;
        // That of another process is a message.
        careful.exit(Exit::error("hello"));
        watcher.expect(pattern!(Watcher::Began(1))).await;
        starter.end(Exit::error("gone")).await;
        watcher.expect(pattern!(Watcher::Began(2))).await;
        let mut starter = Probe::<Watcher>::new();
        Careful { watcher: watcher.stub() }.spawn_link_on(&mut starter, "n1@test").await?;
        cluster.partition(0, 1);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(cluster.node(1).process_count(), 0);
        Ok::<(), Exit>(())
    })
    .await
}

#[greenroom::test]
async fn a_start_that_is_given_up_runs_nothing() -> greenroom::Result {
    on_first(async |cluster: Cluster| {
        let mut watcher = Probe::<Watcher>::new();
        let stub = watcher.stub();
        let job = || Render { job: 7, watcher: Some(stub.clone()) };
        // Never polled, and polled once.
        drop(job().spawn_on("n1@test"));
        let polled = job().start_on("n1@test");
        tokio::select! {
            biased;
            _ = polled => panic!("it cannot be there yet"),
            () = async {} => {}
        }
        watcher.expect_nothing(Duration::from_secs(60)).await;
        assert_eq!(cluster.node(1).process_count(), 0);
        job().start_on("n1@test").await?;
        watcher.expect(pattern!(Watcher::Began(7))).await;
        Ok::<(), Exit>(())
    })
    .await
}

#[greenroom::test]
async fn arguments_of_another_release_are_read_by_name() -> greenroom::Result {
    on_first(async |_: Cluster| {
        let render = other::Render { priority: 3, job: 7, watcher: None }.start_on("n1@test").await?;
        assert_eq!(render.frame(6).await?, 42);
        Ok::<(), Exit>(())
    })
    .await
}

#[greenroom::test]
async fn many_starts_at_once() -> greenroom::Result {
    const COUNT: u64 = 2_000;
    on_first(async |cluster: Cluster| {
        let starts: Vec<_> = (2..COUNT + 2).map(|number| job(number).spawn_on("n1@test")).collect();
        let mut sum = 0;
        for start in starts {
            sum += start.await?.frame(1).await?;
        }
        assert_eq!(sum, (2..COUNT + 2).sum::<u64>());
        assert_eq!(cluster.node(1).process_count(), COUNT as usize);
        Ok::<(), Exit>(())
    })
    .await
}

/// Starts linked processes until it is ended.
async fn starter(mut cx: Mailbox<Watcher>) -> Result<(), Exit> {
    let me = cx.me();
    let mut started = 0;
    loop {
        let job = Render { job: 2 + started, watcher: Some(me.clone()) };
        match started % 3 {
            0 => drop(job.spawn_link_on(&mut cx, "n1@test").await?),
            1 => drop(job.start_link_on(&mut cx, "n1@test").await?),
            _ => {
                let (stub, _) = job.spawn_monitor_on(&mut cx, "n1@test").await?;
                cx.link(&stub);
            }
        }
        started += 1;
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
}

/// Whatever happens to the starter, to the connection or to either node, at any step: each start ends, and no process is
/// left behind.
#[test]
fn no_process_is_left_by_a_starter_that_is_gone() {
    let scenario = async |cluster: Cluster, seed: u64| {
        let entered = cluster.node(0).enter();
        let starters: Vec<_> = (0..3).map(|_| greenroom::spawn(starter)).collect();
        drop(entered);
        tokio::time::sleep(Duration::from_micros(seed * 137 % 20_000)).await;
        match seed % 4 {
            0 => starters.iter().for_each(|starter| starter.exit(Exit::error("gone"))),
            1 => cluster.partition([0], [1]),
            2 => cluster.crash(1),
            _ => cluster.crash(0),
        }
        if !cluster.is_down(0) {
            for starter in &starters {
                starter.ended().await;
            }
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
        for node in (0..2).filter(|node| !cluster.is_down(*node)) {
            assert_eq!(cluster.node(node).process_count(), 0, "on node {node}");
        }
    };
    Check::nodes(2).export::<Render>().state(|seed| seed).run(0..40, scenario);
}

/// Over sockets and on two threads: the process can run at any moment once its gate is open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reason_of_a_process_that_fails_at_once_always_arrives() {
    let cookie = Cookie::random().unwrap();
    let builder = |name| Node::builder(name).cookie(cookie.clone());
    let far = builder("far@test").listen("127.0.0.1:0").export::<Render>().start().await.unwrap();
    let near = builder("near@test").seed(far.address().unwrap()).start().await.unwrap();
    let entered = near.enter();
    let starter = greenroom::spawn(|mut cx: Mailbox<Watcher>| async move {
        for _ in 0..500 {
            let (_, watch) = job(0).spawn_monitor_on(&mut cx, "far@test").await?;
            receive!(match cx {
                Watcher::Down(Down { monitor, reason, .. }) if monitor == watch => {
                    assert_eq!(reason, Exit::error("no job"));
                }
            });
        }
        Ok::<(), Exit>(())
    });
    drop(entered);
    assert_eq!(starter.ended().await, Exit::Normal);
    near.stop().await;
    far.stop().await;
}
