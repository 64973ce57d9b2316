//! Supervision trees as users write them.

use greenroom::prelude::*;
use greenroom::{
    AutoShutdown, ChildError, ChildSpec, ChildState, InvalidOptions, Node, Restart, Shutdown, StartError, Strategy,
    SupervisionRef, Supervisor,
};

/// Counts, and fails in the requested way.
#[actor]
#[derive(Clone, Default)]
struct Worker {
    count: u64,
}

#[actor]
impl Worker {
    #[call]
    fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    #[cast]
    fn crash(&mut self) {
        panic!("boom");
    }

    #[cast]
    fn finish(&mut self) -> Result<(), Exit> {
        Err(Exit::Normal)
    }

    #[cast]
    async fn stall(&mut self) {
        std::future::pending::<()>().await;
    }
}

/// Fails its first starts.
#[actor(protocol = WorkerMessage)]
struct Late {
    failures: std::sync::Arc<std::sync::atomic::AtomicU32>,
}

impl Process for Late {
    async fn init(&mut self, _: &mut Context<Self>) -> Result<(), Exit> {
        let left = self.failures.load(std::sync::atomic::Ordering::Relaxed);
        self.failures.store(left.saturating_sub(1), std::sync::atomic::Ordering::Relaxed);
        if left > 0 { Err(Exit::error("not yet")) } else { Ok(()) }
    }

    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        loop {
            receive!(match cx {
                WorkerMessage::Next { reply } => reply.send(7),
                WorkerMessage::Crash => return Err(Exit::error("boom")),
            });
        }
    }
}

#[supervisor(strategy = one_for_all, intensity = 2, period = "5s")]
struct Storage {
    #[child]
    disk: Worker,
    #[child(restart = transient)]
    index: Worker,
}

#[supervisor(strategy = rest_for_one, intensity = 3, period = "5s")]
struct Shop {
    first: u64,
    #[child(start = Worker { count: self.first })]
    till: Worker,
    #[child(supervisor, start = Storage {})]
    storage: Storage,
    #[child(dynamic, restart = temporary)]
    guests: Worker,
    #[child(dynamic, restart = transient, intensity = 5, period = "1s")]
    clerks: Worker,
    #[child(while_down = drop, backoff = "100ms..10s")]
    door: Worker,
}

/// Waits until all processes are idle: the paused clock advances only then.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

async fn crash(worker: &WorkerRef) {
    let gone = worker.ended();
    worker.crash();
    gone.await;
    settle().await;
}

#[greenroom::test]
async fn a_stub_follows_its_child_and_the_child_its_start_expression() -> greenroom::Result {
    let shop = Shop { first: 40 }.start().await?;
    assert_eq!(shop.till().next().await?, 41);
    let before = shop.till().pid();
    crash(&shop.till()).await;
    assert_eq!(shop.till().next().await?, 41);
    assert_ne!(shop.till().pid(), before);
    Ok(())
}

#[greenroom::test]
async fn a_nested_trees_stubs_follow_its_own_restart_too() -> greenroom::Result {
    let shop = Shop { first: 0 }.start().await?;
    let (disk, index) = (shop.storage().disk(), shop.storage().index());
    assert_eq!((disk.next().await?, index.next().await?), (1, 1));
    // one_for_all: its sibling is restarted with it.
    crash(&disk).await;
    assert_eq!(index.next().await?, 1);
    // The nested supervisor is killed: none of its children survives, and all are started again.
    let (supervisor, old) = (shop.storage().supervisor().clone(), disk.pid());
    supervisor.exit(Exit::kill());
    settle().await;
    assert_eq!((disk.next().await?, index.next().await?), (1, 1));
    assert_ne!(disk.pid(), old);
    assert!(supervisor.is_alive());
    TreeStub::stop(&shop).await;
    assert_eq!(Node::current().process_count(), 0);
    Ok(())
}

