//! The rights of nodes on each other.

use greenroom::prelude::*;
use greenroom::testing::{Probe, pattern};
use greenroom::{
    CallErrorKind, ChildSpec, NodeError, Policy, Right, SpawnError, Strategy, Supervisor, Trace, TraceError,
};
use serde::{Deserialize, Serialize};

/// An actor that others may start, and that is registered.
#[actor(name = "till")]
#[derive(Default, Serialize, Deserialize)]
struct Till {
    sales: u64,
}

#[actor]
impl Till {
    #[call]
    fn sell(&mut self) -> u64 {
        self.sales += 1;
        self.sales
    }
}

#[actor]
#[derive(Serialize, Deserialize)]
struct Counter;

#[actor]
impl Counter {
    #[call]
    fn count(&self) -> u64 {
        1
    }
}

#[remote]
fn sum(a: u32, b: u32) -> u32 {
    a + b
}

#[protocol]
enum Watcher {
    #[from]
    Down(Down),
}

/// Starts a shop with this policy, and a client under this name. Runs `test` on the client.
async fn with_policy<R>(policy: Policy, client: &str, test: impl AsyncFnOnce(Node, &Node) -> R) -> R {
    let cookie = Cookie::random().unwrap();
    let builder = Node::builder("shop@test").cookie(cookie.clone()).listen("127.0.0.1:0").policy(policy);
    let shop = builder.export::<Counter>().export::<sum::Remote>().start().await.unwrap();
    let _till = shop.start(Till::default()).await.unwrap();
    let client = Node::builder(client).cookie(cookie).seed(shop.address().unwrap()).start().await.unwrap();
    let result = client.scope(test(client.clone(), &shop)).await;
    client.stop().await;
    shop.stop().await;
    result
}

/// The kinds of access that succeed.
async fn allowed(client: &Node, shop: &Node) -> Vec<Right> {
    let mut rights = Vec::new();
    let not_allowed = |right: Right| CallErrorKind::NotAllowed(right);
    let till: TillRef = client.named_at("till", "shop@test");
    match till.sell().await {
        Ok(_) => rights.push(Right::Names),
        Err(error) => assert_eq!(error.kind, not_allowed(Right::Names)),
    }
    let mut watcher = Probe::<Watcher>::on(client);
    watcher.monitor(&client.named_at::<TillRef>("nobody", "shop@test"));
    let down = watcher.expect(pattern!(Watcher::Down(down) => down.reason)).await;
    assert_eq!(down == Exit::NoProc, rights.contains(&Right::Names), "{down:?}");
    match Counter.spawn_on("shop@test").await {
        Ok(counter) => {
            assert_eq!(counter.count().await, Ok(1), "a stub needs no right");
            rights.push(Right::Spawn);
            counter.exit(Exit::shutdown());
            let ends = tokio::time::timeout(Duration::from_millis(300), counter.ended()).await.is_ok();
            let linked = Probe::<Watcher>::on(client);
            let counter = Counter.spawn_on("shop@test").await.unwrap();
            linked.link(&counter);
            let pid = linked.pid().clone();
            let is_refused = tokio::time::timeout(Duration::from_millis(300), linked.stub().ended()).await;
            assert_eq!(is_refused.is_err(), ends, "{pid}: {is_refused:?}");
            if ends {
                rights.push(Right::Exit);
            }
        }
        Err(error) => assert_eq!(error, SpawnError::NotAllowed),
    }
    match sum::on("shop@test", 1, 2).await {
        Ok(sum) => {
            assert_eq!(sum, 3);
            rights.push(Right::Call);
        }
        Err(error) => assert_eq!(error.kind, not_allowed(Right::Call)),
    }
    match client.inspect("shop@test").metrics().await {
        Ok(metrics) => {
            assert_eq!(metrics.node, "shop@test");
            rights.push(Right::Inspect);
        }
        Err(error) => assert_eq!(error.kind, not_allowed(Right::Inspect)),
    }
    assert_eq!(rights.len() == 5, shop.counters().refused_by_policy == 0);
    rights.sort_unstable();
    rights
}

#[tokio::test]
async fn each_right_is_there_unless_the_policy_removes_it() {
    const RIGHTS: [Right; 5] = [Right::Names, Right::Spawn, Right::Call, Right::Exit, Right::Inspect];
    let all = with_policy(Policy::cookie(), "client@test", async |client, shop| allowed(&client, shop).await).await;
    assert_eq!(all, RIGHTS);
    for removed in RIGHTS {
        let policy = Policy::cookie().without(removed);
        let left = with_policy(policy, "client@test", async |client, shop| allowed(&client, shop).await).await;
        // Whether exits are allowed is tried on a process that was started.
        let expected = RIGHTS.into_iter().filter(|right| *right != removed);
        let expected: Vec<_> = expected.filter(|right| removed != Right::Spawn || *right != Right::Exit).collect();
        assert_eq!(left, expected, "without {removed}");
    }
}

