//! Waits through a node that crashes: each resolves at once.

use greenroom::prelude::*;
use greenroom::testing::{Check, Cluster};
use tokio::time::Instant;

/// Answers some calls late, and others never.
#[actor(name = "ledger", mailbox = 4)]
#[derive(Default)]
struct Ledger {
    open: Vec<Reply<u64>>,
}

#[actor]
impl Ledger {
    #[call]
    fn balance(&mut self, reply: Reply<u64>) {
        self.open.push(reply);
    }

    #[call]
    async fn audit(&mut self) -> u64 {
        tokio::time::sleep(Duration::from_secs(3600)).await;
        1
    }

    #[cast]
    async fn book(&mut self, _amount: u64) {
        tokio::time::sleep(Duration::from_secs(3600)).await;
    }
}

/// A cluster of two nodes with a ledger on each.
async fn ledgers() -> (Cluster, [LedgerRef; 2]) {
    let cluster = Cluster::in_memory(2).boot(async |_| Ledger::default().start().await.map(drop)).await;
    let near = cluster.node(0).named("ledger");
    let far = cluster.node(0).named_at("ledger", "n1@test");
    (cluster, [near, far])
}

/// Crashes node 0 while `wait` waits, and returns the result of the wait.
async fn crash_during<T: std::fmt::Debug>(cluster: &Cluster, wait: impl Future<Output = T>) -> T {
    let crash = async {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let crashed = Instant::now();
        cluster.crash(0);
        crashed
    };
    let (crashed, (result, resolved)) = tokio::join!(crash, async { (wait.await, Instant::now()) });
    assert_eq!(resolved, crashed, "not at once: {result:?}");
    result
}

#[greenroom::test]
async fn a_call_through_a_node_that_crashes_fails_at_once() {
    for target in 0..2 {
        let expected = [CallErrorKind::Exit(Exit::Killed), CallErrorKind::NoConnection].map(CallError::from);
        let (cluster, ledgers) = ledgers().await;
        let call = ledgers[target].balance();
        assert_eq!(crash_during(&cluster, call).await, Err(expected[target].clone()));
        let (cluster, ledgers) = self::ledgers().await;
        let call = ledgers[target].audit().forever();
        assert_eq!(crash_during(&cluster, call).await, Err(expected[target].clone()));
        let (cluster, ledgers) = self::ledgers().await;
        let call = ledgers[target].audit().within(Duration::from_secs(600));
        assert_eq!(crash_during(&cluster, call).await, Err(expected[target].clone()));
    }
}

#[greenroom::test]
async fn a_wait_for_an_end_through_a_node_that_crashes_resolves_at_once() {
    let (cluster, [near, _]) = ledgers().await;
    assert_eq!(crash_during(&cluster, near.ended()).await, Exit::Killed);
    let (cluster, [_, far]) = ledgers().await;
    assert_eq!(crash_during(&cluster, far.ended()).await, Exit::NoConnection);
    let (cluster, [near, _]) = ledgers().await;
    drop(near.book(1));
    assert_eq!(crash_during(&cluster, near.stop(Exit::shutdown())).await, Exit::Killed);
    let (cluster, [_, far]) = ledgers().await;
    drop(far.book(1));
    assert_eq!(crash_during(&cluster, far.stop(Exit::shutdown())).await, Exit::NoConnection);
}

#[greenroom::test]
async fn a_cast_in_front_of_a_full_mailbox_fails_when_its_node_crashes() {
    let (cluster, [near, _]) = ledgers().await;
    let mut casts: Vec<_> = (0..20).map(|amount| near.book(amount)).collect();
    let last = casts.pop().unwrap();
    assert_eq!(crash_during(&cluster, last).await, Err(CastError::NoProc));
}

#[greenroom::test]
async fn messages_and_waits_after_a_crash_fail_at_once() {
    let (cluster, [near, far]) = ledgers().await;
    let direct = cluster.node(0).scope(async { Ledger::default().spawn() }).await;
    cluster.crash(0);
    let crashed = Instant::now();
    assert_eq!(near.balance().await, Err(CallErrorKind::NoProc.into()));
    assert_eq!(direct.balance().await, Err(CallErrorKind::NoProc.into()));
    assert_eq!(far.balance().await, Err(CallErrorKind::NoConnection.into()));
    assert_eq!(near.book(1).await, Err(CastError::NoProc));
    assert_eq!(far.book(1).await, Err(CastError::NoConnection));
    assert_eq!((near.ended().await, far.ended().await), (Exit::NoProc, Exit::NoConnection));
    assert!(cluster.node(0).peers().is_empty());
    let late = cluster.node(0).scope(async { Ledger::default().spawn() }).await;
    assert_eq!(late.balance().await, Err(CallErrorKind::NoProc.into()));
    assert!(cluster.node(0).start(Ledger::default()).await.is_err());
    cluster.node(0).stop().await;
    assert_eq!(crashed.elapsed(), Duration::ZERO);
}

