//! Timers: they end with their process, however it ends.

use std::sync::Arc;

use greenroom::{Node, prelude::*};

/// The messages of a process with a long timer.
#[protocol(local)]
enum Job {
    /// Arrives after an hour, unless the process has ended.
    Overdue {
        file: Arc<()>,
    },
    /// Arrives after an hour with a reply, unless the process has ended.
    Answer {
        reply: Reply<()>,
    },
    Fail,
    Panic,
}

/// The ways in which a process ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Returns,
    Fails,
    Panics,
    Killed,
    KilledBeforeItRan,
    NodeStops,
}

#[actor(protocol = Job)]
struct Worker {
    file: Arc<()>,
    returns: bool,
}

impl Process for Worker {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        for _ in 0..3 {
            cx.send_after(Duration::from_secs(3600), Job::Overdue { file: Arc::clone(&self.file) });
        }
        if self.returns {
            return Ok(());
        }
        loop {
            receive!(match cx {
                Job::Answer { reply } => drop(cx.send_after(Duration::from_secs(3600), Job::Answer { reply })),
                Job::Fail => return Err(Exit::error("failed")),
                Job::Panic => panic!("panicked"),
                Job::Overdue { file } => unreachable!("an hour has not passed: {file:?}"),
            });
        }
    }
}

/// Waits until the tasks of other threads have reached this state, or for ten seconds.
async fn settled(is_reached: impl Fn() -> bool) {
    let give_up = std::time::Instant::now() + Duration::from_secs(10);
    while !is_reached() && std::time::Instant::now() < give_up {
        tokio::task::yield_now().await;
    }
}

fn alive_tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

/// Checks that no task is left beside the `before` that there were, of which some may have ended, and no
/// other owner of the file.
async fn check_released(before: usize, file: &Arc<()>, end: &dyn std::fmt::Debug) {
    settled(|| alive_tasks() <= before && Arc::strong_count(file) == 1).await;
    let (tasks, files) = (alive_tasks(), Arc::strong_count(file));
    assert!(tasks <= before && files == 1, "{end:?}: {tasks} tasks after {before}, {files} files");
}

#[greenroom::test(clock = real)]
async fn timers_end_with_their_process_however_it_ends() {
    for end in [End::Returns, End::Fails, End::Panics, End::Killed, End::KilledBeforeItRan, End::NodeStops] {
        // A node of its own on tokio's spawner, whose tasks can be counted.
        let node = Node::local();
        let before = alive_tasks();
        let file = Arc::new(());
        let worker = node.spawn(Worker { file: Arc::clone(&file), returns: end == End::Returns });
        if end == End::KilledBeforeItRan {
            worker.exit(Exit::Kill);
        }
        let answer = worker.answer();
        let ended = worker.ended();
        match end {
            End::Returns | End::KilledBeforeItRan => {}
            End::Fails => drop(worker.fail()),
            End::Panics => drop(worker.panic()),
            End::Killed => {
                tokio::task::yield_now().await;
                worker.exit(Exit::Kill);
            }
            End::NodeStops => node.stop().await,
        }
        let reason = ended.await;
        // A reply in the message of a timer fails with the reason, like one in the mailbox.
        let answer = answer.await;
        // On another thread, the process may have ended before the call.
        let came_late =
            matches!(end, End::Returns | End::KilledBeforeItRan) && answer == Err(CallErrorKind::NoProc.into());
        assert!(came_late || answer == Err(CallErrorKind::Exit(reason).into()), "{end:?}: {answer:?}");
        check_released(before, &file, &end).await;
    }
}

#[greenroom::test(clock = real)]
async fn a_crowd_of_processes_with_timers_leaves_no_task() {
    let node = Node::local();
    let before = alive_tasks();
    let file = Arc::new(());
    for _ in 0..20 {
        let workers: Vec<_> =
            (0..1000).map(|_| node.spawn(Worker { file: Arc::clone(&file), returns: true }).ended()).collect();
        for ended in workers {
            ended.await;
        }
    }
    check_released(before, &file, &"a crowd").await;
}