#[greenroom::test]
async fn a_supervisor_that_gives_up_is_handled_by_its_parent() -> greenroom::Result {
    let shop = Shop { first: 0 }.start().await?;
    let (disk, supervisor) = (shop.storage().disk(), shop.storage().supervisor().pid());
    for _ in 0..3 {
        crash(&disk).await;
    }
    // The third restart was one too many. The nested supervisor is a permanent child and was restarted.
    assert_ne!(shop.storage().supervisor().pid(), supervisor);
    assert_eq!(disk.next().await?, 1);
    let storage = shop.children().await?.into_iter().find(|child| child.id == "storage").unwrap();
    assert_eq!((storage.state, storage.starts), (ChildState::Up, 2));
    Ok(())
}

#[greenroom::test]
async fn giving_up_ends_with_shutdown_so_a_transient_supervisor_stays_down() -> greenroom::Result {
    let spec = ChildSpec::tree(|| Storage {}).restart(Restart::Transient);
    let root = Supervisor::new(Strategy::OneForOne).child("storage", spec).start().await?;
    let storage: SupervisionRef = root.find_child("storage").await?;
    let disk: WorkerRef = storage.find_child("disk").await?;
    for _ in 0..3 {
        crash(&disk).await;
    }
    assert_eq!(root.children().await?[0].state, ChildState::Down);
    assert_eq!(disk.next().await, Err(CallErrorKind::NoProc.into()));
    // `restart_child` starts it again, and the stubs of its children reach it.
    root.restart_child("storage").await?;
    assert_eq!(disk.next().await?, 1);
    Ok(())
}

#[greenroom::test]
async fn dynamic_children_come_and_go() -> greenroom::Result {
    let shop = Shop { first: 0 }.start().await?;
    let guest = shop.guests().start_child(Worker { count: 10 }).await?;
    let clerk = shop.clerks().start_child(Worker { count: 20 }).await?;
    let other = shop.clerks().start_child_with(|| Worker { count: 30 }).await?;
    assert_eq!((guest.next().await?, clerk.next().await?, other.next().await?), (11, 21, 31));
    for worker in [&guest, &clerk, &other] {
        crash(worker).await;
    }
    // A guest is temporary; a clerk is restarted from the value that was passed in.
    assert_eq!(guest.next().await, Err(CallErrorKind::NoProc.into()));
    assert_eq!((clerk.next().await?, other.next().await?), (21, 31));
    assert_eq!(shop.guests().count_children().await?.specs, 0);
    let ids: Vec<_> = shop.clerks().children().await?.into_iter().map(|child| child.id).collect();
    assert_eq!(ids, ["#1", "#2"]);
    // A child that exits normally is forgotten.
    clerk.finish();
    settle().await;
    assert_eq!(shop.clerks().count_children().await?.specs, 1);
    shop.clerks().terminate_child(&other).await?;
    assert_eq!(shop.clerks().terminate_child(&other).await, Ok(()));
    assert_eq!(shop.clerks().count_children().await?.specs, 0);
    let stranger = Worker::default().spawn();
    assert_eq!(shop.clerks().terminate_child(&stranger).await, Err(ChildError::NotFound));
    stranger.exit(Exit::kill());
    TreeStub::stop(&shop).await;
    assert_eq!(Node::current().process_count(), 0);
    Ok(())
}

#[greenroom::test]
async fn dynamic_children_stop_at_once_and_not_one_by_one() -> greenroom::Result {
    let shop = Shop { first: 0 }.start().await?;
    for _ in 0..50 {
        shop.guests().start_child(Worker::default()).await?.stall();
    }
    settle().await;
    let begin = tokio::time::Instant::now();
    TreeStub::stop(&shop).await;
    // Each exits at its `.await` when the signal arrives. Even if all had to be killed, the whole would take 5 s.
    assert!(begin.elapsed() <= Duration::from_secs(5));
    assert_eq!(Node::current().process_count(), 0);
    Ok(())
}

