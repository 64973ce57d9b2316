//! A crash that nothing notices fails its test, with the crash report.

use std::process::Command;

use greenroom::prelude::*;
use greenroom::testing::{Cluster, Probe, pattern};

use crate::scripted::settle;

#[derive(Debug)]
#[protocol]
enum Notice {
    #[from]
    Down(Down),
    #[from]
    Exit(ExitSignal),
    Hello,
}

/// A till that crashes on demand.
#[actor(name = "till")]
#[derive(Default)]
struct Till;

#[actor]
impl Till {
    #[cast]
    fn drop_coins(&mut self) {
        panic!("coins everywhere");
    }

    #[cast]
    fn refuse(&mut self) -> Result<(), Exit> {
        Err(Exit::error("closed"))
    }

    #[call]
    fn direct(&mut self, cx: &mut Context<Self>) -> TillRef {
        cx.me()
    }

    #[call]
    fn count(&mut self, fails: bool) -> u64 {
        assert!(!fails, "miscounted");
        7
    }

    #[terminate]
    fn close(&mut self, reason: &Exit) {
        assert!(*reason != Exit::error("stuck drawer"), "the drawer is stuck");
    }
}

#[greenroom::test]
#[should_panic = "a process crashed unseen:\n    Till <nonode@nohost 1> (till) ended after `DropCoins`: panicked at"]
async fn a_panic_that_nothing_notices_fails_the_test() {
    Till.start().await.unwrap().drop_coins();
    settle().await;
}

#[greenroom::test(clock = real)]
#[should_panic = "coins everywhere"]
async fn a_panic_that_nothing_notices_fails_a_test_on_the_real_clock() {
    let till = Till.start().await.unwrap();
    till.drop_coins();
    while Node::current().process_count() > 0 {
        tokio::task::yield_now().await;
    }
}

#[greenroom::test]
#[should_panic = "ended after `Refuse`: closed"]
async fn an_error_that_nothing_notices_fails_the_test() {
    Till.spawn().refuse();
    settle().await;
}

#[greenroom::test]
#[should_panic = "2 processes crashed unseen:"]
async fn all_crashes_are_reported() {
    Till.spawn().refuse();
    greenroom::spawn(|_: Mailbox<Notice>| async move { assert_eq!(1, 2) });
    settle().await;
}

#[greenroom::test]
#[should_panic = "a process crashed unseen:\n    Till <n1@test 1>"]
async fn a_crash_on_a_node_of_a_cluster_counts() {
    let cluster = Cluster::in_memory(2).await;
    cluster.node(1).spawn(Till).drop_coins();
    settle().await;
}

