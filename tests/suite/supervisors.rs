//! Supervision trees: the order of starts, restarts and stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use greenroom::{Restart, prelude::*};
use tokio::time::Instant;

use crate::scripted::{Log, idle, run, settle};

/// A child that records its starts and stops.
#[actor]
struct Kid {
    id: &'static str,
    log: Log,
    /// The number of its next starts that fail.
    failures: Arc<AtomicU32>,
    count: u32,
}

#[actor]
impl Kid {
    #[init]
    async fn begin(&mut self) -> Result<(), Exit> {
        let failures = &self.failures;
        if failures.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
            self.log.note(format!("failed {}", self.id));
            return Err(Exit::error("no port"));
        }
        // The next start must wait for this.
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.log.note(format!("start {}", self.id));
        Ok(())
    }

    #[cast]
    fn end(&mut self, reason: Exit) -> Result<(), Exit> {
        Err(reason)
    }

    #[cast]
    fn crash(&mut self) {
        panic!("words");
    }

    #[cast]
    async fn hang(&mut self) {
        std::future::pending::<()>().await;
    }

    #[cast]
    fn unlink(&mut self, cx: &mut Context<Self>, from: greenroom::SupervisionRef) {
        cx.unlink(&from);
    }

    #[call]
    fn count(&mut self) -> u32 {
        self.count += 1;
        self.count
    }

    #[exit]
    fn exit_signal(&mut self, signal: ExitSignal) {
        self.log.note(format!("{} received {}", self.id, signal.reason));
    }

    #[terminate]
    fn close(&mut self, reason: &Exit) {
        self.log.note(format!("stop {} {reason}", self.id));
    }
}

#[derive(Clone, Default)]
struct Kids {
    log: Log,
    failures: [Arc<AtomicU32>; 3],
}

impl Kids {
    fn kid(&self, number: usize) -> Kid {
        let id = ["a", "b", "c"][number];
        Kid { id, log: self.log.clone(), failures: Arc::clone(&self.failures[number]), count: 0 }
    }

    fn fail(&self, number: usize, times: u32) {
        self.failures[number].store(times, Ordering::Relaxed);
    }
}

#[supervisor(strategy = one_for_one, intensity = 3, period = "10s")]
struct Three {
    kids: Kids,
    #[child(start = self.kids.kid(0))]
    a: Kid,
    #[child(start = self.kids.kid(1), restart = transient)]
    b: Kid,
    #[child(start = self.kids.kid(2), restart = temporary, shutdown = "2s")]
    c: Kid,
}

async fn three() -> (Log, Kids, ThreeRef) {
    let kids = Kids::default();
    let tree = Three { kids: kids.clone() }.start().await.expect("it starts");
    assert_eq!(kids.log.take(), ["start a", "start b", "start c"]);
    (kids.log.clone(), kids, tree)
}

/// The running children.
async fn up(tree: &ThreeRef) -> Vec<bool> {
    let children = tree.children().await.expect("the supervisor is running");
    // A temporary child is forgotten when it ends.
    ["a", "b", "c"].iter().map(|id| children.iter().any(|child| child.id == *id && child.pid.is_some())).collect()
}

#[greenroom::test]
async fn children_start_in_order_each_after_the_ones_init_before_and_stop_in_reverse() {
    let (log, _, tree) = three().await;
    let children = tree.children().await.expect("the supervisor is running");
    let kinds: Vec<_> = children.iter().map(|child| child.restart).collect();
    assert_eq!(kinds, [Restart::Permanent, Restart::Transient, Restart::Temporary]);
    assert_eq!(children[1].pid, tree.b().pid());
    assert_eq!(tree.stop().await, Exit::shutdown());
    assert_eq!(log.take(), ["stop c shutdown", "stop b shutdown", "stop a shutdown"]);
    assert_eq!(tree.a().count().await, Err(CallErrorKind::NoProc.into()));
}

