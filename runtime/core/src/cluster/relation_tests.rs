//! Links and monitors between nodes: what a node remembers of them, and the order in which they end.

use std::time::Duration;

use greenroom_macros::{actor, protocol};
use tokio::sync::mpsc;

use crate::base::{NodeEvent, Subject};
use crate::prelude::*;
use crate::testing::Cluster;

/// A sensor that answers, also after the loss of a linked process.
#[actor(trap_exit)]
struct Sensor;

#[actor]
impl Sensor {
    #[exit]
    fn linked_process_exited(&mut self, _: ExitSignal) {}

    #[call]
    fn ask(&self) -> u64 {
        1
    }

    #[call]
    fn who(&self, cx: &mut Context<Self>) -> SensorRef {
        cx.me()
    }
}

/// The messages of a process that monitors.
#[protocol(local)]
enum Watch {
    #[from]
    Down(Down),
    #[from]
    Exit(ExitSignal),
    #[from]
    Node(NodeEvent),
}

/// Two nodes with a sensor on the second. Returns the first node's stub of it.
async fn sensor() -> (Cluster, SensorRef) {
    let cluster = Cluster::in_memory(2).await;
    SensorRef::register("sensor", &cluster.node(1).spawn(Sensor)).unwrap();
    let far = cluster.node(0).named_at("sensor", "n1@test");
    (cluster, far)
}

fn tracked(cluster: &Cluster) -> [(usize, usize); 2] {
    [0, 1].map(|at| cluster.node(at).router().unwrap().tracked())
}

