//! Monitors, links and calls between nodes, and the loss of a connection.

use greenroom::prelude::*;
use greenroom::testing::Cluster;
use greenroom::{Node, NodeEvent, Subject};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::echo_server::{Clerk, EchoServerRef, Visitor, by_pid, down, echo_server, exit, far, live, soon, two_nodes};

/// The time of silence that counts as loss in an in-memory cluster.
const TICK: Duration = Duration::from_secs(4);

/// The ways in which a remote process or its node is lost.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Loss {
    Error,
    Kill,
    Partition,
    Stall,
    Stop,
}

/// Monitors by pid and by name, a trapping link, a call and a wait for the end: each reports the loss with its reason, in
/// time.
async fn check(loss: Loss, reason: Exit, within: Duration) {
    let (cluster, far) = two_nodes().await;
    let near = cluster.node(0).clone();
    let began = Instant::now();
    let watcher = live(&near, async move |mut mailbox: Mailbox<Visitor>| {
        mailbox.trap_exit(true);
        let direct = by_pid(&far).await;
        let (by_name, by_pid) = (mailbox.monitor(&far), mailbox.monitor(&direct));
        mailbox.link(&direct);
        let (call, ended, ended_by_name) = (far.wait().within(Duration::from_secs(60)), direct.ended(), far.ended());
        far.echo("all of it has arrived".into()).await?;
        match loss {
            Loss::Error => far.exit(Exit::error("ill")),
            Loss::Kill => far.exit(Exit::kill()),
            Loss::Partition => cluster.partition(0, 1),
            Loss::Stall => cluster.stall(0, 1),
            Loss::Stop => cluster.node(1).stop().await,
        }
        let mut downs = [down(&mut mailbox).await, down(&mut mailbox).await];
        downs.sort_by_key(|down| down.monitor);
        let name = Subject::Name("echo".into(), cluster.node(1).name().clone());
        let pid = Subject::Pid(direct.pid().unwrap());
        for (down, monitor, target) in [(&downs[0], by_name, name), (&downs[1], by_pid, pid)] {
            assert_eq!((down.monitor, &down.target, &down.reason), (monitor, &target, &reason), "{loss:?}");
        }
        let signal = exit(&mut mailbox).await;
        assert_eq!((signal.from, &signal.reason), (direct.pid().unwrap(), &reason), "{loss:?}");
        let expected = match &reason {
            Exit::NoConnection => CallErrorKind::NoConnection,
            reason => CallErrorKind::Exit(reason.clone()),
        };
        assert_eq!(call.await, Err(expected.into()), "{loss:?}");
        assert_eq!((ended.await, ended_by_name.await), (reason.clone(), reason), "{loss:?}");
        Ok(())
    });
    watcher.await;
    assert!(began.elapsed() <= within, "{loss:?} was noticed after {:?}", began.elapsed());
    if loss == Loss::Stall {
        assert!(began.elapsed() >= TICK, "a silent peer is lost after the tick");
    }
}

#[greenroom::test]
async fn the_end_of_a_remote_process_is_reported() {
    check(Loss::Error, Exit::error("ill"), Duration::ZERO).await;
    check(Loss::Kill, Exit::Killed, Duration::ZERO).await;
}

#[greenroom::test]
async fn a_lost_node_is_a_lost_process() {
    check(Loss::Partition, Exit::NoConnection, Duration::ZERO).await;
    // A peer sends a tick every quarter of it.
    check(Loss::Stall, Exit::NoConnection, TICK + TICK / 4).await;
}

#[greenroom::test]
async fn a_stopping_node_stops_its_processes_in_order() {
    check(Loss::Stop, Exit::shutdown(), Duration::ZERO).await;
}