#[greenroom::test]
async fn each_kind_of_child_is_restarted_when_it_should() {
    let reasons = [Exit::error("boom"), Exit::Normal, Exit::shutdown(), Exit::Shutdown(Some("later".into()))];
    for (number, restarted) in [(0, [true; 4]), (1, [true, false, false, false]), (2, [false; 4])] {
        for (reason, again) in reasons.iter().zip(restarted) {
            let (log, kids, tree) = three().await;
            let kid = [tree.a(), tree.b(), tree.c()][number].clone();
            let id = ["a", "b", "c"][number];
            kid.end(reason.clone());
            settle().await;
            settle().await;
            let mut expected = vec![format!("stop {id} {reason}")];
            expected.extend(again.then(|| format!("start {id}")));
            assert_eq!(log.take(), expected, "{id} {reason}");
            let mut running = [true; 3];
            running[number] = again;
            assert_eq!(up(&tree).await, running);
            drop(kids);
            tree.stop().await;
        }
    }
}

#[greenroom::test]
async fn a_panic_or_a_kill_restarts_only_that_child() {
    let (log, _, tree) = three().await;
    let before = (tree.a().pid(), tree.b().pid());
    tree.b().crash();
    settle().await;
    settle().await;
    tree.b().exit(Exit::Kill);
    settle().await;
    settle().await;
    assert_eq!(log.take(), ["start b", "start b"]);
    assert_eq!(tree.a().pid(), before.0);
    assert_ne!(tree.b().pid(), before.1);
}

#[greenroom::test]
async fn a_stub_from_the_tree_follows_its_child_and_no_state_survives() -> greenroom::Result {
    let (_, _, tree) = three().await;
    let stub = tree.a();
    assert_eq!((stub.count().await?, stub.count().await?), (1, 2));
    stub.crash();
    // The message waits for the next incarnation: the first is about to end, and its queue with it.
    let lost = stub.count().await;
    assert!(matches!(lost, Err(CallError { kind: CallErrorKind::Exit(Exit::Panic { .. }), .. })), "{lost:?}");
    assert_eq!(stub.count().await?, 1);
    assert_eq!(tree.a(), stub);
    Ok(())
}

#[greenroom::test]
async fn messages_that_come_while_a_child_restarts_wait_for_its_next_life() -> greenroom::Result {
    let (_, kids, tree) = three().await;
    let (stub, first) = (tree.a().clone(), tree.a().pid());
    stub.crash();
    kids.fail(0, 2);
    stub.ended().await;
    let waiting = stub.count();
    assert_eq!(waiting.await?, 1);
    assert_ne!(stub.pid(), first);
    Ok(())
}

#[greenroom::test]
async fn a_child_that_is_not_restarted_is_noproc() {
    let (_, _, tree) = three().await;
    let begin = Instant::now();
    tree.c().end(Exit::Normal);
    tree.b().end(Exit::Normal);
    assert_eq!(tree.c().count().await, Err(CallErrorKind::Exit(Exit::Normal).into()), "it waited in the mailbox");
    assert_eq!(
        tree.c().count().await,
        Err(CallErrorKind::NoProc.into()),
        "the supervisor may not have received the exit signal yet"
    );
    settle().await;
    for gone in [tree.b(), tree.c()] {
        assert_eq!(gone.count().await, Err(CallErrorKind::NoProc.into()));
        assert_eq!(gone.end(Exit::Normal).await, Err(CastError::NoProc));
        assert!(!gone.is_alive());
    }
    assert!(begin.elapsed() < Duration::from_secs(1), "a call waited for a restart: {:?}", begin.elapsed());
}