/// Runs `body` as a process of the node, to its end.
async fn run<F>(node: &Node, body: impl FnOnce(Mailbox<Watch>) -> F + Send + 'static)
where
    F: Future<Output = ()> + Send + 'static,
{
    let process = {
        let _entered = node.enter();
        crate::spawn(async move |mailbox: Mailbox<Watch>| body(mailbox).await)
    };
    assert_eq!(process.ended().await, Exit::Normal);
}

#[greenroom_macros::test]
async fn relations_that_have_ended_leave_nothing_behind() {
    let (cluster, far) = sensor().await;
    let by_pid = far.who().await.unwrap();
    for stub in [far.clone(), by_pid] {
        let echo = far.clone();
        run(cluster.node(0), async move |mut mailbox| {
            for round in 0..10_000 {
                let monitor = mailbox.monitor(&stub);
                assert!(mailbox.demonitor(monitor));
                drop(stub.ended());
                if round % 500 == 0 {
                    // A process of its own each time.
                    let other = stub.clone();
                    crate::spawn(async move |mailbox: Mailbox<Watch>| {
                        mailbox.monitor(&other);
                        mailbox.link(&other);
                    });
                    assert_eq!(echo.ask().await, Ok(1));
                }
            }
            assert_eq!(echo.ask().await, Ok(1));
        })
        .await;
        for (processes, resolved) in tracked(&cluster) {
            assert!(processes <= 64 && resolved == 0, "{processes} {resolved}");
        }
    }
}

#[greenroom_macros::test]
async fn each_process_with_a_relation_is_notified_of_the_loss_after_many_others_have_ended() {
    let (cluster, far) = sensor().await;
    let (sender, mut receiver) = mpsc::unbounded_channel();
    for _ in 0..200 {
        let (far, sender) = (far.clone(), sender.clone());
        let _entered = cluster.node(0).enter();
        crate::spawn(async move |mut mailbox: Mailbox<Watch>| {
            mailbox.monitor(&far);
            let _ = sender.send(None);
            if let Watch::Down(down) = mailbox.receive().await {
                let _ = sender.send(Some(down.reason));
            }
        });
    }
    let mut waits: Vec<_> = (0..200).map(|_| Box::pin(far.ended())).collect();
    for _ in 0..200 {
        assert_eq!(receiver.recv().await, Some(None));
    }
    for _ in 0..5_000 {
        drop(far.ended());
    }
    assert_eq!(far.ask().await, Ok(1));
    cluster.partition(0, 1);
    for _ in 0..200 {
        assert_eq!(receiver.recv().await, Some(Some(Exit::NoConnection)));
    }
    for wait in &mut waits {
        assert_eq!(wait.await, Exit::NoConnection);
    }
}

#[greenroom_macros::test]
async fn a_monitor_by_name_is_removed_from_the_process_that_had_the_name() {
    let (cluster, far) = sensor().await;
    let node = cluster.node(1).clone();
    let first = node.named::<SensorRef>("sensor").pid().unwrap();
    let second = node.spawn(Sensor);
    let watchers = {
        let (node, first, second) = (node.clone(), first.clone(), second.pid().unwrap());
        move || [&first, &second].map(|pid| node.process_info(pid).unwrap().monitored_by.len())
    };
    let stub = far.clone();
    run(cluster.node(0), async move |mut mailbox| {
        let monitor = mailbox.monitor(&stub);
        let ended = stub.ended();
        assert_eq!(stub.ask().await, Ok(1));
        assert_eq!(watchers(), [2, 0]);
        {
            let _entered = node.enter();
            SensorRef::unregister("sensor").unwrap();
            SensorRef::register("sensor", &second).unwrap();
        }
        let later = mailbox.monitor(&stub);
        assert!(mailbox.demonitor(monitor));
        drop(ended);
        assert_eq!(stub.ask().await, Ok(1));
        assert_eq!(watchers(), [0, 1]);
        assert!(mailbox.demonitor(later));
        assert_eq!(stub.ask().await, Ok(1));
        assert_eq!(watchers(), [0, 0]);
    })
    .await;
    assert_eq!(tracked(&cluster)[1].1, 0);
    // A monitor that ends with its process leaves no note either.
    let ended = far.ended();
    far.exit(Exit::kill());
    assert_eq!(ended.await, Exit::Killed);
    assert_eq!(far.ended().await, Exit::NoProc);
    assert_eq!(tracked(&cluster)[1].1, 0);
}

/// In each round the connection is lost while a process monitors and links. It receives the effects of the loss before the
/// event `Down`, nothing of that connection afterwards, and the next `Up` last.
#[greenroom_macros::test]
async fn a_process_receives_the_effects_of_a_loss_before_down_and_nothing_until_up() {
    let (cluster, far) = sensor().await;
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let process = {
        let _entered = cluster.node(0).enter();
        let far = far.clone();
        crate::spawn(async move |mut mailbox: Mailbox<Watch>| {
            mailbox.trap_exit(true);
            mailbox.watch_nodes(true);
            loop {
                let by_pid = far.who().await.unwrap();
                mailbox.link(&by_pid);
                let monitors = [mailbox.monitor(&far), mailbox.monitor(&by_pid)];
                let held = far.ask().await;
                let _ = sender.send(());
                let mut effects = Vec::new();
                loop {
                    match mailbox.receive().await {
                        Watch::Down(down) => {
                            assert!(monitors.contains(&down.monitor), "of this connection");
                            assert!(matches!(down.target, Subject::Name(..) | Subject::Pid(_)));
                            effects.push(down.reason);
                        }
                        Watch::Exit(exit) => effects.push(exit.reason),
                        Watch::Node(NodeEvent::Down(_)) => break,
                        Watch::Node(event) => panic!("{event:?}"),
                    }
                }
                assert_eq!((held, effects), (Ok(1), vec![Exit::NoConnection; 3]));
                match mailbox.receive().await {
                    Watch::Node(NodeEvent::Up(_)) => {}
                    _ => panic!("a signal after the event"),
                }
            }
        })
    };
    for _ in 0..20 {
        receiver.recv().await.unwrap();
        cluster.partition(0, 1);
        tokio::time::sleep(Duration::from_millis(1)).await;
        cluster.heal(0, 1);
    }
    receiver.recv().await.unwrap();
    assert!(process.is_alive());
}