#[greenroom::test]
async fn a_backoff_waits_and_messages_meanwhile_are_held_or_dropped() -> greenroom::Result {
    let shop = Shop { first: 0 }.start().await?;
    let door = shop.door();
    let gone = door.ended();
    door.crash();
    gone.await;
    settle().await;
    let state = |children: Vec<greenroom::ChildInfo>| children.into_iter().find(|c| c.id == "door").unwrap().state;
    assert_eq!(state(shop.children().await?), ChildState::Restarting);
    assert_eq!(door.next().await, Err(CallErrorKind::NoProc.into()));
    assert_eq!(shop.restart_child("door").await, Err(ChildError::Restarting));
    assert_eq!(shop.delete_child("door").await, Err(ChildError::Restarting));
    tokio::time::sleep(Duration::from_millis(201)).await;
    assert_eq!(state(shop.children().await?), ChildState::Up);
    assert_eq!(door.next().await?, 1);

    // The call waits, and the next incarnation answers it.
    let spec = ChildSpec::new(Worker::default).backoff(Duration::from_secs(1), Duration::from_secs(9));
    let held: WorkerRef = shop.start_child("held", spec).await?;
    let gone = held.ended();
    held.crash();
    gone.await;
    let begin = tokio::time::Instant::now();
    assert_eq!(held.next().await?, 1);
    assert!(begin.elapsed() >= Duration::from_secs(1));
    Ok(())
}

#[greenroom::test]
async fn messages_in_a_crashed_child_are_lost_and_its_calls_fail() -> greenroom::Result {
    let shop = Shop { first: 0 }.start().await?;
    let till = shop.till();
    till.crash();
    let lost = till.next();
    let Err(CallError { kind: CallErrorKind::Exit(Exit::Panic { message, .. }), .. }) = lost.await else {
        panic!("the panic's reason")
    };
    assert_eq!(&*message, "boom");
    assert_eq!(till.next().await?, 1);
    Ok(())
}

#[greenroom::test]
async fn a_failed_restart_is_retried_and_other_requests_are_served_meanwhile() -> greenroom::Result {
    let failures = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let theirs = std::sync::Arc::clone(&failures);
    let tree = Supervisor::new(Strategy::OneForOne)
        .intensity(5)
        .period(Duration::from_secs(5))
        .child("late", ChildSpec::new(move || Late { failures: std::sync::Arc::clone(&theirs) }))
        .start()
        .await?;
    let late: WorkerRef = tree.find_child("late").await?;
    failures.store(3, std::sync::atomic::Ordering::Relaxed);
    late.crash();
    assert_eq!(tree.count_children().await?.specs, 1);
    settle().await;
    assert_eq!(late.next().await?, 7);
    // Four restarts so far. Two more exceed the intensity.
    failures.store(9, std::sync::atomic::Ordering::Relaxed);
    let ended = tree.ended();
    late.crash();
    assert_eq!(ended.await, Exit::shutdown());
    Ok(())
}

#[greenroom::test]
async fn children_known_only_at_run_time() -> greenroom::Result {
    let tree = Supervisor::new(Strategy::OneForOne).child("a", ChildSpec::new(Worker::default)).start().await?;
    let a: WorkerRef = tree.find_child("a").await?;
    let pid = a.pid().unwrap();
    let again: Result<WorkerRef, _> = tree.start_child("a", ChildSpec::new(Worker::default)).await;
    assert_eq!(again, Err(ChildError::AlreadyStarted(pid.clone())));
    assert_eq!(tree.restart_child("a").await, Err(ChildError::Running));
    assert_eq!(tree.delete_child(pid).await, Err(ChildError::Running));
    tree.terminate_child("a").await?;
    assert_eq!(a.next().await, Err(CallErrorKind::NoProc.into()));
    let again: Result<WorkerRef, _> = tree.start_child("a", ChildSpec::new(Worker::default)).await;
    assert_eq!(again, Err(ChildError::AlreadyPresent));
    assert!(tree.restart_child("a").await?.is_some());
    assert_eq!(a.next().await?, 1);
    tree.terminate_child("a").await?;
    tree.delete_child("a").await?;
    assert_eq!(tree.terminate_child("a").await, Err(ChildError::NotFound));
    let b: WorkerRef = tree.start_child("b", ChildSpec::once(Worker { count: 5 })).await?;
    assert_eq!(b.next().await?, 6);
    let wrong: Result<SupervisionRef, _> = tree.find_child("b").await;
    assert_eq!(wrong, Err(ChildError::Incompatible));
    let nested: SupervisionRef = tree
        .start_child(
            "c",
            ChildSpec::supervisor(|| Supervisor::new(Strategy::OneForAll).child("d", ChildSpec::new(Worker::default))),
        )
        .await?;
    let d: WorkerRef = nested.find_child("d").await?;
    assert_eq!(d.next().await?, 1);
    let count = tree.count_children().await?;
    assert_eq!((count.specs, count.active, count.supervisors, count.workers), (2, 2, 1, 1));
    TreeStub::stop(&tree).await;
    assert_eq!(tree.terminate_child("b").await, Err(ChildError::NoProc));
    assert_eq!(Node::current().process_count(), 0);
    Ok(())
}