#[greenroom::test]
async fn a_call_whose_reply_is_kept_outside_of_the_crashed_node_times_out() {
    let (cluster, _) = ledgers().await;
    let kept = std::sync::Arc::new(std::sync::Mutex::new(None));
    let keep = std::sync::Arc::clone(&kept);
    let keeper = cluster.node(0).scope(async {
        greenroom::spawn(move |mut mailbox: Mailbox<Question>| async move {
            receive!(match mailbox {
                Question::Price { reply } => *keep.lock().unwrap() = Some(reply),
            });
        })
    });
    let price = keeper.await.price();
    let crash = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        cluster.crash(0);
    };
    assert_eq!(tokio::join!(price, crash).0, Err(CallErrorKind::Timeout.into()));
    assert!(kept.lock().unwrap().is_some());
}

#[protocol]
enum Question {
    Price { reply: Reply<u64> },
}

#[test]
fn a_scenario_on_a_node_that_crashes_goes_on() {
    Check::nodes(2).boot(async |_| Ledger::default().start().await.map(drop)).run(0..20, async |cluster| {
        let ledger: LedgerRef = cluster.node(0).named_at("ledger", "n1@test");
        let (answer, ()) = tokio::join!(ledger.balance(), async {
            tokio::time::sleep(Duration::from_millis(cluster.draw(300))).await;
            cluster.crash(0);
        });
        assert_eq!(answer, Err(CallErrorKind::NoConnection.into()));
        cluster.restart(0).await;
        cluster.connected().await;
        assert_eq!(
            ledger.balance().await,
            Err(CallErrorKind::NoConnection.into()),
            "the stub of the earlier incarnation"
        );
    });
}

#[greenroom::test]
async fn the_text_of_a_stub_states_that_its_node_has_been_replaced() {
    let cluster = Cluster::in_memory(2).await;
    let near = cluster.node(0).start(Ledger::default()).await.unwrap();
    let named: LedgerRef = cluster.node(0).named("ledger");
    let far: LedgerRef = cluster.node(0).named_at("ledger", "n1@test");
    let number = near.pid().unwrap().number();
    let (courier, mut received) = tokio::sync::mpsc::unbounded_channel();
    let parcel = cluster.node(1).scope(async {
        greenroom::spawn(move |mut mailbox: Mailbox<Parcel>| async move {
            loop {
                receive!(match mailbox {
                    Parcel::Stub { ledger } => courier.send(ledger).unwrap(),
                });
            }
        })
    });
    let parcel = parcel.await;
    cluster.node(1).scope(async { ParcelRef::register("parcel", &parcel) }).await.unwrap();
    cluster.node(0).named_at::<ParcelRef>("parcel", "n1@test").stub(near.clone());
    let sent = received.recv().await.unwrap();
    let texts = || [&near, &sent, &named, &far].map(|stub| format!("{stub:?}"));
    let running = [
        format!("LedgerRef(<n0@test {number}>)"),
        format!("LedgerRef(<n0@test {number}>)"),
        "LedgerRef(<n0@test \"ledger\">)".to_owned(),
        "LedgerRef(<n1@test \"ledger\">)".to_owned(),
    ];
    assert_eq!(texts(), running);
    cluster.crash(0);
    assert_eq!(texts()[0], format!("LedgerRef(<n0@test {number}, of a stopped node>)"));
    assert_eq!(texts()[1], running[1], "for node 1 only the connection is lost");
    assert_eq!(texts()[3], "LedgerRef(<n1@test \"ledger\", through a stopped node>)");
    cluster.restart(0).await;
    cluster.connected().await;
    let earlier = format!("LedgerRef(<n0@test {number}, of an earlier incarnation of the node>)");
    assert_eq!(texts()[..2], [earlier.clone(), earlier]);
    assert_eq!(texts()[2], "LedgerRef(<n0@test \"ledger\", through an earlier incarnation of a node>)");
    let fresh: LedgerRef = cluster.node(1).named_at("ledger", "n0@test");
    assert_eq!(format!("{fresh:?}"), "LedgerRef(<n0@test \"ledger\">)");
}

#[protocol]
enum Parcel {
    Stub { ledger: LedgerRef },
}
