//! Operations on a child in its restart gap, other than messages: each waits, or ends by a documented rule.
//!
//! The gap lasts from the end of an incarnation to the success of the next start.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context as Task, Poll, Waker};

use greenroom::prelude::*;
use greenroom::testing::Cluster;
use greenroom::{ChildSpec, NameError, Node, Strategy, Subject, SupervisionRef, Supervisor, SysError};

use crate::scripted::{act, settle};

const BACKOFF: Duration = Duration::from_secs(10);

/// The next starts of a worker, shared by its incarnations. Without an entry a start succeeds at once.
#[derive(Clone, Default)]
struct Starts(Arc<Mutex<Vec<Start>>>);

#[derive(Clone, Copy)]
enum Start {
    /// Takes this time.
    Slow(Duration),
    /// Takes this time, then fails.
    Fails(Duration),
}

impl Starts {
    fn plan(&self, starts: impl IntoIterator<Item = Start>) {
        self.0.lock().unwrap().extend(starts);
    }

    async fn next(&self) -> Result<(), Exit> {
        let next = { self.0.lock().unwrap().pop() };
        match next {
            None => Ok(()),
            Some(Start::Slow(time)) => {
                tokio::time::sleep(time).await;
                Ok(())
            }
            Some(Start::Fails(time)) => {
                tokio::time::sleep(time).await;
                Err(Exit::error("no power"))
            }
        }
    }
}

#[protocol]
enum Job {
    Count { reply: Reply<u32> },
    Fail { with: String },
}

/// A process with a protocol of its own.
#[actor(protocol = Job)]
struct Press {
    starts: Starts,
}

impl Process for Press {
    async fn init(&mut self, _: &mut Context<Self>) -> Result<(), Exit> {
        self.starts.next().await
    }

    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        let mut count = 0;
        loop {
            receive!(match cx {
                Job::Count { reply } => {
                    count += 1;
                    reply.send(count);
                }
                Job::Fail { with } => return Err(Exit::error(with)),
            });
        }
    }
}

/// A server.
#[actor(sys)]
#[derive(Debug)]
struct Lathe;

#[actor]
impl Lathe {
    #[call]
    fn count(&mut self) -> u32 {
        1
    }

    #[cast]
    fn fail(&mut self, with: String) -> Result<(), Exit> {
        Err(Exit::error(with))
    }
}

struct Shop {
    tree: SupervisionRef,
    starts: Starts,
    press: JobRef,
}

impl Shop {
    /// A tree whose child is restarted after a pause.
    async fn with_backoff() -> Shop {
        Shop::start(|spec| spec.backoff(BACKOFF, BACKOFF)).await
    }

    async fn start(options: impl FnOnce(ChildSpec<JobRef>) -> ChildSpec<JobRef>) -> Shop {
        Shop::start_on(&Node::current(), options).await
    }

    async fn start_on(node: &Node, options: impl FnOnce(ChildSpec<JobRef>) -> ChildSpec<JobRef>) -> Shop {
        let starts = Starts::default();
        let shared = starts.clone();
        let spec = options(ChildSpec::new(move || Press { starts: shared.clone() }));
        let tree = Supervisor::new(Strategy::OneForOne).name("Shop").intensity(5).child("press", spec);
        let tree = tree.period(Duration::from_secs(600));
        let tree = node.start_supervisor(tree).await.unwrap();
        let press = tree.find_child("press").await.unwrap();
        Shop { tree, starts, press }
    }

    /// Ends the running incarnation, and returns within the restart gap.
    async fn fail(&self, with: &str) {
        self.press.fail(with.into());
        settle().await;
    }

    /// Waits until the child's start has succeeded.
    async fn restarted(&self) {
        assert_eq!(self.press.count().within(2 * BACKOFF).await, Ok(1));
    }
}

/// Returns whether the future is ready now.
fn is_ready<F: Future>(future: &mut std::pin::Pin<&mut F>) -> bool {
    matches!(future.as_mut().poll(&mut Task::from_waker(Waker::noop())), Poll::Ready(_))
}

#[greenroom::test]
async fn a_child_in_its_gap_has_no_pid_and_is_not_alive() {
    let shop = Shop::with_backoff().await;
    let first = shop.press.pid().unwrap();
    assert!(shop.press.is_alive());
    shop.starts.plan([Start::Slow(BACKOFF)]);
    shop.fail("jam").await;
    assert_eq!((shop.press.pid(), shop.press.is_alive()), (None, false), "during the pause");
    assert_eq!(format!("{:?}", shop.press), "JobRef(<nonode@nohost /Shop/press restarting>)");
    tokio::time::sleep(BACKOFF + BACKOFF / 2).await;
    assert_eq!((shop.press.pid(), shop.press.is_alive()), (None, false), "during the start");
    tokio::time::sleep(BACKOFF).await;
    assert!(shop.press.is_alive());
    assert!(shop.press.pid().unwrap() > first);
}