#[greenroom::test]
async fn a_link_ends_a_process_that_does_not_trap() {
    for (partition, reason) in [(true, Exit::NoConnection), (false, Exit::error("ill"))] {
        let (cluster, far) = two_nodes().await;
        let direct = by_pid(&far).await;
        let linked = {
            let _here = cluster.node(0).enter();
            greenroom::spawn(async move |mut mailbox: Mailbox<Visitor>| {
                mailbox.link(&direct);
                // The answer to the link's own node comes after it.
                direct.echo("linked".into()).await.unwrap();
                mailbox.receive().await;
            })
        };
        let ended = linked.ended();
        far.echo("linked".into()).await.unwrap();
        if partition {
            cluster.partition(0, 1);
        } else {
            far.exit(reason.clone());
        }
        assert_eq!(soon(ended).await, reason);
    }
}

#[greenroom::test]
async fn a_link_works_in_both_directions() {
    let (cluster, _) = two_nodes().await;
    let there = cluster.node(1).named::<EchoServerRef>("echo");
    let far = far(&cluster, 0, 1);
    let direct = by_pid(&far).await;
    let ended = there.ended();
    {
        let _here = cluster.node(0).enter();
        greenroom::spawn(async move |mailbox: Mailbox<Visitor>| {
            mailbox.link(&direct);
            Err::<(), _>(Exit::error("ill"))
        });
    }
    assert_eq!(soon(ended).await, Exit::error("ill"));
}