#[greenroom::test]
async fn options_that_contradict_each_other_are_refused_at_run_time_too() -> greenroom::Result {
    let permanent = || ChildSpec::<WorkerRef>::new(Worker::default).significant();
    let tree = Supervisor::new(Strategy::OneForOne).auto_shutdown(AutoShutdown::Any);
    let StartError { child, reason, .. } = tree.child("x", permanent()).start().await.unwrap_err();
    assert_eq!(child, "x");
    assert!(reason.to_string().contains("permanent"), "{reason}");

    let tree = Supervisor::new(Strategy::OneForOne).start().await?;
    let answer = tree.start_child("x", permanent().restart(Restart::Transient)).await;
    assert_eq!(answer, Err(ChildError::Options(InvalidOptions::SignificantWithoutAutoShutdown)));
    let backoff = permanent().backoff(Duration::from_secs(2), Duration::from_secs(1));
    assert!(tree.start_child("x", backoff).await.is_err());
    assert_eq!(tree.count_children().await?.specs, 0);
    Ok(())
}

#[supervisor(auto_shutdown = all)]
struct Job {
    #[child(restart = transient, significant)]
    left: Worker,
    #[child(restart = temporary, significant)]
    right: Worker,
    #[child]
    helper: Worker,
}

#[greenroom::test]
async fn a_tree_shuts_down_with_its_significant_children() -> greenroom::Result {
    let job = Job {}.start().await?;
    let ended = job.ended();
    let helper = job.helper();
    let helper = helper.ended();
    job.left().finish();
    settle().await;
    assert!(job.supervisor().is_alive());
    job.right().crash();
    assert_eq!((ended.await, helper.await), (Exit::shutdown(), Exit::shutdown()));
    Ok(())
}

#[greenroom::test]
async fn a_child_that_decides_not_to_run_is_kept_as_down() -> greenroom::Result {
    /// Returns `Exit::Normal` from `init`.
    #[actor(protocol = WorkerMessage)]
    struct Idle;

    impl Process for Idle {
        async fn init(&mut self, _: &mut Context<Self>) -> Result<(), Exit> {
            Err(Exit::Normal)
        }

        async fn run(&mut self, _: &mut Context<Self>) -> Result<(), Exit> {
            Ok(())
        }
    }

    let tree = Supervisor::new(Strategy::OneForOne).child("idle", ChildSpec::new(|| Idle)).start().await?;
    assert_eq!(tree.children().await?[0].state, ChildState::Down);
    assert_eq!(tree.restart_child("idle").await, Ok(None));
    Ok(())
}

#[greenroom::test]
async fn a_failing_start_leaves_nothing_running_and_names_the_child() -> greenroom::Result {
    let failures = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(1));
    let tree = Supervisor::new(Strategy::OneForOne)
        .child("first", ChildSpec::new(Worker::default))
        .child("late", ChildSpec::new(move || Late { failures: std::sync::Arc::clone(&failures) }));
    let StartError { child, reason, .. } = tree.start().await.unwrap_err();
    assert_eq!((child.as_str(), reason), ("late", Exit::error("not yet")));
    assert_eq!(Node::current().process_count(), 0);
    Ok(())
}