#[greenroom::test]
async fn an_exit_signal_in_the_gap_is_dropped() {
    let shop = Shop::with_backoff().await;
    shop.fail("jam").await;
    shop.press.exit(Exit::Kill);
    shop.restarted().await;
    assert_eq!(shop.tree.children().await.unwrap()[0].starts, 2);
}

#[greenroom::test]
async fn an_exit_signal_during_a_start_ends_that_start() {
    let shop = Shop::with_backoff().await;
    shop.starts.plan([Start::Slow(Duration::from_secs(3_600))]);
    shop.fail("jam").await;
    tokio::time::sleep(2 * BACKOFF).await;
    shop.press.exit(Exit::Kill);
    shop.restarted().await;
}

#[greenroom::test]
async fn a_stop_in_the_gap_returns_the_last_reason_at_once() {
    let shop = Shop::with_backoff().await;
    shop.fail("jam").await;
    let begin = tokio::time::Instant::now();
    assert_eq!(shop.press.stop(Exit::Normal).await, Exit::error("jam"));
    assert_eq!(begin.elapsed(), Duration::ZERO);
    // The supervisor restarts the child all the same.
    shop.restarted().await;
    // A stop concerns the incarnation that is starting.
    shop.starts.plan([Start::Slow(Duration::from_secs(3_600))]);
    shop.fail("again").await;
    tokio::time::sleep(2 * BACKOFF).await;
    assert_eq!(shop.press.stop(Exit::error("too slow")).await, Exit::error("too slow"));
    shop.restarted().await;
    // Without a restart in view there is no process.
    shop.tree.terminate_child("press").await.unwrap();
    assert_eq!(shop.press.stop(Exit::Normal).await, Exit::NoProc);
}

#[greenroom::test]
async fn ended_in_the_gap_waits_for_the_end_of_the_next_incarnation() {
    let shop = Shop::with_backoff().await;
    // The start that fails and the slow one are parts of the gap.
    shop.starts.plan([Start::Slow(BACKOFF / 2), Start::Fails(BACKOFF / 2)]);
    shop.fail("first").await;
    let mut paused = pin!(shop.press.ended());
    tokio::time::sleep(BACKOFF + BACKOFF / 4).await;
    let mut failing = pin!(shop.press.ended());
    tokio::time::sleep(BACKOFF / 2).await;
    assert!(!is_ready(&mut paused) && !is_ready(&mut failing), "a start failed");
    shop.restarted().await;
    let running = shop.press.ended();
    assert!(!is_ready(&mut paused) && !is_ready(&mut failing), "the next incarnation runs");
    shop.fail("second").await;
    assert_eq!((paused.await, failing.await, running.await), (error("second"), error("second"), error("second")));
}

fn error(text: &str) -> Exit {
    Exit::error(text)
}

/// The `Down`s of a process that monitors a child `times` times, now and after each `Down`.
fn watch(node: &Node, child: &JobRef, times: usize) -> Arc<Mutex<Vec<(Subject, Exit)>>> {
    let downs = Arc::<Mutex<Vec<_>>>::default();
    let (seen, child) = (Arc::clone(&downs), child.clone());
    node.spawn(act(move |cx| {
        Box::pin(async move {
            for _ in 0..times {
                let monitor = cx.monitor(&child);
                let down = receive!(match cx {
                    crate::scripted::Letter::Down(down) => down,
                });
                assert_eq!(down.monitor, monitor);
                seen.lock().unwrap().push((down.target, down.reason));
            }
            std::future::pending().await
        })
    }));
    downs
}

fn reasons(downs: &Mutex<Vec<(Subject, Exit)>>) -> Vec<Exit> {
    downs.lock().unwrap().iter().map(|(_, reason)| reason.clone()).collect()
}

