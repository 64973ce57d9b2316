//! Stubs of a tree that travel in messages, and the log events of a supervisor.

use greenroom::prelude::*;
use greenroom::testing::Cluster;
use greenroom::{Node, Subject};

use crate::events::Events;

#[actor]
#[derive(Clone, Default)]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[call]
    fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    #[cast]
    fn crash(&mut self) {
        panic!("boom");
    }
}

#[supervisor]
struct Inner {
    #[child(while_down = hold, backoff = "1s..2s")]
    counter: Counter,
}

#[supervisor(intensity = 9, period = "5s")]
struct Outer {
    #[child(supervisor, start = Inner {})]
    inner: Inner,
    #[child]
    counter: Counter,
}

/// Returns the stubs that it was given.
#[actor]
struct Porter {
    inner: CounterRef,
    outer: CounterRef,
}

#[actor]
impl Porter {
    #[call]
    fn stubs(&self) -> (CounterRef, CounterRef) {
        (self.inner.clone(), self.outer.clone())
    }

    /// Returns whether these equal its own two stubs.
    #[call]
    fn has_equal_stubs(&self, inner: CounterRef, outer: CounterRef) -> bool {
        inner == self.inner && outer == self.outer
    }
}

/// Monitors the given process.
#[protocol(local)]
enum Watching {
    Watch {
        whom: CounterRef,
        down: tokio::sync::oneshot::Sender<Down>,
    },
    #[from]
    Down(Down),
}

/// Waits until all processes of all nodes are idle.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}

#[greenroom::test]
async fn a_stub_from_a_tree_follows_its_child_from_another_node_too() -> greenroom::Result {
    let cluster = Cluster::in_memory(2).await;
    let home = cluster.node(0);
    let tree = home.start_tree(Outer {}).await?;
    let porter = home.spawn(Porter { inner: tree.inner().counter(), outer: tree.counter() });
    {
        let _home = home.enter();
        PorterRef::register("porter", &porter)?;
    }
    let porter: PorterRef = cluster.node(1).named_at("porter", home.name());
    let (inner, outer) = porter.stubs().await?;
    assert_eq!(inner, tree.inner().counter(), "two ends of one name");
    assert_ne!(inner, outer);
    assert!(porter.has_equal_stubs(inner.clone(), outer.clone()).await?, "come home, it is the same");
    assert_eq!((inner.next().await?, inner.next().await?, outer.next().await?), (1, 2, 1));

    // The child is restarted, then the supervisor above it is killed: the stub still reaches the child.
    outer.crash();
    settle().await;
    assert_eq!(outer.next().await?, 1);
    tree.inner().supervisor().exit(Exit::kill());
    settle().await;
    assert_eq!(inner.next().await?, 1);

    // A message to a child in its restart gap waits for the next incarnation.
    inner.crash();
    settle().await;
    assert_eq!(inner.next().await?, 1);

    // A monitor is attached to the current incarnation.
    let (down, down_receiver) = tokio::sync::oneshot::channel();
    let watcher = cluster.node(1).scope(async {
        greenroom::spawn(|mut mailbox: Mailbox<Watching>| async move {
            let (whom, down) = receive!(match mailbox {
                Watching::Watch { whom, down } => (whom, down),
            });
            mailbox.monitor(&whom);
            let gone = receive!(match mailbox {
                Watching::Down(gone) => gone,
            });
            let _ = down.send(gone);
        })
    });
    watcher.await.watch(outer.clone(), down);
    settle().await;
    outer.crash();
    let Down { target, reason, .. } = down_receiver.await?;
    assert!(matches!(reason, Exit::Panic { .. }), "{reason}");
    assert_eq!(target, Subject::Name("/Outer/counter".into(), home.name().clone()));
    settle().await;
    assert_eq!(outer.next().await?, 1);

    // The child ended with its tree.
    TreeStub::stop(&tree).await;
    assert_eq!(outer.next().await, Err(CallErrorKind::NoProc.into()));
    cluster.stop().await;
    Ok(())
}

#[greenroom::test]
async fn a_child_whose_stub_was_never_sent_cannot_be_reached_from_outside() -> greenroom::Result {
    let cluster = Cluster::in_memory(2).await;
    let home = cluster.node(0);
    let tree = home.start_tree(Outer {}).await?;
    let guessed: CounterRef = cluster.node(1).named_at("/Outer/counter", home.name());
    assert_eq!(guessed.next().await, Err(CallErrorKind::NoProc.into()));
    assert_eq!(tree.counter().next().await?, 1);
    cluster.stop().await;
    Ok(())
}

#[greenroom::test]
async fn a_supervisor_logs_its_actions() -> greenroom::Result {
    let (events, _guard) = Events::listen(&["greenroom::supervisor"], &["pid", "reason", "within"]);
    let tree = Outer {}.start().await?;
    let logged = || events.take();
    assert_eq!(
        logged(),
        [
            r#"DEBUG child started supervisor="/Outer/inner" child="counter" starts=1"#,
            r#"DEBUG child started supervisor="/Outer" child="inner" starts=1"#,
            r#"DEBUG child started supervisor="/Outer" child="counter" starts=1"#,
        ]
    );
    for _ in 0..10 {
        tree.counter().crash();
        settle().await;
    }
    let ended = tree.ended();
    let reports: Vec<_> = logged().into_iter().filter(|line| !line.starts_with("DEBUG")).collect();
    assert_eq!(
        reports,
        [
            r#"ERROR child terminated supervisor="/Outer" child="counter" restart=Permanent crashes=1 restarts_left=8 period=5s"#,
            r#"ERROR child keeps terminating supervisor="/Outer" child="counter" restart=Permanent crashes=2 restarts_left=7 period=5s"#,
            r#"ERROR child keeps terminating supervisor="/Outer" child="counter" restart=Permanent crashes=4 restarts_left=5 period=5s"#,
            r#"ERROR child keeps terminating supervisor="/Outer" child="counter" restart=Permanent crashes=8 restarts_left=1 period=5s"#,
            r#"ERROR supervisor gives up: too many restarts supervisor="/Outer""#,
        ]
    );
    assert_eq!(ended.await, Exit::shutdown());
    assert_eq!(Node::current().process_count(), 0);
    Ok(())
}