#[tokio::test]
async fn a_peer_with_a_role_has_the_rights_of_the_role() {
    let policy = || {
        let policy = Policy::cookie().without(Right::Names).without(Right::Spawn).without(Right::Exit);
        policy
            .role("cashier", [Right::Names])
            .role("clerk", [Right::Spawn, Right::Exit])
            .assign("client@test", "cashier")
    };
    let rights = async |client: Node, shop: &Node| allowed(&client, shop).await;
    assert_eq!(with_policy(policy(), "client@test", rights).await, [Right::Names]);
    assert_eq!(with_policy(policy(), "other@test", rights).await, [Right::Call, Right::Inspect]);
    let reassigned = policy().assign("client@test", "clerk");
    assert_eq!(with_policy(reassigned, "client@test", rights).await, [Right::Spawn, Right::Exit]);
}

#[tokio::test]
async fn a_policy_with_a_mistake_is_an_error_of_the_start() {
    let start = |policy| async { Node::builder("shop@test").policy(policy).start().await.map(drop).unwrap_err() };
    let error = start(Policy::cookie().assign("client@test", "cashier")).await;
    assert!(matches!(&error, NodeError::Role(role) if role == "cashier"));
    assert_eq!(error.to_string(), "the policy does not define the role `cashier`");
    let error = start(Policy::cookie().role("cashier", []).assign("client", "cashier")).await;
    assert!(matches!(error, NodeError::Name(_)));
}

/// A stub that the node has sent out is enough to send to its process.
#[tokio::test]
async fn a_stub_is_a_right_by_itself() {
    let policy = Policy::cookie().role("none", []).assign("client@test", "none");
    with_policy(policy, "client@test", async |client: Node, shop: &Node| {
        let mut inbox = Probe::<Inbox>::on(&client);
        InboxRef::register("inbox", &inbox.stub()).unwrap();
        let till = shop.start(Counter).await.unwrap();
        shop.named_at::<InboxRef>("inbox", "client@test").take(till).await.unwrap();
        let counter = inbox.expect(pattern!(Inbox::Take { counter } => counter)).await;
        assert_eq!(counter.count().await, Ok(1));
        assert_eq!(shop.counters().refused_by_policy, 0);
    })
    .await;
}

/// A process that the supervisor could not stop, and that would outlive it.
#[tokio::test]
async fn a_child_to_which_no_link_is_allowed_does_not_run() {
    let policy = Policy::cookie().without(Right::Exit);
    with_policy(policy, "client@test", async |client: Node, shop: &Node| {
        let counter = ChildSpec::<CounterRef>::new(|| Counter.on("shop@test"));
        let tree = Supervisor::new(Strategy::OneForOne).child("counter", counter);
        let StartError { child, reason, .. } = client.start_supervisor(tree).await.unwrap_err();
        let expected = Exit::Shutdown(Some("its starter may not link itself to it".into()));
        assert_eq!((&*child, reason), ("counter", expected));
        assert_eq!((client.process_count(), shop.process_count()), (0, 1), "the till");
    })
    .await;
}

/// A process that waits for another one.
#[actor]
struct Clerk {
    busy: CounterRef,
}

#[actor]
impl Clerk {
    #[call]
    async fn ask(&mut self) -> Result<u64, CallError> {
        self.busy.count().forever().await
    }
}

#[tokio::test]
async fn the_calls_behind_a_call_are_shown_to_those_who_may_inspect() {
    for (policy, count) in [(Policy::cookie(), 1), (Policy::cookie().without(Right::Inspect), 0)] {
        with_policy(policy, "client@test", async |client: Node, shop: &Node| {
            let silent = Probe::<CounterMessage>::on(shop);
            let clerk = shop.spawn(Clerk { busy: silent.stub() });
            ClerkRef::register("clerk", &clerk).unwrap();
            let clerk: ClerkRef = client.named_at("clerk", "shop@test");
            let late = clerk.ask().within(Duration::from_millis(700)).await.unwrap_err();
            assert_eq!(late.waits().len(), count, "{late}");
            assert_eq!(shop.counters().refused_by_policy > 0, count == 0);
        })
        .await;
    }
}

/// Each question about a node is refused, with an error of its own.
#[tokio::test]
async fn a_node_is_inspected_only_by_those_who_may() {
    with_policy(Policy::cookie().without(Right::Inspect), "client@test", async |client: Node, shop: &Node| {
        let (till, pid) = (client.inspect("shop@test"), shop.processes()[0].clone());
        let refused = CallErrorKind::NotAllowed(Right::Inspect);
        assert_eq!(till.processes(None).await.unwrap_err().kind, refused);
        assert_eq!(till.process_info(&pid).await.unwrap_err().kind, refused);
        assert_eq!(till.metrics().await.unwrap_err().kind, refused);
        assert_eq!(till.raised_alarms().await.unwrap_err().kind, refused);
        assert_eq!(till.trees().await.unwrap_err().kind, refused);
        let trace = till.trace(&pid, Trace::default()).await.unwrap_err();
        assert_eq!(trace, TraceError::Failed(refused.into()));
        assert_eq!(shop.counters().refused_by_policy, 6);
        assert_eq!(shop.process_count(), 1, "nothing was started for them");
    })
    .await;
}

/// The messages to a process that receives a stub.
#[protocol]
enum Inbox {
    Take { counter: CounterRef },
}