#[greenroom::test]
async fn a_timer_that_fired_or_was_cancelled_is_forgotten() {
    let file = Arc::new(());
    let held = Arc::clone(&file);
    let worker = greenroom::spawn(|mut mailbox: Mailbox<Job>| async move {
        let cancelled = mailbox.send_after(Duration::from_secs(60), Job::Overdue { file: Arc::clone(&held) });
        let fires = mailbox.send_after(Duration::from_secs(1), Job::Overdue { file: Arc::clone(&held) });
        assert_eq!((cancelled.cancel(), cancelled.cancel()), (true, false));
        // Its message was dropped at once.
        assert_eq!(Arc::strong_count(&held), 3);
        receive!(match mailbox {
            Job::Overdue { .. } => {}
        });
        assert!(!fires.cancel());
        assert_eq!(format!("{fires:?}"), "Timer(done)");
    });
    assert_eq!(worker.ended().await, Exit::Normal);
    assert_eq!(Arc::strong_count(&file), 1);
}

/// A stream without items.
struct Silence {
    _file: Arc<()>,
}

impl futures_core::Stream for Silence {
    type Item = Job;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Pending
    }
}

/// A part of a process's state that sets a timer and attaches a stream when it is dropped.
struct LateWork {
    mailbox: Mailbox<Job>,
    file: Arc<()>,
}

impl Drop for LateWork {
    fn drop(&mut self) {
        self.mailbox.send_after(Duration::from_secs(3600), Job::Overdue { file: Arc::clone(&self.file) });
        let attachment = self.mailbox.attach(Silence { _file: Arc::clone(&self.file) }, |job| job);
        assert!(!attachment.is_attached());
    }
}

#[greenroom::test(clock = real)]
async fn a_timer_and_a_stream_of_a_destructor_end_at_once() {
    let node = Node::local();
    let before = alive_tasks();
    let file = Arc::new(());
    let held = Arc::clone(&file);
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let (began, begins) = tokio::sync::oneshot::channel();
    let worker = {
        let _entered = node.enter();
        greenroom::spawn(|mailbox: Mailbox<Job>| async move {
            // The process's end is complete only when this has returned.
            let code = mailbox.blocking(move || {
                began.send(()).unwrap();
                gate.recv()
            });
            let _late = LateWork { mailbox, file: held };
            let _ = code.await;
            std::future::pending::<()>().await;
        })
    };
    begins.await.unwrap();
    let mut ended = std::pin::pin!(worker.ended());
    worker.exit(Exit::Kill);
    settled(|| Arc::strong_count(&file) == 1).await;
    assert_eq!(Arc::strong_count(&file), 1);
    assert!(tokio::time::timeout(Duration::ZERO, ended.as_mut()).await.is_err(), "blocking code runs");
    go.send(()).unwrap();
    ended.await;
    check_released(before, &file, &"a destructor").await;
}

/// The messages of a clerk that is reminded.
#[protocol]
enum Clerk {
    Remind { text: String },
    Reminders { reply: Reply<Vec<String>> },
}

#[greenroom::test]
async fn a_timer_sends_to_another_process_unless_its_own_process_ends() -> greenroom::Result {
    let cluster = greenroom::testing::Cluster::in_memory(2).await;
    let clerk = cluster.node(1).scope(async {
        greenroom::spawn(|mut mailbox: Mailbox<Clerk>| async move {
            let mut reminders = Vec::new();
            loop {
                receive!(match mailbox {
                    Clerk::Remind { text } => reminders.push(text),
                    Clerk::Reminders { reply } => reply.send(reminders.clone()),
                });
            }
        })
    });
    let clerk = clerk.await;
    ClerkRef::register("clerk", &clerk)?;
    let _here = cluster.node(0).enter();
    let far = ClerkRef::at("clerk", cluster.node(1).name());
    let remind = |text: &str| Clerk::Remind { text: text.to_owned() };
    let (first, second) = (far.clone(), far.clone());
    let lasting = greenroom::spawn(move |mailbox: Mailbox<Clerk>| async move {
        mailbox.send_after_to(&first, Duration::from_secs(1), remind("one"));
        let cancelled = mailbox.send_after_to(&first, Duration::from_secs(2), remind("two"));
        assert!(cancelled.cancel());
        std::future::pending::<()>().await;
    });
    let short = greenroom::spawn(move |mailbox: Mailbox<Clerk>| async move {
        mailbox.send_after_to(&second, Duration::from_secs(3), remind("three"));
        tokio::time::sleep(Duration::from_secs(2)).await;
    });
    assert_eq!(short.ended().await, Exit::Normal);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(far.reminders().await?, ["one"]);
    assert!(lasting.is_alive());
    cluster.stop().await;
    Ok(())
}
