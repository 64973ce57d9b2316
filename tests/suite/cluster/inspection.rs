//! Questions to another node about its processes, trees, metrics, alarms and messages.

use greenroom::prelude::*;
use greenroom::testing::{Cluster, Probe};
use greenroom::{
    Alarm, CallErrorKind, ChildError, ChildSpec, Inspection, ProcessInfo, RemoteTracing, Strategy, Supervisor, Trace,
    TraceError, TraceStep,
};

/// A process that does nothing but receive.
#[actor]
#[derive(Default)]
struct Clerk {
    served: u64,
}

#[actor]
impl Clerk {
    #[cast]
    fn note(&mut self, line: String) {
        drop(line);
    }

    #[call]
    fn serve(&mut self) -> u64 {
        self.served += 1;
        self.served
    }
}

#[supervisor(strategy = rest_for_one)]
struct Office {
    #[child]
    first: Clerk,
    #[child(supervisor)]
    archive: Archive,
}

#[supervisor]
#[derive(Default)]
struct Archive {
    #[child]
    keeper: Clerk,
}

/// Runs the test with the first of two nodes, and what it sees of the second one.
async fn with_two<R>(test: impl AsyncFnOnce(&Cluster, Inspection) -> R) -> R {
    let cluster = Cluster::in_memory(2).await;
    let node = cluster.node(0).clone();
    let result = node.scope(test(&cluster, node.inspect("n1@test"))).await;
    cluster.stop().await;
    result
}

/// Reads all processes, page by page. Returns the number of the pages, too.
async fn all(inspection: &Inspection) -> Result<(Vec<ProcessInfo>, usize), CallError> {
    let (mut all, mut pages) = (Vec::<ProcessInfo>::new(), 0);
    loop {
        let page = inspection.processes(all.last().map(|process| &process.pid)).await?;
        if page.is_empty() {
            return Ok((all, pages));
        }
        pages += 1;
        all.extend(page);
    }
}

fn pids(infos: &[ProcessInfo]) -> Vec<Pid> {
    infos.iter().map(|info| info.pid.clone()).collect()
}

#[greenroom::test]
async fn the_processes_of_a_node_are_listed_in_parts() -> greenroom::Result {
    with_two(async |cluster: &Cluster, there: Inspection| {
        assert_eq!(there.processes(None).await?, [], "not the process that answers");
        let node = cluster.node(1);
        let clerks: Vec<_> = (0..2_500).map(|_| node.spawn(Clerk::default())).collect();
        ClerkRef::register("boss", &clerks[0])?;
        let (infos, pages) = all(&there).await?;
        assert_eq!(pids(&infos), node.processes());
        assert!((3..=100).contains(&pages), "{pages} pages");
        let boss = &infos[0];
        assert_eq!((boss.name.as_deref(), &*boss.protocol), (Some("boss"), "ClerkMessage"));
        assert_eq!(boss.pid.node(), node.name());
        // Of the own node, too.
        let own = cluster.node(0).spawn(Clerk::default());
        let here = cluster.node(0).inspect("n0@test");
        assert_eq!(pids(&here.processes(None).await?), [own.pid().unwrap()]);
        Ok(())
    })
    .await
}

#[greenroom::test]
async fn one_process_is_described() -> greenroom::Result {
    with_two(async |cluster: &Cluster, there: Inspection| {
        let node = cluster.node(1);
        let (clerk, here) = (node.spawn(Clerk::default()), cluster.node(0).spawn(Clerk::default()));
        let watcher = Probe::<ClerkMessage>::on(node);
        watcher.link(&clerk);
        let pid = clerk.pid().unwrap();
        let info = there.process_info(&pid).await?.expect("it runs");
        assert_eq!(info.links, [watcher.pid().clone()]);
        assert_eq!(Some(info.kind), node.process_info(&pid).map(|info| info.kind));
        // A process of another node, and one that has ended.
        assert_eq!(there.process_info(&here.pid().unwrap()).await?, None);
        watcher.unlink(&clerk);
        clerk.stop(Exit::shutdown()).await;
        assert_eq!(there.process_info(&pid).await?, None);
        Ok(())
    })
    .await
}

