//! Nodes at a glance, their events and message flows, and requests to their processes, from another node.

use greenroom::prelude::*;
use greenroom::testing::Cluster;
use greenroom::{
    Alarm, AlarmEvent, CallErrorKind, CallableError, FlowSender, Inspection, LifecycleEvent, MessageFlow,
    ObservedEvent, Policy, Right, SysError, Trace, TraceError, Value,
};

/// A desk at which clients order.
#[actor(sys)]
#[derive(Debug, Default)]
struct Desk {
    orders: u64,
}

#[actor]
impl Desk {
    #[call]
    fn order(&mut self) -> u64 {
        self.orders += 1;
        self.orders
    }

    #[cast]
    fn burn(&mut self) {
        panic!("the oven burns");
    }
}

/// Orders ten times a second.
#[actor]
struct Client {
    desk: DeskRef,
}

#[actor]
impl Client {
    #[every("100ms")]
    async fn order(&mut self) -> Result<(), Exit> {
        self.desk.order().await?;
        Ok(())
    }
}

#[supervisor]
#[derive(Default)]
struct Shop {
    #[child]
    desk: Desk,
}

/// Runs the test with the first of two nodes, and what it sees of the second one.
async fn with_two<R>(test: impl AsyncFnOnce(&Cluster, Inspection) -> R) -> R {
    let cluster = Cluster::in_memory(2).configure(|_, builder| builder.metadata("version", "2.1")).await;
    let node = cluster.node(0).clone();
    let result = node.scope(test(&cluster, node.inspect("n1@test"))).await;
    cluster.stop().await;
    result
}

#[greenroom::test]
async fn a_node_at_a_glance_has_its_version_its_members_and_its_load() -> greenroom::Result {
    with_two(async |cluster: &Cluster, there: Inspection| {
        let _clients: Vec<_> = (0..3).map(|_| cluster.node(1).spawn(Desk::default())).collect();
        let overview = there.overview().await?;
        assert_eq!((&*overview.node, overview.processes), ("n1@test", 3));
        assert_eq!(overview.metadata["version"], "2.1");
        let [member] = &overview.members[..] else { panic!("{overview:?}") };
        assert_eq!((member.name().as_str(), member.is_connected), ("n0@test", true));
        assert_eq!(member.address, cluster.node(0).inspect("n0@test").overview().await?.address);
        assert!(member.address.is_some());
        assert!(overview.load.is_some_and(|load| load.threads >= 1), "{overview:?}");
        // A program has some megabytes.
        assert!(!cfg!(target_os = "linux") || overview.memory.is_some_and(|bytes| bytes > 1 << 20), "{overview:?}");
        Ok(())
    })
    .await
}

#[greenroom::test]
async fn events_come_as_they_occur() -> greenroom::Result {
    with_two(async |cluster: &Cluster, there: Inspection| {
        let node = cluster.node(1);
        let lonely = node.spawn(Desk::default());
        lonely.sys().suspend().await?;
        for _ in 0..10_000 {
            drop(lonely.order());
        }
        let mut events = there.events().await?;
        // A raised alarm comes first.
        let first = events.next().await?.expect("the node runs");
        let pid = lonely.pid().unwrap();
        assert!(
            matches!(&first, ObservedEvent::Alarm(AlarmEvent::Raised(Alarm::LongMailbox { pid: of, .. })) if *of == pid),
            "{first:?}"
        );
        let shop = node.start_tree(Shop::default()).await?;
        shop.desk().burn();
        let crash = events.next().await?.expect("the node runs");
        let ObservedEvent::Lifecycle(LifecycleEvent::Crashed { path, .. }) = crash else { panic!("{crash:?}") };
        assert_eq!(path.as_deref(), Some("/Shop/desk"));
        let restart = events.next().await?.expect("the node runs");
        let ObservedEvent::Lifecycle(LifecycleEvent::Restarted { starts, .. }) = restart else { panic!("{restart:?}") };
        assert_eq!(starts, 2);
        cluster.crash(1);
        assert_eq!(events.next().await.unwrap_err().kind, CallErrorKind::NoConnection);
        assert_eq!(events.next().await?, None);
        Ok(())
    })
    .await
}

