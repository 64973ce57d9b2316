//! Views of the own node, on a paused clock.

use greenroom::prelude::*;
use greenroom::testing::{Cluster, Probe, pattern};
use observer::{
    Action, Addresses, EventKind, MAX_SUBSCRIBERS, Observer, ObserverRef, Overview, Query, Sort, Subscriber, View,
    WatcherRef,
};

use crate::office::{Clerk, OrderRef, start_office};

const MOMENT: Duration = Duration::from_secs(2);

/// Starts an observer of the own node. Returns it with its watcher.
async fn start_observer() -> (ObserverRef, WatcherRef) {
    let observer = Observer::of_own_node().start().await.unwrap();
    let watcher = observer.watcher(String::new()).await.unwrap().expect("the own node is watched");
    (observer, watcher)
}

/// Returns an overview in which each node was looked at.
async fn overview(observer: &ObserverRef) -> Overview {
    for _ in 0..2 {
        observer.overview(false).await.unwrap();
        tokio::time::sleep(MOMENT).await;
    }
    observer.overview(false).await.unwrap()
}

#[greenroom::test]
async fn a_view_has_trees_and_processes_in_order() {
    let office = start_office().await;
    let (_observer, watcher) = start_observer().await;
    let deputy = office.tree().deputy();
    for _ in 0..3 {
        deputy.keep();
    }
    tokio::time::sleep(MOMENT).await;
    let lines =
        |view: &View| view.trees.iter().map(|line| (line.depth, line.path.clone(), line.starts)).collect::<Vec<_>>();
    let view = watcher.view(Query::default()).await.unwrap();
    assert_eq!(view.error, "");
    let expected = [(0, "/Office", 0), (1, "/Office/clerk", 1), (1, "/Office/deputy", 1)];
    assert_eq!(lines(&view), expected.map(|(depth, path, starts)| (depth, path.to_owned(), starts)));
    assert_eq!((&*view.rows[0].path, view.rows[0].mailbox, &*view.rows[0].state), ("/Office/deputy", 3, "waiting"));
    // The line of its `receive!`.
    assert!(view.rows[0].at.starts_with("office.rs:"), "{}", view.rows[0].at);
    // The supervisor, its children, the observer, the watcher, and its subscription.
    assert_eq!((view.matching, view.partial), (6, false));
    // Ten messages within two seconds.
    let clerk = office.tree().clerk();
    for _ in 0..10 {
        clerk.handle("order 1".to_owned());
    }
    tokio::time::sleep(MOMENT).await;
    let number = clerk.pid().unwrap().number();
    let query = Query { sort: Sort::Rate, filter: "CLERK".to_owned(), process: Some(number), ..Query::default() };
    let view = watcher.view(query).await.unwrap();
    assert_eq!((&*view.rows[0].name, view.rows[0].rate, view.rows.len()), ("clerk", 5, 1));
    assert_eq!(view.process.unwrap().handled, 10);
}

#[greenroom::test]
async fn a_restart_has_one_record() {
    let office = start_office().await;
    let (observer, watcher) = start_observer().await;
    overview(&observer).await;
    office.tree().clerk().r#break();
    tokio::time::sleep(MOMENT).await;
    let Overview { nodes, events, .. } = overview(&observer).await;
    let texts: Vec<_> = events.iter().map(|event| (event.kind, event.text.split(['(', ':']).next().unwrap())).collect();
    assert_eq!(texts, [(EventKind::Crash, "/Office/clerk "), (EventKind::Restart, "/Office/clerk was restarted")]);
    assert!(events[0].text.contains("bad order"), "{events:?}");
    assert_eq!(events[0].node, nodes[0].node);
    let view = watcher.view(Query::default()).await.unwrap();
    assert_eq!((view.trees[1].starts, nodes[0].restarts), (2, 1));
}

#[greenroom::test]
async fn a_subscriber_is_notified_of_a_crash_at_once_and_sees_the_current_tree() {
    let office = start_office().await;
    let (observer, watcher) = start_observer().await;
    let mut probe = Probe::<Subscriber>::new();
    assert!(observer.subscribe(probe.stub()).await.unwrap());
    watcher.view(Query::default()).await.unwrap();
    probe.expect_nothing(Duration::from_secs(60)).await;
    let before = tokio::time::Instant::now();
    office.tree().clerk().r#break();
    // The crash, and then the restart; the clock has not advanced.
    for _ in 0..2 {
        probe.expect(pattern!(Subscriber::Event)).await;
    }
    let view = watcher.view(Query::default()).await.unwrap();
    assert_eq!((view.trees[1].starts, observer.overview(false).await.unwrap().events.len()), (2, 2));
    assert_eq!(before.elapsed(), Duration::ZERO);
    // The slot of a subscriber that ended is free again.
    for _ in 0..500 {
        let subscriber = Probe::<Subscriber>::new();
        assert!(observer.subscribe(subscriber.stub()).await.unwrap());
    }
    let subscribers: Vec<_> = (0..MAX_SUBSCRIBERS).map(|_| Probe::<Subscriber>::new()).collect();
    let mut subscribed = 0;
    for subscriber in &subscribers {
        subscribed += usize::from(observer.subscribe(subscriber.stub()).await.unwrap());
    }
    assert_eq!(subscribed, MAX_SUBSCRIBERS - 1);
}

#[greenroom::test]
async fn a_watcher_that_has_ended_is_replaced_and_all_end_with_the_observer() {
    let (observer, watcher) = start_observer().await;
    watcher.exit(Exit::kill());
    watcher.ended().await;
    tokio::time::sleep(MOMENT).await;
    let next = observer.watcher(String::new()).await.unwrap().unwrap();
    assert_ne!(next, watcher);
    observer.stop(Exit::shutdown()).await;
    assert_eq!(next.ended().await, Exit::shutdown());
}