#[greenroom::test]
async fn metrics_and_alarms_are_those_of_the_node() -> greenroom::Result {
    with_two(async |cluster: &Cluster, there: Inspection| {
        let node = cluster.node(1);
        let deaf = Probe::<ClerkMessage>::on(node);
        for _ in 0..10_001 {
            deaf.stub().note(String::new());
        }
        let alarms = there.raised_alarms().await?;
        assert!(matches!(&alarms[..], [Alarm::LongMailbox { pid, .. }] if pid == deaf.pid()), "{alarms:?}");
        assert_eq!(alarms, node.raised_alarms());
        let metrics = there.metrics().await?;
        assert_eq!((&*metrics.node, &metrics.peers[..]), ("n1@test", &["n0@test".to_owned()][..]));
        assert_eq!(metrics.alarms["long_mailbox"], 1);
        let page = metrics.to_prometheus();
        assert!(page.contains(r#"greenroom_messages_received_total{protocol="ClerkMessage"} 10001"#), "{page}");
        Ok(())
    })
    .await
}

#[greenroom::test]
async fn the_trees_of_a_node_are_described_and_not_handed_out() -> greenroom::Result {
    with_two(async |cluster: &Cluster, there: Inspection| {
        assert_eq!(there.trees().await.unwrap(), []);
        let node = cluster.node(1);
        let office = node.start_tree(Office {}).await?;
        let other = node.start_supervisor(Supervisor::new(Strategy::OneForAll)).await?;
        let trees = there.trees().await?;
        let drawn: Vec<_> = trees.iter().map(ToString::to_string).collect();
        assert_eq!(drawn, [office.describe().await?.to_string(), other.describe().await?.to_string()]);
        assert!(drawn[0].contains("keeper"), "{}", drawn[0]);
        // The stub of the nested supervisor names it only.
        let archive = trees[0].supervisor.children[1].supervisor.clone().expect("it is a supervisor");
        assert_eq!(archive.pid(), trees[0].supervisor.children[1].pid);
        assert_eq!(archive.terminate_child("keeper").await, Err(ChildError::NoProc));
        assert!(office.archive().keeper().is_alive());
        office.stop().await;
        TreeStub::stop(&other).await;
        Ok(())
    })
    .await
}

/// Starts a clerk on the second node, and a trace of it.
async fn traced(cluster: &Cluster, there: &Inspection, trace: Trace) -> Result<(ClerkRef, RemoteTracing), Exit> {
    let clerk = cluster.node(1).spawn(Clerk::default());
    let trace = there.trace(&clerk.pid().unwrap(), trace).await?;
    Ok((clerk, trace))
}

const HOUR: Duration = Duration::from_secs(3600);

#[greenroom::test]
async fn a_trace_shows_each_message_as_it_comes_and_ends_at_its_limits() -> greenroom::Result {
    with_two(async |cluster: &Cluster, there: Inspection| {
        let (clerk, mut trace) = traced(cluster, &there, Trace { steps: 4, duration: HOUR }).await?;
        for n in 1..=2 {
            assert_eq!(clerk.serve().await?, n);
            let (arrived, taken) = (trace.next().await?.unwrap(), trace.next().await?.unwrap());
            assert_eq!((arrived.step, &*arrived.variant), (TraceStep::Arrived, "Serve"));
            assert_eq!((taken.step, &*taken.variant), (TraceStep::Taken, "Serve"));
        }
        assert_eq!((trace.next().await?, trace.next().await?), (None, None));

        let begun = tokio::time::Instant::now();
        let (_clerk, mut trace) =
            traced(cluster, &there, Trace { steps: 100, duration: Duration::from_secs(9) }).await?;
        assert_eq!(trace.next().await?, None);
        assert_eq!(begun.elapsed().as_secs(), 9);

        let (clerk, mut trace) = traced(cluster, &there, Trace { steps: 100, duration: Duration::MAX }).await?;
        clerk.stop(Exit::shutdown()).await;
        assert_eq!(trace.next().await?, None, "its process has exited");

        let begun = tokio::time::Instant::now();
        let (_clerk, mut trace) = traced(cluster, &there, Trace { steps: 100, duration: Duration::MAX }).await?;
        assert_eq!(trace.next().await?, None);
        assert_eq!(begun.elapsed().as_secs(), 3600, "not longer for another node");
        Ok(())
    })
    .await
}

/// Much of everything, between nodes with the shortest limit on messages.
#[tokio::test]
async fn each_answer_fits_into_the_smallest_message() -> greenroom::Result {
    let cookie = Cookie::random()?;
    let builder = |name| Node::builder(name).cookie(cookie.clone()).max_message_size(64 * 1024);
    let shop = builder("shop@test").listen("127.0.0.1:0").long_mailbox(1).start().await?;
    let client = builder("client@test").seed(shop.address().unwrap()).start().await?;
    let there = client.inspect("shop@test");

    let hub = Probe::<ClerkMessage>::on(&shop);
    let clerks: Vec<_> = (0..5_000).map(|_| shop.spawn(Clerk::default())).collect();
    clerks.iter().for_each(|clerk| hub.link(clerk));
    let links = there.process_info(hub.pid()).await?.expect("it runs").links.len();
    assert!((100..5_000).contains(&links), "{links} links");
    let infos = there.processes(None).await?;
    let links = infos.iter().find(|info| info.pid == *hub.pid()).expect("it is the oldest").links.len();
    assert!((10..200).contains(&links), "{links} links in a list");

    let probes: Vec<_> = (0..2_000).map(|_| Probe::<ClerkMessage>::on(&shop)).collect();
    for probe in &probes {
        probe.stub().note("a".into());
        probe.stub().note("b".into());
    }
    assert_eq!(shop.raised_alarms().len(), 2_000);
    let alarms = there.raised_alarms().await?.len();
    assert!((100..2_000).contains(&alarms), "{alarms} alarms");

    let mut crowd = Supervisor::new(Strategy::OneForOne);
    for n in 0..3_000 {
        crowd = crowd.child(format!("clerk-{n}"), ChildSpec::<ClerkRef>::new(Clerk::default));
    }
    let crowd = shop.start_supervisor(crowd).await?;
    let trees = there.trees().await?;
    let children = trees[0].supervisor.children.len();
    assert!((100..3_000).contains(&children), "{children} children");

    let mut trace = there.trace(&clerks[0].pid().unwrap(), Trace { steps: 1_000, duration: HOUR }).await?;
    for n in 0..1_000 {
        clerks[0].note(format!("{n:0500}"));
    }
    let mut events = 0;
    while trace.next().await?.is_some() {
        events += 1;
    }
    assert_eq!(events, 1_000, "in several answers");

    TreeStub::stop(&crowd).await;
    client.stop().await;
    shop.stop().await;
    Ok(())
}

/// Lets the processes run that have something to do.
async fn settle() {
    tokio::time::sleep(Duration::from_secs(1)).await;
}

#[greenroom::test]
async fn a_trace_ends_with_its_reader() -> greenroom::Result {
    with_two(async |cluster: &Cluster, there: Inspection| {
        let count = || cluster.node(1).process_count();
        // It waits for events, or has some that are not read.
        for unread in [false, true] {
            let before = count();
            let (clerk, mut trace) = traced(cluster, &there, Trace { steps: 100, duration: HOUR }).await?;
            clerk.serve().await?;
            assert!(trace.next().await?.is_some());
            assert!(trace.next().await?.is_some());
            if !unread {
                let waits = tokio::time::timeout(Duration::from_secs(60), trace.next()).await;
                assert!(waits.is_err(), "{waits:?}");
            }
            assert_eq!(count(), before + 2, "the clerk, and the process that traces");
            drop(trace);
            settle().await;
            assert_eq!(count(), before + 1);
        }
        // Its process exits.
        let clerk = cluster.node(1).spawn(Clerk::default());
        let (before, pid) = (count(), clerk.pid().unwrap());
        let reader = greenroom::spawn(move |_: Mailbox<ClerkMessage>| async move {
            let mut trace = there.trace(&pid, Trace { steps: 100, duration: HOUR }).await?;
            trace.next().await?;
            Ok::<(), Exit>(())
        });
        settle().await;
        assert_eq!(count(), before + 1);
        reader.exit(Exit::kill());
        settle().await;
        assert_eq!(count(), before);
        Ok(())
    })
    .await
}

#[greenroom::test]
async fn a_trace_ends_if_it_is_not_read() -> greenroom::Result {
    with_two(async |cluster: &Cluster, there: Inspection| {
        let (_clerk, mut trace) = traced(cluster, &there, Trace { steps: 100, duration: HOUR }).await?;
        tokio::time::sleep(HOUR - Duration::from_secs(60)).await;
        assert_eq!(cluster.node(1).process_count(), 2);
        tokio::time::sleep(Duration::from_secs(120)).await;
        assert_eq!(cluster.node(1).process_count(), 1, "the clerk");
        assert_eq!(trace.next().await.unwrap_err().kind, CallErrorKind::Dropped);
        assert_eq!(trace.next().await?, None);
        Ok(())
    })
    .await
}

#[greenroom::test]
async fn a_trace_ends_with_the_connection() -> greenroom::Result {
    with_two(async |cluster: &Cluster, there: Inspection| {
        let (_clerk, mut trace) = traced(cluster, &there, Trace { steps: 100, duration: HOUR }).await?;
        assert_eq!(cluster.node(1).process_count(), 2);
        cluster.partition([0], [1]);
        assert_eq!(trace.next().await.unwrap_err().kind, CallErrorKind::NoConnection);
        assert_eq!(trace.next().await?, None);
        settle().await;
        assert_eq!(cluster.node(1).process_count(), 1, "the clerk");
        assert_eq!(there.metrics().await.unwrap_err().kind, CallErrorKind::NoConnection);
        cluster.heal_all();
        cluster.connected().await;
        assert_eq!(there.metrics().await?.node, "n1@test");
        Ok(())
    })
    .await
}

#[greenroom::test]
async fn a_node_has_a_bounded_number_of_traces_for_others() -> greenroom::Result {
    with_two(async |cluster: &Cluster, there: Inspection| {
        let limits = Trace { steps: 100, duration: HOUR };
        let mut traces = Vec::new();
        for _ in 0..16 {
            traces.push(traced(cluster, &there, limits).await?);
        }
        let pid = traces[0].0.pid().unwrap();
        assert_eq!(there.trace(&pid, limits).await.unwrap_err(), TraceError::TooMany);
        // Those of the node itself are not among them.
        assert!(cluster.node(1).trace(&traces[1].0.pid().unwrap(), limits).is_some());
        drop(traces.pop());
        settle().await;
        assert!(there.trace(&pid, limits).await.is_ok());
        Ok(())
    })
    .await
}

#[greenroom::test]
async fn a_trace_without_a_process_or_a_node_is_an_error() {
    with_two(async |cluster: &Cluster, there: Inspection| {
        let clerk = cluster.node(0).spawn(Clerk::default());
        let pid = clerk.pid().unwrap();
        assert_eq!(there.trace(&pid, Trace::default()).await.unwrap_err(), TraceError::NoProc);
        for nowhere in ["n7@test", "nowhere"] {
            let nowhere = cluster.node(0).inspect(nowhere);
            let failed = nowhere.trace(&pid, Trace::default()).await.unwrap_err();
            assert_eq!(failed, TraceError::Failed(CallErrorKind::NoConnection.into()));
            assert_eq!(nowhere.trees().await.unwrap_err().kind, CallErrorKind::NoConnection);
            assert_eq!(nowhere.processes(None).await.unwrap_err().kind, CallErrorKind::NoConnection);
        }
        let local = Node::local();
        assert_eq!(local.inspect("n1@test").metrics().await.unwrap_err().kind, CallErrorKind::NoConnection);
    })
    .await;
}