#[greenroom::test]
#[should_panic = "its blocking code ended after all"]
async fn a_panic_of_abandoned_blocking_code_counts() {
    greenroom::spawn(|mailbox: Mailbox<Notice>| async move {
        drop(mailbox.blocking(|| panic!("its blocking code ended after all")));
        std::future::pending::<()>().await;
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
}

#[greenroom::test]
#[should_panic = "the test's own failure"]
async fn the_failure_of_the_test_itself_comes_first() {
    Till.spawn().drop_coins();
    settle().await;
    panic!("the test's own failure");
}

#[greenroom::test(expect_crash)]
async fn a_test_may_expect_crashes() {
    Till.spawn().drop_coins();
    settle().await;
}

#[greenroom::test(clock = real, expect_crash)]
async fn a_test_on_the_real_clock_may_expect_crashes() {
    Till.spawn().drop_coins();
    while Node::current().process_count() > 0 {
        tokio::task::yield_now().await;
    }
}

#[greenroom::test]
async fn links_monitors_waits_and_calls_see_a_crash() {
    let mut probe = Probe::<Notice>::new();
    probe.trap_exit(true);
    let [linked, monitored, awaited, called] = [(); 4].map(|()| Till.spawn());
    // Only one process has the name.
    probe.link(&linked);
    probe.monitor(&monitored);
    let ended = awaited.ended();
    for till in [&linked, &monitored, &awaited] {
        till.drop_coins();
    }
    assert!(matches!(called.count(true).await, Err(CallError { kind: CallErrorKind::Exit(_), .. })));
    probe.expect(pattern!(Notice::Exit(_))).await;
    probe.expect(pattern!(Notice::Down(_))).await;
    ended.await;
}

#[greenroom::test]
async fn a_look_after_the_crash_sees_it() {
    let mut probe = Probe::<Notice>::new();
    let tills = [(); 5].map(|()| greenroom::spawn(|_: Mailbox<Notice>| async move { assert_eq!(1, 2) }));
    settle().await;
    let [monitored, awaited, looked_at, inspected, linked] = tills;
    probe.monitor(&monitored);
    probe.expect(pattern!(Notice::Down(_))).await;
    assert!(matches!(awaited.ended().await, Exit::Panic { .. }));
    assert!(!looked_at.is_alive());
    assert!(Node::current().process_info(&inspected.pid().unwrap()).is_none());
    probe.trap_exit(true);
    probe.link(&linked);
    let called = Till.spawn();
    called.drop_coins();
    settle().await;
    assert_eq!(called.count(false).await, Err(CallErrorKind::NoProc.into()));
}

#[greenroom::test]
async fn a_call_from_another_node_after_the_crash_sees_it() {
    let cluster = Cluster::in_memory(2).await;
    cluster.node(1).start(Till).await.unwrap();
    let till: TillRef = cluster.node(0).named_at("till", "n1@test");
    let till = till.direct().await.unwrap();
    till.drop_coins().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(till.count(false).await, Err(CallErrorKind::NoProc.into()));
}

#[greenroom::test]
async fn an_exit_that_another_process_requests_does_not_count_as_a_crash() {
    let till = Till.spawn();
    till.exit(Exit::error("end of shift"));
    let first = greenroom::spawn(|_: Mailbox<Notice>| std::future::pending::<()>());
    let stub = first.clone();
    greenroom::spawn(move |mailbox: Mailbox<Notice>| async move {
        mailbox.link(&stub);
        std::future::pending::<()>().await;
    });
    settle().await;
    first.exit(Exit::error("end of shift"));
    settle().await;
    assert_eq!(Node::current().process_count(), 0);
}

#[supervisor]
struct Shop {
    #[child]
    till: Till,
}

#[greenroom::test]
async fn a_supervised_crash_is_seen() {
    let shop = Shop {}.start().await.unwrap();
    shop.till().drop_coins();
    settle().await;
    assert_eq!(shop.till().count(false).await, Ok(7));
}

#[greenroom::test]
async fn a_failed_start_is_seen() {
    let _first = Till.start().await.unwrap();
    assert!(Till.start().await.is_err(), "the name is taken");
}

/// The test below runs this one in a process of its own.
#[greenroom::test]
#[ignore = "fails on purpose"]
async fn fails_with_an_unseen_crash() {
    Till.spawn().drop_coins();
    settle().await;
}

#[greenroom::test]
#[ignore = "fails on purpose"]
async fn fails_with_an_assertion() {
    assert_eq!(Till.spawn().count(false).await, Ok(8));
}

#[greenroom::test]
#[ignore = "fails on purpose"]
async fn fails_with_an_error() -> greenroom::Result {
    Err(Exit::error("closed"))
}

#[test]
fn each_failing_test_prints_its_seed_and_the_command_that_repeats_it() {
    let path = std::thread::current().name().map(str::to_owned).unwrap_or_default();
    let module = path.rsplit_once("::").map_or("kit::unseen_crashes", |(module, _)| module);
    for test in ["fails_with_an_unseen_crash", "fails_with_an_assertion", "fails_with_an_error"] {
        for seed in [None, Some("17")] {
            let output = Command::new(std::env::current_exe().unwrap())
                .args([&format!("{module}::{test}"), "--exact", "--ignored", "--nocapture"])
                .env("GREENROOM_TEST_SEED", seed.unwrap_or(""))
                .output()
                .unwrap();
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            let seed = seed.unwrap_or("0");
            assert!(!output.status.success());
            assert!(text.contains(&format!("greenroom: the test failed on seed {seed}, at step ")), "{text}");
            assert!(text.contains(&format!("    GREENROOM_TEST_SEED={seed} cargo test")), "{text}");
            assert!(text.contains(&format!("{module}::{test} -- --exact --nocapture\n")), "{text}");
        }
    }
}