#[greenroom::test]
async fn a_child_that_does_not_stop_is_killed_after_its_time() -> greenroom::Result {
    /// Ignores all messages and signals.
    #[actor(protocol = Deaf)]
    struct Stubborn;

    #[protocol(local)]
    enum Deaf {
        #[from]
        Exit(ExitSignal),
    }

    impl Process for Stubborn {
        const TRAP_EXIT: bool = true;

        async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
            loop {
                receive!(match cx {
                    Deaf::Exit(signal) => assert_ne!(signal.reason, Exit::Kill, "that cannot be trapped"),
                });
            }
        }
    }

    let spec = ChildSpec::<DeafRef>::new(|| Stubborn).shutdown(Shutdown::After(Duration::from_secs(2)));
    let tree = Supervisor::new(Strategy::OneForOne).child("deaf", spec).start().await?;
    let deaf: DeafRef = tree.find_child("deaf").await?;
    let (ended, begin) = (deaf.ended(), tokio::time::Instant::now());
    assert_eq!(TreeStub::stop(&tree).await, Exit::shutdown());
    assert_eq!(ended.await, Exit::Killed);
    assert_eq!(begin.elapsed(), Duration::from_secs(2));
    Ok(())
}

#[greenroom::test]
async fn a_tree_describes_itself_and_draws_itself() -> greenroom::Result {
    let shop = Shop { first: 0 }.start().await?;
    shop.guests().start_child(Worker::default()).await?;
    shop.storage().terminate_child("index").await?;
    crash(&shop.storage().disk()).await;
    let description = shop.describe().await?;
    let storage = description.child("storage").unwrap();
    assert_eq!(storage.supervisor.path, "/Shop/storage");
    assert_eq!(storage.supervisor.children[0].starts, 2);
    // Pids differ between runs.
    let mut drawing = description.to_string();
    while let Some(at) = drawing.find(" <") {
        let end = at + drawing[at..].find('>').unwrap();
        drawing.replace_range(at..=end, "");
    }
    let expected = "\
/Shop rest_for_one, 3 restarts in 5s
├─ till permanent
├─ storage one_for_all, 2 restarts in 5s
│  ├─ disk permanent, 2 starts
│  └─ index transient, 2 starts
├─ guests dynamic, 1 restart in 5s
│  └─ #1 temporary
├─ clerks dynamic, 5 restarts in 1s
└─ door permanent";
    assert_eq!(drawing, expected);
    Ok(())
}

/// Starts a shop, sends its stub to an unrelated process, and ends on request.
#[actor(protocol = WorkerMessage)]
struct Owner {
    sender: Option<tokio::sync::oneshot::Sender<ShopRef>>,
}

impl Process for Owner {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        let shop = Shop { first: 0 }.start_link(cx).await?;
        if let Some(sender) = self.sender.take() {
            assert!(sender.send(shop).is_ok(), "the test waits for it");
        }
        receive!(match cx {
            WorkerMessage::Finish => {}
        });
        Ok(())
    }
}

#[greenroom::test]
async fn a_supervisor_ignores_unrelated_exits_and_obeys_its_parent() -> greenroom::Result {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let owner = Owner { sender: Some(sender) }.spawn();
    let shop = receiver.await?;
    let supervisor = shop.supervisor().clone();
    let stranger = greenroom::spawn(move |_: Mailbox<WorkerMessage>| async move {
        supervisor.exit(Exit::error("a stranger"));
    });
    stranger.ended().await;
    settle().await;
    assert_eq!(shop.till().next().await?, 1);
    // A normal exit of the parent stops the tree too.
    let ended = shop.ended();
    owner.finish();
    assert_eq!(ended.await, Exit::Normal);
    settle().await;
    assert_eq!(Node::current().process_count(), 0);
    Ok(())
}

#[greenroom::test]
async fn stubs_of_a_tree_compare_by_slot() -> greenroom::Result {
    let shop = Shop { first: 0 }.start().await?;
    let (till, disk) = (shop.till(), shop.storage().disk());
    assert_eq!(till, shop.clone().till());
    assert_ne!(till, disk);
    assert!(format!("{disk:?}").contains("/Shop/storage/disk"), "{disk:?}");
    crash(&till).await;
    assert_eq!(till, shop.till());
    let other = Shop { first: 1 }.start().await?;
    assert_ne!(till, other.till());
    Ok(())
}