#[greenroom::test]
async fn a_child_that_calls_itself_through_the_tree_fails_at_once() {
    #[actor]
    struct Narcissus {
        me: Arc<std::sync::Mutex<Option<NarcissusRef>>>,
    }
    #[actor]
    impl Narcissus {
        #[call]
        async fn look(&mut self) -> Result<(), CallError> {
            let me = self.me.lock().unwrap().clone().expect("set below");
            me.look().await?
        }
    }
    #[supervisor]
    struct Pond {
        me: Arc<std::sync::Mutex<Option<NarcissusRef>>>,
        #[child(start = Narcissus { me: Arc::clone(&self.me) })]
        narcissus: Narcissus,
    }
    let me = Arc::default();
    let pond = Pond { me: Arc::clone(&me) }.start().await.expect("it starts");
    *me.lock().unwrap() = Some(pond.narcissus().clone());
    assert_eq!(pond.narcissus().look().await, Ok(Err(CallErrorKind::Itself.into())));
}

#[greenroom::test]
async fn it_gives_up_when_restarts_in_the_period_exceed_the_intensity() {
    // The intensity is three in 10 s.
    for (gap, gives_up) in [(Duration::from_millis(100), true), (Duration::from_secs(4), false)] {
        let (log, _, tree) = three().await;
        let ended = tree.ended();
        for _ in 0..4 {
            tree.a().crash();
            tokio::time::sleep(gap).await;
        }
        let restarts = log.take().iter().filter(|line| *line == "start a").count();
        assert_eq!(restarts, if gives_up { 3 } else { 4 });
        assert_eq!(tree.supervisor().is_alive(), !gives_up, "every {gap:?}");
        if gives_up {
            assert_eq!(ended.await, Exit::shutdown());
            assert!(!tree.b().is_alive() && !tree.c().is_alive());
        }
    }
}

#[greenroom::test]
async fn a_failed_restart_counts_and_is_tried_again() {
    for (failures, outcome) in [(2, "start a"), (3, "failed a")] {
        let (log, kids, tree) = three().await;
        kids.fail(0, failures);
        tree.a().crash();
        tokio::time::sleep(Duration::from_millis(50)).await;
        let lines = log.take();
        let starts: Vec<_> = lines.iter().filter(|line| line.ends_with(" a")).collect();
        assert_eq!(starts.len(), 3, "the intensity: {lines:?}");
        assert_eq!(starts[2], outcome);
        assert_eq!(tree.supervisor().is_alive(), outcome == "start a");
    }
}

#[greenroom::test]
async fn if_a_child_fails_to_start_those_before_it_stop_in_reverse() {
    let kids = Kids::default();
    kids.fail(2, 1);
    let error = match (Three { kids: kids.clone() }).start().await {
        Err(error) => error,
        Ok(_) => panic!("it started"),
    };
    assert_eq!((&*error.child, &error.reason), ("c", &Exit::error("no port")));
    assert_eq!(error.to_string(), "cannot start `c`: no port");
    let expected = ["start a", "start b", "failed c", "stop b shutdown", "stop a shutdown"];
    assert_eq!(kids.log.take(), expected);
    assert_eq!(Node::current().process_count(), 0);
}

#[greenroom::test]
async fn a_start_that_panics_is_a_start_error_too() {
    #[supervisor]
    struct Unlucky {
        #[child(start = panic!("no kid"))]
        kid: Kid,
    }
    let Err(error) = (Unlucky {}).start().await else { panic!("it started") };
    assert_eq!(error.child, "kid");
    assert!(matches!(&error.reason, Exit::Panic { message, .. } if &**message == "no kid"), "{error}");
}

#[greenroom::test]
async fn a_child_that_does_not_stop_in_time_is_killed() {
    let (log, _, tree) = three().await;
    tree.c().hang();
    tree.a().hang();
    settle().await;
    let begin = Instant::now();
    tree.stop().await;
    assert_eq!(begin.elapsed().as_secs(), 7, "2 s for c, the default of 5 s for a");
    assert_eq!(log.take(), ["stop b shutdown"]);
}

#[greenroom::test]
async fn a_child_that_unlinked_cannot_hang_its_supervisor() {
    let (log, _, tree) = three().await;
    tree.b().unlink(tree.supervisor().clone());
    settle().await;
    tree.stop().await;
    assert_eq!(log.take(), ["stop c shutdown", "stop b shutdown", "stop a shutdown"]);
}