#[greenroom::test]
async fn subscriptions_are_bounded_with_the_traces() {
    with_two(async |_: &Cluster, there: Inspection| {
        let mut all = Vec::new();
        for _ in 0..16 {
            all.push(there.events().await.unwrap());
        }
        assert_eq!(there.events().await.unwrap_err(), TraceError::TooMany);
        assert_eq!(there.message_flows().await, Ok(None));
        drop(all.pop());
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(there.events().await.is_ok());
    })
    .await;
}

#[greenroom::test]
async fn a_server_is_shown_suspended_resumed_and_ended() -> greenroom::Result {
    with_two(async |cluster: &Cluster, there: Inspection| {
        let node = cluster.node(1);
        let desk = node.spawn(Desk::default());
        let pid = desk.pid().unwrap();
        desk.order().await?;
        assert_eq!(there.state(&pid).await?, Ok("Desk { orders: 1 }".to_owned()));
        assert_eq!(there.suspend(&pid).await?, Ok(()));
        assert!(desk.order().within(Duration::from_secs(60)).await.is_err());
        assert_eq!(there.resume(&pid).await?, Ok(()));
        assert_eq!(desk.order().await?, 3);
        assert!(there.exit(&pid, Exit::shutdown()).await?);
        assert_eq!(desk.ended().await, Exit::shutdown());
        // It has ended.
        assert!(!there.exit(&pid, Exit::kill()).await?);
        assert_eq!(there.suspend(&pid).await?, Err(SysError::NoProc));
        assert_eq!(there.state(&pid).await?, Err(SysError::NoProc));
        // A process of another node with the same number is not ended.
        let client = node.spawn(Client { desk: node.spawn(Desk::default()) });
        let pid = client.pid().unwrap();
        let own = (0..)
            .map(|_| cluster.node(0).spawn(Desk::default()))
            .find(|own| own.pid().unwrap().number() >= pid.number());
        let own = own.expect("numbers ascend");
        assert!(!there.exit(&own.pid().unwrap(), Exit::kill()).await?);
        assert!(client.is_alive() && own.is_alive());
        // Without the option `sys`.
        assert_eq!(there.suspend(&pid).await?, Err(SysError::NotAllowed));
        Ok(())
    })
    .await
}

#[greenroom::test]
async fn the_right_to_inspect_is_not_enough_to_end_a_process() -> greenroom::Result {
    let policy = || Policy::cookie().role("looks", [Right::Inspect]).assign("n0@test", "looks");
    let cluster = Cluster::in_memory(2).configure(move |_, builder| builder.policy(policy())).await;
    let desk = cluster.node(1).spawn(Desk::default());
    let (there, pid) = (cluster.node(0).inspect("n1@test"), desk.pid().unwrap());
    assert_eq!(there.state(&pid).await?, Ok("Desk { orders: 0 }".to_owned()));
    let refused = CallErrorKind::NotAllowed(Right::Exit);
    assert_eq!(there.exit(&pid, Exit::kill()).await.unwrap_err().kind, refused);
    assert_eq!(there.suspend(&pid).await.unwrap_err().kind, refused);
    assert_eq!(there.resume(&pid).await.unwrap_err().kind, refused);
    assert_eq!(desk.order().await, Ok(1));
    // The other node has all rights.
    let here = cluster.node(1).inspect("n0@test");
    let own = cluster.node(0).spawn(Desk::default());
    assert!(here.exit(&own.pid().unwrap(), Exit::kill()).await?);
    cluster.stop().await;
    Ok(())
}

/// Returns the flow between these kinds, whose names end with these.
fn flow<'f>(flows: &'f [MessageFlow], from: &str, to: &str) -> Option<&'f MessageFlow> {
    let is_from = |flow: &&MessageFlow| matches!(&flow.from, FlowSender::Kind(kind) if kind.ends_with(from));
    flows.iter().filter(is_from).find(|flow| flow.to.ends_with(to))
}