#[greenroom::test]
async fn a_monitor_in_the_gap_is_attached_to_the_next_incarnation() {
    let shop = Shop::with_backoff().await;
    shop.starts.plan([Start::Slow(BACKOFF / 2), Start::Fails(BACKOFF / 2)]);
    shop.fail("first").await;
    let downs = watch(&Node::current(), &shop.press, 1);
    tokio::time::sleep(BACKOFF * 3 / 2).await;
    assert_eq!(reasons(&downs), []);
    shop.restarted().await;
    assert_eq!(reasons(&downs), []);
    let pid = shop.press.pid().unwrap();
    assert_eq!(Node::current().process_info(&pid).unwrap().monitored_by.len(), 1);
    shop.fail("second").await;
    let path = Subject::Name("/Shop/press".into(), Node::current().name().clone());
    assert_eq!(*downs.lock().unwrap(), [(path, error("second"))]);
    shop.restarted().await;
    shop.fail("third").await;
    assert_eq!(reasons(&downs).len(), 1, "a monitor reports one exit");
}

#[greenroom::test]
async fn a_monitor_of_a_running_child_reports_that_incarnation_once() {
    let shop = Shop::start(|spec| spec).await;
    let (first, downs) = (shop.press.pid().unwrap(), watch(&Node::current(), &shop.press, 10));
    settle().await;
    shop.fail("first").await;
    assert_eq!(*downs.lock().unwrap(), [(Subject::Pid(first), error("first"))]);
    // The monitor that replaces it reports the next exit, once.
    shop.restarted().await;
    shop.fail("second").await;
    assert_eq!(reasons(&downs), [error("first"), error("second")]);
}

#[greenroom::test]
async fn a_monitor_in_the_gap_reports_no_process_when_no_restart_comes() {
    // The child is terminated, the supervisor gives up, the tree is stopped, or the supervisor is killed.
    for end in 0..4 {
        let shop = Shop::with_backoff().await;
        shop.starts.plan([Start::Fails(Duration::from_secs(1)); 9]);
        shop.fail("jam").await;
        let (downs, ended) = (watch(&Node::current(), &shop.press, 1), shop.press.ended());
        settle().await;
        match end {
            0 => shop.tree.terminate_child("press").await.unwrap(),
            1 => assert_eq!(shop.tree.ended().await, Exit::shutdown()),
            2 => drop(TreeStub::stop(&shop.tree).await),
            _ => shop.tree.exit(Exit::Kill),
        }
        settle().await;
        let path = Subject::Name("/Shop/press".into(), Node::current().name().clone());
        assert_eq!(*downs.lock().unwrap(), [(path, Exit::NoProc)], "case {end}");
        assert_eq!(ended.await, Exit::NoProc, "case {end}");
        // From then on, at once.
        assert_eq!(shop.press.ended().await, Exit::NoProc);
        let late = watch(&Node::current(), &shop.press, 1);
        settle().await;
        assert_eq!(reasons(&late), [Exit::NoProc]);
        TreeStub::stop(&shop.tree).await;
    }
}

#[greenroom::test]
async fn a_monitor_waits_over_a_restart_of_the_supervisor() {
    let starts = Starts::default();
    let shared = starts.clone();
    let make = move || {
        let starts = shared.clone();
        let press = ChildSpec::new(move || Press { starts: starts.clone() }).backoff(BACKOFF, BACKOFF);
        Supervisor::new(Strategy::OneForOne).child("press", press)
    };
    let root = Supervisor::new(Strategy::OneForOne).child("shop", ChildSpec::supervisor(make)).start().await.unwrap();
    let shop: SupervisionRef = root.find_child("shop").await.unwrap();
    let press: JobRef = shop.find_child("press").await.unwrap();
    press.fail("first".into());
    settle().await;
    let downs = watch(&Node::current(), &press, 1);
    settle().await;
    shop.exit(Exit::Kill);
    settle().await;
    assert_eq!(press.count().await, Ok(1));
    assert_eq!(reasons(&downs), []);
    press.fail("second".into());
    settle().await;
    assert_eq!(reasons(&downs), [error("second")]);
}

#[greenroom::test]
async fn a_demonitor_in_the_gap_leaves_nothing_behind() {
    let shop = Shop::with_backoff().await;
    shop.fail("first").await;
    let press = shop.press.clone();
    let watcher = act(move |cx| {
        Box::pin(async move {
            let monitor = cx.monitor(&press);
            assert!(cx.demonitor(monitor), "it was active");
            cx.monitor(&press);
            // The second one ends with the process.
            Ok(())
        })
    });
    watcher.spawn().ended().await;
    drop(shop.press.ended());
    shop.restarted().await;
    let info = Node::current().process_info(&shop.press.pid().unwrap()).unwrap();
    assert_eq!(info.monitored_by, []);
}