#[greenroom::test]
async fn a_system_request_to_a_missing_process_fails_at_once() {
    let (cluster, _) = two_nodes().await;
    let near = cluster.node(0).clone();
    for (name, at, reason) in
        [("nobody", "n1@test", Exit::NoProc), ("echo", "n9@test", Exit::NoConnection), ("", "n1@test", Exit::NoProc)]
    {
        let stub = near.named_at::<EchoServerRef>(name, at);
        let began = Instant::now();
        live(&near, async move |mut mailbox: Mailbox<Visitor>| {
            let monitor = mailbox.monitor(&stub);
            let down = down(&mut mailbox).await;
            assert_eq!((down.monitor, &down.reason), (monitor, &reason));
            assert_eq!(stub.ended().await, reason);
            Ok(())
        })
        .await;
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}

#[greenroom::test]
async fn a_removed_monitor_reports_nothing() {
    let (cluster, far) = two_nodes().await;
    let near = cluster.node(0).clone();
    live(&near, async move |mut mailbox: Mailbox<Visitor>| {
        mailbox.trap_exit(true);
        let direct = by_pid(&far).await;
        let (by_name, by_pid, kept) = (mailbox.monitor(&far), mailbox.monitor(&direct), mailbox.monitor(&direct));
        mailbox.link(&direct);
        mailbox.unlink(&direct);
        assert!(mailbox.demonitor(by_name) && mailbox.demonitor(by_pid));
        assert!(!mailbox.demonitor(by_pid));
        far.exit(Exit::error("ill"));
        let down = down(&mut mailbox).await;
        assert_eq!((down.monitor, down.reason), (kept, Exit::error("ill")));
        receive!(match mailbox {
            Visitor::Down(down) => panic!("{down:?}"),
            Visitor::Exit(exit) => panic!("{exit:?}"),
            after!(Duration::from_secs(1)) => {}
        });
        Ok(())
    })
    .await;
}

#[greenroom::test]
async fn stopping_a_name_far_away_stops_that_one() {
    let (cluster, far) = two_nodes().await;
    let near = echo_server(cluster.node(0), "echo");
    assert_eq!(soon(far.stop(Exit::shutdown())).await, Exit::shutdown());
    assert!(near.is_alive());
    assert_eq!(far.echo("hello".into()).await, Err(CallErrorKind::NoProc.into()));
}

/// Forwards node events.
#[actor]
struct Lookout {
    sender: mpsc::UnboundedSender<NodeEvent>,
}

#[actor(local)]
impl Lookout {
    #[node_event]
    fn seen(&mut self, event: NodeEvent) {
        // The test may have ended.
        let _ = self.sender.send(event);
    }
}

/// The node events of this node from now on.
pub(crate) async fn lookout(node: &Node) -> mpsc::UnboundedReceiver<NodeEvent> {
    let (sender, receiver) = mpsc::unbounded_channel();
    node.start(Lookout { sender }).await.expect("a lookout starts");
    receiver
}

#[greenroom::test]
async fn nodes_come_and_go_in_order() {
    let cluster = Cluster::in_memory(2).await;
    echo_server(cluster.node(1), "echo");
    let mut seen = [lookout(cluster.node(0)).await, lookout(cluster.node(1)).await];
    let ids = [1, 0].map(|other| (**cluster.node(other).id()).clone());
    for round in 0..3 {
        if round == 2 {
            cluster.stall(0, 1);
        } else {
            cluster.partition(0, 1);
        }
        for (seen, id) in seen.iter_mut().zip(&ids) {
            assert_eq!(soon(seen.recv()).await, Some(NodeEvent::Down(id.clone())));
        }
        assert_eq!(far(&cluster, 0, 1).echo("hello".into()).await, Err(CallErrorKind::NoConnection.into()));
        cluster.heal(0, 1);
        for (seen, id) in seen.iter_mut().zip(&ids) {
            assert_eq!(soon(seen.recv()).await, Some(NodeEvent::Up(id.clone())));
        }
        assert_eq!(far(&cluster, 0, 1).echo("hello".into()).await.as_deref(), Ok("hello"));
    }
    // Sixty ticks later no node was lost, and no redial was attempted.
    tokio::time::sleep(60 * TICK).await;
    assert!(seen.iter_mut().all(|seen| seen.try_recv().is_err()));
}

#[greenroom::test]
async fn a_down_comes_before_the_node_is_back() {
    let (cluster, far) = two_nodes().await;
    let mut seen = lookout(cluster.node(0)).await;
    let near = cluster.node(0).clone();
    let (sender, mut receiver) = mpsc::unbounded_channel();
    {
        let _here = near.enter();
        greenroom::spawn(async move |mut mailbox: Mailbox<Visitor>| {
            mailbox.monitor(&far);
            far.echo("watched".into()).await.unwrap();
            sender.send(None).unwrap();
            sender.send(Some(down(&mut mailbox).await.reason)).unwrap();
        });
    }
    assert_eq!(soon(receiver.recv()).await, Some(None));
    cluster.partition(0, 1);
    cluster.heal(0, 1);
    while !matches!(soon(seen.recv()).await, Some(NodeEvent::Up(_))) {}
    assert_eq!(receiver.try_recv(), Ok(Some(Exit::NoConnection)));
}

#[greenroom::test]
async fn a_third_node_goes_on() {
    let cluster = Cluster::in_memory(3).await;
    for at in 1..3 {
        echo_server(cluster.node(at), "echo");
    }
    let lost = far(&cluster, 0, 1).wait();
    let kept = far(&cluster, 0, 2).wait().within(Duration::from_secs(1));
    cluster.partition(0, 1);
    assert_eq!(lost.await, Err(CallErrorKind::NoConnection.into()));
    assert_eq!(kept.await, Err(CallErrorKind::Timeout.into()));
    assert_eq!(far(&cluster, 2, 1).echo("hello".into()).await.as_deref(), Ok("hello"));
}

#[greenroom::test]
async fn a_node_that_stops_is_gone_for_all_others_at_once() {
    let cluster = Cluster::in_memory(3).await;
    let mut seen = [lookout(cluster.node(0)).await, lookout(cluster.node(2)).await];
    let gone = (**cluster.node(1).id()).clone();
    let last = cluster.node(1).spawn(Clerk);
    let began = Instant::now();
    cluster.node(1).stop().await;
    assert!(!last.is_alive());
    for seen in &mut seen {
        assert_eq!(soon(seen.recv()).await, Some(NodeEvent::Down(gone.clone())));
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert!(cluster.node(1).peers().is_empty());
    for at in [0, 2] {
        assert_eq!(cluster.node(at).peers().len(), 1);
    }
}