#[greenroom::test]
async fn flows_are_sampled_and_extrapolated() -> greenroom::Result {
    with_two(async |cluster: &Cluster, there: Inspection| {
        let node = cluster.node(1);
        // Each of six desks has ten clients, and each client orders ten times a second.
        for _ in 0..6 {
            let desk = node.spawn(Desk::default());
            for _ in 0..10 {
                node.spawn(Client { desk: desk.clone() });
            }
        }
        let _idle = node.spawn(Desk::default());
        tokio::time::sleep(Duration::from_secs(1)).await;
        let flows = there.message_flows().await?.expect("there are no others");
        let orders = flow(&flows, "Client", "Desk").expect("clients order");
        // Of seven desks three were traced, and up to one of them has no clients.
        assert!((400.0..=700.0).contains(&orders.rate), "{flows:?}");
        assert_eq!(orders.protocol, "DeskMessage");
        assert_eq!(orders.refused, 0.0);
        assert!(flow(&flows, "Desk", "Client").is_none(), "answers are not messages: {flows:?}");
        Ok(())
    })
    .await
}

#[greenroom::test]
async fn the_sender_of_a_message_from_another_node_is_in_a_trace_and_in_a_sample() -> greenroom::Result {
    with_two(async |cluster: &Cluster, there: Inspection| {
        let desk = cluster.node(1).spawn(Desk::default());
        DeskRef::register("desk", &desk)?;
        let client = cluster.node(0).spawn(Client { desk: cluster.node(0).named_at("desk", "n1@test") });
        let mut trace = there.trace(&desk.pid().unwrap(), Trace::default()).await?;
        assert_eq!(trace.next().await?.and_then(|event| event.from), client.pid());
        // A process that is traced is not sampled, and its trace goes on.
        assert_eq!(there.message_flows().await?, Some(Vec::new()));
        assert!(trace.next().await?.is_some());
        drop(trace);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let flows = there.message_flows().await?.expect("there are no others");
        let [MessageFlow { from, to, rate, .. }] = &flows[..] else { panic!("{flows:?}") };
        assert_eq!(*from, FlowSender::Remote(client.pid().unwrap()));
        assert!(to.ends_with("Desk") && (8.0..=12.0).contains(rate), "{to} {rate}");
        Ok(())
    })
    .await
}

/// An order with parts of many types.
#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Dish {
    name: String,
    size: Size,
    extras: Vec<(String, u8)>,
    note: Option<String>,
}

#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
enum Size {
    Small,
    Grams(u32),
}

/// Returns the price of a dish, and the dish.
#[remote]
async fn price(dish: Dish, count: u32) -> Result<(u32, Dish), String> {
    match dish.size {
        Size::Small => Err("too small".to_owned()),
        Size::Grams(grams) => Ok((grams * count, dish)),
    }
}

/// A kitchen with a private message.
#[actor(name = "kitchen")]
#[derive(Default)]
struct Kitchen {
    served: u64,
}

#[actor]
impl Kitchen {
    #[call]
    fn serve(&mut self, dish: String, plates: u64) -> Option<String> {
        self.served += plates;
        (self.served > 2).then(|| format!("{dish} for {}", self.served))
    }

    #[cast]
    fn clean(&mut self) {
        self.served = 0;
    }