#[greenroom::test]
async fn a_link_in_the_gap_is_answered_with_no_process() {
    let shop = Shop::with_backoff().await;
    shop.starts.plan([Start::Slow(BACKOFF)]);
    shop.fail("jam").await;
    for _ in 0..2 {
        let press = shop.press.clone();
        let linked = act(move |cx| {
            Box::pin(async move {
                cx.link(&press);
                std::future::pending().await
            })
        });
        assert_eq!(linked.spawn().ended().await, Exit::NoProc);
        // During the start.
        tokio::time::sleep(BACKOFF * 3 / 2).await;
    }
    shop.restarted().await;
}

#[greenroom::test]
async fn a_name_and_a_system_request_need_a_process() {
    #[supervisor]
    struct Hall {
        #[child(start = Lathe, backoff = "10s..10s")]
        lathe: Lathe,
    }
    let hall = Hall {}.start().await.unwrap();
    hall.lathe().fail("jam".into());
    settle().await;
    assert_eq!(LatheRef::register("lathe", &hall.lathe()), Err(NameError::NoProc));
    assert_eq!(hall.lathe().sys().state().await, Err(SysError::NoProc));
    assert_eq!(hall.lathe().count().within(2 * BACKOFF).await, Ok(1));
    assert_eq!(LatheRef::register("lathe", &hall.lathe()), Ok(()));
    assert_eq!(hall.lathe().sys().state().await, Ok("Lathe".to_owned()));
}

#[greenroom::test]
async fn a_dynamic_child_is_terminated_in_its_gap() {
    #[derive(Clone)]
    #[actor]
    struct Robot;
    #[actor]
    impl Robot {
        #[call]
        fn count(&mut self) -> u32 {
            1
        }
        #[cast]
        fn fail(&mut self) {
            panic!("jam");
        }
    }
    #[supervisor]
    struct Hall {
        #[child(dynamic, backoff = "10s..10s")]
        robots: Robot,
    }
    let hall = Hall {}.start().await.unwrap();
    let (robot, other) =
        (hall.robots().start_child(Robot).await.unwrap(), hall.robots().start_child(Robot).await.unwrap());
    robot.fail();
    other.fail();
    settle().await;
    assert_eq!(hall.robots().terminate_child(&robot).await, Ok(()));
    assert_eq!(robot.count().within(3 * BACKOFF).await, Err(CallErrorKind::NoProc.into()));
    assert_eq!(other.count().within(3 * BACKOFF).await, Ok(1));
    assert_eq!(hall.robots().count_children().await.unwrap().specs, 1);
    assert_eq!(hall.robots().terminate_child(&robot).await, Ok(()), "gone already");
}

/// Hands out the stub.
#[actor]
struct Porter {
    press: JobRef,
}

#[actor]
impl Porter {
    #[call]
    fn press(&self) -> JobRef {
        self.press.clone()
    }
}

#[greenroom::test]
async fn the_rules_hold_for_stubs_on_other_nodes() {
    let cluster = Cluster::in_memory(2).await;
    let (home, far) = (cluster.node(0).clone(), cluster.node(1).clone());
    let shop = Shop::start_on(&home, |spec| spec.backoff(BACKOFF, BACKOFF)).await;
    PorterRef::register("porter", &home.spawn(Porter { press: shop.press.clone() })).unwrap();
    let porter: PorterRef = far.named_at("porter", "n0@test");
    let press = porter.press().await.unwrap();
    assert_eq!(press.count().await, Ok(1));

    shop.starts.plan([Start::Slow(BACKOFF / 2), Start::Fails(BACKOFF / 2)]);
    shop.fail("first").await;
    press.exit(Exit::Kill);
    assert_eq!(press.stop(Exit::Normal).await, error("first"));
    let (downs, ended, dropped) = (watch(&far, &press, 1), press.ended(), press.ended());
    settle().await;
    drop(dropped);
    tokio::time::sleep(BACKOFF * 3 / 2).await;
    assert_eq!(press.count().within(4 * BACKOFF).await, Ok(1));
    assert_eq!(reasons(&downs), []);
    assert_eq!(home.process_info(&shop.press.pid().unwrap()).unwrap().monitored_by.len(), 2);
    shop.fail("second").await;
    let path = Subject::Name("/Shop/press".into(), home.name().clone());
    assert_eq!(*downs.lock().unwrap(), [(path, error("second"))]);
    assert_eq!(ended.await, error("second"));

    // The connection is lost during the gap, and nothing is left of the monitors.
    watch(&far, &press, 1);
    let ended = press.ended();
    settle().await;
    cluster.crash(1);
    assert_eq!(ended.await, Exit::NoConnection);
    tokio::time::sleep(BACKOFF).await;
    shop.restarted().await;
    assert_eq!(home.process_info(&shop.press.pid().unwrap()).unwrap().monitored_by, []);
    cluster.stop().await;
}