#[greenroom::test]
async fn all_nodes_of_a_cluster_are_watched_and_a_lost_one_is_shown() {
    let cluster = Cluster::in_memory(3).await;
    let node = cluster.node(0).clone();
    node.scope(async {
        let addresses = Addresses::default();
        let observer = Observer::of_cluster(addresses.clone(), true).start().await.unwrap();
        let seen = overview(&observer).await;
        let names = |seen: &Overview| seen.nodes.iter().map(|node| node.node.clone()).collect::<Vec<_>>();
        assert_eq!(names(&seen), ["n1@test", "n2@test"]);
        for summary in &seen.nodes {
            assert_eq!(summary.error, "");
            assert_eq!(summary.connections.len(), 2, "{summary:?}");
            // The watcher's questions take bytes.
            let watched = summary.connections.iter().find(|connection| connection.to == "n0@test").unwrap();
            assert!(watched.sent > 0 && watched.received > 0, "{summary:?}");
            assert_eq!((summary.history.len(), summary.greenroom.is_empty()), (2, false));
        }
        // Each announces the others.
        assert_eq!(addresses.all().len(), 3, "{addresses:?}");
        cluster.crash(1);
        tokio::time::sleep(Duration::from_secs(10)).await;
        let seen = overview(&observer).await;
        assert_eq!(names(&seen), ["n1@test", "n2@test"]);
        assert!(seen.nodes[0].error.contains("no connection"), "{:?}", seen.nodes[0]);
        assert!(seen.events.iter().any(|event| (event.kind, &*event.node) == (EventKind::Lost, "n1@test")));
        tokio::time::sleep(Duration::from_secs(700)).await;
        assert_eq!(names(&overview(&observer).await), ["n2@test"], "not for ever");
        cluster.restart(1).await;
        let seen = overview(&observer).await;
        assert_eq!((names(&seen).len(), &*seen.nodes[0].error), (2, ""));
    })
    .await;
    cluster.stop().await;
}

#[greenroom::test]
async fn actions_need_the_observer_and_the_node_to_allow_them() {
    use greenroom::{Policy, Right};
    let policy = || Policy::cookie().role("looks", [Right::Inspect]).assign("n0@test", "looks");
    let configure =
        move |index, builder: greenroom::NodeBuilder| if index == 2 { builder.policy(policy()) } else { builder };
    let cluster = Cluster::in_memory(3).configure(configure).await;
    let clerks: Vec<_> = (0..3).map(|index| cluster.node(index).spawn(Clerk)).collect();
    cluster
        .node(0)
        .scope(async {
            for (actions, node, expected) in [
                (false, 1, Err("this observer only looks".to_owned())),
                (true, 1, Ok("stopped".to_owned())),
                (true, 2, Err("right `exit`".to_owned())),
            ] {
                let observer = Observer::of_cluster(Addresses::default(), actions);
                let observer = observer.start().await.unwrap();
                let watcher = observer.watcher(format!("n{node}@test")).await.unwrap().unwrap();
                let view = watcher.view(Query::default()).await.unwrap();
                assert_eq!(view.actions, actions);
                let number = clerks[node].pid().unwrap().number();
                let done = watcher.act(number, Action::Stop).await.unwrap();
                match (&done, &expected) {
                    (Ok(done), Ok(expected)) => assert_eq!(done, expected),
                    (Err(done), Err(expected)) => assert!(done.contains(expected), "{done}"),
                    _ => panic!("{done:?}, not {expected:?}"),
                }
                assert_eq!(clerks[node].is_alive(), done.is_err());
                // The buttons are not offered again where they are refused.
                let view = watcher.view(Query::default()).await.unwrap();
                assert_eq!(view.actions, done.is_ok());
                observer.stop(Exit::shutdown()).await;
            }
        })
        .await;
    cluster.stop().await;
}

#[greenroom::test]
async fn flows_name_the_kinds_of_both_nodes() {
    let cluster = Cluster::in_memory(3).await;
    let _clerk = cluster.node(1).spawn(Clerk);
    // Orders ten times a second from another node.
    let far: OrderRef = cluster.node(2).named_at("clerk", "n1@test");
    cluster.node(2).spawn(Customer { clerk: far });
    cluster
        .node(0)
        .scope(async {
            let observer = Observer::of_cluster(Addresses::default(), false).start().await.unwrap();
            let mut flows = Vec::new();
            for _ in 0..4 {
                flows = observer.overview(true).await.unwrap().flows;
                tokio::time::sleep(MOMENT).await;
            }
            let is_order = |flow: &&observer::Flow| flow.to.kind.ends_with("Clerk");
            let flow = flows.iter().find(is_order).unwrap_or_else(|| panic!("{flows:?}"));
            assert_eq!((&*flow.from.node, &*flow.to.node, &*flow.protocol), ("n2@test", "n1@test", "Order"));
            assert!(flow.from.kind.ends_with("Customer"), "{flow:?}");
            assert!((8.0..=12.0).contains(&flow.rate) && flow.errors == 0.0, "{flow:?}");
        })
        .await;
    cluster.stop().await;
}

/// Orders ten times a second.
#[actor]
struct Customer {
    clerk: OrderRef,
}

#[actor]
impl Customer {
    #[every("100ms")]
    fn order(&mut self) {
        self.clerk.handle("an order".to_owned());
    }
}