    #[cast]
    #[private]
    fn close(&mut self) {
        panic!("closed from outside");
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn object<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Object(entries.map(|(name, value)| (name.to_owned(), value)).into())
}

#[greenroom::test]
async fn a_function_is_called_by_the_shape_of_its_parameters() -> greenroom::Result {
    let cluster = Cluster::in_memory(2).export::<price::Remote>().await;
    let there = cluster.node(0).inspect("n1@test");
    assert_eq!(there.functions().await?, ["price"]);
    let price = there.function("price").await?.expect("it is exported");
    let shown = "price(dish: {name: String, size: Small | Grams(u32), extras: [(String, u8)], note: Option<String>}, \
                 count: u32) -> Ok((u32, {name: String, size: Small | Grams(u32), extras: [(String, u8)], \
                 note: Option<String>})) | Err(String)";
    assert_eq!(price.to_string(), shown);
    let extras = Value::List(vec![Value::List(vec![text("salt"), Value::Integer(2)])]);
    let dish =
        |size| object([("name", text("soup")), ("size", size), ("extras", extras.clone()), ("note", Value::Null)]);
    let grams = || dish(object([("Grams", Value::Integer(300))]));
    let expected = object([("Ok", Value::List(vec![Value::Integer(600), grams()]))]);
    let args = Value::List(vec![grams(), Value::Integer(2)]);
    assert_eq!(there.call(&price, args).await, Ok(Some(expected)));
    let args = object([("count", Value::Integer(2)), ("dish", dish(text("Small")))]);
    assert_eq!(there.call(&price, args).await, Ok(Some(object([("Err", text("too small"))]))));
    for (args, expected) in [
        (Value::List(Vec::new()), "expected 2 arguments, found 0"),
        (Value::List(vec![grams(), Value::Integer(-2)]), "`count`: -2 does not fit into u32"),
        (
            Value::List(vec![dish(text("Tiny")), Value::Integer(2)]),
            "`dish.size`: expected one of Small, Grams, found \"Tiny\"",
        ),
        (object([("count", Value::Integer(2))]), "the argument `dish` is missing"),
        (object([("count", Value::Integer(2)), ("dish", grams()), ("x", Value::Null)]), "there is no argument `x`"),
        (Value::Null, "expected a list or an object"),
    ] {
        let error = there.call(&price, args).await.unwrap_err().to_string();
        assert_eq!(error, format!("the arguments do not fit: {expected}"));
    }
    assert!(there.function("cost").await?.is_none());
    cluster.stop().await;
    Ok(())
}

#[greenroom::test]
async fn a_process_is_called_by_the_shape_of_its_protocol() -> greenroom::Result {
    with_two(async |cluster: &Cluster, there: Inspection| {
        let kitchen = cluster.node(1).start(Kitchen::default()).await?;
        let messages = there.messages("kitchen").await?;
        let shown: Vec<_> = messages.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["Serve(dish: String, plates: u64) -> Option<String>", "Clean()"], "not the private one");
        let serve = |plates| Value::List(vec![text("soup"), Value::Integer(plates)]);
        assert_eq!(there.call(&messages[0], serve(2)).await, Ok(Some(Value::Null)));
        assert_eq!(there.call(&messages[0], serve(5)).await, Ok(Some(text("soup for 7"))));
        assert_eq!(there.call(&messages[1], Value::List(Vec::new())).await, Ok(None));
        assert_eq!(there.call(&messages[0], serve(3)).await, Ok(Some(text("soup for 3"))), "it was cleaned");
        assert!(there.messages("cellar").await?.is_empty());
        kitchen.stop(Exit::shutdown()).await;
        let Err(CallableError::Failed(error)) = there.call(&messages[0], serve(1)).await else {
            panic!("it has ended")
        };
        assert_eq!(error.kind, CallErrorKind::NoProc);
        Ok(())
    })
    .await
}

#[greenroom::test]
async fn a_call_by_shape_needs_the_rights_of_a_call() -> greenroom::Result {
    let policy = || Policy::cookie().role("looks", [Right::Inspect]).assign("n0@test", "looks");
    let cluster = Cluster::in_memory(2).export::<price::Remote>().configure(move |_, builder| builder.policy(policy()));
    let cluster = cluster.await;
    let _kitchen = cluster.node(1).start(Kitchen::default()).await?;
    let there = cluster.node(0).inspect("n1@test");
    let serve = there.messages("kitchen").await?.remove(0);
    let price = there.function("price").await?.expect("it is exported");
    let dish = object([("name", text("soup")), ("size", text("Small")), ("extras", Value::List(Vec::new()))]);
    for (callable, args, right) in [
        (serve, Value::List(vec![text("soup"), Value::Integer(1)]), Right::Names),
        (price, Value::List(vec![dish, Value::Integer(1)]), Right::Call),
    ] {
        let Err(CallableError::Failed(error)) = there.call(&callable, args).await else { panic!("it is not allowed") };
        assert_eq!(error.kind, CallErrorKind::NotAllowed(right));
    }
    cluster.stop().await;
    Ok(())
}
