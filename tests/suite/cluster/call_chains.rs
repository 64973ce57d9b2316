//! The error of a call that reaches its time limit names what the callee waited for, over all nodes.

use greenroom::prelude::*;
use greenroom::testing::Cluster;

/// A desk that passes a question on to the next one, if it has one, and to the archive otherwise.
#[actor]
struct Desk {
    next: Option<DeskRef>,
    patience: Duration,
    /// The text of the error of the last call, and the number of calls in its chain.
    failure: (String, usize),
}

#[actor]
impl Desk {
    #[call]
    async fn ask(&mut self) -> Option<u32> {
        let Some(next) = &self.next else {
            // Longer than any patience.
            tokio::time::sleep(Duration::from_secs(100)).await;
            return Some(7);
        };
        let answer = next.ask().within(self.patience).await;
        answer.unwrap_or_else(|error| {
            self.failure = (error.to_string(), error.waits().len());
            None
        })
    }

    #[cast]
    fn follow(&mut self, next: DeskRef) {
        self.next = Some(next);
    }

    #[call]
    fn failure(&self) -> (String, usize) {
        self.failure.clone()
    }
}

fn desk(node: &Node, seconds: u64) -> DeskRef {
    let patience = Duration::from_secs(seconds);
    let desk = node.spawn(Desk { next: None, patience, failure: Default::default() });
    DeskRef::register("desk", &desk).unwrap();
    desk
}

fn pid(desk: &DeskRef) -> Pid {
    desk.pid().expect("a process of its node")
}

/// Three desks on three nodes, each of which calls the next, and the last one the first.
async fn ring(stub: impl Fn(&Cluster, usize) -> DeskRef, patience: [u64; 3]) -> (Cluster, [DeskRef; 3]) {
    let cluster = Cluster::in_memory(3).await;
    let desks = [0, 1, 2].map(|at| desk(cluster.node(at), patience[at]));
    for (at, desk) in desks.iter().enumerate() {
        desk.follow(stub(&cluster, at));
    }
    (cluster, desks)
}

#[greenroom::test]
async fn a_cycle_of_calls_over_three_nodes_is_named_at_the_first_time_limit() {
    let next = |cluster: &Cluster, at: usize| cluster.node(at).named_at("desk", format!("n{}@test", (at + 1) % 3));
    let (cluster, desks) = ring(next, [5, 100, 100]).await;
    assert_eq!(desks[0].ask().forever().await, Ok(None));
    let [_, second, third] = desks.each_ref().map(pid);
    let expected = format!(
        "`Desk::ask` on <n1@test \"desk\">: no answer within 5 s; {second} waits for `Desk::ask` on <n2@test \"desk\">, {third} \
         waits for `Desk::ask` on <n0@test \"desk\">"
    );
    assert_eq!(desks[0].failure().await, Ok((expected, 2)));
    drop(cluster);
}

#[greenroom::test]
async fn a_chain_leads_through_several_processes_of_one_node() {
    let cluster = Cluster::in_memory(2).await;
    let [first, last] = [(1, 100), (0, 100)].map(|(at, seconds)| desk(cluster.node(at), seconds));
    let between =
        cluster.node(1).spawn(Desk { next: None, patience: Duration::from_secs(100), failure: Default::default() });
    first.follow(between.clone());
    between.follow(cluster.node(1).named_at("desk", "n0@test"));
    let far = cluster.node(0).named_at::<DeskRef>("desk", "n1@test");
    let error = far.ask().within(Duration::from_secs(2)).await.unwrap_err();
    let names = ["first", "between"].map(|_| "Desk::ask");
    assert_eq!(error.waits().iter().map(|wait| &*wait.message).collect::<Vec<_>>(), names);
    assert_eq!(error.waits().iter().map(|wait| wait.process.clone()).collect::<Vec<_>>(), [pid(&first), pid(&between)]);
    assert_eq!(
        error.waits().iter().map(|wait| &*wait.callee).collect::<Vec<_>>(),
        [&*pid(&between).to_string(), "<n0@test \"desk\">"]
    );
    assert_eq!((error.message(), error.callee()), (Some("Desk::ask"), Some("<n1@test \"desk\">")));
    drop(last);
}

#[greenroom::test]
async fn a_slow_callee_without_a_call_of_its_own_is_named_alone() {
    let cluster = Cluster::in_memory(2).await;
    let slow = desk(cluster.node(1), 1);
    let far = cluster.node(0).named_at::<DeskRef>("desk", "n1@test");
    let error = far.ask().await.unwrap_err();
    assert_eq!(error.to_string(), "`Desk::ask` on <n1@test \"desk\">: no answer within 5 s");
    let near = slow.ask().within(Duration::from_millis(250)).await.unwrap_err();
    assert_eq!(near.to_string(), format!("`Desk::ask` on {}: no answer within 250 ms", pid(&slow)));
}

#[greenroom::test]
async fn on_one_node_a_chain_without_a_cycle_is_named_too() {
    let slow = Desk { next: None, patience: Duration::MAX, failure: Default::default() }.spawn();
    let middle = Desk { next: Some(slow.clone()), patience: Duration::MAX, failure: Default::default() }.spawn();
    let first =
        Desk { next: Some(middle.clone()), patience: Duration::from_secs(1), failure: Default::default() }.spawn();
    assert_eq!(first.ask().forever().await, Ok(None));
    let expected = format!(
        "`Desk::ask` on {}: no answer within 1 s; {} waits for `Desk::ask` on {}",
        pid(&middle),
        pid(&middle),
        pid(&slow)
    );
    assert_eq!(first.failure().await, Ok((expected, 1)));
}

#[greenroom::test]
async fn without_a_connection_to_the_next_node_the_chain_ends_there() {
    let cluster = Cluster::in_memory(3).await;
    let desks = [0, 1, 2].map(|at| desk(cluster.node(at), 100));
    desks[1].follow(cluster.node(1).named_at("desk", "n2@test"));
    let far = cluster.node(0).named_at::<DeskRef>("desk", "n1@test");
    cluster.partition(0, 2);
    let error = far.ask().within(Duration::from_secs(30)).await.unwrap_err();
    assert_eq!(error.waits().len(), 1, "{error}");
    assert!(error.to_string().ends_with("waits for `Desk::ask` on <n2@test \"desk\">"), "{error}");
}