#[greenroom::test]
async fn a_parents_exit_stops_the_tree_and_a_strangers_is_ignored() {
    for reason in [Exit::Normal, Exit::error("boom")] {
        let kids = Kids::default();
        let (log, last) = (kids.log.clone(), reason.clone());
        let parent = crate::scripted::act(move |cx| {
            Box::pin(async move {
                let tree = Three { kids }.start_link(cx).await.map_err(|error| error.reason)?;
                let target = tree.clone();
                run(move |_| Box::pin(async move { target.supervisor().exit(Exit::error("stranger")) })).await;
                settle().await;
                assert!(tree.supervisor().is_alive());
                if last == Exit::Normal { Ok(()) } else { Err(last) }
            })
        });
        parent.spawn().ended().await;
        settle().await;
        let stops = ["c", "b", "a"].map(|id| format!("stop {id} shutdown"));
        assert_eq!(log.take()[3..], stops, "{reason}");
    }
}

#[greenroom::test]
async fn a_tree_that_gives_up_ends_its_linked_parent() {
    let kids = Kids::default();
    let parent = crate::scripted::act(move |cx| {
        Box::pin(async move {
            let tree = Three { kids }.start_link(cx).await.map_err(|error| error.reason)?;
            for _ in 0..4 {
                tree.a().crash();
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            std::future::pending().await
        })
    });
    assert_eq!(parent.spawn().ended().await, Exit::shutdown());
    assert!(idle().spawn().is_alive());
}

#[greenroom::test]
async fn while_failed_restarts_are_retried_other_requests_are_served() {
    #[supervisor(intensity = 1000, period = "1h")]
    struct Patient {
        kids: Kids,
        #[child(start = self.kids.kid(0))]
        a: Kid,
    }
    let kids = Kids::default();
    let tree = Patient { kids: kids.clone() }.start().await.expect("it starts");
    kids.fail(0, 500);
    tree.a().crash();
    tokio::task::yield_now().await;
    let children = tree.children().await.expect("it is served");
    assert_eq!(children.len(), 1);
    let failed = kids.log.take().iter().filter(|line| *line == "failed a").count();
    assert!(failed < 500, "it waited for all restarts");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(tree.a().is_alive());
}

#[greenroom::test]
async fn one_for_all_and_rest_for_one_stop_in_reverse_and_start_in_order() {
    #[supervisor(strategy = one_for_all)]
    struct All {
        kids: Kids,
        #[child(start = self.kids.kid(0))]
        a: Kid,
        #[child(start = self.kids.kid(1))]
        b: Kid,
        #[child(start = self.kids.kid(2), restart = temporary)]
        c: Kid,
    }
    #[supervisor(strategy = rest_for_one)]
    struct Rest {
        kids: Kids,
        #[child(start = self.kids.kid(0))]
        a: Kid,
        #[child(start = self.kids.kid(1))]
        b: Kid,
        #[child(start = self.kids.kid(2), restart = transient)]
        c: Kid,
    }
    let kids = Kids::default();
    let tree = All { kids: kids.clone() }.start().await.expect("it starts");
    kids.log.take();
    tree.b().crash();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(kids.log.take(), ["stop c shutdown", "stop a shutdown", "start a", "start b"]);
    assert_eq!(tree.c().count().await, Err(CallErrorKind::NoProc.into()), "a sibling took it down");
    tree.stop().await;

    let kids = Kids::default();
    let tree = Rest { kids: kids.clone() }.start().await.expect("it starts");
    tree.c().end(Exit::Normal);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(tree.c().count().await, Err(CallErrorKind::NoProc.into()));
    kids.log.take();
    tree.b().crash();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(kids.log.take(), ["start b", "start c"]);
    assert_eq!(tree.c().count().await, Ok(1), "its specification was kept");
}
